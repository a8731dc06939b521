// Owns transports over a WebSocket: SSH's bytes in binary messages whose borders mean nothing. What stands behind the
// socket, a server of ours or a bridge to TCP, is the other side's affair.
import { type Clock, systemClock } from './clock.ts'
import type { ByteTransport, RemoteAddress, TransportSink } from './transport.ts'

/** What is used of a `WebSocket`, in a browser, a worker, Node, Bun, Deno, or of the packages that bring one. */
export interface WebSocketLike {
  binaryType: string
  /** 0 while it connects, 1 when open. */
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Uint8Array<ArrayBuffer>): void
  close(code?: number): void
  addEventListener(type: 'open', listener: () => void): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close', listener: (event: { readonly code?: number }) => void): void
  addEventListener(type: 'error', listener: () => void): void
}

const connecting = 0
const open = 1
/** Above this many bytes that the socket has not sent, we wait. */
const highWater = 1024 * 1024
/** A WebSocket does not say when it has sent, so it is asked, so many milliseconds apart. */
const askMilliseconds = 10
/** How long a closing handshake may take, in milliseconds. */
const lingerMilliseconds = 2000
const goodEndings: readonly number[] = [1000, 1001, 1005]

class WebSocketTransport implements ByteTransport {
  readonly remote: RemoteAddress | undefined
  readonly #socket: WebSocketLike
  readonly #clock: Clock
  #sink: TransportSink | undefined
  readonly #arrived: Uint8Array[] = []
  readonly #early: Uint8Array<ArrayBuffer>[] = []
  readonly #untaken: (() => void)[] = []
  #asking = false
  #paused = false
  /** The end, once it came; delivered after all bytes. */
  #ending: { readonly error: unknown } | undefined
  #over = false
  #closing = false

  constructor(socket: WebSocketLike, remote: RemoteAddress | undefined, clock: Clock) {
    this.#socket = socket
    this.remote = remote
    this.#clock = clock
    socket.binaryType = 'arraybuffer'
    socket.addEventListener('open', () => this.#opened())
    socket.addEventListener('message', event => this.#message(event.data))
    socket.addEventListener('close', event => this.#closed(event.code ?? 1006))
    // A close event follows, with what there is to know.
    socket.addEventListener('error', () => {})
    if (socket.readyState > open) this.#closed(1006)
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#deliver()
  }

  #opened(): void {
    for (const bytes of this.#early.splice(0)) this.#socket.send(bytes)
    // Closed while it connected: what was written leaves first, all the same.
    if (this.#closing) this.#socket.close(1000)
    this.#ask()
  }

  #message(data: unknown): void {
    if (this.#ending !== undefined) return
    if (data instanceof ArrayBuffer) this.#arrived.push(new Uint8Array(data))
    else if (ArrayBuffer.isView(data)) this.#arrived.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    else {
      this.#ending = { error: new Error('The WebSocket sent text where SSH has bytes; is there an SSH server behind it?') }
      this.#socket.close(1003)
    }
    this.#deliver()
  }

  #closed(code: number): void {
    this.#ending ??= {
      error: goodEndings.includes(code) || this.#closing ? undefined : new Error(`The WebSocket closed with code ${code}.`),
    }
    this.#early.length = 0
    for (const taken of this.#untaken.splice(0)) taken()
    this.#deliver()
  }

  #deliver(): void {
    const sink = this.#sink
    if (sink === undefined) return
    while (!this.#paused && !this.#over) {
      const bytes = this.#arrived.shift()
      if (bytes === undefined) break
      sink.data(bytes)
    }
    if (this.#ending === undefined || this.#over || this.#arrived.length > 0) return
    this.#over = true
    sink.end(this.#ending.error)
  }

  write(bytes: Uint8Array, taken: () => void): void {
    const { readyState } = this.#socket
    // Some sockets keep what they are given until it is sent, and the engine uses its buffers again.
    const copy = bytes.slice()
    if (readyState === connecting) this.#early.push(copy)
    else if (readyState === open && !this.#closing) this.#socket.send(copy)
    if (readyState > open || (readyState === open && this.#socket.bufferedAmount < highWater)) {
      queueMicrotask(taken)
      return
    }
    this.#untaken.push(taken)
    this.#ask()
  }

  #ask(): void {
    if (this.#asking || this.#untaken.length === 0 || this.#socket.readyState === connecting) return
    this.#asking = true
    this.#clock.after(askMilliseconds, () => {
      this.#asking = false
      if (this.#socket.bufferedAmount < highWater) for (const taken of this.#untaken.splice(0)) taken()
      this.#ask()
    })
  }

  pause(): void {
    this.#paused = true
  }
  resume(): void {
    this.#paused = false
    this.#deliver()
  }

  close(): void {
    if (this.#closing) return
    this.#closing = true
    this.#arrived.length = 0
    if (this.#socket.readyState !== connecting) this.#socket.close(1000)
    this.#clock.after(lingerMilliseconds, () => {
      this.#socket.close()
      this.#closed(1000)
    })
  }
}

/** A transport over a WebSocket that is open or on its way. */
export const fromWebSocket = (socket: WebSocketLike, remote?: RemoteAddress, clock: Clock = systemClock): ByteTransport =>
  new WebSocketTransport(socket, remote, clock)
