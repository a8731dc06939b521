// Owns the start of a session: the channel, what is asked of it before the command, shell or subsystem, and the server's
// answers. Knows nothing of what runs or of what becomes of its output.
import { env as envRow } from '../connection/requests/env.ts'
import { ptyReq } from '../connection/requests/pty-req.ts'
import type { TerminalModes } from '../connection/terminal-modes.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import type { ChannelOpener } from '../io/link.ts'
import { systemClock } from '../io/clock.ts'
import { anyFraction, KeystrokeCover } from './keystrokes.ts'
import type { ForwardAgent } from './agent-forward.ts'
import { Process, type TerminalSize } from './process.ts'
import type { X11Forwarding } from './x11.ts'

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
  /**
   * With a terminal: what is typed leaves about so many milliseconds apart, and for some seconds after it packets like it, so that
   * nobody who watches the wire learns when keys were struck. 0 or left out: as it comes.
   */
  readonly obscureKeystrokes?: number
  /**
   * Lets the other end use an agent of this one, for as long as the session is open. Default: what the connection was made with.
   * Rejected where the server is `untrusted`.
   */
  readonly forwardAgent?: ForwardAgent
  /** Lets programs at the other end use a display of this one. Rejected where the server is `untrusted`. */
  readonly x11?: X11Forwarding
  /** Closes the channel when it fires; what waits then rejects with its reason. */
  readonly signal?: AbortSignal
}

/**
 * Makes the request that starts something. It is called once the channel is open, within that event, and tells `answered` how
 * the server took it.
 */
export type BeginSession = (port: ChannelPort, answered: (error?: Error) => void, process: Process) => void

/** Where the outcome goes, of which there is one. */
interface Waiter {
  resolve(process: Process): void
  reject(error: unknown): void
}

const defaultTerm = 'xterm-256color'

export class SessionStart implements ChannelOpener {
  readonly #options: SessionOptions
  readonly #begin: BeginSession
  readonly #knowsEow: boolean
  readonly #waiter: Waiter
  readonly #chaff: (() => void) | undefined
  #process: Process | undefined
  /** Whoever waits has been told. */
  #over = false
  #stopListening: (() => void) | undefined

  /** `chaff` sends a packet that looks like a key. */
  constructor(options: SessionOptions, begin: BeginSession, knowsEow: boolean, waiter: Waiter, chaff?: () => void) {
    this.#chaff = chaff
    this.#options = options
    this.#begin = begin
    this.#knowsEow = knowsEow
    this.#waiter = waiter
    if (options.signal !== undefined) this.#listen(options.signal)
  }

  /** The signal closes the channel at any time, also long after the start. */
  #listen(signal: AbortSignal): void {
    const abort = (): void => {
      if (this.#over) this.#process?.close()
      else this.failed(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    this.#stopListening = () => signal.removeEventListener('abort', abort)
  }

  /** All requests leave together; the answers come in order (RFC 4254 §5.4). */
  opened(port: ChannelPort): void {
    if (this.#over) {
      port.abort()
      return
    }
    const process = new Process(port, this.#knowsEow, this.#cover(port))
    this.#process = process
    if (this.#stopListening !== undefined) port.whenClosed(this.#stopListening)
    try {
      this.#prepare(port)
      this.#begin(port, error => this.#answered(port, process, error), process)
    } catch (error) {
      this.failed(error)
    }
  }

  #cover(port: ChannelPort): KeystrokeCover | undefined {
    const { pty, obscureKeystrokes: milliseconds = 0 } = this.#options
    if (pty === undefined || milliseconds === 0 || this.#chaff === undefined) return undefined
    const cover = new KeystrokeCover(
      { write: bytes => port.write(bytes), chaff: this.#chaff },
      { milliseconds, clock: systemClock, random: anyFraction },
    )
    port.whenClosed(() => cover.stop())
    return cover
  }

  #prepare(port: ChannelPort): void {
    const { pty, env } = this.#options
    if (pty !== undefined) {
      const { term = defaultTerm, columns, rows, widthPixels = 0, heightPixels = 0, modes = {} } = pty
      port.request(ptyReq, { term, columns, rows, widthPixels, heightPixels, modes }, error => {
        if (error !== undefined) this.failed(error)
      })
    }
    if (env !== undefined) for (const [name, value] of Object.entries(env)) port.notify(envRow, { name, value })
  }

  #answered(port: ChannelPort, process: Process, error: Error | undefined): void {
    // A server whose threads race (paramiko's) may close the channel of a quick command before it answers the request to
    // run it. What has run was not refused; and whether it has, is known once all that came before the close is delivered.
    if (error === undefined || process.ran) this.#started(process)
    else if (port.channel.phase === 'gone') port.whenClosed(() => (process.ran ? this.#started(process) : this.failed(error)))
    else this.failed(error)
  }

  #started(process: Process): void {
    if (this.#over) return
    this.#over = true
    this.#waiter.resolve(process)
  }

  /** Also when the channel could not be opened, or the signal fired. */
  failed(error: unknown): void {
    if (this.#over) return
    this.#over = true
    this.#stopListening?.()
    this.#process?.close()
    this.#waiter.reject(error)
  }
}
