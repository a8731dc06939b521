// Small shared pieces of the tests of primitives: hexadecimal, ASCII, repeatable bytes, stored vectors. Not a test itself.
import { readFileSync } from 'node:fs'
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import type { Random } from '../../src/crypto/provider.ts'

export const hex = (digits: string): Uint8Array => hexToBytes(digits.replace(/\s/g, ''))
export const toHex = (bytes: Uint8Array): string => bytesToHex(bytes)
export const ascii = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))

/** `count` bytes that look random and depend on `seed` only (xorshift32). vectors/make-primitives.py has the same. */
export const patterned = (count: number, seed = 1): Uint8Array => {
  const bytes = new Uint8Array(count)
  let state = (seed * 0x9e3779b1) | 1
  for (let i = 0; i < count; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[i] = state >>> 8
  }
  return bytes
}

/** A repeatable source of "random" bytes: the first call gives `patterned(…, seed)`, the next takes the next seed. */
export const seededRandom = (seed: number): Random => {
  let next = seed
  return bytes => void bytes.set(patterned(bytes.length, next++))
}

/** The first 16 digits of SHA-256: how long results stand in the vectors. */
export const digest = (bytes: Uint8Array): string => toHex(sha256(bytes)).slice(0, 16)

/** Lengths, then contents: `deepEqual` of long arrays is slow to fail. */
export const sameBytes = (left: Uint8Array | undefined, right: Uint8Array): boolean =>
  left !== undefined && left.length === right.length && left.every((byte, i) => byte === right[i])

export interface StoredKey {
  readonly kind: string
  readonly [field: string]: string
}
export interface PrimitiveVectors {
  readonly chachaPoly: Readonly<Record<string, string>>
  readonly aesGcm: readonly { readonly keyBytes: number; readonly iv: string; readonly packets: readonly string[] }[]
  readonly streams: Readonly<Record<string, readonly string[]>>
  readonly ecdh: Readonly<
    Record<string, { readonly seeds: readonly [number, number]; readonly public: readonly [string, string]; readonly secret: string }>
  >
  readonly signatures: {
    readonly messageSeed: number
    readonly messageBytes: number
    readonly vectors: readonly {
      readonly key: StoredKey
      readonly hash?: string
      readonly signature: string
      readonly deterministic?: boolean
    }[]
    readonly rsaWithoutZero: { readonly messageSeed: number; readonly messageBytes: number; readonly signature: string }
  }
  readonly mlkem768: { readonly seed: number; readonly public: string; readonly ciphertext: string; readonly secret: string }
}

/** Made by vectors/make-primitives.py. */
export const primitiveVectors = (): PrimitiveVectors =>
  JSON.parse(readFileSync(new URL('./vectors/primitives.json', import.meta.url), 'utf8')) as PrimitiveVectors
