// Owns known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): reading its lines, looking a host's key up, writing a line.
// Knows nothing of where the files are or what follows from an answer.
import { algorithmsOfKeyType } from '../algorithms/signature/table.ts'
import type { Random } from '../crypto/provider.ts'
import { escapeForPeople, SshError } from '../errors.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import { hmac } from '@noble/hashes/hmac.js'
import { sha1 } from '@noble/hashes/legacy.js'
import { matchesPatternList } from '../patterns.ts'
import { formatPublicKeyLine, parsePublicKey, parsePublicKeyLine, type PublicKey, sameBlob } from './public.ts'
import { withoutBlanks } from './text-lines.ts'

/** Which hosts a line is for. */
export type HostNames =
  | { readonly is: 'patterns'; readonly patterns: readonly string[] }
  | { readonly is: 'hashed'; readonly salt: Uint8Array; readonly hash: Uint8Array }

export interface KnownHostsEntry {
  readonly file: string
  /** Counts from 1. */
  readonly line: number
  readonly marker: 'none' | 'revoked' | 'cert-authority'
  readonly hosts: HostNames
  readonly key: PublicKey
}

export interface KnownHostsFile {
  readonly path: string
  readonly entries: readonly KnownHostsEntry[]
  /** Lines that were skipped, and why, in words. */
  readonly problems: readonly { readonly line: number; readonly problem: string }[]
}

/** The host we mean, as the person named it (lower case does not matter), or its alias. */
export interface HostPlace {
  readonly host: string
  readonly port: number
}

export interface KnownKeyPlace {
  readonly file: string
  readonly line: number
  readonly type: string
  readonly fingerprint: string
}

export type HostKeyLookup =
  /** `withoutPort`: the line is for the host on port 22, and another port was asked for. */
  | { readonly is: 'known'; readonly file: string; readonly line: number; readonly withoutPort?: true }
  /** The host is known, never with this key. Those of its type stand first; one of another type is no better. */
  | { readonly is: 'changed'; readonly entries: readonly [KnownKeyPlace, ...KnownKeyPlace[]] }
  | { readonly is: 'revoked'; readonly file: string; readonly line: number }
  /** Nothing is known of the host. */
  | {
      readonly is: 'unknown'
      /** Other hosts known with this very key. */
      readonly otherNames: readonly { readonly file: string; readonly line: number; readonly names: string }[]
    }

/** The first field of a line. `undefined` for a hashed name that is damaged. */
export const parseHosts = (field: string): HostNames | undefined => {
  if (!field.startsWith('|')) return { is: 'patterns', patterns: field.toLowerCase().split(',') }
  const [, magic, salt64, hash64, ...more] = field.split('|')
  const salt = decodeBase64(salt64 ?? '')
  const hash = decodeBase64(hash64 ?? '')
  if (magic !== '1' || more.length > 0 || salt?.length !== 20 || hash?.length !== 20) return undefined
  return { is: 'hashed', salt, hash }
}

const markers = new Map<string, KnownHostsEntry['marker']>([
  ['@revoked', 'revoked'],
  ['@cert-authority', 'cert-authority'],
])

const parseLine = (text: string, file: string, line: number): KnownHostsEntry | string => {
  let fields = text
  let marker: KnownHostsEntry['marker'] = 'none'
  if (text.startsWith('@')) {
    const [word] = text.split(/[ \t]/, 1)
    const known = markers.get(word)
    if (known === undefined) return `the marker ${escapeForPeople(word, { limit: 40 })} is not known`
    marker = known
    fields = text.slice(word.length).replace(/^[ \t]+/, '')
  }
  const split = /^([^ \t]+)[ \t]+(.+)$/s.exec(fields)
  if (split === null) return 'it is not of the form "hosts type base64"'
  const hosts = parseHosts(split[1])
  if (hosts === undefined) return 'its hashed host name is damaged'
  try {
    return { file, line, marker, hosts, key: parsePublicKeyLine(split[2]) }
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    return error.message
  }
}

/** Reads a whole file. Lines that cannot be used are skipped and listed in `problems`. */
export const parseKnownHosts = (text: string, path: string): KnownHostsFile => {
  const entries: KnownHostsEntry[] = []
  const problems: { line: number; problem: string }[] = []
  text.split('\n').forEach((raw, index) => {
    const trimmed = withoutBlanks(raw)
    if (trimmed === '' || trimmed.startsWith('#')) return
    const entry = parseLine(trimmed, path, index + 1)
    if (typeof entry === 'string') problems.push({ line: index + 1, problem: entry })
    else entries.push(entry)
  })
  return { path, entries, problems }
}

const utf8 = new TextEncoder()

/** The name lines are written under: the host alone on port 22, else `[host]:port`; in lower case. */
export const knownHostName = (place: HostPlace): string => {
  const host = place.host.toLowerCase()
  return place.port === 22 ? host : `[${host}]:${place.port}`
}

/** True when a line with this first field is for the host called `name` (`host`, or `[host]:port`, in lower case). */
export const areHostsOf = (hosts: HostNames, name: string): boolean =>
  hosts.is === 'patterns' ? matchesPatternList(hosts.patterns, name) : sameBlob(hmac(sha1, hosts.salt, utf8.encode(name)), hosts.hash)

/** The first field of a line for one host, which does not show its name. */
export const hashHostName = (name: string, random: Random): string => {
  const salt = new Uint8Array(20)
  random(salt)
  return `|1|${encodeBase64(salt)}|${encodeBase64(hmac(sha1, salt, utf8.encode(name)))}`
}

const entriesFor = (files: readonly KnownHostsFile[], name: string): KnownHostsEntry[] =>
  files.flatMap(file => file.entries.filter(entry => areHostsOf(entry.hosts, name)))

/** The lines for a place, as OpenSSH looks them up: by `[host]:port` when the port is not 22. */
export const linesFor = (files: readonly KnownHostsFile[], place: HostPlace): readonly KnownHostsEntry[] =>
  entriesFor(files, knownHostName(place))

const placeOf = (entry: KnownHostsEntry): KnownKeyPlace => ({
  file: entry.file,
  line: entry.line,
  type: entry.key.type,
  fingerprint: entry.key.fingerprint(),
})

/**
 * What is known of a key that a host showed. A revoking line wins over all; one line with the key makes it known, even
 * beside others with another key. On another port than 22 a key is also known when the host has it without a port.
 */
export const lookUpHostKey = (files: readonly KnownHostsFile[], place: HostPlace, keyBlob: Uint8Array): HostKeyLookup => {
  const matching = entriesFor(files, knownHostName(place))
  const plainName = entriesFor(files, knownHostName({ host: place.host, port: 22 }))
  const same = (entry: KnownHostsEntry): boolean => entry.key.equals(keyBlob)
  const revoked = [...matching, ...plainName].find(entry => entry.marker === 'revoked' && same(entry))
  if (revoked !== undefined) return { is: 'revoked', file: revoked.file, line: revoked.line }

  const plain = matching.filter(entry => entry.marker === 'none')
  const known = plain.find(same)
  if (known !== undefined) return { is: 'known', file: known.file, line: known.line }
  const { type } = parsePublicKey(keyBlob)
  const isAlike = (entry: KnownHostsEntry): boolean => entry.key.type === type
  const [first, ...others] = [...plain.filter(isAlike), ...plain.filter(entry => !isAlike(entry))].map(placeOf)
  if (first !== undefined) return { is: 'changed', entries: [first, ...others] }

  const withoutPort = plainName.find(entry => entry.marker === 'none' && same(entry))
  if (withoutPort !== undefined) return { is: 'known', file: withoutPort.file, line: withoutPort.line, withoutPort: true }
  const elsewhere = files.flatMap(file => file.entries.filter(entry => entry.marker === 'none' && same(entry)))
  return {
    is: 'unknown',
    otherNames: elsewhere.map(entry => ({
      file: entry.file,
      line: entry.line,
      names: entry.hosts.is === 'hashed' ? '(hashed name)' : entry.hosts.patterns.join(','),
    })),
  }
}

/** Types of the keys known for a host, in the order of the files. Revoked ones do not count. */
export const knownKeyTypes = (files: readonly KnownHostsFile[], place: HostPlace): readonly string[] => {
  const exact = entriesFor(files, knownHostName(place)).filter(entry => entry.marker === 'none')
  const entries =
    exact.length > 0 ? exact : entriesFor(files, knownHostName({ host: place.host, port: 22 })).filter(entry => entry.marker === 'none')
  return [...new Set(entries.map(entry => entry.key.type))]
}

/** The host key algorithms that ask for keys already known: `rsa-sha2-512` for a known `ssh-rsa` key, and so on. */
export const knownHostKeyAlgorithms = (files: readonly KnownHostsFile[], place: HostPlace): readonly string[] =>
  knownKeyTypes(files, place).flatMap(algorithmsOfKeyType)

/**
 * A line for a host and its key, without a line break. With `hash`, the name is hashed with a random salt. Throws
 * `TypeError` for a host that would mean something else in the file, such as one with a comma, a blank or a wildcard.
 */
export const formatKnownHostsLine = (host: string, port: number, keyBlob: Uint8Array, options: { readonly hash?: Random } = {}): string => {
  if (!/^[^\s,*?!|@#"\\\x00-\x1f\x7f]+$/.test(host)) throw new TypeError(`"${escapeForPeople(host)}" cannot stand in a known_hosts file`)
  const name = knownHostName({ host, port })
  const line = formatPublicKeyLine(parsePublicKey(keyBlob))
  return `${options.hash === undefined ? name : hashHostName(name, options.hash)} ${line}`
}
