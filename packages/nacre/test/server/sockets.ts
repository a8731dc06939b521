// Owns a machine without a network for the tests of forwards: ports and paths that can be taken, connections that are fed and
// read by hand.
import { ConnectError, ForwardError } from '../../src/errors.ts'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import { isUnixPlace, type ListenOptions, type LocalConnection, type LocalSockets, type Place } from '../../src/forward/sockets.ts'

/** A connection that keeps the stream it is joined to. */
export class FakeConnection implements LocalConnection {
  readonly peer: { readonly address: string; readonly port: number }
  readonly #closed = Promise.withResolvers<void>()
  readonly #joined = Promise.withResolvers<ChannelStream>()
  readonly closed = this.#closed.promise
  readonly joined = this.#joined.promise
  state: 'waits' | 'joined' | 'discarded' = 'waits'

  constructor(address = '198.51.100.7', port = 40_000) {
    this.peer = { address, port }
  }
  read = async (): Promise<undefined> => undefined
  putBack(): void {}
  write(): void {}
  watch(): void {}
  end(): void {
    this.discard()
  }
  join(stream: ChannelStream): void {
    this.state = 'joined'
    this.#joined.resolve(stream)
    void stream.closed.then(() => this.#closed.resolve())
  }
  discard(): void {
    this.state = 'discarded'
    this.#closed.resolve()
  }
}

/** Sends back what it gets, and ends when it does. */
export const echo = (stream: ChannelStream): void => stream.tap({ data: bytes => stream.write(bytes.slice()), end: () => stream.end() })

interface FakeListener {
  readonly place: Place
  readonly options: ListenOptions
  readonly taken: (connection: LocalConnection) => void
}

const keyOf = (place: Place): string => (isUnixPlace(place) ? place.path : `${place.host ?? '*'} ${place.port}`)

export interface FakeMachine {
  readonly sockets: LocalSockets
  /** What is listened on now, and what was connected to, as text. */
  readonly listening: ReadonlyMap<string, FakeListener>
  readonly connected: string[]
  /** Taken by others. */
  readonly occupied: Set<string>
  /** Somebody connects to what listens there. */
  arrive(key: string, connection?: FakeConnection): FakeConnection
}

/** Free ports are given out from 50000 on. Connections echo. */
export const fakeMachine = (wait: () => Promise<void> = async () => {}): FakeMachine => {
  const listening = new Map<string, FakeListener>()
  const connected: string[] = []
  const occupied = new Set<string>()
  let nextPort = 50_000
  const sockets: LocalSockets = {
    async connect(place) {
      await wait()
      const key = keyOf(place)
      connected.push(key)
      if (occupied.has(key)) return Object.assign(new FakeConnection(), { join: echo })
      throw new ConnectError('CONNECT_FAILED', `nothing listens at ${key}`, { host: key, port: 0 })
    },
    async listen(place, options, taken) {
      await wait()
      const got = !isUnixPlace(place) && place.port === 0 ? { host: place.host, port: nextPort++ } : place
      const key = keyOf(got)
      const inUse = Object.assign(new Error('in use'), { code: 'EADDRINUSE' })
      if (listening.has(key) || occupied.has(key)) throw new ForwardError('FORWARD_LISTEN', `${key} is in use`, { cause: inUse })
      listening.set(key, { place: got, options, taken })
      return { place: got, close: async () => void listening.delete(key) }
    },
  }
  return {
    sockets,
    listening,
    connected,
    occupied,
    arrive(key, connection = new FakeConnection()) {
      const listener = listening.get(key)
      if (listener === undefined) throw new Error(`nothing listens at ${key}`)
      listener.taken(connection)
      return connection
    },
  }
}
