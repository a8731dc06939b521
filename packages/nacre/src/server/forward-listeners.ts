// Owns what clients make a server listen on (RFC 4254 §7.1; OpenSSH's PROTOCOL, 2.4): one list for each connection, with ceilings,
// which ends with it, and a channel for each connection that comes. Knows no sockets and no rules; both are given to it.
import { forwardedStreamlocal } from '../connection/channel-types/forwarded-streamlocal.ts'
import { forwardedTcpip } from '../connection/channel-types/forwarded-tcpip.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import type { GlobalRequestQuestion } from '../connection/events.ts'
import { cancelStreamlocalForward } from '../connection/global-requests/cancel-streamlocal-forward.ts'
import { cancelTcpipForward } from '../connection/global-requests/cancel-tcpip-forward.ts'
import { streamlocalForward } from '../connection/global-requests/streamlocal-forward.ts'
import { tcpipForward } from '../connection/global-requests/tcpip-forward.ts'
import { ForwardError, SshError } from '../errors.ts'
import type { LocalConnection, LocalSockets } from '../forward/sockets.ts'
import type { ChannelPort } from '../io/channel-port.ts'
import { ChannelStream } from '../io/channel-stream.ts'
import { encode } from '../wire/codec.ts'
import type { ServerConnection } from './connection.ts'
import { notPermitted, type Verdict } from './direct.ts'
import { type Bound, bindTcp, type GatewayPorts, type Taken } from './forward-binding.ts'

/** What a client wants to have listened on. Texts are the peer's. */
export type RemoteRequest =
  /** A port here (`tcpip-forward`); 0 is any that is free. `host` is the address as the client has it, also empty. */
  | { readonly kind: 'remote'; readonly host: string; readonly port: number }
  /** A Unix socket here (`streamlocal-forward@openssh.com`). */
  | { readonly kind: 'remote-socket'; readonly path: string }

type Outcome = { readonly is: 'listening'; readonly port: number } | { readonly is: 'denied' | 'failed'; readonly problem: string }

export interface ListenerRules<Identity> {
  readonly permit: (request: RemoteRequest, connection: ServerConnection<Identity>) => Verdict | Promise<Verdict>
  readonly onOutcome: (request: RemoteRequest, outcome: Outcome, connection: ServerConnection<Identity>) => void
  readonly maximumListeners: number
  readonly maximumWaiting: number
  readonly socketsFor: (connection: ServerConnection<Identity>) => LocalSockets
  readonly ways: (connection: ServerConnection<Identity>) => {
    readonly gatewayPorts: GatewayPorts
    readonly mask: number
    readonly unlink: boolean
  }
}

const highestPort = 65_535
/** Requests of one connection that wait for those before them, beside one for each listener it may have. */
const furtherQueued = 256

/** How a listener is called when it is cancelled: as it was asked for, with the port it got. */
const keyOf = (request: RemoteRequest, port: number): string =>
  request.kind === 'remote' ? `${port} ${request.host}` : `unix ${request.path}`

/** An IPv4 address that came in over IPv6 is told as what it is. */
const plain = (address: string): string => (/^::ffff:\d+\.\d+\.\d+\.\d+$/i.test(address) ? address.slice('::ffff:'.length) : address)

const problemOf = (request: RemoteRequest, wantReply: boolean): string | undefined => {
  if (request.kind === 'remote-socket') return request.path === '' || request.path.includes('\0') ? 'this is no path' : undefined
  if (request.port > highestPort) return 'ports go up to 65535'
  return request.port === 0 && !wantReply ? 'nobody would learn the port' : undefined
}

/** Keeps connections that come before the client has been told that we listen: it would know nothing of them. */
class Gate {
  readonly #pass: (local: LocalConnection, port: number) => void
  readonly #limit: number
  #early: { readonly local: LocalConnection; readonly port: number }[] | undefined = []

  constructor(limit: number, pass: (local: LocalConnection, port: number) => void) {
    this.#limit = limit
    this.#pass = pass
  }

  readonly take = (local: LocalConnection, port: number): void => {
    if (this.#early === undefined) this.#pass(local, port)
    else if (this.#early.length < this.#limit) this.#early.push({ local, port })
    else local.discard()
  }

  open(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const { local, port } of early) this.#pass(local, port)
  }

  discard(): void {
    for (const { local } of this.#early ?? []) local.discard()
    this.#early = []
  }
}

/** What one connection made us listen on. Its requests are dealt with one after the other: a cancel may follow at once. */
class ConnectionListeners<Identity> {
  readonly #connection: ServerConnection<Identity>
  readonly #rules: ListenerRules<Identity>
  readonly #bound = new Map<string, Bound>()
  #queued = 0
  #last: Promise<void> = Promise.resolve()
  #waiting = 0

  constructor(connection: ServerConnection<Identity>, rules: ListenerRules<Identity>) {
    this.#connection = connection
    this.#rules = rules
    connection.signal.addEventListener('abort', () => this.#closeAll(), { once: true })
  }

  listen(question: GlobalRequestQuestion, request: RemoteRequest): void {
    this.#inTurn(question, () => this.#listen(question, request))
  }

  cancel(question: GlobalRequestQuestion, request: RemoteRequest): void {
    this.#inTurn(question, async () => {
      const key = keyOf(request, request.kind === 'remote' ? request.port : 0)
      const bound = this.#bound.get(key)
      this.#bound.delete(key)
      await bound?.close()
      if (bound === undefined) question.fail()
      else question.succeed()
    })
  }

  #inTurn(question: GlobalRequestQuestion, act: () => Promise<void>): void {
    if (this.#queued >= this.#rules.maximumListeners + furtherQueued) {
      question.fail()
      return
    }
    this.#queued++
    this.#last = this.#last.then(async () => {
      this.#queued--
      const connection = this.#connection
      if (connection.signal.aborted) return
      try {
        await act()
      } catch (error) {
        if (connection.signal.aborted) return
        question.fail()
        connection.failed(error)
      }
      connection.link.wake()
    })
  }

  async #listen(question: GlobalRequestQuestion, request: RemoteRequest): Promise<void> {
    const gate = this.#gateFor(request)
    const outcome = await this.#outcome(request, question.wantReply, gate.take)
    if (outcome.is !== 'listening' || this.#connection.signal.aborted) gate.discard()
    if (this.#connection.signal.aborted) return
    this.#rules.onOutcome(request, outcome, this.#connection)
    if (outcome.is !== 'listening') {
      question.fail()
      return
    }
    if (request.kind === 'remote' && request.port === 0) question.succeed(encode(tcpipForward.reply, { allocatedPort: outcome.port }))
    else question.succeed()
    gate.open()
  }

  #gateFor(request: RemoteRequest): Gate {
    return new Gate(this.#rules.maximumWaiting, (local, connectedPort) => {
      if (request.kind === 'remote-socket') {
        this.#taken(local, forwardedStreamlocal, { socketPath: request.path, reservedText: '' })
        return
      }
      const { address, port: originatorPort } = local.peer
      // The address as the client knows it: by that it finds out what it asked for.
      const details = { connectedAddress: request.host, connectedPort, originatorAddress: plain(address), originatorPort }
      this.#taken(local, forwardedTcpip, details)
    })
  }

  async #outcome(request: RemoteRequest, wantReply: boolean, taken: Taken): Promise<Outcome> {
    const { permit, maximumListeners } = this.#rules
    const connection = this.#connection
    const problem = problemOf(request, wantReply)
    if (problem !== undefined) return { is: 'denied', problem }
    if (this.#bound.size >= maximumListeners) return { is: 'denied', problem: `at most ${maximumListeners} listeners for one connection` }
    // A second one could even take a Unix socket's path from the first.
    if (this.#bound.has(keyOf(request, request.kind === 'remote' ? request.port : 0)))
      return { is: 'failed', problem: 'this connection has that already' }
    const verdict = await permit(request, connection)
    if (verdict !== true) return { is: 'denied', problem: typeof verdict === 'string' ? verdict : notPermitted }
    if (connection.signal.aborted) return { is: 'failed', problem: 'the connection has ended' }
    try {
      const bound = await this.#bind(request, taken)
      // Who left meanwhile gets nothing, and leaves nothing.
      if (connection.signal.aborted) await bound.close()
      else this.#bound.set(keyOf(request, bound.port), bound)
      return { is: 'listening', port: bound.port }
    } catch (error) {
      if (error instanceof ForwardError) return { is: 'failed', problem: error.message }
      throw error
    }
  }

  async #bind(request: RemoteRequest, taken: Taken): Promise<Bound> {
    const sockets = this.#rules.socketsFor(this.#connection)
    const { gatewayPorts, mask, unlink } = this.#rules.ways(this.#connection)
    if (request.kind === 'remote') return await bindTcp(sockets, request, gatewayPorts, taken)
    const listening = await sockets.listen({ path: request.path }, { mask, unlink }, local => taken(local, 0))
    return { port: 0, close: () => listening.close() }
  }

  /** Somebody connected: the client is asked to take it. */
  #taken<T>(local: LocalConnection, row: ChannelTypeRow<string, T>, details: T): void {
    if (this.#waiting >= this.#rules.maximumWaiting || this.#connection.signal.aborted) {
      local.discard()
      return
    }
    this.#waiting++
    const answered = (): void => void this.#waiting--
    try {
      const opened = (port: ChannelPort): void => {
        answered()
        const stream = new ChannelStream(port)
        this.#connection.watchIdle(port, row.name)
        local.join(stream)
      }
      const failed = (): void => {
        answered()
        local.discard()
      }
      this.#connection.link.openFor({ opened, failed }, row, details)
    } catch (error) {
      answered()
      local.discard()
      // That the connection has as many channels as it may is no fault of anybody here.
      if (!(error instanceof SshError)) this.#connection.failed(error)
    }
  }

  #closeAll(): void {
    for (const bound of this.#bound.values()) bound.close().catch((error: unknown) => this.#connection.failed(error))
    this.#bound.clear()
  }
}

/** What all connections of a server made it listen on. */
export class ListenerTable<Identity> {
  readonly #rules: ListenerRules<Identity>
  /** Most connections never ask for any. */
  readonly #connections = new WeakMap<ServerConnection<Identity>, ConnectionListeners<Identity>>()

  constructor(rules: ListenerRules<Identity>) {
    this.#rules = rules
  }

  #of(connection: ServerConnection<Identity>): ConnectionListeners<Identity> {
    const found = this.#connections.get(connection) ?? new ConnectionListeners(connection, this.#rules)
    this.#connections.set(connection, found)
    return found
  }

  /** Answers a request, now or later, if it is one of ours; `false` if not. */
  requested(question: GlobalRequestQuestion, connection: ServerConnection<Identity>): boolean {
    const { request } = question
    switch (request.type) {
      case tcpipForward.name:
      case cancelTcpipForward.name: {
        const { addressToBind: host, portNumberToBind: port } = request.value
        const way = request.type === tcpipForward.name ? 'listen' : 'cancel'
        this.#of(connection)[way](question, { kind: 'remote', host, port })
        return true
      }
      case streamlocalForward.name:
      case cancelStreamlocalForward.name: {
        const way = request.type === streamlocalForward.name ? 'listen' : 'cancel'
        this.#of(connection)[way](question, { kind: 'remote-socket', path: request.value.socketPath })
        return true
      }
      default:
        return false
    }
  }
}
