// A server of SFTP made of what a test says: it takes requests apart by hand and sends any bytes. What it hands over is
// overwritten at once, so whoever keeps a view notices.
import { SftpError } from '../../../src/errors.ts'
import { openSftp, type OpenSftpOptions } from '../../../src/sftp/client/open.ts'
import type { Sftp } from '../../../src/sftp/client/sftp.ts'
import type { Attributes } from '../../../src/sftp/attributes.ts'
import { packetTypes, type PacketName } from '../../../src/sftp/messages.ts'
import type { BytePipe, PipeTap } from '../../../src/sftp/pipe.ts'
import { attributes as attributesCodec } from '../../../src/sftp/versions/version3.ts'
import { Reader } from '../../../src/wire/reader.ts'
import { readUint32 } from '../../../src/wire/uint32.ts'
import { Writer } from '../../../src/wire/writer.ts'

export interface Asked {
  readonly type: PacketName
  /** 0 for INIT. */
  readonly id: number
  /** After the id. */
  readonly body: Reader
}

export type Fields = (writer: Writer) => void
const typeNames = new Map(Object.entries(packetTypes).map(([name, number]) => [number as number, name as PacketName]))

/** A packet with its length. */
export const packetBytes = (type: number, fields: Fields): Uint8Array => {
  const writer = new Writer(64)
  writer.uint32(0)
  writer.byte(type)
  fields(writer)
  const bytes = writer.written().slice()
  new DataView(bytes.buffer).setUint32(0, bytes.length - 4)
  return bytes
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)

export class ScriptedServer {
  #tap: PipeTap | undefined
  #unread = new Uint8Array(0)
  readonly #asked: Asked[] = []
  #wanted: ((asked: Asked) => void)[] = []
  #full: PromiseWithResolvers<void> | undefined
  /** Answers by itself what it takes; says `false` for what the test wants to see. */
  respond: (asked: Asked) => boolean | void = () => false
  /** Writes to the pipe. */
  writes = 0
  aborted = false
  ended = false

  readonly pipe: BytePipe = {
    write: bytes => {
      if (this.aborted) return Promise.reject(new Error('the pipe was aborted'))
      this.writes++
      this.#take(bytes)
      return this.#full?.promise
    },
    tap: tap => {
      this.#tap = tap
    },
    end: () => {
      this.ended = true
    },
    abort: () => {
      this.aborted = true
      this.#full?.reject(new Error('the pipe was aborted'))
    },
  }

  #take(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#unread.length + bytes.length)
    all.set(this.#unread)
    all.set(bytes, this.#unread.length)
    let at = 0
    while (all.length - at >= 4) {
      const length = readUint32(all, at)
      if (all.length - at - 4 < length) break
      this.#one(all.slice(at + 4, at + 4 + length))
      at += 4 + length
    }
    this.#unread = all.slice(at)
  }

  #one(packet: Uint8Array): void {
    const type = typeNames.get(packet[0])
    if (type === undefined) throw new Error(`the client sent a packet of type ${packet[0]}`)
    const body = new Reader(packet, 1)
    const asked = { type, id: type === 'SSH_FXP_INIT' ? 0 : body.uint32(), body }
    if (this.respond({ ...asked, body: new Reader(packet, body.offset) }) !== false) return
    const wanted = this.#wanted.shift()
    if (wanted === undefined) this.#asked.push(asked)
    else wanted(asked)
  }

  /** The next request the client made that `respond` did not take. */
  async next(): Promise<Asked> {
    return this.#asked.shift() ?? (await new Promise(resolve => this.#wanted.push(resolve)))
  }

  /** The next request, which must be of this type. */
  async expect(type: PacketName): Promise<Asked> {
    const asked = await this.next()
    if (asked.type !== type) throw new Error(`the client sent ${asked.type} where ${type} was expected`)
    return asked
  }

  /** Requests that came and nobody has looked at. */
  get waiting(): readonly Asked[] {
    return this.#asked
  }

  /** The pipe takes what is written only later; the result lets it. */
  fill(): () => void {
    const full = Promise.withResolvers<void>()
    full.promise.catch(() => {})
    this.#full = full
    return () => {
      this.#full = undefined
      full.resolve()
    }
  }

  raw(bytes: Uint8Array): void {
    const mine = bytes.slice()
    this.#tap?.data(mine, false)
    mine.fill(0xee)
  }
  end(error?: Error): void {
    this.#tap?.end(error)
  }
  send(type: PacketName, fields: Fields): void {
    this.raw(packetBytes(packetTypes[type], fields))
  }
  version(extensions: Readonly<Record<string, string>> = {}, version = 3): void {
    this.send('SSH_FXP_VERSION', writer => {
      writer.uint32(version)
      for (const [name, data] of Object.entries(extensions)) {
        writer.text(name)
        writer.text(data)
      }
    })
  }
  status(id: number, code: number, message = ''): void {
    this.send('SSH_FXP_STATUS', writer => {
      writer.uint32(id)
      writer.uint32(code)
      writer.text(message)
      writer.text('')
    })
  }
  handle(id: number, handle: string): void {
    this.send('SSH_FXP_HANDLE', writer => {
      writer.uint32(id)
      writer.text(handle)
    })
  }
  data(id: number, bytes: Uint8Array): void {
    this.send('SSH_FXP_DATA', writer => {
      writer.uint32(id)
      writer.string(bytes)
    })
  }
  attributes(id: number, attributes: Attributes): void {
    this.send('SSH_FXP_ATTRS', writer => {
      writer.uint32(id)
      attributesCodec.write(writer, attributes)
    })
  }
  names(id: number, names: readonly (string | readonly [string, Attributes])[]): void {
    this.send('SSH_FXP_NAME', writer => {
      writer.uint32(id)
      writer.uint32(names.length)
      for (const each of names) {
        const [name, attributes] = typeof each === 'string' ? [each, { type: 'file' } as const] : each
        writer.text(name)
        writer.text(`-rw-r--r-- ${name}`)
        attributesCodec.write(writer, attributes)
      }
    })
  }
}

/** A session that has greeted, and its server. */
export const begun = async (
  extensions: Readonly<Record<string, string>> = {},
  options: OpenSftpOptions = {},
): Promise<{ server: ScriptedServer; files: Sftp }> => {
  const server = new ScriptedServer()
  const opening = openSftp(server.pipe, { deadline: 0, ...options })
  await server.expect('SSH_FXP_INIT')
  server.version(extensions)
  return { server, files: await opening }
}

/** The error a promise rejects with, which must be of this class. */
export const errorOf = async <E extends Error>(
  promise: Promise<unknown>,
  kind: abstract new (...parameters: never[]) => E = SftpError as unknown as abstract new () => E,
): Promise<E> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof kind) return error
    throw error
  }
  throw new Error('it did not reject')
}

/** Lets everything that is due happen. */
export const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setTimeout(resolve, 0))
}

/** Everything an iteration gives. */
export const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const found: T[] = []
  for await (const each of source) found.push(each)
  return found
}
