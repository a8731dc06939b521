// Owns key revocation lists as values (PROTOCOL.krl): what is revoked, by what, and the ceilings. Knows nothing of their bytes,
// of the text they are made from, or of asking them.
import type { PublicKey } from '../public.ts'
import type { SerialSet } from './serials.ts'

/** Certificates of one authority that are revoked, or of any. */
export interface RevokedCertificates {
  /** The authority's key; `undefined` stands for any authority. */
  readonly authority: PublicKey | undefined
  readonly serials: SerialSet
  /** The bytes of key IDs, in the order of their bytes, none twice. */
  readonly keyIds: readonly Uint8Array[]
}

export interface KeyRevocationList {
  /** A number that grows when the list changes. */
  readonly version: bigint
  /** When it was made, in seconds since 1970. */
  readonly generated: bigint
  /** None are defined; kept as they were. */
  readonly flags: bigint
  /** Unescaped. */
  readonly comment: string
  readonly certificates: readonly RevokedCertificates[]
  /** Blobs of plain keys, in the order of their bytes, none twice. */
  readonly keys: readonly Uint8Array[]
  /** SHA-1 hashes of blobs of plain keys; 20 bytes each, in order. */
  readonly sha1: readonly Uint8Array[]
  /** SHA-256 hashes of blobs of plain keys; 32 bytes each, in order. */
  readonly sha256: readonly Uint8Array[]
}

/** A list that revokes nothing. */
export const emptyKrl: KeyRevocationList = {
  version: 0n,
  generated: 0n,
  flags: 0n,
  comment: '',
  certificates: [],
  keys: [],
  sha1: [],
  sha256: [],
}

export const krlMagic = Uint8Array.of(0x53, 0x53, 0x48, 0x4b, 0x52, 0x4c, 0x0a, 0x00)
export const krlFormat = 1
export const sections = { certificates: 1, key: 2, sha1: 3, signature: 4, sha256: 5, extension: 255 } as const
export const certificateSections = { serialList: 0x20, serialRange: 0x21, serialBitmap: 0x22, keyId: 0x23, extension: 0x39 } as const

/** OpenSSH reads no bitmap of more bits (it writes some, which nobody can read then; we write several instead). */
export const mostBitmapBits = 16384

/** Above this many bytes a list is not read, unless the caller says so. */
export const usualKrlBytes = 64 * 1024 * 1024
/** Above this many keys, hashes, key IDs and ranges together a list is neither read nor made. */
export const mostKrlEntries = 4 * 1024 * 1024

/** Byte by byte; of two that begin alike the shorter is first. */
const compareBytes = (left: Uint8Array, right: Uint8Array): number => {
  const shared = Math.min(left.length, right.length)
  for (let i = 0; i < shared; i++) if (left[i] !== right[i]) return left[i] - right[i]
  return left.length - right.length
}

/** In order, none twice. */
export const inOrder = (blobs: readonly Uint8Array[]): readonly Uint8Array[] =>
  blobs.toSorted(compareBytes).filter((blob, i, all) => i === 0 || compareBytes(all[i - 1], blob) !== 0)

/** True when `blob` is among `blobs`, which are in order. */
export const holds = (blobs: readonly Uint8Array[], blob: Uint8Array): boolean => {
  let low = 0
  let high = blobs.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const order = compareBytes(blobs[middle], blob)
    if (order === 0) return true
    if (order < 0) low = middle + 1
    else high = middle
  }
  return false
}
