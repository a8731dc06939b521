// Owns one client's connection on the server: login, sessions, other channels, the end. Knows nothing of listening.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import { directTcpip as directTcpipType } from '../connection/channel-types/direct-tcpip.ts'
import { session as sessionType } from '../connection/channel-types/session.ts'
import type { GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import { hostkeysProve } from '../connection/global-requests/hostkeys.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import type { EngineConfig } from '../engine/config.ts'
import { Engine } from '../engine/engine.ts'
import type { Ended, EngineEvent, EngineQuestion } from '../engine/events.ts'
import { type DisconnectReason, SshError } from '../errors.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import type { Clock } from '../io/clock.ts'
import { Ending } from '../io/ending.ts'
import { QualityOfSessions } from '../client/quality.ts'
import { IdleChannels } from '../io/idle-limits.ts'
import { Link, type LinkHandler } from '../io/link.ts'
import type { ByteTransport, RemoteAddress } from '../io/transport.ts'
import { answerAttempts, type Authenticator, type ConnectionLimits, type RefusalFloor } from './authenticate.ts'
import type { HostKeyProofs } from './host-key-proofs.ts'
import { type SessionHandlers, type SessionOwner, serveSession } from './session.ts'

/** Answers some of what clients open and ask for; `false` when it is none of its own. */
export interface ConnectionService<Identity> {
  openRequested(question: OpenQuestion, connection: ServerConnection<Identity>): boolean
  globalRequested(question: GlobalRequestQuestion, connection: ServerConnection<Identity>): boolean
}

/** What a server does for its connections; see `ServerOptions`. */
export interface ConnectionPolicy<Identity> {
  readonly authenticate: Authenticator<Identity>
  readonly floor: RefusalFloor
  readonly session: SessionHandlers<Identity> | ((connection: ServerConnection<Identity>) => SessionHandlers<Identity>)
  /** Channel types by name, `session` too when that is to be served otherwise. Answer the question, now or later. */
  readonly channels: Readonly<Record<string, (question: OpenQuestion, connection: ServerConnection<Identity>) => void>>
  /** Global requests by name. */
  readonly globalRequests: Readonly<Record<string, (question: GlobalRequestQuestion, connection: ServerConnection<Identity>) => void>>
  /** `undefined` when nothing is forwarded. */
  readonly forwards: ConnectionService<Identity> | undefined
  /** `undefined` when clients are not told of host keys. */
  readonly hostKeyProofs: HostKeyProofs | undefined
  readonly maximumSessions: number
  readonly onError: (error: unknown, connection: ServerConnection<Identity>) => void
  readonly onEvent: (event: EngineEvent, connection: ServerConnection<Identity>) => void
}

/** Takes what a client asks for in place of the server's own policy. */
export interface Taker {
  openRequested(question: OpenQuestion): void
  /** `false` leaves the request to the server. */
  globalRequested(question: GlobalRequestQuestion): boolean
}

interface Login<Identity> {
  readonly userName: string
  readonly identity: Identity
}

export class ServerConnection<Identity = unknown> implements AsyncDisposable {
  readonly remote: RemoteAddress | undefined
  readonly #link: Link
  readonly #policy: ConnectionPolicy<Identity>
  readonly #ending = new Ending()
  /** Until the client is logged in. */
  #answer: ReturnType<typeof answerAttempts> | undefined
  #login: Login<Identity> | undefined
  #clientVersion = ''
  #attempted = false
  #applicant: string | undefined
  #sessions = 0
  #limits: ConnectionLimits | undefined
  #blame: 'invalid-user' | 'refused' | undefined
  #unused: (() => void) | undefined
  /** Of all channels together. */
  #idle: IdleChannels | undefined
  readonly #transport: Pick<ByteTransport, 'mark'>
  #quality: QualityOfSessions | undefined
  readonly #clock: Clock
  #owner: SessionOwner<Identity> | undefined
  #taker: Taker | undefined

  constructor(config: EngineConfig, transport: ByteTransport, policy: ConnectionPolicy<Identity>, clock: Clock) {
    this.remote = transport.remote
    this.#transport = transport
    this.#clock = clock
    this.#policy = policy
    this.#answer = answerAttempts(policy.authenticate, {
      remote: transport.remote,
      ending: this.#ending,
      clock,
      floor: policy.floor,
      onError: error => policy.onError(error, this),
      connection: {
        limit: limits => this.limit(limits),
        refuse: description => {
          this.#blame = 'refused'
          this.disconnect('no-more-auth-methods-available', description)
        },
        unknownUser: () => (this.#blame ??= 'invalid-user'),
      },
    })
    this.#link = new Link(new Engine(config), transport, new ServerConnection.#Handler(this), clock)
  }

  /** The face for the link. A class: closures for all of it would be a twentieth of what an idle connection holds. */
  static readonly #Handler = class<Identity> implements LinkHandler {
    readonly #connection: ServerConnection<Identity>
    constructor(connection: ServerConnection<Identity>) {
      this.#connection = connection
    }
    question(question: EngineQuestion): void {
      this.#connection.#question(question)
    }
    openRequested(question: OpenQuestion): void {
      this.#connection.#openRequested(question)
    }
    globalRequested(question: GlobalRequestQuestion): void {
      this.#connection.#globalRequested(question)
    }
    noted(event: EngineEvent): void {
      this.#connection.#noted(event)
    }
    ended(ended: Ended): void {
      this.#connection.#ended(ended)
    }
  }

  /** The face for sessions. One for all of a connection, unless each may have other handlers; see `Handler`. */
  static readonly #Owner = class<Identity> implements SessionOwner<Identity> {
    readonly #connection: ServerConnection<Identity>
    readonly identity: Identity
    readonly userName: string
    readonly handlers: SessionHandlers<Identity>
    constructor(connection: ServerConnection<Identity>, { identity, userName }: Login<Identity>, handlers: SessionHandlers<Identity>) {
      this.#connection = connection
      this.identity = identity
      this.userName = userName
      this.handlers = handlers
    }
    get remote(): RemoteAddress | undefined {
      return this.#connection.remote
    }
    get clientVersion(): string {
      return this.#connection.clientVersion
    }
    failed(error: unknown): void {
      this.#connection.#policy.onError(error, this.#connection)
    }
    watchIdle(port: ChannelPort, type: string): void {
      this.#connection.watchIdle(port, type)
    }
    begun(port: ChannelPort, withTerminal: boolean): void {
      this.#connection.#begun(port, withTerminal)
    }
    gone(): void {
      this.#connection.#sessions--
      this.#connection.#watchUnused()
    }
    open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort> {
      return this.#connection.open(row, details)
    }
  }

  /** Begins to speak. Called once, by the server. */
  start(): void {
    this.#link.start()
  }

  /** The name the client logged in with; `undefined` before. */
  get userName(): string | undefined {
    return this.#login?.userName
  }
  /** What the authenticator returned after proof; `undefined` before. */
  get identity(): Identity | undefined {
    return this.#login?.identity
  }
  get authenticated(): boolean {
    return this.#login !== undefined
  }
  /** It tried to log in, by more than asking how. */
  get attempted(): boolean {
    return this.#attempted
  }
  /** The name somebody tries to log in with, or has; text from the peer. */
  get applicant(): string | undefined {
    return this.#applicant
  }
  /** What its source is to blame for beside failing; `undefined` for nothing. */
  get blame(): 'invalid-user' | 'refused' | undefined {
    return this.#blame
  }
  /** The client's software version (RFC 4253 §4.2); text from the peer. */
  get clientVersion(): string {
    return this.#clientVersion
  }
  get algorithms(): Agreed | undefined {
    return this.#link.agreed
  }
  /** Sessions that are open now. */
  get sessions(): number {
    return this.#sessions
  }
  get link(): Link {
    return this.#link
  }
  /** Resolves when the connection has ended and says how; never rejects. */
  get closed(): Promise<Ended> {
    return this.#link.closed
  }
  /** Fires when the connection has ended. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Opens a channel to the client. */
  async open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort> {
    return await this.#link.open(row, details)
  }
  async request<T>(row: GlobalRequestRow<string, T>, value: T): Promise<Uint8Array> {
    return await this.#link.request(row, value)
  }
  rekey(): void {
    this.#link.rekey()
  }
  /** Other figures than the server's from now on; what is left out stays. Attempts are the authenticator's to limit. */
  limit(limits: ConnectionLimits): void {
    this.#limits = { ...this.#limits, ...limits }
    this.#link.engine.change({ ...(limits.keepalive && { keepalive: limits.keepalive }), ...(limits.rekey && { rekey: limits.rekey }) })
    this.#watchUnused()
  }
  disconnect(reason: DisconnectReason = 'by-application', description = ''): void {
    this.#link.disconnect(reason, description)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.disconnect()
    await this.#link.closed
  }

  /** All channels and global requests the client asks for from now on are `taker`'s; sessions that run go on. */
  handOver(taker: Taker): void {
    this.#taker = taker
  }

  /** Has a channel closed once nothing passes for as long as the limits allow its type, or all channels together. */
  watchIdle(port: ChannelPort, type: string): void {
    this.#idle ??= new IdleChannels(() => this.#limits, this.#clock)
    this.#idle.watch(port, type)
  }

  /** Asks the network for what fits the sessions there are. */
  #begun(port: ChannelPort, withTerminal: boolean): void {
    const quality = this.#limits?.ipQuality
    if (quality === undefined) return
    this.#quality ??= new QualityOfSessions(this.#transport, quality)
    port.whenClosed(this.#quality.begun(withTerminal))
  }

  /** What served one of its channels threw. */
  failed(error: unknown): void {
    this.#policy.onError(error, this)
  }

  #question(question: EngineQuestion): void {
    const answer = this.#answer
    if (question.about === 'attempt' && answer !== undefined) {
      const { ask } = question
      if (ask.attempt.method !== 'none') this.#attempted = true
      this.#applicant = ask.user
      this.#link.settle(question, () => answer(ask))
    } else {
      question.fail(new TypeError(`a server is not asked about ${question.about}`))
    }
  }

  #noted(event: EngineEvent): void {
    if (event.is === 'identified') this.#clientVersion = event.peer.softwareVersion
    // The identity comes out of the authenticator of this very connection, so it has its type.
    else if (event.is === 'authenticated') {
      this.#login = { userName: event.user, identity: event.identity as Identity }
      this.#answer = undefined
      this.#policy.hostKeyProofs?.announce(this.#link, this.#clientVersion)
      this.#watchUnused()
    }
    this.#policy.onEvent(event, this)
  }

  /** Waits, from the end of the last session or the login on, for a channel to be opened; without one the connection ends. */
  #watchUnused(): void {
    this.#unused?.()
    this.#unused = undefined
    const milliseconds = this.#limits?.unusedMilliseconds ?? 0
    if (milliseconds <= 0 || this.#login === undefined || this.#ending.over) return
    this.#unused = this.#clock.after(milliseconds, () => {
      this.#unused = undefined
      if (this.#link.openChannels > 0) this.#watchUnused()
      else this.disconnect('by-application', 'no channel was open for too long')
    })
  }

  #ended(ended: Ended): void {
    this.#ending.end(ended.error)
    this.#unused?.()
    this.#policy.onEvent(ended, this)
  }

  #openRequested(question: OpenQuestion): void {
    if (this.#taker !== undefined) {
      this.#taker.openRequested(question)
      return
    }
    const { channelType } = question
    const { channels, forwards } = this.#policy
    const handler = Object.hasOwn(channels, channelType) ? channels[channelType] : undefined
    if (handler !== undefined) this.#safely(() => handler(question, this))
    else if (channelType === sessionType.name) this.#openSession(question)
    else if (forwards?.openRequested(question, this) === true) return
    else if (channelType === directTcpipType.name) question.refuse('administratively-prohibited', 'this server forwards nothing')
    else question.refuse('unknown-channel-type', 'this server has no such channels')
  }

  #openSession(question: OpenQuestion): void {
    const login = this.#login
    const maximum = this.#limits?.maximumSessions ?? this.#policy.maximumSessions
    if (login === undefined || this.#sessions >= maximum) {
      if (login !== undefined) this.#safely(() => this.#ownerFor(login).handlers.onRefused?.({ what: 'session', maximum }))
      question.refuse('administratively-prohibited', `at most ${maximum} sessions at once`)
      return
    }
    this.#safely(() => {
      const owner = this.#ownerFor(login)
      const port = this.#link.accept(question)
      this.#sessions++
      serveSession(port, owner)
    })
  }

  /** One for all sessions, unless each may have other handlers. It knows no question: what serves a session must not keep one alive. */
  #ownerFor(login: Login<Identity>): SessionOwner<Identity> {
    if (this.#owner !== undefined) return this.#owner
    const { session } = this.#policy
    const owner = new ServerConnection.#Owner(this, login, typeof session === 'function' ? session(this) : session)
    if (typeof session !== 'function') this.#owner = owner
    return owner
  }

  #globalRequested(question: GlobalRequestQuestion): void {
    const { globalRequests, forwards } = this.#policy
    const { name } = question.request
    // Who takes all over may leave what is ours.
    if (this.#taker?.globalRequested(question) === true) return
    const handler = Object.hasOwn(globalRequests, name) ? globalRequests[name] : undefined
    const proofs = name === hostkeysProve.name ? this.#policy.hostKeyProofs : undefined
    if (handler !== undefined) this.#safely(() => handler(question, this))
    else if (proofs !== undefined) proofs.prove(question, this.#link, error => this.#policy.onError(error, this))
    else if (this.#taker === undefined && forwards?.globalRequested(question, this) === true) return
    // A keepalive wants any answer; OpenSSH's own server refuses it too.
    else question.fail()
  }

  #safely(act: () => void): void {
    try {
      act()
    } catch (error) {
      // A client may ask and leave in one breath: that accepting then throws is no fault of a handler.
      if (!(this.#link.engine.ended && error instanceof SshError)) this.#policy.onError(error, this)
    }
  }
}
