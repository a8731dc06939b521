// Owns one client in proxy mode at the master: what it opens is opened at the server, what the server opens for it comes to it, and
// what it asks of the whole connection is asked for it where that harms nobody. Knows nothing of sockets.
import { agentConnect } from '../connection/channel-types/agent-connect.ts'
import { authAgent } from '../connection/channel-types/auth-agent.ts'
import { forwardedStreamlocal } from '../connection/channel-types/forwarded-streamlocal.ts'
import { forwardedTcpip } from '../connection/channel-types/forwarded-tcpip.ts'
import { directStreamlocal } from '../connection/channel-types/direct-streamlocal.ts'
import { directTcpip } from '../connection/channel-types/direct-tcpip.ts'
import { session } from '../connection/channel-types/session.ts'
import type { GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import { cancelStreamlocalForward } from '../connection/global-requests/cancel-streamlocal-forward.ts'
import { cancelTcpipForward } from '../connection/global-requests/cancel-tcpip-forward.ts'
import { keepalive } from '../connection/global-requests/keepalive.ts'
import { streamlocalForward } from '../connection/global-requests/streamlocal-forward.ts'
import { tcpipForward } from '../connection/global-requests/tcpip-forward.ts'
import { defaultLimits } from '../connection/limits.ts'
import { agentReq } from '../connection/requests/agent-req.ts'
import { authAgentReq } from '../connection/requests/auth-agent-req.ts'
import { x11Req } from '../connection/requests/x11-req.ts'
import { RowTable } from '../connection/row.ts'
import type { ConnectionRows } from '../connection/rows.ts'
import type { ClientConnection } from '../client/connection.ts'
import { listenedAt, type ListenedPort } from '../client/listened.ts'
import { defaults } from '../engine/config.ts'
import { SharedEngine } from '../engine/shared.ts'
import { ChannelOpenError } from '../errors.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import type { Clock } from '../io/clock.ts'
import { Link } from '../io/link.ts'
import type { ByteTransport } from '../io/transport.ts'
import { decode, encode } from '../wire/codec.ts'
import { bridge, rawRow } from './bridge.ts'

/** Channels a client may have at once. */
const mostChannels = 256
/** What `ssh -O proxy` of OpenSSH can read: a packet of less than so many bytes looks broken to it. */
const leastForOpenssh = 5

/** Nothing is read on the way through: all details are raw. */
const rawRows: ConnectionRows = {
  requests: new RowTable('channel request', [], []),
  channelTypes: new RowTable('channel type', [], []),
  globalRequests: new RowTable('global request', [], []),
}

/** What stands in a request or an open that was not read. */
const detailsOf = (named: OpenQuestion['details'] | GlobalRequestQuestion['request']): Uint8Array => {
  if (named.type !== 'unknown') throw new TypeError('details were read that should have been left alone')
  return named.details
}

const opens: ReadonlySet<string> = new Set([session.name, directTcpip.name, directStreamlocal.name])
/** Of an agent: what asks for one, and what the server opens for that. */
const agentRequests: ReadonlySet<string> = new Set([authAgentReq.name, agentReq.name])
const agentChannels = [authAgent, agentConnect] as const

export interface ProxyOptions {
  /** The client is nacre's, which reads short packets. */
  readonly exact: boolean
  readonly clock?: Clock
}

export class ProxyClient {
  readonly #connection: ClientConnection
  readonly #link: Link
  readonly #ports = new Set<ListenedPort>()
  readonly #paths = new Set<string>()
  readonly #unserve: (() => void)[] = []
  /** Sessions that are open and asked for an agent. */
  readonly #lenders = new Set<ChannelPort>()
  #unserveAgents: readonly (() => void)[] = []

  constructor(connection: ClientConnection, transport: ByteTransport, options: ProxyOptions) {
    this.#connection = connection
    const engine = new SharedEngine({
      connection: { role: 'server', limits: { ...defaultLimits, maximumChannels: mostChannels }, rows: rawRows },
      highWater: defaults.highWater,
      requests: 'all',
      ...(options.exact ? {} : { leastPacket: leastForOpenssh }),
    })
    this.#link = new Link(
      engine,
      transport,
      {
        question: question => question.fail(new TypeError('a shared connection asks nothing')),
        openRequested: question => this.#opening(question),
        globalRequested: question => this.#requested(question),
        noted: () => {},
        ended: () => this.#left(),
      },
      options.clock,
    )
    if (!connection.untrusted)
      this.#unserve.push(
        connection.serve(forwardedTcpip.name, question => this.#fromPort(question)),
        connection.serve(forwardedStreamlocal.name, question => this.#fromPath(question)),
      )
    this.#link.start()
  }

  /** Resolves when the client has gone. */
  get closed(): Promise<unknown> {
    return this.#link.closed
  }

  /** Cuts the client off. */
  close(): void {
    this.#link.disconnect('by-application', '')
  }

  // ── the client opens ──────────────────────────────────────────────────────────────────────────────────────────────

  #opening(question: OpenQuestion): void {
    const { untrusted } = this.#connection
    if (!opens.has(question.channelType) || (untrusted && question.channelType !== session.name)) {
      question.refuse('administratively-prohibited', 'not over a shared connection')
      return
    }
    const failed = (error: Error): void => {
      const known = error instanceof ChannelOpenError
      question.refuse((known ? error.reason : undefined) ?? 'connect-failed', known ? error.description : error.message)
      this.#link.wake()
    }
    const opened = (outer: ChannelPort): void => {
      if (this.#link.ended === undefined) this.#join(this.#link.accept(question), outer)
      else outer.close()
    }
    try {
      this.#connection.link.openFor({ opened, failed }, rawRow(question.channelType), detailsOf(question.details))
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #join(inner: ChannelPort, outer: ChannelPort): void {
    bridge({ port: inner, link: this.#link }, { port: outer, link: this.#connection.link }, name => this.#mayAsk(name, inner))
  }

  /** A connection to a display does not say for whom it is before it has been taken: it would come to the master. */
  #mayAsk(name: string, port: ChannelPort): boolean {
    if (name === x11Req.name) return false
    if (!agentRequests.has(name)) return true
    if (this.#connection.untrusted) return false
    this.#lendsAgent(port)
    return true
  }

  /**
   * Connections to an agent are the client's from now on, unless somebody has asked for them before: they do not say for whom they are.
   * That holds even if the server refuses the request, as OpenSSH's does after the first.
   */
  #lendsAgent(port: ChannelPort): void {
    if (this.#lenders.size === 0)
      this.#unserveAgents = agentChannels.map(row => this.#connection.serve(row.name, question => this.#fromAgent(question, row)))
    this.#lenders.add(port)
    port.whenClosed(() => {
      if (this.#lenders.delete(port) && this.#lenders.size === 0) for (const stop of this.#unserveAgents) stop()
    })
  }

  // ── the client asks ───────────────────────────────────────────────────────────────────────────────────────────────

  #requested(question: GlobalRequestQuestion): void {
    const { name } = question.request
    const details = detailsOf(question.request)
    const note = this.#connection.untrusted && name !== keepalive.name ? undefined : this.#noteOf(name, details)
    if (note === undefined) {
      question.fail()
      this.#link.wake()
      return
    }
    const { link } = this.#connection
    if (link.ended !== undefined) {
      question.fail()
      return
    }
    // Noted within the answer: what the server opens for it may come in the same packet.
    link.engine.connection.globalRequest(rawRow(name), details, (ok, reply) => {
      const own = reply.slice()
      if (ok) note(own)
      if (ok) question.succeed(own)
      else question.fail()
      this.#link.wake()
    })
    link.wake()
  }

  /** What is to be remembered once the server has agreed; `undefined` for what a client of a shared connection may not ask. */
  #noteOf(name: string, details: Uint8Array): ((reply: Uint8Array) => void) | undefined {
    switch (name) {
      case keepalive.name:
        return () => {}
      case tcpipForward.name: {
        const { addressToBind: address, portNumberToBind } = decode(tcpipForward.codec, details)
        return reply => {
          const port = portNumberToBind === 0 ? (decode(tcpipForward.reply, reply).allocatedPort ?? 0) : portNumberToBind
          this.#ports.add({ address, port, anyPort: portNumberToBind === 0 })
          // It left while the server was asked.
          if (this.#link.ended !== undefined) this.#left()
        }
      }
      case cancelTcpipForward.name: {
        const { addressToBind: address, portNumberToBind: port } = decode(cancelTcpipForward.codec, details)
        const asked = [...this.#ports].find(each => each.address === address && each.port === port)
        return asked === undefined ? undefined : () => void this.#ports.delete(asked)
      }
      case streamlocalForward.name: {
        const { socketPath } = decode(streamlocalForward.codec, details)
        return () => {
          this.#paths.add(socketPath)
          if (this.#link.ended !== undefined) this.#left()
        }
      }
      case cancelStreamlocalForward.name: {
        const { socketPath } = decode(cancelStreamlocalForward.codec, details)
        return this.#paths.has(socketPath) ? () => void this.#paths.delete(socketPath) : undefined
      }
      default:
        return undefined
    }
  }

  // ── the server opens ──────────────────────────────────────────────────────────────────────────────────────────────

  #fromPort(question: OpenQuestion): boolean {
    const { details } = question
    if (details.type !== forwardedTcpip.name) return false
    const { connectedAddress, connectedPort } = details.value
    if (listenedAt(this.#ports, connectedAddress, connectedPort) === undefined) return false
    this.#pass(question, encode(forwardedTcpip.codec, details.value))
    return true
  }

  #fromPath(question: OpenQuestion): boolean {
    const { details } = question
    if (details.type !== forwardedStreamlocal.name || !this.#paths.has(details.value.socketPath)) return false
    this.#pass(question, encode(forwardedStreamlocal.codec, details.value))
    return true
  }

  #fromAgent(question: OpenQuestion, row: (typeof agentChannels)[number]): boolean {
    this.#pass(question, encode(row.codec, {}))
    return true
  }

  #pass(question: OpenQuestion, details: Uint8Array): void {
    const outer = this.#connection.link
    const failed = (error: Error): void => {
      const known = error instanceof ChannelOpenError
      if (outer.ended === undefined) question.refuse((known ? error.reason : undefined) ?? 'connect-failed', known ? error.description : '')
      outer.wake()
    }
    const opened = (inner: ChannelPort): void => {
      if (outer.ended === undefined) this.#join(inner, outer.accept(question))
      else inner.close()
    }
    try {
      this.#link.openFor({ opened, failed }, rawRow(question.channelType), details)
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** The server need not listen for somebody who has gone. Its channels were closed one by one. */
  #left(): void {
    for (const stop of this.#unserve.splice(0)) stop()
    const { link } = this.#connection
    for (const { address, port } of this.#ports) link.notify(cancelTcpipForward, { addressToBind: address, portNumberToBind: port })
    for (const socketPath of this.#paths) link.notify(cancelStreamlocalForward, { socketPath })
    this.#ports.clear()
    this.#paths.clear()
  }
}
