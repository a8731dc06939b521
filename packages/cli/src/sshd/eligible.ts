// Owns the decision which accounts may log in at all, before any proof: they exist, have a shell, are not locked, and the
// lists of users let them. Knows nothing of keys and passwords.
import { accessSync, constants, statSync } from 'node:fs'
import { matchesWildcard } from 'nacre/keys'
import { escapeForPeople } from 'nacre'
import { type Account, lookUpAccount, lookUpShadow, type ShadowEntry } from './account.ts'
import { matchesAddress } from './addresses.ts'

/** Where accounts are looked up, so that tests can have their own. */
export interface Directory {
  account(name: string): Promise<Account | undefined>
  /** `undefined` also when we may not read it. */
  shadow(name: string): Promise<ShadowEntry | undefined>
}

/** The system's own accounts. Without root there is no shadow to read. */
export const systemDirectory = (): Directory => ({
  account: lookUpAccount,
  shadow: process.geteuid?.() === 0 ? lookUpShadow : async () => undefined,
})

export interface EligibilityRules {
  readonly allowUsers: readonly string[]
  readonly denyUsers: readonly string[]
  /** With PAM, OpenSSH lets accounts whose password is locked log in by key; without, it does not. */
  readonly lockedMayUseKeys: boolean
  /** The only account that can log in, when we are not root. */
  readonly only: Account | undefined
}

/** A name that wants to log in, and what the system has of it. `account` is set only when it may. */
export interface Candidate {
  readonly name: string
  readonly account: Account | undefined
  readonly shadow: ShadowEntry | undefined
  /** A sentence for the log; `undefined` when it may log in. */
  readonly problem: string | undefined
}

/** `user` or `user@host`, where host is a wildcard, an address or a block. */
export const matchesUser = (pattern: string, user: string, address: string | undefined): boolean => {
  const at = pattern.lastIndexOf('@')
  if (at < 0) return matchesWildcard(pattern, user)
  return matchesWildcard(pattern.slice(0, at), user) && matchesAddress([pattern.slice(at + 1)], address)
}

const runnable = (shell: string): boolean => {
  try {
    accessSync(shell, constants.X_OK)
    return statSync(shell).isFile()
  } catch {
    return false
  }
}

const dayMilliseconds = 86_400_000
/** Days since 1970, as shadow(5) counts them. */
export const today = (now = Date.now()): number => Math.floor(now / dayMilliseconds)

const refusal = (
  account: Account,
  shadow: ShadowEntry | undefined,
  address: string | undefined,
  rules: EligibilityRules,
): string | undefined => {
  const { name } = account
  if (rules.only !== undefined && account.uid !== rules.only.uid)
    return `because this server is not root and can only serve ${rules.only.name}`
  if (!runnable(account.shell)) return `because shell ${account.shell} is not a program that can be run`
  if (shadow !== undefined) {
    if (!rules.lockedMayUseKeys && shadow.hash.startsWith('!')) return 'because account is locked'
    if (shadow.expires !== undefined && today() > shadow.expires) return 'because account has expired'
  }
  if (rules.denyUsers.some(pattern => matchesUser(pattern, name, address))) return 'because listed in DenyUsers'
  if (rules.allowUsers.length > 0 && !rules.allowUsers.some(pattern => matchesUser(pattern, name, address)))
    return 'because not listed in AllowUsers'
  return undefined
}

/** Looks up a name and applies the rules. Names that do not exist take as many look-ups as those that do. */
export const findCandidate = async (
  name: string,
  address: string | undefined,
  directory: Directory,
  rules: EligibilityRules,
): Promise<Candidate> => {
  const [account, shadow] = await Promise.all([directory.account(name), directory.shadow(name)])
  const shown = escapeForPeople(name, { limit: 100 })
  if (account === undefined) return { name, account, shadow: undefined, problem: `Invalid user ${shown}` }
  const why = refusal(account, shadow, address, rules)
  if (why !== undefined) return { name, account: undefined, shadow: undefined, problem: `User ${shown} not allowed ${why}` }
  return { name, account, shadow, problem: undefined }
}
