// Owns `memoryFiles`: a POSIX file system in memory, which answers everything at once. Serves browsers, tests, and programs
// that make up what they serve. Knows neither wire nor disk.
import { SftpError } from '../../errors.ts'
import type { Attributes, FileTime } from '../attributes.ts'
import type { FileEntry, Files, FilesystemStat, Listing, MaybePromise, OpenFile, OpenOptions } from '../files.ts'

import { fault } from './faults.ts'
import {
  access,
  attributesOf,
  type DirectoryNode,
  dropPrivileges,
  type FileNode,
  type Place,
  Tree,
  type TreeNode,
  type TreeUser,
} from './memory-tree.ts'
import { longerThan, maximumHops, maximumName } from './path-limits.ts'
import { setsNothing } from './settable.ts'

export interface MemoryFilesOptions {
  /** Milliseconds since 1970, fractions included. Default: `Date.now`. */
  readonly now?: () => number
  /** On whose behalf everything is done, and whose it is; looked at each time. Default: root, who may do everything. */
  readonly user?: TreeUser
  /** Bits that no new file or directory has. Default: `0o022`. */
  readonly umask?: number
  /** Bytes that all contents together may take up; then there is `no-space-on-filesystem`. Default: 1 GiB. */
  readonly capacity?: number
  /** Files, directories and symbolic links there may be; then it is `quota-exceeded`. Default: 1,000,000. */
  readonly entries?: number
  /** Names of users and their homes. Default: `root`, at home in `/`. The home of a user that is not listed is `/` too. */
  readonly users?: readonly { readonly name: string; readonly uid: number; readonly home?: string }[]
  /** Names of groups. Default: `root`. */
  readonly groups?: readonly { readonly name: string; readonly gid: number }[]
}

type AtOnce<Method> = Method extends (...parameters: infer P) => MaybePromise<infer R> ? (...parameters: P) => Awaited<R> : never
/** `OpenFile` whose answers are no promises. */
export type MemoryFile = { readonly [K in keyof OpenFile]: AtOnce<OpenFile[K]> }
/** `Listing` whose answers are no promises. */
export type MemoryListing = { readonly [K in keyof Listing]: AtOnce<Listing[K]> }
/** `Files` whose answers are no promises. */
export type MemoryFiles = { readonly [K in Exclude<keyof Files, 'open' | 'list'>]: AtOnce<Files[K]> } & {
  open(path: string, options: OpenOptions, attributes: Attributes): MemoryFile
  list(path: string): MemoryListing
}

/** Entries of one step of a listing. */
const entriesAtOnce = 128
const blockSize = 4096

const isNothing = (place: Place): place is Place & { node: undefined } => place.node === undefined

const statvfsOf = ({ limits, bytes, entries }: Tree): FilesystemStat => {
  const free = Math.max(0, Math.floor((limits.capacity - bytes) / blockSize))
  const freeFiles = Math.max(0, limits.entries - entries)
  return {
    blockSize,
    fragmentSize: blockSize,
    blocks: Math.floor(limits.capacity / blockSize),
    freeBlocks: free,
    availableBlocks: free,
    files: limits.entries,
    freeFiles,
    availableFiles: freeFiles,
    id: 0n,
    readOnly: false,
    noSetuid: false,
    maximumName,
  }
}

/** Sets what is named, each for itself as a server of OpenSSH does it; what failed last is said in the end. */
const change = (
  tree: Tree,
  idOf: MemoryFiles['idOf'],
  node: TreeNode,
  wanted: Attributes,
  path: string,
  truncate: (size: number) => void,
): void => {
  const refused = (name: 'EPERM' | 'EOPNOTSUPP'): never => {
    throw fault(name, 'setstat', path)
  }
  const number = (kind: 'user' | 'group', id: number | undefined, name: string | undefined): number | undefined => {
    if (id !== undefined || name === undefined) return id
    const found = idOf(kind, name)
    if (found === undefined)
      throw new SftpError(kind === 'user' ? 'owner-invalid' : 'group-invalid', `There is no such ${kind}.`, { operation: 'setstat', path })
    return found
  }
  const steps: (() => void)[] = []
  const { size, permissions } = wanted
  if (size !== undefined) steps.push(() => truncate(size))
  if (permissions !== undefined)
    steps.push(() => {
      if (node.type === 'symlink') return refused('EOPNOTSUPP')
      if (!tree.owns(node)) return refused('EPERM')
      node.permissions = permissions & 0o7777
      if (tree.user.uid !== 0 && !tree.belongsTo(node.gid)) node.permissions &= ~0o2000
      node.changed = tree.now()
    })
  if (wanted.accessed !== undefined || wanted.modified !== undefined || wanted.created !== undefined)
    steps.push(() => {
      if (!tree.owns(node)) return refused('EPERM')
      node.accessed = wanted.accessed ?? node.accessed
      node.modified = wanted.modified ?? node.modified
      node.created = wanted.created ?? node.created
      node.changed = tree.now()
    })
  if (wanted.uid !== undefined || wanted.gid !== undefined || wanted.owner !== undefined || wanted.group !== undefined)
    steps.push(() => {
      const uid = number('user', wanted.uid, wanted.owner) ?? node.uid
      const gid = number('group', wanted.gid, wanted.group) ?? node.gid
      if (tree.user.uid !== 0) {
        if (node.uid !== tree.user.uid || uid !== node.uid) return refused('EPERM')
        if (gid !== node.gid && !tree.belongsTo(gid)) return refused('EPERM')
      }
      node.uid = uid
      node.gid = gid
      dropPrivileges(node)
      node.changed = tree.now()
    })
  let failure: { readonly error: unknown } | undefined
  for (const step of steps) {
    try {
      step()
    } catch (error) {
      failure = { error }
    }
  }
  if (failure !== undefined) throw failure.error
}

/** truncate(2), but for the right to write. */
const cut = (tree: Tree, node: TreeNode, size: number, path: string): void => {
  if (node.type === 'directory') throw fault('EISDIR', 'setstat', path)
  if (node.type === 'symlink' || size < 0) throw fault('EINVAL', 'setstat', path)
  if (size > Number.MAX_SAFE_INTEGER) throw fault('EFBIG', 'setstat', path)
  tree.truncate(node, size)
}

const openFile = (
  tree: Tree,
  idOf: MemoryFiles['idOf'],
  node: FileNode | DirectoryNode,
  path: string,
  { read, write, append }: OpenOptions,
): MemoryFile => {
  let open = true
  if (node.type === 'file') node.opened++
  const alive = (operation: string): void => {
    if (!open) throw fault('EBADF', operation, path, 'The file is closed.')
  }
  return {
    read: (position, into) => {
      alive('read')
      if (write && !read) throw fault('EBADF', 'read', path, 'The file is open for writing only.')
      if (into.length === 0) return 0
      if (node.type === 'directory') throw fault('EISDIR', 'read', path)
      return node.content.read(position, into)
    },
    write: (position, bytes) => {
      alive('write')
      if (!write || node.type === 'directory') throw fault('EBADF', 'write', path, 'The file is open for reading only.')
      const at = append ? node.content.length : position
      if (at + bytes.length > Number.MAX_SAFE_INTEGER) throw fault('EFBIG', 'write', path)
      if (bytes.length === 0) return
      tree.reserve(node.content.cost(at, bytes.length))
      node.content.write(at, bytes)
      tree.written(node)
    },
    stat: () => {
      alive('fstat')
      return attributesOf(node)
    },
    setAttributes: attributes => {
      alive('fsetstat')
      change(tree, idOf, node, attributes, path, size => {
        if (!write) throw fault('EINVAL', 'fsetstat', path, 'The file is open for reading only.')
        cut(tree, node, size, path)
      })
    },
    sync: () => alive('fsync'),
    statvfs: () => {
      alive('fstatvfs')
      return statvfsOf(tree)
    },
    close: () => {
      alive('close')
      open = false
      if (node.type === 'file' && --node.opened === 0 && node.links === 0) tree.gone(node)
    },
  }
}

/** open(2) up to the descriptor. */
const reach = (
  tree: Tree,
  umask: number,
  path: string,
  options: OpenOptions,
  { permissions = 0o666 }: Attributes,
): FileNode | DirectoryNode => {
  const { create, exclusive, write, truncate, noFollow } = options
  const refused = (name: 'ENOENT' | 'EEXIST' | 'ELOOP' | 'EISDIR' | 'ENOTDIR' | 'EACCES'): never => {
    throw fault(name, 'open', path)
  }
  const place = tree.walk(path, (create && exclusive) || noFollow ? 'if-slash' : 'always', 'open', create)
  if (isNothing(place)) {
    if (!create) return refused('ENOENT')
    tree.mayEnter(place.parent, 'open', path)
    return tree.newFile(place, permissions & 0o7777 & ~umask, 'open', path)
  }
  const { node, slash } = place
  if (node === undefined) return refused('ENOENT')
  if (create && exclusive) return refused('EEXIST')
  if (node.type === 'symlink') return refused('ELOOP')
  if (node.type === 'directory' && (create || write || truncate)) return refused('EISDIR')
  if (slash && node.type !== 'directory') return refused('ENOTDIR')
  const wanted = (options.read || !write ? access.read : 0) + (write || truncate ? access.write : 0)
  if (!tree.may(node, wanted)) return refused('EACCES')
  if (truncate && node.type === 'file') tree.truncate(node, 0)
  return node
}

const listing = (tree: Tree, path: string): MemoryListing => {
  const node = tree.find(path, 'always', 'opendir')
  if (node.type !== 'directory') throw fault('ENOTDIR', 'opendir', path)
  if (!tree.may(node, access.read)) throw fault('EACCES', 'opendir', path)
  let first = true
  let open = true
  const entries = node.entries.entries()
  return {
    next: () => {
      if (!open) throw fault('EBADF', 'readdir', path, 'The directory is closed.')
      const some: FileEntry[] = []
      // One that was removed has nothing left, not even itself.
      if (first && node.links > 0)
        some.push({ name: '.', attributes: attributesOf(node) }, { name: '..', attributes: attributesOf(node.parent) })
      first = false
      while (some.length < entriesAtOnce) {
        const { done, value } = entries.next()
        if (done === true) break
        some.push({ name: value[0], attributes: attributesOf(value[1]) })
      }
      return some.length > 0 ? some : undefined
    },
    close: () => {
      open = false
    },
  }
}

/** rename(2); with `replace` false what is there stays. */
const rename = (tree: Tree, from: string, to: string, replace: boolean): void => {
  const source = tree.walk(from, replace ? 'parent' : 'never', 'rename')
  const { node } = source
  const refused = (
    name: 'EBUSY' | 'EEXIST' | 'ENOENT' | 'ENAMETOOLONG' | 'ENOTDIR' | 'EISDIR' | 'EINVAL' | 'ENOTEMPTY' | 'EACCES',
  ): never => {
    throw fault(name, 'rename', name === 'EEXIST' || name === 'ENOTEMPTY' || name === 'EISDIR' ? to : from)
  }
  // As link(2) and mkdir(2) have it, with which others rename so: the source comes first.
  if (!replace) tree.find(from, 'if-slash', 'rename')
  const target = tree.walk(to, replace ? 'parent' : 'never', 'rename')
  const old = target.node
  if (!replace && old !== undefined) return refused('EEXIST')
  if (source.kind !== 'name' || target.kind !== 'name') return refused('EBUSY')
  if (longerThan(source.name, maximumName)) return refused('ENAMETOOLONG')
  if (node === undefined) return refused('ENOENT')
  if (longerThan(target.name, maximumName)) return refused('ENAMETOOLONG')
  if (node.type !== 'directory' && (source.slash || target.slash)) return refused('ENOTDIR')
  for (let above = target.parent; above !== tree.root; above = above.parent) if (above === node) return refused('EINVAL')
  for (let above = source.parent; above !== tree.root; above = above.parent) if (above === old) return refused('ENOTEMPTY')
  if (node === old) return
  tree.mayLeave(source.parent, node, 'rename', from)
  if (old === undefined) tree.mayEnter(target.parent, 'rename', to)
  else {
    tree.mayLeave(target.parent, old, 'rename', to)
    if (node.type === 'directory' && old.type !== 'directory') return refused('ENOTDIR')
    if (node.type !== 'directory' && old.type === 'directory') return refused('EISDIR')
  }
  if (node.type === 'directory' && source.parent !== target.parent && !tree.may(node, access.write)) return refused('EACCES')
  if (old?.type === 'directory' && old.entries.size > 0) return refused('ENOTEMPTY')
  tree.take(source.parent, source.name)
  if (old !== undefined) {
    tree.take(target.parent, target.name)
    tree.unlinked(old)
  }
  tree.put(target.parent, target.name, node)
  node.changed = tree.now()
}

/**
 * realpath(3) as OpenSSH's server has it: component by component; `..` takes off what was resolved before it; the last need
 * not be there.
 */
const realPath = (tree: Tree, path: string, mustExist: boolean): string => {
  const left = tree.checked(path, 'realpath').split('/').reverse()
  const directories: TreeNode[] = [tree.root]
  const names: string[] = []
  let hops = 0
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    if (name === '' || name === '.') continue
    if (name === '..') {
      if (names.pop() !== undefined) directories.pop()
      continue
    }
    const above = directories[directories.length - 1]
    if (above.type !== 'directory') throw fault('ENOTDIR', 'realpath', path)
    const node = tree.lookUp(above, name, 'realpath', path)
    if (node === undefined) {
      if (mustExist || left.length > 0) throw fault('ENOENT', 'realpath', path)
      names.push(name)
    } else if (node.type === 'symlink') {
      if (++hops > maximumHops) throw fault('ELOOP', 'realpath', path)
      if (node.target.startsWith('/')) {
        directories.length = 1
        names.length = 0
      }
      left.push(...node.target.split('/').reverse())
    } else {
      names.push(name)
      directories.push(node)
    }
  }
  return tree.checked(`/${names.join('/')}`, 'realpath')
}

const clock = (now: () => number) => (): FileTime => {
  const milliseconds = now()
  const seconds = Math.floor(milliseconds / 1000)
  return { seconds, nanoseconds: Math.min(999_999_999, Math.round((milliseconds - seconds * 1000) * 1e6)) }
}

const removals = (tree: Tree): Pick<MemoryFiles, 'remove' | 'removeDirectory'> => ({
  remove: path => {
    const { parent, name, kind, node, slash } = tree.walk(path, 'never', 'remove')
    if (kind !== 'name') throw fault('EISDIR', 'remove', path)
    if (node === undefined) throw fault('ENOENT', 'remove', path)
    if (slash && node.type !== 'directory') throw fault('ENOTDIR', 'remove', path)
    if (!slash) tree.mayLeave(parent, node, 'remove', path)
    if (node.type === 'directory') throw fault('EISDIR', 'remove', path)
    tree.take(parent, name)
    tree.unlinked(node)
  },
  removeDirectory: path => {
    const { parent, name, kind, node } = tree.walk(path, 'never', 'rmdir')
    if (kind === 'dot-dot') throw fault('ENOTEMPTY', 'rmdir', path)
    if (kind === 'dot') throw fault('EINVAL', 'rmdir', path)
    if (kind === 'root') throw fault('EBUSY', 'rmdir', path)
    if (node === undefined) throw fault('ENOENT', 'rmdir', path)
    tree.mayLeave(parent, node, 'rmdir', path)
    if (node.type !== 'directory') throw fault('ENOTDIR', 'rmdir', path)
    if (node.entries.size > 0) throw fault('ENOTEMPTY', 'rmdir', path)
    tree.take(parent, name)
    tree.unlinked(node)
  },
})

const links = (tree: Tree): Pick<MemoryFiles, 'link' | 'symlink' | 'readLink'> => ({
  link: (existing, path) => {
    const node = tree.find(existing, 'if-slash', 'link')
    const place = tree.vacancy(path, 'link', false)
    if (!tree.mayLink(node)) throw fault('EPERM', 'link', existing)
    if (node.type === 'directory') throw fault('EPERM', 'link', existing, 'A directory has one name only.')
    tree.put(place.parent, place.name, node)
    node.links++
    node.changed = tree.now()
  },
  symlink: (target, path) => {
    if (target === '') throw fault('ENOENT', 'symlink', path, 'A symbolic link has to point somewhere.')
    const checked = tree.checked(target, 'symlink')
    tree.newLink(tree.vacancy(path, 'symlink', false), checked, path)
  },
  readLink: path => {
    const node = tree.find(path, 'if-slash', 'readlink')
    if (node.type !== 'symlink') throw fault('EINVAL', 'readlink', path, 'It is not a symbolic link.')
    return node.target
  },
})

const principals = ({ users = [{ name: 'root', uid: 0 }], groups = [{ name: 'root', gid: 0 }] }: MemoryFilesOptions, user: TreeUser) => {
  const known = {
    user: new Map(users.map(({ uid, name }) => [uid, name])),
    group: new Map(groups.map(({ gid, name }) => [gid, name])),
  }
  return {
    home: (name: string): string => {
      const found = users.find(one => (name === '' ? one.uid === user.uid : one.name === name))
      if (found === undefined && name !== '') throw new SftpError('unknown-principal', 'There is no such user.', { operation: 'home' })
      return found?.home ?? '/'
    },
    namesOf: (kind: 'user' | 'group', ids: readonly number[]): readonly string[] => ids.map(id => known[kind].get(id) ?? ''),
    idOf: (kind: 'user' | 'group', name: string): number | undefined => [...known[kind]].find(([, one]) => one === name)?.[0],
  }
}

/**
 * A POSIX file system in memory, empty at first: directories, sparse files, symbolic and hard links, modes, owners, times. Reading does
 * not change when a file was read last. What Linux answers to a fault, it answers too; `errno` of the error has its name.
 */
export const memoryFiles = (options: MemoryFilesOptions = {}): MemoryFiles => {
  const { now = Date.now, user = { uid: 0, gid: 0 }, umask = 0o022, capacity = 2 ** 30, entries = 1_000_000 } = options
  const tree = new Tree(user, { capacity, entries }, clock(now))
  const known = principals(options, user)
  return {
    ...removals(tree),
    ...links(tree),
    ...known,
    open: (path, options, attributes) => openFile(tree, known.idOf, reach(tree, umask, path, options, attributes), path, options),
    list: path => listing(tree, path),
    stat: (path, follow) => attributesOf(tree.find(path, follow ? 'always' : 'if-slash', follow ? 'stat' : 'lstat')),
    setAttributes: (path, attributes, follow) => {
      if (setsNothing(attributes)) return
      const node = tree.find(path, follow ? 'always' : 'if-slash', 'setstat')
      change(tree, known.idOf, node, attributes, path, size => {
        if (node.type === 'file' && !tree.may(node, access.write)) throw fault('EACCES', 'setstat', path)
        cut(tree, node, size, path)
      })
    },
    rename: (from, to, replace) => rename(tree, from, to, replace),
    makeDirectory: (path, { permissions = 0o777 }) =>
      tree.newDirectory(tree.vacancy(path, 'mkdir', true), permissions & 0o1777 & ~umask, path),
    realPath: (path, mustExist) => realPath(tree, path, mustExist),
    statvfs: path => {
      tree.find(path, 'always', 'statvfs')
      return statvfsOf(tree)
    },
  }
}
