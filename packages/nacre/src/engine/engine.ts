// Owns one side of one SSH connection: it composes transport, authentication and connection, admits messages, keeps
// deadlines and ends things. Bytes and time come in as arguments; events and bytes come out. It never waits, reads no
// clock and touches no socket, and a peer's fault never throws out of it.
import type { Compute } from '../algorithms/rows.ts'
import { clientAuthentication, type ClientAuthResult } from '../auth/client.ts'
import { authMessages } from '../auth/messages.ts'
import { serverAuthentication, type ServerAuthResult } from '../auth/server.ts'
import { Connection } from '../connection/connection.ts'
import type { ConnectionOut } from '../connection/events.ts'
import { ChannelData, ChannelExtendedData, connectionMessages } from '../connection/messages.ts'
import {
  AuthenticationError,
  DisconnectedError,
  type DisconnectReason,
  disconnectReasonName,
  escapeForPeople,
  HostKeyError,
  ProtocolError,
  SshError,
  TimeoutError,
  WireError,
} from '../errors.ts'
import { fingerprint } from '../keys/public.ts'
import { verifySignature } from '../keys/verify.ts'
import {
  Debug,
  Disconnect,
  ExtInfo,
  Ignore,
  Ping,
  Pong,
  ServiceAccept,
  ServiceRequest,
  transportMessages,
  Unimplemented,
} from '../transport/messages.ts'
import { isExchangeNumber, Transport } from '../transport/transport.ts'
import { DialogueRunner } from '../wire/dialogue-runner.ts'
import type { Ask } from '../wire/dialogue.ts'
import { decodeMessage, type Message } from '../wire/message.ts'
import { admit, type Situation, type Stage } from './admission.ts'
import type { EngineConfig } from './config.ts'
import { Deadlines } from './deadlines.ts'
import type { EngineEvent, EngineQuestion } from './events.ts'
import { tracedFields } from './trace.ts'
import { blankedPayload, blankedReceived, type TranscriptPacket } from './transcript.ts'

type DeadlineName = 'handshake' | 'login' | 'rekey-finish' | 'rekey-begin' | 'keepalive'

const byNumber = (...lists: readonly (readonly Message[])[]): readonly (Message | undefined)[] => {
  const table: (Message | undefined)[] = Array.from({ length: 256 })
  for (const list of lists) for (const each of list) table[each.number] = each
  return table
}

const userauthService = 'ssh-userauth'
const connectionService = 'ssh-connection'

export class Engine {
  readonly #config: EngineConfig
  readonly #transport: Transport
  readonly #record: ((packet: TranscriptPacket) => void) | undefined
  /** Somebody wants to see packets. */
  readonly #watched: boolean
  readonly #messages = byNumber(transportMessages, authMessages, connectionMessages)
  readonly #deadlines = new Deadlines<DeadlineName>()
  /** Channels and global requests; usable once the user is authenticated. */
  readonly connection: Connection
  #auth: DialogueRunner<ClientAuthResult> | DialogueRunner<ServerAuthResult> | undefined
  #stage: Stage = 'exchange'
  #events: EngineEvent[] = []
  #nextEvent = 0
  #now = 0
  #ended = false
  #blocked = false
  /** Whatever is thrown now ends the connection. */
  #guarding = false
  #unansweredKeepalives = 0
  #attempts: ClientAuthResult['attempts'] = []

  constructor(config: EngineConfig) {
    this.#config = config
    this.#record = config.transcript?.(config)
    this.#watched = config.trace !== undefined || this.#record !== undefined
    this.#transport = new Transport(config.transport, {
      identified: peer => {
        this.#record?.({ at: this.#now, direction: 'received', number: 0, name: 'identification', payload: peer.line })
        this.#emit({ is: 'identified', peer, linesBefore: this.#transport.linesBefore })
      },
      ask: question => this.#ask(question, this.#transport),
      exchanged: (result, agreed, first) => {
        this.#deadlines.clear('handshake')
        this.#deadlines.clear('rekey-finish')
        this.#deadlines.set('rekey-begin', this.#now + config.rekeyMilliseconds)
        this.#emit({ is: 'exchanged', agreed, first, strict: this.#transport.strict, hostKey: result.hostKey })
        if (first) this.#firstExchangeDone()
      },
      extensionInfo: () => {},
      pong: data => this.#emit({ is: 'pong', data }),
      sent: this.#watched ? (message, value, sequence) => this.#noteSent(message, value, sequence) : undefined,
    })
    const transport = this.#transport
    const out: ConnectionOut = {
      // An application's call must not throw what a peer did: it ends the connection like everything else.
      send: (message, value) => {
        if (this.#guarding) transport.send(message, value)
        else this.#guard(() => transport.send(message, value))
      },
      sendData: (channel, type, bytes) => {
        if (this.#watched) this.#noteSentData(channel, type, bytes)
        transport.outgoing.channelData(channel, type, bytes)
        if (transport.rekeyDue) this.#beginRekey()
      },
      canSend: () => {
        const can = !this.#ended && transport.canSendData
        if (!can) this.#blocked = true
        return can
      },
      maxPayload: config.connection.limits.maximumDataBytes,
    }
    this.connection = new Connection({ ...config.connection, role: config.transport.role, out, emit: event => this.#emit(event) })
  }

  // ── the life of it ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Begins: the identification is ready to be taken. Times are milliseconds on any clock that never runs backwards. */
  start(now: number): void {
    this.#now = now
    const { handshake, login } = this.#config.deadlines
    this.#deadlines.set('handshake', now + handshake)
    if (this.#config.transport.role === 'server') this.#deadlines.set('login', now + login)
    this.#record?.({ at: now, direction: 'sent', number: 0, name: 'identification', payload: this.#config.transport.identification })
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
    const peer = this.#transport.peer
    const where =
      peer === undefined
        ? 'before the peer identified itself: it may not be an SSH service, or it refuses our address'
        : this.#stage === 'exchange'
          ? 'during the first key exchange'
          : this.#stage === 'connection'
            ? 'without a goodbye from the peer'
            : 'before authentication was complete'
    this.#finish(
      'network',
      undefined,
      new DisconnectedError('network', undefined, '', `The connection ended ${where}.`, cause === undefined ? undefined : { cause }),
    )
  }

  /** Says goodbye (RFC 4253 §11.1) and ends. */
  disconnect(reason: DisconnectReason, description = '', error?: Error): void {
    if (this.#ended) return
    this.#guard(() => {
      this.#transport.disconnect(reason, description)
      this.#finish(
        'us',
        reason,
        error ??
          new DisconnectedError('us', reason, description, `We ended the connection${description === '' ? '' : `: ${description}`}.`),
      )
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

  /** The next event. Byte views in events are valid until the next call of `receive`. */
  nextEvent(): EngineEvent | undefined {
    if (this.#nextEvent === this.#events.length) {
      if (this.#nextEvent > 0) {
        this.#events = []
        this.#nextEvent = 0
      }
      return undefined
    }
    return this.#events[this.#nextEvent++]
  }

  /** One buffer to write, or `undefined`. Hand it to `release` when the network has taken it. */
  takeOutgoing(): Uint8Array | undefined {
    return this.#transport.outgoing.take()
  }

  /** A buffer from `takeOutgoing` is on its way. Channels that waited for room go on. */
  release(buffer: Uint8Array): void {
    this.#transport.outgoing.release(buffer)
    this.#unblock()
  }

  /** False while a question of key exchange or authentication is open: stop reading the network. */
  get wantsInput(): boolean {
    return !this.#ended && !this.#suspended
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

  /** Starts a key exchange now, unless one runs. */
  rekey(): void {
    if (!this.#ended) this.#guard(() => this.#beginRekey())
  }

  /** ping@openssh.com; the peer must have announced it. */
  ping(data: Uint8Array): void {
    if (!this.#ended) this.#guard(() => this.#transport.ping(data))
  }

  // ── input ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  get #suspended(): boolean {
    return this.#transport.suspended || (this.#auth?.suspended ?? false)
  }

  #pump(): void {
    const { incoming } = this.#transport
    while (!this.#ended && !this.#suspended) {
      const payload = incoming.next()
      if (payload === undefined) break
      this.#dispatch(payload)
    }
    if (this.#ended) return
    if (this.#stage === 'connection' && this.#transport.rekeyDue) this.#beginRekey()
    if (this.#transport.exchanging && this.#stage !== 'exchange' && !this.#deadlines.has('rekey-finish'))
      this.#deadlines.set('rekey-finish', this.#now + this.#config.deadlines.rekey)
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
    const message = transport.expects(number) ?? this.#auth?.expects(number) ?? this.#messages[number]
    if (this.#watched) this.#noteReceived(message, payload)
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
    const transport = this.#transport
    if (isExchangeNumber(number) || (number >= 60 && number <= 79)) {
      throw new ProtocolError('message-unexpected', `Message ${number} came where no running exchange or method knows it.`, {
        sequence: transport.incoming.lastSequence,
      })
    }
    if (transport.peerIsExchanging) {
      throw new ProtocolError(
        this.#stage === 'exchange' ? 'message-unexpected' : 'message-during-key-exchange',
        `Message ${number} came during a key exchange (RFC 4253 §7.1).`,
        { sequence: transport.incoming.lastSequence },
      )
    }
    transport.send(Unimplemented, { packetSequenceNumber: transport.incoming.lastSequence })
  }

  #handle(message: Message, payload: Uint8Array): void {
    const { number } = message
    if (number >= 80 && number <= 127) {
      this.connection.receive(message, decodeMessage(message, payload), this.#transport.incoming.detached)
      return
    }
    if (number >= 50 && number <= 79) {
      this.#receiveAuth(payload)
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
      case Disconnect: {
        const { reasonCode, description } = decodeMessage(Disconnect, payload)
        const reason = disconnectReasonName(reasonCode)
        const shown = escapeForPeople(description)
        this.#finish(
          'peer',
          reason,
          new DisconnectedError(
            'peer',
            reason,
            description,
            `The peer ended the connection${shown === '' ? '' : `: ${shown}`} (${reason ?? `reason ${reasonCode}`}).`,
          ),
        )
        return
      }
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
      case Pong:
        this.#emit({ is: 'pong', data: decodeMessage(Pong, payload).data.slice() })
        return
      case ServiceRequest:
        this.#serviceRequested(decodeMessage(ServiceRequest, payload).serviceName)
        return
      case ServiceAccept:
        this.#serviceAccepted(decodeMessage(ServiceAccept, payload).serviceName)
        return
      default:
        throw new ProtocolError('message-unexpected', `${message.name} has no place here.`)
    }
  }

  // ── from the first exchange to authentication ─────────────────────────────────────────────────────────────────────

  #firstExchangeDone(): void {
    this.#stage = 'service'
    if (this.#config.transport.role === 'client') this.#transport.send(ServiceRequest, { serviceName: userauthService })
  }

  /** RFC 4253 §10. */
  #serviceRequested(name: string): void {
    if (name !== userauthService)
      throw new ProtocolError(
        'service-unknown',
        `The client asked for the service "${escapeForPeople(name)}"; only ${userauthService} can come first.`,
      )
    const server = this.#config.authentication
    if (server.role !== 'server') throw new TypeError('only a server is asked for services')
    this.#transport.send(ServiceAccept, { serviceName: name })
    // Asked again, which paramiko does before each method: the same answer, and what was proven stays.
    if (this.#stage === 'auth') return
    this.#stage = 'auth'
    const { crypto, tables } = this.#config.transport
    const dialogue = serverAuthentication({
      service: connectionService,
      sessionId: this.#knownSessionId(),
      acceptedAlgorithms: server.acceptedAlgorithms,
      maximumAttempts: server.maximumAttempts,
      methods: server.methods,
      banner: server.banner,
      fingerprint,
      verify: (publicKey, algorithm, data, signature) => verifySignature(crypto, tables, { publicKey, algorithm, data, signature }),
    })
    this.#startAuth(dialogue, result => this.#authenticated(result.user, result.identity))
  }

  #serviceAccepted(name: string): void {
    const client = this.#config.authentication
    if (name !== userauthService || client.role !== 'client')
      throw new ProtocolError('message-unexpected', `The server accepted the service "${escapeForPeople(name)}", which nobody asked for.`)
    this.#stage = 'auth'
    const dialogue = clientAuthentication({
      user: client.user,
      service: connectionService,
      sessionId: this.#knownSessionId(),
      serverSignatureAlgorithms: () => this.#transport.theirExtensions?.serverSignatureAlgorithms,
      banner: message => this.#emit({ is: 'banner', message }),
    })
    this.#startAuth(dialogue, result => {
      this.#attempts = result.attempts
      this.#authenticated(client.user, undefined)
    })
  }

  #startAuth<R extends ClientAuthResult | ServerAuthResult>(
    dialogue: ConstructorParameters<typeof DialogueRunner<R>>[0],
    finished: (result: R) => void,
  ): void {
    const runner = new DialogueRunner<R>(dialogue, {
      send: (message, value) => this.#transport.send(message, value),
      ask: question => this.#ask(question, runner),
      finished,
    })
    this.#auth = runner as unknown as DialogueRunner<ClientAuthResult>
    runner.start()
  }

  #receiveAuth(payload: Uint8Array): void {
    if (this.#auth === undefined)
      throw new ProtocolError('message-before-its-phase', `Message ${payload[0]} came before authentication began.`)
    this.#auth.receive(payload)
  }

  #authenticated(user: string, identity: unknown): void {
    this.#stage = 'connection'
    this.#auth = undefined
    this.#deadlines.clear('login')
    this.#transport.authenticated()
    if (this.#config.keepalive.milliseconds > 0) this.#deadlines.set('keepalive', this.#now + this.#config.keepalive.milliseconds)
    this.#emit({ is: 'authenticated', user, identity, attempts: this.#attempts })
  }

  #knownSessionId(): Uint8Array {
    const id = this.#transport.sessionId
    if (id === undefined) throw new TypeError('the session id is known after the first key exchange')
    return id
  }

  // ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #ask(question: Ask<unknown>, to: { answer(value: unknown): void; fail(error: unknown): void }): void {
    if (question.is === 'compute') {
      const result = (question as Compute<unknown>).compute()
      // What is there at once needs no turn of any event loop.
      if (!(result instanceof Promise)) {
        to.answer(result)
        return
      }
      this.#open('compute', { ...question, compute: () => result } as Ask<unknown>, to)
      return
    }
    this.#open(question.is, question, to)
  }

  #open(about: string, question: Ask<unknown>, to: { answer(value: unknown): void; fail(error: unknown): void }): void {
    let open = true
    const once = (act: () => void): void => {
      if (!open) throw new TypeError('a question can be answered once')
      open = false
      if (this.#ended) return
      this.#guard(() => {
        act()
        this.#pump()
      })
      this.#transport.incoming.keep()
    }
    const asked = {
      about,
      ask: question,
      answer: (value: unknown) => once(() => to.answer(value)),
      fail: (error: unknown) => once(() => to.fail(error)),
    }
    this.#emit({ is: 'question', question: asked as unknown as EngineQuestion })
  }

  // ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  #beginRekey(): void {
    this.#transport.rekey()
    if (this.#transport.exchanging && !this.#deadlines.has('rekey-finish'))
      this.#deadlines.set('rekey-finish', this.#now + this.#config.deadlines.rekey)
  }

  #passed(name: DeadlineName): void {
    const seconds = (milliseconds: number): string => `${milliseconds / 1000} s`
    const { deadlines, keepalive } = this.#config
    switch (name) {
      case 'handshake':
        this.#timeout('handshake', `The peer did not finish the first key exchange within ${seconds(deadlines.handshake)}.`)
        return
      case 'login':
        this.#timeout('login', `The client did not authenticate within ${seconds(deadlines.login)}.`)
        return
      case 'rekey-finish':
        this.#timeout('rekey', `The peer did not finish a key exchange within ${seconds(deadlines.rekey)}.`)
        return
      case 'rekey-begin':
        if (this.#stage === 'connection') this.#beginRekey()
        else this.#deadlines.set('rekey-begin', this.#now + this.#config.rekeyMilliseconds)
        return
      case 'keepalive':
        if (this.#unansweredKeepalives >= keepalive.maximumUnanswered) {
          const error = new TimeoutError(
            'keepalive',
            `The peer has not answered for ${seconds(keepalive.milliseconds * (keepalive.maximumUnanswered + 1))}: it, or the network to it, is dead.`,
          )
          this.#finish('network', 'connection-lost', error)
          return
        }
        this.#unansweredKeepalives++
        this.#deadlines.set('keepalive', this.#now + keepalive.milliseconds)
        this.connection.keepalive()
    }
  }

  #timeout(phase: string, message: string): void {
    this.#transport.disconnect('by-application', message)
    this.#finish('us', 'by-application', new TimeoutError(phase, message))
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
    const error =
      thrown instanceof WireError
        ? new ProtocolError('malformed-message', thrown.message, {}, { cause: thrown })
        : thrown instanceof Error
          ? thrown
          : new Error(String(thrown))
    const reason: DisconnectReason =
      error instanceof ProtocolError
        ? error.reason
        : error instanceof HostKeyError
          ? 'host-key-not-verifiable'
          : error instanceof AuthenticationError
            ? 'no-more-auth-methods-available'
            : 'by-application'
    // What goes wrong inside us is none of the peer's business.
    const description =
      error instanceof ProtocolError ? error.message : error instanceof SshError ? reason.replaceAll('-', ' ') : 'internal error'
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
    this.#events.push(event)
  }

  // ── trace and transcript ──────────────────────────────────────────────────────────────────────────────────────────

  #noteSent(message: Message, value: unknown, sequence: number): void {
    this.#trace('sent', message, value, sequence)
    this.#record?.({
      at: this.#now,
      direction: 'sent',
      number: message.number,
      name: message.name,
      payload: blankedPayload(message, value),
    })
  }

  /** Data goes to the network past its declaration. */
  #noteSentData(recipientChannel: number, dataTypeCode: number, data: Uint8Array): void {
    const { sequence } = this.#transport.outgoing
    if (dataTypeCode === 0) this.#noteSent(ChannelData, { recipientChannel, data }, sequence)
    else this.#noteSent(ChannelExtendedData, { recipientChannel, dataTypeCode, data }, sequence)
  }

  #noteReceived(message: Message | undefined, payload: Uint8Array): void {
    const { lastSequence } = this.#transport.incoming
    const name = message?.name ?? `message ${payload[0]}`
    this.#record?.({ at: this.#now, direction: 'received', number: payload[0], name, payload: blankedReceived(message, payload) })
    if (this.#config.trace === undefined) return
    let value: unknown
    try {
      value = message === undefined ? undefined : decodeMessage(message, payload)
    } catch {
      // It will be refused in a moment; the trace shows that it came.
    }
    if (message === undefined || value === undefined)
      this.#config.trace({ at: this.#now, direction: 'received', sequence: lastSequence, number: payload[0], name, fields: {} })
    else this.#trace('received', message, value, lastSequence)
  }

  #trace(direction: 'sent' | 'received', message: Message, value: unknown, sequence: number): void {
    this.#config.trace?.({
      at: this.#now,
      direction,
      sequence,
      number: message.number,
      name: message.name,
      fields: tracedFields(message, value),
    })
  }
}
