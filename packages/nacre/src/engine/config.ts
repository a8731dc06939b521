// Owns what an engine is told once, at its birth, and the defaults that are safe when nobody says anything. Knows nothing
// of files or of how a program spells its options.
import type { ConnectionConfig } from '../connection/connection.ts'
import type { TransportConfig } from '../transport/transport.ts'
import type { EngineEvent } from './events.ts'
import type { TraceRecord, TranscriptPacket } from './trace.ts'

/** Takes one conversation, in order. Bytes in events are valid only during the call. */
export interface TranscriptSink {
  /** True: nothing is blanked. For recordings in which every secret is a throw-away; never for a person's conversation. */
  readonly secrets?: boolean
  packet(packet: TranscriptPacket): void
  /** What the engine told its driver; milliseconds on the engine's clock. */
  event?(event: EngineEvent, at: number): void
}

/** Called once when an engine begins. */
export type Transcript = (config: EngineConfig) => TranscriptSink

export interface EngineConfig {
  readonly transport: TransportConfig
  readonly authentication:
    | { readonly role: 'client'; readonly user: string }
    | {
        readonly role: 'server'
        /** Signature algorithms taken for publickey (PubkeyAcceptedAlgorithms). */
        readonly acceptedAlgorithms: readonly string[]
        /** The same for hosts that vouch for users (HostbasedAcceptedAlgorithms); as for publickey when left out. */
        readonly hostbasedAlgorithms?: readonly string[]
        /** MaxAuthTries. */
        readonly maximumAttempts: number
        /** The methods that can be tried first. */
        readonly methods: readonly string[]
        readonly banner: string | undefined
      }
  readonly connection: Omit<ConnectionConfig, 'role' | 'out' | 'emit'>
  /** Milliseconds: for the first key exchange, for a client to log in (a client: for each answer of the server to that), for a later exchange. */
  readonly deadlines: { readonly handshake: number; readonly login: number; readonly rekey: number }
  /** A new key exchange after this many milliseconds at the latest (RFC 4253 §9 suggests an hour). */
  readonly rekeyMilliseconds: number
  /** After so many milliseconds without a packet we ask; after so many unanswered questions the peer is dead. 0 turns it off. */
  readonly keepalive: { readonly milliseconds: number; readonly maximumUnanswered: number }
  /** Called for every packet, decoded, secrets left out. */
  readonly trace: ((record: TraceRecord) => void) | undefined
  /** Sees every packet, raw, secrets blanked unless it asks for them: what a replay needs. */
  readonly transcript: Transcript | undefined
}

/** Figures that may change while an engine runs. */
export interface EngineFigures {
  readonly keepalive?: EngineConfig['keepalive'] | undefined
  readonly rekey?: { readonly bytes?: number; readonly milliseconds?: number } | undefined
}

/** The same configuration with other figures; what is left out stays. Bytes are the transport's. */
export const withFigures = (config: EngineConfig, { keepalive, rekey }: EngineFigures): EngineConfig => ({
  ...config,
  ...(keepalive === undefined ? {} : { keepalive }),
  ...(rekey?.milliseconds === undefined ? {} : { rekeyMilliseconds: rekey.milliseconds }),
})

/** Figures that hold unless a caller sets others. */
export const defaults = {
  deadlines: { handshake: 60_000, login: 120_000, rekey: 120_000 },
  rekeyMilliseconds: 3_600_000,
  rekey: { bytes: 2 ** 30, packets: 2 ** 30 },
  keepalive: { milliseconds: 30_000, maximumUnanswered: 3 },
  highWater: 1024 * 1024,
  groupSizes: { min: 2048, preferred: 3072, max: 8192 },
  minimumRsaBits: 2048,
  maximumAttempts: 6,
} as const
