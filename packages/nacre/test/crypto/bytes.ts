// Small shared pieces of the tests of primitives: hexadecimal, ASCII, repeatable bytes. Not a test itself.
import type { Random } from '../../src/crypto/provider.ts'

export const hex = (digits: string): Uint8Array => Uint8Array.from(Buffer.from(digits.replace(/\s/g, ''), 'hex'))
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))

/** `count` bytes that look random and depend on `seed` only (xorshift32). */
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

/** A repeatable source of "random" bytes; every call goes on where the last one stopped. */
export const seededRandom = (seed: number): Random => {
  let next = seed
  return bytes => void bytes.set(patterned(bytes.length, next++))
}
