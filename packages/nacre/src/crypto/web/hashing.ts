// Owns hashes and keyed hashes over @noble/hashes. Knows nothing of what is hashed.
import { hmac as nobleHmac } from '@noble/hashes/hmac.js'
import { md5, sha1 } from '@noble/hashes/legacy.js'
import { sha256, sha384, sha512 } from '@noble/hashes/sha2.js'
import type { Hasher, HashName, KeyedHash } from '../provider.ts'

const hashes = { md5, sha1, sha256, sha384, sha512 } as const satisfies Record<HashName, unknown>

export const hash = (name: HashName, ...pieces: readonly Uint8Array[]): Uint8Array => {
  const running = hashes[name].create()
  for (const piece of pieces) running.update(piece)
  return running.digest()
}

export const hasher = (name: HashName): Hasher => {
  const running = hashes[name].create()
  return {
    update: bytes => void running.update(bytes),
    digest: () => running.digest(),
  }
}

export const hmac = (name: HashName, key: Uint8Array): KeyedHash => {
  // The key's own two blocks are hashed once; each packet goes on from a copy of that state.
  const keyed = nobleHmac.create(hashes[name], key)
  return {
    digest(first, second) {
      const running = keyed.clone()
      running.update(first)
      if (second !== undefined) running.update(second)
      return running.digest()
    },
  }
}
