// Owns one side of one SSH connection: it composes transport, authentication and connection, admits messages, keeps
// deadlines and ends things. Bytes and time come in as arguments; events and bytes come out. It never waits, reads no
// clock and touches no socket, and a peer's fault never throws out of it.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { Compute } from '../algorithms/rows.ts'
import { Connection } from '../connection/connection.ts'
import { ChannelClose } from '../connection/messages.ts'
import type { ConnectionOut } from '../connection/events.ts'
import { type AuthenticationAttempt, type DisconnectReason, ProtocolError, WireError } from '../errors.ts'
import { Debug, Disconnect, ExtInfo, Ignore, Ping, Pong, ServiceAccept, ServiceRequest, Unimplemented } from '../transport/messages.ts'
import { habitsOf } from '../transport/quirks.ts'
import { isExchangeNumber, Transport } from '../transport/transport.ts'
import type { Ask } from '../wire/dialogue.ts'
import { decodeMessage, type Message } from '../wire/message.ts'
import { admit, admitUnknown, type Situation, type Stage } from './admission.ts'
import { type Asker, Authentication } from './authentication.ts'
import { type EngineConfig, type EngineFigures, withFigures } from './config.ts'
import { Deadlines } from './deadlines.ts'
import { networkEnded, peerEnded, type PeerDeadline, silent, tooLate, weEnded } from './endings.ts'
import { EventQueue } from './event-queue.ts'
import type { EngineEvent } from './events.ts'
import { faultOf } from './fault.ts'
import { type Goodbye, heldGoodbye } from './goodbye.ts'
import { messages } from './message-table.ts'
import { openQuestion } from './open-question.ts'
import { PacketWatch } from './packet-watch.ts'
import { isSignOfLife, signOfLife } from './sign-of-life.ts'

type DeadlineName = 'handshake' | 'login' | 'rekey-finish' | 'rekey-begin' | 'keepalive'

/**
 * Events that may wait to be taken before further packets are. A peer may say a thousand things in one breath: they are
 * dealt with in turn, so that neither memory nor limits on what is unanswered depend on how they were cut.
 */
const eventsAtOnce = 64

/** Bytes that are kept for later while a question is open. Before a login no peer in good faith says more. */
const heldWhileSuspended = 32 * 1024

const known = (bytes: Uint8Array | undefined): Uint8Array => {
  if (bytes === undefined) throw new TypeError('the session id and the host key are known after the first key exchange')
  return bytes
}

export class Engine {
  #config: EngineConfig
  readonly #transport: Transport
  /** Until the user is authenticated; nothing of it is kept then. */
  #auth: Authentication | undefined
  /** Set when somebody wants to see packets. */
  readonly #watch: PacketWatch | undefined
  readonly #deadlines = new Deadlines<DeadlineName>()
  /** Channels and global requests; usable once the user is authenticated. */
  readonly connection: Connection
  #stage: Stage = 'exchange'
  readonly #events = new EventQueue()
  #now = 0
  #ended = false
  #blocked = false
  /** Packets wait until those events are taken that have come of the packets before them. */
  #more = false
  /** An exchange was asked for during the login. */
  #rekeyWanted = false
  /** Whatever is thrown now ends the connection. */
  #guarding = false
  #unansweredKeepalives = 0

  constructor(config: EngineConfig) {
    this.#config = config
    const watch = PacketWatch.of(config, () => this.#now)
    this.#watch = watch
    const transport = new Transport(config.transport, {
      identified: peer => {
        this.#watch?.identification('received', peer.line)
        this.#emit({ is: 'identified', peer, linesBefore: transport.linesBefore })
      },
      ask: question => this.#ask(question, transport),
      exchanged: (result, agreed, first) => this.#exchanged(result.hostKey, agreed, first),
      sent: watch === undefined ? undefined : (message, value, sequence) => watch.sent(message, value, sequence),
    })
    this.#transport = transport
    this.#auth = new Authentication(config, {
      send: (message, value) => transport.send(message, value),
      ask: (question, asker) => this.#ask(question, asker),
      emit: event => this.#emit(event),
      sessionId: () => known(transport.sessionId),
      serverSignatureAlgorithms: () => transport.theirExtensions?.serverSignatureAlgorithms,
      hostKeyToName: () => (transport.theirExtensions?.hostBound === true ? transport.firstHostKey : undefined),
      hostKey: () => known(transport.firstHostKey),
      done: (user, identity, attempts) => this.#authenticated(user, identity, attempts),
    })
    this.connection = new Connection({
      ...config.connection,
      role: config.transport.role,
      out: this.#connectionOut(),
      emit: event => this.#emit(event),
    })
  }

  #connectionOut(): ConnectionOut {
    const transport = this.#transport
    return {
      // An application's call must not throw what a peer did: it ends the connection like everything else.
      send: (message, value) => {
        const before = transport.outgoing.untaken
        if (this.#guarding) transport.send(message, value)
        else this.#guard(() => transport.send(message, value))
        if (message === ChannelClose) transport.outgoing.mayWait(before)
      },
      sendData: (channel, type, bytes) => {
        this.#watch?.sentData(channel, type, bytes, transport.outgoing.sequence)
        transport.outgoing.channelData(channel, type, bytes)
        if (transport.rekeyDue) this.#beginRekey()
      },
      canSend: () => {
        const can = !this.#ended && transport.canSendData
        if (!can) this.#blocked = true
        return can
      },
      maxPayload: this.#config.connection.limits.maximumDataBytes,
      ...habitsOf(() => transport.peer?.softwareVersion ?? ''),
    }
  }

  // ── the life of it ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins: the identification is ready to be taken. Times are milliseconds on any clock that never runs backwards. */
  start(now: number): void {
    this.#now = now
    this.#deadlines.set('handshake', now + this.#config.deadlines.handshake)
    if (this.#config.transport.role === 'server') this.#deadlines.set('login', now + this.#config.deadlines.login)
    this.#watch?.identification('sent', this.#config.transport.identification)
    this.#guard(() => this.#transport.start())
  }

  /** Bytes from the network. They are taken or copied before this returns; the caller may reuse the buffer. */
  receive(bytes: Uint8Array, now: number): void {
    if (this.#ended) return
    this.#now = now
    this.#unansweredKeepalives = 0
    if (this.#deadlines.has('keepalive')) this.#deadlines.set('keepalive', now + this.#config.keepalive.milliseconds)
    // A Buffer's `slice` is a view where ours must be a copy: inside, everything is a plain Uint8Array.
    const plain = bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#guard(() => {
      this.#transport.feed(plain)
      this.#pump()
    })
    this.#transport.incoming.keep()
  }

  /** The network ended: nothing more will come. */
  end(now: number, cause?: unknown): void {
    if (this.#ended) return
    this.#now = now
    const goodbye = heldGoodbye(this.#transport.incoming)
    if (goodbye !== undefined) {
      this.#peerDisconnected(goodbye)
      return
    }
    const error = networkEnded(this.#stage, this.#stranger, cause)
    this.#finish('network', undefined, this.#loggingIn ? (this.#auth?.cutOff(error, 'network') ?? error) : error)
  }

  /** Says goodbye (RFC 4253 §11.1) and ends. */
  disconnect(reason: DisconnectReason, description = '', error?: Error): void {
    if (this.#ended) return
    this.#guard(() => {
      this.#transport.disconnect(reason, description)
      this.#finish('us', reason, error ?? weEnded(reason, description))
    })
  }

  /** Time has passed: deadlines that are over take effect. */
  elapse(now: number): void {
    if (this.#ended) return
    this.#now = now
    this.#guard(() => {
      for (let name = this.#deadlines.takePassed(now); name !== undefined && !this.#ended; name = this.#deadlines.takePassed(now))
        this.#passed(name)
    })
  }

  /** When `elapse` wants to be called next. */
  deadline(): number | undefined {
    return this.#ended ? undefined : this.#deadlines.next()
  }

  // ── what comes out ────────────────────────────────────────────────────────────────────────────────────────────────

  /** The next event. Byte views in it are valid until the next call of this or of `receive`. */
  nextEvent(): EngineEvent | undefined {
    let event = this.#events.take()
    if (event === undefined && this.#more) {
      this.#guard(() => this.#pump())
      this.#transport.incoming.keep()
      event = this.#events.take()
    }
    if (event === undefined) this.#transport.incoming.rest()
    return event
  }

  /** One buffer to write, or `undefined`. Hand it to `release` when the network has taken it. */
  takeOutgoing(): Uint8Array | undefined {
    return this.#transport.outgoing.take()
  }

  /**
   * All there is to write are farewells to channels: whoever opened one mostly has something to say next, and then both can
   * leave together.
   */
  get outputCanWait(): boolean {
    return !this.#ended && this.#transport.outgoing.canWait
  }

  /**
   * A buffer from `takeOutgoing` is on its way. Channels that waited for room go on. True when something may have come of
   * it: events, or more to write.
   */
  release(buffer: Uint8Array): boolean {
    const stalled = this.#unread
    const waited = this.#blocked
    this.#transport.outgoing.release(buffer)
    this.#unblock()
    if (!stalled || this.#unread) return waited
    this.#guard(() => this.#pump())
    this.#transport.incoming.keep()
    return true
  }

  /**
   * False while a question of key exchange or authentication is open and enough has come meanwhile, and while the peer
   * leaves too much of our output unread: stop reading the network. While a question is open reading goes on for a bit,
   * although no packet is taken, so that the end of the network is noticed.
   */
  get wantsInput(): boolean {
    return !this.#ended && !this.#unread && !(this.#suspended && this.#transport.incoming.held >= heldWhileSuspended)
  }

  /**
   * The peer asks and does not read the answers. Data stops at the high water, so what comes above it are replies, and
   * two sides that only send data never both wait for each other.
   */
  get #unread(): boolean {
    return this.#transport.outgoing.pending >= 2 * this.#config.transport.highWater
  }

  get ended(): boolean {
    return this.#ended
  }
  get stage(): Stage {
    return this.#stage
  }
  /** Bytes sealed that the network has not taken. */
  get pendingOutput(): number {
    return this.#transport.outgoing.pending
  }
  get sessionId(): Uint8Array | undefined {
    return this.#transport.sessionId
  }
  /** What the peer announced in EXT_INFO, when it did. */
  get peerExtensions(): Transport['theirExtensions'] {
    return this.#transport.theirExtensions
  }

  /**
   * Starts a key exchange now, unless one runs. During the login it waits for its end: delayed compression starts with
   * SUCCESS, and what crosses that on the way would be read wrongly. OpenSSH waits as well.
   */
  rekey(): void {
    if (this.#ended) return
    if (this.#stage === 'connection') this.#guard(() => this.#beginRekey())
    else if (this.#stage !== 'exchange') this.#rekeyWanted = true
  }

  /** ping@openssh.com; the peer must have announced it. */
  ping(data: Uint8Array): void {
    if (!this.#ended) this.#guard(() => this.#transport.ping(data))
  }

  // ── input ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #loggingIn(): boolean {
    return this.#stage === 'service' || this.#stage === 'auth'
  }
  get #suspended(): boolean {
    return this.#transport.suspended || this.#auth?.suspended === true
  }

  #pump(): void {
    const { incoming } = this.#transport
    this.#more = false
    while (!this.#ended && !this.#suspended && !this.#unread) {
      if (this.#events.length >= eventsAtOnce) {
        this.#more = true
        break
      }
      const payload = incoming.next()
      if (payload === undefined) break
      this.#dispatch(payload)
    }
    if (this.#ended) return
    if (this.#stage === 'service' && !this.#suspended && this.#transport.theirExtensions !== undefined) this.#auth?.begin()
    if (this.#stage === 'connection' && (this.#rekeyWanted || this.#transport.rekeyDue)) this.#beginRekey()
    this.#timeExchange()
    if (this.#stage === 'service' || this.#stage === 'auth') this.#timeAnswer()
    this.#unblock()
  }

  #unblock(): void {
    if (!this.#blocked || this.#ended || !this.#transport.canSendData) return
    this.#blocked = false
    this.connection.flush()
  }

  #dispatch(payload: Uint8Array): void {
    const transport = this.#transport
    const number = payload[0]
    const message = transport.expects(number) ?? this.#auth?.expects(number) ?? messages[number]
    this.#watch?.received(message, payload, transport.incoming.lastSequence)
    if (transport.skipsGuess(number)) return
    if (message === undefined) return this.#unknown(number)
    const admission = admit(message, this.#situation())
    if (admission === 'ignore') return
    if (admission !== 'take') {
      throw new ProtocolError(admission, `The peer sent ${message.name} at the wrong time or from the wrong side (${admission}).`, {
        messageName: message.name,
        sequence: transport.incoming.lastSequence,
      })
    }
    try {
      this.#handle(message, payload)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      throw new ProtocolError(
        'malformed-message',
        `${message.name} is malformed: ${error.message}.`,
        { messageName: message.name, sequence: transport.incoming.lastSequence },
        { cause: error },
      )
    }
  }

  #situation(): Situation {
    const transport = this.#transport
    return { us: this.#config.transport.role, stage: this.#stage, peerIsExchanging: transport.peerIsExchanging, strict: transport.strict }
  }

  /** RFC 4253 §11.4: a number nobody knows is answered, except where nothing may be said. */
  #unknown(number: number): void {
    const violation = admitUnknown(number, this.#situation())
    const { lastSequence } = this.#transport.incoming
    if (violation !== undefined)
      throw new ProtocolError(violation, `Message ${number}, which nobody knows, came where it may not (${violation}).`, {
        sequence: lastSequence,
      })
    this.#transport.send(Unimplemented, { packetSequenceNumber: lastSequence })
  }

  #handle(message: Message, payload: Uint8Array): void {
    const { number } = message
    if (number >= 80 && number <= 127) {
      this.connection.receive(message, decodeMessage(message, payload), this.#transport.incoming.detached)
      return
    }
    if (number >= 50 && number <= 79) {
      this.#auth?.receive(payload)
      return
    }
    if (isExchangeNumber(number)) {
      this.#transport.receiveExchangeMessage(payload)
      return
    }
    this.#handleTransport(message, payload)
  }

  #handleTransport(message: Message, payload: Uint8Array): void {
    switch (message) {
      case Disconnect:
        this.#peerDisconnected(decodeMessage(Disconnect, payload))
        return
      case Debug: {
        const { alwaysDisplay, message: text } = decodeMessage(Debug, payload)
        this.#emit({ is: 'debug', message: text, alwaysDisplay })
        return
      }
      case Ignore:
      case Unimplemented:
        decodeMessage(message, payload)
        return
      case ExtInfo:
        this.#transport.receiveExtensionInfo(decodeMessage(ExtInfo, payload).extensions)
        return
      case Ping:
        this.#transport.receivePing(decodeMessage(Ping, payload).data)
        return
      case Pong: {
        const { data } = decodeMessage(Pong, payload)
        if (!isSignOfLife(data)) this.#emit({ is: 'pong', data: data.slice() })
        return
      }
      case ServiceRequest:
        this.#auth?.requested(decodeMessage(ServiceRequest, payload).serviceName)
        this.#stage = 'auth'
        return
      case ServiceAccept:
        this.#stage = 'auth'
        this.#auth?.accepted(decodeMessage(ServiceAccept, payload).serviceName)
        return
      default:
        throw new ProtocolError('message-unexpected', `${message.name} has no place here.`)
    }
  }

  #peerDisconnected(goodbye: Goodbye): void {
    const error = peerEnded(goodbye)
    this.#finish('peer', error.reason, this.#loggingIn ? (this.#auth?.cutOff(error, 'peer') ?? error) : error)
  }

  /** Other figures from now on; what is left out stays. Before the login, so that keepalives begin with it. */
  change({ keepalive, rekey }: EngineFigures): void {
    this.#config = withFigures(this.#config, { keepalive, rekey })
    if (rekey?.milliseconds !== undefined) this.#deadlines.move('rekey-begin', this.#now + rekey.milliseconds)
    this.#transport.rekeyAfter(rekey?.bytes)
  }

  // ── stages ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #exchanged(hostKey: Uint8Array, agreed: Agreed, first: boolean): void {
    this.#deadlines.clear('handshake')
    this.#deadlines.clear('rekey-finish')
    this.#deadlines.set('rekey-begin', this.#now + this.#config.rekeyMilliseconds)
    this.#emit({ is: 'exchanged', agreed, first, strict: this.#transport.strict, hostKey })
    if (first) this.#stage = 'service'
    if (first && this.#config.transport.role === 'client') this.#auth?.request()
  }

  #authenticated(user: string, identity: unknown, attempts: readonly AuthenticationAttempt[]): void {
    this.#stage = 'connection'
    this.#auth = undefined
    this.#deadlines.clear('login')
    this.#transport.authenticated()
    if (this.#config.keepalive.milliseconds > 0) this.#deadlines.set('keepalive', this.#now + this.#config.keepalive.milliseconds)
    this.#emit({ is: 'authenticated', user, identity, attempts })
  }

  // ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #ask(question: Ask<unknown>, to: Asker): void {
    if (question.is === 'compute') {
      const result = (question as Compute<unknown>).compute()
      // What is there at once needs no turn of any event loop.
      if (!(result instanceof Promise)) {
        to.answer(result)
        return
      }
      this.#open({ ...question, compute: () => result } as Ask<unknown>, to)
      return
    }
    this.#open(question, to)
  }

  #open(question: Ask<unknown>, to: Asker): void {
    const asked = openQuestion(question, to, answering => {
      if (this.#ended) return
      this.#guard(() => {
        answering()
        this.#pump()
      })
      this.#transport.incoming.keep()
    })
    this.#emit({ is: 'question', question: asked })
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #beginRekey(): void {
    this.#rekeyWanted = false
    this.#transport.rekey()
    this.#timeExchange()
  }

  /** An exchange that runs, whoever began it, must end in time. The first one has the deadline of the handshake. */
  #timeExchange(): void {
    if (this.#stage === 'exchange' || !this.#transport.exchanging || this.#deadlines.has('rekey-finish')) return
    this.#deadlines.set('rekey-finish', this.#now + this.#config.deadlines.rekey)
  }

  /** A client waits so long for each answer of the server to a login. While it asks its own side, no time is counted. */
  #timeAnswer(): void {
    if (this.#config.transport.role === 'server') return
    if (this.#auth?.suspended === true) this.#deadlines.clear('login')
    else if (!this.#deadlines.has('login')) this.#deadlines.set('login', this.#now + this.#config.deadlines.login)
  }

  #passed(name: DeadlineName): void {
    switch (name) {
      case 'handshake':
      case 'login':
        return this.#timeout(name)
      case 'rekey-finish':
        return this.#timeout('rekey')
      case 'rekey-begin':
        if (this.#stage === 'connection') this.#beginRekey()
        else this.#deadlines.set('rekey-begin', this.#now + this.#config.rekeyMilliseconds)
        return
      case 'keepalive':
        if (this.#unansweredKeepalives++ >= this.#config.keepalive.maximumUnanswered)
          return this.#finish('network', 'connection-lost', silent(this.#config))
        this.#deadlines.set('keepalive', this.#now + this.#config.keepalive.milliseconds)
        // The answer to a request waits behind those to earlier ones, which may be slow; a pong waits for nothing.
        if (this.#transport.theirExtensions?.ping === true) this.#transport.ping(signOfLife)
        else this.connection.keepalive()
    }
  }

  /** What a peer said that never identified itself; `undefined` for one that did. */
  get #stranger(): readonly string[] | undefined {
    return this.#transport.peer === undefined ? this.#transport.heard : undefined
  }

  #timeout(what: PeerDeadline): void {
    const error = tooLate(what, this.#config, this.#stranger)
    this.#transport.disconnect('by-application', error.message)
    this.#finish('us', 'by-application', error)
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs `act`; whatever goes wrong in it ends this connection and nothing else. */
  #guard(act: () => void): void {
    const outer = this.#guarding
    this.#guarding = true
    try {
      act()
    } catch (error) {
      this.#fault(error)
    } finally {
      this.#guarding = outer
    }
  }

  #fault(thrown: unknown): void {
    if (this.#ended) return
    const { error, reason, description } = faultOf(thrown)
    try {
      this.#transport.disconnect(reason, description)
    } catch {
      // A goodbye that cannot be sealed is not worth another error.
    }
    this.#finish('us', reason, error)
  }

  #finish(by: 'us' | 'peer' | 'network', reason: DisconnectReason | undefined, error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#deadlines.clearAll()
    this.#transport.abandon()
    this.#auth?.abandon()
    this.connection.end(error)
    this.#emit({ is: 'ended', by, reason, error })
  }

  #emit(event: EngineEvent): void {
    this.#watch?.event(event)
    this.#events.push(event)
  }
}
