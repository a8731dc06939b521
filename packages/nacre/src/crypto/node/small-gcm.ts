// Owns AES-GCM of small packets, past node:crypto, where setting up a cipher costs more than the packet: in WebAssembly, or, on
// connections in use, from a running cipher of OpenSSL's and GHASH (NIST SP 800-38D §7). Knows no framing.
import { type Cipheriv, createCipheriv } from 'node:crypto'
import { equalBytes, equalRegions } from '../constant-time.ts'
import { smallAdditionalBytes, smallNonceBytes, type WasmGcm, wasmGcm } from '../gcm-wasm.ts'
import { plain } from './plain.ts'

const blockBytes = 16
// A call of OpenSSL's costs as much for 512 bytes as for 64, and nonces of SSH count: blocks are encrypted for some packets
// ahead, each with room for what a keystroke and its echo are.
const slots = 8
const slotBlocks = 4
const slotBytes = slotBlocks * blockBytes
/** What a slot is long enough for: its first block masks the tag. */
const slotPacketBytes = slotBytes - blockBytes

// A running cipher holds memory, which a connection that logs in, begins a session and rests shall not: that is some ten
// packets each way.
const packetsBeforeRunning = 32

/** From here on node:crypto is as fast. */
const mostBytes = 256

/** Whether a packet is one for `SmallGcm`. */
export const isSmall = (nonce: Uint8Array, additionalBytes: number, packetBytes: number): boolean =>
  packetBytes <= mostBytes && additionalBytes <= smallAdditionalBytes && nonce.length === smallNonceBytes

const nothing: Uint8Array = new Uint8Array(0)

// Counter blocks pass through here. Nothing in them is secret.
const counters = new Uint8Array(slots * slotBytes)
const counterWords = new DataView(counters.buffer)

/** The counter blocks for all slots: nonces of three words, the last of which counts; blocks are numbered from 1. */
const writeCounters = (first: number, second: number, third: number): Uint8Array => {
  let at = 0
  for (let i = 0; i < slots; i++) {
    for (let number = 1; number <= slotBlocks; number++) {
      counterWords.setInt32(at, first)
      counterWords.setInt32(at + 4, second)
      counterWords.setInt32(at + 8, third + i)
      counterWords.setInt32(at + 12, number)
      at += blockBytes
    }
  }
  return counters
}

const word = (bytes: Uint8Array, at: number): number => (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]

/** A running cipher, and blocks for packets to come: about 3 KiB. For packets of up to `slotPacketBytes`. */
class RunningGcm {
  readonly #wasm: WasmGcm
  readonly #blocks: Cipheriv
  readonly #hashKey: Uint8Array
  /** Encrypted counter blocks: `slots` packets, of which the last `#left` have not been. A used slot is never used again. */
  #ahead = nothing
  #left = 0
  /** The nonce of the first slot that is left. */
  #first = 0
  #second = 0
  #third = 0
  /** Where the blocks of the packet at hand begin. */
  #at = 0

  constructor(wasm: WasmGcm, key: Uint8Array) {
    this.#wasm = wasm
    this.#blocks = createCipheriv(key.length === 16 ? 'aes-128-ecb' : 'aes-256-ecb', key, null).setAutoPadding(false)
    this.#hashKey = plain(this.#blocks.update(new Uint8Array(blockBytes)))
  }

  /** Goes to the slot of this nonce: at `#at` stands the block that masks the tag, and then those of the packet. */
  #seek(nonce: Uint8Array): void {
    const first = word(nonce, 0)
    const second = word(nonce, 4)
    const third = word(nonce, 8)
    const skipped = (third - this.#third) >>> 0
    if (skipped < this.#left && second === this.#second && first === this.#first) {
      this.#left -= skipped
    } else {
      this.#ahead.fill(0)
      this.#ahead = plain(this.#blocks.update(writeCounters(first, second, third)))
      this.#left = slots
      this.#first = first
      this.#second = second
    }
    this.#third = third
    this.#at = (slots - this.#left) * slotBytes
  }

  #mix(bytes: Uint8Array, start: number, end: number): void {
    const stream = this.#ahead
    for (let i = start, at = this.#at + blockBytes; i < end; i++, at++) bytes[i] ^= stream[at]
  }

  /** Overwrites the slot of the packet at hand, and those passed over before it. */
  #forget(): void {
    this.#left--
    this.#third = (this.#third + 1) | 0
    this.#ahead.fill(0, 0, this.#at + slotBytes)
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    this.#seek(nonce)
    this.#mix(bytes, start, end)
    const { tag } = this.#wasm
    this.#wasm.compute(this.#hashKey, this.#ahead, this.#at, bytes, aadStart, start, end)
    for (let i = 0; i < tag.length; i++) bytes[end + i] = tag[i]
    this.#forget()
  }

  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): boolean {
    this.#seek(nonce)
    const { tag } = this.#wasm
    this.#wasm.compute(this.#hashKey, this.#ahead, this.#at, bytes, aadStart, start, end)
    const genuine = equalRegions(tag, 0, bytes, end, tag.length)
    if (genuine) this.#mix(bytes, start, end)
    else this.#wasm.clear()
    this.#forget()
    return genuine
  }

  dispose(): void {
    this.#hashKey.fill(0)
    this.#ahead.fill(0)
    this.#left = 0
  }
}

/** One key in one direction. Takes packets for which `isSmall` is true. */
export class SmallGcm {
  readonly #wasm: WasmGcm
  readonly #key: Uint8Array
  #packets = 0
  #running: RunningGcm | undefined

  /** `key` is kept, and left to whoever gave it. */
  constructor(wasm: WasmGcm, key: Uint8Array) {
    this.#wasm = wasm
    this.#key = key
  }

  /** A running cipher for a packet that fits a slot, once there have been many of those. */
  #runningFor(packetBytes: number): RunningGcm | undefined {
    if (packetBytes > slotPacketBytes) return undefined
    if (this.#running !== undefined) return this.#running
    if (this.#packets < packetsBeforeRunning) {
      this.#packets++
      return undefined
    }
    this.#running = new RunningGcm(this.#wasm, this.#key)
    return this.#running
  }

  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    const running = this.#runningFor(end - start)
    if (running === undefined) this.#wasm.seal(this.#key, nonce, bytes, aadStart, start, end)
    else running.seal(nonce, bytes, aadStart, start, end)
  }

  /** On a wrong tag nothing is decrypted, and `bytes` stays as it was. */
  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): Uint8Array | undefined {
    const running = this.#runningFor(end - start)
    const genuine =
      running === undefined
        ? this.#wasm.open(this.#key, nonce, bytes, aadStart, start, end)
        : running.open(nonce, bytes, aadStart, start, end)
    return genuine ? bytes.subarray(start, end) : undefined
  }

  dispose(): void {
    this.#running?.dispose()
    this.#running = undefined
  }
}

/** Whether both ways give what the runtime's own AES-GCM gives. */
const isSound = (wasm: WasmGcm, keyBytes: number): boolean => {
  const key = new Uint8Array(keyBytes).fill(0xa5)
  const nonce = new Uint8Array(smallNonceBytes).fill(0x5a)
  const ways = [
    { by: new RunningGcm(wasm, key), size: 32 },
    { by: new SmallGcm(wasm, key), size: 32 },
    { by: new SmallGcm(wasm, key), size: mostBytes },
  ]
  return ways.every(({ by, size }) => {
    const bytes = new Uint8Array(4 + size + blockBytes)
    const cipher = createCipheriv(keyBytes === 16 ? 'aes-128-gcm' : 'aes-256-gcm', key, nonce).setAAD(bytes.subarray(0, 4))
    const expected = cipher.update(bytes.subarray(4, 4 + size))
    cipher.final()
    by.seal(nonce, bytes, 0, 4, 4 + size)
    return equalBytes(bytes.subarray(4, 4 + size), expected) && equalBytes(bytes.subarray(4 + size), cipher.getAuthTag())
  })
}

/** By bytes of the key. */
const sound = new Map<number, boolean>()

/** `key` of 16 or 32 bytes; `undefined` where WebAssembly cannot run, or does not do what it should. */
export const smallGcm = (key: Uint8Array): SmallGcm | undefined => {
  const wasm = wasmGcm()
  if (wasm === undefined) return undefined
  if (!sound.has(key.length)) {
    sound.set(key.length, false)
    try {
      sound.set(key.length, isSound(wasm, key.length))
    } catch {
      // A cipher that is not there: its packets go the other way.
    }
  }
  return sound.get(key.length) === true ? new SmallGcm(wasm, key) : undefined
}
