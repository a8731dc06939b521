// Owns the kinds of values that only sshd_config has: how each is read from words and written back, as `sshd -T` writes it.
// Knows nothing of which keyword uses which, nor of files.
import { assignments, BadValue, choice, type Kind, port, quoteWord, readSeconds, single, some, type Words } from './kinds.ts'
import { compareAddress, matchesUserPattern } from './server-match.ts'

/** `yes` or `no`, and unlike a client's file nothing else. */
export const flag: Kind<boolean> = single(
  'yes or no',
  word => (word.toLowerCase() === 'yes' ? true : word.toLowerCase() === 'no' ? false : undefined),
  value => (value ? 'yes' : 'no'),
)

/** The text of the line as it stands. Its quotes have to have partners all the same. */
const rawText = (input: Words, means: string): string => {
  if (input.words.length === 0 || input.raw === '') throw new BadValue(`needs a value: ${means}`)
  return input.raw
}

/** A command line, for a shell or to be split into words later. */
export const commandLine: Kind<string> = {
  means: 'a command line',
  read: input => rawText(input, commandLine.means),
  show: value => [value],
}

/** A program by its absolute path and its arguments, or `none`. */
export const commandByPath: Kind<string> = {
  means: 'an absolute path with arguments, or none',
  read: input => {
    const text = rawText(input, commandByPath.means)
    if (!text.startsWith('/') && text.toLowerCase() !== 'none') throw new BadValue(`must be ${commandByPath.means}, not "${text}"`)
    return text
  },
  show: value => [value],
}

/** Several words of which `none` stands alone. */
const aloneIsNone = (given: readonly string[]): readonly string[] => {
  if (given.includes('')) throw new BadValue('has an empty value')
  if (given.length > 1 && given.some(each => each.toLowerCase() === 'none')) throw new BadValue('has “none” beside others; it stands alone')
  return given
}

/** Words on one line, or `none`. */
export const wordsOrNone: Kind<readonly string[]> = {
  means: 'one or more words, or none',
  read: input => aloneIsNone(some(input, wordsOrNone.means)),
  show: values => (values.length === 0 ? [] : [values.map(quoteWord).join(' ')]),
}

/** Words on one line; `none` is an empty list, which has no line. */
export const wordsIfAny: Kind<readonly string[]> = {
  ...wordsOrNone,
  read: input => wordsOrNone.read(input).filter(each => each.toLowerCase() !== 'none'),
}

/** `NAME=value`, several on a line; of a name the first counts. */
export const variables: typeof assignments = {
  ...assignments,
  read: input => {
    const given = assignments.read(input)
    return given.filter(([name], index) => given.findIndex(each => each[0] === name) === index)
  },
}

/** Names of variables, `*` and `?` for any. */
export const variableNames: Kind<readonly string[]> = {
  means: 'names of variables, with * and ?; may be repeated',
  read: input => {
    const names = some(input, variableNames.means)
    const bad = names.find(each => each === '' || each.includes('='))
    if (bad !== undefined) throw new BadValue(`has "${bad}", which cannot be the name of a variable`)
    return names
  },
  show: values => values.map(quoteWord),
}

/** `user` or `user@host` patterns. */
export const userPatterns: Kind<readonly string[]> = {
  means: 'patterns for users, or user@host; may be repeated',
  read: input => {
    const patterns = some(input, userPatterns.means)
    for (const each of patterns) {
      if (each === '') throw new BadValue('has an empty pattern')
      matchesUserPattern(each, { user: '', host: undefined, address: undefined })
    }
    return patterns
  },
  show: values => values.map(quoteWord),
}

/** Patterns for names of groups. */
export const groupPatterns: Kind<readonly string[]> = {
  means: 'patterns for groups; may be repeated',
  read: input => {
    const patterns = some(input, groupPatterns.means)
    if (patterns.includes('')) throw new BadValue('has an empty pattern')
    return patterns
  },
  show: values => values.map(quoteWord),
}

/** Addresses, ranges and wildcards with commas between, or `none`. */
export const addressList: Kind<string> = single(
  'addresses, ranges and patterns with commas between, or none',
  text => {
    compareAddress(undefined, text)
    return text
  },
  quoteWord,
)

/** Ports, a line each. */
export const ports: Kind<readonly number[]> = {
  means: 'a port from 1 to 65535; may be repeated',
  read: input => [port.read(input)],
  show: values => values.map(String),
}

/** An address to listen on. `host` is without brackets; `*` and a missing port are left for the listener to fill in. */
export interface ListenAddress {
  readonly host: string
  readonly port: number | undefined
}
const readAddress = (text: string): ListenAddress | undefined => {
  const found = /^\[([^\]]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? /^([0-9a-f:.%]+)()$/i.exec(text)
  if (found === null) return undefined
  const number = found[2] ? Number(found[2]) : undefined
  return number !== undefined && (number < 1 || number > 65535) ? undefined : { host: found[1], port: number }
}
const showAddress = ({ host, port: number }: ListenAddress): string => {
  const shown = host.includes(':') ? `[${host}]` : host
  return number === undefined ? shown : `${shown}:${number}`
}
export const listenAddresses: Kind<readonly ListenAddress[]> = {
  means: 'host, host:port or [host]:port; may be repeated',
  read: input => {
    const [text, routing, ...more] = some(input, listenAddresses.means)
    if (routing?.toLowerCase() === 'rdomain') throw new BadValue('names a routing domain, which this system does not have')
    const address = readAddress(text)
    if (address === undefined || routing !== undefined || more.length > 0)
      throw new BadValue(`must be ${listenAddresses.means}; "${input.raw}" is not`)
    return [address]
  },
  show: values => values.map(showAddress),
}

/** A subsystem and the command that serves it. */
export interface SubsystemRow {
  readonly name: string
  readonly command: string
}

/** Words as one text that reads back to them. */
const assembled = (parts: readonly string[]): string =>
  parts
    .map(each => {
      const text = each.replace(/[\\'"]/g, '\\$&')
      return text === '' || /[ \t]/.test(each) || (each.startsWith('#') && each !== parts[0]) ? `"${text}"` : text
    })
    .join(' ')

export const subsystems: Kind<readonly SubsystemRow[]> = {
  means: 'a name and a command; may be repeated',
  read: ({ words }) => {
    const [name, ...command] = words
    if (name === undefined || name === '' || command.length === 0 || command[0] === '') throw new BadValue(`needs ${subsystems.means}`)
    return [{ name, command: assembled(command) }]
  },
  show: values => values.map(each => `${quoteWord(each.name)} ${each.command}`),
}

/** How many unauthenticated connections there may be: refuse at random from `begin` on, with `rate` percent, all from `full` on. */
export interface MaxStartups {
  readonly begin: number
  readonly rate: number
  readonly full: number
}
const usualRate = 30
export const maxStartups: Kind<MaxStartups> = single(
  'a number, or begin:rate:full such as 10:30:100',
  text => {
    const found = /^(\d{1,9})(?::(\d{1,3}):(\d{1,9}))?$/.exec(text)
    if (found === null) return undefined
    const begin = Number(found[1])
    const rate = found[2] === undefined ? usualRate : Number(found[2])
    const full = found[3] === undefined ? begin : Number(found[3])
    return begin >= 1 && rate >= 1 && rate <= 100 && full >= begin ? { begin, rate, full } : undefined
  },
  value => `${value.begin}:${value.rate}:${value.full}`,
)

/** How many leading bits of an address make one source, for IPv4 and IPv6. */
export interface NetBlockSize {
  readonly v4: number
  readonly v6: number
}
export const netBlockSize: Kind<NetBlockSize> = single(
  'a number of bits for IPv4, or two such as 32:64 for IPv4 and IPv6',
  text => {
    const found = /^(\d{1,2})(?::(\d{1,3}))?$/.exec(text)
    if (found === null) return undefined
    const v4 = Number(found[1])
    const v6 = found[2] === undefined ? 128 : Number(found[2])
    return v4 <= 32 && v6 <= 128 ? { v4, v6 } : undefined
  },
  value => `${value.v4}:${value.v6}`,
)

const penaltyTimes = {
  crash: 90,
  authfail: 5,
  noauth: 1,
  invaliduser: 5,
  'grace-exceeded': 10,
  refuseconnection: 10,
  max: 600,
  min: 15,
} as const
const penaltyCounts = { 'max-sources4': 65_536, 'max-sources6': 65_536 } as const
const overflowModes = ['permissive', 'deny-all'] as const
type OverflowMode = (typeof overflowModes)[number]

/** How long sources of failed logins are refused, in seconds, by OpenSSH's names. */
export type SourcePenalties = Readonly<Record<keyof typeof penaltyTimes | keyof typeof penaltyCounts, number>> & {
  readonly overflow: OverflowMode
  readonly overflow6: OverflowMode
}

export const usualPenalties: SourcePenalties = { ...penaltyTimes, ...penaltyCounts, overflow: 'permissive', overflow6: 'permissive' }

const isKey = <T extends object>(table: T, name: string): name is keyof T & string => Object.hasOwn(table, name)

/** Seconds with parts, such as `1.5s`; hours and the rest are whole. */
const readPartSeconds = (text: string): number | undefined => {
  const parts = /^((?:\d+[mhdw])*)(\d*\.\d+)s?((?:\d+[mhdw])*)$/i.exec(text)
  if (parts === null) return text.includes('.') ? undefined : readSeconds(text)
  const rest = `${parts[1]}${parts[3]}`
  const others = rest === '' ? 0 : readSeconds(rest)
  return others === undefined ? undefined : others + Number(parts[2])
}

const onePenalty = (name: string, text: string): Partial<SourcePenalties> | undefined => {
  if (isKey(penaltyTimes, name)) {
    const time = readPartSeconds(text)
    return time === undefined ? undefined : { [name]: time }
  }
  if (isKey(penaltyCounts, name)) return /^[1-9]\d{0,8}$/.test(text) ? { [name]: Number(text) } : undefined
  const mode = overflowModes.find(each => each === text)
  if (mode === undefined) return undefined
  if (name === 'overflow') return { overflow: mode }
  return name === 'overflow6' ? { overflow6: mode } : undefined
}

/** The order in which `sshd -T` has them. */
const penaltyNames = [
  ...Object.keys(penaltyTimes),
  ...Object.keys(penaltyCounts),
  'overflow',
  'overflow6',
] as readonly (keyof SourcePenalties)[]

/** The figures one line names; `yes` and `no` name none. */
const namedPenalties = (words: readonly string[]): Partial<SourcePenalties> => {
  if (words.length === 1 && /^(yes|no)$/i.test(words[0])) return {}
  let given: Partial<SourcePenalties> = {}
  for (const each of words) {
    const colon = each.indexOf(':')
    const found = onePenalty(each.slice(0, Math.max(0, colon)), each.slice(colon + 1))
    if (found === undefined) throw new BadValue(`has "${each}"; it takes ${sourcePenalties.means}`)
    given = { ...found, ...given }
  }
  return given
}

/** As in OpenSSH, `overflow` is for both families unless `overflow6` says otherwise. */
const filled = (given: Partial<SourcePenalties>): SourcePenalties => ({
  ...usualPenalties,
  ...(given.overflow === undefined ? {} : { overflow6: given.overflow }),
  ...given,
})

const turnsOff = (words: readonly string[]): boolean => words.length === 1 && words[0].toLowerCase() === 'no'

/** `yes`, `no`, or what differs from the usual: `authfail:30s max:1h`. */
export const sourcePenalties: Kind<SourcePenalties | 'no'> = {
  means: `yes, no, or what differs from the usual: ${penaltyNames.map(name => `${name}:…`).join(' ')}`,
  read: input => {
    const words = some(input, sourcePenalties.means)
    const given = namedPenalties(words)
    return turnsOff(words) ? 'no' : filled(given)
  },
  show: value =>
    value === 'no'
      ? ['no']
      : [penaltyNames.map(name => `${name}:${isKey(penaltyTimes, name) ? value[name].toFixed(6) : value[name]}`).join(' ')],
}

/** What several lines say together: of each figure the first counts, and whoever names one wants penalties. */
export const togetherPenalties = (lines: readonly Words[]): SourcePenalties | 'no' => {
  const given = lines.map(({ words }) => namedPenalties(words)).reduceRight((all, each) => ({ ...all, ...each }), {})
  return Object.keys(given).length === 0 && turnsOff(lines[0]?.words ?? []) ? 'no' : filled(given)
}

const methodName = /^(publickey|password|none|hostbased|keyboard-interactive)(:.*)?$/

/** Chains of methods, any of which lets a user in once it is gone through whole; an empty list stands for `any`. */
export const methodChains: Kind<readonly (readonly string[])[]> = {
  means: 'any, or one or more lists of methods such as publickey,password',
  read: input => {
    const given = some(input, methodChains.means)
    if (given.length === 1 && given[0] === 'any') return []
    return given.map(chain => {
      const methods = chain.split(',')
      const bad = methods.find(method => !methodName.test(method))
      if (bad === 'any') throw new BadValue('has “any” beside others; it stands alone')
      if (bad !== undefined)
        throw new BadValue(`names the method "${bad}"; there are publickey, password, keyboard-interactive, hostbased and none`)
      return methods
    })
  },
  show: chains => [chains.length === 0 ? 'any' : chains.map(chain => chain.join(',')).join(' ')],
}

/** A value that is out after so many seconds, or `none`. */
export const timeoutOrNone: Kind<number> = single(
  'a time such as 90 or 5m, or none',
  word => (word.toLowerCase() === 'none' ? 0 : readSeconds(word)),
  value => (value === 0 ? 'none' : String(value)),
)

/** Channels of one type, after how many seconds in which nothing passed over them they are closed, and how that was written. */
export interface ChannelTimeout {
  /** A wildcard pattern for `session:shell` and the like. */
  readonly type: string
  readonly seconds: number
  readonly written: string
}
export const channelTimeouts: Kind<readonly ChannelTimeout[]> = {
  means: 'none, or type=time, one or more, such as session=1h',
  read: input => {
    const given = aloneIsNone(some(input, channelTimeouts.means))
    if (given[0].toLowerCase() === 'none') return []
    return given.map(written => {
      const [type, time] = [written.slice(0, Math.max(0, written.indexOf('='))), written.slice(written.indexOf('=') + 1)]
      const seconds = type === '' ? undefined : readSeconds(time)
      if (seconds === undefined) throw new BadValue(`must be ${channelTimeouts.means}; "${written}" is not`)
      return { type, seconds, written }
    })
  },
  show: values => [values.length === 0 ? 'none' : values.map(each => quoteWord(each.written)).join(' ')],
}

/** Where forwarding may go: `host:port`, either may be `*`; or `any`, or `none`. */
const destinations = (barePort: boolean): Kind<readonly string[]> => {
  const means = `any, none, or ${barePort ? 'port or ' : ''}host:port, one or more`
  return {
    means,
    read: input => {
      const given = some(input, means)
      if (given.length > 1 && given.some(each => each === 'any' || each === 'none')) throw new BadValue('has “any” or “none” beside others')
      return given.map(each => {
        if (each === 'any' || each === 'none') return each
        const whole = barePort && !each.includes(':') ? `*:${each}` : each
        const found = /^(?:\[[^\]]+\]|[^[\]]+):(\*|\d{1,5})$/.exec(whole)
        if (found === null || (found[1] !== '*' && (Number(found[1]) < 1 || Number(found[1]) > 65_535)))
          throw new BadValue(`must be ${means}; "${each}" is not`)
        return whole
      })
    },
    show: values => [values.map(quoteWord).join(' ')],
  }
}
export const permittedOpens: Kind<readonly string[]> = destinations(false)
export const permittedListens: Kind<readonly string[]> = destinations(true)

/** A mode in octal, as umask(2) has it. */
export const octalMode: Kind<number> = single(
  'a mode in octal such as 0177',
  text => (/^0*[0-7]{1,3}$/.test(text) ? Number.parseInt(text, 8) : undefined),
  value => `0${value.toString(8)}`,
)

/** The names of classes by the byte they stand for (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622). */
const classNames = new Map<number, string>([
  ...[1, 2, 3, 4].flatMap(each => [1, 2, 3].map(drop => [(each * 8 + drop * 2) * 4, `af${each}${drop}`] as const)),
  ...[0, 1, 2, 3, 4, 5, 6, 7].map(each => [each * 32, `cs${each}`] as const),
  [0xb8, 'ef'],
  [0x04, 'le'],
  [0xb0, 'va'],
])
const oldClasses: readonly string[] = ['lowdelay', 'throughput', 'reliability']

const readClass = (text: string): string | undefined => {
  const lower = text.toLowerCase()
  if (lower === 'none' || oldClasses.includes(lower)) return 'none'
  if ([...classNames.values()].includes(lower)) return lower
  if (!/^\d{1,3}$/.test(text) || Number(text) > 255) return undefined
  return classNames.get(Number(text)) ?? String(Number(text))
}
/** The byte of IP's header for such a name; -1 is the system's default. */
export const classByte = (name: string): number =>
  name === 'none' ? -1 : ([...classNames].find(([, known]) => known === name)?.[0] ?? Number(name))

/** A class of traffic by name, for what is typed and for what is copied. */
export const qualityOfService: Kind<readonly [string, string]> = {
  means: 'one or two of af11 to af43, cs0 to cs7, ef, le, va, none or a number',
  read: input => {
    const given = some(input, qualityOfService.means)
    const [first, second] = [readClass(given[0]), readClass(given[given.length > 1 ? 1 : 0])]
    if (given.length > 2 || first === undefined || second === undefined)
      throw new BadValue(`must be ${qualityOfService.means}, not "${given.join(' ')}"`)
    return [first, second]
  },
  show: values => [values.join(' ')],
}

/** LogLevel. DEBUG and DEBUG1 are one. */
export const serverLogLevels = choice(['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG', 'DEBUG2', 'DEBUG3'], { debug1: 'DEBUG' })
/** Which kinds of forwarding of ports or sockets: both, none, or the client's or the server's end only. */
export const forwardingSides = choice(['yes', 'no', 'remote', 'local'], { all: 'yes' })
