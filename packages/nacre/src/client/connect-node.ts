// Owns `connect` on Node: a destination, a socket, and OpenSSH's habits unless told otherwise. Knows no protocol.
import { userInfo } from 'node:os'
import type { CommonOptions } from '../engine/assemble.ts'
import type { EngineEvent } from '../engine/events.ts'
import { ConfigError } from '../errors.ts'
import type { ByteTransport } from '../io/transport.ts'
import { nodeRuntime } from '../io/runtime-node.ts'
import { environmentTranscript } from '../io/transcript-node.ts'
import { connectOver } from './connect.ts'
import { ClientConnection } from './connection.ts'
import { type Destination, parseDestination } from './destination.ts'
import { dial, type DialOptions } from './dial-node.ts'
import { type PlannedHop, type Way, wayThrough } from './hops.ts'
import { chosenSignatures, type CredentialOptions, identitiesFrom } from './identities.ts'
import { openssh, type OpensshOptions } from './openssh-node.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'
import { runProxyCommand } from './proxy-command-node.ts'

interface BaseOptions extends CommonOptions, Pick<DialOptions, 'family' | 'localAddress' | 'keepAlive'> {
  readonly user?: string
  readonly port?: number
  /** Gives up, at whatever stage. */
  readonly signal?: AbortSignal
  /** Milliseconds until a TCP connection must stand. Default 30 s. */
  readonly connectTimeout?: number
  /** A transport that is there already, instead of a TCP connection: a tunnel, a child's pipes, a test. */
  readonly transport?: ByteTransport
  /**
   * Hosts to go through, in order, without a process for any of them. Each is connected to, and its key judged, by its own
   * options; the first may be a connection that is there. Those opened for this one end with it.
   */
  readonly via?: Hop | readonly Hop[]
  /** A command for the person's shell whose standard streams are the connection. %h, %k, %n, %p and %r are replaced. */
  readonly proxyCommand?: string
  readonly onBanner?: (message: string) => void
  readonly onProgress?: (event: EngineEvent) => void
}

/** As `ssh` does it: known_hosts, agent and key files. What is given explicitly wins. */
export interface ConfiguredOptions extends BaseOptions, OpensshOptions {
  readonly config?: true
  readonly hostKey?: HostKeyPolicy
  readonly auth?: CredentialOptions | Identities
}

/** Reads no file, no variable, no agent: everything is in the options. */
export interface ExplicitOptions extends BaseOptions {
  readonly config: false
  readonly hostKey: HostKeyPolicy
  readonly auth: CredentialOptions | Identities
}

/** A host on the way. A destination alone is connected to as `connect` would with no more said than how long to wait and whom to ask. */
export type Hop = ClientConnection | string | Destination | HopOptions

/** A host on the way, and how to connect to it. */
export type HopOptions = (ConfiguredOptions | ExplicitOptions) & { readonly destination: string | Destination }

const defaultPort = 22

const nameOf = ({ user, host }: Destination): string => (user === undefined ? host : `${user}@${host}`)

/** What a hop that is only named shares with the destination: patience, and the person who answers. Nothing that proves who we are. */
const inherited = (options: ConfiguredOptions | ExplicitOptions): ConfiguredOptions => ({
  ...(options.signal === undefined ? {} : { signal: options.signal }),
  ...(options.connectTimeout === undefined ? {} : { connectTimeout: options.connectTimeout }),
  ...('passphrase' in options && options.passphrase !== undefined ? { passphrase: options.passphrase } : {}),
  ...('askHostKey' in options && options.askHostKey !== undefined ? { askHostKey: options.askHostKey } : {}),
  ...('onNote' in options && options.onNote !== undefined ? { onNote: options.onNote } : {}),
})

const planned = (hop: Hop, options: ConfiguredOptions | ExplicitOptions): ClientConnection | PlannedHop => {
  if (hop instanceof ClientConnection) return hop
  const { destination, ...own } = typeof hop === 'object' && 'destination' in hop ? hop : { destination: hop }
  const parsed = typeof destination === 'string' ? parseDestination(destination) : destination
  const hopOptions: ConfiguredOptions | ExplicitOptions = { ...inherited(options), ...own }
  const user = hopOptions.user ?? parsed.user
  return {
    name: nameOf({ ...parsed, ...(user === undefined ? {} : { user }) }),
    to: { host: parsed.host, port: hopOptions.port ?? parsed.port ?? defaultPort },
    connect: over => connectBy(parsed, hopOptions, over),
  }
}

const wayOf = (options: ConfiguredOptions | ExplicitOptions, host: string, port: number): Way | undefined => {
  const { via, signal, connectTimeout } = options
  if (via === undefined) return undefined
  const hops: readonly Hop[] = Array.isArray(via) ? (via as readonly Hop[]) : [via as Hop]
  return wayThrough(
    hops.map(hop => planned(hop, options)),
    { host, port },
    { ...(signal === undefined ? {} : { signal }), ...(connectTimeout === undefined ? {} : { timeout: connectTimeout }) },
  )
}

/**
 * Connects and logs in. `destination` is `host`, `user@host`, `host:port`, `ssh://…` or its parts. An unknown or changed
 * host key is refused (`HostKeyError`) unless the options say otherwise. What goes wrong at a hop of `via` says which it is.
 */
export const connect = (destination: string | Destination, options: ConfiguredOptions | ExplicitOptions = {}): Promise<ClientConnection> =>
  connectBy(destination, options, undefined)

/** With `over`, what is given there is how a host is reached that has no way of its own. */
const connectBy = async (
  destination: string | Destination,
  options: ConfiguredOptions | ExplicitOptions,
  over: (() => Promise<ByteTransport>) | undefined,
): Promise<ClientConnection> => {
  const parsed = typeof destination === 'string' ? parseDestination(destination) : destination
  const { host } = parsed
  const port = options.port ?? parsed.port ?? defaultPort
  const user = options.user ?? parsed.user ?? (options.config === false ? undefined : userInfo().username)
  if (user === undefined)
    throw new ConfigError('No user name: give one in the destination or as `user`, since `config: false` asks nobody.')
  options.signal?.throwIfAborted()
  const signatures = chosenSignatures(options.algorithms?.publicKeyAccepted)
  const usual = options.config === false ? undefined : await openssh(host, port, { ...options, ...signatures })
  const hostKey = options.hostKey ?? usual?.hostKey
  const identities = options.auth === undefined ? usual?.identities : identitiesFrom(options.auth, signatures)
  if (hostKey === undefined || identities === undefined)
    throw new ConfigError('With `config: false`, `hostKey` and `auth` are required: there is no safe default for them.')
  const { proxyCommand } = options
  if ([options.transport, options.via, proxyCommand].filter(each => each !== undefined).length > 1)
    throw new ConfigError('`transport`, `via` and `proxyCommand` are three ways to reach a host: give one of them.')
  if (over !== undefined && (options.transport ?? options.via ?? proxyCommand) !== undefined)
    throw new ConfigError('Only the first hop of `via` may have a way of its own; the others are reached through the one before.')
  const way = wayOf(options, host, port)
  const direct = (): Promise<ByteTransport> =>
    dial({
      host,
      port,
      ...(options.connectTimeout === undefined ? {} : { timeout: options.connectTimeout }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.family === undefined ? {} : { family: options.family }),
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      ...(options.keepAlive === undefined ? {} : { keepAlive: options.keepAlive }),
    })
  // NACRE_TRACE: every packet of the conversation into a file.
  const traced = options.config === false ? {} : environmentTranscript()
  const localFiles = async () => (await import('../sftp/transfer/local-node.ts')).localNode
  const all = { localFiles, ...traced, ...options, user, host, port, hostKey, identities }
  const command = proxyCommand === undefined ? undefined : () => runProxyCommand(proxyCommand, { host, port, user, typed: parsed.host })
  const open = options.transport ?? over ?? command ?? (way === undefined ? direct : () => way.transport())
  try {
    return await connectOver(open, way === undefined ? all : { ...all, gone: () => way.gone() }, nodeRuntime())
  } catch (error) {
    await way?.[Symbol.asyncDispose]()
    throw error
  }
}
