// Owns `connect` on Node: a destination, a socket, and OpenSSH's habits unless told otherwise. Knows no protocol.
import { ownAccount } from '../io/own-account-node.ts'
import type { ClientSettings } from '../config/client-config.ts'
import type { CommonOptions } from '../engine/assemble.ts'
import type { EngineEvent } from '../engine/events.ts'
import { ConfigError, escapeForPeople } from '../errors.ts'
import type { ByteTransport } from '../io/transport.ts'
import { nodeRuntime } from '../io/runtime-node.ts'
import type { DialStep } from '../io/tcp-node.ts'
import { environmentTranscript } from '../io/transcript-node.ts'
import { optionLine } from '../config/option-line.ts'
import { type ConfigFileOptions, readOpensshConfig } from './config-node.ts'
import type { ForwardAgent } from './agent-forward.ts'
import { configuredOptions } from './configured-node.ts'
import { connectOver } from './connect.ts'
import { ClientConnection } from './connection.ts'
import { type Destination, parseDestination } from './destination.ts'
import { dialAgain, type DialOptions } from './dial-node.ts'
import { type Over, type PlannedHop, type Way, wayThrough } from './hops.ts'
import { chosenSignatures, type CredentialOptions, identitiesFrom } from './identities.ts'
import type { IdleLimits } from '../io/idle-limits.ts'
import type { LoginStep } from './login-steps.ts'
import { openssh, type OpensshOptions } from './openssh-node.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'
import type { IpQuality } from './quality.ts'
import { runProxyCommand } from './proxy-command-node.ts'

/** What happens while a connection comes up. Nothing in it is secret; what comes from the peer is unescaped. */
export type ConnectStep = DialStep | LoginStep

interface BaseOptions extends CommonOptions, IdleLimits, Pick<DialOptions, 'family' | 'localAddress' | 'keepAlive'> {
  readonly user?: string
  readonly port?: number
  /** Gives up, at whatever stage. */
  readonly signal?: AbortSignal
  /** Milliseconds until a TCP connection must stand. Default 30 s. */
  readonly connectTimeout?: number
  /** How often to try for a TCP connection, a second apart. Default 1. */
  readonly connectionAttempts?: number
  /** A transport that is there already, instead of a TCP connection: a tunnel, a child's pipes, a test. */
  readonly transport?: ByteTransport
  /**
   * Hosts to go through, in order, without a process for any of them. Each is connected to, and its key judged, by its own
   * options; the first may be a connection that is there. Those opened for this one end with it.
   */
  readonly via?: Hop | readonly Hop[]
  /** A command for the person's shell whose standard streams are the connection. %h, %k, %n, %p and %r are replaced. */
  readonly proxyCommand?: string
  /** The agent of all sessions that do not say otherwise, here and not on the way. Default: what ForwardAgent in ssh_config says. */
  readonly forwardAgent?: ForwardAgent
  /** What the network is asked for. Default: what IPQoS in ssh_config says; nothing with `config: false`, or where Node cannot ask. */
  readonly ipQuality?: IpQuality
  /** Variables of every session, beside those it asks for itself, which win. Default: what SendEnv and SetEnv in ssh_config say. */
  readonly env?: Readonly<Record<string, string>>
  readonly onBanner?: (message: string) => void
  readonly onProgress?: (event: EngineEvent) => void
  /** Told of each step on the way to the host, and of each of the login, as it happens. */
  readonly onStep?: (step: ConnectStep) => void
}

/**
 * As `ssh` does it: ssh_config, known_hosts, agent and key files. What is given explicitly wins. With `transport` or `via`
 * nothing of how ssh_config would reach the host counts.
 */
export interface ConfiguredOptions extends BaseOptions, OpensshOptions {
  /**
   * Which files of ssh_config are read: by default the person's and the system's; `{ file: 'none' }` reads none and leaves
   * the rest as it is. Or what `readOpensshConfig` read: then the destination is where that leads.
   */
  readonly config?: true | ConfigFileOptions | ClientSettings
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

/** Which files a hop's name is looked up in: those of the destination. With `config: false` a hop has to say all itself. */
const filesOf = ({ config }: ConfiguredOptions | ExplicitOptions): { readonly config?: false | ConfigFileOptions } => {
  if (config === false) return { config }
  return typeof config === 'object' && 'file' in config && config.file !== undefined ? { config: { file: config.file } } : {}
}

/** What a hop that is only named shares with the destination: patience, and the person who answers. Nothing that proves who we are. */
const inherited = (options: ConfiguredOptions | ExplicitOptions): ConfiguredOptions => ({
  ...(options.signal === undefined ? {} : { signal: options.signal }),
  ...(options.connectTimeout === undefined ? {} : { connectTimeout: options.connectTimeout }),
  ...('passphrase' in options && options.passphrase !== undefined ? { passphrase: options.passphrase } : {}),
  ...('askHostKey' in options && options.askHostKey !== undefined ? { askHostKey: options.askHostKey } : {}),
  ...('onNote' in options && options.onNote !== undefined ? { onNote: options.onNote } : {}),
})

const ways = (options: ConfiguredOptions | ExplicitOptions): number =>
  [options.transport, options.via, options.proxyCommand].filter(each => each !== undefined).length

/** How a connection comes to be on the way of another. */
interface OnTheWay {
  /** Reaches it; whatever it would say of a way of its own does not count. */
  readonly over: Over | undefined
  /** Those that want to go through it, directly or not. */
  readonly trail: readonly string[]
}

const planned = (
  hop: Hop,
  index: number,
  options: ConfiguredOptions | ExplicitOptions,
  trail: readonly string[],
): ClientConnection | PlannedHop => {
  if (hop instanceof ClientConnection) return hop
  const { destination, ...own } = typeof hop === 'object' && 'destination' in hop ? hop : { destination: hop }
  const parsed = typeof destination === 'string' ? parseDestination(destination) : destination
  const hopOptions: ConfiguredOptions | ExplicitOptions = { ...inherited(options), ...filesOf(options), ...own } as ConfiguredOptions
  if (index > 0 && ways(hopOptions) > 0)
    throw new ConfigError('Only the first hop of `via` may have a way of its own; the others are reached through the one before.')
  const user = hopOptions.user ?? parsed.user
  return {
    name: nameOf({ ...parsed, ...(user === undefined ? {} : { user }) }),
    connect: over => connectBy(parsed, hopOptions, { over, trail }),
  }
}

const wayOf = (
  options: ConfiguredOptions | ExplicitOptions,
  { user, host, port }: { readonly user: string; readonly host: string; readonly port: number },
  { over, trail }: OnTheWay,
): Way | undefined => {
  const { via, signal, connectTimeout } = options
  if (via === undefined || over !== undefined) return undefined
  const name = `${user}@${host} port ${port}`
  if (trail.includes(name))
    throw new ConfigError(`${escapeForPeople(name)} is to be reached through itself: ${escapeForPeople([...trail, name].join(' → '))}.`)
  const hops: readonly Hop[] = Array.isArray(via) ? (via as readonly Hop[]) : [via as Hop]
  return wayThrough(
    hops.map((hop, index) => planned(hop, index, options, [...trail, name])),
    { host, port },
    { ...(signal === undefined ? {} : { signal }), ...(connectTimeout === undefined ? {} : { timeout: connectTimeout }) },
  )
}

/**
 * Connects and logs in. `destination` is `host`, `user@host`, `host:port`, `ssh://…` or its parts. An unknown or changed
 * host key is refused (`HostKeyError`) unless the options say otherwise. What goes wrong at a hop of `via` says which it is.
 */
export const connect = (destination: string | Destination, options: ConfiguredOptions | ExplicitOptions = {}): Promise<ClientConnection> =>
  connectBy(destination, options, { over: undefined, trail: [] })

/** What ssh_config says of the destination; `undefined` when no file is to be read. */
const settingsFor = async (parsed: Destination, options: ConfiguredOptions): Promise<ClientSettings | undefined> => {
  const { config } = options
  if (typeof config === 'object' && 'decidedBy' in config) return config
  const files = config === true || config === undefined ? {} : config
  if (files.file === 'none' && files.options === undefined) return undefined
  const user = options.user ?? parsed.user
  const port = options.port ?? parsed.port
  const letters = [user === undefined ? [] : [optionLine('User', user)], port === undefined ? [] : [optionLine('Port', String(port))]]
  return await readOpensshConfig(parsed.host, { ...files, options: [...letters.flat(), ...(files.options ?? [])] })
}

/** Only what has a value: an option left out must not hide what a file says. */
const given = <T extends object>(options: T): Partial<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>

/** The options with what ssh_config adds to them, and where they lead. */
const withConfig = async (
  parsed: Destination,
  options: ConfiguredOptions | ExplicitOptions,
  reached: boolean,
): Promise<{ readonly to: Destination; readonly all: ConfiguredOptions | ExplicitOptions; readonly settings?: ClientSettings }> => {
  const settings = options.config === false ? undefined : await settingsFor(parsed, options)
  if (settings === undefined || options.config === false) return { to: parsed, all: options }
  // Whoever read the configuration has its warnings; otherwise nobody has.
  if (settings !== options.config) for (const warning of settings.warnings) options.onNote?.(warning)
  const { config } = settings
  const { via, proxyCommand, ...rest } = configuredOptions(settings, destination => destination)
  // Whoever says how the host is reached, by whatever way, means that way.
  const own = reached || [options.transport, options.via, options.proxyCommand].some(each => each !== undefined)
  const ways = own ? {} : given({ via, proxyCommand })
  return {
    to: { host: config.hostName, port: config.port, user: config.user },
    all: { ...rest, ...ways, ...given(options), algorithms: { ...rest.algorithms, ...options.algorithms } },
    settings,
  }
}

const connectBy = async (
  destination: string | Destination,
  asked: ConfiguredOptions | ExplicitOptions,
  onTheWay: OnTheWay,
): Promise<ClientConnection> => {
  asked.signal?.throwIfAborted()
  const parsed = typeof destination === 'string' ? parseDestination(destination) : destination
  const { over } = onTheWay
  const { to, all: options, settings } = await withConfig(parsed, asked, over !== undefined)
  const { host } = to
  const port = options.port ?? to.port ?? defaultPort
  const user = options.user ?? to.user ?? (options.config === false ? undefined : ownAccount().username)
  if (user === undefined)
    throw new ConfigError('No user name: give one in the destination or as `user`, since `config: false` asks nobody.')
  const signatures = chosenSignatures(options.algorithms?.publicKeyAccepted)
  const usual = options.config === false ? undefined : await openssh(host, port, { ...options, ...signatures })
  const hostKey = options.hostKey ?? usual?.hostKey
  const identities = options.auth === undefined ? usual?.identities : identitiesFrom(options.auth, signatures)
  if (hostKey === undefined || identities === undefined)
    throw new ConfigError('With `config: false`, `hostKey` and `auth` are required: there is no safe default for them.')
  const { proxyCommand } = options
  if (ways(options) > 1) throw new ConfigError('`transport`, `via` and `proxyCommand` are three ways to reach a host: give one of them.')
  const way = wayOf(options, { user, host, port }, onTheWay)
  const direct = (): Promise<ByteTransport> =>
    dialAgain(options.connectionAttempts ?? 1, {
      host,
      port,
      ...(options.connectTimeout === undefined ? {} : { timeout: options.connectTimeout }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.family === undefined ? {} : { family: options.family }),
      ...(options.localAddress === undefined ? {} : { localAddress: options.localAddress }),
      ...(options.keepAlive === undefined ? {} : { keepAlive: options.keepAlive }),
      ...(options.onStep === undefined ? {} : { onStep: options.onStep }),
    })
  // NACRE_TRACE: every packet of the conversation into a file.
  const traced = options.config === false ? {} : environmentTranscript()
  const localFiles = async () => (await import('../sftp/transfer/local-node.ts')).localNode
  const sockets = async () => (await import('../forward/sockets-node.ts')).nodeSockets()
  const reachAgent = async (path: string | undefined) => (await import('../agent/openssh-node.ts')).reachAgent(path)
  const all = { localFiles, sockets, reachAgent, ...traced, ...options, user, host, port, hostKey, identities }
  const typed = settings?.call.host ?? parsed.host
  const proxyTarget = {
    host,
    port,
    user,
    typed,
    ...(options.config === false || options.hostKeyAlias === undefined ? {} : { keyAlias: options.hostKeyAlias }),
  }
  const command = proxyCommand === undefined ? undefined : () => runProxyCommand(proxyCommand, proxyTarget)
  const ownWay = options.transport ?? command ?? (way === undefined ? direct : () => way.transport())
  const open = over === undefined ? ownWay : () => over({ host, port })
  try {
    return await connectOver(open, way === undefined ? all : { ...all, gone: () => way.gone() }, nodeRuntime())
  } catch (error) {
    await way?.[Symbol.asyncDispose]()
    throw error
  }
}
