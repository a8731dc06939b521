// Runs operations on any `Files` without a server between: only paths are made absolute, and errors become numbers.
import { SftpError } from '../../../src/errors.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import { modeOf } from '../../../src/sftp/attributes.ts'
import type { Files, Listing, OpenFile } from '../../../src/sftp/files.ts'
import { bytesOfName, nameFromBytes } from '../../../src/sftp/names.ts'
import { codeOfStatus } from '../../../src/sftp/status.ts'
import { type Operation, pattern, type Result, type SeenAttributes, seenFrom, type SetAttributes, type Subject } from './operations.ts'

const nameOf = (bytes: string): string => nameFromBytes(Uint8Array.from(bytes, character => character.charCodeAt(0)))
const bytesOf = (name: string): string => String.fromCharCode(...bytesOfName(name))

type Handle =
  | { readonly kind: 'file'; readonly file: OpenFile; readonly name: string; readonly reads: boolean; readonly writes: boolean }
  | { readonly kind: 'directory'; readonly listing: Listing }

const attributesOf = ({ size, permissions, owner, times }: SetAttributes): Attributes => ({
  ...(size === undefined ? {} : { size }),
  ...(permissions === undefined ? {} : { permissions: permissions & 0o7777 }),
  ...(owner === undefined ? {} : { uid: owner[0], gid: owner[1] }),
  ...(times === undefined ? {} : { accessed: { seconds: times[0], nanoseconds: 0 }, modified: { seconds: times[1], nanoseconds: 0 } }),
})

const seen = (attributes: Attributes): SeenAttributes => ({
  mode: modeOf(attributes),
  uid: attributes.uid ?? -1,
  gid: attributes.gid ?? -1,
  size: attributes.size ?? -1,
  accessed: attributes.accessed?.seconds ?? -1,
  modified: attributes.modified?.seconds ?? -1,
})

export interface FilesAt {
  readonly files: Files
  /** The folder all happens in, as these files call it. */
  readonly base: string
  /** After the last sequence, or before the next. */
  clear?(): Promise<void> | void
}

/** `make`: new files for each sequence, the folder made. `outside`: what paths of these files do not begin with. */
export class FilesSubject implements Subject {
  readonly name: string
  readonly #make: () => Promise<FilesAt> | FilesAt
  #at: FilesAt | undefined
  #handles: (Handle | undefined)[] = []

  constructor(name: string, make: () => Promise<FilesAt> | FilesAt) {
    this.name = name
    this.#make = make
  }

  async reset(): Promise<void> {
    await this.end()
    this.#at = await this.#make()
  }

  async end(): Promise<void> {
    for (const slot of [0, 1, 2, 3]) await this.#close(slot)
    await this.#at?.clear?.()
    this.#at = undefined
  }

  async #close(slot: number): Promise<void> {
    const handle = this.#handles[slot]
    this.#handles[slot] = undefined
    await (handle?.kind === 'file' ? handle.file.close() : handle?.listing.close())
  }

  async perform(operation: Operation): Promise<Result> {
    if (this.#at === undefined) throw new Error('reset comes first')
    try {
      return await this.#serve(operation, this.#at)
    } catch (error) {
      if (error instanceof SftpError) return { status: codeOfStatus(error.status, 3) }
      throw error
    }
  }

  async #serve(operation: Operation, { files, base }: FilesAt): Promise<Result> {
    const placed = (path: string): string => {
      if (path === '') throw new SftpError('no-such-file', 'No name.')
      return base + (path.startsWith('/') ? '' : '/') + nameOf(path)
    }
    const done = async (what: unknown): Promise<Result> => {
      await what
      return { status: 0 }
    }
    switch (operation.kind) {
      case 'open': {
        const { slot, flags, path, permissions } = operation
        await this.#close(slot)
        const [read, write, append, create, truncate, exclusive] = [1, 2, 4, 8, 16, 32].map(bit => (flags & bit) !== 0)
        const options = { read: read || !write, write, append, create, truncate, exclusive, noFollow: false }
        const file = await files.open(placed(path), options, permissions === undefined ? {} : { permissions: permissions & 0o7777 })
        this.#handles[slot] = { kind: 'file', file, name: path, reads: options.read, writes: write }
        return { status: 0 }
      }
      case 'opendir': {
        await this.#close(operation.slot)
        this.#handles[operation.slot] = { kind: 'directory', listing: await files.list(placed(operation.path)) }
        return { status: 0 }
      }
      case 'stat':
      case 'lstat':
        return { status: 0, attributes: seen(await files.stat(placed(operation.path), operation.kind === 'stat')) }
      case 'setstat':
        return done(files.setAttributes(placed(operation.path), attributesOf(operation.attributes), true))
      case 'lsetstat':
        if (operation.attributes.size !== undefined) return { status: 5 }
        return done(files.setAttributes(placed(operation.path), attributesOf(operation.attributes), false))
      case 'mkdir':
        return done(
          files.makeDirectory(
            placed(operation.path),
            operation.permissions === undefined ? {} : { permissions: operation.permissions & 0o7777 },
          ),
        )
      case 'rmdir':
        return done(files.removeDirectory(placed(operation.path)))
      case 'remove':
        return done(files.remove(placed(operation.path)))
      case 'rename':
      case 'posix-rename':
        return done(files.rename(placed(operation.from), placed(operation.to), operation.kind === 'posix-rename'))
      case 'hardlink':
        return done(files.link(placed(operation.from), placed(operation.to)))
      case 'symlink': {
        const target = nameOf(operation.target)
        return done(files.symlink(target.startsWith('/') ? base + target : target, placed(operation.path)))
      }
      case 'readlink': {
        const target = await files.readLink(placed(operation.path))
        return { status: 0, text: bytesOf(target.startsWith(base) ? target.slice(base.length) : target) }
      }
      case 'realpath':
      case 'expand': {
        const path = await files.realPath(operation.path === '' ? base : placed(operation.path), false)
        return { status: 0, text: bytesOf(seenFrom(base, path)) }
      }
      case 'statvfs': {
        const { blockSize, maximumName } = await files.statvfs(placed(operation.path))
        return { status: blockSize > 0 && maximumName >= 255 ? 0 : 4 }
      }
      case 'limits':
        return { status: 0, limits: [262144, 261120, 261120] }
      default:
        return this.#onHandle(operation)
    }
  }

  async #onHandle(operation: Operation & { slot: number }): Promise<Result> {
    const handle = this.#handles[operation.slot]
    if (operation.kind === 'close') {
      if (handle === undefined) return { status: codeOfStatus('invalid-handle', 3) }
      await this.#close(operation.slot)
      return { status: 0 }
    }
    if (operation.kind === 'readdir') return handle?.kind === 'directory' ? this.#list(handle.listing) : { status: 4 }
    if (handle?.kind !== 'file') return { status: operation.kind === 'fsync' ? codeOfStatus('invalid-handle', 3) : 4 }
    const { file } = handle
    switch (operation.kind) {
      case 'fstat':
        return { status: 0, attributes: seen(await file.stat()) }
      case 'fsync':
        await file.sync()
        return { status: 0 }
      case 'fsetstat':
        await file.setAttributes(attributesOf(operation.attributes))
        return { status: 0 }
      case 'read': {
        if (!handle.reads) return { status: 3 }
        if (operation.length === 0) return { status: 0, data: '' }
        const into = new Uint8Array(operation.length)
        const count = await file.read(operation.position, into)
        return count === 0 ? { status: 1 } : { status: 0, data: String.fromCharCode(...into.subarray(0, count)) }
      }
      case 'write':
        if (!handle.writes) return { status: 3 }
        await file.write(operation.position, pattern(operation.fill, operation.length))
        return { status: 0 }
      case 'copy-data': {
        const into = this.#handles[operation.into]
        if (into?.kind !== 'file') return { status: 4 }
        if (!handle.reads || !into.writes) return { status: 3 }
        const bytes = new Uint8Array(operation.length === 0 ? 2_000_000 : operation.length)
        const count = await file.read(operation.position, bytes)
        await into.file.write(operation.at, bytes.subarray(0, count))
        return { status: 0 }
      }
      default:
        throw new Error(`no such operation on a handle: ${operation.kind}`)
    }
  }

  async #list(listing: Listing): Promise<Result> {
    const entries: Record<string, SeenAttributes> = {}
    for (let some = await listing.next(); some !== undefined; some = await listing.next())
      for (const { name, attributes } of some) if (name !== '.' && name !== '..') entries[bytesOf(name)] = seen(attributes)
    return { status: 0, entries }
  }
}
