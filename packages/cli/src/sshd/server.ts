// Owns turning a configuration into a server: its options, the authenticator, the sessions, and what is logged of a
// connection. Knows nothing of listening, signals and files of the configuration.
import { existsSync, readFileSync } from 'node:fs'
import { ConfigError, escapeForPeople } from 'nacre'
import type { ParsedServerConfig, ServerConfig } from 'nacre/config'
import { environmentTranscript } from 'nacre/io/transcript-node'
import {
  type ConnectionLimits,
  createServer,
  isWorker,
  type NodeServer,
  nodeSockets,
  type OpenPty,
  type ServerOptions,
  type Startups,
} from 'nacre/server'
import type { Signer } from 'nacre/keys'
import { internalSftpSettings, internalSftpWords } from '../sftp-server/options.ts'
import { ownAccount } from './account.ts'
import type { AccountService } from './accounts.ts'
import { commandAccounts } from './command-accounts.ts'
import { logEvent } from './connection-log.ts'
import { type Directory, systemDirectory } from './eligible.ts'
import { forwardLimits, sshdForwards } from './forwards.ts'
import { type HostKeyAgent, hostKeyAgent, hostKeyAgentPath } from './host-key-agent.ts'
import { type HostKeys, loadHostKeys } from './host-keys.ts'
import { lendingRules } from './lent.ts'
import type { Log } from './log.ts'
import type { Login } from './login.ts'
import { commandProblems, isSet } from './login-commands.ts'
import { isHash, placeholderHash, systemCrypt } from './passwords.ts'
import { perLoginAuthenticator } from './per-login.ts'
import { groupsIn } from './moduli.ts'
import { passwdCommand, shadowAccounts } from './shadow-accounts.ts'
import { serveSessions, type SessionRules } from './sessions.ts'
import { logTurnedAway, startupRules } from './startups.ts'
import { sshdTunnels } from './tunnels.ts'

export interface SshdSetup {
  readonly parsed: ParsedServerConfig
  readonly log: Log
  readonly openPty: OpenPty
  /** The connections that have not logged in, kept over reloads; the configuration's rules are given to it. */
  readonly startups: Startups
}

export interface BuiltServer {
  readonly server: NodeServer<Login>
  readonly hostKeys: readonly Signer[]
  /** Sentences about what was asked for and will not happen. */
  readonly warnings: readonly string[]
}

/** Shorter RSA keys are taken by nobody. */
const leastRsaBits = 1024
/** The longest a timer of Node can wait; stands for no limit. */
const noLimit = 2 ** 31 - 1

const algorithmsOf = (config: ServerConfig): NonNullable<ServerOptions<Login>['algorithms']> => ({
  ...(config.kexAlgorithms === undefined ? {} : { kex: config.kexAlgorithms }),
  ...(config.ciphers === undefined ? {} : { ciphers: config.ciphers }),
  ...(config.macs === undefined ? {} : { macs: config.macs }),
  ...(config.hostKeyAlgorithms === undefined ? {} : { hostKey: config.hostKeyAlgorithms }),
  ...(config.pubkeyAcceptedAlgorithms === undefined ? {} : { publicKeyAccepted: config.pubkeyAcceptedAlgorithms }),
  ...(config.hostbasedAcceptedAlgorithms === undefined ? {} : { hostbasedAccepted: config.hostbasedAcceptedAlgorithms }),
  ...(config.compression === 'no' ? { compression: 'none' } : {}),
})

const milliseconds = (seconds: number): number => Math.min(seconds * 1000, noLimit)

/** What may differ from login to login. */
const limitsOf = (config: ServerConfig): Required<Pick<ConnectionLimits, 'keepalive' | 'rekey'>> => {
  const { bytes, seconds } = config.rekeyLimit
  return {
    keepalive: {
      milliseconds: milliseconds(config.clientAliveInterval),
      maximumUnanswered: config.clientAliveCountMax || Number.MAX_SAFE_INTEGER,
    },
    // 0 is the usual.
    rekey: { ...(bytes ? { bytes } : {}), ...(seconds ? { milliseconds: milliseconds(seconds) } : {}) },
  }
}

const timesOf = (config: ServerConfig): Pick<ServerOptions<Login>, 'deadlines' | 'keepalive' | 'rekey'> => {
  const login = config.loginGraceTime === 0 ? noLimit : milliseconds(config.loginGraceTime)
  const { keepalive, rekey } = limitsOf(config)
  return { deadlines: { handshake: login, login }, keepalive: keepalive.milliseconds === 0 ? false : keepalive, rekey }
}

/** A command line of the configuration; what stands behind `internal-sftp` is looked at now, not when somebody comes. */
const checked = (command: string): string => {
  const words = internalSftpWords(command)
  if (words !== undefined) internalSftpSettings(words)
  return command
}

const subsystemsOf = (config: ServerConfig): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  // The first line of a name wins, as everywhere in the file.
  for (const { name, command } of config.subsystem) if (!Object.hasOwn(found, name)) found[name] = checked(command)
  return found
}

const sessionRulesOf = (config: ServerConfig, openPty: OpenPty, log: Log): SessionRules => ({
  forceCommand: config.forceCommand === 'none' ? undefined : checked(config.forceCommand),
  permitTty: config.permitTty,
  userRc: config.permitUserRc,
  subsystems: subsystemsOf(config),
  internalScp: config.internalScp,
  acceptEnv: config.acceptEnv,
  setEnv: Object.fromEntries(config.setEnv),
  printMotd: config.printMotd,
  userEnvironment: config.permitUserEnvironment,
  timeZone: process.env.TZ,
  lending: lendingRules(config),
  openPty,
  log,
})

/** shadow(5): only root can read it. The hash that stands in for accounts without one is of root's own kind. */
const shadowOf = async ({ parsed }: SshdSetup, directory: Directory, warnings: string[]): Promise<AccountService | undefined> => {
  const { config, given } = parsed
  if (process.geteuid?.() !== 0) {
    if (!isSet(config.authenticationCommand) && (given.has('passwordAuthentication') || given.has('kbdInteractiveAuthentication')))
      warnings.push('Passwords are not offered: only a server that runs as root can check them.')
    return undefined
  }
  const change = passwdCommand()
  const rules = { agesCountForKeys: config.usePam, ...(change === undefined ? {} : { change }) }
  // Blocks may enable what is off for everybody.
  if (!config.passwordAuthentication && !config.kbdInteractiveAuthentication && parsed.criteria.size === 0) return shadowAccounts(rules)
  try {
    const crypt = systemCrypt()
    const root = (await directory.shadow('root'))?.hash ?? ''
    return shadowAccounts({ ...rules, passwords: { crypt, placeholder: isHash(root) ? root : placeholderHash } })
  } catch (error) {
    warnings.push(`Passwords are not offered. ${(error as Error).message}`)
    return shadowAccounts(rules)
  }
}

/** The accounts a login is asked of: by the command it names, or by shadow(5). */
export const accountsBy =
  (shadow: AccountService | undefined, directory: Directory) =>
  (config: ServerConfig): AccountService | undefined => {
    const { authenticationCommand: command, authenticationCommandUser: user } = config
    if (!isSet(command)) return shadow
    return commandAccounts({ command, user, lookUp: name => directory.account(name) })
  }

/** What is asked for and cannot be had while everything else can: said at the start and by -t. */
const sayWhatIsMissing = (parsed: ParsedServerConfig, warnings: string[]): void => {
  const { config } = parsed
  if (config.usePam)
    warnings.push(
      `UsePAM: PAM is not used by this version. Passwords are checked ${isSet(config.authenticationCommand) ? 'by AuthenticationCommand' : 'against shadow(5)'}, and PAM modules are not run.`,
    )
  if (config.banner.toLowerCase() !== 'none' && !existsSync(config.banner)) warnings.push(`Banner: there is no ${config.banner}.`)
}

/** The groups of a ModuliFile that is named. */
const moduliOf = ({ config, given }: ParsedServerConfig, warnings: string[]): Pick<ServerOptions<Login>, 'diffieHellmanGroups'> => {
  if (!given.has('moduliFile')) return {}
  try {
    const groups = groupsIn(readFileSync(config.moduliFile, 'utf8'))
    if (groups.length > 0) return { diffieHellmanGroups: groups }
    warnings.push(`ModuliFile: ${config.moduliFile} has no group of 2048 to 8192 bits; those of RFC 3526 are used.`)
  } catch (error) {
    warnings.push(`ModuliFile: ${config.moduliFile} cannot be read; the groups of RFC 3526 are used. ${(error as Error).message}`)
  }
  return {}
}

const agentOf = (config: ServerConfig): HostKeyAgent | undefined => {
  const socket = hostKeyAgentPath(config.hostKeyAgent, process.env)
  return socket === undefined ? undefined : hostKeyAgent(socket, config.requiredRsaSize)
}

/** Conversations are counted on over a reload, so that none is written over. */
let traced: ReturnType<typeof environmentTranscript> | undefined
let traceLog: Log | undefined

/** NACRE_TRACE: one file for each connection, FILE.1, FILE.2 and so on; workers put their process id before the number. */
const traceTo = (log: Log): ReturnType<typeof environmentTranscript> => {
  traceLog = log
  traced ??= environmentTranscript(process.env, {
    name: (path, number) => (isWorker() ? `${path}.${process.pid}.${number}` : `${path}.${number}`),
    onError: error => traceLog?.error(`NACRE_TRACE: ${error instanceof Error ? error.message : String(error)}`),
  })
  return traced
}

/** A server by this configuration. Throws `ConfigError` for one that cannot work. */
export const buildServer = async (setup: SshdSetup): Promise<BuiltServer> => {
  const { parsed, log } = setup
  const { config } = parsed
  const warnings: string[] = [...parsed.warnings]
  const root = process.geteuid?.() === 0
  sayWhatIsMissing(parsed, warnings)
  const lacking = commandProblems(config)
  if (lacking.length > 0) throw new ConfigError(lacking.join('\n'))
  const {
    keys,
    toCome,
    warnings: keyWarnings,
  }: HostKeys = await loadHostKeys(config.hostKey, config.requiredRsaSize, config.hostCertificate, agentOf(config))
  warnings.push(...keyWarnings)
  const directory = systemDirectory()
  const accountsFor = accountsBy(await shadowOf(setup, directory, warnings), directory)
  // What a block says is looked at when somebody comes it is for.
  const known = new WeakMap<ParsedServerConfig, SessionRules>()
  const rulesFor = (holds: ParsedServerConfig): SessionRules => {
    const rules = known.get(holds) ?? sessionRulesOf(holds.config, setup.openPty, log)
    known.set(holds, rules)
    return rules
  }
  rulesFor(parsed)
  const options: ServerOptions<Login> = {
    hostKeys: keys,
    announcedHostKeys: [...keys, ...toCome],
    authenticate: perLoginAuthenticator({ parsed, directory, only: root ? undefined : ownAccount(), accountsFor, limitsOf, log }),
    session: serveSessions(login => rulesFor(login.holds ?? parsed)),
    forwards: sshdForwards(connection => (connection.identity?.holds ?? parsed).config, nodeSockets(), log),
    tunnels: sshdTunnels(connection => (connection.identity?.holds ?? parsed).config, log),
    limits: forwardLimits,
    algorithms: algorithmsOf(config),
    ...moduliOf(parsed, warnings),
    minimumRsaBits: Math.max(leastRsaBits, config.requiredRsaSize),
    ...(config.versionAddendum === 'none' ? {} : { comments: config.versionAddendum }),
    ...timesOf(config),
    ...traceTo(log),
    // With 0 nobody is let in at all, which each login sees to.
    maximumAttempts: Math.max(1, config.maxAuthTries),
    maximumSessions: config.maxSessions,
    startups: setup.startups,
    onTurnedAway: (why, remote) => logTurnedAway(log, why, { count: setup.startups.count, remote }),
    onError: error =>
      log.error(
        `internal error: ${escapeForPeople(error instanceof Error ? (error.stack ?? error.message) : String(error), { limit: 4000 })}`,
      ),
    onEvent: (event, connection) => logEvent(log, event, connection),
  }
  const server = createServer(options)
  setup.startups.change(startupRules(config))
  return { server, hostKeys: keys, warnings }
}
