// Owns the kinds of values that say how something is reached: ports, forwardings, hosts to go through. Knows nothing of which
// keyword uses which.
import { BadValue, type Kind, quoteWord, single, some } from './kinds.ts'

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
export const readPort = (text: string): number | undefined => {
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

/** What kind of forwarding a specification is for. */
export type ForwardKind = 'local' | 'remote' | 'dynamic'

/** A specification as the command line has it: `8080:db:80`, `[::1]:8080:/run/db.sock`, `1080`. Throws `BadValue`. */
export const readForwardSpec = (kind: ForwardKind, text: string): Forward => {
  // A remote one without a target lets whoever connects say where to.
  const dynamic = kind === 'dynamic' || (kind === 'remote' && forwardEnds(text)?.[1] === 'any')
  return readForward(text, dynamic, kind === 'remote')
}

/** The end that listens, alone: `8080`, `localhost:8080`, a path. For what is to listen no more. Throws `BadValue`. */
export const readForwardListener = (text: string): ForwardEnd => readForward(text, true, true).listen

const showEnd = (end: ForwardEnd): string => end.path ?? (end.host === undefined ? String(end.port) : `[${end.host}]:${end.port}`)
const printForward = ({ listen, connect }: Forward, remote: boolean): string =>
  connect === undefined ? (remote ? `${showEnd(listen)} [socks]:0` : showEnd(listen)) : `${showEnd(listen)} ${showEnd(connect)}`
/** Colons and backslashes of paths are not told from separators otherwise. */
const writeEnd = (end: ForwardEnd): string => quoteWord(end.path === undefined ? showEnd(end) : `[${end.path}]`)
/** As a line of ssh_config says it, without the keyword. */
export const showForward = ({ listen, connect }: Forward): string =>
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
