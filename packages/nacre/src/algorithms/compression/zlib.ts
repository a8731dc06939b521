// Owns zlib compression (RFC 4253 §6.2, RFC 1950): one stream a direction, flushed at the end of each packet so that the
// packet can be read whole. Knows nothing of packets. What a packet may inflate to is bounded while it inflates.
import {
  Z_BUF_ERROR,
  Z_DEFAULT_STRATEGY,
  Z_OK,
  Z_PARTIAL_FLUSH,
  Z_STREAM_END,
  zlibDeflate,
  zlibDeflateInit2,
  zlibInflate,
  zlibInflateInit2,
  ZStream,
} from 'pako'
import { SshError, WireError } from '../../errors.ts'
import type { Compression, Compressor, Decompressor } from '../rows.ts'

/** A packet inflates to more than was allowed. Everything above the limit was thrown away. */
export class InflatedTooLarge extends SshError {
  readonly limit: number
  constructor(limit: number) {
    super('INFLATED_TOO_LARGE', `Compressed data inflates to more than ${limit} bytes.`)
    this.limit = limit
  }
}

const chunkBytes = 32 * 1024
const nothing = new Uint8Array(0)

// zlib's own defaults, which OpenSSH uses: level 6, a window of 32 KiB, memory level 8.
const level = 6
const deflated = 8
const windowBits = 15
const memoryLevel = 8

// Every stream writes here within one synchronous call, so one chunk serves all connections.
let shared: Uint8Array<ArrayBuffer> | undefined
const chunk = (): Uint8Array<ArrayBuffer> => (shared ??= new Uint8Array(chunkBytes))

const joined = (parts: readonly Uint8Array[], total: number): Uint8Array => {
  if (parts.length === 1) return parts[0]
  const whole = new Uint8Array(total)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Runs `turn` until the stream has no more to give, and returns all it gave. Throws above `limit` bytes. */
const drained = (stream: ZStream, input: Uint8Array, limit: number, turn: (stream: ZStream) => number): Uint8Array => {
  const output = chunk()
  const parts: Uint8Array[] = []
  let total = 0
  stream.input = input
  stream.next_in = 0
  stream.avail_in = input.length
  stream.output = output
  try {
    for (;;) {
      stream.next_out = 0
      stream.avail_out = output.length
      const status = turn(stream)
      const count = stream.next_out
      total += count
      if (total > limit) throw new InflatedTooLarge(limit)
      if (count > 0) parts.push(output.slice(0, count))
      // Z_BUF_ERROR only says that nothing was left to do.
      if (status === Z_STREAM_END) throw new WireError('the compressed stream ends, where it should go on to the next packet')
      if (status !== Z_OK && status !== Z_BUF_ERROR)
        throw new WireError(`the compressed stream is damaged: ${stream.msg || `zlib status ${status}`}`)
      if (stream.avail_out > 0) break
    }
    if (stream.avail_in > 0) throw new WireError('the compressed stream is damaged: input is left over')
    return joined(parts, total)
  } finally {
    // The stream outlives the packet; neither the packet nor another connection's chunk may hang on it.
    stream.input = nothing
    stream.output = nothing as Uint8Array<ArrayBuffer>
    output.fill(0, 0, Math.min(total, output.length))
  }
}

const deflateTurn = (stream: ZStream): number => zlibDeflate(stream, Z_PARTIAL_FLUSH)
const inflateTurn = (stream: ZStream): number => zlibInflate(stream, Z_PARTIAL_FLUSH)

class Deflater implements Compressor {
  readonly #stream = new ZStream()
  constructor() {
    const status = zlibDeflateInit2(this.#stream, level, deflated, windowBits, memoryLevel, Z_DEFAULT_STRATEGY)
    if (status !== Z_OK) throw new WireError(`zlib does not start: status ${status}`)
  }
  compress(payload: Uint8Array): Uint8Array {
    return drained(this.#stream, payload, Number.POSITIVE_INFINITY, deflateTurn)
  }
}

class Inflater implements Decompressor {
  readonly #stream = new ZStream()
  constructor() {
    const status = zlibInflateInit2(this.#stream, windowBits)
    if (status !== Z_OK) throw new WireError(`zlib does not start: status ${status}`)
  }
  decompress(payload: Uint8Array, limit: number): Uint8Array {
    return drained(this.#stream, payload, limit, inflateTurn)
  }
}

const columns = { createCompressor: () => new Deflater(), createDecompressor: () => new Inflater() }

/** Starts at NEWKEYS, before anyone has said who they are: a peer's zlib is then within everybody's reach. */
export const zlib: Compression<'zlib'> = { name: 'zlib', standing: 'offered-on-request', starts: 'at-once', ...columns }

/** Starts once the user is authenticated (OpenSSH's PROTOCOL §1.2). */
export const zlibOpenssh: Compression<'zlib@openssh.com'> = {
  name: 'zlib@openssh.com',
  standing: 'default',
  starts: 'after-authentication',
  ...columns,
}
