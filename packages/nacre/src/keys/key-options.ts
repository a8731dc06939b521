// Owns the options in front of a key in authorized_keys: one row each, read into one typed value. Knows nothing of lines
// or files, nor of how an option is carried out.
import { addressRanges, parseAddress } from '../addresses.ts'
import { escapeForPeople } from '../errors.ts'
import { formatAbsoluteTime, parseAbsoluteTime } from './absolute-time.ts'

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
    /** Only `restrict` takes it, and nothing gives it back. */
    readonly tunnels: boolean
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }
interface Draft extends Writable<Omit<KeyOptions, 'environment' | 'may' | 'permitOpen' | 'permitListen'>> {
  permitOpen: PermittedPlace[] | undefined
  permitListen: PermittedPlace[] | undefined
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
  may: { pty: true, portForwarding: true, agentForwarding: true, x11Forwarding: true, userRc: true, tunnels: true },
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

/** `10.0.0.1/8`, `10.0.0.0/33`: sshd lets nobody in by a list that has one. */
const isOddRange = (pattern: string): boolean => {
  const range = /^!?(([^/]+)\/(\d+))$/.exec(pattern)
  if (range === null || Number(range[3]) > 128 || parseAddress(range[2]) === undefined) return false
  try {
    addressRanges([range[1]])
    return false
  } catch (error) {
    if (error instanceof TypeError) return true
    throw error
  }
}

const setFrom: Valued = (options, value) => {
  const twice = once(options.from)
  // Blanks are part of a pattern, as they are to sshd, where a list with an empty entry fits nobody.
  options.from = value.split(',')
  if (options.from.some(each => each === '' || each === '!')) return 'has an empty entry'
  const odd = options.from.find(isOddRange)
  return (
    twice ??
    (odd === undefined ? undefined : `has the range "${escapeForPeople(odd, { limit: 60 })}", whose length is not that of its address`)
  )
}

/** As many as sshd takes. */
const mostEnvironment = 1024
const mostPlaces = 4096

const setEnvironment: Valued = (options, value) => {
  const split = /^([A-Za-z0-9_]+)=([^\0]*)$/s.exec(value)
  if (split === null) return 'needs the form "NAME=value"'
  if (options.environment.length > mostEnvironment) return `is there more than ${mostEnvironment} times`
  if (!options.environment.some(each => each.name === split[1])) options.environment.push({ name: split[1], value: split[2] })
  return undefined
}

const setExpiry: Valued = (options, value) => {
  const time = parseAbsoluteTime(value)
  // Zero would mean "no such time" to sshd, and lets nobody in there either.
  if (time === undefined || time === 0) return 'needs a time of the form YYYYMMDD[HHMM[SS]][Z]'
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

const addPlace = (places: PermittedPlace[], place: PermittedPlace): string | undefined => {
  if (places.length > mostPlaces) return `is there more than ${mostPlaces} times`
  places.push(place)
  return undefined
}

const setPermitOpen: Valued = (options, value) => {
  const place = parsePlace(value, true)
  return place === undefined ? 'needs the form "host:port"' : addPlace((options.permitOpen ??= []), place)
}

const setPermitListen: Valued = (options, value) => {
  const place = parsePlace(value, false)
  return place === undefined ? 'needs the form "[host:]port"' : addPlace((options.permitListen ??= []), place)
}

const highestTunnel = 0x7ffffffd

const setTunnel: Valued = (options, value) => {
  if (!/^(any|\d{1,10})$/i.test(value) || Number(value) > highestTunnel) return 'needs a device number or "any"'
  // Of several the last counts.
  options.tunnel = value.toLowerCase() === 'any' ? 'any' : Number(value)
  return undefined
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
    options =>
      void (options.may = {
        pty: false,
        portForwarding: false,
        agentForwarding: false,
        x11Forwarding: false,
        userRc: false,
        tunnels: false,
      }),
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

/** Such a line is meant for certificates; without `cert-authority` it would let the bare key in. */
const principalsAlone = 'the option "principals" is only for keys with "cert-authority"'

const quotedValue = /^"((?:[^"\\]|\\"|\\(?!"))*)"/

/** The options field of a line, or what is wrong with it, in words. */
export const parseKeyOptions = (field: string): KeyOptions | string => {
  const options = draft()
  let rest = field
  while (true) {
    // Nothing between two commas, before the first or behind the last is an option that says nothing, as it is to sshd.
    rest = rest.replace(/^,+/, '')
    if (rest === '') return options.principals !== undefined && !options.certAuthority ? principalsAlone : options
    const name = /^[A-Za-z0-9-]+/.exec(rest)?.[0]
    if (name === undefined) return `its options have something odd at "${escapeForPeople(rest, { limit: 20 })}"`
    rest = rest.slice(name.length)
    const problem = rest.startsWith('=') ? takeValued(name) : takeFlag(name)
    if (problem !== undefined) return problem
    if (rest !== '' && !rest.startsWith(',')) return `its options have something odd behind "${name}"`
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

const quoted = (name: string, value: string): string => {
  // There is no way to write them: a backslash at the end would hide the quote behind it.
  if (/[\0\r\n]/.test(value) || value.endsWith('\\')) {
    throw new TypeError(`the option "${name}" cannot have the value "${escapeForPeople(value, { limit: 60 })}"`)
  }
  return `${name}="${value.replaceAll('"', '\\"')}"`
}

const placeText = ({ host, port }: PermittedPlace): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

const permissionTexts = (may: KeyOptions['may']): readonly string[] => {
  const rows = Object.entries(permissions)
  const taken = rows.filter(([, permission]) => !may[permission])
  // Only `restrict` takes tunnels, and what sshd will know one day.
  if (may.tunnels) return taken.map(([name]) => `no-${name}`)
  return ['restrict', ...rows.filter(([, permission]) => may[permission]).map(([name]) => name)]
}

/**
 * The options field that means the same; '' when nothing is said. Throws `TypeError` for a value that cannot be written, such
 * as one with a line break.
 */
export const formatKeyOptions = (options: KeyOptions): string =>
  [
    ...(options.certAuthority ? ['cert-authority'] : []),
    ...(options.principals === undefined ? [] : [quoted('principals', options.principals.join(','))]),
    ...permissionTexts(options.may),
    ...(options.from === undefined ? [] : [quoted('from', options.from.join(','))]),
    ...(options.expires === undefined ? [] : [quoted('expiry-time', formatAbsoluteTime(options.expires))]),
    ...(options.command === undefined ? [] : [quoted('command', options.command)]),
    ...options.environment.map(({ name, value }) => quoted('environment', `${name}=${value}`)),
    ...(options.permitOpen ?? []).map(place => quoted('permitopen', placeText(place))),
    ...(options.permitListen ?? []).map(place => quoted('permitlisten', placeText(place))),
    ...(options.tunnel === undefined ? [] : [quoted('tunnel', String(options.tunnel))]),
    ...(options.noTouchRequired ? ['no-touch-required'] : []),
    ...(options.verifyRequired ? ['verify-required'] : []),
  ].join(',')
