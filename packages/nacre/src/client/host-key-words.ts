// Owns what is said of a host key that is not simply known: the errors, each with what to do, and the warnings for whoever goes on
// regardless. Knows nothing of what decided.
import { escapeForPeople, HostKeyError } from '../errors.ts'
import type { FingerprintHash } from '../keys/fingerprint.ts'
import type { KnownHostsFile, KnownKeyPlace } from '../keys/known-hosts.ts'
import type { PublicKey } from '../keys/public.ts'
import type { PresentedHostKey } from './policy.ts'

/** What each message is about. */
export interface HostKeyCase {
  readonly presented: PresentedHostKey
  readonly files: readonly KnownHostsFile[]
  readonly hash: FingerprintHash | undefined
  /** The name it is looked up by, when that is not its own (HostKeyAlias). */
  readonly alias: string | undefined
}

/** `host`, or `[host]:port` where the port is not the usual one. */
export const nameOf = ({ host, port }: Pick<PresentedHostKey, 'host' | 'port'>): string => (port === 22 ? host : `[${host}]:${port}`)

const identity = ({ presented }: HostKeyCase): { fingerprint: string; keyType: string } => ({
  fingerprint: presented.fingerprint,
  keyType: presented.key.type,
})

/** Type and fingerprint, in the hash the person reads. */
export const shownKey = (key: PublicKey, hash: FingerprintHash | undefined): string => `${key.type} ${key.fingerprint(hash)}`

/** The fingerprint of a line, in the hash the person reads. */
const shownLine = ({ files, hash }: HostKeyCase, { file, line, type, fingerprint }: KnownKeyPlace): string => {
  const entry = files.find(each => each.path === file)?.entries.find(each => each.line === line)
  return entry === undefined ? `${type} ${fingerprint}` : shownKey(entry.key, hash)
}

export const changedError = (about: HostKeyCase, known: KnownKeyPlace, certificate: string): HostKeyError => {
  const name = nameOf(about.presented)
  return new HostKeyError(
    'HOST_KEY_CHANGED',
    `THE HOST KEY OF ${name} HAS CHANGED. It sent ${shownKey(about.presented.key, about.hash)}; ${known.file} line ${known.line} knows ${shownLine(about, known)}. ` +
      `Someone may be in between, or the server was set up anew. If its administrator confirms the new fingerprint, remove that line (ssh-keygen -R '${about.alias ?? name}') and connect again.${certificate}`,
    identity(about),
    { file: known.file, line: known.line, fingerprint: known.fingerprint },
  )
}

export const revokedError = (
  about: HostKeyCase,
  what: string,
  { file, line, fingerprint }: { readonly file: string; readonly line: number; readonly fingerprint: string },
): HostKeyError =>
  new HostKeyError(
    'HOST_KEY_REVOKED',
    `${what} is revoked by ${file} line ${line}. Do not connect: whoever holds it may not be the server.`,
    identity(about),
    { file, line, fingerprint },
  )

export const unknownError = (about: HostKeyCase, why: string): HostKeyError => {
  const places = about.files.map(file => file.path).join(', ') || '(no file)'
  const alias = about.alias === undefined ? '' : `, looked up as ${about.alias} (HostKeyAlias),`
  const problems = about.files.flatMap(({ path, problems: lines }) => lines.map(({ line, problem }) => `${path} line ${line} (${problem})`))
  const unread = problems.length === 0 ? '' : ` Not understood and passed over: ${escapeForPeople(problems.slice(0, 3).join(', '))}.`
  return new HostKeyError(
    'HOST_KEY_UNKNOWN',
    `The host ${nameOf(about.presented)}${alias} is not known: its key ${shownKey(about.presented.key, about.hash)} is in none of ${places}.${unread} ` +
      `Compare the fingerprint with one from the server's administrator (ssh-keygen -l on the server), then add it, or accept new hosts (StrictHostKeyChecking=accept-new).${why}`,
    identity(about),
  )
}

export const declinedError = (about: HostKeyCase): HostKeyError =>
  new HostKeyError(
    'HOST_KEY_UNKNOWN',
    `Host key verification failed: the key ${shownKey(about.presented.key, about.hash)} of ${nameOf(about.presented)} was not accepted.`,
    identity(about),
  )

/** An address that is known with another key than the host's. */
export const addressWords = (about: HostKeyCase, known: KnownKeyPlace): string =>
  `The key ${shownKey(about.presented.key, about.hash)} of ${nameOf(about.presented)} differs from the one known for its address ${about.presented.address ?? ''}: ` +
  `${known.file} line ${known.line} knows ${shownLine(about, known)}.`

export const addressError = (about: HostKeyCase, known: KnownKeyPlace): HostKeyError =>
  new HostKeyError(
    'HOST_KEY_CHANGED',
    `${addressWords(about, known)} The name may lead to another server than it did, or the address has a new owner. If that is right, remove that line and connect again.`,
    identity(about),
    { file: known.file, line: known.line, fingerprint: known.fingerprint },
  )

/**
 * A refusal of a key that came in the middle of a session, which began with the key `first`, says so before all else: known_hosts had
 * nothing against the server then. Other errors stay what they are.
 */
export const midSessionError = (error: unknown, first: PublicKey): unknown => {
  if (!(error instanceof HostKeyError)) return error
  return new HostKeyError(
    error.code as ConstructorParameters<typeof HostKeyError>[0],
    `In the middle of the session the server showed another host key than the one the session began with, ${first.type} ${first.fingerprint()}. ` +
      'A server keeps one key for a whole connection: this one is out of order, or somebody has taken it over. The session is ended; do not trust what it printed last. ' +
      error.message,
    error,
    error.conflict,
    { cause: error },
  )
}

/** What stands over a message about a changed or revoked key, so that nobody reads past it. */
const alarm = (words: string): string => {
  const width = 59
  const line = '@'.repeat(width)
  const room = width - 2 - words.length
  return `${line}\n@${' '.repeat(Math.floor(room / 2))}${words}${' '.repeat(Math.ceil(room / 2))}@\n${line}`
}

export const alarms = {
  changed: alarm('WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!'),
  revoked: alarm('WARNING: REVOKED HOST KEY DETECTED!'),
} as const

/** What to say before the message of an error about a host key, when it must not be read past. */
export const hostKeyAlarm = (error: unknown): string | undefined => {
  if (!(error instanceof HostKeyError)) return undefined
  if (error.code === 'HOST_KEY_CHANGED') return alarms.changed
  return error.code === 'HOST_KEY_REVOKED' ? alarms.revoked : undefined
}

/** Said when we go on with it (StrictHostKeyChecking=no). */
export const untrustedWords =
  'Going on because StrictHostKeyChecking is no. Passwords, keyboard-interactive and all forwarding are disabled, ' +
  'since whoever is in between could use them; new host keys are not learned.'
