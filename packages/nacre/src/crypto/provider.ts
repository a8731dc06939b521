// Owns the interface between SSH's constructions and the primitives of a runtime. Synchronous where packets are
// concerned (a promise per packet costs more than the cipher); knows nothing of algorithm names of the protocol.

import type { Derivation, PrivateHalf } from './derivation.ts'

export type HashName = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512'
export type CurveName = 'nistp256' | 'nistp384' | 'nistp521'
export type StreamCipherName = 'aes128-ctr' | 'aes192-ctr' | 'aes256-ctr' | 'aes128-cbc' | 'aes192-cbc' | 'aes256-cbc' | '3des-cbc'
export type Direction = 'seal' | 'open'

/**
 * What holds keys. `dispose` overwrites them at once and makes the object unusable; where it is missing, or not called, that
 * is left to the collector.
 */
export interface KeyHolder {
  dispose?(): void
}

/** Fills `bytes` with unpredictable bytes. */
export type Random = (bytes: Uint8Array) => void

/** A hash over several pieces, without joining them. */
export interface Hasher {
  update(bytes: Uint8Array): void
  digest(): Uint8Array
}

/** A keyed hash, used once per packet. */
export interface KeyedHash extends KeyHolder {
  /** The hash of the pieces in order. It may be overwritten by the next call. */
  digest(first: Uint8Array, second?: Uint8Array): Uint8Array
}

/** A cipher whose state runs on from packet to packet (CTR, CBC). */
export interface StreamTransform extends KeyHolder {
  /** Replaces `bytes[start..end)`; the length is a multiple of the block size. */
  process(bytes: Uint8Array, start: number, end: number): void
}

/** An AEAD with an explicit nonce, length in clear as additional data (RFC 5647). */
export interface Aead extends KeyHolder {
  /** Encrypts `bytes[start..end)` in place with `bytes[aadStart..start)` authenticated; writes the tag at `end`. */
  seal(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): void
  /**
   * Checks the tag at `end` and decrypts `bytes[start..end)`. Returns the plaintext, either that region itself or a
   * buffer of its own, or `undefined` when the tag is wrong; the region may then have been overwritten.
   */
  open(nonce: Uint8Array, bytes: Uint8Array, aadStart: number, start: number, end: number): Uint8Array | undefined
  /** True when `open` returns buffers of their own rather than views of its input. */
  readonly detached: boolean
}

/** OpenSSH's ChaCha20 and Poly1305 (draft-ietf-sshm-chacha20-poly1305): 64-bit counter, 64-bit nonce. */
export interface ChaChaPoly extends KeyHolder {
  /** XORs the key stream of `key` (0: payload, 1: length) at block `counter` into `bytes[start..end)`. */
  chacha(key: 0 | 1, sequence: number, counter: number, bytes: Uint8Array, start: number, end: number): void
  /** Seals in place: length at `start`, `end - start - 4` bytes of packet, tag written at `end`. */
  seal(sequence: number, bytes: Uint8Array, start: number, end: number): void
  /** Checks the tag at `end`, then decrypts the packet after the length. `undefined` when the tag is wrong. */
  open(sequence: number, bytes: Uint8Array, start: number, end: number): Uint8Array | undefined
  readonly detached: boolean
}

/** One side of a key agreement. Private parts never leave the provider. */
export interface Agreement {
  /** Our public value in the form SSH sends it. */
  readonly publicKey: Uint8Array
  /** The shared secret, raw; throws when the peer's value is not acceptable. */
  agree(theirs: Uint8Array): Uint8Array
}

/** One side of a key encapsulation, the side that decapsulates. */
export interface Encapsulation {
  readonly publicKey: Uint8Array
  decapsulate(ciphertext: Uint8Array): Uint8Array
}

/** A finite-field Diffie-Hellman side. Slow groups work off the caller's thread, so both steps may be promises. */
export interface DhAgreement {
  readonly publicKey: Uint8Array
  agree(theirs: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/** The numbers of a public key whose private half can lie in memory; all integers are unsigned big-endian magnitudes. */
export type PlainPublicNumbers =
  | { readonly kind: 'ed25519'; readonly publicKey: Uint8Array }
  | { readonly kind: 'ecdsa'; readonly curve: CurveName; readonly point: Uint8Array }
  | { readonly kind: 'rsa'; readonly e: Uint8Array; readonly n: Uint8Array }
  | { readonly kind: 'dsa'; readonly p: Uint8Array; readonly q: Uint8Array; readonly g: Uint8Array; readonly y: Uint8Array }

/** The numbers of a public key. */
export type PublicKeyNumbers =
  | PlainPublicNumbers
  /** A key in a security key (PROTOCOL.u2f); `application` is what the token was told it is for, `ssh:` mostly. */
  | { readonly kind: 'sk-ed25519'; readonly publicKey: Uint8Array; readonly application: string }
  /** The same on nistp256. */
  | { readonly kind: 'sk-ecdsa'; readonly point: Uint8Array; readonly application: string }
  /** ML-DSA-44 and Ed25519 together: 1312 bytes of the one, 32 of the other. */
  | { readonly kind: 'mldsa44-ed25519'; readonly publicKey: Uint8Array }

/** What stands in the file of a key that lies in a security key: no secret that could sign. */
export interface TokenHandle {
  /** What the token asks for: 1 a touch, 4 a PIN, 0x20 it lies in the token itself (`resident`). */
  readonly flags: number
  /** What the token finds its key by. */
  readonly keyHandle: Uint8Array
  readonly reserved: Uint8Array
}

export type PlainPrivateNumbers =
  | { readonly kind: 'ed25519'; readonly publicKey: Uint8Array; readonly seed: Uint8Array }
  | { readonly kind: 'ecdsa'; readonly curve: CurveName; readonly point: Uint8Array; readonly scalar: Uint8Array }
  | {
      readonly kind: 'rsa'
      readonly e: Uint8Array
      readonly n: Uint8Array
      readonly d: Uint8Array
      readonly iqmp: Uint8Array
      readonly p: Uint8Array
      readonly q: Uint8Array
    }
  | {
      readonly kind: 'dsa'
      readonly p: Uint8Array
      readonly q: Uint8Array
      readonly g: Uint8Array
      readonly y: Uint8Array
      readonly x: Uint8Array
    }

export type PrivateKeyNumbers =
  | PlainPrivateNumbers
  | (Extract<PublicKeyNumbers, { kind: 'sk-ed25519' }> & TokenHandle)
  | (Extract<PublicKeyNumbers, { kind: 'sk-ecdsa' }> & TokenHandle)
  /** `seeds`: 32 bytes for ML-DSA-44, 32 for Ed25519. */
  | { readonly kind: 'mldsa44-ed25519'; readonly publicKey: Uint8Array; readonly seeds: Uint8Array }

/** What a provider verifies with. ML-DSA signs for a `context` (FIPS 204 §5.2), which is fixed for a key of ours. */
export type VerifiableNumbers =
  | PlainPublicNumbers
  | { readonly kind: 'ml-dsa-44'; readonly publicKey: Uint8Array; readonly context: Uint8Array }
/** What a provider signs with; the seed of ML-DSA has 32 bytes. */
export type SigningNumbers = PlainPrivateNumbers | { readonly kind: 'ml-dsa-44'; readonly seed: Uint8Array; readonly context: Uint8Array }

/** What key to make. RSA: 1024 to 16384 bits, default 3072; keys of 4096 bits take a second or more. */
export type KeyChoice =
  | { readonly kind: 'ed25519' }
  | { readonly kind: 'ecdsa'; readonly curve: CurveName }
  | { readonly kind: 'rsa'; readonly bits?: number }

/** Verifies; `signature` is raw: 64 bytes for ed25519, 2420 for ml-dsa-44, r || s for ecdsa and dsa, PKCS#1 v1.5 for rsa. */
export interface VerifyKey {
  verify(hash: HashName | undefined, data: Uint8Array, signature: Uint8Array): boolean
}

/** Signs; the result has the raw form `VerifyKey` takes. Slow keys may answer later. */
export interface SigningKey {
  sign(hash: HashName | undefined, data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface CryptoProvider {
  readonly name: string
  readonly random: Random

  hash(name: HashName, ...pieces: readonly Uint8Array[]): Uint8Array
  hasher(name: HashName): Hasher
  hmac(name: HashName, key: Uint8Array): KeyedHash

  /** AES-GCM; `key` of 16 or 32 bytes. */
  aesGcm(key: Uint8Array, direction: Direction): Aead
  /** CTR and CBC without padding. */
  streamCipher(name: StreamCipherName, key: Uint8Array, iv: Uint8Array, direction: Direction): StreamTransform
  /** One AES block after another, ECB; for UMAC. `key` of 16 bytes. */
  aesBlocks(key: Uint8Array): (blocks: Uint8Array) => Uint8Array
  /** `key` of 64 bytes: payload key, then length key. */
  chachaPoly(key: Uint8Array, direction: Direction): ChaChaPoly

  x25519(random: Random): Agreement
  ecdh(curve: CurveName, random: Random): Agreement
  mlkem768(random: Random): Encapsulation
  /** Encapsulates to an ML-KEM-768 key of 1184 bytes; throws when the key is malformed. */
  mlkem768Encapsulate(publicKey: Uint8Array, random: Random): { ciphertext: Uint8Array; secret: Uint8Array }
  /** A DH side in the group (p, g) with an exponent of at least `exponentBits`. */
  dh(group: { p: Uint8Array; g: Uint8Array }, exponentBits: number, random: Random): DhAgreement | Promise<DhAgreement>

  /**
   * The public half of a private number: 32 bytes of Ed25519, an uncompressed point of a curve. Throws `RangeError` for what
   * is no private number.
   */
  publicHalf(key: PrivateHalf): Uint8Array
  /**
   * `size` bytes made of a passphrase, in another thread or in slices of some milliseconds. What it may cost is bounded by
   * whoever read the costs.
   */
  derive(by: Derivation, passphrase: Uint8Array, salt: Uint8Array, size: number): Promise<Uint8Array>

  /** A new key, made off this thread where that takes long. Throws `RangeError` for RSA sizes other than 1024 to 16384 bits. */
  generateKey(choice: KeyChoice): Promise<PlainPrivateNumbers>
  /** A new ML-DSA-44 key. Throws `KeyFormatError` KEY_UNSUPPORTED where there is none. */
  generateMldsa44(): { readonly publicKey: Uint8Array; readonly seed: Uint8Array }
  /** Throws `KeyFormatError` KEY_UNSUPPORTED for a kind this runtime has not. */
  verifyKey(numbers: VerifiableNumbers): VerifyKey
  signingKey(numbers: SigningNumbers): SigningKey
}
