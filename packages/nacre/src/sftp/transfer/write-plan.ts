// Owns which parts of a file to write next, and what to make of a refused write: everything one at a time, then in smaller
// pieces. Pure: it holds ranges, not bytes, and reads no clock. Knows nothing of where the bytes come from.

/** A part of the file that was sent and has not been acknowledged. */
export interface WriteRange {
  readonly offset: number
  readonly length: number
  /** Nothing else was under way while it was. */
  readonly alone: boolean
}

/** What a server was found out to need; kept for its next files. */
export interface WriteHabits {
  /** One request at a time. */
  serial: boolean
  /** Largest write worth trying. */
  request: number
}

export interface WritePlanOptions {
  readonly start: number
  /** Where the source ends; `undefined` when it says so by itself. */
  readonly end: number | undefined
  readonly habits: WriteHabits
  readonly maximumRequests: number
  /**
   * Nothing is sent so many bytes behind the first that is not acknowledged: whoever finds the file cut off knows that all is
   * there but for the last so many bytes.
   */
  readonly span: number
}

/** Smallest write that is tried with a server that refuses larger ones. */
const smallestRequest = 4096

export class WritePlan {
  readonly #habits: WriteHabits
  readonly #maximumRequests: number
  readonly #span: number
  #end: number | undefined
  /** First byte nobody has sent yet. */
  #frontier: number
  /** What was refused, by offset. */
  readonly #again: { offset: number; length: number }[] = []
  readonly #sent = new Set<WriteRange>()
  #bytes = 0
  #serial: boolean
  #request: number
  #blamed = false
  #draining = false

  constructor(options: WritePlanOptions) {
    this.#habits = options.habits
    this.#maximumRequests = options.maximumRequests
    this.#span = options.span
    this.#frontier = options.start
    this.#end = options.end
    this.#serial = options.habits.serial
    this.#request = options.habits.request
  }

  /** Writes that have no answer yet. */
  get requests(): number {
    return this.#sent.size
  }
  /** Bytes of them. */
  get bytes(): number {
    return this.#bytes
  }
  get end(): number | undefined {
    return this.#end
  }
  get complete(): boolean {
    return this.#end !== undefined && this.#frontier >= this.#end && this.#again.length === 0 && this.#sent.size === 0
  }
  /** Every byte below is written, and acknowledged. */
  get settled(): number {
    const again = this.#again[0]?.offset ?? this.#frontier
    // In the order they were sent; what is sent again is sent when all before it are answered, or not at all.
    for (const { offset } of this.#sent) return Math.min(offset, again)
    return again
  }

  /** What to send now; `undefined` when nothing is, or not before something is answered. `room`: bytes that may be added. */
  next(room: number): WriteRange | undefined {
    const idle = this.#sent.size === 0
    if (!idle && (this.#draining || this.#serial || this.#sent.size >= this.#maximumRequests)) return undefined
    this.#draining = false
    const again = this.#again[0]
    const left = again?.length ?? (this.#end === undefined ? Number.POSITIVE_INFINITY : this.#end - this.#frontier)
    const length = Math.min(this.#request, left)
    if (length <= 0 || length > room) return undefined
    if (!idle && again === undefined && this.#frontier + length - this.settled > this.#span) return undefined
    const range: WriteRange = { offset: again?.offset ?? this.#frontier, length, alone: idle && this.#serial }
    if (again === undefined) this.#frontier += length
    else {
      again.offset += length
      again.length -= length
      if (again.length === 0) this.#again.shift()
    }
    this.#sent.add(range)
    this.#bytes += length
    return range
  }

  /** The server has taken `range`. */
  written(range: WriteRange): void {
    this.#settle(range)
    if (!this.#blamed || !range.alone) return
    this.#blamed = false
    this.#habits.serial ||= this.#serial
    this.#habits.request = Math.min(this.#habits.request, this.#request)
  }

  /** Nothing of `range` needs to be sent: the file reads as zeros there by itself. */
  skipped(range: WriteRange): void {
    this.#settle(range)
  }

  /** The server refused `range`. `transient`: another way of sending it might help. Says whether to go on. */
  failed(range: WriteRange, transient: boolean): boolean {
    this.#settle(range)
    this.#sendAgain(range)
    this.#draining = true
    if (!transient) return false
    this.#blamed = true
    if (!range.alone) {
      this.#serial = true
      return true
    }
    const size = Math.min(range.length, this.#request)
    if (size <= smallestRequest) return false
    this.#request = Math.max(smallestRequest, Math.floor(size / 2))
    return true
  }

  /** The way `range` went is no more: it has to go another one, and nobody is to blame. */
  lost(range: WriteRange): void {
    this.#settle(range)
    this.#sendAgain(range)
  }

  /** The source has ended: `range`, the last one asked for, has only `length` bytes, and nothing follows. */
  ended(range: WriteRange, length: number): WriteRange | undefined {
    this.#settle(range)
    this.#end = range.offset + length
    this.#frontier = Math.min(this.#frontier, this.#end)
    if (length === 0) return undefined
    const rest: WriteRange = { offset: range.offset, length, alone: range.alone }
    this.#sent.add(rest)
    this.#bytes += length
    return rest
  }

  #sendAgain({ offset, length }: WriteRange): void {
    let at = this.#again.findIndex(each => each.offset > offset)
    if (at < 0) at = this.#again.length
    this.#again.splice(at, 0, { offset, length })
  }

  #settle(range: WriteRange): void {
    if (!this.#sent.delete(range)) throw new TypeError('a range that was not sent, or was answered before')
    this.#bytes -= range.length
  }
}
