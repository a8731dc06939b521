// Owns the connection protocol of one side (RFC 4254): the table of channels, opens both ways, global requests, and where
// each message goes. It does no I/O, keeps no data, and knows nothing of packets, users or what channels are for.
import { channelOpenFailures, type ChannelOpenFailureReason, ProtocolError, SshError, WireError } from '../errors.ts'
import { encode, type Infer } from '../wire/codec.ts'
import type { Message } from '../wire/message.ts'
import { Channel, type ChannelEvent, type ChannelHost } from './channel.ts'
import type { ChannelTypeRow } from './channel-types/row.ts'
import { session } from './channel-types/session.ts'
import type { ConnectionEvent, OpenQuestion, OpenValue } from './events.ts'
import { GlobalRequests, type OnGlobalReply } from './global.ts'
import { keepalive } from './global-requests/keepalive.ts'
import { noMoreSessions } from './global-requests/no-more-sessions.ts'
import type { GlobalRequestRow } from './global-requests/row.ts'
import type { ConnectionLimits } from './limits.ts'
import {
  ChannelClose,
  ChannelData,
  ChannelEof,
  ChannelExtendedData,
  ChannelFailure,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
  GlobalRequest,
  RequestFailure,
  RequestSuccess,
} from './messages.ts'
import type { ConnectionOut } from './out.ts'
import type { Role } from './row.ts'
import type { ConnectionRows } from './rows.ts'

export interface ConnectionConfig {
  readonly role: Role
  readonly out: ConnectionOut
  /** Called synchronously, in order. */
  readonly emit: (event: ConnectionEvent) => void
  readonly limits: ConnectionLimits
  readonly rows: ConnectionRows
}

const nothing = new Uint8Array(0)

const failureName = (reasonCode: number): ChannelOpenFailureReason | undefined =>
  (Object.keys(channelOpenFailures) as ChannelOpenFailureReason[]).find(each => channelOpenFailures[each] === reasonCode)

/** The peer wants a channel. */
class PeerOpen implements OpenQuestion {
  readonly details: OpenValue
  readonly #connection: Connection
  readonly #open: Infer<typeof ChannelOpen>
  #answered = false

  constructor(connection: Connection, details: OpenValue, open: Infer<typeof ChannelOpen>) {
    this.#connection = connection
    this.details = details
    this.#open = open
  }

  get channelType(): string {
    return this.#open.channelType
  }

  accept(details: Uint8Array = nothing): Channel {
    this.#once()
    return this.#connection.acceptOpen(this.#open, details)
  }

  refuse(reason: ChannelOpenFailureReason, description = ''): void {
    this.#once()
    this.#connection.refuseOpen(this.#open, reason, description)
  }

  #once(): void {
    if (this.#answered) throw new TypeError('an open can be answered once')
    this.#answered = true
  }
}

/** What channels need of it is public for them alone: an object of closures for that would be a twentieth of what an idle connection holds. */
export class Connection implements ChannelHost {
  readonly out: ConnectionOut
  readonly limits: ConnectionLimits
  readonly #emit: (event: ConnectionEvent) => void
  readonly #role: Role
  readonly #peer: Role
  readonly #rows: ConnectionRows
  /** From the first global request on, whoever makes it. */
  #globalRequests: GlobalRequests | undefined
  /** Channels by our number. Numbers of closed channels are in `#free`. */
  readonly #channels: (Channel | undefined)[] = []
  #free: number[] | undefined
  #pendingOpens = 0
  /** Channels that wait until `out.canSend` is true. */
  #awaitingRoom: Channel[] | undefined
  #turn = 0
  #sessionsRefused = false
  #ended: Error | undefined

  constructor(config: ConnectionConfig) {
    this.out = config.out
    this.#emit = config.emit
    this.limits = config.limits
    this.#role = config.role
    this.#peer = config.role === 'client' ? 'server' : 'client'
    this.#rows = config.rows
  }

  get #global(): GlobalRequests {
    return (this.#globalRequests ??= new GlobalRequests(this.out, this.limits.maximumPendingRequests))
  }

  /** Channels that are open or opening. */
  get channelCount(): number {
    return this.#channels.length - (this.#free?.length ?? 0)
  }
  /** Those, by their numbers. */
  get channels(): readonly Channel[] {
    return this.#channels.filter(each => each !== undefined)
  }
  /** Opens of the peer that nobody has answered yet. */
  get pendingOpens(): number {
    return this.#pendingOpens
  }

  // ── for the application ───────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Asks the peer for a channel. It is usable after the event `opened`; `open-failed` says that it will not be. Throws what
   * ended the connection, and `SshError` with code `CHANNEL_LIMIT` when `limits.maximumChannels` are in use.
   */
  open<T>(row: ChannelTypeRow<string, T>, value: T): Channel {
    if (this.#ended !== undefined) throw this.#ended
    if (this.#full) {
      throw new SshError(
        'CHANNEL_LIMIT',
        `This connection has ${this.limits.maximumChannels} channels already. Close some, or raise limits.maximumChannels.`,
      )
    }
    const details = encode(row.codec, value)
    const channel = this.#add(row.name)
    this.out.send(ChannelOpen, {
      channelType: row.name,
      senderChannel: channel.number,
      initialWindowSize: this.limits.initialWindow,
      maximumPacketSize: channel.maximumPacket,
      details,
    })
    return channel
  }

  /** Sends a global request. With `onReply` a reply is asked for, and it is called once. Throws what ended the connection. */
  globalRequest<T>(row: GlobalRequestRow<string, T>, value: T, onReply?: OnGlobalReply): void {
    if (this.#ended !== undefined) throw this.#ended
    this.#global.send(row, value, onReply)
  }

  /** Asks for a sign of life; `onAnswer` is called when the peer gave any answer, with an error when none can come. */
  keepalive(onAnswer?: (error?: Error) => void): void {
    this.globalRequest(keepalive, {}, (_ok, _details, error) => onAnswer?.(error))
  }

  // ── for channels ──────────────────────────────────────────────────────────────────────────────────────────────────

  emit(event: ChannelEvent): void {
    this.#emit(event)
  }
  readRequest(name: string, details: Uint8Array): ReturnType<ChannelHost['readRequest']> {
    return this.#rows.requests.maySend(name, this.#peer) ? this.#rows.requests.read(name, details) : undefined
  }
  awaitRoom(channel: Channel): void {
    if (channel.awaitingRoom) return
    channel.awaitingRoom = true
    this.#awaitingRoom ??= []
    this.#awaitingRoom.push(channel)
  }
  nextTurn(): number {
    return ++this.#turn
  }
  release(channel: Channel): void {
    this.#channels[channel.number] = undefined
    this.#free ??= []
    this.#free.push(channel.number)
  }

  // ── for the engine ────────────────────────────────────────────────────────────────────────────────────────────────

  /** `out.canSend` is true again: channels that waited are told, who was served least recently first. */
  flush(): void {
    const waiting = this.#awaitingRoom
    if (waiting === undefined) return
    this.#awaitingRoom = undefined
    if (waiting.length > 1) waiting.sort((a, b) => a.turn - b.turn)
    for (const channel of waiting) channel.awaitingRoom = false
    for (const channel of waiting) channel.room()
  }

  /** The connection is over: every channel is closed with `error`, and whoever waits for a reply is told. */
  end(error: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    for (const channel of [...this.#channels]) channel?.abort(error)
    this.#channels.length = 0
    this.#free = undefined
    this.#awaitingRoom = undefined
    this.#globalRequests?.end(error)
  }

  /**
   * One message of the connection protocol, decoded. Byte fields of `value` are views, valid until the next call, unless
   * `detached`. Throws `ProtocolError` when the peer broke a rule and `WireError` when details are malformed.
   */
  receive(message: Message, value: unknown, detached: boolean): void {
    if (this.#ended !== undefined) return
    switch (message.number) {
      case ChannelData.number: {
        const { recipientChannel, data } = value as Infer<typeof ChannelData>
        this.#channel(recipientChannel, message).received(data, 0, detached)
        return
      }
      case ChannelExtendedData.number: {
        const { recipientChannel, dataTypeCode, data } = value as Infer<typeof ChannelExtendedData>
        // 0 is our mark for ordinary data and no code of RFC 4254 §5.2.
        if (dataTypeCode === 0) throw new WireError('extended data has the type 0, which does not exist')
        this.#channel(recipientChannel, message).received(data, dataTypeCode, detached)
        return
      }
      case ChannelWindowAdjust.number: {
        const { recipientChannel, bytesToAdd } = value as Infer<typeof ChannelWindowAdjust>
        this.#channel(recipientChannel, message).adjusted(bytesToAdd)
        return
      }
      default:
        this.#receiveOther(message, value)
    }
  }

  #receiveOther(message: Message, value: unknown): void {
    switch (message.number) {
      case GlobalRequest.number:
        this.#globalRequested(value as Infer<typeof GlobalRequest>)
        return
      case RequestSuccess.number:
        this.#global.replied(true, (value as Infer<typeof RequestSuccess>).details)
        return
      case RequestFailure.number:
        this.#global.replied(false, nothing)
        return
      case ChannelOpen.number:
        this.#openRequested(value as Infer<typeof ChannelOpen>)
        return
      case ChannelOpenConfirmation.number: {
        const { recipientChannel, senderChannel, initialWindowSize, maximumPacketSize, details } = value as Infer<
          typeof ChannelOpenConfirmation
        >
        this.#channel(recipientChannel, message).confirmed(senderChannel, initialWindowSize, maximumPacketSize, details)
        return
      }
      case ChannelOpenFailure.number: {
        const { recipientChannel, reasonCode, description } = value as Infer<typeof ChannelOpenFailure>
        this.#channel(recipientChannel, message).refused(failureName(reasonCode), description)
        return
      }
      default:
        this.#receiveOfChannel(message, value as { readonly recipientChannel: number })
    }
  }

  #receiveOfChannel(message: Message, value: { readonly recipientChannel: number }): void {
    const channel = this.#channel(value.recipientChannel, message)
    switch (message.number) {
      case ChannelEof.number:
        channel.receivedEof()
        return
      case ChannelClose.number:
        channel.receivedClose()
        return
      case ChannelRequest.number: {
        const { requestType, wantReply, details } = value as Infer<typeof ChannelRequest>
        channel.requested(requestType, wantReply, details)
        return
      }
      case ChannelSuccess.number:
        channel.replied(true)
        return
      case ChannelFailure.number:
        channel.replied(false)
        return
      default:
        throw new ProtocolError('message-unexpected', `${message.name} is no message of the connection protocol.`, {
          messageName: message.name,
        })
    }
  }

  #channel(number: number, message: Message): Channel {
    const channel = number < this.#channels.length ? this.#channels[number] : undefined
    if (channel === undefined) {
      throw new ProtocolError('channel-unknown', `The peer sent ${message.name} for channel ${number}, which does not exist.`, {
        messageName: message.name,
      })
    }
    return channel
  }

  // ── opens and global requests of the peer ─────────────────────────────────────────────────────────────────────────

  get #full(): boolean {
    return this.channelCount + this.#pendingOpens >= this.limits.maximumChannels
  }

  #add(channelType: string): Channel {
    const number = this.#free?.pop() ?? this.#channels.length
    const channel = new Channel(this, channelType, number)
    this.#channels[number] = channel
    return channel
  }

  #openRequested(open: Infer<typeof ChannelOpen>): void {
    const { channelType, senderChannel, maximumPacketSize } = open
    if (maximumPacketSize < 1) {
      throw new ProtocolError('channel-packet-size-too-small', 'The peer opens a channel that takes packets of 0 bytes (RFC 4254 §5.1).')
    }
    if (!this.#rows.channelTypes.maySend(channelType, this.#peer)) {
      this.#refuse(senderChannel, 'administratively-prohibited', `a ${this.#peer} cannot open channels of this type`)
      return
    }
    if (this.#sessionsRefused && channelType === session.name) {
      this.#refuse(senderChannel, 'administratively-prohibited', 'you asked for no more sessions')
      return
    }
    if (this.#full || this.#pendingOpens >= this.limits.maximumPendingOpens) {
      this.#refuse(senderChannel, 'resource-shortage', 'too many channels')
      return
    }
    const details = this.#rows.channelTypes.read(channelType, open.details)
    this.#pendingOpens++
    this.#emit({ is: 'open-request', question: new PeerOpen(this, details, open) })
  }

  #refuse(recipientChannel: number, reason: ChannelOpenFailureReason, description: string): void {
    this.out.send(ChannelOpenFailure, {
      recipientChannel,
      reasonCode: channelOpenFailures[reason],
      description,
      languageTag: '',
    })
  }

  /** For the question of an open, once: it is accepted. Throws what ended the connection. */
  acceptOpen(open: Infer<typeof ChannelOpen>, details: Uint8Array): Channel {
    this.#pendingOpens--
    if (this.#ended !== undefined) throw this.#ended
    const channel = this.#add(open.channelType)
    channel.begin(open.senderChannel, open.initialWindowSize, open.maximumPacketSize)
    this.out.send(ChannelOpenConfirmation, {
      recipientChannel: open.senderChannel,
      senderChannel: channel.number,
      initialWindowSize: this.limits.initialWindow,
      maximumPacketSize: channel.maximumPacket,
      details,
    })
    return channel
  }

  /** For the question of an open, once: it is refused. */
  refuseOpen(open: Infer<typeof ChannelOpen>, reason: ChannelOpenFailureReason, description: string): void {
    this.#pendingOpens--
    if (this.#ended === undefined) this.#refuse(open.senderChannel, reason, description)
  }

  #globalRequested({ requestName, wantReply, details }: Infer<typeof GlobalRequest>): void {
    if (!this.#rows.globalRequests.maySend(requestName, this.#peer)) {
      this.#global.asked(undefined, wantReply).fail()
      return
    }
    // OpenSSH's PROTOCOL 2.2: a promise for the whole connection, kept here because opens are refused here.
    if (requestName === noMoreSessions.name && this.#role === 'server') {
      this.#sessionsRefused = true
      this.#global.asked(undefined, wantReply).succeed()
      return
    }
    const request = this.#rows.globalRequests.read(requestName, details)
    this.#emit({ is: 'global-request', question: this.#global.asked(request, wantReply) })
  }
}
