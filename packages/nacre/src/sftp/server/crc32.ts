// Owns CRC-32 as zip and Ethernet have it (ISO 3309), as a hash of four bytes. Knows no files.
import type { Hasher } from '../../crypto/provider.ts'
import { writeUint32 } from '../../wire/uint32.ts'

const table = new Uint32Array(256)
for (let byte = 0; byte < 256; byte++) {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
  table[byte] = value
}

/** The digest is big-endian. */
export const crc32 = (): Hasher => {
  let value = 0xffffffff
  return {
    update: bytes => {
      for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ table[(value ^ bytes[i]) & 0xff]
    },
    digest: () => {
      const digest = new Uint8Array(4)
      writeUint32(digest, 0, ~value >>> 0)
      return digest
    },
  }
}
