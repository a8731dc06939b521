// Owns remote forwards of a client connection: asking the server to listen, taking the channels it opens for that and no others, and
// asking it to stop. Loaded when the first program asks for one. Knows nothing of listening at this end.
import { forwardedStreamlocal } from '../connection/channel-types/forwarded-streamlocal.ts'
import { forwardedTcpip } from '../connection/channel-types/forwarded-tcpip.ts'
import type { OpenQuestion } from '../connection/events.ts'
import { cancelStreamlocalForward } from '../connection/global-requests/cancel-streamlocal-forward.ts'
import { cancelTcpipForward } from '../connection/global-requests/cancel-tcpip-forward.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import { streamlocalForward } from '../connection/global-requests/streamlocal-forward.ts'
import { tcpipForward } from '../connection/global-requests/tcpip-forward.ts'
import { isOf } from '../connection/row.ts'
import { ConnectError, ForwardError } from '../errors.ts'
import { Forward } from '../forward/forward.ts'
import { type ListenPlace, readListenPlace, readTargetPlace, showPlace, type TargetPlace } from '../forward/places.ts'
import { isUnixPlace, type LocalConnection, type LocalSockets, type Place } from '../forward/sockets.ts'
import { serveSocks, type SocksOptions, type SocksPeer } from '../forward/socks-serve.ts'
import type { SocksTarget } from '../forward/socks.ts'
import { defaultConnectTimeout, type ForwardOptions, type Originator, Traffic } from '../forward/traffic.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { Link } from '../io/link.ts'
import { decode } from '../wire/codec.ts'
import { type ForwardBase, socketsOf } from './forward.ts'
import { listenedAt, type ListenedPort } from './listened.ts'
import type { ChannelServer } from './served-channels.ts'

/** A connection somebody made to the server. All of it is what the server says. */
export interface ReverseInfo {
  /** Where it was made to. */
  readonly address: Place
  /** Who made it; an empty address and port 0 for a Unix socket. */
  readonly originator: Originator
}

/** Takes a connection that came at the server. When it rejects, the connection is cut off. */
export type ReverseHandler = (stream: ChannelStream, info: ReverseInfo) => void | Promise<void>

export interface ReverseRequest extends ForwardOptions, SocksOptions {
  /**
   * Where the server shall listen: a port of its own alone (`8080`), of all its addresses (`':8080'`), of one, or the path of a Unix
   * socket. Port 0 is any that is free. Whether it does more than `localhost` is for its GatewayPorts to say.
   */
  readonly listen: ListenPlace
  /** Where this end connects to for each connection, or who takes it; `'socks'`: whoever connects says where to. */
  readonly to: TargetPlace | ReverseHandler | 'socks'
  /** For `'socks'`: whether a client may have this connection. A text says why not. Default: all are permitted. */
  readonly permit?: (target: SocksTarget) => boolean | string
  /** Milliseconds until the server must have answered. Default 30 s. */
  readonly timeout?: number
  readonly clock?: Clock
}

/** What carries on a connection: told whether to take it, and how. */
type Carry = (question: OpenQuestion, info: ReverseInfo) => void

interface Listened {
  readonly carry: Carry
}
type ListenedTcp = Listened & ListenedPort

const defaultTimeout = 30_000
/** Questions the server has not answered yet. Servers bound them, and one that got too many would end the connection. */
const mostAsked = 100

/** What the server is asked for (RFC 4254 §7.1): no address means all of them. */
const bindAddress = ({ host }: { readonly host: string | undefined }): string => host ?? ''

/** Who is asked about channels, and what can be asked for, of one connection. */
export interface ReverseBase extends ForwardBase {
  serve(channelType: string, server: ChannelServer): () => void
}

/** All remote forwards of one connection. */
export class ReverseForwards {
  readonly #base: ReverseBase
  readonly #ports = new Set<ListenedTcp>()
  readonly #paths = new Map<string, Listened>()
  readonly #gone = new AbortController()
  #asked = 0
  #asking = false
  readonly #waiting: (() => void)[] = []

  constructor(base: ReverseBase) {
    this.#base = base
    base.serve(forwardedTcpip.name, question => this.#tcp(question))
    base.serve(forwardedStreamlocal.name, question => this.#streamlocal(question))
    void base.link.closed.then(({ error }) => {
      this.#gone.abort(error)
      for (const begin of this.#waiting.splice(0)) begin()
    })
  }

  #askNext(): void {
    // One that need not be asked any more is answered within its turn.
    if (this.#asking) return
    this.#asking = true
    while (this.#asked < mostAsked) {
      const next = this.#waiting.shift()
      if (next === undefined) break
      next()
    }
    this.#asking = false
  }

  /** Asks at once or when others have been answered; `ask` says when it has been, unless the connection has ended. */
  #inTurn(ask: (answered: () => void) => void): void {
    const answered = (): void => {
      this.#asked--
      this.#askNext()
    }
    this.#waiting.push(() => {
      this.#asked++
      ask(answered)
    })
    this.#askNext()
  }

  /** Resolves once the server listens. Rejects with `ForwardError` when it does not, or with what ended the connection. */
  async add(request: ReverseRequest): Promise<Forward> {
    const place = readListenPlace(request.listen)
    const traffic = new Traffic(request)
    const to = typeof request.to === 'function' || request.to === 'socks' ? request.to : readTargetPlace(request.to)
    const sockets = typeof to === 'function' ? undefined : await socketsOf(this.#base)
    const carrying = new Carrying(this.#base.link, traffic, sockets, to, request, this.#gone.signal)
    const carry: Carry = (question, info) => carrying.take(question, info)
    const parts = isUnixPlace(place) ? await this.#listenPath(place.path, carry, request) : await this.#listenPort(place, carry, request)
    const forward = new Forward({ ...parts, traffic })
    void this.#base.link.closed.then(({ error }) => forward.lost(error))
    return forward
  }

  async #listenPort(
    place: Place & { readonly host: string | undefined; readonly port: number },
    carry: Carry,
    request: ReverseRequest,
  ): Promise<{ readonly address: Place; readonly stop: () => Promise<void> }> {
    const address = bindAddress(place)
    const stop = async (entry: ListenedTcp): Promise<void> => {
      if (this.#ports.delete(entry)) await this.#tell(cancelTcpipForward, { addressToBind: address, portNumberToBind: entry.port })
    }
    const asked = { addressToBind: address, portNumberToBind: place.port }
    const listens = (details: Uint8Array): ListenedTcp => {
      const anyPort = place.port === 0
      const entry = { address, port: anyPort ? allocatedPort(details) : place.port, anyPort, carry }
      this.#ports.add(entry)
      return entry
    }
    const entry = await this.#ask(tcpipForward, asked, place, request, { listens, stop })
    return { address: { host: place.host, port: entry.port }, stop: () => stop(entry) }
  }

  async #listenPath(
    path: string,
    carry: Carry,
    request: ReverseRequest,
  ): Promise<{ readonly address: Place; readonly stop: () => Promise<void> }> {
    const stop = async (entry: Listened): Promise<void> => {
      if (this.#paths.get(path) !== entry) return
      this.#paths.delete(path)
      await this.#tell(cancelStreamlocalForward, { socketPath: path })
    }
    const listens = (): Listened => {
      const entry = { carry }
      this.#paths.set(path, entry)
      return entry
    }
    const entry = await this.#ask(streamlocalForward, { socketPath: path }, { path }, request, { listens, stop })
    return { address: { path }, stop: () => stop(entry) }
  }

  /**
   * `listens` is called within the event of the answer: the first connection may come in the same packet, and is known from the
   * answer on, not a turn later. An answer nobody waits for any more is taken back by `stop`.
   */
  #ask<T, Entry>(
    row: GlobalRequestRow<string, T>,
    value: T,
    place: Place,
    { timeout = defaultTimeout, clock = systemClock }: ReverseRequest,
    { listens, stop }: { readonly listens: (details: Uint8Array) => Entry; readonly stop: (entry: Entry) => Promise<void> },
  ): Promise<Entry> {
    const { link } = this.#base
    return new Promise((resolve, reject) => {
      if (link.ended !== undefined) throw link.ended.error
      let late = false
      const cancel = clock.after(timeout, () => {
        late = true
        const words = `The server did not answer within ${timeout / 1000} s whether it listens on ${showPlace(place)}.`
        reject(new ForwardError('FORWARD_REFUSED', words))
      })
      const heard = (ok: boolean, details: Uint8Array, error: Error | undefined): void => {
        cancel()
        if (!ok) {
          reject(error ?? refusedBy(place))
          return
        }
        try {
          const entry = listens(details)
          if (late) void stop(entry)
          else resolve(entry)
        } catch (problem) {
          reject(problem)
        }
      }
      this.#inTurn(answered => {
        if (late) {
          answered()
        } else if (link.ended !== undefined) {
          cancel()
          reject(link.ended.error)
        } else {
          const answer = (ok: boolean, details: Uint8Array, error: Error | undefined): void => {
            heard(ok, details, error)
            answered()
          }
          try {
            link.engine.connection.globalRequest(row, value, answer)
          } catch (problem) {
            cancel()
            reject(problem)
            answered()
          }
          link.wake()
        }
      })
    })
  }

  /** Whether it stops listening is the server's affair: we take nothing more. */
  async #tell<T>(row: GlobalRequestRow<string, T>, value: T): Promise<void> {
    const { link } = this.#base
    if (link.ended !== undefined) return
    await new Promise<void>(resolve =>
      this.#inTurn(answered => {
        if (link.ended !== undefined) resolve()
        else
          void link
            .request(row, value)
            .catch(() => {})
            .then(answered)
            .then(resolve)
      }),
    )
  }

  #tcp(question: OpenQuestion): boolean {
    const { details } = question
    if (!isOf(details, forwardedTcpip)) return false
    const { connectedAddress, connectedPort, originatorAddress, originatorPort } = details.value
    const entry = listenedAt(this.#ports, connectedAddress, connectedPort)
    if (entry === undefined) return false
    entry.carry(question, {
      address: { host: connectedAddress, port: connectedPort },
      originator: { address: originatorAddress, port: originatorPort },
    })
    return true
  }

  #streamlocal(question: OpenQuestion): boolean {
    const { details } = question
    if (!isOf(details, forwardedStreamlocal)) return false
    const { socketPath } = details.value
    const entry = this.#paths.get(socketPath)
    if (entry === undefined) return false
    entry.carry(question, { address: { path: socketPath }, originator: { address: '', port: 0 } })
    return true
  }
}

const refusedBy = (place: Place): ForwardError =>
  new ForwardError(
    'FORWARD_REFUSED',
    isUnixPlace(place)
      ? `The server does not listen on ${showPlace(place)}: it does not permit that (AllowStreamLocalForwarding), or the path is in use there.`
      : `The server does not listen on ${showPlace(place)}: it does not permit that (AllowTcpForwarding, PermitListen, GatewayPorts), or the port is in use there.`,
  )

const allocatedPort = (details: Uint8Array): number => {
  const { allocatedPort: port = 0 } = decode(tcpipForward.reply, details)
  if (port < 1 || port > 65_535)
    throw new ForwardError('FORWARD_REFUSED', `The server was to choose a port to listen on, and says it is ${port}.`)
  return port
}

/** A channel whose user says first where it shall go. */
const socksPeer = (stream: ChannelStream): SocksPeer & { done(): void } => {
  const reader = stream.readable.getReader()
  return {
    async read() {
      const { done, value } = await reader.read()
      return done ? undefined : value
    },
    write: bytes => void stream.write(bytes),
    discard: () => stream.abort(),
    done: () => reader.releaseLock(),
  }
}

/** What becomes of the connections of one forward. */
class Carrying {
  readonly #link: Link
  readonly #traffic: Traffic
  readonly #sockets: LocalSockets | undefined
  readonly #to: Place | ReverseHandler | 'socks'
  readonly #request: ReverseRequest
  readonly #gone: AbortSignal

  constructor(
    link: Link,
    traffic: Traffic,
    sockets: LocalSockets | undefined,
    to: Place | ReverseHandler | 'socks',
    request: ReverseRequest,
    gone: AbortSignal,
  ) {
    this.#link = link
    this.#traffic = traffic
    this.#sockets = sockets
    this.#to = to
    this.#request = request
    this.#gone = gone
  }

  take(question: OpenQuestion, info: ReverseInfo): void {
    const from = info.originator
    if (!this.#traffic.begin(from)) {
      question.refuse('resource-shortage', 'too many connections on this forward')
      this.#link.wake()
      return
    }
    if (typeof this.#to === 'function') this.#hand(this.#to, question, info)
    else if (this.#to === 'socks') void this.#serveSocks(this.#accepted(question, from))
    else void this.#join(this.#to, question, from)
  }

  #accepted(question: OpenQuestion, from: Originator): ChannelStream {
    const stream = new ChannelStream(this.#link.accept(question))
    this.#traffic.joined(stream, from)
    return stream
  }

  #hand(handler: ReverseHandler, question: OpenQuestion, info: ReverseInfo): void {
    const stream = this.#accepted(question, info.originator)
    const run = async (): Promise<void> => await handler(stream, info)
    run().catch((error: unknown) => {
      this.#traffic.broken(error)
      stream.abort()
    })
  }

  async #connect(place: Place): Promise<LocalConnection> {
    if (this.#sockets === undefined) throw new ForwardError('FORWARD_REFUSED', 'There are no sockets to connect with.')
    return await this.#sockets.connect(place, { timeout: this.#request.connectTimeout ?? defaultConnectTimeout, signal: this.#gone })
  }

  async #join(place: Place, question: OpenQuestion, from: Originator): Promise<void> {
    let local: LocalConnection
    try {
      local = await this.#connect(place)
    } catch (error) {
      this.#traffic.failed(error, from)
      question.refuse('connect-failed', error instanceof ConnectError ? error.message : 'no connection')
      this.#link.wake()
      return
    }
    if (this.#link.ended !== undefined) {
      local.discard()
      this.#traffic.failed(this.#link.ended.error, from)
      return
    }
    local.join(this.#accepted(question, from))
  }

  async #serveSocks(stream: ChannelStream): Promise<void> {
    const peer = socksPeer(stream)
    try {
      const { connected, rest } = await serveSocks(
        peer,
        async target => {
          const verdict = this.#request.permit?.(target) ?? true
          if (verdict !== true)
            throw new ForwardError(
              'FORWARD_REFUSED',
              typeof verdict === 'string' ? verdict : `A connection to ${showPlace(target)} is not permitted here.`,
            )
          return await this.#connect(target)
        },
        this.#request,
        this.#request.clock ?? systemClock,
      )
      peer.done()
      connected.write(rest)
      connected.join(stream)
    } catch (error) {
      this.#traffic.broken(error)
      // The answer still leaves.
      stream.close()
    }
  }
}
