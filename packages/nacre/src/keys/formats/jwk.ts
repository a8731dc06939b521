// Owns keys as JSON Web Keys (RFC 7517, 7518 §6, 8037): Ed25519, EC and RSA, private and public, to and from numbers. Knows
// nothing of encryption: there is none.
import type { CurveName, PlainPublicNumbers, PublicKeyNumbers } from '../../crypto/provider.ts'
import { escapeForPeople, WireError } from '../../errors.ts'
import { paddedTo } from '../../algorithms/signature/integers.ts'
import { decodeBase64, encodeBase64 } from '../base64.ts'
import type { PublicKey } from '../public.ts'
import { fieldBytes } from './asn1-names.ts'
import { checkedKey, ecdsaNumbers, ed25519Numbers, rsaExponents } from './asn1-private.ts'
import { plainPublicKey } from './asn1-public.ts'
import { type KeyFormat, type KeyWriter, malformed, noFormFor, type Place, read, unsupported } from './format.ts'

const name = 'JWK'
const longestName = 16

type Fields = Readonly<Record<string, unknown>>

/** RFC 7518 §6.2.1.1. */
const curves: ReadonlyMap<unknown, CurveName> = new Map([
  ['P-256', 'nistp256'],
  ['P-384', 'nistp384'],
  ['P-521', 'nistp521'],
])

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const fieldsOf = (text: string, place: Place): Fields => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own words quote the text, which may be the key.
    throw malformed(place, 'it is no JSON, or is cut off')
  }
  if (!isObject(value) || typeof value['kty'] !== 'string') throw malformed(place, 'it is no JSON object with a "kty"')
  return value
}

const bytesOf = (fields: Fields, field: string): Uint8Array => {
  const value = fields[field]
  if (typeof value !== 'string') throw new WireError(`its "${field}" is missing`)
  const base64 = value.replaceAll('-', '+').replaceAll('_', '/')
  const bytes = decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='))
  if (bytes === undefined) throw new WireError(`its "${field}" is not base64url`)
  return bytes
}

const base64Url = (bytes: Uint8Array): string => encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')

/** A number in as few bytes as it takes (RFC 7518 §2). */
const shortest = (magnitude: Uint8Array): string => {
  const first = magnitude.findIndex(byte => byte !== 0)
  return base64Url(first < 0 ? Uint8Array.of(0) : magnitude.subarray(first))
}

const kindUnsupported = (fields: Fields, place: Place) => {
  // What is longer is no name: in a damaged file it may be any part of the key.
  const shown = [fields['kty'], fields['crv']].filter(each => typeof each === 'string' && each.length <= longestName).join(' ')
  return unsupported(place, `holds a key of the kind ${escapeForPeople(shown, { limit: 64 })}, which SSH has no key type for`)
}

/** x and y beside each other, as SSH has them. */
const pointOf = (fields: Fields, curve: CurveName): Uint8Array => {
  const size = fieldBytes[curve]
  const [x, y] = ['x', 'y'].map(field => paddedTo(bytesOf(fields, field), size))
  if (x === undefined || y === undefined) throw new WireError('a point that is too large')
  const point = new Uint8Array(1 + 2 * size)
  point[0] = 4
  point.set(x, 1)
  point.set(y, 1 + size)
  return point
}

type UsualNumbers = Exclude<PlainPublicNumbers, { kind: 'dsa' }>

const publicNumbers = (fields: Fields, place: Place): UsualNumbers => {
  const curve = curves.get(fields['crv'])
  if (fields['kty'] === 'RSA') return { kind: 'rsa', n: bytesOf(fields, 'n'), e: bytesOf(fields, 'e') }
  if (fields['kty'] === 'EC' && curve !== undefined) return { kind: 'ecdsa', curve, point: pointOf(fields, curve) }
  if (fields['kty'] === 'OKP' && fields['crv'] === 'Ed25519') return { kind: 'ed25519', publicKey: bytesOf(fields, 'x') }
  throw kindUnsupported(fields, place)
}

/** What stands for a comment. */
const commentOf = (fields: Fields): string => (typeof fields['kid'] === 'string' ? fields['kid'] : '')

const jwkPublicKey = (fields: Fields, place: Place): PublicKey =>
  read(place, () => {
    const numbers = publicNumbers(fields, place)
    return plainPublicKey(numbers, commentOf(fields))
  })

/** The key of a JWK, private or public, or all keys of a set of them (RFC 7517 §5). */
export const readPublicJwk = (text: string, path: string | undefined): readonly PublicKey[] => {
  const place: Place = { path, format: name, isPublic: true }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's own words quote the text, which may be the key.
    throw malformed(place, 'it is no JSON, or is cut off')
  }
  const keys = isObject(value) && Array.isArray(value['keys']) ? (value['keys'] as unknown[]) : [value]
  return keys.map(each => {
    if (!isObject(each) || typeof each['kty'] !== 'string') throw malformed(place, 'it is no JSON object with a "kty"')
    return jwkPublicKey(each, place)
  })
}

export const recognisesJwk = (text: string): boolean => /^\s*\{/.test(text)

export const jwkFormat: KeyFormat = {
  name,
  recognises: recognisesJwk,
  read: (crypto, text, path) => {
    const place: Place = { path, format: name }
    const fields = fieldsOf(text, place)
    if (fields['d'] === undefined) throw unsupported(place, 'holds a public key only. Name the private key instead')
    return read(place, () => {
      const half = publicNumbers(fields, place)
      const d = bytesOf(fields, 'd')
      const comment = commentOf(fields)
      if (half.kind === 'ed25519') return checkedKey(ed25519Numbers(crypto, d, half.publicKey), comment)
      if (half.kind === 'ecdsa') return checkedKey(ecdsaNumbers(crypto, half.curve, d, half.point), comment)
      // RFC 7518 §6.3.2: the factors may be left out, and "oth" says that there are more than two.
      if (fields['p'] === undefined || fields['oth'] !== undefined)
        throw unsupported(place, 'has not exactly two factors of its RSA modulus')
      const [p, q, iqmp] = [bytesOf(fields, 'p'), bytesOf(fields, 'q'), bytesOf(fields, 'qi')]
      return checkedKey({ ...half, d, p, q, iqmp }, comment)
    })
  },
  publicPart: (text, path) => {
    const place: Place = { path, format: name }
    return jwkPublicKey(fieldsOf(text, place), place)
  },
}

const publicFields = (numbers: PublicKeyNumbers): Fields | undefined => {
  if (numbers.kind === 'rsa') return { kty: 'RSA', n: shortest(numbers.n), e: shortest(numbers.e) }
  if (numbers.kind === 'ed25519') return { kty: 'OKP', crv: 'Ed25519', x: base64Url(numbers.publicKey) }
  if (numbers.kind !== 'ecdsa') return undefined
  const size = fieldBytes[numbers.curve]
  const crv = { nistp256: 'P-256', nistp384: 'P-384', nistp521: 'P-521' }[numbers.curve]
  return { kty: 'EC', crv, x: base64Url(numbers.point.subarray(1, 1 + size)), y: base64Url(numbers.point.subarray(1 + size)) }
}

const written = (fields: Fields, comment: string): string => `${JSON.stringify(comment === '' ? fields : { ...fields, kid: comment })}\n`

/** The text of a public JWK; `undefined` for a key there is no form of. */
export const writePublicJwk = (key: PublicKey): string | undefined => {
  const fields = key.numbers === undefined ? undefined : publicFields(key.numbers)
  return fields === undefined ? undefined : written(fields, key.comment)
}

export const writeJwk: KeyWriter = async (_crypto, key, options) => {
  if (options.passphrase !== undefined) throw new TypeError('a JWK is not encrypted; leave the passphrase out or write PKCS#8')
  const numbers = key.revealNumbers()
  const fields = publicFields(numbers)
  const comment = options.comment ?? key.comment
  if (numbers.kind === 'ed25519') return written({ ...fields, d: base64Url(numbers.seed) }, comment)
  if (numbers.kind === 'ecdsa') return written({ ...fields, d: base64Url(numbers.scalar) }, comment)
  if (numbers.kind !== 'rsa') throw noFormFor(key, name, 'Write it in OpenSSH form.')
  const { dp, dq } = rsaExponents(numbers)
  const [d, p, q, qi] = [numbers.d, numbers.p, numbers.q, numbers.iqmp].map(shortest)
  return written({ ...fields, d, p, q, dp: shortest(dp), dq: shortest(dq), qi }, comment)
}
