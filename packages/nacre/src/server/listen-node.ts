// Owns serving SSH from Node: listening sockets, and accepting over any duplex stream. Knows no protocol.
import { createServer as createTcpServer, type Server as TcpServer, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { nodeSockets } from '../forward/sockets-node.ts'
import { nodeRuntime } from '../io/runtime-node.ts'
import { ConnectError } from '../errors.ts'
import { fromAcceptedSocket, fromDuplex } from '../io/node-socket.ts'
import type { ByteTransport } from '../io/transport.ts'
import { type DuplexStreams, fromStreams } from '../io/web-streams.ts'
import type { ServerConnection } from './connection.ts'
import { Server, type ServerOptions } from './create.ts'

export interface ListenOptions {
  /** 0 for any free one. Default 22. */
  readonly port?: number
  /** Address or name to listen on. Default 127.0.0.1: the whole world is asked for, not given. */
  readonly host?: string
  /** A Unix socket instead. */
  readonly path?: string
  /** Stops listening; connections go on. */
  readonly signal?: AbortSignal
}

/** A socket that listens. Disposing it stops listening and leaves connections alone. */
export class Listening implements AsyncDisposable {
  readonly #server: TcpServer
  readonly address: string
  readonly port: number
  constructor(server: TcpServer) {
    this.#server = server
    const at = server.address()
    this.address = typeof at === 'object' && at !== null ? at.address : (at ?? '')
    this.port = typeof at === 'object' && at !== null ? at.port : 0
  }
  async close(): Promise<void> {
    if (!this.#server.listening) return
    // Node waits for connections before it calls back; they are none of a listener's business.
    this.#server.close()
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const listenCauses: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there already.',
  EACCES: 'this user may not listen there; ports below 1024 need a privilege.',
  EADDRNOTAVAIL: 'that address is not on this machine.',
}

export class NodeServer<Identity> implements AsyncDisposable {
  readonly #server: Server<Identity>
  readonly #listening = new Set<Listening>()
  constructor(options: ServerOptions<Identity>) {
    this.#server = new Server(options, nodeRuntime(), () => nodeSockets())
  }

  /** Listens on TCP or a Unix socket. Rejects with `ConnectError` when it cannot. */
  async listen(options: ListenOptions = {}): Promise<Listening> {
    options.signal?.throwIfAborted()
    const { port = 22, host = '127.0.0.1' } = options
    const server = createTcpServer({ pauseOnConnect: true }, socket => this.#server.accept(fromAcceptedSocket(socket)))
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const failed = (error: NodeJS.ErrnoException): void => {
      const where = options.path ?? `${host} port ${port}`
      reject(
        new ConnectError(
          'CONNECT_FAILED',
          `Cannot listen on ${where}: ${listenCauses[error.code ?? ''] ?? error.message}`,
          { host, port },
          { cause: error },
        ),
      )
    }
    server.once('error', failed)
    if (options.path === undefined) server.listen({ port, host }, resolve)
    else server.listen({ path: options.path }, resolve)
    await promise
    server.removeListener('error', failed)
    // A listener that fails later, for want of descriptors, say, drops that one connection and goes on.
    server.on('error', () => {})
    const listening = new Listening(server)
    this.#listening.add(listening)
    options.signal?.addEventListener('abort', () => void listening.close(), { once: true })
    return listening
  }

  /** Serves one client over a socket, any Node duplex stream, a pair of Web Streams, or a transport of your own. */
  accept(over: Duplex | DuplexStreams | ByteTransport): ServerConnection<Identity> | undefined {
    return this.#server.accept(toTransport(over))
  }

  get connections(): ReadonlySet<ServerConnection<Identity>> {
    return this.#server.connections
  }

  /** Stops listening, ends all connections, and waits until they are gone. */
  async close(description?: string): Promise<void> {
    for (const each of this.#listening) await each.close()
    await this.#server.close(description)
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

const toTransport = (over: Duplex | DuplexStreams | ByteTransport): ByteTransport => {
  if ('start' in over && typeof over.start === 'function') return over
  if ('readable' in over && over.readable instanceof ReadableStream) return fromStreams(over as DuplexStreams)
  if (over instanceof Socket && over.isPaused()) return fromAcceptedSocket(over)
  return fromDuplex(over as Duplex)
}

/** A server on Node; `listen` or `accept` make it serve. Throws `ConfigError` for options that cannot work. */
export const createServer = <Identity>(options: ServerOptions<Identity>): NodeServer<Identity> => new NodeServer(options)
