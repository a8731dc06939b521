// Owns hardlink@openssh.com: a second name for a file.
import { type Infer, struct } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { asBytes, asStatus, type ExtensionRow } from './row.ts'

const request = struct({ oldPath: fileName, newPath: fileName })

export const hardlink: ExtensionRow<'hardlink@openssh.com', Infer<typeof request>, void> = {
  name: 'hardlink@openssh.com',
  about: 'give a file a second name',
  announced: () => asBytes('1'),
  request,
  answer: asStatus,
  changes: true,
  paths: ({ oldPath, newPath }) => [oldPath, newPath],
  serve: (serving, { oldPath, newPath }) => serving.files.link(serving.absolute(oldPath), serving.absolute(newPath)),
}
