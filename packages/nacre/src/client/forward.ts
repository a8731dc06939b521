// Owns what a client connection does to forward from this end: it listens here, and opens channels from the server on. Loaded when
// the first program asks for it. Knows nothing of channels the server opens (`reverse.ts`).
import { ConfigError } from '../errors.ts'
import type { Forward } from '../forward/forward.ts'
import { type DialPlace, forwardFromHere, type LocalForwardOptions } from '../forward/local.ts'
import { type ListenPlace, readListenPlace, readTargetPlace, type TargetPlace } from '../forward/places.ts'
import { isUnixPlace, type LocalSockets } from '../forward/sockets.ts'
import type { Link } from '../io/link.ts'
import { dialOver } from './dial.ts'

export interface ForwardRequest extends LocalForwardOptions {
  /** Where to listen at this end. */
  readonly listen: ListenPlace
  /** Where the server connects to. */
  readonly to: TargetPlace
}

export interface SocksRequest extends LocalForwardOptions {
  /** Where to listen at this end; whoever connects says where to, by SOCKS 4, 4a or 5. */
  readonly listen: ListenPlace
}

/** Where sockets come from, in a runtime that has some. */
interface SocketsBase {
  readonly sockets?: (() => Promise<LocalSockets>) | undefined
}

/** What a forward needs of a connection. */
export interface ForwardBase extends SocketsBase {
  readonly link: Link
}

/** The sockets of this end. Throws `ConfigError` where the runtime has none. */
export const socketsOf = async ({ sockets }: SocketsBase): Promise<LocalSockets> => {
  if (sockets === undefined)
    throw new ConfigError('There are no sockets to listen or connect with in this runtime; give the option `sockets`, or use `dial`.')
  return await sockets()
}

/** Channels over one connection. */
const dialThrough =
  (link: Link): DialPlace =>
  (target, options) =>
    dialOver(link, isUnixPlace(target) ? target : { host: target.host ?? 'localhost', port: target.port }, options)

const listen = async (base: ForwardBase, request: SocksRequest, to: TargetPlace | 'socks'): Promise<Forward> => {
  const place = readListenPlace(request.listen)
  const target = to === 'socks' ? to : readTargetPlace(to)
  const forward = await forwardFromHere(await socketsOf(base), dialThrough(base.link), place, target, request)
  void base.link.closed.then(({ error }) => forward.lost(error))
  return forward
}

export const forwardLocal = async (base: ForwardBase, request: ForwardRequest): Promise<Forward> => await listen(base, request, request.to)
export const forwardSocks = async (base: ForwardBase, request: SocksRequest): Promise<Forward> => await listen(base, request, 'socks')
