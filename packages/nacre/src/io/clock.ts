// Owns time for drivers: a clock that never runs backwards and one-shot timers. The engine itself reads neither.

export interface Clock {
  /** Milliseconds since some fixed point. */
  now(): number
  /** Calls `act` once after `milliseconds`; the result cancels it. A pending timer keeps no process alive by itself. */
  after(milliseconds: number, act: () => void): () => void
}

/** The runtime's own. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, act) {
    const timer: unknown = setTimeout(act, milliseconds)
    // Node and Deno hold the process for a timer unless told otherwise; browsers return a number.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function') timer.unref()
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>)
  },
}
