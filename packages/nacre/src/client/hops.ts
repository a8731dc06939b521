// Owns a way through other hosts: connection after connection, each over a channel of the one before, and that they end
// together. Knows nothing of how one of them is made.
import { ConfigError, escapeForPeople, SshError } from '../errors.ts'
import { fromChannel } from '../io/channel-transport.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { ByteTransport } from '../io/transport.ts'
import { ClientConnection } from './connection.ts'
import type { TcpChannelOptions } from './dial.ts'
import type { DialTarget } from './dial-target.ts'

/** A host on the way that is yet to be connected to. */
export interface PlannedHop {
  /** `user@host` or `host`, for messages. */
  readonly name: string
  /** Connects: over what `over` gives, once it is known where to, or directly when there is none. */
  connect(over: Over | undefined): Promise<ClientConnection>
}

/** A transport to a host and port, over the hop before. */
export type Over = (to: DialTarget) => Promise<ByteTransport>

export interface Way extends AsyncDisposable {
  /** A transport to the destination, over the last hop. Closing it ends the hops that were made for it. */
  transport(): Promise<ByteTransport>
  /** Resolves when the hops made for this way have ended. */
  gone(): Promise<unknown>
}

/** A hop fell away under what went through it. */
class HopLostError extends SshError {
  constructor(message: string, cause: Error) {
    super('HOP_LOST', message, { cause })
  }
}

/** How long hops wait for the goodbye of what goes through them, in milliseconds. */
const goodbyeMilliseconds = 1000

class Through implements ByteTransport {
  readonly remote = undefined
  readonly #inner: ByteTransport
  readonly #closed: (deserted: boolean) => void
  constructor(inner: ByteTransport, closed: (deserted: boolean) => void) {
    this.#inner = inner
    this.#closed = closed
  }
  start(sink: Parameters<ByteTransport['start']>[0]): void {
    this.#inner.start(sink)
  }
  write(bytes: Uint8Array, taken: () => void): void {
    this.#inner.write(bytes, taken)
  }
  pause(): void {
    this.#inner.pause()
  }
  resume(): void {
    this.#inner.resume()
  }
  close(deserted = false): void {
    this.#inner.close(deserted)
    this.#closed(deserted)
  }
}

/** The connections made for one destination, from the first on. */
class HopsMade implements Way {
  readonly #planned: readonly (ClientConnection | PlannedHop)[]
  readonly #destination: DialTarget
  readonly #options: TcpChannelOptions
  readonly #clock: Clock
  /** Those we opened. */
  readonly #ours: ClientConnection[] = []
  #closing: Promise<void> | undefined

  constructor(planned: readonly (ClientConnection | PlannedHop)[], destination: DialTarget, options: TcpChannelOptions, clock: Clock) {
    this.#planned = planned
    this.#destination = destination
    this.#options = options
    this.#clock = clock
  }

  async transport(): Promise<ByteTransport> {
    try {
      const last = await this.#connectAll()
      return await this.#through(last, this.#destination, this.#planned.length - 1)
    } catch (error) {
      await this.#close()
      throw error
    }
  }

  /** `Jump host 2 of 3, ada@b: …`; begins each message about a hop, and is not put there twice. */
  #saying(index: number, message: string): string {
    if (message.startsWith('Jump host ')) return message
    const hop = this.#planned[index]
    const name = hop instanceof ClientConnection ? 'the connection that was given' : escapeForPeople(hop.name)
    const which = this.#planned.length === 1 ? '' : `${index + 1} of ${this.#planned.length}, `
    return `Jump host ${which}${name}: ${message}`
  }

  /** Errors keep their class; their message says at which host. */
  #at(index: number, error: unknown): unknown {
    if (error instanceof SshError) error.message = this.#saying(index, error.message)
    return error
  }

  async #connectAll(): Promise<ClientConnection> {
    let before: ClientConnection | undefined
    for (const [index, hop] of this.#planned.entries()) {
      if (hop instanceof ClientConnection) {
        if (index > 0)
          throw new ConfigError('`via`: a connection that is there can only be the first hop; the others are reached through it.')
        before = hop
        continue
      }
      const previous: ClientConnection | undefined = before
      const over: Over | undefined = previous && (to => this.#through(previous, to, index - 1))
      try {
        before = await hop.connect(over)
      } catch (error) {
        throw this.#at(index, error)
      }
      this.#ours.push(before)
    }
    if (before === undefined) throw new ConfigError('`via` names no host to go through.')
    return before
  }

  /** A transport to `to` over a channel of the hop at `index`. */
  async #through(connection: ClientConnection, to: DialTarget, index: number): Promise<ByteTransport> {
    try {
      const stream = await connection.dial(to, this.#options)
      const lost = (error: Error): Error => new HopLostError(this.#saying(index, error.message), error)
      const inner = fromChannel(stream, { lost, clock: this.#clock })
      if (index < this.#planned.length - 1) return inner
      return new Through(inner, deserted => {
        void this.#closeAfter(deserted ? Promise.resolve() : stream.closed)
      })
    } catch (error) {
      throw this.#at(index, error)
    }
  }

  async #closeAfter(goodbye: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(goodbyeMilliseconds, resolve)
    await Promise.race([goodbye, promise])
    cancel()
    await this.#close()
  }

  #close(): Promise<void> {
    return (this.#closing ??= (async () => {
      for (const connection of this.#ours.toReversed()) await connection.close()
    })())
  }

  gone(): Promise<unknown> {
    return Promise.all(this.#ours.map(connection => connection.closed))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close()
  }
}

/**
 * The way to `destination` through `hops`, the first first. A connection may be the first of them; it stays open, the others are
 * opened and closed with the destination's.
 */
export const wayThrough = (
  hops: readonly (ClientConnection | PlannedHop)[],
  destination: DialTarget,
  options: TcpChannelOptions,
  clock: Clock = systemClock,
): Way => new HopsMade(hops, destination, options, clock)
