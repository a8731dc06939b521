// Owns a client's connection once it is there: running commands, opening channels, ending. Knows nothing of how it came
// about or who logged in.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import { directStreamlocal } from '../connection/channel-types/direct-streamlocal.ts'
import { directTcpip } from '../connection/channel-types/direct-tcpip.ts'
import { session as sessionType } from '../connection/channel-types/session.ts'
import { noMoreSessions } from '../connection/global-requests/no-more-sessions.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import { exec as execRow } from '../connection/requests/exec.ts'
import { shell as shellRow } from '../connection/requests/shell.ts'
import { subsystem as subsystemRow } from '../connection/requests/subsystem.ts'
import type { Ended } from '../engine/events.ts'
import { RequestRefusedError, SftpError } from '../errors.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import type { ChannelStream } from '../io/channel-stream.ts'
import { systemClock } from '../io/clock.ts'
import type { Link } from '../io/link.ts'
import type { PublicKey } from '../keys/public.ts'
import type { OpenSftpOptions } from '../sftp/client/open.ts'
import type { LocalFiles } from '../sftp/transfer/local.ts'
import type { Sftp } from '../sftp/client/sftp.ts'
import type { ForwardAgent } from './agent-forward.ts'
import { forwards, refuseForwarding } from './careful.ts'
import { dialOver, type TcpChannelOptions } from './dial.ts'
import { type DialTarget, parseDialTarget } from './dial-target.ts'
import type { Forward } from '../forward/forward.ts'
import { isUnixPlace, type LocalSockets, type UnixPlace } from '../forward/sockets.ts'
import type { ForwardRequest, SocksRequest } from './forward.ts'
import type { ReverseForwards, ReverseRequest } from './reverse.ts'
import type { TunnelOptions } from './tunnel.ts'
import type { Tunnel } from '../forward/tunnel.ts'
import type { Process } from './process.ts'
import { processPipe } from './process-pipe.ts'
import type { IdleChannels } from '../io/idle-limits.ts'
import type { QualityOfSessions } from './quality.ts'
import { collect, type Command, commandLine, type RunOptions, type RunResult } from './run.ts'
import type { ChannelServer, ServedChannels } from './served-channels.ts'
import type { SessionForwards, SessionForwardsNeeds } from './session-forwards.ts'
import { type BeginSession, type SessionOptions, SessionStart } from './session-start.ts'

export interface SftpOptions extends Pick<OpenSftpOptions, 'deadline' | 'signal'> {
  /** The subsystem that speaks SFTP. Default `sftp`. */
  readonly subsystem?: string
  /** A command that does, in place of a subsystem: `/usr/lib/openssh/sftp-server`. */
  readonly command?: Command
}

export interface OpenedChannel {
  /** Ours; unique while it is open. */
  readonly number: number
  /** `session`, `direct-tcpip`, … */
  readonly channelType: string
}

/** Servers known to understand eow@openssh.com; PROTOCOL asks not to send it to others. */
const eowServers = /^(OpenSSH|nacre)/
/** How long disposal waits for channels to close before it disconnects regardless, in milliseconds. */
const goodbyeMilliseconds = 2000

export interface ConnectionFacts {
  readonly user: string
  /** `undefined` for a connection that another process has made. */
  readonly hostKey: PublicKey | undefined
  readonly serverVersion: string
  readonly banner: string
  /** Files at this end, for SFTP. */
  readonly localFiles?: (() => Promise<LocalFiles>) | undefined
  /** Sockets at this end, for forwards. */
  readonly sockets?: (() => Promise<LocalSockets>) | undefined
  /** Who takes the channels the server opens. */
  readonly served: ServedChannels
  /** Told of sessions, once it is known what for, to close those that are idle for too long. */
  readonly idle?: IdleChannels | undefined
  /** The agent of sessions that do not say otherwise. */
  readonly forwardAgent?: ForwardAgent | undefined
  /** Told of sessions, for what the network is asked for. */
  readonly quality?: QualityOfSessions | undefined
  /** Variables of every session, beside those it asks for itself, which win. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** What sessions need that forward an agent or a display. */
  readonly forwarding: SessionForwardsNeeds
  /** The host key was taken although it may be that of another server; see `HostKeyTrust`. */
  readonly untrusted?: boolean
  /** Resolves when what the connection rests on is gone too, once it has ended, and what went on beside it is done. */
  readonly gone?: (() => Promise<unknown>) | undefined
}

/** The same with another signal, or none: what ended the first is nothing to the next. */
const signalled = (given: SftpOptions, signal: AbortSignal | undefined): SftpOptions => {
  const { subsystem, command, deadline } = given
  return {
    ...(subsystem === undefined ? {} : { subsystem }),
    ...(command === undefined ? {} : { command }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(signal === undefined ? {} : { signal }),
  }
}

export class ClientConnection implements AsyncDisposable {
  readonly #link: Link
  readonly #localFiles: (() => Promise<LocalFiles>) | undefined
  readonly #served: ServedChannels
  readonly #idle: IdleChannels | undefined
  readonly #sockets: (() => Promise<LocalSockets>) | undefined
  #reverse: ReverseForwards | undefined
  readonly #forwardAgent: ForwardAgent
  readonly #quality: QualityOfSessions | undefined
  readonly #env: Readonly<Record<string, string>> | undefined
  readonly #forwarding: SessionForwardsNeeds
  #sessionForwards: SessionForwards | undefined
  readonly #knowsEow: boolean
  readonly #gone: (() => Promise<unknown>) | undefined
  /** Who we are logged in as. */
  readonly user: string
  readonly #hostKey: PublicKey | undefined
  /** The server's software version (RFC 4253 §4.2); text from the peer. Empty where another process made the connection and does not tell. */
  readonly serverVersion: string
  /** What the server said before login (RFC 4252 §5.4); text from the peer: escape it before showing it. */
  readonly banner: string
  /** The host key was taken although it may be that of another server: nothing is forwarded either way. */
  readonly untrusted: boolean

  constructor(link: Link, facts: ConnectionFacts) {
    this.#link = link
    this.user = facts.user
    this.#hostKey = facts.hostKey
    this.serverVersion = facts.serverVersion
    this.#knowsEow = eowServers.test(facts.serverVersion)
    this.banner = facts.banner
    this.untrusted = facts.untrusted === true
    this.#localFiles = facts.localFiles
    this.#served = facts.served
    this.#idle = facts.idle
    this.#sockets = facts.sockets
    this.#forwardAgent = this.untrusted ? false : (facts.forwardAgent ?? false)
    this.#env = facts.env
    this.#quality = facts.quality
    this.#forwarding = facts.forwarding
    this.#gone = facts.gone
  }

  /** The key the server proved. Throws `TypeError` for a `shared` connection: who made that has seen it. */
  get hostKey(): PublicKey {
    if (this.#hostKey === undefined) throw new TypeError('a shared connection has no host key: the process that made it has seen that')
    return this.#hostKey
  }
  /** True when another process made the connection and shares it. */
  get shared(): boolean {
    return this.#hostKey === undefined
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

  /** What is open, or opening, on this connection: sessions and forwarded connections of both sides. */
  get channels(): readonly OpenedChannel[] {
    return this.#link.engine.connection.channels.map(({ number, channelType }) => ({ number, channelType }))
  }

  /** Resolves when no channel is open, or the connection has ended. */
  async quiet(): Promise<void> {
    await this.#link.quiet()
  }

  /** Promises to open no more sessions; servers of OpenSSH hold us to it (PROTOCOL, 2.2). */
  noMoreSessions(): void {
    if (this.#knowsEow) this.#link.notify(noMoreSessions, {})
  }

  /** Runs a command and collects its output. Rejects when the connection ends or `signal` fires, or by `check`. */
  async run(command: Command, options: RunOptions = {}): Promise<RunResult> {
    return await collect(command, options, begin => this.#session(options, commandSession, begin))
  }

  /** Starts a command and gives its streams. */
  async exec(command: Command, options: SessionOptions = {}): Promise<Process> {
    return await this.#session(options, commandSession, (port, answered) =>
      port.request(execRow, { command: commandLine(command) }, answered),
    )
  }

  /** Starts the user's shell, with a terminal unless `pty` is absent from the options on purpose. */
  async shell(options: SessionOptions = { pty: { columns: 80, rows: 24 } }): Promise<Process> {
    return await this.#session(options, 'session:shell', (port, answered) => port.request(shellRow, {}, answered))
  }

  /** Starts a subsystem, e.g. `sftp` (RFC 4254 §6.5). */
  async subsystem(name: string, options: SessionOptions = {}): Promise<Process> {
    return await this.#session(options, subsystemSession(name), (port, answered) =>
      port.request(subsystemRow, { subsystemName: name }, answered),
    )
  }

  /** Files on the server. Our greeting leaves together with the request for the subsystem. `signal` matters only until it resolves. */
  async sftp(given: SftpOptions = {}): Promise<Sftp> {
    return await this.#sftp(given, undefined)
  }

  /** `alike`: a session of the same kind that is open already. */
  async #sftp(given: SftpOptions, alike: Sftp | undefined): Promise<Sftp> {
    const { subsystem = 'sftp', command, signal, deadline } = given
    signal?.throwIfAborted()
    // Most programs only run commands: they need not load it.
    const { openSftp } = await import('../sftp/client/open.ts')
    const opening = new AbortController()
    const abort = (): void => opening.abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    if (signal?.aborted === true) abort()
    let files: Promise<Sftp> | undefined
    try {
      const asked = systemClock.now()
      const kind = command === undefined ? subsystemSession(subsystem) : commandSession
      await this.#session({ signal: opening.signal }, kind, (port, answered, made) => {
        if (command === undefined) port.request(subsystemRow, { subsystemName: subsystem }, answered)
        else port.request(execRow, { command: commandLine(command) }, answered)
        const another = async (stop: AbortSignal | undefined): Promise<Sftp> => await this.#sftp(signalled(given, stop), await files)
        // A channel opens without a program being started: that takes as long as the way.
        const ends = { localFiles: this.#localFiles, another, roundTrip: systemClock.now() - asked }
        const options = {
          signal: opening.signal,
          serverVersion: this.serverVersion,
          ends,
          alike: alike?.calls.requests,
          ...(deadline === undefined ? {} : { deadline }),
        }
        files = openSftp(processPipe(made), options)
        // It fails too when the request is refused, which is told as such.
        files.catch(() => {})
      })
      if (files === undefined) throw new TypeError('a session that has started was never begun')
      return await files
    } catch (error) {
      throw error instanceof RequestRefusedError ? noSftp(command === undefined ? `subsystem "${subsystem}"` : 'command', error) : error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  /**
   * A connection from the server on: to `host:port`, to a host and port, or to a Unix socket by its path. Rejects with
   * `ConnectError` when the server makes none, or does not permit it.
   */
  async dial(target: string | DialTarget | UnixPlace, options: TcpChannelOptions = {}): Promise<ChannelStream> {
    const place = typeof target !== 'string' ? target : target.startsWith('/') ? { path: target } : parseDialTarget(target)
    if (this.untrusted) refuseForwarding(isUnixPlace(place) ? directStreamlocal.name : directTcpip.name)
    return await dialOver(this.#link, place, options)
  }

  /**
   * Listens here and has the server connect on (`ssh -L`). Rejects with `ForwardError` when nothing can listen there. It ends with
   * the connection.
   */
  async forward(request: ForwardRequest): Promise<Forward> {
    if (this.untrusted) refuseForwarding('forward')
    const { forwardLocal } = await import('./forward.ts')
    return await forwardLocal({ link: this.#link, sockets: this.#sockets }, request)
  }

  /** Listens here for SOCKS 4, 4a and 5; whoever connects says where the server connects to (`ssh -D`). Rejects like `forward`. */
  async socks(request: SocksRequest): Promise<Forward> {
    if (this.untrusted) refuseForwarding('socks')
    const { forwardSocks } = await import('./forward.ts')
    return await forwardSocks({ link: this.#link, sockets: this.#sockets }, request)
  }

  /**
   * Has the server listen, and takes what connects there (`ssh -R`): this end connects on, or a function gets the stream. Rejects
   * with `ForwardError` when the server does not listen.
   */
  async reverse(request: ReverseRequest): Promise<Forward> {
    if (this.untrusted) refuseForwarding('reverse')
    const { ReverseForwards } = await import('./reverse.ts')
    this.#reverse ??= new ReverseForwards({
      link: this.#link,
      sockets: this.#sockets,
      serve: (channelType, server) => this.serve(channelType, server),
    })
    return await this.#reverse.add(request)
  }

  /**
   * Joins a network device of this end with one of the server's (`ssh -w`). Rejects with `ForwardError` FORWARD_TUNNEL when the server
   * makes none.
   */
  async tunnel(options: TunnelOptions): Promise<Tunnel> {
    if (this.untrusted) refuseForwarding('tunnel')
    const { openTunnel } = await import('./tunnel.ts')
    return await openTunnel(this.#link, options)
  }

  /** Opens a channel of any type; only sessions where the server is `untrusted`. */
  async open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort> {
    if (this.untrusted && row.name !== sessionType.name) refuseForwarding(row.name)
    const port = await this.#link.open(row, details)
    if (row.name === sessionType.name) this.#idle?.watch(port, row.name)
    return port
  }

  /**
   * Takes channels of a type that the server opens; until then they are refused. `server` accepts by `link.accept`, or refuses, or
   * says `false` and leaves it to others. The result ends that.
   */
  serve(channelType: string, server: ChannelServer): () => void {
    if (this.untrusted) refuseForwarding(channelType)
    return this.#served.serve(channelType, server)
  }

  /** Sends a global request and resolves with the details of the reply. */
  async request<T>(row: GlobalRequestRow<string, T>, value: T): Promise<Uint8Array> {
    if (this.untrusted && forwards(row.name)) refuseForwarding(row.name)
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

  /** `kind`: what the session is, as ChannelTimeout calls it. */
  async #session(options: SessionOptions, kind: string, begin: BeginSession): Promise<Process> {
    const { forwardAgent = this.#forwardAgent, x11 } = options
    if (forwardAgent === false && x11 === undefined) return await this.#start(options, kind, begin)
    const asking = { ...options, forwardAgent }
    const { SessionForwards, refuseSessionForwards } = await import('./session-forwards.ts')
    if (this.untrusted) refuseSessionForwards(asking)
    const facts = { link: this.#link, served: this.#served, sockets: this.#sockets, ...this.#forwarding }
    const forwards = (this.#sessionForwards ??= new SessionForwards(facts))
    return await this.#start(asking, kind, (port, answered, process) => {
      forwards.ask(port, asking)
      begin(port, answered, process)
    })
  }

  #start(asked: SessionOptions, kind: string, begin: BeginSession): Promise<Process> {
    const options = this.#env === undefined ? asked : { ...asked, env: { ...this.#env, ...asked.env } }
    return new Promise((resolve, reject) => {
      options.signal?.throwIfAborted()
      const quality = this.#quality
      const beginMarked: BeginSession = (port, answered, process) => {
        this.#idle?.watch(port, kind)
        if (quality !== undefined) port.whenClosed(quality.begun(options.pty !== undefined))
        begin(port, answered, process)
      }
      const start = new SessionStart(options, beginMarked, this.#knowsEow, { resolve, reject }, () => this.#link.chaff())
      try {
        this.#link.openFor(start, sessionType, {})
      } catch (error) {
        start.failed(error)
      }
    })
  }

  /** Says goodbye and waits until the connection is gone. Never rejects. */
  async close(): Promise<void> {
    this.#link.disconnect('by-application', '')
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = systemClock.after(goodbyeMilliseconds, resolve)
    await Promise.race([this.#link.closed.then(() => this.#gone?.()), promise])
    cancel()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const commandSession = 'session:command'
const subsystemSession = (name: string): string => `session:subsystem:${name}`

const noSftp = (what: string, cause: Error): SftpError =>
  new SftpError(
    'no-connection',
    `Cannot start SFTP: the server refused the ${what}. It may offer no SFTP, or not to this user; where sftp-server is installed, its path can be given as \`command\`.`,
    { operation: 'start SFTP' },
    { cause },
  )
