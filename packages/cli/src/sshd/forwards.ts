// Owns what a login may have forwarded through `sshd`: AllowTcpForwarding, AllowStreamLocalForwarding, DisableForwarding, PermitOpen
// and PermitListen, what stands in front of the key, what its certificate allows. Says in the log what was refused, and why. Knows
// no sockets.
import { escapeForPeople } from 'nacre'
import { matchesWildcard, type ServerConfig } from 'nacre/config'
import { isPermittedPlace, type PermittedPlace } from 'nacre/keys'
import type { ForwardOutcome, ForwardRequest, ForwardRules, LocalSockets, ServerConnection } from 'nacre/server'
import { connectionFacts, whereFrom } from './connection-log.ts'
import { accountSockets } from './forward-sockets.ts'
import type { Log, LogFacts } from './log.ts'
import { type Forwarding, forwardingOf, type Login } from './login.ts'
import { keyForbids, ruleOf } from './session-log.ts'

/** What the configuration says of it, for one connection. */
export type ForwardingConfig = Pick<
  ServerConfig,
  'allowTcpForwarding' | 'allowStreamLocalForwarding' | 'disableForwarding' | 'permitOpen' | 'permitListen'
>

const maximumListeners = 1024
const maximumWaiting = 1024
/**
 * How much of it one connection may have. OpenSSH's channels are as many. Its `ssh` asks for all it is to listen on at once, and waits
 * for no reply: so many requests have to be taken, and some that are refused.
 */
export const forwardLimits = {
  maximumChannels: 10_000,
  maximumPendingOpens: 10_000,
  maximumPendingRequests: maximumListeners + 256,
} as const

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

/** Why something is refused, for the log. */
export interface ForwardProblem {
  readonly why: string
  /** The keyword that decided it; the key or its certificate did without one. */
  readonly by?: readonly [keyword: string, property: keyof ForwardingConfig]
}

const byKey = (why: string): ForwardProblem => ({ why })

/** Why nothing of this kind is forwarded for this login; `undefined` when something is. */
const kindProblem = (request: ForwardRequest, config: ForwardingConfig, login: Forwarding): ForwardProblem | undefined => {
  if (config.disableForwarding) return { why: 'DisableForwarding is set', by: ['DisableForwarding', 'disableForwarding'] }
  const side = sideOf(request)
  // As sshd has it: a side that is closed to ports is closed to sockets as well.
  const tcp = config.allowTcpForwarding
  if (tcp !== 'yes' && tcp !== side) return { why: `AllowTcpForwarding is ${tcp}`, by: ['AllowTcpForwarding', 'allowTcpForwarding'] }
  const value = config.allowStreamLocalForwarding
  if ('path' in request && value !== 'yes' && value !== side)
    return { why: `AllowStreamLocalForwarding is ${value}`, by: ['AllowStreamLocalForwarding', 'allowStreamLocalForwarding'] }
  return login.allowed ? undefined : byKey(login.why)
}

const placeProblem = (
  request: ForwardRequest,
  { permitOpen, permitListen }: ForwardingConfig,
  { opens, listens }: Extract<Forwarding, { readonly allowed: true }>,
): ForwardProblem | undefined => {
  // OpenSSH has no lists of sockets to listen on.
  if (request.kind === 'remote-socket') return undefined
  if (request.kind === 'remote') {
    const { host, port } = request
    if (!mayListen(permitted(permitListen), host, port))
      return { why: 'PermitListen does not name it', by: ['PermitListen', 'permitListen'] }
    return listens.every(list => mayListen(list, host, port)) ? undefined : byKey('permitlisten of the key does not name it')
  }
  const [host, port] = request.kind === 'local' ? [request.host, request.port] : [request.path, noPort]
  if (!isPermittedPlace(permitted(permitOpen), host, port)) return { why: 'PermitOpen does not name it', by: ['PermitOpen', 'permitOpen'] }
  return opens.every(list => isPermittedPlace(list, host, port)) ? undefined : byKey('permitopen of the key does not name it')
}

/** Why this request is refused, for the log; `undefined` when it is not. */
export const forwardProblem = (request: ForwardRequest, config: ForwardingConfig, login: Forwarding): ForwardProblem | undefined => {
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

/** What is asked for, for programs. */
const aboutOf = (request: ForwardRequest): LogFacts => ({
  what: request.kind,
  ...('path' in request ? { path: request.path } : { host: request.host, targetPort: request.port }),
})

const logOutcome = (log: Log, request: ForwardRequest, outcome: ForwardOutcome): void => {
  const at = target(request)
  const about = aboutOf(request)
  if (outcome.is === 'open') log.debug(`connected to ${at}`, { event: 'forward-open', ...about })
  else if (outcome.is === 'listening')
    log.debug(`Local forwarding listening on ${'path' in request ? at : `host ${shown(request.host)} port ${outcome.port}`}.`, {
      event: 'forward-listen',
      ...about,
      ...('path' in request ? {} : { targetPort: outcome.port }),
    })
  else {
    const problem = shownProblem(outcome.problem)
    const facts = { event: outcome.is === 'failed' ? 'forward-failed' : 'forward-refused', ...about }
    if (sideOf(request) === 'local') log.verbose(`connect_to ${at}: ${problem}`, facts)
    else if (outcome.is === 'failed') log.info(`cannot listen to ${at}: ${problem}`, facts)
    else log.verbose(`remote forward to ${at}: ${problem}`, facts)
  }
}

const logFor = (log: Log, { remote, identity }: ServerConnection<Login>): Log =>
  log.with({ ...connectionFacts(remote), ...(identity === undefined ? {} : { user: identity.account.name }) })

/** Where the keyword stands that refused something, and the same for programs. */
const decision = ({ by }: ForwardProblem, login: Login | undefined): { readonly place: string; readonly facts: LogFacts } => {
  if (by === undefined) return { place: '', facts: keyForbids.facts }
  const from = login?.holds?.decidedBy(by[1])
  return { place: from === undefined || from === 'the default' ? '' : ` (${from})`, facts: ruleOf(login?.holds, ...by).facts }
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
    const { place, facts } = decision(problem, identity)
    const line = refusal(request, whereFrom(remote), `${problem.why}${place}`, kindProblem(request, config, login) !== undefined)
    logFor(log, connection).info(line, { event: 'forward-refused', ...aboutOf(request), ...facts })
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
  onOutcome: (request, outcome, connection) => logOutcome(logFor(log, connection), request, outcome),
})
