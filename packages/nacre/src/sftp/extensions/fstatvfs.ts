// Owns fstatvfs@openssh.com: room and names left in the file system an open file is on.
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import type { FilesystemStat } from '../files.ts'
import { asBytes, type ExtensionRow } from './row.ts'
import { filesystemStat } from './statvfs.ts'

const request = struct({ handle: bytes })

export const fstatvfs: ExtensionRow<'fstatvfs@openssh.com', Infer<typeof request>, FilesystemStat> = {
  name: 'fstatvfs@openssh.com',
  about: 'ask for the room left where an open file is',
  announced: () => asBytes('2'),
  request,
  answer: { as: 'fields', fields: filesystemStat },
  changes: false,
  handles: ({ handle }) => [handle],
  serve: (serving, { handle }) => serving.fileOf(handle).file.statvfs(),
}
