// Owns what a client lends a session beside its streams: its agent, its display. Each is a way to open channels to the client,
// bounded in number. Knows nothing of who uses them, nor of sockets.
import type { AgentClient } from '../agent/client.ts'
import { agentConnect } from '../connection/channel-types/agent-connect.ts'
import { authAgent } from '../connection/channel-types/auth-agent.ts'
import { x11 } from '../connection/channel-types/x11.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import { ForwardError } from '../errors.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { ChannelStream } from '../io/channel-stream.ts'

/** The agent of the client. Works while the session is open. */
export interface SessionAgent {
  /** A new connection to it. Rejects with `ChannelOpenError`, or `ForwardError` FORWARD_REFUSED when there are too many. */
  connect(): Promise<AgentClient>
  /** The same as bytes, to be joined to something else. */
  open(): Promise<ChannelStream>
}

/** The display of the client. Its cookie is good for these channels only. Works while the session is open. */
export interface SessionDisplay {
  /** One connection, and no more. */
  readonly single: boolean
  /** E.g. `MIT-MAGIC-COOKIE-1`; text from the peer. */
  readonly protocol: string
  /** Hexadecimal, as xauth(1) takes it; text from the peer. */
  readonly cookie: string
  readonly screen: number
  /**
   * A connection to the display, for a program that connected from there. Rejects with `ChannelOpenError`, or `ForwardError`
   * FORWARD_REFUSED when no more may be.
   */
  open(originator: { readonly address: string; readonly port: number }): Promise<ChannelStream>
}

/** How a session opens channels to its client. */
export interface SessionOpener {
  open<T>(row: ChannelTypeRow<string, T>, details: T): Promise<ChannelPort>
  /** Has a channel closed when nothing passes for too long; `type` as OpenSSH names it (`agent-connection`). */
  watch(port: ChannelPort, type: string): void
  /** The session's channel is gone. */
  readonly over: boolean
}

const mostConnections = 256

/** Counts the channels of one kind, and opens no more than may be. */
class Bounded {
  readonly #opener: SessionOpener
  readonly #what: string
  readonly #most: number
  readonly #kind: 'agent' | 'x11'
  #open = 0
  #opened = 0

  constructor(opener: SessionOpener, what: string, kind: 'agent' | 'x11', most = mostConnections) {
    this.#opener = opener
    this.#kind = kind
    this.#what = what
    this.#most = most
  }

  /** `inAll` bounds how many there may ever be. */
  async open<T>(row: ChannelTypeRow<string, T>, details: T, inAll = Number.POSITIVE_INFINITY): Promise<ChannelStream> {
    if (this.#opener.over) throw new ForwardError('FORWARD_REFUSED', `The session is closed; its ${this.#what} went with it.`)
    if (this.#open >= this.#most || this.#opened >= inAll)
      throw new ForwardError('FORWARD_REFUSED', `No more connections to the ${this.#what} of the client may be opened.`)
    this.#open++
    this.#opened++
    let port: ChannelPort
    try {
      port = await this.#opener.open(row, details)
    } catch (error) {
      this.#open--
      throw error
    }
    const stream = new ChannelStream(port)
    this.#opener.watch(port, `${this.#kind}-connection`)
    void stream.closed.then(() => this.#open--)
    return stream
  }
}

/** `byRfc`: the client asked by the name of RFC 9987. */
export const sessionAgent = (opener: SessionOpener, byRfc: boolean): SessionAgent => {
  const channels = new Bounded(opener, 'agent', 'agent')
  const open = async (): Promise<ChannelStream> => await channels.open(byRfc ? agentConnect : authAgent, {})
  const connect = async (): Promise<AgentClient> => {
    // Most servers only hand the bytes on, or forward nothing.
    const [{ AgentClient: Client }, { channelAgentTransport }] = await Promise.all([
      import('../agent/client.ts'),
      import('../agent/channel.ts'),
    ])
    return new Client(channelAgentTransport(await open()))
  }
  return { open, connect }
}

export interface DisplayRequest {
  readonly singleConnection: boolean
  readonly authenticationProtocol: string
  readonly authenticationCookie: string
  readonly screenNumber: number
}

export const sessionDisplay = (opener: SessionOpener, request: DisplayRequest): SessionDisplay => {
  const channels = new Bounded(opener, 'display', 'x11')
  const { singleConnection: single, authenticationProtocol: protocol, authenticationCookie: cookie, screenNumber: screen } = request
  return {
    single,
    protocol,
    cookie,
    screen,
    open: ({ address, port }) =>
      channels.open(x11, { originatorAddress: address, originatorPort: port }, single ? 1 : Number.POSITIVE_INFINITY),
  }
}

/** What may be handed on to xauth and to programs: words of a protocol, hexadecimal digits. */
export const isPlainDisplay = ({ authenticationProtocol, authenticationCookie }: DisplayRequest): boolean =>
  /^[A-Za-z0-9._-]{1,256}$/.test(authenticationProtocol) && /^(?:[0-9a-fA-F]{2}){1,4096}$/.test(authenticationCookie)
