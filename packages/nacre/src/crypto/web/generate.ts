// Owns making new key pairs on the web. Knows nothing of SSH's blobs and files: it returns numbers.
import { ed25519 } from '@noble/curves/ed25519.js'
import { fromBig } from '../magnitude.ts'
import type { KeyChoice, PlainPrivateNumbers } from '../provider.ts'
import { curves } from './curves.ts'

const bytesOf = (text: string | undefined): Uint8Array => {
  if (text === undefined) throw new TypeError('a generated key with a number missing')
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), character => character.charCodeAt(0))
}

/** A new key; RSA is made by the runtime's WebCrypto. Throws `RangeError` for RSA sizes out of bounds. */
export const generateKeyNumbers = async (choice: KeyChoice): Promise<PlainPrivateNumbers> => {
  if (choice.kind === 'ed25519') {
    const { secretKey, publicKey } = ed25519.keygen()
    return { kind: 'ed25519', publicKey, seed: secretKey }
  }
  if (choice.kind === 'ecdsa') {
    const { curve } = curves[choice.curve]
    const scalar = curve.utils.randomSecretKey()
    return { kind: 'ecdsa', curve: choice.curve, point: curve.getPublicKey(scalar, false), scalar }
  }
  const bits = choice.bits ?? 3072
  if (!Number.isInteger(bits) || bits < 1024 || bits > 16384) throw new RangeError(`RSA keys have 1024 to 16384 bits, not ${bits}`)
  const { subtle } = globalThis.crypto
  const publicExponent = fromBig(0x10001n) as Uint8Array<ArrayBuffer>
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', modulusLength: bits, publicExponent, hash: 'SHA-256' }
  const { privateKey } = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const { e, n, d, qi, p, q } = await subtle.exportKey('jwk', privateKey)
  return { kind: 'rsa', e: bytesOf(e), n: bytesOf(n), d: bytesOf(d), iqmp: bytesOf(qi), p: bytesOf(p), q: bytesOf(q) }
}
