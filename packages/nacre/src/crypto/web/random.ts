// Owns randomness from the runtime's `crypto.getRandomValues`. Knows nothing of what it is for.
import type { Random } from '../provider.ts'

/** The most that one call of `getRandomValues` gives (Web Cryptography API §10.1.1). */
const quota = 65_536

export const random: Random = bytes => {
  for (let at = 0; at < bytes.length; at += quota)
    globalThis.crypto.getRandomValues(bytes.subarray(at, at + quota) as Uint8Array<ArrayBuffer>)
}

/** `count` bytes of `source`. */
export const drawn = (source: Random, count: number): Uint8Array => {
  const bytes = new Uint8Array(count)
  source(bytes)
  return bytes
}
