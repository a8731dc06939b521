// Owns AES-GCM of small packets in WebAssembly, and its GHASH alone: the instance, which all connections of a process share
// because each use is one synchronous call, and the layout of its memory. Keeps no key, and knows nothing of framing.
import { binary } from './wasm/gcm-binary.ts'
import { instantiate } from './wasm/instance.ts'

/** What `seal` and `open` take: a nonce of this many bytes, and at most so much additional data and packet. */
export const smallNonceBytes = 12
export const smallAdditionalBytes = 16
export const smallBytes = 352

// See the layout at the top of wasm/gcm.as.
const maskAt = 16
const nonceAt = 32
const tagAt = 48
const blocksAt = 1024
const packetAt = blocksAt + 16
const blockBytes = 16

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  ghash(count: number): void
  seal(keyBytes: number, additionalBytes: number, count: number): void
  open(keyBytes: number, additionalBytes: number, count: number): number
}

/** AES-GCM (NIST SP 800-38D §7) of packets no longer than `smallBytes`, and the tag of longer ones. */
export class WasmGcm {
  /** 16 bytes: the tag of the last packet. Valid until anybody uses this again; `clear` overwrites it. */
  readonly tag: Uint8Array
  readonly #exports: Exports
  readonly #memory: Uint8Array

  constructor(exports: Exports) {
    this.#exports = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
    this.tag = this.#memory.subarray(tagAt, tagAt + blockBytes)
  }

  #load(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    const memory = this.#memory
    for (let i = 0; i < key.length; i++) memory[i] = key[i]
    for (let i = 0; i < smallNonceBytes; i++) memory[nonceAt + i] = nonce[i]
    this.#place(blocksAt, bytes, aadStart, start)
    for (let i = start, at = packetAt; i < end; i++, at++) memory[at] = bytes[i]
  }

  #unload(bytes: Uint8Array, start: number, end: number): void {
    const memory = this.#memory
    for (let i = start, at = packetAt; i < end; i++, at++) bytes[i] = memory[at]
  }

  /** Encrypts `bytes[start..end)` in place with `bytes[aadStart..start)` authenticated; writes the tag at `end`. `key` of 16 or 32 bytes. */
  seal(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    this.#load(key, nonce, bytes, aadStart, start, end)
    this.#exports.seal(key.length, start - aadStart, end - start)
    this.#unload(bytes, start, end)
    for (let i = 0; i < blockBytes; i++) bytes[end + i] = this.tag[i]
  }

  /** Checks the tag at `end` and decrypts `bytes[start..end)` in place. False when the tag is wrong: they then stay as they are. */
  open(key: Uint8Array, nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): boolean {
    this.#load(key, nonce, bytes, aadStart, start, end)
    for (let i = 0; i < blockBytes; i++) this.tag[i] = bytes[end + i]
    if (this.#exports.open(key.length, start - aadStart, end - start) === 0) return false
    this.#unload(bytes, start, end)
    // What was decrypted stays nowhere but with whoever asked for it.
    this.#memory.fill(0, packetAt, packetAt + end - start + blockBytes)
    return true
  }

  /** Copies `bytes[from..to)` to `at`, filled up to whole blocks with zeros. Where the next begins. */
  #place(at: number, bytes: Uint8Array, from: number, to: number): number {
    const memory = this.#memory
    for (let i = from; i < to; i++) memory[at++] = bytes[i]
    while (at % blockBytes !== 0) memory[at++] = 0
    return at
  }

  /**
   * Computes the tag of `bytes[start..end)` with `bytes[aadStart..start)` as additional data. `stream` holds the encrypted
   * counter block of the tag in the 16 bytes at `maskFrom`. `key` is the hash key H, 16 bytes. All of it, filled up to whole
   * blocks, has to fit into 64 KiB.
   */
  compute(key: Uint8Array, stream: Uint8Array, maskFrom: number, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    const memory = this.#memory
    for (let i = 0; i < blockBytes; i++) {
      memory[i] = key[i]
      memory[maskAt + i] = stream[maskFrom + i]
    }
    const lengths = this.#place(this.#place(blocksAt, bytes, aadStart, start), bytes, start, end)
    // The lengths in bits, 64 bits each; neither has more than 32.
    this.#length(lengths, start - aadStart)
    this.#length(lengths + 8, end - start)
    this.#exports.ghash((lengths + blockBytes - blocksAt) / blockBytes)
  }

  #length(at: number, count: number): void {
    const memory = this.#memory
    const bits = 8 * count
    for (let i = 0; i < 4; i++) memory[at + i] = 0
    memory[at + 4] = bits >>> 24
    memory[at + 5] = bits >>> 16
    memory[at + 6] = bits >>> 8
    memory[at + 7] = bits
  }

  /** Overwrites the tag. The right tag of a forged packet is nobody's business. */
  clear(): void {
    this.tag.fill(0)
  }
}

let shared: WasmGcm | undefined
let refused = false

/** The instance, made at its first use; `undefined` where WebAssembly or its SIMD is missing or forbidden. */
export const wasmGcm = (): WasmGcm | undefined => {
  if (shared !== undefined || refused) return shared
  const exports = instantiate(binary) as Exports | undefined
  if (exports === undefined) refused = true
  else shared = new WasmGcm(exports)
  return shared
}
