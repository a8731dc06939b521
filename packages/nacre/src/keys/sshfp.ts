// Owns SSHFP records (RFC 4255): a host key's fingerprint as a zone file has it. Knows nothing of DNS.
import { escapeForPeople, KeyFormatError } from '../errors.ts'
import { fingerprintDigest } from './fingerprint.ts'
import { type PublicKey, sameBlob } from './public.ts'

/** RFC 4255 §3.1.1, RFC 6594 §5.1, RFC 7479. Others have no number. */
const algorithmNumbers = new Map([
  ['ssh-rsa', 1],
  ['ssh-dss', 2],
  ['ecdsa-sha2-nistp256', 3],
  ['ecdsa-sha2-nistp384', 3],
  ['ecdsa-sha2-nistp521', 3],
  ['ssh-ed25519', 4],
])

/** RFC 4255 §3.1.2, RFC 6594 §5.2. */
const hashNumbers = { sha1: 1, sha256: 2 } as const

export type SshfpHash = keyof typeof hashNumbers

export interface SshfpOptions {
  /** In the form for name servers that do not know the type (RFC 3597 §5), as `ssh-keygen -g`. Default false. */
  readonly generic?: boolean
  /** Which fingerprints. Default SHA-1 and SHA-256, as `ssh-keygen -r`. */
  readonly hashes?: readonly SshfpHash[]
}

/**
 * The records for `key` of the host `name`, one line each, as `ssh-keygen -r` prints them. Throws `KeyFormatError`
 * KEY_UNSUPPORTED for a type that has no number there: certificates, security keys, ML-DSA.
 */
export const sshfpRecords = (
  key: PublicKey,
  name: string,
  { generic = false, hashes = ['sha1', 'sha256'] }: SshfpOptions = {},
): string[] => {
  const algorithm = algorithmNumbers.get(key.type)
  if (algorithm === undefined) {
    const type = escapeForPeople(key.type, { limit: 64 })
    throw new KeyFormatError('KEY_UNSUPPORTED', `Keys of type ${type} cannot stand in SSHFP records: the type has no number there.`)
  }
  return hashes.map(hash => {
    const digest = fingerprintDigest(key.blob, hash)
    const hex = Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
    const number = hashNumbers[hash]
    return generic
      ? `${name} IN TYPE44 \\# ${2 + digest.length} ${[algorithm, number].map(each => each.toString(16).padStart(2, '0')).join(' ')} ${hex}`
      : `${name} IN SSHFP ${algorithm} ${number} ${hex}`
  })
}

/** What a record says, whatever is known of its numbers. */
export interface SshfpRecord {
  readonly algorithm: number
  readonly hash: number
  readonly fingerprint: Uint8Array
}

/**
 * How the records of a host fit its key. `matching`: one is of this key, and none of another key of its kind; `differing`: there
 * are records and that is not so; `none`: there are no records, or keys of this type have no number there.
 */
export const matchSshfp = (key: PublicKey, records: readonly SshfpRecord[]): 'matching' | 'differing' | 'none' => {
  const algorithm = algorithmNumbers.get(key.type)
  if (algorithm === undefined || records.length === 0) return 'none'
  let right = false
  for (const record of records) {
    const hash = (Object.keys(hashNumbers) as SshfpHash[]).find(name => hashNumbers[name] === record.hash)
    if (record.algorithm !== algorithm || hash === undefined) continue
    const digest = fingerprintDigest(key.blob, hash)
    if (digest.length !== record.fingerprint.length) continue
    if (!sameBlob(digest, record.fingerprint)) return 'differing'
    right = true
  }
  return right ? 'matching' : 'differing'
}
