// Owns making a pipe of a session an SSH server handles, and how long its files are waited for. Knows nothing of what goes through it.
import { TimeoutError } from '../../errors.ts'
import { systemClock } from '../../io/clock.ts'
import type { BytePipe, PipeTap } from '../pipe.ts'

/** What is needed of a session; the server's own fits. */
export interface PipedSession {
  readonly signal: AbortSignal
  /** The software version of the SSH client, where it is known. */
  readonly clientVersion?: string
  tap(tap: { stdin(bytes: Uint8Array, detached: boolean): void | Promise<void>; end(): void }): void
  write(bytes: Uint8Array): Promise<void> | undefined
  widen?(size: number): void
}

/** Who sends so many bytes, sends a file. */
const much = 2 * 1024 * 1024
/** Then so many may be under way: over 100 ms of delay that is 80 MB a second. */
const wide = 8 * 1024 * 1024

const errorOf = (reason: unknown): Error => (reason instanceof Error ? reason : new Error('the session is gone', { cause: reason }))

/**
 * The session's input and output. An end of input that comes because the session is gone is told with why. What `end` and
 * `abort` ask for, the session does when its handler returns.
 */
export const sessionPipe = (session: PipedSession): BytePipe => {
  let over = false
  let left = much
  const finish = (tap: PipeTap): void => {
    if (over) return
    over = true
    const { signal } = session
    const gone = (): void => tap.end(errorOf(signal.reason))
    if (signal.aborted) gone()
    else {
      signal.addEventListener('abort', gone, { once: true })
      tap.end()
    }
  }
  return {
    write: bytes => session.write(bytes),
    tap: tap => {
      session.tap({
        stdin: (bytes, detached) => {
          if (left > 0 && (left -= bytes.length) <= 0) session.widen?.(wide)
          return over ? undefined : tap.data(bytes, detached)
        },
        // That the session is gone is known only after its input has ended.
        end: () => queueMicrotask(() => finish(tap)),
      })
    },
    end: () => {},
    abort: () => {
      over = true
    },
  }
}

/** Milliseconds that files may take to come back when the client is gone. */
export const defaultPatience = 60_000

/**
 * What `work` gives. Rejects with `TimeoutError` when it still goes on so many milliseconds after the session is gone, 0 for never:
 * files on a network may wait for ever, and nothing of the session could be forgotten until they are done.
 */
export const outlasting = async <T>({ signal }: Pick<PipedSession, 'signal'>, work: Promise<T>, milliseconds: number): Promise<T> => {
  if (milliseconds === 0) return await work
  const { promise, reject } = Promise.withResolvers<never>()
  let cancel = (): void => {}
  const wait = (): void => {
    const why = `The files have not come back for ${milliseconds / 1000} seconds since the client is gone: something they need hangs.`
    cancel = systemClock.after(milliseconds, () => reject(new TimeoutError('files', why)))
  }
  if (signal.aborted) wait()
  else signal.addEventListener('abort', wait, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', wait)
    cancel()
  }
}
