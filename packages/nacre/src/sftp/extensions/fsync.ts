// Owns fsync@openssh.com: what was written to a handle goes to the disk.
import { bytes, type Infer, struct } from '../../wire/codec.ts'
import { asBytes, asStatus, type ExtensionRow } from './row.ts'

const request = struct({ handle: bytes })

export const fsync: ExtensionRow<'fsync@openssh.com', Infer<typeof request>, void> = {
  name: 'fsync@openssh.com',
  about: 'have what was written reach the disk',
  announced: () => asBytes('1'),
  request,
  answer: asStatus,
  changes: true,
  handles: ({ handle }) => [handle],
  paths: () => [],
  serve: (serving, { handle }) => serving.fileOf(handle).file.sync(),
}
