// Owns transports over Node's sockets and duplex streams. Reads into one reused buffer where Node allows it, which costs a
// third of 'data' events, and turns Nagle's algorithm off, which would cost 40 ms twice a session.
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ByteTransport, RemoteAddress, TransportSink } from './transport.ts'

/** Bytes read at once. */
const readBufferBytes = 256 * 1024

let sharedReadBuffer: Uint8Array | undefined
/**
 * The buffer sockets read into. Where reads happen inside the call that delivers them (every Unix), one buffer serves all
 * sockets of the process; Windows fills buffers behind our back, so each socket has a smaller one of its own there.
 */
const readBuffer = (): Uint8Array =>
  process.platform === 'win32' ? new Uint8Array(readBufferBytes / 4) : (sharedReadBuffer ??= new Uint8Array(readBufferBytes))

/** How long a closed transport waits for its last bytes to leave before the socket is destroyed. */
const lingerMilliseconds = 2000

const addressOf = (stream: Duplex): RemoteAddress | undefined => {
  if (!(stream instanceof Socket) || stream.remoteAddress === undefined) return undefined
  return {
    address: stream.remoteAddress,
    port: stream.remotePort ?? 0,
    localAddress: stream.localAddress ?? '',
    localPort: stream.localPort ?? 0,
  }
}

/** Receives what a socket made with `onread` reads. */
export interface ReadTarget {
  sink: TransportSink | undefined
  /** What came before there was a sink. Deno reads a socket before anybody who waits for it to be connected can go on. */
  early?: Uint8Array
}

/** Who no longer listens. */
export const deaf: TransportSink = { data: () => {}, end: () => {} }

class NodeTransport implements ByteTransport {
  readonly remote: RemoteAddress | undefined
  readonly #stream: Duplex
  readonly #target: ReadTarget | undefined
  #sink: TransportSink | undefined
  #ended = false
  #closed = false
  /** Who wants to know that his bytes have left, in the order of writes; mostly one. */
  #taken: (() => void) | undefined
  #takenLater: (() => void)[] | undefined

  constructor(stream: Duplex, target: ReadTarget | undefined) {
    this.#stream = stream
    this.#target = target
    this.remote = addressOf(stream)
    if (stream instanceof Socket) stream.setNoDelay(true)
    let failure: Error | undefined
    stream.on('error', error => {
      failure = error
      this.#end(error)
    })
    stream.on('end', () => this.#end())
    stream.on('close', () => this.#end(failure))
  }

  /** Node keeps the number to itself; a stream without one, or a runtime that hides it otherwise, has none. */
  get descriptor(): number | undefined {
    const { _handle: handle } = this.#stream as { readonly _handle?: { readonly fd?: number } | null }
    return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
  }

  mark(byte: number): void {
    const socket = this.#stream as { readonly setTypeOfService?: (byte: number) => unknown }
    try {
      socket.setTypeOfService?.(byte)
    } catch {
      // A wish that a system does not grant changes nothing else.
    }
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    if (this.#ended) {
      sink.end()
      return
    }
    if (this.#target === undefined) {
      this.#stream.on('data', (bytes: Uint8Array) => {
        this.#sink?.data(bytes)
      })
    } else {
      this.#target.sink = sink
      const { early } = this.#target
      delete this.#target.early
      if (early !== undefined) sink.data(early)
    }
    this.#stream.resume()
  }

  #end(error?: unknown): void {
    if (this.#ended) return
    this.#ended = true
    this.#sink?.end(error)
    this.#letGo()
  }

  /**
   * Nothing that comes is of interest any more. A socket of Node that was closed lives until the next whole collection, because
   * V8 puts functions that are assigned to a property into the old space, and each Writable has such a one: what hangs on the
   * socket would be kept, copied and copied again with it.
   */
  #letGo(): void {
    this.#sink = undefined
    if (this.#target !== undefined) this.#target.sink = deaf
  }

  write(bytes: Uint8Array, taken: () => void): void {
    if (this.#stream.destroyed || this.#closed) queueMicrotask(taken)
    // Only of sockets is it sure that the bytes have left when the callback comes; other streams may still hold them.
    else {
      if (this.#taken === undefined) this.#taken = taken
      else (this.#takenLater ??= []).push(taken)
      this.#stream.write(this.#stream instanceof Socket ? bytes : bytes.slice(), this.#sent)
    }
  }

  /** Who waits longest is told. The same function for all writes: a stream remembers the last one for as long as it lives. */
  readonly #sent = (): void => {
    const taken = this.#taken
    this.#taken = this.#takenLater?.shift()
    if (this.#taken === undefined) this.#takenLater = undefined
    taken?.()
  }

  gather(): void {
    this.#stream.cork()
  }
  flush(): void {
    this.#stream.uncork()
  }

  afterTurn(act: () => void): void {
    // Ticks come before promises, unless a promise asks for one: then all promises of this turn are through.
    queueMicrotask(() => process.nextTick(act))
  }

  pause(): void {
    this.#stream.pause()
  }
  resume(): void {
    this.#stream.resume()
  }

  close(deserted = false): void {
    if (this.#closed) return
    this.#closed = true
    this.#letGo()
    const stream = this.#stream
    if (stream.destroyed) return
    if (deserted) {
      stream.destroy()
      return
    }
    const timer = setTimeout(() => stream.destroy(), lingerMilliseconds)
    stream.once('close', () => clearTimeout(timer))
    stream.end(() => {
      // Our side is flushed. What the peer still sends is of no interest; reading on would only wait for it.
      stream.resume()
      if (this.#ended) stream.destroy()
    })
    stream.once('end', () => stream.destroy())
  }
}

/** SSH over any Node duplex stream: a socket, a pipe, a child's stdio, a TLS socket. */
export const fromDuplex = (stream: Duplex): ByteTransport => new NodeTransport(stream, undefined)

/** Like `fromDuplex`, for a socket that was made with `onread` delivering to `target`. */
export const fromSocketWithTarget = (socket: Socket, target: ReadTarget): ByteTransport => new NodeTransport(socket, target)

/** The `onread` option for `net.connect` that delivers to `target`. */
export const onreadFor = (target: ReadTarget): { buffer: Uint8Array; callback: (count: number, buffer: Uint8Array) => boolean } => ({
  buffer: readBuffer(),
  callback(count, buffer) {
    if (target.sink === undefined) {
      target.early = buffer.slice(0, count)
      // Reads no more until it is started.
      return false
    }
    target.sink.data(buffer.subarray(0, count))
    return true
  },
})

interface SocketInternals {
  _handle: { useUserBuffer(buffer: Uint8Array): void } | null
  [key: symbol]: unknown
}

/** A handle that reads into a buffer of ours. Bun's sockets have something else there, and would then be silent. */
const takesBuffer = (handle: unknown): handle is NonNullable<SocketInternals['_handle']> =>
  typeof handle === 'object' && handle !== null && 'useUserBuffer' in handle

interface OnreadKeys {
  readonly buffer: symbol
  readonly callback: symbol
}

/** Under which symbols a socket keeps what `onread` gave it, seen on one that is never connected. */
const findOnreadKeys = (): OnreadKeys | undefined => {
  const given = onreadFor({ sink: undefined })
  const probe = new Socket({ onread: given })
  const values = probe as unknown as SocketInternals
  const keyOf = (value: unknown): symbol | undefined => Object.getOwnPropertySymbols(probe).find(key => values[key] === value)
  const [buffer, callback] = [keyOf(given.buffer), keyOf(given.callback)]
  probe.destroy()
  return buffer === undefined || callback === undefined ? undefined : { buffer, callback }
}

let onreadKeys: { readonly found: OnreadKeys | undefined } | undefined

/** Gives a socket what `onread` would have given it. False where sockets are not made that way. */
const readInto = (internals: SocketInternals, handle: NonNullable<SocketInternals['_handle']>, target: ReadTarget): boolean => {
  onreadKeys ??= { found: findOnreadKeys() }
  const keys = onreadKeys.found
  if (keys === undefined || internals[keys.buffer] !== null || internals[keys.callback] !== null) return false
  const { buffer, callback } = onreadFor(target)
  handle.useUserBuffer(buffer)
  internals[keys.buffer] = buffer
  internals[keys.callback] = callback
  return true
}

/**
 * What `socket` reads from now on goes to `target`, in the shared buffer; what it holds already must have been taken. False where
 * this cannot be said of a socket that is there: then there are 'data' events.
 */
export const readShared = (socket: Socket, target: ReadTarget): boolean => {
  const internals = socket as unknown as SocketInternals
  const handle = internals._handle
  return takesBuffer(handle) && readInto(internals, handle, target)
}

/**
 * A transport for a socket a server accepted with `pauseOnConnect`. Reads into the shared buffer when this Node lets that be
 * said of a socket afterwards, or a new socket take over the handle; otherwise falls back to 'data' events.
 */
export const fromAcceptedSocket = (accepted: Socket): ByteTransport => {
  const internals = accepted as unknown as SocketInternals
  const handle = internals._handle
  if (!takesBuffer(handle)) return fromDuplex(accepted)
  const target: ReadTarget = { sink: undefined }
  // `onread` is public for connecting sockets only; this is the same option for accepted ones. A second socket for each
  // would be a thirtieth of what a session costs.
  if (readInto(internals, handle, target)) return new NodeTransport(accepted, target)
  try {
    internals._handle = null
    const socket = new Socket({ handle, onread: onreadFor(target) } as unknown as ConstructorParameters<typeof Socket>[0])
    return new NodeTransport(socket, target)
  } catch {
    internals._handle = handle
    return fromDuplex(accepted)
  }
}
