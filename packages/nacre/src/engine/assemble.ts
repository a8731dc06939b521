// Owns making an engine's configuration from a program's options: defaults, algorithm choices, limits. Knows nothing of
// files or command lines; whatever is wrong in the options is a `ConfigError` before anything touches a network.
import type { Offer } from '../algorithms/negotiate.ts'
import { choose } from '../algorithms/preference.ts'
import type { DhGroup } from '../algorithms/rows.ts'
import type { AlgorithmTables } from '../algorithms/tables.ts'
import type { CryptoProvider, Random } from '../crypto/provider.ts'
import { isCertificateType, withCertificates } from '../keys/certificate-names.ts'
import { matchesWildcard } from '../patterns.ts'
import type { Signer } from '../keys/signer.ts'
import { checkLimits, defaultLimits, type ConnectionLimits } from '../connection/limits.ts'
import { connectionRows } from '../connection/rows.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import type { GlobalRequestRow } from '../connection/global-requests/row.ts'
import type { RequestRow } from '../connection/requests/row.ts'
import { ConfigError } from '../errors.ts'
import { ourIdentification } from '../transport/identification.ts'
import type { BufferPool } from '../transport/outgoing.ts'
import { defaults, type EngineConfig, type Transcript } from './config.ts'
import type { TraceRecord } from './trace.ts'
import { softwareVersion } from './software-version.ts'

/** A list of names, or OpenSSH's notation: `a,b`, `+a`, `-a*`, `^a`. */
export type AlgorithmChoice = string | readonly string[]

/** Which algorithms to offer. What is left out has the defaults of the tables. */
export interface AlgorithmOptions {
  readonly kex?: AlgorithmChoice
  readonly hostKey?: AlgorithmChoice
  readonly ciphers?: AlgorithmChoice
  readonly macs?: AlgorithmChoice
  readonly compression?: AlgorithmChoice
  /** Server: signature algorithms taken for publickey; announced as server-sig-algs. */
  readonly publicKeyAccepted?: AlgorithmChoice
  /** Server: signature algorithms taken from hosts that vouch for users; a list of its own, as in OpenSSH. */
  readonly hostbasedAccepted?: AlgorithmChoice
}

/** Options clients and servers share. Times are milliseconds. */
export interface CommonOptions {
  readonly algorithms?: AlgorithmOptions
  /** Your own tables, to add algorithms. */
  readonly tables?: AlgorithmTables
  readonly crypto?: CryptoProvider
  /** Where random bytes come from; the provider's unless a test replays. */
  readonly random?: Random
  /** Where padding comes from; `random` unless a test replays, which is not to depend on how padding is drawn. */
  readonly padding?: Random
  /** A new key exchange after so many bytes or packets in one direction, or milliseconds. Default 1 GiB, 2^30, an hour. */
  readonly rekey?: { readonly bytes?: number; readonly packets?: number; readonly milliseconds?: number }
  /** How a dead peer is noticed; `false` turns it off. Default: asked after 30 s of silence, dead after 3 unanswered. */
  readonly keepalive?: false | { readonly milliseconds?: number; readonly maximumUnanswered?: number }
  /**
   * Ceilings on waiting. Defaults 60 s for the first key exchange, 120 s for a client to log in (a client waits so long for
   * each answer to that), 120 s for later exchanges.
   */
  readonly deadlines?: { readonly handshake?: number; readonly login?: number; readonly rekey?: number }
  /** RSA keys below this many bits are refused. Default 2048. */
  readonly minimumRsaBits?: number
  /** Every packet, decoded, secrets left out. */
  readonly trace?: (record: TraceRecord) => void
  /** Every packet, raw, secrets blanked: for `transcriptLines`, whose output a test can replay. */
  readonly transcript?: Transcript
  /** The software version in our identification (RFC 4253 §4.2), and comments after it. */
  readonly software?: string
  readonly comments?: string
  readonly limits?: Partial<ConnectionLimits>
  /** Rows for requests and channel types of your own, added to the standard ones. */
  readonly requestTypes?: readonly RequestRow[]
  readonly globalRequestTypes?: readonly GlobalRequestRow[]
  readonly channelTypes?: readonly ChannelTypeRow[]
}

/** What only one role has. */
export type RoleOptions =
  | {
      readonly role: 'client'
      readonly user: string
      /** Host key algorithms to ask for first: those of keys already known. */ readonly preferHostKeys: readonly string[]
    }
  | {
      readonly role: 'server'
      readonly hostKeys: readonly Signer[]
      readonly groups: readonly DhGroup[]
      readonly maximumAttempts: number | undefined
      readonly methods: readonly string[]
      readonly banner: string | undefined
    }

/** What a runtime brings along. */
export interface Runtime {
  readonly crypto: CryptoProvider
  readonly tables: AlgorithmTables
  readonly pool: BufferPool
}

const positive = (what: string, value: number): number => {
  if (!Number.isFinite(value) || value <= 0) throw new ConfigError(`${what} must be a positive number, not ${value}.`)
  return value
}

const preferring = (names: readonly string[], first: readonly string[]): readonly string[] => [
  ...names.filter(each => first.includes(each)),
  ...names.filter(each => !first.includes(each)),
]

/**
 * Certificates of hosts are asked for by name, or when the client has reason to: there is an authority it trusts for this
 * host. A server offers those it has.
 */
const hostKeyNames = (tables: AlgorithmTables, choice: AlgorithmChoice | undefined, role: RoleOptions): readonly string[] => {
  const rows = withCertificates(tables.signatures)
  const exact = choice !== undefined && (typeof choice !== 'string' || !/^[-+^]/.test(choice))
  const names = choose('host key algorithm', rows, choice)
  if (exact) return names
  const reasons = role.role === 'client' ? role.preferHostKeys : role.hostKeys.flatMap(key => key.algorithms)
  const named = typeof choice === 'string' && !choice.startsWith('-') ? choice.slice(1).split(',') : []
  return names.filter(each => !isCertificateType(each) || reasons.includes(each) || named.some(pattern => matchesWildcard(pattern, each)))
}

const hostKeyOffer = (tables: AlgorithmTables, choice: AlgorithmChoice | undefined, role: RoleOptions): readonly string[] => {
  const names = hostKeyNames(tables, choice, role)
  if (role.role === 'client') return choice === undefined ? preferring(names, role.preferHostKeys) : names
  const possible = names.filter(each => role.hostKeys.some(key => key.algorithms.includes(each)))
  if (possible.length === 0) {
    const have = role.hostKeys.map(key => key.publicKey.type).join(', ')
    throw new ConfigError(
      role.hostKeys.length === 0
        ? 'A server needs at least one host key.'
        : `No host key fits the host key algorithms ${names.join(', ')}; the keys are of type ${have}.`,
    )
  }
  return possible
}

/** The lists of KEXINIT. */
const buildOffer = (tables: AlgorithmTables, chosen: AlgorithmOptions, role: RoleOptions): Offer => {
  const ciphers = choose('cipher', tables.ciphers, chosen.ciphers)
  const macs = choose('MAC', tables.macs, chosen.macs)
  const compressions = choose('compression', tables.compressions, chosen.compression)
  return {
    kex: choose('key exchange method', tables.kexMethods, chosen.kex),
    hostKey: hostKeyOffer(tables, chosen.hostKey, role),
    cipherClientToServer: ciphers,
    cipherServerToClient: ciphers,
    macClientToServer: macs,
    macServerToClient: macs,
    compressionClientToServer: compressions,
    compressionServerToClient: compressions,
  }
}

/** By tables, the offers made lately: a program's connections mostly make one, and what is known by offer is then found again. */
const lately = new WeakMap<AlgorithmTables, Offer[]>()
const mostLately = 8

const sameNames = (left: readonly string[], right: readonly string[]): boolean =>
  left === right || (left.length === right.length && left.every((name, at) => name === right[at]))

const sameOffer = (left: Offer, right: Offer): boolean =>
  sameNames(left.kex, right.kex) &&
  sameNames(left.hostKey, right.hostKey) &&
  sameNames(left.cipherClientToServer, right.cipherClientToServer) &&
  sameNames(left.macClientToServer, right.macClientToServer) &&
  sameNames(left.compressionClientToServer, right.compressionClientToServer)

/** A client has a configuration for each connection; the same offer is the same object in all of them. */
const clientOffer = (tables: AlgorithmTables, offer: Offer): Offer => {
  const kept = lately.get(tables) ?? []
  const found = kept.find(each => sameOffer(each, offer))
  if (found !== undefined) return found
  if (kept.length === mostLately) kept.shift()
  kept.push(offer)
  lately.set(tables, kept)
  return offer
}

const usualIdentification = ourIdentification(softwareVersion)
const noExtensions = {}
const none: readonly never[] = []
const noKeepalive = { milliseconds: 0, maximumUnanswered: 0 }

/** A complete engine configuration. Throws `ConfigError` for options that cannot work. */
export const assemble = (options: CommonOptions, role: RoleOptions, runtime: Runtime): EngineConfig => {
  const tables = options.tables ?? runtime.tables
  const crypto = options.crypto ?? runtime.crypto
  const chosen = options.algorithms ?? {}
  const accepted = choose('signature algorithm', withCertificates(tables.signatures), chosen.publicKeyAccepted)
  const keepalive = options.keepalive
  // What is left at its defaults is shared by all connections: a client has a configuration for each.
  const limits = options.limits === undefined ? defaultLimits : { ...defaultLimits, ...options.limits }
  checkLimits(limits)
  return {
    transport: {
      role: role.role,
      crypto,
      random: options.random ?? crypto.random,
      ...(options.padding === undefined ? {} : { padding: options.padding }),
      tables,
      offer: role.role === 'client' ? clientOffer(tables, buildOffer(tables, chosen, role)) : buildOffer(tables, chosen, role),
      identification:
        options.software === undefined && options.comments === undefined
          ? usualIdentification
          : ourIdentification(options.software ?? softwareVersion, options.comments),
      hostKeys: role.role === 'server' ? role.hostKeys : none,
      groups: role.role === 'server' ? role.groups : none,
      groupSizes: defaults.groupSizes,
      minimumRsaBits: options.minimumRsaBits ?? defaults.minimumRsaBits,
      rekey:
        options.rekey === undefined
          ? defaults.rekey
          : {
              bytes: positive('rekey.bytes', options.rekey.bytes ?? defaults.rekey.bytes),
              packets: positive('rekey.packets', options.rekey.packets ?? defaults.rekey.packets),
            },
      highWater: defaults.highWater,
      extensions:
        role.role === 'server'
          ? {
              'server-sig-algs': accepted.filter(each => !isCertificateType(each)).join(','),
              // OpenSSH PROTOCOL §3.1: this version of such proofs is taken.
              'publickey-hostbound@openssh.com': '0',
              // RFC 9987: agents are forwarded by these names too, where a session may forward one.
              'agent-forward': '0',
            }
          : noExtensions,
      pool: runtime.pool,
    },
    authentication:
      role.role === 'client'
        ? { role: 'client', user: role.user }
        : {
            role: 'server',
            acceptedAlgorithms: accepted,
            hostbasedAlgorithms: choose('signature algorithm', withCertificates(tables.signatures), chosen.hostbasedAccepted),
            maximumAttempts: role.maximumAttempts ?? defaults.maximumAttempts,
            methods: role.methods,
            banner: role.banner,
          },
    connection: {
      limits,
      rows: connectionRows({
        requests: options.requestTypes,
        globalRequests: options.globalRequestTypes,
        channelTypes: options.channelTypes,
      }),
    },
    deadlines: options.deadlines === undefined ? defaults.deadlines : { ...defaults.deadlines, ...options.deadlines },
    rekeyMilliseconds: positive('rekey.milliseconds', options.rekey?.milliseconds ?? defaults.rekeyMilliseconds),
    keepalive: keepalive === false ? noKeepalive : keepalive === undefined ? defaults.keepalive : { ...defaults.keepalive, ...keepalive },
    trace: options.trace,
    transcript: options.transcript,
  }
}
