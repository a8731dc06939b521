// Owns bytes that look random but are the same each time, and their fingerprint. Knows nothing of who carries them.
import { createCipheriv, createHash } from 'node:crypto'

/** `length` bytes that no compression shortens. */
export const bytesOf = (length: number): Buffer =>
  createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16, 1)).update(Buffer.alloc(length))

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const MiB = 1024 * 1024
