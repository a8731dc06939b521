// Owns what a transfer needs of the file system at this end. `local-node.ts` is Node's; a browser has none. Knows no disk.
import type { Attributes } from '../attributes.ts'
import type { Sink, Source } from './ends.ts'
import type { TransferHash } from './remote.ts'

/** A file that is open. As a sink it must be given its bytes in order: what is on the disk is then always the beginning. */
export interface LocalFile extends Source, Sink {
  /** As it was when it was opened. */
  readonly opened: Attributes
  /** Size then. */
  readonly size: number
  stat(): Promise<Attributes>
  setAttributes(attributes: Attributes): Promise<void>
  truncate(size: number): Promise<void>
  /** To the disk. */
  sync(): Promise<void>
  readonly hashes: readonly TransferHash[]
  /** Hash of the first `length` bytes. */
  hash(name: TransferHash, length: number, signal: AbortSignal | undefined): Promise<Uint8Array>
  close(): Promise<void>
}

export interface WholeFile {
  readonly attributes: Attributes
  readonly count: number
}

export interface LocalWriteOptions {
  /** Nothing may be there yet. */
  readonly exclusive?: boolean
  readonly truncate?: boolean
  /** What is there may be a symbolic link, or no regular file. */
  readonly follow?: boolean
  readonly mode?: number
  /** Runs of zeros are left out. */
  readonly sparse?: boolean
}

export interface LocalEntry {
  readonly name: string
  readonly attributes: Attributes
}

/**
 * A folder that is open. Names are single components; none is looked up through a symbolic link, whatever becomes of the folder
 * meanwhile, unless `follow` says so.
 */
export interface LocalFolder {
  /** For people. */
  readonly path: string
  /** The same for two that are one folder. */
  readonly identity: string
  openRead(name: string, follow: boolean): Promise<LocalFile>
  openWrite(name: string, options: LocalWriteOptions): Promise<LocalFile>
  /**
   * A regular file that fits `into`, read whole and at once: what it was when it was opened, and how many bytes came.
   * `undefined` for any other, and where it cannot be done at once.
   */
  readWhole(name: string, follow: boolean, into: Uint8Array): WholeFile | undefined
  /**
   * Writes `bytes` to a new file `temporary` and gives it the name `name`, at once; throws when that fails, and leaves no
   * `temporary`. False where it cannot be done at once: then nothing was done.
   */
  writeWhole(temporary: string, name: string, bytes: Uint8Array, mode?: number): boolean
  /** A folder in it; made when it is missing and `create` says so. Fails for a symbolic link unless `follow`. */
  folder(name: string, options?: { readonly create?: boolean; readonly follow?: boolean }): Promise<LocalFolder>
  /** All but `.` and `..`, some at a time. */
  list(follow: boolean): AsyncIterable<readonly LocalEntry[]>
  /** `undefined` when nothing of that name is there. */
  stat(name: string, follow: boolean): Promise<Attributes | undefined>
  setOwnAttributes(attributes: Attributes): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** A file or link. That it is gone already is no error. */
  remove(name: string): Promise<void>
  readLink(name: string): Promise<string>
  symlink(target: string, name: string): Promise<void>
  /** The same string for names that mean one file here; `undefined` where every name is a file of its own. */
  sameName(name: string): string | undefined
  close(): Promise<void>
}

export interface LocalPlace {
  readonly folder: string
  readonly name: string
  /** `undefined` when nothing is there. */
  readonly attributes: Attributes | undefined
}

export interface LocalFiles {
  /** Opens a folder, through symbolic links if need be. */
  folder(path: string): Promise<LocalFolder>
  /**
   * Where a path leads, through symbolic links: the folder, the name in it, and what is there; the name is '' when it is a
   * folder, or could only be one.
   */
  locate(path: string): Promise<LocalPlace>
  /** Makes a folder that is missing, but not those it would be in. */
  makeFolder(path: string): Promise<void>
  /** Whether a name from elsewhere can be that of one file here. */
  allows(name: string): boolean
}
