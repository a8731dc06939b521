// Owns the decision which accounts may log in at all, before any proof: they exist, have a shell, are not locked, and the
// lists of users and groups let them. Knows nothing of keys and passwords.
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { matchesWildcard } from 'nacre/keys'
import { escapeForPeople } from 'nacre'
import { matchesUserPattern } from 'nacre/config'
import { type Account, lookUpAccount, lookUpGroups, lookUpShadow, type ShadowEntry } from './account.ts'

/** Where accounts are looked up, so that tests can have their own. */
export interface Directory {
  account(name: string): Promise<Account | undefined>
  /** `undefined` also when we may not read it. */
  shadow(name: string): Promise<ShadowEntry | undefined>
  /** The names of an account's groups; without it nobody is in any. */
  groups?(account: Account): Promise<readonly string[]>
}

/** The system's own accounts. Without root there is no shadow to read. */
export const systemDirectory = (): Directory => ({
  account: lookUpAccount,
  groups: lookUpGroups,
  shadow: process.geteuid?.() === 0 ? lookUpShadow : async () => undefined,
})

/** A configuration's list of users or groups, and where it stands. */
export interface NameList {
  readonly patterns: readonly string[]
  /** `path line 3`, for the log. */
  readonly from: string
}

export interface EligibilityRules {
  readonly allowUsers: NameList
  readonly denyUsers: NameList
  readonly allowGroups: NameList
  readonly denyGroups: NameList
  /** With PAM, OpenSSH lets accounts whose password is locked log in by key; without, it does not. */
  readonly lockedMayUseKeys: boolean
  /** The only account that can log in, when we are not root. */
  readonly only: Account | undefined
}

/** Where somebody comes from: the address, and the host name where names are looked up (else the address again). */
export interface Origin {
  readonly address: string | undefined
  readonly host: string | undefined
}

/** The keyword that decided something, and where it stands: `path line 3`. */
export interface Decider {
  readonly keyword: string
  readonly from: string
}

/** A name that wants to log in, and what the system has of it. `account` is set only when it may. */
export interface Candidate {
  readonly name: string
  readonly account: Account | undefined
  readonly shadow: ShadowEntry | undefined
  /** A sentence for the log; `undefined` when it may log in. */
  readonly problem: string | undefined
  /** The keyword that decided that it may not, and where it stands. */
  readonly decidedBy?: Decider
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

/** Why an account may not log in. `listed` words say where from, as OpenSSH's do. */
interface Refusal {
  readonly why: string
  readonly listed?: true
  readonly decidedBy?: Decider
}

const ofAccount = (account: Account, shadow: ShadowEntry | undefined, rules: EligibilityRules): Refusal | undefined => {
  if (rules.only !== undefined && account.uid !== rules.only.uid)
    return { why: `because this server is not root and can only serve ${rules.only.name}` }
  if (shadow !== undefined && !rules.lockedMayUseKeys && shadow.hash.startsWith('!')) return { why: 'because account is locked' }
  if (!existsSync(account.shell)) return { why: `because shell ${account.shell} does not exist` }
  if (!runnable(account.shell)) return { why: `because shell ${account.shell} is not executable` }
  if (shadow?.expires !== undefined && today() > shadow.expires) return { why: 'because account has expired' }
  return undefined
}

const named = (keyword: string, { from }: NameList): Decider => ({ keyword, from })

const ofUserLists = ({ name }: Account, { address, host }: Origin, { allowUsers, denyUsers }: EligibilityRules): Refusal | undefined => {
  const fits = (pattern: string): boolean => matchesUserPattern(pattern, { user: name, host, address })
  if (denyUsers.patterns.some(fits)) return { why: 'because listed in DenyUsers', listed: true, decidedBy: named('DenyUsers', denyUsers) }
  if (allowUsers.patterns.length > 0 && !allowUsers.patterns.some(fits))
    return { why: 'because not listed in AllowUsers', listed: true, decidedBy: named('AllowUsers', allowUsers) }
  return undefined
}

const ofGroupLists = (groups: readonly string[], { allowGroups, denyGroups }: EligibilityRules): Refusal | undefined => {
  const fits = (pattern: string): boolean => groups.some(group => matchesWildcard(pattern, group))
  if (groups.length === 0) return { why: 'because not in any group', listed: true }
  if (denyGroups.patterns.some(fits))
    return { why: 'because a group is listed in DenyGroups', listed: true, decidedBy: named('DenyGroups', denyGroups) }
  if (allowGroups.patterns.length > 0 && !allowGroups.patterns.some(fits))
    return {
      why: "because none of user's groups are listed in AllowGroups",
      listed: true,
      decidedBy: named('AllowGroups', allowGroups),
    }
  return undefined
}

/** Looks up a name and applies the rules. Names that do not exist take as many look-ups as those that do. */
export const findCandidate = async (name: string, origin: Origin, directory: Directory, rules: EligibilityRules): Promise<Candidate> => {
  const [account, shadow] = await Promise.all([directory.account(name), directory.shadow(name)])
  const shown = escapeForPeople(name, { limit: 100 })
  const nobody = { name, account: undefined, shadow: undefined }
  if (account === undefined) return { ...nobody, problem: `Invalid user ${shown}` }
  const byGroup = rules.allowGroups.patterns.length > 0 || rules.denyGroups.patterns.length > 0
  const refusal =
    ofAccount(account, shadow, rules) ??
    ofUserLists(account, origin, rules) ??
    (byGroup ? ofGroupLists((await directory.groups?.(account)) ?? [], rules) : undefined)
  if (refusal === undefined) return { name, account, shadow, problem: undefined }
  const from = refusal.listed === true ? ` from ${escapeForPeople(origin.host ?? origin.address ?? 'UNKNOWN', { limit: 255 })}` : ''
  return {
    ...nobody,
    problem: `User ${shown}${from} not allowed ${refusal.why}`,
    ...(refusal.decidedBy === undefined ? {} : { decidedBy: refusal.decidedBy }),
  }
}
