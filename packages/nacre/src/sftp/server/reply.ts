// Owns answers as packets: STATUS, HANDLE, DATA, NAME, ATTRS and EXTENDED_REPLY in the version agreed on, and what an error
// says to a client. Knows no handles and no order.
import { SftpError, type SftpStatus, WireError } from '../../errors.ts'
import type { Codec } from '../../wire/codec.ts'
import { writeUint32 } from '../../wire/uint32.ts'
import { Writer } from '../../wire/writer.ts'
import type { Attributes } from '../attributes.ts'
import { packetTypes } from '../messages.ts'
import { codeOfStatus, statusTexts } from '../status.ts'
import { sftpVersions } from '../versions/table.ts'
import type { NameEntry, SftpVersion, SftpVersionNumber } from '../versions/version.ts'
import type { SftpServerLog } from './options.ts'
import type { Output } from './output.ts'

/** Bytes of a DATA before its data: length, type, id, length of the data. */
export const dataHead = 13

/** STATUS ok, which most answers are, but for the id. */
const okPacket = ((): Uint8Array => {
  const writer = new Writer(64)
  writer.uint32(0)
  writer.byte(packetTypes.SSH_FXP_STATUS)
  writer.uint32(0)
  writer.uint32(0)
  writer.text(statusTexts.ok)
  writer.text('')
  writeUint32(writer.bytes, 0, writer.offset - 4)
  return writer.written().slice()
})()

/** Longest message that is sent, in characters: it may hold a path. */
const longestMessage = 1024

export interface ReplyHost {
  /** A request was answered, so that there is something to send. */
  answered(): void
}

export class Reply {
  readonly #output: Output
  readonly #host: ReplyHost
  readonly #log: SftpServerLog
  version: SftpVersion = sftpVersions[3]

  constructor(output: Output, host: ReplyHost, log: SftpServerLog) {
    this.#output = output
    this.#host = host
    this.#log = log
  }

  use(version: SftpVersionNumber): void {
    this.version = sftpVersions[version]
  }

  #told(id: number, answer: 'handle' | 'data' | 'name' | 'attrs' | 'reply', count?: number): void {
    this.#log.answered?.({ id, answer, status: 'ok', message: '', ...(count === undefined ? {} : { count }) })
    this.#host.answered()
  }

  ok(id: number): void {
    this.#output.gather(okPacket, id)
    this.#log.answered?.({ id, answer: 'status', status: 'ok', message: statusTexts.ok })
    this.#host.answered()
  }

  status(id: number, status: SftpStatus, message: string): void {
    const start = this.#output.open(packetTypes.SSH_FXP_STATUS, id)
    this.version.Status.write(this.#output.writer, {
      errorCode: codeOfStatus(status, this.version.version),
      errorMessage: message,
      languageTag: '',
    })
    this.#output.close(start)
    this.#log.answered?.({ id, answer: 'status', status, message })
    this.#host.answered()
  }

  /** Says what went wrong. What is no fault of the client's, nor of what it asked for, goes to the operator only. */
  refuse(id: number, error: unknown): void {
    if (error instanceof SftpError) this.status(id, error.status, error.message.slice(0, longestMessage) || statusTexts[error.status])
    else if (error instanceof WireError) this.status(id, 'bad-message', statusTexts['bad-message'])
    else {
      this.#log.failed?.(error)
      this.status(id, 'failure', 'Internal error')
    }
  }

  handle(id: number, handle: Uint8Array): void {
    const start = this.#output.open(packetTypes.SSH_FXP_HANDLE, id)
    this.#output.writer.string(handle)
    this.#output.close(start)
    this.#told(id, 'handle')
  }

  /** DATA with a copy of `length` bytes of `bytes`. */
  data(id: number, bytes: Uint8Array, from: number, length: number): void {
    const start = this.#output.open(packetTypes.SSH_FXP_DATA, id)
    this.#output.writer.string(bytes.subarray(from, from + length))
    this.#output.close(start)
    this.#told(id, 'data', length)
  }

  /** DATA with the `length` bytes that lie in `buffer` after `dataHead`. `buffer` is the output's from then on. */
  dataInPlace(id: number, buffer: Uint8Array, length: number): void {
    writeUint32(buffer, 0, dataHead - 4 + length)
    buffer[4] = packetTypes.SSH_FXP_DATA
    writeUint32(buffer, 5, id)
    writeUint32(buffer, 9, length)
    this.#output.send(buffer, dataHead + length)
    this.#told(id, 'data', length)
  }

  attributes(id: number, attributes: Attributes): void {
    const start = this.#output.open(packetTypes.SSH_FXP_ATTRS, id)
    this.#guarded(start, () => this.version.attributes.write(this.#output.writer, attributes))
    this.#told(id, 'attrs')
  }

  /** EXTENDED_REPLY. */
  fields<T>(id: number, codec: Codec<T>, value: T): void {
    const start = this.#output.open(packetTypes.SSH_FXP_EXTENDED_REPLY, id)
    this.#guarded(start, () => codec.write(this.#output.writer, value))
    this.#told(id, 'reply')
  }

  /** NAME with one entry, which is a path. */
  path(id: number, path: string, attributes: Attributes = {}): void {
    const start = this.#output.open(packetTypes.SSH_FXP_NAME, id)
    const entry: NameEntry = { filename: path, longname: path, attributes }
    this.#guarded(start, () => this.version.Name.write(this.#output.writer, [entry]))
    this.#told(id, 'name', 1)
  }

  /** NAME with as many entries as `write` puts there; END OF FILE when those are none. */
  names(id: number, write: (writer: Writer) => number): void {
    const start = this.#output.open(packetTypes.SSH_FXP_NAME, id)
    const { writer } = this.#output
    writer.uint32(0)
    const count = this.#guarded(start, () => write(writer))
    if (count === 0) {
      this.#output.drop(start)
      this.status(id, 'eof', statusTexts.eof)
      return
    }
    writeUint32(writer.bytes, start + 9, count)
    this.#output.close(start)
    this.#told(id, 'name', count)
  }

  /** A value that cannot be written, such as a size that is none, leaves nothing of its packet behind. */
  #guarded<T>(start: number, write: () => T): T {
    try {
      const written = write()
      this.#output.close(start)
      return written
    } catch (error) {
      this.#output.drop(start)
      throw new Error('what the files said cannot be put into a packet', { cause: error })
    }
  }
}
