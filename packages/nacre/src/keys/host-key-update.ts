// Owns what becomes of known_hosts when a server says which host keys it has (UpdateHostKeys): whether lines may be changed at
// all, which keys are new and which are gone, and the new text. Knows nothing of proofs or of where the text is kept.
import type { Random } from '../crypto/provider.ts'
import { areHostsOf, type HostNames, hashHostName, type KnownHostsEntry, type KnownHostsFile, parseKnownHosts } from './known-hosts.ts'
import { formatPublicKeyLine, parsePublicKey, type PublicKey } from './public.ts'
import { eachLine, withLine } from './text-lines.ts'

/** The names a server is known by: `host` or `[host]:port`, in lower case. */
export interface HostKeyNames {
  readonly host: string
  /** Its address, where that is looked up too (CheckHostIP). */
  readonly address?: string | undefined
}

export type HostKeyUpdatePlan =
  | { readonly is: 'nothing' }
  /** Lines were made by hand, or are shared with other hosts, so that nothing is touched; `why` says it in words. */
  | { readonly is: 'left'; readonly why: string }
  | {
      readonly is: 'update'
      /** Keys of the announcement that no line for the host has: they must be proven before they are written down. */
      readonly unknown: readonly PublicKey[]
      /** Lines for the host with keys that the server no longer has. */
      readonly deprecated: readonly KnownHostsEntry[]
    }

/** Wildcards, or more than a name and an address: ssh writes no such lines, so somebody did. */
const madeByHand = (hosts: HostNames): boolean =>
  hosts.is === 'patterns' && (hosts.patterns.length > 2 || hosts.patterns.some(pattern => /[*?]/.test(pattern)))

interface Match {
  readonly host: boolean
  readonly address: boolean
}

const matchOf = (hosts: HostNames, names: HostKeyNames): Match => ({
  host: areHostsOf(hosts, names.host),
  address: names.address !== undefined && areHostsOf(hosts, names.address),
})

const at = ({ file, line }: KnownHostsEntry): string => `${file} line ${line}`

/** Why a line for the host, or one that has a key of the server, forbids any change; `undefined` when it does not. */
const objection = (entry: KnownHostsEntry, match: Match, names: HostKeyNames, keys: readonly PublicKey[]): string | undefined => {
  const { hosts, marker, key } = entry
  if (!match.host && !match.address)
    return keys.some(each => each.equals(key)) ? `${at(entry)} has one of its keys under another name` : undefined
  if (marker !== 'none') return `${at(entry)} has the marker ${marker === 'revoked' ? '@revoked' : '@cert-authority'}`
  if (names.address !== undefined && hosts.is === 'patterns' && hosts.patterns.length > 1 && match.host !== match.address)
    return `${at(entry)} joins its name or address with another`
  return madeByHand(hosts) ? `${at(entry)} was written by hand, with wildcards or several names` : undefined
}

/**
 * What the files of a user would need so that they have just `keys` for a server. As OpenSSH, it leaves all as it is when a line
 * for the host is that of an authority or a revocation, has wildcards or several names, or when a key also stands under another name.
 */
export const planHostKeyUpdate = (files: readonly KnownHostsFile[], names: HostKeyNames, keys: readonly PublicKey[]): HostKeyUpdatePlan => {
  const known = new Set<PublicKey>()
  const deprecated: KnownHostsEntry[] = []
  const others: KnownHostsEntry[] = []
  let why: string | undefined
  for (const entry of files.flatMap(file => file.entries)) {
    const match = matchOf(entry.hosts, names)
    why ??= objection(entry, match, names, keys)
    if (!match.host && !match.address) {
      others.push(entry)
      continue
    }
    const key = keys.find(each => each.equals(entry.key))
    if (key !== undefined) known.add(key)
    else if (entry.marker === 'none') deprecated.push(entry)
  }
  const unknown = keys.filter(key => !known.has(key))
  if (keys.length === 0 || (unknown.length === 0 && deprecated.length === 0)) return { is: 'nothing' }
  const elsewhere = others.find(entry => deprecated.some(old => old.key.equals(entry.key)))
  why ??= elsewhere === undefined ? undefined : `${at(elsewhere)} has a key under another name that this host no longer has`
  return why === undefined ? { is: 'update', unknown, deprecated } : { is: 'left', why }
}

export interface ReplaceHostKeysOptions {
  /** Write names hashed. */
  readonly hash?: Random | undefined
  /** False where lines are only taken away: new ones go into the first file alone. Default true. */
  readonly add?: boolean
}

/** The names a new line is for, a field each: hashed ones cannot stand together. */
const fieldsFor = (names: HostKeyNames, have: Match, hash: Random | undefined): readonly string[] => {
  const missing = [...(have.host ? [] : [names.host]), ...(have.address || names.address === undefined ? [] : [names.address])]
  if (hash !== undefined) return missing.map(name => hashHostName(name, hash))
  return missing.length === 0 ? [] : [missing.join(',')]
}

/** The text with just `keys` for the host: lines with others go, missing ones are put at the end, and all else stays as it is. */
export const replaceHostKeys = (
  text: string,
  names: HostKeyNames,
  keys: readonly PublicKey[],
  { hash, add = true }: ReplaceHostKeysOptions = {},
): string => {
  const have = new Map<PublicKey, Match>()
  const kept = eachLine(text).filter(raw => {
    const [entry] = parseKnownHosts(raw, '').entries
    if (entry === undefined || entry.marker !== 'none') return true
    const match = matchOf(entry.hosts, names)
    if (!match.host && !match.address) return true
    const key = keys.find(each => each.equals(entry.key))
    if (key === undefined) return false
    const before = have.get(key)
    have.set(key, { host: match.host || before?.host === true, address: match.address || before?.address === true })
    return true
  })
  let edited = kept.join('')
  if (!add) return edited
  for (const key of keys) {
    const fields = fieldsFor(names, have.get(key) ?? { host: false, address: false }, hash)
    for (const field of fields) edited = withLine(edited, `${field} ${formatPublicKeyLine(parsePublicKey(key.blob))}`)
  }
  return edited
}
