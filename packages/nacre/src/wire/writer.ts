// Owns writing the primitive types of RFC 4251 §5 into a buffer that grows. Knows nothing of messages.
import { WireError } from '../errors.ts'

const utf8 = new TextEncoder()

export class Writer {
  bytes: Uint8Array
  offset: number

  /** Writes into `bytes` from `offset`; grows into a new buffer when that is too small. */
  constructor(bytes: Uint8Array | number = 256, offset = 0) {
    this.bytes = typeof bytes === 'number' ? new Uint8Array(bytes) : bytes
    this.offset = offset
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const needed = this.offset + count
    if (needed <= this.bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2))
    grown.set(this.bytes.subarray(0, this.offset))
    this.bytes = grown
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.offset++] = value
  }

  boolean(value: boolean): void {
    this.byte(value ? 1 : 0)
  }

  uint32(value: number): void {
    if (!(value >= 0 && value <= 0xffffffff) || value % 1 !== 0) throw new WireError(`${value} is not a uint32`)
    this.reserve(4)
    const b = this.bytes
    let at = this.offset
    b[at++] = value >>> 24
    b[at++] = value >>> 16
    b[at++] = value >>> 8
    b[at++] = value
    this.offset = at
  }

  uint64(value: bigint): void {
    if (value < 0n || value > 0xffffffffffffffffn) throw new WireError(`${value} is not a uint64`)
    this.uint32(Number(value >> 32n))
    this.uint32(Number(value & 0xffffffffn))
  }

  /** Raw bytes without a length. */
  fixed(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.offset)
    this.offset += value.length
  }

  /** RFC 4251 §5 `string`. */
  string(value: Uint8Array): void {
    this.uint32(value.length)
    this.fixed(value)
  }

  /** A `string` holding UTF-8. */
  text(value: string): void {
    if (value.length <= 48) {
      this.reserve(4 + value.length)
      const start = this.offset + 4
      let i = 0
      for (; i < value.length; i++) {
        const code = value.charCodeAt(i)
        if (code >= 0x80) break
        this.bytes[start + i] = code
      }
      if (i === value.length) {
        this.uint32(value.length)
        this.offset += value.length
        return
      }
    }
    this.string(utf8.encode(value))
  }

  /** A view of what was written from `start`. */
  written(start = 0): Uint8Array {
    return this.bytes.subarray(start, this.offset)
  }
}

const scratchBytes = 1024
/** What the scratch may grow to and still be kept. */
const largestScratch = 16 * 1024
let scratch: Writer | undefined = new Writer(scratchBytes)

const nothing = new Uint8Array(0)

/**
 * `value` as `of` writes it, after the byte `number` if there is one, in a buffer of its own. It is written in one that everybody
 * uses in turn, and wiped there.
 */
export const inScratch = <T>(of: { write(writer: Writer, value: T): void }, value: T, number?: number): Uint8Array => {
  const writer = scratch ?? new Writer(scratchBytes)
  // Whoever encodes while he is being encoded has one of his own.
  scratch = undefined
  writer.offset = 0
  try {
    if (number !== undefined) writer.byte(number)
    of.write(writer, value)
    return writer.offset === 0 ? nothing : writer.bytes.slice(0, writer.offset)
  } finally {
    writer.bytes.fill(0, 0, writer.offset)
    if (writer.bytes.length <= largestScratch) scratch = writer
  }
}
