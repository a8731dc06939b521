// Owns time that passes only when told to. Knows nothing of who waits for it.
import type { Clock } from '../io/clock.ts'

interface Timer {
  readonly at: number
  readonly order: number
  readonly act: () => void
}

/** A clock by hand. Timers ring inside `advance`, in the order of their times. */
export interface VirtualClock extends Clock {
  /** Lets time pass. Every timer that comes due rings at its own time, those it starts included. */
  advance(milliseconds: number): void
  /** Goes on to a point in time, if that is still to come. */
  advanceTo(at: number): void
  /** When the next timer rings. */
  next(): number | undefined
}

export const virtualClock = (start = 0): VirtualClock => {
  let now = start
  let count = 0
  const timers = new Set<Timer>()
  const earliest = (): Timer | undefined => {
    let found: Timer | undefined
    for (const timer of timers)
      if (found === undefined || timer.at < found.at || (timer.at === found.at && timer.order < found.order)) found = timer
    return found
  }
  const clock: VirtualClock = {
    now: () => now,
    after(milliseconds, act) {
      const timer = { at: now + Math.max(0, milliseconds), order: count++, act }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    advance: milliseconds => clock.advanceTo(now + milliseconds),
    advanceTo(at) {
      for (let timer = earliest(); timer !== undefined && timer.at <= at; timer = earliest()) {
        timers.delete(timer)
        now = Math.max(now, timer.at)
        timer.act()
      }
      now = Math.max(now, at)
    },
    next: () => earliest()?.at,
  }
  return clock
}
