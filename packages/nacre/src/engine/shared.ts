// Owns one side of a connection that another process has logged in and shares (PROTOCOL.mux, 9): the connection protocol
// alone, over plain packets. There is no key exchange, no login, no deadline and no goodbye: who leaves closes the socket.
import { Connection, type ConnectionConfig } from '../connection/connection.ts'
import type { Channel } from '../connection/channel.ts'
import { session } from '../connection/channel-types/session.ts'
import { tcpipForward } from '../connection/global-requests/tcpip-forward.ts'
import { connectionMessages, GlobalRequest, RequestFailure, RequestSuccess } from '../connection/messages.ts'
import { type DisconnectReason, DisconnectedError, ProtocolError, WireError } from '../errors.ts'
import { decode, type Infer } from '../wire/codec.ts'
import { decodeMessage, type Message } from '../wire/message.ts'
import type { DrivenEngine } from './driven.ts'
import { weEnded } from './endings.ts'
import { EventQueue } from './event-queue.ts'
import type { EngineEvent } from './events.ts'
import { faultOf } from './fault.ts'
import { PlainReader, PlainWriter } from './plain-packets.ts'

export interface SharedEngineConfig {
  readonly connection: Omit<ConnectionConfig, 'out' | 'emit'>
  /** Bytes that wait for the socket from which on channels send no more data. */
  readonly highWater: number
  /**
   * What becomes of our global requests. OpenSSH's master answers none: it lets `tcpip-forward` through, drops the server's reply,
   * and cuts off whoever sends another. With `openssh` that one is sent for a port that is named, unanswered, and taken to be
   * granted; all others fail here.
   */
  readonly requests: 'all' | 'openssh'
  /** No packet has fewer bytes after its length: OpenSSH's client cannot read those of less than 5. */
  readonly leastPacket?: number
}

const eventsAtOnce = 64
/** Of messages of the transport layer these mean nothing here and do no harm: IGNORE, UNIMPLEMENTED, DEBUG. */
const harmless: ReadonlySet<number> = new Set([2, 3, 4])
const byNumber = new Map<number, Message>(connectionMessages.map(each => [each.number, each]))
/** Data in one message that suits every server we know. */
const mostIncoming = 32 * 1024

const lost = (cause: unknown): DisconnectedError =>
  new DisconnectedError(
    'network',
    'connection-lost',
    '',
    'The shared connection is lost: the process that made it has ended, or has ended the connection.',
    { cause },
  )

export class SharedEngine implements DrivenEngine {
  readonly #config: SharedEngineConfig
  readonly #in = new PlainReader()
  readonly #out: PlainWriter
  readonly #events = new EventQueue()
  readonly connection: Connection
  /** Replies that are given here to requests that were not sent. */
  #replies: boolean[] = []
  #pings: Set<Channel> | undefined
  /** Channels the server refused. */
  refused = 0
  #ended = false
  #blocked = false
  #more = false
  readonly sessionId = undefined
  readonly peerExtensions: { readonly ping: boolean }

  constructor(config: SharedEngineConfig) {
    this.#config = config
    this.#out = new PlainWriter(config.leastPacket)
    this.peerExtensions = { ping: config.requests === 'openssh' }
    this.connection = new Connection({
      ...config.connection,
      out: {
        send: (message, value) => this.#send(message, value),
        sendData: (channel, type, bytes) => this.#out.data(channel, type, bytes),
        canSend: () => {
          const can = !this.#ended && this.#out.pending < config.highWater
          if (!can) this.#blocked = true
          return can
        },
        maxPayload: config.connection.limits.maximumDataBytes,
        maxIncoming: () => mostIncoming,
      },
      emit: event => this.#emit(event),
    })
  }

  #send<T>(message: Message<string, T>, value: T): void {
    if (this.#ended) return
    if (this.#config.requests === 'openssh' && (message as Message) === GlobalRequest) this.#request(value as Infer<typeof GlobalRequest>)
    else this.#out.message(message, value)
  }

  #request(request: Infer<typeof GlobalRequest>): void {
    const sent = request.requestName === tcpipForward.name && decode(tcpipForward.codec, request.details).portNumberToBind !== 0
    if (sent) this.#out.message(GlobalRequest, { ...request, wantReply: false })
    if (request.wantReply) this.#replies.push(sent)
  }

  /** Nothing is said at the start: it is all said already. */
  start(): void {}

  receive(bytes: Uint8Array): void {
    if (this.#ended) return
    this.#in.add(bytes)
    this.#guard(() => this.#pump())
  }

  end(_now: number, cause?: unknown): void {
    this.#finish('network', 'connection-lost', lost(cause))
  }

  disconnect(reason: DisconnectReason, description = '', error?: Error): void {
    // Who cannot leave such a master closes what would have been closed by leaving.
    if (!this.#ended && this.#config.requests === 'openssh' && this.refused > 0)
      for (const channel of [...this.connection.channels]) channel.close()
    this.#finish('us', reason, error ?? weEnded(reason, description))
  }

  elapse(): void {}
  deadline(): undefined {
    return undefined
  }
  /** Keys are the business of who made the connection. */
  rekey(): void {}
  change(): void {}

  /**
   * For a master that answers no global request: a session in which nothing is started is the one thing the server itself answers. (A
   * channel of a type nobody knows would do, but OpenSSH's master never forgets a channel that was refused, and dies of it later.)
   */
  ping(): void {
    if (this.#ended) return
    this.#pings ??= new Set()
    this.#pings.add(this.connection.open(session, {}))
  }

  nextEvent(): EngineEvent | undefined {
    let event = this.#events.take()
    if (event === undefined && !this.#ended && (this.#more || this.#replies.length > 0)) {
      this.#guard(() => {
        this.#reply()
        this.#pump()
      })
      event = this.#events.take()
    }
    if (event === undefined) this.#in.rest()
    return event
  }

  #reply(): void {
    const replies = this.#replies
    if (replies.length === 0) return
    this.#replies = []
    for (const granted of replies)
      this.connection.receive(granted ? RequestSuccess : RequestFailure, granted ? { details: new Uint8Array(0) } : {}, true)
  }

  takeOutgoing(): Uint8Array | undefined {
    return this.#out.take()
  }

  readonly outputCanWait = false

  release(buffer: Uint8Array): boolean {
    const stalled = this.#unread
    const waited = this.#blocked
    this.#out.release(buffer)
    this.#unblock()
    if (!stalled || this.#unread) return waited
    this.#guard(() => this.#pump())
    return true
  }

  get wantsInput(): boolean {
    return !this.#ended && !this.#unread
  }
  /** The other side asks and does not read the answers. */
  get #unread(): boolean {
    return this.#out.pending >= 2 * this.#config.highWater
  }
  get pendingOutput(): number {
    return this.#out.pending
  }
  get ended(): boolean {
    return this.#ended
  }

  #pump(): void {
    this.#more = false
    while (!this.#ended && !this.#unread) {
      if (this.#events.length >= eventsAtOnce) {
        this.#more = true
        return
      }
      const payload = this.#in.next()
      if (payload === undefined) break
      this.#dispatch(payload)
    }
    this.#unblock()
  }

  #dispatch(payload: Uint8Array): void {
    const message = byNumber.get(payload[0])
    if (message === undefined) {
      if (harmless.has(payload[0])) return
      throw new ProtocolError('message-unexpected', `Message ${payload[0]} has no place on a shared connection.`)
    }
    try {
      this.connection.receive(message, decodeMessage(message, payload), false)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      throw new ProtocolError(
        'malformed-message',
        `${message.name} is malformed: ${error.message}.`,
        { messageName: message.name },
        { cause: error },
      )
    }
  }

  #unblock(): void {
    if (!this.#blocked || this.#ended || this.#out.pending >= this.#config.highWater) return
    this.#blocked = false
    this.connection.flush()
  }

  #guard(act: () => void): void {
    try {
      act()
    } catch (thrown) {
      const { error, reason } = faultOf(thrown)
      this.#finish('us', reason, error)
    }
  }

  #finish(by: 'us' | 'network', reason: DisconnectReason, error: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.connection.end(error)
    this.#events.push({ is: 'ended', by, reason, error })
  }

  #emit(event: EngineEvent): void {
    if (event.is === 'open-failed' && event.error === undefined) this.refused++
    if (this.#pings === undefined || !('channel' in event) || !this.#pings.has(event.channel)) this.#events.push(event)
    else this.#pinged(event)
  }

  #pinged(event: EngineEvent & { readonly channel: Channel }): void {
    if (event.is === 'opened') event.channel.close()
    else if (event.is === 'closed' || event.is === 'open-failed') this.#pings?.delete(event.channel)
    // The end of the connection is told to whoever waits by itself.
    const answered = event.is === 'opened' || (event.is === 'open-failed' && event.error === undefined)
    if (answered) this.#events.push({ is: 'pong', data: new Uint8Array(0) })
  }
}
