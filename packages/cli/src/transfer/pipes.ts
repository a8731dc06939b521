// Owns byte pipes over what a program has: the standard streams of a process it started, its own, a remote process. Knows
// nothing of what the bytes mean.
import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { type Process, SshError } from 'nacre'
import type { BytePipe, PipeTap } from 'nacre/sftp'
import type { Environment } from '../environment.ts'

/** A pipe to a program that ends with an exit code. */
export interface ProgramPipe extends BytePipe {
  /** The exit code a shell would see; 255 when it ended otherwise. */
  readonly exited: Promise<number>
}

const gone = (cause?: Error): Error => new Error('the other side is gone', { cause })

/** A pipe over two streams of Node's. */
export const pipeOfStreams = (input: Readable, output: Writable): BytePipe => {
  // It is the writer who is told, or the tap.
  output.on('error', () => {})
  // A stream that is destroyed calls back for none of what was under way.
  const waiting = new Set<(error: Error) => void>()
  output.on('close', () => {
    for (const reject of waiting) reject(gone())
  })
  return {
    write(bytes) {
      if (!output.writable) return Promise.reject(gone())
      // Below its mark a stream says that it takes more, and still has these bytes: they are done with when it calls back.
      const written = new Promise<void>((resolve, reject) => {
        waiting.add(reject)
        output.write(bytes, error => {
          waiting.delete(reject)
          if (error === null || error === undefined) resolve()
          else reject(gone(error))
        })
      })
      if (output.writableLength > 0) return written
      written.catch(() => {})
      return undefined
    },
    tap(tap: PipeTap) {
      let ended = false
      const end = (error?: Error): void => {
        if (!ended) tap.end(error)
        ended = true
      }
      input.on('data', (chunk: Buffer) => {
        // A chunk of Node's own is not used again.
        const waiting = tap.data(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength), true)
        if (waiting === undefined) return
        input.pause()
        const go = (): void => void input.resume()
        waiting.then(go, go)
      })
      input.on('end', () => end())
      input.on('error', end)
      input.on('close', () => end())
    },
    end: () => void output.end(),
    abort() {
      input.destroy()
      output.destroy()
    },
  }
}

/** A pipe over the standard streams of a process that was started with pipes for both. */
export const pipeOfChild = (child: ChildProcess, name: string): ProgramPipe => {
  const { stdin, stdout } = child
  if (stdin === null || stdout === null) throw new TypeError('the process has no pipes')
  const exited = new Promise<number>((resolve, reject) => {
    child.once('error', cause => reject(new SshError('START', `${name} could not be started: ${cause.message}`, { cause })))
    child.once('close', code => resolve(code ?? 255))
  })
  // Whoever waits for it is told; nobody else need be.
  exited.catch(() => {})
  return {
    ...pipeOfStreams(stdout, stdin),
    exited,
    abort() {
      stdin.destroy()
      stdout.destroy()
      child.kill()
    },
  }
}

/** A pipe over a process on a server; what it writes to standard error goes to ours. */
export const pipeOfProcess = (process: Process, environment: Environment): ProgramPipe => {
  let tapped: PipeTap | undefined
  let ended = false
  const end = (error?: Error): void => {
    if (!ended) tapped?.end(error)
    ended = true
  }
  const exited = process.exited.then(exit => ('code' in exit ? exit.code & 0xff : 255))
  exited.catch(() => {})
  return {
    write: bytes => process.write(bytes),
    tap(tap) {
      tapped = tap
      process.tap({
        stdout: (bytes, detached) => tap.data(bytes, detached),
        stderr: bytes => void environment.stderr.write(bytes.slice()),
      })
      process.exited.then(
        () => end(),
        (error: unknown) => end(error instanceof Error ? error : undefined),
      )
    },
    end: () => void process.stdin.end().catch(() => {}),
    abort: () => process.close(),
    exited,
  }
}

/** `pipe`, slowed down to so many bits a second, both ways together. */
export const limitedPipe = <Pipe extends BytePipe>(pipe: Pipe, bitsPerSecond: number): Pipe => {
  /** When what has been moved so far may have been moved, by the clock. */
  let due = performance.now()
  /** Resolves when `bytes` more may have passed; `undefined` when that is now. */
  const passed = (bytes: number): Promise<void> | undefined => {
    const now = performance.now()
    due = Math.max(due, now) + (bytes * 8000) / bitsPerSecond
    const wait = due - now
    return wait < 1 ? undefined : new Promise(resolve => setTimeout(resolve, wait))
  }
  return {
    ...pipe,
    write(bytes: Uint8Array) {
      const waiting = [pipe.write(bytes), passed(bytes.length)].filter(each => each !== undefined)
      return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => {})
    },
    tap: (tap: PipeTap) =>
      pipe.tap({
        data(bytes, detached) {
          const waiting = [tap.data(bytes, detached) ?? undefined, passed(bytes.length)].filter(each => each !== undefined)
          return waiting.length === 0 ? undefined : Promise.all(waiting).then(() => {})
        },
        end: error => tap.end(error),
      }),
  }
}
