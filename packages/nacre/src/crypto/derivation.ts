// Owns the names and costs of the ways to make a key of a passphrase. Knows nothing of files: which costs are too high is
// said where they are read.
export type Argon2Name = 'argon2d' | 'argon2i' | 'argon2id'

export type Pbkdf2Hash = 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'

export type Derivation =
  /** OpenSSH's bcrypt_pbkdf. */
  | { readonly kind: 'bcrypt'; readonly rounds: number }
  /** RFC 8018 §5.2. */
  | { readonly kind: 'pbkdf2'; readonly hash: Pbkdf2Hash; readonly iterations: number }
  /** RFC 7914. `cost` is its N. */
  | { readonly kind: 'scrypt'; readonly cost: number; readonly blockSize: number; readonly parallelism: number }
  /** RFC 9106, version 0x13. `memory` in KiB. */
  | { readonly kind: Argon2Name; readonly memory: number; readonly passes: number; readonly parallelism: number }

/** A private number of a curve, whose public half follows from it. */
export type PrivateHalf =
  | { readonly kind: 'ed25519'; readonly seed: Uint8Array }
  | { readonly kind: 'ecdsa'; readonly curve: 'nistp256' | 'nistp384' | 'nistp521'; readonly scalar: Uint8Array }
