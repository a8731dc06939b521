// Owns the derivation of keys from a shared secret (RFC 4253 §7.2). Knows nothing of ciphers beyond lengths.
import type { CryptoProvider, HashName } from '../crypto/provider.ts'

/** Which of the six keys: A and B are IVs, C and D encryption keys, E and F integrity keys; odd ones client to server. */
export type KeyLetter = 'A' | 'B' | 'C' | 'D' | 'E' | 'F'

/**
 * `length` bytes of key material. `secret` is K as it enters hashes (encoded), `exchangeHash` is H.
 * K1 = HASH(K || H || letter || session_id), Kn = HASH(K || H || K1 || … || Kn-1).
 */
export const deriveKey = (
  crypto: CryptoProvider,
  hash: HashName,
  secret: Uint8Array,
  exchangeHash: Uint8Array,
  letter: KeyLetter,
  sessionId: Uint8Array,
  length: number,
): Uint8Array => {
  const key = new Uint8Array(length)
  if (length === 0) return key
  const all = new Uint8Array(secret.length + exchangeHash.length + 1 + sessionId.length)
  all.set(secret)
  all.set(exchangeHash, secret.length)
  all[secret.length + exchangeHash.length] = letter.charCodeAt(0)
  all.set(sessionId, secret.length + exchangeHash.length + 1)
  let block = crypto.hash(hash, all)
  all.fill(0)
  let filled = 0
  for (;;) {
    const take = Math.min(block.length, length - filled)
    key.set(block.subarray(0, take), filled)
    filled += take
    if (filled === length) return key
    block = crypto.hash(hash, secret, exchangeHash, key.subarray(0, filled))
  }
}
