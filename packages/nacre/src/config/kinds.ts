// Owns the kinds of values a configuration keyword can take: how each is read from words and written back. Knows
// nothing of which keyword uses which, nor of files. A kind reports a fault by throwing `BadValue`; the parser adds where.
import { choose } from '../algorithms/preference.ts'
import type { Standing } from '../algorithms/rows.ts'
import { ConfigError } from '../errors.ts'

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
  /** As OpenSSH prints it, without quotes; where it is left out, as `show` does. Not always to be read back. */
  print?(value: T): readonly string[]
}

/** Quotes a word as the parser reads it. */
export const quoteWord = (word: string): string => (word === '' || /[\s"'#\\]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word)

export const one = (input: Words, means: string): string => {
  if (input.words.length === 1) return input.words[0]
  throw new BadValue(input.words.length === 0 ? `needs a value: ${means}` : `takes one value (${means}), not ${input.words.length}`)
}

export const some = (input: Words, means: string): readonly string[] => {
  if (input.words.length === 0) throw new BadValue(`needs a value: ${means}`)
  return input.words
}

/** A kind whose value is one word. */
export const single = <T>(
  means: string,
  read: (word: string) => T | undefined,
  show: (value: T) => string,
  print: (value: T) => string = show,
): Kind<T> => ({
  means,
  read: input => {
    const word = one(input, means)
    const value = read(word)
    if (value === undefined) throw new BadValue(`must be ${means}, not "${word}"`)
    return value
  },
  show: value => [show(value)],
  print: value => [print(value)],
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

/**
 * Seconds in a text such as `90`, `1h30m` or `2w`; `undefined` when it is none. As in OpenSSH only the last number may be
 * without unit, seconds stand once and may have a fraction, which is dropped.
 */
export const readSeconds = (word: string): number | undefined => {
  if (!/^(\d{1,10}[mhdw])*(\d{0,10}(\.\d{1,10})?s?)?(\d{1,10}[mhdw])*$/i.test(word) || !/\d/.test(word) || /\.\d*[mhdw]/i.test(word))
    return undefined
  let total = 0
  for (const [, count, unit] of word.toLowerCase().matchAll(/([\d.]+)([smhdw]?)/g)) total += Number(count) * units[unit]
  return Math.floor(total) <= longest ? Math.floor(total) : undefined
}

/** Seconds: `90`, `1h30m`. */
export const seconds: Kind<number> = single('a time such as 90, 5m or 1h30m', readSeconds, String)
const scales: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }
const readBytes = (word: string): number | undefined => {
  const found = /^(\d{1,12})([bkmgt]?)$/i.exec(word)
  if (found === null) return undefined
  const bytes = Number(found[1]) * scales[found[2].toLowerCase()]
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/**
 * When new keys are made: after so many bytes, after so many seconds. `undefined` where nothing was said, 0 for what the
 * cipher wants and for no limit of time.
 */
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
    // `none` counts as not said.
    if (time === undefined || time.toLowerCase() === 'none') return { bytes, seconds: undefined }
    const after = readSeconds(time)
    if (after === undefined) throw new BadValue(`has the time "${time}"; write ${rekeyLimit.means}`)
    return { bytes, seconds: after }
  },
  show: value => [`${value.bytes ?? 0} ${value.seconds ?? 0}`],
}

/** One word, taken as it stands: a path, a name, a host. Tokens such as `%h` stay unexpanded. */
export const word: Kind<string> = single(
  'one word',
  each => (each === '' ? undefined : each),
  quoteWord,
  each => each,
)

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
  print: values => values,
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
const algorithms: Kind<string> = single(
  'names with commas between, optionally after +, - or ^',
  each => (/^[+^-]?[^\s,+^-][^\s,]*(,[^\s,]+)*$/.test(each) ? each : undefined),
  each => each,
)

interface Named {
  readonly name: string
  readonly standing: Standing
}

/** As `algorithms`, of which each name has to be one of `rows`, or a pattern for some; `what` is one of them, in words. */
export const algorithmsOf = (what: string, rows: readonly Named[]): Kind<string> => ({
  ...algorithms,
  read: input => {
    const text = algorithms.read(input)
    try {
      choose(what, rows, text)
      return text
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      throw new BadValue(`is bad: ${error.message.replace(/\.$/, '')}`)
    }
  },
})

/** A TCP port. */
export const port: Kind<number> = integer(1, 65535)
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
  print: values => values.map(pair => pair.join('=')),
}

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

export const facilities = choice([
  'DAEMON',
  'USER',
  'AUTH',
  'AUTHPRIV',
  'LOCAL0',
  'LOCAL1',
  'LOCAL2',
  'LOCAL3',
  'LOCAL4',
  'LOCAL5',
  'LOCAL6',
  'LOCAL7',
])
