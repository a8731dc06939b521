// Owns what a transfer needs of a server: files that are open, and a few operations on paths. The client's request core is
// one implementation, scripted servers of tests are others. Knows no packets.
import type { Attributes } from '../attributes.ts'
import { writeHeadroom } from '../client/outgoing.ts'
import type { FileEntry, OpenOptions } from '../files.ts'

/** Called once, never within the call. `bytes` is `undefined` at the end of the file, and after an error; it is never empty. */
export type ReadDone = (error: Error | undefined, bytes: Uint8Array | undefined) => void
/** Called once, never within the call. */
export type WriteDone = (error: Error | undefined) => void

/** Bytes that are free before data to be written, so that a packet can be built around them where they lie. */
export const headroom = writeHeadroom

/** A file open on the server. Requests are sent in the order they are made. */
export interface RemoteFile {
  /** Reads into `into`, which is `length` bytes long and belongs to nobody else until `done`. Returns what `cancel` takes. */
  read(offset: number, length: number, into: Uint8Array, done: ReadDone): number
  /**
   * Writes `length` bytes of `buffer` from `at` on, which stay as they are until `done`; the `headroom` bytes before them may
   * be overwritten. Returns what `cancel` takes.
   */
  write(offset: number, buffer: Uint8Array, at: number, length: number, done: WriteDone): number
  /** Forgets a read or write: its `done` is never called. */
  cancel(request: number): void
  /** Answers of so many bytes may be under way. */
  expect(bytes: number): void
  /** What was written waits for the other side: better write no more now. */
  readonly full: boolean
  /** Calls `act` once there is room, at once when there is. */
  whenRoom(act: () => void): void
  stat(): Promise<Attributes>
  setAttributes(attributes: Attributes): Promise<void>
  /** To the disk: `fsync@openssh.com`. Rejects with `op-unsupported` where the server has it not. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Algorithms of `check-file` that a transfer can compute too, best first. */
export const hashNames = ['sha512', 'sha384', 'sha256', 'sha1', 'md5'] as const
export type TransferHash = (typeof hashNames)[number]

/** One SFTP channel as a transfer sees it. Every method rejects with `SftpError` when the server refuses. */
export interface Remote {
  /**
   * Largest read and write in bytes, and how many files may be open at once; `undefined` where the server says nothing, and
   * has to be found out.
   */
  readonly limits: { readonly read: number; readonly write: number; readonly handles: number | undefined }
  /** The same once the server has been asked. Never rejects. */
  readonly limitsKnown: Promise<unknown>
  /** What was opened after `signal` fired is closed again. */
  open(path: string, options: Partial<OpenOptions>, attributes: Attributes, signal?: AbortSignal): Promise<RemoteFile>
  /** A directory, a few entries at a time in the server's order; `.` and `..` among them or not. */
  list(path: string, signal?: AbortSignal): AsyncIterable<readonly FileEntry[]>
  stat(path: string, signal?: AbortSignal): Promise<Attributes>
  lstat(path: string, signal?: AbortSignal): Promise<Attributes>
  setAttributes(path: string, attributes: Attributes): Promise<void>
  makeDirectory(path: string, attributes: Attributes): Promise<void>
  remove(path: string): Promise<void>
  /**
   * `replace`: in one step in place of what is at `to`; rejects with `op-unsupported` where the server knows no such thing.
   * Otherwise that something is there is an error with most servers, and some replace it all the same.
   */
  rename(from: string, to: string, replace: boolean): Promise<void>
  readLink(path: string, signal?: AbortSignal): Promise<string>
  realPath(path: string, signal?: AbortSignal): Promise<string>
  symlink(target: string, path: string): Promise<void>
  /**
   * Hash of `length` bytes from `offset` on, `length` 0 meaning to the end, by the first of `names` that the server can do.
   * `undefined` when it can do none.
   */
  hash(path: string, names: readonly TransferHash[], offset: number, length: number, signal?: AbortSignal): Promise<RemoteHash | undefined>
}

export interface RemoteHash {
  readonly name: TransferHash
  readonly digest: Uint8Array
}
