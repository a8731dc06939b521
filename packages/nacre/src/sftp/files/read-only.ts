// Owns `readOnlyFiles`: files of any kind that can be looked at and not changed. Knows nothing of what is behind them.
import type { SftpError } from '../../errors.ts'
import type { Files, OpenFile } from '../files.ts'
import { fault } from './faults.ts'

const refusal = (operation: string, path?: string): SftpError => fault('EROFS', operation, path)

const readOnlyFile = (file: OpenFile, path: string): OpenFile => ({
  read: (position, into) => file.read(position, into),
  write: () => {
    throw refusal('write', path)
  },
  stat: () => file.stat(),
  setAttributes: () => {
    throw refusal('fsetstat', path)
  },
  // There is nothing to bring to the disk.
  sync: () => undefined,
  statvfs: async () => ({ ...(await file.statvfs()), readOnly: true }),
  close: () => file.close(),
})

/**
 * `files` without all that changes them: that is refused as `write-protect`, opening for writing, creating or truncating
 * included. What else there is to say against it, a missing file say, is not looked for.
 */
export const readOnlyFiles = (files: Files): Files => {
  const refuse =
    (operation: string) =>
    (path: string): never => {
      throw refusal(operation, path)
    }
  return {
    open: async (path, options, attributes) => {
      const { write, create, truncate } = options
      if (write || create || truncate) throw refusal('open', path)
      return readOnlyFile(await files.open(path, options, attributes), path)
    },
    list: path => files.list(path),
    stat: (path, follow) => files.stat(path, follow),
    setAttributes: refuse('setstat'),
    remove: refuse('remove'),
    rename: refuse('rename'),
    makeDirectory: refuse('mkdir'),
    removeDirectory: refuse('rmdir'),
    link: refuse('link'),
    symlink: (_target, path) => refuse('symlink')(path),
    readLink: path => files.readLink(path),
    realPath: (path, mustExist) => files.realPath(path, mustExist),
    statvfs: async path => ({ ...(await files.statvfs(path)), readOnly: true }),
    home: user => files.home(user),
    namesOf: (kind, ids) => files.namesOf(kind, ids),
    idOf: (kind, name) => files.idOf(kind, name),
  }
}
