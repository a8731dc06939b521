// Owns forwards that listen at this end: each connection that comes gets a channel to where it shall go, or where it asks to go by
// SOCKS. One that waits for its far end holds up no other. Knows no connection of SSH; how a channel is opened is given to it.
import { ForwardError } from '../errors.ts'
import type { ChannelStream } from '../io/channel-stream.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import { Forward } from './forward.ts'
import { isUnixPlace, type Listening, type ListenOptions, type LocalConnection, type LocalSockets, type Place } from './sockets.ts'
import { serveSocks, type SocksOptions } from './socks-serve.ts'
import { defaultConnectTimeout, type ForwardOptions, Traffic } from './traffic.ts'

/** Opens a channel to a place the server reaches. */
export type DialPlace = (
  target: Place,
  options: {
    readonly originator: { readonly address: string; readonly port: number }
    readonly timeout: number
    readonly signal: AbortSignal
  },
) => Promise<ChannelStream>

export interface LocalForwardOptions extends ForwardOptions, ListenOptions, SocksOptions {
  readonly clock?: Clock
}

/** For a Unix socket the server is told what OpenSSH tells it. */
const originatorOf = ({ peer }: LocalConnection): { readonly address: string; readonly port: number } =>
  peer.address === '' ? { address: '127.0.0.1', port: 65_535 } : peer

/** A far end that takes longer than this, in milliseconds, may be given up by who waits for it; reading ahead for all would cost more. */
const unhurried = 250

class LocalForwarding {
  readonly traffic: Traffic
  readonly #dial: DialPlace
  readonly #to: Place | 'socks'
  readonly #timeout: number
  readonly #options: LocalForwardOptions
  readonly #clock: Clock

  constructor(dial: DialPlace, to: Place | 'socks', options: LocalForwardOptions) {
    this.traffic = new Traffic(options)
    this.#dial = dial
    this.#to = to
    this.#timeout = options.connectTimeout ?? defaultConnectTimeout
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  taken(connection: LocalConnection): void {
    if (!this.traffic.begin(connection.peer)) {
      connection.discard()
      return
    }
    this.#carry(connection).then(
      stream => {
        this.traffic.joined(stream, connection.peer)
        connection.join(stream)
      },
      (error: unknown) => {
        // What SOCKS says of it is to arrive.
        if (this.#to === 'socks') connection.end()
        else connection.discard()
        this.traffic.failed(error, connection.peer)
      },
    )
  }

  async #carry(connection: LocalConnection): Promise<ChannelStream> {
    const left = new AbortController()
    // Whoever leaves before the far end stands needs it no more.
    void connection.closed.then(() => left.abort(new ForwardError('FORWARD_REFUSED', 'Who connected has left.')))
    const dial = async (target: Place): Promise<ChannelStream> => {
      const cancel = this.#clock.after(unhurried, () => connection.watch())
      try {
        return await this.#dial(target, { originator: originatorOf(connection), timeout: this.#timeout, signal: left.signal })
      } finally {
        cancel()
      }
    }
    if (this.#to !== 'socks') return await dial(this.#to)
    const { connected, rest } = await serveSocks(connection, dial, this.#options, this.#clock)
    connection.putBack(rest)
    return connected
  }
}

/** The addresses "localhost" has, whatever the machine looks up for it. */
const loopback = ['127.0.0.1', '::1'] as const

/** Listens; on "localhost" with both its addresses, if the machine has both. */
const listenOn = async (
  sockets: LocalSockets,
  place: Place,
  options: ListenOptions,
  taken: (connection: LocalConnection) => void,
): Promise<Listening> => {
  if (isUnixPlace(place) || place.host?.toLowerCase() !== 'localhost') return await sockets.listen(place, options, taken)
  const all: Listening[] = []
  let problem: unknown
  let { port } = place
  for (const host of loopback) {
    try {
      const listening = await sockets.listen({ host, port }, options, taken)
      if (!isUnixPlace(listening.place)) port = listening.place.port
      all.push(listening)
    } catch (error) {
      problem ??= error
    }
  }
  // As in OpenSSH one of them is enough: not every machine has both.
  if (all.length === 0) throw problem
  return {
    place: { host: 'localhost', port },
    close: async () => void (await Promise.all(all.map(each => each.close()))),
  }
}

/** Listens at this end until closed. Rejects with `ForwardError` when nothing can listen there. */
export const forwardFromHere = async (
  sockets: LocalSockets,
  dial: DialPlace,
  listen: Place,
  to: Place | 'socks',
  options: LocalForwardOptions = {},
): Promise<Forward> => {
  const forwarding = new LocalForwarding(dial, to, options)
  const listening = await listenOn(sockets, listen, options, connection => forwarding.taken(connection))
  return new Forward({ address: listening.place, traffic: forwarding.traffic, stop: () => listening.close() })
}
