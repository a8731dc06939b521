// Owns the combination of a cipher row with a MAC row into what seals and opens packets, and the absence of both before
// the first NEWKEYS. Knows the layout of a packet (RFC 4253 §6), nothing of its payload.
import type { Cipher, Mac, Opener, PacketMac, PlainCipher, Sealer } from '../algorithms/rows.ts'
import type { CryptoProvider, Direction, StreamTransform } from '../crypto/provider.ts'
import { equalRegions } from '../crypto/constant-time.ts'
import { readUint32 } from '../wire/uint32.ts'

/** Before keys exist: no encryption, no integrity (RFC 4253 §6.3, §6.4 `none`). */
export const plainSealer: Sealer = { tagBytes: 0, blockBytes: 8, lengthCounts: true, seal: () => {} }
export const plainOpener: Opener = {
  firstBytes: 4,
  tagBytes: 0,
  blockBytes: 8,
  lengthCounts: true,
  detached: false,
  packetLength: readUint32,
  open: (bytes, start, packetLength) => bytes.subarray(start + 4, start + 4 + packetLength),
}

/**
 * A cipher with a MAC beside it, one of two ways: MAC over the plaintext and everything encrypted, the length too
 * (RFC 4253 §6.4); or OpenSSH's `-etm` (PROTOCOL §1.5): the length in clear, MAC over length and ciphertext.
 */
interface Pairing {
  readonly cipher: StreamTransform
  readonly blockBytes: number
  readonly mac: PacketMac
  readonly tagBytes: number
  readonly encryptThenMac: boolean
}

class MacSealer implements Sealer {
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts: boolean
  readonly #cipher: StreamTransform
  readonly #mac: PacketMac
  constructor({ cipher, blockBytes, mac, tagBytes, encryptThenMac }: Pairing) {
    this.#cipher = cipher
    this.#mac = mac
    this.blockBytes = blockBytes
    this.tagBytes = tagBytes
    this.lengthCounts = !encryptThenMac
  }
  seal(bytes: Uint8Array, start: number, packetLength: number, sequence: number): void {
    const end = start + 4 + packetLength
    if (this.lengthCounts) {
      // Room for the tag is behind the packet: it may be written before the packet is encrypted.
      bytes.set(this.#mac.compute(sequence, bytes, start, end), end)
      this.#cipher.process(bytes, start, end)
    } else {
      this.#cipher.process(bytes, start + 4, end)
      bytes.set(this.#mac.compute(sequence, bytes, start, end), end)
    }
  }
  dispose(): void {
    this.#cipher.dispose?.()
    this.#mac.dispose?.()
  }
}

class MacOpener implements Opener {
  readonly firstBytes: number
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts: boolean
  readonly detached = false
  readonly #cipher: StreamTransform
  readonly #mac: PacketMac
  constructor({ cipher, blockBytes, mac, tagBytes, encryptThenMac }: Pairing) {
    this.#cipher = cipher
    this.#mac = mac
    this.blockBytes = blockBytes
    this.tagBytes = tagBytes
    this.lengthCounts = !encryptThenMac
    this.firstBytes = encryptThenMac ? 4 : blockBytes
  }
  packetLength(bytes: Uint8Array, start: number): number {
    if (this.lengthCounts) this.#cipher.process(bytes, start, start + this.blockBytes)
    return readUint32(bytes, start)
  }
  open(bytes: Uint8Array, start: number, packetLength: number, sequence: number): Uint8Array | undefined {
    const end = start + 4 + packetLength
    // The first block was decrypted for its length.
    if (this.lengthCounts && end > start + this.blockBytes) this.#cipher.process(bytes, start + this.blockBytes, end)
    const tag = this.#mac.compute(sequence, bytes, start, end)
    if (!equalRegions(tag, 0, bytes, end, this.tagBytes)) return undefined
    if (!this.lengthCounts) this.#cipher.process(bytes, start + 4, end)
    return bytes.subarray(start + 4, end)
  }
  dispose(): void {
    this.#cipher.dispose?.()
    this.#mac.dispose?.()
  }
}

export interface DirectionKeys {
  readonly key: Uint8Array
  readonly iv: Uint8Array
  readonly macKey: Uint8Array
}

// RFC 4253 §6: the padding is to a multiple of the block size or 8, whichever is larger.
const paddingBlock = (cipher: Cipher): number => Math.max(8, cipher.blockBytes)

const pair = (crypto: CryptoProvider, cipher: PlainCipher, mac: Mac | undefined, keys: DirectionKeys, direction: Direction): Pairing => {
  if (mac === undefined) throw new TypeError(`${cipher.name} needs a MAC`)
  return {
    cipher: cipher.create(crypto, keys.key, keys.iv, direction),
    blockBytes: paddingBlock(cipher),
    mac: mac.create(crypto, keys.macKey),
    tagBytes: mac.tagBytes,
    encryptThenMac: mac.encryptThenMac,
  }
}

/** What seals our packets with the agreed cipher and MAC; `mac` is ignored by ciphers with integrity of their own. */
export const createSealer = (crypto: CryptoProvider, cipher: Cipher, mac: Mac | undefined, keys: DirectionKeys): Sealer =>
  cipher.integrity === 'built-in' ? cipher.createSealer(crypto, keys.key, keys.iv) : new MacSealer(pair(crypto, cipher, mac, keys, 'seal'))

/** What opens the peer's packets. */
export const createOpener = (crypto: CryptoProvider, cipher: Cipher, mac: Mac | undefined, keys: DirectionKeys): Opener =>
  cipher.integrity === 'built-in' ? cipher.createOpener(crypto, keys.key, keys.iv) : new MacOpener(pair(crypto, cipher, mac, keys, 'open'))
