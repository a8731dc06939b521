// Owns GHASH in WebAssembly: the instance, which all connections of a process share because each use is one synchronous
// call, and the layout of what GCM hashes. Knows nothing of AES and of packets.
import { binary } from './wasm/ghash-binary.ts'
import { instantiate } from './wasm/instance.ts'

// See the layout at the top of wasm/ghash.as.
const maskAt = 16
const resultAt = 32
const blocksAt = 64
const blockBytes = 16

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  ghash(count: number): void
}

/** The tag of AES-GCM over additional data and ciphertext (NIST SP 800-38D §7.1). */
export class WasmGhash {
  /** 16 bytes: what `compute` computed. Valid until anybody computes again; `clear` overwrites it. */
  readonly tag: Uint8Array
  readonly #exports: Exports
  readonly #memory: Uint8Array

  constructor(exports: Exports) {
    this.#exports = exports
    this.#memory = new Uint8Array(exports.memory.buffer)
    this.tag = this.#memory.subarray(resultAt, resultAt + blockBytes)
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

let shared: WasmGhash | undefined
let refused = false

/** The instance, made at its first use; `undefined` where WebAssembly is missing or forbidden. */
export const wasmGhash = (): WasmGhash | undefined => {
  if (shared !== undefined || refused) return shared
  const exports = instantiate(binary) as Exports | undefined
  if (exports === undefined) refused = true
  else shared = new WasmGhash(exports)
  return shared
}
