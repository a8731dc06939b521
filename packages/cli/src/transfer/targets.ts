// Owns reading where something is: a local path, `host:path`, `user@[::1]:path`, `scp://user@host:port/path`. Knows nothing of
// connections and of what is at the path.
import { escapeForPeople, parseDestination } from 'nacre'
import { UsageError } from '../getopt.ts'

export interface RemoteHost {
  readonly host: string
  readonly user?: string
  readonly port?: number
}

export interface LocalTarget {
  readonly is: 'local'
  readonly path: string
}
export interface RemoteTarget {
  readonly is: 'remote'
  readonly host: RemoteHost
  /** As typed; '' when nothing was. */
  readonly path: string
}
export type Target = LocalTarget | RemoteTarget

/** Where the colon is that ends the host; -1 when all of it is a local path. A slash before it makes it one. */
const colonIn = (text: string): number => {
  if (text.startsWith(':')) return -1
  let bracketed = text.startsWith('[')
  for (let at = 0; at < text.length; at++) {
    const two = text.slice(at, at + 2)
    if (two === '@[') bracketed = true
    if (two === ']:' && bracketed) return at + 1
    if (text[at] === ':' && !bracketed) return at
    if (text[at] === '/') return -1
  }
  return -1
}

/** `user@host`, where the host may stand in brackets. Throws `UsageError`. */
const hostOf = (text: string): RemoteHost => {
  const at = text.lastIndexOf('@')
  const name = text.slice(at + 1).replace(/^\[(.*)\]$/s, '$1')
  const user = at < 0 ? undefined : text.slice(0, at)
  if (name === '' || name.startsWith('-') || /[\s\0/]/.test(name)) throw new UsageError(`"${escapeForPeople(text)}" names no host`)
  if (user === '') throw new UsageError(`the user name in "${escapeForPeople(text)}" is empty`)
  // What would be an option of the program that connects.
  if (user?.startsWith('-') === true || user?.includes('\0') === true) throw new UsageError(`${escapeForPeople(user)}: invalid user name`)
  return { host: name, ...(user === undefined ? {} : { user }) }
}

const decoded = (path: string, whole: string): string => {
  try {
    return decodeURIComponent(path)
  } catch {
    throw new UsageError(`the path in "${escapeForPeople(whole)}" has a percent sign that stands for no character; one itself is %25`)
  }
}

/** `scheme://[user@]host[:port][/path]`; `undefined` when it is no such address. The path is relative to the home. */
const addressOf = (text: string, scheme: string): RemoteTarget | undefined => {
  if (!text.startsWith(`${scheme}://`)) return undefined
  const rest = text.slice(scheme.length + 3)
  const slash = rest.indexOf('/')
  const host = parseDestination(`ssh://${slash < 0 ? rest : rest.slice(0, slash)}`)
  return { is: 'remote', host, path: slash < 0 ? '' : decoded(rest.slice(slash + 1), text) }
}

/** An operand of `scp`: an `scp://` address, `[user@]host:path`, or a local path. Throws `UsageError` or `ConfigError`. */
export const parseTarget = (text: string): Target => {
  const address = addressOf(text, 'scp')
  if (address !== undefined) return address
  const colon = colonIn(text)
  if (colon < 0) return { is: 'local', path: text }
  return { is: 'remote', host: hostOf(text.slice(0, colon)), path: text.slice(colon + 1) }
}

/** The operand of `sftp`: an `sftp://` address, or `[user@]host[:path]`. Throws `UsageError` or `ConfigError`. */
export const parseSftpTarget = (text: string): RemoteTarget => {
  const address = addressOf(text, 'sftp')
  if (address !== undefined) return address
  const colon = colonIn(text)
  return colon < 0
    ? { is: 'remote', host: hostOf(text), path: '' }
    : { is: 'remote', host: hostOf(text.slice(0, colon)), path: text.slice(colon + 1) }
}

/** `user@host`, as it is shown. */
export const shownHostOf = ({ host, user }: RemoteHost): string => escapeForPeople(user === undefined ? host : `${user}@${host}`)
