// Owns reading a file that decides who gets in: it must be the account's own, and nobody else may be able to change it or
// put another in its place (StrictModes). Knows nothing of what is in it.
import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { getSystemErrorMessage } from 'node:util'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'

/** More would be no file of keys. */
const maximumBytes = 16 * 1024 * 1024

export type SafeRead =
  | { readonly is: 'read'; readonly text: string }
  /** `why` is a sentence for the log. */
  | { readonly is: 'missing' | 'refused'; readonly why: string }

/** Whether anybody but root and the account can change it. */
export const othersMayChange = (stat: { readonly uid: number; readonly mode: number }, uid: number): boolean =>
  (stat.uid !== 0 && stat.uid !== uid) || (stat.mode & 0o022) !== 0

/** The first thing on the way to `path` that others may change, up to the home, or to the root for a file elsewhere. */
const unsafeFolder = (path: string, account: Account): string | undefined => {
  let home = account.home
  try {
    home = realpathSync(home)
  } catch {
    // A home that does not exist cannot be on the way.
  }
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (othersMayChange(statSync(folder), account.uid)) return folder
    if (folder === home || folder === dirname(folder)) return undefined
  }
}

/** `No such file or directory (ENOENT)`. */
const systemWords = ({ code, errno, message }: NodeJS.ErrnoException): string => {
  if (code === undefined || errno === undefined) return message
  const words = getSystemErrorMessage(errno) ?? message
  return `${words.charAt(0).toUpperCase()}${words.slice(1)} (${code})`
}

const read = (path: string, account: Account, strict: boolean, what: string): SafeRead => {
  let descriptor: number
  try {
    // Not blocking: somebody may have put a pipe there.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    const missing = failure.code === 'ENOENT' || failure.code === 'ENOTDIR'
    return {
      is: missing ? 'missing' : 'refused',
      why: `Could not open user '${account.name}' ${what} '${path}': ${systemWords(failure)}`,
    }
  }
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) return { is: 'refused', why: `User '${account.name}' ${what} '${path}' is not a regular file` }
    if (stat.size > maximumBytes) return { is: 'refused', why: `${path} is larger than ${maximumBytes} bytes.` }
    if (strict) {
      if (othersMayChange(stat, account.uid))
        return { is: 'refused', why: `Authentication refused: bad ownership or modes for file ${path}` }
      const folder = unsafeFolder(realpathSync(path), account)
      if (folder !== undefined) return { is: 'refused', why: `Authentication refused: bad ownership or modes for directory ${folder}` }
    }
    return { is: 'read', text: readFileSync(descriptor, 'utf8') }
  } catch (error) {
    return { is: 'refused', why: `Could not read ${path}: ${(error as Error).message}.` }
  } finally {
    closeSync(descriptor)
  }
}

/**
 * Reads `path` with the rights of `account`. With `strict`, the file and every folder up to the account's home must belong
 * to the account or to root and be writable for nobody else. `what` names the file in sentences.
 */
export const readSafely = (path: string, account: Account, strict: boolean, what = 'file'): SafeRead =>
  asUser(account, () => read(path, account, strict, what))
