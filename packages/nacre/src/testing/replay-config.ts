// Owns the configuration of an engine that holds a recorded conversation again: the same offers and limits, no deadlines, and
// either no cryptography at all or the real one with all chance recorded. Knows nothing of what was said.
import { connectionRows } from '../connection/rows.ts'
import { safeGroups } from '../algorithms/kex/groups.ts'
import { defaultTables } from '../algorithms/tables.ts'
import type { CryptoProvider, Random } from '../crypto/provider.ts'
import { defaults, type EngineConfig, type Transcript } from '../engine/config.ts'
import { decodeBase64 } from '../keys/base64.ts'
import { parsePublicKey } from '../keys/public.ts'
import type { Signer } from '../keys/signer.ts'
import { signatureBlob } from '../keys/verify.ts'
import type { TransportConfig } from '../transport/transport.ts'
import { BufferPool } from '../transport/outgoing.ts'
import { encode } from '../wire/codec.ts'
import { nullCrypto } from './null-crypto.ts'
import { seededRandom } from './random.ts'
import { plainTables, type RecordedConversation, type RecordedWire } from './transcript.ts'

/** Milliseconds; no replay takes as long. */
const never = Number.MAX_SAFE_INTEGER

type Sign = (algorithm: string) => Uint8Array

/** A key without its private half. */
const publicHalf = (publicKey: string, algorithms: readonly string[], sign: Sign): Signer => ({
  publicKey: parsePublicKey(decodeBase64(publicKey) ?? new Uint8Array(0)),
  algorithms,
  source: 'transcript',
  slow: false,
  sign: (_data, algorithm) => sign(algorithm),
})

/** What differs between replays: how packets are protected, and who signs as our host key. */
interface Protection extends Pick<TransportConfig, 'crypto' | 'random' | 'padding' | 'tables'> {
  readonly sign: Sign
}

/** Nothing is protected, and every signature is as good as another. */
const unprotected: Protection = {
  crypto: nullCrypto,
  random: nullCrypto.random,
  tables: plainTables,
  sign: algorithm => encode(signatureBlob, { algorithm, signature: new Uint8Array(64).fill(7) }),
}

/** All padding of a recording is zeros: how it is drawn is no part of the conversation. */
export const constantPadding: Random = bytes => void bytes.fill(0)

/** The real thing. What no seed repeats is taken from the recording in its order. */
const recordedProtection = (crypto: CryptoProvider, { seed, drawn }: RecordedWire): Protection => {
  const left = [...drawn]
  const next = (): Uint8Array => {
    const bytes = decodeBase64(left.shift() ?? '')
    if (bytes === undefined || bytes.length === 0) throw new TypeError('the recording holds no more signatures and encapsulations')
    return bytes
  }
  return {
    crypto: { ...crypto, mlkem768Encapsulate: () => ({ ciphertext: next(), secret: next() }) },
    random: seededRandom(seed).bytes,
    padding: constantPadding,
    tables: defaultTables,
    sign: next,
  }
}

/** The configuration; with `crypto` and a recorded wire, one that protects packets as they were protected. */
export const replayConfig = (
  { header, wire }: RecordedConversation,
  transcript: Transcript,
  crypto: CryptoProvider | undefined,
): EngineConfig => {
  const { sign, ...protection } = crypto === undefined || wire === undefined ? unprotected : recordedProtection(crypto, wire)
  return {
    transport: {
      ...protection,
      role: header.role,
      offer: header.offer,
      identification: Uint8Array.from(header.identification, character => character.charCodeAt(0)),
      hostKeys: header.hostKeys.map(key => publicHalf(key.publicKey, key.algorithms, sign)),
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
    connection: { limits: header.limits, rows: connectionRows() },
    deadlines: { handshake: never, login: never, rekey: never },
    rekeyMilliseconds: never,
    keepalive: { milliseconds: 0, maximumUnanswered: 0 },
    trace: undefined,
    transcript,
  }
}
