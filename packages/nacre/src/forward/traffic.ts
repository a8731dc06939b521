// Owns what is counted of a forward and what bounds it: connections now and so far, bytes either way, what was refused and why.
// Knows nothing of who connects to what.
import { ForwardError } from '../errors.ts'
import type { ChannelStream } from '../io/channel-stream.ts'

/** Who connected: an empty address and port 0 for a Unix socket. Of a remote forward it is the server that says so. */
export interface Originator {
  readonly address: string
  readonly port: number
}

export interface ForwardOptions {
  /** Connections at once, those included that are not there yet. More are refused. Default 10,000. */
  readonly maximumConnections?: number
  /** Milliseconds until the far end of a connection must stand. Default two minutes. */
  readonly connectTimeout?: number
  /** Told of each connection once both its ends stand. */
  readonly onConnection?: (from: Originator) => void
  /** Told of each connection that came and could not be carried on. */
  readonly onRefused?: (error: Error, from: Originator) => void
}

export interface ForwardCounts {
  /** Connections that are there, or on their way. */
  readonly open: number
  /** All that came, those that were refused included. */
  readonly total: number
  readonly refused: number
  readonly bytesToServer: number
  readonly bytesFromServer: number
}

const defaultMaximum = 10_000
export const defaultConnectTimeout = 120_000

export class Traffic {
  readonly #maximum: number
  readonly #onConnection: ForwardOptions['onConnection']
  readonly #onRefused: ForwardOptions['onRefused']
  readonly #streams = new Set<ChannelStream>()
  #open = 0
  #total = 0
  #refused = 0
  #toServer = 0
  #fromServer = 0
  lastError: Error | undefined

  constructor({ maximumConnections = defaultMaximum, onConnection, onRefused }: ForwardOptions) {
    this.#maximum = maximumConnections
    this.#onConnection = onConnection
    this.#onRefused = onRefused
  }

  get counts(): ForwardCounts {
    let bytesToServer = this.#toServer
    let bytesFromServer = this.#fromServer
    for (const stream of this.#streams) {
      bytesToServer += stream.bytesWritten
      bytesFromServer += stream.bytesRead
    }
    return { open: this.#open, total: this.#total, refused: this.#refused, bytesToServer, bytesFromServer }
  }

  /** One more has come. False when there are too many: it was refused. */
  begin(from: Originator): boolean {
    this.#total++
    if (this.#open < this.#maximum) {
      this.#open++
      return true
    }
    this.#refuse(new ForwardError('FORWARD_REFUSED', `There are ${this.#maximum} connections on this forward already.`), from)
    return false
  }

  /** One that had begun stands; it counts until its channel has gone. */
  joined(stream: ChannelStream, from: Originator): void {
    this.#streams.add(stream)
    void stream.closed.then(() => {
      this.#streams.delete(stream)
      this.#open--
      this.#toServer += stream.bytesWritten
      this.#fromServer += stream.bytesRead
    })
    this.#onConnection?.(from)
  }

  /** One that had begun comes to nothing. */
  failed(error: unknown, from: Originator): void {
    this.#open--
    this.#refuse(error instanceof Error ? error : new Error(String(error)), from)
  }

  /** One that stands failed at this end; it is counted already. */
  broken(error: unknown): void {
    this.lastError = error instanceof Error ? error : new Error(String(error))
  }

  #refuse(error: Error, from: Originator): void {
    this.#refused++
    this.lastError = error
    this.#onRefused?.(error, from)
  }

  /** Ends all connections at once. */
  abort(): void {
    for (const stream of this.#streams) stream.abort()
  }
}
