// Owns each operation on files under a root, as a task: walk there, then one call that follows no link. Knows no options.
import fs from 'node:fs'
import type { Attributes } from '../attributes.ts'
import type { FilesystemStat, Listing, OpenFile, OpenOptions } from '../files.ts'
import { nameFromBytes } from '../names.ts'
import type { Accounts } from './accounts-node.ts'
import {
  isDirectory,
  isLink,
  O_PATH,
  renameReplacing,
  renameWithoutReplacing,
  setAttributesAt,
  setAttributesNoFollow,
  unlink,
} from './change-node.ts'
import { calls, type Place, type Task } from './disk-node.ts'
import { errnoOf, refusal } from './errno.ts'
import { openListing } from './listing-node.ts'
import { flagsOf, openAt, takeOpened } from './opening-node.ts'
import { setsNothing } from './settable.ts'
import { spaceOf } from './space-node.ts'
import { placeOfDescriptor, type Root, type Walk, walking } from './walk-node.ts'

const { O_NOFOLLOW } = fs.constants

/** Does `act` at the last component of `path`. `plain`: a slash at the end means nothing. */
export const at = <T>(root: Root, path: string, act: (place: Place) => Task<T>, plain = false): Task<T> =>
  walking(
    root,
    path,
    function* (walk) {
      return yield* act(yield* walk.last())
    },
    plain,
  )

/** Does `act` with a descriptor of what `path` leads to, and with nothing else whatever happens to the name. */
const pinned = <T>(root: Root, path: string, act: (place: string, fd: number) => Task<T>): Task<T> =>
  walking(root, path, function* (walk) {
    let place = yield* walk.last()
    for (;;) {
      const fd = yield* calls.open(place, O_PATH | O_NOFOLLOW)
      try {
        if (!isLink(yield* calls.fstat(fd))) return yield* act(placeOfDescriptor(fd), fd)
      } finally {
        fs.closeSync(fd)
      }
      place = yield* walk.through()
    }
  })

/** What is at the end of the way, and of the links there. */
function* lookFollowing(walk: Walk): Task<fs.BigIntStats> {
  let place = yield* walk.last()
  for (;;) {
    const stats = yield* calls.lstat(place)
    if (!isLink(stats)) return stats
    place = yield* walk.through()
  }
}

export const statUnder = (root: Root, path: string, follow: boolean): Task<fs.BigIntStats> =>
  follow ? walking(root, path, lookFollowing) : at(root, path, calls.lstat)

/** open(2) makes no file of a name with a slash after it, whatever is there: it asks for a folder. */
function* noFileToMake(): Task<never> {
  throw refusal('EISDIR')
}

/** `mode` as it is to be. */
export function* openUnder(root: Root, path: string, options: OpenOptions, mode: number, accounts: Accounts): Task<OpenFile> {
  if (options.create && /[^/]\/+$/.test(path)) return yield* at(root, path.replace(/\/+$/, ''), noFileToMake)
  const flags = flagsOf(options) | O_NOFOLLOW
  const fd = yield* walking(root, path, function* (walk) {
    let place = yield* walk.last()
    for (;;) {
      try {
        return yield* openAt(place, flags, mode)
      } catch (error) {
        if (errnoOf(error) !== 'ELOOP' || options.noFollow) throw error
      }
      place = yield* walk.through()
    }
  })
  return yield* takeOpened(root.disk, fd, options, false, accounts)
}

export function* setAttributesUnder(root: Root, path: string, attributes: Attributes, follow: boolean, accounts: Accounts): Task<void> {
  if (setsNothing(attributes)) return
  if (follow) yield* pinned(root, path, place => setAttributesAt(place, attributes, accounts))
  else yield* at(root, path, place => setAttributesNoFollow(place, attributes, accounts))
}

export const listUnder = (root: Root, path: string, isShown: (stats: fs.BigIntStats) => boolean): Task<Listing> =>
  walking(root, `${path}/`, function* (walk) {
    const fd = yield* walk.folder()
    try {
      return yield* openListing(root.disk, `${placeOfDescriptor(fd)}/.`, () => fs.closeSync(fd), isShown)
    } catch (error) {
      fs.closeSync(fd)
      throw error
    }
  })

/** A slash at the end of either name says that it is a folder. */
export const renameUnder = (root: Root, from: string, to: string, replace: boolean): Task<void> => {
  const isFolder = from.endsWith('/') || to.endsWith('/')
  const act = replace ? renameReplacing : renameWithoutReplacing
  function* between(source: Place): Task<void> {
    if (isFolder && !isDirectory(yield* calls.lstat(source))) throw refusal('ENOTDIR')
    yield* at(root, to, target => act(source, target), true)
  }
  return at(root, from, between, true)
}

/** What has a slash after it would be a folder: there is one, or something else, or nothing. */
function* noFolderToMake(place: Place): Task<never> {
  yield* calls.lstat(place)
  throw refusal('EEXIST')
}

/** Makes something other than a folder at `path`. No link there is followed, whatever comes after it. */
const atNew = (root: Root, path: string, make: (place: Place) => Task<void>): Task<void> =>
  at(root, path, path.endsWith('/') ? noFolderToMake : make, true)

export const linkUnder = (root: Root, existing: string, path: string): Task<void> =>
  at(root, existing, function* (source) {
    // That the source is missing is said before anything of the new name, as link(2) has it.
    yield* calls.lstat(source)
    yield* atNew(root, path, place => calls.link(source, place))
  })

export const symlinkUnder = (root: Root, text: Place, path: string): Task<void> => atNew(root, path, place => calls.symlink(text, place))

function* noFolderToRemove(place: Place): Task<never> {
  throw refusal(isDirectory(yield* calls.lstat(place)) ? 'EISDIR' : 'ENOTDIR')
}

export const removeUnder = (root: Root, path: string): Task<void> => at(root, path, path.endsWith('/') ? noFolderToRemove : unlink, true)

export function* readLinkUnder(root: Root, path: string): Task<string> {
  return nameFromBytes(yield* at(root, path, calls.readlink))
}

/** The components walked are the path. */
export const realPathUnder = (root: Root, path: string, mustExist: boolean): Task<string> =>
  walking(root, path, function* (walk) {
    try {
      yield* lookFollowing(walk)
    } catch (error) {
      if (mustExist || errnoOf(error) !== 'ENOENT' || walk.path() === undefined) throw error
    }
    return walk.path() ?? '/'
  })

export const spaceUnder = (root: Root, path: string): Task<FilesystemStat> => pinned(root, path, spaceOf)
