// Owns how agent messages lie in a stream of bytes (RFC 9987 §3): a length, then so many bytes. Knows nothing of the messages.
import { WireError } from '../errors.ts'
import { readUint32 } from '../wire/uint32.ts'
import { maximumAgentMessage } from './messages.ts'

const firstRoom = 1024

/** Takes pieces of any size and gives whole payloads. Holds no more than one message and the piece it came with. */
export class FrameReader {
  #header = new Uint8Array(4)
  #headerBytes = 0
  #length: number | undefined
  #body = new Uint8Array(0)
  #bodyBytes = 0
  #piece = new Uint8Array(0)
  #at = 0

  /** True when nothing is held of a message that has begun, nor of one after it. */
  get empty(): boolean {
    return this.#headerBytes === 0 && this.#at === this.#piece.length
  }

  /** Gives more bytes. Only when `next` has said that it has no whole message. */
  feed(piece: Uint8Array): void {
    if (this.#at < this.#piece.length) throw new TypeError('bytes were given before those at hand were read')
    this.#piece = new Uint8Array(piece)
    this.#at = 0
  }

  /** The next payload, a buffer of its own; `undefined` when it is not whole yet. Throws `WireError` for a length that may not be. */
  next(): Uint8Array | undefined {
    if (this.#length === undefined) {
      while (this.#headerBytes < 4 && this.#at < this.#piece.length) this.#header[this.#headerBytes++] = this.#piece[this.#at++]
      if (this.#headerBytes < 4) return undefined
      const length = readUint32(this.#header, 0)
      if (length === 0 || length > maximumAgentMessage)
        throw new WireError(`a message of ${length} bytes; 1 to ${maximumAgentMessage} are allowed`)
      this.#length = length
      // Room is made as bytes come: a length alone costs nothing.
      this.#body = new Uint8Array(Math.min(length, firstRoom))
      this.#bodyBytes = 0
    }
    const part = this.#piece.subarray(this.#at, this.#at + this.#length - this.#bodyBytes)
    this.#room(this.#bodyBytes + part.length, this.#length)
    this.#body.set(part, this.#bodyBytes)
    this.#bodyBytes += part.length
    this.#at += part.length
    // It may have been a private key as well.
    part.fill(0)
    if (this.#bodyBytes < this.#length) return undefined
    const whole = this.#body.subarray(0, this.#length)
    this.#length = undefined
    this.#headerBytes = 0
    this.#body = new Uint8Array(0)
    return whole
  }

  #room(needed: number, most: number): void {
    if (needed <= this.#body.length) return
    const grown = new Uint8Array(Math.min(most, Math.max(needed, this.#body.length * 2)))
    grown.set(this.#body.subarray(0, this.#bodyBytes))
    // It may be a private key.
    this.#body.fill(0)
    this.#body = grown
  }
}
