// Owns what is dialled from the server on, as people write it. Knows nothing of connections.
import { ConfigError, escapeForPeople } from '../errors.ts'
import { hostAndPort } from '../forward/places.ts'

/** A host and port as the server sees them. */
export interface DialTarget {
  /** A name, which the server looks up, or an address. */
  readonly host: string
  readonly port: number
}

/** Reads `host:port` or `[::1]:port`. Throws `ConfigError` for what is not that. */
export const parseDialTarget = (text: string): DialTarget => {
  const found = hostAndPort(text)
  if (found === undefined || found.host === '')
    throw new ConfigError(`"${escapeForPeople(text)}" is no host and port; write host:port or [address]:port, with a port from 1 to 65535.`)
  return found
}
