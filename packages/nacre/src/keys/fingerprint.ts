// Owns what people compare keys by: fingerprints, bubble babble, and the short name of a key's type. Knows nothing of keys
// but their blobs and the names of their types.
import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import { keyTypes } from '../algorithms/signature/table.ts'
import { encodeBase64 } from './base64.ts'
import { isCertificateType, plainTypeOf } from './certificate-names.ts'

const hashes = { sha256, sha512, sha384, sha1, md5 } as const

/** SHA-1 and MD5 are only for comparing with what old tools show. */
export type FingerprintHash = keyof typeof hashes

/** The hash of that name in any case (`SHA256`, `md5`); `undefined` for a name that is none. */
export const fingerprintHashNamed = (name: string): FingerprintHash | undefined => {
  const lower = name.toLowerCase()
  return Object.hasOwn(hashes, lower) ? (lower as FingerprintHash) : undefined
}

/** The hash of a key blob. */
export const fingerprintDigest = (blob: Uint8Array, hash: FingerprintHash): Uint8Array => hashes[hash](blob)

const hexPairs = (digest: Uint8Array): string[] => Array.from(digest, byte => byte.toString(16).padStart(2, '0'))

/** What `ssh-keygen -l` prints of a key blob: `SHA256:` and base64 without padding, or `MD5:` and pairs of hex digits. */
export const fingerprint = (blob: Uint8Array, hash: FingerprintHash = 'sha256'): string => {
  const digest = fingerprintDigest(blob, hash)
  return hash === 'md5' ? `MD5:${hexPairs(digest).join(':')}` : `${hash.toUpperCase()}:${encodeBase64(digest).replaceAll('=', '')}`
}

const vowels = 'aeiouy'
const consonants = 'bcdfghklmnprstvzx'

/**
 * What `ssh-keygen -B` prints of a key blob: its SHA-1, or another hash, in words that can be said (Antti Huima, "The Bubble
 * Babble Binary Data Encoding").
 */
export const bubbleBabble = (blob: Uint8Array, hash: FingerprintHash = 'sha1'): string => {
  const digest = fingerprintDigest(blob, hash)
  let words = 'x'
  let checksum = 1
  for (let at = 0; at < digest.length - 1; at += 2) {
    const [first, second] = [digest[at], digest[at + 1]]
    words += vowels[((first >> 6) + checksum) % 6] + consonants[(first >> 2) & 15] + vowels[((first & 3) + Math.floor(checksum / 6)) % 6]
    words += `${consonants[second >> 4]}-${consonants[second & 15]}`
    checksum = (checksum * 5 + first * 7 + second) % 36
  }
  // All our hashes have an even number of bytes, so the last group holds nothing but the checksum.
  return `${words}${vowels[checksum % 6]}x${vowels[Math.floor(checksum / 6)]}x`
}

/** What `ssh-keygen -l` prints in parentheses: `ED25519`, `RSA-CERT`, …; `unknown` for types we do not know. */
export const shortTypeName = (type: string): string => {
  const row = keyTypes.find(each => each.name === plainTypeOf(type))
  if (row === undefined) return 'unknown'
  return isCertificateType(type) ? `${row.shortName}-CERT` : row.shortName
}
