// Owns small files on their way from the server in one read each, written and renamed here in one go. Knows no trees.
import type { Attributes } from '../attributes.ts'
import type { LocalFolder } from './local.ts'
import { modeOf, type Moving, temporaryName } from './moving.ts'
import { headroom, type RemoteFile } from './remote.ts'
import type { Whole } from './whole.ts'

export interface SmallFile {
  readonly path: string
  readonly attributes: Attributes
  readonly file: RemoteFile
}

/** All bytes of a file of `size`, which are in `buffer`; `undefined` when anything but these came, or nothing. */
const readAll = (whole: Whole, file: RemoteFile, size: number, buffer: Uint8Array): Promise<Uint8Array | undefined> =>
  new Promise(resolve => {
    // One byte more would say that the file has grown.
    const length = size + 1
    const into = buffer.subarray(headroom, headroom + length)
    const underWay = whole.begin(length, () => {
      file.cancel(id)
      whole.ended(underWay)
      resolve(undefined)
    })
    const id = file.read(0, length, into, (error, bytes) => {
      whole.ended(underWay)
      resolve(error === undefined && bytes?.length === size ? bytes : undefined)
    })
  })

/** Where it cannot be done at once: step by step. */
const writeAll = async (folder: LocalFolder, temporary: string, name: string, bytes: Uint8Array, mode: number | undefined) => {
  const local = await folder.openWrite(temporary, { exclusive: true, ...(mode === undefined ? {} : { mode }) })
  try {
    await new Promise<void>((resolve, reject) => {
      local.write(0, bytes, error => (error === undefined ? resolve() : reject(error)))
    })
    await local.close()
    await folder.rename(temporary, name)
  } catch (error) {
    await local.close().catch(() => {})
    await folder.remove(temporary).catch(() => {})
    throw error
  }
}

/**
 * Moves a file of which `whole.takes` the size to `name` in a folder. False when it did not come as it should, and nothing was
 * done: then it has to be had in another way.
 */
export const downloadWhole = async (
  moving: Moving,
  whole: Whole,
  { path, attributes, file }: SmallFile,
  folder: LocalFolder,
  name: string,
): Promise<boolean> => {
  const { size = 0, permissions } = attributes
  const mode = modeOf(moving.options, permissions)
  // What nobody may write to gets its permissions at the end.
  if (mode !== undefined && (mode & 0o200) === 0) return false
  moving.signal?.throwIfAborted()
  const buffer = whole.buffer()
  const bytes = await readAll(whole, file, size, buffer)
  moving.signal?.throwIfAborted()
  if (bytes === undefined) {
    whole.usable = false
    return false
  }
  moving.progress.moved(path, size)
  moving.signal?.throwIfAborted()
  const temporary = temporaryName(name, false)
  if (!folder.writeWhole(temporary, name, bytes, mode)) await writeAll(folder, temporary, name, bytes, mode)
  whole.give(buffer)
  moving.files++
  moving.progress.fileDone()
  return true
}
