// A small model of a POSIX file system, written from POSIX.1-2017, path_resolution(7) and what Linux says to each fault. It
// shares nothing with the files it is held against. Names are strings of bytes.

export class Fault extends Error {
  readonly errno: string
  constructor(errno: string) {
    super(errno)
    this.errno = errno
  }
}

export interface User {
  readonly uid: number
  readonly gid: number
}

export interface Inode {
  kind: 'file' | 'directory' | 'link'
  mode: number
  uid: number
  gid: number
  /** Of a file: what was written, by position; the rest is zeros. */
  bytes: Map<number, number>
  size: number
  /** Of a directory. */
  names: Map<string, Inode>
  up: Inode | undefined
  /** Of a link. */
  target: string
  removed: boolean
  /** Seconds, where it is certain. */
  accessed: number | undefined
  modified: number | undefined
}

/** What the last part of a path names. */
export interface Found {
  directory: Inode
  /** `undefined` for `/`. */
  last: string | undefined
  slashed: boolean
  inode: Inode | undefined
}

const R = 4
const W = 2
const X = 1

export class ModelTree {
  readonly root: Inode
  user: User
  readonly umask: number
  constructor(user: User, umask: number) {
    this.user = user
    this.umask = umask
    this.root = this.inode('directory', 0o755)
    this.root.up = this.root
  }

  inode(kind: Inode['kind'], mode: number, within?: Inode): Inode {
    const { uid, gid } = this.user
    const handedDown = within !== undefined && (within.mode & 0o2000) !== 0
    return {
      kind,
      mode: kind === 'directory' && handedDown ? mode | 0o2000 : mode,
      uid,
      gid: handedDown ? within.gid : gid,
      bytes: new Map(),
      size: 0,
      names: new Map(),
      up: within,
      target: '',
      removed: false,
      accessed: undefined,
      modified: undefined,
    }
  }

  permitted(inode: Inode, wanted: number): boolean {
    if (this.user.uid === 0) return true
    const bits = inode.uid === this.user.uid ? inode.mode >> 6 : inode.gid === this.user.gid ? inode.mode >> 3 : inode.mode
    return (bits & wanted) === wanted
  }

  need(inode: Inode, wanted: number): void {
    if (!this.permitted(inode, wanted)) throw new Fault('EACCES')
  }

  isOwner(inode: Inode): boolean {
    return this.user.uid === 0 || this.user.uid === inode.uid
  }

  /**
   * `last`: whether a link that is the last part is followed always, only with a slash after it, or never; `parent`: that part
   * is not looked at yet, however long. `creat`: open(2) may
   * make a file there.
   */
  lookup(path: string, last: 'follow' | 'slash' | 'stay' | 'parent', creat = false): Found {
    if (path.length === 0) throw new Fault('ENOENT')
    if (path.length > 4095) throw new Fault('ENAMETOOLONG')
    return this.walk(this.root, path, last, creat, false, { left: 40 })
  }

  /** Of any length. */
  walk(
    start: Inode,
    path: string,
    last: 'follow' | 'slash' | 'stay' | 'parent',
    creat: boolean,
    slashAfter: boolean,
    hops: { left: number },
  ): Found {
    let directory = path.startsWith('/') ? this.root : start
    const parts = path.split('/').filter(part => part !== '')
    const slashed = slashAfter || path.endsWith('/')
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1
      this.need(directory, X)
      if (part === '.' || part === '..') {
        const inode: Inode = part === '.' ? directory : (directory.up as Inode)
        if (isLast) return { directory, last: part, slashed, inode }
        directory = inode
        continue
      }
      if (isLast && creat && slashed) throw new Fault('EISDIR')
      if (isLast && last === 'parent') return { directory, last: part, slashed, inode: directory.names.get(part) }
      if (part.length > 255) throw new Fault('ENAMETOOLONG')
      const inode = directory.names.get(part)
      if (inode?.kind === 'link' && (!isLast || last === 'follow' || (last === 'slash' && slashed))) {
        if (hops.left-- === 0) throw new Fault('ELOOP')
        inode.accessed = undefined
        const there = this.walk(directory, inode.target, isLast ? last : 'follow', isLast && creat, isLast && slashed, hops)
        if (isLast) return there
        directory = this.mustBeDirectory(there.inode)
        continue
      }
      if (isLast) return { directory, last: part, slashed, inode }
      directory = this.mustBeDirectory(inode)
    }
    return { directory, last: undefined, slashed, inode: directory }
  }

  private mustBeDirectory(inode: Inode | undefined): Inode {
    if (inode === undefined) throw new Fault('ENOENT')
    if (inode.kind !== 'directory') throw new Fault('ENOTDIR')
    return inode
  }

  get(path: string, last: 'follow' | 'slash'): Inode {
    const { inode, slashed } = this.lookup(path, last)
    if (inode === undefined) throw new Fault('ENOENT')
    if (slashed && inode.kind !== 'directory') throw new Fault('ENOTDIR')
    return inode
  }

  private isName(last: string | undefined): last is string {
    return last !== undefined && last !== '.' && last !== '..'
  }

  private touched(inode: Inode): void {
    inode.modified = undefined
  }

  private enter(directory: Inode, name: string, inode: Inode): void {
    directory.names.set(name, inode)
    this.touched(directory)
    if (inode.kind === 'directory') inode.up = directory
  }

  private leave(directory: Inode, name: string): void {
    directory.names.delete(name)
    this.touched(directory)
  }

  /** May the name be taken out of the directory? */
  private mayDelete(directory: Inode, inode: Inode): void {
    this.need(directory, W | X)
    if ((directory.mode & 0o1000) !== 0 && !this.isOwner(inode) && !this.isOwner(directory)) throw new Fault('EPERM')
  }

  open(path: string, how: { read: boolean; write: boolean; create: boolean; exclusive: boolean; truncate: boolean }, mode: number): Inode {
    const { directory, last, slashed, inode } = this.lookup(path, how.create && how.exclusive ? 'slash' : 'follow', how.create)
    if (inode === undefined) {
      if (!how.create || !this.isName(last)) throw new Fault('ENOENT')
      this.need(directory, W | X)
      const made = this.inode('file', mode & 0o7777 & ~this.umask, directory)
      if (this.user.uid !== 0 && (made.mode & 0o2010) === 0o2010 && made.gid !== this.user.gid) made.mode &= ~0o2000
      this.enter(directory, last, made)
      return made
    }
    if (how.create && how.exclusive) throw new Fault('EEXIST')
    const changes = how.write || how.truncate
    if (inode.kind === 'directory' && (how.create || changes)) throw new Fault('EISDIR')
    if (slashed && inode.kind !== 'directory') throw new Fault('ENOTDIR')
    this.need(inode, (how.read ? R : 0) | (changes ? W : 0))
    if (how.truncate) this.cut(inode, 0)
    return inode
  }

  cut(inode: Inode, size: number): void {
    for (const position of inode.bytes.keys()) if (position >= size) inode.bytes.delete(position)
    inode.size = size
    this.changed(inode)
  }

  private changed(inode: Inode): void {
    this.touched(inode)
    if (this.user.uid !== 0) this.withoutPrivileges(inode)
  }

  private withoutPrivileges(inode: Inode): void {
    if (inode.kind === 'directory') return
    inode.mode &= ~0o4000
    if ((inode.mode & 0o10) !== 0) inode.mode &= ~0o2000
  }

  write(inode: Inode, position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    for (const [index, byte] of bytes.entries()) inode.bytes.set(position + index, byte)
    inode.size = Math.max(inode.size, position + bytes.length)
    this.changed(inode)
  }

  read(inode: Inode, position: number, length: number): Uint8Array {
    const end = Math.min(inode.size, position + length)
    const bytes = new Uint8Array(Math.max(0, end - position))
    for (let at = position; at < end; at++) bytes[at - position] = inode.bytes.get(at) ?? 0
    if (length > 0) inode.accessed = undefined
    return bytes
  }

  truncate(path: string, size: number): void {
    const inode = this.get(path, 'follow')
    if (inode.kind === 'directory') throw new Fault('EISDIR')
    this.need(inode, W)
    this.cut(inode, size)
  }

  chmod(inode: Inode, mode: number): void {
    if (inode.kind === 'link') throw new Fault('EOPNOTSUPP')
    if (!this.isOwner(inode)) throw new Fault('EPERM')
    inode.mode = mode & 0o7777
    if (this.user.uid !== 0 && inode.gid !== this.user.gid) inode.mode &= ~0o2000
  }

  utimes(inode: Inode, accessed: number, modified: number): void {
    if (!this.isOwner(inode)) throw new Fault('EPERM')
    inode.accessed = accessed
    inode.modified = modified
  }

  chown(inode: Inode, uid: number, gid: number): void {
    if (this.user.uid !== 0) {
      const own = inode.uid === this.user.uid
      if (!own || uid !== inode.uid || (gid !== inode.gid && gid !== this.user.gid)) throw new Fault('EPERM')
    }
    inode.uid = uid
    inode.gid = gid
    this.withoutPrivileges(inode)
  }

  /** A free place for something that is not a file. */
  private create(path: string, directory: boolean): { directory: Inode; name: string } {
    const found = this.lookup(path, 'stay')
    if (!this.isName(found.last) || found.inode !== undefined) throw new Fault('EEXIST')
    if (found.slashed && !directory) throw new Fault('ENOENT')
    return { directory: found.directory, name: found.last }
  }

  mkdir(path: string, mode: number): void {
    const { directory, name } = this.create(path, true)
    this.need(directory, W | X)
    this.enter(directory, name, this.inode('directory', mode & 0o1777 & ~this.umask, directory))
  }

  symlink(target: string, path: string): void {
    if (target === '') throw new Fault('ENOENT')
    if (target.length > 4095) throw new Fault('ENAMETOOLONG')
    const { directory, name } = this.create(path, false)
    this.need(directory, W | X)
    const link = this.inode('link', 0o777, directory)
    link.target = target
    this.enter(directory, name, link)
  }

  link(existing: string, path: string): void {
    const inode = this.get(existing, 'slash')
    const { directory, name } = this.create(path, false)
    // fs.protected_hardlinks, which every distribution sets.
    const unsafe = inode.kind !== 'file' || (inode.mode & 0o4000) !== 0 || (inode.mode & 0o2010) === 0o2010 || !this.permitted(inode, R | W)
    if (!this.isOwner(inode) && unsafe) throw new Fault('EPERM')
    this.need(directory, W | X)
    if (inode.kind === 'directory') throw new Fault('EPERM')
    this.enter(directory, name, inode)
  }

  unlink(path: string): void {
    const { directory, last, slashed, inode } = this.lookup(path, 'stay')
    if (!this.isName(last)) throw new Fault('EISDIR')
    if (inode === undefined) throw new Fault('ENOENT')
    if (slashed) throw new Fault(inode.kind === 'directory' ? 'EISDIR' : 'ENOTDIR')
    this.mayDelete(directory, inode)
    if (inode.kind === 'directory') throw new Fault('EISDIR')
    this.leave(directory, last)
  }

  rmdir(path: string): void {
    const { directory, last, inode } = this.lookup(path, 'stay')
    if (last === '..') throw new Fault('ENOTEMPTY')
    if (last === '.') throw new Fault('EINVAL')
    if (!this.isName(last)) throw new Fault('EBUSY')
    if (inode === undefined) throw new Fault('ENOENT')
    this.mayDelete(directory, inode)
    if (inode.kind !== 'directory') throw new Fault('ENOTDIR')
    if (inode.names.size > 0) throw new Fault('ENOTEMPTY')
    this.leave(directory, last)
    inode.removed = true
  }

  private isAncestor(above: Inode, below: Inode): boolean {
    for (let at = below; ; at = at.up as Inode) {
      if (at === above) return true
      if (at.up === at) return false
    }
  }

  rename(from: string, to: string): void {
    const old = this.lookup(from, 'parent')
    const next = this.lookup(to, 'parent')
    if (!this.isName(old.last) || !this.isName(next.last)) throw new Fault('EBUSY')
    const moved = old.inode
    const replaced = next.inode
    if (old.last.length > 255) throw new Fault('ENAMETOOLONG')
    if (moved === undefined) throw new Fault('ENOENT')
    if (next.last.length > 255) throw new Fault('ENAMETOOLONG')
    if (moved.kind !== 'directory' && (old.slashed || next.slashed)) throw new Fault('ENOTDIR')
    if (moved.kind === 'directory' && this.isAncestor(moved, next.directory)) throw new Fault('EINVAL')
    if (replaced?.kind === 'directory' && this.isAncestor(replaced, old.directory)) throw new Fault('ENOTEMPTY')
    if (moved === replaced) return
    this.mayDelete(old.directory, moved)
    if (replaced === undefined) this.need(next.directory, W | X)
    else {
      this.mayDelete(next.directory, replaced)
      if (moved.kind === 'directory' && replaced.kind !== 'directory') throw new Fault('ENOTDIR')
      if (moved.kind !== 'directory' && replaced.kind === 'directory') throw new Fault('EISDIR')
    }
    if (moved.kind === 'directory' && old.directory !== next.directory) this.need(moved, W)
    if (replaced?.kind === 'directory') {
      if (replaced.names.size > 0) throw new Fault('ENOTEMPTY')
      replaced.removed = true
    }
    this.leave(old.directory, old.last)
    this.enter(next.directory, next.last, moved)
  }

  readlink(path: string): string {
    const inode = this.get(path, 'slash')
    if (inode.kind !== 'link') throw new Fault('EINVAL')
    inode.accessed = undefined
    return inode.target
  }

  opendir(path: string): Inode {
    const inode = this.get(path, 'follow')
    if (inode.kind !== 'directory') throw new Fault('ENOTDIR')
    this.need(inode, R)
    return inode
  }
}
