// Owns opening files by path, and what is done with a whole one: reading it, streams from and to it. Knows no packets.
import type { OpenOptions } from '../files.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import { ReadAhead, readableOf } from './read-ahead.ts'
import { type FileRange, type OpenFlags, rangeOf, RemoteFile, writableOf } from './remote-file.ts'
import type { OpenHandle } from './requests.ts'
import { notLong } from './waiting.ts'
import { endOf, WriteBehind } from './write-behind.ts'

const flags: Readonly<Record<OpenFlags, Partial<OpenOptions>>> = {
  r: { read: true },
  'r+': { read: true, write: true },
  w: { write: true, create: true, truncate: true },
  // Servers made of npm's ssh2 know them with `truncate` only, as Node's own have it. There is nothing to cut off.
  wx: { write: true, create: true, truncate: true, exclusive: true },
  'w+': { read: true, write: true, create: true, truncate: true },
  'wx+': { read: true, write: true, create: true, truncate: true, exclusive: true },
  a: { write: true, create: true, append: true },
  ax: { write: true, create: true, append: true, exclusive: true },
  'a+': { read: true, write: true, create: true, append: true },
  'ax+': { read: true, write: true, create: true, append: true, exclusive: true },
}

/** How to open a file: letters as Node has them, or each thing by its name. */
export type Opening =
  | OpenFlags
  | (Given &
      Partial<Omit<OpenOptions, 'noFollow'>> & {
        readonly flags?: OpenFlags
        /** Permissions of a file that is made, before the server's umask. */
        readonly mode?: number
      })

const endOrClose = async (calls: Calls, file: OpenHandle, given: Given): Promise<number> => {
  try {
    return await endOf(calls, file, given)
  } catch (error) {
    void calls.closeQuietly(file)
    throw error
  }
}

export const openFile = async (calls: Calls, path: string, opening: Opening): Promise<RemoteFile> => {
  const { signal, mode, flags: letters, ...named } = typeof opening === 'string' ? { flags: opening } : opening
  if (letters !== undefined && !(letters in flags)) throw new TypeError(`"${String(letters)}" are no flags to open a file with`)
  const options = { ...(letters === undefined ? {} : flags[letters]), ...named }
  if (options.read !== true && options.write !== true && options.append !== true) options.read = true
  // Servers take appending for a kind of writing.
  if (options.append === true) options.write = true
  const attributes = mode === undefined ? {} : { permissions: mode & 0o7777 }
  const file = await calls.open(path, options, attributes, { signal })
  return new RemoteFile(calls, file, options.append === true ? await endOrClose(calls, file, { signal }) : undefined)
}

interface Opened {
  readonly file: OpenHandle
  readonly size: number | undefined
}

/** Opens for reading and asks how long it is, both at once. */
const openToRead = async (calls: Calls, path: string, { signal }: Given): Promise<Opened> => {
  const given = { signal }
  const looking = calls.stat(path, given)
  looking.catch(() => {})
  const file = await calls.open(path, { read: true }, {}, given)
  try {
    const { size, type } = await looking
    // Some servers open directories, and fail only with what comes after.
    if (type === 'directory') throw failureOf('file-is-a-directory', 'it is a directory', { operation: 'read', path })
    return { file, size: type === undefined || type === 'file' ? size : undefined }
  } catch (error) {
    void calls.closeQuietly(file)
    throw error
  }
}

export interface WholeOptions extends Given {
  /** Bytes, at most: a longer file is an error, and so is one a server never ends. Default 1 GiB. */
  readonly maximum?: number | undefined
}

const usualMaximum = 1024 * 1024 * 1024

export const readWhole = async (calls: Calls, path: string, { signal, maximum = usualMaximum }: WholeOptions): Promise<Uint8Array> => {
  const tooLong = (): Error =>
    failureOf('failure', `it has more than the ${maximum} bytes that are allowed; \`readable\` gives them piece by piece`, {
      operation: 'read',
      path,
    })
  const { file, size } = await openToRead(calls, path, { signal })
  if (size !== undefined && size > maximum) {
    void calls.closeQuietly(file)
    throw tooLong()
  }
  const ahead = new ReadAhead(calls, file, { size, signal })
  const pieces: Uint8Array[] = []
  let length = 0
  try {
    for (let bytes = await ahead.next(); bytes !== undefined; bytes = await ahead.next()) {
      pieces.push(bytes)
      length += bytes.length
      if (length > maximum) throw tooLong()
    }
  } finally {
    ahead.cancel()
    void calls.closeQuietly(file)
  }
  if (pieces.length === 1) return pieces[0]
  const whole = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

export const readableAt = (calls: Calls, path: string, options: FileRange & Given): ReadableStream<Uint8Array> => {
  const range = rangeOf(options)
  const { signal } = options
  let opened: OpenHandle | undefined
  const open = async (): Promise<ReadAhead> => {
    const { file, size } = await openToRead(calls, path, { signal })
    opened = file
    return new ReadAhead(calls, file, { ...range, size, signal })
  }
  return readableOf(open, async () => {
    if (opened !== undefined) void calls.closeQuietly(opened)
  })
}

export interface WritableOptions extends Given {
  /** `w` makes the file anew, `wx` only where there is none, `r+` writes into what is there, `a` after its end. Default `w`. */
  readonly flags?: 'w' | 'wx' | 'r+' | 'a'
  /** Where the first byte goes. Default 0. */
  readonly start?: number
  /** Permissions of a file that is made, before the server's umask. */
  readonly mode?: number
}

export const writableAt = (
  calls: Calls,
  path: string,
  { flags: letters = 'w', start = 0, mode, signal }: WritableOptions,
): WritableStream<Uint8Array> => {
  rangeOf({ start })
  let stream: Promise<WritableStreamDefaultWriter<Uint8Array>> | undefined
  const begin = async (): Promise<WritableStreamDefaultWriter<Uint8Array>> => {
    const attributes = mode === undefined ? {} : { permissions: mode & 0o7777 }
    const file = await calls.open(path, flags[letters], attributes, { signal })
    const appends = letters === 'a'
    const behind = new WriteBehind(calls, file, {
      start: appends ? await endOrClose(calls, file, { signal }) : start,
      serial: appends,
      signal,
    })
    return writableOf(
      behind,
      () => calls.close(file),
      () => notLong(calls.closeQuietly(file)),
    ).getWriter()
  }
  const writer = (): Promise<WritableStreamDefaultWriter<Uint8Array>> => (stream ??= begin())
  return new WritableStream<Uint8Array>({
    write: async chunk => (await writer()).write(chunk),
    // An empty file is one too.
    close: async () => (await writer()).close(),
    abort: async reason => {
      if (stream !== undefined) await (await stream).abort(reason)
    },
  })
}
