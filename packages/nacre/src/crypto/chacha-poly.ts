// Owns the choice between the two forms of OpenSSH's ChaCha20 and Poly1305 that run anywhere. Knows no runtime.
import { pureChaChaPoly } from './chacha-poly-pure.ts'
import { wasmChaChaPoly } from './chacha-poly-wasm.ts'
import type { ChaChaPoly } from './provider.ts'

/** `key` of 64 bytes: payload key, then length key. In WebAssembly where that can run, else in TypeScript. */
export const chaChaPoly = (key: Uint8Array): ChaChaPoly => wasmChaChaPoly(key) ?? pureChaChaPoly(key)
