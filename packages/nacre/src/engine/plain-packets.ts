// Owns the packets of a shared connection (OpenSSH's PROTOCOL.mux, 9): a length, a padding length of 0, the payload, in the
// clear. Both ways, bounded. Knows nothing of what payloads say.
import { ProtocolError } from '../errors.ts'
import type { Message } from '../wire/message.ts'
import { readUint32, writeUint32 } from '../wire/uint32.ts'
import { Writer } from '../wire/writer.ts'

/** The most bytes of a packet without its length: what OpenSSH takes, and more than any channel's packets are told to have. */
const mostPlainBytes = 256 * 1024
const headerBytes = 4
/** The padding length and the number of the message. */
const leastBytes = 2
/** A buffer with so many bytes is handed on before more is put into it. */
const fullBuffer = 128 * 1024
const firstBuffer = 4096

const nothing = new Uint8Array(0)

/** Cuts a stream into payloads. What is given is copied; payloads are views, valid until the next `add`. */
export class PlainReader {
  #held = nothing
  #start = 0
  #end = 0

  add(bytes: Uint8Array): void {
    const kept = this.#end - this.#start
    const needed = kept + bytes.length
    if (needed > this.#held.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#held.length, firstBuffer))
      grown.set(this.#held.subarray(this.#start, this.#end))
      this.#held = grown
    } else this.#held.copyWithin(0, this.#start, this.#end)
    this.#held.set(bytes, kept)
    this.#start = 0
    this.#end = needed
  }

  /** The next payload, number first; `undefined` until one is whole. Throws `ProtocolError` for a length no packet has. */
  next(): Uint8Array | undefined {
    const have = this.#end - this.#start
    if (have < headerBytes) return undefined
    const length = readUint32(this.#held, this.#start)
    if (length < leastBytes) throw new ProtocolError('packet-too-short', `A packet of a shared connection has ${length} bytes.`)
    if (length > mostPlainBytes)
      throw new ProtocolError(
        'packet-too-long',
        `A packet of a shared connection says it has ${length} bytes, more than ${mostPlainBytes}.`,
      )
    if (have < headerBytes + length) return undefined
    const start = this.#start + headerBytes
    this.#start = start + length
    const padding = this.#held[start]
    if (padding > length - leastBytes)
      throw new ProtocolError('padding-too-long', `A packet of ${length} bytes says that ${padding} of them are padding.`)
    return this.#held.subarray(start + 1, start + length - padding)
  }

  /** All has been read: memory that a transfer needed need not be kept. */
  rest(): void {
    if (this.#start === this.#end && this.#held.length > fullBuffer) {
      this.#held = nothing
      this.#start = this.#end = 0
    }
  }
}

/** Gathers packets into buffers. */
export class PlainWriter {
  readonly #least: number
  readonly #full: Uint8Array[] = []
  #writer = new Writer(firstBuffer)
  #pending = 0

  /** No packet is shorter than `least` bytes after its length; zeros are added at the end of those that would be. */
  constructor(least = leastBytes) {
    this.#least = least
  }

  /** Bytes nobody has released. */
  get pending(): number {
    return this.#pending
  }

  message<T>(message: Message<string, T>, value: T): void {
    const start = this.#begin(message.number)
    message.write(this.#writer, value)
    this.#finish(start)
  }

  /** SSH_MSG_CHANNEL_DATA (94), or SSH_MSG_CHANNEL_EXTENDED_DATA (95) when `type` is not 0, without an object for it. */
  data(channel: number, type: number, bytes: Uint8Array): void {
    const start = this.#begin(type === 0 ? 94 : 95)
    this.#writer.uint32(channel)
    if (type !== 0) this.#writer.uint32(type)
    this.#writer.string(bytes)
    this.#finish(start)
  }

  #begin(number: number): number {
    if (this.#writer.offset >= fullBuffer) this.#cut()
    const start = this.#writer.offset
    this.#writer.uint32(0)
    this.#writer.byte(0)
    this.#writer.byte(number)
    return start
  }

  #finish(start: number): void {
    const writer = this.#writer
    while (writer.offset - start - headerBytes < this.#least) writer.byte(0)
    writeUint32(writer.bytes, start, writer.offset - start - headerBytes)
    this.#pending += writer.offset - start
  }

  #cut(): void {
    this.#full.push(this.#writer.bytes.subarray(0, this.#writer.offset))
    this.#writer = new Writer(firstBuffer)
  }

  take(): Uint8Array | undefined {
    if (this.#full.length === 0 && this.#writer.offset > 0) this.#cut()
    return this.#full.shift()
  }

  release(buffer: Uint8Array): void {
    this.#pending -= buffer.length
  }
}
