// Owns what a login may have forwarded through `sshd`: AllowTcpForwarding, AllowStreamLocalForwarding, DisableForwarding, PermitOpen
// and PermitListen, what stands in front of the key, what its certificate allows. Says in the log what was refused, and why. Knows
// no sockets.
import { escapeForPeople } from 'nacre'
import { matchesWildcard, type ServerConfig } from 'nacre/config'
import { isPermittedPlace, type PermittedPlace } from 'nacre/keys'
import type { ForwardOutcome, ForwardRequest, ForwardRules, LocalSockets, ServerConnection } from 'nacre/server'
import { whereFrom } from './connection-log.ts'
import { accountSockets } from './forward-sockets.ts'
import type { Log } from './log.ts'
import { type Forwarding, forwardingOf, type Login } from './login.ts'

/** What the configuration says of it, for one connection. */
export type ForwardingConfig = Pick<
  ServerConfig,
  'allowTcpForwarding' | 'allowStreamLocalForwarding' | 'disableForwarding' | 'permitOpen' | 'permitListen'
>

/** How much of it one connection may have. OpenSSH's channels are as many. */
export const forwardLimits = { maximumChannels: 10_000, maximumPendingOpens: 10_000 } as const
const maximumListeners = 1024
const maximumWaiting = 1024

const placeOf = (text: string): PermittedPlace => {
  const colon = text.lastIndexOf(':')
  const port = text.slice(colon + 1)
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: port === '*' ? '*' : Number(port) }
}

/** PermitOpen or PermitListen as places; `undefined` for any. */
const permitted = (given: readonly string[]): readonly PermittedPlace[] | undefined => {
  const first = given[0]?.toLowerCase()
  if (first === 'any') return undefined
  return first === 'none' ? [] : given.map(placeOf)
}

/** As sshd has it: the address is matched by a pattern, without regard to capitals; a port that is not chosen yet is only `*`. */
const mayListen = (places: readonly PermittedPlace[] | undefined, host: string, port: number): boolean =>
  places === undefined ||
  places.some(place => (place.port === '*' || place.port === port) && matchesWildcard(place.host, host.toLowerCase()))

/** Of a socket without a port only `*` for the port can speak. */
const noPort = -1

type Side = 'local' | 'remote'
const sideOf = ({ kind }: ForwardRequest): Side => (kind === 'local' || kind === 'local-socket' ? 'local' : 'remote')

/** Why nothing of this kind is forwarded for this login, for the log; `undefined` when something is. */
const kindProblem = (request: ForwardRequest, config: ForwardingConfig, login: Forwarding): string | undefined => {
  if (config.disableForwarding) return 'DisableForwarding is set'
  const side = sideOf(request)
  // As sshd has it: a side that is closed to ports is closed to sockets as well.
  if (config.allowTcpForwarding !== 'yes' && config.allowTcpForwarding !== side) return `AllowTcpForwarding is ${config.allowTcpForwarding}`
  const value = config.allowStreamLocalForwarding
  if ('path' in request && value !== 'yes' && value !== side) return `AllowStreamLocalForwarding is ${value}`
  return login.allowed ? undefined : login.why
}

const placeProblem = (
  request: ForwardRequest,
  { permitOpen, permitListen }: ForwardingConfig,
  { opens, listens }: Extract<Forwarding, { readonly allowed: true }>,
): string | undefined => {
  // OpenSSH has no lists of sockets to listen on.
  if (request.kind === 'remote-socket') return undefined
  if (request.kind === 'remote') {
    const { host, port } = request
    if (!mayListen(permitted(permitListen), host, port)) return 'PermitListen does not name it'
    return listens.every(list => mayListen(list, host, port)) ? undefined : 'permitlisten of the key does not name it'
  }
  const [host, port] = request.kind === 'local' ? [request.host, request.port] : [request.path, noPort]
  if (!isPermittedPlace(permitted(permitOpen), host, port)) return 'PermitOpen does not name it'
  return opens.every(list => isPermittedPlace(list, host, port)) ? undefined : 'permitopen of the key does not name it'
}

/** Why this request is refused, for the log; `undefined` when it is not. */
export const forwardProblem = (request: ForwardRequest, config: ForwardingConfig, login: Forwarding): string | undefined => {
  const problem = kindProblem(request, config, login)
  if (problem !== undefined || !login.allowed) return problem
  return placeProblem(request, config, login)
}

const shown = (text: string): string => escapeForPeople(text, { limit: 100 })

/** What is asked for, in the words of sshd's log. */
const target = (request: ForwardRequest): string =>
  'path' in request ? `path "${shown(request.path)}"` : `host ${shown(request.host)} port ${request.port}`

/** The line of a refusal. Those of sshd begin the same; why stands at the end. */
const refusal = (request: ForwardRequest, from: string, problem: string, whole: boolean): string => {
  if (whole && request.kind === 'local') {
    const { address, port } = request.originator
    return `refused local port forward: originator ${shown(address)} port ${port}, target ${shown(request.host)} port ${request.port}: ${problem}.`
  }
  if (whole && request.kind === 'local-socket') return `refused streamlocal port forward: target ${shown(request.path)}: ${problem}.`
  const what = sideOf(request) === 'local' ? 'connect' : 'remote forward'
  return `Received request from ${from} to ${what} to ${target(request)}, but the request was denied: ${problem}.`
}

const logOutcome = (log: Log, request: ForwardRequest, outcome: ForwardOutcome): void => {
  const at = target(request)
  if (outcome.is === 'open') log.debug(`connected to ${at}`)
  else if (outcome.is === 'listening')
    log.debug(`Local forwarding listening on ${'path' in request ? at : `host ${shown(request.host)} port ${outcome.port}`}.`)
  else {
    const problem = shownProblem(outcome.problem)
    if (sideOf(request) === 'local') log.verbose(`connect_to ${at}: ${problem}`)
    else if (outcome.is === 'failed') log.info(`cannot listen to ${at}: ${problem}`)
    else log.verbose(`remote forward to ${at}: ${problem}`)
  }
}

const shownProblem = (problem: string): string => escapeForPeople(problem, { limit: 300 })

/** The `forwards` of a server whose logins are `Login`s. `configFor` gives what holds for a connection, `sockets` are the machine's. */
export const sshdForwards = (
  configFor: (connection: ServerConnection<Login>) => ServerConfig,
  sockets: LocalSockets,
  log: Log,
): ForwardRules<Login> => ({
  permit(request, connection) {
    const { identity, remote } = connection
    const login: Forwarding = identity === undefined ? { allowed: false, why: 'nobody is logged in' } : forwardingOf(identity)
    const config = configFor(connection)
    const problem = forwardProblem(request, config, login)
    if (problem === undefined) return true
    log.info(refusal(request, whereFrom(remote), problem, kindProblem(request, config, login) !== undefined))
    // Which rule it was is no business of who asks.
    return false
  },
  sockets(connection) {
    const { identity } = connection
    if (identity === undefined) throw new TypeError('nothing is forwarded for nobody')
    return accountSockets(identity.account, sockets)
  },
  gatewayPorts: connection => configFor(connection).gatewayPorts,
  streamLocalBindMask: connection => configFor(connection).streamLocalBindMask,
  streamLocalBindUnlink: connection => configFor(connection).streamLocalBindUnlink,
  maximumListeners,
  maximumWaiting,
  onOutcome: (request, outcome) => logOutcome(log, request, outcome),
})
