// Owns copy-data: bytes from one open file to another, on the server (draft-ietf-secsh-filexfer-extensions-00 §7).
import { SftpError } from '../../errors.ts'
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import type { OpenFile } from '../files.ts'
import { size } from '../versions/numbers.ts'
import { eachPiece } from './pieces.ts'
import { asBytes, asStatus, type ExtensionRow, type Serving } from './row.ts'

const request = struct({ from: bytes, fromOffset: size, /** 0 for all there is. */ length: size, to: bytes, toOffset: size })
type CopyData = Infer<typeof request>

const overlap = ({ fromOffset, toOffset, length }: CopyData): boolean => {
  const count = length === 0 ? Number.MAX_SAFE_INTEGER : length
  return fromOffset < toOffset + count && toOffset < fromOffset + count
}

/**
 * How many bytes to copy at most: what there is now, since a file that is copied behind itself by another handle grows as long
 * as it is read. 0 for all there is, where nobody knows how much that is; `undefined` for none.
 */
const bounded = async (file: OpenFile, offset: number, length: number): Promise<number | undefined> => {
  const { type, size: known = 0 } = await file.stat()
  // Files of /proc say that they are empty, and are not.
  if (type !== 'file' || known === 0) return length
  const there = Math.max(0, known - offset)
  if (there === 0) return undefined
  return length === 0 ? there : Math.min(there, length)
}

const copy = async (serving: Serving, asked: CopyData): Promise<void> => {
  const from = serving.fileOf(asked.from)
  const to = serving.fileOf(asked.to)
  if (!from.options.read) throw new SftpError('permission-denied', 'The file to copy from is not open for reading.')
  if (!to.options.write) throw new SftpError('permission-denied', 'The file to copy to is not open for writing.')
  if (from === to && overlap(asked)) throw new SftpError('invalid-parameter', 'The two ranges of the file overlap.')
  const { fromOffset, toOffset, length } = asked
  if (fromOffset + length > Number.MAX_SAFE_INTEGER) throw new SftpError('invalid-parameter', 'The range goes beyond 2^53 - 1.')
  const count = await bounded(from.file, fromOffset, length)
  if (count === undefined) return
  await eachPiece({ file: from.file, offset: fromOffset, length: count }, serving, async (piece, offset) => {
    await to.file.write(toOffset + offset - fromOffset, piece)
  })
}

export const copyData: ExtensionRow<'copy-data', CopyData, void> = {
  name: 'copy-data',
  about: 'copy from one open file to another on the server',
  announced: () => asBytes('1'),
  request,
  answer: asStatus,
  changes: true,
  handles: ({ from, to }) => [from, to],
  paths: () => [],
  serve: copy,
}
