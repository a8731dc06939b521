// Owns the hashes of check-file where there is no Node. Knows no files.
import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha224, sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import type { Hasher } from '../../crypto/provider.ts'
import { crc32 } from './crc32.ts'
import type { MakeHasher } from './options.ts'

const hashes: Readonly<Record<string, { create(): { update(bytes: Uint8Array): unknown; digest(): Uint8Array } }>> = {
  md5,
  sha1,
  sha224,
  sha256,
  sha384,
  sha512,
}

export const webHasher: MakeHasher = name => {
  if (name === 'crc32') return crc32()
  if (!Object.hasOwn(hashes, name)) return undefined
  const hash = hashes[name].create()
  const hasher: Hasher = {
    update: bytes => {
      hash.update(bytes)
    },
    digest: () => hash.digest(),
  }
  return hasher
}
