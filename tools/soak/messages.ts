// Owns what the processes of a soak say to each other, and the bytes they send through channels. Knows nothing of SSH.
import type { Sample } from './measure.ts'

/** Connections that last from the first round to the last and move bulk. */
export const lastingConnections = 2

/** To the server and the client. */
export type Order =
  | { readonly is: 'begin'; readonly port: number; readonly cutPort: number; readonly seed: number }
  | { readonly is: 'round'; readonly connections: number; readonly channels: number; readonly bytes: number }
  | { readonly is: 'measure' }
  | { readonly is: 'stop' }

/** Counts of one round. */
export interface RoundFigures {
  readonly connections: number
  /** Of them, those that were cut or gave up. */
  readonly cut: number
  readonly channels: number
  readonly bytes: number
  readonly exchanges: number
  /** What should not have happened. */
  readonly faults: readonly string[]
}

export type Report =
  | { readonly is: 'ready'; readonly port: number }
  | { readonly is: 'round'; readonly figures: RoundFigures }
  | { readonly is: 'sample'; readonly sample: Sample; readonly connections: number; readonly faults: readonly string[] }

export const tell = (report: Report): void => void process.send?.(report)

/** After so many bytes a stream repeats itself: a prime, so that no packet or window has the same length. */
const period = 65_521
const pattern = Uint8Array.from({ length: 2 * period }, (_, index) => Math.imul((index % period) + 1, 0x9e3779b1) >>> 24)

/** Bytes of the one stream everybody sends; at most as many as are asked for. */
export const streamBytes = (at: number, count: number): Uint8Array => {
  const begin = at % period
  return pattern.subarray(begin, begin + Math.min(count, period))
}

/** Sees that what comes is that stream. */
export class StreamCheck {
  count = 0
  /** False when a byte was another one. */
  take(bytes: Uint8Array): boolean {
    for (let at = 0; at < bytes.length;) {
      const expected = streamBytes(this.count, bytes.length - at)
      if (Buffer.compare(bytes.subarray(at, at + expected.length), expected) !== 0) return false
      at += expected.length
      this.count += expected.length
    }
    return true
  }
}
