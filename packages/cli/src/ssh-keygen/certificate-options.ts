// Owns what -O and -V say of a certificate: its options and when it is valid. Knows nothing of keys.
import { type CertificateOptions, forever, parseAbsoluteTime } from 'nacre/keys'
import { FatalError } from '../fatal.ts'
import { readTimeSpan } from '../time-span.ts'

type Options = Record<string, true | string>

export interface CertificateWords {
  readonly criticalOptions: CertificateOptions
  readonly extensions: CertificateOptions
}

/** What `permit-…` and `no-…` are about, without the case OpenSSH writes them in. */
const permissions = new Map([
  ['x11-forwarding', 'permit-X11-forwarding'],
  ['agent-forwarding', 'permit-agent-forwarding'],
  ['port-forwarding', 'permit-port-forwarding'],
  ['pty', 'permit-pty'],
  ['user-rc', 'permit-user-rc'],
])

const addressPattern = /^(\d{1,3}(\.\d{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*)(\/\d{1,3})?$/i

/** Options with a text: once each, and never empty. */
const readText = (name: 'force-command' | 'source-address', value: string, critical: Options): void => {
  if (value === '') throw new FatalError(`Empty ${name} option`)
  if (critical[name] !== undefined) throw new FatalError(`${name} already specified`)
  if (name === 'source-address' && !value.split(',').every(each => addressPattern.test(each)))
    throw new FatalError('Invalid source-address list')
  critical[name] = value
}

/** `name=value` or a name alone, of options nobody knows here. */
const readOwn = (text: string, into: Options): void => {
  const at = text.indexOf('=')
  into[at < 0 ? text : text.slice(0, at)] = at < 0 ? true : text.slice(at + 1)
}

const readOne = (option: string, critical: Options, extensions: Options, permitted: Set<string>): void => {
  const lower = option.toLowerCase()
  const [, word = '', what = ''] = /^(permit|no)-(.+)$/.exec(lower) ?? []
  const permission = permissions.get(what)
  if (lower === 'clear') {
    permitted.clear()
    delete critical['verify-required']
  } else if (permission !== undefined) {
    if (word === 'permit') permitted.add(permission)
    else permitted.delete(permission)
  } else if (lower === 'no-touch-required') permitted.add(lower)
  else if (lower === 'touch-required') permitted.delete('no-touch-required')
  else if (lower === 'verify-required') critical[lower] = true
  else if (lower === 'no-verify-required') delete critical['verify-required']
  else if (lower.startsWith('force-command=')) readText('force-command', option.slice('force-command='.length), critical)
  else if (lower.startsWith('source-address=')) readText('source-address', option.slice('source-address='.length), critical)
  else if (lower.startsWith('extension:')) readOwn(option.slice('extension:'.length), extensions)
  else if (lower.startsWith('critical:')) readOwn(option.slice('critical:'.length), critical)
  else throw new FatalError(`Unsupported certificate option "${option}"`)
}

/** The options of a certificate; those of users begin with all permissions. Throws `FatalError`. */
export const readCertificateOptions = (options: readonly string[], isHost: boolean): CertificateWords => {
  const critical: Options = {}
  const extensions: Options = {}
  const permitted = new Set(isHost ? [] : permissions.values())
  for (const option of options) readOne(option, critical, extensions, permitted)
  return {
    criticalOptions: critical,
    extensions: { ...Object.fromEntries([...permitted].map(name => [name, true as const])), ...extensions },
  }
}

export interface Validity {
  readonly validAfter: bigint
  readonly validBefore: bigint
}

const hexTime = (text: string): bigint => {
  if (!/^0x[0-9a-f]{1,16}$/i.test(text)) throw new FatalError(`Invalid hex time ${text}`)
  return BigInt(text)
}

const relativeTime = (text: string, now: bigint): bigint => {
  const seconds = readTimeSpan(text.slice(1))
  if (seconds === undefined) throw new FatalError(`Invalid relative certificate time ${text}`)
  const time = text.startsWith('-') ? now - BigInt(seconds) : now + BigInt(seconds)
  if (time < 0n) throw new FatalError(`Certificate time ${text} cannot be represented`)
  return time
}

const oneTime = (text: string, now: bigint, end: 'from' | 'to'): bigint => {
  if (/^[+-]/.test(text)) return relativeTime(text, now)
  if (end === 'from' && text === 'always') return 0n
  if (end === 'to' && text === 'forever') return forever
  if (text.startsWith('0x')) return hexTime(text)
  const time = parseAbsoluteTime(text)
  if (time === undefined || time < 0) throw new FatalError(`Invalid ${end} time "${text}"`)
  return BigInt(Math.trunc(time / 1000))
}

/** `+52w`, or `from:to`. `now` is in seconds. Throws `FatalError`. */
export const readValidity = (text: string | undefined, now: bigint): Validity => {
  if (text === undefined) return { validAfter: 0n, validBefore: forever }
  if (text.startsWith('+') && !text.includes(':')) {
    const seconds = readTimeSpan(text.slice(1))
    if (seconds === undefined) throw new FatalError(`Invalid relative certificate life ${text}`)
    // A minute back, for machines whose clocks are behind.
    return { validAfter: ((now - 59n) / 60n) * 60n, validBefore: now + BigInt(seconds) }
  }
  const [, from, to] = /^([^:]+):(.+)$/.exec(text) ?? []
  if (from === undefined || to === undefined) throw new FatalError(`Invalid certificate life specification ${text}`)
  const validity = { validAfter: oneTime(from, now, 'from'), validBefore: oneTime(to, now, 'to') }
  if (validity.validBefore <= validity.validAfter) throw new FatalError('Empty certificate validity interval')
  return validity
}
