// Owns posix-rename@openssh.com: a rename that replaces what is there, as rename(2) does.
import { type Infer, struct } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { asBytes, asStatus, type ExtensionRow } from './row.ts'

const request = struct({ oldPath: fileName, newPath: fileName })

export const posixRename: ExtensionRow<'posix-rename@openssh.com', Infer<typeof request>, void> = {
  name: 'posix-rename@openssh.com',
  about: 'rename a file over what is there',
  announced: () => asBytes('1'),
  request,
  answer: asStatus,
  changes: true,
  paths: ({ oldPath, newPath }) => [oldPath, newPath],
  serve: (serving, { oldPath, newPath }) => serving.files.rename(serving.absolute(oldPath), serving.absolute(newPath), true),
}
