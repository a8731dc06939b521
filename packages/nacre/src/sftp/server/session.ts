// Owns one conversation with a client: the greeting, which request goes where, what is refused, back-pressure both ways, and
// how it ends. Knows neither SSH nor disks.
import type { Hasher } from '../../crypto/provider.ts'
import { SftpError } from '../../errors.ts'
import { Reader } from '../../wire/reader.ts'
import { readUint32 } from '../../wire/uint32.ts'
import type { Attributes } from '../attributes.ts'
import type { ExtensionRow } from '../extensions/row.ts'
import type { Files, MaybePromise, OpenOptions } from '../files.ts'
import { packetTypes } from '../messages.ts'
import type { BytePipe } from '../pipe.ts'
import type { SftpVersionNumber } from '../versions/version.ts'
import { type ExtendedHost, extendedRequest } from './extended.ts'
import { agreed, clientVersion, versionPacket } from './greeting.ts'
import { PacketInput, type PacketSink, type WriteTarget } from './input.ts'
import type { FileLane } from './lane.ts'
import { OpenFiles, type OpenFilesHost, type SharedHandles } from './open-files.ts'
import type { PacketRequest, ReceivedRequest, Settled, SftpLimits } from './options.ts'
import { PathOrder, plainPath } from './order.ts'
import { Output } from './output.ts'
import { Principals } from './principals.ts'
import { Reply } from './reply.ts'
import { type Asked, type RequestHost, requestRow } from './requests.ts'

/** Bytes of answers not taken by the client, above which no more requests are. */
const mostBacklog = 256 * 1024
/** Characters of a path that are still looked at. */
const longestPath = 32 * 1024

export interface SessionParts {
  readonly pipe: BytePipe
  readonly files: Files
  readonly options: Settled
  /** Where relative paths begin. */
  readonly start: string
  readonly shared: SharedHandles
  /** See `RequestHost`. */
  readonly swapsLink: (version: number) => boolean
  /** Called once, when everything is closed. */
  readonly done: (fault: Error | undefined) => void
}

export class SftpSession implements ExtendedHost, RequestHost, OpenFilesHost, PacketSink {
  readonly files: Files
  readonly reply: Reply
  readonly principals: Principals
  readonly readOnly: boolean
  readonly limits: SftpLimits
  readonly umask: number | undefined
  readonly extensions: readonly ExtensionRow[]
  readonly maximumVersion: SftpVersionNumber
  readonly swapsLink: (version: number) => boolean
  readonly #pipe: BytePipe
  readonly #options: Settled
  readonly #start: string
  readonly #done: (fault: Error | undefined) => void
  readonly #order = new PathOrder(() => this.progressed())
  readonly #output: Output
  readonly #input: PacketInput
  readonly #open: OpenFiles
  #greeted = false
  #requests = 0
  #inFlight = 0
  /** Bytes of requests taken since last none was under way: what they hold while they wait is at most as much, a few times over. */
  #requestBytes = 0
  #taking = false
  #turnComes = false
  /** It is to be decided when, once all was looked at that came. */
  #turnAfterTaking = false
  /** What came and could not be taken yet. */
  readonly #chunks: Uint8Array[] = []
  #stall: { readonly promise: Promise<void>; readonly over: () => void } | undefined
  #inputEnded = false
  #fault: Error | undefined
  /** Nobody is there any more to take answers. */
  #cut = false
  #finishing = false

  constructor({ pipe, files, options, start, shared, swapsLink, done }: SessionParts) {
    this.swapsLink = swapsLink
    this.files = files
    this.readOnly = options.readOnly
    this.limits = options.limits
    this.umask = options.umask
    this.extensions = options.extensions
    this.maximumVersion = options.maximumVersion
    this.principals = new Principals(files)
    this.#pipe = pipe
    this.#options = options
    this.#start = start
    this.#done = done
    this.#output = new Output(pipe, { drained: () => this.#drained(), lost: error => this.#lost(error) })
    this.reply = new Reply(this.#output, { answered: () => this.#answered() }, options.log)
    this.#open = new OpenFiles(this, options, shared)
    this.#input = new PacketInput(this, options.limits.packet)
    pipe.tap({ data: (bytes, detached) => this.#data(bytes, detached), end: error => this.#ended(error) })
  }

  get version(): SftpVersionNumber {
    return this.reply.version.version
  }

  // ── what comes ────────────────────────────────────────────────────────────────────────────────────────────────────

  #data(bytes: Uint8Array, detached: boolean): Promise<void> | undefined {
    if (this.#inputEnded) return undefined
    if (this.#stall !== undefined) {
      this.#chunks.push(detached ? bytes : bytes.slice())
      return this.#stall.promise
    }
    this.#taking = true
    const at = this.#input.take(bytes, 0)
    this.#taken()
    this.turn()
    if (at === bytes.length || this.#inputEnded) return undefined
    this.#chunks.push(detached ? bytes.subarray(at) : bytes.slice(at))
    let over = (): void => {}
    const promise = new Promise<void>(resolve => {
      over = resolve
    })
    this.#stall = { promise, over }
    return promise
  }

  /** Goes on with what could not be taken when it came. */
  #resume(): void {
    if (this.#stall === undefined || this.#taking) return
    this.#taking = true
    while (this.#chunks.length > 0 && this.ready()) {
      const bytes = this.#chunks[0]
      const at = this.#input.take(bytes, 0)
      if (at === bytes.length) this.#chunks.shift()
      else this.#chunks[0] = bytes.subarray(at)
    }
    this.#taken()
    if (this.#chunks.length === 0) this.#unstall()
  }

  #unstall(): void {
    const stall = this.#stall
    this.#stall = undefined
    this.#chunks.length = 0
    stall?.over()
  }

  ready(): boolean {
    return (
      this.#inFlight < this.limits.requests &&
      this.#requestBytes < this.limits.waiting &&
      this.#open.waitingBytes < this.limits.waiting &&
      this.#output.backlog < mostBacklog &&
      !this.#inputEnded
    )
  }

  packet(bytes: Uint8Array, start: number, end: number): void {
    const type = bytes[start]
    if (!this.#greeted) this.#greet(bytes, start, end)
    else if (end - start < 5) this.broken(`a packet of type ${type} without a request id`)
    else if (type === packetTypes.SSH_FXP_INIT) this.broken('a second INIT')
    else this.#request(type, bytes, start, end)
  }

  writeBegins(bytes: Uint8Array, start: number, length: number): WriteTarget | undefined {
    if (!this.#greeted) {
      this.broken('a WRITE before INIT')
      return undefined
    }
    this.#inFlight++
    this.#requests++
    return this.#open.writeBegins(readUint32(bytes, start + 1), bytes, start + 5, length)
  }

  writeEnds(): void {
    this.#open.writeEnds()
  }

  #greet(bytes: Uint8Array, start: number, end: number): void {
    const client = bytes[start] === packetTypes.SSH_FXP_INIT ? clientVersion(bytes, start, end) : undefined
    if (client === undefined) {
      this.broken(bytes[start] === packetTypes.SSH_FXP_INIT ? 'an INIT without a version' : `a packet of type ${bytes[start]} before INIT`)
      return
    }
    this.#greeted = true
    this.reply.use(agreed(client, this.maximumVersion))
    this.#output.writer.fixed(versionPacket(this))
    this.#options.log.started?.({ client, agreed: this.version })
  }

  #request(type: number, bytes: Uint8Array, start: number, end: number): void {
    const id = readUint32(bytes, start + 1)
    this.#inFlight++
    // The data of a WRITE is counted where it waits.
    if (type !== packetTypes.SSH_FXP_WRITE) this.#requestBytes += end - start
    this.#requests++
    try {
      switch (type) {
        case packetTypes.SSH_FXP_READ:
          this.#open.read(id, bytes, start, end)
          return
        case packetTypes.SSH_FXP_WRITE:
          this.#open.write(id, bytes, start, end)
          return
        case packetTypes.SSH_FXP_CLOSE:
        case packetTypes.SSH_FXP_FSTAT:
        case packetTypes.SSH_FXP_FSETSTAT:
        case packetTypes.SSH_FXP_READDIR:
          this.#open.request(type, id, bytes, start, end)
          return
        case packetTypes.SSH_FXP_EXTENDED:
          extendedRequest(this, id, bytes.slice(start + 5, end))
          return
      }
      const row = requestRow(type, this.version)
      if (row === undefined) throw new SftpError('op-unsupported', `There is no request of type ${type} in version ${this.version}`)
      this.#ofPath(id, row.name, row.ask(this, id, new Reader(bytes, start + 5, end), this.reply.version))
    } catch (error) {
      this.reply.refuse(id, error)
    }
  }

  // ── for requests ──────────────────────────────────────────────────────────────────────────────────────────────────

  allow(id: number, name: string, changes: boolean, told: Omit<ReceivedRequest, 'id' | 'name'>): void {
    this.#options.log.received?.({ id, name, ...told })
    if (this.#options.refused(name)) throw new SftpError('permission-denied', `The server does not allow "${name}"`)
    if (changes && this.readOnly) throw new SftpError('permission-denied', 'The server is read-only')
  }

  perform(id: number, work: () => MaybePromise<void>): Promise<void> | undefined {
    try {
      const working = work()
      if (working instanceof Promise) return working.catch((error: unknown) => this.reply.refuse(id, error))
    } catch (error) {
      this.reply.refuse(id, error)
    }
    return undefined
  }

  #ofPath(id: number, name: PacketRequest, asked: Asked): void {
    this.allow(id, name, asked.changes, asked.told)
    const start = (): Promise<void> | undefined => this.perform(id, () => asked.serve())
    this.inOrder(asked.paths, asked.changes, asked.changes ? () => this.#changing(start) : start)
  }

  /** What is read meanwhile may be of before or of after. */
  #changing(start: () => Promise<void> | undefined): Promise<void> | undefined {
    this.changed()
    const doing = start()
    this.changed()
    return doing?.then(() => this.changed())
  }

  /** Does `start` when its turn comes; see `PathOrder`. `start` never rejects. */
  inOrder(paths: readonly string[], changes: boolean, start: () => Promise<void> | undefined): void {
    const plain = paths.map(plainPath)
    this.#order.add(plain, changes, this.#open.before(plain, changes), start)
  }

  changed(): void {
    this.#open.changed()
  }

  absolute(path: string): string {
    if (path === '') throw new SftpError('no-such-file', 'The path is empty')
    if (path.includes('\0')) throw new SftpError('invalid-filename', 'A path cannot hold a NUL')
    if (path.length > longestPath) throw new SftpError('invalid-filename', 'File name too long')
    if (path.startsWith('/')) return path
    return this.#start === '/' ? `/${path}` : `${this.#start}/${path}`
  }

  fileOf(handle: Uint8Array): FileLane {
    return this.#open.fileOf(handle)
  }

  open(id: number, path: string, options: OpenOptions, attributes: Attributes, text: boolean): MaybePromise<void> {
    return this.#open.open(id, path, options, attributes, text)
  }

  openDirectory(id: number, path: string): MaybePromise<void> {
    return this.#open.openDirectory(id, path)
  }

  hasher(name: string): Hasher | undefined {
    return this.#options.hasher(name)
  }

  selectVersion(name: string): void {
    if (this.#requests !== 1) throw new SftpError('failure', 'Another version can be chosen by the first request only')
    const version = Number(name)
    if (!/^[3-6]$/.test(name) || version > this.maximumVersion) throw new SftpError('invalid-parameter', 'There is no such version here')
    this.reply.use(version as SftpVersionNumber)
  }

  over(): boolean {
    return this.#cut
  }

  pause(): Promise<void> {
    return new Promise(resolve => this.#options.runtime.later(resolve))
  }

  // ── what goes, and when ───────────────────────────────────────────────────────────────────────────────────────────

  blocked(): boolean {
    return this.#output.blocked
  }

  #answered(): void {
    if (--this.#inFlight === 0) this.#requestBytes = 0
    this.turn()
  }

  dropped(): void {
    if (--this.#inFlight === 0) this.#requestBytes = 0
  }

  progressed(): void {
    this.#order.pump()
    this.turn()
  }

  /** What several requests leave to send goes at once: when all that came together was looked at, or is done. */
  turn(): void {
    if (this.#turnComes) return
    this.#turnComes = true
    if (this.#taking) this.#turnAfterTaking = true
    else this.#schedule(this.#inFlight === 0)
  }

  #taken(): void {
    this.#taking = false
    if (!this.#turnAfterTaking) return
    this.#turnAfterTaking = false
    // Of a packet that has begun the rest comes at once, and what is answered then goes with what is answered now.
    this.#schedule(!this.#input.within)
  }

  #schedule(now: boolean): void {
    if (now) queueMicrotask(this.#endTurn)
    else this.#options.runtime.soon(this.#endTurn)
  }

  readonly #endTurn = (): void => {
    this.#turnComes = false
    this.#open.pump()
    this.#order.pump()
    this.#output.flush()
    this.#resume()
    this.#finishIfDone()
  }

  #drained(): void {
    this.#open.feed()
    this.turn()
  }

  // ── how it ends ───────────────────────────────────────────────────────────────────────────────────────────────────

  broken(reason: string): void {
    this.#fault ??= new SftpError('bad-message', `The client broke the rules of SFTP: ${reason}.`)
    this.#stop(false)
  }

  /** The client sends no more, or is gone; the one may follow the other. */
  #ended(error: Error | undefined): void {
    if (this.#inputEnded) {
      if (error !== undefined) this.#deserted()
      return
    }
    if (error !== undefined) this.#lost(error)
    else if (this.#stall === undefined) this.#endInput()
    else void this.#stall.promise.then(() => this.#endInput())
  }

  /** It has ended well, and is gone now: nobody waits for what takes long. */
  #deserted(): void {
    if (this.#finishing) return
    this.#cut = true
    this.#stop(true)
  }

  #endInput(): void {
    if (this.#input.within) this.#fault ??= new SftpError('connection-lost', 'The client stopped in the middle of a packet.')
    this.#stop(false)
  }

  #lost(error: unknown): void {
    this.#fault ??= error instanceof Error ? error : new SftpError('connection-lost', 'The client is gone.')
    this.#cut = true
    this.#stop(true)
  }

  #stop(cut: boolean): void {
    this.#inputEnded = true
    this.#open.stop(cut)
    this.#unstall()
    this.turn()
  }

  #finishIfDone(): void {
    if (!this.#inputEnded || this.#finishing || !this.#open.idle || !this.#order.idle) return
    if (!this.#cut && (!this.#output.empty || this.#inFlight > 0)) return
    this.#finishing = true
    void this.#finish()
  }

  async #finish(): Promise<void> {
    const unfinished = await this.#open.closeAll()
    if (unfinished.length > 0) this.#options.log.unfinished?.(unfinished)
    this.#output.end()
    if (this.#cut) this.#pipe.abort()
    else this.#pipe.end()
    this.#done(this.#fault)
  }
}
