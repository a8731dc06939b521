// Owns the decision about a host that vouches for one of its users: the name it goes by, the files that let its users in, and
// whether its key is known, each as OpenSSH's sshd decides it. That it holds the key was verified before. Knows no protocol.
import { closeSync, constants, fstatSync, openSync, readFileSync, statSync } from 'node:fs'
import { escapeForPeople } from 'nacre'
import type { ServerConfig } from 'nacre/config'
import { nodeCrypto } from 'nacre/crypto/node'
import {
  authorityAlgorithms,
  type Certificate,
  checkCertificate,
  type KnownHostsFile,
  lookUpHostAuthority,
  lookUpHostKey,
  parseKnownHosts,
  usualAuthorityAlgorithms,
} from 'nacre/keys'
import type { HostClaim } from 'nacre/server'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'
import { clientName } from './client-name.ts'
import { runProgram } from './program.ts'
import { type InNetgroup, netgroupHas, parseRhosts, rhostsLine, type Visitor } from './rhosts.ts'
import { othersMayChange } from './safe-file.ts'

/** Where the whole machine keeps what it knows; tests have their own. */
export interface HostFiles {
  /** Users of these hosts may be their namesakes here; root excepted. */
  readonly equivalent: readonly string[]
  /** Keys of hosts, and those that are looked into when the first have none of the host. */
  readonly knownHosts: readonly [string, string]
}

const systemFiles: HostFiles = {
  equivalent: ['/etc/hosts.equiv', '/etc/ssh/shosts.equiv'],
  knownHosts: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
}

export interface HostSurroundings {
  readonly files: HostFiles
  readonly nameOf: (address: string, say: (text: string) => void) => Promise<string>
  readonly inNetgroup: InNetgroup
}

const bySystem: InNetgroup = async (group, member) => {
  const printed = await runProgram('getent', ['netgroup', '--', group], { timeout: 10_000 })
  return printed !== undefined && netgroupHas(printed, member)
}

const systemSurroundings: HostSurroundings = { files: systemFiles, nameOf: clientName, inNetgroup: bySystem }

/** A host's claim, and where the log goes. */
export interface HostAttempt {
  readonly account: Account
  readonly claim: HostClaim
  /** What the key says, when it is a certificate. */
  readonly certificate: Certificate | undefined
  /** The address of the connection; `undefined` when it did not come over a network we know. */
  readonly address: string | undefined
  readonly say: (text: string) => void
}

type Rules = Pick<
  ServerConfig,
  | 'hostbasedUsesNameFromPacketOnly'
  | 'ignoreRhosts'
  | 'ignoreUserKnownHosts'
  | 'strictModes'
  | 'useDns'
  | 'caSignatureAlgorithms'
  | 'requiredRsaSize'
>

/** More would be no file of hosts. */
const maximumBytes = 16 * 1024 * 1024

/** A regular file's text, with the owner's rights of whoever calls; `undefined` when there is none. */
const readRegular = (
  path: string,
  say: (text: string) => void,
  allowed?: (stat: { uid: number; mode: number }) => boolean,
): string | undefined => {
  let descriptor: number
  try {
    // Not blocking: somebody may have put a pipe there.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  } catch {
    return undefined
  }
  try {
    const stat = fstatSync(descriptor)
    if (!stat.isFile()) {
      say(`hosts file ${path} is not a regular file`)
      return undefined
    }
    if (allowed?.(stat) === false || stat.size > maximumBytes) return undefined
    return readFileSync(descriptor, 'utf8')
  } catch {
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

const usersFiles = ['.shosts', '.rhosts'] as const

class HostDecision {
  readonly #rules: Rules
  readonly #around: HostSurroundings
  readonly #attempt: HostAttempt

  constructor(rules: Rules, around: HostSurroundings, attempt: HostAttempt) {
    this.#rules = rules
    this.#around = around
    this.#attempt = attempt
  }

  async allowed(): Promise<boolean> {
    const visitor = await this.#visitor()
    if (visitor === undefined || !(await this.#letIn(visitor))) return false
    return this.#certificateHolds(visitor.host) && this.#keyKnown(visitor.host)
  }

  /** The name the host is looked up by: what it says, or, better, what its address maps to. */
  async #visitor(): Promise<Visitor | undefined> {
    const { claim, address, say } = this.#attempt
    const { host, user } = claim
    if (this.#rules.hostbasedUsesNameFromPacketOnly) return { host, address: host, user }
    if (address === undefined) return undefined
    const resolved = this.#rules.useDns ? await this.#around.nameOf(address, say) : address
    if (resolved.toLowerCase() !== host)
      say(`userauth_hostbased mismatch: client sends ${escapeForPeople(host, { limit: 255 })}, but we resolve ${address} to ${resolved}`)
    return { host: resolved, address, user }
  }

  // ── which users of which hosts ───────────────────────────────────────────────────────────────────────────────────

  async #letIn(visitor: Visitor): Promise<boolean> {
    const { account, say } = this.#attempt
    // Root is nobody's namesake.
    if (account.uid !== 0)
      for (const path of this.#around.files.equivalent) if (await this.#fits(path, readRegular(path, say), visitor)) return true
    const { strictModes, ignoreRhosts } = this.#rules
    const problem = homeProblem(account, strictModes)
    if (problem !== undefined) {
      say(`Rhosts authentication refused for ${account.name}: ${problem}`)
      return false
    }
    for (const name of usersFiles) {
      if (ignoreRhosts === 'yes' || (ignoreRhosts === 'shosts-only' && name !== '.shosts')) continue
      const path = `${account.home}/${name}`
      const safe = (stat: { uid: number; mode: number }): boolean => {
        const bad = strictModes && othersMayChange(stat, account.uid)
        if (bad) say(`Rhosts authentication refused for ${account.name}: bad modes for ${path}`)
        return !bad
      }
      if (
        await this.#fits(
          path,
          asUser(account, () => readRegular(path, say, safe)),
          visitor,
        )
      )
        return true
    }
    say(
      `no file lets ${escapeForPeople(visitor.user, { limit: 100 })} of ${escapeForPeople(visitor.host, { limit: 255 })} in as ${account.name}`,
    )
    return false
  }

  async #fits(path: string, text: string | undefined, visitor: Visitor): Promise<boolean> {
    if (text === undefined) return false
    const { account, say } = this.#attempt
    const lines = parseRhosts(text, (line, problem) => say(`${path}:${line} lets nobody in: ${problem}`))
    const line = await rhostsLine(lines, visitor, account.name, this.#around.inNetgroup)
    if (line?.negated === true) say(`${path}:${line.line} keeps this user or host out`)
    return line !== undefined && !line.negated
  }

  // ── the key ──────────────────────────────────────────────────────────────────────────────────────────────────────

  #certificateHolds(host: string): boolean {
    const { certificate, say } = this.#attempt
    if (certificate === undefined) return true
    const { caSignatureAlgorithms: choice, requiredRsaSize } = this.#rules
    const verdict = checkCertificate(nodeCrypto(), certificate, {
      kind: 'host',
      name: host,
      time: Date.now(),
      signatureAlgorithms: choice === undefined ? usualAuthorityAlgorithms : authorityAlgorithms(choice),
      minimumRsaBits: requiredRsaSize,
    })
    if (verdict.is === 'refused') say(`Refusing certificate: ${verdict.message}`)
    return verdict.is === 'valid'
  }

  #keyKnown(host: string): boolean {
    const [first, second] = this.#around.files.knownHosts
    const status = this.#status(host, first, '.ssh/known_hosts')
    return (status === 'new' ? this.#status(host, second, '.ssh/known_hosts2') : status) === 'known'
  }

  /** What two files, the machine's and the user's, say of the key together. */
  #status(host: string, path: string, users: string): 'known' | 'new' | 'refused' {
    const { claim, certificate, say } = this.#attempt
    const files = [path, this.#usersKnownHosts(users)].flatMap(each => this.#read(each))
    const place = { host, port: 22 }
    const shown = escapeForPeople(host, { limit: 255 })
    if (certificate !== undefined) {
      const found = lookUpHostAuthority(files, place, certificate)
      if (found.is === 'revoked') say(`WARNING: revoked key for ${shown} attempted authentication (${found.file}:${found.line})`)
      return found.is === 'trusted' ? 'known' : found.is === 'revoked' ? 'refused' : 'new'
    }
    const found = lookUpHostKey(files, place, claim.blob)
    if (found.is === 'known') return 'known'
    if (found.is === 'revoked') say(`WARNING: revoked key for ${shown} attempted authentication (${found.file}:${found.line})`)
    else say(`the key ${claim.fingerprint()} is not known of the host ${shown}`)
    return found.is === 'unknown' ? 'new' : 'refused'
  }

  #usersKnownHosts(name: string): string | undefined {
    return this.#rules.ignoreUserKnownHosts ? undefined : `${this.#attempt.account.home}/${name}`
  }

  #read(path: string | undefined): readonly KnownHostsFile[] {
    if (path === undefined) return []
    const { account, say } = this.#attempt
    const machines = this.#around.files.knownHosts.includes(path)
    const safe = (stat: { uid: number; mode: number }): boolean => {
      const bad = !machines && this.#rules.strictModes && othersMayChange(stat, account.uid)
      if (bad) say(`Authentication refused for ${account.name}: bad owner or modes for ${path}`)
      return !bad
    }
    const text = machines ? readRegular(path, say) : asUser(account, () => readRegular(path, say, safe))
    return text === undefined ? [] : [parseKnownHosts(text, path)]
  }
}

const homeProblem = (account: Account, strict: boolean): string | undefined => {
  try {
    return strict && othersMayChange(statSync(account.home), account.uid) ? 'bad ownership or modes for home directory.' : undefined
  } catch {
    return `no home directory ${account.home}`
  }
}

/** Whether the host's user may log in to this account by the host's word. `say` gets sentences for the log. */
export const hostMayVouch = (rules: Rules, attempt: HostAttempt, around: HostSurroundings = systemSurroundings): Promise<boolean> =>
  new HostDecision(rules, around, attempt).allowed()
