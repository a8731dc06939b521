// Owns reading a file piece by piece for those who look at all of it, without holding up everything else. Knows no extension.
import { SftpError } from '../../errors.ts'
import type { OpenFile } from '../files.ts'
import type { Serving } from './row.ts'

const pieceBytes = 256 * 1024
/** So much is done at once of what needs no waiting for. */
const turnBytes = 1024 * 1024

export interface Range {
  readonly file: OpenFile
  readonly offset: number
  /** Bytes; 0 for all there are. */
  readonly length: number
}

/**
 * Calls `take` with each piece in order; the bytes are its own until it has settled. Ends at the end of the range or of the
 * file, whichever comes first, and says how many bytes it was. Ends by `connection-lost` when the client has gone.
 */
export const eachPiece = async (
  range: Range,
  serving: Pick<Serving, 'over' | 'pause'>,
  take: (bytes: Uint8Array, offset: number) => void | Promise<void>,
): Promise<number> => {
  const end = range.length === 0 ? Number.MAX_SAFE_INTEGER : range.offset + range.length
  const buffer = new Uint8Array(Math.min(pieceBytes, end - range.offset))
  let { offset } = range
  for (let sinceTurn = 0; offset < end;) {
    if (serving.over()) throw new SftpError('connection-lost', 'The client has gone.')
    const reading = range.file.read(offset, buffer.subarray(0, Math.min(buffer.length, end - offset)))
    const count = typeof reading === 'number' ? reading : await reading
    if (count === 0) break
    const taking = take(buffer.subarray(0, count), offset)
    if (taking !== undefined) await taking
    offset += count
    sinceTurn += count
    if (sinceTurn >= turnBytes) {
      sinceTurn = 0
      await serving.pause()
    }
  }
  return offset - range.offset
}
