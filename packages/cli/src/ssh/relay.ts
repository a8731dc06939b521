// Owns joining a remote process to the local streams: input with back-pressure and half-close, output as it comes, and the
// exit code a shell expects. Knows nothing of terminals or options.
import type { Process } from 'nacre'
import type { Environment } from '../environment.ts'

/** ssh's own exit code for its own failures, and for a remote end that was no exit. */
export const ownFailure = 255

type Writer = (bytes: Uint8Array, detached: boolean) => void | Promise<void>

/** Where input goes. */
interface InputTarget {
  write(bytes: Uint8Array): Promise<void> | undefined
  /** Input has ended. */
  end(): void
}

/** Writes to `stream`; the promise, one for all that wait, settles when it has room again or has gone. */
export const writerTo = (stream: NodeJS.WritableStream): Writer => {
  let room: Promise<void> | undefined
  return (bytes, detached) => {
    // The stream may keep what it cannot write at once.
    if (stream.write(detached ? bytes : bytes.slice())) return undefined
    room ??= new Promise(resolve => {
      const settle = (): void => {
        for (const event of events) stream.removeListener(event, settle)
        room = undefined
        resolve()
      }
      // A reader that went away is told by 'error' or 'close'; then nothing will drain.
      const events = ['drain', 'close', 'error']
      for (const event of events) stream.once(event, settle)
    })
    return room
  }
}

/** Copies the remote output to ours. A reader of ours that went away is one the remote process is told of. */
export const relayOutput = (process: Process, environment: Environment): void => {
  environment.stdout.once('error', () => process.closeOutput())
  process.tap({ stdout: writerTo(environment.stdout), stderr: writerTo(environment.stderr) })
}

/** Input that is being relayed. */
export interface RelayedInput {
  /** Reads no more. Safe to call twice. */
  stop(): void
  /** Leaves what is typed to others until the result is called. */
  hold(): () => void
}

/**
 * Copies our input to the other side; at its end that sees end of file. `filter` may take bytes out (escape sequences), and
 * gives `undefined` when nothing more is to be read.
 */
export const relayInput = (
  target: InputTarget,
  environment: Environment,
  filter: (bytes: Uint8Array) => Uint8Array | undefined = bytes => bytes,
): RelayedInput => {
  const { stdin } = environment
  let stopped = false
  /** The other side has no room, somebody else reads, or both. */
  let waits = 0
  const stop = (): void => {
    if (stopped) return
    stopped = true
    stdin.removeListener('data', data)
    stdin.removeListener('end', end)
    stdin.pause()
  }
  const wait = (): (() => void) => {
    waits++
    stdin.pause()
    let over = false
    return () => {
      if (over) return
      over = true
      if (--waits === 0 && !stopped) stdin.resume()
    }
  }
  const data = (chunk: Uint8Array): void => {
    const bytes = filter(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    if (bytes === undefined) {
      stop()
      return
    }
    if (bytes.length === 0) return
    const waiting = target.write(bytes)
    if (waiting !== undefined) waiting.then(wait(), stop)
  }
  const end = (): void => {
    stopped = true
    target.end()
  }
  stdin.on('data', data)
  stdin.on('end', end)
  // A standard input that cannot be read is one that has ended.
  stdin.on('error', end)
  return { stop, hold: wait }
}

/** A process as a target of input. */
export const inputOf = (process: Process): InputTarget => ({
  write: bytes => process.write(bytes),
  end: () => void process.stdin.end().catch(() => {}),
})

/** The exit code for how the remote process ended. */
export const exitCodeOf = (exit: Awaited<Process['exited']>): number => ('code' in exit ? exit.code & 0xff : ownFailure)
