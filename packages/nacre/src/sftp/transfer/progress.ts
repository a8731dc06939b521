// Owns what a caller hears of a transfer while it goes on: sums, rate, time left, not too often. Reads the clock it is given.
import type { Clock } from '../../io/clock.ts'
import type { TransferProgress } from './options.ts'

/** Milliseconds between two reports. */
const pause = 100
/** The rate is that of so many milliseconds. */
const rateOver = 3000

export class Progress {
  readonly #report: ((progress: TransferProgress) => void) | undefined
  readonly #clock: Clock
  #file = ''
  #done = 0
  #total: number | undefined = 0
  #filesDone = 0
  #filesTotal = 0
  #last = Number.NEGATIVE_INFINITY
  /** When so many bytes were done, oldest first. */
  readonly #samples: { readonly at: number; readonly done: number }[] = []

  constructor(report: ((progress: TransferProgress) => void) | undefined, clock: Clock) {
    this.#report = report
    this.#clock = clock
    this.#samples.push({ at: clock.now(), done: 0 })
  }

  get done(): number {
    return this.#done
  }

  /** One file more, of `size` bytes; `undefined` when nobody knows. */
  found(size: number | undefined): void {
    this.#filesTotal++
    this.#total = this.#total === undefined || size === undefined ? undefined : this.#total + size
  }

  /** `count` bytes of `file` have been moved, now or, `earlier`, by another try. May throw what the caller's function throws. */
  moved(file: string, count: number, earlier = false): void {
    this.#file = file
    this.#done += count
    if (this.#report === undefined) return
    // The rate is that of what moves now.
    if (earlier) for (const [index, { at, done }] of this.#samples.entries()) this.#samples[index] = { at, done: done + count }
    const now = this.#clock.now()
    if (now - this.#last >= pause) this.#tell(now)
  }

  fileDone(): void {
    this.#filesDone++
  }

  /** It is all over. */
  finish(): void {
    if (this.#report !== undefined) this.#tell(this.#clock.now())
  }

  #tell(now: number): void {
    this.#last = now
    while (this.#samples.length > 1 && now - this.#samples[1].at >= rateOver) this.#samples.shift()
    const { at, done } = this.#samples[0]
    this.#samples.push({ at: now, done: this.#done })
    const rate = now > at ? ((this.#done - done) * 1000) / (now - at) : 0
    // A file that grew makes the total a lie.
    const total = this.#total === undefined ? undefined : Math.max(this.#total, this.#done)
    this.#report?.({
      file: this.#file,
      done: this.#done,
      total,
      rate,
      remainingSeconds: total === undefined || rate === 0 ? undefined : (total - this.#done) / rate,
      files: { done: this.#filesDone, total: this.#filesTotal },
    })
  }
}
