// Owns where a connection leads and through which hosts: each hop with what ssh_config says of it, asked about and told of like
// the destination. Knows nothing of sessions, nor of how hops are joined.
import { type ConfiguredOptions, configuredOptions, ConfigError, type Destination, escapeForPeople, type HopOptions } from 'nacre'
import type { Environment } from '../environment.ts'
import { connectOptions } from './connect-options.ts'
import type { Log } from './log.ts'
import { readSshConfig } from './config.ts'
import { readSshCommand, type SshCommand, type SshConfig } from './options.ts'

export interface Plan {
  readonly destination: Destination
  readonly options: ConfiguredOptions
}

const shownHop = ({ user, host, port }: Destination): string =>
  escapeForPeople(`${user === undefined ? '' : `${user}@`}${host}${port === undefined ? '' : ` port ${port}`}`)

/** A command line to a hop: like OpenSSH's, it has our -F and -v, and nothing else of ours. */
const commandTo = (hop: Destination, { line }: SshCommand): SshCommand => {
  const file = line.last('F')
  const words = [...(file === undefined ? [] : ['-F', file]), ...Array.from({ length: line.count('v') }, () => '-v')]
  return { ...readSshCommand(words), destination: hop }
}

/** Who wants to go through a host, from the destination on; a host that is among them would be reached through itself. */
type Trail = readonly string[]

const hopsOf = (settings: SshConfig): readonly Destination[] =>
  (configuredOptions(settings, destination => destination).via as readonly Destination[] | undefined) ?? []

const nameOf = ({ config: { user, hostName, port } }: SshConfig): string => `${user}@${hostName} port ${port}`

const loop = (names: Trail): ConfigError =>
  new ConfigError(
    `ProxyJump: ${escapeForPeople(names.at(-1) ?? '')} is to be reached through itself: ${escapeForPeople(names.join(' → '))}.`,
  )

const planHops = async (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
  trail: Trail,
): Promise<readonly HopOptions[]> => {
  const hops = hopsOf(settings)
  if (hops.length === 0) return []
  const name = nameOf(settings)
  if (trail.includes(name)) throw loop([...trail, name])
  const planned: HopOptions[] = []
  for (const hop of hops) {
    const to = commandTo(hop, command)
    const own = await readSshConfig(to)
    for (const warning of own.warnings) log.say('INFO', warning)
    if (hop === hops.at(-1) && nameOf(own) === name) throw loop([name, name])
    const { options } = connectOptions(to, own, environment, log, signal, `${hop.host}: `)
    // The first may have hops of its own; the others are reached through the one before, whatever they say.
    const before = planned.length > 0 ? [] : await planHops(to, own, environment, log, signal, [...trail, name])
    planned.push({ ...options, destination: hop, ...(before.length === 0 ? {} : { via: before }) })
  }
  return planned
}

/** Where to connect, and how; the hops on the way too. Rejects with `ConfigError` for a way that leads nowhere. */
export const planConnection = async (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
): Promise<Plan> => {
  const { destination, options } = connectOptions(command, settings, environment, log, signal)
  const hops = await planHops(command, settings, environment, log, signal, [])
  for (const [index, { destination: hop, via }] of hops.entries()) {
    if (via !== undefined) log.debug(`hop ${index + 1} has hops of its own, which come first`)
    log.debug(`hop ${index + 1} of ${hops.length}: ${shownHop(hop as Destination)}`)
  }
  if (hops.length > 0) log.debug(`then the destination: ${escapeForPeople(settings.config.hostName)} port ${settings.config.port}`)
  return { destination, options: hops.length === 0 ? options : { ...options, via: hops } }
}
