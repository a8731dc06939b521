// Owns which tunnels a login may have through `sshd`: PermitTunnel, DisableForwarding, `tunnel=` and `restrict` before the key. Says in
// the log what was refused, and why. Knows nothing of packets.
import { ConfigError, escapeForPeople } from 'nacre'
import type { ServerConfig } from 'nacre/config'
import { openTunnelDevice, type ServerConnection, type Tunnel, type TunnelRequest, type TunnelRules } from 'nacre/server'
import { asUser } from './as-user.ts'
import { whereFrom } from './connection-log.ts'
import type { Log } from './log.ts'
import { type Login, tunnelsOf } from './login.ts'

type TunnelConfig = Pick<ServerConfig, 'permitTunnel' | 'disableForwarding'>

/** Why a login may not have this tunnel, for the log; `undefined` when it may. */
export const tunnelProblem = ({ mode, unit }: TunnelRequest, config: TunnelConfig, login: Login): string | undefined => {
  if (config.disableForwarding) return 'DisableForwarding is set'
  if (config.permitTunnel !== 'yes' && config.permitTunnel !== mode) return `PermitTunnel is ${config.permitTunnel}`
  const allowed = tunnelsOf(login)
  if (!allowed.allowed) return allowed.why
  const other = allowed.units.find(each => each !== (unit ?? allowed.units[0]))
  return other === undefined ? undefined : `the key is for device ${other} alone`
}

/** The devices of each login, for SSH_TUNNEL. */
const devices = new WeakMap<Login, Set<string>>()

/** What a session of the login is told of its tunnels. */
export const tunnelVariables = (login: Login): Readonly<Record<string, string>> => {
  const names = [...(devices.get(login) ?? [])]
  return names.length === 0 ? {} : { SSH_TUNNEL: names.join(',') }
}

const remember = (login: Login, { name, closed }: Tunnel): void => {
  const names = devices.get(login) ?? new Set()
  devices.set(login, names.add(name))
  void closed.then(() => names.delete(name))
}

const shownUnit = (unit: number | undefined): string => (unit === undefined ? 'any' : String(unit))

/** The `tunnels` of a server whose logins are `Login`s. Devices are made with the rights of the login. */
export const sshdTunnels = (configFor: (connection: ServerConnection<Login>) => ServerConfig, log: Log): TunnelRules<Login> => ({
  permit(request, connection) {
    const { identity, remote } = connection
    const problem = identity === undefined ? 'nobody is logged in' : tunnelProblem(request, configFor(connection), identity)
    if (problem === undefined) return true
    log.info(
      `Received request from ${whereFrom(remote)} for a tunnel (${request.mode}, device ${shownUnit(request.unit)}), but the request was denied: ${problem}.`,
    )
    // Which rule it was is no business of who asks.
    return false
  },
  open({ mode, unit }, { identity }) {
    if (identity === undefined) throw new ConfigError('There are no tunnels for nobody.')
    const { units } = tunnelsOf(identity)
    return asUser(identity.account, () => openTunnelDevice({ mode, unit: unit ?? units[0] }))
  },
  onOutcome({ mode, unit }, outcome, { identity }) {
    if (outcome.is === 'open') {
      if (identity !== undefined) remember(identity, outcome.tunnel)
      log.debug(`Tunnel forwarding using interface ${outcome.tunnel.name}`)
    } else if (outcome.is === 'failed')
      log.info(`Failed to open the tunnel device (${mode}, device ${shownUnit(unit)}): ${escapeForPeople(outcome.problem, { limit: 300 })}`)
  },
})
