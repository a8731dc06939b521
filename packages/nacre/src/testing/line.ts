// Owns a network between two ends in memory: how bytes are cut, how long they take, and that a buffer given to an end is
// somebody else's as soon as the call returns. Knows nothing of what the bytes mean.
import type { VirtualClock } from './clock.ts'
import type { SeededRandom } from './random.ts'

/** One end of a line; an `Engine` is most of one. */
export interface LineEnd {
  receive(bytes: Uint8Array, now: number): void
  /** The network ended. */
  end(now: number): void
  takeOutgoing(): Uint8Array | undefined
  release(buffer: Uint8Array): void
  readonly wantsInput: boolean
  readonly ended: boolean
  /** Called after each of the above, to look at what happened. */
  settle(): void
}

/** How bytes are cut: as they were written, one by one, or anyhow. */
export type Chunking = 'whole' | 'bytes' | 'random'

export interface LineOptions {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly chunk: Chunking
  /** Milliseconds from one end to the other. */
  readonly latency: number
  /** Sees every chunk before it is delivered; keep a copy, not the chunk. */
  readonly tap?: ((way: Way, chunk: Uint8Array) => void) | undefined
}

/** From the left end to the right one, or back. */
export type Way = 'rightwards' | 'leftwards'

interface InFlight {
  readonly buffer: Uint8Array
  readonly arrival: number
  offset: number
}

/** One chunk in so many arrives in spite of a pause. */
const arrivesRegardless = 5

class Direction {
  readonly #way: Way
  readonly #from: LineEnd
  readonly #to: LineEnd
  readonly #options: LineOptions
  readonly #flight: InFlight[] = []
  /** Bytes are lost without anybody being told. */
  dead = false
  #endTold = false
  /** Bytes that arrived at the other end. */
  carried = 0

  constructor(way: Way, from: LineEnd, to: LineEnd, options: LineOptions) {
    this.#way = way
    this.#from = from
    this.#to = to
    this.#options = options
  }

  collect(): void {
    const arrival = this.#options.clock.now() + this.#options.latency
    for (let buffer = this.#from.takeOutgoing(); buffer !== undefined; buffer = this.#from.takeOutgoing())
      this.#flight.push({ buffer, arrival, offset: 0 })
  }

  /** When the next bytes arrive, if any are under way. */
  get arrival(): number | undefined {
    return this.#flight[0]?.arrival
  }

  /** Carries one chunk, or the news that the sender has ended. False when there is nothing to do now. */
  step(): boolean {
    const first = this.#flight[0]
    const { clock, random } = this.#options
    if (first === undefined) {
      if (!this.#from.ended || this.#endTold || this.dead) return false
      this.#endTold = true
      if (this.#to.ended) return false
      this.#to.end(clock.now())
      this.#to.settle()
      return true
    }
    if (first.arrival > clock.now()) return false
    // What is in flight may still arrive after an end asked for a pause, as with a real socket.
    if (!this.dead && !this.#to.ended && !this.#to.wantsInput && !(this.#options.chunk === 'random' && random.oneIn(arrivesRegardless)))
      return false
    const count = this.#size(first.buffer.length - first.offset)
    const chunk = first.buffer.slice(first.offset, first.offset + count)
    first.offset += count
    if (first.offset === first.buffer.length) {
      this.#flight.shift()
      this.#from.release(first.buffer)
      this.#from.settle()
    }
    if (!this.dead && !this.#to.ended) {
      this.carried += count
      this.#options.tap?.(this.#way, chunk)
      this.#to.receive(chunk, clock.now())
      this.#to.settle()
    }
    // The network's buffer is used again at once: who kept a view of it reads rubbish.
    chunk.fill(0xee)
    return true
  }

  #size(left: number): number {
    const { chunk, random } = this.#options
    if (chunk === 'whole') return left
    if (chunk === 'bytes') return 1
    const most = random.pick([1, 2, 5, 17, 64, 300, 4000, 70_000])
    return Math.min(left, 1 + random.below(most))
  }
}

/** Two ends, joined. Nothing moves but in `step` and `run`. */
export class Line {
  readonly rightwards: Direction
  readonly leftwards: Direction
  readonly #ends: readonly [LineEnd, LineEnd]
  readonly #options: LineOptions

  constructor(left: LineEnd, right: LineEnd, options: LineOptions) {
    this.#ends = [left, right]
    this.#options = options
    this.rightwards = new Direction('rightwards', left, right, options)
    this.leftwards = new Direction('leftwards', right, left, options)
  }

  /** From now on everything is lost on the way, and nobody notices. */
  cut(): void {
    this.rightwards.dead = true
    this.leftwards.dead = true
  }

  /** Carries one chunk one way. False when nothing can move before time passes or an end does something. */
  step(): boolean {
    for (const end of this.#ends) end.settle()
    this.rightwards.collect()
    this.leftwards.collect()
    const first = this.#options.random.oneIn(2)
    const ways = first ? [this.rightwards, this.leftwards] : [this.leftwards, this.rightwards]
    return ways[0].step() || ways[1].step()
  }

  /** When bytes under way arrive next. */
  nextArrival(): number | undefined {
    const arrivals = [this.rightwards.arrival, this.leftwards.arrival].filter(
      each => each !== undefined && each > this.#options.clock.now(),
    )
    return arrivals.length === 0 ? undefined : Math.min(...(arrivals as number[]))
  }
}
