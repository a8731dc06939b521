// Owns private keys in ASN.1: PKCS#1, SEC1, OpenSSL's DSA and PKCS#8 (RFC 8017, 5915, 5958, 8410), to and from numbers. Knows
// nothing of armour and encryption.
import { bitString, integer, octetString, privateKeyInfo, sequence, tagged } from '../../crypto/der.ts'
import { fromBig, toBig } from '../../crypto/magnitude.ts'
import type { CryptoProvider, CurveName, PrivateKeyNumbers } from '../../crypto/provider.ts'
import { equalBytes } from '../../crypto/constant-time.ts'
import { WireError } from '../../errors.ts'
import { paddedTo } from '../../algorithms/signature/integers.ts'
import { Reader } from '../../wire/reader.ts'
import { Writer } from '../../wire/writer.ts'
import { keyTypeOfNumbers, PrivateKey } from '../private.ts'
import { algorithmOf, type DerReader, nothing, objectName } from './der.ts'
import { algorithms, curveNames, fieldBytes, namedCurve } from './asn1-names.ts'

type Numbers<K extends PrivateKeyNumbers['kind']> = Extract<PrivateKeyNumbers, { kind: K }>

const zero = Uint8Array.of(0)
const one = Uint8Array.of(1)

/** Adds the public half, or compares it with the one the file has. */
const withPublicHalf = (crypto: CryptoProvider, kind: 'ed25519' | CurveName, secret: Uint8Array, found?: Uint8Array): PrivateKeyNumbers => {
  let half: Uint8Array
  try {
    half = crypto.publicHalf(kind === 'ed25519' ? { kind, seed: secret } : { kind: 'ecdsa', curve: kind, scalar: secret })
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw new WireError('a private number that is none', { cause })
  }
  if (found !== undefined && !equalBytes(found, half)) throw new WireError('its public and its private part are different keys')
  return kind === 'ed25519' ? { kind, publicKey: half, seed: secret } : { kind: 'ecdsa', curve: kind, point: half, scalar: secret }
}

/** An ECDSA key of its scalar, in any width. Throws `WireError`. */
export const ecdsaNumbers = (crypto: CryptoProvider, curve: CurveName, scalar: Uint8Array, point?: Uint8Array): PrivateKeyNumbers => {
  const full = paddedTo(scalar, fieldBytes[curve])
  if (full === undefined) throw new WireError('a private number that is too large')
  return withPublicHalf(crypto, curve, full, point)
}

/** An Ed25519 key of its seed. Throws `WireError`. */
export const ed25519Numbers = (crypto: CryptoProvider, seed: Uint8Array, publicKey?: Uint8Array): PrivateKeyNumbers => {
  if (seed.length !== 32) throw new WireError(`an Ed25519 key of ${seed.length} bytes, 32 belong there`)
  return withPublicHalf(crypto, 'ed25519', seed, publicKey)
}

/** RFC 8017 §A.1.2. */
export const readPkcs1 = (der: DerReader): PrivateKeyNumbers => {
  const fields = der.sequence()
  if (fields.integer().length !== 0) throw new WireError('an RSA key with more than two factors')
  const [n, e, d, p, q] = [fields.integer(), fields.integer(), fields.integer(), fields.integer(), fields.integer()]
  fields.integer()
  fields.integer()
  const iqmp = fields.integer()
  fields.finish()
  return { kind: 'rsa', n, e, d, iqmp, p, q }
}

/** RFC 5915 §3. `outer` is the curve when the surrounding PKCS#8 names it. */
export const readSec1 = (crypto: CryptoProvider, der: DerReader, outer?: CurveName): PrivateKeyNumbers => {
  const fields = der.sequence()
  fields.integer()
  const scalar = fields.octetString()
  const curve = fields.nextTag === 0xa0 ? namedCurve(fields.inside(0xa0)) : outer
  if (curve === undefined || (outer !== undefined && curve !== outer)) throw new WireError('a curve that is not named, or named twice')
  const point = fields.nextTag === 0xa1 ? fields.inside(0xa1).bitString() : undefined
  fields.finish()
  return ecdsaNumbers(crypto, curve, scalar, point)
}

/** OpenSSL's own: 0, p, q, g, y, x. */
export const readDsa = (der: DerReader): PrivateKeyNumbers => {
  const fields = der.sequence()
  fields.integer()
  const [p, q, g, y, x] = [fields.integer(), fields.integer(), fields.integer(), fields.integer(), fields.integer()]
  fields.finish()
  return { kind: 'dsa', p, q, g, y, x }
}

/** `base` to the `exponent` in `modulus`. It takes a time that depends on them. */
const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n
  let square = base % modulus
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** PKCS#8 leaves y out. RFC 3279 §2.3.2 has the parameters. */
const readDsaOfPkcs8 = (parameters: DerReader, inner: DerReader): PrivateKeyNumbers => {
  const fields = parameters.sequence()
  const [p, q, g, x] = [fields.integer(), fields.integer(), fields.integer(), inner.integer()]
  fields.finish()
  if (p.length > 384 || x.length > q.length || p.length === 0) throw new WireError('a DSA key of a size that is not used')
  return { kind: 'dsa', p, q, g, y: fromBig(power(toBig(g), toBig(x), toBig(p))), x }
}

/** RFC 5958 §2. Attributes are passed over; a public key beside the private one must belong to it. */
export const readPkcs8 = (crypto: CryptoProvider, der: DerReader): PrivateKeyNumbers => {
  const fields = der.sequence()
  if (fields.count(1) === undefined) throw new WireError('a PKCS#8 key of a version that is not known')
  const { name, parameters } = algorithmOf(fields)
  const inner = fields.insideOctets()
  fields.skip(0xa0)
  const publicKey = fields.nextTag === 0x81 ? fields.bits(0x81) : undefined
  fields.finish()
  const numbers = (): PrivateKeyNumbers => {
    if (name === algorithms.rsa) return readPkcs1(inner)
    if (name === algorithms.ec) return readSec1(crypto, inner, namedCurve(parameters))
    if (name === algorithms.ed25519) return ed25519Numbers(crypto, inner.octetString(), publicKey)
    if (name === algorithms.dsa) return readDsaOfPkcs8(parameters, inner)
    throw new WireError(`a key of the algorithm ${name}, which SSH has no key type for`)
  }
  const found = numbers()
  inner.finish()
  return found
}

/** Passes the numbers through the checks every key passes. Throws `WireError`. */
export const checkedKey = (numbers: PrivateKeyNumbers, comment = ''): PrivateKey => {
  const row = keyTypeOfNumbers(numbers)
  const writer = new Writer(1 << 15)
  row.privateFields.write(writer, numbers)
  return new PrivateKey(row.privateFields.read(new Reader(writer.written())), comment)
}

/** d mod (p-1) and d mod (q-1), which SSH leaves out. */
export const rsaExponents = (key: Numbers<'rsa'>): { readonly dp: Uint8Array; readonly dq: Uint8Array } => {
  const d = toBig(key.d)
  return { dp: fromBig(d % (toBig(key.p) - 1n)), dq: fromBig(d % (toBig(key.q) - 1n)) }
}

/** RFC 8017 §A.1.2. */
export const pkcs1Of = (key: Numbers<'rsa'>): Uint8Array => {
  const { dp, dq } = rsaExponents(key)
  return sequence(...[zero, key.n, key.e, key.d, key.p, key.q, dp, dq, key.iqmp].map(integer))
}

/** RFC 5915 §3, with the curve's name when nothing around it has it. */
export const sec1Of = (key: Numbers<'ecdsa'>, named: boolean): Uint8Array => {
  const curve = named ? [tagged(0, objectName(curveNames[key.curve]))] : []
  return sequence(integer(one), octetString(key.scalar), ...curve, tagged(1, bitString(key.point)))
}

/** RFC 5958, version 0, as OpenSSL writes it; `undefined` for keys it has no form for. */
export const pkcs8Of = (key: PrivateKeyNumbers): Uint8Array | undefined => {
  if (key.kind === 'rsa') return privateKeyInfo([objectName(algorithms.rsa), nothing], pkcs1Of(key))
  if (key.kind === 'ecdsa') return privateKeyInfo([objectName(algorithms.ec), objectName(curveNames[key.curve])], sec1Of(key, false))
  if (key.kind === 'ed25519') return privateKeyInfo([objectName(algorithms.ed25519)], octetString(key.seed))
  return undefined
}
