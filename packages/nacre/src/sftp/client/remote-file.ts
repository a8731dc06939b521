// Owns a file open on the server for reading and writing anywhere. Knows no packets.
import type { Attributes } from '../attributes.ts'
import { type FilesystemStat } from '../files.ts'
import { fstatvfs } from '../extensions/fstatvfs.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import { ReadAhead, readableOf } from './read-ahead.ts'
import { readRange } from './range-read.ts'
import type { OpenHandle } from './requests.ts'
import { Stat } from './stat.ts'
import { type TimeGiven, timeOf } from './times.ts'
import { WriteBehind } from './write-behind.ts'

/** As those of Node: `+` is both ways, `x` refuses what is there, `a` writes to the end whatever the position. */
export type OpenFlags = 'r' | 'r+' | 'w' | 'wx' | 'w+' | 'wx+' | 'a' | 'ax' | 'a+' | 'ax+'

export interface FileRange {
  /** First byte. Default 0. */
  readonly start?: number
  /** First byte that no longer belongs to it. Default the end of the file. */
  readonly end?: number
}

const validPosition = (position: number): number => {
  if (!Number.isSafeInteger(position) || position < 0) throw new RangeError(`${position} is no position in a file`)
  return position
}

/** The bounds of a range, checked. */
export const rangeOf = ({ start = 0, end }: FileRange): { start: number; end: number | undefined } => {
  validPosition(start)
  if (end !== undefined && validPosition(end) < start) throw new RangeError(`a range from ${start} to ${end}`)
  return { start, end }
}

export class RemoteFile implements AsyncDisposable {
  readonly #calls: Calls
  readonly #handle: OpenHandle
  /** Where the next write goes that is to go to the end. */
  #end: number | undefined
  #closed: Promise<void> | undefined

  /** `end`: writes go there, whatever position they are given, and one after the other. */
  constructor(calls: Calls, handle: OpenHandle, end?: number) {
    this.#calls = calls
    this.#handle = handle
    this.#end = end
  }

  /** As it was opened. */
  get path(): string {
    return this.#handle.path
  }

  /** The handle, for requests of one's own. Throws `SftpError` (`invalid-handle`) once the file is closed. */
  get handle(): OpenHandle {
    if (this.#closed !== undefined) throw failureOf('invalid-handle', 'this program has closed it', { operation: 'use', path: this.path })
    return this.#handle
  }

  /**
   * Up to `length` bytes from `position` on, or as many as fit `into`; fewer only at the end of the file. Large ranges are asked for
   * in pieces that are under way together. Resolves with a view of `into` where that is given.
   */
  async read(position: number, target: number | Uint8Array, options: Given = {}): Promise<Uint8Array> {
    const into = typeof target === 'number' ? new Uint8Array(validPosition(target)) : target
    const count = await readRange(this.#calls, this.handle, validPosition(position), into, options)
    return count === into.length ? into : into.subarray(0, count)
  }

  /** Writes all of `bytes` at `position`; resolves when the server has them. The bytes may change once this has been called. */
  async write(position: number, bytes: Uint8Array, options: Given = {}): Promise<void> {
    const { write } = this.#calls.limits
    // What leaves in more than one piece may have to wait for room, and must not change under way.
    const kept = bytes.length > write ? bytes.slice() : bytes
    const serial = this.#end !== undefined
    const start = this.#end ?? validPosition(position)
    if (this.#end !== undefined) this.#end += bytes.length
    const behind = new WriteBehind(this.#calls, this.handle, { start, serial, ...options })
    try {
      await behind.write(kept)
      await behind.finish()
    } finally {
      behind.stop()
    }
  }

  async stat(options: Given = {}): Promise<Stat> {
    return new Stat(await this.#calls.fstat(this.handle, options))
  }

  /** Sets what is given and leaves the rest. */
  async setAttributes(attributes: Attributes, options: Given = {}): Promise<void> {
    await this.#calls.setAttributesOf(this.handle, attributes, options)
  }

  async truncate(size = 0, options: Given = {}): Promise<void> {
    await this.#calls.setAttributesOf(this.handle, { size: validPosition(size) }, { ...options, operation: 'truncate' })
  }

  /** `mode`: the low twelve bits. */
  async chmod(mode: number, options: Given = {}): Promise<void> {
    await this.#calls.setAttributesOf(this.handle, { permissions: mode & 0o7777 }, { ...options, operation: 'chmod' })
  }

  async chown(uid: number, gid: number, options: Given = {}): Promise<void> {
    await this.#calls.setAttributesOf(this.handle, { uid, gid }, { ...options, operation: 'chown' })
  }

  /** Dates, or seconds since 1970. */
  async utimes(accessed: TimeGiven, modified: TimeGiven, options: Given = {}): Promise<void> {
    const attributes = { accessed: timeOf(accessed), modified: timeOf(modified) }
    await this.#calls.setAttributesOf(this.handle, attributes, { ...options, operation: 'utimes' })
  }

  /** Resolves when what was written is on the disk. Rejects with `op-unsupported` where the server has no fsync@openssh.com. */
  async sync(options: Given = {}): Promise<void> {
    await this.#calls.sync(this.handle, options)
  }

  async statvfs({ signal }: Given = {}): Promise<FilesystemStat> {
    return await this.#calls.extended(fstatvfs, { handle: this.handle.bytes }, { operation: 'statvfs', path: this.path, signal })
  }

  /** Its bytes, read ahead of whoever takes them. The file stays open. */
  readable(options: FileRange & Given = {}): ReadableStream<Uint8Array> {
    const range = rangeOf(options)
    const { handle } = this
    const open = async (): Promise<ReadAhead> => {
      const { size } = await this.#calls.fstat(handle, options)
      return new ReadAhead(this.#calls, handle, { ...range, size, signal: options.signal })
    }
    return readableOf(open, async () => {})
  }

  /** Writes from `start` on, several writes under way. Closing it waits for them; the file stays open. */
  writable({ start = 0, signal }: { readonly start?: number } & Given = {}): WritableStream<Uint8Array> {
    const serial = this.#end !== undefined
    const behind = new WriteBehind(this.#calls, this.handle, { start: this.#end ?? validPosition(start), serial, signal })
    const done = async (): Promise<void> => {
      if (serial) this.#end = behind.position
    }
    return writableOf(behind, done, done)
  }

  /** Rejects when the server says that not everything could be kept. Closing again gives the same outcome. */
  close(): Promise<void> {
    this.#closed ??= this.#calls.close(this.#handle)
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** `behind` as a stream. `closed` follows the last byte; `aborted` comes instead when it is cut off or a write fails. */
export const writableOf = (behind: WriteBehind, closed: () => Promise<void>, aborted: () => Promise<void>): WritableStream<Uint8Array> => {
  const orAborted = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      behind.stop()
      await aborted().catch(() => {})
      throw error
    }
  }
  return new WritableStream<Uint8Array>({
    write: chunk => orAborted(() => behind.write(chunk)),
    close: () =>
      orAborted(async () => {
        await behind.finish()
        await closed()
      }),
    abort: async () => {
      behind.stop()
      await aborted()
    },
  })
}
