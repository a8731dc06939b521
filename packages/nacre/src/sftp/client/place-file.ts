// Owns putting a whole file in place: under a temporary name in the same folder until all of it is there, then under its own.
// Knows neither where the bytes come from nor packets.
import { bytesOfName, nameFromBytes } from '../names.ts'
import { SftpError } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import { hardlink } from '../extensions/hardlink.ts'
import { posixRename } from '../extensions/posix-rename.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import { folderOf, joinPath, nameOf } from './paths.ts'
import type { OpenHandle } from './requests.ts'
import { notLong } from './waiting.ts'

export interface PlaceOptions extends Given {
  /**
   * Write to a temporary name in the same folder and rename when all is there, so that nobody ever sees half of it. Left out:
   * where the server can replace a file in one step and lets us make one in that folder. `true`: so or not at all.
   */
  readonly atomic?: boolean | undefined
  /** Permissions, exactly. Default those of the file that is replaced, else the server's for new files. */
  readonly mode?: number | undefined
  /** What is there is not replaced: it is an error. Default false. */
  readonly exclusive?: boolean | undefined
  /** Have it reach the disk first. Default false. */
  readonly sync?: boolean | undefined
}

/** Longest name on most file systems, in bytes. */
const longestName = 255

/** A name beside `path` that nobody else uses, and that says whose it is. */
export const temporaryBeside = (path: string): string => {
  const random = crypto.getRandomValues(new Uint8Array(6))
  const mark = [...random].map(byte => byte.toString(16).padStart(2, '0')).join('')
  const ending = `.${mark}.nacre-part`
  const name = bytesOfName(nameOf(path)).subarray(0, longestName - ending.length - 1)
  return joinPath(folderOf(path), `.${nameFromBytes(name)}${ending}`)
}

const isStatus = (error: unknown, ...statuses: readonly string[]): boolean => error instanceof SftpError && statuses.includes(error.status)

/** What is at `path`, links not followed; `undefined` for nothing. */
const lookAt = async (calls: Calls, path: string, given: Given): Promise<Attributes | undefined> => {
  try {
    return await calls.lstat(path, given)
  } catch (error) {
    if (isStatus(error, 'no-such-file', 'no-such-path')) return undefined
    throw error
  }
}

/** Removes what is only half there. What went wrong before is what the caller has to know. */
const removeQuietly = (calls: Calls, path: string): Promise<void> => notLong(calls.remove(path))

const fillAndClose = async (
  calls: Calls,
  file: OpenHandle,
  permissions: number | undefined,
  options: PlaceOptions,
  fill: (file: OpenHandle) => Promise<void>,
): Promise<void> => {
  const { signal } = options
  let filled = false
  try {
    await fill(file)
    if (permissions !== undefined) await calls.setAttributesOf(file, { permissions }, { signal, operation: 'chmod' })
    if (options.sync === true) await calls.sync(file, { signal })
    signal?.throwIfAborted()
    filled = true
  } finally {
    // What is done next comes behind it: servers take requests in order.
    if (!filled) void calls.closeQuietly(file)
  }
  await calls.close(file)
}

/** Gives `temporary` its own name. */
const publish = async (
  calls: Calls,
  temporary: string,
  path: string,
  replaces: boolean,
  { exclusive, signal }: PlaceOptions,
): Promise<void> => {
  const given = { signal }
  if (exclusive === true) await publishNew(calls, temporary, path, given)
  else if (calls.has(posixRename)) await calls.posixRename(temporary, path, given)
  else if (!replaces) await calls.plainRename(temporary, path, given)
  else throw failureOf('op-unsupported', 'the server cannot replace a file in one step', { operation: 'write', path })
}

const publishNew = async (calls: Calls, temporary: string, path: string, given: Given): Promise<void> => {
  if (!calls.has(hardlink)) {
    await calls.plainRename(temporary, path, given)
    return
  }
  // A second name is refused where there is a first, whatever the server makes of a rename.
  await calls.link(temporary, path, given)
  await removeQuietly(calls, temporary)
}

const existsError = (path: string): SftpError => failureOf('file-already-exists', 'it exists already', { operation: 'write', path })

interface Target {
  readonly path: string
  /** What is there. */
  readonly there: Attributes | undefined
}

/** Where the bytes are to end up: behind a symbolic link, which stays. */
const targetOf = async (calls: Calls, path: string, options: PlaceOptions): Promise<Target> => {
  const there = await lookAt(calls, path, options)
  if (there !== undefined && options.exclusive === true) throw existsError(path)
  if (there?.type === 'directory') throw failureOf('file-is-a-directory', 'it is a directory', { operation: 'write', path })
  if (there?.type !== 'symlink') return { path, there }
  try {
    const real = await calls.realPath(path, options)
    return { path: real, there: await lookAt(calls, real, options) }
  } catch (error) {
    // Where it leads is for the server to find out.
    if (isStatus(error, 'no-such-file', 'no-such-path', 'failure')) return { path, there }
    throw error
  }
}

const canBeAtomic = (calls: Calls, { there }: Target, { exclusive }: PlaceOptions): boolean => {
  // Devices and pipes are written to, not replaced.
  if (there?.type !== undefined && there.type !== 'file' && there.type !== 'unknown') return false
  if (exclusive === true) return calls.has(hardlink) || calls.quirks.renameRefuses
  return there === undefined || calls.has(posixRename)
}

const inPlace = async (calls: Calls, { path }: Target, options: PlaceOptions, fill: (file: OpenHandle) => Promise<void>): Promise<void> => {
  const { mode, exclusive = false } = options
  const attributes = mode === undefined ? {} : { permissions: mode & 0o7777 }
  const file = await calls.open(path, { write: true, create: true, truncate: true, exclusive }, attributes, options)
  try {
    await fillAndClose(calls, file, mode === undefined ? undefined : mode & 0o7777, options, fill)
  } catch (error) {
    // What was not there before need not stay half-written.
    if (exclusive) await removeQuietly(calls, path)
    throw error
  }
}

/**
 * Makes a file at `path` of what `fill` writes to the open file it is given. When anything fails or the signal fires, what was at
 * `path` is as before, if it was done atomically; the temporary file is removed as far as the server still answers.
 */
export const placeFile = async (
  calls: Calls,
  path: string,
  options: PlaceOptions,
  fill: (file: OpenHandle) => Promise<void>,
): Promise<void> => {
  const { atomic, mode, signal } = options
  const target = await targetOf(calls, path, options)
  const possible = atomic !== false && canBeAtomic(calls, target, options)
  if (atomic === true && !possible)
    throw failureOf('op-unsupported', 'the server cannot replace it in one step; `atomic: false` writes over it', {
      operation: 'write',
      path,
    })
  if (!possible) {
    await inPlace(calls, target, options, fill)
    return
  }
  const permissions = mode === undefined ? target.there?.permissions : mode & 0o7777
  const temporary = temporaryBeside(target.path)
  let file: OpenHandle
  try {
    const attributes = permissions === undefined ? {} : { permissions }
    file = await calls.open(temporary, { write: true, create: true, truncate: true, exclusive: true }, attributes, { signal })
  } catch (error) {
    // The file may be ours to write to where its folder is not.
    if (atomic === true || !isStatus(error, 'permission-denied')) throw error
    await inPlace(calls, target, options, fill)
    return
  }
  try {
    await fillAndClose(calls, { ...file, path }, permissions, options, fill)
    await publish(calls, temporary, target.path, target.there !== undefined, options)
  } catch (error) {
    await removeQuietly(calls, temporary)
    throw error
  }
}
