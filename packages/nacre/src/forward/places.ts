// Owns how the places of forwards are written: where to listen, and where to connect to. Knows no sockets and no ssh_config, whose
// spellings are `config/reach-kinds.ts`.
import { ConfigError, escapeForPeople } from '../errors.ts'
import { isUnixPlace, type Place } from './sockets.ts'

/**
 * Where to listen: a port of this machine alone (`8080`, `'8080'`, `'localhost:0'`), of all its addresses (`':8080'`, `'*:8080'`) or
 * of one (`'192.0.2.1:8080'`, `'[::1]:0'`), or the path of a Unix socket (`'/run/db.sock'`). Port 0 is any that is free.
 */
export type ListenPlace = number | string | Place
/** Where to connect to: `'db.internal:5432'`, `'[::1]:80'`, or the path of a Unix socket, `'/run/db.sock'`. */
export type TargetPlace = string | Place

const highestPort = 65_535

/** Reads `host:port` or `[::1]:port`; `undefined` for what is not that, or has no such port. */
export const hostAndPort = (text: string, leastPort = 1): { readonly host: string; readonly port: number } | undefined => {
  const found = /^(?:\[([^[\]\s]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text)
  if (found === null) return undefined
  const port = Number(found[3])
  return port < leastPort || port > highestPort ? undefined : { host: found[1] ?? found[2], port }
}

const isPort = (port: number, least: number): boolean => Number.isInteger(port) && port >= least && port <= highestPort

const checkPath = (path: string): Place => {
  if (path === '' || path.includes('\0')) throw new ConfigError('The path of a Unix socket is empty, or has a zero byte.')
  return { path }
}

/** A place to listen on; no host stands for all addresses. Throws `ConfigError`. */
export const readListenPlace = (place: ListenPlace): Place => {
  if (typeof place === 'object') {
    if (isUnixPlace(place)) return checkPath(place.path)
    if (!isPort(place.port, 0)) throw new ConfigError(`${String(place.port)} is no port to listen on; ports go from 0 to 65535.`)
    return { host: place.host === '' || place.host === '*' ? undefined : place.host, port: place.port }
  }
  const text = String(place)
  if (text.includes('/')) return checkPath(text)
  const found = hostAndPort(/^\d+$/.test(text) ? `localhost:${text}` : text, 0)
  if (found === undefined)
    throw new ConfigError(
      `"${escapeForPeople(text)}" is no place to listen on; write a port, host:port, :port for all addresses, or the path of a socket.`,
    )
  return { host: found.host === '' || found.host === '*' ? undefined : found.host, port: found.port }
}

/** A place to connect to, which has a host. Throws `ConfigError`. */
export const readTargetPlace = (place: TargetPlace): Place => {
  if (typeof place === 'object') {
    if (isUnixPlace(place)) return checkPath(place.path)
    if (!isPort(place.port, 1) || place.host === undefined || place.host === '')
      throw new ConfigError('A place to connect to needs a host, and a port from 1 to 65535.')
    return place
  }
  if (place.startsWith('/')) return checkPath(place)
  const found = hostAndPort(place)
  if (found === undefined || found.host === '')
    throw new ConfigError(
      `"${escapeForPeople(place)}" is no host and port; write host:port or [address]:port, with a port from 1 to 65535, or the path of a socket.`,
    )
  return found
}

/** For people. */
export const showPlace = (place: Place): string =>
  isUnixPlace(place)
    ? escapeForPeople(place.path)
    : `${place.host === undefined ? 'any address' : escapeForPeople(place.host)} port ${place.port}`
