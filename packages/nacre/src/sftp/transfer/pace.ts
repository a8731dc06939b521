// Owns keeping to so many bytes a second. Reads no clock: whoever asks says what time it is. Knows nothing of files.

/** Bursts of at most a tenth of a second, but always of one request. */
export class Pace {
  readonly #perMillisecond: number
  #free = 0

  /** `limit` bytes a second; `undefined` for no limit. */
  constructor(limit: number | undefined) {
    this.#perMillisecond = limit === undefined ? Number.POSITIVE_INFINITY : limit / 1000
  }

  get limited(): boolean {
    return this.#perMillisecond !== Number.POSITIVE_INFINITY
  }

  /** Milliseconds from `now` until more may be asked for; 0 for at once. */
  wait(now: number): number {
    return this.limited ? Math.max(0, this.#free - now) : 0
  }

  /** `count` bytes are asked for at `now`. */
  spend(now: number, count: number): void {
    if (this.limited) this.#free = Math.max(this.#free, now - 100) + count / this.#perMillisecond
  }
}
