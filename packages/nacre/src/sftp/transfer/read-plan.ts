// Owns which parts of a remote file to ask for next, and what to make of each answer: short reads, ends of file that are
// not the end, errors. Pure: it holds ranges, not bytes, and reads no clock. Knows nothing of where the bytes go.

/** A part of the file that was asked for and has not been answered. */
export interface ReadRange {
  readonly offset: number
  readonly length: number
  /** Nothing else was under way while it was. */
  readonly alone: boolean
}

/** What a server was found out to need; kept for its next files. */
export interface ReadHabits {
  /** One request at a time. */
  serial: boolean
  /** Largest read worth asking for. */
  request: number
}

export type ReadVerdict =
  /** On with it: `next` says what. */
  | 'go-on'
  /** The file ended at `endAt`, before the size it is said to have: somebody has to look, then call `confirmEnd` or `doubtEnd`. */
  | 'early-end'
  /** There is more than the size said: somebody has to look, then call `ignoreRest` or `endless`. */
  | 'longer'
  /** It cannot be had. */
  | 'give-up'

export interface ReadPlanOptions {
  /** First byte wanted. */
  readonly start: number
  /**
   * Size the file is said to have; `undefined` for whatever there is until the server says it is all. One byte more is asked
   * for, in the same request as the last where it fits, to see that nothing follows.
   */
  readonly end: number | undefined
  readonly habits: ReadHabits
  readonly maximumRequests: number
}

/** Smallest read that is tried with a server that refuses larger ones. */
const smallestRequest = 4096
/** An end of file is doubted so many times without a byte in between. */
const maximumDoubts = 3

interface Gap {
  offset: number
  length: number
}

export class ReadPlan {
  readonly #habits: ReadHabits
  readonly #maximumRequests: number
  readonly #start: number
  #end: number | undefined
  /** Where asking ends: one byte behind `#end` until it is certain that nothing follows. */
  #limit: number
  /** Where the file was said to end, when that is not where it was to. Nothing is asked for from there on. */
  #endAt: number | undefined
  /** First byte nobody has asked for yet. */
  #frontier: number
  /** What was asked for and did not come, by offset. */
  readonly #gaps: Gap[] = []
  readonly #asked = new Set<ReadRange>()
  #askedBytes = 0
  /** Highest byte that came, and one. */
  #reached: number
  #serial: boolean
  #request: number
  /** A request failed and was asked for in another way: if that works, it is a habit. */
  #blamed = false
  #shortInRow = 0
  #shortLength = 0
  #doubts = 0
  /** Waits for what is under way to settle before anything else is asked for. */
  #draining = false

  constructor(options: ReadPlanOptions) {
    this.#habits = options.habits
    this.#maximumRequests = options.maximumRequests
    this.#start = options.start
    this.#frontier = options.start
    this.#reached = options.start
    this.#end = options.end
    this.#limit = options.end === undefined ? Number.POSITIVE_INFINITY : options.end + 1
    this.#serial = options.habits.serial
    this.#request = options.habits.request
  }

  /** Requests that have no answer yet. */
  get requests(): number {
    return this.#asked.size
  }
  /** Bytes they asked for. */
  get bytes(): number {
    return this.#askedBytes
  }
  /** Where the file ends: as wanted, or as the server said and nobody doubts. */
  get end(): number | undefined {
    return this.#end
  }
  /** Where the server said that it ends, after `early-end`. */
  get endAt(): number | undefined {
    return this.#endAt
  }
  /** Everything wanted has come. */
  get complete(): boolean {
    return this.#end !== undefined && this.#frontier >= this.#limit && this.#gaps.length === 0 && this.#asked.size === 0
  }
  /** What has no answer yet, in the order it was asked for. */
  get pending(): readonly ReadRange[] {
    return [...this.#asked]
  }

  /** What to ask for now; `undefined` when nothing is, or not before something is answered. `room`: bytes that may be added. */
  next(room: number): ReadRange | undefined {
    const idle = this.#asked.size === 0
    if (!idle && (this.#draining || this.#serial || this.#asked.size >= this.#maximumRequests)) return undefined
    this.#draining = false
    const offset = this.#gaps[0]?.offset ?? this.#frontier
    if (this.#endAt !== undefined && offset >= this.#endAt) return undefined
    const length = Math.min(this.#request, this.#left(idle))
    if (length <= 0 || length > room) return undefined
    const gap = this.#gaps[0]
    if (gap === undefined) this.#frontier += length
    else {
      gap.offset += length
      gap.length -= length
      if (gap.length === 0) this.#gaps.shift()
    }
    const range: ReadRange = { offset, length, alone: idle && this.#serial }
    this.#asked.add(range)
    this.#askedBytes += length
    return range
  }

  /** Bytes that could be asked for in one piece. */
  #left(idle: boolean): number {
    const gap = this.#gaps[0]
    if (gap !== undefined) return gap.length
    if (this.#end !== undefined) return this.#limit - this.#frontier
    // Without a known end nothing says that reading ahead leads anywhere, until something has come.
    return idle || this.#reached > this.#start ? Number.POSITIVE_INFINITY : 0
  }

  /** `count` bytes came for `range`, from its beginning: at least one, and no more than it asked for. */
  arrived(range: ReadRange, count: number): ReadVerdict {
    this.#settle(range)
    this.#doubts = 0
    if (this.#blamed && range.alone) this.#learnFault()
    this.#reached = Math.max(this.#reached, range.offset + count)
    // Bytes behind a place where the file was said to end: it has grown since, or the server erred.
    if (this.#endAt !== undefined && this.#reached > this.#endAt) this.#endAt = undefined
    if (this.#end !== undefined && this.#limit > this.#end && this.#reached > this.#end) return 'longer'
    // All but the byte that should not be there.
    if (this.#end !== undefined && count === range.length - 1 && range.offset + count === this.#end) return this.#verdict()
    if (count < range.length) {
      this.#wanted(range.offset + count, range.length - count)
      this.#learnShort(range, count)
    } else this.#shortInRow = 0
    return this.#verdict()
  }

  /** The server says that the file has ended at or before the beginning of `range`. */
  ended(range: ReadRange): ReadVerdict {
    this.#settle(range)
    if (range.offset === this.#end) return this.#verdict()
    this.#wanted(range.offset, range.length)
    if (this.#reached > range.offset) {
      // It has sent what lies behind.
      this.#draining = true
      if (++this.#doubts > maximumDoubts) return 'give-up'
    } else this.#endAt = Math.min(this.#endAt ?? range.offset, range.offset)
    return this.#verdict()
  }

  /**
   * The server refused `range`, or never answered. `transient`: another way of asking might help. First everything is asked
   * for one at a time, then in smaller pieces.
   */
  failed(range: ReadRange, transient: boolean): ReadVerdict {
    this.#settle(range)
    this.#wanted(range.offset, range.length)
    this.#draining = true
    if (!transient) return 'give-up'
    this.#blamed = true
    if (!range.alone) {
      this.#serial = true
      return this.#verdict()
    }
    const size = Math.min(range.length, this.#request)
    if (size <= smallestRequest) return 'give-up'
    this.#request = Math.max(smallestRequest, Math.floor(size / 2))
    return this.#verdict()
  }

  /** After `early-end`: it ends there indeed. Nothing more is asked for. */
  confirmEnd(): void {
    if (this.#endAt === undefined) return
    this.#close(this.#endAt)
  }

  /** After `longer`: what lies behind the size is not wanted. */
  ignoreRest(): void {
    if (this.#end === undefined) return
    this.#limit = this.#end
    // A gap of the one byte too many.
    while ((this.#gaps.at(-1)?.offset ?? 0) >= this.#limit) this.#gaps.pop()
    const last = this.#gaps.at(-1)
    if (last !== undefined) last.length = Math.min(last.length, this.#limit - last.offset)
  }

  /** After `longer`: the size is not to be believed, or not to be kept to. Whatever there is is asked for. */
  endless(): void {
    this.#end = undefined
    this.#limit = Number.POSITIVE_INFINITY
  }

  /** After `early-end`: it goes on. Asks again, one at a time; `give-up` after the third time. */
  doubtEnd(): ReadVerdict {
    if (++this.#doubts > maximumDoubts) return 'give-up'
    this.#serial = true
    this.#endAt = undefined
    // Some answer a read across the end as if all of it lay behind.
    this.ignoreRest()
    return 'go-on'
  }

  #close(end: number): void {
    this.#end = end
    this.#limit = end
    this.#endAt = undefined
    this.#gaps.length = 0
    this.#frontier = end
  }

  #settle(range: ReadRange): void {
    if (!this.#asked.delete(range)) throw new TypeError('a range that was not asked for, or was answered before')
    this.#askedBytes -= range.length
  }

  #wanted(offset: number, length: number): void {
    let at = this.#gaps.findIndex(each => each.offset > offset)
    if (at < 0) at = this.#gaps.length
    this.#gaps.splice(at, 0, { offset, length })
  }

  #learnFault(): void {
    this.#blamed = false
    this.#habits.serial ||= this.#serial
    this.#habits.request = Math.min(this.#habits.request, this.#request)
  }

  /** A server that sends the same little several times does so always, unless the file is one of those without a size. */
  #learnShort(range: ReadRange, count: number): void {
    if (range.length < this.#request || count < smallestRequest) return
    this.#shortInRow = count === this.#shortLength ? this.#shortInRow + 1 : 1
    this.#shortLength = count
    if (this.#shortInRow < 2) return
    this.#request = count
    if (this.#end !== undefined) this.#habits.request = Math.min(this.#habits.request, count)
  }

  #verdict(): ReadVerdict {
    if (this.#endAt === undefined || this.#asked.size > 0) return 'go-on'
    // What lies before the end must come first.
    const gap = this.#gaps[0]
    if (gap !== undefined && gap.offset < this.#endAt) return 'go-on'
    if (this.#end !== undefined) return 'early-end'
    this.confirmEnd()
    return 'go-on'
  }
}
