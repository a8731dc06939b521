// Owns the ciphers private key files are encrypted with: key and nonce sizes and one function for a whole section. Knows
// nothing of what is in the section.
import type { CryptoProvider, Direction, StreamCipherName } from '../../crypto/provider.ts'
import { poly1305 } from '../../crypto/chacha-poly-pure.ts'
import { equalBytes } from '../../crypto/constant-time.ts'

export interface FileCipher {
  readonly name: string
  readonly keyBytes: number
  readonly ivBytes: number
  readonly blockBytes: number
  readonly tagBytes: number
  /**
   * Seals or opens `section`, which has room for the tag at its end. Returns the section without the tag when it opens,
   * with it when it seals; `undefined` when the tag is wrong. May work in place.
   */
  process(crypto: CryptoProvider, key: Uint8Array, iv: Uint8Array, section: Uint8Array, direction: Direction): Uint8Array | undefined
}

const stream = (name: StreamCipherName, keyBytes: number, blockBytes: number): FileCipher => ({
  name,
  keyBytes,
  ivBytes: blockBytes,
  blockBytes,
  tagBytes: 0,
  process: (crypto, key, iv, section, direction) => {
    crypto.streamCipher(name, key, iv, direction).process(section, 0, section.length)
    return section
  },
})

const gcm = (name: string, keyBytes: number): FileCipher => ({
  name,
  keyBytes,
  ivBytes: 12,
  blockBytes: 16,
  tagBytes: 16,
  process: (crypto, key, iv, section, direction) => {
    const aead = crypto.aesGcm(key, direction)
    const end = section.length - 16
    if (direction === 'open') {
      // What a runtime hands out may be a subclass of its own; the key made of it should not be.
      const opened = aead.open(iv, section, 0, 0, end)
      return opened === undefined ? undefined : new Uint8Array(opened)
    }
    aead.seal(iv, section, 0, 0, end)
    return section
  },
})

/** The packet cipher with sequence number 0 and no length before the packet, so the tag covers the ciphertext alone. */
const chacha: FileCipher = {
  name: 'chacha20-poly1305@openssh.com',
  keyBytes: 64,
  ivBytes: 0,
  blockBytes: 8,
  tagBytes: 16,
  process: (crypto, key, _iv, section, direction) => {
    const cipher = crypto.chachaPoly(key, direction)
    const once = new Uint8Array(32)
    cipher.chacha(0, 0, 0, once, 0, 32)
    const end = section.length - 16
    const tag = (): Uint8Array => {
      const out = new Uint8Array(16)
      poly1305(once, section, 0, end, out)
      return out
    }
    if (direction === 'open' && !equalBytes(tag(), section.subarray(end))) return undefined
    cipher.chacha(0, 0, 1, section, 0, end)
    if (direction === 'open') return section.subarray(0, end)
    section.set(tag(), end)
    return section
  },
}

export const fileCiphers: readonly FileCipher[] = [
  stream('aes256-ctr', 32, 16),
  stream('aes192-ctr', 24, 16),
  stream('aes128-ctr', 16, 16),
  stream('aes256-cbc', 32, 16),
  stream('aes192-cbc', 24, 16),
  stream('aes128-cbc', 16, 16),
  stream('3des-cbc', 24, 8),
  gcm('aes256-gcm@openssh.com', 32),
  gcm('aes128-gcm@openssh.com', 16),
  chacha,
]
