// Owns opening a connection from the server on, to a TCP port (RFC 4254 §7.2) or a Unix socket (OpenSSH's PROTOCOL, 2.4), and
// saying in words why that did not work. Knows nothing of what is spoken over it.
import { directStreamlocal } from '../connection/channel-types/direct-streamlocal.ts'
import { directTcpip } from '../connection/channel-types/direct-tcpip.ts'
import { ChannelOpenError, ConnectError, escapeForPeople } from '../errors.ts'
import { showPlace } from '../forward/places.ts'
import { isUnixPlace, type UnixPlace } from '../forward/sockets.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { ChannelOpener, Link } from '../io/link.ts'
import type { DialTarget } from './dial-target.ts'

export interface TcpChannelOptions {
  /** Gives up; the promise rejects with its reason. A stream that is there already is not touched. */
  readonly signal?: AbortSignal
  /** Milliseconds until the server must have answered. Default 30 s. */
  readonly timeout?: number
  /** Whom the connection is made for, as the server is told. Default `127.0.0.1`, port 0. */
  readonly originator?: { readonly address: string; readonly port: number }
}

const defaultTimeout = 30_000

/** What to look at, by what the server gave as its reason. */
const advice = ({ reason, channelType }: ChannelOpenError): string => {
  if (reason === 'administratively-prohibited') {
    const keywords = channelType === directStreamlocal.name ? 'AllowStreamLocalForwarding' : 'AllowTcpForwarding, PermitOpen'
    return ` It does not permit this: by its configuration (${keywords}), or by limits of the key that was used.`
  }
  return reason === 'unknown-channel-type' ? ' It does not forward at all.' : ''
}

/** Errors have a host and a port; a Unix socket is its path, and port 0. */
const hostOf = (target: DialTarget | UnixPlace): DialTarget => (isUnixPlace(target) ? { host: target.path, port: 0 } : target)

const refused = (target: DialTarget | UnixPlace, error: ChannelOpenError): ConnectError => {
  const said = escapeForPeople(error.description, { limit: 300 }) || error.reason || 'it gave no reason'
  const words = `The server made no connection to ${showPlace(target)}: ${said}.${advice(error)}`
  return new ConnectError('CONNECT_FAILED', words, hostOf(target), { cause: error })
}

/** One open that is under way. Who waits is told once; a channel that comes too late is closed. */
class Dialling implements ChannelOpener {
  readonly #target: DialTarget | UnixPlace
  readonly #waiter: { resolve(stream: ChannelStream): void; reject(error: unknown): void }
  readonly #cleanUp: (() => void)[] = []
  #over = false

  constructor(target: DialTarget | UnixPlace, waiter: { resolve(stream: ChannelStream): void; reject(error: unknown): void }) {
    this.#target = target
    this.#waiter = waiter
  }

  /** `act` is called as soon as the outcome is known. */
  after(act: () => void): void {
    this.#cleanUp.push(act)
  }

  opened(port: ChannelPort): void {
    if (this.#settle()) this.#waiter.resolve(new ChannelStream(port))
    else port.abort()
  }

  failed(error: unknown): void {
    if (this.#settle()) this.#waiter.reject(error instanceof ChannelOpenError ? refused(this.#target, error) : error)
  }

  #settle(): boolean {
    if (this.#over) return false
    this.#over = true
    for (const act of this.#cleanUp) act()
    return true
  }
}

/** Asks the server to connect. Rejects with `ConnectError`, with what ended the connection, or with the reason of the signal. */
export const dialOver = (
  link: Link,
  target: DialTarget | UnixPlace,
  options: TcpChannelOptions = {},
  clock: Clock = systemClock,
): Promise<ChannelStream> =>
  new Promise((resolve, reject) => {
    const { signal, timeout = defaultTimeout, originator = { address: '127.0.0.1', port: 0 } } = options
    signal?.throwIfAborted()
    const dialling = new Dialling(target, { resolve, reject })
    const late = (): void =>
      dialling.failed(
        new ConnectError(
          'CONNECT_TIMEOUT',
          `The server made no connection to ${showPlace(target)} within ${timeout / 1000} s.`,
          hostOf(target),
        ),
      )
    const abort = (): void => dialling.failed(signal?.reason)
    dialling.after(clock.after(timeout, late))
    dialling.after(() => signal?.removeEventListener('abort', abort))
    signal?.addEventListener('abort', abort, { once: true })
    try {
      if (isUnixPlace(target)) link.openFor(dialling, directStreamlocal, { socketPath: target.path, reservedText: '', reservedNumber: 0 })
      else
        link.openFor(dialling, directTcpip, {
          hostToConnect: target.host,
          portToConnect: target.port,
          originatorAddress: originator.address,
          originatorPort: originator.port,
        })
    } catch (error) {
      dialling.failed(error)
    }
  })
