// Owns what known_hosts says of the authorities of a host (`@cert-authority`, `@revoked`): which is trusted, and which host key
// algorithms ask for certificates. Knows nothing of what is in a certificate beyond its key and its authority.
import { signatureAlgorithms } from '../algorithms/signature/table.ts'
import type { Certificate } from './certificate.ts'
import { certificateTypeOf } from './certificate-names.ts'
import { type HostPlace, type KnownHostsEntry, type KnownHostsFile, knownHostKeyAlgorithms, linesFor } from './known-hosts.ts'

export type HostAuthorityLookup =
  | { readonly is: 'trusted'; readonly file: string; readonly line: number }
  /** A line revokes the authority, or the key that is certified. */
  | {
      readonly is: 'revoked'
      readonly what: 'authority' | 'key'
      readonly file: string
      readonly line: number
      readonly fingerprint: string
    }
  /** `others`: lines of authorities that are trusted for this host, none of which signed this. */
  | { readonly is: 'untrusted'; readonly others: readonly { readonly file: string; readonly line: number; readonly fingerprint: string }[] }

/** Also on another port, what holds for the host without one. */
const bothPlaces = (files: readonly KnownHostsFile[], place: HostPlace): readonly KnownHostsEntry[] =>
  place.port === 22 ? linesFor(files, place) : [...linesFor(files, place), ...linesFor(files, { host: place.host, port: 22 })]

/** Whether the authority of a certificate is trusted for a host. A revoking line wins over all. */
export const lookUpHostAuthority = (
  files: readonly KnownHostsFile[],
  place: HostPlace,
  certificate: Pick<Certificate, 'key' | 'signatureKey'>,
): HostAuthorityLookup => {
  const lines = bothPlaces(files, place)
  for (const { marker, key, file, line } of lines) {
    if (marker !== 'revoked') continue
    const what = key.equals(certificate.signatureKey) ? 'authority' : key.equals(certificate.key) ? 'key' : undefined
    if (what !== undefined) return { is: 'revoked', what, file, line, fingerprint: key.fingerprint() }
  }
  // Lines for the port come first; when there are any, those without a port do not count, as with plain keys.
  const exact = linesFor(files, place).filter(each => each.marker === 'cert-authority')
  const authorities = exact.length > 0 ? exact : lines.filter(each => each.marker === 'cert-authority')
  const trusted = authorities.find(each => each.key.equals(certificate.signatureKey))
  if (trusted !== undefined) return { is: 'trusted', file: trusted.file, line: trusted.line }
  return { is: 'untrusted', others: authorities.map(({ file, line, key }) => ({ file, line, fingerprint: key.fingerprint() })) }
}

/**
 * The host key algorithms to ask for first: when an authority is trusted for the host, all those of certificates, then those of
 * keys already known.
 */
export const wantedHostKeyAlgorithms = (files: readonly KnownHostsFile[], place: HostPlace): readonly string[] => {
  const authority = bothPlaces(files, place).some(each => each.marker === 'cert-authority')
  const certificates = authority ? signatureAlgorithms.map(row => certificateTypeOf(row.name)) : []
  return [...certificates, ...knownHostKeyAlgorithms(files, place)]
}
