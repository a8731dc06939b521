// Owns a revocation list as text, as ssh-keygen -Q -l shows it. Knows nothing of reading one.
import { escapeForPeople, SshError } from '../../errors.ts'
import { decodeProse } from '../../wire/reader.ts'
import { fingerprint } from '../fingerprint.ts'
import { parsePublicKey } from '../public.ts'
import type { KeyRevocationList, RevokedCertificates } from './krl.ts'

const hex = (bytes: Uint8Array): string => Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
const two = (value: number): string => String(value).padStart(2, '0')

/** `YYYYMMDDTHHMMSS` in local time. */
const localTime = (seconds: bigint): string => {
  const at = new Date(Number(seconds) * 1000)
  if (Number.isNaN(at.getTime())) return '<INVALID>'
  const day = `${String(at.getFullYear()).padStart(4, '0')}${two(at.getMonth() + 1)}${two(at.getDate())}`
  return `${day}T${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`
}

const explicitKey = (blob: Uint8Array): string => {
  try {
    return `hash: ${fingerprint(blob)} # ${escapeForPeople(parsePublicKey(blob).type)}`
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    return `# not a key: ${escapeForPeople(error.message)}`
  }
}

const certificates = ({ authority, serials, keyIds }: RevokedCertificates): readonly string[] => [
  '',
  authority === undefined ? '# Wildcard CA' : `# CA key ${authority.type} ${authority.fingerprint()}`,
  ...Array.from(serials, ({ from, to }) => (from === to ? `serial: ${from}` : `serial: ${from}-${to}`)),
  ...keyIds.map(each => `id: ${escapeForPeople(decodeProse(each))}`),
]

/** The lines `ssh-keygen -Q -l` shows of a list, each with its line break. The time is local. */
export const formatKrl = (list: KeyRevocationList): string =>
  [
    `# KRL version ${list.version}`,
    `# Generated at ${localTime(list.generated)}`,
    ...(list.comment === '' ? [] : [`# Comment: ${escapeForPeople(list.comment)}`]),
    '',
    ...list.keys.map(explicitKey),
    ...list.sha256.map(hash => `hash: SHA256:${hex(hash)}`),
    ...list.sha1.map(hash => `# hash SHA1:${hex(hash)}`),
    ...list.certificates.flatMap(certificates),
  ]
    .map(line => `${line}\n`)
    .join('')
