// Owns copy-data: bytes from one open file to another, on the server (draft-ietf-secsh-filexfer-extensions-00 §7).
import { SftpError } from '../../errors.ts'
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import { size } from '../versions/numbers.ts'
import { eachPiece } from './pieces.ts'
import { asBytes, asStatus, type ExtensionRow, type Serving } from './row.ts'

const request = struct({ from: bytes, fromOffset: size, /** 0 for all there is. */ length: size, to: bytes, toOffset: size })
type CopyData = Infer<typeof request>

const overlap = ({ fromOffset, toOffset, length }: CopyData): boolean => {
  const count = length === 0 ? Number.MAX_SAFE_INTEGER : length
  return fromOffset < toOffset + count && toOffset < fromOffset + count
}

const copy = async (serving: Serving, asked: CopyData): Promise<void> => {
  const from = serving.fileOf(asked.from)
  const to = serving.fileOf(asked.to)
  if (!from.options.read) throw new SftpError('permission-denied', 'The file to copy from is not open for reading.')
  if (!to.options.write) throw new SftpError('permission-denied', 'The file to copy to is not open for writing.')
  if (from === to && overlap(asked)) throw new SftpError('invalid-parameter', 'The two ranges of the file overlap.')
  const { fromOffset, toOffset, length } = asked
  if (fromOffset + length > Number.MAX_SAFE_INTEGER) throw new SftpError('invalid-parameter', 'The range goes beyond 2^53 - 1.')
  await eachPiece({ file: from.file, offset: fromOffset, length }, serving, async (piece, offset) => {
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
