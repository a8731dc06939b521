// Owns the few calls of node:fs that Bun and Deno make otherwise than Node: folders read as bytes, texts of links, removing.
// In Node each is Node's own. Knows no SFTP.
import fs from 'node:fs'
import { SftpError } from '../../errors.ts'

const { bun, deno } = process.versions

/** Whether each path goes through text on its way to the disk, so that bytes that are not UTF-8 are lost: so it is in Deno. */
export const textOnly = deno !== undefined

/** For a name or a text that this runtime would take for another. */
export const notText = (operation: string): SftpError =>
  new SftpError('invalid-filename', 'The name is not UTF-8, and Deno works with names in UTF-8 only. Use Node or Bun for it.', {
    operation,
    errno: 'EILSEQ',
  })

/** Deno tells a text that is not UTF-8 by an error of its own, which has no code. */
const toldInWords = (operation: string, error: unknown): unknown =>
  textOnly && error instanceof Error && error.name === 'InvalidData' ? notText(operation) : error

/** Deno gives text whatever was asked for. */
const asBytes = (given: string | Buffer): Buffer => (typeof given === 'string' ? Buffer.from(given) : given)

type Done<T> = (error: Error | null, value: T) => void

const bytesNow = (operation: string, get: () => string | Buffer): Buffer => {
  try {
    return asBytes(get())
  } catch (error) {
    throw toldInWords(operation, error)
  }
}
const bytesLater =
  (operation: string, done: Done<Buffer>) =>
  (error: Error | null, given: string | Buffer): void =>
    error ? done(toldInWords(operation, error) as Error, Buffer.alloc(0)) : done(null, asBytes(given))

const reading = 'read a symbolic link'
const resolving = 'resolve'

export const readlinkSync = (place: fs.PathLike): Buffer => bytesNow(reading, () => fs.readlinkSync(place, 'buffer'))
export const readlink = (place: fs.PathLike, done: Done<Buffer>): void => fs.readlink(place, 'buffer', bytesLater(reading, done))
export const realpathSync = (place: fs.PathLike): Buffer => bytesNow(resolving, () => fs.realpathSync.native(place, 'buffer'))
export const realpath = (place: fs.PathLike, done: Done<Buffer>): void => fs.realpath.native(place, 'buffer', bytesLater(resolving, done))

/** What is needed of `fs.Dir`. */
export interface Directory {
  readSync(): { readonly name: string } | null
  read(done: Done<{ readonly name: string } | null>): void
  closeSync(): void
  close(done: (error?: Error | null) => void): void
}

/** Names that are read already: Bun's and Deno's folders begin to read later than they are opened, and know text only. */
const heldNames = (names: readonly unknown[]): Directory => {
  let next = 0
  const one = (): { readonly name: string } | null => (next < names.length ? { name: names[next++] as string } : null)
  return {
    readSync: one,
    read: done => queueMicrotask(() => done(null, one())),
    closeSync: () => {},
    close: done => queueMicrotask(() => done(null)),
  }
}

const readsLate = bun !== undefined || deno !== undefined

export const opendirSync = (place: fs.PathLike, options: fs.OpenDirOptions): Directory =>
  readsLate ? heldNames(fs.readdirSync(place, options.encoding ?? 'utf8')) : fs.opendirSync(place as string, options)

export const opendir = (place: fs.PathLike, options: fs.OpenDirOptions, done: Done<Directory>): void => {
  if (readsLate) fs.readdir(place, options.encoding ?? 'utf8', (error, names) => done(error, heldNames(names ?? [])))
  else fs.opendir(place as string, options, done)
}

const itIsAFolder = (): Error => Object.assign(new Error('EISDIR'), { code: 'EISDIR' })

/** unlink(2). Deno's removes an empty folder too: there a folder is told by a look before. */
export const unlinkSync = (place: fs.PathLike): void => {
  if (deno !== undefined && fs.lstatSync(place).isDirectory()) throw itIsAFolder()
  fs.unlinkSync(place)
}
export const unlink = (place: fs.PathLike, done: fs.NoParamCallback): void => {
  if (deno === undefined) return fs.unlink(place, done)
  fs.lstat(place, (error, stats) => {
    if (error || stats.isDirectory()) done(error ?? itIsAFolder())
    else fs.unlink(place, done)
  })
}

/** Names of a folder as bytes, as they come in Bun and Deno: all at once. `undefined` where `opendir` does better. */
export const allNames = async (folder: string): Promise<readonly Uint8Array[] | undefined> => {
  if (!readsLate) return undefined
  return (await fs.promises.readdir(folder, { encoding: 'buffer' })).map((name: string | Buffer) => asBytes(name))
}
