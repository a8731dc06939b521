// Owns the hashes of check-file as Node has them. Knows no files.
import { createHash } from 'node:crypto'
import { hashNames } from '../extensions/hashing.ts'
import { crc32 } from './crc32.ts'
import type { MakeHasher } from './options.ts'

export const nodeHasher: MakeHasher = name => {
  if (name === 'crc32') return crc32()
  if (!(hashNames as readonly string[]).includes(name)) return undefined
  const hash = createHash(name)
  return {
    update: bytes => {
      hash.update(bytes)
    },
    digest: () => new Uint8Array(hash.digest()),
  }
}
