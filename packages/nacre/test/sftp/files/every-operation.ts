// Owns the list of everything that can be asked of files about one path, as the tests of confinement try it. Knows no trick.
import type { Attributes } from '../../../src/sftp/attributes.ts'
import type { Files } from '../../../src/sftp/files.ts'
import { bytesOf, how, listAll } from './on-disk.ts'

/** What somebody asking sees: never a time or a number that differs from run to run. */
export type Seen = string

const seenAttributes = ({ type, size, permissions, links }: Attributes): Seen => `${type} ${size} ${permissions?.toString(8)} ${links}`

export interface Operation {
  readonly name: string
  act(files: Files, path: string): Promise<Seen>
}

const time = { seconds: 7, nanoseconds: 0 }

/** Opens, writes if it may, and says what it reads. */
const opening = (name: string, flags: Parameters<typeof how>): Operation => ({
  name,
  async act(files, path) {
    const file = await files.open(path, how(...flags), { permissions: 0o606 })
    try {
      let seen = seenAttributes(await file.stat())
      if (flags.includes('read')) {
        const into = new Uint8Array(4096)
        seen += ` reads ${Buffer.from(into.subarray(0, await file.read(0, into))).toString('latin1')}`
      }
      if (flags.includes('write')) {
        await file.write(0, bytesOf('written'))
        await file.setAttributes({ permissions: 0o604, accessed: time, modified: time })
      }
      return seen
    } finally {
      await file.close()
    }
  },
})

const doing = (name: string, act: (files: Files, path: string) => unknown): Operation => ({
  name,
  async act(files, path) {
    await act(files, path)
    return 'done'
  },
})

/** `/safe` is a file and `/folder` a folder inside, `/new` is free. */
export const operations: readonly Operation[] = [
  opening('read', ['read']),
  opening('read, not following', ['read', 'noFollow']),
  opening('write', ['write']),
  opening('read and write', ['read', 'write']),
  opening('write, creating', ['write', 'create']),
  opening('write, creating anew', ['write', 'create', 'exclusive']),
  opening('write, cutting off', ['write', 'create', 'truncate']),
  opening('append', ['write', 'append']),
  opening('read, cutting off', ['read', 'truncate']),
  {
    name: 'list',
    act: async (files, path) =>
      (await listAll(files, path))
        .map(({ name, attributes }) => `${name} ${seenAttributes(attributes)}`)
        .toSorted()
        .join(),
  },
  { name: 'stat', act: async (files, path) => seenAttributes(await files.stat(path, true)) },
  { name: 'lstat', act: async (files, path) => seenAttributes(await files.stat(path, false)) },
  doing('set mode', (files, path) => files.setAttributes(path, { permissions: 0o707 }, true)),
  doing('set times', (files, path) => files.setAttributes(path, { accessed: time, modified: time }, true)),
  doing('set one time', (files, path) => files.setAttributes(path, { modified: time }, true)),
  doing('set size', (files, path) => files.setAttributes(path, { size: 1 }, true)),
  doing('set owner', (files, path) => files.setAttributes(path, { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }, true)),
  doing('set mode of a link', (files, path) => files.setAttributes(path, { permissions: 0o707 }, false)),
  doing('set times of a link', (files, path) => files.setAttributes(path, { accessed: time, modified: time }, false)),
  doing('set size of a link', (files, path) => files.setAttributes(path, { size: 1 }, false)),
  doing('remove', (files, path) => files.remove(path)),
  doing('remove a folder', (files, path) => files.removeDirectory(path)),
  doing('rename away', (files, path) => files.rename(path, '/new', false)),
  doing('rename away, replacing', (files, path) => files.rename(path, '/new', true)),
  doing('rename to there', (files, path) => files.rename('/safe', path, false)),
  doing('rename to there, replacing', (files, path) => files.rename('/safe', path, true)),
  doing('rename a folder to there', (files, path) => files.rename('/folder', path, false)),
  doing('rename a folder to there, replacing', (files, path) => files.rename('/folder', path, true)),
  doing('make a folder', (files, path) => files.makeDirectory(path, {})),
  {
    name: 'link to it',
    async act(files, path) {
      await files.link(path, '/new')
      return opening('', ['read']).act(files, '/new')
    },
  },
  doing('link from there', (files, path) => files.link('/safe', path)),
  doing('make a symbolic link there', (files, path) => files.symlink('text', path)),
  { name: 'read a link', act: async (files, path) => files.readLink(path) },
  { name: 'real path', act: async (files, path) => files.realPath(path, true) },
  { name: 'real path of what may be missing', act: async (files, path) => files.realPath(path, false) },
  { name: 'space', act: async (files, path) => `${(await files.statvfs(path)).blockSize}` },
]
