// Owns how many bytes of requests are worth having in flight: the product of rate and delay, measured as they go, between a
// floor and a ceiling. Reads no clock: whoever asks says what time it is. Knows nothing of files.

/** What a request remembers from when it was made until it is answered. */
export interface Departure {
  readonly at: number
  /** Bytes that had been answered by then. */
  readonly delivered: number
}

export interface DepthLimits {
  /** Bytes that are in flight however slow it seems. */
  readonly floor: number
  /** Bytes that are never exceeded. */
  readonly ceiling: number
}

/** Rounds without growth after which the search for the rate is over. */
const patience = 3
/** A rate has grown when it is that many times what it was. */
const growth = 1.25
/** So many round trips a rate is remembered for. */
const memory = 10

/**
 * Starts with a fair guess and doubles it each round trip while the rate keeps growing, as slow start of TCP does; then holds
 * twice the product of the best rate of late and the shortest delay seen: once for what is under way, once for what waits at
 * either end, so that a rate which grows is noticed.
 */
export class Depth {
  readonly #limits: DepthLimits
  #bytes: number
  #delivered = 0
  #shortest = Number.POSITIVE_INFINITY
  /** Best rates of the last rounds, bytes a millisecond, the current round's last. */
  #rates: number[] = [0]
  #best = 0
  #roundEnds = 0
  #stale = 0
  #searching = true

  constructor(limits: DepthLimits, start = 2 * 1024 * 1024) {
    this.#limits = limits
    this.#bytes = Math.min(Math.max(start, limits.floor), limits.ceiling)
  }

  /** Bytes that may be in flight now. */
  get bytes(): number {
    return this.#bytes
  }
  /** Whether it still looks for the rate of the way. */
  get searching(): boolean {
    return this.#searching
  }

  /** Shortest time an answer took, in milliseconds; 0 before there was one. */
  get shortest(): number {
    return this.#shortest === Number.POSITIVE_INFINITY ? 0 : this.#shortest
  }

  /** There is room for `bytes` more on the way. */
  widen(bytes: number): void {
    this.#set(this.#bytes + bytes)
  }

  /** A request is made at `now`, in milliseconds. */
  depart(now: number): Departure {
    return { at: now, delivered: this.#delivered }
  }

  /** A request was answered with `count` bytes. `limited`: the depth was what held others back when it was made. */
  arrive(now: number, departure: Departure, count: number, limited: boolean): void {
    this.#delivered += count
    const took = Math.max(now - departure.at, 0.001)
    if (took < this.#shortest) this.#shortest = took
    const rate = (this.#delivered - departure.delivered) / took
    const last = this.#rates.length - 1
    if (rate > this.#rates[last]) this.#rates[last] = rate
    if (this.#searching && limited) this.#set(this.#bytes + count)
    if (departure.delivered >= this.#roundEnds) this.#nextRound(limited)
    if (!this.#searching) this.#set(2 * Math.max(...this.#rates) * this.#shortest)
  }

  #nextRound(limited: boolean): void {
    this.#roundEnds = this.#delivered
    const rate = Math.max(...this.#rates)
    if (rate > this.#best * growth) {
      this.#best = rate
      this.#stale = 0
    } else if (limited && ++this.#stale >= patience) this.#searching = false
    this.#rates.push(0)
    if (this.#rates.length > memory) this.#rates.shift()
  }

  #set(bytes: number): void {
    this.#bytes = Math.min(Math.max(Math.ceil(bytes), this.#limits.floor), this.#limits.ceiling)
  }
}

/** What all files that are moved at the same time over the same way share: the depth, and the bytes that fill it. */
export class Allowance {
  readonly depth: Depth
  /** Bytes asked for or sent without an answer, and bytes that came and were not taken yet. */
  used = 0

  constructor(depth: Depth) {
    this.depth = depth
  }

  /** Bytes that may be added; `idle` files may always have one request of `request` bytes, else nobody would wake them. */
  room(idle: boolean, request: number): number {
    const room = this.depth.bytes - this.used
    return idle ? Math.max(room, request) : room
  }
  /** Whether it is what holds others back. */
  get filled(): boolean {
    return this.used * 2 > this.depth.bytes
  }
}

/** Bytes that are in flight however short the way. */
const floor = 2 * 1024 * 1024

/** Bytes to begin with over a long way, where each round trip with fewer would be felt. */
const farStart = 8 * 1024 * 1024

/** For one transfer that may have `inFlight` bytes under way, in requests of up to `request` bytes. */
export const allowanceOf = (inFlight: number, request: number, far = false): Allowance =>
  new Allowance(new Depth({ floor: Math.min(inFlight, Math.max(floor, 2 * request)), ceiling: inFlight }, far ? farStart : undefined))
