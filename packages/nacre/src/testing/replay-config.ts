// Owns the configuration of an engine that holds a recorded conversation again: the same offers and limits, no cryptography,
// no deadlines. Knows nothing of what was said.
import { channelTypes } from '../connection/channel-types/table.ts'
import { globalRequests } from '../connection/global-requests/table.ts'
import { channelRequests } from '../connection/requests/table.ts'
import { safeGroups } from '../algorithms/kex/groups.ts'
import { defaults, type EngineConfig, type Transcript } from '../engine/config.ts'
import { decodeBase64 } from '../keys/base64.ts'
import { parsePublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { signatureBlob } from '../keys/verify.ts'
import { BufferPool } from '../transport/outgoing.ts'
import { encode } from '../wire/codec.ts'
import { nullCrypto } from './null-crypto.ts'
import { plainTables, type RecordedConversation } from './transcript.ts'

/** Milliseconds; no replay takes as long. */
const never = Number.MAX_SAFE_INTEGER

/** A key without its private half. Its signatures are as good as any in a replay. */
const publicHalf = (publicKey: string, algorithms: readonly string[]): Signer => ({
  publicKey: parsePublicKey(decodeBase64(publicKey) ?? new Uint8Array(0)),
  algorithms,
  source: 'transcript',
  slow: false,
  sign: (_data, algorithm) => encode(signatureBlob, { algorithm, signature: new Uint8Array(64).fill(7) }),
})

export const replayConfig = ({ header }: RecordedConversation, transcript: Transcript): EngineConfig => ({
  transport: {
    role: header.role,
    crypto: nullCrypto,
    random: nullCrypto.random,
    tables: plainTables,
    offer: header.offer,
    identification: Uint8Array.from(header.identification, character => character.charCodeAt(0)),
    hostKeys: header.hostKeys.map(key => publicHalf(key.publicKey, key.algorithms)),
    groups: safeGroups,
    groupSizes: defaults.groupSizes,
    minimumRsaBits: 0,
    rekey: { bytes: Number.POSITIVE_INFINITY, packets: Number.POSITIVE_INFINITY },
    highWater: Number.POSITIVE_INFINITY,
    extensions: header.extensions,
    pool: new BufferPool(),
  },
  authentication:
    header.role === 'client'
      ? { role: 'client', user: header.user ?? '' }
      : {
          role: 'server',
          acceptedAlgorithms: header.acceptedAlgorithms,
          maximumAttempts: header.maximumAttempts,
          methods: header.methods,
          banner: header.banner,
        },
  connection: { limits: header.limits, requests: channelRequests, globalRequests, channelTypes },
  deadlines: { handshake: never, login: never, rekey: never },
  rekeyMilliseconds: never,
  keepalive: { milliseconds: 0, maximumUnanswered: 0 },
  trace: undefined,
  transcript,
})
