// Owns the question whether a key or a certificate is revoked, by a revocation list or by a plain list of keys, and by which
// entry. Knows nothing of files.
import { sha1 } from '@noble/hashes/legacy.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { escapeForPeople, RevocationListError, SshError } from '../../errors.ts'
import { decodeProse } from '../../wire/reader.ts'
import type { Certificate } from '../certificate.ts'
import { type PublicKey, parsePublicKeyLine } from '../public.ts'
import { holds, type KeyRevocationList, type RevokedCertificates, usualKrlBytes } from './krl.ts'
import { isKrl, parseKrl } from './read.ts'
import { certificateOf } from './revise.ts'
import type { SerialRange } from './serials.ts'
import { withoutBlanks } from '../text-lines.ts'

/** The entry that revokes, and what of a certificate it revokes. */
export type Revoked = {
  /** `authority`: not the key itself, but the one that signed its certificate. */
  readonly what: 'key' | 'authority'
  /** In words, for people. */
  readonly reason: string
} & (
  | { readonly by: 'key' | 'sha1' | 'sha256' | 'listed' }
  | { readonly by: 'key-id'; readonly authority: PublicKey | undefined }
  | { readonly by: 'serial'; readonly range: SerialRange; readonly authority: PublicKey | undefined }
)

/** A list of public keys, one a line: all of them are revoked, and what they signed as authorities. */
export interface RevokedKeyList {
  readonly listed: readonly PublicKey[]
}

const utf8 = new TextEncoder()
const names = { key: 'The key', authority: 'The key of the authority that signed the certificate' } as const

const byKey = (list: KeyRevocationList, key: PublicKey, what: 'key' | 'authority'): Revoked | undefined => {
  const { blob } = key
  const shown = `${names[what]} (${key.fingerprint()}) is revoked`
  if (list.sha1.length > 0 && holds(list.sha1, sha1(blob))) return { what, by: 'sha1', reason: `${shown} by its SHA-1 hash.` }
  if (list.sha256.length > 0 && holds(list.sha256, sha256(blob))) return { what, by: 'sha256', reason: `${shown} by its SHA-256 hash.` }
  if (holds(list.keys, blob)) return { what, by: 'key', reason: `${shown}.` }
  return undefined
}

/** Bytes that are no text are compared as they are shown: rather one certificate too many than one too few. */
const namedIn = (keyIds: readonly Uint8Array[], keyId: string): boolean =>
  holds(keyIds, utf8.encode(keyId)) || (keyId.includes('\ufffd') && keyIds.some(each => decodeProse(each) === keyId))

const byAuthority = ({ authority, serials, keyIds }: RevokedCertificates, certificate: Certificate): Revoked | undefined => {
  const shown = `The certificate "${escapeForPeople(certificate.keyId, { limit: 100 })}" (serial ${certificate.serial}) is revoked`
  if (namedIn(keyIds, certificate.keyId)) {
    return { what: 'key', by: 'key-id', authority, reason: `${shown} by its key ID.` }
  }
  // Certificates of authorities that number none have zero.
  const range = certificate.serial === 0n ? undefined : serials.find(certificate.serial)
  if (range === undefined) return undefined
  const which = range.from === range.to ? 'its serial' : `its serial, which is among ${range.from}-${range.to}`
  return { what: 'key', by: 'serial', range, authority, reason: `${shown} by ${which}.` }
}

const byCertificate = (list: KeyRevocationList, certificate: Certificate): Revoked | undefined => {
  const ofIts = list.certificates.find(each => each.authority?.equals(certificate.signatureKey) === true)
  const ofAny = list.certificates.find(each => each.authority === undefined)
  return (ofIts && byAuthority(ofIts, certificate)) ?? (ofAny && byAuthority(ofAny, certificate))
}

const byList = ({ listed }: RevokedKeyList, key: PublicKey, what: 'key' | 'authority'): Revoked | undefined =>
  listed.some(each => each.equals(key))
    ? { what, by: 'listed', reason: `${names[what]} (${key.fingerprint()}) is in the list of revoked keys.` }
    : undefined

/**
 * What revokes a key or a certificate, or `undefined`. A certificate is revoked by its serial, its key ID, by the key it is for,
 * and by the key of the authority that signed it. Throws what `parseCertificate` throws, for a key that names itself a
 * certificate and is none.
 */
export const isRevoked = (list: KeyRevocationList | RevokedKeyList, key: PublicKey | Certificate): Revoked | undefined => {
  const certificate = certificateOf(key)
  const plain = certificate === undefined ? (key as PublicKey) : certificate.key
  const find = (each: PublicKey, what: 'key' | 'authority'): Revoked | undefined =>
    'listed' in list ? byList(list, each, what) : byKey(list, each, what)
  if (certificate === undefined) return find(plain, 'key')
  return (
    find(plain, 'key') ?? ('listed' in list ? undefined : byCertificate(list, certificate)) ?? find(certificate.signatureKey, 'authority')
  )
}

/**
 * Reads a file of revoked keys (`RevokedKeys`, `RevokedHostKeys`): a revocation list, or else public keys, one a line. Throws
 * `RevocationListError` for what is neither, a line that is no key included: a typing error must not let somebody in.
 */
export const parseRevokedKeys = (bytes: Uint8Array, path = 'the list of revoked keys'): KeyRevocationList | RevokedKeyList => {
  if (isKrl(bytes)) return parseKrl(bytes)
  if (bytes.length > usualKrlBytes) {
    throw new RevocationListError('KRL_TOO_LARGE', `${path} has ${bytes.length} bytes; more than ${usualKrlBytes} are not read.`)
  }
  const listed: PublicKey[] = []
  decodeProse(bytes)
    .split('\n')
    .forEach((raw, index) => {
      const line = withoutBlanks(raw)
      if (line === '' || line.startsWith('#')) return
      try {
        const key = parsePublicKeyLine(line)
        listed.push(certificateOf(key)?.key ?? key)
      } catch (cause) {
        if (!(cause instanceof SshError)) throw cause
        throw new RevocationListError('KRL_MALFORMED', `${path} line ${index + 1}: ${escapeForPeople(cause.message)}`, { cause })
      }
    })
  return { listed }
}
