// Owns the operations of SFTP as calls that give promises: one request each, but where a server needs another one. What is made
// of several is in the files beside this. Knows no packets but by their declarations.
import type { Attributes } from '../attributes.ts'
import { copyData } from '../extensions/copy-data.ts'
import { fsync } from '../extensions/fsync.ts'
import { hardlink } from '../extensions/hardlink.ts'
import { limits as limitsRow } from '../extensions/limits.ts'
import { lsetstat } from '../extensions/lsetstat.ts'
import { posixRename } from '../extensions/posix-rename.ts'
import type { ExtensionRow } from '../extensions/row.ts'
import type { OpenOptions } from '../files.ts'
import { Close, maximumData, maximumPacket, Opendir, packetTypes, Readdir, Readlink, Remove, Rmdir } from '../messages.ts'
import { SftpError, SftpProtocolError } from '../../errors.ts'
import { decode } from '../../wire/codec.ts'
import { version3 } from '../versions/version3.ts'
import type { NameEntry } from '../versions/version.ts'
import { failureOf } from './explain.ts'
import { sendable } from './paths.ts'
import type { SftpQuirks } from './quirks.ts'
import { answer, type Asking, done, type Expected, handle, type OpenHandle, type Requests } from './requests.ts'

const { Open, Rename, Realpath, Stat, Lstat, Fstat, Setstat, Fsetstat, Mkdir, Link, Name, Attrs } = version3

/** In bytes, but for `handles`. */
export interface SftpLimits {
  readonly packet: number
  /** Most that one read or write should ask for. */
  readonly read: number
  readonly write: number
  /** How many files and directories may be open at once; `undefined` where the server does not say. */
  readonly handles: number | undefined
}

/** What every server takes (draft-ietf-secsh-filexfer-02 §3), and what nearly all programs ask for. */
const modest = 32 * 1024
const modestPacket = 34_000

export interface Given {
  readonly signal?: AbortSignal | undefined
}

const onlyName: Expected<string> = {
  type: packetTypes.SSH_FXP_NAME,
  read: body => {
    const names = Name.read(body)
    if (names.length !== 1)
      throw new SftpProtocolError('malformed-answer', `The server answered with ${names.length} names where one belongs.`)
    return names[0].filename
  },
}
const names = answer(Name)
const attributesOnly: Expected<Attributes> = { type: Attrs.number, read: body => Attrs.read(body).attributes }

const noOptions: OpenOptions = {
  read: false,
  write: false,
  append: false,
  create: false,
  exclusive: false,
  truncate: false,
  noFollow: false,
}

/** What a client has to know of an extension: any row will do. */
export type AskedExtension<Request, Answer> = Pick<ExtensionRow<string, Request, Answer>, 'name' | 'request' | 'answer'>

/** The answer of an extension. A server says by it that the row does not fit when it takes another kind of packet. */
const expectedOf = <Answer>(row: Pick<ExtensionRow<string, never, Answer>, 'answer'>): Expected<Answer> => {
  const { answer: shape } = row
  // What stands for no fields is `void`, and a name is a string: the row's type says so.
  if (shape.as === 'status') return done as Expected<Answer>
  if (shape.as === 'name') return onlyName as Expected<Answer>
  // Fields that are bytes are views, and whoever waits looks at them later.
  return { type: packetTypes.SSH_FXP_EXTENDED_REPLY, read: body => decode(shape.fields, body.rest().slice()) }
}

export class Calls {
  readonly requests: Requests
  readonly quirks: SftpQuirks
  #limits: SftpLimits
  readonly #limitsKnown: Promise<SftpLimits>

  /** Once the server has greeted. Asks for its limits at once, and waits for nothing. */
  constructor(requests: Requests, quirks: SftpQuirks) {
    this.requests = requests
    this.quirks = quirks
    const request = quirks.request ?? modest
    this.#limits = { packet: Math.max(modestPacket, request + 1024), read: request, write: request, handles: undefined }
    this.#limitsKnown = this.has(limitsRow) ? this.#askLimits() : Promise.resolve(this.#limits)
  }

  /** As far as known by now; modest before the server has said. */
  get limits(): SftpLimits {
    return this.#limits
  }
  /** The same once the server has answered, or will not. Never rejects. */
  get limitsKnown(): Promise<SftpLimits> {
    return this.#limitsKnown
  }

  async #askLimits(): Promise<SftpLimits> {
    try {
      const said = await this.extended(limitsRow, {}, { operation: 'ask for limits' })
      const read = said.read === 0 ? this.#limits.read : Math.min(said.read, maximumData)
      const write = said.write === 0 ? this.#limits.write : Math.min(said.write, maximumData)
      const packet = said.packet === 0 ? Math.max(read, write) + 1024 : Math.min(said.packet, maximumPacket)
      this.#limits = { packet, read, write, handles: said.handles === 0 ? undefined : said.handles }
    } catch {
      // What was announced does not work: then it is as if it were not there.
    }
    return this.#limits
  }

  /** Whether the server announced the extension. */
  has(row: Pick<ExtensionRow, 'name'>): boolean {
    return this.requests.extensions.has(row.name)
  }

  /** Asks for an extension by its row. Rejects with `op-unsupported` when the server has none of that name. */
  extended<Request, Answer>(row: AskedExtension<Request, Answer>, request: Request, about: Asking): Promise<Answer> {
    if (row.request === undefined) return Promise.reject(new TypeError(`"${row.name}" is only announced, it cannot be asked for`))
    return this.requests.askExtended(row.name, row.request, request, expectedOf(row), about)
  }

  /** The same, but without asking when the server did not announce it. */
  async #offered<Request, Answer>(row: AskedExtension<Request, Answer>, request: Request, about: Asking): Promise<Answer> {
    if (this.has(row)) return await this.extended(row, request, about)
    throw failureOf('op-unsupported', `the server does not offer ${row.name}`, about)
  }

  // ── open files ────────────────────────────────────────────────────────────────────────────────────────────────────

  async open(path: string, options: Partial<OpenOptions>, attributes: Attributes = {}, { signal }: Given = {}): Promise<OpenHandle> {
    const about = { operation: 'open', path, signal }
    const request = {
      filename: sendable(path, about),
      options: { ...noOptions, ...options },
      text: false,
      further: 0,
      attributes,
    }
    return { bytes: await this.requests.ask(Open, request, handle, about), path }
  }

  async close(file: OpenHandle): Promise<void> {
    await this.requests.ask(Close, { handle: file.bytes }, done, { operation: 'close', path: file.path })
  }

  /** Where nobody can do anything about a failure: what went wrong before it is what counts. */
  async closeQuietly(file: OpenHandle): Promise<void> {
    try {
      await this.close(file)
    } catch {
      // Said above.
    }
  }

  /** One read; `undefined` at the end of the file. */
  readOnce(file: OpenHandle, offset: number, length: number, { signal }: Given = {}): Promise<Uint8Array | undefined> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const settle = (error: Error | undefined, bytes: Uint8Array | undefined): void => {
        signal?.removeEventListener('abort', abort)
        if (error === undefined) resolve(bytes)
        else reject(error)
      }
      const id = this.requests.read(file, offset, length, settle)
      const abort = (): void => {
        if (this.requests.cancel(id)) reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
    })
  }

  async fstat(file: OpenHandle, { signal }: Given = {}): Promise<Attributes> {
    return await this.requests.ask(Fstat, { handle: file.bytes }, attributesOnly, { operation: 'stat', path: file.path, signal })
  }

  async setAttributesOf(
    file: OpenHandle,
    attributes: Attributes,
    { signal, operation = 'set attributes of' }: SetGiven = {},
  ): Promise<void> {
    await this.requests.ask(Fsetstat, { handle: file.bytes, attributes }, done, { operation, path: file.path, signal })
  }

  /** To the disk. Rejects with `op-unsupported` where the server has it not. */
  async sync(file: OpenHandle, { signal }: Given = {}): Promise<void> {
    await this.#offered(fsync, { handle: file.bytes }, { operation: 'sync', path: file.path, signal })
  }

  /** Bytes from one open file to another without passing here; `length` 0 for all there are. */
  async copyData(from: OpenHandle, to: OpenHandle, { signal }: Given = {}): Promise<void> {
    const request = { from: from.bytes, fromOffset: 0, length: 0, to: to.bytes, toOffset: 0 }
    await this.#offered(copyData, request, { operation: 'copy', path: from.path, signal })
  }

  // ── directories ───────────────────────────────────────────────────────────────────────────────────────────────────

  async openDirectory(path: string, { signal }: Given = {}): Promise<OpenHandle> {
    const about = { operation: 'list', path, signal }
    return { bytes: await this.requests.ask(Opendir, { path: sendable(path, about) }, handle, about), path }
  }

  /** The next few entries as the server names them; `undefined` after the last. */
  async readDirectory(directory: OpenHandle, { signal }: Given = {}): Promise<readonly NameEntry[] | undefined> {
    try {
      const about = { operation: 'list', path: directory.path, signal }
      const entries = await this.requests.ask(Readdir, { handle: directory.bytes }, names, about)
      // Some end so.
      return entries.length === 0 ? undefined : entries
    } catch (error) {
      if (error instanceof SftpError && error.status === 'eof') return undefined
      throw error
    }
  }

  async makeDirectory(path: string, attributes: Attributes = {}, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'mkdir', path, signal }
    await this.requests.ask(Mkdir, { path: sendable(path, about), attributes }, done, about)
  }

  async removeDirectory(path: string, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'rmdir', path, signal }
    await this.requests.ask(Rmdir, { path: sendable(path, about) }, done, about)
  }

  // ── paths ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  async stat(path: string, { signal }: Given = {}): Promise<Attributes> {
    const about = { operation: 'stat', path, signal }
    return await this.requests.ask(Stat, { path: sendable(path, about) }, attributesOnly, about)
  }

  /** Of a symbolic link itself. */
  async lstat(path: string, { signal }: Given = {}): Promise<Attributes> {
    const about = { operation: 'stat', path, signal }
    return await this.requests.ask(Lstat, { path: sendable(path, about) }, attributesOnly, about)
  }

  /** `follow` false: of a symbolic link itself, with lsetstat@openssh.com or not at all. */
  async setAttributes(
    path: string,
    attributes: Attributes,
    { signal, follow = true, operation = 'set attributes of' }: SetGiven & { readonly follow?: boolean } = {},
  ): Promise<void> {
    const about = { operation, path, signal }
    const request = { path: sendable(path, about), attributes }
    if (follow) await this.requests.ask(Setstat, request, done, about)
    else await this.#offered(lsetstat, request, about)
  }

  async remove(path: string, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'remove', path, signal }
    await this.requests.ask(Remove, { filename: sendable(path, about) }, done, about)
  }

  /** RENAME as the version has it: the draft has it refuse when there is something at `to`, but not all servers do. */
  async plainRename(from: string, to: string, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'rename', path: from, signal }
    const request = { from: sendable(from, about), to: sendable(to, { ...about, path: to }), replace: false }
    await this.requests.ask(Rename, request, done, about)
  }

  /** A rename that replaces what is at `to` in one step. Rejects with `op-unsupported` where the server has none. */
  async posixRename(from: string, to: string, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'rename', path: from, signal }
    await this.#offered(posixRename, { oldPath: sendable(from, about), newPath: sendable(to, { ...about, path: to }) }, about)
  }

  /** A second name at `path` for the file at `existing`. */
  async link(existing: string, path: string, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'link', path, signal }
    await this.#offered(hardlink, { oldPath: sendable(existing, { ...about, path: existing }), newPath: sendable(path, about) }, about)
  }

  /** A symbolic link at `path`; `target` is any text. */
  async symlink(target: string, path: string, { signal }: Given = {}): Promise<void> {
    const about = { operation: 'symlink', path, signal }
    const both = { path: sendable(path, about), target: sendable(target, { ...about, path: target }), symbolic: true }
    const request = this.quirks.linkFirst ? { ...both, path: both.target, target: both.path } : both
    await this.requests.ask(Link, request, done, about)
  }

  async readLink(path: string, { signal }: Given = {}): Promise<string> {
    const about = { operation: 'read link', path, signal }
    return await this.requests.ask(Readlink, { path: sendable(path, about) }, onlyName, about)
  }

  async realPath(path: string, { signal }: Given = {}): Promise<string> {
    const about = { operation: 'resolve', path, signal }
    const request = { path: sendable(path, about), check: 'none' as const, compose: [] }
    return await this.requests.ask(Realpath, request, onlyName, about)
  }
}

export interface SetGiven extends Given {
  /** The verb in errors. */
  readonly operation?: string
}
