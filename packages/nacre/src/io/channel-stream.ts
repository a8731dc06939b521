// Owns a channel as a stream of bytes both ways: reading with back-pressure, writing that waits for room, an end for each
// direction, and the close once both have ended. Knows nothing of where the bytes go.
import type { ChannelRequestQuestion } from '../connection/events.ts'
import type { ChannelPort, PortHandler } from './channel-port.ts'
import { byteWritable, ByteQueue, type ByteWritable } from './channel-streams.ts'

/** Takes bytes as they come, without streams. */
export interface ChannelTap {
  /** Answers may come in small pieces, and somebody waits for the last of them: the peer is not to hold any back. */
  readonly prompt?: boolean
  /**
   * `bytes` are valid until this returns, or for good when `detached`. The peer may send as many more once the promise has
   * settled; at once without one.
   */
  data(bytes: Uint8Array, detached: boolean): void | Promise<void>
  /** Nothing more will come; because of `error`, if there is one. Called once. */
  end(error?: Error): void
}

const unheard = (): void => {}

/** The face for the port. */
class Incoming implements PortHandler {
  readonly #port: ChannelPort
  readonly #halfDone: () => void
  readonly gone = Promise.withResolvers<Error | undefined>()
  /** Bytes that came. */
  count = 0
  #queue: ByteQueue | undefined
  #tap: ChannelTap | undefined
  #end: { readonly error: Error | undefined } | undefined

  /** `halfDone` is called when the peer has sent all it will send. */
  constructor(port: ChannelPort, halfDone: () => void) {
    this.#port = port
    this.#halfDone = halfDone
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  get queue(): ByteQueue {
    if (this.#queue !== undefined) return this.#queue
    this.#queue = new ByteQueue(count => this.#port.consume(count))
    if (this.#end !== undefined) this.#queue.end(this.#end.error)
    return this.#queue
  }

  tap(tap: ChannelTap): void {
    this.#tap = tap
    for (const chunk of this.#queue?.drain() ?? []) this.#give(tap, chunk, true)
    if (this.#end !== undefined) tap.end(this.#end.error)
  }

  data(bytes: Uint8Array, type: number, detached: boolean): void {
    this.count += bytes.length
    // There is nothing beside the one stream; what a peer sends there all the same is dropped.
    if (type !== 0) this.#port.consume(bytes.length)
    else if (this.#tap === undefined) this.queue.push(detached ? bytes : bytes.slice())
    else this.#give(this.#tap, bytes, detached)
  }

  #give(tap: ChannelTap, bytes: Uint8Array, detached: boolean): void {
    const count = bytes.length
    const taken = tap.data(bytes, detached)
    if (taken === undefined) this.#port.consume(count)
    else void taken.catch(unheard).then(() => this.#port.consume(count))
    if (tap.prompt === true && taken === undefined) this.#port.acknowledge()
  }

  eof(): void {
    this.#over(undefined)
    this.#halfDone()
  }

  request(question: ChannelRequestQuestion): void {
    question.fail()
  }

  closed(error: Error | undefined): void {
    this.#over(error)
    this.gone.resolve(error)
  }

  #over(error: Error | undefined): void {
    if (this.#end !== undefined) return
    this.#end = { error }
    this.#queue?.end(error)
    this.#tap?.end(error)
  }
}

/**
 * Two directions of bytes over one channel. What nobody reads stays at the peer, but for a window of it. Either `readable`
 * and `writable`, or `tap` and `write` without a promise for each piece.
 */
export class ChannelStream implements AsyncDisposable {
  readonly #port: ChannelPort
  readonly #incoming: Incoming
  #writable: ByteWritable | undefined
  #ended = false
  #written = 0

  constructor(port: ChannelPort) {
    this.#port = port
    this.#incoming = new Incoming(port, () => this.#closeWhenDone())
    port.handle(this.#incoming)
  }

  /** What the peer sends; ends with it, and fails when the connection is lost. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#incoming.queue.stream
  }

  /** What we send. Closing it says that no more will come; the other direction goes on. */
  get writable(): ByteWritable {
    const port = this.#port
    return (this.#writable ??= byteWritable({
      write: bytes => this.write(bytes),
      end: () => this.end(),
      abort: () => this.abort(),
      whenClosed: listener => port.whenClosed(listener),
    }))
  }

  /** Bytes the peer has sent so far. */
  get bytesRead(): number {
    return this.#incoming.count
  }

  /** Bytes we were given for the peer so far. */
  get bytesWritten(): number {
    return this.#written
  }

  /** Resolves when the channel is gone, with what ended the connection under it if that is why; never rejects. */
  get closed(): Promise<Error | undefined> {
    return this.#incoming.gone.promise
  }

  /** Sends all further bytes to `tap`, without streams. For programs that copy them on. */
  tap(tap: ChannelTap): void {
    this.#incoming.tap(tap)
  }

  /**
   * Writes without a promise when there is room at once. The bytes must not change until the promise settles, unless they are
   * `borrowed`: then what has to wait is copied.
   */
  write(bytes: Uint8Array, borrowed = false): Promise<void> | undefined {
    this.#written += bytes.length
    return this.#port.write(bytes, 0, borrowed)
  }

  /** Nothing more from us, once what was written has gone. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#port.eof()
    this.#closeWhenDone()
  }

  /** Closes both directions, once what was written has gone. */
  close(): void {
    this.#port.close()
  }

  /** Closes both directions without waiting for anything. */
  abort(): void {
    this.#port.abort()
  }

  #closeWhenDone(): void {
    if (this.#ended && this.#incoming.ended) this.#port.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abort()
    await this.closed
  }
}
