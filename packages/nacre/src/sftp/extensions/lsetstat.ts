// Owns lsetstat@openssh.com: SETSTAT of a symbolic link itself. In the attributes of version 3, which is where OpenSSH has it.
import { SftpError } from '../../errors.ts'
import { type Infer, struct } from '../../wire/codec.ts'
import { fileName } from '../names.ts'
import { attributes } from '../versions/version3.ts'
import { asBytes, asStatus, type ExtensionRow } from './row.ts'

const request = struct({ path: fileName, attributes })

export const lsetstat: ExtensionRow<'lsetstat@openssh.com', Infer<typeof request>, void> = {
  name: 'lsetstat@openssh.com',
  about: 'set the attributes of a symbolic link itself',
  versions: [3, 3],
  announced: () => asBytes('1'),
  request,
  answer: asStatus,
  changes: true,
  paths: ({ path }) => [path],
  serve: (serving, { path, attributes: wanted }) => {
    if (wanted.size !== undefined)
      throw new SftpError('bad-message', 'The size of a symbolic link cannot be set.', { operation: 'lsetstat', path })
    return serving.files.setAttributes(serving.absolute(path), wanted, false)
  },
}
