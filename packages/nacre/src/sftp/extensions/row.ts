// Owns what an extension of SFTP is: its name, what VERSION says of it, the fields of its request and its answer, and how a
// server answers. Rows are listed in `table.ts`. Knows no packet framing.
import type { Hasher } from '../../crypto/provider.ts'
import type { Codec } from '../../wire/codec.ts'
import type { Files, MaybePromise, OpenFile, OpenOptions } from '../files.ts'

/** A file somebody has opened. */
export interface ServedFile {
  readonly file: OpenFile
  /** As it was opened, absolute. */
  readonly path: string
  readonly options: OpenOptions
  /** Where reading and writing goes on, for a file opened as text (versions 4 to 6). */
  readonly text: { position: number } | undefined
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
  /** All rows this server answers by. */
  readonly extensions: readonly ExtensionRow[]
  /** The highest version it speaks. */
  readonly maximumVersion: number
  /** A new hash by its name in check-file, `md5` or `sha256`; `undefined` for those it does not have. */
  hasher(name: string): Hasher | undefined
  /** Goes on by another version; throws `SftpError` when it is too late for that, or the version is not to be had. */
  selectVersion(name: string): void
  /** Whether the client has gone, so that nobody waits for what takes long. */
  over(): boolean
  /** Lets everything else that waits have its turn. */
  pause(): Promise<void>
}

/** How an answer comes that is no refusal: STATUS ok, EXTENDED_REPLY with these fields, or NAME with one path. */
export type AnswerShape<Answer> =
  | { readonly as: 'status' }
  | { readonly as: 'name' }
  | { readonly as: 'fields'; readonly fields: Codec<Answer> }

export interface ExtensionRow<Name extends string = string, Request = unknown, Answer = unknown> {
  readonly name: Name
  /** In words, for the reference. */
  readonly about: string
  /** The lowest and the highest version it is part of. Default all. */
  readonly versions?: readonly [number, number]
  /** What stands beside the name in VERSION; `undefined` when it is not to be announced. */
  announced(serving: Serving): Uint8Array | undefined
  /** Fields after the name in EXTENDED; `undefined` when it is only announced. */
  readonly request: Codec<Request> | undefined
  readonly answer: AnswerShape<Answer>
  /** Whether it changes something: refused by a server that only reads. */
  readonly changes: boolean
  /** Handles the request is about: it waits for what is under way there, and nothing there overtakes it. Default none. */
  handles?(request: Request): readonly Uint8Array[]
  /** Paths it is about, as the client named them. Default none, and for what changes something: all. */
  paths?(request: Request): readonly string[]
  serve(serving: Serving, request: Request): MaybePromise<Answer>
}

/** Texts in VERSION. */
export const asBytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The answer is STATUS ok. */
export const asStatus: AnswerShape<void> = { as: 'status' }

/** Whether `row` is part of `version`. */
export const isOf = (row: ExtensionRow, version: number): boolean =>
  row.versions === undefined || (version >= row.versions[0] && version <= row.versions[1])

/** Names of what may be asked for in the version agreed on. */
export const requestNames = (serving: Serving): readonly string[] =>
  serving.extensions.filter(row => row.request !== undefined && isOf(row, serving.version)).map(row => row.name)

/** For what is only announced, which nobody asks for. */
export const onlyAnnounced = {
  request: undefined,
  answer: asStatus,
  changes: false,
  serve: (): void => {},
} as const
