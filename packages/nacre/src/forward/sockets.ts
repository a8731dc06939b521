// Owns what forwarding needs of the machine it runs on: listening and connecting, over TCP and Unix sockets. Knows no runtime;
// `sockets-node.ts` is Node's, a test has its own.
import type { ChannelStream } from '../io/channel-stream.ts'

/** A port of a host; as where to listen, port 0 is for any that is free, and no host for all addresses. */
export interface TcpPlace {
  readonly host: string | undefined
  readonly port: number
}

/** A Unix socket by its path. */
export interface UnixPlace {
  readonly path: string
}

export type Place = TcpPlace | UnixPlace

/** A connection of this machine that stands. It is joined, ended or discarded, once. */
export interface LocalConnection {
  /** The other end; an empty address and port 0 for a Unix socket. */
  readonly peer: { readonly address: string; readonly port: number }
  /** The next bytes, `undefined` once there will be none. For whoever has to read first; not after `join`. */
  read(): Promise<Uint8Array | undefined>
  /** Gives back what was read too much; the next `read`, or the channel, gets it first. */
  putBack(bytes: Uint8Array): void
  /** Writes, before it is joined. */
  write(bytes: Uint8Array): void
  /** Both directions are the channel's from now on, with its back-pressure, half-close and end. */
  join(stream: ChannelStream): void
  /**
   * From now on `closed` also tells of the other end's breaking it off while nobody reads; up to a buffer is read ahead for that. That
   * no more will be sent is not breaking off: who says so may still wait for an answer.
   */
  watch(): void
  /** Ends it in place of joining it: what was written still leaves, what comes is dropped. */
  end(): void
  discard(): void
  /** Resolves when it has gone, joined or not; never rejects. */
  readonly closed: Promise<void>
}

export interface ListenOptions {
  /** Takes bits from the mode 0666 of a Unix socket (StreamLocalBindMask). Default 0177: only its owner may connect. */
  readonly mask?: number
  /** Removes a Unix socket that is in the way (StreamLocalBindUnlink); never a file of another kind. Default false. */
  readonly unlink?: boolean
  /** For the address `::`: IPv6 alone, not IPv4 too. Default false. */
  readonly ipv6Only?: boolean
}

/** Something that listens. Closing it leaves connections alone; the path of a Unix socket is removed. */
export interface Listening {
  /** Where in fact: the port it got, and the address. */
  readonly place: Place
  close(): Promise<void>
}

export interface ConnectPlaceOptions {
  /** Milliseconds until it must stand, the look-up of a name included. Default 30 s. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

export interface LocalSockets {
  /** Rejects with `ConnectError`, or with the reason of `signal`. */
  connect(place: Place, options?: ConnectPlaceOptions): Promise<LocalConnection>
  /** Rejects with `ForwardError`: the port is taken, the address is none of this machine, the path is too long. */
  listen(place: Place, options: ListenOptions, taken: (connection: LocalConnection) => void): Promise<Listening>
}

export const isUnixPlace = (place: Place): place is UnixPlace => 'path' in place
