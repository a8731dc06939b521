// Owns reading a destination as people write it: `host`, `user@host`, `host:port`, `[::1]:22`, `ssh://user@host:port`.
import { ConfigError, escapeForPeople } from '../errors.ts'

export interface Destination {
  readonly host: string
  readonly port?: number
  readonly user?: string
}

const portOf = (text: string, whole: string): number => {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535)
    throw new ConfigError(`"${escapeForPeople(text)}" in "${escapeForPeople(whole)}" is not a port; ports go from 1 to 65535.`)
  return port
}

const decodedUser = (user: string, whole: string): string => {
  try {
    return decodeURIComponent(user)
  } catch (cause) {
    throw new ConfigError(
      `The user name in "${escapeForPeople(whole)}" has a percent sign that stands for no character; a percent sign itself is written %25.`,
      {},
      { cause },
    )
  }
}

/** The parts of a destination. Throws `ConfigError` for what cannot be one. */
export const parseDestination = (text: string): Destination => {
  const isUri = text.startsWith('ssh://')
  const body = isUri ? text.slice('ssh://'.length).replace(/\/$/, '') : text
  const at = body.lastIndexOf('@')
  const userText = at < 0 ? undefined : body.slice(0, at)
  const user = userText === undefined ? undefined : isUri ? decodedUser(userText.split(/[:;]/)[0], text) : userText
  const rest = at < 0 ? body : body.slice(at + 1)
  if (user === '') throw new ConfigError(`The user name in "${escapeForPeople(text)}" is empty.`)
  const bracketed = /^\[([^\]]+)\](?::(.*))?$/.exec(rest)
  // A lone colon separates the port; more than one is an IPv6 address without brackets.
  const plain = bracketed === null && rest.split(':').length === 2 ? rest.split(':') : undefined
  const host = bracketed?.[1] ?? plain?.[0] ?? rest
  const port = bracketed?.[2] ?? plain?.[1]
  if (host === '' || host.startsWith('-') || /[\s\0]/.test(host)) throw new ConfigError(`"${escapeForPeople(text)}" names no host.`)
  return { host, ...(port === undefined ? {} : { port: portOf(port, text) }), ...(user === undefined ? {} : { user }) }
}
