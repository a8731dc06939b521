// Owns the text that says what to revoke (ssh-keygen(1), KEY REVOCATION LISTS), line by line. Knows nothing of lists.
import { escapeForPeople, RevocationListError, SshError } from '../../errors.ts'
import { decodeBase64 } from '../base64.ts'
import { type PublicKey, parsePublicKeyLine } from '../public.ts'
import { plainKeyOf, type Revocation, revocationByHash, revocationOf } from './revise.ts'
import { withoutBlanks } from '../text-lines.ts'

export interface RevocationTextOptions {
  /** Whose certificates `serial:` and `id:` are about: this authority's, or `'any'`. Without, such lines are refused. */
  readonly authority?: PublicKey | 'any'
  /** Shown in errors. */
  readonly path?: string
}

const highest = 0xffffffffffffffffn

/** A number as C reads it: 0x is hexadecimal, a leading 0 octal. */
const parseSerial = (text: string): bigint | undefined => {
  const value = /^(0x[0-9a-f]{1,16}|[1-9]\d{0,19}|0)$/i.test(text)
    ? BigInt(text)
    : /^0[0-7]{1,22}$/.test(text)
      ? BigInt(`0o${text.slice(1)}`)
      : undefined
  return value === undefined || value > highest ? undefined : value
}

type Reader = (value: string, options: RevocationTextOptions) => Revocation

class Refusal extends Error {}

const refuse = (problem: string): never => {
  throw new Refusal(problem)
}

const authorityOf = (options: RevocationTextOptions, what: string): PublicKey | undefined => {
  if (options.authority === undefined) refuse(`to revoke by ${what}, say whose certificates are meant`)
  return options.authority === 'any' ? undefined : options.authority
}

const readSerials: Reader = (value, options) => {
  const authority = authorityOf(options, 'serial')
  const [first, last, ...more] = value.split('-')
  const from = parseSerial(first)
  const to = last === undefined ? from : parseSerial(last.trimStart())
  if (from === undefined || to === undefined || more.length > 0) {
    return refuse(`"${escapeForPeople(value, { limit: 60 })}" is no serial from 1 to ${highest}, and no range of two of them`)
  }
  if (from === 0n) return refuse('the serial 0 cannot be revoked: certificates without a number have it; revoke them by key ID')
  if (last !== undefined && to <= from) return refuse(`the range ${from}-${to} ends before it begins`)
  return { is: 'serials', authority, from, to }
}

const readHash: Reader = value => {
  const base64 = /^SHA256:([A-Za-z0-9+/]+)=*$/i.exec(value)?.[1]
  if (base64 === undefined) return refuse('after "hash:" a fingerprint of the form SHA256:… is needed')
  const hash = decodeBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, '='))
  return hash?.length === 32 ? { is: 'sha256', hash } : refuse('the fingerprint is not that of 32 bytes')
}

const readers: readonly (readonly [prefix: string, read: Reader])[] = [
  ['serial:', readSerials],
  ['id:', (value, options) => ({ is: 'key-id', authority: authorityOf(options, 'key ID'), keyId: value })],
  ['hash:', readHash],
  ['key:', value => ({ is: 'key', blob: plainKeyOf(parsePublicKeyLine(value)).blob })],
  ['sha1:', value => revocationByHash(parsePublicKeyLine(value), 'sha1')],
  ['sha256:', value => revocationByHash(parsePublicKeyLine(value), 'sha256')],
  ['', value => revocationOf(parsePublicKeyLine(value))],
]

const parseLine = (line: string, options: RevocationTextOptions): Revocation => {
  const lower = line.slice(0, 8).toLowerCase()
  const [prefix, read] = readers.find(([each]) => lower.startsWith(each)) ?? readers[readers.length - 1]
  return read(line.slice(prefix.length).trimStart(), options)
}

/**
 * Reads what `ssh-keygen -k` takes: lines of `serial: N[-M]`, `id: text`, `key:`, `sha1:` and `sha256:` with a public key,
 * `hash: SHA256:…`, or a bare public key or certificate. `#` begins a comment anywhere. Throws `RevocationListError`
 * (KRL_ENTRY) for the first line that is none of these, with its number.
 */
export const parseRevocations = (text: string, options: RevocationTextOptions = {}): readonly Revocation[] => {
  const found: Revocation[] = []
  text.split('\n').forEach((raw, index) => {
    const line = withoutBlanks(raw.replace(/#.*/s, ''))
    if (line === '') return
    try {
      found.push(parseLine(line, options))
    } catch (cause) {
      if (!(cause instanceof Refusal) && !(cause instanceof SshError)) throw cause
      const where = `${options.path === undefined ? '' : `${options.path} `}line ${index + 1}`
      throw new RevocationListError('KRL_ENTRY', `${where}: ${escapeForPeople(cause.message)}`, { cause })
    }
  })
  return found
}
