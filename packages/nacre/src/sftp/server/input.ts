// Owns making packets of bytes as they come: whole ones are handed over where they lie, the data of a WRITE that came in
// pieces goes to its place piece by piece, the rest is put together. Knows the frame, and where the data of a WRITE begins.
import { readUint32 } from '../../wire/uint32.ts'
import { maximumHandle, packetTypes } from '../messages.ts'

export interface PacketSink {
  /** Whether another packet may come now; if not, `take` leaves off. */
  ready(): boolean
  /** A packet without its length: `bytes` from `start` to `end`, which are valid until this returns. */
  packet(bytes: Uint8Array, start: number, end: number): void
  /**
   * A WRITE whose data has only begun to come: `bytes` from `start` hold all up to the data, which is `length` bytes long. Says
   * where the data is to go, or `undefined` when nobody wants it; `writeEnds` follows once it is there.
   */
  writeBegins(bytes: Uint8Array, start: number, length: number): WriteTarget | undefined
  writeEnds(): void
  /** What came is no packet, and nothing can be after it. */
  broken(reason: string): void
}

export interface WriteTarget {
  readonly buffer: Uint8Array
  /** Where the next byte goes. */
  used: number
}

/** A WRITE up to its handle: length, type, id, length of the handle. */
const beforeHandle = 13
/** After the handle: offset and length of the data. */
const afterHandle = 12

/**
 * Length of a WRITE up to its data, of which `available` bytes stand at `at`; more than `available` when more of it must have
 * come to say so. 0 for one that has no data or does not hold together: it is taken as a whole, and refused by who reads it.
 */
const headOf = (bytes: Uint8Array, at: number, available: number, length: number): number => {
  const total = 4 + length
  if (total < beforeHandle + afterHandle) return 0
  if (available < beforeHandle) return beforeHandle
  const handle = readUint32(bytes, at + 9)
  const head = beforeHandle + handle + afterHandle
  if (handle > maximumHandle || head > total) return 0
  if (available < head) return head
  const data = readUint32(bytes, at + head - 4)
  return data > 0 && head + data === total ? head : 0
}

const firstPartial = 512
/** One that grew larger for a long path is not kept. */
const largestPartial = 4096

export class PacketInput {
  readonly #sink: PacketSink
  readonly #longest: number
  /** The beginning of a packet, its length included. */
  #partial = new Uint8Array(firstPartial)
  #used = 0
  #target: WriteTarget | undefined
  #left = 0
  #broken = false

  constructor(sink: PacketSink, longest: number) {
    this.#sink = sink
    this.#longest = longest
  }

  /** Whether a packet has begun and is not complete. */
  get within(): boolean {
    return this.#used > 0 || this.#left > 0
  }

  /** Takes `bytes` from `start` on and says up to where: short of the end only when the sink was not ready. */
  take(bytes: Uint8Array, start: number): number {
    let at = start
    while (!this.#broken) {
      if (this.#used > 0 && this.#left === 0) {
        const needed = this.#needed()
        if (this.#used >= needed) {
          if (!this.#broken && !this.#sink.ready()) return at
          this.#decide()
          continue
        }
        if (at === bytes.length) return at
        at = this.#stash(bytes, at, Math.min(bytes.length, at + needed - this.#used))
        continue
      }
      if (at === bytes.length) return at
      const next = this.#left > 0 ? this.#fill(bytes, at) : this.#direct(bytes, at)
      if (next === at) return at
      at = next
    }
    return bytes.length
  }

  #fill(bytes: Uint8Array, at: number): number {
    const count = Math.min(this.#left, bytes.length - at)
    const target = this.#target
    if (target !== undefined) {
      target.buffer.set(bytes.subarray(at, at + count), target.used)
      target.used += count
    }
    this.#left -= count
    if (this.#left === 0) {
      this.#target = undefined
      this.#sink.writeEnds()
    }
    return at + count
  }

  /** One packet, or the beginning of one, that begins at `at`. `at` itself when the sink is not ready. */
  #direct(bytes: Uint8Array, at: number): number {
    const left = bytes.length - at
    if (left < 5) return this.#stash(bytes, at, bytes.length)
    const length = readUint32(bytes, at)
    if (!this.#accepts(length)) return bytes.length
    if (left >= 4 + length) {
      if (!this.#sink.ready()) return at
      this.#sink.packet(bytes, at + 4, at + 4 + length)
      return at + 4 + length
    }
    const head = bytes[at + 4] === packetTypes.SSH_FXP_WRITE ? headOf(bytes, at, left, length) : 0
    if (head === 0 || head > left) return this.#stash(bytes, at, bytes.length)
    if (!this.#sink.ready()) return at
    this.#begin(bytes, at, head)
    return at + head
  }

  #accepts(length: number): boolean {
    if (length >= 1 && length <= this.#longest) return true
    this.#broken = true
    this.#sink.broken(length < 1 ? 'a packet without a type' : `a packet of ${length} bytes, at most ${this.#longest} are taken`)
    return false
  }

  #begin(bytes: Uint8Array, at: number, head: number): void {
    this.#left = readUint32(bytes, at + head - 4)
    this.#target = this.#sink.writeBegins(bytes, at + 4, this.#left)
  }

  #stash(bytes: Uint8Array, from: number, to: number): number {
    const needed = this.#used + to - from
    if (needed > this.#partial.length) {
      const grown = new Uint8Array(Math.max(needed, this.#partial.length * 2))
      grown.set(this.#partial.subarray(0, this.#used))
      this.#partial = grown
    }
    this.#partial.set(bytes.subarray(from, to), this.#used)
    this.#used = needed
    return to
  }

  /** How many bytes of the packet that has begun are needed before something can be done with it. */
  #needed(): number {
    if (this.#used < 5) return 5
    const length = readUint32(this.#partial, 0)
    if (!this.#accepts(length)) return 0
    return this.#head(length) || 4 + length
  }

  #head(length: number): number {
    return this.#partial[4] === packetTypes.SSH_FXP_WRITE ? headOf(this.#partial, 0, this.#used, length) : 0
  }

  /** Hands over the packet that was put together, or begins with its data. */
  #decide(): void {
    if (this.#broken) return
    const partial = this.#partial
    const length = readUint32(partial, 0)
    const head = this.#head(length)
    this.#used = 0
    if (partial.length > largestPartial) this.#partial = new Uint8Array(firstPartial)
    if (head > 0) this.#begin(partial, 0, head)
    else this.#sink.packet(partial, 4, 4 + length)
  }
}
