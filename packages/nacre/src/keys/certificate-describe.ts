// Owns what a certificate says in words: the lines of `ssh-keygen -L`. Knows nothing of files and of trust.
import { keyTypes } from '../algorithms/signature/table.ts'
import { escapeForPeople, WireError } from '../errors.ts'
import { decode, text } from '../wire/codec.ts'
import { type Certificate, type CertificateOption, forever } from './certificate.ts'
import { plainTypeOf } from './certificate-names.ts'
import type { FingerprintHash } from './fingerprint.ts'

const indent = ' '.repeat(8)
const deeper = ' '.repeat(16)

const two = (number: number): string => String(number).padStart(2, '0')

/** `2026-01-31T12:00:00` in the time zone of this machine, as OpenSSH shows times. */
const localTime = (seconds: bigint): string => {
  // 2^63 is as far as C's times go; JavaScript's end sooner.
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) return `second ${seconds}`
  const day = `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** `forever`, `before …`, `after …` or `from … to …`, as ssh-keygen shows it. */
export const describeValidity = ({ validAfter, validBefore }: Pick<Certificate, 'validAfter' | 'validBefore'>): string => {
  if (validAfter === 0n && validBefore === forever) return 'forever'
  if (validAfter === 0n) return `before ${localTime(validBefore)}`
  if (validBefore === forever) return `after ${localTime(validAfter)}`
  return `from ${localTime(validAfter)} to ${localTime(validBefore)}`
}

/** `ED25519`, as OpenSSH's tools call a type; a type we do not know is shown as it is. */
const shortTypeOf = (type: string): string =>
  keyTypes.find(row => row.name === plainTypeOf(type))?.shortName ?? escapeForPeople(type, { limit: 64 })

const criticalTexts: ReadonlySet<string> = new Set(['force-command', 'source-address'])
const flags = {
  critical: new Set(['verify-required']),
  extension: new Set([
    'permit-X11-forwarding',
    'permit-agent-forwarding',
    'permit-port-forwarding',
    'permit-pty',
    'permit-user-rc',
    'no-touch-required',
  ]),
} as const

const readText = (data: Uint8Array): string | undefined => {
  try {
    return decode(text, data)
  } catch (error) {
    if (error instanceof WireError) return undefined
    throw error
  }
}

const optionLine = ({ name, data }: CertificateOption, list: keyof typeof flags): string => {
  const shown = `${deeper}${escapeForPeople(name, { limit: 1000 })}`
  if (flags[list].has(name) && data.length === 0) return shown
  const value = list === 'critical' && criticalTexts.has(name) ? readText(data) : undefined
  if (value !== undefined) return `${shown} ${escapeForPeople(value, { limit: 100_000 })}`
  if (data.length === 0) return `${shown} UNKNOWN FLAG OPTION`
  const hex = Array.from(data, byte => byte.toString(16).padStart(2, '0')).join('')
  return `${shown} UNKNOWN OPTION: ${hex} (len ${data.length})`
}

/** A heading, and `(none)` behind it or its lines below. */
const section = (heading: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [`${indent}${heading}: (none)`] : [`${indent}${heading}: `, ...lines]

/** What `ssh-keygen -L` prints of a certificate, line by line, without the name of the file in front. Times are those of this machine. */
export const describeCertificate = (certificate: Certificate, options: { readonly hash?: FingerprintHash } = {}): readonly string[] => {
  const { key, signatureKey } = certificate
  return [
    `${indent}Type: ${certificate.type} ${certificate.kind} certificate`,
    `${indent}Public key: ${shortTypeOf(key.type)}-CERT ${key.fingerprint(options.hash)}`,
    `${indent}Signing CA: ${shortTypeOf(signatureKey.type)} ${signatureKey.fingerprint(options.hash)} (using ${escapeForPeople(certificate.signatureAlgorithm, { limit: 64 })})`,
    `${indent}Key ID: "${escapeForPeople(certificate.keyId, { limit: 100_000 })}"`,
    `${indent}Serial: ${certificate.serial}`,
    `${indent}Valid: ${describeValidity(certificate)}`,
    ...section(
      'Principals',
      certificate.principals.map(each => `${deeper}${escapeForPeople(each, { limit: 100_000 })}`),
    ),
    ...section(
      'Critical Options',
      certificate.criticalOptions.map(each => optionLine(each, 'critical')),
    ),
    ...section(
      'Extensions',
      certificate.extensions.map(each => optionLine(each, 'extension')),
    ),
  ]
}
