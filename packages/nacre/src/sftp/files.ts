// Owns what a file server is made of: the `Files` interface. Handles, limits, order, status codes, long names and
// extensions are the server's business, not that of whoever implements this. Knows neither wire nor disk.
//
// Paths are absolute POSIX paths, never empty and without NUL, made so by the server; nothing else is resolved in them: `.`
// and `..` and doubled slashes are for `Files` to read as the system does. Names are strings as `names.ts` holds them.
// Every method throws, or rejects with, `SftpError`; anything else is reported to the operator and reaches the client as a
// failure without details. Whatever may be at hand at once need not be a promise.
import { SftpError } from '../errors.ts'
import type { Attributes } from './attributes.ts'

export type MaybePromise<T> = T | Promise<T>

export interface OpenOptions {
  readonly read: boolean
  readonly write: boolean
  /** Every write goes to the end, whatever position it names. */
  readonly append: boolean
  readonly create: boolean
  /** Together with `create`: the file must not exist yet, not even as a symbolic link. */
  readonly exclusive: boolean
  readonly truncate: boolean
  /** The last component must not be a symbolic link. */
  readonly noFollow: boolean
}

export interface OpenFile {
  /**
   * Fills `into` from `position` on and says how many bytes it was; 0 at the end of the file. Fewer than asked for only at
   * the end. `into` must not be used any more once it has settled.
   */
  read(position: number, into: Uint8Array): MaybePromise<number>
  /** Writes all of `bytes`, which stay as they are until it settles. Several may be under way at once. */
  write(position: number, bytes: Uint8Array): MaybePromise<void>
  stat(): MaybePromise<Attributes>
  setAttributes(attributes: Attributes): MaybePromise<void>
  /** To the disk. */
  sync(): MaybePromise<void>
  statvfs(): MaybePromise<FilesystemStat>
  /** Nothing of it is under way, and nothing follows. What could not be written is said here at the latest. */
  close(): MaybePromise<void>
}

export interface FileEntry {
  readonly name: string
  readonly attributes: Attributes
}

/** A directory being read. */
export interface Listing {
  /** The next few entries in no order, `.` and `..` among them or not; `undefined` after the last. */
  next(): MaybePromise<readonly FileEntry[] | undefined>
  close(): MaybePromise<void>
}

/** statvfs(3); sizes in bytes or blocks as there. */
export interface FilesystemStat {
  readonly blockSize: number
  readonly fragmentSize: number
  readonly blocks: number
  readonly freeBlocks: number
  /** For those who are not root. */
  readonly availableBlocks: number
  readonly files: number
  readonly freeFiles: number
  readonly availableFiles: number
  readonly id: bigint
  readonly readOnly: boolean
  readonly noSetuid: boolean
  readonly maximumName: number
}

export interface Files {
  open(path: string, options: OpenOptions, attributes: Attributes): MaybePromise<OpenFile>
  list(path: string): MaybePromise<Listing>
  /** `follow`: of what a symbolic link points to. */
  stat(path: string, follow: boolean): MaybePromise<Attributes>
  setAttributes(path: string, attributes: Attributes, follow: boolean): MaybePromise<void>
  /** A file or symbolic link, never a directory. */
  remove(path: string): MaybePromise<void>
  /** `replace`: what is at `to` gives way, as rename(2) does it; otherwise that it is there is an error, and nothing is lost. */
  rename(from: string, to: string, replace: boolean): MaybePromise<void>
  makeDirectory(path: string, attributes: Attributes): MaybePromise<void>
  removeDirectory(path: string): MaybePromise<void>
  /** A hard link at `path` to what is at `existing`. */
  link(existing: string, path: string): MaybePromise<void>
  /** A symbolic link at `path`; `target` is any text. */
  symlink(target: string, path: string): MaybePromise<void>
  readLink(path: string): MaybePromise<string>
  /**
   * The path without symbolic links, `.`, `..` and doubled slashes. `mustExist`: whether all of it, or all but the last
   * component, as OpenSSH's server has it.
   */
  realPath(path: string, mustExist: boolean): MaybePromise<string>
  statvfs(path: string): MaybePromise<FilesystemStat>
  /** Home of a user, or the caller's own for ''. */
  home(user: string): MaybePromise<string>
  /** Names of users or groups by number, '' for those without one, in the same order. */
  namesOf(kind: 'user' | 'group', ids: readonly number[]): MaybePromise<readonly string[]>
  /** The number of a user or group by name; `undefined` where there is none. */
  idOf(kind: 'user' | 'group', name: string): MaybePromise<number | undefined>
}

const unsupported = (operation: string) => (): never => {
  throw new SftpError('op-unsupported', 'These files cannot do that.', { operation })
}

/** `some` methods of `Files`; what is missing answers that it is not supported. */
export const partialFiles = (some: Partial<Files>): Files => ({
  open: unsupported('open'),
  list: unsupported('list'),
  stat: unsupported('stat'),
  setAttributes: unsupported('set attributes'),
  remove: unsupported('remove'),
  rename: unsupported('rename'),
  makeDirectory: unsupported('make a directory'),
  removeDirectory: unsupported('remove a directory'),
  link: unsupported('link'),
  symlink: unsupported('make a symbolic link'),
  readLink: unsupported('read a symbolic link'),
  realPath: unsupported('resolve'),
  statvfs: unsupported('ask for free space'),
  home: unsupported('find a home'),
  namesOf: (_kind, ids) => ids.map(() => ''),
  idOf: () => undefined,
  ...some,
})
