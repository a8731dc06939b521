// Owns the kinds of values a configuration keyword can take: how each is read from words and written back. Knows
// nothing of which keyword uses which, nor of files. A kind reports a fault by throwing `BadValue`; the parser adds where.

/** What is wrong with a value, in words that follow the keyword's name. */
export class BadValue extends Error {}

/** The words after a keyword, and the same text unsplit for the kinds that want it raw. */
export interface Words {
  readonly words: readonly string[]
  readonly raw: string
}

/** How values of one kind are read and written. `read(show(value))` is `value` again. */
export interface Kind<T> {
  /** For the reference page and for messages: `yes or no`, `a number from 1 to 65535`, … */
  readonly means: string
  read(input: Words): T
  /** One line for each text; most kinds give one. An empty list is a value that has no line. */
  show(value: T): readonly string[]
}

/** Quotes a word as the parser reads it. */
const quoteWord = (word: string): string => (word === '' || /[\s"'#\\]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word)

const one = (input: Words, means: string): string => {
  if (input.words.length === 1) return input.words[0]
  throw new BadValue(input.words.length === 0 ? `needs a value: ${means}` : `takes one value (${means}), not ${input.words.length}`)
}

const some = (input: Words, means: string): readonly string[] => {
  if (input.words.length === 0) throw new BadValue(`needs a value: ${means}`)
  return input.words
}

/** A kind whose value is one word. */
const single = <T>(means: string, read: (word: string) => T | undefined, show: (value: T) => string): Kind<T> => ({
  means,
  read: input => {
    const word = one(input, means)
    const value = read(word)
    if (value === undefined) throw new BadValue(`must be ${means}, not "${word}"`)
    return value
  },
  show: value => [show(value)],
})

/** One of the given words, in any case; some words are another's old name. */
export const choice = <const W extends string>(words: readonly W[], oldNames: Readonly<Record<string, W>> = {}): Kind<W> =>
  single(
    words.length === 2 ? words.join(' or ') : `one of ${words.join(', ')}`,
    word => {
      const lower = word.toLowerCase()
      return words.find(each => each.toLowerCase() === lower) ?? (Object.hasOwn(oldNames, lower) ? oldNames[lower] : undefined)
    },
    word => word,
  )

const truths: Readonly<Record<string, boolean>> = { yes: true, true: true, no: false, false: false }
export const yesNo: Kind<boolean> = single(
  'yes or no',
  word => (Object.hasOwn(truths, word.toLowerCase()) ? truths[word.toLowerCase()] : undefined),
  value => (value ? 'yes' : 'no'),
)

/** A whole number within bounds, both included. */
export const integer = (least: number, most: number): Kind<number> =>
  single(
    `a number from ${least} to ${most}`,
    word => (/^\d{1,10}$/.test(word) && Number(word) >= least && Number(word) <= most ? Number(word) : undefined),
    String,
  )

const units: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86400, w: 604800 }
const longest = 2 ** 31 - 1

/** Seconds in a text such as `90`, `1h30m` or `2w`; `undefined` when it is none. */
const readSeconds = (word: string): number | undefined => {
  if (!/^(\d{1,10}[smhdw]?)+$/i.test(word)) return undefined
  let total = 0
  for (const [, count, unit] of word.toLowerCase().matchAll(/(\d+)([smhdw]?)/g)) total += Number(count) * units[unit]
  return total <= longest ? total : undefined
}

/** Seconds: `90`, `1h30m`. */
export const seconds: Kind<number> = single('a time such as 90, 5m or 1h30m', readSeconds, String)
/** Seconds, or `none` for no limit. */
export const secondsOrNone: Kind<number | 'none'> = single<number | 'none'>(
  'a time such as 90 or 5m, or none',
  word => (word.toLowerCase() === 'none' ? 'none' : readSeconds(word)),
  String,
)

const scales: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }
const readBytes = (word: string): number | undefined => {
  const found = /^(\d{1,12})([kmg]?)$/i.exec(word)
  if (found === null) return undefined
  const bytes = Number(found[1]) * scales[found[2].toLowerCase()]
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** When new keys are made: after so many bytes, after so many seconds. `undefined` keeps the default of the cipher, or no limit of time. */
export interface RekeyLimit {
  readonly bytes: number | undefined
  readonly seconds: number | undefined
}
const leastRekeyBytes = 16
export const rekeyLimit: Kind<RekeyLimit> = {
  means: 'an amount such as 512M or 1G (or default), then optionally a time such as 1h (or none)',
  read: input => {
    const [amount, time, ...more] = some(input, rekeyLimit.means)
    if (more.length > 0) throw new BadValue('takes an amount and a time, nothing more')
    const bytes = amount.toLowerCase() === 'default' ? 0 : readBytes(amount)
    if (bytes === undefined) throw new BadValue(`has the amount "${amount}"; write ${rekeyLimit.means}`)
    if (bytes !== 0 && bytes < leastRekeyBytes) throw new BadValue(`has an amount below ${leastRekeyBytes} bytes`)
    const after = time === undefined || time.toLowerCase() === 'none' ? 0 : readSeconds(time)
    if (after === undefined) throw new BadValue(`has the time "${time}"; write ${rekeyLimit.means}`)
    // OpenSSH writes 0 for “the default” and for “never”.
    return { bytes: bytes === 0 ? undefined : bytes, seconds: after === 0 ? undefined : after }
  },
  show: value => [`${value.bytes ?? 0} ${value.seconds ?? 0}`],
}

/** One word, taken as it stands: a path, a name, a host. Tokens such as `%h` stay unexpanded. */
export const word: Kind<string> = single('one word', each => (each === '' ? undefined : each), quoteWord)

/** The rest of the line, spaces and all: a command, a banner. */
export const restOfLine: Kind<string> = {
  means: 'the rest of the line',
  read: input => {
    if (input.raw === '') throw new BadValue('needs a value: the rest of the line')
    return input.raw
  },
  show: value => [value],
}

/** One or more words on one line. */
export const words: Kind<readonly string[]> = {
  means: 'one or more words',
  read: input => some(input, words.means),
  show: values => (values.length === 0 ? [] : [values.map(quoteWord).join(' ')]),
}

/** One or more of the given words, in any case; `none` is none of them. */
export const someOf = <const W extends string>(known: readonly W[]): Kind<readonly W[]> => {
  const means = `none, or ${known.join(' and ')}`
  return {
    means,
    read: input => {
      const read = some(input, means)
        .map(each => each.toLowerCase())
        .filter(each => each !== 'none')
      const odd = read.find(each => !known.some(name => name === each))
      if (odd !== undefined) throw new BadValue(`must be ${means}, not "${odd}"`)
      return known.filter(name => read.includes(name))
    },
    show: values => [values.length === 0 ? 'none' : values.join(' ')],
  }
}

/** One or more words a line; written one a line, for keywords that may be repeated. */
export const wordsPerLine: Kind<readonly string[]> = {
  means: 'one or more words; may be repeated',
  read: input => some(input, wordsPerLine.means),
  show: values => values.map(quoteWord),
}

/** Names with commas between, as one text; empty names are refused. */
export const commaList: Kind<readonly string[]> = single(
  'names with commas between',
  each => (each.split(',').every(name => name !== '') ? each.split(',') : undefined),
  names => names.join(','),
)

/**
 * Names of algorithms with commas between, after an optional `+`, `-` or `^`. Kept as text: what the pattern leaves is
 * decided against the tables, by `choose` of the algorithms.
 */
export const algorithms: Kind<string> = single(
  'names with commas between, optionally after +, - or ^',
  each => (/^[+^-]?[^\s,+^-][^\s,]*(,[^\s,]+)*$/.test(each) ? each : undefined),
  each => each,
)

/** A TCP port. */
export const port: Kind<number> = integer(1, 65535)
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
export const listenAddresses: Kind<readonly ListenAddress[]> = {
  means: 'host, host:port or [host]:port; may be repeated',
  read: input => {
    const text = one(input, listenAddresses.means)
    const address = readAddress(text)
    if (address === undefined) throw new BadValue(`must be ${listenAddresses.means}; "${text}" is not`)
    return [address]
  },
  show: values =>
    values.map(({ host, port: number }) => {
      const shown = host.includes(':') ? `[${host}]` : host
      return number === undefined ? shown : `${shown}:${number}`
    }),
}

/** `NAME=value` pairs, several on a line. */
export const assignments: Kind<readonly (readonly [string, string])[]> = {
  means: 'NAME=value, one or more',
  read: input =>
    some(input, assignments.means).map(each => {
      const equals = each.indexOf('=')
      if (equals <= 0) throw new BadValue(`must be ${assignments.means}; "${each}" is not`)
      return [each.slice(0, equals), each.slice(equals + 1)] as const
    }),
  show: values => (values.length === 0 ? [] : [values.map(([name, value]) => quoteWord(`${name}=${value}`)).join(' ')]),
}

/** A subsystem and the command that serves it. */
export interface SubsystemRow {
  readonly name: string
  readonly command: string
}
export const subsystems: Kind<readonly SubsystemRow[]> = {
  means: 'a name and a command; may be repeated',
  read: input => {
    const found = /^(?:"([^"]+)"|([^\s"]+))\s+(.+)$/s.exec(input.raw)
    if (found === null) throw new BadValue(`needs ${subsystems.means}`)
    return [{ name: found[1] ?? found[2], command: found[3] }]
  },
  show: values => values.map(each => `${quoteWord(each.name)} ${each.command}`),
}

/** How many unauthenticated connections there may be: refuse at random from `begin` on, with `rate` percent, all from `full` on. */
export interface MaxStartups {
  readonly begin: number
  readonly rate: number
  readonly full: number
}
export const maxStartups: Kind<MaxStartups> = single(
  'a number, or begin:rate:full such as 10:30:100',
  text => {
    const found = /^(\d{1,6})(?::(\d{1,3}):(\d{1,6}))?$/.exec(text)
    if (found === null) return undefined
    const begin = Number(found[1])
    const rate = found[2] === undefined ? 100 : Number(found[2])
    const full = found[3] === undefined ? begin : Number(found[3])
    return begin >= 1 && rate >= 1 && rate <= 100 && full >= begin ? { begin, rate, full } : undefined
  },
  value => `${value.begin}:${value.rate}:${value.full}`,
)

/** A whole number, or `none` for no limit. */
export const integerOrNone = (least: number, most: number): Kind<number | 'none'> => {
  const number = integer(least, most)
  return single<number | 'none'>(
    `${number.means}, or none`,
    word =>
      word.toLowerCase() === 'none'
        ? 'none'
        : /^\d{1,10}$/.test(word) && Number(word) >= least && Number(word) <= most
          ? Number(word)
          : undefined,
    String,
  )
}

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

const penaltyTimes = { crash: 90, authfail: 5, noauth: 1, 'grace-exceeded': 10, refuseconnection: 10, max: 600, min: 15 } as const
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
const onePenalty = (name: string, text: string): Partial<SourcePenalties> | undefined => {
  if (isKey(penaltyTimes, name)) {
    const time = readSeconds(text)
    return time === undefined ? undefined : { [name]: time }
  }
  if (isKey(penaltyCounts, name)) return /^[1-9]\d{0,8}$/.test(text) ? { [name]: Number(text) } : undefined
  const mode = overflowModes.find(each => each === text)
  if (mode === undefined) return undefined
  if (name === 'overflow') return { overflow: mode }
  return name === 'overflow6' ? { overflow6: mode } : undefined
}

/** `yes`, `no`, or what differs from the usual: `authfail:30s max:1h`. */
export const sourcePenalties: Kind<SourcePenalties | 'no'> = {
  means: `yes, no, or what differs from the usual: ${Object.keys(usualPenalties)
    .map(name => `${name}:…`)
    .join(' ')}`,
  read: input => {
    const given = some(input, sourcePenalties.means)
    if (given.length === 1 && given[0].toLowerCase() === 'no') return 'no'
    if (given.length === 1 && given[0].toLowerCase() === 'yes') return usualPenalties
    let all = usualPenalties
    for (const each of given) {
      const colon = each.indexOf(':')
      const name = each.slice(0, Math.max(0, colon)).toLowerCase()
      const found = onePenalty(name, each.slice(colon + 1))
      if (found === undefined) throw new BadValue(`has "${each}"; it takes ${sourcePenalties.means}`)
      // As in OpenSSH, `overflow` is for both families unless `overflow6` says otherwise.
      all = { ...all, ...(found.overflow === undefined ? {} : { overflow6: found.overflow }), ...found }
    }
    return all
  },
  show: value => [
    value === 'no'
      ? 'no'
      : Object.entries(value)
          .map(pair => pair.join(':'))
          .join(' '),
  ],
}

/** Chains of methods, any of which lets a user in once it is gone through whole; an empty list stands for `any`. */
export const methodChains: Kind<readonly (readonly string[])[]> = {
  means: 'any, or one or more lists of methods such as publickey,password',
  read: input => {
    const given = some(input, methodChains.means)
    if (given.length === 1 && given[0].toLowerCase() === 'any') return []
    return given.map(chain => {
      const methods = chain.split(',')
      const bad = methods.find(method => !/^(publickey|password|none|keyboard-interactive(:[\w@.-]+)?)$/.test(method))
      if (bad !== undefined) throw new BadValue(`names the method "${bad}"; there are publickey, password, keyboard-interactive and none`)
      return methods
    })
  },
  show: chains => [chains.length === 0 ? 'any' : chains.map(chain => chain.join(',')).join(' ')],
}

/** The character that starts a local command in a session: `~`, a control character for `^]`, or `none`. */
export const escapeCharacter: Kind<string> = single(
  'a character, ^ and a letter, or none',
  text => {
    if (text.toLowerCase() === 'none') return 'none'
    if (/^\^[@-_a-z]$/.test(text)) return String.fromCharCode(text.toUpperCase().charCodeAt(1) & 0x1f)
    return /^[\x20-\x7e]$/.test(text) ? text : undefined
  },
  value => (value < ' ' ? `^${String.fromCharCode(value.charCodeAt(0) | 0x40)}` : quoteWord(value)),
)

/** The largest number OpenSSH's integers hold. */
export const largestNumber: number = longest
export const logLevels = choice(['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG', 'DEBUG1', 'DEBUG2', 'DEBUG3'])
export const families = choice(['any', 'inet', 'inet6'])

/** Words nobody looks into; there has to be one. */
export const anyWords: Kind<readonly string[]> = {
  means: 'anything',
  read: input => some(input, anyWords.means),
  show: values => [values.map(quoteWord).join(' ')],
}
