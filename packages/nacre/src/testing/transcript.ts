// Owns reading transcripts (see `engine/transcript.ts`) and the plainest tables, with which a recorded conversation can be
// held again without its keys. Knows nothing of how a replay goes.
import { defaultTables, type AlgorithmTables } from '../algorithms/tables.ts'
import type { AeadCipher, Compression, Mac } from '../algorithms/rows.ts'
import type { TranscriptPacket } from '../engine/trace.ts'
import type { TranscriptHeader } from '../engine/transcript.ts'
import { decodeBase64 } from '../keys/base64.ts'
import { plainOpener, plainSealer } from '../transport/protect.ts'

export interface RecordedConversation {
  readonly header: TranscriptHeader
  readonly packets: readonly TranscriptPacket[]
}

/** Reads the lines of a transcript. Throws `TypeError` for what is none. */
export const parseTranscript = (text: string): RecordedConversation => {
  const [first, ...rest] = text.split('\n').filter(line => line !== '')
  const header = JSON.parse(first ?? '{}') as TranscriptHeader
  if (header.transcript !== 1) throw new TypeError('this is no transcript of a version we know')
  const packets = rest.map(line => {
    const packet = JSON.parse(line) as Omit<TranscriptPacket, 'payload'> & { readonly payload: string }
    const payload = decodeBase64(packet.payload)
    if (payload === undefined) throw new TypeError(`a packet of the transcript is not base64: ${line.slice(0, 100)}`)
    return { ...packet, payload }
  })
  return { header, packets }
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
