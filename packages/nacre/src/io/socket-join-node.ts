// Owns joining a TCP or Unix socket to a channel: back-pressure and half-close both ways, and the end of both. What is read is sealed
// from one shared buffer, what came in one turn leaves in one write. Nothing is held but a window of the channel and a few pieces.
// Knows nothing of who asked for it.
import type { Socket } from 'node:net'
import { BufferPool } from '../transport/outgoing.ts'
import type { ChannelStream, ChannelTap } from './channel-stream.ts'
import { deaf, readShared, type ReadTarget } from './node-socket.ts'
import type { TransportSink } from './transport.ts'

/** How long what was sent to a socket may take to leave once the channel is gone, in milliseconds. */
const lingerMilliseconds = 10_000
/** Bytes a socket may keep that it cannot write, before the peer is let send no more: two reads of a connection. */
const mostKept = 512 * 1024
/** A piece from this size on may have more behind it in the same turn: they are gathered. A smaller one goes at once. */
const worthGathering = 16 * 1024

/** Buffers to gather in, for all sockets: left to the collector, a copy of each piece were a quarter of all CPU. */
const pool = new BufferPool()

/** From the channel to the socket. */
class ToSocket implements ChannelTap {
  readonly prompt = true
  readonly #socket: Socket
  /** What came in this turn. */
  #gathered: Uint8Array | undefined
  #filled = 0
  #room: Promise<void> | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  data(bytes: Uint8Array, detached: boolean): void | Promise<void> {
    const socket = this.#socket
    if (!socket.writable) return undefined
    if (this.#gathered !== undefined && this.#filled + bytes.length > this.#gathered.length) this.#flush()
    if (this.#gathered !== undefined) this.#gather(this.#gathered, bytes)
    else if (bytes.length >= worthGathering && socket.writableLength === 0) {
      this.#gathered = pool.take()
      process.nextTick(this.#flush)
      this.#gather(this.#gathered, bytes)
    } else {
      // The socket keeps what it cannot write at once.
      socket.write(detached ? bytes : bytes.slice())
    }
    return socket.writableLength < mostKept ? undefined : (this.#room ??= this.#waitForRoom())
  }

  end(error?: Error): void {
    this.#flush()
    // A connection that was cut off is not one that ended.
    if (error === undefined) this.#socket.end()
    else this.#socket.destroy()
  }

  #gather(into: Uint8Array, bytes: Uint8Array): void {
    into.set(bytes, this.#filled)
    this.#filled += bytes.length
  }

  readonly #flush = (): void => {
    const gathered = this.#gathered
    if (gathered === undefined) return
    this.#gathered = undefined
    if (this.#socket.writable) this.#socket.write(gathered.subarray(0, this.#filled), () => pool.give(gathered.buffer))
    else pool.give(gathered.buffer)
    this.#filled = 0
  }

  /** Until the socket has written all, or has gone. */
  #waitForRoom(): Promise<void> {
    const socket = this.#socket
    return new Promise(resolve => {
      const done = (): void => {
        socket.removeListener('drain', done)
        socket.removeListener('close', done)
        this.#room = undefined
        resolve()
      }
      socket.on('drain', done)
      socket.on('close', done)
    })
  }
}

/** From the socket to the channel. */
class ToChannel implements TransportSink {
  readonly #socket: Socket
  readonly #stream: ChannelStream
  #borrowed = false
  #failed = false

  constructor(socket: Socket, stream: ChannelStream) {
    this.#socket = socket
    this.#stream = stream
  }

  /** `first` goes before everything else. */
  start(first: Uint8Array | undefined): void {
    const socket = this.#socket
    // Nobody is told again of an end that was read already.
    const ended = socket.readableEnded
    if (first !== undefined) this.data(first)
    for (let held = socket.read() as Uint8Array | null; held !== null; held = socket.read() as Uint8Array | null) this.data(held)
    const target: ReadTarget = { sink: this }
    this.#borrowed = readShared(socket, target)
    if (!this.#borrowed) socket.on('data', (bytes: Uint8Array) => this.data(bytes))
    socket.on('end', () => this.end())
    socket.on('error', () => (this.#failed = true))
    socket.on('close', () => {
      target.sink = deaf
      // Of a reset there is nothing to pass on but that it is over.
      if (this.#failed) this.#stream.abort()
      else this.#stream.close()
    })
    if (ended) this.end()
    if (socket.destroyed) this.#stream.close()
  }

  data(bytes: Uint8Array): void {
    const waiting = this.#stream.write(bytes, this.#borrowed)
    if (waiting === undefined) return
    const socket = this.#socket
    socket.pause()
    waiting.then(
      () => socket.resume(),
      () => socket.destroySoon(),
    )
  }

  end(): void {
    this.#stream.end()
  }
}

/**
 * Joins them for as long as both are there; `first` are bytes that were read from the socket already. The socket must have been made
 * with `allowHalfOpen`.
 */
export const joinSocket = (stream: ChannelStream, socket: Socket, first?: Uint8Array): void => {
  new ToChannel(socket, stream).start(first)
  stream.tap(new ToSocket(socket))
  void stream.closed.then(() => {
    if (socket.destroyed) return
    // What the peer sent before it closed still goes; a target that takes nothing does not keep the socket for ever.
    socket.destroySoon()
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  })
  socket.resume()
}
