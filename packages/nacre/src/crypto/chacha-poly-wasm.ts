// Owns OpenSSH's ChaCha20 and Poly1305 in WebAssembly: the instance, which all connections of a process share because each
// use is one synchronous call, and the copying in and out of its memory. Knows nothing of packets.
import type { ChaChaPoly } from './provider.ts'
import { binary } from './wasm/chacha-poly-binary.ts'
import { instantiate } from './wasm/instance.ts'

// See the layout at the top of wasm/chacha-poly.as.
const dataAt = 1024
const keyBytes = 64
const tagBytes = 16
const pageBytes = 65536

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
  chacha(key: number, sequence: number, counter: number, at: number, size: number): void
  seal(sequence: number, at: number, size: number): void
  open(sequence: number, at: number, size: number): number
  sealLengthAndTag(sequence: number, at: number, size: number): void
  verify(sequence: number, at: number, size: number): number
}

interface Engine {
  readonly exports: Exports
  memory: Uint8Array
}

let engine: Engine | undefined
let refused = false

/** The instance, made at its first use; `undefined` where WebAssembly or its SIMD is missing or forbidden. */
const running = (): Engine | undefined => {
  if (engine !== undefined || refused) return engine
  const exports = instantiate(binary) as Exports | undefined
  if (exports === undefined) refused = true
  else engine = { exports, memory: new Uint8Array(exports.memory.buffer) }
  return engine
}

/** `WasmChaChaPoly` and the two steps that runtimes with a ChaCha20 of their own combine with it. */
export class WasmChaChaPoly implements ChaChaPoly {
  readonly detached = false
  readonly #engine: Engine
  readonly #keys: Uint8Array

  constructor(engineInUse: Engine, key: Uint8Array) {
    this.#engine = engineInUse
    this.#keys = key.slice(0, keyBytes)
  }

  /** Places the keys and `bytes[start..end)`, with room for a tag. The memory, which moves when it grows. */
  #load(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const engineInUse = this.#engine
    const short = dataAt + (end - start) + tagBytes - engineInUse.memory.length
    if (short > 0) {
      engineInUse.exports.memory.grow(Math.ceil(short / pageBytes))
      engineInUse.memory = new Uint8Array(engineInUse.exports.memory.buffer)
    }
    const memory = engineInUse.memory
    memory.set(this.#keys, 0)
    memory.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), dataAt)
    return memory
  }

  chacha(key: 0 | 1, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void {
    const memory = this.#load(bytes, start, end)
    const size = end - start
    this.#engine.exports.chacha(key, sequence, counter, dataAt, size)
    bytes.set(memory.subarray(dataAt, dataAt + size), start)
    memory.fill(0, dataAt, dataAt + size)
  }

  seal(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    const memory = this.#load(bytes, start, end)
    const size = end - start
    this.#engine.exports.seal(sequence, dataAt, size)
    bytes.set(memory.subarray(dataAt, dataAt + size + tagBytes), start)
  }

  open(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    const memory = this.#load(bytes, start, end + tagBytes)
    const size = end - start
    if (this.#engine.exports.open(sequence, dataAt, size) === 0) return undefined
    bytes.set(memory.subarray(dataAt + 4, dataAt + size), start + 4)
    memory.fill(0, dataAt, dataAt + size)
    return bytes.subarray(start + 4, end)
  }

  /** For a packet whose bytes after the length are encrypted already: encrypts the length and writes the tag at `end`. */
  sealLengthAndTag(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    const memory = this.#load(bytes, start, end)
    const size = end - start
    this.#engine.exports.sealLengthAndTag(sequence, dataAt, size)
    for (let i = 0; i < 4; i++) bytes[start + i] = memory[dataAt + i]
    for (let i = 0; i < tagBytes; i++) bytes[end + i] = memory[dataAt + size + i]
  }

  /** Whether the tag at `end` is right. */
  verify(sequence: number, bytes: Uint8Array, start: number, end: number): boolean {
    this.#load(bytes, start, end + tagBytes)
    return this.#engine.exports.verify(sequence, dataAt, end - start) === 1
  }
}

/** `key` of 64 bytes: payload key, then length key. `undefined` where WebAssembly cannot run. */
export const wasmChaChaPoly = (key: Uint8Array): WasmChaChaPoly | undefined => {
  const engineInUse = running()
  return engineInUse === undefined ? undefined : new WasmChaChaPoly(engineInUse, key)
}
