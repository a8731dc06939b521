// Owns making new key pairs with node:crypto. Knows nothing of SSH's blobs and files: it returns numbers.
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import type { CurveName, KeyChoice, PlainPrivateNumbers } from '../provider.ts'

const makePair = promisify(generateKeyPair)

interface JsonWebKey {
  readonly [field: string]: unknown
}

const number = (jwk: JsonWebKey, field: 'd' | 'e' | 'n' | 'p' | 'q' | 'qi' | 'x' | 'y'): Uint8Array => {
  const value = jwk[field]
  if (typeof value !== 'string') throw new TypeError(`a generated key without "${field}"`)
  return new Uint8Array(Buffer.from(value, 'base64url'))
}

const namedCurves: Record<CurveName, { node: string; fieldBytes: number }> = {
  nistp256: { node: 'P-256', fieldBytes: 32 },
  nistp384: { node: 'P-384', fieldBytes: 48 },
  nistp521: { node: 'P-521', fieldBytes: 66 },
}

const exported = (pair: { privateKey: KeyObject }): JsonWebKey => ({ ...pair.privateKey.export({ format: 'jwk' }) })

/** A new key, made off this thread. Throws `RangeError` for RSA sizes out of bounds. */
export const generateKeyNumbers = async (choice: KeyChoice): Promise<PlainPrivateNumbers> => {
  if (choice.kind === 'ed25519') {
    const jwk = exported(await makePair('ed25519', {}))
    return { kind: 'ed25519', publicKey: number(jwk, 'x'), seed: number(jwk, 'd') }
  }
  if (choice.kind === 'ecdsa') {
    const { node, fieldBytes } = namedCurves[choice.curve]
    const jwk = exported(await makePair('ec', { namedCurve: node }))
    const point = new Uint8Array(1 + 2 * fieldBytes)
    point[0] = 4
    point.set(number(jwk, 'x'), 1)
    point.set(number(jwk, 'y'), 1 + fieldBytes)
    return { kind: 'ecdsa', curve: choice.curve, point, scalar: number(jwk, 'd') }
  }
  const bits = choice.bits ?? 3072
  if (!Number.isInteger(bits) || bits < 1024 || bits > 16384) throw new RangeError(`RSA keys have 1024 to 16384 bits, not ${bits}`)
  const jwk = exported(await makePair('rsa', { modulusLength: bits, publicExponent: 0x10001 }))
  const [e, n, d, iqmp, p, q] = (['e', 'n', 'd', 'qi', 'p', 'q'] as const).map(field => number(jwk, field))
  return { kind: 'rsa', e, n, d, iqmp, p, q }
}
