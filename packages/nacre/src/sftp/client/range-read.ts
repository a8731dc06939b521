// Owns reading a range of a remote file into a buffer: in pieces under way together, the rest of short answers asked for again,
// an end of file believed only where nothing lies behind it. Knows no packets.
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import type { OpenHandle } from './requests.ts'

interface Piece {
  readonly at: number
  readonly length: number
}

const mostRequests = 64
/** A file is said to end before what it holds so many times. */
const mostDoubts = 3

class RangeRead {
  readonly #calls: Calls
  readonly #file: OpenHandle
  readonly #position: number
  readonly #into: Uint8Array
  readonly #outcome = Promise.withResolvers<number>()
  readonly #ids = new Set<number>()
  /** What is to be asked for again. */
  readonly #again: Piece[] = []
  #next = 0
  /** Where the file was said to end, from the beginning of the range. */
  #end = Number.POSITIVE_INFINITY
  #reached = 0
  #doubts = 0
  #over = false

  constructor(calls: Calls, file: OpenHandle, position: number, into: Uint8Array) {
    this.#calls = calls
    this.#file = file
    this.#position = position
    this.#into = into
  }

  async run({ signal }: Given): Promise<number> {
    signal?.throwIfAborted()
    const abort = (): void => this.#fail(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    try {
      this.#ask()
      return await this.#outcome.promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  #ask(): void {
    while (!this.#over && this.#ids.size < mostRequests) {
      const piece = this.#again.shift() ?? this.#fresh()
      if (piece === undefined) break
      if (piece.at < this.#end) this.#send(piece)
    }
    if (!this.#over && this.#ids.size === 0) this.#settle()
  }

  #fresh(): Piece | undefined {
    const at = this.#next
    const length = Math.min(this.#calls.limits.read, this.#into.length - at)
    if (length <= 0 || at >= this.#end) return undefined
    this.#next += length
    return { at, length }
  }

  #send({ at, length }: Piece): void {
    const done = (error: Error | undefined, bytes: Uint8Array | undefined): void => {
      this.#ids.delete(id)
      if (this.#over) return
      if (error !== undefined) this.#fail(error)
      else if (bytes === undefined) this.#end = Math.min(this.#end, at)
      else {
        this.#reached = Math.max(this.#reached, at + bytes.length)
        if (bytes.length < length) this.#again.push({ at: at + bytes.length, length: length - bytes.length })
      }
      this.#ask()
    }
    const id = this.#calls.requests.read(this.#file, this.#position + at, length, done, this.#into.subarray(at, at + length))
    this.#ids.add(id)
  }

  #settle(): void {
    const count = Math.min(this.#end, this.#into.length)
    if (this.#reached <= count) {
      this.#over = true
      this.#outcome.resolve(count)
      return
    }
    // It has sent what lies behind the end it speaks of.
    if (++this.#doubts > mostDoubts) {
      const why = 'the server says again and again that the file ends where it does not'
      this.#fail(failureOf('file-corrupt', why, { operation: 'read', path: this.#file.path }))
      return
    }
    this.#end = Number.POSITIVE_INFINITY
    this.#reached = 0
    this.#next = count
    this.#ask()
  }

  #fail(error: unknown): void {
    this.#over = true
    for (const id of this.#ids) this.#calls.requests.cancel(id)
    this.#outcome.reject(error)
  }
}

/** Fills `into` from `position` on; fewer bytes than that only at the end of the file. Resolves with how many. */
export const readRange = async (calls: Calls, file: OpenHandle, position: number, into: Uint8Array, given: Given = {}): Promise<number> =>
  into.length === 0 ? 0 : await new RangeRead(calls, file, position, into).run(given)
