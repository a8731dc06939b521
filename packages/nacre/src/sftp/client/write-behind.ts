// Owns writing to a remote file from front to back: as many writes under way as fit a window, one at a time where the order
// matters, the first failure told to whoever writes on. Knows no packets.
import { SftpError } from '../../errors.ts'
import type { Calls, Given } from './calls.ts'
import type { OpenHandle } from './requests.ts'

export interface WriteBehindOptions extends Given {
  /** Where the first byte goes. Default 0. */
  readonly start?: number | undefined
  /** One write at a time: for files open for appending, where servers that work on several at once would mix them up. */
  readonly serial?: boolean | undefined
}

/**
 * Where to write in a file that was opened for appending: at its end. Most servers look for it themselves and take no notice of
 * the offset; Go's pkg/sftp and many made of npm's ssh2 go by the offset alone, and would write over the beginning.
 */
export const endOf = async (calls: Calls, file: OpenHandle, { signal }: Given): Promise<number> => {
  try {
    return (await calls.fstat(file, { signal })).size ?? 0
  } catch (error) {
    // One that cannot say has to know it itself.
    if (error instanceof SftpError && (error.status === 'op-unsupported' || error.status === 'permission-denied')) return 0
    throw error
  }
}

/** Bytes under way. */
const window = 8 * 1024 * 1024
const mostRequests = 256

export class WriteBehind {
  readonly #calls: Calls
  readonly #file: OpenHandle
  readonly #serial: boolean
  readonly #ids = new Set<number>()
  readonly #failed = Promise.withResolvers<never>()
  #position: number
  #bytes = 0
  #underWay = 0
  #fault: { readonly error: unknown } | undefined
  #wakes: (() => void)[] = []
  #stopListening: (() => void) | undefined
  readonly #tell = (): void => {
    for (const wake of this.#wakes.splice(0)) wake()
  }

  constructor(calls: Calls, file: OpenHandle, { start = 0, serial = false, signal }: WriteBehindOptions = {}) {
    this.#calls = calls
    this.#file = file
    this.#serial = serial
    this.#position = start
    this.#failed.promise.catch(() => {})
    if (signal !== undefined) this.#listen(signal)
  }

  #listen(signal: AbortSignal): void {
    const abort = (): void => this.#fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
  }

  /** Rejects when nothing more can be written; never resolves. */
  get failed(): Promise<never> {
    return this.#failed.promise
  }

  /** Where the next byte goes. */
  get position(): number {
    return this.#position
  }

  /** Resolves when the bytes have been copied and are on their way. Rejects when a write, this or one before, has failed. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      while (this.#fault === undefined && !this.#room) await this.#change()
      if (this.#fault !== undefined) throw this.#fault.error
      const piece = bytes.subarray(at, at + this.#calls.limits.write)
      this.#send(piece)
      at += piece.length
    }
  }

  get #room(): boolean {
    if (this.#underWay === 0) return true
    if (this.#serial || this.#underWay >= mostRequests || this.#bytes >= window) return false
    return !this.#calls.requests.full
  }

  #change(): Promise<void> {
    return new Promise(resolve => {
      this.#wakes.push(resolve)
      if (this.#calls.requests.full) this.#calls.requests.whenRoom(this.#tell)
    })
  }

  #send(piece: Uint8Array): void {
    const { length } = piece
    this.#bytes += length
    this.#underWay++
    const id = this.#calls.requests.write(this.#file, this.#position, piece, error => {
      this.#ids.delete(id)
      this.#bytes -= length
      this.#underWay--
      if (error !== undefined) this.#fail(error)
      this.#tell()
    })
    this.#ids.add(id)
    this.#position += length
  }

  #fail(error: unknown): void {
    this.#fault ??= { error }
    this.#failed.reject(this.#fault.error)
    this.#stopListening?.()
    this.#tell()
  }

  /** Resolves when all is written. Rejects with the first failure, once nothing is under way any more. */
  async finish(): Promise<void> {
    try {
      while (this.#underWay > 0 && this.#fault === undefined) await this.#change()
      if (this.#fault !== undefined) throw this.#fault.error
    } finally {
      this.stop()
    }
  }

  /** What is under way is of no interest any more. */
  stop(): void {
    this.#stopListening?.()
    for (const id of this.#ids) this.#calls.requests.cancel(id)
    this.#underWay -= this.#ids.size
    this.#ids.clear()
  }
}

const utf8 = new TextEncoder()

/** What can be written: text as UTF-8, bytes, or a source of either. */
export type Writable = string | Uint8Array | AsyncIterable<string | Uint8Array> | ReadableStream<string | Uint8Array>

type Piece = string | Uint8Array

interface Source {
  next(): Promise<{ readonly done?: boolean | undefined; readonly value?: Piece | undefined }>
  /** Nothing more is wanted; it may be in the middle of `next`. */
  stop(): void
}

const sourceOf = (data: AsyncIterable<Piece> | ReadableStream<Piece>): Source => {
  if ('getReader' in data) {
    const reader = data.getReader()
    return { next: () => reader.read(), stop: () => void reader.cancel().catch(() => {}) }
  }
  const iterator = data[Symbol.asyncIterator]()
  return { next: () => iterator.next(), stop: () => void iterator.return?.().catch(() => {}) }
}

const bytesOf = (piece: Piece): Uint8Array => (typeof piece === 'string' ? utf8.encode(piece) : piece)

const writePieces = async (behind: WriteBehind, source: Source): Promise<void> => {
  let ended = false
  try {
    while (!ended) {
      // A source that gives nothing must not hide that nothing can be written any more.
      const { done, value } = await Promise.race([source.next(), behind.failed])
      ended = done === true
      if (!ended && value !== undefined) await behind.write(bytesOf(value))
    }
  } finally {
    if (!ended) source.stop()
  }
}

/** Writes all of `data` and waits for it. Says how many bytes it was. A source that is left early is told. */
export const writeAll = async (behind: WriteBehind, data: Writable): Promise<number> => {
  const start = behind.position
  try {
    if (typeof data === 'string' || data instanceof Uint8Array) await behind.write(bytesOf(data))
    else await writePieces(behind, sourceOf(data))
    await behind.finish()
  } finally {
    behind.stop()
  }
  return behind.position - start
}
