// Owns reading the primitive types of RFC 4251 §5 from bytes. Knows nothing of messages or their meaning.
// Every read is bounds-checked; a short read throws `WireError`. Byte strings are views, not copies.
import { WireError } from '../errors.ts'
import { readUint32 } from './uint32.ts'

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
    return readUint32(this.bytes, this.#take(4, 'uint32'))
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
    const length = this.uint32()
    const start = this.#take(length, 'string')
    return textAt(this.bytes, start, start + length)
  }

  /** A `text` that says what something is: a name of which peers send the same few again and again. Never for a secret. */
  identifier(): string {
    const length = this.uint32()
    const start = this.#take(length, 'string')
    const end = start + length
    if (length > shortText) return textAt(this.bytes, start, end)
    const place = placeOf(this.bytes, start, end)
    if (isText(this.bytes, start, end, knownIdentifiers[place])) return knownIdentifiers[place]
    const value = textAt(this.bytes, start, end)
    // As many characters as bytes: it is ASCII.
    if (value.length === length) knownIdentifiers[place] = value
    return value
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

/** Text up to so many bytes is read here; the decoder is worth its call only for more. */
const shortText = 48

/** UTF-8 that must be valid; throws `WireError`. Short ASCII, which nearly every identifier is, skips the decoder. */
const textAt = (bytes: Uint8Array, start: number, end: number): string => {
  if (end - start <= shortText) {
    let text = ''
    let i = start
    for (; i < end && bytes[i] < 0x80; i++) text += String.fromCharCode(bytes[i])
    if (i === end) return text
  }
  try {
    return strictUtf8.decode(bytes.subarray(start, end))
  } catch (cause) {
    throw new WireError('text is not valid UTF-8', { cause })
  }
}

/** The same, of bytes that are all text. */
export const decodeText = (raw: Uint8Array): string => textAt(raw, 0, raw.length)

/** Identifiers as they came lately, each at the place its bytes give: too few to be worth filling for an attacker. */
const knownIdentifiers: string[] = Array.from({ length: 64 }, () => '')

const placeOf = (bytes: Uint8Array, start: number, end: number): number => {
  let place = end - start
  for (let i = start; i < end; i++) place = (Math.imul(place, 31) + bytes[i]) | 0
  return place & 63
}

const isText = (bytes: Uint8Array, start: number, end: number, ascii: string): boolean => {
  if (ascii.length !== end - start) return false
  for (let i = 0; i < ascii.length; i++) if (bytes[start + i] !== ascii.charCodeAt(i)) return false
  return true
}

/** UTF-8 for people: what is not valid becomes U+FFFD. */
export const decodeProse = (raw: Uint8Array): string => lenientUtf8.decode(raw)
