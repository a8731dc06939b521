// Owns `connect` on Node: a destination, a socket, and OpenSSH's habits unless told otherwise. Knows no protocol.
import { userInfo } from 'node:os'
import type { CommonOptions } from '../engine/assemble.ts'
import type { EngineEvent } from '../engine/events.ts'
import { ConfigError } from '../errors.ts'
import type { ByteTransport } from '../io/transport.ts'
import { nodeRuntime } from '../io/runtime-node.ts'
import { environmentTranscript } from '../io/transcript-node.ts'
import { connectOver } from './connect.ts'
import type { ClientConnection } from './connection.ts'
import { type Destination, parseDestination } from './destination.ts'
import { dial, type DialOptions } from './dial-node.ts'
import { chosenSignatures, type CredentialOptions, identitiesFrom } from './identities.ts'
import { openssh, type OpensshOptions } from './openssh-node.ts'
import type { HostKeyPolicy, Identities } from './policy.ts'

interface BaseOptions extends CommonOptions, Pick<DialOptions, 'family' | 'localAddress' | 'keepAlive'> {
  readonly user?: string
  readonly port?: number
  /** Gives up, at whatever stage. */
  readonly signal?: AbortSignal
  /** Milliseconds until a TCP connection must stand. Default 30 s. */
  readonly connectTimeout?: number
  /** A transport that is there already, instead of a TCP connection: a tunnel, a child's pipes, a test. */
  readonly transport?: ByteTransport
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

const defaultPort = 22

/**
 * Connects and logs in. `destination` is `host`, `user@host`, `host:port`, `ssh://…` or its parts. An unknown or changed
 * host key is refused (`HostKeyError`) unless the options say otherwise.
 */
export const connect = async (
  destination: string | Destination,
  options: ConfiguredOptions | ExplicitOptions = {},
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
  const open = (): Promise<ByteTransport> =>
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
  return await connectOver(options.transport ?? open, all, nodeRuntime())
}
