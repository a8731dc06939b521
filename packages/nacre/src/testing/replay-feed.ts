// Owns the bytes that a replayed engine is given for the packets a peer sent. Knows nothing of when it is given them.
import { decodeBase64 } from '../keys/base64.ts'
import type { TranscriptPacket } from '../engine/trace.ts'
import { BufferPool, Outgoing } from '../transport/outgoing.ts'
import type { RecordedWire } from './transcript.ts'

export interface ReplayFeed {
  /** The bytes of the next packets, which are these. */
  take(packets: readonly TranscriptPacket[]): Uint8Array
}

const joined = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

/** Frames what the peer said; nothing is protected, so nothing need be agreed on. */
export const plainFeed = (): ReplayFeed => {
  const peer = new Outgoing(bytes => void bytes.fill(0), new BufferPool())
  const frame = ({ number, payload }: TranscriptPacket): Uint8Array => {
    if (number === 0) return Uint8Array.of(...payload, 13, 10)
    peer.payload(payload)
    const parts: Uint8Array[] = []
    for (let buffer = peer.take(); buffer !== undefined; buffer = peer.take()) {
      parts.push(buffer.slice())
      peer.release(buffer)
    }
    return joined(parts)
  }
  return { take: packets => joined(packets.map(frame)) }
}

/** The bytes the network carried, read once: `decodeBase64` of a few kilobytes for each replay adds up. */
const bytesOfWire = new WeakMap<RecordedWire, Uint8Array>()

export const wireBytes = (wire: RecordedWire): Uint8Array => {
  const bytes = bytesOfWire.get(wire) ?? decodeBase64(wire.received)
  if (bytes === undefined) throw new TypeError('the bytes of the wire are not base64')
  bytesOfWire.set(wire, bytes)
  return bytes
}

/** Gives what the network carried for so many packets. */
export const wireFeed = (wire: RecordedWire): ReplayFeed => {
  const bytes = wireBytes(wire)
  let taken = 0
  return {
    take(packets) {
      const start = taken === 0 ? 0 : (wire.ends[taken - 1] ?? 0)
      taken += packets.length
      return bytes.slice(start, wire.ends[taken - 1] ?? bytes.length)
    },
  }
}
