// Owns whether a call to the disk is made at once or in the thread pool, decided by how long such calls took lately. Knows
// no call. A call that finds what it wants in the page cache is several times cheaper made at once; one that waits for a
// disk holds up everybody else in the process.
import { readFileSync } from 'node:fs'

/** Milliseconds from which on a call counts as one that waited for something. */
const slow = 2
/**
 * Milliseconds of waiting that send the calls that follow to the pool. A quarter of the time that passes is forgiven.
 */
const patience = 50
const forgiven = 1 / 4
/** How long the pool is used then before calls are tried at once again: doubled each time, up to the second. */
const shortestRest = 250
const longestRest = 30_000
/** What is left of the patience after a rest. */
const secondChance = 8
/** After so long without a rest, in milliseconds, the next is a short one. */
const steadiness = 10_000

export interface Pace {
  /** Whether the next call should be made at once. `now` in milliseconds of any clock. */
  atOnce(now: number): boolean
  /** A call made at once took from `began` to `ended`, of the same clock. */
  took(began: number, ended: number): void
}

/**
 * How long this thread has waited for a processor so far, in milliseconds: a busy machine interrupts calls too, and there
 * the pool, which costs more, would make things worse. 0 where the system does not say.
 */
const waitedForProcessor = (): number => {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[1]) / 1e6 || 0
  } catch {
    return 0
  }
}

/** `processorWait`: how long this thread has waited for a processor so far, by the same clock. */
export const createPace = (processorWait = waitedForProcessor): Pace => {
  let waitedBefore = 0
  let waited = 0
  let countedAt = 0
  let restsUntil = Number.NEGATIVE_INFINITY
  let rest = shortestRest
  return {
    atOnce: now => now >= restsUntil,
    took: (began, ended) => {
      const duration = ended - began
      if (duration < slow) return
      // What it waited since the last slow call may lie before this one: then the next one tells.
      const interrupted = processorWait()
      const blocked = Math.max(0, duration - (interrupted - waitedBefore))
      waitedBefore = interrupted
      waited = Math.max(0, waited - (began - countedAt) * forgiven) + blocked
      countedAt = ended
      if (waited < patience) return
      if (began - restsUntil > steadiness) rest = shortestRest
      restsUntil = ended + rest
      rest = Math.min(rest * 2, longestRest)
      waited = patience - secondChance
      countedAt = restsUntil
    },
  }
}
