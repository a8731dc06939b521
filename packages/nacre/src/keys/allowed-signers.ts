// Owns allowed_signers files (ssh-keygen(1), ALLOWED SIGNERS): lines as typed values, who a key is, and whether it may sign for
// somebody. Knows nothing of signatures themselves.
import type { CryptoProvider } from '../crypto/provider.ts'
import { escapeForPeople, SshError } from '../errors.ts'
import { matchesPatternList, matchesWildcard } from '../patterns.ts'
import { parseAbsoluteTime } from './absolute-time.ts'
import { type Certificate, parseCertificate } from './certificate.ts'
import { checkAuthority } from './certificate-check.ts'
import { isCertificateType } from './certificate-names.ts'
import { endOfOptions, startsWithKey } from './options-field.ts'
import { parsePublicKeyLine, type PublicKey } from './public.ts'
import { withoutBlanks } from './text-lines.ts'

export interface AllowedSigner {
  readonly file: string
  /** Counts from 1. */
  readonly line: number
  /** The first field as it stands: patterns with commas between them. Unescaped. */
  readonly principals: string
  readonly certAuthority: boolean
  /** Patterns of the namespaces the key may sign for; `undefined` is any. */
  readonly namespaces: readonly string[] | undefined
  /** Milliseconds since 1970 from when on, and until when, both included, a signature may have been made. */
  readonly validAfter: number | undefined
  readonly validBefore: number | undefined
  readonly key: PublicKey
}

/** A line that lets nobody sign. */
export interface AllowedSignersProblem {
  readonly line: number
  readonly problem: string
  /** Whom it was about, when so much could be read. */
  readonly principals: string | undefined
}

export interface AllowedSignersFile {
  readonly path: string
  readonly entries: readonly AllowedSigner[]
  readonly problems: readonly AllowedSignersProblem[]
}

type Options = Pick<AllowedSigner, 'certAuthority' | 'namespaces' | 'validAfter' | 'validBefore'>

/** The first field and what follows. Double quotes keep blanks together; the field ends with the second of them. */
const splitPrincipals = (line: string): { readonly principals: string; readonly rest: string } | undefined => {
  const at = line.search(/[ \t\r"]/)
  if (at < 0) return undefined
  if (line[at] !== '"') return { principals: line.slice(0, at), rest: line.slice(at).trimStart() }
  const close = line.indexOf('"', at + 1)
  if (close < 0) return undefined
  return { principals: line.slice(0, at) + line.slice(at + 1, close), rest: line.slice(close + 1).trimStart() }
}

/** One option at the front of `rest`. */
const option = /^([A-Za-z-]+)(?:="((?:[^"\\]|\\"|\\(?!"))*)")?/

const readOptions = (field: string): Options | string => {
  const found: { -readonly [K in keyof Options]: Options[K] } = {
    certAuthority: false,
    namespaces: undefined,
    validAfter: undefined,
    validBefore: undefined,
  }
  const time = (name: string, value: string, before: number | undefined): number | string => {
    if (before !== undefined) return `has the option "${name}" twice`
    const read = parseAbsoluteTime(value)
    return read === undefined || read === 0 ? `has an option "${name}" without a time of the form YYYYMMDD[HHMM[SS]][Z]` : read
  }
  let rest = field
  while (rest !== '') {
    // Nothing between two commas is an option that says nothing.
    if (!rest.startsWith(',')) {
      const [whole, written, quoted] = option.exec(rest) ?? []
      if (whole === undefined || written === undefined) return 'has options that cannot be read'
      const name = written.toLowerCase()
      const value = quoted?.replaceAll('\\"', '"')
      if (name === 'cert-authority' && value === undefined) found.certAuthority = true
      else if (name === 'namespaces' && value !== undefined) {
        if (found.namespaces !== undefined) return 'has the option "namespaces" twice'
        found.namespaces = value.split(',')
      } else if ((name === 'valid-after' || name === 'valid-before') && value !== undefined) {
        const property = name === 'valid-after' ? 'validAfter' : 'validBefore'
        const read = time(name, value, found[property])
        if (typeof read === 'string') return read
        found[property] = read
      } else return `has the option "${escapeForPeople(written, { limit: 40 })}", which is not known or not of that form`
      rest = rest.slice(whole.length)
    }
    if (rest === '') break
    if (!rest.startsWith(',')) return 'has options that cannot be read'
    rest = rest.slice(1)
    if (rest === '') return 'has options that end in a comma'
  }
  const { validAfter, validBefore } = found
  if (validAfter !== undefined && validBefore !== undefined && validBefore <= validAfter) return 'is not valid before it begins to be'
  return found
}

const parseLine = (text: string, file: string, line: number): AllowedSigner | AllowedSignersProblem => {
  const split = splitPrincipals(text)
  if (split === undefined) return { line, principals: undefined, problem: 'it is not of the form "principals [options] type base64"' }
  const { principals, rest } = split
  const problem = (what: string): AllowedSignersProblem => ({ line, principals, problem: what })
  try {
    const end = startsWithKey(rest) ? 0 : endOfOptions(rest)
    if (end < 0) return problem('no key stands where one belongs')
    const options = readOptions(rest.slice(0, end))
    if (typeof options === 'string') return problem(`it ${options}`)
    return { file, line, principals, ...options, key: parsePublicKeyLine(rest.slice(end).trimStart()) }
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    return problem(escapeForPeople(error.message))
  }
}

/** Reads a whole file. Lines that cannot be used let nobody sign and are listed in `problems`. */
export const parseAllowedSigners = (text: string, path: string): AllowedSignersFile => {
  const entries: AllowedSigner[] = []
  const problems: AllowedSignersProblem[] = []
  text.split('\n').forEach((raw, index) => {
    const line = withoutBlanks(raw, ' \t\r')
    if (line === '' || line.startsWith('#')) return
    const read = parseLine(line, path, index + 1)
    if ('problem' in read) problems.push(read)
    else entries.push(read)
  })
  return { path, entries, problems }
}

/** What the file must say. */
export interface SignerDemands {
  /** Who is said to have signed; compared with the patterns as it is. `undefined`: anybody whom the file names. */
  readonly principal: string | undefined
  /** What the signature is for. `undefined`: any. */
  readonly namespace: string | undefined
  /** When the signature was made, or is looked at: milliseconds since 1970. */
  readonly time: number
  readonly minimumRsaBits?: number
}

export type SignerVerdict =
  /** `principals`: those of the line; for a certificate those of its principals that the line's patterns are for. */
  | { readonly is: 'allowed'; readonly entry: AllowedSigner; readonly principals: readonly string[] }
  /** `problems`: for each line that has the key, or the authority of its certificate, why it does not help. */
  | { readonly is: 'refused'; readonly problems: readonly { readonly line: number; readonly problem: string }[] }

const shownTime = (milliseconds: number): string => new Date(milliseconds).toISOString().replace('.000Z', 'Z')

const checkTime = (entry: AllowedSigner, time: number): string | undefined => {
  // Whole seconds are compared, both ends included.
  const now = Math.floor(time / 1000) * 1000
  if (entry.validAfter !== undefined && now < entry.validAfter) return `the key is not valid before ${shownTime(entry.validAfter)}`
  if (entry.validBefore !== undefined && now > entry.validBefore) return `the key was valid until ${shownTime(entry.validBefore)}`
  return undefined
}

type Match = { readonly principals: readonly string[] } | string | undefined

const matchCertificate = (crypto: CryptoProvider, entry: AllowedSigner, certificate: Certificate, demands: SignerDemands): Match => {
  if (!certificate.signatureKey.equals(entry.key)) return undefined
  const patterns = entry.principals.split(',').filter(each => each !== '')
  const named = patterns.flatMap(pattern => certificate.principals.filter(each => matchesWildcard(pattern, each)))
  const refusal = checkAuthority(crypto, certificate, {
    kind: 'user',
    name: demands.principal,
    time: demands.time,
    wildcards: false,
    ...(demands.minimumRsaBits === undefined ? {} : { minimumRsaBits: demands.minimumRsaBits }),
  })
  if (refusal !== undefined) return refusal.message
  if (demands.principal === undefined && named.length === 0) return 'none of the principals of the certificate is among those of the line'
  return { principals: demands.principal === undefined ? named : [demands.principal] }
}

/** `undefined`: the line is about another key. */
const matchEntry = (
  crypto: CryptoProvider,
  entry: AllowedSigner,
  key: PublicKey,
  certificate: Certificate | undefined,
  demands: SignerDemands,
): Match => {
  const named = demands.principal === undefined || matchesPatternList(entry.principals.split(','), demands.principal)
  if (entry.certAuthority) {
    if (certificate === undefined) return undefined
    const match = matchCertificate(crypto, entry, certificate, demands)
    return match !== undefined && !named ? `the line is not for "${escapeForPeople(demands.principal ?? '', { limit: 100 })}"` : match
  }
  if (!entry.key.equals(key)) return undefined
  return named
    ? { principals: entry.principals.split(',') }
    : `the line is not for "${escapeForPeople(demands.principal ?? '', { limit: 100 })}"`
}

/**
 * Whether the file lets a key sign: the first line that has the key (or, with `cert-authority`, the key that signed its
 * certificate), names the principal and the namespace, and is valid at the time. A refusal says what did not fit.
 */
export const checkSigner = (crypto: CryptoProvider, file: AllowedSignersFile, key: PublicKey, demands: SignerDemands): SignerVerdict => {
  const certificate = isCertificateType(key.type) ? parseCertificate(key.blob) : undefined
  const problems: { line: number; problem: string }[] = []
  for (const entry of file.entries) {
    const match = matchEntry(crypto, entry, key, certificate, demands)
    if (match === undefined) continue
    const problem =
      typeof match === 'string'
        ? match
        : demands.namespace !== undefined && entry.namespaces !== undefined && !matchesPatternList(entry.namespaces, demands.namespace)
          ? `the key may not sign for the namespace "${escapeForPeople(demands.namespace, { limit: 100 })}"`
          : checkTime(entry, demands.time)
    if (problem === undefined && typeof match !== 'string') return { is: 'allowed', entry, principals: match.principals }
    problems.push({ line: entry.line, problem: problem ?? '' })
  }
  return { is: 'refused', problems }
}

/**
 * Whom the file knows by this key, whatever the namespace: `ssh-keygen -Y find-principals`. Of the first line that fits. Empty
 * when nobody does.
 */
export const findPrincipals = (
  crypto: CryptoProvider,
  file: AllowedSignersFile,
  key: PublicKey,
  options: { readonly time: number; readonly minimumRsaBits?: number },
): readonly string[] => {
  const verdict = checkSigner(crypto, file, key, { ...options, principal: undefined, namespace: undefined })
  return verdict.is === 'allowed' ? verdict.principals.filter(each => each !== '') : []
}

/**
 * The first fields of all lines that are for somebody: `ssh-keygen -Y match-principals`. Empty when there are none, and, as
 * there, when one of them cannot be read.
 */
export const matchPrincipals = (file: AllowedSignersFile, principal: string): readonly string[] => {
  const isFor = (principals: string | undefined): boolean =>
    principals !== undefined && matchesPatternList(principals.split(','), principal)
  if (file.problems.some(each => isFor(each.principals))) return []
  return file.entries.filter(each => isFor(each.principals)).map(each => each.principals)
}
