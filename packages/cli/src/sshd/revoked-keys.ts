// Owns the keys nobody may log in with (RevokedKeys): reading the list, and looking keys and certificates up in it. Knows nothing
// of the formats, nor of who else decides.
import { readFileSync } from 'node:fs'
import { type Certificate, isRevoked, type KeyRevocationList, parseRevokedKeys, type PublicKey, type RevokedKeyList } from 'nacre/keys'

/** Says in words why a key may not be used; `undefined` when it may. */
export type RevokedKeys = (key: PublicKey | Certificate) => string | undefined

type List = KeyRevocationList | RevokedKeyList

/**
 * A look-up in the file, which is read when somebody comes, so that it can be changed without a reload. While it cannot be read
 * every key counts as revoked, as with OpenSSH.
 */
const listedIn = (path: string): RevokedKeys => {
  /** Lists can be large: as long as the bytes are the same, so is the list. */
  let read: { readonly bytes: Buffer; readonly list: List } | undefined
  const current = (): List => {
    const bytes = readFileSync(path)
    if (read?.bytes.equals(bytes) !== true) read = { bytes, list: parseRevokedKeys(bytes, path) }
    return read.list
  }
  return key => {
    try {
      return isRevoked(current(), key)?.reason
    } catch (error) {
      return `the list of revoked keys cannot be read, so every key counts as revoked: ${(error as Error).message}`
    }
  }
}

/** A look-up in all of the files (RevokedKeys); `none` among them is none. */
export const revokedKeys = (paths: readonly string[]): RevokedKeys => {
  const lists = paths.filter(each => each.toLowerCase() !== 'none').map(listedIn)
  return key => {
    for (const list of lists) {
      const why = list(key)
      if (why !== undefined) return why
    }
    return undefined
  }
}
