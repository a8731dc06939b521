// Owns what a session has open: handles, the requests that name one, how many reads are under way and how many bytes wait to
// be written, and closing what a client left open. Knows the offsets of READ and WRITE, and no paths but to tell of them.
import { SftpError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import { Reader } from '../../wire/reader.ts'
import { readUint32 } from '../../wire/uint32.ts'
import type { Attributes } from '../attributes.ts'
import type { Files, MaybePromise, OpenOptions } from '../files.ts'
import { Close, packetTypes, Readdir } from '../messages.ts'
import { OpenDirectory } from './directory.ts'
import { Handles } from './handles.ts'
import type { WriteTarget } from './input.ts'
import { FileLane, type LaneHost, type WriteJob } from './lane.ts'
import type { ReceivedRequest, Settled, UnfinishedFile } from './options.ts'
import type { Before } from './order.ts'
import type { Principals } from './principals.ts'
import type { Reply } from './reply.ts'
import { sendAttributes, wanted } from './requests.ts'

/** Reads under way at once, over all files: what they take up is bounded by this. */
const mostReads = 8
/** Offsets from 2^53 on have at least this in their upper half. */
const beyond = 2 ** 21

/** Room for handles over several sessions. */
export interface SharedHandles {
  reserve(): boolean
  release(): void
}

export interface OpenFilesHost {
  readonly files: Files
  readonly reply: Reply
  readonly principals: Principals
  /** Whether the client takes no answers just now. */
  blocked(): boolean
  /** Tells the operator, and throws when the request is not allowed. */
  allow(id: number, name: string, changes: boolean, told: Omit<ReceivedRequest, 'id' | 'name'>): void
  /** Does `work` and says why if it fails. */
  perform(id: number, work: () => MaybePromise<void>): Promise<void> | undefined
  /** A request that came in part is never answered. */
  dropped(): void
  /** Something is to be done at the end of this turn. */
  turn(): void
  /** Something is done that others may wait for. */
  progressed(): void
}

const invalidHandle = (): SftpError => new SftpError('invalid-handle', 'Invalid handle')

/** Where the data of a WRITE is going that has only begun to come. */
type Filling = { readonly lane: FileLane; readonly job: WriteJob } | { readonly id: number; readonly error: unknown }

export class OpenFiles implements LaneHost {
  changes = 0
  readonly #host: OpenFilesHost
  readonly #options: Settled
  readonly #shared: SharedHandles
  readonly #handles: Handles<FileLane | OpenDirectory>
  /** Reserved or open. */
  #count = 0
  #reads = 0
  #waitingBytes = 0
  /** Lanes whose reads wait for others to end, or for the client to take what is there. */
  #hungry = new Set<FileLane>()
  /** Lanes to look at when the turn ends. */
  #woken = new Set<FileLane>()
  /** Lanes with something under way. */
  readonly #busy = new Set<FileLane>()
  #filling: Filling | undefined
  #over = false

  constructor(host: OpenFilesHost, options: Settled, shared: SharedHandles) {
    this.#host = host
    this.#options = options
    this.#shared = shared
    this.#handles = new Handles()
  }

  get reply(): Reply {
    return this.#host.reply
  }
  get principals(): Principals {
    return this.#host.principals
  }
  get files(): Files {
    return this.#host.files
  }
  /** Bytes taken up by writes that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }
  get idle(): boolean {
    return this.#busy.size === 0
  }

  // ── for lanes ─────────────────────────────────────────────────────────────────────────────────────────────────────

  mayRead(lane: FileLane): boolean {
    if (this.#over || (this.#reads < mostReads && !this.#host.blocked())) return true
    this.#hungry.add(lane)
    return false
  }

  reading(by: 1 | -1): void {
    this.#reads += by
  }

  waiting(by: number): void {
    this.#waitingBytes += by
  }

  changed(): void {
    this.changes++
  }

  wake(lane: FileLane): void {
    this.#busy.add(lane)
    this.#woken.add(lane)
    this.#host.turn()
  }

  progressed(lane: FileLane): void {
    lane.pump()
    if (lane.idle) this.#busy.delete(lane)
    this.feed()
    this.#host.progressed()
  }

  /** Has reads begin that waited, as far as they may. */
  feed(): void {
    if (this.#hungry.size === 0 || this.#reads >= mostReads || this.#host.blocked()) return
    const hungry = this.#hungry
    this.#hungry = new Set()
    for (const lane of hungry) lane.pump()
  }

  /** Has all begin that came in this turn. */
  pump(): void {
    if (this.#woken.size === 0) return
    const woken = this.#woken
    this.#woken = new Set()
    for (const lane of woken) {
      lane.pump()
      if (lane.idle) this.#busy.delete(lane)
    }
  }

  /** What is under way on open files that a request about `paths` must not overtake: any of it, or only a CLOSE. */
  before(paths: readonly string[], changes: boolean): readonly Before[] {
    if (this.#busy.size === 0) return []
    const before: Before[] = []
    for (const lane of this.#busy)
      if ((changes || lane.closing) && paths.some(path => path === lane.path || lane.path.startsWith(`${path}/`)))
        before.push(lane.upToNow())
    return before
  }

  // ── opening ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #reserve(path: string): void {
    if (this.#count >= this.#options.limits.handles || !this.#shared.reserve())
      throw new SftpError('failure', 'Too many open files', { operation: 'open', path, errno: 'EMFILE' })
    this.#count++
  }

  #release(): void {
    this.#count--
    this.#shared.release()
  }

  /** Room is taken before anything is opened, and given back when that fails. */
  #withRoom<T>(path: string, open: () => MaybePromise<T>, opened: (value: T) => void): MaybePromise<void> {
    this.#reserve(path)
    const failed = (error: unknown): never => {
      this.#release()
      throw error
    }
    try {
      const opening = open()
      return opening instanceof Promise ? opening.then(opened, failed) : opened(opening)
    } catch (error) {
      return failed(error)
    }
  }

  open(id: number, path: string, options: OpenOptions, attributes: Attributes, text: boolean): MaybePromise<void> {
    return this.#withRoom(
      path,
      () => this.files.open(path, options, attributes),
      file => this.#opened(id, new FileLane(this, file, path, options, text)),
    )
  }

  openDirectory(id: number, path: string): MaybePromise<void> {
    return this.#withRoom(
      path,
      () => this.files.list(path),
      listing =>
        this.#opened(
          id,
          new OpenDirectory({ reply: this.reply, principals: this.principals, progressed: () => this.#host.progressed() }, path, listing),
        ),
    )
  }

  #opened(id: number, open: FileLane | OpenDirectory): void {
    open.number = this.#handles.add(open)
    this.#options.log.opened?.({ handle: open.number, path: open.path, directory: open instanceof OpenDirectory })
    this.reply.handle(id, this.#handles.handle(open.number))
  }

  // ── requests that name a handle ───────────────────────────────────────────────────────────────────────────────────

  /** The open file of a handle; throws `invalid-handle`. */
  fileOf(handle: Uint8Array): FileLane {
    const open = this.#handles.find(handle, 0, handle.length)
    if (open instanceof FileLane) return open
    throw invalidHandle()
  }

  /** `bytes` from `start` to `end` are the packet from its type on. */
  read(id: number, bytes: Uint8Array, start: number, end: number): void {
    const at = start + 9
    const length = end < at ? 0 : readUint32(bytes, start + 5)
    const after = at + length
    if (end < at || after + 12 > end) throw badMessage()
    const open = this.#handles.find(bytes, at, length)
    const high = readUint32(bytes, after)
    const position = high * 2 ** 32 + readUint32(bytes, after + 4)
    const asked = readUint32(bytes, after + 8)
    const told = open === undefined ? {} : { handle: open.number, path: open.path, offset: position, length: asked }
    this.#host.allow(id, 'read', false, told)
    if (!(open instanceof FileLane)) throw invalidHandle()
    if (!open.options.read) throw new SftpError('permission-denied', 'The file is not open for reading')
    if (high >= beyond) throw new SftpError('invalid-parameter', 'The offset is beyond 2^53 - 1')
    const count = Math.min(asked, this.#options.limits.read)
    if (open.text !== undefined) this.#readText(id, open, count)
    else if (position === Number.MAX_SAFE_INTEGER) this.reply.status(id, 'eof', 'End of file')
    else open.read(id, position, Math.min(count, Number.MAX_SAFE_INTEGER - position))
  }

  /** Text is read from where the last read ended, whatever the offset. */
  #readText(id: number, lane: FileLane, length: number): void {
    lane.alone(() =>
      this.#host.perform(id, () => {
        const { text } = lane
        if (text === undefined) return undefined
        const buffer = new Uint8Array(length)
        return whenThere(lane.file.read(text.position, buffer), count => {
          text.position += count
          lane.bytesRead += count
          if (count === 0 && length > 0) this.reply.status(id, 'eof', 'End of file')
          else this.reply.data(id, buffer, 0, count)
        })
      }),
    )
  }

  /** What a WRITE names, if it may be written; throws why not. `at` is where the length of its handle stands. */
  #writable(id: number, bytes: Uint8Array, at: number, data: number): { readonly lane: FileLane; readonly position: number } {
    const length = readUint32(bytes, at)
    const open = this.#handles.find(bytes, at + 4, length)
    const high = readUint32(bytes, at + 4 + length)
    const position = high * 2 ** 32 + readUint32(bytes, at + 8 + length)
    const told = open === undefined ? {} : { handle: open.number, path: open.path, offset: position, length: data }
    this.#host.allow(id, 'write', true, told)
    if (!(open instanceof FileLane)) throw invalidHandle()
    if (!open.options.write) throw new SftpError('permission-denied', 'The file is not open for writing')
    if (high >= beyond || position + data > Number.MAX_SAFE_INTEGER)
      throw new SftpError('invalid-parameter', 'The offset is beyond 2^53 - 1')
    return { lane: open, position }
  }

  /**
   * A WRITE that is there as a whole. What is behind its data is left alone, as OpenSSH does: Go's pkg/sftp up to 1.13.5, and
   * with it rclone, sends the rest of its buffer after the last piece of a file.
   */
  write(id: number, bytes: Uint8Array, start: number, packetEnd: number): void {
    const at = start + 5
    const handle = packetEnd < at + 4 ? 0 : readUint32(bytes, at)
    const from = at + 4 + handle + 12
    if (packetEnd < at + 4 || from > packetEnd) throw badMessage()
    const end = from + readUint32(bytes, from - 4)
    if (end > packetEnd) throw badMessage()
    const { lane, position } = this.#writable(id, bytes, at, end - from)
    const job = lane.beginWrite(id, position, end - from, true)
    job.buffer.set(bytes.subarray(from, end), job.used)
    job.used += end - from
    lane.written(job)
  }

  /** A WRITE whose data is still to come; `at` is where the length of its handle stands. */
  writeBegins(id: number, bytes: Uint8Array, at: number, data: number): WriteTarget | undefined {
    try {
      const { lane, position } = this.#writable(id, bytes, at, data)
      const job = lane.beginWrite(id, position, data, false)
      this.#filling = { lane, job }
      return job
    } catch (error) {
      this.#filling = { id, error }
      return undefined
    }
  }

  writeEnds(): void {
    const filling = this.#filling
    this.#filling = undefined
    if (filling === undefined) return
    if ('error' in filling) this.reply.refuse(filling.id, filling.error)
    else filling.lane.written(filling.job)
  }

  /** CLOSE, FSTAT, FSETSTAT and READDIR. */
  request(type: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    const reader = new Reader(bytes, start + 5, end)
    if (type === packetTypes.SSH_FXP_READDIR) {
      const { open, told } = this.#named(Readdir.read(reader).handle)
      this.#host.allow(id, 'readdir', false, told)
      if (!(open instanceof OpenDirectory)) throw invalidHandle()
      open.read(id)
    } else if (type === packetTypes.SSH_FXP_CLOSE) {
      const { open, told } = this.#named(Close.read(reader).handle)
      this.#host.allow(id, 'close', false, told)
      if (open === undefined) throw invalidHandle()
      this.#close(id, open)
    } else if (type === packetTypes.SSH_FXP_FSTAT) {
      const { open, told } = this.#named(this.reply.version.Fstat.read(reader).handle)
      this.#host.allow(id, 'fstat', false, told)
      if (!(open instanceof FileLane)) throw invalidHandle()
      open.alone(() => this.#host.perform(id, () => whenThere(open.file.stat(), found => sendAttributes(this, id, found))))
    } else {
      const { handle, attributes } = this.reply.version.Fsetstat.read(reader)
      const { open, told } = this.#named(handle)
      this.#host.allow(id, 'fsetstat', true, { ...told, attributes })
      if (!(open instanceof FileLane)) throw invalidHandle()
      open.alone(() => this.#host.perform(id, () => this.#setAttributes(id, open, attributes)))
    }
  }

  #named(handle: Uint8Array): { readonly open: FileLane | OpenDirectory | undefined; readonly told: Omit<ReceivedRequest, 'id' | 'name'> } {
    const open = this.#handles.find(handle, 0, handle.length)
    return { open, told: open === undefined ? {} : { handle: open.number, path: open.path } }
  }

  #setAttributes(id: number, lane: FileLane, attributes: Attributes): MaybePromise<void> {
    lane.letGo()
    return whenThere(wanted(this.principals, attributes), known =>
      whenThere(lane.file.setAttributes(known), () => {
        this.changes++
        this.reply.ok(id)
      }),
    )
  }

  // ── closing ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #close(id: number, open: FileLane | OpenDirectory): void {
    // From here on the handle means nothing, though what came before it is still done.
    this.#handles.remove(open.number)
    open.closing = true
    open.alone(() => {
      if (open instanceof FileLane) open.letGo()
      return this.#host.perform(id, () => {
        const closed = (): void => this.#closed(open, false)
        try {
          const closing = open instanceof FileLane ? open.file.close() : open.close()
          if (closing instanceof Promise) return closing.finally(closed).then(() => this.reply.ok(id))
          closed()
        } catch (error) {
          closed()
          throw error
        }
        return this.reply.ok(id)
      })
    })
  }

  #closed(open: FileLane | OpenDirectory, forced: boolean): void {
    this.#release()
    const { number: handle, path } = open
    const [bytesRead, bytesWritten] = open instanceof FileLane ? [open.bytesRead, open.bytesWritten] : [0, 0]
    this.#options.log.closed?.({ handle, path, directory: open instanceof OpenDirectory, bytesRead, bytesWritten, forced })
  }

  /** No more requests come. A WRITE of which a part is missing does not count; `cut` says that nobody waits for answers. */
  stop(cut: boolean): void {
    const filling = this.#filling
    this.#filling = undefined
    if (filling !== undefined) this.#host.dropped()
    if (filling !== undefined && !('error' in filling)) {
      filling.lane.cutOff(filling.job)
      this.#woken.add(filling.lane)
    }
    if (!cut || this.#over) return
    this.#over = true
    for (const lane of this.#busy) lane.forgetReads()
    for (const lane of [...this.#hungry, ...this.#busy]) this.#woken.add(lane)
    this.#hungry.clear()
  }

  /** Closes what the client left open, and says which files it was writing. What fails meanwhile is the operator's to know. */
  async closeAll(): Promise<readonly UnfinishedFile[]> {
    const unfinished: UnfinishedFile[] = []
    for (const open of this.#handles.all()) {
      this.#handles.remove(open.number)
      open.closing = true
      try {
        if (open instanceof FileLane) {
          open.letGo()
          await open.file.close()
        } else {
          // Of directories nobody waits for what is under way.
          await new Promise<void>(resolve => open.alone(() => void resolve()))
          await open.close()
        }
      } catch (error) {
        this.#options.log.failed?.(error)
      }
      this.#closed(open, true)
      if (open instanceof FileLane && open.options.write) unfinished.push({ path: open.path, bytesWritten: open.bytesWritten })
    }
    return unfinished
  }
}

const badMessage = (): SftpError => new SftpError('bad-message', 'Bad message')
