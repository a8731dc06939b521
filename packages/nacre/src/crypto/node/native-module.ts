// Owns the shape of the package `@nacre/native` as this library uses it. Knows nothing of where it comes from.

/** What the package `@nacre/native` exports. All of it works in place and throws for offsets outside of an array. */
export interface NativeModule {
  readonly Gcm: new (key: Uint8Array, sealing: boolean) => NativeGcm
  readonly ChaChaPoly: new (key: Uint8Array) => NativeChaChaPoly
  readonly Ctr: new (key: Uint8Array, iv: Uint8Array) => NativeCtr
  readonly Hmac: new (hash: string, key: Uint8Array) => NativeHmac
  /** The user at the other end of a local socket, `undefined` when the system does not tell. Builds before it existed lack it. */
  readonly peerUid?: (descriptor: number) => number | undefined
  /**
   * Makes a descriptor of /dev/net/tun a device of that name, a new one or one that lasts: with its name, or the system's number for
   * why not; `undefined` where there are no such devices. Builds before it existed lack it.
   */
  readonly tunnelInterface?: (descriptor: number, ethernet: boolean, name: string) => string | number | undefined
}
export interface NativeGcm {
  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void
  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): boolean
  dispose(): void
}
export interface NativeChaChaPoly {
  seal(sequence: number, bytes: Uint8Array, start: number, end: number): void
  open(sequence: number, bytes: Uint8Array, start: number, end: number): boolean
  chacha(key: 0 | 1, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void
  dispose(): void
}
interface NativeCtr {
  process(bytes: Uint8Array, start: number, end: number): void
  dispose(): void
}
export interface NativeHmac {
  digest(first: Uint8Array, second: Uint8Array, out: Uint8Array): void
  dispose(): void
}
