// Owns the way from messages to bytes for the wire: the payload is written once into a pooled buffer, padded, and sealed
// in place; many packets share one buffer and so one write. Knows nothing of when a message may be sent.
import type { Compressor, Sealer } from '../algorithms/rows.ts'
import type { Random } from '../crypto/provider.ts'
import type { Message } from '../wire/message.ts'
import { writeUint32 } from '../wire/uint32.ts'
import { Writer } from '../wire/writer.ts'
import { plainSealer } from './protect.ts'

/** Size of the buffers that bulk data is gathered in: eight packets with 32 KiB of data, or four with 64. */
const bulkBuffer = 264 * 1024
/**
 * Size of the buffer that a few control messages share: a KEXINIT with all we know and what follows it go in one write. It
 * goes back to the pool with each write, so that an idle connection holds nothing.
 */
const smallBuffer = 4096
/** Free buffers kept for the next transfer and the next messages, shared by whoever shares the pool. */
const maximumFree = 8
const maximumFreeSmall = 64
/** With less left, a buffer whose beginning is on its way gets no more packets. */
const leastRest = 80 * 1024

const nothing = new Uint8Array(0)

/** Buffers between uses. One pool may serve all connections of a process. */
export class BufferPool {
  readonly #free: Uint8Array[] = []
  readonly #freeSmall: Uint8Array[] = []
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(bulkBuffer)
  }
  takeSmall(): Uint8Array {
    return this.#freeSmall.pop() ?? new Uint8Array(smallBuffer)
  }
  /** Takes back a whole buffer; one that did not come from here is left to the collector. */
  give(memory: ArrayBufferLike): void {
    if (memory.byteLength === bulkBuffer) {
      if (this.#free.length < maximumFree) this.#free.push(new Uint8Array(memory))
    } else if (memory.byteLength === smallBuffer && this.#freeSmall.length < maximumFreeSmall) this.#freeSmall.push(new Uint8Array(memory))
  }
}

/** A call into the system for each packet is dear. */
const paddingBlock = 4096

/** Padding is taken from a block of random bytes, each of which is used once. */
class PaddingSource {
  readonly #random: Random
  readonly #block = new Uint8Array(paddingBlock)
  #used = paddingBlock
  constructor(random: Random) {
    this.#random = random
  }
  fill(bytes: Uint8Array, start: number, end: number): void {
    if (this.#used + (end - start) > paddingBlock) {
      this.#random(this.#block)
      this.#used = 0
    }
    for (let at = start; at < end; at++) bytes[at] = this.#block[this.#used++]
  }
}

const sources = new WeakMap<Random, PaddingSource>()

/** One for all connections that draw from the same source: a block of each one's own would outlive its use by hours. */
const paddingFrom = (random: Random): PaddingSource => {
  let source = sources.get(random)
  if (source === undefined) {
    source = new PaddingSource(random)
    sources.set(random, source)
  }
  return source
}

export class Outgoing {
  #sealer: Sealer = plainSealer
  #compressor: Compressor | undefined
  /** Sequence number of the next packet. */
  sequence = 0
  /** True once `sequence` went past 2^32 - 1 since the count last began at zero. */
  wrapped = false
  bytesUnderKey = 0
  packetsUnderKey = 0
  /** Bytes sealed and not yet taken, or taken and not yet released. */
  pending = 0
  /** Bytes sealed and not yet taken. */
  untaken = 0
  /** As many of those, from the first on, as nobody is in a hurry for. */
  #patient = 0

  readonly #pool: BufferPool
  readonly #padding: PaddingSource
  #full: Uint8Array[] | undefined
  readonly #writer = new Writer(0)
  /** In the writer's buffer: what comes before `#begun` was handed over, what comes before `#filled` is sealed. */
  #begun = 0
  #filled = 0
  /** Bulk buffers parts of which are on their way, and how many parts. */
  #parts: Map<ArrayBufferLike, number> | undefined

  constructor(random: Random, pool: BufferPool) {
    this.#padding = paddingFrom(random)
    this.#pool = pool
  }

  /** Bytes as they are: the identification line. */
  raw(bytes: Uint8Array): void {
    this.#begin(bytes.length)
    this.#writer.bytes.set(bytes, this.#filled)
    this.#filled += bytes.length
    this.pending += bytes.length
    this.untaken += bytes.length
  }

  /** One packet with `value` as `of` declares it. `expected` bytes is what the payload may need; it grows if more. */
  message<T>(of: Message<string, T>, value: T, expected = 256): void {
    const writer = this.#begin(expected + 300)
    const start = this.#filled
    writer.offset = start + 5
    writer.byte(of.number)
    of.write(writer, value)
    this.#finish(start, writer.offset - start - 5)
  }

  /** One packet with a payload that is encoded already. */
  payload(payload: Uint8Array): void {
    const writer = this.#begin(payload.length + 300)
    const start = this.#filled
    writer.offset = start + 5
    writer.fixed(payload)
    this.#finish(start, payload.length)
  }

  /**
   * SSH_MSG_CHANNEL_DATA (94), or SSH_MSG_CHANNEL_EXTENDED_DATA (95) when `type` is not 0 (RFC 4254 §5.2), written
   * straight from the application's bytes: the one message that is sent often enough to be spelt out.
   */
  channelData(channel: number, type: number, data: Uint8Array): void {
    const writer = this.#begin(data.length + 300)
    const start = this.#filled
    writer.offset = start + 5
    writer.byte(type === 0 ? 94 : 95)
    writer.uint32(channel)
    if (type !== 0) writer.uint32(type)
    writer.string(data)
    this.#finish(start, writer.offset - start - 5)
  }

  /** A buffer with room for `need` more bytes at `#filled`. */
  #begin(need: number): Writer {
    const writer = this.#writer
    if (this.#filled + need > writer.bytes.length) {
      this.#closeBuffer()
      const few = need <= smallBuffer && this.#full === undefined
      writer.bytes = few ? this.#pool.takeSmall() : need <= bulkBuffer ? this.#pool.take() : new Uint8Array(need)
    }
    return writer
  }

  /** Puts what is sealed where `take` finds it. The rest of the buffer still serves. */
  #cut(): void {
    if (this.#filled === this.#begun) return
    const { bytes } = this.#writer
    if (bytes.length === bulkBuffer) {
      this.#parts ??= new Map()
      this.#parts.set(bytes.buffer, (this.#parts.get(bytes.buffer) ?? 0) + 1)
    }
    const part = bytes.subarray(this.#begun, this.#filled)
    if (this.#full === undefined) this.#full = [part]
    else this.#full.push(part)
    this.#begun = this.#filled
  }

  #closeBuffer(): void {
    this.#cut()
    this.#writer.bytes = nothing
    this.#begun = 0
    this.#filled = 0
  }

  #finish(start: number, payloadLength: number): void {
    const writer = this.#writer
    let length = payloadLength
    if (this.#compressor !== undefined) {
      const compressed = this.#compressor.compress(writer.bytes.subarray(start + 5, start + 5 + payloadLength))
      writer.offset = start + 5
      writer.fixed(compressed)
      length = compressed.length
    }
    const sealer = this.#sealer
    const block = sealer.blockBytes
    const unpadded = (sealer.lengthCounts ? 4 : 0) + 1 + length
    let padding = block - (unpadded % block)
    if (padding < 4) padding += block
    const packetLength = 1 + length + padding
    writer.offset = start + 5 + length
    writer.reserve(padding + sealer.tagBytes)
    const bytes = writer.bytes
    writeUint32(bytes, start, packetLength)
    bytes[start + 4] = padding
    this.#padding.fill(bytes, start + 5 + length, start + 5 + length + padding)
    sealer.seal(bytes, start, packetLength, this.sequence)
    const end = start + 4 + packetLength + sealer.tagBytes
    this.sequence = (this.sequence + 1) >>> 0
    if (this.sequence === 0) this.wrapped = true
    this.bytesUnderKey += packetLength
    this.packetsUnderKey++
    this.pending += end - start
    this.untaken += end - start
    this.#filled = end
  }

  /** Nobody is in a hurry for what was sealed since `untaken` was `before`. */
  mayWait(before: number): void {
    if (this.#patient === before) this.#patient = this.untaken
  }

  /** There is something to take, and nobody is in a hurry for any of it. */
  get canWait(): boolean {
    return this.untaken > 0 && this.#patient === this.untaken
  }

  /** The next bytes to write; give them back with `release` once the transport has taken them. */
  take(): Uint8Array | undefined {
    if (this.#full === undefined) {
      if (this.#writer.bytes.length === bulkBuffer && bulkBuffer - this.#filled >= leastRest) this.#cut()
      else this.#closeBuffer()
    }
    this.#patient = 0
    const buffer = this.#full?.shift()
    if (this.#full?.length === 0) this.#full = undefined
    if (buffer !== undefined) this.untaken -= buffer.length
    return buffer
  }

  release(buffer: Uint8Array): void {
    this.pending -= buffer.length
    const memory = buffer.buffer
    const others = (this.#parts?.get(memory) ?? 1) - 1
    if (others > 0) {
      this.#parts?.set(memory, others)
      return
    }
    this.#parts?.delete(memory)
    if (this.#parts?.size === 0) this.#parts = undefined
    if (memory === this.#writer.bytes.buffer) {
      // It is still being filled, unless there is nothing to send: then nobody holds a buffer.
      if (this.#filled > this.#begun) return
      this.#closeBuffer()
    }
    this.#pool.give(memory)
  }

  /** Our NEWKEYS was sent: what follows is sealed with `sealer`. */
  useKeys(sealer: Sealer, compressor: Compressor | undefined, resetSequence: boolean): void {
    this.#sealer.dispose?.()
    this.#sealer = sealer
    this.#compressor = compressor
    this.bytesUnderKey = 0
    this.packetsUnderKey = 0
    if (resetSequence) {
      this.sequence = 0
      this.wrapped = false
    }
  }

  startCompression(compressor: Compressor): void {
    this.#compressor = compressor
  }
}
