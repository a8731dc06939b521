// Owns copy-file: a copy of a file by name, on the server (draft-ietf-secsh-filexfer-extensions-00 §6).
import { SftpError } from '../../errors.ts'
import { boolean, type Infer, struct } from '../../wire/codec.ts'
import type { OpenFile, OpenOptions } from '../files.ts'
import { fileName } from '../names.ts'
import { eachPiece } from './pieces.ts'
import { asBytes, asStatus, type ExtensionRow, type Serving } from './row.ts'

const request = struct({ from: fileName, to: fileName, overwrite: boolean })
type CopyFile = Infer<typeof request>

const none: OpenOptions = { read: false, write: false, append: false, create: false, exclusive: false, truncate: false, noFollow: false }

/** Says how many bytes it was. */
const pump = (serving: Serving, from: OpenFile, to: OpenFile): Promise<number> =>
  eachPiece({ file: from, offset: 0, length: 0 }, serving, async (piece, offset) => {
    await to.write(offset, piece)
  })

/**
 * What is at `to` is written over, and cut off where `from` ends only then: it may be another name of the same file, which nobody
 * can say for sure, and is copied onto itself without harm. A copy that fails half-way leaves what it has written.
 */
const copy = async (serving: Serving, asked: CopyFile): Promise<void> => {
  const { files } = serving
  const [from, to] = [serving.absolute(asked.from), serving.absolute(asked.to)]
  const source = await files.open(from, { ...none, read: true }, {})
  try {
    const { permissions, type } = await source.stat()
    if (type === 'directory') throw new SftpError('file-is-a-directory', 'Is a directory', { operation: 'copy', path: from })
    if (asked.overwrite && (await sameFile(serving, from, to)))
      throw new SftpError('invalid-parameter', 'Both are the same file.', { operation: 'copy', path: to })
    const options = { ...none, write: true, create: true, exclusive: !asked.overwrite }
    const target = await files.open(to, options, permissions === undefined ? {} : { permissions })
    try {
      const end = await pump(serving, source, target)
      if (((await target.stat()).size ?? end) > end) await target.setAttributes({ size: end })
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

/** Whether both names lead to one path; a hard link is not noticed. */
const sameFile = async ({ files }: Serving, from: string, to: string): Promise<boolean> => {
  const [one, other] = [await files.realPath(from, false), await files.realPath(to, false)]
  return one === other
}

export const copyFile: ExtensionRow<'copy-file', CopyFile, void> = {
  name: 'copy-file',
  about: 'copy a file by name on the server',
  announced: () => asBytes('1'),
  request,
  answer: asStatus,
  changes: true,
  paths: ({ from, to }) => [from, to],
  serve: copy,
}
