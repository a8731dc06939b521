// Owns what a forward of a shared connection listens on and leads to, and how the messages spell it. Knows nothing of sockets.
import { type ForwardKind, forwardKinds, pathPort } from './messages.ts'
import { WireError } from '../errors.ts'

/** A host and port, or the path of a Unix socket. An empty host to listen on is the usual one; `*` is all. */
export type MuxPlace = { readonly host: string; readonly port: number } | { readonly path: string }

export interface MuxForward {
  readonly kind: ForwardKind
  readonly listen: MuxPlace
  /** Absent for those that are told where to lead by each connection: a SOCKS proxy, here or at the server. */
  readonly connect: MuxPlace | undefined
}

/** The same in a message. */
export interface SpeltForward {
  readonly kind: number
  readonly listenHost: string
  readonly listenPort: number
  readonly connectHost: string
  readonly connectPort: number
}

const spellPlace = (place: MuxPlace | undefined): readonly [string, number] =>
  place === undefined ? ['', 0] : 'path' in place ? [place.path, pathPort] : [place.host, place.port]

export const spellForward = ({ kind, listen, connect }: MuxForward): SpeltForward => {
  const [listenHost, listenPort] = spellPlace(listen)
  const [connectHost, connectPort] = spellPlace(connect)
  return { kind: forwardKinds[kind], listenHost, listenPort, connectHost, connectPort }
}

const readPlace = (host: string, port: number): MuxPlace => {
  if (port === pathPort) {
    if (host === '') throw new WireError('a Unix socket without a path')
    return { path: host }
  }
  if (port > 65535) throw new WireError(`${port} is no port`)
  return { host, port }
}

/** Throws `WireError` for what no forward can be. */
export const readForward = ({ kind: number, listenHost, listenPort, connectHost, connectPort }: SpeltForward): MuxForward => {
  const kind = (Object.keys(forwardKinds) as ForwardKind[]).find(each => forwardKinds[each] === number)
  if (kind === undefined) throw new WireError(`${number} is no kind of forward`)
  const listen = readPlace(listenHost, listenPort)
  const dynamic = kind === 'dynamic' || (kind === 'remote' && connectHost === '' && connectPort === 0)
  if (kind === 'dynamic' && 'path' in listen) throw new WireError('a SOCKS proxy on a Unix socket')
  if (dynamic) return { kind, listen, connect: undefined }
  const connect = readPlace(connectHost, connectPort)
  if ('port' in connect && (connect.host === '' || connect.port === 0)) throw new WireError('a forward that leads nowhere')
  return { kind, listen, connect }
}

const placeText = (place: MuxPlace | undefined): string =>
  place === undefined ? '*' : 'path' in place ? place.path : `${place.host === '' ? 'localhost' : place.host}:${place.port}`

/** `remote forward localhost:8080 -> db:5432`. Text from whoever asked: escape it before showing it. */
export const forwardText = ({ kind, listen, connect }: MuxForward): string =>
  `${kind} forward ${placeText(listen)} -> ${placeText(connect)}`

const samePlace = (left: MuxPlace | undefined, right: MuxPlace | undefined): boolean => placeText(left) === placeText(right)

export const sameForward = (left: MuxForward, right: MuxForward): boolean =>
  left.kind === right.kind && samePlace(left.listen, right.listen) && samePlace(left.connect, right.connect)
