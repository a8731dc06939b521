// Owns whether a key restricted to destinations may be listed or used over a connection, by the sessions it was bound to
// (OpenSSH PROTOCOL.agent §1 and §2). Knows nothing of messages, and not how a certificate of a host is checked.
import { matchesWildcard } from '../patterns.ts'
import { sameBlob } from '../keys/public.ts'
import type { Destination, DestinationHost } from './constraints.ts'

/** A session a connection was bound to: the server that proved itself, and whether the connection goes on from there. */
export interface Binding {
  readonly hostKey: Uint8Array
  readonly sessionId: Uint8Array
  readonly forwarded: boolean
}

/** True when `hostKey` is a certificate for the host `name`, good now, of the authority `authority`. Never for a plain key. */
export type HostCertificateCheck = (hostKey: Uint8Array, authority: Uint8Array, name: string) => boolean

const fits = (hostKey: Uint8Array, host: DestinationHost, certified: HostCertificateCheck): boolean =>
  host.keys.some(({ key, authority }) => (authority ? certified(hostKey, key, host.host) : sameBlob(key, hostKey)))

/** `from` is `undefined` for the machine of the agent, `to` for "anywhere further". */
const wayExists = (
  destinations: readonly Destination[],
  from: Uint8Array | undefined,
  to: Uint8Array | undefined,
  user: string | undefined,
  certified: HostCertificateCheck,
): boolean =>
  destinations.some(way => {
    const begins = from === undefined ? way.from.host === '' && way.from.keys.length === 0 : fits(from, way.from, certified)
    if (!begins || (to !== undefined && !fits(to, way.to, certified))) return false
    return way.to.user === '' || user === undefined || matchesWildcard(way.to.user, user)
  })

/** What a connection has been told of where it leads. */
export interface Bound {
  readonly bindings: readonly Binding[]
  /** It tried to bind at least once, with or without success. */
  readonly attempted: boolean
}

/**
 * True when a key with these destinations may be seen over the connection, or, with `user`, sign a login as that user at the
 * server bound last. Every hop must be one of the ways, and all but the last must have been bound for forwarding.
 */
export const permitted = (
  destinations: readonly Destination[],
  { bindings, attempted }: Bound,
  user: string | undefined,
  certified: HostCertificateCheck,
): boolean => {
  if (destinations.length === 0) return true
  // Who tried to bind and failed is not on this machine.
  if (bindings.length === 0) return !attempted
  let from: Uint8Array | undefined
  for (const [index, { hostKey, forwarded }] of bindings.entries()) {
    const last = index === bindings.length - 1
    if (!last && !forwarded) return false
    if (last && forwarded && user !== undefined) return false
    if (!wayExists(destinations, from, hostKey, last ? user : undefined, certified)) return false
    from = hostKey
  }
  // A key for logging in at the last machine is no use to those on it: they see it only if it leads on.
  const onward = bindings[bindings.length - 1].forwarded && user === undefined
  return !onward || wayExists(destinations, from, undefined, undefined, certified)
}
