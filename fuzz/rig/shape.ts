// Owns inputs made from declarations: any codec is asked to read from a reader that invents what is asked for, which gives
// valid bytes; or from one that notes where each field stands, which lets one field be changed and all else stay right.
// Knows no codec by name.
import { WireError } from '../../packages/nacre/src/errors.ts'
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'
import type { Codec } from '../../packages/nacre/src/wire/codec.ts'
import { Reader } from '../../packages/nacre/src/wire/reader.ts'
import { Writer } from '../../packages/nacre/src/wire/writer.ts'
import { edgeNumber, randomBytes, spliced } from './mutate.ts'

type Kind = 'byte' | 'boolean' | 'uint32' | 'uint64' | 'fixed' | 'string' | 'text' | 'rest'

/** All that a codec may call: a stand-in that lacks a method a reader has gained does not compile. */
type Readable = Omit<Pick<Reader, keyof Reader>, 'bytes' | 'end'>

/** Writes one value of a primitive kind. */
class Inventor implements Readable {
  readonly writer = new Writer()
  readonly #random: SeededRandom
  readonly #words: readonly string[]
  constructor(random: SeededRandom, words: readonly string[]) {
    this.#random = random
    this.#words = words
  }
  byte(): number {
    const value = this.#random.oneIn(2) ? this.#random.below(4) : this.#random.below(256)
    this.writer.byte(value)
    return value
  }
  boolean(): boolean {
    const value = this.#random.oneIn(30) ? 2 + this.#random.below(254) : this.#random.below(2)
    this.writer.byte(value)
    return value !== 0
  }
  uint32(): number {
    const value = this.#random.oneIn(2) ? this.#random.below(3) : edgeNumber(this.#random)
    this.writer.uint32(value)
    return value
  }
  uint64(): bigint {
    return (BigInt(this.uint32()) << 32n) | BigInt(this.uint32())
  }
  fixed(count: number): Uint8Array {
    const value = new Uint8Array(count)
    this.#random.bytes(value)
    this.writer.fixed(value)
    return value
  }
  string(): Uint8Array {
    const random = this.#random
    const value = random.oneIn(3) ? new TextEncoder().encode(this.#word()) : randomBytes(random, random.oneIn(10) ? 600 : 20)
    this.writer.string(value)
    return value
  }
  text(): string {
    const value = this.#word()
    this.writer.text(value)
    return value
  }
  identifier(): string {
    return this.text()
  }
  rest(): Uint8Array {
    const value = randomBytes(this.#random, 30)
    this.writer.fixed(value)
    return value
  }
  /** Whether a list goes on. */
  get remaining(): number {
    return this.#random.oneIn(3) ? 0 : 1
  }
  get offset(): number {
    return this.writer.offset
  }
  finish(): void {}

  #word(): string {
    const random = this.#random
    if (random.oneIn(12)) return String.fromCodePoint(...Array.from({ length: random.below(12) }, () => random.below(0xd800)))
    const count = random.oneIn(4) ? random.below(4) : 1
    const words = Array.from({ length: count }, () => (this.#words.length === 0 ? 'x' : random.pick(this.#words)))
    return words.join(',')
  }
}

/** Bytes that `codec` reads, as a rule; words are what its texts are made of. */
export const invented = (codec: Codec<unknown>, random: SeededRandom, words: readonly string[]): Uint8Array => {
  let inventor = new Inventor(random, words)
  for (let tries = 0; tries < 8; tries++) {
    inventor = new Inventor(random, words)
    try {
      // The codec sees a reader; that its bytes come to be as it reads them is none of its business.
      codec.read(inventor as unknown as Reader)
      break
    } catch (error) {
      if (!(error instanceof WireError) && !(error instanceof TypeError)) throw error
    }
  }
  return inventor.writer.bytes.slice(0, inventor.writer.offset)
}

interface Span {
  readonly kind: Kind
  readonly from: number
  readonly to: number
}

/** A reader that notes what it read. */
class Tracer implements Readable {
  readonly spans: Span[] = []
  readonly #reader: Reader
  constructor(bytes: Uint8Array) {
    this.#reader = new Reader(bytes)
  }
  #note<T>(kind: Kind, read: (reader: Reader) => T): T {
    const from = this.#reader.offset
    const value = read(this.#reader)
    this.spans.push({ kind, from, to: this.#reader.offset })
    return value
  }
  byte = (): number => this.#note('byte', reader => reader.byte())
  boolean = (): boolean => this.#note('boolean', reader => reader.boolean())
  uint32 = (): number => this.#note('uint32', reader => reader.uint32())
  uint64 = (): bigint => this.#note('uint64', reader => reader.uint64())
  fixed = (count: number): Uint8Array => this.#note('fixed', reader => reader.fixed(count))
  string = (): Uint8Array => this.#note('string', reader => reader.string())
  text = (): string => this.#note('text', reader => reader.text())
  identifier = (): string => this.#note('text', reader => reader.identifier())
  rest = (): Uint8Array => this.#note('rest', reader => reader.rest())
  finish = (): void => this.#reader.finish()
  get remaining(): number {
    return this.#reader.remaining
  }
  get offset(): number {
    return this.#reader.offset
  }
  get bytes(): Uint8Array {
    return this.#reader.bytes
  }
}

/** Where the fields of `bytes` stand as `codec` reads them, up to where it refuses them. */
export const spansOf = (codec: Codec<unknown>, bytes: Uint8Array): readonly Span[] => {
  const tracer = new Tracer(bytes)
  try {
    codec.read(tracer as unknown as Reader)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
  }
  return tracer.spans
}

/** `bytes` with one of the fields `codec` finds in them invented anew. */
export const withOtherField = (codec: Codec<unknown>, bytes: Uint8Array, random: SeededRandom, words: readonly string[]): Uint8Array => {
  const spans = spansOf(codec, bytes)
  if (spans.length === 0) return bytes
  const span = random.pick(spans)
  const inventor = new Inventor(random, words)
  if (span.kind === 'fixed') inventor.fixed(span.to - span.from)
  else inventor[span.kind]()
  return spliced(bytes, span.from, span.to, inventor.writer.written())
}
