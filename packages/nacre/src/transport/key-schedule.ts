// Owns the derivation of keys from a shared secret (RFC 4253 §7.2). Knows nothing of ciphers beyond lengths.
import type { CryptoProvider, HashName } from '../crypto/provider.ts'

/** Which of the six keys: A and B are IVs, C and D encryption keys, E and F integrity keys; odd ones client to server. */
export type KeyLetter = 'A' | 'B' | 'C' | 'D' | 'E' | 'F'

/** What all keys of one exchange are made of. */
export interface KeySource {
  readonly crypto: CryptoProvider
  readonly hash: HashName
  /** K as it enters hashes (encoded), and H. */
  readonly secret: Uint8Array
  readonly exchangeHash: Uint8Array
  readonly sessionId: Uint8Array
}

/** K1 = HASH(K || H || letter || session_id), Kn = HASH(K || H || K1 || … || Kn-1). */
export class KeySchedule {
  readonly #crypto: CryptoProvider
  readonly #hash: HashName
  /** K || H || letter || session_id: only the letter changes from key to key. */
  readonly #input: Uint8Array
  readonly #letterAt: number

  /** Copies what it needs of `from`. */
  constructor({ crypto, hash, secret, exchangeHash, sessionId }: KeySource) {
    this.#crypto = crypto
    this.#hash = hash
    this.#letterAt = secret.length + exchangeHash.length
    this.#input = new Uint8Array(this.#letterAt + 1 + sessionId.length)
    this.#input.set(secret)
    this.#input.set(exchangeHash, secret.length)
    this.#input.set(sessionId, this.#letterAt + 1)
  }

  /** `length` bytes of key material. */
  key(letter: KeyLetter, length: number): Uint8Array {
    const key = new Uint8Array(length)
    if (length === 0) return key
    this.#input[this.#letterAt] = letter.charCodeAt(0)
    let block = this.#crypto.hash(this.#hash, this.#input)
    let filled = 0
    for (;;) {
      const take = Math.min(block.length, length - filled)
      for (let i = 0; i < take; i++) key[filled + i] = block[i]
      block.fill(0)
      filled += take
      if (filled === length) return key
      block = this.#crypto.hash(this.#hash, this.#input.subarray(0, this.#letterAt), key.subarray(0, filled))
    }
  }

  /** Forgets the secret; no key can be made any more. */
  wipe(): void {
    this.#input.fill(0)
  }
}
