// Owns one file on its way from the server to a folder here: temporary name, going on where an earlier try stopped, comparing,
// the final name; and files into memory or a stream. Knows no trees.
import { TransferError } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import { shownPath } from '../client/explain.ts'
import { isBeginning, verifyEnds } from './compare.ts'
import type { Sink } from './ends.ts'
import { changed, fetchFile } from './fetch.ts'
import type { LocalFile, LocalFolder } from './local.ts'
import { closeQuietly, modeOf, type Moving, temporaryName } from './moving.ts'
import type { RemoteFile } from './remote.ts'

export interface FarFile {
  readonly path: string
  readonly attributes: Attributes
  /** Open once for each channel. */
  readonly files: readonly RemoteFile[]
}

/** Opens a file: a large one on every channel, others on one after the other. */
export const openFar = async (moving: Moving, path: string, size = Number.POSITIVE_INFINITY): Promise<readonly RemoteFile[]> => {
  const { signal } = moving
  const began = moving.clock.now()
  const tried = await Promise.allSettled(moving.channelsFor(size).map(async remote => await remote.open(path, { read: true }, {}, signal)))
  moving.took(moving.clock.now() - began)
  const opened = tried.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))
  const failed = tried.find(each => each.status === 'rejected')
  // One is enough: the others only help.
  if (failed === undefined || (opened.length > 0 && signal?.aborted !== true)) return opened
  closeQuietly(opened)
  throw failed.reason
}

/** Moves a far file into a sink, and looks that it stayed what it was when that is asked for. Resolves with where it ended. */
export const fetchInto = async (moving: Moving, far: FarFile, sink: Sink, start: number): Promise<number> => {
  const { path, attributes, files } = far
  const { read: habits, bounds, allowance, pace, clock, signal, options, progress } = moving
  const { growing = 'snapshot' } = options
  const onBytes = (count: number): void => progress.moved(path, count)
  const { size } = attributes
  const end = await fetchFile({ files, sink, path, start, size, growing, habits, bounds, allowance, pace, clock, signal, onBytes })
  if (growing === 'reject') {
    const now = await files[0].stat()
    if (now.size !== size) throw changed(path, 'changed its size')
    if (now.modified?.seconds !== attributes.modified?.seconds) throw changed(path, 'was written to')
  }
  return end
}

interface Target {
  readonly folder: LocalFolder
  readonly name: string
  /** What the bytes go to until they are all there; the final name itself when that is written in place. */
  readonly written: string
  readonly resumes: boolean
}

const target = async (moving: Moving, folder: LocalFolder, name: string): Promise<{ target: Target; there: Attributes | undefined }> => {
  const { atomic = true, resume = false, overwrite = true } = moving.options
  const there = overwrite && atomic ? undefined : await folder.stat(name, false)
  if (there !== undefined && !overwrite)
    throw new TransferError('TRANSFER_EXISTS', `${shownPath(`${folder.path}/${name}`)} exists already, and is not to be replaced.`, name)
  const written = atomic ? temporaryName(name, resume !== false) : name
  return { target: { folder, name, written, resumes: resume !== false }, there }
}

/** How much of what is there already is the beginning of the file. */
const startOf = async (moving: Moving, far: FarFile, file: LocalFile): Promise<number> => {
  const { size = 0 } = far.attributes
  if (file.size === 0 || file.size > size) return 0
  return (await isBeginning(moving, far.files[0], far.path, file, file.size)) ? file.size : 0
}

const permissionBits = 0o777

const fill = async (moving: Moving, far: FarFile, local: LocalFile, { resumes, written, name }: Target): Promise<void> => {
  const { options, progress } = moving
  const start = resumes ? await startOf(moving, far, local) : 0
  if (start < local.size) await local.truncate(start)
  if (start > 0) {
    moving.resumed += start
    progress.moved(far.path, start, true)
  }
  const end = await fetchInto(moving, far, local, start)
  // Zeros at the end that were left out.
  if (options.sparse === true || options.sparse === 'auto') await local.truncate(end)
  // Nobody else can have a file open that was just made under a name nobody knows.
  const { size } = resumes || written === name ? await local.stat() : { size: end }
  if (size !== end)
    throw new TransferError(
      'TRANSFER_MISMATCH',
      `${shownPath(written === name ? name : `${name} (${written})`)} has ${size} bytes after ${end} were written: something else writes to it.`,
      name,
    )
  if (options.verify === true) await verifyEnds(moving, far.files[0], far.path, local, end)
  if (options.preserve === true) {
    const { permissions, accessed, modified } = far.attributes
    await local.setAttributes({
      // What runs as another user is not for a server to give.
      ...(permissions === undefined ? {} : { permissions: permissions & permissionBits }),
      ...(accessed === undefined ? {} : { accessed }),
      ...(modified === undefined ? {} : { modified }),
    })
  }
  if (options.sync === true) await local.sync()
}

/** Moves a far file, which it leaves open, to `name` in a folder. */
export const downloadFile = async (moving: Moving, far: FarFile, folder: LocalFolder, name: string): Promise<void> => {
  const { options, signal } = moving
  const { target: to } = await target(moving, folder, name)
  const { permissions } = far.attributes
  const mode = modeOf(options, permissions)
  const atomic = to.written !== name
  const local = await folder.openWrite(to.written, {
    exclusive: atomic && !to.resumes,
    ...(mode === undefined ? {} : { mode: mode | 0o200 }),
    sparse: options.sparse === true || options.sparse === 'auto',
  })
  try {
    await fill(moving, far, local, to)
    signal?.throwIfAborted()
    if (mode !== undefined && (mode & 0o200) === 0 && options.preserve !== true) await local.setAttributes({ permissions: mode })
    await local.close()
    if (atomic) await folder.rename(to.written, name)
  } catch (error) {
    await local.close().catch(() => {})
    // What another try can go on with stays.
    if (atomic && !to.resumes) await folder.remove(to.written).catch(() => {})
    throw error
  }
  moving.files++
  moving.progress.fileDone()
}

/** Moves a far file to what is no regular file here: a device, a pipe, a terminal. */
export const downloadToDevice = async (moving: Moving, far: FarFile, folder: LocalFolder, name: string): Promise<void> => {
  const local = await folder.openWrite(name, { follow: true })
  try {
    await fetchInto(moving, far, local, 0)
  } finally {
    await local.close()
  }
  moving.files++
  moving.progress.fileDone()
}
