// Owns the check of a user certificate at `sshd`: authorities of the whole server (TrustedUserCAKeys, with principals files)
// and of single accounts (`cert-authority` lines), and what both allow together. Knows nothing of sessions.
import { readFileSync } from 'node:fs'
import { SshError } from 'nacre'
import { nodeCrypto } from 'nacre/crypto/node'
import {
  type AuthorizedKey,
  bothOptions,
  type Certificate,
  checkCertificate,
  isCertificateType,
  type KeyOptions,
  namedCertificate,
  noOptions,
  parseCertificate,
  parseKeyOptions,
  parsePublicKeyLine,
} from 'nacre/keys'
import type { Account } from './account.ts'
import { authorizedKeysPath, authorizedLines, filesNamed, type KeyCheckRules, type KeyMatch, linesOf, usable } from './key-check.ts'
import { readSafely } from './safe-file.ts'

export interface CertificateRules extends KeyCheckRules {
  /** TrustedUserCAKeys; `undefined` for none. */
  readonly authorities: string | undefined
  /** AuthorizedPrincipalsFile: a path with tokens and wildcards; `undefined` for none. */
  readonly principalsFile: string | undefined
  /** AuthorizedPrincipalsCommand: asked when the file names none of the certificate's principals. */
  readonly principalsFrom?: ((certificate: Certificate) => Promise<string | undefined>) | undefined
  /** AuthorizedKeysCommand, asked for lines with authorities when nothing else lets the certificate in. */
  readonly linesFrom?: (() => Promise<string | undefined>) | undefined
  /** CASignatureAlgorithms. */
  readonly signatureAlgorithms: readonly string[]
  readonly minimumRsaBits: number
}

/** Whoever shows a certificate, and where the log goes. */
export interface Shown {
  readonly account: Account
  readonly certificate: Certificate
  readonly address: string | undefined
  readonly say: (text: string) => void
}

/** The certificate in a blob; `undefined` for a plain key, and for one that cannot be read, which `say` is told of. */
export const certificateOf = (type: string, blob: Uint8Array, say: (text: string) => void): Certificate | undefined => {
  if (!isCertificateType(type)) return undefined
  try {
    return parseCertificate(blob)
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    say(`Refusing a certificate that cannot be read: ${error.message}`)
    return undefined
  }
}

/** The first line of a principals file that names one of the certificate's principals, and the options in front of it. */
export const principalLine = (shown: Shown, path: string, text: string): KeyMatch | undefined => {
  const { certificate, say, address } = shown
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/#.*$/, '').trim()
    if (line === '') continue
    // The principal is the last word; what stands before it are options.
    const split = /^(?:(.*)[ \t])?([^ \t]+)$/s.exec(line)
    const name = split?.[2] ?? ''
    if (!certificate.principals.includes(name)) continue
    const field = (split?.[1] ?? '').trim()
    const options = field === '' ? noOptions : parseKeyOptions(field)
    const where = `${path}:${index + 1}`
    if (typeof options === 'string') say(`${where} lets nobody in: ${options}`)
    else if (options.certAuthority) say(`${where} lets nobody in: cert-authority is for lines with keys`)
    else if (usable({ file: path, line: index + 1, options }, address, Date.now(), say)) return { options, file: path, line: index + 1 }
  }
  return undefined
}

const refuse = ({ say }: Shown, message: string): undefined => {
  say(`Refusing certificate: ${message}`)
  return undefined
}

/** The certificate's own say, and what a line that lets it in says beside. `names`: compare principals, or not again. */
const within = (
  shown: Shown,
  rules: CertificateRules,
  names: string | undefined,
  line: Omit<KeyMatch, 'options'> & { readonly options: KeyOptions | undefined },
): KeyMatch | undefined => {
  const { certificate, address } = shown
  const verdict = checkCertificate(nodeCrypto(), certificate, {
    kind: 'user',
    name: names,
    time: Date.now(),
    address,
    signatureAlgorithms: rules.signatureAlgorithms,
    minimumRsaBits: rules.minimumRsaBits,
  })
  if (verdict.is === 'refused') return refuse(shown, verdict.message)
  const own: KeyOptions = verdict.limits?.options ?? noOptions
  // For authorities of the whole server no line has a say: the certificate's own options are all there is.
  const options = line.options === undefined ? own : bothOptions(line.options, own)
  if (typeof options === 'string') return refuse(shown, `${namedCertificate(certificate)} ${options}.`)
  return { ...line, options }
}

/** TrustedUserCAKeys is read when somebody comes, so that keys can be added without a reload, as with OpenSSH. */
const listedAuthority = (path: string, certificate: Certificate, say: (text: string) => void): boolean => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    say(`TrustedUserCAKeys ${path} cannot be read: ${(error as Error).message}`)
    return false
  }
  return text.split('\n').some((raw, index) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return false
    try {
      return parsePublicKeyLine(line).equals(certificate.signatureKey)
    } catch (error) {
      if (!(error instanceof SshError)) throw error
      say(`${path}:${index + 1} is no public key: ${error.message}`)
      return false
    }
  })
}

const principalInFile = (shown: Shown, rules: CertificateRules, path: string): KeyMatch | undefined => {
  const found = readSafely(path, shown.account, rules.strict, 'authorized principals')
  if (found.is === 'missing') rules.sayMissing?.(found.why)
  if (found.is === 'refused') shown.say(found.why)
  return found.is === 'read' ? principalLine(shown, path, found.text) : undefined
}

const principalByCommand = async (shown: Shown, { principalsFrom }: CertificateRules): Promise<KeyMatch | undefined> => {
  const text = await principalsFrom?.(shown.certificate)
  return text === undefined ? undefined : principalLine(shown, 'AuthorizedPrincipalsCommand', text)
}

const firstDefined = <T, R>(items: readonly T[], look: (item: T) => R | undefined): R | undefined => {
  for (const item of items) {
    const found = look(item)
    if (found !== undefined) return found
  }
  return undefined
}

/** By an authority of the whole server. */
const byServer = async (shown: Shown, rules: CertificateRules): Promise<KeyMatch | undefined> => {
  const { account, certificate, say } = shown
  const { authorities, principalsFile, principalsFrom } = rules
  if (authorities === undefined || !listedAuthority(authorities, certificate, say)) return undefined
  if (principalsFile === undefined && principalsFrom === undefined)
    return within(shown, rules, account.name, { options: undefined, file: authorities, line: 0 })
  const paths = principalsFile === undefined ? [] : filesNamed(principalsFile, account)
  const listed = firstDefined(paths, path => principalInFile(shown, rules, path))
  const line = listed ?? (await principalByCommand(shown, rules))
  if (line !== undefined) return within(shown, rules, undefined, line)
  const files = paths.length === 0 && principalsFile !== undefined ? [authorizedKeysPath(principalsFile, account)] : paths
  const who = [...files, ...(principalsFrom === undefined ? [] : ['AuthorizedPrincipalsCommand'])]
  return refuse(shown, `${namedCertificate(certificate)} has none of the principals that ${who.join(' or ')} lists for ${account.name}.`)
}

/** By an authority that lines trust: those of the account's files, or of a command. */
const byLines = (shown: Shown, rules: CertificateRules, lines: Iterable<AuthorizedKey>): KeyMatch | undefined => {
  const { account, certificate, address, say } = shown
  const now = Date.now()
  for (const entry of lines) {
    const { options, key, file, line } = entry
    if (!options.certAuthority || !key.equals(certificate.signatureKey) || !usable(entry, address, now, say)) continue
    const { principals } = options
    if (principals !== undefined && !principals.some(each => certificate.principals.includes(each))) {
      refuse(shown, `${namedCertificate(certificate)} has none of the principals that ${file}:${line} lists.`)
      continue
    }
    const match = within(shown, rules, principals === undefined ? account.name : undefined, { options, file, line })
    if (match !== undefined) return match
  }
  return undefined
}

/** What lets the certificate in, and within which limits; `undefined` when nothing does. */
export const findCertificate = async (shown: Shown, rules: CertificateRules): Promise<KeyMatch | undefined> => {
  const { account, say } = shown
  const found = byLines(shown, rules, authorizedLines(account, rules, say)) ?? (await byServer(shown, rules))
  if (found !== undefined) return found
  const text = await rules.linesFrom?.()
  return text === undefined ? undefined : byLines(shown, rules, linesOf(text, 'AuthorizedKeysCommand', say))
}
