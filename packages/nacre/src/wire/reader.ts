// Owns reading the primitive types of RFC 4251 §5 from bytes. Knows nothing of messages or their meaning.
// Every read is bounds-checked; a short read throws `WireError`. Byte strings are views, not copies.
import { WireError } from '../errors.ts'

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientUtf8 = new TextDecoder('utf-8', { ignoreBOM: true })

export class Reader {
  readonly bytes: Uint8Array
  offset: number
  readonly end: number

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  get remaining(): number {
    return this.end - this.offset
  }

  #take(count: number, what: string): number {
    const start = this.offset
    if (count > this.end - start) throw new WireError(`${what} needs ${count} bytes, ${this.end - start} are left`)
    this.offset = start + count
    return start
  }

  byte(): number {
    return this.bytes[this.#take(1, 'byte')]
  }

  /** RFC 4251 §5: zero is false, any other value is true. */
  boolean(): boolean {
    return this.byte() !== 0
  }

  uint32(): number {
    const at = this.#take(4, 'uint32')
    const b = this.bytes
    return ((b[at] << 24) | (b[at + 1] << 16) | (b[at + 2] << 8) | b[at + 3]) >>> 0
  }

  uint64(): bigint {
    const high = this.uint32()
    return (BigInt(high) << 32n) | BigInt(this.uint32())
  }

  /** `count` raw bytes, without a length before them. A view. */
  fixed(count: number): Uint8Array {
    const start = this.#take(count, 'bytes')
    return this.bytes.subarray(start, start + count)
  }

  /** RFC 4251 §5 `string`. A view. */
  string(): Uint8Array {
    const length = this.uint32()
    const start = this.#take(length, 'string')
    return this.bytes.subarray(start, start + length)
  }

  /** A `string` that must be valid UTF-8. */
  text(): string {
    return decodeText(this.string())
  }

  /** Everything that is left. A view. */
  rest(): Uint8Array {
    return this.fixed(this.end - this.offset)
  }

  /** Throws when bytes are left over. */
  finish(): void {
    if (this.offset !== this.end) throw new WireError(`${this.end - this.offset} bytes are left over`)
  }
}

/** UTF-8 that must be valid; throws `WireError`. Short ASCII, which nearly every identifier is, skips the decoder. */
export const decodeText = (raw: Uint8Array): string => {
  if (raw.length <= 48) {
    let text = ''
    let i = 0
    for (; i < raw.length && raw[i] < 0x80; i++) text += String.fromCharCode(raw[i])
    if (i === raw.length) return text
  }
  try {
    return strictUtf8.decode(raw)
  } catch (cause) {
    throw new WireError('text is not valid UTF-8', { cause })
  }
}

/** UTF-8 for people: what is not valid becomes U+FFFD. */
export const decodeProse = (raw: Uint8Array): string => lenientUtf8.decode(raw)
