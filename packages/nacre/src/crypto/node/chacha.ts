// Owns ChaCha20 and Poly1305 in Node: OpenSSL's ChaCha20 for large packets, beside the Poly1305 in WebAssembly that
// node:crypto lacks (its `chacha20-poly1305` is RFC 8439's, which is another construction). Knows nothing of packets.
import { createCipheriv, createDecipheriv, createSecretKey, getCipherInfo, type KeyObject } from 'node:crypto'
import { chaChaPoly } from '../chacha-poly.ts'
import { type WasmChaChaPoly, wasmChaChaPoly } from '../chacha-poly-wasm.ts'
import type { ChaChaPoly } from '../provider.ts'
import { discard } from './plain.ts'

const algorithm = 'chacha20'
// Setting up a cipher costs some microseconds; from here on OpenSSL's is faster all the same.
const largeBytes = 4096

// OpenSSL's IV: the block counter in 8 bytes, little-endian, then the nonce: the sequence number in 8, big-endian. The
// payload begins at block 1: block 0 is the one-time key.
const iv = new Uint8Array(16)
iv[0] = 1

const ivFor = (sequence: number): Uint8Array => {
  iv[12] = sequence >>> 24
  iv[13] = sequence >>> 16
  iv[14] = sequence >>> 8
  iv[15] = sequence
  return iv
}

class NodeChaChaPoly implements ChaChaPoly {
  readonly detached = false
  readonly #wasm: WasmChaChaPoly
  readonly #payloadKey: KeyObject

  constructor(wasm: WasmChaChaPoly, key: Uint8Array) {
    this.#wasm = wasm
    this.#payloadKey = createSecretKey(key.subarray(0, 32))
  }

  chacha(key: 0 | 1, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void {
    this.#wasm.chacha(key, sequence, counter, bytes, start, end)
  }

  seal(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start < largeBytes) {
      this.#wasm.seal(sequence, bytes, start, end)
      return
    }
    const sealed = createCipheriv(algorithm, this.#payloadKey, ivFor(sequence)).update(bytes.subarray(start + 4, end))
    bytes.set(sealed, start + 4)
    discard(sealed)
    this.#wasm.sealLengthAndTag(sequence, bytes, start, end)
  }

  open(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    if (end - start < largeBytes) return this.#wasm.open(sequence, bytes, start, end)
    if (!this.#wasm.verify(sequence, bytes, start, end)) return undefined
    const region = bytes.subarray(start + 4, end)
    const opened = createDecipheriv(algorithm, this.#payloadKey, ivFor(sequence)).update(region)
    region.set(opened)
    discard(opened)
    return region
  }
}

/** `key` of 64 bytes: payload key, then length key. Nodes built on another library may have no bare ChaCha20. */
export const nodeChaChaPoly = (key: Uint8Array): ChaChaPoly => {
  const wasm = wasmChaChaPoly(key)
  return wasm === undefined || getCipherInfo(algorithm) === undefined ? chaChaPoly(key) : new NodeChaChaPoly(wasm, key)
}
