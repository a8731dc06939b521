// A model of OpenSSH's sftp-server: what each request does with a file system, and what number the answer has. The file
// system itself is `tree.ts`. Written from what version 9.2 does; where ours differs on purpose is said in `exceptions.ts`.
import type { Exception } from './exceptions.ts'
import { type Operation, pattern, type Result, type SeenAttributes, seenFrom, type SetAttributes, type Subject } from './operations.ts'
import { Fault, type Inode, ModelTree, type User } from './tree.ts'

interface FileHandle {
  readonly kind: 'file'
  readonly inode: Inode
  readonly name: string
  readonly reads: boolean
  readonly writes: boolean
  readonly appends: boolean
}
interface DirectoryHandle {
  readonly kind: 'directory'
  readonly inode: Inode
  readonly path: string
  read: boolean
}
type Handle = FileHandle | DirectoryHandle

const OK = 0
const EOF = 1
const FAILURE = 4
const BAD_MESSAGE = 5
/** Nobody can say what comes: the operation is left out. */
export const UNCLEAR = -1
/** Refused for one reason or another. */
export const REFUSED = -2
const SETTABLE = 0o7777

const typeBits = { file: 0o100000, directory: 0o040000, link: 0o120000 }

/** Whether something is to be removed or moved that is not just a name. */
const namesNoName = (operation: Operation): boolean => {
  if (operation.kind === 'rmdir') return /(^|\/)\.\.?\/*$/.test(operation.path)
  return 'from' in operation && [operation.from, operation.to].some(path => /((^|\/)\.\.?|\/)$/.test(path))
}

export interface ModelOptions {
  /** Absolute, of the folder all happens in; made at the start. */
  readonly base: string
  readonly user: User
  readonly exceptions: ReadonlySet<Exception>
  /** What happens at the start. */
  readonly first?: readonly Operation[]
  /** Who does it; the folder is the user's then. Default the user. */
  readonly firstUser?: User
  /** Told of each exception that made a difference. */
  readonly met?: (exception: Exception) => void
}

export class Model implements Subject {
  readonly name = 'the model'
  readonly #options: ModelOptions
  #tree: ModelTree
  #handles: (Handle | undefined)[] = []

  constructor(options: ModelOptions) {
    this.#options = options
    this.#tree = this.#fresh()
  }

  #fresh(): ModelTree {
    const { user, firstUser = user } = this.#options
    const tree = new ModelTree(firstUser, 0o022)
    let path = ''
    for (const name of this.#options.base.split('/').slice(1)) {
      path += `/${name}`
      tree.mkdir(path, 0o755)
    }
    if (firstUser !== user) tree.chown(tree.get(path, 'follow'), user.uid, user.gid)
    return tree
  }

  async reset(): Promise<void> {
    this.#handles = []
    this.#tree = this.#fresh()
    for (const operation of this.#options.first ?? []) await this.perform(operation)
    if (this.#options.firstUser !== undefined) this.#reachable()
    this.#tree.user = this.#options.user
  }

  /** What leads to the folder is as at the start, whatever was done to it from inside. */
  #reachable(): void {
    const tree = this.#tree
    for (let at = this.#options.base.split('/').slice(1, -1); at.length > 0; at = at.slice(0, -1)) {
      const inode = tree.get(`/${at.join('/')}`, 'follow')
      tree.chmod(inode, 0o755)
      tree.chown(inode, 0, 0)
    }
  }

  async end(): Promise<void> {
    this.#handles = []
  }

  /** Whether ours is to be expected instead of OpenSSH's. */
  #ours(exception: Exception): boolean {
    if (!this.#options.exceptions.has(exception)) return false
    this.#options.met?.(exception)
    return true
  }

  /** `errno_to_portable` of sftp-server.c. */
  #statusOf(errno: string): number {
    if (errno === 'EBADF') return this.#ours('bad-handle-is-no-missing-file') ? FAILURE : 2
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errno)) return 2
    if (['EPERM', 'EACCES'].includes(errno)) return 3
    if (errno === 'EINVAL' || errno === 'ENAMETOOLONG') return BAD_MESSAGE
    return FAILURE
  }

  async perform(operation: Operation): Promise<Result> {
    const { errno, ...result } = this.#answer(operation)
    const unlike = result.status > EOF && (namesNoName(operation) || (operation.kind === 'open' && errno === 'EISDIR'))
    return unlike && this.#ours('another-reason') ? { status: REFUSED } : result
  }

  #answer(operation: Operation): Result & { readonly errno?: string } {
    try {
      return this.#serve(operation)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      return { status: this.#statusOf(error.errno), errno: error.errno }
    }
  }

  /** A client's path as the system sees it. */
  #path(path: string): string {
    if (path === '') return ''
    return path.startsWith('/') ? this.#options.base + path : `${this.#options.base}/${path}`
  }

  #seen(inode: Inode): SeenAttributes {
    const size = inode.kind === 'file' ? inode.size : inode.kind === 'link' ? inode.target.length : undefined
    return {
      mode: typeBits[inode.kind] | inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      ...(size === undefined ? {} : { size }),
      ...(inode.accessed === undefined ? {} : { accessed: inode.accessed }),
      ...(inode.modified === undefined ? {} : { modified: inode.modified }),
    }
  }

  #file(slot: number): FileHandle | undefined {
    const handle = this.#handles[slot]
    return handle?.kind === 'file' ? handle : undefined
  }

  #serve(operation: Operation): Result {
    const tree = this.#tree
    const { base } = this.#options
    switch (operation.kind) {
      case 'open':
        return this.#open(operation)
      case 'opendir':
      case 'readdir':
      case 'close':
      case 'fstat':
      case 'fsync':
      case 'fsetstat':
      case 'read':
      case 'write':
      case 'copy-data':
        return this.#onHandle(operation)
      case 'stat':
        return { status: OK, attributes: this.#seen(tree.get(this.#path(operation.path), 'follow')) }
      case 'lstat':
        return { status: OK, attributes: this.#seen(tree.get(this.#path(operation.path), 'slash')) }
      case 'setstat': {
        const path = this.#path(operation.path)
        return this.#set(
          operation.attributes,
          size => tree.truncate(path, size),
          () => tree.get(path, 'follow'),
        )
      }
      case 'lsetstat': {
        // "Nonsensical for links."
        if (operation.attributes.size !== undefined) return { status: BAD_MESSAGE }
        return this.#set(operation.attributes, undefined, () => tree.get(this.#path(operation.path), 'slash'))
      }
      case 'mkdir':
        tree.mkdir(this.#path(operation.path), (operation.permissions ?? 0o777) & SETTABLE)
        return { status: OK }
      case 'rmdir':
        tree.rmdir(this.#path(operation.path))
        return { status: OK }
      case 'remove':
        tree.unlink(this.#path(operation.path))
        return { status: OK }
      case 'rename':
        return this.#rename(this.#path(operation.from), this.#path(operation.to))
      case 'posix-rename':
        tree.rename(this.#path(operation.from), this.#path(operation.to))
        return { status: OK }
      case 'hardlink':
        tree.link(this.#path(operation.from), this.#path(operation.to))
        return { status: OK }
      case 'symlink':
        tree.symlink(
          operation.target.startsWith('/') ? this.#options.base + operation.target : operation.target,
          this.#path(operation.path),
        )
        return { status: OK }
      case 'readlink': {
        const target = tree.readlink(this.#path(operation.path))
        return { status: OK, text: target.startsWith('/') ? this.#shownTarget(target) : target }
      }
      case 'realpath':
      case 'expand':
        return { status: OK, text: seenFrom(base, this.#realpath(operation.path === '' ? base : this.#path(operation.path))) }
      case 'statvfs':
        tree.get(this.#path(operation.path), 'follow')
        return { status: OK }
      case 'limits':
        return { status: OK, limits: [262144, 261120, 261120] }
    }
  }

  /** A target keeps its slashes. */
  #shownTarget(target: string): string {
    return target.startsWith(this.#options.base) ? target.slice(this.#options.base.length) : `outside:${target}`
  }

  #open({ slot, path, flags, permissions = 0o666 }: Operation & { kind: 'open' }): Result {
    const writes = (flags & 0x02) !== 0
    const reads = (flags & 0x01) !== 0 || !writes
    const how = {
      read: reads,
      write: writes,
      create: (flags & 0x08) !== 0,
      truncate: (flags & 0x10) !== 0,
      exclusive: (flags & 0x20) !== 0,
    }
    if (this.#handles[slot] !== undefined) return this.#closeFirst(slot, () => this.#open({ kind: 'open', slot, path, flags, permissions }))
    const inode = this.#tree.open(this.#path(path), how, permissions)
    this.#handles[slot] = { kind: 'file', inode, name: path, reads, writes, appends: (flags & 0x04) !== 0 }
    return { status: OK }
  }

  /** A slot that is taken is closed before it is filled again. */
  #closeFirst(slot: number, then: () => Result): Result {
    this.#handles[slot] = undefined
    return then()
  }

  #onHandle(operation: Operation & { slot: number }): Result {
    const tree = this.#tree
    const { slot } = operation
    const handle = this.#handles[slot]
    const file = this.#file(slot)
    switch (operation.kind) {
      case 'opendir': {
        if (handle !== undefined) return this.#closeFirst(slot, () => this.#onHandle(operation))
        const path = this.#path(operation.path)
        this.#handles[slot] = { kind: 'directory', inode: tree.opendir(path), path, read: false }
        return { status: OK }
      }
      case 'close':
        this.#handles[slot] = undefined
        if (handle === undefined) throw new Fault('EBADF')
        return { status: OK }
      case 'readdir':
        return handle?.kind === 'directory' ? this.#readdir(handle) : { status: FAILURE }
      case 'fstat':
        return file === undefined ? { status: FAILURE } : { status: OK, attributes: this.#seen(file.inode) }
      case 'fsync':
        if (file === undefined) throw new Fault('EBADF')
        return { status: OK }
      case 'fsetstat': {
        if (file === undefined) return { status: FAILURE }
        const cut = (size: number): void => {
          if (!file.writes) throw new Fault('EINVAL')
          tree.cut(file.inode, size)
        }
        return this.#set(operation.attributes, cut, () => file.inode)
      }
      case 'read': {
        if (file === undefined) return { status: FAILURE }
        if (!file.reads && (operation.length > 0 || this.#ours('bad-handle-is-no-missing-file'))) return this.#notOpenForThat()
        if (operation.length === 0) return { status: OK, data: '' }
        if (file.inode.kind === 'directory') throw new Fault('EISDIR')
        const bytes = tree.read(file.inode, operation.position, operation.length)
        return bytes.length === 0 ? { status: EOF } : { status: OK, data: String.fromCharCode(...bytes) }
      }
      case 'write':
        if (file === undefined) return { status: FAILURE }
        if (!file.writes) return this.#notOpenForThat()
        tree.write(file.inode, file.appends ? file.inode.size : operation.position, pattern(operation.fill, operation.length))
        return { status: OK }
      case 'copy-data':
        return this.#copy(operation)
      default:
        throw new Error(`no such operation on a handle: ${operation.kind}`)
    }
  }

  #notOpenForThat(): Result {
    return this.#ours('bad-handle-is-no-missing-file') ? { status: 3 } : { status: this.#statusOf('EBADF') }
  }

  #readdir(handle: DirectoryHandle): Result {
    const entries: Record<string, SeenAttributes> = {}
    for (const [name, own] of handle.read ? [] : handle.inode.names) {
      // OpenSSH keeps the path, and looks there for each name.
      const there = this.#lookFor(() => this.#tree.lookup(`${handle.path}/${name}`, 'stay').inode)
      const inode = there !== own && this.#ours('listing-is-of-the-directory') ? own : there
      if (inode !== undefined) entries[name] = this.#seen(inode)
    }
    handle.read = true
    handle.inode.accessed = undefined
    return { status: OK, entries }
  }

  /** Each for itself, whatever became of the one before; what failed last is said. */
  #set(attributes: SetAttributes, cut: ((size: number) => void) | undefined, inode: () => Inode): Result {
    const { size, permissions, times, owner } = attributes
    let status = OK
    const attempt = (change: () => void): void => {
      try {
        change()
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        status = this.#statusOf(error.errno)
      }
    }
    if (size !== undefined && cut !== undefined) attempt(() => cut(size))
    if (permissions !== undefined) attempt(() => this.#tree.chmod(inode(), permissions))
    if (times !== undefined) attempt(() => this.#tree.utimes(inode(), ...times))
    if (owner !== undefined) attempt(() => this.#tree.chown(inode(), ...owner))
    return { status }
  }

  #lookFor(look: () => Inode | undefined): Inode | undefined {
    try {
      return look()
    } catch (error) {
      if (error instanceof Fault) return undefined
      throw error
    }
  }

  /** Whether a second name was given; not where that is not permitted, which stands for a file system that has none. */
  #linked(from: string, to: string): boolean {
    try {
      this.#tree.link(from, to)
      return true
    } catch (error) {
      if (error instanceof Fault && error.errno === 'EPERM') return false
      throw error
    }
  }

  #rename(from: string, to: string): Result {
    const tree = this.#tree
    const moved = tree.get(from, 'slash')
    if (moved.kind === 'file' && this.#linked(from, to)) {
      tree.unlink(from)
      return { status: OK }
    }
    if (this.#lookFor(() => tree.get(to, 'follow')) !== undefined) return { status: FAILURE }
    if (this.#lookFor(() => tree.lookup(to, 'stay').inode) !== undefined && this.#ours('rename-never-replaces')) return { status: FAILURE }
    tree.rename(from, to)
    return { status: OK }
  }

  #copy({ slot, position, length, into, at }: Operation & { kind: 'copy-data' }): Result {
    const tree = this.#tree
    const from = this.#file(slot)
    const to = this.#file(into)
    if (from === undefined || to === undefined) return { status: FAILURE }
    const usable = from.reads && to.writes
    const ours = (from.name === to.name || !usable || length !== 0) && this.#ours('copy-data-tells')
    if (ours && !usable) return { status: 3 }
    if (!ours && from.name === to.name) return { status: FAILURE }
    // What becomes of a file copied into itself depends on how much is read at once, and there may be no end of it.
    if (from.inode === to.inode) return { status: UNCLEAR }
    if (!ours) return { status: this.#copyPieces(from, to, position, length, at) }
    if (from.inode.kind === 'directory') throw new Fault('EISDIR')
    const bytes = tree.read(from.inode, position, length === 0 ? 1e9 : length)
    tree.write(to.inode, to.appends ? to.inode.size : at, bytes)
    return { status: OK }
  }

  /** The loop of `process_extended_copy_data`, which forgets what went wrong with the last piece. */
  #copyPieces(from: FileHandle, to: FileHandle, position: number, length: number, at: number): number {
    const tree = this.#tree
    let left = length === 0 ? Infinity : length
    let done = 0
    let status = FAILURE
    while (left > 0) {
      const piece = Math.min(65_536, left)
      left -= piece
      if (!from.reads) {
        status = this.#statusOf('EBADF')
        break
      }
      if (from.inode.kind === 'directory') {
        status = this.#statusOf('EISDIR')
        break
      }
      const bytes = tree.read(from.inode, position + done, piece)
      if (bytes.length === 0) {
        status = length === 0 ? OK : EOF
        break
      }
      if (!to.writes) {
        status = this.#statusOf('EBADF')
        break
      }
      tree.write(to.inode, to.appends ? to.inode.size : at + done, bytes)
      done += bytes.length
    }
    return left === 0 ? OK : status
  }

  /** realpath(3), but that the last part need not be there. */
  #systemRealpath(path: string): string {
    const tree = this.#tree
    let at = path
    for (let links = 0; links <= 40; links++) {
      const { directory, last, slashed, inode } = tree.walk(tree.root, at, 'parent', false, false, { left: 40 })
      if (last !== undefined && last.length > 255) throw new Fault('ENAMETOOLONG')
      if (inode === undefined) {
        if (slashed) throw new Fault('ENOENT')
        return this.#pathOf(directory, last)
      }
      if (inode.kind !== 'link') {
        if (slashed && inode.kind !== 'directory') throw new Fault('ENOTDIR')
        return inode.kind === 'directory' ? this.#pathOf(inode) : this.#pathOf(directory, last)
      }
      inode.accessed = undefined
      at = (inode.target.startsWith('/') ? '' : `${this.#pathOf(directory)}/`) + inode.target + (slashed ? '/' : '')
    }
    throw new Fault('ELOOP')
  }

  #pathOf(directory: Inode, name?: string): string {
    const parts = name === undefined ? [] : [name]
    for (let at = directory; at.up !== undefined && at.up !== at; at = at.up)
      for (const [known, inode] of at.up.names) if (inode === at) parts.unshift(known)
    return `/${parts.join('/')}`
  }

  /** `sftp_realpath` of sftp-realpath.c. */
  #realpath(path: string): string {
    if (path.length > 4095) throw new Fault('ENAMETOOLONG')
    if (this.#ours('real-path-of-the-system')) return this.#systemRealpath(path)
    let resolved = ''
    let left = path
    let links = 0
    while (left !== '') {
      const slash = left.indexOf('/')
      const part = slash === -1 ? left : left.slice(0, slash)
      const more = slash !== -1
      left = more ? left.slice(slash + 1) : ''
      if (part === '' || part === '.') continue
      if (part === '..') {
        resolved = resolved.slice(0, Math.max(0, resolved.lastIndexOf('/')))
        continue
      }
      const next = `${resolved}/${part}`
      const { inode } = this.#tree.lookup(next, 'stay')
      if (inode === undefined) {
        if (!more) return next
        throw new Fault('ENOENT')
      }
      if (inode.kind === 'link') {
        if (links++ > 32) throw new Fault('ELOOP')
        inode.accessed = undefined
        if (inode.target.startsWith('/')) resolved = ''
        left = more ? `${inode.target}${inode.target.endsWith('/') ? '' : '/'}${left}` : inode.target
      } else resolved = next
    }
    return resolved === '' ? '/' : resolved
  }
}
