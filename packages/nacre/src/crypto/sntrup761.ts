// Owns sntrup761, the key encapsulation of Streamlined NTRU Prime (NIST round 3) that OpenSSH pairs with X25519. It is
// given its random bytes and SHA-512, and knows nothing of SSH. No branch and no address depends on a secret, except
// that an element without inverse is drawn again.
import type { Random } from './provider.ts'
import { decodeSmall, encodeSmall, radixCode, smallBytes } from './sntrup761-encoding.ts'
import { halfQ, invertTripled, mod3, modQ, multiplySmall, p, q } from './sntrup761-field.ts'
import { sortObliviously } from './sntrup761-sort.ts'
import { invertTernary, multiplyTernary } from './sntrup761-ternary.ts'

/** SHA-512 over the pieces in order. */
export type Sha512 = (...pieces: readonly Uint8Array[]) => Uint8Array

/** Sizes in bytes. */
export const sntrup761Bytes = { publicKey: 1158, secretKey: 1763, ciphertext: 1039, secret: 32 } as const

/** How many coefficients of a short element are not zero. */
const weight = 286

const hashBytes = 32
const elementCode = radixCode(q)
const roundedCode = radixCode((q + 2) / 3)
const roundedBytes = sntrup761Bytes.ciphertext - hashBytes

/** Where the parts of a secret key stand: f, 1/g, the public key, the fallback secret, the hash of the public key. */
const inverseAt = smallBytes
const publicAt = 2 * smallBytes
const fallbackAt = publicAt + sntrup761Bytes.publicKey
const publicHashAt = fallbackAt + smallBytes

/** A key pair, in the forms of the specification: 1158 and 1763 bytes. */
export const sntrup761Generate = (random: Random, sha512: Sha512): { publicKey: Uint8Array; secretKey: Uint8Array } => {
  const { g, inverse } = invertible(random)
  const f = shortElement(random)
  // h = g / (3f)
  const h = multiplySmall(invertTripled(f), g)
  const publicKey = encodeElement(h)
  const fallback = new Uint8Array(smallBytes)
  random(fallback)
  const secretKey = new Uint8Array(sntrup761Bytes.secretKey)
  secretKey.set(encodeSmall(f))
  secretKey.set(encodeSmall(inverse), inverseAt)
  secretKey.set(publicKey, publicAt)
  secretKey.set(fallback, fallbackAt)
  secretKey.set(prefixedHash(sha512, 4, publicKey), publicHashAt)
  for (const each of [f, g, inverse, fallback]) each.fill(0)
  return { publicKey, secretKey }
}

/** A fresh secret of 32 bytes and the ciphertext of 1039 bytes that carries it. Throws `RangeError` for a key of another size. */
export const sntrup761Encapsulate = (
  publicKey: Uint8Array,
  random: Random,
  sha512: Sha512,
): { ciphertext: Uint8Array; secret: Uint8Array } => {
  sized('public key', publicKey, sntrup761Bytes.publicKey)
  const r = shortElement(random)
  const input = encodeSmall(r)
  const ciphertext = hide(r, input, publicKey, prefixedHash(sha512, 4, publicKey), sha512)
  const secret = sessionHash(sha512, 1, input, ciphertext)
  r.fill(0)
  input.fill(0)
  return { ciphertext, secret }
}

/**
 * The secret of 32 bytes a ciphertext carries. A forged ciphertext gives a secret nobody else knows, and nothing here tells
 * the two apart. Throws `RangeError` for other sizes.
 */
export const sntrup761Decapsulate = (secretKey: Uint8Array, ciphertext: Uint8Array, sha512: Sha512): Uint8Array => {
  sized('secret key', secretKey, sntrup761Bytes.secretKey)
  sized('ciphertext', ciphertext, sntrup761Bytes.ciphertext)
  const r = reveal(secretKey, ciphertext)
  const input = encodeSmall(r)
  const publicKey = secretKey.subarray(publicAt, fallbackAt)
  const again = hide(r, input, publicKey, secretKey.subarray(publicHashAt), sha512)
  let difference = 0
  for (let i = 0; i < again.length; i++) difference |= again[i] ^ ciphertext[i]
  const forged = -difference >> 31
  for (let i = 0; i < smallBytes; i++) input[i] ^= forged & (input[i] ^ secretKey[fallbackAt + i])
  const secret = sessionHash(sha512, 1 + forged, input, ciphertext)
  r.fill(0)
  input.fill(0)
  return secret
}

/** Rounds h·r to multiples of 3 and adds the hash that confirms r. */
const hide = (r: Int8Array, input: Uint8Array, publicKey: Uint8Array, publicHash: Uint8Array, sha512: Sha512): Uint8Array => {
  const product = multiplySmall(decodeElement(publicKey), r)
  // (x - x mod 3 + 2295) / 3, the division by multiplication; exact below 2^15.
  for (let i = 0; i < p; i++) product[i] = Math.imul(product[i] - mod3(product[i]) + halfQ, 10923) >> 15
  const ciphertext = new Uint8Array(sntrup761Bytes.ciphertext)
  roundedCode.encode(product, ciphertext, 0)
  ciphertext.set(prefixedHash(sha512, 2, prefixedHash(sha512, 3, input), publicHash), roundedBytes)
  product.fill(0)
  return ciphertext
}

/** The short element in a ciphertext; a fixed one when what comes out has the wrong weight. */
const reveal = (secretKey: Uint8Array, ciphertext: Uint8Array): Int8Array => {
  const rounded = roundedCode.decode(ciphertext, 0)
  for (let i = 0; i < p; i++) rounded[i] = rounded[i] * 3 - halfQ
  const f = decodeSmall(secretKey)
  const product = multiplySmall(rounded, f)
  const remainders = new Int8Array(p)
  for (let i = 0; i < p; i++) remainders[i] = mod3(modQ(Math.imul(3, product[i])))
  const inverse = decodeSmall(secretKey.subarray(inverseAt))
  const r = multiplyTernary(remainders, inverse)
  let found = 0
  for (let i = 0; i < p; i++) found += r[i] & 1
  const wrong = ((found - weight) | (weight - found)) >> 31
  for (let i = 0; i < p; i++) r[i] = (r[i] & ~wrong) | (wrong & (i < weight ? 1 : 0))
  for (const each of [f, product, remainders, inverse]) each.fill(0)
  return r
}

const randomWords = (random: Random): Int32Array => {
  const bytes = new Uint8Array(4 * p)
  random(bytes)
  const words = new Int32Array(p)
  for (let i = 0; i < p; i++) words[i] = bytes[4 * i] | (bytes[4 * i + 1] << 8) | (bytes[4 * i + 2] << 16) | (bytes[4 * i + 3] << 24)
  bytes.fill(0)
  return words
}

/** An element of R/3 that has an inverse, and the inverse. */
const invertible = (random: Random): { g: Int8Array; inverse: Int8Array } => {
  for (;;) {
    const words = randomWords(random)
    const g = new Int8Array(p)
    for (let i = 0; i < p; i++) g[i] = (Math.imul(words[i] & 0x3fffffff, 3) >>> 30) - 1
    words.fill(0)
    const inverse = invertTernary(g)
    if (inverse) return { g, inverse }
  }
}

/** An element with exactly 286 coefficients that are not zero: signs and zeros in an order that sorting random keys gives. */
const shortElement = (random: Random): Int8Array => {
  const keys = randomWords(random)
  for (let i = 0; i < p; i++) keys[i] = i < weight ? keys[i] & -2 : (keys[i] & -4) | 1
  // Unsigned order from a signed sort.
  for (let i = 0; i < p; i++) keys[i] ^= -0x80000000
  sortObliviously(keys)
  const element = new Int8Array(p)
  for (let i = 0; i < p; i++) element[i] = (keys[i] & 3) - 1
  keys.fill(0)
  return element
}

const encodeElement = (element: Int32Array): Uint8Array => {
  const shifted = element.map(each => each + halfQ)
  const bytes = new Uint8Array(sntrup761Bytes.publicKey)
  elementCode.encode(shifted, bytes, 0)
  return bytes
}

const decodeElement = (bytes: Uint8Array): Int32Array => elementCode.decode(bytes, 0).map(each => each - halfQ)

/** The first half of SHA-512 over a prefix byte and the pieces. */
const prefixedHash = (sha512: Sha512, prefix: number, ...pieces: readonly Uint8Array[]): Uint8Array =>
  sha512(Uint8Array.of(prefix), ...pieces).subarray(0, hashBytes)

const sessionHash = (sha512: Sha512, prefix: number, input: Uint8Array, ciphertext: Uint8Array): Uint8Array =>
  prefixedHash(sha512, prefix, prefixedHash(sha512, 3, input), ciphertext)

const sized = (what: string, bytes: Uint8Array, size: number): void => {
  if (bytes.length !== size) throw new RangeError(`an sntrup761 ${what} has ${size} bytes, not ${bytes.length}`)
}
