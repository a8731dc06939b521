// Owns small files on their way to the server: read here in one go, then written, looked at and closed there in one round trip.
// Knows no trees.
import { TimeoutError, TransferError } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import { shownPath } from '../client/explain.ts'
import { folderOf, joinPath, nameOf } from '../client/paths.ts'
import type { Handles } from './crew.ts'
import { mayPass } from './fault.ts'
import type { LocalFolder } from './local.ts'
import { modeOf, type Moving, temporaryName } from './moving.ts'
import { headroom, type RemoteFile } from './remote.ts'
import { aboutTarget, cleanUp, openTarget, rename } from './upload.ts'
import type { Whole } from './whole.ts'

/** A file that was read here. */
export interface ReadFile {
  readonly shown: string
  readonly attributes: Attributes
  readonly size: number
  /** Its bytes begin after `headroom`. */
  readonly buffer: Uint8Array
}

/** Reads a file at once; `undefined` where that cannot be done, or it is not as large as it said. */
export const readWhole = (whole: Whole, folder: LocalFolder, name: string, shown: string, follow: boolean): ReadFile | undefined => {
  const buffer = whole.buffer()
  const read = folder.readWhole(name, follow, buffer.subarray(headroom))
  if (read !== undefined && read.count > 0 && read.count === read.attributes.size)
    return { shown, attributes: read.attributes, size: read.count, buffer }
  whole.give(buffer)
  return undefined
}

/** Resolves when the server has all of it. */
const writeAll = (moving: Moving, whole: Whole, file: RemoteFile, { shown, size, buffer }: ReadFile): Promise<void> =>
  new Promise((resolve, reject) => {
    const underWay = whole.begin(size, () => {
      file.cancel(id)
      whole.ended(underWay)
      const { signal, bounds } = moving
      const silent = `The server has not answered the write of ${shownPath(shown)} for ${bounds.stallTimeout / 1000} seconds.`
      reject(signal?.aborted === true ? signal.reason : new TimeoutError('transfer', silent))
    })
    const id = file.write(0, buffer, headroom, size, error => {
      whole.ended(underWay)
      if (error === undefined) resolve()
      else reject(error)
    })
  })

/** Writes it, looks what the server has then, and closes it: all asked for together. */
const store = async (moving: Moving, whole: Whole, file: RemoteFile, near: ReadFile, written: string, release: () => void) => {
  const wrote = writeAll(moving, whole, file, near)
  const looked = file.stat()
  const closed = file.close().finally(release)
  looked.catch(() => {})
  closed.catch(() => {})
  await wrote
  await closed
  let { size } = await looked.catch(async () => await moving.remote.stat(written))
  // It may have looked before it wrote.
  if (size !== undefined && size < near.size) ({ size } = await moving.remote.stat(written))
  if (size === undefined || size === near.size) return
  throw new TransferError(
    'TRANSFER_MISMATCH',
    `The server acknowledged all ${near.size} bytes of ${shownPath(near.shown)}, and says that it has ${size}.`,
    near.shown,
  )
}

/**
 * Moves a file of which `whole.takes` the size to a path on the server. False when the server did not take it so, and nothing is
 * left there: then it has to be moved in another way.
 */
export const uploadWhole = async (moving: Moving, whole: Whole, near: ReadFile, path: string, handles: Handles): Promise<boolean> => {
  const { signal } = moving
  const to = { path, there: undefined }
  const written = joinPath(folderOf(path), temporaryName(nameOf(path), false))
  const mode = modeOf(moving.options, near.attributes.permissions)
  const file = await handles
    .take(async () => await openTarget(moving, to, written, false, mode))
    .catch(async (error: unknown) => {
      // It was asked for, and may be made though nobody waits for the answer.
      if (signal?.aborted === true) await cleanUp(moving, written)
      throw error
    })
  try {
    await store(moving, whole, file, near, written, () => handles.release())
    signal?.throwIfAborted()
  } catch (error) {
    await cleanUp(moving, written)
    if (signal?.aborted === true || !(error instanceof Error) || !mayPass(error)) throw aboutTarget(error, written, path)
    whole.usable = false
    return false
  }
  whole.give(near.buffer)
  try {
    moving.progress.moved(near.shown, near.size)
    signal?.throwIfAborted()
    await rename(moving, written, to)
  } catch (error) {
    await cleanUp(moving, written)
    throw aboutTarget(error, written, path)
  }
  moving.files++
  moving.progress.fileDone()
  return true
}
