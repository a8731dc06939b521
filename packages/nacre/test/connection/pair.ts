// Owns two connections back to back, in memory: every message is encoded and decoded on its way, views die as they do in
// the engine, and each side's network can be stopped. Also the eyes of the tests: a log of what each side sent.
import assert from 'node:assert/strict'
import type { Channel, ChannelEvent } from '../../src/connection/channel.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { Connection } from '../../src/connection/connection.ts'
import type { ConnectionEvent } from '../../src/connection/events.ts'
import { type ConnectionLimits, defaultLimits } from '../../src/connection/limits.ts'
import { ChannelData, ChannelExtendedData, connectionMessages } from '../../src/connection/messages.ts'
import type { ChannelTypeRow } from '../../src/connection/channel-types/row.ts'
import { connectionRows, type OwnRows } from '../../src/connection/rows.ts'
import { ProtocolError, type Violation } from '../../src/errors.ts'
import { decodeMessage, encodeMessage, type Message } from '../../src/wire/message.ts'

export interface SideOptions extends OwnRows {
  readonly limits?: Partial<ConnectionLimits>
  /** Bytes of data one message to the other side may have. */
  readonly maxPayload?: number
  /** Bytes of data in one message that the other side is to be told at most. */
  readonly maxIncoming?: number
  /** The other side waits for acknowledgements. */
  readonly awaitsAcknowledgement?: boolean
}

export type EventOf<I extends ConnectionEvent['is']> = Extract<ConnectionEvent, { readonly is: I }>

/** A message as it went over the wire. */
export interface Sent {
  readonly message: Message
  readonly value: never
}

export class Side {
  readonly connection: Connection
  /** Payloads on their way to the other side. */
  readonly wire: Uint8Array[] = []
  /** Events nobody has taken. */
  readonly events: ConnectionEvent[] = []
  /** Called for every event before it is stored. */
  onEvent: ((event: ConnectionEvent) => void) | undefined
  /** Data messages the network takes before it is full. */
  room = Number.POSITIVE_INFINITY
  /** Names of all messages sent, in order. */
  readonly log: string[] = []
  /** The longest data message sent. */
  longest = 0

  constructor(role: 'client' | 'server', options: SideOptions = {}) {
    const post = (message: Message, value: unknown): void => {
      this.log.push(message.name.replace('SSH_MSG_', ''))
      this.wire.push(encodeMessage(message, value))
    }
    this.connection = new Connection({
      role,
      limits: { ...defaultLimits, ...options.limits },
      rows: connectionRows(options),
      emit: event => {
        this.onEvent?.(event)
        this.events.push(event)
      },
      out: {
        send: post,
        sendData: (channel, type, data) => {
          assert.ok(this.room > 0, 'data was sent although the network was full')
          this.room--
          this.longest = Math.max(this.longest, data.length)
          if (type === 0) post(ChannelData, { recipientChannel: channel, data })
          else post(ChannelExtendedData, { recipientChannel: channel, dataTypeCode: type, data })
        },
        canSend: () => this.room > 0,
        maxPayload: options.maxPayload ?? 64 * 1024,
        maxIncoming: () => options.maxIncoming ?? Number.POSITIVE_INFINITY,
        awaitsAcknowledgement: () => options.awaitsAcknowledgement === true,
      },
    })
  }

  /** Takes one payload, as the engine hands it over: in a buffer that is gone after the next one. */
  take(payload: Uint8Array): void {
    const message = connectionMessages.find(each => each.number === payload[0])
    assert.ok(message !== undefined)
    this.#view.fill(0xdd)
    this.#view = payload.slice()
    this.connection.receive(message, decodeMessage(message, this.#view), false)
  }
  #view = new Uint8Array(0)

  /** Takes a message somebody made up. */
  hear<T>(message: Message<string, T>, value: T): void {
    this.take(encodeMessage(message, value))
  }

  /** The network has room again. */
  open(room = Number.POSITIVE_INFINITY): void {
    this.room = room
    this.connection.flush()
  }

  /** Removes and returns the first event, which must be of this kind. */
  next<I extends ConnectionEvent['is']>(is: I): EventOf<I> {
    const event = this.events.shift()
    assert.equal(event?.is, is)
    return event as EventOf<I>
  }

  /** Asserts that nothing happened since. */
  quiet(): void {
    assert.deepEqual(
      this.events.map(each => each.is),
      [],
    )
  }

  /** Messages sent since the last call. */
  said(): readonly string[] {
    return this.log.splice(0)
  }
}

export class Pair {
  readonly client: Side
  readonly server: Side
  constructor(clientOptions: SideOptions = {}, serverOptions: SideOptions = {}) {
    this.client = new Side('client', clientOptions)
    this.server = new Side('server', serverOptions)
  }

  other(side: Side): Side {
    return side === this.client ? this.server : this.client
  }

  /** Delivers the oldest message of `from`; false when there is none. */
  deliver(from: Side): boolean {
    const payload = from.wire.shift()
    if (payload === undefined) return false
    this.other(from).take(payload)
    return true
  }

  /** Delivers everything there is. */
  settle(): void {
    while (this.deliver(this.client) || this.deliver(this.server));
  }

  /** A channel both sides know, with no event left over. */
  channel<T>(row?: ChannelTypeRow<string, T>, value?: T): { readonly ours: Channel; readonly theirs: Channel } {
    const ours = row === undefined ? this.client.connection.open(session, {}) : this.client.connection.open(row, value as T)
    this.settle()
    const theirs = this.server.next('open-request').question.accept()
    this.settle()
    assert.equal(this.client.next('opened').channel, ours)
    this.client.said()
    this.server.said()
    return { ours, theirs }
  }
}

/** Runs `act`, which must be a violation of this kind. Returns the error. */
export const violates = (violation: Violation, act: () => void): ProtocolError => {
  let caught: unknown
  try {
    act()
  } catch (error) {
    caught = error
  }
  assert.ok(caught instanceof ProtocolError, `a ProtocolError was expected, not ${String(caught)}`)
  assert.equal(caught.violation, violation)
  assert.match(caught.message, /^[A-Z].*\.$/s)
  return caught
}

/** Bytes that can be told apart by their place. */
export const pattern = (count: number, start = 0): Uint8Array =>
  Uint8Array.from({ length: count }, (_, i) => ((start + i) * 31 + ((start + i) >>> 8)) & 0xff)

/** Collects the data of one channel, and consumes what it is told to. */
export class Sink {
  readonly channel: Channel
  readonly #chunks: Uint8Array[] = []
  length = 0
  /** Bytes that are held and not consumed. */
  held = 0
  most = 0

  constructor(channel: Channel) {
    this.channel = channel
  }

  take(event: ChannelEvent): void {
    if (event.is !== 'data' || event.channel !== this.channel) return
    this.#chunks.push(event.bytes.slice())
    this.length += event.bytes.length
    this.held += event.bytes.length
    this.most = Math.max(this.most, this.held)
  }

  consume(count: number): void {
    const taken = Math.min(count, this.held)
    this.held -= taken
    this.channel.consume(taken)
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.length)
    let at = 0
    for (const chunk of this.#chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }
}

/** A writer with bytes to send, that goes on whenever it is told. */
export class Source {
  readonly channel: Channel
  readonly bytes: Uint8Array
  sent = 0
  constructor(channel: Channel, bytes: Uint8Array) {
    this.channel = channel
    this.bytes = bytes
  }
  write(most = Number.POSITIVE_INFINITY): number {
    const count = this.channel.write(this.bytes.subarray(this.sent, Math.min(this.bytes.length, this.sent + most)))
    this.sent += count
    return count
  }
  get done(): boolean {
    return this.sent === this.bytes.length
  }
}
