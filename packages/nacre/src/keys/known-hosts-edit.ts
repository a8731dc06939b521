// Owns changing and searching the text of known_hosts files as `ssh-keygen -F -H -R` does, from text to text: what is not meant
// stays as it is, comments, blank lines, line breaks and order included. Knows nothing of where the text is kept.
import type { Random } from '../crypto/provider.ts'
import { escapeForPeople } from '../errors.ts'
import { shortTypeName } from './fingerprint.ts'
import {
  areHostsOf,
  formatKnownHostsLine,
  hashHostName,
  type HostNames,
  type HostPlace,
  knownHostName,
  type KnownHostsEntry,
  parseHosts,
  parseKnownHosts,
} from './known-hosts.ts'
import { eachLine, withLine } from './text-lines.ts'

/** A line that cannot be read. It is kept; ssh-keygen changes no file that has one. */
export interface KnownHostsProblem {
  /** Counts from 1. */
  readonly line: number
  readonly problem: string
}

interface Blank {
  readonly is: 'blank'
}
interface Entry {
  readonly is: 'entry'
  readonly marker: KnownHostsEntry['marker']
  /** The field as it stands. */
  readonly names: string
  /** `undefined` when its hash is damaged. */
  readonly hosts: HostNames | undefined
  /** Type, key and comment as they stand, with a carriage return if one is there. */
  readonly key: string
}
interface Invalid {
  readonly is: 'invalid'
  readonly problem: string
}

const markers: Readonly<Record<string, KnownHostsEntry['marker']>> = { '@revoked': 'revoked', '@cert-authority': 'cert-authority' }

/** Reads as little as must be known to change the line: a key that is damaged is no reason to keep it, or to lose it. */
const readLine = (raw: string): Blank | Entry | Invalid => {
  const content = raw.replace(/\n$/, '').replace(/^[ \t]+/, '')
  if (/^(#|\r?$)/.test(content)) return { is: 'blank' }
  const fields = /^(?:(@[^ \t]*)[ \t]+)?([^@ \t][^ \t]*)[ \t]+([^ \t#][^ \t]*)([ \t]+[^ \t#\r].*)$/s.exec(content)
  if (fields === null) return { is: 'invalid', problem: 'it is not of the form "hosts type base64"' }
  const [, markerText, names, type, key] = fields
  const marker = markerText === undefined ? 'none' : markers[markerText]
  if (marker === undefined) return { is: 'invalid', problem: `the marker ${escapeForPeople(markerText, { limit: 40 })} is not known` }
  if (shortTypeName(type) === 'unknown') return { is: 'invalid', problem: 'its key is of a type that nobody knows' }
  return { is: 'entry', marker, names, hosts: parseHosts(names), key: `${type}${key}` }
}

const lineNumbered = (
  text: string,
): readonly { readonly raw: string; readonly number: number; readonly line: ReturnType<typeof readLine> }[] =>
  eachLine(text).map((raw, index) => ({ raw, number: index + 1, line: readLine(raw) }))

/** A file that is changed ends in a line break, as ssh-keygen leaves it. */
const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

const damagedHash = 'its hashed host name is damaged'

export interface KnownHostsRemoval {
  readonly text: string
  /** The lines that went, by their old numbers. */
  readonly removed: readonly number[]
  readonly problems: readonly KnownHostsProblem[]
}

/**
 * The text without the lines for a host: `ssh-keygen -R`. `name` is `host` or `[host]:port`, in any case. Lines go as a whole,
 * also when they name other hosts or match by a wildcard; those of authorities and revoked keys stay.
 */
export const removeKnownHost = (text: string, name: string): KnownHostsRemoval => {
  const wanted = name.toLowerCase()
  const removed: number[] = []
  const problems: KnownHostsProblem[] = []
  const kept = lineNumbered(text).filter(({ number, line }) => {
    if (line.is === 'invalid') problems.push({ line: number, problem: line.problem })
    if (line.is !== 'entry') return true
    if (line.hosts === undefined) problems.push({ line: number, problem: damagedHash })
    if (line.marker !== 'none' || line.hosts === undefined || !areHostsOf(line.hosts, wanted)) return true
    removed.push(number)
    return false
  })
  return { text: removed.length === 0 ? text : ended(kept.map(({ raw }) => raw).join('')), removed, problems }
}

/** The lines that one line becomes when its names are hashed, or `undefined` when it has none that could be. */
const hashedLines = ({ names, key, marker }: Entry, raw: string, random: Random): readonly string[] | undefined => {
  if (marker !== 'none' || names.startsWith('|') || /[*?!]/.test(names)) return undefined
  const each = names
    .toLowerCase()
    .split(',')
    .filter(name => name !== '')
  const lineBreak = raw.endsWith('\n') ? '\n' : ''
  return each.length === 0
    ? undefined
    : each.map((name, i) => `${hashHostName(name, random)} ${key}${i + 1 < each.length ? '\n' : lineBreak}`)
}

export interface KnownHostsHashing {
  readonly text: string
  /** Names that were hashed, each of which has a line of its own now. */
  readonly hashed: number
  /** Lines whose names cannot be hashed because they are wildcards; they stay as they are. */
  readonly wildcards: readonly { readonly line: number; readonly names: string }[]
  readonly problems: readonly KnownHostsProblem[]
}

/** The text with all host names hashed: `ssh-keygen -H`. Lines with wildcards or a marker stay as they are, and so do hashed ones. */
export const hashKnownHosts = (text: string, random: Random): KnownHostsHashing => {
  let hashed = 0
  const wildcards: { line: number; names: string }[] = []
  const problems: KnownHostsProblem[] = []
  const lines = lineNumbered(text).flatMap(({ raw, number, line }) => {
    if (line.is === 'invalid') problems.push({ line: number, problem: line.problem })
    if (line.is !== 'entry') return [raw]
    if (/[*?!]/.test(line.names)) wildcards.push({ line: number, names: line.names })
    const replaced = hashedLines(line, raw, random)
    hashed += replaced?.length ?? 0
    return replaced ?? [raw]
  })
  return { text: hashed === 0 ? text : ended(lines.join('')), hashed, wildcards, problems }
}

export interface KnownHostsFound {
  /** Counts from 1. */
  readonly line: number
  readonly marker: KnownHostsEntry['marker']
  /** The line without its line break; with `hash`, the lines its names become. */
  readonly lines: readonly string[]
  /** The entry, when its key can be read. */
  readonly entry: KnownHostsEntry | undefined
}

/** The lines for a host: `ssh-keygen -F`. `name` is `host` or `[host]:port`, in any case. With `hash`, names are shown hashed. */
export const findKnownHost = (text: string, name: string, options: { readonly hash?: Random } = {}): readonly KnownHostsFound[] => {
  const wanted = name.toLowerCase()
  return lineNumbered(text).flatMap(({ raw, number, line }) => {
    if (line.is !== 'entry' || line.hosts === undefined || !areHostsOf(line.hosts, wanted)) return []
    const plain = raw.replace(/\n$/, '')
    const shown = options.hash === undefined ? undefined : hashedLines(line, plain, options.hash)
    const [entry] = parseKnownHosts(plain, '').entries
    return [
      {
        line: number,
        marker: line.marker,
        lines: shown?.map(each => each.replace(/\n$/, '')) ?? [plain],
        entry: entry === undefined ? undefined : { ...entry, line: number },
      },
    ]
  })
}

/**
 * The text with a line for a host and its key at the end, unless a line for just this name has the key already. Throws
 * `TypeError` for a host that would mean something else in the file, such as one with a comma, a blank or a wildcard.
 */
export const addKnownHost = (
  text: string,
  place: HostPlace,
  keyBlob: Uint8Array,
  options: { readonly hash?: Random } = {},
): { readonly text: string; readonly added: boolean } => {
  const line = formatKnownHostsLine(place.host, place.port, keyBlob, options)
  const name = knownHostName(place)
  const there = parseKnownHosts(text, '').entries.some(
    entry => entry.marker === 'none' && areHostsOf(entry.hosts, name) && entry.key.equals(keyBlob),
  )
  return there ? { text, added: false } : { text: withLine(text, line), added: true }
}
