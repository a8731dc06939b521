// Owns how two trees of files look like one: where a path leads when the upper one hides, replaces and merges with the
// lower one, which marks say that something below is gone, and how something comes up before it is changed. Knows no
// operation of `Files` and nothing that is open.
import { SftpError } from '../../errors.ts'
import { nextTurn } from '../../io/soon.ts'
import type { Attributes } from '../attributes.ts'
import type { Files, OpenFile, OpenOptions } from '../files.ts'
import { fault } from './faults.ts'
import { checkPath, longerThan, maximumHops, maximumName } from './path-limits.ts'

/** A directory on the way to something. */
export interface OverlayDirectory {
  /** Without symbolic links, the same in both layers. */
  readonly path: string
  /** Whether it is in the upper layer. Coming up changes it. */
  upper: boolean
  /** Whether it is in the lower layer, and that can be seen. */
  readonly lower: boolean
}

export interface OverlayNode {
  readonly attributes: Attributes
  readonly upper: boolean
  /** Whether the lower layer has it too and the upper one does not hide it: of a directory both are seen. */
  readonly lower: boolean
}

/** Where a path leads. */
export interface OverlayPlace {
  /** From the root to the directory it is in. */
  readonly above: readonly OverlayDirectory[]
  readonly name: string
  readonly kind: 'name' | 'dot' | 'dot-dot' | 'root'
  /** Without symbolic links. It is the last one of `above` unless the kind is `name`. */
  readonly path: string
  readonly node: OverlayNode | undefined
  /** A slash follows, so that it has to be a directory. */
  readonly slash: boolean
}

export type OverlayFollowing = 'always' | 'if-slash' | 'never' | 'parent'

/** Beside a name: what the lower layer has of that name is not seen. Names that begin so cannot be used otherwise. */
const markPrefix = '.wh.'
/** Bytes that are held at once while contents come up. */
const pieceSize = 256 * 1024
/** So much comes up until everybody else has a turn. */
const turnSize = 4 * 1024 * 1024

export const isMark = (name: string): boolean => name.startsWith(markPrefix)
/** The name that a mark hides. */
export const hiddenBy = (mark: string): string => mark.slice(markPrefix.length)

const childOf = (directory: string, name: string): string => (directory === '/' ? `/${name}` : `${directory}/${name}`)

const markOf = (directory: string, name: string): string => childOf(directory, markPrefix + name)
/** Whether there is room for the mark of a name in a name. */
const markable = (name: string): boolean => !longerThan(name, maximumName - markPrefix.length)

const notThere: readonly string[] = ['no-such-file', 'no-such-path', 'not-a-directory']

/** What `ask` answers; `undefined` when it says that there is nothing. */
const ifThere = async <T>(ask: () => T | Promise<T>): Promise<T | undefined> => {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof SftpError && notThere.includes(error.status)) return undefined
    throw error
  }
}

const forReading: OpenOptions = {
  read: true,
  write: false,
  append: false,
  create: false,
  exclusive: false,
  truncate: false,
  noFollow: true,
}
const forANewFile: OpenOptions = { ...forReading, read: false, write: true, create: true, exclusive: true }

const copyContents = async (from: OpenFile, to: OpenFile): Promise<void> => {
  const piece = new Uint8Array(pieceSize)
  let position = 0
  let sinceTurn = 0
  for (;;) {
    const count = await from.read(position, piece)
    if (count === 0) break
    const bytes = piece.subarray(0, count)
    // Holes stay holes.
    if (bytes.some(byte => byte !== 0)) await to.write(position, bytes)
    position += count
    sinceTurn += count
    if (sinceTurn < turnSize) continue
    sinceTurn = 0
    await nextTurn()
  }
  await to.setAttributes({ size: position })
}

export class OverlayLayers {
  readonly lower: Files
  readonly upper: Files
  #copies = 0
  /** Told of each file of the lower layer that has come up. */
  readonly #raised: (path: string) => Promise<void>

  constructor(lower: Files, upper: Files, raised: (path: string) => Promise<void>) {
    this.lower = lower
    this.upper = upper
    this.#raised = raised
  }

  /** What is called `name` in a directory, whichever layer has it. */
  async lookUp(directory: OverlayDirectory, name: string): Promise<OverlayNode | undefined> {
    if (isMark(name)) return undefined
    const path = childOf(directory.path, name)
    const above = directory.upper ? await ifThere(() => this.upper.stat(path, false)) : undefined
    // Only of directories both layers are seen.
    const below = directory.lower && (above === undefined || above.type === 'directory') ? await this.#below(directory, name) : undefined
    if (above === undefined) return below === undefined ? undefined : { attributes: below, upper: false, lower: true }
    return { attributes: above, upper: true, lower: below?.type === 'directory' }
  }

  /** What the lower layer has of that name, unless the upper one marks it as gone. */
  async #below(directory: OverlayDirectory, name: string): Promise<Attributes | undefined> {
    if (directory.upper && (await this.#marked(directory.path, name))) return undefined
    return ifThere(() => this.lower.stat(childOf(directory.path, name), false))
  }

  async #marked(directory: string, name: string): Promise<boolean> {
    return markable(name) && (await ifThere(() => this.upper.stat(markOf(directory, name), false))) !== undefined
  }

  /** Walks `path` as path_resolution(7) says. `creating`: a slash after a file is refused at once, as open(2) does it. */
  async walk(path: string, following: OverlayFollowing, operation: string, creating = false): Promise<OverlayPlace> {
    checkPath(path, operation)
    const left = path.split('/').reverse()
    let slash = path.endsWith('/')
    const root: OverlayDirectory = { path: '/', upper: true, lower: true }
    const above = [root]
    let hops = 0
    const drop = (): void => {
      while (left.length > 0 && left[left.length - 1] === '') left.pop()
    }
    drop()
    for (;;) {
      const name = left.pop()
      const directory = above[above.length - 1]
      if (name === undefined) return { ...(await this.#itself(above)), name: '', kind: 'root', slash }
      drop()
      const last = left.length === 0
      if (name === '.' || name === '..') {
        if (name === '..' && above.length > 1) above.pop()
        if (last) return { ...(await this.#itself(above)), name, kind: name === '.' ? 'dot' : 'dot-dot', slash }
        continue
      }
      if (last && creating && slash) throw fault('EISDIR', operation, path)
      const resolved = childOf(directory.path, name)
      if (last && following === 'parent' && longerThan(name, maximumName))
        return { above, name, kind: 'name', path: resolved, node: undefined, slash }
      const node = await this.lookUp(directory, name)
      const type = node?.attributes.type
      if (last && (type !== 'symlink' || following === 'never' || following === 'parent' || (following === 'if-slash' && !slash)))
        return { above, name, kind: 'name', path: resolved, node, slash }
      if (node === undefined) throw fault('ENOENT', operation, path)
      if (type === 'symlink') {
        if (++hops > maximumHops) throw fault('ELOOP', operation, path)
        const target = await (node.upper ? this.upper : this.lower).readLink(resolved)
        if (target.startsWith('/')) above.length = 1
        if (last) slash ||= target.endsWith('/')
        left.push(...target.split('/').reverse())
        drop()
      } else if (type === 'directory') above.push({ path: resolved, upper: node.upper, lower: node.lower })
      else throw fault('ENOTDIR', operation, path)
    }
  }

  /** As OpenSSH's server resolves: `..` takes off what was resolved before it, and the last need not be there. */
  async realPath(path: string, mustExist: boolean): Promise<string> {
    checkPath(path, 'realpath')
    const left = path.split('/').reverse()
    const root: OverlayDirectory = { path: '/', upper: true, lower: true }
    const way: { readonly path: string; readonly directory: OverlayDirectory | undefined }[] = [{ path: '/', directory: root }]
    let hops = 0
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      if (name === '' || name === '.') continue
      if (name === '..') {
        if (way.length > 1) way.pop()
        continue
      }
      const { directory } = way[way.length - 1]
      if (directory === undefined) throw fault('ENOTDIR', 'realpath', path)
      const node = await this.lookUp(directory, name)
      const resolved = childOf(directory.path, name)
      if (node === undefined && (mustExist || left.length > 0)) throw fault('ENOENT', 'realpath', path)
      if (node?.attributes.type === 'symlink') {
        if (++hops > maximumHops) throw fault('ELOOP', 'realpath', path)
        const target = await (node.upper ? this.upper : this.lower).readLink(resolved)
        if (target.startsWith('/')) way.length = 1
        left.push(...target.split('/').reverse())
      } else way.push({ path: resolved, directory: node?.attributes.type === 'directory' ? { path: resolved, ...node } : undefined })
    }
    return way[way.length - 1].path
  }

  /** The last of some directories, as a place of its own. */
  async #itself(above: readonly OverlayDirectory[]): Promise<Pick<OverlayPlace, 'above' | 'path' | 'node'>> {
    const { path, upper, lower } = above[above.length - 1]
    const attributes = await (upper ? this.upper : this.lower).stat(path, false)
    return { above, path, node: { attributes, upper, lower } }
  }

  /** Each of the directories is in the upper layer afterwards. */
  async raiseDirectories(above: readonly OverlayDirectory[]): Promise<void> {
    for (const [index, directory] of above.entries()) {
      directory.upper ||= (await ifThere(() => this.upper.stat(directory.path, false))) !== undefined
      if (directory.upper) continue
      const attributes = await this.lower.stat(directory.path, false)
      await this.#keepingTimes(above[index - 1], () => this.#raiseDirectory(directory.path, attributes))
      directory.upper = true
    }
  }

  async #raiseDirectory(path: string, attributes: Attributes): Promise<void> {
    await this.upper.makeDirectory(path, { permissions: 0o700 })
    await this.#dress(path, attributes)
  }

  /** That something comes up is no change of the directory it is in. */
  async #keepingTimes(directory: OverlayDirectory, raise: () => Promise<void>): Promise<void> {
    const { accessed, modified } = await this.upper.stat(directory.path, false)
    await raise()
    if (accessed !== undefined && modified !== undefined) await this.upper.setAttributes(directory.path, { accessed, modified }, true)
  }

  /** Owner, permissions and times as they were below. Who may not give files away keeps them. */
  async #dress(path: string, { type, uid, gid, permissions, accessed, modified }: Attributes): Promise<void> {
    const follow = type !== 'symlink'
    try {
      if (uid !== undefined && gid !== undefined) await this.upper.setAttributes(path, { uid, gid }, follow)
    } catch (error) {
      if (!(error instanceof SftpError) || (error.status !== 'permission-denied' && error.status !== 'op-unsupported')) throw error
    }
    if (permissions !== undefined && follow) await this.upper.setAttributes(path, { permissions }, follow)
    if (accessed !== undefined && modified !== undefined) await this.upper.setAttributes(path, { accessed, modified }, follow)
  }

  /** What is at `place` is in the upper layer afterwards; of a directory nothing that is in it. */
  async raise({ above, kind, path, node }: OverlayPlace): Promise<void> {
    if (node === undefined || node.upper) return
    await this.raiseDirectories(above)
    if (kind !== 'name') return
    const { attributes } = node
    await this.#keepingTimes(above[above.length - 1], async () => {
      if (attributes.type === 'directory') await this.#raiseDirectory(path, attributes)
      else await this.#raiseLeaf(path, attributes)
    })
    if (attributes.type === 'file') await this.#raised(path)
  }

  /** Made under another name first, so that nobody sees half of it. */
  async #raiseLeaf(path: string, attributes: Attributes): Promise<void> {
    const { type } = attributes
    if (type !== 'file' && type !== 'symlink')
      throw fault('EXDEV', 'copy up', path, 'Neither file, directory nor link: it cannot be changed.')
    const copy = childOf(path.slice(0, path.lastIndexOf('/')) || '/', `${markPrefix}${markPrefix}copy-${this.#copies++}`)
    await ifThere(() => this.upper.remove(copy))
    try {
      if (type === 'symlink') await this.upper.symlink(await this.lower.readLink(path), copy)
      else await this.#copyFile(path, copy)
      await this.#dress(copy, attributes)
      await this.upper.rename(copy, path, true)
    } catch (error) {
      await ifThere(() => this.upper.remove(copy))
      throw error
    }
  }

  async #copyFile(path: string, copy: string): Promise<void> {
    const from = await this.lower.open(path, forReading, {})
    try {
      const to = await this.upper.open(copy, forANewFile, { permissions: 0o600 })
      try {
        await copyContents(from, to)
      } finally {
        await to.close()
      }
    } finally {
      await from.close()
    }
  }

  /** Like `raise`, with all that is in a directory. */
  async raiseAll(place: OverlayPlace): Promise<void> {
    await this.raise(place)
    const { above, path, node } = place
    if (node === undefined || !node.lower || node.attributes.type !== 'directory') return
    const directory: OverlayDirectory = { path, upper: true, lower: true }
    for (const name of await this.names(directory)) {
      const inside = await this.lookUp(directory, name)
      await this.raiseAll({ above: [...above, directory], name, kind: 'name', path: childOf(path, name), node: inside, slash: false })
    }
  }

  /** Names in a directory, without `.` and `..`. */
  async names(directory: OverlayDirectory): Promise<Set<string>> {
    const names = new Set<string>()
    const hidden = new Set<string>()
    if (directory.upper)
      for await (const name of namesIn(this.upper, directory.path)) {
        if (isMark(name)) hidden.add(hiddenBy(name))
        else names.add(name)
      }
    if (directory.lower)
      for await (const name of namesIn(this.lower, directory.path)) if (!isMark(name) && !hidden.has(name)) names.add(name)
    return names
  }

  /**
   * From now on nothing below is seen under that name of the last directory; what is above is. Says whether that is new. When
   * there is something to hide, the directories come up.
   */
  async hide(above: readonly OverlayDirectory[], name: string): Promise<boolean> {
    const directory = above[above.length - 1]
    if (!directory.lower) return false
    if ((await ifThere(() => this.lower.stat(childOf(directory.path, name), false))) === undefined) return false
    if (!markable(name))
      throw fault('ENAMETOOLONG', 'remove', childOf(directory.path, name), 'A name of more than 251 bytes cannot be hidden below.')
    await this.raiseDirectories(above)
    if (await this.#marked(directory.path, name)) return false
    const mark = await this.upper.open(markOf(directory.path, name), forANewFile, { permissions: 0o600 })
    await mark.close()
    return true
  }

  async show(directory: OverlayDirectory, name: string): Promise<void> {
    await ifThere(() => this.upper.remove(markOf(directory.path, name)))
  }

  /** Takes the marks out of a directory of the upper layer that has nothing else in it. */
  async clearMarks(path: string): Promise<void> {
    const marks: string[] = []
    for await (const name of namesIn(this.upper, path)) if (isMark(name)) marks.push(name)
    for (const mark of marks) await this.upper.remove(childOf(path, mark))
  }
}

async function* namesIn(files: Files, path: string): AsyncGenerator<string> {
  const listing = await files.list(path)
  try {
    for (let some = await listing.next(); some !== undefined; some = await listing.next())
      for (const { name } of some) if (name !== '.' && name !== '..') yield name
  } finally {
    await listing.close()
  }
}
