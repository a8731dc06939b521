// Owns the files of the machine as this process sees them, the whole disk: what a server for users with accounts serves.
// Knows no protocol. Whoever must stay in a folder gets `rootedFiles`.
import fs from 'node:fs'
import { SftpError } from '../../errors.ts'
import { whenThere } from '../../io/soon.ts'
import type { Files, OpenFile, OpenOptions } from '../files.ts'
import { nameFromBytes } from '../names.ts'
import { systemAccounts } from './accounts-node.ts'
import { isLink, O_PATH, renameReplacing, renameWithoutReplacing, setAttributesAt, setAttributesNoFollow, unlink } from './change-node.ts'
import { type Blocking, calls, createDisk, lookAt, placeOf, type Task } from './disk-node.ts'
import { errnoOf, refusal } from './errno.ts'
import { openListing } from './listing-node.ts'
import { flagsOf, openAt, takeOpened } from './opening-node.ts'
import { longerThan, maximumPath } from './path-limits.ts'
import { spaceOf } from './space-node.ts'
import { attributesOf } from './stats-node.ts'

export interface LocalFilesOptions {
  /** Where relative paths begin, and home of the caller: an absolute path. Default: home of whom this process runs as. */
  readonly home?: string
  /**
   * Bits that no new file or folder gets, beside those the process itself leaves out. Default: none beside those. To leave out
   * fewer than the process, change its own with `process.umask`.
   */
  readonly umask?: number
  /**
   * `adaptive`: calls to the disk are made at once while they are quick, and in Node's thread pool for a while when some were
   * slow, and always where a network file system or one served by a program is mounted in reach. `never`: always in the
   * pool. Default: `adaptive`.
   */
  readonly blocking?: Blocking
}

/** Symbolic links that may follow one another at the end of a path (path_resolution(7)). */
const mostLinks = 40

const parentAndName = (path: string): readonly [string, string] => {
  const at = path.lastIndexOf('/')
  return [path.slice(0, at) || '/', path.slice(at + 1)]
}

/** realpath(3) that takes it when the last component is missing, be it at the end of symbolic links. */
function* realPath(path: string, mustExist: boolean): Task<string> {
  if (longerThan(path, maximumPath)) throw refusal('ENAMETOOLONG')
  let current = path
  for (let links = 0; links <= mostLinks; links++) {
    try {
      return nameFromBytes(yield* calls.realpath(placeOf(current)))
    } catch (error) {
      const [parent, name] = parentAndName(current)
      if (mustExist || errnoOf(error) !== 'ENOENT' || name === '' || name === '.' || name === '..') throw error
      const real = nameFromBytes(yield* calls.realpath(placeOf(parent)))
      const target = yield* linkAt(`${real}/${name}`)
      const below = real === '/' ? '' : real
      if (target === undefined) return `${below}/${name}`
      current = target.startsWith('/') ? target : `${below}/${target}`
    }
  }
  throw refusal('ELOOP')
}

/** Where the symbolic link at `path` points; `undefined` when nothing is there. */
function* linkAt(path: string): Task<string | undefined> {
  try {
    const stats = yield* calls.lstat(placeOf(path))
    return isLink(stats) ? nameFromBytes(yield* calls.readlink(placeOf(path))) : undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

export const noSuchUser = (operation: string): SftpError =>
  new SftpError('unknown-principal', 'There is no user of that name on the server, or they have no home.', { operation })

/** The whole disk, with the rights of this process. Semantics are those of OpenSSH's sftp-server on Linux. */
export const localFiles = ({ home, umask = 0, blocking }: LocalFilesOptions = {}): Files => {
  const disk = createDisk('/', blocking)
  const { run } = disk

  function* open(path: string, options: OpenOptions, mode: number): Task<OpenFile> {
    const fd = yield* openAt(placeOf(path), flagsOf(options), mode & 0o7777 & ~umask)
    return yield* takeOpened(disk, fd, options, true, systemAccounts)
  }
  function* space(path: string): Task<Awaited<ReturnType<Files['statvfs']>>> {
    const fd = yield* calls.open(placeOf(path), O_PATH)
    try {
      return yield* spaceOf(placeOf(path), fd)
    } finally {
      fs.closeSync(fd)
    }
  }
  function* readLink(path: string): Task<string> {
    return nameFromBytes(yield* calls.readlink(placeOf(path)))
  }

  return {
    open: (path, options, { permissions = 0o666 }) => run('open', path, open(path, options, permissions)),
    list: path => run('list', path, openListing(disk, placeOf(path))),
    stat: (path, follow) => whenThere(disk.once('stat', path, lookAt(placeOf(path), follow)), attributesOf),
    setAttributes: (path, attributes, follow) =>
      run('set attributes', path, (follow ? setAttributesAt : setAttributesNoFollow)(placeOf(path), attributes, systemAccounts)),
    remove: path => run('remove', path, unlink(placeOf(path))),
    rename: (from, to, replace) => run('rename', from, (replace ? renameReplacing : renameWithoutReplacing)(placeOf(from), placeOf(to))),
    makeDirectory: (path, { permissions = 0o777 }) =>
      run('make a directory', path, calls.mkdir(placeOf(path), permissions & 0o7777 & ~umask)),
    removeDirectory: path => run('remove a directory', path, calls.rmdir(placeOf(path))),
    link: (existing, path) => run('link', path, calls.link(placeOf(existing), placeOf(path))),
    symlink: (target, path) => run('make a symbolic link', path, calls.symlink(placeOf(target), placeOf(path))),
    readLink: path => run('read a symbolic link', path, readLink(path)),
    realPath: (path, mustExist) => run('resolve', path, realPath(path, mustExist)),
    statvfs: path => run('ask for free space', path, space(path)),
    home: user => {
      const found = user === '' && home !== undefined ? home : systemAccounts.homeOf(user)
      if (found === undefined) throw noSuchUser('find a home')
      return found
    },
    namesOf: (kind, ids) => ids.map(id => systemAccounts.nameOf(kind, id)),
    idOf: (kind, name) => systemAccounts.idOf(kind, name),
  }
}
