// Owns finite-field Diffie-Hellman over node:crypto. Knows nothing of SSH's groups and limits: the caller has checked both
// the group and the peer's value.
//
// `createDiffieHellman(prime)` is never used: it tests the prime, 0.2 s for 2048 bits and 27 s for 8192. Keys are written
// as DER instead, which costs one exponentiation. From 3072 bits on the work goes to libuv's threads, so that one slow
// exchange does not hold up every other connection; for groups OpenSSL does not know only the agreement can, and the public
// value is computed here (1 ms at 3072 bits, 8 ms at 8192).
import { createPublicKey, diffieHellman, generateKeyPair, getDiffieHellman, type KeyObject } from 'node:crypto'
import type { DhAgreement, Random } from '../provider.ts'
import { identifier, integer, privateKeyInfo, publicKeyInfo, sequence } from '../der.ts'
import { plain, privateKeyFromDer, publicKeyFromDer } from './plain.ts'

interface Group {
  readonly p: Uint8Array
  readonly g: Uint8Array
}

const slowBits = 3072

// RFC 3526 groups by their size in bytes. OpenSSL knows them and takes short exponents for them (RFC 3526 §8).
const namedGroups: ReadonlyMap<number, string> = new Map([
  [384, 'modp15'],
  [512, 'modp16'],
  [768, 'modp17'],
  [1024, 'modp18'],
])

const nameOf = (group: Group): string | undefined => {
  const name = namedGroups.get(group.p.length)
  if (name === undefined || group.g.length !== 1 || group.g[0] !== 2) return undefined
  return getDiffieHellman(name).getPrime().equals(group.p) ? name : undefined
}

// PKCS #3 dhKeyAgreement.
const algorithmOf = (group: Group): readonly Uint8Array[] => [
  identifier('2a864886f70d010301'),
  sequence(integer(group.p), integer(group.g)),
]

/** Where the content of the DER element at `at` begins and ends. */
const element = (der: Uint8Array, at: number): { start: number; end: number } => {
  let start = at + 2
  let size = der[at + 1]
  if (size >= 0x80) {
    const count = size & 0x7f
    size = 0
    for (let i = 0; i < count; i++) size = size * 256 + der[start++]
  }
  return { start, end: start + size }
}

/** y from SubjectPublicKeyInfo: past the algorithm, a BIT STRING that holds an INTEGER. */
const publicValueOf = (key: KeyObject): Uint8Array => {
  const der = plain(key.export({ format: 'der', type: 'spki' }))
  const algorithm = element(der, element(der, 0).start)
  const value = element(der, element(der, algorithm.end).start + 1)
  return der.slice(der[value.start] === 0 ? value.start + 1 : value.start, value.end)
}

const agreeAtOnce = (privateKey: KeyObject, publicKey: KeyObject): Uint8Array => plain(diffieHellman({ privateKey, publicKey }))

const agreeInPool = (privateKey: KeyObject, publicKey: KeyObject): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    diffieHellman({ privateKey, publicKey }, (error, secret) => (error ? reject(error) : resolve(plain(secret))))
  })

const sideOf = (group: Group, privateKey: KeyObject, publicKey: KeyObject, slow: boolean): DhAgreement => ({
  publicKey: publicValueOf(publicKey),
  agree(theirs) {
    const peer = publicKeyFromDer(publicKeyInfo(algorithmOf(group), integer(theirs)))
    return slow ? agreeInPool(privateKey, peer) : agreeAtOnce(privateKey, peer)
  },
})

/** A private exponent of exactly `bits` bits. */
const exponent = (bits: number, random: Random): Uint8Array => {
  const bytes = new Uint8Array(Math.ceil(bits / 8))
  random(bytes)
  const top = (bits - 1) % 8
  bytes[0] = (bytes[0] & ((1 << top) - 1)) | (1 << top)
  return bytes
}

const bitsOf = (magnitude: Uint8Array): number => {
  const first = magnitude.findIndex(byte => byte !== 0)
  return first === -1 ? 0 : (magnitude.length - first) * 8 - (Math.clz32(magnitude[first]) - 24)
}

const generateInPool = (group: Group, name: string): Promise<DhAgreement> =>
  new Promise((resolve, reject) => {
    generateKeyPair('dh', { group: name } as never, (error: Error | null, publicKey: KeyObject, privateKey: KeyObject) =>
      error ? reject(error) : resolve(sideOf(group, privateKey, publicKey, true)),
    )
  })

/**
 * Our side in `group`. With the provider's own randomness (`own`), the large groups of RFC 3526 make their key in the pool,
 * with the exponent size OpenSSL gives them (275 to 400 bits: twice their strength); all else draws from `random`.
 */
export const dh = (group: Group, exponentBits: number, random: Random, own: Random): DhAgreement | Promise<DhAgreement> => {
  const bits = bitsOf(group.p)
  const slow = bits >= slowBits
  if (slow && random === own) {
    const name = nameOf(group)
    if (name !== undefined) return generateInPool(group, name)
  }
  const x = exponent(Math.max(2, Math.min(exponentBits, bits - 1)), random)
  const written = integer(x)
  const der = privateKeyInfo(algorithmOf(group), written)
  x.fill(0)
  written.fill(0)
  const privateKey = privateKeyFromDer(der)
  return sideOf(group, privateKey, createPublicKey(privateKey), slow)
}
