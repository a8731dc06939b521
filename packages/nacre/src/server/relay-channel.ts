// Owns handing one channel on to another connection: data of all types, ends, requests and their replies, both ways. Nothing is held
// but what the window of one side let in and the other's does not take yet. Knows nothing of what the channel is for.
import type { ChannelRequestQuestion, OpenQuestion } from '../connection/events.ts'
import { ChannelOpenError, type ChannelOpenFailureReason, SshError } from '../errors.ts'
import type { ChannelPort, PortHandler } from '../io/channel-port.ts'
import type { Link } from '../io/link.ts'
import { sayOpen, sayRequest } from './relay-rows.ts'

/** A connection of either side: a client's here, ours to another server. */
export interface Linked {
  readonly link: Link
}

export interface RelayChannelOptions {
  /** Whether a request on the channel goes on: an `exec`, say. `false` refuses it. Default: all do. */
  readonly permitRequest?: (request: ChannelRequestQuestion['request']) => boolean
  /** Told of each request the other side agreed to. */
  readonly onAgreed?: (request: ChannelRequestQuestion['request']) => void
  /** Told how the open came out: `undefined`, or why there is no channel. */
  readonly onOutcome?: (problem: Error | undefined) => void
}

/** One direction: takes from one port, gives to the other. */
class Leg implements PortHandler {
  readonly #from: ChannelPort
  readonly #to: ChannelPort
  readonly #options: RelayChannelOptions

  constructor(from: ChannelPort, to: ChannelPort, options: RelayChannelOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
  }

  data(bytes: Uint8Array, type: number, detached: boolean): void {
    const count = bytes.length
    const waiting = this.#to.write(bytes, type, !detached)
    // The sender may send more only once the far side has taken this.
    if (waiting === undefined) this.#from.consume(count)
    else {
      const taken = (): void => this.#from.consume(count)
      waiting.then(taken, taken)
    }
  }

  eof(): void {
    this.#to.eof()
  }

  request(question: ChannelRequestQuestion): void {
    const { permitRequest, onAgreed } = this.#options
    const { request, wantReply } = question
    const said = permitRequest?.(request) === false ? undefined : sayRequest(request)
    if (said === undefined) question.fail()
    else if (!wantReply) this.#to.notify(said.row, said.value)
    else
      this.#to.request(said.row, said.value, error => {
        if (error === undefined) {
          onAgreed?.(request)
          question.succeed()
        } else {
          question.fail()
        }
        // The reply leaves by the other connection.
        this.#from.consume(0)
      })
  }

  closed(error: Error | undefined): void {
    // What was sent before a close still arrives; a connection that broke had no end to tell of.
    if (error === undefined) this.#to.close()
    else this.#to.abort()
  }
}

const join = (near: ChannelPort, far: ChannelPort, options: RelayChannelOptions): void => {
  far.handle(new Leg(far, near, {}))
  near.handle(new Leg(near, far, options))
}

const refusalOf = (error: Error): { readonly reason: ChannelOpenFailureReason; readonly words: string } => {
  if (error instanceof ChannelOpenError) return { reason: error.reason ?? 'connect-failed', words: error.description }
  if (error instanceof SshError && error.code === 'CHANNEL_LIMIT')
    return { reason: 'resource-shortage', words: 'the connection to the next host has no room for more channels' }
  return { reason: 'connect-failed', words: 'the connection to the next host has ended' }
}

/**
 * Answers `question`, which came on `from`, by a channel of the same type on `to`: what `to` says to the open is the answer. Types
 * and requests that nobody declared go on as they are; those a program declared itself (`channelTypes`, `requestTypes`) are
 * refused. Pressure passes through: who does not read at one end stops who writes at the other, with at most a window between.
 */
export const relayChannel = (question: OpenQuestion, from: Linked, to: Linked, options: RelayChannelOptions = {}): void => {
  const said = sayOpen(question.details)
  if (said === undefined) {
    question.refuse('unknown-channel-type', 'such channels are not handed on')
    return
  }
  const failed = (error: Error): void => {
    options.onOutcome?.(error)
    const { reason, words } = refusalOf(error)
    question.refuse(reason, words)
    from.link.wake()
  }
  const opened = (far: ChannelPort): void => {
    if (from.link.ended !== undefined) {
      far.abort()
      return
    }
    options.onOutcome?.(undefined)
    join(from.link.accept(question), far, options)
  }
  try {
    to.link.openFor({ opened, failed }, said.row, said.value)
  } catch (error) {
    failed(error as Error)
  }
}
