// Owns what is under way between us and a server of SFTP: the greeting, request ids, answers in any order, cancelled requests,
// the end. Reads and writes go by callbacks, all else by promises over it. Knows nothing of files but their handles.
import { escapeForPeople, SftpError, SftpProtocolError, TimeoutError, WireError } from '../../errors.ts'
import { systemClock } from '../../io/clock.ts'
import type { Codec } from '../../wire/codec.ts'
import { decodeProse, type Reader } from '../../wire/reader.ts'
import { Init, maximumHandle, type Packet, type PacketName, packetTypes, Version } from '../messages.ts'
import type { BytePipe } from '../pipe.ts'
import { type About, lostOf, refusalOf } from './explain.ts'
import { type DataTaker, Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'

/** A file or directory the server has opened for us. `path` is what stands in errors. */
export interface OpenHandle {
  readonly bytes: Uint8Array
  readonly path: string
}

/**
 * Called once. `bytes` were read and are never empty: the front of the buffer that was given, else a buffer that belongs to
 * whoever hears this. Without either the file ended before the offset.
 */
export type ReadDone = (error: Error | undefined, bytes: Uint8Array | undefined) => void
/** Takes the pieces of an answer as they come. They are valid until it returns unless `detached`. */
export type ReadPiece = (bytes: Uint8Array, at: number, detached: boolean) => void
/** Called once. */
export type WriteDone = (error: Error | undefined) => void

/** What is waited for under one id. Exactly one of its methods is called, once. */
interface Pending {
  readonly about: About
  answer(type: number, body: Reader): void
  failed(error: Error): void
}

const answerNames = new Map<number, PacketName>(Object.entries(packetTypes).map(([name, number]) => [number, name as PacketName]))
const nameOfType = (type: number): string => answerNames.get(type) ?? `a packet of type ${type}`

const unexpected = (type: number, about: About): SftpProtocolError =>
  new SftpProtocolError('unexpected-answer', `The server answered a request to ${about.operation} with ${nameOfType(type)}.`)

export interface ServerStatus {
  readonly code: number
  readonly said: string
}

/** Servers of old send the code alone; what follows the language is of later versions. */
const readStatus = (body: Reader): ServerStatus => {
  const code = body.uint32()
  return { code, said: body.remaining > 0 ? decodeProse(body.string()) : '' }
}

const readHandle = (body: Reader): Uint8Array => {
  const handle = body.string()
  if (handle.length > maximumHandle) throw new WireError(`a handle of ${handle.length} bytes; ${maximumHandle} are allowed`)
  return handle.slice()
}

class PendingRead implements Pending, DataTaker {
  readonly about: About
  readonly length: number
  readonly #done: ReadDone
  readonly #piece: ReadPiece | undefined
  #into: Uint8Array | undefined

  constructor(about: About, length: number, done: ReadDone, into: Uint8Array | undefined, piece: ReadPiece | undefined) {
    this.about = about
    this.length = length
    this.#done = done
    this.#into = into
    this.#piece = piece
  }
  /** `count` bytes are coming. */
  expect(count: number): void {
    if (this.#piece === undefined) this.#into ??= new Uint8Array(count)
  }
  piece(bytes: Uint8Array, at: number, detached: boolean): void {
    if (this.#piece === undefined) this.#into?.set(bytes, at)
    else this.#piece(bytes, at, detached)
  }
  complete(count: number): void {
    // Some servers say so that the file has ended.
    if (count === 0) this.#done(undefined, undefined)
    else this.#done(undefined, this.#into?.length === count ? this.#into : (this.#into ?? nothing).subarray(0, count))
  }
  answer(type: number, body: Reader): void {
    if (type !== packetTypes.SSH_FXP_STATUS) throw unexpected(type, this.about)
    const { code, said } = readStatus(body)
    if (code === 0) throw new SftpProtocolError('unexpected-answer', 'The server answered a request to read with OK and no data.')
    if (code === 1) this.#done(undefined, undefined)
    else this.#done(refusalOf(code, said, this.about), undefined)
  }
  failed(error: Error): void {
    this.#done(error, undefined)
  }
}

const nothing = new Uint8Array(0)

class PendingWrite implements Pending {
  readonly about: About
  readonly #done: WriteDone
  constructor(about: About, done: WriteDone) {
    this.about = about
    this.#done = done
  }
  answer(type: number, body: Reader): void {
    if (type !== packetTypes.SSH_FXP_STATUS) throw unexpected(type, this.about)
    const { code, said } = readStatus(body)
    this.#done(code === 0 ? undefined : refusalOf(code, said, this.about))
  }
  failed(error: Error): void {
    this.#done(error)
  }
}

/** What a request that was given up is answered with is of no interest, but for a handle: that has to be closed. */
class Abandoned implements Pending, DataTaker {
  readonly about: About
  readonly #closeHandle: (handle: Uint8Array) => void
  constructor(about: About, closeHandle: (handle: Uint8Array) => void) {
    this.about = about
    this.#closeHandle = closeHandle
  }
  answer(type: number, body: Reader): void {
    if (type === packetTypes.SSH_FXP_HANDLE) this.#closeHandle(readHandle(body))
  }
  failed(): void {}
  piece(): void {}
  complete(): void {}
}

/** How an answer that is no refusal looks. */
export interface Expected<A> {
  readonly type: number
  /** Reads what follows the id. Bytes must be copied. */
  read(body: Reader): A
}

/** STATUS, and it says OK. */
export const done: Expected<void> = { type: packetTypes.SSH_FXP_STATUS, read: () => {} }
/** HANDLE. */
export const handle: Expected<Uint8Array> = { type: packetTypes.SSH_FXP_HANDLE, read: readHandle }
/** Another packet, whole. */
export const answer = <A>(packet: Packet<A>): Expected<A> => ({ type: packet.number, read: body => packet.read(body) })

/** What a request is for, and what gives it up. */
export interface Asking extends About {
  readonly signal?: AbortSignal | undefined
}

class PendingAnswer<A> implements Pending {
  readonly about: Asking
  readonly #expected: Expected<A>
  readonly #resolve: (value: A) => void
  readonly #reject: (error: unknown) => void
  abort: (() => void) | undefined

  constructor(about: Asking, expected: Expected<A>, resolve: (value: A) => void, reject: (error: unknown) => void) {
    this.about = about
    this.#expected = expected
    this.#resolve = resolve
    this.#reject = reject
  }
  answer(type: number, body: Reader): void {
    if (type === packetTypes.SSH_FXP_STATUS) this.#status(body)
    else if (type !== this.#expected.type) throw unexpected(type, this.about)
    else {
      const value = this.#expected.read(body)
      body.finish()
      this.#unlisten()
      this.#resolve(value)
    }
  }
  #status(body: Reader): void {
    const { code, said } = readStatus(body)
    if (code === 0 && this.#expected.type !== packetTypes.SSH_FXP_STATUS)
      throw new SftpProtocolError('unexpected-answer', `The server answered a request to ${this.about.operation} with OK and nothing else.`)
    this.#unlisten()
    if (code === 0) this.#resolve(this.#expected.read(body))
    else this.#reject(refusalOf(code, said, this.about))
  }
  failed(error: Error): void {
    this.#unlisten()
    this.#reject(error)
  }
  #unlisten(): void {
    if (this.abort !== undefined) this.about.signal?.removeEventListener('abort', this.abort)
  }
}

export interface RequestsOptions {
  /** Milliseconds the server has to greet us. Default 60,000; 0 for no limit. */
  readonly deadline?: number
  /**
   * Another session with the same server, over the same connection: this one will be greeted alike, so requests can be made before
   * that. They leave behind our greeting, and fail with the session if the server's is another one.
   */
  readonly alike?: Requests | undefined
}

/** We speak version 3 only: every server does, and later ones add nothing that is missed. */
const ourVersion = 3
const defaultDeadline = 60_000
/** Data of so many bytes is copied to go with other requests. */
const gathered = 16 * 1024
/** How long the server may take to end once it has been told that nothing follows, in milliseconds. */
const goodbyeMilliseconds = 1000

export class Requests {
  readonly #pipe: BytePipe
  readonly #incoming: Incoming
  readonly #outgoing: Outgoing
  readonly #pending = new Map<number, Pending>()
  readonly #ready = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<void>()
  #cancelDeadline: (() => void) | undefined
  #nextId = 0
  #version: number | undefined
  #extensions: ReadonlyMap<string, Uint8Array> = new Map()
  #end: Error | undefined
  /** We have said that nothing follows. */
  #closing = false

  /** Greets at once. */
  constructor(pipe: BytePipe, { deadline = defaultDeadline, alike }: RequestsOptions = {}) {
    this.#pipe = pipe
    if (alike !== undefined) {
      this.#extensions = alike.extensions
      this.#ready.resolve()
    }
    this.#incoming = new Incoming({ packet: (type, body) => this.#packet(type, body), data: (id, count) => this.#data(id, count) })
    this.#outgoing = new Outgoing(pipe, error => this.#broken(error))
    this.#ready.promise.catch(() => {})
    if (deadline > 0) this.#cancelDeadline = systemClock.after(deadline, () => this.fail(late(deadline)))
    const start = this.#outgoing.start
    Init.write(this.#outgoing.begin(Init.number), { version: ourVersion, extensions: [] })
    this.#outgoing.end(start)
    this.#outgoing.flush()
    pipe.tap({ data: (bytes, detached) => this.#take(bytes, detached), end: error => this.#piped(error) })
  }

  /** Resolves when the server has greeted, or is known; rejects when it did not. Requests can be made only then. */
  get ready(): Promise<void> {
    return this.#ready.promise
  }
  /** Resolves when the session is over; never rejects. */
  get closed(): Promise<void> {
    return this.#ended.promise
  }
  /** Why no more can be asked; `undefined` while it can. */
  get ending(): Error | undefined {
    return this.#end
  }
  /** What the server agreed to; 3 before it has. */
  get version(): number {
    return this.#version ?? ourVersion
  }
  /** Names the server announced, and what it said with each. */
  get extensions(): ReadonlyMap<string, Uint8Array> {
    return this.#extensions
  }
  /** How many requests wait for an answer. */
  get underWay(): number {
    return this.#pending.size
  }
  /** What was sent waits for the other side: whoever has much to write should wait too. */
  get full(): boolean {
    return this.#outgoing.full
  }
  /** Answers of so many bytes may be under way: the server is given as much room, where that is ours to give. */
  expect(bytes: number): void {
    this.#pipe.widen?.(bytes)
  }
  /** Calls `act` once, when there is room again; at once when there is. */
  whenRoom(act: () => void): void {
    this.#outgoing.whenRoom(act)
  }

  /**
   * READ. Returns the id, to give it up by. With `into`, which must be as long as `length`, the bytes are copied there, else to a
   * buffer of their own; with `piece` they are not copied at all, and `done` is called with an empty array.
   */
  read(file: OpenHandle, offset: number, length: number, done: ReadDone, into?: Uint8Array, piece?: ReadPiece): number {
    const id = this.#add(new PendingRead({ operation: 'read', path: file.path }, length, done, into, piece))
    if (id < 0) return id
    const start = this.#outgoing.start
    const writer = this.#outgoing.begin(packetTypes.SSH_FXP_READ)
    writer.uint32(id)
    writer.string(file.bytes)
    writer.uint32(Math.floor(offset / 0x1_0000_0000))
    writer.uint32(offset % 0x1_0000_0000)
    writer.uint32(length)
    this.#outgoing.end(start)
    return id
  }

  /** WRITE of bytes that are copied before it returns. Returns the id. See `full`. */
  write(file: OpenHandle, offset: number, bytes: Uint8Array, done: WriteDone): number {
    const id = this.#add(new PendingWrite({ operation: 'write', path: file.path }, done))
    if (id < 0) return id
    const start = this.#outgoing.start
    const writer = this.#outgoing.begin(packetTypes.SSH_FXP_WRITE)
    writer.uint32(id)
    writer.string(file.bytes)
    writer.uint32(Math.floor(offset / 0x1_0000_0000))
    writer.uint32(offset % 0x1_0000_0000)
    writer.string(bytes)
    this.#outgoing.end(start)
    return id
  }

  /**
   * WRITE of `length` bytes of `buffer` from `at` on, which are not copied: they must stay as they are until `done`. The
   * `writeHeadroom` bytes before `at` must be there, and are overwritten. Returns the id. See `full`.
   */
  writeInPlace(file: OpenHandle, offset: number, buffer: Uint8Array, at: number, length: number, done: WriteDone): number {
    // One of little is copied, to go with what else goes: a packet of its own costs more.
    if (length <= gathered) return this.write(file, offset, buffer.subarray(at, at + length), done)
    const id = this.#add(new PendingWrite({ operation: 'write', path: file.path }, done))
    if (id >= 0) this.#outgoing.frame(id, file.bytes, offset, buffer, at, length)
    return id
  }

  /** Any other request. Rejects with `SftpError` when the server refuses, and with the signal's reason when that fires first. */
  ask<T, A>(packet: Packet<T>, value: T, expected: Expected<A>, about: Asking): Promise<A> {
    return this.#ask(packet.number, packet, value, expected, about)
  }

  /** EXTENDED: `name`, then what `fields` writes. */
  askExtended<T, A>(name: string, fields: Codec<T>, value: T, expected: Expected<A>, about: Asking): Promise<A> {
    const named: Codec<T> = {
      read: body => fields.read(body),
      write: (writer, fieldsOf) => {
        writer.text(name)
        fields.write(writer, fieldsOf)
      },
    }
    return this.#ask(packetTypes.SSH_FXP_EXTENDED, named, value, expected, about)
  }

  #ask<T, A>(type: number, fields: Codec<T>, value: T, expected: Expected<A>, about: Asking): Promise<A> {
    return new Promise((resolve, reject) => {
      about.signal?.throwIfAborted()
      const pending = new PendingAnswer(about, expected, resolve, reject)
      const start = this.#outgoing.start
      const id = this.#add(pending)
      if (id < 0) return
      try {
        const writer = this.#outgoing.begin(type)
        writer.uint32(id)
        fields.write(writer, value)
      } catch (error) {
        this.#pending.delete(id)
        this.#outgoing.forget(start)
        throw error
      }
      this.#outgoing.end(start)
      if (about.signal === undefined) return
      pending.abort = () => {
        if (this.cancel(id)) reject(about.signal?.reason)
      }
      about.signal.addEventListener('abort', pending.abort, { once: true })
    })
  }

  /**
   * Gives a request up: nobody is called for it any more, and its answer is dropped. Says whether it was still waited for. What it
   * asked for may happen all the same.
   */
  cancel(id: number): boolean {
    const pending = this.#pending.get(id)
    if (pending === undefined || pending instanceof Abandoned) return false
    this.#pending.set(id, new Abandoned(pending.about, late => this.#closeQuietly(late)))
    return true
  }

  /** CLOSE of a handle nobody has. */
  #closeQuietly(late: Uint8Array): void {
    const id = this.#add(new Abandoned({ operation: 'close' }, () => {}))
    if (id < 0) return
    const start = this.#outgoing.start
    const writer = this.#outgoing.begin(packetTypes.SSH_FXP_CLOSE)
    writer.uint32(id)
    writer.string(late)
    this.#outgoing.end(start)
  }

  /** A free id for `pending`; -1, and it has been told, when the session is over. */
  #add(pending: Pending): number {
    if (this.#end !== undefined) {
      const error = this.#errorFor(this.#end, pending.about)
      // Never within the call: whoever makes requests in a loop would be called back in the middle of it.
      queueMicrotask(() => pending.failed(error))
      return -1
    }
    let id = this.#nextId
    while (this.#pending.has(id)) id = (id + 1) >>> 0
    this.#nextId = (id + 1) >>> 0
    this.#pending.set(id, pending)
    return id
  }

  // ── from the pipe ─────────────────────────────────────────────────────────────────────────────────────────────────

  #take(bytes: Uint8Array, detached: boolean): void {
    if (this.#end !== undefined) return
    try {
      // A subclass of Node's would give views where copies are asked for.
      const plain = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
      this.#incoming.take(plain, detached)
    } catch (error) {
      if (error instanceof WireError)
        this.fail(
          new SftpProtocolError('malformed-answer', `The server sent an answer that cannot be read: ${error.message}.`, { cause: error }),
        )
      else this.fail(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #packet(type: number, body: Reader): void {
    // The rest of a chunk whose front ended the session.
    if (this.#end !== undefined) return
    if (this.#version === undefined) {
      this.#greeted(type, body)
      return
    }
    const id = body.uint32()
    const pending = this.#answered(id)
    try {
      pending.answer(type, body)
    } catch (error) {
      // Whoever waits for it hears of the end with all others; what he throws himself he need not hear.
      if (error instanceof WireError || error instanceof SftpProtocolError) this.#pending.set(id, pending)
      throw error
    }
  }

  #data(id: number, count: number): DataTaker {
    const pending = this.#pending.get(id)
    if (this.#end !== undefined) return new Abandoned({ operation: 'read' }, () => {})
    if (this.#version === undefined) throw noGreeting('SSH_FXP_DATA')
    if (pending === undefined) throw unknownRequest(id)
    if (pending instanceof Abandoned) {
      this.#pending.delete(id)
      return pending
    }
    if (!(pending instanceof PendingRead)) throw unexpected(packetTypes.SSH_FXP_DATA, pending.about)
    if (count > pending.length)
      throw new SftpProtocolError('too-much-data', `The server answered a request to read ${pending.length} bytes with ${count}.`)
    pending.expect(count)
    return new Arriving(this.#pending, id, pending)
  }

  #answered(id: number): Pending {
    const pending = this.#pending.get(id)
    if (pending === undefined) throw unknownRequest(id)
    this.#pending.delete(id)
    return pending
  }

  #greeted(type: number, body: Reader): void {
    if (type !== Version.number) throw noGreeting(nameOfType(type))
    const { version, extensions } = Version.read(body)
    if (version !== ourVersion)
      throw new SftpProtocolError('version', `The server speaks version ${version} of SFTP where version ${ourVersion} was asked for.`)
    this.#cancelDeadline?.()
    this.#version = version
    this.#extensions = new Map(extensions.map(({ name, data }) => [name, data]))
    this.#ready.resolve()
  }

  #piped(error: Error | undefined): void {
    if (this.#end !== undefined) {
      this.#over()
      return
    }
    const stray = this.#incoming.strayText
    const cut = this.#incoming.midway ? ' in the middle of an answer' : ''
    const what =
      stray !== undefined
        ? `the server sent "${escapeForPeople(stray)}" and ended`
        : this.#version === undefined
          ? 'the server ended before it greeted: is its sftp-server there (Subsystem sftp in its configuration)?'
          : `the server ended the SFTP session${cut}`
    this.fail(error ?? new SftpError('connection-lost', `${what.charAt(0).toUpperCase()}${what.slice(1)}${what.endsWith('?') ? '' : '.'}`))
    this.#over()
  }

  #broken(error: Error): void {
    if (!this.#closing) this.fail(error)
  }

  #errorFor(end: Error, about: About): Error {
    return end instanceof SftpProtocolError || end instanceof TimeoutError ? end : lostOf(end, about)
  }

  /** Ends the session because of `error`, which everybody who waits is told, each once. */
  fail(error: Error): void {
    if (this.#end !== undefined) return
    this.#end = error
    this.#cancelDeadline?.()
    const waiting = [...this.#pending.values()]
    this.#pending.clear()
    for (const pending of waiting) pending.failed(this.#errorFor(error, pending.about))
    this.#ready.reject(this.#errorFor(error, { operation: 'start SFTP' }))
    this.#outgoing.stop()
    if (!this.#closing) {
      this.#pipe.abort()
      this.#over()
    }
  }

  #over(): void {
    this.#ended.resolve()
  }

  /** Says that nothing follows and waits for the server to end, but not long. Requests under way reject. Never rejects. */
  async close(): Promise<void> {
    if (this.#end === undefined) {
      this.#closing = true
      this.#outgoing.flush()
      this.fail(new SftpError('no-connection', 'The SFTP session was closed by this program.'))
      this.#pipe.end()
    }
    const cancel = systemClock.after(goodbyeMilliseconds, () => {
      this.#pipe.abort()
      this.#over()
    })
    await this.#ended.promise
    cancel()
  }
}

/** A DATA answer on its way: until it is all here the request is under way, and ends with the session if that ends. */
class Arriving implements DataTaker {
  readonly #pending: Map<number, Pending>
  readonly #id: number
  readonly #read: PendingRead
  constructor(pending: Map<number, Pending>, id: number, read: PendingRead) {
    this.#pending = pending
    this.#id = id
    this.#read = read
  }
  piece(bytes: Uint8Array, at: number, detached: boolean): void {
    // It may have been given up meanwhile, and then its buffer is no longer ours to write to.
    if (this.#pending.get(this.#id) === this.#read) this.#read.piece(bytes, at, detached)
  }
  complete(count: number): void {
    const still = this.#pending.get(this.#id) === this.#read
    this.#pending.delete(this.#id)
    if (still) this.#read.complete(count)
  }
}

const unknownRequest = (id: number): SftpProtocolError =>
  new SftpProtocolError('unknown-request', `The server answered request ${id}, which was not made or has been answered.`)
const noGreeting = (what: string): SftpProtocolError =>
  new SftpProtocolError('not-sftp', `The server began with ${what} where SSH_FXP_VERSION belongs.`)
const late = (milliseconds: number): TimeoutError =>
  new TimeoutError('sftp', `The server did not start SFTP within ${milliseconds / 1000} seconds.`)
