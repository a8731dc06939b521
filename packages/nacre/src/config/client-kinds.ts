// Owns the kinds of values that only ssh_config has: states printed by other words than they are written, forwardings,
// jumps, devices, qualities of service. Knows nothing of which keyword uses which.
import { BadValue, type Kind, one, quoteWord, readSeconds, rekeyLimit, type RekeyLimit, single, some } from './kinds.ts'

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

const services: Readonly<Record<string, number>> = {
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  pop3: 110,
  imap2: 143,
  ldap: 389,
  https: 443,
  submission: 587,
  ldaps: 636,
  imaps: 993,
  pop3s: 995,
  socks: 1080,
  mysql: 3306,
  postgresql: 5432,
  x11: 6000,
}

/** A port from 0 to 65535 by number, or by the name of a usual service. */
const readPort = (text: string): number | undefined => {
  if (/^\s*\+?\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  return Object.hasOwn(services, text) ? services[text] : undefined
}

/** A port to connect to. */
export const portOrService: Kind<number> = single(
  'a number from 1 to 65535, or the name of a service',
  word => {
    const port = readPort(word)
    return port === 0 ? undefined : port
  },
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

/** One end of a forwarding: a path of a socket, or a port with or without host. */
export interface ForwardEnd {
  readonly path?: string
  readonly host?: string
  readonly port?: number
}
export interface Forward {
  readonly listen: ForwardEnd
  /** `undefined` lets whoever connects say where to (SOCKS). */
  readonly connect: ForwardEnd | undefined
}

/** The fields of a specification: colons separate, brackets hold one together, a backslash takes what follows as it is. */
const forwardFields = (text: string): readonly { readonly text: string; readonly isPath: boolean }[] | undefined => {
  const fields: { text: string; isPath: boolean }[] = []
  let at = /^\s*/.exec(text)?.[0].length ?? 0
  while (at < text.length) {
    if (fields.length === 4) return undefined
    if (text[at] === '[') {
      const close = text.indexOf(']', at)
      if (close < 0 || (text[close + 1] ?? ':') !== ':') return undefined
      const inner = text.slice(at + 1, close)
      fields.push({ text: inner, isPath: inner.includes('/') })
      at = close + 2
      continue
    }
    let field = ''
    for (; at < text.length && text[at] !== ':'; at++) {
      if (text[at] === '\\') at++
      if (at === text.length) return undefined
      field += text[at]
    }
    fields.push({ text: field, isPath: field.includes('/') })
    at++
  }
  return fields
}

const portEnd = (port: string, host?: string): ForwardEnd | undefined => {
  const number = readPort(port)
  return number === undefined ? undefined : { port: number, ...(host === undefined ? {} : { host }) }
}

/** Listening and connecting end by how many fields there are. */
const forwardEnds = (text: string): readonly [ForwardEnd | undefined, ForwardEnd | undefined | 'any'] | undefined => {
  const fields = forwardFields(text)
  if (fields === undefined) return undefined
  const [a, b, c, d] = fields
  switch (fields.length) {
    case 1:
      return [a.isPath ? { path: a.text } : portEnd(a.text), 'any']
    case 2:
      if (a.isPath && b.isPath) return [{ path: a.text }, { path: b.text }]
      return b.isPath ? [portEnd(a.text), { path: b.text }] : [portEnd(b.text, a.text), 'any']
    case 3:
      if (a.isPath) return [{ path: a.text }, portEnd(c.text, b.text)]
      return c.isPath ? [portEnd(b.text, a.text), { path: c.text }] : [portEnd(a.text), portEnd(c.text, b.text)]
    case 4:
      return [portEnd(b.text, a.text), portEnd(d.text, c.text)]
    default:
      return undefined
  }
}

const readForward = (text: string, dynamic: boolean, remote: boolean): Forward => {
  const ends = forwardEnds(text)
  const [listen, connect] = ends ?? [undefined, undefined]
  const bad =
    listen === undefined ||
    connect === undefined ||
    dynamic !== (connect === 'any') ||
    (!remote && listen.path === undefined && listen.port === 0) ||
    (connect !== 'any' && connect.path === undefined && connect.port === 0)
  if (bad) throw new BadValue(`has “${text}”, which is not a forwarding`)
  return { listen, connect: connect === 'any' ? undefined : connect }
}

const showEnd = (end: ForwardEnd): string => end.path ?? (end.host === undefined ? String(end.port) : `[${end.host}]:${end.port}`)
const printForward = ({ listen, connect }: Forward, remote: boolean): string =>
  connect === undefined ? (remote ? `${showEnd(listen)} [socks]:0` : showEnd(listen)) : `${showEnd(listen)} ${showEnd(connect)}`
/** Colons and backslashes of paths are not told from separators otherwise. */
const writeEnd = (end: ForwardEnd): string => quoteWord(end.path === undefined ? showEnd(end) : `[${end.path}]`)
const showForward = ({ listen, connect }: Forward): string =>
  connect === undefined ? writeEnd(listen) : `${writeEnd(listen)} ${writeEnd(connect)}`

/** A forwarding a line: `local` needs a target, `dynamic` has none, `remote` may have one. */
export const forwards = (which: 'local' | 'remote' | 'dynamic'): Kind<readonly Forward[]> => {
  const means = {
    local: '[address:]port or path, then host:port or path; may be repeated',
    remote: '[address:]port or path, then host:port or path, or nothing; may be repeated',
    dynamic: '[address:]port; may be repeated',
  }[which]
  return {
    means,
    read: input => {
      const [listen, connect, ...more] = some(input, means)
      if (more.length > 0 || (which === 'dynamic' && connect !== undefined)) throw new BadValue(`takes ${means}, nothing more`)
      if (which === 'local' && connect === undefined) throw new BadValue(`needs a target: ${means}`)
      const dynamic = connect === undefined || connect === ''
      return [readForward(dynamic ? listen : `${listen}:${connect}`, dynamic, which === 'remote')]
    },
    show: values => values.map(showForward),
    print: values => values.map(value => printForward(value, which === 'remote')),
  }
}

/** One host of a jump. */
export interface JumpHost {
  readonly user?: string
  readonly host: string
  readonly port?: number
}
/** `none`, or hosts in the order they are gone through; `text` is as written. */
export type ProxyJump = 'none' | { readonly hosts: readonly JumpHost[]; readonly text: string }

const readJumpHost = (text: string): JumpHost | undefined => {
  const found = /^(?:ssh:\/\/)?(?:(.*)@)?(\[[^\]]*\]|[^:/@]*)(?::([^/]*))?$/.exec(text)
  if (found === null) return undefined
  const host = found[2].replace(/^\[(.*)\]$/, '$1')
  const port = found[3] === undefined || found[3] === '' ? undefined : readPort(found[3])
  if (host === '' || found[1] === '' || (found[3] !== undefined && found[3] !== '' && !port)) return undefined
  return { host, ...(found[1] === undefined ? {} : { user: found[1] }), ...(port === undefined ? {} : { port }) }
}

const showJumpHost = ({ user, host, port }: JumpHost): string => {
  const bracketed = host.includes(':') || /^[0-9.]*$/.test(host) ? `[${host}]` : host
  return `${user === undefined ? '' : `${user}@`}${bracketed}${port === undefined ? '' : `:${port}`}`
}

export const proxyJump: Kind<ProxyJump> = {
  means: 'none, or [user@]host[:port] or ssh://… with commas between',
  read: input => {
    void some(input, proxyJump.means)
    const raw = input.raw.replace(/^[ \t\r\n=]+/, '')
    if (raw.toLowerCase() === 'none') return 'none'
    const text = raw.split('#', 1)[0].trimEnd()
    const hosts = text.split(',').map(each => readJumpHost(each))
    const known = hosts.filter(each => each !== undefined)
    if (known.length < hosts.length) throw new BadValue(`must be ${proxyJump.means}, not “${text}”`)
    return { hosts: known, text }
  },
  show: value => [value === 'none' ? 'none' : value.text],
  // The hosts before the last stand as they were written.
  print: value => {
    if (value === 'none') return []
    const comma = value.text.lastIndexOf(',')
    const last = value.hosts.at(-1)
    return [`${comma < 0 ? '' : value.text.slice(0, comma + 1)}${last === undefined ? '' : showJumpHost(last)}`]
  },
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
