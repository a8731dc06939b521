// Owns how long anybody waits for what has to be done at a server that may have stopped answering. Knows no requests.
import { systemClock } from '../../io/clock.ts'

const cleaningMilliseconds = 1000

/** Waits until `work` is over, but not long. What came of it is of no interest: something else went wrong before. Never rejects. */
export const notLong = async (work: Promise<unknown>): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const cancel = systemClock.after(cleaningMilliseconds, resolve)
  work.then(
    () => resolve(),
    () => resolve(),
  )
  await promise
  cancel()
}

/** `work`, or the reason of `signal` when that fires first; `work` goes on then, for it must not be left half-done. */
export const orAborted = async <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return await work
  work.catch(() => {})
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
