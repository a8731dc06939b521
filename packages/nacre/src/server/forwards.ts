// Owns what a server forwards for its clients: the requests there are, who may have which, and the course of each. Knows no
// sockets; they are given to it. What listens is in `forward-listeners.ts`.
import { directStreamlocal } from '../connection/channel-types/direct-streamlocal.ts'
import { directTcpip } from '../connection/channel-types/direct-tcpip.ts'
import type { GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import { ConfigError } from '../errors.ts'
import type { LocalSockets, Place } from '../forward/sockets.ts'
import type { ConnectionService, ServerConnection } from './connection.ts'
import { portProblem, serveDirect, type Verdict } from './direct.ts'
import type { GatewayPorts } from './forward-binding.ts'
import { ListenerTable, type RemoteRequest } from './forward-listeners.ts'

/** What a client asks for. All texts are the peer's. */
export type ForwardRequest =
  /** A connection from here to a host and port (`direct-tcpip`, RFC 4254 §7.2). */
  | {
      readonly kind: 'local'
      readonly host: string
      readonly port: number
      readonly originator: { readonly address: string; readonly port: number }
    }
  /** A connection to a Unix socket here (`direct-streamlocal@openssh.com`). */
  | { readonly kind: 'local-socket'; readonly path: string }
  | RemoteRequest

/** `true` permits. A text refuses like `false`, and is told where the protocol has room for words. */
export type ForwardVerdict = Verdict

export type ForwardPermit<Identity> = (
  request: ForwardRequest,
  connection: ServerConnection<Identity>,
) => ForwardVerdict | Promise<ForwardVerdict>

/** One value for all connections, or one for each. */
export type PerConnection<Identity, T> = T | ((connection: ServerConnection<Identity>) => T)

/** How a request came out. `listening` says where in fact. */
export type ForwardOutcome =
  | { readonly is: 'open' }
  | { readonly is: 'listening'; readonly port: number }
  | { readonly is: 'denied' | 'failed'; readonly problem: string }

export interface ForwardRules<Identity> {
  readonly permit: ForwardPermit<Identity>
  /** Default `no`: only programs of this machine reach what clients make it listen on. */
  readonly gatewayPorts?: PerConnection<Identity, GatewayPorts>
  /** Where connections are made and listened for. Default: this machine's, with the rights of this process. */
  readonly sockets?: PerConnection<Identity, LocalSockets>
  /** Requests to listen that one connection may have at once. Default 100. */
  readonly maximumListeners?: number
  /** Connections of one client's listeners that it has not answered yet. More are closed. Default 128. */
  readonly maximumWaiting?: number
  /** Takes bits from the mode 0666 of Unix sockets. Default 0177: only their owner may connect. */
  readonly streamLocalBindMask?: PerConnection<Identity, number>
  /** Removes a Unix socket that is in the way. Default false. */
  readonly streamLocalBindUnlink?: PerConnection<Identity, boolean>
  /** Milliseconds until a connection must stand, the look-up of the name included. Default 30 s. */
  readonly timeout?: number
  /** Told how each request came out; for logs. */
  readonly onOutcome?: (request: ForwardRequest, outcome: ForwardOutcome, connection: ServerConnection<Identity>) => void
}

/** Who may have what forwarded: all there is to say, or the beginning of it. */
export type Forwards<Identity> = ForwardPermit<Identity> | ForwardRules<Identity>

const defaultMaximumListeners = 100
const defaultMaximumWaiting = 128

const valueFor = <Identity, T>(value: PerConnection<Identity, T>, connection: ServerConnection<Identity>): T =>
  typeof value === 'function' ? (value as (connection: ServerConnection<Identity>) => T)(connection) : value

/** Never to be used for anything but what `direct` asks for: listening is another's request. */
type LocalRequest = Extract<ForwardRequest, { readonly kind: 'local' | 'local-socket' }>

const localRequest = ({ details }: OpenQuestion): LocalRequest | undefined => {
  if (details.type === directTcpip.name) {
    const { hostToConnect: host, portToConnect: port, originatorAddress: address, originatorPort } = details.value
    return { kind: 'local', host, port, originator: { address, port: originatorPort } }
  }
  return details.type === directStreamlocal.name ? { kind: 'local-socket', path: details.value.socketPath } : undefined
}

const placeOf = (request: LocalRequest): Place =>
  request.kind === 'local' ? { host: request.host, port: request.port } : { path: request.path }

/** A path with a zero in it would be another one to the system. */
const pathProblem = (path: string): string | undefined => (path === '' || path.includes('\0') ? 'this is no path' : undefined)

const problemOf = (request: LocalRequest): string | undefined =>
  request.kind === 'local' ? portProblem(request.port, request.originator.port) : pathProblem(request.path)

const positive = (name: string, value: number): number => {
  if (!Number.isInteger(value) || value < 0) throw new ConfigError(`forwards.${name} must be a whole number from 0 up, not ${value}.`)
  return value
}

/** Serves the forwards of all connections of a server. */
export class ForwardServer<Identity> implements ConnectionService<Identity> {
  readonly #rules: ForwardRules<Identity>
  readonly #socketsFor: (connection: ServerConnection<Identity>) => LocalSockets
  readonly #listeners: ListenerTable<Identity>

  /** `usual` gives sockets where the rules have none. Throws `ConfigError` when there are none at all. */
  constructor(forwards: Forwards<Identity>, usual: (() => LocalSockets) | undefined) {
    const rules = typeof forwards === 'function' ? { permit: forwards } : forwards
    const sockets = rules.sockets ?? usual?.()
    if (sockets === undefined) throw new ConfigError('forwards needs sockets: this runtime has none of its own.')
    this.#rules = rules
    this.#socketsFor = connection => valueFor(sockets, connection)
    const { gatewayPorts = 'no', streamLocalBindMask: mask = 0o177, streamLocalBindUnlink: unlink = false } = rules
    this.#listeners = new ListenerTable<Identity>({
      permit: rules.permit,
      onOutcome: rules.onOutcome ?? (() => {}),
      maximumListeners: positive('maximumListeners', rules.maximumListeners ?? defaultMaximumListeners),
      maximumWaiting: positive('maximumWaiting', rules.maximumWaiting ?? defaultMaximumWaiting),
      socketsFor: this.#socketsFor,
      ways: connection => ({
        gatewayPorts: valueFor(gatewayPorts, connection),
        mask: valueFor(mask, connection),
        unlink: valueFor(unlink, connection),
      }),
    })
  }

  /** Answers the open of a channel, if it is one of ours. */
  openRequested(question: OpenQuestion, connection: ServerConnection<Identity>): boolean {
    const request = localRequest(question)
    if (request === undefined) return false
    const { permit, onOutcome, timeout } = this.#rules
    serveDirect<LocalRequest, Identity>(question, request, connection, {
      problem: problemOf,
      permit,
      connect: (asked, by) =>
        this.#socketsFor(by).connect(placeOf(asked), { signal: by.signal, ...(timeout === undefined ? {} : { timeout }) }),
      onOutcome: onOutcome ?? (() => {}),
    })
    return true
  }

  /** Answers a global request, if it is one of ours. */
  globalRequested(question: GlobalRequestQuestion, connection: ServerConnection<Identity>): boolean {
    return this.#listeners.requested(question, connection)
  }
}
