// A client that can do anything: it sends what it is told to, in what pieces it is told to, takes answers only when it likes to,
// and keeps them by request.
import assert from 'node:assert/strict'
import { sftpStatuses } from '../../../src/errors.ts'
import type { Files } from '../../../src/sftp/files.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import type { BytePipe, PipeTap } from '../../../src/sftp/pipe.ts'
import { serveSftp } from '../../../src/sftp/server/index.ts'
import type { SftpServerOptions } from '../../../src/sftp/server/options.ts'
import { sftpVersions } from '../../../src/sftp/versions/table.ts'
import type { SftpVersion, SftpVersionNumber } from '../../../src/sftp/versions/version.ts'
import { bytes, type Codec, decode, encode, text, uint32 } from '../../../src/wire/codec.ts'
import { Reader } from '../../../src/wire/reader.ts'

export interface Answer {
  readonly type: number
  readonly id: number
  /** After the id. */
  readonly body: Uint8Array
}

export const uint32Of = (value: number): Uint8Array => encode(uint32, value)
export const joined = (...pieces: readonly Uint8Array[]): Uint8Array => Uint8Array.from(pieces.flatMap(each => [...each]))

/** A whole packet: length, type, and what follows. */
export const packetOf = (type: number, ...pieces: readonly Uint8Array[]): Uint8Array => {
  const length = pieces.reduce((sum, each) => sum + each.length, 1)
  const packet = new Uint8Array(4 + length)
  packet.set(uint32Of(length))
  packet[4] = type
  let at = 5
  for (const each of pieces) {
    packet.set(each, at)
    at += each.length
  }
  return packet
}

export const requestOf = <T>(type: number, id: number, codec: Codec<T>, value: T): Uint8Array =>
  packetOf(type, uint32Of(id), encode(codec, value))

/** READ and WRITE, for which numbers are more at hand than bigints. */
export const readOf = (id: number, handle: Uint8Array, offset: number, length: number): Uint8Array =>
  packetOf(packetTypes.SSH_FXP_READ, uint32Of(id), encode(bytes, handle), offsetOf(offset), uint32Of(length))
export const writeOf = (id: number, handle: Uint8Array, offset: number, data: Uint8Array): Uint8Array =>
  packetOf(packetTypes.SSH_FXP_WRITE, uint32Of(id), encode(bytes, handle), offsetOf(offset), encode(bytes, data))
export const offsetOf = (offset: number): Uint8Array => joined(uint32Of(Math.floor(offset / 2 ** 32)), uint32Of(offset % 2 ** 32))
export const closeOf = (id: number, handle: Uint8Array): Uint8Array =>
  packetOf(packetTypes.SSH_FXP_CLOSE, uint32Of(id), encode(bytes, handle))
export const extendedOf = <T>(id: number, name: string, codec: Codec<T>, value: T): Uint8Array =>
  packetOf(packetTypes.SSH_FXP_EXTENDED, uint32Of(id), encode(text, name), encode(codec, value))

/** Lets everything that is ready happen, a few times over. */
export const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
}

export class Peer {
  readonly #answers = new Map<number, Answer[]>()
  #tap: PipeTap | undefined
  #partial: Uint8Array = new Uint8Array(0)
  #held: (() => void)[] | undefined
  #waiting: { readonly ids: readonly number[]; readonly resolve: () => void }[] = []
  /** VERSION, after its type. */
  greeting: Uint8Array | undefined
  /** Answers in the order they came. */
  readonly order: number[] = []
  /** Bytes the server has written, whether taken or not. */
  written = 0
  writes = 0
  ended = false
  aborted = false
  /** What `serveSftp` ended with. */
  readonly outcome: Promise<Error | undefined>
  version: SftpVersion = sftpVersions[3]
  #nextId = 1000

  constructor(files: Files, options: SftpServerOptions = {}) {
    const pipe: BytePipe = {
      write: bytes => this.#write(bytes),
      tap: tap => {
        this.#tap = tap
      },
      end: () => {
        this.ended = true
      },
      abort: () => {
        this.aborted = true
      },
    }
    this.outcome = serveSftp(pipe, files, options).then(
      () => undefined,
      (error: unknown) => error as Error,
    )
  }

  #write(bytes: Uint8Array): Promise<void> | undefined {
    this.written += bytes.length
    this.writes++
    if (this.#held === undefined) {
      this.#take(bytes)
      return undefined
    }
    const held = this.#held
    return new Promise(resolve => {
      held.push(() => {
        this.#take(bytes)
        resolve()
      })
    })
  }

  #take(bytes: Uint8Array): void {
    this.#partial = joined(this.#partial, bytes)
    for (let left = this.#partial; left.length >= 4; left = this.#partial) {
      const length = new Reader(left).uint32()
      if (left.length < 4 + length) break
      const packet = left.slice(4, 4 + length)
      this.#partial = left.slice(4 + length)
      if (packet[0] === packetTypes.SSH_FXP_VERSION) this.greeting = packet.subarray(1)
      else {
        const id = new Reader(packet, 1).uint32()
        this.order.push(id)
        this.#answers.set(id, [...(this.#answers.get(id) ?? []), { type: packet[0], id, body: packet.subarray(5) }])
      }
    }
    this.#waiting = this.#waiting.filter(({ ids, resolve }) => {
      const all = ids.every(id => this.#answers.has(id))
      if (all) resolve()
      return !all
    })
  }

  /** Takes no answers until `release`. */
  hold(): void {
    this.#held = []
  }

  /** Takes what was held back, and all that comes. */
  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const take of held) take()
  }

  /** Sends bytes; the promise, if there is one, is the server's word to wait. */
  send(...pieces: readonly Uint8Array[]): void | Promise<void> {
    assert.ok(this.#tap !== undefined, 'the server has not begun')
    const sent = pieces.length === 1 ? pieces[0].slice() : joined(...pieces)
    const taking = this.#tap.data(sent, false)
    // Views are valid until `data` returns, and no longer.
    sent.fill(0xee)
    return taking
  }

  end(error?: Error): void {
    this.#tap?.end(error)
  }

  async answers(...ids: readonly number[]): Promise<readonly Answer[]> {
    if (!ids.every(id => this.#answers.has(id))) await new Promise<void>(resolve => this.#waiting.push({ ids, resolve }))
    return ids.map(id => {
      const answers = this.#answers.get(id) ?? []
      assert.equal(answers.length, 1, `request ${id} has ${answers.length} answers`)
      return answers[0]
    })
  }

  /** How often `id` was answered. */
  count(id: number): number {
    return this.#answers.get(id)?.length ?? 0
  }

  async greet(version: SftpVersionNumber = 3): Promise<this> {
    await settled()
    this.send(packetOf(packetTypes.SSH_FXP_INIT, uint32Of(version)))
    await settled()
    assert.ok(this.greeting !== undefined, 'no VERSION')
    this.version = sftpVersions[version]
    return this
  }

  /** Sends one request and waits for its answer. */
  async ask<T>(type: number, codec: Codec<T>, value: T): Promise<Answer> {
    const id = this.#nextId++
    this.send(requestOf(type, id, codec, value))
    return (await this.answers(id))[0]
  }

  async askBytes(make: (id: number) => Uint8Array): Promise<Answer> {
    const id = this.#nextId++
    this.send(make(id))
    return (await this.answers(id))[0]
  }

  async extended<T>(name: string, codec: Codec<T>, value: T): Promise<Answer> {
    return await this.askBytes(id => extendedOf(id, name, codec, value))
  }

  async open(path: string, how: string): Promise<Uint8Array> {
    const answer = await this.tryOpen(path, how)
    if (answer.type !== packetTypes.SSH_FXP_HANDLE) assert.fail(`${path} was not opened: ${statusOf(answer).message}`)
    return handleOf(answer)
  }

  /** `how` holds letters: r, w, a(ppend), c(reate), t(runcate), x for exclusive, T for text. */
  async tryOpen(path: string, how: string): Promise<Answer> {
    const has = (letter: string): boolean => how.includes(letter)
    return await this.ask(packetTypes.SSH_FXP_OPEN, this.version.Open, {
      filename: path,
      options: {
        read: has('r'),
        write: has('w'),
        append: has('a'),
        create: has('c'),
        truncate: has('t'),
        exclusive: has('x'),
        noFollow: false,
      },
      text: has('T'),
      further: 0,
      attributes: {},
    })
  }

  async openDirectory(path: string): Promise<Uint8Array> {
    const answer = await this.ask(packetTypes.SSH_FXP_OPENDIR, this.version.Stat, { path })
    assert.equal(answer.type, packetTypes.SSH_FXP_HANDLE)
    return handleOf(answer)
  }

  async readDirectory(handle: Uint8Array): Promise<Answer> {
    return await this.askBytes(id => packetOf(packetTypes.SSH_FXP_READDIR, uint32Of(id), encode(bytes, handle)))
  }

  async close(handle: Uint8Array): Promise<void> {
    assertStatus(await this.askBytes(id => closeOf(id, handle)), 'ok')
  }
}

export const handleOf = ({ body }: Answer): Uint8Array => decode(bytes, body).slice()

export const statusOf = ({ type, body }: Answer): { readonly code: number; readonly message: string } => {
  assert.equal(type, packetTypes.SSH_FXP_STATUS, `an answer of type ${type} where a status belongs`)
  const { errorCode, errorMessage } = decode(sftpVersions[3].Status, body)
  return { code: errorCode, message: errorMessage }
}

export const assertStatus = (answer: Answer, status: keyof typeof sftpStatuses, message?: RegExp): void => {
  const found = statusOf(answer)
  assert.equal(found.code, sftpStatuses[status], found.message)
  if (message !== undefined) assert.match(found.message, message)
}

export const dataOf = ({ type, body }: Answer): Uint8Array => {
  assert.equal(type, packetTypes.SSH_FXP_DATA, `an answer of type ${type} where data belongs`)
  return decode(bytes, body)
}
