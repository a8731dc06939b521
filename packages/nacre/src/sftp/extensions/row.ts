// Owns what an extension of SFTP is: its name, what VERSION says of it, the fields of its request and its answer, and how a
// server answers. Rows are listed in `table.ts`. Knows no packet framing.
import type { Codec } from '../../wire/codec.ts'
import type { Files, MaybePromise, OpenFile, OpenOptions } from '../files.ts'

/** A file somebody has opened. */
export interface ServedFile {
  readonly file: OpenFile
  /** As it was opened, absolute. */
  readonly path: string
  readonly options: OpenOptions
}

/** What a server lends to whoever answers a request. */
export interface Serving {
  /** The version agreed on, 3 to 6. */
  readonly version: number
  readonly files: Files
  readonly readOnly: boolean
  /** A client's path, made absolute. Throws `SftpError` for one that cannot be. */
  absolute(path: string): string
  /** Throws `invalid-handle`, for a directory too. */
  fileOf(handle: Uint8Array): ServedFile
  /** Bytes of the largest packet, read and write, and how many handles there may be at once. */
  readonly limits: { readonly packet: number; readonly read: number; readonly write: number; readonly handles: number }
}

/** How an answer comes that is no refusal: STATUS ok, EXTENDED_REPLY with these fields, or NAME with one path. */
export type AnswerShape<Answer> =
  | { readonly as: 'status' }
  | { readonly as: 'name' }
  | { readonly as: 'fields'; readonly fields: Codec<Answer> }

export interface ExtensionRow<Name extends string = string, Request = never, Answer = unknown> {
  readonly name: Name
  /** What stands beside the name in VERSION; `undefined` when it is not to be announced to that version. */
  announced(serving: Serving): Uint8Array | undefined
  /** Fields after the name in EXTENDED; `undefined` when it is only announced. */
  readonly request: Codec<Request> | undefined
  readonly answer: AnswerShape<Answer>
  /** Whether it changes something: refused by a server that only reads. */
  readonly changes: boolean
  serve(serving: Serving, request: Request): MaybePromise<Answer>
}
