// Owns handing a whole connection on to another server: what a client here opens and asks for goes there, and what that server
// opens for it comes back. Knows nothing of how the other connection came about, nor of what passes.
import type { ChannelRequestQuestion, GlobalRequestQuestion, OpenQuestion, OpenValue } from '../connection/events.ts'
import { agentConnect } from '../connection/channel-types/agent-connect.ts'
import { authAgent } from '../connection/channel-types/auth-agent.ts'
import { forwardedStreamlocal } from '../connection/channel-types/forwarded-streamlocal.ts'
import { forwardedTcpip } from '../connection/channel-types/forwarded-tcpip.ts'
import { session } from '../connection/channel-types/session.ts'
import { x11 } from '../connection/channel-types/x11.ts'
import { cancelStreamlocalForward } from '../connection/global-requests/cancel-streamlocal-forward.ts'
import { cancelTcpipForward } from '../connection/global-requests/cancel-tcpip-forward.ts'
import { streamlocalForward } from '../connection/global-requests/streamlocal-forward.ts'
import { tcpipForward } from '../connection/global-requests/tcpip-forward.ts'
import { agentReq } from '../connection/requests/agent-req.ts'
import { authAgentReq } from '../connection/requests/auth-agent-req.ts'
import { x11Req } from '../connection/requests/x11-req.ts'
import type { GlobalRequestValue } from '../connection/questions.ts'
import type { ClientConnection } from '../client/connection.ts'
import { decode } from '../wire/codec.ts'
import type { ServerConnection } from './connection.ts'
import type { Verdict } from './direct.ts'
import { relayChannel } from './relay-channel.ts'
import { sayGlobal } from './relay-rows.ts'

/** What a client wants to have handed on. Texts are the peer's. */
export type RelayRequest =
  /** A channel: a session, `direct-tcpip` and so on. */
  | { readonly about: 'channel'; readonly details: OpenValue }
  /** Listening at the other server. */
  | { readonly about: 'global'; readonly request: GlobalRequestValue }

export interface RelayConnectionOptions {
  /** Whether it goes on; a text refuses a channel with these words. Default: all does. */
  readonly permit?: (request: RelayRequest) => Verdict | Promise<Verdict>
  /** Whether a request on a channel goes on: `exec`, `subsystem`, `env` and so on. Default: all do. */
  readonly permitRequest?: (request: ChannelRequestQuestion['request'], channelType: string) => boolean
  /** Leaves `target` alone when the client has gone: for one that several share. Default false. */
  readonly keep?: boolean
}

const maximumQueued = 256
const unreachable = 'the next host cannot be reached'

const listens: ReadonlySet<string> = new Set([tcpipForward.name, streamlocalForward.name])
const cancels: ReadonlySet<string> = new Set([cancelTcpipForward.name, cancelStreamlocalForward.name])

/** What a listener is called, by the one who asked for it and by the channel of a connection to it. */
const tcpKey = (host: string, port: number): string => `${port} ${host}`
const pathKey = (path: string): string => `unix ${path}`

const listenerOf = (request: GlobalRequestValue, reply: Uint8Array | undefined): string | undefined => {
  if (request.type === tcpipForward.name || request.type === cancelTcpipForward.name) {
    const { addressToBind, portNumberToBind: port } = request.value
    const allocated = port === 0 && reply !== undefined ? decode(tcpipForward.reply, reply).allocatedPort : undefined
    return tcpKey(addressToBind, allocated ?? port)
  }
  return request.type === streamlocalForward.name || request.type === cancelStreamlocalForward.name
    ? pathKey(request.value.socketPath)
    : undefined
}

class ConnectionRelay<Identity> {
  readonly #connection: ServerConnection<Identity>
  readonly #target: Promise<ClientConnection>
  readonly #options: RelayConnectionOptions
  /** What the client may be sent channels for: listeners it asked for, and its agent and display once it offered them. */
  readonly #offered = new Set<string>()
  #queued = 0
  #last: Promise<void> = Promise.resolve()
  #stops: (() => void)[] = []

  constructor(connection: ServerConnection<Identity>, target: Promise<ClientConnection>, options: RelayConnectionOptions) {
    this.#connection = connection
    this.#target = target
    this.#options = options
    // Of a target that is never reached `run` tells.
    target.catch(() => {})
  }

  async run(): Promise<Error | undefined> {
    const connection = this.#connection
    connection.handOver(this)
    let target: ClientConnection
    try {
      target = await this.#target
    } catch (error) {
      connection.disconnect('by-application', unreachable)
      return error as Error
    }
    if (connection.signal.aborted) {
      await this.#leave(target)
      return undefined
    }
    this.#serveBack(target)
    const ended = await Promise.race([target.closed.then(({ error }) => error), connection.closed.then(() => undefined)])
    for (const stop of this.#stops) stop()
    if (ended !== undefined) connection.disconnect('by-application', 'the connection to the next host has ended')
    await this.#leave(target)
    return ended
  }

  async #leave(target: ClientConnection): Promise<void> {
    if (this.#options.keep !== true) await target.close()
    else if (target.link.ended === undefined) this.#cancelAll(target)
  }

  /** Who shares the target goes on without what this client had listened on there. */
  #cancelAll(target: ClientConnection): void {
    for (const key of this.#offered) {
      const [first] = key.split(' ', 1)
      const where = key.slice(first.length + 1)
      if (first === 'unix') target.link.notify(cancelStreamlocalForward, { socketPath: where })
      else if (/^\d+$/.test(first)) target.link.notify(cancelTcpipForward, { addressToBind: where, portNumberToBind: Number(first) })
    }
    this.#offered.clear()
  }

  // ── from the client ───────────────────────────────────────────────────────────────────────────────────────────────

  openRequested(question: OpenQuestion): void {
    this.#open(question).catch((error: unknown) => {
      if (this.#connection.signal.aborted) return
      question.refuse('connect-failed', unreachable)
      this.#connection.link.wake()
      if (!(error instanceof Error) || error !== this.#unreached) this.#connection.failed(error)
    })
  }

  #unreached: unknown

  async #reach(): Promise<ClientConnection> {
    try {
      return await this.#target
    } catch (error) {
      this.#unreached = error
      throw error
    }
  }

  async #open(question: OpenQuestion): Promise<void> {
    const { permit, permitRequest } = this.#options
    const { channelType, details } = question
    const connection = this.#connection
    const verdict = (await permit?.({ about: 'channel', details })) ?? true
    const target = await this.#reach()
    if (connection.signal.aborted) return
    if (verdict !== true || (target.untrusted && channelType !== session.name)) {
      question.refuse('administratively-prohibited', typeof verdict === 'string' ? verdict : 'this is not handed on')
      connection.link.wake()
      return
    }
    relayChannel(question, connection, target, {
      permitRequest: request => !(target.untrusted && opens.has(request.name)) && permitRequest?.(request, channelType) !== false,
      onAgreed: request => {
        const opened = opens.get(request.name)
        if (opened !== undefined) this.#offered.add(opened)
      },
    })
  }

  globalRequested(question: GlobalRequestQuestion): boolean {
    const { name } = question.request
    if (!listens.has(name) && !cancels.has(name)) return false
    if (this.#queued >= maximumQueued) {
      question.fail()
      return true
    }
    this.#queued++
    this.#last = this.#last.then(async () => {
      this.#queued--
      try {
        await this.#global(question)
      } catch (error) {
        if (this.#connection.signal.aborted) return
        question.fail()
        if (error !== this.#unreached) this.#connection.failed(error)
      }
      this.#connection.link.wake()
    })
    return true
  }

  /** One after the other: a cancel must find what was asked for before it. */
  async #global(question: GlobalRequestQuestion): Promise<void> {
    const { request, wantReply } = question
    const said = sayGlobal(request)
    const verdict = (await this.#options.permit?.({ about: 'global', request })) ?? true
    const target = await this.#reach()
    if (this.#connection.signal.aborted) return
    if (said === undefined || verdict !== true || target.untrusted) {
      question.fail()
      return
    }
    let reply: Uint8Array
    try {
      reply = await target.link.request(said.row, said.value)
    } catch {
      question.fail()
      return
    }
    const key = listenerOf(request, reply)
    if (key !== undefined && cancels.has(request.name)) this.#offered.delete(key)
    else if (key !== undefined) this.#offered.add(key)
    if (wantReply) question.succeed(reply)
  }

  // ── from the server behind ────────────────────────────────────────────────────────────────────────────────────────

  #serveBack(target: ClientConnection): void {
    if (target.untrusted) return
    for (const type of [forwardedTcpip.name, forwardedStreamlocal.name, ...opens.values()])
      this.#stops.push(
        target.serve(type, question => {
          if (!this.#offered.has(offerOf(question.details))) return false
          relayChannel(question, target, this.#connection)
          return true
        }),
      )
  }
}

/** Requests on a session after which the server may open channels of a type. */
const opens: ReadonlyMap<string, string> = new Map([
  [x11Req.name, x11.name],
  [authAgentReq.name, authAgent.name],
  [agentReq.name, agentConnect.name],
])

const offerOf = (details: OpenValue): string => {
  if (details.type === forwardedTcpip.name) return tcpKey(details.value.connectedAddress, details.value.connectedPort)
  return details.type === forwardedStreamlocal.name ? pathKey(details.value.socketPath) : details.name
}

/**
 * From now on all that the client of `connection` asks for is asked of the server `target` is connected to, and what that opens
 * for the client's forwards, agent and display comes back. To be called when the client has logged in, at once: what it asks for
 * while `target` is not there yet waits. Each ends the other, but for `keep`.
 *
 * Resolves when it is over: with why `target` was not reached or was lost, `undefined` when the client left. Never rejects.
 */
export const relayConnection = <Identity>(
  connection: ServerConnection<Identity>,
  target: ClientConnection | Promise<ClientConnection>,
  options: RelayConnectionOptions = {},
): Promise<Error | undefined> => new ConnectionRelay(connection, Promise.resolve(target), options).run()
