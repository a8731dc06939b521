// Owns one channel: its two halves, its two windows, its requests and their replies. Data goes straight through, nothing is
// queued here. Knows nothing of other channels, of streams or of what a channel is for.
import { type ChannelOpenFailureReason, ProtocolError, RequestRefusedError } from '../errors.ts'
import { encode } from '../wire/codec.ts'
import { AnswerLine, Question } from './answers.ts'
import { type Half, type HalfStep, halfTransitions } from './half.ts'
import type { ConnectionLimits } from './limits.ts'
import {
  ChannelClose,
  ChannelData,
  ChannelEof,
  ChannelExtendedData,
  ChannelFailure,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
} from './messages.ts'
import type { ConnectionOut } from './out.ts'
import type { ChannelRequestQuestion, ChannelRequestValue } from './questions.ts'
import type { RequestRow } from './requests/row.ts'
import { ReceiveWindow, SendWindow } from './window.ts'

export interface DataEvent {
  readonly is: 'data'
  readonly channel: Channel
  /** A view, valid until the next message is received, unless `detached`. Give the bytes back with `channel.consume`. */
  readonly bytes: Uint8Array
  /** 0 for ordinary data, else the code of extended data; 1 is standard error (RFC 4254 §5.2). */
  readonly type: number
  /** True when nobody else will touch the bytes. */
  readonly detached: boolean
}

/** What happens on a channel. After `closed` or `open-failed` nothing more comes of it. */
export type ChannelEvent =
  | DataEvent
  /** The peer opened the channel we asked for; `details` are those of its type's confirmation. */
  | { readonly is: 'opened'; readonly channel: Channel; readonly details: Uint8Array }
  /** The peer refused, or the connection ended first: then `error` is set. `reason` is undefined for numbers nobody knows. */
  | {
      readonly is: 'open-failed'
      readonly channel: Channel
      readonly reason: ChannelOpenFailureReason | undefined
      readonly description: string
      readonly error: Error | undefined
    }
  /** A write was taken in part, and more of it would be now. */
  | { readonly is: 'writable'; readonly channel: Channel }
  | { readonly is: 'eof'; readonly channel: Channel }
  | { readonly is: 'channel-request'; readonly channel: Channel; readonly question: ChannelRequestQuestion }
  /** Closed by both sides; or the connection ended: then `error` is set. */
  | { readonly is: 'closed'; readonly channel: Channel; readonly error: Error | undefined }

const nothing = new Uint8Array(0)

/** What a channel needs of its connection. */
export interface ChannelHost {
  readonly out: ConnectionOut
  readonly limits: ConnectionLimits
  emit(event: ChannelEvent): void
  /** Reads a request the peer may send; `undefined` for one only our side sends. */
  readRequest(name: string, details: Uint8Array): ChannelRequestValue | undefined
  /** The channel wants to be told when `out.canSend` is true again. */
  awaitRoom(channel: Channel): void
  /** A number that grows, to remember who was served last. */
  nextTurn(): number
  /** The channel's number may be used again. */
  release(channel: Channel): void
}

/** How a request of ours ended. `error` is set when no reply can come any more. */
export type OnReply = (ok: boolean, error?: Error) => void

interface PendingReply {
  readonly request: string
  readonly onReply: OnReply
}

/** Where a channel stands as a whole: asked for, confirmed, closed by both sides. */
export type ChannelPhase = 'opening' | 'open' | 'gone'

export class Channel {
  readonly channelType: string
  /** Our number. It may be another channel's once this one is closed. */
  readonly number: number
  /** When data was last sent, as `ChannelHost.nextTurn` counts: who waited longest is told first. */
  turn = 0
  /** The connection will tell when there is room. */
  awaitingRoom = false
  /** Whoever serves the channel may keep something of his own here; the channel never looks at it. */
  keeper: object | undefined

  readonly #host: ChannelHost
  readonly #receiveWindow: ReceiveWindow
  readonly #sendWindow = new SendWindow(0)
  #peerNumber = 0
  #packetLimit = 0
  #phase: ChannelPhase = 'opening'
  #ours: Half = 'open'
  #theirs: Half = 'open'
  #closeWanted = false
  #writableWanted = false
  /** Most channels see few requests, and then none for ever: these are there while they are needed. */
  #pendingReplies: PendingReply[] | undefined
  #answers: AnswerLine | undefined

  constructor(host: ChannelHost, channelType: string, number: number) {
    this.#host = host
    this.channelType = channelType
    this.number = number
    const { limits, out } = host
    this.#receiveWindow = new ReceiveWindow(limits.initialWindow, Math.min(limits.maximumPacket, out.maxIncoming()))
  }

  get phase(): ChannelPhase {
    return this.#phase
  }
  /** What we may still send. */
  get ours(): Half {
    return this.#ours
  }
  /** What the peer may still send. */
  get theirs(): Half {
    return this.#theirs
  }
  /** Bytes that were delivered and not consumed. */
  get unconsumed(): number {
    return this.#receiveWindow.unconsumed
  }
  /** Bytes of data in one message that we tell the peer we take. */
  get maximumPacket(): number {
    return this.#receiveWindow.maximumPacket
  }
  /** Bytes the peer's window has room for. */
  get sendWindow(): number {
    return this.#sendWindow.available
  }

  // ── for the application ───────────────────────────────────────────────────────────────────────────────────────────
  // A channel may be gone before its user has seen the event that says so. So calls on a closed channel do nothing.

  /**
   * Sends as much of `bytes` as fits now and returns how many bytes that were. When some are left, a `writable` event
   * follows once more fit. `type` is 0, or the code of extended data. Throws `TypeError` before the channel is open and
   * after `eof`.
   */
  write(bytes: Uint8Array, type = 0): number {
    this.#mustBeOpened()
    if (this.#ours === 'eof') throw new TypeError('nothing can be written to a channel after its eof')
    if (this.#ours === 'closed') return 0
    const { out } = this.#host
    const total = bytes.length
    let taken = 0
    while (taken < total) {
      const count = Math.min(total - taken, this.#sendWindow.available, this.#packetLimit)
      if (count === 0) break
      if (!out.canSend()) {
        this.#host.awaitRoom(this)
        break
      }
      this.#sendWindow.take(count)
      out.sendData(this.#peerNumber, type, count === total ? bytes : bytes.subarray(taken, taken + count))
      taken += count
    }
    if (taken > 0) this.turn = this.#host.nextTurn()
    this.#writableWanted = taken < total
    return taken
  }

  /**
   * Sends `bytes` as one message, or not at all: for data whose boundaries mean something. `dropped`: it did not fit. With `full`
   * nothing at all would fit, and a `writable` event follows once something does.
   */
  writeWhole(bytes: Uint8Array): 'sent' | 'full' | 'dropped' {
    this.#mustBeOpened()
    if (this.#ours !== 'open') return 'dropped'
    const { out } = this.#host
    const room = this.#sendWindow.available
    if (room === 0 || !out.canSend()) {
      if (room > 0) this.#host.awaitRoom(this)
      this.#writableWanted = true
      return 'full'
    }
    if (bytes.length > room || bytes.length > this.#packetLimit) return 'dropped'
    this.#sendWindow.take(bytes.length)
    out.sendData(this.#peerNumber, 0, bytes)
    this.turn = this.#host.nextTurn()
    return 'sent'
  }

  /** Gives back `count` bytes of data that have been dealt with, so that the peer may send more. */
  consume(count: number): void {
    if (this.#phase === 'gone') return
    this.#giveBack(this.#receiveWindow.consumed(count))
  }

  /**
   * Gives back at once the little that was consumed, for a peer that holds its next packet back until TCP has acknowledged the last
   * one: after our end nothing else of this channel would carry that, and a system left to itself takes 40 ms.
   */
  acknowledge(): void {
    if (this.#ours === 'eof' && this.#host.out.awaitsAcknowledgement?.() === true) this.#giveBack(this.#receiveWindow.few())
  }

  /**
   * Lets the peer have up to `size` bytes under way to us, if that is more than until now: for whoever expects much over a long
   * way and takes it as it comes. What arrives and is not consumed may then be as much.
   */
  widen(size: number): void {
    if (this.#phase === 'open') this.#giveBack(this.#receiveWindow.widen(size))
  }

  /** Sends SSH_MSG_CHANNEL_EOF: no more data from us (RFC 4254 §5.3). The other direction goes on. */
  eof(): void {
    this.#mustBeOpened()
    if (this.#ours !== 'open') return
    this.#ours = 'eof'
    this.#writableWanted = false
    this.#host.out.send(ChannelEof, { recipientChannel: this.#peerNumber })
  }

  /**
   * Sends SSH_MSG_CHANNEL_CLOSE, or will once the channel is open. What the peer still sends is dropped; `closed` follows
   * when it has closed too. Replies to its requests are no longer sent.
   */
  close(): void {
    if (this.#phase === 'opening') this.#closeWanted = true
    else this.#closeOurs()
  }

  /**
   * Sends a request. With `onReply` a reply is asked for, and it is called once: with the peer's answer, or with `false`
   * and an error when none can come any more. Throws `TypeError` before the channel is open.
   */
  request<T>(row: RequestRow<string, T>, value: T, onReply?: OnReply): void {
    this.#mustBeOpened()
    if (this.#ours === 'closed') {
      onReply?.(false, unanswered(row.name))
      return
    }
    const details = encode(row.codec, value)
    if (onReply !== undefined) {
      const pending = { request: row.name, onReply }
      if (this.#pendingReplies === undefined) this.#pendingReplies = [pending]
      else this.#pendingReplies.push(pending)
    }
    this.#host.out.send(ChannelRequest, {
      recipientChannel: this.#peerNumber,
      requestType: row.name,
      wantReply: onReply !== undefined,
      details,
    })
  }

  #answerLine(): AnswerLine {
    return (this.#answers ??= new AnswerLine(this.#host.limits.maximumPendingRequests, ok => {
      if (this.#answers?.empty === true) this.#answers = undefined
      this.#host.out.send(ok ? ChannelSuccess : ChannelFailure, { recipientChannel: this.#peerNumber })
    }))
  }

  #mustBeOpened(): void {
    if (this.#phase === 'opening') throw new TypeError('the peer has not opened this channel yet: wait for the event "opened"')
  }

  #giveBack(count: number): void {
    // Nobody sends into a direction that has ended, and nothing follows our close.
    if (count === 0 || this.#ours === 'closed' || this.#theirs !== 'open') return
    this.#host.out.send(ChannelWindowAdjust, { recipientChannel: this.#peerNumber, bytesToAdd: count })
  }

  #closeOurs(): void {
    if (this.#ours === 'closed') return
    this.#ours = 'closed'
    this.#writableWanted = false
    this.#answers?.abandon()
    this.#host.out.send(ChannelClose, { recipientChannel: this.#peerNumber })
  }

  // ── for the connection ────────────────────────────────────────────────────────────────────────────────────────────

  /** Both sides agree: the peer's number, its window, and how much data one message to it may have. */
  begin(peerNumber: number, window: number, maximumPacket: number): void {
    if (maximumPacket < 1) {
      throw new ProtocolError(
        'channel-packet-size-too-small',
        `The peer takes channel packets of at most ${maximumPacket} bytes: no data could be sent (RFC 4254 §5.1).`,
      )
    }
    this.#peerNumber = peerNumber
    this.#sendWindow.adjust(window)
    this.#packetLimit = Math.min(maximumPacket, this.#host.limits.maximumDataBytes, this.#host.out.maxPayload)
    this.#phase = 'open'
  }

  confirmed(peerNumber: number, window: number, maximumPacket: number, details: Uint8Array): void {
    this.#mustBeOpening(ChannelOpenConfirmation.name)
    this.begin(peerNumber, window, maximumPacket)
    if (this.#closeWanted) this.#closeOurs()
    else this.#host.emit({ is: 'opened', channel: this, details: details.length === 0 ? nothing : details.slice() })
  }

  refused(reason: ChannelOpenFailureReason | undefined, description: string): void {
    this.#mustBeOpening(ChannelOpenFailure.name)
    this.#neverOpened()
    this.#host.release(this)
    this.#host.emit({ is: 'open-failed', channel: this, reason, description, error: undefined })
  }

  /** The hot path: one event and nothing else is allocated. */
  received(bytes: Uint8Array, type: number, detached: boolean): void {
    const message = type === 0 ? ChannelData.name : ChannelExtendedData.name
    this.#step('data', message)
    const due = this.#receiveWindow.arrived(bytes.length)
    // After our close late data is counted and dropped (RFC 4254 §5.3); an empty message says nothing.
    if (this.#ours === 'closed' || bytes.length === 0) return
    if (due > 0) this.#giveBack(due)
    this.#host.emit({ is: 'data', channel: this, bytes, type, detached })
  }

  adjusted(count: number): void {
    this.#mustBeOpen(ChannelWindowAdjust.name)
    if (this.#ours === 'closed') return
    this.#sendWindow.adjust(count)
    if (this.#writableWanted) this.room()
  }

  /** There may be room: tells the application, if it waits for that and the peer's window agrees. */
  room(): void {
    if (!this.#writableWanted || this.#sendWindow.available === 0) return
    if (!this.#host.out.canSend()) {
      this.#host.awaitRoom(this)
      return
    }
    this.#writableWanted = false
    this.#host.emit({ is: 'writable', channel: this })
  }

  receivedEof(): void {
    const again = this.#theirs === 'eof'
    this.#step('eof', ChannelEof.name)
    if (this.#ours !== 'closed' && !again) this.#host.emit({ is: 'eof', channel: this })
  }

  receivedClose(): void {
    this.#step('close', ChannelClose.name)
    // RFC 4254 §5.3: answered with a close, unless ours was sent.
    this.#closeOurs()
    this.#finish(undefined)
  }

  requested(requestType: string, wantReply: boolean, details: Uint8Array): void {
    this.#step('request', ChannelRequest.name)
    if (this.#ours === 'closed') return
    const line = wantReply ? this.#answerLine() : undefined
    const request = this.#host.readRequest(requestType, details)
    if (request === undefined) new Question(request, line).fail()
    else this.#host.emit({ is: 'channel-request', channel: this, question: new Question(request, line) })
  }

  replied(ok: boolean): void {
    this.#mustBeOpen(ok ? ChannelSuccess.name : ChannelFailure.name)
    const pending = this.#pendingReplies?.shift()
    if (this.#pendingReplies?.length === 0) this.#pendingReplies = undefined
    if (pending === undefined) {
      throw new ProtocolError('channel-reply-unexpected', 'The peer answered a channel request that nobody made (RFC 4254 §5.4).')
    }
    pending.onReply(ok)
  }

  /** The connection has ended. */
  abort(error: Error): void {
    if (this.#phase !== 'opening') {
      this.#ours = 'closed'
      this.#answers?.abandon()
      this.#finish(error)
      return
    }
    this.#neverOpened()
    this.#host.emit({ is: 'open-failed', channel: this, reason: undefined, description: '', error })
  }

  #neverOpened(): void {
    this.#phase = 'gone'
    this.#ours = 'closed'
    this.#theirs = 'closed'
  }

  #finish(error: Error | undefined): void {
    this.#phase = 'gone'
    this.#theirs = 'closed'
    this.#writableWanted = false
    this.#host.release(this)
    this.#host.emit({ is: 'closed', channel: this, error })
    const unheard = this.#pendingReplies
    this.#pendingReplies = undefined
    if (unheard === undefined) return
    for (const { request, onReply } of unheard) onReply(false, error ?? unanswered(request))
  }

  #step(step: HalfStep, message: string): void {
    if (this.#phase !== 'open') this.#mustBeOpen(message)
    const next = halfTransitions[this.#theirs][step]
    if (next === undefined) {
      throw new ProtocolError('channel-state', `The peer sent ${message} after it had said that no more would come (RFC 4254 §5.3).`, {
        messageName: message,
      })
    }
    this.#theirs = next
  }

  #mustBeOpen(message: string): void {
    if (this.#phase === 'open') return
    throw new ProtocolError('channel-state', `The peer sent ${message} for a channel it has not opened (RFC 4254 §5.1).`, {
      messageName: message,
    })
  }

  #mustBeOpening(message: string): void {
    if (this.#phase === 'opening') return
    throw new ProtocolError('channel-state', `The peer sent ${message} for a channel that is open already (RFC 4254 §5.1).`, {
      messageName: message,
    })
  }
}

const unanswered = (request: string): Error =>
  new RequestRefusedError(request, `The channel closed before the peer answered the request "${request}".`)
