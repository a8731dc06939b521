// Owns how long others wait in a process while it does some work: the longest time between two turns of the event loop. Knows
// nothing of the work.
import { meter } from './meter.ts'
import type { Opened } from './types.ts'

/** `wait` is the longest time in which nothing else of the process could be done. */
export const amongOthers = async (work: () => unknown): Promise<Opened> => {
  let wait = 0
  let last = performance.now()
  let working = true
  const turn = (): void => {
    const now = performance.now()
    wait = Math.max(wait, (now - last) / 1000)
    last = now
    if (working) setImmediate(turn)
  }
  // Turns begin before the work does.
  await new Promise<void>(resolve => setImmediate(resolve))
  last = performance.now()
  setImmediate(turn)
  const all = meter()
  await work()
  // The turn that stood behind work done at once.
  await new Promise<void>(resolve => setImmediate(resolve))
  const spent = all()
  working = false
  return { ...spent, wait }
}
