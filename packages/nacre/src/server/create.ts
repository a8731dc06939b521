// Owns a server as a value: its options, the connections it serves, whom it turns away, and stopping. Knows no sockets; a
// runtime's `listen` hands it transports.
import { safeGroups } from '../algorithms/kex/groups.ts'
import { tun } from '../connection/channel-types/tun.ts'
import { assemble, type CommonOptions, type Runtime } from '../engine/assemble.ts'
import type { EngineConfig } from '../engine/config.ts'
import type { Ended, EngineEvent } from '../engine/events.ts'
import { TimeoutError } from '../errors.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { LocalSockets } from '../forward/sockets.ts'
import type { ByteTransport, RemoteAddress } from '../io/transport.ts'
import type { Signer } from '../keys/signer.ts'
import { type Authenticator, refusalFloor, type RefusalFloor } from './authenticate.ts'
import { type ConnectionPolicy, ServerConnection } from './connection.ts'
import { type Forwards, ForwardServer } from './forwards.ts'
import { HostKeyProofs } from './host-key-proofs.ts'
import type { SessionHandlers } from './session.ts'
import { serveTunnels, type TunnelRules } from './tunnels.ts'
import { type Startup, type StartupOutcome, Startups, type TurnedAway } from './startups.ts'

export interface ServerOptions<Identity> extends CommonOptions {
  /** Keys the server proves itself with, one or more of different types. */
  readonly hostKeys: readonly Signer[]
  /**
   * What clients are told after login, and prove by: they may then remember keys to come, and forget those that are gone.
   * Default `hostKeys`; more keys announce what they will be. `false` tells nothing.
   */
  readonly announcedHostKeys?: readonly Signer[] | false
  /** Who gets in. Required: there is no default. */
  readonly authenticate: Authenticator<Identity>
  /** What sessions can do. What is left out is refused. A function sees the connection, after login. */
  readonly session: SessionHandlers<Identity> | ((connection: ServerConnection<Identity>) => SessionHandlers<Identity>)
  /**
   * What clients may reach from here, and have listened on here: `request => request.kind === 'local' && request.port === 5432`,
   * or that as `permit` among more. Default: nothing.
   */
  readonly forwards?: Forwards<Identity>
  /** Who may join a network device of this machine with one of his. Default: nobody. */
  readonly tunnels?: TunnelRules<Identity>
  /** Channel types by name: those nobody else serves, or in place of what `session`, `forwards` and `tunnels` would do. */
  readonly channels?: ConnectionPolicy<Identity>['channels']
  /** Global requests by name, likewise. */
  readonly globalRequests?: ConnectionPolicy<Identity>['globalRequests']
  /**
   * What clients that ask for a group (RFC 4419) get one of: the smallest that is large enough. They must be safe primes; groups other
   * than those of RFC 3526 cost more. Default: those.
   */
  readonly diffieHellmanGroups?: readonly { readonly p: Uint8Array; readonly g: Uint8Array }[]
  /** Shown to everybody before login. */
  readonly banner?: string
  /** Failed attempts after which a connection ends. Default 6. */
  readonly maximumAttempts?: number
  /** Sessions at once on one connection. Default 64. */
  readonly maximumSessions?: number
  /**
   * Connections that have not logged in. With more, the oldest of those that take over a second for their first key exchange
   * makes room; if there is none, the new one is turned away. Default 100.
   */
  readonly maximumStartups?: number
  /** Finer rules than `maximumStartups`, which it replaces: by chance, by source, with penalties. Servers may share it. */
  readonly startups?: Startups
  /** All connections. Default no limit. */
  readonly maximumConnections?: number
  /** Errors of handlers and authenticators. Default: dropped. */
  readonly onError?: (error: unknown, connection: ServerConnection<Identity>) => void
  /** What happens on connections; for logs. */
  readonly onEvent?: (event: EngineEvent, connection: ServerConnection<Identity>) => void
  /** A connection was turned away. */
  readonly onTurnedAway?: (why: TurnedAway | 'connections', remote: RemoteAddress | undefined) => void
  readonly refusalFloor?: RefusalFloor
  readonly clock?: Clock
}

const defaultMaximumSessions = 64

/** What somebody who is turned away reads, where OpenSSH's clients show it: before any identification (RFC 4253 §4.2). */
const words: Record<TurnedAway | 'connections', string> = {
  startups: 'Exceeded MaxStartups',
  source: 'Exceeded MaxStartups',
  penalty: 'Not allowed at this time',
  connections: 'Too many connections',
}

export class Server<Identity> implements AsyncDisposable {
  readonly #config: EngineConfig
  readonly #policy: ConnectionPolicy<Identity>
  readonly #clock: Clock
  readonly #connections = new Set<ServerConnection<Identity>>()
  readonly #startups: Startups
  readonly #places = new Map<ServerConnection<Identity>, Startup>()
  readonly #maximumConnections: number
  readonly #onTurnedAway: NonNullable<ServerOptions<Identity>['onTurnedAway']>
  #stopping = false
  /** Connections turned away. */
  turnedAway = 0

  /** `sockets` are those of this machine, where it has some. */
  constructor(options: ServerOptions<Identity>, runtime: Runtime, sockets?: () => LocalSockets) {
    this.#config = assemble(
      options,
      {
        role: 'server',
        hostKeys: options.hostKeys,
        groups: options.diffieHellmanGroups ?? safeGroups,
        maximumAttempts: options.maximumAttempts,
        methods: options.authenticate.methods,
        banner: options.banner,
      },
      runtime,
    )
    this.#clock = options.clock ?? systemClock
    const { maximumStartups: maximum } = options
    this.#startups = options.startups ?? new Startups(maximum === undefined ? {} : { maximum })
    this.#onTurnedAway = options.onTurnedAway ?? (() => {})
    this.#maximumConnections = options.maximumConnections ?? Number.POSITIVE_INFINITY
    this.#policy = {
      authenticate: options.authenticate,
      floor: options.refusalFloor ?? refusalFloor(options.crypto ?? runtime.crypto),
      session: options.session,
      channels: { ...(options.tunnels === undefined ? {} : { [tun.name]: serveTunnels(options.tunnels) }), ...options.channels },
      globalRequests: options.globalRequests ?? {},
      forwards: options.forwards === undefined ? undefined : new ForwardServer(options.forwards, sockets),
      hostKeyProofs: options.announcedHostKeys === false ? undefined : new HostKeyProofs(options.announcedHostKeys ?? options.hostKeys),
      maximumSessions: options.maximumSessions ?? defaultMaximumSessions,
      onError: options.onError ?? (() => {}),
      onEvent: (event, connection) => this.#event(event, connection, options.onEvent),
    }
  }

  /** Serves one client over any transport. Returns `undefined`, and closes the transport, when it is turned away. */
  accept(transport: ByteTransport): ServerConnection<Identity> | undefined {
    if (this.#stopping) return this.#close(transport)
    if (this.#connections.size >= this.#maximumConnections) return this.#turnAway(transport, 'connections')
    const at = { now: this.#clock.now(), dice: Math.random() }
    const place = this.#startups.admit(transport.remote?.address, at, () =>
      connection.disconnect('too-many-connections', 'the key exchange took too long while others waited'),
    )
    if (typeof place === 'string') return this.#turnAway(transport, place)
    const connection = new ServerConnection(this.#config, transport, this.#policy, this.#clock)
    this.#connections.add(connection)
    this.#places.set(connection, place)
    connection.start()
    return connection
  }

  #turnAway(transport: ByteTransport, why: TurnedAway | 'connections'): undefined {
    this.turnedAway++
    this.#onTurnedAway(why, transport.remote)
    return this.#close(transport, words[why])
  }

  #close(transport: ByteTransport, text?: string): undefined {
    transport.start({ data: () => {}, end: () => {} })
    if (text !== undefined) transport.write(new TextEncoder().encode(`${text}\r\n`), () => {})
    transport.close()
  }

  #event(event: EngineEvent, connection: ServerConnection<Identity>, listener: ServerOptions<Identity>['onEvent']): void {
    if (event.is === 'exchanged') this.#places.get(connection)?.exchanged()
    else if (event.is === 'authenticated') {
      this.#places.get(connection)?.over('authenticated', this.#clock.now())
      this.#places.delete(connection)
    } else if (event.is === 'ended') {
      this.#connections.delete(connection)
      this.#places.get(connection)?.over(this.#outcome(event, connection), this.#clock.now())
      this.#places.delete(connection)
    }
    listener?.(event, connection)
  }

  #outcome({ error }: Ended, connection: ServerConnection<Identity>): StartupOutcome {
    if (this.#stopping) return 'stopped'
    if (error instanceof TimeoutError) return 'too-late'
    // As OpenSSH has it: a proof that was tried outweighs that nobody of that name could have logged in.
    if (connection.blame === 'refused') return 'refused'
    return connection.attempted ? 'failed' : (connection.blame ?? 'no-attempt')
  }

  get connections(): ReadonlySet<ServerConnection<Identity>> {
    return this.#connections
  }

  /** Takes no more connections and ends those there are. */
  async close(description = 'the server is going down'): Promise<void> {
    this.#stopping = true
    const all = [...this.#connections]
    for (const connection of all) connection.disconnect('by-application', description)
    await Promise.all(all.map(connection => connection.closed))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
