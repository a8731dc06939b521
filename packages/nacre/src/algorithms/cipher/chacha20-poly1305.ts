// Owns ChaCha20 and Poly1305 as SSH combines them (draft-ietf-sshm-chacha20-poly1305): the length encrypted under a key of
// its own, the tag over length and packet as sent. Knows nothing of framing; the primitive is the provider's.
import type { ChaChaPoly } from '../../crypto/provider.ts'
import { readUint32 } from '../../wire/uint32.ts'
import type { AeadCipher, Opener, Sealer } from '../rows.ts'
import { aesRekeyBytes } from './limits.ts'

const blockBytes = 8
const tagBytes = 16

/** The length is decrypted beside the packet, here: the tag covers it as it was sent. */
const scratch = new Uint8Array(4)

class ChaChaSealer implements Sealer {
  readonly tagBytes = tagBytes
  readonly blockBytes = blockBytes
  readonly lengthCounts = false
  readonly #primitive: ChaChaPoly
  constructor(primitive: ChaChaPoly) {
    this.#primitive = primitive
  }
  seal(bytes: Uint8Array, start: number, packetLength: number, sequence: number): void {
    this.#primitive.seal(sequence, bytes, start, start + 4 + packetLength)
  }
  dispose(): void {
    this.#primitive.dispose?.()
  }
}

class ChaChaOpener implements Opener {
  readonly firstBytes = 4
  readonly tagBytes = tagBytes
  readonly blockBytes = blockBytes
  readonly lengthCounts = false
  readonly detached: boolean
  readonly #primitive: ChaChaPoly
  constructor(primitive: ChaChaPoly) {
    this.#primitive = primitive
    this.detached = primitive.detached
  }
  packetLength(bytes: Uint8Array, start: number, sequence: number): number {
    const length = scratch
    length[0] = bytes[start]
    length[1] = bytes[start + 1]
    length[2] = bytes[start + 2]
    length[3] = bytes[start + 3]
    this.#primitive.chacha(1, sequence, 0, length, 0, 4)
    return readUint32(length, 0)
  }
  open(bytes: Uint8Array, start: number, packetLength: number, sequence: number): Uint8Array | undefined {
    return this.#primitive.open(sequence, bytes, start, start + 4 + packetLength)
  }
  dispose(): void {
    this.#primitive.dispose?.()
  }
}

/** The nonce is the sequence number, so no IV is derived. RFC 4344's limit for AES is taken over; ChaCha20 needs none. */
export const chacha20Poly1305: AeadCipher<'chacha20-poly1305@openssh.com'> = {
  name: 'chacha20-poly1305@openssh.com',
  standing: 'default',
  keyBytes: 64,
  ivBytes: 0,
  blockBytes,
  rekeyAfterBytes: aesRekeyBytes,
  integrity: 'built-in',
  createSealer: (crypto, key) => new ChaChaSealer(crypto.chachaPoly(key, 'seal')),
  createOpener: (crypto, key) => new ChaChaOpener(crypto.chachaPoly(key, 'open')),
}
