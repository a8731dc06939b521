// Owns files confined to a folder, which is `/` for the client: nothing outside is read, changed, or told to be there.
// `walk-node.ts` finds the way. Knows no protocol.
//
// Guaranteed, whatever a client or another program does to links, names and folders meanwhile: every operation ends at
// something that lay under the root, by folders alone, while the way was walked. Not guarded against: who may mount, who may
// move a folder that is in use out of the root (as in a chroot, it takes those in it along), and hard links and devices that
// somebody with rights outside has put there.
import fs from 'node:fs'
import { SftpError } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import type { Files } from '../files.ts'
import { noAccounts, systemAccounts } from './accounts-node.ts'
import { isDirectory, isLink, isRegular, O_PATH } from './change-node.ts'
import {
  at,
  linkUnder,
  listUnder,
  openUnder,
  readLinkUnder,
  realPathUnder,
  removeUnder,
  renameUnder,
  setAttributesUnder,
  spaceUnder,
  statUnder,
  symlinkUnder,
} from './confined-node.ts'
import { type Blocking, calls, createDisk, placeOf, type Task } from './disk-node.ts'
import { fileError, refusal } from './errno.ts'
import { noSuchUser } from './local-node.ts'
import { attributesOf } from './stats-node.ts'
import { placeOfDescriptor, type Root } from './walk-node.ts'

const { O_DIRECTORY } = fs.constants

export interface RootedFilesOptions {
  /** Where relative paths begin, and home of the caller: a path inside. Default `/`. */
  readonly home?: string
  /** Bits that no new file or folder gets, beside those the process itself leaves out. Default: none beside those. */
  readonly umask?: number
  /**
   * `inside`: symbolic links lead where they lead in a chroot, absolute ones beginning at the root. `refuse`: none is
   * followed and none can be made; they can be seen, read, renamed and removed. Default `inside`.
   */
  readonly symlinks?: 'inside' | 'refuse'
  /**
   * Whether pipes, sockets and devices are to be seen. They cannot be opened in any case. Default `show`.
   */
  readonly special?: 'show' | 'hide'
  /**
   * Whether names of users and groups of the machine are told, and taken. By default there are numbers only, as in a chroot
   * without /etc/passwd.
   */
  readonly accounts?: 'hide' | 'show'
  /** As for `localFiles`. Default `adaptive`. */
  readonly blocking?: Blocking
}

export interface RootedFiles extends Files {
  /** Lets go of the folder as soon as nothing is under way in it; operations after that fail. Open files stay open. */
  [Symbol.dispose](): void
}

/** Closes the descriptor of a root that nobody can reach any more, for those who do not dispose. */
const forgotten = new FinalizationRegistry<number>(fd => fs.closeSync(fd))

const openRoot = (path: string): number => {
  try {
    return fs.openSync(placeOf(path), O_PATH | O_DIRECTORY)
  } catch (error) {
    throw fileError(error, 'open', path)
  }
}

/** Whether /proc leads to the folder that `fd` has open. */
const isReachable = (fd: number): boolean => {
  try {
    const [through, direct] = [fs.lstatSync(`${placeOfDescriptor(fd)}/.`, { bigint: true }), fs.fstatSync(fd, { bigint: true })]
    return through.ino === direct.ino && through.dev === direct.dev && isDirectory(direct)
  } catch {
    return false
  }
}

const unreachable =
  process.versions.deno === undefined
    ? 'Files can be confined to a folder on Linux with /proc mounted only: it is not there.'
    : 'Files can be confined to a folder on Linux with /proc mounted only. In Deno that also takes the permission for everything: run it with --allow-all.'

const createRoot = (path: string, followsLinks: boolean, blocking: Blocking | undefined): Root & Disposable => {
  const fd = openRoot(path)
  if (!isReachable(fd)) {
    fs.closeSync(fd)
    throw new SftpError('op-unsupported', unreachable, {
      operation: 'open',
      path,
    })
  }
  let users = 0
  let disposed = false
  const letGo = (): void => {
    if (!disposed || users > 0) return
    forgotten.unregister(root)
    fs.closeSync(fd)
  }
  const root: Root & Disposable = {
    fd,
    disk: createDisk(fs.realpathSync.native(placeOf(path)), blocking),
    followsLinks,
    take: () => {
      if (disposed) throw refusal('EBADF')
      users++
    },
    give: () => {
      users--
      letGo()
    },
    [Symbol.dispose]: () => {
      if (disposed) return
      disposed = true
      letGo()
    },
  }
  forgotten.register(root, fd, root)
  return root
}

/** The folder `path` of this machine as `/`. Throws `SftpError` when it cannot be opened, or where there is no /proc. */
export const rootedFiles = (path: string, options: RootedFilesOptions = {}): RootedFiles => {
  const { home = '/', umask = 0, symlinks = 'inside', special = 'show', blocking } = options
  const root = createRoot(path, symlinks === 'inside', blocking)
  const { run } = root.disk
  const accounts = options.accounts === 'show' ? systemAccounts : noAccounts
  const modeOf = (mode: number): number => mode & 0o7777 & ~umask
  const isShown = (stats: fs.BigIntStats): boolean => special === 'show' || isRegular(stats) || isDirectory(stats) || isLink(stats)

  function* stat(target: string, follow: boolean): Task<Attributes> {
    const stats = yield* statUnder(root, target, follow)
    if (!isShown(stats)) throw refusal('ENOENT')
    return attributesOf(stats)
  }
  function* symlink(text: string, target: string): Task<void> {
    if (symlinks === 'refuse') throw refusal('EPERM')
    yield* symlinkUnder(root, placeOf(text), target)
  }

  return {
    open: (target, how, { permissions = 0o666 }) => run('open', target, openUnder(root, target, how, modeOf(permissions), accounts)),
    list: target => run('list', target, listUnder(root, target, isShown)),
    stat: (target, follow) => run('stat', target, stat(target, follow)),
    setAttributes: (target, attributes, follow) =>
      run('set attributes', target, setAttributesUnder(root, target, attributes, follow, accounts)),
    remove: target => run('remove', target, removeUnder(root, target)),
    rename: (from, to, replace) => run('rename', from, renameUnder(root, from, to, replace)),
    makeDirectory: (target, { permissions = 0o777 }) =>
      run(
        'make a directory',
        target,
        at(root, target, place => calls.mkdir(place, modeOf(permissions)), true),
      ),
    removeDirectory: target => run('remove a directory', target, at(root, target, calls.rmdir, true)),
    link: (existing, target) => run('link', target, linkUnder(root, existing, target)),
    symlink: (text, target) => run('make a symbolic link', target, symlink(text, target)),
    readLink: target => run('read a symbolic link', target, readLinkUnder(root, target)),
    realPath: (target, mustExist) => run('resolve', target, realPathUnder(root, target, mustExist)),
    statvfs: target => run('ask for free space', target, spaceUnder(root, target)),
    home: user => {
      if (user === '') return home
      throw noSuchUser('find a home')
    },
    namesOf: (kind, ids) => ids.map(id => accounts.nameOf(kind, id)),
    idOf: (kind, name) => accounts.idOf(kind, name),
    [Symbol.dispose]: () => root[Symbol.dispose](),
  }
}
