// Owns finding the accelerator `@nacre/native`, proving that it works, and giving its primitives the provider's shapes.
// Knows nothing of packets. Nothing here is needed: without the accelerator every function answers `undefined`.
import type { Aead, ChaChaPoly, Direction, HashName, KeyedHash, StreamTransform } from '../provider.ts'
import type { NativeChaChaPoly, NativeGcm, NativeHmac, NativeModule } from './native-module.ts'
import { nativeSelfTest } from './native-self-test.ts'

interface Search {
  readonly module?: NativeModule
  /** Why there is no module. */
  readonly fault?: string
}

/**
 * Loads with `load` and tests what came. Whatever is wrong becomes a sentence: the package is not there or not built, it
 * was built for another platform, the runtime has no OpenSSL to link to, the results are not what they should be.
 */
export const searchNative = (load: () => unknown, environment: Readonly<Record<string, string | undefined>>): Search => {
  if (environment.NACRE_NATIVE === '0') return { fault: 'NACRE_NATIVE=0 says not to use it.' }
  let found: NativeModule
  try {
    found = load() as NativeModule
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    return { fault: code === 'MODULE_NOT_FOUND' ? '@nacre/native is not installed, or not built.' : message.split('\n')[0] }
  }
  const wrong = nativeSelfTest(found)
  return wrong === undefined ? { module: found } : { fault: `@nacre/native fails its self-test and is not used: ${wrong}.` }
}

// Not imported: bundlers see through `createRequire`, and would take the addon's binary for a script.
const load = (): unknown => process.getBuiltinModule('node:module').createRequire(import.meta.url)('@nacre/native')

let search: Search | undefined
/** Searched once, on first use: a command that never encrypts does not pay for it. */
const found = (): NativeModule | undefined => (search ??= searchNative(load, process.env)).module

/** Why the accelerator is not in use, in a sentence; `undefined` when it is. Looks for it if nobody has yet. */
export const nativeCryptoFault = (): string | undefined => {
  found()
  return search?.fault
}

/** The user at the other end of a local socket, by its descriptor; `undefined` without the addon, or when the system does not tell. */
export const nativePeerUser = (descriptor: number): number | undefined => found()?.peerUid?.(descriptor)

/** Makes a descriptor a network device, where the addon is there and can; see `NativeModule`. */
export const nativeTunnelInterface = (): NativeModule['tunnelInterface'] => found()?.tunnelInterface

class AcceleratedGcm implements Aead {
  readonly detached = false
  readonly #native: NativeGcm
  constructor(native: NativeGcm) {
    this.#native = native
  }
  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void {
    this.#native.seal(nonce, bytes, aadStart, start, end)
  }
  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): Uint8Array | undefined {
    return this.#native.open(nonce, bytes, aadStart, start, end) ? bytes.subarray(start, end) : undefined
  }
  dispose(): void {
    this.#native.dispose()
  }
}

class AcceleratedChaChaPoly implements ChaChaPoly {
  readonly detached = false
  readonly #native: NativeChaChaPoly
  constructor(native: NativeChaChaPoly) {
    this.#native = native
  }
  chacha(key: 0 | 1, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void {
    this.#native.chacha(key, sequence, counter, bytes, start, end)
  }
  seal(sequence: number, bytes: Uint8Array, start: number, end: number): void {
    this.#native.seal(sequence, bytes, start, end)
  }
  open(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    return this.#native.open(sequence, bytes, start, end) ? bytes.subarray(start + 4, end) : undefined
  }
  dispose(): void {
    this.#native.dispose()
  }
}

const hashBytes: Readonly<Record<HashName, number>> = { md5: 16, sha1: 20, sha256: 32, sha384: 48, sha512: 64 }
const nothing = new Uint8Array(0)

class AcceleratedHmac implements KeyedHash {
  readonly #native: NativeHmac
  // A new array for each would cost more than the hash: native code moves its memory out of the heap.
  readonly #tag: Uint8Array
  constructor(native: NativeHmac, size: number) {
    this.#native = native
    this.#tag = new Uint8Array(size)
  }
  digest(first: Uint8Array, second: Uint8Array = nothing): Uint8Array {
    this.#native.digest(first, second, this.#tag)
    return this.#tag
  }
  dispose(): void {
    this.#native.dispose()
  }
}

// A key of a wrong size is left to the pure path, which has the words for it.

export const nativeGcm = (key: Uint8Array, direction: Direction): Aead | undefined => {
  const native = key.length === 16 || key.length === 32 ? found() : undefined
  return native === undefined ? undefined : new AcceleratedGcm(new native.Gcm(key, direction === 'seal'))
}

export const nativeChaChaPoly = (key: Uint8Array): ChaChaPoly | undefined => {
  const native = key.length === 64 ? found() : undefined
  return native === undefined ? undefined : new AcceleratedChaChaPoly(new native.ChaChaPoly(key))
}

/** AES in counter mode; `keyBytes` is what the cipher's name asks for. */
export const nativeCtr = (keyBytes: number, key: Uint8Array, iv: Uint8Array): StreamTransform | undefined => {
  const native = key.length === keyBytes && iv.length === 16 ? found() : undefined
  return native === undefined ? undefined : new native.Ctr(key, iv)
}

export const nativeHmac = (name: HashName, key: Uint8Array): KeyedHash | undefined => {
  const native = found()
  return native === undefined ? undefined : new AcceleratedHmac(new native.Hmac(name, key), hashBytes[name])
}
