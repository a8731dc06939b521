// Owns connecting a TCP socket from Node, and saying in words why that did not work. Knows nothing of what is spoken over it.
import { type LookupFunction, isIP, type Socket, connect as tcpConnect } from 'node:net'
import { ConnectError } from '../errors.ts'
import type { onreadFor } from './node-socket.ts'

/** A step on the way to a TCP connection. */
export type DialStep =
  /** A name has this address. */
  | { readonly is: 'resolved'; readonly host: string; readonly address: string }
  | { readonly is: 'dialing'; readonly address: string; readonly port: number }
  /** `code` is the system's, such as ECONNREFUSED. Another address may be left. */
  | { readonly is: 'dial-failed'; readonly address: string; readonly port: number; readonly code: string }
  /** `localAddress` and `localPort` are our end. */
  | {
      readonly is: 'connected'
      readonly address: string
      readonly port: number
      readonly localAddress: string
      readonly localPort: number
    }

export interface TcpOptions {
  readonly host: string
  readonly port: number
  /** 4 or 6 to use only that; 0, the default, for whichever answers first. */
  readonly family?: 0 | 4 | 6
  readonly localAddress?: string
  /** Milliseconds until a connection must stand. Default 30 s. */
  readonly timeout?: number
  readonly signal?: AbortSignal
  /** TCP keepalive. Default true. */
  readonly keepAlive?: boolean
  /** Told of each step. */
  readonly onStep?: (step: DialStep) => void
}

/** How the socket is made, for whoever reads from it. */
interface SocketShape {
  readonly onread?: ReturnType<typeof onreadFor>
  readonly allowHalfOpen?: boolean
  readonly lookup?: LookupFunction
}

const defaultTimeout = 30_000

const causes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there, or a firewall refuses it. Is the server running, and is the port right?',
  ENOTFOUND: 'the name has no address. Is it spelt right?',
  EAI_AGAIN: 'the name server did not answer. Is there a network?',
  ETIMEDOUT: 'no answer came. A firewall may drop the packets, or the host is down.',
  EHOSTUNREACH: 'there is no way to that host from here.',
  ENETUNREACH: 'there is no network that leads there.',
  ECONNRESET: 'the other side cut the connection at once.',
  EACCES: 'this system does not permit it.',
  EADDRNOTAVAIL: 'the local address asked for (BindAddress, -b) is not on this machine.',
}

/** A name may have addresses of the family that nobody is to use. */
const causeOf = (code: string, { family }: TcpOptions): string | undefined =>
  code === 'ENOTFOUND' && (family === 4 || family === 6)
    ? `the name has no address of IPv${family}, and only such are to be used (AddressFamily, -${family}). Is it spelt right?`
    : causes[code]

const codeOf = (error: unknown): string | undefined => {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

const tellOf = (socket: Socket, tell: (step: DialStep) => void): void => {
  socket.on('lookup', (error: Error | null, address: string, _family: unknown, host: string) => {
    if (error === null && address !== host) tell({ is: 'resolved', host, address })
  })
  socket.on('connectionAttempt', (address: string, port: number) => tell({ is: 'dialing', address, port }))
  socket.on('connectionAttemptFailed', (address: string, port: number, _family: unknown, error: Error) =>
    tell({ is: 'dial-failed', address, port, code: codeOf(error) ?? error.message }),
  )
  socket.on('connectionAttemptTimeout', (address: string, port: number) => tell({ is: 'dial-failed', address, port, code: 'ETIMEDOUT' }))
  socket.once('connect', () => {
    const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = socket
    tell({ is: 'connected', address: remoteAddress, port: remotePort, localAddress, localPort })
  })
}

/** What is said when a socket does not come to be connected. */
interface Patience {
  readonly timeout: number
  readonly signal: AbortSignal | undefined
  readonly late: () => Error
  readonly failed: (error: NodeJS.ErrnoException) => Error
}

/** The socket once it is connected. Rejects with what `late` or `failed` makes of it, or with the reason of `signal`; it is gone then. */
export const connected = async (socket: Socket, { timeout, signal, late, failed }: Patience): Promise<Socket> => {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const timer = setTimeout(() => reject(late()), timeout)
  const abort = (): void => reject(signal?.reason)
  const fail = (error: Error): void => reject(failed(error))
  signal?.addEventListener('abort', abort, { once: true })
  socket.once('error', fail)
  socket.once('connect', () => resolve(socket))
  try {
    return await promise
  } catch (error) {
    socket.on('error', () => {})
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    socket.removeListener('error', fail)
  }
}

/** A connected socket with TCP_NODELAY. Rejects with `ConnectError`, or with the reason of `signal`. */
export const connectTcp = async (options: TcpOptions, shape: SocketShape = {}): Promise<Socket> => {
  const { host, port, signal } = options
  signal?.throwIfAborted()
  // Node takes an address as it is, whatever family was asked for.
  const family = isIP(host)
  if (options.family !== undefined && options.family !== 0 && family !== 0 && family !== options.family)
    throw new ConnectError(
      'CONNECT_FAILED',
      `Cannot connect to ${host} port ${port}: this is an address of IPv${family}, and only IPv${options.family} is to be used (AddressFamily, -${options.family}).`,
      { host, port },
    )
  const socket = tcpConnect({
    host,
    port,
    noDelay: true,
    keepAlive: options.keepAlive ?? true,
    ...shape,
    ...(options.family === 4 || options.family === 6 ? { family: options.family } : {}),
    ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
  })
  if (options.onStep !== undefined) tellOf(socket, options.onStep)
  const { timeout = defaultTimeout } = options
  return await connected(socket, {
    signal,
    timeout,
    late: () =>
      new ConnectError(
        'CONNECT_TIMEOUT',
        `Cannot connect to ${host} port ${port}: no connection within ${timeout / 1000} s. The host may be down, or a firewall drops the packets.`,
        { host, port },
      ),
    failed(error) {
      const code = codeOf(error)
      const why = (code === undefined ? undefined : causeOf(code, options)) ?? error.message
      return new ConnectError(
        'CONNECT_FAILED',
        `Cannot connect to ${host} port ${port}: ${why}${code === undefined ? '' : ` (${code})`}`,
        { host, port },
        { cause: error },
      )
    },
  })
}
