// Owns putting packets together from the bytes of a pipe: one at a time, bounded, and the bytes of a DATA answer straight to
// where they belong. Knows the frame (draft-ietf-secsh-filexfer-02 §3) and nothing of what was asked.
import { escapeForPeople, SftpProtocolError } from '../../errors.ts'
import { Reader } from '../../wire/reader.ts'
import { readUint32 } from '../../wire/uint32.ts'
import { packetTypes } from '../messages.ts'

/** Where the bytes of one DATA answer go. */
export interface DataTaker {
  /** `at` of its bytes came before these, which are valid until it returns unless `detached`. */
  piece(bytes: Uint8Array, at: number, detached: boolean): void
  /** All `count` have come. */
  complete(count: number): void
}

export interface PacketTaker {
  /** A packet of any kind but DATA. `body` is what follows its number, valid until it returns. */
  packet(type: number, body: Reader): void
  /** `count` bytes of the answer to request `id` are coming. Throws when nobody asked for so many. */
  data(id: number, count: number): DataTaker
}

/** Longest packet we take, in bytes after its length. Servers that list large directories in one answer send up to a megabyte. */
const longestAnswer = 1024 * 1024

/** Length, number, request id, length of the data: what is read of a packet before it is known where the rest goes. */
const headBytes = 13
/** Number, request id and length of the data. */
const dataHead = 9

/** Text where a packet should be: what a shell's start-up file prints before the server of SFTP is started. */
const looksLikeText = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let i = from; i < to; i++) {
    const byte = bytes[i]
    if (byte >= 0x7f || (byte < 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0x1b)) return false
  }
  return to > from
}

const shownText = (bytes: Uint8Array): string => {
  const text = new TextDecoder().decode(bytes.subarray(0, 400)).trim()
  return escapeForPeople(text.split('\n')[0].trimEnd(), { limit: 160 })
}

const notSftp = (bytes: Uint8Array): SftpProtocolError =>
  new SftpProtocolError(
    'not-sftp',
    `The server sent text where SFTP should begin: "${shownText(bytes)}". ` +
      'Most likely a start-up file of your shell there (.bashrc, .profile) prints something: it must not when no terminal is attached.',
  )

export class Incoming {
  readonly #taker: PacketTaker
  readonly #head = new Uint8Array(headBytes)
  #headFilled = 0
  /** A packet that came in parts, without its length. */
  #packet: Uint8Array | undefined
  #packetFilled = 0
  #data: DataTaker | undefined
  #dataCount = 0
  #dataTaken = 0
  /** No packet has come yet. */
  #first = true

  constructor(taker: PacketTaker) {
    this.#taker = taker
  }

  /** Whether a packet has begun and not ended. */
  get midway(): boolean {
    return this.#headFilled > 0 || this.#packet !== undefined || this.#data !== undefined
  }

  /** What came if it was too short to be a packet and reads as text. */
  get strayText(): string | undefined {
    if (!this.#first || !looksLikeText(this.#head, 0, this.#headFilled)) return undefined
    return shownText(this.#head.subarray(0, this.#headFilled))
  }

  /** Takes what came. Throws `SftpProtocolError`, and what the taker throws; nothing may be given to it afterwards. */
  take(bytes: Uint8Array, detached: boolean): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#data !== undefined) at = this.#takeData(this.#data, bytes, at, detached)
      else if (this.#packet !== undefined) at = this.#takePacket(this.#packet, bytes, at)
      else at = this.#begin(bytes, at)
    }
  }

  #takeData(taker: DataTaker, bytes: Uint8Array, at: number, detached: boolean): number {
    const end = Math.min(bytes.length, at + this.#dataCount - this.#dataTaken)
    const before = this.#dataTaken
    this.#dataTaken += end - at
    if (this.#dataTaken === this.#dataCount) this.#data = undefined
    taker.piece(bytes.subarray(at, end), before, detached)
    if (this.#data === undefined) taker.complete(this.#dataCount)
    return end
  }

  #takePacket(packet: Uint8Array, bytes: Uint8Array, at: number): number {
    const end = Math.min(bytes.length, at + packet.length - this.#packetFilled)
    packet.set(bytes.subarray(at, end), this.#packetFilled)
    this.#packetFilled += end - at
    if (this.#packetFilled === packet.length) this.#whole(packet)
    return end
  }

  #whole(packet: Uint8Array): void {
    this.#packet = undefined
    this.#taker.packet(packet[0], new Reader(packet, 1))
  }

  /** At the start of a packet, or within its head. */
  #begin(bytes: Uint8Array, at: number): number {
    if (this.#headFilled === 0 && bytes.length - at >= headBytes) return this.#beginAt(bytes, at)
    let next = this.#fillHead(bytes, at, 4)
    if (this.#headFilled < 4) return next
    const length = this.#lengthAt(this.#head.subarray(0, 4), 0, bytes.subarray(next))
    const needed = Math.min(headBytes, 4 + length)
    next = this.#fillHead(bytes, next, needed)
    if (this.#headFilled < needed) return next
    this.#headFilled = 0
    if (this.#isData(this.#head, 0, length)) this.#beginData(this.#head, 0, length)
    else this.#beginPacket(this.#head.subarray(4, needed), length)
    return next
  }

  /** At the start of a packet whose head is all there: most are, and no byte of these is copied but for those of DATA. */
  #beginAt(bytes: Uint8Array, at: number): number {
    const length = this.#lengthAt(bytes, at, nothing)
    if (this.#isData(bytes, at, length)) {
      this.#beginData(bytes, at, length)
      return at + headBytes
    }
    const end = at + 4 + length
    if (end <= bytes.length) {
      this.#taker.packet(bytes[at + 4], new Reader(bytes, at + 5, end))
      return end
    }
    this.#beginPacket(bytes.subarray(at + 4), length)
    return bytes.length
  }

  #fillHead(bytes: Uint8Array, at: number, needed: number): number {
    const end = Math.min(bytes.length, at + Math.max(0, needed - this.#headFilled))
    this.#head.set(bytes.subarray(at, end), this.#headFilled)
    this.#headFilled += end - at
    return end
  }

  /** The length at `at`. `after` is what came behind `head` and is not in it. */
  #lengthAt(head: Uint8Array, at: number, after: Uint8Array): number {
    const length = readUint32(head, at)
    if (this.#first && looksLikeText(head, at, at + 4)) throw notSftp(joined(head.subarray(at), after))
    if (length < 1) throw new SftpProtocolError('packet-too-short', 'The server sent a packet of no bytes.')
    if (length > longestAnswer)
      throw new SftpProtocolError('packet-too-long', `The server announced a packet of ${length} bytes; ${longestAnswer} are allowed.`)
    return length
  }

  #isData(head: Uint8Array, at: number, length: number): boolean {
    this.#first = false
    return length >= dataHead && head[at + 4] === packetTypes.SSH_FXP_DATA
  }

  #beginData(head: Uint8Array, at: number, length: number): void {
    const count = readUint32(head, at + 9)
    if (count !== length - dataHead)
      throw new SftpProtocolError('malformed-answer', `The server sent a DATA answer of ${length} bytes that says it holds ${count}.`)
    const taker = this.#taker.data(readUint32(head, at + 5), count)
    this.#dataCount = count
    this.#dataTaken = 0
    if (count === 0) taker.complete(0)
    else this.#data = taker
  }

  #beginPacket(start: Uint8Array, length: number): void {
    const packet = new Uint8Array(length)
    packet.set(start)
    this.#packetFilled = start.length
    if (start.length === length) this.#whole(packet)
    else this.#packet = packet
  }
}

const nothing = new Uint8Array(0)

const joined = (first: Uint8Array, second: Uint8Array): Uint8Array => {
  const both = new Uint8Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  return both
}
