// Owns the authenticator of `sshd`: which methods there are by configuration, in which chains, and what each asks of the
// account. Knows nothing of the protocol, of files and of hashes; those are given to it.
import type { ServerConfig } from 'nacre/config'
import { ConfigError, escapeForPeople, SshError } from 'nacre'
import {
  authorityAlgorithms,
  fingerprintHashNamed,
  isCertificateType,
  parseCertificate,
  parsePublicKey,
  usualAuthorityAlgorithms,
} from 'nacre/keys'
import { allOf, type Applicant, type Authenticator, firstOf, hostBased, publicKey, type PublicKeyView } from 'nacre/server'
import type { Account } from './account.ts'
import { AccountMethods } from './account-methods.ts'
import type { AccountService } from './accounts.ts'
import { plainAddress } from './addresses.ts'
import { clientName } from './client-name.ts'
import { type Candidate, type Directory, type EligibilityRules, findCandidate, type NameList, type Origin } from './eligible.ts'
import { findKey, keyAmong, type KeyMatch, linesOf } from './key-check.ts'
import { keysCommand, principalsCommand } from './login-commands.ts'
import { type CertificateRules, certificateOf, findCertificate } from './certificates.ts'
import { blobForLog, logLogins, ruleFacts, whereFrom } from './connection-log.ts'
import type { Log } from './log.ts'
import { hostMayVouch } from './hostbased.ts'
import { type Login, loginBy } from './login.ts'
import { revokedKeys, type RevokedKeys } from './revoked-keys.ts'
import { touchProblem } from './touch.ts'

export interface AuthenticationSetup {
  /** As it holds for whoever logs in. */
  readonly config: ServerConfig
  /** Where a value of it comes from, for the log. */
  readonly decidedBy?: (property: keyof ServerConfig) => string
  readonly directory: Directory
  readonly only: Account | undefined
  readonly lockedMayUseKeys: boolean
  /** What is asked of the accounts of the system; `undefined` asks nothing, and offers no method that needs a password. */
  readonly accounts: AccountService | undefined
  /** Whether PubkeyAcceptedAlgorithms of whoever logs in takes an algorithm. Default: what the server takes at all. */
  readonly takes?: (algorithm: string) => boolean
  readonly log: Log
}

const addressOf = (applicant: Applicant): string | undefined =>
  applicant.remote === undefined ? undefined : plainAddress(applicant.remote.address)

const rulesOf = (config: ServerConfig): CertificateRules => ({
  files: config.authorizedKeysFile,
  strict: config.strictModes,
  authorities: config.trustedUserCaKeys === 'none' ? undefined : config.trustedUserCaKeys,
  principalsFile: config.authorizedPrincipalsFile === 'none' ? undefined : config.authorizedPrincipalsFile,
  signatureAlgorithms:
    config.caSignatureAlgorithms === undefined ? usualAuthorityAlgorithms : authorityAlgorithms(config.caSignatureAlgorithms),
  minimumRsaBits: config.requiredRsaSize,
})

/** As `SSH_USER_AUTH` has it: type and base64. */
const keyText = ({ type, blob }: Pick<PublicKeyView, 'type' | 'blob'>): string => `${type} ${Buffer.from(blob).toString('base64')}`

/** The client's own user and host, which are texts of the client. */
const hostShown = ({ user, host }: { readonly user: string; readonly host: string }): string =>
  `client user "${escapeForPeople(user, { limit: 100 })}", client host "${escapeForPeople(host, { limit: 100 })}"`

/** What is wrong with a key or certificate whoever it belongs to, in words. */
const keyProblem = (key: Pick<PublicKeyView, 'blob'>, config: ServerConfig, revoked: RevokedKeys): KeyProblem | undefined => {
  try {
    const parsed = parsePublicKey(key.blob)
    if (parsed.numbers?.kind === 'rsa' && parsed.bits < config.requiredRsaSize)
      return { why: `RSA keys need at least ${config.requiredRsaSize} bits`, keyword: 'RequiredRSASize', property: 'requiredRsaSize' }
    const why = revoked(isCertificateType(parsed.type) ? parseCertificate(key.blob) : parsed)
    return why === undefined ? undefined : { why, keyword: 'RevokedKeys', property: 'revokedKeys' }
  } catch (error) {
    if (error instanceof SshError) return { why: error.message }
    throw error
  }
}

const leftOut = (algorithm: string): KeyProblem => ({
  why: `PubkeyAcceptedAlgorithms leaves out ${algorithm}`,
  keyword: 'PubkeyAcceptedAlgorithms',
  property: 'pubkeyAcceptedAlgorithms',
})

/** Why a key is refused, and the keyword that says so. */
interface KeyProblem {
  readonly why: string
  readonly keyword?: string
  readonly property?: keyof ServerConfig
}

class Methods {
  readonly #setup: AuthenticationSetup
  readonly #rules: EligibilityRules
  /** `undefined` when nothing is asked of accounts. */
  readonly accounts: AccountMethods | undefined
  /** The same where it can check passwords. */
  readonly proving: AccountMethods | undefined
  /** One look-up for each login; its signal is what all its checks share. */
  readonly #candidates = new WeakMap<AbortSignal, Promise<Candidate>>()

  constructor(setup: AuthenticationSetup) {
    this.#setup = setup
    const list = (property: 'allowUsers' | 'denyUsers' | 'allowGroups' | 'denyGroups'): NameList => ({
      patterns: setup.config[property],
      from: this.#from(property),
    })
    this.#rules = {
      allowUsers: list('allowUsers'),
      denyUsers: list('denyUsers'),
      allowGroups: list('allowGroups'),
      denyGroups: list('denyGroups'),
      lockedMayUseKeys: setup.lockedMayUseKeys,
      only: setup.only,
    }
    const { accounts: service, config, log } = setup
    this.accounts =
      service &&
      new AccountMethods({
        service,
        serviceName: config.pamServiceName,
        permitEmpty: config.permitEmptyPasswords,
        log,
        candidate: applicant => this.candidate(applicant),
        mayUsePassword: (account, applicant) => this.rootMay(account, applicant, 'password'),
      })
    this.proving = service?.proves === true ? this.accounts : undefined
  }

  #from(property: keyof ServerConfig): string {
    return this.#setup.decidedBy?.(property) ?? 'the configuration'
  }

  async #origin(applicant: Applicant): Promise<Origin> {
    const { config, log } = this.#setup
    const address = addressOf(applicant)
    if (address === undefined || !config.useDns) return { address, host: address }
    return { address, host: await clientName(address, text => log.info(text)) }
  }

  candidate(applicant: Applicant): Promise<Candidate> {
    const known = this.#candidates.get(applicant.signal)
    if (known !== undefined) return known
    const { directory, log } = this.#setup
    const found = this.#origin(applicant)
      .then(origin => findCandidate(applicant.user, origin, directory, this.#rules))
      .then(candidate => {
        if (candidate.problem === undefined) return candidate
        applicant.connection?.unknownUser()
        const invalid = candidate.problem.startsWith('Invalid user')
        log.info(invalid ? `${candidate.problem} from ${whereFrom(applicant.remote)}` : candidate.problem)
        // A line of its own: the one before is read by other programs.
        if (candidate.decidedBy !== undefined)
          log.info(
            `${candidate.decidedBy.keyword} at ${candidate.decidedBy.from} decided that.`,
            ruleFacts(candidate.decidedBy.keyword, candidate.decidedBy.from),
          )
        return candidate
      })
    this.#candidates.set(applicant.signal, found)
    return found
  }

  /** PermitRootLogin, by what root has shown. */
  rootMay(account: Account, applicant: Applicant, how: 'key' | 'forced-command' | 'password'): boolean {
    if (account.uid !== 0) return true
    const { permitRootLogin } = this.#setup.config
    const may =
      permitRootLogin === 'yes' ||
      (permitRootLogin === 'prohibit-password' && how !== 'password') ||
      (permitRootLogin === 'forced-commands-only' && how === 'forced-command')
    if (!may) {
      this.#setup.log.info(`ROOT LOGIN REFUSED FROM ${whereFrom(applicant.remote)}`)
      const from = this.#from('permitRootLogin')
      this.#setup.log.info(`PermitRootLogin ${permitRootLogin} at ${from} decided that.`, ruleFacts('PermitRootLogin', from))
    }
    return may
  }

  /** Says why, and where the keyword stands that decided it. */
  #refuseKey(shown: string, { why, keyword, property }: KeyProblem): undefined {
    const { log } = this.#setup
    log.info(`refusing ${shown}: ${why}`)
    if (keyword === undefined || property === undefined) return
    const from = this.#from(property)
    log.info(`${keyword} at ${from} decided that.`, ruleFacts(keyword, from))
  }

  publicKey(step: number): Authenticator<Login> {
    const { config, log } = this.#setup
    const rules = { ...rulesOf(config), sayMissing: (text: string) => log.verbose(escapeForPeople(text)) }
    const revoked = revokedKeys(config.revokedKeys)
    const say = (text: string): void => log.info(escapeForPeople(text))
    const { takes = () => true } = this.#setup
    const check = async (applicant: Applicant, key: PublicKeyView): Promise<Login | undefined> => {
      const { account } = await this.candidate(applicant)
      if (account === undefined) return undefined
      const shown = blobForLog(key.blob, key.fingerprint(), fingerprintHashNamed(config.fingerprintHash))
      const problem = takes(key.algorithm) ? keyProblem(key, config, revoked) : leftOut(key.algorithm)
      if (problem !== undefined) return this.#refuseKey(shown, problem)
      const address = addressOf(applicant)
      const certificate = certificateOf(key.type, key.blob, say)
      const facts = { applicant, account, key, directory: this.#setup.directory, say }
      const linesFrom = keysCommand(config, facts)
      const match = isCertificateType(key.type)
        ? certificate &&
          (await findCertificate(
            { account, certificate, address, say },
            { ...rules, linesFrom, principalsFrom: principalsCommand(config, facts) },
          ))
        : (findKey(account, key.blob, address, rules, say) ?? (await keyByCommand(linesFrom, key.blob, address, say)))
      if (match === undefined) return undefined
      const untouched = touchProblem(key.securityKey, match.options, config.pubkeyAuthOptions)
      if (untouched !== undefined) {
        log.info(`refusing ${shown}: ${untouched}`)
        return undefined
      }
      if (!this.rootMay(account, applicant, match.options.command === undefined ? 'key' : 'forced-command')) return undefined
      log.verbose(
        `Accepted ${certificate === undefined ? 'key' : 'certificate'} ${shown} found at ${match.file}${match.line === 0 ? '' : `:${match.line}`}`,
        { key: key.fingerprint(), file: match.file, ...(match.line === 0 ? {} : { line: match.line }) },
      )
      return loginBy(account, step, { method: 'publickey', key: shown, publicKey: keyText(key), options: match.options })
    }
    return publicKey(check, { touch: 'left-to-the-check', certificates: 'left-to-the-check' })
  }

  hostBased(step: number): Authenticator<Login> {
    const { config, log } = this.#setup
    const revoked = revokedKeys(config.revokedKeys)
    const say = (text: string): void => log.info(text)
    return hostBased(
      async (applicant, claim) => {
        const { account } = await this.candidate(applicant)
        if (account === undefined) return undefined
        const shown = blobForLog(claim.blob, claim.fingerprint(), fingerprintHashNamed(config.fingerprintHash))
        const problem = keyProblem(claim, config, revoked)
        if (problem !== undefined) return this.#refuseKey(shown, problem)
        const certificate = certificateOf(claim.type, claim.blob, say)
        if (certificate === undefined && isCertificateType(claim.type)) return undefined
        if (!(await hostMayVouch(config, { account, claim, certificate, address: addressOf(applicant), say }))) return undefined
        if (!this.rootMay(account, applicant, 'key')) return undefined
        return loginBy(account, step, { method: 'hostbased', key: shown, publicKey: keyText(claim), about: hostShown(claim) })
      },
      { certificates: 'left-to-the-check' },
    )
  }
}

/** The line of AuthorizedKeysCommand that lets the key in. */
const keyByCommand = async (
  linesFrom: ReturnType<typeof keysCommand>,
  blob: Uint8Array,
  address: string | undefined,
  say: (text: string) => void,
): Promise<KeyMatch | undefined> => {
  const text = await linesFrom?.()
  return text === undefined ? undefined : keyAmong(linesOf(text, 'AuthorizedKeysCommand', say), blob, address, say)
}

const oneOf = (list: readonly Authenticator<Login>[]): Authenticator<Login> =>
  firstOf(...(list as [Authenticator<Login>, ...Authenticator<Login>[]]))

/** Every step adds a field of its own, so the merged identity is a `Login` again. */
const chainOf = (list: readonly Authenticator<Login>[]): Authenticator<Login> =>
  list.length === 1 ? list[0] : (allOf(...(list as [Authenticator<Login>, ...Authenticator<Login>[]])) as Authenticator<Login>)

/** The authenticator a method's name in AuthenticationMethods stands for; `undefined` when it is not enabled. */
const methodNamed = (name: string, step: number, methods: Methods, setup: AuthenticationSetup): Authenticator<Login> | undefined => {
  const { config } = setup
  if (name === 'publickey') return config.pubkeyAuthentication ? methods.publicKey(step) : undefined
  if (name === 'password') return config.passwordAuthentication ? methods.proving?.password(step) : undefined
  if (name === 'keyboard-interactive') return config.kbdInteractiveAuthentication ? methods.proving?.keyboardInteractive(step) : undefined
  if (name === 'hostbased') return config.hostbasedAuthentication ? methods.hostBased(step) : undefined
  throw new ConfigError(`AuthenticationMethods names "${name}", which this version cannot be told to ask for.`)
}

const anyMethod = (methods: Methods, setup: AuthenticationSetup): readonly Authenticator<Login>[] => {
  const { config } = setup
  const enabled = ['publickey', 'password', 'keyboard-interactive', 'hostbased'].flatMap(name => methodNamed(name, 0, methods, setup) ?? [])
  return config.permitEmptyPasswords && config.passwordAuthentication && methods.proving
    ? [...enabled, methods.proving.emptyPassword()]
    : enabled
}

/** Chains whose methods are all enabled; the others are named in the log, as OpenSSH does. */
const chains = (methods: Methods, setup: AuthenticationSetup): readonly Authenticator<Login>[] =>
  setup.config.authenticationMethods.flatMap(names => {
    const steps = names.map((name, step) => methodNamed(name, step, methods, setup))
    const missing = names.filter((_, step) => steps[step] === undefined)
    if (missing.length === 0) return [chainOf(steps.flatMap(step => step ?? []))]
    setup.log.error(`AuthenticationMethods ${names.join(',')} is left out: ${missing.join(', ')} is not enabled`)
    return []
  })

/** The account phase, once all is proven; a key that is only shown has proven nothing. */
const admitting = (inner: Authenticator<Login>, accounts: AccountMethods | undefined): Authenticator<Login> => ({
  methods: inner.methods,
  begin: applicant => {
    const run = inner.begin(applicant)
    return {
      remaining: () => run.remaining(),
      async attempt(attempt) {
        const answer = await run.attempt(attempt)
        if (answer.is !== 'accept' || accounts === undefined || (attempt.method === 'publickey' && !attempt.proven)) return answer
        const identity = await accounts.admit(applicant, answer.identity)
        return identity === undefined ? { is: 'refuse' } : { is: 'accept', identity }
      },
    }
  },
})

/** The authenticator `sshd` serves with. Throws `ConfigError` when nobody could ever log in. */
export const sshdAuthenticator = (setup: AuthenticationSetup): Authenticator<Login> => {
  const methods = new Methods(setup)
  const list = setup.config.authenticationMethods.length === 0 ? anyMethod(methods, setup) : chains(methods, setup)
  if (list.length === 0) throw new ConfigError('No way to log in is enabled: nobody could use this server.')
  return logLogins(admitting(oneOf(list), methods.accounts), {
    log: setup.log,
    quietFailures: setup.config.maxAuthTries / 2,
    fingerprintHash: fingerprintHashNamed(setup.config.fingerprintHash),
    known: async applicant => (await methods.candidate(applicant)).problem === undefined,
  })
}
