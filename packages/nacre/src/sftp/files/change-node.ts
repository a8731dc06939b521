// Owns changes to what is on the disk, each at a place the caller has found: attributes, names, links, folders. The order of
// calls is that of OpenSSH's server where somebody could see it. Knows no paths of clients, and follows what Node follows.
import fs from 'node:fs'
import { SftpError } from '../../errors.ts'
import type { Attributes, FileTime } from '../attributes.ts'
import type { Accounts } from './accounts-node.ts'
import { calls, type Place, type Task, type Work } from './disk-node.ts'
import { errnoOf, refusal } from './errno.ts'
import { attributesOf, timeForNode } from './stats-node.ts'

const { O_WRONLY, O_NONBLOCK, O_NOCTTY, O_CREAT, O_EXCL, O_NOFOLLOW, S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = fs.constants
/** open(2): a descriptor that names a file without opening it. Linux has it, and Node hands it through. */
export const O_PATH = 0o10000000

const kindOf = (stats: fs.BigIntStats): number => Number(stats.mode) & S_IFMT
export const isDirectory = (stats: fs.BigIntStats): boolean => kindOf(stats) === S_IFDIR
export const isLink = (stats: fs.BigIntStats): boolean => kindOf(stats) === S_IFLNK
export const isRegular = (stats: fs.BigIntStats): boolean => kindOf(stats) === S_IFREG

/** The numbers to set, -1 for what stays; `undefined` when both stay. */
const ownersOf = (attributes: Attributes, accounts: Accounts): readonly [number, number] | undefined => {
  const named = (kind: 'user' | 'group', name: string | undefined, id: number | undefined): number => {
    if (id !== undefined) return id
    if (name === undefined || name === '') return -1
    // Version 4 has text only, and clients that know no name write the number.
    const number = accounts.idOf(kind, name) ?? (/^\d{1,10}$/.test(name) ? Number(name) : undefined)
    if (number !== undefined) return number
    throw new SftpError(kind === 'user' ? 'owner-invalid' : 'group-invalid', `There is no ${kind} of that name on the server.`, {
      operation: 'set attributes',
    })
  }
  const uid = named('user', attributes.owner, attributes.uid)
  const gid = named('group', attributes.group, attributes.gid)
  return uid === -1 && gid === -1 ? undefined : [uid, gid]
}

interface Setters {
  size(size: number): Task<void>
  mode(mode: number): Task<void>
  times(accessed: number | string, modified: number | string): Task<void>
  owners(uid: number, gid: number): Task<void>
  stat(): Task<fs.BigIntStats>
}

function* setTimes(set: Setters, accessed: FileTime | undefined, modified: FileTime | undefined): Task<void> {
  if (accessed && modified) return yield* set.times(timeForNode(accessed), timeForNode(modified))
  // Node sets both or none: the other one stays to the nearest its clock can say.
  const known = attributesOf(yield* set.stat())
  yield* set.times(timeForNode(accessed ?? known.accessed), timeForNode(modified ?? known.modified))
}

/** Size, mode, times, owner, in the order of OpenSSH: what follows a fault is still done, and the last fault is told. */
function* setAll(set: Setters, attributes: Attributes, accounts: Accounts): Task<void> {
  const { size, permissions, accessed, modified } = attributes
  const owners = ownersOf(attributes, accounts)
  const faults: unknown[] = []
  if (size !== undefined) {
    try {
      yield* set.size(size)
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (permissions !== undefined) {
    try {
      yield* set.mode(permissions & 0o7777)
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (accessed !== undefined || modified !== undefined) {
    try {
      yield* setTimes(set, accessed, modified)
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (owners) {
    try {
      yield* set.owners(...owners)
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (faults.length > 0) throw faults.at(-1)
}

/** Takes attributes for what `fd` has open. */
export const settingOfDescriptor = (fd: number, accounts: Accounts): ((attributes: Attributes) => Task<void>) => {
  const set: Setters = {
    size: size => calls.ftruncate(fd, size),
    mode: mode => calls.fchmod(fd, mode),
    times: (accessed, modified) => calls.futimes(fd, accessed, modified),
    owners: (uid, gid) => calls.fchown(fd, uid, gid),
    stat: () => calls.fstat(fd),
  }
  return attributes => setAll(set, attributes, accounts)
}

/**
 * truncate(2), which Node has only for those who may also read. What is no file is not opened, since opening a device or a
 * pipe may do something.
 */
function* truncate(place: Place, size: number, extraFlags = 0): Task<void> {
  const stats = yield* extraFlags === 0 ? calls.stat(place) : calls.lstat(place)
  if (isLink(stats)) throw refusal('ELOOP')
  if (isDirectory(stats)) throw refusal('EISDIR')
  if (!isRegular(stats)) throw refusal('EINVAL')
  const fd = yield* calls.open(place, O_WRONLY | O_NONBLOCK | O_NOCTTY | extraFlags)
  try {
    yield* calls.ftruncate(fd, size)
  } finally {
    yield* calls.close(fd)
  }
}

/** Of what `place` points to. */
export const setAttributesAt = (place: Place, attributes: Attributes, accounts: Accounts): Task<void> =>
  setAll(
    {
      size: size => truncate(place, size),
      mode: mode => calls.chmod(place, mode),
      times: (accessed, modified) => calls.utimes(place, accessed, modified),
      owners: (uid, gid) => calls.chown(place, uid, gid),
      stat: () => calls.stat(place),
    },
    attributes,
    accounts,
  )

/** chmod(2) of what stands at `place` itself, which a symbolic link on Linux does not take. */
function* chmodNoFollow(place: Place, mode: number): Task<void> {
  const fd = yield* calls.open(place, O_PATH | O_NOFOLLOW)
  try {
    if (isLink(yield* calls.fstat(fd))) throw refusal('EOPNOTSUPP')
    yield* calls.chmod(`/proc/self/fd/${fd}`, mode)
  } finally {
    fs.closeSync(fd)
  }
}

/** Of a symbolic link itself, should one stand at `place`. */
export const setAttributesNoFollow = (place: Place, attributes: Attributes, accounts: Accounts): Task<void> =>
  setAll(
    {
      size: size => truncate(place, size, O_NOFOLLOW),
      mode: mode => chmodNoFollow(place, mode),
      times: (accessed, modified) => calls.lutimes(place, accessed, modified),
      owners: (uid, gid) => calls.lchown(place, uid, gid),
      stat: () => calls.lstat(place),
    },
    attributes,
    accounts,
  )

/** Bytes from which on a file is freed in the thread pool: its blocks are given back one by one. */
const large = 16 * 2 ** 20

/** What kind of work it is to remove, replace or cut off what is at `place`. What is wrong with it, that work will say. */
export function* freeing(place: Place): Task<Work> {
  try {
    return (yield* calls.sizeOf(place)) < large ? 'free' : 'flush'
  } catch {
    return 'free'
  }
}

export function* unlink(place: Place): Task<void> {
  yield* calls.unlink(place, yield* freeing(place))
}

/** rename(2), by which what was at `to` is lost. */
export function* renameReplacing(from: Place, to: Place): Task<void> {
  yield* calls.rename(from, to, yield* freeing(to))
}

/** What the system says where a file system has no hard links, or does not let this user make one. */
const noLinks = new Set(['EPERM', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS', 'EMLINK'])

/**
 * rename(2) that replaces nothing, without renameat2(2), which Node does not have. A file gets a second name, which fails when
 * there is one, and loses the first, as with OpenSSH. For a folder, a new and empty one takes the name and is replaced by
 * it, which rename(2) does for empty folders only. Where no second name can be given, an empty file that nobody may open
 * holds the name.
 */
export function* renameWithoutReplacing(from: Place, to: Place): Task<void> {
  const stats = yield* calls.lstat(from)
  if (isDirectory(stats)) {
    yield* calls.mkdir(to, 0o700)
    return yield* renameOver(from, to, calls.rmdir(to))
  }
  if (!(yield* giveSecondName(from, to, stats))) {
    const empty = yield* makeEmpty(to)
    return yield* renameOver(from, to, unlinkIf(to, empty))
  }
  try {
    yield* calls.unlink(from)
  } catch (error) {
    yield* unlinkIf(to, stats)
    throw error
  }
}

/**
 * Whether `to` is another name of the file now. None is made of a file of somebody else: where only owners remove, both
 * names would stay.
 */
function* giveSecondName(from: Place, to: Place, { uid }: fs.BigIntStats): Task<boolean> {
  const user = process.geteuid?.() ?? 0
  if (user !== 0 && uid !== BigInt(user)) return false
  try {
    yield* calls.link(from, to)
    return true
  } catch (error) {
    if (noLinks.has(errnoOf(error) ?? '')) return false
    throw error
  }
}

/** Why no name can be given that asks for a folder, by a slash at its end: there is something, or there is not. */
function* whyNoName(place: Place): Task<Error> {
  try {
    yield* calls.lstat(place)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return refusal('ENOENT')
  }
  return refusal('EEXIST')
}

function* makeEmpty(place: Place): Task<fs.BigIntStats> {
  let fd: number
  try {
    fd = yield* calls.open(place, O_WRONLY | O_CREAT | O_EXCL, 0)
  } catch (error) {
    throw errnoOf(error) === 'EISDIR' ? yield* whyNoName(place) : error
  }
  try {
    return yield* calls.fstat(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** Removes what is at `place` if it is still `known`: somebody may have put there something of theirs. */
function* unlinkIf(place: Place, known: fs.BigIntStats): Task<void> {
  const { ino, dev } = yield* calls.lstat(place)
  if (ino === known.ino && dev === known.dev) yield* calls.unlink(place)
}

/** Takes the place of what was made there to hold it; `drop` removes that when it cannot be. */
function* renameOver(from: Place, to: Place, drop: Task<void>): Task<void> {
  try {
    yield* calls.rename(from, to)
  } catch (error) {
    try {
      yield* drop
    } catch {
      // It is not empty any more, or gone: it is somebody else's now.
    }
    throw error
  }
}
