// Owns the verdict on a certificate: kind, the authority's signature, time, names, critical options, address. Knows nothing
// of which authorities somebody trusts, nor of where a certificate came from. A refusal is an answer with words, not an error.
import { addressRanges } from '../addresses.ts'
import { choose } from '../algorithms/preference.ts'
import type { KeyType, SignatureAlgorithm } from '../algorithms/rows.ts'
import { tooWeak } from '../algorithms/signature/strength.ts'
import { keyTypes, signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { escapeForPeople } from '../errors.ts'
import { matchesWildcard } from '../patterns.ts'
import type { Certificate, CertificateKind } from './certificate.ts'
import { type CertificateLimits, certificateLimits } from './certificate-options.ts'
import { verifySignature } from './verify.ts'

export type CertificateRefusalReason =
  | 'wrong-kind'
  | 'signature-algorithm'
  | 'authority-too-weak'
  | 'signature-wrong'
  | 'not-yet-valid'
  | 'expired'
  | 'no-principals'
  | 'wrong-principal'
  | 'critical-option'
  | 'source-address'

export interface CertificateRefusal {
  readonly is: 'refused'
  readonly reason: CertificateRefusalReason
  /** A sentence for people: which certificate, what is wrong, since when. Safe to show. */
  readonly message: string
}

export type CertificateVerdict =
  /** `limits` must be carried out by whoever lets the certificate in. For a host there are none. */
  { readonly is: 'valid'; readonly limits: CertificateLimits | undefined } | CertificateRefusal

/** What a certificate must be for. */
export interface AuthorityDemands {
  readonly kind: CertificateKind
  /**
   * The user or the host, in lower case. One of the certificate's principals must be it; those of a host may have
   * wildcards. Of a list, one is enough. `undefined`: the caller has compared the principals; an empty list is refused all the same.
   */
  readonly name: string | readonly string[] | undefined
  /** Principals may have wildcards. Default: those of hosts. */
  readonly wildcards?: boolean
  /** When it must be valid, in milliseconds since 1970: `Date.now()` where that is now. No clock is read here. */
  readonly time: number
  /** The algorithms an authority may sign with. Default: all that are not insecure, so not SHA-1. */
  readonly signatureAlgorithms?: readonly string[]
  /** Authorities with RSA keys below this are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** Where algorithms are looked up. Default: all nacre has. */
  readonly tables?: { readonly signatures: readonly SignatureAlgorithm[]; readonly keyTypes: readonly KeyType[] }
}

export interface CertificateDemands extends AuthorityDemands {
  /** The client's address. A certificate that is for some addresses only is refused without one. */
  readonly address?: string | undefined
}

const ownTables = { signatures: signatureAlgorithms, keyTypes }

/** The algorithms an authority may sign with by a choice in OpenSSH's notation (CASignatureAlgorithms). Throws `ConfigError`. */
export const authorityAlgorithms = (choice: string): readonly string[] => choose('CA signature algorithm', signatureAlgorithms, choice)

/** The algorithms an authority may sign with when nobody says otherwise. */
export const usualAuthorityAlgorithms: readonly string[] = signatureAlgorithms
  .filter(row => row.standing !== 'insecure')
  .map(row => row.name)

const list = (names: readonly string[]): string => {
  const shown = names.slice(0, 10).map(each => `"${escapeForPeople(each, { limit: 100 })}"`)
  return names.length > 10 ? `${shown.join(', ')} and ${names.length - 10} more` : shown.join(', ')
}

/** `2026-01-31T12:00:00Z`; times no calendar has are told as their number. */
const shownTime = (seconds: bigint): string => {
  const milliseconds = Number(seconds) * 1000
  return Number.isNaN(new Date(milliseconds).getTime()) ? `second ${seconds}` : new Date(milliseconds).toISOString().replace('.000Z', 'Z')
}

/** `The certificate "key id" (serial 7) by the authority ssh-ed25519 SHA256:…`, to begin a sentence with. */
export const namedCertificate = (certificate: Pick<Certificate, 'keyId' | 'serial' | 'signatureKey'>): string => {
  const { keyId, serial, signatureKey } = certificate
  const authority = `${escapeForPeople(signatureKey.type, { limit: 64 })} ${signatureKey.fingerprint()}`
  return `The certificate "${escapeForPeople(keyId, { limit: 100 })}" (serial ${serial}) by the authority ${authority}`
}

type Problem = readonly [CertificateRefusalReason, string]

const signatureProblem = (crypto: CryptoProvider, certificate: Certificate, demands: AuthorityDemands): Problem | undefined => {
  const { signatureKey, signatureAlgorithm } = certificate
  const allowed = demands.signatureAlgorithms ?? usualAuthorityAlgorithms
  if (!allowed.includes(signatureAlgorithm)) {
    const shown = escapeForPeople(signatureAlgorithm, { limit: 64 })
    return [
      'signature-algorithm',
      `is signed with ${shown}, which no authority may use here (CASignatureAlgorithms). Sign it anew: ssh-keygen -t rsa-sha2-512 -s ca_key …`,
    ]
  }
  const weakness = signatureKey.numbers === undefined ? undefined : tooWeak(signatureKey.numbers, demands.minimumRsaBits)
  if (weakness !== undefined) return ['authority-too-weak', `is signed by a key that ${weakness}`]
  const right = verifySignature(crypto, demands.tables ?? ownTables, {
    publicKey: signatureKey.blob,
    algorithm: signatureAlgorithm,
    data: certificate.signed,
    signature: certificate.signature,
    ...(demands.minimumRsaBits === undefined ? {} : { minimumRsaBits: demands.minimumRsaBits }),
  })
  return right ? undefined : ['signature-wrong', 'was not signed by that authority: its signature is wrong. It was altered, or made up']
}

const timeProblem = ({ validAfter, validBefore }: Certificate, time: number): Problem | undefined => {
  const now = BigInt(Math.floor(time / 1000))
  if (now < validAfter)
    return ['not-yet-valid', `is not valid before ${shownTime(validAfter)}; it is ${shownTime(now)} here, if this clock is right`]
  if (now >= validBefore)
    return [
      'expired',
      `expired at ${shownTime(validBefore)}; it is ${shownTime(now)} here, if this clock is right. The authority has to issue a new one`,
    ]
  return undefined
}

const nameProblem = (certificate: Certificate, demands: AuthorityDemands): Problem | undefined => {
  const { principals, kind } = certificate
  if (principals.length === 0)
    return [
      'no-principals',
      `lists no principals, so it is for no ${kind}. The authority has to name them: ssh-keygen -n ${kind === 'user' ? 'name' : 'host'} …`,
    ]
  const { name } = demands
  if (name === undefined) return undefined
  const names = typeof name === 'string' ? [name] : name
  const wildcards = demands.wildcards ?? kind === 'host'
  if (principals.some(each => names.some(wanted => (wildcards ? matchesWildcard(each, wanted) : each === wanted)))) return undefined
  return ['wrong-principal', `is for ${list(principals)}, not for ${names.length === 0 ? 'anybody here' : list(names)}`]
}

const refused = (certificate: Certificate, [reason, what]: Problem): CertificateRefusal => ({
  is: 'refused',
  reason,
  message: `${namedCertificate(certificate)} ${what}.`,
})

/**
 * Whether an authority vouches for the key: the right kind, a right signature by an algorithm that may be used, valid now,
 * with the right name. Says nothing of critical options: those are for whoever uses the certificate; see `checkCertificate`.
 */
export const checkAuthority = (
  crypto: CryptoProvider,
  certificate: Certificate,
  demands: AuthorityDemands,
): CertificateRefusal | undefined => {
  const article = { user: 'a user', host: 'a host' }
  const problem: Problem | undefined =
    certificate.kind === demands.kind
      ? (signatureProblem(crypto, certificate, demands) ?? timeProblem(certificate, demands.time) ?? nameProblem(certificate, demands))
      : ['wrong-kind', `is that of ${article[certificate.kind]}, and ${article[demands.kind]} needs one of the other kind`]
  return problem === undefined ? undefined : refused(certificate, problem)
}

const hostOptionsProblem = ({ criticalOptions: [first] }: Certificate): Problem | undefined =>
  first === undefined
    ? undefined
    : [
        'critical-option',
        `has the critical option "${escapeForPeople(first.name, { limit: 64 })}", and certificates of hosts may have none`,
      ]

/**
 * The whole verdict on a certificate somebody shows: all of `checkAuthority`, then critical options, extensions and the
 * address. Whether the authority is trusted at all, and whether the other side holds the certified key, is for the caller.
 */
export const checkCertificate = (crypto: CryptoProvider, certificate: Certificate, demands: CertificateDemands): CertificateVerdict => {
  const refusal = checkAuthority(crypto, certificate, demands)
  if (refusal !== undefined) return refusal
  if (certificate.kind === 'host') {
    const problem = hostOptionsProblem(certificate)
    return problem === undefined ? { is: 'valid', limits: undefined } : refused(certificate, problem)
  }
  const limits = certificateLimits(certificate)
  if (typeof limits === 'string') return refused(certificate, ['critical-option', limits])
  const { sourceAddresses } = limits
  if (sourceAddresses === undefined) return { is: 'valid', limits }
  const { address } = demands
  if (address !== undefined && addressRanges(sourceAddresses)(address)) return { is: 'valid', limits }
  const from = address === undefined ? 'an address nobody knows' : escapeForPeople(address, { limit: 100 })
  return refused(certificate, ['source-address', `may only be used from ${list(sourceAddresses)}, not from ${from}`])
}
