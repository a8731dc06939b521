// Owns what a transfer reads from and writes to at this end: sources and sinks, and the buffers that go between them. Bytes and
// streams are here, files in `local.ts`. Knows no server.
import { TransferError } from '../../errors.ts'
import { asError } from './fault.ts'
import { headroom, type TransferHash } from './remote.ts'

/** Takes the bytes of a file in order. */
export interface Sink {
  /** Calls `done` once when `bytes` are no longer needed, never within the call. Several may be under way. */
  write(offset: number, bytes: Uint8Array, done: (error: Error | undefined) => void): void
}

/** Gives the bytes of a file. */
export interface Source {
  /** Bytes in all, `undefined` when that is known only at the end. */
  readonly size: number | undefined
  /** Gives bytes only in order, one call at a time. */
  readonly sequential: boolean
  /** Fills `into` from `offset` on and calls `done` with how many bytes it was; fewer than asked for only at the end. */
  read(offset: number, into: Uint8Array, done: (error: Error | undefined, count: number) => void): void
}

/** Equal buffers, with room before the data, used again and again. */
export class Buffers {
  readonly #size: number
  readonly #most: number
  #free: Uint8Array[] = []

  /** `size` bytes of data each; at most `most` are kept. */
  constructor(size: number, most: number) {
    this.#size = size
    this.#most = most
  }

  /** `headroom` bytes, then at least `length` of data. */
  take(length: number): Uint8Array {
    if (length > this.#size || length * 2 < this.#size) return new Uint8Array(headroom + length)
    return this.#free.pop() ?? new Uint8Array(headroom + this.#size)
  }

  /** Nobody uses `buffer` any more. */
  give(buffer: Uint8Array): void {
    if (buffer.length === headroom + this.#size && this.#free.length < this.#most) this.#free.push(buffer)
  }
}

type DigestName = 'sha512' | 'sha384' | 'sha256' | 'sha1'
const digestNames = { sha512: 'SHA-512', sha384: 'SHA-384', sha256: 'SHA-256', sha1: 'SHA-1' } as const satisfies Record<DigestName, string>
const digests: readonly DigestName[] = ['sha512', 'sha384', 'sha256', 'sha1']

export class BytesSource implements Source {
  readonly sequential = false
  /** Those every runtime has. */
  readonly hashes: readonly TransferHash[] = digests
  readonly #bytes: Uint8Array
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get size(): number {
    return this.#bytes.length
  }
  async hash(name: TransferHash, length: number): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.digest(digestNames[name as DigestName], this.#bytes.slice(0, length)))
  }
  read(offset: number, into: Uint8Array, done: (error: Error | undefined, count: number) => void): void {
    const part = this.#bytes.subarray(offset, offset + into.length)
    into.set(part)
    done(undefined, part.length)
  }
}

/** Keeps all of it. */
export class BytesSink implements Sink {
  #bytes: Uint8Array
  #length = 0
  readonly #maximum: number
  /** `size` as far as it is known. Grows when there is more. */
  constructor(size = 0, maximum = Number.POSITIVE_INFINITY) {
    this.#bytes = new Uint8Array(size)
    this.#maximum = maximum
  }
  write(offset: number, bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    const end = offset + bytes.length
    if (end > this.#maximum) {
      queueMicrotask(() =>
        done(new TransferError('TRANSFER_WRONG_TYPE', `The file has more than the ${this.#maximum} bytes that are allowed.`)),
      )
      return
    }
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, 2 * this.#bytes.length))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    this.#bytes.set(bytes, offset)
    this.#length = Math.max(this.#length, end)
    queueMicrotask(() => done(undefined))
  }
  get bytes(): Uint8Array {
    return this.#bytes.length === this.#length ? this.#bytes : this.#bytes.slice(0, this.#length)
  }
}

/** Anything that gives bytes piece by piece. A `ReadableStream` is one where the runtime iterates them; else its reader is used. */
export type ByteStream = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | ReadableStream<Uint8Array>

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader()
  let ended = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      ended = done
      if (done) return
      yield value
    }
  } finally {
    // Whoever stops early tells the stream so.
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

const isIterable = (value: object): value is Iterable<Uint8Array> => Symbol.iterator in value
const isAsyncIterable = (value: object): value is AsyncIterable<Uint8Array> => Symbol.asyncIterator in value

const iteratorOf = (stream: ByteStream): AsyncIterator<Uint8Array> | Iterator<Uint8Array> => {
  if ('getReader' in stream) return piecesOf(stream)
  if (isAsyncIterable(stream)) return stream[Symbol.asyncIterator]()
  if (isIterable(stream)) return stream[Symbol.iterator]()
  throw new TypeError('a source of bytes must be a Uint8Array, a ReadableStream or an iterable')
}

/** Calls `done` once `outcome` is there. */
const tell = async <T>(outcome: Promise<T>, done: (error: Error | undefined, value?: T) => void): Promise<void> => {
  let value: T
  try {
    value = await outcome
  } catch (thrown) {
    done(asError(thrown))
    return
  }
  done(undefined, value)
}

export class StreamSource implements Source {
  readonly size: number | undefined
  readonly sequential = true
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>
  #rest = new Uint8Array(0)
  #ended = false

  constructor(stream: ByteStream, size?: number) {
    this.#iterator = iteratorOf(stream)
    this.size = size
  }

  read(_offset: number, into: Uint8Array, done: (error: Error | undefined, count: number) => void): void {
    void tell(this.#fill(into), (error, count = 0) => done(error, count))
  }

  async #fill(into: Uint8Array): Promise<number> {
    let at = 0
    while (at < into.length) {
      if (this.#rest.length === 0 && !(await this.#more())) break
      const part = this.#rest.subarray(0, into.length - at)
      into.set(part, at)
      at += part.length
      this.#rest = this.#rest.subarray(part.length)
    }
    return at
  }

  async #more(): Promise<boolean> {
    if (this.#ended) return false
    const { done, value } = await this.#iterator.next()
    if (done === true) {
      this.#ended = true
      return false
    }
    if (!(value instanceof Uint8Array)) throw new TypeError('a stream to be uploaded must give Uint8Arrays')
    this.#rest = value as Uint8Array<ArrayBuffer>
    return true
  }

  /** No more is wanted: tells whoever gives the bytes. */
  async cancel(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#iterator.return?.()
  }
}

export class StreamSink implements Sink {
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>
  #tail: Promise<void> = Promise.resolve()
  constructor(stream: WritableStream<Uint8Array>) {
    this.#writer = stream.getWriter()
  }
  write(_offset: number, bytes: Uint8Array, done: (error: Error | undefined) => void): void {
    // Whoever reads the stream may keep what it is given.
    const own = bytes.slice()
    this.#tail = this.#tail.then(() => this.#writer.write(own))
    void tell(this.#tail, done)
  }
  async close(): Promise<void> {
    await this.#writer.close()
  }
  async abort(reason: unknown): Promise<void> {
    await this.#writer.abort(reason).catch(() => {})
  }
}

/** Whether all bytes are 0. */
export const isZero = (bytes: Uint8Array): boolean => {
  for (let i = 0; i < bytes.length; i++) if (bytes[i] !== 0) return false
  return true
}
