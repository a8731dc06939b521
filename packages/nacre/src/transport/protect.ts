// Owns the combination of a cipher row with a MAC row into what seals and opens packets, and the absence of both before
// the first NEWKEYS. Knows the layout of a packet (RFC 4253 §6), nothing of its payload.
import type { Cipher, Mac, Opener, PacketMac, Sealer } from '../algorithms/rows.ts'
import type { CryptoProvider, StreamTransform } from '../crypto/provider.ts'
import { equalRegions } from '../crypto/constant-time.ts'

const readLength = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0

/** Before keys exist: no encryption, no integrity (RFC 4253 §6.3, §6.4 `none`). */
export const plainSealer: Sealer = { tagBytes: 0, blockBytes: 8, lengthCounts: true, seal: () => {} }
export const plainOpener: Opener = {
  firstBytes: 4,
  tagBytes: 0,
  blockBytes: 8,
  lengthCounts: true,
  detached: false,
  packetLength: (bytes, start) => readLength(bytes, start),
  open: (bytes, start, packetLength) => bytes.subarray(start + 4, start + 4 + packetLength),
}

/** RFC 4253 §6.4: MAC over the plaintext, then everything encrypted, the length too. */
class EncryptAndMacSealer implements Sealer {
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts = true
  readonly #cipher: StreamTransform
  readonly #mac: PacketMac
  constructor(cipher: StreamTransform, blockBytes: number, mac: PacketMac, tagBytes: number) {
    this.#cipher = cipher
    this.#mac = mac
    this.blockBytes = blockBytes
    this.tagBytes = tagBytes
  }
  seal(bytes: Uint8Array, start: number, packetLength: number, sequence: number): void {
    const end = start + 4 + packetLength
    const tag = this.#mac.compute(sequence, bytes, start, end)
    this.#cipher.process(bytes, start, end)
    bytes.set(tag, end)
  }
}

class EncryptAndMacOpener implements Opener {
  readonly firstBytes: number
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts = true
  readonly detached = false
  readonly #cipher: StreamTransform
  readonly #mac: PacketMac
  constructor(cipher: StreamTransform, blockBytes: number, mac: PacketMac, tagBytes: number) {
    this.#cipher = cipher
    this.#mac = mac
    this.blockBytes = blockBytes
    this.firstBytes = blockBytes
    this.tagBytes = tagBytes
  }
  packetLength(bytes: Uint8Array, start: number): number {
    this.#cipher.process(bytes, start, start + this.blockBytes)
    return readLength(bytes, start)
  }
  open(bytes: Uint8Array, start: number, packetLength: number, sequence: number): Uint8Array | undefined {
    const end = start + 4 + packetLength
    if (end > start + this.blockBytes) this.#cipher.process(bytes, start + this.blockBytes, end)
    const tag = this.#mac.compute(sequence, bytes, start, end)
    return equalRegions(tag, 0, bytes, end, this.tagBytes) ? bytes.subarray(start + 4, end) : undefined
  }
}

/** OpenSSH's `-etm` MACs (PROTOCOL §1.5): the length in clear, MAC over length and ciphertext. */
class EncryptThenMacSealer implements Sealer {
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts = false
  readonly #cipher: StreamTransform
  readonly #mac: PacketMac
  constructor(cipher: StreamTransform, blockBytes: number, mac: PacketMac, tagBytes: number) {
    this.#cipher = cipher
    this.#mac = mac
    this.blockBytes = blockBytes
    this.tagBytes = tagBytes
  }
  seal(bytes: Uint8Array, start: number, packetLength: number, sequence: number): void {
    const end = start + 4 + packetLength
    this.#cipher.process(bytes, start + 4, end)
    bytes.set(this.#mac.compute(sequence, bytes, start, end), end)
  }
}

class EncryptThenMacOpener implements Opener {
  readonly firstBytes = 4
  readonly tagBytes: number
  readonly blockBytes: number
  readonly lengthCounts = false
  readonly detached = false
  readonly #cipher: StreamTransform
  readonly #mac: PacketMac
  constructor(cipher: StreamTransform, blockBytes: number, mac: PacketMac, tagBytes: number) {
    this.#cipher = cipher
    this.#mac = mac
    this.blockBytes = blockBytes
    this.tagBytes = tagBytes
  }
  packetLength(bytes: Uint8Array, start: number): number {
    return readLength(bytes, start)
  }
  open(bytes: Uint8Array, start: number, packetLength: number, sequence: number): Uint8Array | undefined {
    const end = start + 4 + packetLength
    const tag = this.#mac.compute(sequence, bytes, start, end)
    if (!equalRegions(tag, 0, bytes, end, this.tagBytes)) return undefined
    this.#cipher.process(bytes, start + 4, end)
    return bytes.subarray(start + 4, end)
  }
}

export interface DirectionKeys {
  readonly key: Uint8Array
  readonly iv: Uint8Array
  readonly macKey: Uint8Array
}

// RFC 4253 §6: the padding is to a multiple of the block size or 8, whichever is larger.
const paddingBlock = (cipher: Cipher): number => Math.max(8, cipher.blockBytes)

const macFor = (cipher: Cipher, mac: Mac | undefined): Mac => {
  if (mac === undefined) throw new TypeError(`${cipher.name} needs a MAC`)
  return mac
}

/** What seals our packets with the agreed cipher and MAC; `mac` is ignored by ciphers with integrity of their own. */
export const createSealer = (crypto: CryptoProvider, cipher: Cipher, mac: Mac | undefined, keys: DirectionKeys): Sealer => {
  if (cipher.integrity === 'built-in') return cipher.createSealer(crypto, keys.key, keys.iv)
  const row = macFor(cipher, mac)
  const transform = cipher.create(crypto, keys.key, keys.iv, 'seal')
  const Kind = row.encryptThenMac ? EncryptThenMacSealer : EncryptAndMacSealer
  return new Kind(transform, paddingBlock(cipher), row.create(crypto, keys.macKey), row.tagBytes)
}

/** What opens the peer's packets. */
export const createOpener = (crypto: CryptoProvider, cipher: Cipher, mac: Mac | undefined, keys: DirectionKeys): Opener => {
  if (cipher.integrity === 'built-in') return cipher.createOpener(crypto, keys.key, keys.iv)
  const row = macFor(cipher, mac)
  const transform = cipher.create(crypto, keys.key, keys.iv, 'open')
  const Kind = row.encryptThenMac ? EncryptThenMacOpener : EncryptAndMacOpener
  return new Kind(transform, paddingBlock(cipher), row.create(crypto, keys.macKey), row.tagBytes)
}
