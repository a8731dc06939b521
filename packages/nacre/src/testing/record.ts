// Owns recording a conversation with all that is needed to repeat it to the byte: the network's bytes, a seed for all our
// randomness, and what no seed repeats. Whoever has a recording can read everything in it: it is for keys and passwords that
// are thrown away afterwards. Knows nothing of files and sockets.
import type { CryptoProvider, Random } from '../crypto/provider.ts'
import type { Transcript } from '../engine/config.ts'
import { transcriptLines } from '../engine/transcript.ts'
import type { ByteTransport } from '../io/transport.ts'
import { encodeBase64 } from '../keys/base64.ts'
import type { Signer } from '../keys/signer.ts'
import { seededRandom } from './random.ts'
import { constantPadding } from './replay-config.ts'
import { explainDifference, measureWire } from './replay.ts'
import { parseTranscript, type RecordedWire, type TranscriptRemarks } from './transcript.ts'

/** Records one conversation. */
export interface ConversationRecorder {
  /** Options for the side that is recorded. */
  readonly options: {
    readonly crypto: CryptoProvider
    readonly random: Random
    readonly padding: Random
    readonly transcript: Transcript
  }
  /** A transport whose bytes are recorded. */
  over(transport: ByteTransport): ByteTransport
  /** A host key whose signatures are recorded. */
  signer(signer: Signer): Signer
  /** The recording, when the conversation is over. Throws `TypeError` when it cannot be replayed. */
  finish(remarks?: TranscriptRemarks): Promise<string>
}

/** Times in whole milliseconds since the first: no replay looks closer, and when it was is nobody's business. */
const fromItsBeginning = (lines: readonly string[]): readonly string[] => {
  let first: number | undefined
  return lines.map(line => {
    const read = JSON.parse(line) as { at?: number }
    if (read.at === undefined) return line
    first ??= read.at
    return JSON.stringify({ ...read, at: Math.round(read.at - first) })
  })
}

export const recordConversation = (crypto: CryptoProvider, seed: number): ConversationRecorder => {
  const lines: string[] = []
  const drawn: string[] = []
  const received: number[] = []
  const hasher = crypto.hasher('sha256')
  let sent = 0
  const note = <T extends Uint8Array>(bytes: T): T => {
    drawn.push(encodeBase64(bytes))
    return bytes
  }
  return {
    options: {
      crypto: {
        ...crypto,
        mlkem768Encapsulate(publicKey, random) {
          const result = crypto.mlkem768Encapsulate(publicKey, random)
          note(result.ciphertext)
          note(result.secret)
          return result
        },
      },
      random: seededRandom(seed).bytes,
      padding: constantPadding,
      transcript: transcriptLines(line => lines.push(line), { secrets: true }),
    },
    over: transport => ({
      remote: transport.remote,
      start: sink =>
        transport.start({
          data(bytes) {
            for (const byte of bytes) received.push(byte)
            sink.data(bytes)
          },
          end: error => sink.end(error),
        }),
      write(bytes, taken) {
        hasher.update(bytes)
        sent += bytes.length
        transport.write(bytes, taken)
      },
      pause: () => transport.pause(),
      resume: () => transport.resume(),
      close: () => transport.close(),
    }),
    signer: signer => ({
      ...signer,
      sign(data, algorithm) {
        const signature = signer.sign(data, algorithm)
        return signature instanceof Uint8Array ? note(signature) : signature.then(note)
      },
    }),
    async finish(remarks = {}) {
      const [header, ...rest] = fromItsBeginning(lines)
      const sha256 = Array.from(hasher.digest(), byte => byte.toString(16).padStart(2, '0')).join('')
      const wire: RecordedWire = { seed, received: encodeBase64(Uint8Array.from(received)), ends: [], sent: { bytes: sent, sha256 }, drawn }
      const all = (complete: RecordedWire): string =>
        [JSON.stringify({ ...(JSON.parse(header) as object), ...remarks }), ...rest, JSON.stringify({ wire: complete })]
          .map(line => `${line}\n`)
          .join('')
      const { ends, difference } = await measureWire(parseTranscript(all(wire)), crypto)
      if (difference !== undefined) throw new TypeError(`the recording cannot be replayed: ${explainDifference(difference)}`)
      return all({ ...wire, ends })
    },
  }
}
