// Owns which hosts and ports a login may reach through `sshd`: AllowTcpForwarding, DisableForwarding and PermitOpen, what stands
// in front of the key, what its certificate allows. Says in the log what was refused, and why. Knows no sockets.
import { escapeForPeople } from 'nacre'
import type { ServerConfig } from 'nacre/config'
import { isPermittedPlace, type PermittedPlace } from 'nacre/keys'
import { directTcpip, type ServerConnection, type ServerOptions, type TcpRequest } from 'nacre/server'
import { whereFrom } from './connection-log.ts'
import type { Log } from './log.ts'
import { type Forwarding, forwardingOf, type Login } from './login.ts'

/** What the configuration says of it, for one connection. */
export type ForwardRules = Pick<ServerConfig, 'allowTcpForwarding' | 'disableForwarding' | 'permitOpen'>

const placeOf = (text: string): PermittedPlace => {
  const colon = text.lastIndexOf(':')
  const port = text.slice(colon + 1)
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: port === '*' ? '*' : Number(port) }
}

/** PermitOpen as places; `undefined` for any. */
const permitted = (permitOpen: ServerConfig['permitOpen']): readonly PermittedPlace[] | undefined => {
  const first = permitOpen[0]?.toLowerCase()
  if (first === 'any') return undefined
  return first === 'none' ? [] : permitOpen.map(placeOf)
}

const sidesThatOpen: ReadonlySet<ServerConfig['allowTcpForwarding']> = new Set(['yes', 'local'])

/** Why this connection is refused, for the log; `undefined` when it is not. */
export const openProblem = (request: TcpRequest, rules: ForwardRules, login: Forwarding): string | undefined => {
  if (rules.disableForwarding) return 'DisableForwarding is set'
  if (!sidesThatOpen.has(rules.allowTcpForwarding)) return `AllowTcpForwarding is ${rules.allowTcpForwarding}`
  if (!login.allowed) return login.why
  const { host, port } = request
  if (!isPermittedPlace(permitted(rules.permitOpen), host, port)) return 'PermitOpen does not name it'
  if (login.places.some(list => !isPermittedPlace(list, host, port))) return 'permitopen of the key does not name it'
  return undefined
}

const shown = ({ host, port }: TcpRequest): string => `host ${escapeForPeople(host, { limit: 100 })} port ${port}`

/** The `channels` of a server whose logins are `Login`s. `rulesFor` gives what holds for a connection. */
export const openedChannels = (
  rulesFor: (connection: ServerConnection<Login>) => ForwardRules,
  log: Log,
): NonNullable<ServerOptions<Login>['channels']> => ({
  'direct-tcpip': directTcpip<Login>({
    permit(request, connection) {
      const { identity, remote } = connection
      const problem = identity === undefined ? 'nobody is logged in' : openProblem(request, rulesFor(connection), forwardingOf(identity))
      if (problem === undefined) return true
      log.info(`Received request from ${whereFrom(remote)} to connect to ${shown(request)}, but the request was denied: ${problem}.`)
      // Which rule it was is no business of who asks.
      return false
    },
    onOutcome(request, problem) {
      if (problem === undefined) log.debug(`connected to ${shown(request)}`)
      else log.verbose(`connect_to ${shown(request)}: ${escapeForPeople(problem, { limit: 300 })}`)
    },
  }),
})
