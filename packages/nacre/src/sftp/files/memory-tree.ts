// Owns the tree of a file system in memory: nodes, who may do what with them, how a path is walked as a POSIX kernel walks
// it, and what may be taken up. Knows no operation of `Files`.
import type { Attributes, FileTime } from '../attributes.ts'
import { bytesOfName, isUnicodeName, nameFromBytes } from '../names.ts'
import { fault } from './faults.ts'
import { checkPath, longerThan, maximumHops, maximumName } from './path-limits.ts'
import { SparseBytes } from './sparse.ts'

interface NodeState {
  permissions: number
  uid: number
  gid: number
  accessed: FileTime
  modified: FileTime
  changed: FileTime
  created: FileTime
  /** Names it has; a directory is its own `.` and the `..` of each in it. */
  links: number
}
export interface FileNode extends NodeState {
  readonly type: 'file'
  readonly content: SparseBytes
  /** How often it is open: the last to close a file without a name sets its bytes free. */
  opened: number
}
export interface DirectoryNode extends NodeState {
  readonly type: 'directory'
  readonly entries: Map<string, TreeNode>
  /** Itself, for the root. */
  parent: DirectoryNode
}
export interface LinkNode extends NodeState {
  readonly type: 'symlink'
  readonly target: string
}
export type TreeNode = FileNode | DirectoryNode | LinkNode

/** Where a path leads. */
export interface Place {
  readonly parent: DirectoryNode
  readonly name: string
  /** What the last component is; `root`: there is none. Only a `name` can be made, removed or renamed. */
  readonly kind: 'name' | 'dot' | 'dot-dot' | 'root'
  /** What is there, if anything. */
  readonly node: TreeNode | undefined
  /** A slash follows, so that it has to be a directory. */
  readonly slash: boolean
}

/**
 * What becomes of a symbolic link that is the last component. `never`: the place is where the link is; `if-slash`: followed
 * when a slash comes after it. `parent`: as `never`, but a last name that is too long is not complained of.
 */
export type Following = 'always' | 'if-slash' | 'never' | 'parent'

export interface TreeUser {
  readonly uid: number
  readonly gid: number
  /** Further groups. */
  readonly groups?: readonly number[]
}

export interface TreeLimits {
  /** Bytes of contents. */
  readonly capacity: number
  /** Files, directories and symbolic links. */
  readonly entries: number
}

/** One string for each sequence of bytes, however a program wrote it. */
const canonical = (name: string): string => (isUnicodeName(name) ? name : nameFromBytes(bytesOfName(name)))

export const access = { read: 4, write: 2, search: 1 } as const

export class Tree {
  readonly root: DirectoryNode
  readonly user: TreeUser
  readonly limits: TreeLimits
  bytes = 0
  entries = 0
  readonly #now: () => FileTime

  constructor(user: TreeUser, limits: TreeLimits, now: () => FileTime) {
    this.user = user
    this.limits = limits
    this.#now = now
    const root: DirectoryNode = { ...this.#state(0o755), type: 'directory', entries: new Map(), parent: undefined as never, links: 2 }
    root.parent = root
    this.root = root
  }

  now(): FileTime {
    return this.#now()
  }

  /** Whether the user may do that with the node, a sum of `access`. */
  may(node: TreeNode, wanted: number): boolean {
    const { uid } = this.user
    if (uid === 0) return true
    const shift = node.uid === uid ? 6 : this.belongsTo(node.gid) ? 3 : 0
    return ((node.permissions >> shift) & wanted) === wanted
  }

  belongsTo(gid: number): boolean {
    return this.user.gid === gid || this.user.groups?.includes(gid) === true
  }

  /** Whether the user may change what only an owner may change. */
  owns(node: TreeNode): boolean {
    return this.user.uid === 0 || this.user.uid === node.uid
  }

  /** Whether somebody else's file may get another name: `fs.protected_hardlinks` of proc_sys_fs(5), as every distribution has it. */
  mayLink(node: TreeNode): boolean {
    const lends = (node.permissions & 0o4000) !== 0 || (node.permissions & 0o2010) === 0o2010
    return this.owns(node) || (node.type === 'file' && !lends && this.may(node, access.read + access.write))
  }

  /** A path checked as the kernel does it before it looks at a file: of a length it takes, and not empty. */
  checked(path: string, operation: string): string {
    checkPath(path, operation)
    return canonical(path)
  }

  /** One component looked up; `undefined` when it is not there. Asks for the right to search the directory. */
  lookUp(directory: DirectoryNode, name: string, operation: string, path: string): TreeNode | undefined {
    if (!this.may(directory, access.search)) throw fault('EACCES', operation, path)
    if (longerThan(name, maximumName)) throw fault('ENAMETOOLONG', operation, path)
    return directory.entries.get(name)
  }

  /**
   * Walks `path` from the root, as path_resolution(7) says. `creating`: a file may come to be there, so that a slash after it
   * is refused at once, as open(2) does it.
   */
  walk(path: string, following: Following, operation: string, creating = false): Place {
    const checked = this.checked(path, operation)
    const left = checked.split('/').reverse()
    let slash = checked.endsWith('/')
    let directory = this.root
    let hops = 0
    // Empty pieces are doubled slashes; once only those are left, what came before them was the last component.
    const drop = (): void => {
      while (left.length > 0 && left[left.length - 1] === '') left.pop()
    }
    drop()
    for (;;) {
      const name = left.pop()
      if (name === undefined) return { parent: directory, name: '', kind: 'root', node: directory, slash }
      drop()
      const last = left.length === 0
      if (!this.may(directory, access.search)) throw fault('EACCES', operation, path)
      if (name === '.' || name === '..') {
        const node: DirectoryNode = name === '.' ? directory : directory.parent
        if (last) return { parent: directory, name, kind: name === '.' ? 'dot' : 'dot-dot', node, slash }
        directory = node
        continue
      }
      if (last && creating && slash) throw fault('EISDIR', operation, path)
      if (last && following === 'parent' && longerThan(name, maximumName))
        return { parent: directory, name, kind: 'name', node: undefined, slash }
      const node = this.lookUp(directory, name, operation, path)
      if (last && (node?.type !== 'symlink' || following === 'never' || following === 'parent' || (following === 'if-slash' && !slash)))
        return { parent: directory, name, kind: 'name', node, slash }
      if (node === undefined) throw fault('ENOENT', operation, path)
      if (node.type === 'symlink') {
        if (++hops > maximumHops) throw fault('ELOOP', operation, path)
        if (node.target.startsWith('/')) directory = this.root
        if (last) slash ||= node.target.endsWith('/')
        left.push(...node.target.split('/').reverse())
        drop()
        continue
      }
      if (node.type !== 'directory') throw fault('ENOTDIR', operation, path)
      directory = node
    }
  }

  /** What is at `path`, which has to be there. */
  find(path: string, following: Following, operation: string): TreeNode {
    const { node, slash } = this.walk(path, following, operation)
    if (node === undefined) throw fault('ENOENT', operation, path)
    if (slash && node.type !== 'directory') throw fault('ENOTDIR', operation, path)
    return node
  }

  /** The place for something new that is no file: mkdir(2), link(2), symlink(2). */
  vacancy(path: string, operation: string, directory: boolean): Place {
    const place = this.walk(path, 'never', operation)
    if (place.node !== undefined) throw fault('EEXIST', operation, path)
    // "You asked for a directory that is not there."
    if (place.slash && !directory) throw fault('ENOENT', operation, path)
    this.mayEnter(place.parent, operation, path)
    return place
  }

  /** Whether names may be added to the directory. */
  mayEnter(directory: DirectoryNode, operation: string, path: string): void {
    if (!this.may(directory, access.write + access.search)) throw fault('EACCES', operation, path)
  }

  /** Whether the name may go: rename(2), unlink(2), rmdir(2), sticky directories included. */
  mayLeave(directory: DirectoryNode, node: TreeNode, operation: string, path: string): void {
    this.mayEnter(directory, operation, path)
    if ((directory.permissions & 0o1000) !== 0 && !this.owns(node) && !this.owns(directory)) throw fault('EPERM', operation, path)
  }

  /** Takes up room for one more node. */
  #enter(operation: string, path: string): void {
    if (this.entries >= this.limits.entries)
      throw fault('EDQUOT', operation, path, `There may be at most ${this.limits.entries} files, directories and links.`)
    this.entries++
  }

  /** Room for `more` bytes. */
  reserve(more: number): void {
    if (this.bytes + more > this.limits.capacity) throw fault('ENOSPC', 'write')
    this.bytes += more
  }

  /** A new node's state below `parent`, which hands its group on when its set-group-ID bit is set (inode(7)). */
  #state(permissions: number, parent?: DirectoryNode): NodeState {
    const now = this.#now()
    const { uid } = this.user
    const gid = parent !== undefined && (parent.permissions & 0o2000) !== 0 ? parent.gid : this.user.gid
    return { permissions, uid, gid, accessed: now, modified: now, changed: now, created: now, links: 1 }
  }

  newFile({ parent, name }: Place, permissions: number, operation: string, path: string): FileNode {
    this.#enter(operation, path)
    const state = this.#state(permissions, parent)
    if (this.user.uid !== 0 && (permissions & 0o2010) === 0o2010 && !this.belongsTo(state.gid)) state.permissions &= ~0o2000
    const node: FileNode = { ...state, type: 'file', content: new SparseBytes(), opened: 0 }
    this.put(parent, name, node)
    return node
  }

  newLink({ parent, name }: Place, target: string, path: string): void {
    this.#enter('symlink', path)
    this.put(parent, name, { ...this.#state(0o777, parent), type: 'symlink', target })
  }

  newDirectory({ parent, name }: Place, permissions: number, path: string): void {
    this.#enter('mkdir', path)
    const inherited = parent.permissions & 0o2000
    this.put(parent, name, { ...this.#state(permissions | inherited, parent), type: 'directory', entries: new Map(), parent, links: 2 })
  }

  put(parent: DirectoryNode, name: string, node: TreeNode): void {
    if (node.type === 'directory') {
      node.parent = parent
      parent.links++
    }
    parent.entries.set(name, node)
    this.#touch(parent)
  }

  /** Takes the name away; the node stays as it is. */
  take(parent: DirectoryNode, name: string): void {
    if (parent.entries.get(name)?.type === 'directory') parent.links--
    parent.entries.delete(name)
    this.#touch(parent)
  }

  /** One name less; without a name and not open it is gone. */
  unlinked(node: TreeNode): void {
    node.links = node.type === 'directory' ? 0 : node.links - 1
    node.changed = this.#now()
    if (node.links === 0 && (node.type !== 'file' || node.opened === 0)) this.gone(node)
  }

  gone(node: TreeNode): void {
    this.entries--
    if (node.type === 'file') this.bytes -= node.content.allocated
  }

  #touch(node: TreeNode): void {
    node.modified = node.changed = this.#now()
  }

  /** The file's contents changed: times, and bits that lend rights go unless root did it. */
  written(node: FileNode): void {
    this.#touch(node)
    if (this.user.uid !== 0) dropPrivileges(node)
  }

  truncate(node: FileNode, length: number): void {
    const before = node.content.allocated
    node.content.truncate(length)
    this.bytes += node.content.allocated - before
    this.written(node)
  }
}

/** Set-user-ID goes, and set-group-ID where it lends rights (chown(2)). */
export const dropPrivileges = (node: TreeNode): void => {
  if (node.type === 'directory') return
  node.permissions &= ~0o4000
  if ((node.permissions & 0o10) !== 0) node.permissions &= ~0o2000
}

/** Bytes a directory says it has, as ext4's do. */
const directorySize = 4096

export const attributesOf = (node: TreeNode): Attributes => ({
  type: node.type,
  size: node.type === 'file' ? node.content.length : node.type === 'symlink' ? bytesOfName(node.target).length : directorySize,
  uid: node.uid,
  gid: node.gid,
  permissions: node.permissions,
  accessed: node.accessed,
  modified: node.modified,
  created: node.created,
  changed: node.changed,
  links: node.links,
  allocated: node.type === 'file' ? node.content.allocated : 0,
})
