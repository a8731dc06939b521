// Owns `connect` where there is neither TCP nor a file: everything is in the options, a transport among them. Knows no
// protocol.
import { ConfigError } from '../errors.ts'
import type { ByteTransport } from '../io/transport.ts'
import { webRuntime } from '../io/runtime-web.ts'
import { type ConnectOptions, connectOver } from './connect.ts'
import type { ClientConnection } from './connection.ts'
import { type Destination, parseDestination } from './destination.ts'
import { chosenSignatures, type CredentialOptions, identitiesFrom } from './identities.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'

/** What Node's `connect` takes with `config: false` and a transport is taken here too. */
export interface WebConnectOptions extends Omit<ConnectOptions, 'user' | 'host' | 'port' | 'identities'> {
  /** What carries the bytes: `fromWebSocket(…)`, `fromStreams(…)`, or a function that opens one once the options are found good. */
  readonly transport: ByteTransport | (() => Promise<ByteTransport>)
  readonly hostKey: HostKeyPolicy
  readonly auth: CredentialOptions | Identities
  readonly user?: string
  readonly port?: number
  /** There is no configuration to read. */
  readonly config?: false
}

const defaultPort = 22

/**
 * Connects and logs in. `destination` is `user@host`, `user@host:port`, `ssh://…` or its parts: the name by which the host
 * key is judged, since the transport is given. Rejects as `connectOver` does.
 */
export const connect = async (destination: string | Destination, options: WebConnectOptions): Promise<ClientConnection> => {
  const { host, port, user } = typeof destination === 'string' ? parseDestination(destination) : destination
  // Programs without types, and those that were written for Node, may leave out what is required.
  const given: Partial<WebConnectOptions> = options
  if (given.transport === undefined)
    throw new ConfigError('There is no TCP here: give a `transport`, such as fromWebSocket(new WebSocket(…)).')
  if (given.hostKey === undefined || given.auth === undefined)
    throw new ConfigError('`hostKey` and `auth` are required: there is no safe default for them.')
  const name = options.user ?? user
  if (name === undefined) throw new ConfigError('No user name: give one in the destination or as `user`.')
  const identities = identitiesFrom(options.auth, chosenSignatures(options.algorithms?.publicKeyAccepted))
  return await connectOver(
    options.transport,
    { ...options, user: name, host, port: options.port ?? port ?? defaultPort, identities },
    webRuntime(),
  )
}
