// Owns the way from a root folder to a file that no symbolic link, `..` or rename leads astray: one component after the other
// on descriptors that are open, by /proc. What a link says is read and walked here, as in a chroot; the system follows none.
// Knows no operation on files.
//
// `/proc/<pid>/fd/<n>/<name>` is `name` in the folder that `n` has open, wherever that folder is now: so every call of Node's
// becomes what the `*at` calls of the system are. The name is one component and the call does not follow links, or it is
// `.`, so nothing outside that folder can be met. Whoever swaps a folder for a link while we walk gets "no such file".
import fs from 'node:fs'
import { nameFromBytes } from '../names.ts'
import { O_PATH } from './change-node.ts'
import { calls, type Disk, type Place, type Task } from './disk-node.ts'
import { errnoOf, refusal } from './errno.ts'
import { placeIn } from './listing-node.ts'
import { deviceText } from './mounts-node.ts'
import { longerThan, maximumPath } from './path-limits.ts'

const { O_DIRECTORY, O_NOFOLLOW } = fs.constants
const folderFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW

/** Links followed on one way (path_resolution(7)). */
const mostLinks = 40
/** Components walked for one path, those of links among them: a path of the system's longest has no more than half as many. */
const mostSteps = 4096
/** Folders above that are kept open for `..`. */
const deepest = 256

/** The folder a descriptor has open, for calls that take a path. `process.pid` rather than `self` saves a link. */
export const placeOfDescriptor = (fd: number): string => `/proc/${process.pid}/fd/${fd}`

/** A folder that is open as long as somebody needs it. */
export interface Root {
  readonly fd: number
  readonly disk: Disk
  /** Whether links are followed; if not, one on the way is refused. */
  readonly followsLinks: boolean
  /** Throws `EBADF` when it was closed. */
  take(): void
  give(): void
}

/** A path without its empty components and `.`; the last one is '' when it says that it must be a folder. */
const componentsOf = (path: string): string[] => {
  const all = path.split('/')
  const last = all.at(-1)
  const some = all.filter(name => name !== '' && name !== '.')
  if (last === '' || last === '.') some.push('')
  return some
}

/** One way from the root. Descriptors stay open until `release`. */
export interface Walk {
  /** A place for calls that follow no link: the last component in its folder, or `.` in the folder it names. */
  last(): Task<Place>
  /** After the call at `last` met a link: the place that one leads to. */
  through(): Task<Place>
  /** The descriptor of the folder the path names, which is the caller's to close from now on. */
  folder(): Task<number>
  /** The path without links to where `last` or `through` came; `undefined` when they did not get there. */
  path(): string | undefined
  release(): void
}

/** The folders walked into: the present one open, and those above it too where the way goes up again. */
interface Trail {
  /** The present folder. */
  here(): number
  /** From the root to here. */
  readonly names: readonly string[]
  /** Whether folders above stay open. */
  readonly keeps: boolean
  enter(fd: number, name: string): void
  up(): void
  toRoot(): void
  /** From now on folders above stay open. Only at the root. */
  keep(): void
  /** Hands over the present folder; `undefined` for the root. */
  handOver(): number | undefined
}

const startTrail = (root: number): Trail => {
  let open: number[] = []
  let names: string[] = []
  let keeps = false
  const closeAll = (): void => {
    for (const fd of open) fs.closeSync(fd)
    open = []
  }
  return {
    here: () => open.at(-1) ?? root,
    get names() {
      return names
    },
    get keeps() {
      return keeps
    },
    enter: (fd, name) => {
      if (!keeps) closeAll()
      open.push(fd)
      names.push(name)
      if (open.length > deepest) throw refusal('ENAMETOOLONG')
    },
    up: () => {
      names.pop()
      const fd = open.pop()
      if (fd !== undefined) fs.closeSync(fd)
    },
    toRoot: () => {
      closeAll()
      names = []
    },
    keep: () => {
      keeps = true
    },
    handOver: () => open.pop(),
  }
}

/**
 * The system follows no link of somebody else's in a folder where everybody may write and only owners remove (proc_sys_fs(5),
 * protected_symlinks). As links are followed here, so is that rule.
 */
function* mayFollow(folder: number, link: Place): Task<void> {
  const { mode, uid } = yield* calls.fstat(folder)
  if ((Number(mode) & 0o1002) !== 0o1002) return
  const owner = (yield* calls.lstat(link)).uid
  if (owner !== uid && owner !== BigInt(process.geteuid?.() ?? -1)) throw refusal('EACCES')
}

/** Where a link points; `undefined` for what is none, or not any more. */
function* textOfLink(place: Place): Task<string | undefined> {
  try {
    return nameFromBytes(yield* calls.readlink(place))
  } catch (error) {
    if (errnoOf(error) === 'EINVAL') return undefined
    throw error
  }
}

/** Files of a process open what that process has open: ours, with all that is outside. */
function* refuseDevices(folder: number, hidden: ReadonlySet<string>): Task<void> {
  if (hidden.has(deviceText((yield* calls.fstat(folder)).dev))) throw refusal('EACCES')
}

/** `plain`: a slash at the end means nothing. */
const startWalk = (root: Root, path: string, plain = false): Walk => {
  root.take()
  const trail = startTrail(root.fd)
  const hidden = root.disk.ofProcesses()
  let todo = componentsOf(plain ? path.replace(/\/+$/, '') : path)
  if (todo.includes('..')) trail.keep()
  let links = 0
  let steps = 0
  let name = ''
  let arrived = false
  const placeHere = (component: string): Place => placeIn(placeOfDescriptor(trail.here()), component)

  /** What the link `component` of the present folder says comes next; false when it is no link, or not any more. */
  function* follow(component: string): Task<boolean> {
    const place = placeHere(component)
    const text = yield* textOfLink(place)
    if (text === undefined) return false
    if (!root.followsLinks || ++links > mostLinks) throw refusal('ELOOP')
    yield* mayFollow(trail.here(), place)
    const target = componentsOf(text)
    if (todo.length > 0 && target.at(-1) === '') target.pop()
    todo = [...target, ...todo]
    if (text.startsWith('/')) trail.toRoot()
    if (!trail.keeps && target.includes('..')) {
      // The folders above are closed: the way to here is walked again, and they stay open.
      todo = [...trail.names, ...todo]
      trail.toRoot()
      trail.keep()
    }
    return true
  }

  function* step(component: string): Task<void> {
    let fd: number
    try {
      fd = yield* calls.open(placeHere(component), folderFlags)
    } catch (error) {
      const errno = errnoOf(error)
      if ((errno === 'ENOTDIR' || errno === 'ELOOP') && (yield* follow(component))) return
      throw error
    }
    trail.enter(fd, component)
    if (hidden.size > 0) yield* refuseDevices(fd, hidden)
  }

  /** Walks on until `left` components are left. */
  function* go(left: number): Task<void> {
    while (todo.length > left) {
      if (++steps > mostSteps) throw refusal('ENAMETOOLONG')
      const component = todo.shift() ?? ''
      if (component === '..') trail.up()
      else if (component !== '') yield* step(component)
    }
  }

  function* last(): Task<Place> {
    yield* go(1)
    const [component = ''] = todo
    name = component === '..' ? '' : component
    if (name === '') yield* go(0)
    arrived = true
    if (name !== '') return placeHere(name)
    return `${placeOfDescriptor(trail.here())}/.`
  }

  return {
    last,
    *through() {
      todo = []
      arrived = false
      if (name !== '' && !(yield* follow(name))) todo = [name]
      return yield* last()
    },
    *folder() {
      yield* go(0)
      return trail.handOver() ?? (yield* calls.open(`${placeOfDescriptor(root.fd)}/.`, folderFlags))
    },
    path: () => (arrived ? `/${(name === '' ? trail.names : [...trail.names, name]).join('/')}` : undefined),
    release: () => {
      trail.toRoot()
      root.give()
    },
  }
}

/** Walks `path` and does `act` at its end, with all descriptors closed afterwards. */
export function* walking<T>(root: Root, path: string, act: (walk: Walk) => Task<T>, plain = false): Task<T> {
  if (longerThan(path.endsWith('/') ? path.slice(0, -1) : path, maximumPath)) throw refusal('ENAMETOOLONG')
  const walk = startWalk(root, path, plain)
  try {
    return yield* act(walk)
  } finally {
    walk.release()
  }
}
