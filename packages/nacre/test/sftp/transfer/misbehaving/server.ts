// Owns a server of SFTP version 3 for tests: files in memory, honest by itself, and a script that may change, delay or drop every
// answer. Knows nothing of the server this library has.
import { Reader } from '../../../../src/wire/reader.ts'
import { Writer } from '../../../../src/wire/writer.ts'
import type { Attributes } from '../../../../src/sftp/attributes.ts'
import { limits as limitsRow } from '../../../../src/sftp/extensions/limits.ts'
import { packetTypes } from '../../../../src/sftp/messages.ts'
import { fileName } from '../../../../src/sftp/names.ts'
import type { BytePipe, PipeTap } from '../../../../src/sftp/pipe.ts'
import { version3 } from '../../../../src/sftp/versions/version3.ts'

export interface FarNode {
  type: 'file' | 'directory' | 'symlink' | 'fifo'
  data: Uint8Array
  permissions: number
  modified: number
  target: string
}

export type RequestName =
  | 'open'
  | 'close'
  | 'read'
  | 'write'
  | 'stat'
  | 'lstat'
  | 'fstat'
  | 'setstat'
  | 'fsetstat'
  | 'opendir'
  | 'readdir'
  | 'remove'
  | 'mkdir'
  | 'rename'
  | 'readlink'
  | 'realpath'
  | 'symlink'
  | 'extended'

export interface FarRequest {
  readonly name: RequestName
  readonly id: number
  /** How many of this name came before, and one. */
  readonly nth: number
  /** Requests of this name that have no answer yet, this one among them. */
  readonly underWay: number
  /** Handles that are open. */
  readonly handles: number
  readonly path: string
  readonly offset: number
  readonly length: number
  /** Of a write. */
  readonly data: Uint8Array
  readonly node: FarNode | undefined
}

export interface Reply {
  readonly type: number
  readonly body: (writer: Writer) => void
  /** Another request's id, or one nobody used. */
  readonly id?: number
  /** Turns of the loop it waits. */
  readonly delay?: number
}

export const status = (code: number, message = ''): Reply => ({
  type: packetTypes.SSH_FXP_STATUS,
  body: writer => version3.Status.write(writer, { errorCode: code, errorMessage: message, languageTag: '' }),
})
export const dataReply = (bytes: Uint8Array): Reply => ({ type: packetTypes.SSH_FXP_DATA, body: writer => writer.string(bytes) })
export const attrs = (attributes: Attributes): Reply => ({
  type: packetTypes.SSH_FXP_ATTRS,
  body: writer => version3.Attrs.write(writer, { attributes }),
})
export const names = (entries: readonly { filename: string; attributes: Attributes }[]): Reply => ({
  type: packetTypes.SSH_FXP_NAME,
  body: writer =>
    version3.Name.write(
      writer,
      entries.map(each => ({ ...each, longname: '' })),
    ),
})

/** `honest` does what was asked for and says what an honest server would. `undefined` is never answered, `hang up` ends all. */
export type Script = (request: FarRequest, honest: () => Reply) => Reply | 'hang up' | undefined

export interface FarOptions {
  readonly script?: Script
  readonly limits?: { readonly read: number; readonly write: number; readonly handles: number } | false
  readonly extensions?: readonly string[]
}

const requestNames = new Map<number, RequestName>(
  Object.entries(packetTypes).map(([name, number]) => [number, name.slice('SSH_FXP_'.length).toLowerCase() as RequestName]),
)
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/'

export class FarServer {
  readonly files = new Map<string, FarNode>()
  readonly #options: FarOptions
  readonly #handles = new Map<string, { node: FarNode; path: string; listed: boolean }>()
  readonly #counts = new Map<RequestName, number>()
  readonly #underWay = new Map<RequestName, number>()
  #nextHandle = 0
  #tap: PipeTap | undefined
  #ended = false
  #rest = new Uint8Array(0)
  /** Most reads and writes, and bytes of them, that waited for an answer. */
  mostUnderWay = 0
  mostBytes = 0
  #bytes = 0
  /** Everything that was asked for. */
  readonly log: string[] = []

  constructor(options: FarOptions = {}) {
    this.#options = options
    this.directory('/')
  }

  directory(path: string): void {
    this.files.set(path, { type: 'directory', data: new Uint8Array(0), permissions: 0o755, modified: 1_700_000_000, target: '' })
  }
  file(path: string, data: Uint8Array, more: Partial<FarNode> = {}): FarNode {
    const node: FarNode = { type: 'file', data, permissions: 0o644, modified: 1_700_000_000, target: '', ...more }
    this.files.set(path, node)
    return node
  }
  link(path: string, target: string): void {
    this.files.set(path, { type: 'symlink', data: new Uint8Array(0), permissions: 0o777, modified: 0, target })
  }
  get openHandles(): number {
    return this.#handles.size
  }

  /** The client's end. */
  readonly pipe: BytePipe = {
    write: bytes => {
      const copy = bytes.slice()
      setImmediate(() => this.#take(copy))
      return undefined
    },
    tap: tap => {
      this.#tap = tap
    },
    end: () => this.hangUp(),
    abort: () => this.hangUp(),
  }

  hangUp(): void {
    if (this.#ended) return
    this.#ended = true
    this.#handles.clear()
    setImmediate(() => this.#tap?.end())
  }

  #take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#rest.length + bytes.length)
    all.set(this.#rest)
    all.set(bytes, this.#rest.length)
    let at = 0
    while (all.length - at >= 4 && !this.#ended) {
      const length = new DataView(all.buffer).getUint32(at)
      if (all.length - at < 4 + length) break
      this.#packet(all.subarray(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#rest = all.slice(at)
  }

  #send(type: number, body: (writer: Writer) => void): void {
    if (this.#ended) return
    const writer = new Writer(64)
    writer.uint32(0)
    writer.byte(type)
    body(writer)
    const bytes = writer.written()
    new DataView(bytes.buffer, bytes.byteOffset).setUint32(0, bytes.length - 4)
    this.#tap?.data(bytes, true)
  }

  #packet(bytes: Uint8Array): void {
    const reader = new Reader(bytes, 1)
    if (bytes[0] === packetTypes.SSH_FXP_INIT) {
      const { limits = { read: 261_120, write: 261_120, handles: 100 }, extensions = ['posix-rename@openssh.com'] } = this.#options
      const announced = limits === false ? extensions : [...extensions, 'limits@openssh.com']
      this.#send(packetTypes.SSH_FXP_VERSION, writer => {
        writer.uint32(3)
        for (const name of announced) {
          writer.text(name)
          writer.text('1')
        }
      })
      return
    }
    const id = reader.uint32()
    const name = requestNames.get(bytes[0]) ?? 'extended'
    const nth = (this.#counts.get(name) ?? 0) + 1
    this.#counts.set(name, nth)
    const underWay = (this.#underWay.get(name) ?? 0) + 1
    this.#underWay.set(name, underWay)
    const { request, honest } = this.#read(name, id, reader, nth, underWay)
    this.log.push(`${name} ${request.path}${name === 'read' || name === 'write' ? ` ${request.offset}+${request.length}` : ''}`)
    const weight = name === 'read' || name === 'write' ? request.length : 0
    this.#bytes += weight
    if (weight > 0) {
      this.mostUnderWay = Math.max(this.mostUnderWay, underWay)
      this.mostBytes = Math.max(this.mostBytes, this.#bytes)
    }
    const reply = this.#options.script === undefined ? honest() : this.#options.script(request, honest)
    if (reply === 'hang up') {
      this.hangUp()
      return
    }
    if (reply === undefined) return
    let turns = reply.delay ?? 1
    const later = (): void => {
      if (--turns > 0) {
        setImmediate(later)
        return
      }
      this.#underWay.set(name, (this.#underWay.get(name) ?? 1) - 1)
      this.#bytes -= weight
      this.#send(reply.type, writer => {
        writer.uint32(reply.id ?? id)
        reply.body(writer)
      })
    }
    setImmediate(later)
  }

  #read(name: RequestName, id: number, reader: Reader, nth: number, underWay: number): { request: FarRequest; honest: () => Reply } {
    const facts = {
      name,
      id,
      nth,
      underWay,
      handles: this.#handles.size,
      path: '',
      offset: 0,
      length: 0,
      data: new Uint8Array(0),
      node: undefined as FarNode | undefined,
    }
    let honest: () => Reply
    const byHandle = ['close', 'read', 'write', 'fstat', 'fsetstat', 'readdir'].includes(name)
    if (byHandle) {
      const handle = new TextDecoder().decode(reader.string())
      const open = this.#handles.get(handle)
      facts.path = open?.path ?? '?'
      facts.node = open?.node
      if (name === 'read' || name === 'write') facts.offset = Number(reader.uint64())
      if (name === 'read') facts.length = reader.uint32()
      if (name === 'write') {
        facts.data = reader.string().slice()
        facts.length = facts.data.length
      }
      const attributes = name === 'fsetstat' ? version3.attributes.read(reader) : {}
      honest = () => (open === undefined ? status(4, 'no such handle') : this.#onHandle(name, handle, open, facts, attributes))
    } else if (name === 'open') {
      const { filename, options, attributes } = version3.Open.read(reader)
      facts.path = filename
      facts.node = this.#resolve(filename)
      honest = () => this.#open(filename, options, attributes)
    } else if (name === 'extended') {
      const kind = reader.text()
      facts.path = kind
      if (kind === 'posix-rename@openssh.com') {
        const [from, to] = [fileName.read(reader), fileName.read(reader)]
        honest = () => this.#rename(from, to, true)
      } else if (kind === 'limits@openssh.com') honest = () => this.#limits()
      else honest = () => status(8)
    } else {
      facts.path = fileName.read(reader)
      const second = name === 'rename' || name === 'symlink' ? fileName.read(reader) : ''
      const attributes = name === 'setstat' || name === 'mkdir' ? version3.attributes.read(reader) : {}
      facts.node = this.#resolve(facts.path)
      honest = () => this.#onPath(name, facts.path, second, attributes)
    }
    return { request: facts, honest }
  }

  #limits(): Reply {
    const { limits = { read: 261_120, write: 261_120, handles: 100 } } = this.#options
    const { read, write, handles } = limits === false ? { read: 0, write: 0, handles: 0 } : limits
    return {
      type: packetTypes.SSH_FXP_EXTENDED_REPLY,
      body: writer => limitsRow.answer.as === 'fields' && limitsRow.answer.fields.write(writer, { packet: 262_144, read, write, handles }),
    }
  }

  #resolve(path: string, depth = 0): FarNode | undefined {
    const node = this.files.get(path)
    if (node?.type !== 'symlink' || depth > 8) return node
    return this.#resolve(node.target.startsWith('/') ? node.target : `${parentOf(path)}/${node.target}`, depth + 1)
  }

  #open(path: string, options: { write: boolean; create: boolean; exclusive: boolean; truncate: boolean }, attributes: Attributes): Reply {
    let node = this.#resolve(path)
    if (node === undefined && options.create && this.files.has(parentOf(path)))
      node = this.file(path, new Uint8Array(0), { permissions: attributes.permissions ?? 0o644 })
    else if (node !== undefined && options.exclusive) return status(4)
    if (node === undefined) return status(2)
    if (options.truncate) node.data = new Uint8Array(0)
    return this.#handle(node, path)
  }

  #handle(node: FarNode, path: string): Reply {
    const handle = `h${this.#nextHandle++}`
    this.#handles.set(handle, { node, path, listed: false })
    return { type: packetTypes.SSH_FXP_HANDLE, body: writer => writer.text(handle) }
  }

  #onHandle(
    name: RequestName,
    handle: string,
    open: { node: FarNode; path: string; listed: boolean },
    { offset, length, data }: { offset: number; length: number; data: Uint8Array },
    attributes: Attributes,
  ): Reply {
    const { node } = open
    if (name === 'close') this.#handles.delete(handle)
    else if (name === 'fstat') return attrs(attributesOf(node))
    else if (name === 'fsetstat') set(node, attributes)
    else if (name === 'readdir') {
      if (open.listed) return status(1)
      open.listed = true
      return names(this.entries(open.path))
    } else if (name === 'read') return offset >= node.data.length ? status(1) : dataReply(node.data.slice(offset, offset + length))
    else {
      if (offset + data.length > node.data.length) node.data = resized(node.data, offset + data.length)
      node.data.set(data, offset)
    }
    return status(0)
  }

  entries(path: string): { filename: string; attributes: Attributes }[] {
    const start = path === '/' ? '/' : `${path}/`
    return [...this.files]
      .filter(([each]) => each !== '/' && each.startsWith(start) && !each.slice(start.length).includes('/'))
      .map(([each, node]) => ({ filename: each.slice(start.length), attributes: attributesOf(node) }))
  }

  #rename(from: string, to: string, replace: boolean): Reply {
    const node = this.files.get(from)
    if (node === undefined) return status(2)
    if (!replace && this.files.has(to)) return status(4)
    this.files.delete(from)
    this.files.set(to, node)
    return status(0)
  }

  #onPath(name: RequestName, path: string, second: string, attributes: Attributes): Reply {
    const node = name === 'stat' || name === 'setstat' || name === 'opendir' ? this.#resolve(path) : this.files.get(path)
    if (name === 'mkdir') {
      if (node !== undefined) return status(4)
      this.directory(path)
      return status(0)
    }
    if (name === 'symlink') {
      if (this.files.has(second)) return status(4)
      this.link(second, path)
      return status(0)
    }
    if (name === 'realpath') return names([{ filename: node?.type === 'symlink' ? node.target : path, attributes: {} }])
    if (node === undefined) return status(2)
    if (name === 'stat' || name === 'lstat') return attrs(attributesOf(node))
    if (name === 'setstat') set(node, attributes)
    else if (name === 'opendir') return node.type === 'directory' ? this.#handle(node, path) : status(4)
    else if (name === 'remove') this.files.delete(path)
    else if (name === 'rename') return this.#rename(path, second, false)
    else if (name === 'readlink') return names([{ filename: node.target, attributes: {} }])
    return status(0)
  }
}

/** The same bytes, cut off or with zeros behind them. Files grow within a buffer that is larger: they may be long. */
const resized = (data: Uint8Array, length: number): Uint8Array => {
  if (length <= data.length) return data.slice(0, length)
  const roomy = data.byteOffset === 0 && length <= data.buffer.byteLength ? data.buffer : new ArrayBuffer(2 * length)
  const all = new Uint8Array(roomy, 0, length)
  if (roomy === data.buffer) all.fill(0, data.length)
  else all.set(data)
  return all
}

const set = (node: FarNode, { size, permissions, modified }: Attributes): void => {
  if (size !== undefined) node.data = resized(node.data, size)
  if (permissions !== undefined) node.permissions = permissions
  if (modified !== undefined) node.modified = modified.seconds
}

export const attributesOf = (node: FarNode): Attributes => ({
  type: node.type,
  size: node.data.length,
  permissions: node.permissions,
  accessed: { seconds: node.modified, nanoseconds: 0 },
  modified: { seconds: node.modified, nanoseconds: 0 },
})
