// Owns files at this end in Node: folders held by descriptor so that nobody can swap one under us, and single operations that
// are done at once where the disk answers in microseconds. Knows nothing of servers.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { promisify } from 'node:util'
import { TransferError } from '../../errors.ts'
import { shownPath } from '../client/explain.ts'
import type { Attributes } from '../attributes.ts'
import { allNames, notText, readlink, realpath, textOnly } from '../files/fs-node.ts'
import { timeForNode } from '../files/stats-node.ts'
import { bytesOfName, isUnicodeName, nameFromBytes } from '../names.ts'
import type { LocalEntry, LocalFiles, LocalFolder, LocalWriteOptions, WholeFile } from './local.ts'
import { attributesOfStats, LocalNodeFile } from './local-file-node.ts'
import { Haste } from './haste-node.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants
/** Linux: a descriptor for finding things only. */
const pathOnly = 0x20_0000
const hasDescriptors = (): boolean => {
  try {
    return fs.existsSync('/proc/self/fd')
  } catch {
    // Deno asks for every permission before it looks there.
    return false
  }
}
/** Descriptors can stand in paths. */
const byDescriptor = process.platform === 'linux' && hasDescriptors()
const windows = process.platform === 'win32'
const foldsCase = windows || process.platform === 'darwin'

const later = {
  open: promisify(fs.open),
  close: promisify(fs.close),
  mkdir: promisify(fs.mkdir),
  lstat: promisify(fs.lstat),
  stat: promisify(fs.stat),
  rename: promisify(fs.rename),
  unlink: promisify(fs.unlink),
  symlink: promisify(fs.symlink),
  chmod: promisify(fs.chmod),
  utimes: promisify(fs.utimes),
  opendir: promisify(fs.opendir),
  fstat: promisify(fs.fstat),
  // The other one makes text of every path.
  realpath: promisify(realpath),
  readlink: promisify(readlink),
}

/** A path as the system takes it: Node's own text would lose bytes that are no UTF-8. */
const asGiven = (text: string): string | Buffer => {
  if (isUnicodeName(text)) return text
  if (textOnly) throw notText('find')
  return Buffer.from(bytesOfName(text))
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT'

/** Names Windows keeps for devices, with or without an extension. */
const devices = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i

const allows = (name: string): boolean => {
  if (name === '' || name === '.' || name === '..' || name.includes('/') || name.includes('\0')) return false
  // What a file system makes of a name must not be another than what was checked.
  if (name.length * 3 > 255 && bytesOfName(name).length > 255) return false
  return !windows || !(/[\\:*?"<>|]/.test(name) || [...name].some(each => each < ' ') || /[. ]$/.test(name) || devices.test(name))
}

const unsafe = (folder: string, name: string): TransferError =>
  new TransferError('TRANSFER_UNSAFE_NAME', `The name ${shownPath(name)} cannot be that of a file in ${shownPath(folder)}.`, name)
const wrongType = (where: string, what: string): TransferError =>
  new TransferError('TRANSFER_WRONG_TYPE', `${shownPath(where)} ${what}.`, where)

const removeQuietly = (at: string | Buffer): void => {
  try {
    fs.unlinkSync(at)
  } catch {
    // What went wrong before is what counts.
  }
}

/** Names that are taken from the system, and entries that are handed over, in one go. */
const batch = 128

/** Names as the system has them: the types do not know that they may come as bytes. */
const asBytes = { encoding: 'buffer' as BufferEncoding, bufferSize: batch }
const bytesIn = ({ name }: fs.Dirent): Uint8Array => name as unknown as Uint8Array

const namesNow = (directory: fs.Dir): readonly Uint8Array[] => {
  const names: Uint8Array[] = []
  for (let next = directory.readSync(); next !== null; next = names.length < batch ? directory.readSync() : null) names.push(bytesIn(next))
  return names
}
const namesLater = async (directory: fs.Dir): Promise<readonly Uint8Array[]> => {
  const names: Uint8Array[] = []
  for (let next = await directory.read(); next !== null; next = names.length < batch ? await directory.read() : null)
    names.push(bytesIn(next))
  return names
}

const quietly = { throwIfNoEntry: false } as const

/** The names in a folder, some at a time; none of them twice and no empty batch. */
async function* namesOf(folder: string, haste: Haste): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const all = await allNames(folder)
  if (all !== undefined) {
    for (let at = 0; at < all.length; at += batch) yield all.slice(at, at + batch)
    return
  }
  const directory = await later.opendir(folder, asBytes)
  const some = () =>
    haste.do(
      () => namesNow(directory),
      () => namesLater(directory),
    )
  try {
    for (let names = await some(); names.length > 0; names = await some()) yield names
  } finally {
    await directory.close()
  }
}

class NodeFolder implements LocalFolder {
  readonly path: string
  readonly identity: string
  readonly #haste: Haste
  /** Of the folder; unused where descriptors cannot stand in paths. */
  readonly #descriptor: number | undefined

  constructor(folder: string, identity: string, descriptor: number | undefined, haste: Haste) {
    this.path = folder
    this.identity = identity
    this.#descriptor = descriptor
    this.#haste = haste
  }

  get #base(): string {
    return this.#descriptor === undefined ? this.path : `/proc/self/fd/${this.#descriptor}`
  }

  #at(name: string): string | Buffer {
    if (!allows(name)) throw unsafe(this.path, name)
    const base = this.#base
    if (isUnicodeName(name)) return this.#descriptor === undefined ? path.join(base, name) : `${base}/${name}`
    if (textOnly) throw notText('find')
    return Buffer.concat([Buffer.from(`${base}/`), bytesOfName(name)])
  }
  #shown(name: string): string {
    return path.join(this.path, name)
  }

  async openRead(name: string, follow: boolean): Promise<LocalNodeFile> {
    // Without O_NONBLOCK a pipe nobody writes to would hold us for ever.
    const descriptor = await this.#open(name, O_RDONLY | (O_NONBLOCK ?? 0) | (follow ? 0 : (O_NOFOLLOW ?? 0)), 0)
    return this.#file(descriptor, name, false, ['file', 'character-device'])
  }

  async openWrite(name: string, { exclusive, truncate, follow, mode = 0o666, sparse = false }: LocalWriteOptions): Promise<LocalNodeFile> {
    if (!byDescriptor && follow !== true && (await this.stat(name, false))?.type === 'symlink')
      throw wrongType(this.#shown(name), 'is a symbolic link')
    const flags =
      O_RDWR |
      O_CREAT |
      (exclusive === true ? O_EXCL : 0) |
      (truncate === true ? O_TRUNC : 0) |
      (follow === true ? 0 : (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0))
    const descriptor = await this.#open(name, flags, mode)
    // A pipe or a terminal is for the caller to choose, not for a server.
    return this.#file(descriptor, name, sparse, follow === true ? undefined : ['file'])
  }

  async #open(name: string, flags: number, mode: number): Promise<number> {
    const at = this.#at(name)
    try {
      return await this.#haste.do(
        () => fs.openSync(at, flags, mode),
        () => later.open(at, flags, mode),
      )
    } catch (error) {
      if (codeOf(error) === 'ELOOP') throw wrongType(this.#shown(name), 'is a symbolic link')
      throw this.#told(error, name)
    }
  }

  async #file(descriptor: number, name: string, sparse: boolean, types: readonly string[] | undefined): Promise<LocalNodeFile> {
    const file = await LocalNodeFile.opened(descriptor, this.#shown(name), sparse, this.#haste)
    const { type = 'unknown' } = file.opened
    if (types === undefined || types.includes(type)) return file
    await file.close()
    throw wrongType(this.#shown(name), `is no regular file, but of the type "${type}"`)
  }

  readWhole(name: string, follow: boolean, into: Uint8Array): WholeFile | undefined {
    const began = performance.now()
    if (!this.#haste.hasty(began)) return undefined
    let descriptor: number
    try {
      descriptor = fs.openSync(this.#at(name), O_RDONLY | (O_NONBLOCK ?? 0) | (follow ? 0 : (O_NOFOLLOW ?? 0)))
    } catch {
      // Whoever opens it in the usual way says why.
      return undefined
    }
    try {
      const stats = fs.fstatSync(descriptor)
      if (!stats.isFile() || stats.size > into.length) return undefined
      let count = 0
      for (let more = 1; more > 0 && count < stats.size; count += more)
        more = fs.readSync(descriptor, into, count, stats.size - count, null)
      return { attributes: attributesOfStats(stats), count }
    } catch (error) {
      throw this.#told(error, name)
    } finally {
      fs.closeSync(descriptor)
      this.#haste.took(began)
    }
  }

  writeWhole(temporary: string, name: string, bytes: Uint8Array, mode = 0o666): boolean {
    const began = performance.now()
    // Elsewhere a folder may be swapped between opening and renaming.
    if (!byDescriptor || !this.#haste.hasty(began)) return false
    const [from, to] = [this.#at(temporary), this.#at(name)]
    let made = false
    try {
      const descriptor = fs.openSync(from, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode)
      made = true
      try {
        for (let at = 0; at < bytes.length;) at += fs.writeSync(descriptor, bytes, at, bytes.length - at)
      } finally {
        fs.closeSync(descriptor)
      }
      fs.renameSync(from, to)
    } catch (error) {
      if (made) removeQuietly(from)
      throw this.#told(error, made ? name : temporary)
    } finally {
      this.#haste.took(began)
    }
    return true
  }

  async folder(name: string, options: { create?: boolean; follow?: boolean } = {}): Promise<NodeFolder> {
    const { create = false, follow = false } = options
    const at = this.#at(name)
    if (create) {
      try {
        await this.#haste.do(
          () => void fs.mkdirSync(at),
          () => later.mkdir(at),
        )
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw this.#told(error, name)
      }
    }
    try {
      return await openFolder(at, this.#shown(name), follow, this.#haste)
    } catch (error) {
      if (codeOf(error) === 'ELOOP' || codeOf(error) === 'ENOTDIR')
        throw wrongType(this.#shown(name), 'is in the way: it is a symbolic link or a file, and no folder')
      throw this.#told(error, name)
    }
  }

  async *list(follow: boolean): AsyncGenerator<readonly LocalEntry[], void, undefined> {
    for await (const names of namesOf(this.#base, this.#haste)) {
      const found: LocalEntry[] = []
      for (const bytes of names) {
        const name = nameFromBytes(bytes)
        const looked = this.#look(name, follow)
        const attributes = (looked instanceof Promise ? await looked : looked) ?? (follow ? await this.#look(name, false) : undefined)
        // Bytes were lost on the way here, or the file went away just now: nothing is left out without a word.
        if (attributes === undefined && textOnly && name.includes('\ufffd')) throw notText('list')
        if (attributes !== undefined) found.push({ name, attributes })
      }
      if (found.length > 0) yield found
    }
  }

  /** What is at `name`; `undefined` for nothing. At once where that is quick. */
  #look(name: string, follow: boolean): Attributes | undefined | Promise<Attributes | undefined> {
    const at = this.#at(name)
    const began = performance.now()
    if (!this.#haste.hasty(began)) return this.#lookLater(name, at, follow)
    try {
      const stats = follow ? fs.statSync(at, quietly) : fs.lstatSync(at, quietly)
      return stats && attributesOfStats(stats)
    } catch (error) {
      throw this.#told(error, name)
    } finally {
      this.#haste.took(began)
    }
  }

  async #lookLater(name: string, at: string | Buffer, follow: boolean): Promise<Attributes | undefined> {
    try {
      return attributesOfStats(await (follow ? later.stat(at) : later.lstat(at)))
    } catch (error) {
      if (isMissing(error)) return undefined
      throw this.#told(error, name)
    }
  }

  async stat(name: string, follow: boolean): Promise<Attributes | undefined> {
    return await this.#look(name, follow)
  }

  async setOwnAttributes({ permissions, accessed, modified }: Attributes): Promise<void> {
    if (permissions !== undefined) await later.chmod(this.#base, permissions)
    if (modified !== undefined) {
      await later.utimes(this.#base, timeForNode(accessed ?? modified), timeForNode(modified))
    }
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#at(from), this.#at(to)]
    try {
      await this.#haste.do(
        () => fs.renameSync(source, target),
        () => later.rename(source, target),
      )
    } catch (error) {
      throw this.#told(error, to)
    }
  }

  async remove(name: string): Promise<void> {
    const at = this.#at(name)
    try {
      await this.#haste.do(
        () => fs.unlinkSync(at),
        () => later.unlink(at),
      )
    } catch (error) {
      if (!isMissing(error)) throw this.#told(error, name)
    }
  }

  async readLink(name: string): Promise<string> {
    const target = await later.readlink(this.#at(name)).catch((error: unknown) => {
      throw this.#told(error, name)
    })
    return nameFromBytes(target)
  }

  async symlink(target: string, name: string): Promise<void> {
    const text = asGiven(target)
    await later.symlink(text, this.#at(name)).catch((error: unknown) => {
      throw this.#told(error, name)
    })
  }

  sameName(name: string): string | undefined {
    return foldsCase ? name.normalize('NFC').toLowerCase() : undefined
  }

  async close(): Promise<void> {
    const descriptor = this.#descriptor
    if (descriptor !== undefined)
      await this.#haste.do(
        () => fs.closeSync(descriptor),
        () => later.close(descriptor),
      )
  }

  /** Node's errors name the descriptor's path; people want theirs. */
  #told(error: unknown, name: string): Error {
    if (!(error instanceof Error)) return new Error(String(error), { cause: error })
    const ours = /\/proc\/self\/fd\/\d+(\/[^']*)?/
    if (ours.test(error.message)) error.message = error.message.replace(ours, () => this.#shown(name))
    if ('path' in error) error.path = this.#shown(name)
    return error
  }
}

const identityOf = (stats: fs.Stats): string => `${stats.dev}:${stats.ino}`

const openFolder = async (at: string | Buffer, shown: string, follow: boolean, haste: Haste): Promise<NodeFolder> => {
  if (byDescriptor) {
    const flags = pathOnly | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW)
    const [descriptor, stats] = await haste.do(
      (): [number, fs.Stats] => {
        const opened = fs.openSync(at, flags)
        return [opened, fs.fstatSync(opened)]
      },
      async (): Promise<[number, fs.Stats]> => {
        const opened = await later.open(at, flags)
        return [opened, await later.fstat(opened)]
      },
    )
    return new NodeFolder(shown, identityOf(stats), descriptor, haste)
  }
  const stats = await (follow ? later.stat(at) : later.lstat(at))
  if (!stats.isDirectory()) throw wrongType(shown, 'is no folder')
  return new NodeFolder(shown, identityOf(stats), undefined, haste)
}

/** The file system of this machine. */
export const localNode: LocalFiles = {
  async folder(folder) {
    const absolute = path.resolve(folder)
    // Before anything else: that a disk answers at all is found out without holding everybody up.
    const stats = await later.stat(asGiven(absolute))
    if (!stats.isDirectory()) throw wrongType(folder, 'is no folder')
    return openFolder(asGiven(absolute), folder, true, await Haste.on(absolute))
  },
  async locate(given) {
    const onlyFolder = given.endsWith('/') || given.endsWith(path.sep)
    try {
      const real = nameFromBytes(await later.realpath(asGiven(given)))
      const attributes = attributesOfStats(await later.stat(asGiven(real)))
      if (attributes.type === 'directory') return { folder: real, name: '', attributes }
      if (onlyFolder) throw wrongType(given, 'is no folder')
      return { folder: path.dirname(real), name: path.basename(real), attributes }
    } catch (error) {
      if (!isMissing(error)) throw error
    }
    const name = path.basename(given)
    return onlyFolder ? { folder: given, name: '', attributes: undefined } : { folder: path.dirname(given), name, attributes: undefined }
  },
  async makeFolder(folder) {
    await later.mkdir(asGiven(folder)).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error
    })
  },
  allows,
}
