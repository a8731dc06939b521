// Owns reading transcripts (see `engine/transcript.ts`), telling which of them end badly, and the plainest tables, with which
// a recorded conversation can be held again without its keys. Knows nothing of how a replay goes.
import { defaultTables, type AlgorithmTables } from '../algorithms/tables.ts'
import type { AeadCipher, Compression, Mac } from '../algorithms/rows.ts'
import type { TranscriptPacket } from '../engine/trace.ts'
import type { TranscriptEvent, TranscriptHeader } from '../engine/transcript.ts'
import { type DisconnectReason, disconnectReasonName } from '../errors.ts'
import { decodeBase64 } from '../keys/base64.ts'
import { Disconnect } from '../transport/messages.ts'
import { plainOpener, plainSealer } from '../transport/protect.ts'
import type { Infer } from '../wire/codec.ts'
import { decodeMessage } from '../wire/message.ts'

/** The bytes of a conversation as the network carried them, and all that chance had a part in. Only `record.ts` makes it. */
export interface RecordedWire {
  /** Of `seededRandom`, which was all the randomness our side had. */
  readonly seed: number
  /** What came, in base64. */
  readonly received: string
  /** Where each received packet ends in it, the identification line first. */
  readonly ends: readonly number[]
  /** What left. */
  readonly sent: { readonly bytes: number; readonly sha256: string }
  /** What no seed repeats, in order, in base64: our host key's signatures, and encapsulations. */
  readonly drawn: readonly string[]
}

/** What a transcript says about itself besides its configuration. Written by hand or by tools. */
export interface TranscriptRemarks {
  /** The conversation is meant to end by this fault: see `BadEnd.what`. */
  readonly expects?: string
  /** What was done, for people. */
  readonly about?: string
}

export interface RecordedConversation {
  readonly header: TranscriptHeader & TranscriptRemarks
  readonly packets: readonly TranscriptPacket[]
  /** What the engine told its driver. Older transcripts have none. */
  readonly events?: readonly TranscriptEvent[]
  readonly wire?: RecordedWire
}

const readLine = (line: string): object => {
  let read: unknown
  try {
    read = JSON.parse(line)
  } catch (cause) {
    throw new TypeError(`a line of the transcript is not JSON: ${line.slice(0, 100)}`, { cause })
  }
  if (typeof read !== 'object' || read === null) throw new TypeError(`a line of the transcript says nothing: ${line.slice(0, 100)}`)
  return read
}

/** Reads the lines of a transcript. Throws `TypeError` for what is none. */
export const parseTranscript = (text: string): RecordedConversation => {
  const [first, ...rest] = text.split('\n').filter(line => line !== '')
  const header = readLine(first ?? '{}') as TranscriptHeader
  if (header.transcript !== 1) throw new TypeError('this is no transcript of a version we know')
  const packets: TranscriptPacket[] = []
  const events: TranscriptEvent[] = []
  let wire: RecordedWire | undefined
  for (const line of rest) {
    const read = readLine(line) as { readonly event?: string; readonly wire?: RecordedWire; readonly payload?: unknown }
    if (read.event !== undefined) events.push(read as unknown as TranscriptEvent)
    else if (read.wire !== undefined) wire = read.wire
    else {
      const payload = typeof read.payload === 'string' ? decodeBase64(read.payload) : undefined
      if (payload === undefined) throw new TypeError(`a packet of the transcript is not base64: ${line.slice(0, 100)}`)
      packets.push({ ...(read as unknown as TranscriptPacket), payload })
    }
  }
  return { header, packets, ...(events.length === 0 ? {} : { events }), ...(wire === undefined ? {} : { wire }) }
}

/** The events among the lines of a transcript. */
export const parseEvents = (lines: readonly string[]): readonly TranscriptEvent[] => parseTranscript(lines.join('\n')).events ?? []

/** How a conversation ends when nobody is at fault. */
const goodEnds: readonly (DisconnectReason | undefined)[] = [
  undefined,
  'by-application',
  'auth-cancelled-by-user',
  'no-more-auth-methods-available',
]

export interface BadEnd {
  /** Who saw a fault and ended the conversation. */
  readonly by: 'us' | 'peer'
  /** The violation, `internal-error`, or the reason of the goodbye. */
  readonly what: string
  readonly message: string
  /** Which packet is the goodbye. */
  readonly at: number
}

const readGoodbye = (payload: Uint8Array): Infer<typeof Disconnect> => {
  try {
    return decodeMessage(Disconnect, payload)
  } catch (cause) {
    throw new TypeError('the goodbye in the transcript cannot be read', { cause })
  }
}

/** The fault a conversation ended by, whoever saw it; `undefined` for a good end, or none. */
export const badEnd = ({ packets, events }: Pick<RecordedConversation, 'packets' | 'events'>): BadEnd | undefined => {
  const at = packets.findLastIndex(each => each.number === Disconnect.number)
  const ended = events?.find(each => each.event === 'ended')
  if (at < 0) return undefined
  const { reasonCode, description } = readGoodbye(packets[at].payload)
  const reason = disconnectReasonName(reasonCode)
  const by = packets[at].direction === 'sent' ? 'us' : 'peer'
  const fault = by === 'us' ? ended?.fault : undefined
  if (fault === undefined && goodEnds.includes(reason)) return undefined
  return { by, what: String(fault ?? reason), message: String(by === 'us' ? (ended?.error ?? description) : description), at }
}

const plainCipher = (name: string): AeadCipher => ({
  name,
  standing: 'default',
  keyBytes: 0,
  ivBytes: 0,
  blockBytes: 8,
  rekeyAfterBytes: Number.POSITIVE_INFINITY,
  integrity: 'built-in',
  createSealer: () => plainSealer,
  createOpener: () => plainOpener,
})
const noMac = (name: string): Mac => ({
  name,
  standing: 'default',
  keyBytes: 0,
  tagBytes: 0,
  encryptThenMac: false,
  create: () => ({ compute: () => new Uint8Array(0) }),
})
const never = (): never => {
  throw new TypeError('nothing is compressed in a replay')
}
const noCompression = (name: string): Compression => ({
  name,
  standing: 'default',
  starts: 'never',
  createCompressor: never,
  createDecompressor: never,
})

/** All names nacre knows, none of which does anything: every packet stays as it is before the first keys. */
export const plainTables: AlgorithmTables = {
  ...defaultTables,
  ciphers: defaultTables.ciphers.map(row => plainCipher(row.name)),
  macs: defaultTables.macs.map(row => noMac(row.name)),
  compressions: defaultTables.compressions.map(row => noCompression(row.name)),
}
