// Owns reading a remote file from front to back for one who takes it piece by piece: requests ahead of him, answers in any
// order put in order, within bounds. What to ask for, and what to make of short reads and ends that are none, is `ReadPlan`'s.
import { type ReadHabits, ReadPlan, type ReadRange, type ReadVerdict } from '../transfer/read-plan.ts'
import { mayPass } from '../transfer/fault.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import type { OpenHandle } from './requests.ts'

export interface ReadAheadOptions extends Given {
  /** First byte wanted. Default 0. */
  readonly start?: number | undefined
  /** First byte no longer wanted. Default the end of the file, wherever it is by then. */
  readonly end?: number | undefined
  /** What the file is said to hold, where that is known already; otherwise it is asked for. */
  readonly size?: number | undefined
}

/** Bytes ahead at first, and at most; as many more are tried for as whoever reads has waited for. */
const firstWindow = 512 * 1024
const largestWindow = 16 * 1024 * 1024
const mostRequests = 256

export class ReadAhead {
  readonly #calls: Calls
  readonly #file: OpenHandle
  readonly #end: number | undefined
  readonly #habits: ReadHabits
  readonly #ids = new Map<ReadRange, number>()
  /** What came and was not taken, by offset. */
  readonly #arrived = new Map<number, Uint8Array>()
  #held = 0
  #window = firstWindow
  #plan: ReadPlan
  #position: number
  /** A question about the size is under way. */
  #asking = false
  #fault: { readonly error: unknown } | undefined
  #over = false
  #wake: (() => void) | undefined
  #stopListening: (() => void) | undefined

  constructor(calls: Calls, file: OpenHandle, { start = 0, end, size, signal }: ReadAheadOptions) {
    this.#calls = calls
    this.#file = file
    this.#end = end
    this.#position = start
    this.#habits = { serial: false, request: calls.limits.read }
    // Files that say they are empty may be made up as they are read, like those of /proc.
    const known = size === undefined || size === 0 ? end : Math.min(size, end ?? Number.POSITIVE_INFINITY)
    this.#plan = this.#planTo(start, known === undefined ? undefined : Math.max(known, start))
    if (signal !== undefined) this.#listen(signal)
  }

  #planTo(start: number, end: number | undefined): ReadPlan {
    const plan = new ReadPlan({ start, end, habits: this.#habits, maximumRequests: mostRequests })
    // What lies behind is not wanted, so nobody need look whether something does.
    if (end !== undefined && end === this.#end) plan.ignoreRest()
    return plan
  }

  #listen(signal: AbortSignal): void {
    const abort = (): void => this.#fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
  }

  /** The next bytes, as many as came in one answer; `undefined` at the end. Rejects with what went wrong. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const bytes = this.#arrived.get(this.#position)
      if (bytes !== undefined) {
        this.#arrived.delete(this.#position)
        this.#held -= bytes.length
        this.#position += bytes.length
        this.#ask()
        return bytes
      }
      if (this.#fault !== undefined) throw this.#fault.error
      if (this.#over || this.#plan.complete) {
        this.cancel()
        return undefined
      }
      this.#ask()
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  /** Nothing more is wanted. */
  cancel(): void {
    this.#over = true
    this.#stopListening?.()
    for (const id of this.#ids.values()) this.#calls.requests.cancel(id)
    this.#ids.clear()
    this.#tell()
  }

  #ask(): void {
    while (!this.#over && !this.#asking && this.#fault === undefined) {
      // What is held may wait for what was not sent whole: that is asked for however little room there is.
      const stuck = this.#plan.requests === 0 && !this.#arrived.has(this.#position)
      const room = this.#window - this.#held - this.#plan.bytes
      const range = this.#plan.next(Math.max(room, stuck ? this.#habits.request : 0))
      if (range === undefined) return
      const id = this.#calls.requests.read(this.#file, range.offset, range.length, (error, bytes) => this.#answered(range, error, bytes))
      this.#ids.set(range, id)
    }
  }

  #answered(range: ReadRange, error: Error | undefined, bytes: Uint8Array | undefined): void {
    this.#ids.delete(range)
    if (this.#over || this.#fault !== undefined) return
    if (error !== undefined) this.#judge(this.#plan.failed(range, mayPass(error)), error)
    else if (bytes === undefined) this.#judge(this.#plan.ended(range))
    else {
      this.#keep(range.offset, bytes)
      this.#judge(this.#plan.arrived(range, bytes.length))
    }
    this.#ask()
  }

  #keep(offset: number, bytes: Uint8Array): void {
    const wanted = this.#end === undefined ? bytes : bytes.subarray(0, Math.max(0, this.#end - offset))
    if (wanted.length === 0) return
    this.#arrived.set(offset, wanted)
    this.#held += wanted.length
    if (offset !== this.#position) return
    // Whoever takes it has waited: with more on the way he would have waited less.
    if (this.#wake !== undefined) this.#window = Math.min(largestWindow, this.#window + wanted.length)
    this.#tell()
  }

  #judge(verdict: ReadVerdict, cause?: Error): void {
    if (verdict === 'give-up') this.#fail(cause ?? this.#endless())
    else if (verdict === 'early-end') void this.#look()
    else if (verdict === 'longer') this.#longer()
    if (this.#plan.complete) this.#tell()
  }

  /** It has grown, or never said how long it is. */
  #longer(): void {
    if (this.#end === undefined) this.#plan.endless()
    else this.#plan.ignoreRest()
  }

  /** It ends before the size it is said to have: is that still so? */
  async #look(): Promise<void> {
    this.#asking = true
    try {
      const { size, type } = await this.#calls.fstat(this.#file)
      const endAt = this.#plan.endAt ?? this.#position
      if (type !== 'file' || size === undefined || size <= endAt) this.#plan.confirmEnd()
      else if (this.#plan.doubtEnd() === 'give-up') this.#fail(this.#endless(endAt, size))
    } catch (error) {
      this.#fail(error)
    }
    this.#asking = false
    this.#ask()
    this.#tell()
  }

  #endless(endAt?: number, size?: number): Error {
    const why =
      endAt === undefined
        ? 'the server says again and again that the file ends where it does not'
        : `the server says that the file has ${size} bytes, but not what comes after the first ${endAt}`
    return failureOf('file-corrupt', why, { operation: 'read', path: this.#file.path })
  }

  #fail(error: unknown): void {
    this.#fault ??= { error }
    this.cancel()
  }

  #tell(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }
}

/** All of it as a stream. `done` is called once, when it has been read, cancelled or failed. */
export const readableOf = (reading: () => Promise<ReadAhead>, done: () => Promise<void>): ReadableStream<Uint8Array> => {
  let ahead: ReadAhead | undefined
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          ahead ??= await reading()
          const bytes = await ahead.next()
          if (bytes !== undefined) {
            controller.enqueue(bytes)
            return
          }
        } catch (error) {
          await done().catch(() => {})
          throw error
        }
        await done()
        controller.close()
      },
      async cancel() {
        ahead?.cancel()
        await done()
      },
    },
    { highWaterMark: 0 },
  )
}
