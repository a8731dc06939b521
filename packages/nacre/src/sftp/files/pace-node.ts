// Owns whether a call to the disk is made at once or in the thread pool, decided by how long such calls took lately. Knows
// no call. A call that finds what it wants in the page cache is several times cheaper made at once; one that waits for a
// disk holds up everybody else in the process.

/** One call longer than this, in milliseconds, sends those that follow to the pool. */
const slow = 10
/** So does this average, over the last dozen and a half. */
const slowAverage = 1
/** How long the pool is used then before one call is tried at once again: doubled each time, up to the second. */
const shortestRest = 100
const longestRest = 30_000
/** After so many quick calls the next rest is a short one. */
const quickToForgive = 256

export interface Pace {
  /** Whether the next call should be made at once. */
  atOnce(now: number): boolean
  /** A call made at once took from `began` to `ended`, in milliseconds of one clock. */
  took(began: number, ended: number): void
}

export const createPace = (): Pace => {
  let restsUntil = 0
  let rest = shortestRest
  let average = 0
  let quick = 0
  return {
    atOnce: now => now >= restsUntil,
    took: (began, ended) => {
      const duration = ended - began
      average += (duration - average) / 16
      if (duration < slow && average < slowAverage) {
        if (++quick === quickToForgive) rest = shortestRest
        return
      }
      restsUntil = ended + rest
      rest = Math.min(rest * 2, longestRest)
      average = 0
      quick = 0
    },
  }
}
