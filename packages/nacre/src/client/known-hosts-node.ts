// Owns the host key policy of known_hosts files: who is known, who is refused, and, if told so, remembering the new. Knows
// the files' places, not their format.
import { readFile } from 'node:fs/promises'
import { randomFillSync } from 'node:crypto'
import { HostKeyError } from '../errors.ts'
import { appendLine } from '../keys/edit-file-node.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import { isCertificateType, parseCertificate } from '../keys/certificate.ts'
import { checkCertificate } from '../keys/certificate-check.ts'
import { isRevoked, parseRevokedKeys } from '../keys/krl/index.ts'
import { lookUpHostAuthority, wantedHostKeyAlgorithms } from '../keys/host-authorities.ts'
import { formatKnownHostsLine, lookUpHostKey, parseKnownHosts, type KnownHostsFile } from '../keys/known-hosts.ts'
import type { HostKeyPolicy, PresentedHostKey } from './policy.ts'

export interface KnownHostsOptions {
  /** Files read, in order; new keys go into the first. */
  readonly files: readonly string[]
  /** `accept-new` remembers keys of hosts never seen; a changed key is refused all the same. Default `yes`. */
  readonly strict?: 'yes' | 'accept-new'
  /** Asked about an unknown key instead of refusing it; `true` remembers it. */
  readonly ask?: (presented: PresentedHostKey) => boolean | Promise<boolean>
  /** Write host names hashed. Default false. */
  readonly hash?: boolean
  /** The name keys are looked up by instead of the host (HostKeyAlias). */
  readonly alias?: string
  /** A file of keys no host may have (RevokedHostKeys): a revocation list, or public keys, one a line. */
  readonly revoked?: string
  /** The algorithms an authority may sign certificates with. Default: all that are not insecure. */
  readonly authorityAlgorithms?: readonly string[]
  /** Authorities with RSA keys below this are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** Told in words why a certificate did not count, and its key alone was looked up. */
  readonly onNote?: (note: string) => void
  /** Told in words what was remembered. */
  readonly onRemembered?: (presented: PresentedHostKey, file: string) => void
}

/** Policy and, for the order of negotiation, what is already known of a host. */
export interface KnownHosts {
  readonly policy: HostKeyPolicy
  knownTypes(host: string, port: number): readonly string[]
}

const readIfThere = async (path: string): Promise<string> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}

const place = (presented: PresentedHostKey, alias: string | undefined): { host: string; port: number } =>
  alias === undefined ? { host: presented.host.toLowerCase(), port: presented.port } : { host: alias.toLowerCase(), port: 22 }

const nameOf = (presented: PresentedHostKey): string => (presented.port === 22 ? presented.host : `[${presented.host}]:${presented.port}`)

const remember = async (presented: PresentedHostKey, file: string, options: KnownHostsOptions): Promise<void> => {
  const { host, port } = place(presented, options.alias)
  const line = formatKnownHostsLine(
    host,
    port,
    presented.key.blob,
    options.hash === true ? { hash: bytes => void randomFillSync(bytes) } : {},
  )
  await appendLine(file, line)
  options.onRemembered?.(presented, file)
}

/** What became of a certificate: it is trusted, or why it is not, in words to put behind others; with its plain key either way. */
interface Certified {
  readonly trusted: boolean
  readonly why: string
  readonly plain: PresentedHostKey
}

const judgeCertificate = (presented: PresentedHostKey, files: readonly KnownHostsFile[], options: KnownHostsOptions): Certified => {
  const certificate = parseCertificate(presented.key.blob)
  const at = place(presented, options.alias)
  const authority = lookUpHostAuthority(files, at, certificate)
  const name = nameOf(presented)
  const { signatureKey, key } = certificate
  const shown = `${signatureKey.type} ${signatureKey.fingerprint()}`
  const plain: PresentedHostKey = { ...facts(presented), key, fingerprint: key.fingerprint() }
  if (authority.is === 'revoked') {
    const what =
      authority.what === 'authority' ? `The authority that signed the host certificate of ${name} (${shown})` : `The key of ${name}`
    const { file, line, fingerprint } = authority
    throw new HostKeyError(
      'HOST_KEY_REVOKED',
      `${what} is revoked by ${file} line ${line}. Do not connect: whoever holds it may not be the server.`,
      { fingerprint: presented.fingerprint, keyType: presented.key.type },
      { file, line, fingerprint },
    )
  }
  if (authority.is === 'untrusted') {
    const [other] = authority.others
    const known = other === undefined ? '' : ` For this host ${other.file} line ${other.line} trusts ${other.fingerprint}.`
    return {
      trusted: false,
      why: ` It also showed a certificate by the authority ${shown}, which no @cert-authority line trusts for it.${known}`,
      plain,
    }
  }
  const verdict = checkCertificate(nodeCrypto(), certificate, {
    kind: 'host',
    name: at.host,
    time: Date.now(),
    ...(options.authorityAlgorithms === undefined ? {} : { signatureAlgorithms: options.authorityAlgorithms }),
    ...(options.minimumRsaBits === undefined ? {} : { minimumRsaBits: options.minimumRsaBits }),
  })
  return verdict.is === 'valid' ? { trusted: true, why: '', plain } : { trusted: false, why: ` ${verdict.message}`, plain }
}

const facts = ({
  algorithm,
  host,
  port,
  address,
}: PresentedHostKey): Pick<PresentedHostKey, 'algorithm' | 'host' | 'port' | 'address'> => ({
  algorithm,
  host,
  port,
  address,
})

/** A certificate counts when its authority is trusted for the host; else its key is looked up like any other, as OpenSSH does. */
const decide = async (presented: PresentedHostKey, files: readonly KnownHostsFile[], options: KnownHostsOptions): Promise<void> => {
  if (!isCertificateType(presented.key.type)) return decidePlain(presented, files, options, '')
  const { trusted, why, plain } = judgeCertificate(presented, files, options)
  if (trusted) return
  options.onNote?.(`The host certificate of ${nameOf(presented)} does not count, so its key is looked up.${why}`)
  return decidePlain(plain, files, options, why)
}

const decidePlain = async (
  presented: PresentedHostKey,
  files: readonly KnownHostsFile[],
  options: KnownHostsOptions,
  certificate: string,
): Promise<void> => {
  const { host, port } = place(presented, options.alias)
  const found = lookUpHostKey(files, { host, port }, presented.key.blob)
  const key = { fingerprint: presented.fingerprint, keyType: presented.key.type }
  const name = nameOf(presented)
  switch (found.is) {
    case 'known':
      return
    case 'revoked':
      throw new HostKeyError(
        'HOST_KEY_REVOKED',
        `The host key of ${name} (${key.keyType} ${key.fingerprint}) is revoked by ${found.file} line ${found.line}. Do not connect: whoever holds it may not be the server.`,
        key,
        {
          file: found.file,
          line: found.line,
          fingerprint: key.fingerprint,
        },
      )
    case 'changed': {
      const known = found.entries[0]
      throw new HostKeyError(
        'HOST_KEY_CHANGED',
        `THE HOST KEY OF ${name} HAS CHANGED. It sent ${key.keyType} ${key.fingerprint}; ${known.file} line ${known.line} knows ${known.type} ${known.fingerprint}. ` +
          `Someone may be in between, or the server was set up anew. If its administrator confirms the new fingerprint, remove that line (ssh-keygen -R '${name}') and connect again.${certificate}`,
        key,
        { file: known.file, line: known.line, fingerprint: known.fingerprint },
      )
    }
    case 'unknown': {
      const first = options.files[0]
      if (options.strict === 'accept-new' || ((await options.ask?.(presented)) ?? false)) {
        if (first !== undefined) await remember(presented, first, options)
        return
      }
      const others = found.knownTypes.length === 0 ? '' : ` Other keys of it are known (${found.knownTypes.join(', ')}), which this is not.`
      throw new HostKeyError(
        'HOST_KEY_UNKNOWN',
        `The host ${name} is not known: its ${key.keyType} key ${key.fingerprint} is in none of ${options.files.join(', ') || '(no file)'}.${others} ` +
          `Compare the fingerprint with one from the server's administrator (ssh-keygen -l on the server), then add it, or accept new hosts (StrictHostKeyChecking=accept-new).${certificate}`,
        key,
      )
    }
  }
}

/** Throws when the list of revoked keys has the key, and also when the list cannot be read: nobody knows then. */
const refuseRevoked = async (presented: PresentedHostKey, path: string): Promise<void> => {
  const key = { fingerprint: presented.fingerprint, keyType: presented.key.type }
  let found: ReturnType<typeof isRevoked>
  try {
    found = isRevoked(parseRevokedKeys(await readFile(path), path), presented.key)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new HostKeyError(
      'HOST_KEY_REFUSED',
      `The list of revoked host keys ${path} cannot be read, so no host key is trusted: ${why}`,
      key,
    )
  }
  if (found === undefined) return
  throw new HostKeyError(
    'HOST_KEY_REVOKED',
    `The host key of ${nameOf(presented)} is revoked by ${path}. ${found.reason} Do not connect: whoever holds it may not be the server.`,
    key,
  )
}

/** Reads the files now; later changes to them are not seen. */
export const knownHosts = async (options: KnownHostsOptions): Promise<KnownHosts> => {
  const files = await Promise.all(options.files.map(async path => parseKnownHosts(await readIfThere(path), path)))
  return {
    policy: async presented => {
      if (options.revoked !== undefined) await refuseRevoked(presented, options.revoked)
      await decide(presented, files, options)
    },
    knownTypes: (host, port) =>
      wantedHostKeyAlgorithms(
        files,
        options.alias === undefined ? { host: host.toLowerCase(), port } : { host: options.alias.toLowerCase(), port: 22 },
      ),
  }
}
