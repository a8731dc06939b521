// Owns text-seek: to the beginning of a line in a file opened as text (draft-ietf-secsh-filexfer-13).
import { SftpError } from '../../errors.ts'
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import { size } from '../versions/numbers.ts'
import { eachPiece } from './pieces.ts'
import { asStatus, type ExtensionRow, type Serving } from './row.ts'

const request = struct({ handle: bytes, /** From 0. */ line: size })

/** So much is looked at before asking whether it was enough. */
const stretch = 256 * 1024

/** Where line `line` begins; throws `eof` when there are not so many. */
const seek = async (serving: Serving, { handle, line }: Infer<typeof request>): Promise<void> => {
  const served = serving.fileOf(handle)
  if (served.text === undefined) throw new SftpError('invalid-parameter', 'The file was not opened as text.')
  let left = line
  let searched = 0
  let found = line === 0 ? 0 : undefined
  const look = (piece: Uint8Array, offset: number): void => {
    for (let at = piece.indexOf(10); at >= 0 && found === undefined; at = piece.indexOf(10, at + 1))
      if (--left === 0) found = offset + at + 1
  }
  while (found === undefined) {
    const count = await eachPiece({ file: served.file, offset: searched, length: stretch }, serving, look)
    if (count === 0) throw new SftpError('eof', 'There are not so many lines.')
    searched += count
    // A sparse file of petabytes is read as fast as it is asked for: others want their turn, and the client may be gone.
    await serving.pause()
  }
  served.text.position = found
}

export const textSeek: ExtensionRow<'text-seek', Infer<typeof request>, void> = {
  name: 'text-seek',
  about: 'go to a line of a file opened as text',
  versions: [4, 6],
  announced: () => undefined,
  request,
  answer: asStatus,
  changes: false,
  handles: ({ handle }) => [handle],
  serve: seek,
}
