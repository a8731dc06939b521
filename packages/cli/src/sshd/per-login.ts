// Owns what holds for one login: the configuration for its user and connection (`Match`), the limits of the connection that come
// of it, the banner, whether anybody may come at all. Knows nothing of the proofs themselves.
import { readFileSync } from 'node:fs'
import { escapeForPeople, SshError } from 'nacre'
import { choose, signatureAlgorithms } from 'nacre/algorithms'
import { channelTimes, classByte, type ConnectionFacts, matchesWildcard, type ParsedServerConfig, type ServerConfig } from 'nacre/config'
import { isCertificateType, plainTypeOf } from 'nacre/keys'
import type { Applicant, Authenticator, ConnectionLimits } from 'nacre/server'
import type { Account } from './account.ts'
import type { AccountService } from './accounts.ts'
import { plainAddress } from './addresses.ts'
import { type AuthenticationSetup, sshdAuthenticator } from './authentication.ts'
import { clientName } from './client-name.ts'
import { connectionFacts, ruleFacts, whereFrom } from './connection-log.ts'
import type { Directory } from './eligible.ts'
import { levelOf, type Log } from './log.ts'
import type { Login } from './login.ts'

export interface PerLoginSetup extends Pick<AuthenticationSetup, 'directory' | 'only' | 'log'> {
  /** What holds for everybody, which knows what holds for one. */
  readonly parsed: ParsedServerConfig
  /** What is asked of the accounts of the system, as a configuration has it; see `AuthenticationSetup`. */
  readonly accountsFor: (config: ServerConfig) => AccountService | undefined
  /** The times a configuration means, for the connection. */
  readonly limitsOf: (config: ServerConfig) => ConnectionLimits
}

type Run = ReturnType<Authenticator<Login>['begin']>
type Attempt = Parameters<Run['attempt']>[0]

/** Looks each name up once: several questions are asked of one login. */
const remembering = (directory: Directory): Directory => {
  const once = <T>(look: (name: string) => Promise<T>): ((name: string) => Promise<T>) => {
    const known = new Map<string, Promise<T>>()
    return name => {
      const found = known.get(name) ?? look(name)
      known.set(name, found)
      return found
    }
  }
  const groupsOf = new Map<string, Promise<readonly string[]>>()
  return {
    account: once(name => directory.account(name)),
    shadow: once(name => directory.shadow(name)),
    groups: async account => {
      const found = groupsOf.get(account.name) ?? directory.groups?.(account) ?? Promise.resolve([])
      groupsOf.set(account.name, found)
      return found
    },
  }
}

/** The facts of a connection that some `Match` line or list asks for. */
const factsOf = async (
  { parsed, log }: PerLoginSetup,
  applicant: Applicant,
  account: Account | undefined,
  directory: Directory,
): Promise<ConnectionFacts> => {
  const { remote, user } = applicant
  const address = remote === undefined ? undefined : plainAddress(remote.address)
  const { criteria, config } = parsed
  const host = address !== undefined && config.useDns && criteria.has('host') ? await clientName(address, text => log.info(text)) : address
  return {
    user,
    invalidUser: account === undefined,
    ...(account !== undefined && criteria.has('group') ? { groups: (await directory.groups?.(account)) ?? [] } : {}),
    ...(host === undefined ? {} : { host }),
    ...(address === undefined ? {} : { address }),
    ...(remote?.localAddress === undefined ? {} : { localAddress: plainAddress(remote.localAddress) }),
    ...(remote?.localPort === undefined ? {} : { localPort: remote.localPort }),
  }
}

/** PubkeyAcceptedAlgorithms as a test. Names nobody has a row for take nothing, here as at the start. */
const taken = ({ pubkeyAcceptedAlgorithms: list }: ServerConfig): ((algorithm: string) => boolean) => {
  if (list === undefined) return () => true
  const sign = /^[+^-]/.exec(list)?.[0] ?? ''
  const patterns = list.slice(sign.length).split(',')
  const named = (algorithm: string): boolean => patterns.some(pattern => matchesWildcard(pattern, algorithm))
  if (sign === '') return named
  const usual = new Set(choose('signature algorithm', signatureAlgorithms, undefined))
  const isUsual = (algorithm: string): boolean => usual.has(isCertificateType(algorithm) ? plainTypeOf(algorithm) : algorithm)
  return sign === '-' ? algorithm => isUsual(algorithm) && !named(algorithm) : algorithm => isUsual(algorithm) || named(algorithm)
}

const bannerOf = ({ banner }: ServerConfig, log: Log): string | undefined => {
  if (banner.toLowerCase() === 'none') return undefined
  try {
    return readFileSync(banner, 'utf8')
  } catch (error) {
    log.error(`The Banner file ${banner} cannot be read: ${(error as Error).message}`)
    return undefined
  }
}

/** Lets nobody in, and says what there would be. */
const nobody: Run = { remaining: () => [], attempt: () => ({ is: 'refuse' }) }

/** One login: who it is for is known with the first attempt, and with that what holds. */
class PerLogin implements Run {
  readonly #setup: PerLoginSetup
  readonly #applicant: Applicant
  readonly #methods: readonly string[]
  readonly #authenticatorFor: (holds: ParsedServerConfig, log: Log, directory: Directory) => Authenticator<Login>
  #run: Run | undefined
  #holds: ParsedServerConfig

  constructor(
    setup: PerLoginSetup,
    applicant: Applicant,
    methods: readonly string[],
    authenticatorFor: (holds: ParsedServerConfig, log: Log, directory: Directory) => Authenticator<Login>,
  ) {
    const log = setup.log.with({ ...connectionFacts(applicant.remote), user: applicant.user })
    this.#setup = { ...setup, log }
    this.#applicant = applicant
    this.#methods = methods
    this.#authenticatorFor = authenticatorFor
    this.#holds = setup.parsed
  }

  remaining(): readonly string[] {
    return this.#run?.remaining() ?? this.#methods
  }

  async attempt(attempt: Attempt): Promise<Awaited<ReturnType<Run['attempt']>>> {
    this.#run ??= await this.#begin()
    const answer = await this.#run.attempt(attempt)
    return answer.is === 'accept' ? { is: 'accept', identity: { ...answer.identity, holds: this.#holds } } : answer
  }

  async #begin(): Promise<Run> {
    const applicant = this.#applicant
    const { log } = this.#setup
    const directory = remembering(this.#setup.directory)
    try {
      return await this.#beginWith(directory)
    } catch (error) {
      if (!(error instanceof SshError)) throw error
      // What cannot be acted on for this login is no reason to let it in without.
      log.error(`${escapeForPeople(applicant.user, { limit: 100 })} from ${whereFrom(applicant.remote)} cannot log in: ${error.message}`)
      applicant.connection?.refuse('no authentication methods enabled')
      return nobody
    }
  }

  async #beginWith(directory: Directory): Promise<Run> {
    const { parsed, log: usual, limitsOf } = this.#setup
    const applicant = this.#applicant
    const account = await directory.account(applicant.user)
    const holds = parsed.forConnection(await factsOf(this.#setup, applicant, account, directory))
    this.#holds = holds
    const { config } = holds
    const log =
      config.logLevel === parsed.config.logLevel ? usual : usual.as('sshd', parsed.config.syslogFacility, levelOf(config.logLevel))
    for (const place of holds.matched) log.verbose(`Match at ${place} holds for ${escapeForPeople(applicant.user, { limit: 100 })}.`)
    applicant.connection?.limit({
      ...limitsOf(config),
      maximumAttempts: config.maxAuthTries,
      maximumSessions: config.maxSessions,
      unusedMilliseconds: config.unusedConnectionTimeout * 1000,
      ...channelTimes(config.channelTimeout),
      ipQuality: { interactive: classByte(config.ipQos[0]), bulk: classByte(config.ipQos[1]) },
    })
    if (config.refuseConnection) {
      const who = `${account === undefined ? 'invalid user ' : ''}${escapeForPeople(applicant.user, { limit: 100 })}`
      log.info(`administratively prohibited connection for ${who} from ${whereFrom(applicant.remote)}`)
      log.info(
        `RefuseConnection at ${holds.decidedBy('refuseConnection')} decided that.`,
        ruleFacts('RefuseConnection', holds.decidedBy('refuseConnection')),
      )
      applicant.connection?.refuse('Logins to this server are not allowed')
      return nobody
    }
    const banner = bannerOf(config, log)
    if (banner !== undefined) applicant.banner(banner)
    // With no attempts at all nothing is looked at.
    return config.maxAuthTries === 0 ? nobody : this.#authenticatorFor(holds, log, directory).begin(applicant)
  }
}

/**
 * The authenticator `sshd` serves with: it finds out what holds for a login before it looks at any proof. Throws `ConfigError`
 * when nobody could ever log in.
 */
export const perLoginAuthenticator = (setup: PerLoginSetup): Authenticator<Login> => {
  const { parsed, directory, only, accountsFor, log } = setup
  const authenticatorFor = (holds: ParsedServerConfig, own: Log, seen: Directory): Authenticator<Login> =>
    sshdAuthenticator({
      config: holds.config,
      decidedBy: property => holds.decidedBy(property),
      directory: seen,
      only,
      accounts: accountsFor(holds.config),
      lockedMayUseKeys: parsed.config.usePam,
      takes: taken(holds.config),
      log: own,
    })
  // Blocks may enable what is off for everybody; without any, a server nobody can use is found now.
  const methods =
    parsed.criteria.size === 0
      ? authenticatorFor(parsed, log, directory).methods
      : ['publickey', 'hostbased', 'password', 'keyboard-interactive']
  return { methods, begin: applicant => new PerLogin(setup, applicant, methods, authenticatorFor) }
}
