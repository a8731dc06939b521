// Owns AES-GCM as SSH uses it (RFC 5647 §7, under OpenSSH's names): the length in clear as additional data, the nonce a
// counter of packets. Knows nothing of framing; the primitive is the provider's.
import type { Aead, CryptoProvider } from '../../crypto/provider.ts'
import { readUint32, writeUint32 } from '../../wire/uint32.ts'
import type { AeadCipher, Opener, Sealer } from '../rows.ts'
import { aesRekeyBytes } from './limits.ts'

const blockBytes = 16
const tagBytes = 16
const ivBytes = 12

/** Every nonce passes through here, for the time of one call. */
const scratch = new Uint8Array(ivBytes)

/**
 * RFC 5647 §7.1: the last 8 bytes of the nonce count invocations, as one big-endian number; the first 4 stay. Kept as
 * numbers: an array each way would be a tenth of what an idle connection holds.
 */
class Nonce {
  readonly #fixed: number
  #high: number
  #low: number

  constructor(iv: Uint8Array) {
    this.#fixed = readUint32(iv, 0)
    this.#high = readUint32(iv, 4)
    this.#low = readUint32(iv, 8)
  }

  /** The nonce of the next packet, valid until anybody asks again. */
  next(): Uint8Array {
    writeUint32(scratch, 0, this.#fixed)
    writeUint32(scratch, 4, this.#high)
    writeUint32(scratch, 8, this.#low)
    this.#low = (this.#low + 1) >>> 0
    if (this.#low === 0) this.#high = (this.#high + 1) >>> 0
    return scratch
  }
}

class GcmSealer implements Sealer {
  readonly tagBytes = tagBytes
  readonly blockBytes = blockBytes
  readonly lengthCounts = false
  readonly #aead: Aead
  readonly #nonce: Nonce
  constructor(aead: Aead, iv: Uint8Array) {
    this.#aead = aead
    this.#nonce = new Nonce(iv)
  }
  seal(bytes: Uint8Array, start: number, packetLength: number): void {
    this.#aead.seal(this.#nonce.next(), bytes, start, start + 4, start + 4 + packetLength)
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
  readonly #nonce: Nonce
  constructor(aead: Aead, iv: Uint8Array) {
    this.#aead = aead
    this.#nonce = new Nonce(iv)
    this.detached = aead.detached
  }
  packetLength(bytes: Uint8Array, start: number): number {
    return readUint32(bytes, start)
  }
  open(bytes: Uint8Array, start: number, packetLength: number): Uint8Array | undefined {
    return this.#aead.open(this.#nonce.next(), bytes, start, start + 4, start + 4 + packetLength)
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
