// Owns listening and connecting for forwards on Node. Knows nothing of who asks, and of SSH only what joins a channel.
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type LookupFunction, type Server, type Socket } from 'node:net'
import { ConnectError, escapeForPeople, ForwardError } from '../errors.ts'
import type { ChannelStream } from '../io/channel-stream.ts'
import { lookupInTurn } from '../io/lookup-node.ts'
import { joinSocket } from '../io/socket-join-node.ts'
import { connected, connectTcp } from '../io/tcp-node.ts'
import {
  type ConnectPlaceOptions,
  isUnixPlace,
  type Listening,
  type ListenOptions,
  type LocalConnection,
  type LocalSockets,
  type Place,
  type UnixPlace,
} from './sockets.ts'

const defaultTimeout = 30_000
const defaultMask = 0o177
/** How long the other end may take to end a connection that we have ended. */
const lingerMilliseconds = 5000
/** Connections the system may hold before we take them: a browser's many at once are no reason to have it try again a second later. */
const backlog = 4096

/** A socket, paused until somebody reads it or it is joined. */
class SocketConnection implements LocalConnection {
  readonly #socket: Socket
  readonly peer: { readonly address: string; readonly port: number }
  readonly closed: Promise<void>
  #over = false
  /** What was read too much. Not given to the socket, which takes nothing back once its end was read. */
  #back: Uint8Array | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    socket.once('close', () => resolve())
    // Nobody may be listening when it fails; that it is over is told by `closed` and by `read`.
    socket.on('error', () => (this.#over = true))
    socket.once('end', () => (this.#over = true))
  }

  async read(): Promise<Uint8Array | undefined> {
    const socket = this.#socket
    const back = this.#back
    if (back !== undefined) {
      this.#back = undefined
      return back
    }
    for (;;) {
      const chunk = socket.read() as Uint8Array | null
      if (chunk !== null) return chunk
      if (this.#over || socket.destroyed || socket.readableEnded) return undefined
      const { promise, resolve } = Promise.withResolvers<void>()
      const wake = (): void => resolve()
      for (const name of ['readable', 'end', 'close'] as const) socket.on(name, wake)
      await promise
      for (const name of ['readable', 'end', 'close'] as const) socket.removeListener(name, wake)
    }
  }

  putBack(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#back = bytes
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes)
  }

  join(stream: ChannelStream): void {
    joinSocket(stream, this.#socket, this.#back)
    this.#back = undefined
  }

  watch(): void {
    this.#socket.read(0)
  }

  end(): void {
    const socket = this.#socket
    if (socket.destroyed) return
    // Closed with bytes nobody has read it would be reset, and what was written might not arrive.
    socket.on('data', () => {})
    socket.resume()
    socket.end()
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  discard(): void {
    this.#socket.destroy()
  }
}

const connectUnix = async ({ path }: UnixPlace, { timeout = defaultTimeout, signal }: ConnectPlaceOptions): Promise<Socket> => {
  signal?.throwIfAborted()
  const target = { host: path, port: 0 }
  const shown = escapeForPeople(path)
  return await connected(connect({ path, allowHalfOpen: true }), {
    signal,
    timeout,
    late: () => new ConnectError('CONNECT_TIMEOUT', `No connection to ${shown} within ${timeout / 1000} s.`, target),
    failed: error => new ConnectError('CONNECT_FAILED', `Cannot connect to ${shown}: ${why(error, { path })}`, target, { cause: error }),
  })
}

const causes: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'nothing listens there',
  EACCES: 'this user may not',
  EADDRINUSE: 'it is in use already',
  EADDRNOTAVAIL: 'the address is none of this machine',
  ENOTFOUND: 'the name has no address',
  ENAMETOOLONG: 'the path is too long for a socket',
}

const why = (error: NodeJS.ErrnoException, place: Place): string => {
  // Deno's word for an address that is none of this machine too.
  const invalid = isUnixPlace(place) ? 'the path is too long for a socket, or is none' : 'the address is none to listen on here'
  const cause = error.code === 'EINVAL' ? invalid : error.code === undefined ? undefined : causes[error.code]
  return cause === undefined ? `${error.message}.` : `${cause} (${error.code}).`
}

const shownPlace = (place: Place): string =>
  isUnixPlace(place)
    ? escapeForPeople(place.path)
    : `${place.host === undefined ? '' : `${escapeForPeople(place.host)} `}port ${place.port}`

const removeSocket = ({ path }: UnixPlace): void => {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path)
  } catch {
    // What cannot be removed is found when it is bound.
  }
}

/** The mask holds from the first moment on: nobody may connect in between. Threads have no mask of their own to set. */
const bind = (server: Server, place: Place, { mask = defaultMask, ipv6Only = false }: ListenOptions): void => {
  // A process that shares its listeners must not share this one.
  if (!isUnixPlace(place)) {
    server.listen({ port: place.port, ...(place.host === undefined ? {} : { host: place.host }), exclusive: true, ipv6Only })
    return
  }
  let before: number | undefined
  try {
    before = process.umask(mask)
  } catch {
    server.once('listening', () => chmodSync(place.path, 0o666 & ~mask))
  }
  try {
    server.listen({ path: place.path, exclusive: true, backlog })
  } finally {
    if (before !== undefined) process.umask(before)
  }
}

const listen = async (place: Place, options: ListenOptions, taken: (connection: LocalConnection) => void): Promise<Listening> => {
  if (isUnixPlace(place) && options.unlink === true) removeSocket(place)
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true, keepAlive: true })
  server.on('connection', socket => taken(new SocketConnection(socket)))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (error: NodeJS.ErrnoException): void =>
    reject(new ForwardError('FORWARD_LISTEN', `Cannot listen on ${shownPlace(place)}: ${why(error, place)}`, { cause: error }))
  server.once('error', failed)
  server.once('listening', () => resolve())
  try {
    bind(server, place, options)
  } catch (error) {
    failed(error as NodeJS.ErrnoException)
  }
  await promise
  server.removeListener('error', failed)
  // Of a connection that could not be taken the next one may still come.
  server.on('error', () => {})
  const address = server.address() as AddressInfo | string | null
  return {
    place: isUnixPlace(place) || address === null || typeof address === 'string' ? place : { host: address.address, port: address.port },
    // Connections that were taken keep a server of Node "open": whoever closes does not wait for them.
    close: async () => void server.close(),
  }
}

/** One queue for all of a process, as there is one set of threads. */
const inTurn = lookupInTurn()

/** Node's. `lookup` is for names in places to connect to. */
export const nodeSockets = ({ lookup = inTurn }: { readonly lookup?: LookupFunction } = {}): LocalSockets => ({
  async connect(place, options = {}) {
    const shape = { allowHalfOpen: true, lookup }
    const socket = isUnixPlace(place)
      ? await connectUnix(place, options)
      : await connectTcp({ host: place.host ?? 'localhost', port: place.port, ...options }, shape)
    return new SocketConnection(socket)
  },
  listen,
})
