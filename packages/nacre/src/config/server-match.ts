// Owns what the criteria of `Match` in sshd_config mean: each compared with the facts of a connection. Knows neither where the
// facts come from nor what stands under a block.
import { addressRanges, parseAddress } from '../addresses.ts'
import { matchesPatternList, matchesWildcard } from '../patterns.ts'
import { BadValue } from './kinds.ts'
import { type MatchTable, openSshRelease } from './match.ts'
import type { MatchQuestion } from './resolve.ts'

/** What is known of a connection. What is left out is not known, and no criterion that asks for it holds. */
export interface ConnectionFacts {
  /** The name given to log in with. */
  readonly user?: string
  /** There is no account of that name. */
  readonly invalidUser?: boolean
  /** The names of the account's groups. */
  readonly groups?: readonly string[]
  /** The client's host name; its address where names are not looked up. */
  readonly host?: string
  readonly address?: string
  readonly localAddress?: string
  readonly localPort?: number
  /** The routing domain the connection came in by. */
  readonly rdomain?: string
}

const argument = { takes: 'argument', withEquals: true } as const

/** The criteria of sshd_config(5), and how they are written. */
export const serverCriteria: MatchTable = {
  criteria: {
    'invalid-user': { takes: 'nothing' },
    user: argument,
    group: argument,
    host: argument,
    address: argument,
    localaddress: argument,
    localport: argument,
    rdomain: argument,
    version: argument,
  },
  negation: false,
  beforeAll: 0,
}

const patternsOf = (list: string): readonly string[] => list.split(',')
const isNegated = (pattern: string): boolean => pattern.startsWith('!')

/** A range or an address as a test; `undefined` for what is neither: a wildcard. Throws `BadValue` for a length its address does not have. */
const rangeOf = (pattern: string): ((address: string) => boolean) | undefined => {
  const [address, length, ...more] = pattern.split('/')
  if (more.length > 0 || (length !== undefined && !/^\d{1,9}$/.test(length)) || parseAddress(address) === undefined) return undefined
  try {
    return addressRanges([pattern])
  } catch (cause) {
    throw new BadValue(`has "${pattern}", whose length does not fit its address`, { cause })
  }
}

/**
 * How an address stands to a list of ranges and wildcards: `matched`, `negated` by a `!` in front of one that fits, or
 * `none`. What is no address fits nothing; `undefined` only checks the list. Throws `BadValue` for a list that is none.
 */
export const compareAddress = (address: string | undefined, list: string): 'matched' | 'negated' | 'none' => {
  let found: 'matched' | 'none' = 'none'
  const isAddress = address !== undefined && parseAddress(address) !== undefined
  // All of it is read before anything is said: a fault must not depend on who comes.
  const tests = patternsOf(list).map(each => {
    const pattern = isNegated(each) ? each.slice(1) : each
    if (pattern === '') throw new BadValue('has an empty pattern among addresses')
    return { negated: isNegated(each), fits: rangeOf(pattern) ?? (text => matchesWildcard(pattern, text)) }
  })
  if (!isAddress) return 'none'
  for (const { negated, fits } of tests) {
    if (!fits(address)) continue
    if (negated) return 'negated'
    found = 'matched'
  }
  return found
}

/** Host names are compared without regard to case. */
const compareHost = (host: string, list: string): 'matched' | 'negated' | 'none' => {
  let found: 'matched' | 'none' = 'none'
  for (const each of patternsOf(list.toLowerCase())) {
    if (!matchesWildcard(isNegated(each) ? each.slice(1) : each, host.toLowerCase())) continue
    if (isNegated(each)) return 'negated'
    found = 'matched'
  }
  return found
}

/**
 * A pattern of AllowUsers and DenyUsers: `user`, or `user@host` where host is a list of addresses, ranges, and wildcards for
 * addresses and host names. Throws `BadValue` for a range that is none.
 */
export const matchesUserPattern = (
  pattern: string,
  facts: { readonly user: string; readonly host: string | undefined; readonly address: string | undefined },
): boolean => {
  const at = pattern.lastIndexOf('@')
  if (at < 0) return matchesWildcard(pattern, facts.user)
  const list = pattern.slice(at + 1)
  const byAddress = compareAddress(facts.address, list)
  if (!matchesWildcard(pattern.slice(0, at), facts.user) || facts.host === undefined || byAddress === 'negated') return false
  const byHost = compareHost(facts.host, list)
  return byHost !== 'negated' && (byHost === 'matched' || byAddress === 'matched')
}

/** One group that a `!` fits is enough for no. */
const inGroups = (groups: readonly string[], list: string): boolean => {
  const patterns = patternsOf(list)
  const refusing = patterns.filter(isNegated).map(each => each.slice(1))
  return (
    !groups.some(group => refusing.some(pattern => matchesWildcard(pattern, group))) &&
    groups.some(group => matchesPatternList(patterns, group))
  )
}

const portOf = (text: string): number => {
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > 65_535)
    throw new BadValue(`has the port "${text}"; there are 1 to 65535`)
  return Number(text)
}

const tests: Readonly<Record<string, (argument: string, facts: ConnectionFacts) => boolean>> = {
  'invalid-user': (_, { invalidUser }) => invalidUser === true,
  user: (list, { user }) => user !== undefined && matchesPatternList(patternsOf(list), user),
  group: (list, { groups }) => groups !== undefined && inGroups(groups, list),
  host: (list, { host }) => host !== undefined && compareHost(host, list) === 'matched',
  address: (list, { address }) => compareAddress(address, list) === 'matched',
  localaddress: (list, { localAddress }) => compareAddress(localAddress, list) === 'matched',
  localport: (text, { localPort }) => portOf(text) === localPort,
  rdomain: (list, { rdomain }) => rdomain !== undefined && matchesPatternList(patternsOf(list), rdomain),
  version: list => matchesPatternList(patternsOf(list), openSshRelease),
}

/** Answers the questions of a resolution by the facts of a connection. Throws `BadValue` for an argument that is none. */
export const decideByConnection =
  (facts: ConnectionFacts) =>
  ({ criterion, argument: text }: Pick<MatchQuestion, 'criterion' | 'argument'>): boolean => {
    if (!Object.hasOwn(tests, criterion)) throw new BadValue(`has the criterion “${criterion}”, which sshd_config does not have`)
    return tests[criterion](text, facts)
  }

/** What a resolution without a connection needs to know: nothing holds but what does for everybody. */
export const decideWithoutConnection = decideByConnection({})

/** Reads the facts of `sshd -C`: `user=…,host=…,addr=…,laddr=…,lport=…,rdomain=…,invalid-user`. Throws `BadValue`. */
export const readConnectionSpec = (spec: string, before: ConnectionFacts = {}): ConnectionFacts => {
  let facts = before
  for (const each of spec.split(',')) {
    // An empty part ends the list, as it does for sshd.
    if (each === '') break
    const equals = each.indexOf('=')
    const [name, value] = equals < 0 ? [each, undefined] : [each.slice(0, equals), each.slice(equals + 1)]
    if (value === undefined && name === 'invalid-user') facts = { ...facts, invalidUser: true }
    else if (value === undefined)
      throw new BadValue(`has "${each}"; it takes user=, host=, addr=, laddr=, lport=, rdomain= and invalid-user`)
    else if (name === 'user') facts = { ...facts, user: value }
    else if (name === 'host') facts = { ...facts, host: value }
    else if (name === 'addr') facts = { ...facts, address: value }
    else if (name === 'laddr') facts = { ...facts, localAddress: value }
    else if (name === 'rdomain') facts = { ...facts, rdomain: value }
    else if (name === 'lport') facts = { ...facts, localPort: portOf(value) }
    else throw new BadValue(`has "${each}"; it takes user=, host=, addr=, laddr=, lport=, rdomain= and invalid-user`)
  }
  return facts
}
