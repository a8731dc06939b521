// Owns making a pipe of a session an SSH server handles. Knows nothing of what goes through it.
import type { BytePipe, PipeTap } from '../pipe.ts'

/** What is needed of a session; the server's own fits. */
export interface PipedSession {
  readonly signal: AbortSignal
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
    tap.end(session.signal.aborted ? errorOf(session.signal.reason) : undefined)
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
