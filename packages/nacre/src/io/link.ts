// Owns what client and server connections have in common above the driver: one port per channel, opens and global requests
// that settle, the end. Policy (who may do what) belongs to the handler.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { Channel } from '../connection/channel.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import type { GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import type { DrivenEngine } from '../engine/driven.ts'
import type { Ended, EngineEvent, EngineQuestion, Open } from '../engine/events.ts'
import { chaff, isChaff } from '../engine/sign-of-life.ts'
import { ChannelOpenError, type DisconnectReason, RequestRefusedError } from '../errors.ts'
import type { Ask } from '../wire/dialogue.ts'
import { ChannelPort } from './channel-port.ts'
import { type Clock, systemClock } from './clock.ts'
import { Driver } from './driver.ts'
import type { ByteTransport } from './transport.ts'

/** Policy. All are called synchronously, in the order of events. */
export interface LinkHandler {
  /** A question of key exchange or authentication. */
  question(question: EngineQuestion): void
  openRequested(question: OpenQuestion): void
  globalRequested(question: GlobalRequestQuestion): void
  /** A channel is open, whoever asked for it; before anybody else has it. */
  begun?(port: ChannelPort): void
  /** Everything else that may be of interest: identified, exchanged, banner, debug, authenticated. */
  noted(event: EngineEvent): void
  ended(ended: Ended): void
}

/** Who waits for a channel. One of the two is called, once, and must not throw. */
export interface ChannelOpener {
  /** Called within the event: what is sent now leaves together with everything else that this turn calls forth. */
  opened(port: ChannelPort): void
  /** With `ChannelOpenError`, or with what ended the connection. */
  failed(error: Error): void
}

/** Keeps a channel until it is open. */
class Opening {
  readonly opener: ChannelOpener
  constructor(opener: ChannelOpener) {
    this.opener = opener
  }
}

/** The keeper of a channel is its port, or who waits for it to open. */
const portOf = (channel: Channel): ChannelPort | undefined => (channel.keeper instanceof ChannelPort ? channel.keeper : undefined)
const openerOf = (channel: Channel): ChannelOpener | undefined => (channel.keeper instanceof Opening ? channel.keeper.opener : undefined)

export class Link {
  readonly engine: DrivenEngine
  readonly #driver: Driver
  readonly #handler: LinkHandler
  #ports = 0
  /** Who waits for an answer, and whose pings are under way: most connections never have any. */
  #waiting: Set<(error: Error) => void> | undefined
  #pongs: (() => void)[] | undefined
  /** Who waits until no channel is open. */
  #quiet: (() => void)[] | undefined
  #ended: Ended | undefined
  #agreed: Agreed | undefined
  #strict = false
  /** Resolves when the connection has ended, however that came; never rejects. */
  get closed(): Promise<Ended> {
    if (this.#closed === undefined) {
      this.#closed = Promise.withResolvers()
      if (this.#ended !== undefined) this.#closed.resolve(this.#ended)
    }
    return this.#closed.promise
  }
  #closed: PromiseWithResolvers<Ended> | undefined

  constructor(engine: DrivenEngine, transport: ByteTransport, handler: LinkHandler, clock: Clock = systemClock) {
    this.#handler = handler
    this.engine = engine
    this.#driver = new Driver(this.engine, transport, event => this.#event(event), clock)
  }

  start(): void {
    this.#driver.start()
  }

  /** What the two sides agreed on, after the latest key exchange. */
  get agreed(): Agreed | undefined {
    return this.#agreed
  }
  /** Both sides use strict key exchange. */
  get strict(): boolean {
    return this.#strict
  }
  get ended(): Ended | undefined {
    return this.#ended
  }
  /** Number of channels that are open. */
  get openChannels(): number {
    return this.#ports
  }

  /** Resolves when no channel is open, or the connection has ended. */
  async quiet(): Promise<void> {
    if (this.#ports === 0 || this.#ended !== undefined) return
    await new Promise<void>(resolve => {
      this.#quiet ??= []
      this.#quiet.push(resolve)
    })
  }

  /** Tells the driver that the engine was used from outside an event. */
  wake(): void {
    this.#driver.wake()
  }

  /** Answers `question` with what `work` gives, now or later. What it throws ends the connection. */
  settle<A>(question: Open<Ask<A>, A>, work: () => A | Promise<A>): void {
    let result: A | Promise<A>
    try {
      result = work()
    } catch (error) {
      question.fail(error)
      this.wake()
      return
    }
    if (!(result instanceof Promise)) {
      question.answer(result)
      this.wake()
      return
    }
    result.then(
      value => {
        question.answer(value)
        this.wake()
      },
      (error: unknown) => {
        question.fail(error)
        this.wake()
      },
    )
  }

  // ── for the application ───────────────────────────────────────────────────────────────────────────────────────────

  /** Opens a channel. Rejects with `ChannelOpenError`, or with what ended the connection. */
  async open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort> {
    return await new Promise<ChannelPort>((opened, failed) => this.openFor({ opened, failed }, row, details))
  }

  /** Opens a channel for somebody who will not wait for a turn of the event loop once it is there. Throws what ended the connection. */
  openFor<T>(opener: ChannelOpener, row: ChannelTypeRow<string, T>, details: T): void {
    if (this.#ended !== undefined) throw this.#ended.error
    const channel = this.engine.connection.open(row, details)
    channel.keeper = new Opening(opener)
    this.wake()
  }

  /** Accepts a channel the peer asked for. */
  accept(question: OpenQuestion): ChannelPort {
    const port = this.#port(question.accept())
    this.wake()
    return port
  }

  /** Sends a global request; resolves with the details of the reply, rejects with `RequestRefusedError`. */
  async request<T>(row: GlobalRequestRow<string, T>, value: T): Promise<Uint8Array> {
    if (this.#ended !== undefined) throw this.#ended.error
    return await new Promise<Uint8Array>((resolve, reject) => {
      this.#await(reject)
      this.engine.connection.globalRequest(row, value, (ok, details, error) => {
        this.#waiting?.delete(reject)
        if (ok) resolve(details.slice())
        else reject(error ?? new RequestRefusedError(row.name, `The peer refused the global request "${row.name}".`))
      })
      this.wake()
    })
  }

  /** Sends a global request nobody answers. */
  notify<T>(row: GlobalRequestRow<string, T>, value: T): void {
    if (this.#ended !== undefined) return
    this.engine.connection.globalRequest(row, value)
    this.wake()
  }

  /**
   * Asks the peer for a sign of life, by ping@openssh.com where it has that, else by a keepalive request. Resolves when
   * it answered.
   */
  async ping(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended.error
    await new Promise<void>((resolve, reject) => {
      this.#await(reject)
      const answered = (error?: Error): void => {
        this.#waiting?.delete(reject)
        if (error === undefined) resolve()
        else reject(error)
      }
      if (this.engine.peerExtensions?.ping === true) {
        this.#pongs ??= []
        this.#pongs.push(answered)
        this.engine.ping(new Uint8Array(0))
      } else {
        this.engine.connection.keepalive(answered)
      }
      this.wake()
    })
  }

  /** Sends a packet of the size of a keystroke that says nothing, where the peer has ping@openssh.com. Nobody hears of the answer. */
  chaff(): void {
    if (this.#ended !== undefined || this.engine.peerExtensions?.ping !== true) return
    this.engine.ping(chaff)
    this.wake()
  }

  rekey(): void {
    this.engine.rekey()
    this.wake()
  }

  disconnect(reason: DisconnectReason, description = '', error?: Error): void {
    this.engine.disconnect(reason, description, error)
    this.wake()
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #event(event: EngineEvent): void {
    switch (event.is) {
      case 'data':
        portOf(event.channel)?.data(event.bytes, event.type, event.detached)
        return
      case 'writable':
        portOf(event.channel)?.writable()
        return
      case 'eof':
        portOf(event.channel)?.peerEof()
        return
      case 'closed':
        this.#channelClosed(event.channel, event.error)
        return
      case 'channel-request':
        portOf(event.channel)?.requested(event.question)
        return
      case 'opened':
        this.#opened(event.channel)
        return
      case 'open-failed': {
        const opener = openerOf(event.channel)
        event.channel.keeper = undefined
        opener?.failed(event.error ?? new ChannelOpenError(event.channel.channelType, event.reason, event.description))
        return
      }
      case 'open-request':
        this.#handler.openRequested(event.question)
        return
      case 'global-request':
        this.#handler.globalRequested(event.question)
        return
      case 'question':
        if (event.question.about === 'compute') {
          const { ask } = event.question
          this.settle(event.question, () => ask.compute())
        } else {
          this.#handler.question(event.question)
        }
        return
      case 'pong':
        if (!isChaff(event.data)) this.#pongs?.shift()?.()
        return
      case 'ended':
        this.#end(event)
        return
      case 'exchanged':
        this.#agreed = event.agreed
        this.#strict = event.strict
        this.#handler.noted(event)
        return
      default:
        this.#handler.noted(event)
    }
  }

  #becameQuiet(): void {
    for (const resolve of this.#quiet?.splice(0) ?? []) resolve()
  }

  #opened(channel: Channel): void {
    const opener = openerOf(channel)
    const port = this.#port(channel)
    if (opener === undefined) port.close()
    else opener.opened(port)
  }

  #channelClosed(channel: Channel, error: Error | undefined): void {
    const port = portOf(channel)
    const opener = openerOf(channel)
    channel.keeper = undefined
    if (port !== undefined) {
      this.#ports--
      port.ended(error)
      if (this.#ports === 0) this.#becameQuiet()
    }
    opener?.failed(error ?? new ChannelOpenError(channel.channelType, undefined, 'the channel closed'))
  }

  #port(channel: Channel): ChannelPort {
    const port = new ChannelPort(channel, this)
    channel.keeper = port
    this.#ports++
    this.#handler.begun?.(port)
    return port
  }

  #await(failed: (error: Error) => void): void {
    this.#waiting ??= new Set()
    this.#waiting.add(failed)
  }

  #end(ended: Ended): void {
    this.#ended = ended
    // Channels have been told: the connection closed them one by one before it ended.
    for (const failed of this.#waiting ?? []) failed(ended.error)
    this.#waiting = undefined
    this.#becameQuiet()
    this.#handler.ended(ended)
    this.#closed?.resolve(ended)
  }
}
