// Owns the way from received bytes to payloads: finding packets, the floors and ceilings on their lengths, integrity,
// sequence numbers, padding and decompression (RFC 4253 §6). Knows nothing of what a payload means.
import type { Decompressor, Opener } from '../algorithms/rows.ts'
import { ProtocolError, SshError } from '../errors.ts'
import { plainOpener } from './protect.ts'

/** `packet_length` of OpenSSH's PACKET_MAX_SIZE: what peers may send at most. RFC 4253 §6.1 asks for 35000 at least. */
export const maximumPacketLength = 256 * 1024
/** Ceiling on what one packet may inflate to: a channel packet of the largest size we announce fits. */
const maximumInflatedLength = 256 * 1024

const minimumPadding = 4

const nothing = new Uint8Array(0)

/** Room for a packet with 64 KiB of data. */
const carryBytes = 66 * 1024
/** What is smaller is made to measure: it is rare, and not worth a large buffer. */
const leastCarryBytes = 4096
const maximumFree = 4

/**
 * Buffers for packets that come in pieces, shared by all connections. With every read of a bulk transfer one is needed; left to
 * the collector they bring on whole collections.
 */
const free: Uint8Array[] = []
const take = (size: number): Uint8Array => {
  if (size < leastCarryBytes || size > carryBytes) return new Uint8Array(size)
  return free.pop() ?? new Uint8Array(carryBytes)
}
const give = (bytes: Uint8Array): void => {
  if (bytes.length === carryBytes && free.length < maximumFree) free.push(bytes)
}

/**
 * Bytes that outlive the call that brought them; they grow only to the size of one packet or of a held-back read. Buffers that
 * were emptied rest until nobody can have a view of them.
 */
class Carry {
  bytes: Uint8Array = nothing
  start = 0
  end = 0
  #resting: Uint8Array = nothing

  get length(): number {
    return this.end - this.start
  }

  /** Adds bytes; `expected` is how many there will be in all, as far as that is known. */
  append(input: Uint8Array, from: number, to: number, expected: number): void {
    const count = to - from
    // Always another buffer: views of this one may still be in use until the next `feed`.
    const needed = this.length + count
    // More than a packet is only kept while nobody may take one; small pieces are then not copied again and again.
    if (this.end + count > this.bytes.length) this.#move(needed <= expected ? expected : 2 * needed)
    this.bytes.set(input.subarray(from, to), this.end)
    this.end += count
  }

  reserve(total: number): void {
    if (this.start + total > this.bytes.length) this.#move(total)
  }

  #move(size: number): void {
    const grown = take(size)
    grown.set(this.bytes.subarray(this.start, this.end))
    this.end -= this.start
    this.start = 0
    this.bytes = grown
  }

  /** Nothing is left. Views of the buffer may be in use. */
  empty(): void {
    this.#resting = this.bytes
    this.bytes = nothing
    this.start = 0
    this.end = 0
  }

  /** No view of what was emptied is in use: an idle connection holds no buffer. */
  rest(): void {
    if (this.#resting.length === 0) return
    give(this.#resting)
    this.#resting = nothing
  }
}

export class Incoming {
  #opener: Opener = plainOpener
  #decompressor: Decompressor | undefined
  /** Sequence number of the next packet. */
  sequence = 0
  /** True once `sequence` went past 2^32 - 1 since the count last began at zero. */
  wrapped = false
  /** Sequence number of the packet `next` returned last. */
  lastSequence = 0
  /** Bytes and packets opened with the current keys. */
  bytesUnderKey = 0
  packetsUnderKey = 0
  /** True when the payload returned last is a buffer of its own rather than a view of the input. */
  detached = false

  readonly #carry = new Carry()
  #input: Uint8Array = this.#carry.bytes
  #at = 0
  #end = 0
  /** Length field of the packet that is not whole yet; asked once, since asking may decrypt. */
  #packetLength = -1

  /** Starts to read `input[start..end)`. Everything given before has been taken or kept. */
  feed(input: Uint8Array, start: number, end: number): void {
    this.#carry.rest()
    this.#input = input
    this.#at = start
    this.#end = end
  }

  /** Copies what was not taken, because the caller is about to reuse its buffer. */
  keep(): void {
    const expected = this.#packetLength < 0 ? 0 : 4 + this.#packetLength + this.#opener.tagBytes
    if (this.#at < this.#end) this.#carry.append(this.#input, this.#at, this.#end, expected)
    this.#input = this.#carry.bytes
    this.#at = 0
    this.#end = 0
  }

  /** Nobody looks at what `next` has returned any more. */
  rest(): void {
    this.#carry.rest()
  }

  /** Bytes that came and were not taken. */
  get held(): number {
    return this.#carry.length + this.#end - this.#at
  }

  /** The next payload, a view valid until the next `feed` or `rest`; `undefined` when no packet is whole. Throws `ProtocolError`. */
  next(): Uint8Array | undefined {
    const opener = this.#opener
    const carry = this.#carry
    if (carry.length === 0) {
      const length = this.#lengthAt(opener, this.#input, this.#at, this.#end - this.#at)
      if (length < 0) return undefined
      const total = 4 + length + opener.tagBytes
      if (this.#end - this.#at < total) return undefined
      const start = this.#at
      this.#at += total
      return this.#open(opener, this.#input, start, length)
    }
    // A packet begun in an earlier read: only what completes it is copied.
    if (!this.#topUp(opener.firstBytes)) return undefined
    const length = this.#lengthAt(opener, carry.bytes, carry.start, carry.length)
    const total = 4 + length + opener.tagBytes
    if (!this.#topUp(total)) return undefined
    const start = carry.start
    const bytes = carry.bytes
    carry.start += total
    if (carry.length === 0) carry.empty()
    return this.#open(opener, bytes, start, length)
  }

  #topUp(total: number): boolean {
    const carry = this.#carry
    if (carry.length >= total) return true
    carry.reserve(total)
    const take = Math.min(total - carry.length, this.#end - this.#at)
    carry.append(this.#input, this.#at, this.#at + take, total)
    this.#at += take
    return carry.length >= total
  }

  /** The checked length field of the packet at `start`, or -1 when too little of it is there. */
  #lengthAt(opener: Opener, bytes: Uint8Array, start: number, available: number): number {
    if (this.#packetLength >= 0) return this.#packetLength
    if (available < opener.firstBytes) return -1
    const length = opener.packetLength(bytes, start, this.sequence)
    // The floor: padding_length, an empty payload's message number and four bytes of padding (RFC 4253 §6).
    if (length < 1 + 1 + minimumPadding)
      throw this.#violation('packet-too-short', `A packet of length ${length} is below the minimum of RFC 4253 §6.`)
    if (length > maximumPacketLength) {
      throw this.#violation(
        'packet-too-long',
        `A packet of length ${length} is above the limit of ${maximumPacketLength} bytes. A wrong length often means that the two sides disagree about the keys.`,
      )
    }
    if ((length + (opener.lengthCounts ? 4 : 0)) % opener.blockBytes !== 0) {
      throw this.#violation(
        'packet-misaligned',
        `A packet of length ${length} is no multiple of the block size ${opener.blockBytes} (RFC 4253 §6).`,
      )
    }
    this.#packetLength = length
    return length
  }

  #open(opener: Opener, bytes: Uint8Array, start: number, length: number): Uint8Array {
    this.#packetLength = -1
    const plain = opener.open(bytes, start, length, this.sequence)
    if (plain === undefined)
      throw this.#violation(
        'integrity-check-failed',
        'A packet failed its integrity check: it was altered on the way, or the two sides do not hold the same keys.',
      )
    const padding = plain[0]
    if (padding < minimumPadding)
      throw this.#violation(
        'padding-too-short',
        `A packet has ${padding} bytes of padding, at least ${minimumPadding} are required (RFC 4253 §6).`,
      )
    if (padding + 1 > length) throw this.#violation('padding-too-long', `A packet of length ${length} claims ${padding} bytes of padding.`)
    if (padding + 1 === length) throw this.#violation('payload-empty', 'A packet has an empty payload (RFC 4253 §6).')
    this.lastSequence = this.sequence
    this.sequence = (this.sequence + 1) >>> 0
    if (this.sequence === 0) this.wrapped = true
    this.bytesUnderKey += length
    this.packetsUnderKey++
    this.detached = opener.detached
    const payload = plain.subarray(1, length - padding)
    if (this.#decompressor === undefined) return payload
    this.detached = true
    return this.#inflate(this.#decompressor, payload)
  }

  #inflate(decompressor: Decompressor, payload: Uint8Array): Uint8Array {
    let inflated: Uint8Array
    try {
      inflated = decompressor.decompress(payload, maximumInflatedLength)
    } catch (cause) {
      if (cause instanceof SshError && cause.code === 'INFLATED_TOO_LARGE') {
        throw this.#violation('inflated-too-large', `A packet inflates to more than ${maximumInflatedLength} bytes.`, cause)
      }
      throw this.#violation('decompression-failed', 'A packet could not be decompressed.', cause)
    }
    if (inflated.length === 0) throw this.#violation('payload-empty', 'A packet inflates to an empty payload (RFC 4253 §6).')
    return inflated
  }

  #violation(violation: ConstructorParameters<typeof ProtocolError>[0], message: string, cause?: unknown): ProtocolError {
    return new ProtocolError(violation, message, { sequence: this.sequence }, cause === undefined ? undefined : { cause })
  }

  /** The peer's NEWKEYS was taken: what follows is sealed with `opener`. `decompressor` replaces the one in use. */
  useKeys(opener: Opener, decompressor: Decompressor | undefined, resetSequence: boolean): void {
    this.#opener.dispose?.()
    this.#opener = opener
    this.#decompressor = decompressor
    this.bytesUnderKey = 0
    this.packetsUnderKey = 0
    if (resetSequence) {
      this.sequence = 0
      this.wrapped = false
    }
  }

  /** Delayed compression starts (OpenSSH's `zlib@openssh.com`). */
  startDecompression(decompressor: Decompressor): void {
    this.#decompressor = decompressor
  }
}
