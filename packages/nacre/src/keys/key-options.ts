// Owns the options in front of a key in authorized_keys: one row each, read into one typed value. Knows nothing of lines
// or files, nor of how an option is carried out.
import { escapeForPeople } from '../errors.ts'

/** `host:port` of `permitopen` and `permitlisten`; `*` is any. */
export interface PermittedPlace {
  readonly host: string
  readonly port: number | '*'
}

export interface KeyOptions {
  /** Runs instead of what the client asks for. */
  readonly command: string | undefined
  /** Added to the session's environment, in order; of two with one name the first counts. */
  readonly environment: readonly { readonly name: string; readonly value: string }[]
  /** Patterns and CIDR blocks (`!` negates) the client's host name or address must match. */
  readonly from: readonly string[] | undefined
  /** Milliseconds since 1970 from when on the key is refused. */
  readonly expires: number | undefined
  readonly certAuthority: boolean
  /** Names a certificate must list, for `cert-authority` lines. */
  readonly principals: readonly string[] | undefined
  readonly permitOpen: readonly PermittedPlace[] | undefined
  readonly permitListen: readonly PermittedPlace[] | undefined
  /** Number of the tunnel device that must be used. */
  readonly tunnel: number | 'any' | undefined
  /** Security keys: false asks for a touch, as is usual. */
  readonly noTouchRequired: boolean
  /** Security keys: a PIN or the like is required. */
  readonly verifyRequired: boolean
  /** What the key may do, after `restrict` and the options that give back or take away, in order. */
  readonly may: {
    readonly pty: boolean
    readonly portForwarding: boolean
    readonly agentForwarding: boolean
    readonly x11Forwarding: boolean
    readonly userRc: boolean
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
interface Draft extends Writable<Omit<KeyOptions, 'environment' | 'may'>> {
  environment: { name: string; value: string }[]
  may: Writable<KeyOptions['may']>
}

const draft = (): Draft => ({
  command: undefined,
  environment: [],
  from: undefined,
  expires: undefined,
  certAuthority: false,
  principals: undefined,
  permitOpen: undefined,
  permitListen: undefined,
  tunnel: undefined,
  noTouchRequired: false,
  verifyRequired: false,
  may: { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true, userRc: true },
})

/** A key without any options: it may do everything. */
export const noOptions: KeyOptions = draft()

/** Each returns what is wrong, in words that follow the option's name, or nothing. */
type Flag = (options: Draft) => void
type Valued = (options: Draft, value: string) => string | undefined

const once = (present: unknown): string | undefined => (present === undefined ? undefined : 'is there twice')

const setCommand: Valued = (options, value) => {
  const twice = once(options.command)
  options.command = value
  return twice
}

const setFrom: Valued = (options, value) => {
  const twice = once(options.from)
  options.from = value
    .split(',')
    .map(each => each.trim())
    .filter(each => each !== '')
  return twice ?? (options.from.length === 0 ? 'has an empty list' : undefined)
}

const setEnvironment: Valued = (options, value) => {
  const split = /^([A-Za-z_][A-Za-z0-9_]*)=([^\0]*)$/s.exec(value)
  if (split === null) return 'needs the form "NAME=value"'
  if (options.environment.length >= 1024) return 'is there more than 1024 times'
  if (!options.environment.some(each => each.name === split[1])) options.environment.push({ name: split[1], value: split[2] })
  return undefined
}

/** `YYYYMMDD[HHMM[SS]]` in local time, or in UTC with a `Z` behind it (sshd(8)). */
const parseTime = (value: string): number | undefined => {
  const parts = /^(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z?)$/i.exec(value)
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(each => Number(each ?? 0))
  const utc = Date.UTC(year, month - 1, day, hour, minute, second)
  // Dates that do not exist, such as the 31st of June, roll over; those are refused.
  const back = new Date(utc)
  if (hour > 23 || minute > 59 || second > 59 || back.getUTCMonth() !== month - 1 || back.getUTCDate() !== day) return undefined
  return parts[7] === '' ? new Date(year, month - 1, day, hour, minute, second).getTime() : utc
}

const setExpiry: Valued = (options, value) => {
  const time = parseTime(value)
  if (time === undefined) return 'needs a time of the form YYYYMMDD[HHMM[SS]][Z]'
  // Of several the earliest counts.
  options.expires = Math.min(time, options.expires ?? time)
  return undefined
}

const setPrincipals: Valued = (options, value) => {
  const twice = once(options.principals)
  options.principals = value.split(',')
  return twice ?? (options.principals.includes('') ? 'has an empty name' : undefined)
}

const parsePort = (text: string): number | '*' | undefined => {
  if (text === '*') return '*'
  if (!/^\d{1,5}$/.test(text)) return undefined
  const port = Number(text)
  return port >= 1 && port <= 65535 ? port : undefined
}

const parsePlace = (value: string, hostNeeded: boolean): PermittedPlace | undefined => {
  const split = /^(?:(\[[^\]]+\]|[^:[\]]*):)?([^:]+)$/.exec(value)
  if (split === null || (hostNeeded && (split[1] ?? '') === '')) return undefined
  const port = parsePort(split[2])
  const host = split[1] === undefined || split[1] === '' ? '*' : split[1].replaceAll(/^\[|\]$/g, '')
  return port === undefined ? undefined : { host, port }
}

const setPermitOpen: Valued = (options, value) => {
  const place = parsePlace(value, true)
  if (place !== undefined) options.permitOpen = [...(options.permitOpen ?? []), place]
  return place === undefined ? 'needs the form "host:port"' : undefined
}

const setPermitListen: Valued = (options, value) => {
  const place = parsePlace(value, false)
  if (place !== undefined) options.permitListen = [...(options.permitListen ?? []), place]
  return place === undefined ? 'needs the form "[host:]port"' : undefined
}

const setTunnel: Valued = (options, value) => {
  const twice = once(options.tunnel)
  if (!/^(any|\d{1,9})$/.test(value)) return 'needs a device number or "any"'
  options.tunnel = value === 'any' ? 'any' : Number(value)
  return twice
}

const valued = new Map<string, Valued>([
  ['command', setCommand],
  ['from', setFrom],
  ['environment', setEnvironment],
  ['expiry-time', setExpiry],
  ['principals', setPrincipals],
  ['permitopen', setPermitOpen],
  ['permitlisten', setPermitListen],
  ['tunnel', setTunnel],
])

const permissions = {
  pty: 'pty',
  'port-forwarding': 'portForwarding',
  'agent-forwarding': 'agentForwarding',
  'x11-forwarding': 'x11Forwarding',
  'user-rc': 'userRc',
} as const satisfies Record<string, keyof KeyOptions['may']>

const flags = new Map<string, Flag>([
  [
    'restrict',
    options => void (options.may = { pty: false, portForwarding: false, agentForwarding: false, x11Forwarding: false, userRc: false }),
  ],
  ['cert-authority', options => void (options.certAuthority = true)],
  ['no-touch-required', options => void (options.noTouchRequired = true)],
  ['touch-required', options => void (options.noTouchRequired = false)],
  ['verify-required', options => void (options.verifyRequired = true)],
  ['no-verify-required', options => void (options.verifyRequired = false)],
  ...Object.entries(permissions).flatMap(([name, permission]): [string, Flag][] => [
    [name, options => void (options.may[permission] = true)],
    [`no-${name}`, options => void (options.may[permission] = false)],
  ]),
])

const quotedValue = /^"((?:[^"\\]|\\"|\\(?!"))*)"/

/** The options field of a line, or what is wrong with it, in words. */
export const parseKeyOptions = (field: string): KeyOptions | string => {
  const options = draft()
  let rest = field
  while (true) {
    const name = /^[A-Za-z0-9-]+/.exec(rest)?.[0]
    if (name === undefined) return `its options have something odd at "${escapeForPeople(rest, { limit: 20 })}"`
    rest = rest.slice(name.length)
    const problem = rest.startsWith('=') ? takeValued(name) : takeFlag(name)
    if (problem !== undefined) return problem
    if (rest === '') return options
    if (!rest.startsWith(',')) return `its options have something odd behind "${name}"`
    rest = rest.slice(1)
  }

  function takeFlag(name: string): string | undefined {
    const flag = flags.get(name.toLowerCase())
    if (flag === undefined)
      return valued.has(name.toLowerCase()) ? `the option "${name}" needs a value` : `the option "${name}" is not known`
    flag(options)
    return undefined
  }

  function takeValued(name: string): string | undefined {
    const set = valued.get(name.toLowerCase())
    if (set === undefined)
      return flags.has(name.toLowerCase()) ? `the option "${name}" takes no value` : `the option "${name}" is not known`
    const value = quotedValue.exec(rest.slice(1))
    if (value === null) return `the value of the option "${name}" is not in double quotes`
    rest = rest.slice(1 + value[0].length)
    // Only `\"` is an escape; other backslashes are part of the value.
    const problem = set(options, value[1].replaceAll('\\"', '"'))
    return problem === undefined ? undefined : `the option "${name}" ${problem}`
  }
}
