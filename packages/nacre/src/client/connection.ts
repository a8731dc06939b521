// Owns a client's connection once it is there: running commands, opening channels, ending. Knows nothing of how it came
// about or who logged in.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import { session as sessionType } from '../connection/channel-types/session.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import { env as envRow } from '../connection/requests/env.ts'
import { exec as execRow } from '../connection/requests/exec.ts'
import { ptyReq } from '../connection/requests/pty-req.ts'
import { shell as shellRow } from '../connection/requests/shell.ts'
import { subsystem as subsystemRow } from '../connection/requests/subsystem.ts'
import type { TerminalModes } from '../connection/terminal-modes.ts'
import type { Ended } from '../engine/events.ts'
import { type Exit, ExitError } from '../errors.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { systemClock } from '../io/clock.ts'
import type { Link } from '../io/link.ts'
import type { PublicKey } from '../keys/public.ts'
import { Process, type TerminalSize } from './process.ts'
import { quote } from './quote.ts'

/** A string is sent as it is; a list of arguments is quoted for a POSIX shell. */
export type Command = string | readonly string[]

export interface TerminalRequest extends TerminalSize {
  /** The TERM variable. Default `xterm-256color`. */
  readonly term?: string
  readonly modes?: TerminalModes
}

export interface SessionOptions {
  /** Variables to set. Servers take only those they are configured for; a refusal is not reported. */
  readonly env?: Readonly<Record<string, string>>
  /** Asks for a terminal. */
  readonly pty?: TerminalRequest
  /** Closes the channel when it fires; what waits then rejects with its reason. */
  readonly signal?: AbortSignal
}

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
/** Servers known to understand eow@openssh.com; PROTOCOL asks not to send it to others. */
const eowServers = /^(OpenSSH|nacre)/
const defaultTerm = 'xterm-256color'
/** How long disposal waits for channels to close before it disconnects regardless, in milliseconds. */
const goodbyeMilliseconds = 2000

export interface ConnectionFacts {
  readonly user: string
  readonly hostKey: PublicKey
  readonly serverVersion: string
  readonly banner: string
}

export class ClientConnection implements AsyncDisposable {
  readonly #link: Link
  /** Who we are logged in as. */
  readonly user: string
  /** The key the server proved. */
  readonly hostKey: PublicKey
  /** The server's software version (RFC 4253 §4.2); text from the peer. */
  readonly serverVersion: string
  /** What the server said before login (RFC 4252 §5.4); text from the peer: escape it before showing it. */
  readonly banner: string

  constructor(link: Link, facts: ConnectionFacts) {
    this.#link = link
    this.user = facts.user
    this.hostKey = facts.hostKey
    this.serverVersion = facts.serverVersion
    this.banner = facts.banner
  }

  /** The algorithms in use. */
  get algorithms(): Agreed | undefined {
    return this.#link.agreed
  }
  /** Resolves when the connection has ended and says how; never rejects. */
  get closed(): Promise<Ended> {
    return this.#link.closed
  }
  /** The layer below, for services built on connections. */
  get link(): Link {
    return this.#link
  }

  /** Runs a command and collects its output. Rejects when the connection ends or `signal` fires, or by `check`. */
  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    const process = await this.#session(options, port => {
      const begun = port.ask(execRow, { command: commandLine(command) })
      // The end of no input leaves together with the request.
      if (options.input === undefined) port.eof()
      return begun
    })
    const limit = options.maximumOutput ?? defaultMaximumOutput
    const stdout = new Collected(limit)
    const stderr = new Collected(limit)
    process.tap({ stdout: bytes => stdout.add(bytes), stderr: bytes => stderr.add(bytes) })
    // Never waited for: a source that hangs must not hold up what came of the command.
    if (options.input !== undefined) void feed(process, options.input)
    const exit = await withSignal(process.exited, options.signal)
    if (options.check === true && !('code' in exit && exit.code === 0)) throw exitError(command, exit, stderr.text())
    return {
      stdout: stdout.text(),
      stderr: stderr.text(),
      stdoutBytes: stdout.bytes(),
      stderrBytes: stderr.bytes(),
      exit,
      code: 'code' in exit ? exit.code : undefined,
      signal: 'signal' in exit ? exit.signal : undefined,
      truncated: stdout.truncated || stderr.truncated,
    }
  }

  /** Starts a command and gives its streams. */
  async exec(command: Command, options: SessionOptions = {}): Promise<Process> {
    return await this.#session(options, port => port.ask(execRow, { command: commandLine(command) }))
  }

  /** Starts the user's shell, with a terminal unless `pty` is absent from the options on purpose. */
  async shell(options: SessionOptions = { pty: { columns: 80, rows: 24 } }): Promise<Process> {
    return await this.#session(options, port => port.ask(shellRow, {}))
  }

  /** Starts a subsystem, e.g. `sftp` (RFC 4254 §6.5). */
  async subsystem(name: string, options: SessionOptions = {}): Promise<Process> {
    return await this.#session(options, port => port.ask(subsystemRow, { subsystemName: name }))
  }

  /** Opens a channel of any type. */
  async open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort> {
    return await this.#link.open(row, details)
  }

  /** Sends a global request and resolves with the details of the reply. */
  async request<T>(row: GlobalRequestRow<string, T>, value: T): Promise<Uint8Array> {
    return await this.#link.request(row, value)
  }

  /** Resolves when the server has answered. */
  async ping(): Promise<void> {
    await this.#link.ping()
  }

  /** Starts a key exchange now. */
  rekey(): void {
    this.#link.rekey()
  }

  async #session(options: SessionOptions, begin: (port: ChannelPort) => Promise<void>): Promise<Process> {
    options.signal?.throwIfAborted()
    const port = await withSignal(this.#link.open(sessionType, {}), options.signal, late => late.abort())
    const process = new Process(port, eowServers.test(this.serverVersion))
    const { signal } = options
    if (signal !== undefined) {
      const abort = (): void => process.close()
      signal.addEventListener('abort', abort, { once: true })
      void process.exited.catch(() => {}).then(() => signal.removeEventListener('abort', abort))
    }
    try {
      // All requests leave in one write; the answers come in order (RFC 4254 §5.4).
      const { pty } = options
      const wishes: Promise<void>[] = []
      if (pty !== undefined) {
        wishes.push(
          port.ask(ptyReq, {
            term: pty.term ?? defaultTerm,
            columns: pty.columns,
            rows: pty.rows,
            widthPixels: pty.widthPixels ?? 0,
            heightPixels: pty.heightPixels ?? 0,
            modes: pty.modes ?? {},
          }),
        )
      }
      for (const [name, value] of Object.entries(options.env ?? {})) port.notify(envRow, { name, value })
      wishes.push(begin(port))
      const outcomes = await Promise.allSettled(wishes)
      for (const [index, outcome] of outcomes.entries()) {
        // A server whose threads race (paramiko's) may close the channel of a quick command before it answers the request
        // to run it. What has run was not refused.
        const forgiven = index === outcomes.length - 1 && process.ran
        if (outcome.status === 'rejected' && !forgiven) throw outcome.reason
      }
      options.signal?.throwIfAborted()
      return process
    } catch (error) {
      process.close()
      throw options.signal?.aborted === true ? options.signal.reason : error
    }
  }

  /** Says goodbye and waits until the connection is gone. Never rejects. */
  async close(): Promise<void> {
    this.#link.disconnect('by-application', '')
    await Promise.race([this.#link.closed, new Promise<void>(resolve => systemClock.after(goodbyeMilliseconds, resolve))])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const commandLine = (command: Command): string => (typeof command === 'string' ? command : quote(command))

/** Output of a command, up to a limit. */
class Collected {
  readonly #limit: number
  readonly #chunks: Uint8Array[] = []
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
    this.#chunks.push(kept)
    this.#length += kept.length
  }
  bytes(): Uint8Array {
    const all = new Uint8Array(this.#length)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }
  text(): string {
    return new TextDecoder().decode(this.bytes())
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

/** `work`, or the reason of `signal` if that fires first; `late` then takes care of a result that still comes. */
const withSignal = async <T>(work: Promise<T>, signal: AbortSignal | undefined, late: (value: T) => void = () => {}): Promise<T> => {
  if (signal === undefined) return await work
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = (): void => {
    work.then(late, () => {})
    reject(signal.reason)
  }
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
