// Owns copying and renaming on the server: by whatever it offers for that, else the careful way round. Knows no packets.
import { SftpError } from '../../errors.ts'
import { copyData } from '../extensions/copy-data.ts'
import { copyFile } from '../extensions/copy-file.ts'
import { posixRename } from '../extensions/posix-rename.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf, shownPath } from './explain.ts'
import { placeFile, temporaryBeside } from './place-file.ts'
import { ReadAhead } from './read-ahead.ts'
import type { OpenHandle } from './requests.ts'
import { orAborted } from './waiting.ts'
import { WriteBehind } from './write-behind.ts'

export interface CopyOptions extends Given {
  /** What is at the new name gives way. Default false: it is an error. */
  readonly replace?: boolean
  /** Permissions. Default those of the source. */
  readonly mode?: number
}

export interface CopyResult {
  /** Whether the bytes went from file to file on the server (`copy-data`, `copy-file`), or through this program. */
  readonly by: 'server' | 'client'
}

const throughHere = async (calls: Calls, from: OpenHandle, to: OpenHandle, { signal }: Given): Promise<void> => {
  const { size } = await calls.fstat(from, { signal })
  const ahead = new ReadAhead(calls, from, { size, signal })
  const behind = new WriteBehind(calls, to, { signal })
  try {
    for (let bytes = await ahead.next(); bytes !== undefined; bytes = await ahead.next()) await behind.write(bytes)
    await behind.finish()
  } finally {
    ahead.cancel()
    behind.stop()
  }
}

/** One file; links are followed. The copy appears under its name when it is complete. */
export const copy = async (calls: Calls, from: string, to: string, options: CopyOptions = {}): Promise<CopyResult> => {
  const { replace = false, signal } = options
  const given = { signal }
  const source = await calls.open(from, { read: true }, {}, given)
  let by: CopyResult['by'] = 'server'
  try {
    const { type, permissions } = await calls.fstat(source, given)
    if (type === 'directory') throw failureOf('file-is-a-directory', 'it is a directory', { operation: 'copy', path: from })
    if (!calls.has(copyData) && calls.has(copyFile) && options.mode === undefined) {
      await calls.extended(copyFile, { from, to, overwrite: replace }, { operation: 'copy', path: from, signal })
      return { by }
    }
    const mode = options.mode ?? permissions
    await placeFile(calls, to, { exclusive: !replace, mode, signal }, async file => {
      try {
        if (calls.has(copyData)) {
          await calls.copyData(source, file, given)
          return
        }
      } catch (error) {
        // Announced and not done: nothing has been written.
        if (!(error instanceof SftpError) || error.status !== 'op-unsupported') throw error
      }
      by = 'client'
      await throughHere(calls, source, file, given)
    })
  } finally {
    void calls.closeQuietly(source)
  }
  return { by }
}

export interface RenameOptions extends Given {
  /** What is at the new name gives way, as with rename(2). Default false: it is an error. */
  readonly replace?: boolean
}

export interface RenameResult {
  /**
   * Whether it was one step. Without posix-rename@openssh.com what is in the way is moved aside first and removed afterwards, so
   * for a moment there is nothing under the new name.
   */
  readonly atomic: boolean
}

const exists = async (calls: Calls, path: string, given: Given): Promise<boolean> => {
  try {
    await calls.lstat(path, given)
    return true
  } catch (error) {
    if (error instanceof SftpError && (error.status === 'no-such-file' || error.status === 'no-such-path')) return false
    throw error
  }
}

const cannotReplace = 'the server has no posix-rename@openssh.com, and without it only files are replaced'

/** Moves `from` to where something is: that is kept until it is in its place, and put back when it does not get there. */
const swap = async (calls: Calls, from: string, to: string): Promise<void> => {
  const about = { operation: 'rename', path: from }
  const aside = temporaryBeside(to)
  await calls.plainRename(to, aside)
  try {
    await calls.plainRename(from, to)
  } catch (error) {
    try {
      await calls.plainRename(aside, to)
    } catch {
      throw failureOf('failure', `it was not put in place, and what was there is now at ${shownPath(aside)}`, about, { cause: error })
    }
    throw error
  }
  try {
    await calls.remove(aside)
  } catch (cause) {
    throw failureOf('failure', `it is in place, but what was there could not be removed from ${shownPath(aside)}`, about, { cause })
  }
}

const replaceByHand = async (calls: Calls, from: string, to: string, given: Given): Promise<RenameResult> => {
  if (!(await exists(calls, to, given))) {
    await calls.plainRename(from, to, given)
    return { atomic: true }
  }
  // Nothing is moved aside for a source that is not there.
  const types = await Promise.all([calls.lstat(from, given), calls.lstat(to, given)])
  if (types.some(({ type }) => type === 'directory')) throw failureOf('op-unsupported', cannotReplace, { operation: 'rename', path: to })
  await orAborted(swap(calls, from, to), given.signal)
  return { atomic: false }
}

export const rename = async (
  calls: Calls,
  from: string,
  to: string,
  { replace = false, signal }: RenameOptions = {},
): Promise<RenameResult> => {
  const given = { signal }
  if (replace && calls.has(posixRename)) {
    await calls.posixRename(from, to, given)
    return { atomic: true }
  }
  if (replace) return await replaceByHand(calls, from, to, given)
  // Many servers call rename(2), which replaces without a word.
  if (!calls.quirks.renameRefuses && (await exists(calls, to, given)))
    throw failureOf('file-already-exists', 'something of the new name exists already', { operation: 'rename', path: to })
  await calls.plainRename(from, to, given)
  return { atomic: true }
}
