// Owns a server as a value: its options, the connections it serves, how many may be in flight, and stopping. Knows no
// sockets; a runtime's `listen` hands it transports.
import { safeGroups } from '../algorithms/kex/groups.ts'
import { assemble, type CommonOptions, type Runtime } from '../engine/assemble.ts'
import type { EngineConfig } from '../engine/config.ts'
import type { EngineEvent } from '../engine/events.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { ByteTransport } from '../io/transport.ts'
import type { Signer } from '../keys/signer.ts'
import { type Authenticator, refusalFloor, type RefusalFloor } from './authenticate.ts'
import { type ConnectionPolicy, ServerConnection } from './connection.ts'
import type { SessionHandlers } from './session.ts'

export interface ServerOptions<Identity> extends CommonOptions {
  /** Keys the server proves itself with, one or more of different types. */
  readonly hostKeys: readonly Signer[]
  /** Who gets in. Required: there is no default. */
  readonly authenticate: Authenticator<Identity>
  /** What sessions can do. What is left out is refused. A function sees the connection, after login. */
  readonly session: SessionHandlers<Identity> | ((connection: ServerConnection<Identity>) => SessionHandlers<Identity>)
  readonly channels?: ConnectionPolicy<Identity>['channels']
  readonly globalRequests?: ConnectionPolicy<Identity>['globalRequests']
  /** Shown to everybody before login. */
  readonly banner?: string
  /** Failed attempts after which a connection ends. Default 6. */
  readonly maximumAttempts?: number
  /** Sessions at once on one connection. Default 64. */
  readonly maximumSessions?: number
  /** Connections that have not logged in; more are turned away. Default 100. */
  readonly maximumStartups?: number
  /** All connections. Default no limit. */
  readonly maximumConnections?: number
  /** Errors of handlers and authenticators. Default: dropped. */
  readonly onError?: (error: unknown, connection: ServerConnection<Identity>) => void
  /** What happens on connections; for logs. */
  readonly onEvent?: (event: EngineEvent, connection: ServerConnection<Identity>) => void
  readonly refusalFloor?: RefusalFloor
  readonly clock?: Clock
}

const defaultMaximumSessions = 64
const defaultMaximumStartups = 100

export class Server<Identity> implements AsyncDisposable {
  readonly #config: EngineConfig
  readonly #policy: ConnectionPolicy<Identity>
  readonly #clock: Clock
  readonly #connections = new Set<ServerConnection<Identity>>()
  readonly #maximumStartups: number
  readonly #maximumConnections: number
  #startups = 0
  #stopping = false
  /** Connections turned away because too many were in flight. */
  turnedAway = 0

  constructor(options: ServerOptions<Identity>, runtime: Runtime) {
    this.#config = assemble(
      options,
      {
        role: 'server',
        hostKeys: options.hostKeys,
        groups: safeGroups,
        maximumAttempts: options.maximumAttempts,
        methods: options.authenticate.methods,
        banner: options.banner,
      },
      runtime,
    )
    this.#clock = options.clock ?? systemClock
    this.#maximumStartups = options.maximumStartups ?? defaultMaximumStartups
    this.#maximumConnections = options.maximumConnections ?? Number.POSITIVE_INFINITY
    this.#policy = {
      authenticate: options.authenticate,
      floor: options.refusalFloor ?? refusalFloor(options.crypto ?? runtime.crypto),
      session: options.session,
      channels: options.channels ?? {},
      globalRequests: options.globalRequests ?? {},
      maximumSessions: options.maximumSessions ?? defaultMaximumSessions,
      onError: options.onError ?? (() => {}),
      onEvent: (event, connection) => this.#event(event, connection, options.onEvent),
    }
  }

  /** Serves one client over any transport. Returns `undefined`, and closes the transport, when too many are in flight. */
  accept(transport: ByteTransport): ServerConnection<Identity> | undefined {
    if (this.#stopping || this.#startups >= this.#maximumStartups || this.#connections.size >= this.#maximumConnections) {
      this.turnedAway++
      transport.start({ data: () => {}, end: () => {} })
      transport.close()
      return undefined
    }
    const connection = new ServerConnection(this.#config, transport, this.#policy, this.#clock)
    this.#connections.add(connection)
    this.#startups++
    connection.start()
    return connection
  }

  #event(event: EngineEvent, connection: ServerConnection<Identity>, listener: ServerOptions<Identity>['onEvent']): void {
    if (event.is === 'authenticated') this.#startups--
    else if (event.is === 'ended' && this.#connections.delete(connection) && !connection.authenticated) this.#startups--
    listener?.(event, connection)
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
