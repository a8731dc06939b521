// Owns AES-GCM of small packets, put together from its parts (NIST SP 800-38D §7): OpenSSL's AES for counter blocks, GHASH in
// WebAssembly. Setting up a cipher of node:crypto costs more than a small packet; a running one costs little. Knows no framing.
import { type Cipheriv, createCipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import { equalBytes, equalRegions } from '../constant-time.ts'
import { type WasmGhash, wasmGhash } from '../ghash-wasm.ts'
import { plain } from './plain.ts'

/** The most bytes, additional data and packet, that are cheaper here than with a cipher of their own. */
export const smallBytes = 16 + 256
export const smallNonceBytes = 12

const blockBytes = 16
// A call of OpenSSL's costs as much for 512 bytes as for 64, and nonces of SSH count: blocks are encrypted for some packets
// ahead, each with room for what a keystroke and its echo are.
const slots = 8
const slotBlocks = 4
const slotBytes = slotBlocks * blockBytes

const nothing: Uint8Array = new Uint8Array(0)

// Counter blocks pass through here. Nothing in them is secret.
const counters = new Uint8Array(slots * slotBytes)
const counterWords = new DataView(counters.buffer)

/** The counter blocks of `count` nonces of three words, the last of which counts; `blocks` for each, numbered from 1. */
const writeCounters = (first: number, second: number, third: number, count: number, blocks: number): Uint8Array => {
  let at = 0
  for (let i = 0; i < count; i++) {
    // The 32 bits of the block's number cannot wrap: no small packet has more than 18 blocks.
    for (let number = 1; number <= blocks; number++) {
      counterWords.setInt32(at, first)
      counterWords.setInt32(at + 4, second)
      counterWords.setInt32(at + 8, third + i)
      counterWords.setInt32(at + 12, number)
      at += blockBytes
    }
  }
  return counters.subarray(0, at)
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]

/** One key in one direction. It holds about 3 KiB: a cipher of OpenSSL's, and blocks for packets to come. */
export class SmallGcm {
  readonly #ghash: WasmGhash
  readonly #blocks: Cipheriv
  readonly #hashKey: Uint8Array
  /** Encrypted counter blocks: `slots` packets, of which the last `#left` have not been. A used slot is never used again. */
  #ahead = nothing
  #left = 0
  /** The nonce of the first slot that is left. */
  #first = 0
  #second = 0
  #third = 0
  /** Where in the key stream of the packet at hand its blocks begin. */
  #at = 0

  constructor(ghash: WasmGhash, key: KeyObject) {
    this.#ghash = ghash
    this.#blocks = createCipheriv(key.symmetricKeySize === 16 ? 'aes-128-ecb' : 'aes-256-ecb', key, null).setAutoPadding(false)
    this.#hashKey = plain(this.#blocks.update(new Uint8Array(blockBytes)))
  }

  /** An array that holds, from `#at` on, the block that masks the tag and then those for `size` bytes. */
  #keyStream(nonce: Uint8Array, size: number): Uint8Array {
    const first = word(nonce, 0)
    const second = word(nonce, 4)
    const third = word(nonce, 8)
    const blocks = 1 + ((size + blockBytes - 1) >>> 4)
    if (blocks > slotBlocks) {
      this.#at = 0
      return plain(this.#blocks.update(writeCounters(first, second, third, 1, blocks)))
    }
    const skipped = (third - this.#third) >>> 0
    if (skipped < this.#left && second === this.#second && first === this.#first) {
      this.#left -= skipped
    } else {
      this.#ahead.fill(0)
      this.#ahead = plain(this.#blocks.update(writeCounters(first, second, third, slots, slotBlocks)))
      this.#left = slots
      this.#first = first
      this.#second = second
    }
    this.#third = third
    this.#at = (slots - this.#left) * slotBytes
    return this.#ahead
  }

  #mix(stream: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    for (let i = start, at = this.#at + blockBytes; i < end; i++, at++) bytes[i] ^= stream[at]
  }

  /** Overwrites the key stream of the packet at hand, and the slots passed over before it. */
  #forget(stream: Uint8Array): void {
    if (stream !== this.#ahead) {
      stream.fill(0)
      return
    }
    this.#left--
    this.#third = (this.#third + 1) | 0
    stream.fill(0, 0, this.#at + slotBytes)
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    const stream = this.#keyStream(nonce, end - start)
    this.#mix(stream, bytes, start, end)
    const { tag } = this.#ghash
    this.#ghash.compute(this.#hashKey, stream, this.#at, bytes, aadStart, start, end)
    for (let i = 0; i < tag.length; i++) bytes[end + i] = tag[i]
    this.#forget(stream)
  }

  /** On a wrong tag nothing is decrypted, and `bytes` stays as it was. */
  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): Uint8Array | undefined {
    const stream = this.#keyStream(nonce, end - start)
    const { tag } = this.#ghash
    this.#ghash.compute(this.#hashKey, stream, this.#at, bytes, aadStart, start, end)
    const genuine = equalRegions(tag, 0, bytes, end, tag.length)
    if (genuine) this.#mix(stream, bytes, start, end)
    else this.#ghash.clear()
    this.#forget(stream)
    return genuine ? bytes.subarray(start, end) : undefined
  }

  dispose(): void {
    this.#hashKey.fill(0)
    this.#ahead.fill(0)
    this.#left = 0
  }
}

/** Whether this runtime's parts give what its own AES-GCM gives: a packet of one slot, then one beyond it. */
const isSound = (ghash: WasmGhash, keyBytes: number): boolean => {
  const key = createSecretKey(new Uint8Array(keyBytes).fill(0xa5))
  const nonce = new Uint8Array(smallNonceBytes).fill(0x5a)
  const small = new SmallGcm(ghash, key)
  return [16, 64].every(size => {
    const bytes = new Uint8Array(4 + size + blockBytes)
    const cipher = createCipheriv(keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce).setAAD(bytes.subarray(0, 4))
    const expected = cipher.update(bytes.subarray(4, 4 + size))
    cipher.final()
    small.seal(nonce, bytes, 0, 4, 4 + size)
    return equalBytes(bytes.subarray(4, 4 + size), expected) && equalBytes(bytes.subarray(4 + size), cipher.getAuthTag())
  })
}

/** By bytes of the key. */
const sound = new Map<number, boolean>()

/** `key` of 16 or 32 bytes; `undefined` where WebAssembly cannot run, or the runtime's AES is not as Node's. */
export const smallGcm = (key: KeyObject): SmallGcm | undefined => {
  const ghash = wasmGhash()
  const keyBytes = key.symmetricKeySize
  if (ghash === undefined || keyBytes === undefined) return undefined
  if (!sound.has(keyBytes)) {
    sound.set(keyBytes, false)
    try {
      sound.set(keyBytes, isSound(ghash, keyBytes))
    } catch {
      // A cipher that is not there: its packets go the other way.
    }
  }
  return sound.get(keyBytes) === true ? new SmallGcm(ghash, key) : undefined
}
