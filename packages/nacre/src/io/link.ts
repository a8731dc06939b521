// Owns what client and server connections have in common above the driver: one port per channel, opens and global requests
// that settle, the end. Policy (who may do what) belongs to the handler.
import type { Agreed } from '../algorithms/negotiate.ts'
import type { Channel } from '../connection/channel.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import type { GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import type { EngineConfig } from '../engine/config.ts'
import { Engine } from '../engine/engine.ts'
import type { Ended, EngineEvent, EngineQuestion, Open } from '../engine/events.ts'
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
  /** Everything else that may be of interest: identified, exchanged, banner, debug, authenticated. */
  noted(event: EngineEvent): void
  ended(ended: Ended): void
}

interface Opening {
  readonly opened: (port: ChannelPort) => void
  readonly failed: (error: Error) => void
}

export class Link {
  readonly engine: Engine
  readonly #driver: Driver
  readonly #handler: LinkHandler
  readonly #ports = new Map<Channel, ChannelPort>()
  readonly #openings = new Map<Channel, Opening>()
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #pongs: (() => void)[] = []
  #ended: Ended | undefined
  #agreed: Agreed | undefined
  #strict = false
  /** Resolves when the connection has ended, however that came; never rejects. */
  readonly closed: Promise<Ended>
  #close: (ended: Ended) => void = () => {}

  constructor(config: EngineConfig, transport: ByteTransport, handler: LinkHandler, clock: Clock = systemClock) {
    this.closed = new Promise(resolve => {
      this.#close = resolve
    })
    this.#handler = handler
    this.engine = new Engine(config)
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
    return this.#ports.size
  }

  /** Tells the driver that the engine was used from outside an event. */
  readonly wake = (): void => this.#driver.wake()

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
    if (this.#ended !== undefined) throw this.#ended.error
    return await new Promise<ChannelPort>((opened, failed) => {
      const channel = this.engine.connection.open(row, details)
      this.#openings.set(channel, { opened, failed })
      this.wake()
    })
  }

  /** Accepts a channel the peer asked for. */
  accept(question: OpenQuestion): ChannelPort {
    const port = new ChannelPort(question.accept(), this.wake)
    this.#ports.set(port.channel, port)
    this.wake()
    return port
  }

  /** Sends a global request; resolves with the details of the reply, rejects with `RequestRefusedError`. */
  async request<T>(row: GlobalRequestRow<string, T>, value: T): Promise<Uint8Array> {
    if (this.#ended !== undefined) throw this.#ended.error
    return await new Promise<Uint8Array>((resolve, reject) => {
      this.#waiting.add(reject)
      this.engine.connection.globalRequest(row, value, (ok, details, error) => {
        this.#waiting.delete(reject)
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
      this.#waiting.add(reject)
      const answered = (error?: Error): void => {
        this.#waiting.delete(reject)
        if (error === undefined) resolve()
        else reject(error)
      }
      if (this.engine.peerExtensions?.ping === true) {
        this.#pongs.push(answered)
        this.engine.ping(new Uint8Array(0))
      } else {
        this.engine.connection.keepalive(answered)
      }
      this.wake()
    })
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
        this.#ports.get(event.channel)?.data(event.bytes, event.type, event.detached)
        return
      case 'writable':
        this.#ports.get(event.channel)?.writable()
        return
      case 'eof':
        this.#ports.get(event.channel)?.peerEof()
        return
      case 'closed':
        this.#channelClosed(event.channel, event.error)
        return
      case 'channel-request':
        this.#ports.get(event.channel)?.request(event.question)
        return
      case 'opened':
        this.#opened(event.channel)
        return
      case 'open-failed': {
        const opening = this.#openings.get(event.channel)
        this.#openings.delete(event.channel)
        opening?.failed(event.error ?? new ChannelOpenError(event.channel.channelType, event.reason, event.description))
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
        this.#pongs.shift()?.()
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

  #opened(channel: Channel): void {
    const opening = this.#openings.get(channel)
    this.#openings.delete(channel)
    const port = new ChannelPort(channel, this.wake)
    this.#ports.set(channel, port)
    if (opening === undefined) port.close()
    else opening.opened(port)
  }

  #channelClosed(channel: Channel, error: Error | undefined): void {
    const port = this.#ports.get(channel)
    this.#ports.delete(channel)
    port?.ended(error)
    const opening = this.#openings.get(channel)
    this.#openings.delete(channel)
    opening?.failed(error ?? new ChannelOpenError(channel.channelType, undefined, 'the channel closed'))
  }

  #end(ended: Ended): void {
    this.#ended = ended
    for (const [channel] of [...this.#ports]) this.#channelClosed(channel, ended.error)
    for (const [channel] of [...this.#openings]) this.#channelClosed(channel, ended.error)
    for (const failed of this.#waiting) failed(ended.error)
    this.#waiting.clear()
    this.#handler.ended(ended)
    this.#close(ended)
  }
}
