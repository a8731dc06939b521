// Owns one session a client opened: its requests up to the start of a command, shell or subsystem, its streams, and how it
// ends. Knows nothing of processes or users' homes; a handler does the work.
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import type { ChannelRequestQuestion } from '../connection/events.ts'
import { exitSignal } from '../connection/requests/exit-signal.ts'
import { exitStatus } from '../connection/requests/exit-status.ts'
import type { TerminalModes } from '../connection/terminal-modes.ts'
import { type Exit, withoutStack } from '../errors.ts'
import { ByteQueue, type ByteWritable, byteWritable } from '../io/channel-streams.ts'
import type { ChannelPort, PortHandler } from '../io/channel-port.ts'
import { Ending } from '../io/ending.ts'
import type { RemoteAddress } from '../io/transport.ts'
import { matchesPatternList } from '../patterns.ts'
import {
  type DisplayRequest,
  isPlainDisplay,
  type SessionAgent,
  sessionAgent,
  type SessionDisplay,
  sessionDisplay,
  type SessionOpener,
} from './session-forwards.ts'

/** The terminal a client asked for. `size` is of the start; `Session.onResize` tells of changes. */
export interface SessionTerminal {
  readonly term: string
  readonly modes: TerminalModes
  readonly columns: number
  readonly rows: number
  readonly widthPixels: number
  readonly heightPixels: number
}

export interface WindowSize {
  readonly columns: number
  readonly rows: number
  readonly widthPixels: number
  readonly heightPixels: number
}

/** Raw access to a session's bytes, for handlers that copy them on without streams. */
export interface SessionTap {
  /**
   * Bytes from the client, valid until it returns unless `detached`; a promise holds the client back until it settles.
   */
  stdin(bytes: Uint8Array, detached: boolean): void | Promise<void>
  /** The client will send no more. */
  end(): void
}

/** What a handler sees. `user` is what the authenticator returned after proof, nothing a client merely said. */
export interface Session<Identity> {
  readonly user: Identity
  /** The name the client logged in with. */
  readonly userName: string
  readonly remote: RemoteAddress | undefined
  /** The client's software version (RFC 4253 §4.2); text from the peer. */
  readonly clientVersion: string
  readonly kind: 'exec' | 'shell' | 'subsystem'
  /** The command line as sent, for `exec`. */
  readonly command: string | undefined
  /** The name, for `subsystem`. */
  readonly subsystem: string | undefined
  /** Variables the client set and the server accepts. */
  readonly env: Readonly<Record<string, string>>
  /** The terminal, when the client asked for one. */
  readonly pty: SessionTerminal | undefined
  /** The client's agent, when it forwards one and the server permits it. */
  readonly agent: SessionAgent | undefined
  /** The client's display, when it forwards one and the server permits it. */
  readonly x11: SessionDisplay | undefined
  readonly stdin: ReadableStream<Uint8Array>
  readonly stdout: ByteWritable
  readonly stderr: ByteWritable
  /** Fires when the session is gone: the client closed it, or the connection ended. */
  readonly signal: AbortSignal
  /** Sends all further input to `tap`, without streams. */
  tap(tap: SessionTap): void
  /** Lets the client have up to `size` bytes of input under way, if that is more than until now. See `Channel.widen`. */
  widen(size: number): void
  /** Writes without a promise when there is room at once. */
  write(bytes: Uint8Array, type?: 0 | 1): Promise<void> | undefined
  onResize(listener: (size: WindowSize) => void): void
  /** Signal names without SIG. */
  onSignal(listener: (name: string) => void): void
  /** RFC 4335; milliseconds, 0 for a length of the server's choice. Without a listener breaks are refused. */
  onBreak(listener: (milliseconds: number) => void): void
  /** The client reads no more output (eow@openssh.com). */
  onOutputClosed(listener: () => void): void
}

/** An exit status, a whole `Exit`, or nothing for status 0. */
export type HandlerResult = number | Exit | undefined | void
export type SessionHandler<Identity> = (session: Session<Identity>) => HandlerResult | Promise<HandlerResult>

/** What a client asked for and does not get. Names are its text. */
export type SessionRefusal =
  | { readonly what: 'session'; readonly maximum: number }
  | { readonly what: 'terminal' | 'command' | 'shell' }
  | { readonly what: 'variable' | 'subsystem'; readonly name: string }

export interface SessionHandlers<Identity> {
  readonly exec?: SessionHandler<Identity>
  readonly shell?: SessionHandler<Identity>
  /** By name, e.g. `sftp`. */
  readonly subsystems?: Readonly<Record<string, SessionHandler<Identity>>>
  /** Whether terminals are given. Default true; what a terminal means is up to the handler. */
  readonly pty?: boolean | ((session: { readonly user: Identity; readonly term: string }) => boolean)
  /** Whether clients may forward their agent (`Session.agent`). Default false. */
  readonly agent?: boolean | ((session: { readonly user: Identity }) => boolean)
  /** Whether clients may forward a display (`Session.x11`). Default false. */
  readonly x11?: boolean | ((session: { readonly user: Identity }) => boolean)
  /** Variables that are accepted; `*` matches any text. Default `LANG`, `LC_*`, `COLORTERM`, `NO_COLOR`. */
  readonly acceptEnv?: readonly string[]
  /** Told of what is refused for one of these rules, or because nothing here serves it. */
  readonly onRefused?: (refusal: SessionRefusal) => void
}

const sessionClosed = withoutStack(() => new Error('the session is closed'))
const defaultAcceptEnv: readonly string[] = ['LANG', 'LC_*', 'COLORTERM', 'NO_COLOR']
/** Ceilings on what a client may set before a command starts. */
const maximumVariables = 128
const maximumVariableBytes = 64 * 1024

export interface SessionOwner<Identity> {
  readonly identity: Identity
  readonly userName: string
  readonly remote: RemoteAddress | undefined
  readonly clientVersion: string
  readonly handlers: SessionHandlers<Identity>
  /** What a handler threw. */
  failed(error: unknown): void
  /** Has a session's channel, or another of its type, closed once nothing passes for as long as may be. */
  watchIdle(port: ChannelPort, type: string): void
  /** Something starts in the session of this channel. */
  begun(port: ChannelPort, withTerminal: boolean): void
  /** The session's channel is closed. */
  gone(): void
  /** Opens a channel to the client. */
  open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort>
}

/** Tells a listener, if there is one. */
const tell = <T>(listener: ((value: T) => void) | undefined, value: T): boolean => {
  listener?.(value)
  return listener !== undefined
}

class ServedSession<Identity> implements Session<Identity>, PortHandler {
  readonly user: Identity
  readonly userName: string
  readonly remote: RemoteAddress | undefined
  kind: 'exec' | 'shell' | 'subsystem' = 'shell'
  command: string | undefined
  subsystem: string | undefined
  pty: SessionTerminal | undefined
  agent: SessionAgent | undefined
  x11: SessionDisplay | undefined
  readonly #owner: SessionOwner<Identity>
  readonly #port: ChannelPort
  readonly #gone = new Ending()
  #input: ByteQueue | undefined
  #stdout: ByteWritable | undefined
  #stderr: ByteWritable | undefined
  #tap: SessionTap | undefined
  #started = false
  /** Made when the client sets one, or the handler looks. */
  #env: Record<string, string> | undefined
  #variableBytes = 0
  #resized: ((size: WindowSize) => void) | undefined
  #signalled: ((name: string) => void) | undefined
  #broken: ((milliseconds: number) => void) | undefined
  #outputClosed: (() => void) | undefined
  #inputEnded = false

  constructor(port: ChannelPort, owner: SessionOwner<Identity>) {
    this.#port = port
    this.#owner = owner
    this.user = owner.identity
    this.userName = owner.userName
    this.remote = owner.remote
    port.handle(this)
  }

  /** Made when somebody looks at the input as a stream, or when bytes come before anybody has said how he wants them. */
  get #stdin(): ByteQueue {
    if (this.#input === undefined) {
      this.#input = new ByteQueue(count => this.#port.consume(count))
      if (this.#inputEnded) this.#input.end()
    }
    return this.#input
  }

  get clientVersion(): string {
    return this.#owner.clientVersion
  }
  get stdin(): ReadableStream<Uint8Array> {
    return this.#stdin.stream
  }
  get stdout(): ByteWritable {
    return (this.#stdout ??= this.#writable(0))
  }
  get stderr(): ByteWritable {
    return (this.#stderr ??= this.#writable(1))
  }
  get env(): Record<string, string> {
    return (this.#env ??= {})
  }
  get signal(): AbortSignal {
    return this.#gone.signal
  }

  #writable(type: 0 | 1): ByteWritable {
    return byteWritable({
      write: bytes => this.write(bytes, type),
      end: () => {},
      abort: () => {},
      whenClosed: listener => this.#port.whenClosed(listener),
    })
  }

  write(bytes: Uint8Array, type: 0 | 1 = 0): Promise<void> | undefined {
    return this.#port.write(bytes, type)
  }

  widen(size: number): void {
    this.#port.widen(size)
  }
  tap(tap: SessionTap): void {
    this.#tap = tap
    for (const chunk of this.#input?.drain() ?? []) this.data(chunk, 0, true)
    if (this.#inputEnded) tap.end()
  }
  onResize(listener: (size: WindowSize) => void): void {
    this.#resized = listener
  }
  onSignal(listener: (name: string) => void): void {
    this.#signalled = listener
  }
  onBreak(listener: (milliseconds: number) => void): void {
    this.#broken = listener
  }
  onOutputClosed(listener: () => void): void {
    this.#outputClosed = listener
  }

  // ── for the port ──────────────────────────────────────────────────────────────────────────────────────────────────

  data(bytes: Uint8Array, type: number, detached: boolean): void {
    const count = bytes.length
    if (type !== 0) {
      // RFC 4254 defines no extended data from a client; it is counted and dropped.
      this.#port.consume(count)
    } else if (this.#tap === undefined) {
      this.#stdin.push(detached ? bytes : bytes.slice())
    } else {
      const taken = this.#tap.stdin(bytes, detached)
      if (taken === undefined) this.#port.consume(count)
      else void taken.catch(() => {}).then(() => this.#port.consume(count))
    }
  }

  eof(): void {
    if (this.#inputEnded) return
    this.#inputEnded = true
    this.#input?.end()
    this.#tap?.end()
  }

  closed(error: Error | undefined): void {
    this.eof()
    this.#gone.end(error ?? sessionClosed)
    this.#owner.gone()
  }

  request(question: ChannelRequestQuestion): void {
    const done = this.#take(question)
    if (done === undefined) return
    if (done) question.succeed()
    else question.fail()
  }

  /** Deals with one request; `undefined` when it answered for itself. */
  #take(question: ChannelRequestQuestion): boolean | undefined {
    const { request } = question
    switch (request.type) {
      case 'env':
        return this.#setVariable(request.value.name, request.value.value)
      case 'pty-req':
        return this.#allocate(request.value)
      case 'auth-agent-req@openssh.com':
      case 'agent-req':
        return this.#lendAgent(request.type === 'agent-req')
      case 'x11-req':
        return this.#lendDisplay(request.value)
      case 'window-change':
        return tell(this.#resized, request.value)
      case 'signal':
        return tell(this.#signalled, request.value.signalName)
      case 'break':
        return tell(this.#broken, request.value.breakLength)
      case 'eow@openssh.com':
        this.#outputClosed?.()
        return true
      case 'exec':
        return this.#start(question, 'exec', request.value.command)
      case 'shell':
        return this.#start(question, 'shell')
      case 'subsystem':
        return this.#start(question, 'subsystem', request.value.subsystemName)
      default:
        return false
    }
  }

  #setVariable(name: string, value: string): boolean {
    if (this.#started) return false
    if (!matchesPatternList(this.#owner.handlers.acceptEnv ?? defaultAcceptEnv, name)) return this.#refused({ what: 'variable', name })
    this.#variableBytes += name.length + value.length
    if (Object.keys(this.env).length >= maximumVariables || this.#variableBytes > maximumVariableBytes || value.includes('\0')) return false
    this.env[name] = value
    return true
  }

  #allocate(terminal: SessionTerminal): boolean {
    if (this.#started || this.pty !== undefined) return false
    const { pty } = this.#owner.handlers
    if (!(typeof pty === 'function' ? pty({ user: this.user, term: terminal.term }) : (pty ?? true)))
      return this.#refused({ what: 'terminal' })
    this.pty = terminal
    return true
  }

  #refused(refusal: SessionRefusal): false {
    this.#owner.handlers.onRefused?.(refusal)
    return false
  }

  #permits(rule: boolean | ((session: { readonly user: Identity }) => boolean) | undefined): boolean {
    return typeof rule === 'function' ? rule({ user: this.user }) : rule === true
  }

  #opener(): SessionOpener {
    const gone = this.#gone
    return {
      open: (row, details) => this.#owner.open(row, details),
      watch: (port, type) => this.#owner.watchIdle(port, type),
      get over() {
        return gone.over
      },
    }
  }

  #lendAgent(byRfc: boolean): boolean {
    if (this.#started || this.agent !== undefined || !this.#permits(this.#owner.handlers.agent)) return false
    this.agent = sessionAgent(this.#opener(), byRfc)
    return true
  }

  #lendDisplay(asked: DisplayRequest): boolean {
    if (this.#started || this.x11 !== undefined || !isPlainDisplay(asked) || !this.#permits(this.#owner.handlers.x11)) return false
    this.x11 = sessionDisplay(this.#opener(), asked)
    return true
  }

  #handlerFor(kind: Session<Identity>['kind'], what: string): SessionHandler<Identity> | undefined {
    const { handlers } = this.#owner
    if (kind !== 'subsystem') return handlers[kind]
    const { subsystems } = handlers
    return subsystems !== undefined && Object.hasOwn(subsystems, what) ? subsystems[what] : undefined
  }

  /** RFC 4254 §6.5: one of them per channel. `what` is the command or the name of the subsystem. */
  #start(question: ChannelRequestQuestion, kind: Session<Identity>['kind'], what = ''): boolean | undefined {
    const handler = this.#handlerFor(kind, what)
    if (this.#started) return false
    if (handler === undefined)
      return this.#refused(kind === 'subsystem' ? { what: kind, name: what } : { what: kind === 'exec' ? 'command' : kind })
    this.#started = true
    this.kind = kind
    if (kind === 'exec') this.command = what
    else if (kind === 'subsystem') this.subsystem = what
    this.#owner.watchIdle(this.#port, typeOf(kind, what))
    this.#owner.begun(this.#port, this.pty !== undefined)
    question.succeed()
    this.#serve(handler)
    return undefined
  }

  /** A handler that is done at once leaves its exit in the same write as the answer to the request. */
  #serve(handler: SessionHandler<Identity>): void {
    try {
      const result = handler(this)
      if (result instanceof Promise)
        result.then(
          done => this.#finish(done ?? 0),
          (error: unknown) => this.#failed(error),
        )
      else this.#finish(result ?? 0)
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    // A handler that fails because the client went away has not failed.
    if (!this.#gone.over) this.#owner.failed(error)
    this.#finish(1)
  }

  /** Exit after the last byte: what was written first, then how it ended, then end of file and close. */
  #finish(result: number | Exit): void {
    if (this.#port.closed) return
    this.#port.afterWrites(() => {
      const exit: Exit = typeof result === 'number' ? { code: result } : result
      if ('code' in exit) this.#port.notify(exitStatus, { exitStatus: exit.code >>> 0 })
      else if ('signal' in exit)
        this.#port.notify(exitSignal, { signalName: exit.signal, coreDumped: exit.coreDumped, errorMessage: exit.message, languageTag: '' })
      this.#port.eof()
      this.#port.close()
    })
  }
}

/** As OpenSSH names sessions where their timeouts are set (ChannelTimeout). */
const typeOf = (kind: Session<unknown>['kind'], what: string): string =>
  kind === 'shell' ? 'session:shell' : kind === 'exec' ? 'session:command' : `session:subsystem:${what}`

/** Serves a session channel that was just accepted. */
export const serveSession = <Identity>(port: ChannelPort, owner: SessionOwner<Identity>): void => {
  void new ServedSession(port, owner)
}
