// Owns the kinds of values that only ssh_config has: states printed by other words than they are written, lists, devices,
// qualities of service. Knows nothing of which keyword uses which.
import { BadValue, type Kind, one, quoteWord, readSeconds, rekeyLimit, type RekeyLimit, single, some } from './kinds.ts'
import { readPort } from './reach-kinds.ts'

/**
 * A state: by the words that may be written, in any case, the state each stands for. It is printed by the first word that
 * stands for it.
 */
export const states = <S extends string>(words: Readonly<Record<string, S>>): Kind<S> => {
  const first = (state: S): string => Object.keys(words).find(word => words[word] === state) ?? state
  const means = Object.keys(words).join(', ')
  return single(`one of ${means}`, word => (Object.hasOwn(words, word.toLowerCase()) ? words[word.toLowerCase()] : undefined), first)
}

const yes = { true: 'yes', false: 'no', yes: 'yes', no: 'no' } as const
export const yesNoAsk = states<'yes' | 'no' | 'ask'>({ ...yes, ask: 'ask' })
export const strictChecking = states<'yes' | 'no' | 'ask' | 'accept-new'>({ ...yes, ask: 'ask', off: 'no', 'accept-new': 'accept-new' })
export const controlMasters = states<'yes' | 'no' | 'auto' | 'ask' | 'autoask'>({
  ...yes,
  auto: 'auto',
  ask: 'ask',
  autoask: 'autoask',
})
/** `yes` is the usual kind of tunnel. */
export const tunnels = states<'no' | 'point-to-point' | 'ethernet'>({
  ethernet: 'ethernet',
  'point-to-point': 'point-to-point',
  true: 'point-to-point',
  yes: 'point-to-point',
  false: 'no',
  no: 'no',
})
export const terminals = states<'yes' | 'no' | 'force' | 'auto'>({ ...yes, force: 'force', auto: 'auto' })
export const canonicalizations = states<'yes' | 'no' | 'always'>({ ...yes, always: 'always' })
export const publicKeyUses = states<'yes' | 'no' | 'unbound' | 'host-bound'>({ ...yes, unbound: 'unbound', 'host-bound': 'host-bound' })
/** Compression knows neither `true` nor `false`. */
export const compressions: Kind<boolean> = single(
  'yes or no',
  word => (word.toLowerCase() === 'yes' ? true : word.toLowerCase() === 'no' ? false : undefined),
  value => (value ? 'yes' : 'no'),
)
const truths: Readonly<Record<string, boolean>> = { true: true, yes: true, false: false, no: false, 'no-pq-kex': false }
export const weakCryptoWarnings: Kind<boolean> = single(
  'yes, no or no-pq-kex',
  word => (Object.hasOwn(truths, word.toLowerCase()) ? truths[word.toLowerCase()] : undefined),
  value => (value ? 'yes' : 'no'),
)

/** `none` counts as not said: a later line may still say it. */
export const secondsOrNothing: Kind<number> = single(
  'a time such as 90, 5m or 1h30m, or none',
  word => (word === 'none' ? Number.NaN : readSeconds(word)),
  value => (Number.isNaN(value) ? 'none' : String(value)),
)

/** Seconds, or `none` for no limit of our own. */
export const secondsOrUnlimited: Kind<number | 'none'> = single<number | 'none'>(
  'a time such as 90 or 5m, or none',
  word => (word === 'none' ? 'none' : readSeconds(word)),
  String,
)

/** Words of which `alone` ones may only stand for themselves. */
export const wordsOrAlone = (...alone: readonly string[]): Kind<readonly string[]> => {
  const kind: Kind<readonly string[]> = {
    means: `${alone.join(' or ')}, or one or more words`,
    read: input => {
      const words = some(input, kind.means)
      if (words.includes('')) throw new BadValue('has an empty value')
      if (words.length > 1 && words.some(word => alone.includes(word.toLowerCase())))
        throw new BadValue(`has “${words.find(word => alone.includes(word.toLowerCase()))}” beside other values; it stands alone`)
      return words
    },
    show: values => (values.length === 0 ? [] : [values.map(quoteWord).join(' ')]),
    print: values => [values.length === 0 || values[0].toLowerCase() === alone[0] ? alone[0] : values.join(' ')],
  }
  return kind
}

/** What each word of a list has to be. */
const checked = (kind: Kind<readonly string[]>, read: (word: string) => string): Kind<readonly string[]> => ({
  ...kind,
  read: input => kind.read(input).map(word => (word.toLowerCase() === 'none' || word.toLowerCase() === 'any' ? word : read(word))),
})

/** Only the first counts, as in OpenSSH. */
export const firstOfWords: Kind<readonly string[]> = {
  ...wordsOrAlone('none'),
  read: input => wordsOrAlone('none').read(input).slice(0, 1),
}

export const domains: Kind<readonly string[]> = checked(wordsOrAlone('none'), word => {
  if (!/^[a-z0-9_][a-z0-9_.-]*$/i.test(word) || word.includes('..')) throw new BadValue(`has “${word}”, which is not a domain`)
  return word.toLowerCase().replace(/\.$/, '')
})

export const channelTimeouts: Kind<readonly string[]> = checked(wordsOrAlone('none'), word => {
  const equals = word.indexOf('=')
  if (equals <= 0 || readSeconds(word.slice(equals + 1)) === undefined)
    throw new BadValue(`has “${word}”; write type=time, such as session=5m`)
  return word
})

export const remoteOpens: Kind<readonly string[]> = checked(wordsOrAlone('any', 'none'), word => {
  const found = /^(\[[^\]]*\]|[^:/]*):(.*)$/.exec(word)
  if (found === null || (found[2] !== '*' && !(readPort(found[2]) ?? 0)))
    throw new BadValue(`has “${word}”; write host:port, or * for either`)
  return word
})

/** Whether PermitRemoteOpen lets a remote SOCKS client go to a host and port: without a word everything, else what is named. */
export const permitsRemoteOpen = (rules: readonly string[], host: string, port: number): boolean =>
  rules.length === 0 ||
  rules[0].toLowerCase() === 'any' ||
  rules.some(rule => {
    const [, name, service] = /^(\[[^\]]*\]|[^:/]*):(.*)$/.exec(rule) ?? []
    if (name === undefined) return false
    const named = name.replace(/^\[(.*)\]$/, '$1')
    return (named === '*' || named.toLowerCase() === host.toLowerCase()) && (service === '*' || readPort(service) === port)
  })

/** Names of aliases and where they may lead, as lists of patterns. */
export interface PermittedCname {
  readonly from: string
  readonly to: string
}
export const permittedCnames: Kind<readonly PermittedCname[]> = {
  means: 'none, *, or one or more of aliases:targets',
  read: input => {
    const words = some(input, permittedCnames.means)
    if (words.length > 1 && words.some(word => word.toLowerCase() === 'none'))
      throw new BadValue('has “none” beside other values; it stands alone')
    if (words[0].toLowerCase() === 'none') return []
    return words.map(word => {
      if (word === '*') return { from: '*', to: '*' }
      const colon = word.indexOf(':')
      if (colon < 0 || colon === word.length - 1) throw new BadValue(`has “${word}”; write aliases:targets`)
      return { from: word.slice(0, colon).toLowerCase(), to: word.slice(colon + 1).toLowerCase() }
    })
  },
  show: values => [values.length === 0 ? 'none' : values.map(({ from, to }) => quoteWord(`${from}:${to}`)).join(' ')],
  print: values => [values.length === 0 ? 'none' : values.map(({ from, to }) => `${from}:${to}`).join(' ')],
}

/** How long keys that were used stay in the agent; `seconds` 0 for as long as it runs. */
export interface AddKeys {
  readonly mode: 'yes' | 'no' | 'ask' | 'confirm'
  readonly seconds: number
}
const addKeyModes: Readonly<Record<string, AddKeys['mode']>> = { ...yes, ask: 'ask', confirm: 'confirm' }
const addKeyWords = { yes: 'true', no: 'false', ask: 'ask', confirm: 'confirm' } as const
export const addKeys: Kind<AddKeys> = {
  means: 'yes, no, ask, confirm with or without a time, or a time',
  read: input => {
    const [first, second, ...more] = some(input, addKeys.means)
    const mode = Object.hasOwn(addKeyModes, first.toLowerCase()) ? addKeyModes[first.toLowerCase()] : undefined
    const seconds = readSeconds(second ?? (mode === undefined ? first : '0'))
    if (more.length > 0 || seconds === undefined || (second !== undefined && mode !== 'confirm'))
      throw new BadValue(`must be ${addKeys.means}`)
    return { mode: mode ?? 'yes', seconds }
  },
  show: ({ mode, seconds }) => [seconds === 0 ? addKeyWords[mode] : `${mode === 'confirm' ? 'confirm ' : ''}${seconds}`],
}

/** Whether the agent is forwarded, and which: `socket` is a path or `$VARIABLE`, in place of the usual one. */
export interface ForwardAgent {
  readonly forward: boolean
  readonly socket?: string
}
const badVariable = (text: string): boolean =>
  /\$\{(\}|[^}]*$)/.test(text) || (text.startsWith('$') && !text.startsWith('${') && !/^\$\w+$/.test(text))
export const forwardAgent: Kind<ForwardAgent> = single<ForwardAgent>(
  'yes, no, a path or $VARIABLE',
  word => {
    const lower = word.toLowerCase()
    if (Object.hasOwn(yes, lower)) return { forward: lower === 'yes' || lower === 'true' }
    return word === '' || badVariable(word) ? undefined : { forward: true, socket: word }
  },
  ({ forward, socket }) => (socket === undefined ? (forward ? 'yes' : 'no') : quoteWord(socket)),
  ({ forward, socket }) => socket ?? (forward ? 'yes' : 'no'),
)
export const agentSocket: Kind<string> = single(
  'none, SSH_AUTH_SOCK, $VARIABLE or a path',
  word => (word === '' || badVariable(word) ? undefined : word),
  quoteWord,
  word => word,
)

/** `no`, `yes` for as long as it is used, or seconds. */
export const controlPersistence: Kind<'no' | 'yes' | number> = single<'no' | 'yes' | number>(
  'yes, no or a time',
  word => {
    if (word === 'no' || word === 'false') return 'no'
    if (word === 'yes' || word === 'true') return 'yes'
    const seconds = readSeconds(word)
    return seconds === 0 ? 'yes' : seconds
  },
  String,
)

/** The local and the remote device of a tunnel. */
export interface TunnelDevice {
  readonly local: number | 'any'
  readonly remote: number | 'any'
}
const largestDevice = 2 ** 31 - 4
const readDevice = (text: string): number | 'any' | undefined => {
  if (text.toLowerCase() === 'any') return 'any'
  return /^\d{1,10}$/.test(text) && Number(text) <= largestDevice ? Number(text) : undefined
}
export const tunnelDevice: Kind<TunnelDevice> = single(
  'local[:remote], each a number or any',
  text => {
    const colon = text.indexOf(':')
    const local = readDevice(colon < 0 ? text : text.slice(0, colon))
    const remote = colon < 0 ? 'any' : readDevice(text.slice(colon + 1))
    return local === undefined || remote === undefined ? undefined : { local, remote }
  },
  ({ local, remote }) => `${local}:${remote}`,
)

/** Permissions a socket is made without, in octal. */
export const octalMask: Kind<number> = single(
  'an octal number up to 0777',
  text => {
    const digits = /^\s*\+?([0-7]+)/.exec(text)?.[1]
    const value = digits === undefined || digits.length > 12 ? undefined : Number.parseInt(digits, 8)
    return value === undefined || value > 0o777 ? undefined : value
  },
  value => `0${value.toString(8)}`,
)

const hashes = ['MD5', 'SHA1', 'SHA256', 'SHA384', 'SHA512'] as const
export type FingerprintHash = (typeof hashes)[number]
export const fingerprintHash: Kind<FingerprintHash> = single(
  `one of ${hashes.join(', ')}`,
  word => hashes.find(each => each === word.toUpperCase()),
  word => word,
)

/** Milliseconds between packets while somebody types; 0 for as it comes. */
export const keystrokeTiming: Kind<number> = {
  means: 'yes, no or interval:milliseconds up to 1000',
  read: input => {
    const word = one(input, keystrokeTiming.means)
    if (word === 'yes' || word === 'true') return usualKeystrokeInterval
    if (word === 'no' || word === 'false') return 0
    const found = /^interval:(\d{1,4})$/.exec(word)
    const value = found === null ? 0 : Number(found[1])
    if (value < 1 || value > 1000) throw new BadValue(`must be ${keystrokeTiming.means}, not "${word}"`)
    return value
  },
  show: value => [value === 0 ? 'no' : value === usualKeystrokeInterval ? 'yes' : `interval:${value}`],
  print: value => [value === 0 ? 'no' : value === usualKeystrokeInterval ? 'yes' : String(value)],
}
export const usualKeystrokeInterval = 20

const dscp: Readonly<Record<string, number>> = {
  none: -1,
  ...Object.fromEntries([1, 2, 3, 4].flatMap(row => [1, 2, 3].map(column => [`af${row}${column}`, (row << 5) | (column << 3)]))),
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map(row => [`cs${row}`, row << 5])),
  ef: 0xb8,
  le: 0x04,
  va: 0xb0,
  // Names of the time before DSCP: the system's default, as in OpenSSH.
  lowdelay: -1,
  throughput: -1,
  reliability: -1,
}
/** The byte of IP's header for sessions with a terminal and for the others; -1 is the system's default. */
export interface IpQuality {
  readonly interactive: number
  readonly bulk: number
}
const readQuality = (word: string): number => {
  const lower = word.toLowerCase()
  if (Object.hasOwn(dscp, lower)) return dscp[lower]
  if (/^\d{1,3}$/.test(word) && Number(word) <= 255) return Number(word)
  throw new BadValue(`has “${word}”; write ef, cs0 and the like, a number up to 255, or none`)
}
const nameQuality = (value: number, otherwise: (value: number) => string): string =>
  Object.keys(dscp).find(name => dscp[name] === value) ?? otherwise(value)
export const ipQuality: Kind<IpQuality> = {
  means: 'one or two of ef, le, va, af11…af43, cs0…cs7, none, or numbers up to 255',
  read: input => {
    const [interactive, bulk, ...more] = some(input, ipQuality.means)
    if (more.length > 0) throw new BadValue(`takes ${ipQuality.means}, nothing more`)
    return { interactive: readQuality(interactive), bulk: readQuality(bulk ?? interactive) }
  },
  show: ({ interactive, bulk }) => [`${nameQuality(interactive, String)} ${nameQuality(bulk, String)}`],
  print: ({ interactive, bulk }) => {
    const hexadecimal = (value: number): string => `0x${value.toString(16).padStart(2, '0')}`
    return [`${nameQuality(interactive, hexadecimal)} ${nameQuality(bulk, hexadecimal)}`]
  },
}

/** A command as the shell gets it: the rest of the line, spaces, quotes and `#` included. */
export const command: Kind<string> = {
  means: 'the rest of the line',
  read: input => {
    const text = input.raw.replace(/^[ \t\r\n=]+/, '')
    // Quotes without partners are refused in these too.
    void input.words
    if (text === '') throw new BadValue('needs a value: the rest of the line')
    return text
  },
  show: value => [value],
}

/** What is added to our version; `none` is nothing. */
export const addendum: Kind<string> = {
  means: 'the rest of the line, or none',
  read: input => {
    void some(input, addendum.means)
    if (input.raw.includes('\r')) throw new BadValue('has a carriage return')
    return input.raw.toLowerCase() === 'none' ? '' : input.raw
  },
  show: value => [value === '' ? 'none' : value],
  print: value => [value],
}

/** Names of variables, `*` and `?` in them; a `-` in front takes those sent so far out again. */
export const variableNames: Kind<readonly string[]> = {
  means: 'names of variables, * and ? in them, - in front to take out; may be repeated',
  read: input => {
    const words = some(input, variableNames.means)
    const bad = words.find(word => word === '' || word.includes('='))
    if (bad !== undefined) throw new BadValue(`has “${bad}”, which names no variable`)
    return words
  },
  show: values => values.map(quoteWord),
  print: values => values,
}

const visible = (code: number): string => {
  if (code === 0x20) return '\\040'
  if (code === 0x5c) return '\\\\'
  const low = code & 0x7f
  const meta = code > 0x7f ? 'M' : ''
  if (low < 0x20 || low === 0x7f) return `\\${meta}^${low === 0x7f ? '?' : String.fromCharCode(low | 0x40)}`
  return meta === '' ? String.fromCharCode(low) : `\\M-${String.fromCharCode(low)}`
}

/** The character that starts a local command in a session: `~`, a control character for `^]`, or `none`. */
export const escapeCharacter: Kind<string> = single(
  'a character, ^ and a letter, or none',
  text => {
    if (text === 'none') return 'none'
    if (/^\^[@-~\x7f]$/.test(text)) return String.fromCharCode(text.charCodeAt(1) & 0x1f)
    return /^[\x01-\x7f]$/.test(text) ? text : undefined
  },
  value => (value < ' ' ? `^${String.fromCharCode(value.charCodeAt(0) | 0x40)}` : quoteWord(value)),
  value => (value === 'none' ? value : visible(value.charCodeAt(0))),
)

/** A rekey limit of which another line may say the time, as long as this one does not. */
export const rekeyLimitInParts: Kind<RekeyLimit> = {
  ...rekeyLimit,
  show: ({ bytes, seconds }) => [`${bytes ?? 'default'}${seconds === undefined ? '' : ` ${seconds}`}`],
  print: value => rekeyLimit.show(value),
}
