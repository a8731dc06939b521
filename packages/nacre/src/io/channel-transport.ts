// Owns a transport over a channel: SSH inside SSH, with the channel's window as the only buffer. Knows nothing of who speaks
// at either end.
import { systemClock, type Clock } from './clock.ts'
import type { ChannelStream } from './channel-stream.ts'
import type { ByteTransport, TransportSink } from './transport.ts'

/** How long a closed transport waits for its last bytes to leave, in milliseconds. */
const lingerMilliseconds = 2000

export interface ChannelTransportOptions {
  /** What whoever speaks over the channel is told when the connection that carries it ends with `error`. Default that error. */
  readonly lost?: (error: Error) => Error
  readonly clock?: Clock
}

class ChannelTransport implements ByteTransport {
  /** The channel knows no address of who is behind it. */
  readonly remote = undefined
  readonly #stream: ChannelStream
  readonly #clock: Clock
  readonly #lost: (error: Error) => Error
  #paused = false
  #closed = false
  /** What came while paused, at most a window of it, and who is told when it has been delivered. */
  #held: Uint8Array[] = []
  #released: PromiseWithResolvers<void> | undefined
  #end: { readonly error: Error | undefined } | undefined
  #sink: TransportSink | undefined

  constructor(stream: ChannelStream, options: ChannelTransportOptions) {
    this.#stream = stream
    this.#clock = options.clock ?? systemClock
    this.#lost = options.lost ?? (error => error)
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#stream.tap({
      data: (bytes, detached) => this.#data(bytes, detached),
      end: error => {
        this.#end = { error: error === undefined ? undefined : this.#lost(error) }
        this.#finish()
      },
    })
  }

  #data(bytes: Uint8Array, detached: boolean): Promise<void> | undefined {
    if (this.#closed) return undefined
    if (!this.#paused && this.#held.length === 0) {
      this.#sink?.data(bytes)
      return undefined
    }
    this.#held.push(detached ? bytes : bytes.slice())
    return (this.#released ??= Promise.withResolvers()).promise
  }

  #finish(): void {
    if (this.#end === undefined || this.#held.length > 0) return
    const sink = this.#sink
    this.#sink = undefined
    sink?.end(this.#end.error)
  }

  write(bytes: Uint8Array, taken: () => void): void {
    const waiting = this.#closed ? undefined : this.#stream.write(bytes)
    if (waiting === undefined) queueMicrotask(taken)
    else waiting.then(taken, taken)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    while (!this.#paused && !this.#closed) {
      const bytes = this.#held.shift()
      if (bytes === undefined) break
      this.#sink?.data(bytes)
    }
    if (this.#held.length > 0) return
    this.#released?.resolve()
    this.#released = undefined
    this.#finish()
  }

  close(deserted = false): void {
    if (this.#closed) return
    this.#closed = true
    this.#held = []
    this.#released?.resolve()
    if (deserted) this.#stream.abort()
    else {
      this.#stream.close()
      // A hop that takes no more must not keep the channel for ever.
      const cancel = this.#clock.after(lingerMilliseconds, () => this.#stream.abort())
      void this.#stream.closed.then(cancel)
    }
    const sink = this.#sink
    this.#sink = undefined
    sink?.end()
  }
}

/** SSH over a channel of another connection. */
export const fromChannel = (stream: ChannelStream, options: ChannelTransportOptions = {}): ByteTransport =>
  new ChannelTransport(stream, options)
