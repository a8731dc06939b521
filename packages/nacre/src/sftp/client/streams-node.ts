// Owns files on a server as the streams of Node, for programs and libraries that want those. Knows no packets.
import { Readable, Writable } from 'node:stream'
import type { ReadableStream as NodeReadableStream, WritableStream as NodeWritableStream } from 'node:stream/web'
import type { Given } from './calls.ts'
import type { WritableOptions } from './open-file.ts'
import type { FileRange } from './remote-file.ts'
import type { Sftp } from './sftp.ts'

/** `Sftp.readable` as a `Readable`. Destroying it stops the reading and closes the file. */
export const createReadStream = (files: Sftp, path: string, options: FileRange & Given = {}): Readable =>
  Readable.fromWeb(files.readable(path, options) as NodeReadableStream<Uint8Array>)

/** `Sftp.writable` as a `Writable`. The file is complete at `finish`; destroying it leaves what was written. */
export const createWriteStream = (files: Sftp, path: string, options: WritableOptions = {}): Writable =>
  Writable.fromWeb(files.writable(path, options) as NodeWritableStream<Uint8Array>)
