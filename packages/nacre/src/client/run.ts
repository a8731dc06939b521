// Owns running a command to its end: what it reads, what it writes, kept up to a limit, and how it came out. Knows nothing of the
// connection it runs over.
import { exec as execRow } from '../connection/requests/exec.ts'
import { type Exit, ExitError } from '../errors.ts'
import type { Process, ProcessTap } from './process.ts'
import { quote } from './quote.ts'
import type { BeginSession, SessionOptions } from './session-start.ts'

/** A string is sent as it is; a list of arguments is quoted for a POSIX shell. */
export type Command = string | readonly string[]

export interface RunOptions extends SessionOptions {
  /** What the command reads; nothing if left out. */
  readonly input?: string | Uint8Array | ReadableStream<Uint8Array>
  /** Reject with `ExitError` unless the command ends with status 0. */
  readonly check?: boolean
  /** Bytes of each output that are kept; more is read and dropped, and `truncated` says so. Default 64 MiB. */
  readonly maximumOutput?: number
}

export interface RunResult {
  /** Decoded as UTF-8, leniently. */
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Uint8Array
  readonly stderrBytes: Uint8Array
  readonly exit: Exit
  /** The exit status, or `undefined` when it ended otherwise. */
  readonly code: number | undefined
  /** The signal that ended it, without SIG. */
  readonly signal: string | undefined
  readonly truncated: boolean
}

const defaultMaximumOutput = 64 * 1024 * 1024

/** As it goes over the wire. */
export const commandLine = (command: Command): string => (typeof command === 'string' ? command : quote(command))

const nothing = new Uint8Array(0)
const decoder = new TextDecoder()
const textOf = (bytes: Uint8Array): string => (bytes.length === 0 ? '' : decoder.decode(bytes))

/** One output of a command, up to a limit. */
class Collected {
  readonly #limit: number
  #chunks: Uint8Array[] | undefined
  #length = 0
  truncated = false
  constructor(limit: number) {
    this.#limit = limit
  }
  add(bytes: Uint8Array): void {
    const room = this.#limit - this.#length
    if (bytes.length > room) this.truncated = true
    if (room <= 0) return
    const kept = bytes.slice(0, room)
    this.#chunks ??= []
    this.#chunks.push(kept)
    this.#length += kept.length
  }
  bytes(): Uint8Array {
    if (this.#chunks === undefined) return nothing
    if (this.#chunks.length === 1) return this.#chunks[0]
    const all = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }
}

/** Both outputs of a command. */
class Output implements ProcessTap {
  readonly out: Collected
  readonly errors: Collected
  constructor(limit: number) {
    this.out = new Collected(limit)
    this.errors = new Collected(limit)
  }
  stdout(bytes: Uint8Array): void {
    this.out.add(bytes)
  }
  stderr(bytes: Uint8Array): void {
    this.errors.add(bytes)
  }
}

/** A command that stops reading early is no failure: its exit tells. */
const feed = async (process: Process, input: NonNullable<RunOptions['input']>): Promise<void> => {
  try {
    if (typeof input === 'string' || input instanceof Uint8Array) {
      await process.stdin.write(input)
      await process.stdin.end()
    } else await input.pipeTo(process.stdin)
  } catch {
    // The channel closed under it.
  }
}

/** `work`, or the reason of `signal` if that fires first. */
const withSignal = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const exitError = (command: Command, exit: Exit, stderr: string): ExitError => {
  const tail = stderr.slice(-2000)
  const what =
    'code' in exit
      ? `ended with status ${exit.code}`
      : 'signal' in exit
        ? `was ended by signal ${exit.signal}`
        : 'ended and the server did not say how'
  const shown = commandLine(command)
  return new ExitError(`"${shown.length > 200 ? `${shown.slice(0, 200)}…` : shown}" ${what}.`, exit, tail)
}

/** Starts the command by `session` and collects what comes of it. Rejects when the connection ends or `signal` fires, or by `check`. */
export const collect = async (
  command: Command,
  options: RunOptions,
  session: (begin: BeginSession) => Promise<Process>,
): Promise<RunResult> => {
  const output = new Output(options.maximumOutput ?? defaultMaximumOutput)
  const process = await session((port, answered, made) => {
    made.tap(output)
    port.request(execRow, { command: commandLine(command) }, answered)
    // The end of no input leaves together with the request.
    if (options.input === undefined) port.eof()
  })
  // Never waited for: a source that hangs must not hold up what came of the command.
  if (options.input !== undefined) void feed(process, options.input)
  const exit = await (options.signal === undefined ? process.exited : withSignal(process.exited, options.signal))
  const stdoutBytes = output.out.bytes()
  const stderrBytes = output.errors.bytes()
  const stderr = textOf(stderrBytes)
  if (options.check === true && !('code' in exit && exit.code === 0)) throw exitError(command, exit, stderr)
  return {
    stdout: textOf(stdoutBytes),
    stderr,
    stdoutBytes,
    stderrBytes,
    exit,
    code: 'code' in exit ? exit.code : undefined,
    signal: 'signal' in exit ? exit.signal : undefined,
    truncated: output.out.truncated || output.errors.truncated,
  }
}
