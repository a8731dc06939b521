// Owns one file on its way to the server: temporary name, going on where an earlier try stopped, comparing, the final name.
// Knows no trees.
import { SftpError, TransferError } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import { shownPath } from '../client/explain.ts'
import { folderOf, joinPath, nameOf } from '../client/paths.ts'
import { isBeginning, type NearEnd, verifyEnds } from './compare.ts'
import { isMissing, isStatus } from './fault.ts'
import { changed } from './fetch.ts'
import { inTime } from './patience.ts'
import type { Handles } from './crew.ts'
import type { LocalFile } from './local.ts'
import { closeQuietly, largeFile, modeOf, type Moving, temporaryName } from './moving.ts'
import type { Remote, RemoteFile } from './remote.ts'
import { storeFile } from './store.ts'
import type { Source } from './ends.ts'

export interface NearFile {
  /** What stands in errors and progress. */
  readonly shown: string
  readonly source: Source
  /** What can be read again; `undefined` for a stream. */
  readonly end: NearEnd | undefined
  readonly attributes: Attributes
  /** Looks at the source once more; `undefined` for what cannot change. */
  readonly look: (() => Promise<Attributes>) | undefined
}

/** A file of this machine, as it was when it was opened. */
export const localNear = (file: LocalFile, shown: string): NearFile => ({
  shown,
  source: file,
  end: file,
  attributes: file.opened,
  look: () => file.stat(),
})

/** Where a file goes. */
export interface FarTarget {
  readonly path: string
  /** What is there now, if anybody has looked and there is something. */
  readonly there: Attributes | undefined
}

/** Whether a partial file is the beginning of the source, and how much of it counts. */
const startOf = async (moving: Moving, file: RemoteFile, path: string, near: NearFile): Promise<number> => {
  const { size: had = 0 } = await file.stat()
  const { end, source } = near
  if (end === undefined || had === 0 || (source.size !== undefined && had > source.size)) return 0
  if (moving.options.resume === 'verify' || (await moving.remote.hash(path, end.hashes, 0, 1, moving.signal)) !== undefined)
    return (await isBeginning(moving, file, path, end, had)) ? had : 0
  // Writes may have been done in any order: what is surely there is what lies before all that were under way.
  const sure = had - moving.bounds.inFlight
  return sure > 0 && (await isBeginning(moving, file, path, end, sure)) ? sure : 0
}

/** What is at a path; `undefined` for nothing. */
export const farThere = async (moving: Moving, path: string): Promise<Attributes | undefined> => {
  try {
    return await moving.remote.lstat(path, moving.signal)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** An error about the temporary name as one about the file it is for: nobody has heard of the other. */
export const aboutTarget = (error: unknown, written: string, path: string): unknown => {
  if (!(error instanceof SftpError) || written === path || error.path !== written) return error
  const { status, operation, errno } = error
  return new SftpError(
    status,
    error.message.replaceAll(shownPath(written), shownPath(path)),
    { path, ...(operation === undefined ? {} : { operation }), ...(errno === undefined ? {} : { errno }) },
    { cause: error },
  )
}

/** Opens the name that is written to, which is not that of anything else. */
export const openTarget = async (moving: Moving, { path }: FarTarget, written: string, resumes: boolean, mode: number | undefined) => {
  const atomic = written !== path
  const reads = resumes || moving.options.verify === true
  const options = {
    write: true,
    create: true,
    read: reads,
    exclusive: (atomic && !resumes) || moving.options.overwrite === false,
    truncate: !resumes,
  }
  try {
    return await moving.remote.open(written, options, mode === undefined ? {} : { permissions: mode }, moving.signal)
  } catch (error) {
    if (!atomic || !(error instanceof SftpError) || !isStatus(error, 'permission-denied', 'op-unsupported', 'write-protect'))
      throw aboutTarget(error, written, path)
    const why = `Cannot upload to ${shownPath(path)}: a temporary file beside it cannot be made. With atomic: false it is written in place. (${error.message})`
    throw new SftpError(
      error.status,
      why,
      { operation: 'upload', path, ...(error.errno === undefined ? {} : { errno: error.errno }) },
      { cause: error },
    )
  }
}

/** Where the bytes of one file go. */
interface Opened {
  /** On the first channel, and on all others that help. */
  readonly files: RemoteFile[]
  readonly written: string
  /** Nothing more is opened. */
  over: boolean
}

/** Opens what is already open on the first channel on one more, once that is there; `undefined` where it cannot be. Never rejects. */
const openOn = async (moving: Moving, opened: Opened, channel: Remote | Promise<Remote | undefined>): Promise<RemoteFile | undefined> => {
  try {
    const remote = await channel
    if (remote === undefined || opened.over) return undefined
    // For reading too, though nobody reads: some servers take what is neither made nor emptied for a file to be read only.
    const file = await remote.open(opened.written, { read: true, write: true }, {}, moving.signal)
    if (!opened.over) opened.files.push(file)
    else closeQuietly([file])
    return opened.over ? undefined : file
  } catch {
    // One is enough: the others only help.
    return undefined
  }
}

/** Opens it on all channels that there are and that are being opened, when it is large. */
const openMore = (moving: Moving, opened: Opened, size = Number.POSITIVE_INFINITY): readonly Promise<RemoteFile | undefined>[] =>
  size <= largeFile ? [] : [...moving.remotes.slice(1), ...moving.coming].map(each => openOn(moving, opened, each))

const store = async (moving: Moving, near: NearFile, opened: Opened, path: string, start: number): Promise<number> => {
  const { files } = opened
  const { write: habits, bounds, allowance, pace, clock, signal, options, progress } = moving
  const { growing = 'snapshot' } = options
  const open = (count: number) => moving.grow(count).map(each => openOn(moving, opened, each))
  const stored = await storeFile({
    files,
    joining: openMore(moving, opened, near.source.size),
    ...(moving.canGrow && moving.isFar ? { more: { roundTrip: moving.roundTrip, open } } : {}),
    source: near.source,
    from: near.shown,
    path,
    start,
    growing,
    sparse: options.sparse === true || options.sparse === 'auto',
    habits,
    bounds,
    allowance,
    pace,
    clock,
    signal,
    onBytes: count => progress.moved(near.shown, count),
  })
  if (stored.hollow) await files[0].setAttributes({ size: stored.end })
  if (growing === 'reject' && near.look !== undefined) {
    const now = await near.look()
    const { size, modified } = near.attributes
    if (now.size !== size || now.modified?.seconds !== modified?.seconds || now.modified?.nanoseconds !== modified?.nanoseconds)
      throw changed(near.shown, 'changed')
  }
  const { size } = near.source
  if (near.source.sequential && size !== undefined && size !== stored.end)
    throw new TransferError(
      'TRANSFER_SOURCE_CHANGED',
      `${shownPath(near.shown)} was to have ${size} bytes and gave ${stored.end}.`,
      near.shown,
    )
  return stored.end
}

/** What the server says it has must be what it acknowledged. */
const checkSize = async (moving: Moving, file: RemoteFile, written: string, path: string, end: number): Promise<void> => {
  const { size } = await file.stat().catch(async () => await moving.remote.stat(written))
  if (size === undefined || size === end) return
  throw new TransferError(
    'TRANSFER_MISMATCH',
    `The server acknowledged all ${end} bytes of ${shownPath(path)}, and says that it has ${size}.`,
    path,
  )
}

const keep = (moving: Moving, near: NearFile): Attributes | undefined => {
  const { options } = moving
  const { permissions, accessed, modified } = near.attributes
  if (options.preserve !== true) return undefined
  return {
    ...(permissions === undefined ? {} : { permissions: typeof options.mode === 'number' ? options.mode : permissions }),
    ...(modified === undefined ? {} : { accessed: accessed ?? modified, modified }),
  }
}

/** Gives what is complete its final name. */
export const rename = async (moving: Moving, written: string, { path, there }: FarTarget): Promise<void> => {
  const { remote, habits, options } = moving
  if (options.overwrite === false) {
    await remote.rename(written, path, false)
    return
  }
  if (!habits.plainRename) {
    try {
      await remote.rename(written, path, true)
      return
    } catch (error) {
      if (!isStatus(error, 'op-unsupported')) throw error
      habits.plainRename = true
    }
  }
  if (options.replace === 'remove') {
    await remote.remove(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error
    })
  }
  try {
    await remote.rename(written, path, false)
  } catch (error) {
    const taken = there ?? (await remote.lstat(path).catch(() => undefined))
    if (taken === undefined || options.replace === 'remove') throw error
    throw new TransferError(
      'TRANSFER_EXISTS',
      `The server cannot replace ${shownPath(path)} in one step. With replace: 'remove' it is removed first; with atomic: false it is written over in place.`,
      path,
      { cause: error },
    )
  }
}

/** Resolves with what is to be known yet, and can be found out while the file is closed. */
const fill = async (moving: Moving, near: NearFile, to: FarTarget, opened: Opened): Promise<() => Promise<void>> => {
  const { options, progress } = moving
  const resumes = options.resume !== undefined && options.resume !== false
  const { files, written } = opened
  const [file] = files
  const start = resumes ? await startOf(moving, file, written, near) : 0
  if (start > 0) {
    moving.resumed += start
    progress.moved(near.shown, start, true)
  }
  // What follows may be of another file, or have holes.
  if (resumes) await file.setAttributes({ size: start })
  const end = await store(moving, near, opened, to.path, start)
  const check = (): Promise<void> => checkSize(moving, file, written, to.path, end)
  const kept = keep(moving, near)
  if (options.verify !== true && options.sync !== true && kept === undefined) return check
  await check()
  if (options.verify === true && near.end !== undefined) await verifyEnds(moving, file, written, near.end, end)
  if (kept !== undefined) await file.setAttributes(kept)
  if (options.sync === true) await file.sync()
  return async () => {}
}

/** How long an error waits for the temporary file to be gone. */
const cleanUpMilliseconds = 2000

/** Removes what is left, without waiting long for a server that may be dead. */
export const cleanUp = async (moving: Moving, written: string): Promise<void> => {
  const removed = moving.remote.remove(written)
  await inTime(removed, { clock: moving.clock, milliseconds: cleanUpMilliseconds }, 'remove', written).catch(() => {})
}

/** Moves a source, which it leaves open, to a path on the server. `handles` are those of the server. */
export const uploadFile = async (moving: Moving, near: NearFile, to: FarTarget, handles: Handles): Promise<void> => {
  const { options, signal } = moving
  const { atomic = true, resume = false, overwrite = true } = options
  if (options.verify === true && near.end === undefined)
    throw new TypeError('what is uploaded from a stream cannot be read again: verify needs a file or bytes')
  const there = to.there ?? (overwrite ? undefined : await farThere(moving, to.path))
  if (!overwrite && there !== undefined)
    throw new TransferError('TRANSFER_EXISTS', `${shownPath(to.path)} exists already, and is not to be replaced.`, to.path)
  const written = atomic ? joinPath(folderOf(to.path), temporaryName(nameOf(to.path), resume !== false)) : to.path
  const { permissions } = near.attributes
  const mode = modeOf(options, permissions)
  const file = await handles
    .take(async () => {
      const began = moving.clock.now()
      const made = await openTarget(moving, to, written, resume !== false, mode)
      // Answers to writes wait behind others, and say little of the way on a busy machine: the opening does.
      moving.took(moving.clock.now() - began)
      return made
    })
    .catch(async (error: unknown) => {
      // It was asked for, and may be made though nobody waits for the answer.
      if (atomic && resume === false && signal?.aborted === true) await cleanUp(moving, written)
      throw error
    })
  const opened: Opened = { files: [file], written, over: false }
  let open = true
  try {
    const check = await fill(moving, near, to, opened)
    signal?.throwIfAborted()
    opened.over = true
    closeQuietly(opened.files.slice(1))
    open = false
    const checked = check()
    // What could not be written is said here at the latest.
    const closed = file.close().finally(() => handles.release())
    const [size, end] = await Promise.allSettled([checked, closed])
    if (end.status === 'rejected') throw end.reason
    if (size.status === 'rejected') throw size.reason
    if (atomic) await rename(moving, written, to)
  } catch (error) {
    opened.over = true
    if (open) {
      closeQuietly(opened.files)
      handles.release()
    }
    // What another try can go on with stays.
    if (atomic && resume === false) await cleanUp(moving, written)
    throw aboutTarget(error, written, to.path)
  }
  moving.files++
  moving.progress.fileDone()
}
