// Owns AES-GCM as SSH uses it (RFC 5647 §7, under OpenSSH's names): the length in clear as additional data, the nonce a
// counter of packets. Knows nothing of framing; the primitive is the provider's.
import type { Aead, CryptoProvider } from '../../crypto/provider.ts'
import type { AeadCipher, Opener, Sealer } from '../rows.ts'
import { aesRekeyBytes } from './limits.ts'

const blockBytes = 16
const tagBytes = 16
const ivBytes = 12

/** RFC 5647 §7.1: the last 8 bytes of the nonce count invocations, as one big-endian number; the first 4 stay. */
const increment = (nonce: Uint8Array): void => {
  for (let i = ivBytes - 1; i >= 4; i--) {
    nonce[i]++
    if (nonce[i] !== 0) return
  }
}

class GcmSealer implements Sealer {
  readonly tagBytes = tagBytes
  readonly blockBytes = blockBytes
  readonly lengthCounts = false
  readonly #aead: Aead
  readonly #nonce: Uint8Array
  constructor(aead: Aead, iv: Uint8Array) {
    this.#aead = aead
    this.#nonce = Uint8Array.from(iv)
  }
  seal(bytes: Uint8Array, start: number, packetLength: number): void {
    this.#aead.seal(this.#nonce, bytes, start, start + 4, start + 4 + packetLength)
    increment(this.#nonce)
  }
  dispose(): void {
    this.#aead.dispose?.()
  }
}

class GcmOpener implements Opener {
  readonly firstBytes = 4
  readonly tagBytes = tagBytes
  readonly blockBytes = blockBytes
  readonly lengthCounts = false
  readonly detached: boolean
  readonly #aead: Aead
  readonly #nonce: Uint8Array
  constructor(aead: Aead, iv: Uint8Array) {
    this.#aead = aead
    this.#nonce = Uint8Array.from(iv)
    this.detached = aead.detached
  }
  packetLength(bytes: Uint8Array, start: number): number {
    return ((bytes[start] << 24) | (bytes[start + 1] << 16) | (bytes[start + 2] << 8) | bytes[start + 3]) >>> 0
  }
  open(bytes: Uint8Array, start: number, packetLength: number): Uint8Array | undefined {
    const opened = this.#aead.open(this.#nonce, bytes, start, start + 4, start + 4 + packetLength)
    increment(this.#nonce)
    return opened
  }
  dispose(): void {
    this.#aead.dispose?.()
  }
}

const aesGcm = <const N extends string>(name: N, keyBytes: number): AeadCipher<N> => ({
  name,
  standing: 'default',
  keyBytes,
  ivBytes,
  blockBytes,
  rekeyAfterBytes: aesRekeyBytes,
  integrity: 'built-in',
  createSealer: (crypto: CryptoProvider, key, iv) => new GcmSealer(crypto.aesGcm(key, 'seal'), iv),
  createOpener: (crypto: CryptoProvider, key, iv) => new GcmOpener(crypto.aesGcm(key, 'open'), iv),
})

export const aes128Gcm = aesGcm('aes128-gcm@openssh.com', 16)
export const aes256Gcm = aesGcm('aes256-gcm@openssh.com', 32)
