// Owns nologin(5): while such a file exists, only root may log in, and what is in it is shown to everybody else. Knows nothing of
// who shows it.
import { existsSync, readFileSync } from 'node:fs'
import type { Account } from './account.ts'

const files: readonly string[] = ['/etc/nologin', '/run/nologin', '/var/run/nologin']

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/**
 * The first file that closes this system to an account, and its text, which may be empty. `undefined` when there is none, for root,
 * and for a server that is not root: it serves nobody but whoever has started it.
 */
export const closedNote = (
  account: Account,
  paths: readonly string[] = files,
): { readonly path: string; readonly text: string } | undefined => {
  if (account.uid === 0 || process.geteuid?.() !== 0) return undefined
  const path = paths.find(each => existsSync(each))
  return path === undefined ? undefined : { path, text: read(path) }
}
