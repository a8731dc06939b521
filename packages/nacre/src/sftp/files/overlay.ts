// Owns `overlayFiles`: files below that nothing changes, seen through files above that take all changes. What is open while a
// file comes up goes on with the upper one. How the two look like one is for `overlay-layers.ts`.
import type { Attributes } from '../attributes.ts'
import type { FileEntry, Files, FilesystemStat, Listing, OpenFile, OpenOptions } from '../files.ts'
import { fault } from './faults.ts'
import { hiddenBy, isMark, type OverlayDirectory, OverlayLayers, type OverlayPlace } from './overlay-layers.ts'
import { checkPath, longerThan, maximumName } from './path-limits.ts'
import { setsNothing } from './settable.ts'

/** A file of the lower layer somebody reads. */
interface Borrowed {
  file: OpenFile
  readonly options: OpenOptions
  /** It has no name any more, so that it cannot come up. */
  nameless: boolean
}

/** One at a time, in the order they came. */
const queue = (): (<T>(task: () => Promise<T>) => Promise<T>) => {
  let tail: Promise<unknown> = Promise.resolve()
  return task => {
    const result = tail.then(task)
    tail = result.catch(() => undefined)
    return result
  }
}

const lastOf = ({ above }: OverlayPlace): OverlayDirectory => above[above.length - 1]
const isDirectory = (place: OverlayPlace): boolean => place.node?.attributes.type === 'directory'
const isAtOrBelow = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`)

/** Those who write have the file of the upper layer. */
const neverForWriting = (path: string): never => {
  throw fault('EBADF', 'write', path, 'The file is open for reading only.')
}

class Overlay {
  readonly layers: OverlayLayers
  readonly #borrowed = new Map<string, Set<Borrowed>>()
  /** Whatever changes names, or copies, waits for what came before it. */
  readonly #alone = queue()

  constructor(lower: Files, upper: Files) {
    this.layers = new OverlayLayers(lower, upper, path => this.#reopen(path))
  }

  /** Those who read a file that came up go on with the copy, and see what becomes of it. */
  async #reopen(path: string): Promise<void> {
    const all = this.#borrowed.get(path)
    this.#borrowed.delete(path)
    for (const borrowed of all ?? []) borrowed.file = await this.layers.upper.open(path, borrowed.options, {})
  }

  /** The name is gone, and with it the way up for who still reads it. */
  #forget(path: string): void {
    for (const borrowed of this.#borrowed.get(path) ?? []) borrowed.nameless = true
    this.#borrowed.delete(path)
  }

  async #find(path: string, follow: boolean, operation: string): Promise<OverlayPlace & { node: NonNullable<OverlayPlace['node']> }> {
    const place = await this.layers.walk(path, follow ? 'always' : 'if-slash', operation)
    const { node } = place
    if (node === undefined) throw fault('ENOENT', operation, path)
    if (place.slash && node.attributes.type !== 'directory') throw fault('ENOTDIR', operation, path)
    return { ...place, node }
  }

  async open(path: string, options: OpenOptions, attributes: Attributes): Promise<OpenFile> {
    const { create, write, truncate } = options
    return create || write || truncate ? this.#alone(() => this.#open(path, options, attributes)) : this.#open(path, options, attributes)
  }

  async #open(path: string, options: OpenOptions, attributes: Attributes): Promise<OpenFile> {
    const { create, exclusive, write, truncate, noFollow } = options
    const { upper, lower } = this.layers
    const place = await this.layers.walk(path, (create && exclusive) || noFollow ? 'if-slash' : 'always', 'open', create)
    const { node } = place
    if (node === undefined) {
      if (!create) throw fault('ENOENT', 'open', path)
      this.#nameable(place, 'open')
      await this.layers.raiseDirectories(place.above)
      return upper.open(place.path, options, attributes)
    }
    if (create && exclusive) throw fault('EEXIST', 'open', path)
    const { type } = node.attributes
    if (type === 'symlink') throw fault('ELOOP', 'open', path)
    if (type === 'directory' && (create || write || truncate)) throw fault('EISDIR', 'open', path)
    if (place.slash && type !== 'directory') throw fault('ENOTDIR', 'open', path)
    if (node.upper || write || truncate) {
      await this.layers.raise(place)
      return upper.open(place.path, options, attributes)
    }
    const file = await lower.open(place.path, { ...options, create: false }, attributes)
    return type === 'file' ? this.#borrow(place.path, file, { ...options, create: false }) : this.#ofDirectory(place.path, file)
  }

  #borrow(path: string, first: OpenFile, options: OpenOptions): OpenFile {
    const borrowed: Borrowed = { file: first, options, nameless: false }
    const all = this.#borrowed.get(path) ?? new Set()
    this.#borrowed.set(path, all.add(borrowed))
    return {
      read: (position, into) => borrowed.file.read(position, into),
      write: () => neverForWriting(path),
      stat: () => borrowed.file.stat(),
      sync: () => borrowed.file.sync(),
      statvfs: () => this.layers.upper.statvfs('/'),
      setAttributes: attributes =>
        this.#alone(async () => {
          if (borrowed.nameless) throw fault('EROFS', 'fsetstat', path, 'The file was removed, and cannot be changed any more.')
          // Also when somebody else has renamed it: then it has come up.
          if (borrowed.file === first) await this.layers.raise(await this.#find(path, false, 'fsetstat'))
          await borrowed.file.setAttributes(attributes)
        }),
      close: async () => {
        all.delete(borrowed)
        if (all.size === 0 && this.#borrowed.get(path) === all) this.#borrowed.delete(path)
        if (borrowed.file !== first) await borrowed.file.close()
        await first.close()
      },
    }
  }

  /** A directory of the lower layer, open as if it were a file. */
  #ofDirectory(path: string, file: OpenFile): OpenFile {
    return {
      read: (position, into) => file.read(position, into),
      write: () => neverForWriting(path),
      // It may have come up since.
      stat: () => this.stat(path, false).catch(() => file.stat()),
      sync: () => file.sync(),
      statvfs: () => this.layers.upper.statvfs('/'),
      setAttributes: async attributes => {
        const { size, ...others } = attributes
        await this.setAttributes(path, others, true)
        if (size !== undefined) throw fault('EINVAL', 'fsetstat', path, 'A directory cannot be cut.')
      },
      close: () => file.close(),
    }
  }

  async list(path: string): Promise<Listing> {
    const { path: resolved, node } = await this.#find(path, true, 'opendir')
    if (node.attributes.type !== 'directory') throw fault('ENOTDIR', 'opendir', path)
    const layers: Listing[] = []
    if (node.upper) layers.push(await this.layers.upper.list(resolved))
    try {
      if (node.lower) layers.push(await this.layers.lower.list(resolved))
    } catch (error) {
      await layers[0]?.close()
      throw error
    }
    const seen = new Set<string>()
    const ofUpper = ({ name }: FileEntry): boolean => {
      const mark = isMark(name)
      seen.add(mark ? hiddenBy(name) : name)
      return !mark
    }
    const ofLower = ({ name }: FileEntry): boolean => !isMark(name) && !seen.has(name)
    let at = 0
    return {
      next: async () => {
        for (; at < layers.length; at++) {
          for (let some = await layers[at].next(); some !== undefined; some = await layers[at].next()) {
            const shown = some.filter(at === 0 && node.upper ? ofUpper : ofLower)
            if (shown.length > 0) return shown
          }
        }
        return undefined
      },
      close: async () => {
        for (const layer of layers) await layer.close()
      },
    }
  }

  async stat(path: string, follow: boolean): Promise<Attributes> {
    return (await this.#find(path, follow, follow ? 'stat' : 'lstat')).node.attributes
  }

  setAttributes(path: string, attributes: Attributes, follow: boolean): Promise<void> {
    return this.#alone(async () => {
      if (setsNothing(attributes)) return
      const place = await this.#find(path, follow, 'setstat')
      await this.layers.raise(place)
      await this.layers.upper.setAttributes(place.path, attributes, place.node.attributes.type !== 'symlink')
    })
  }

  /** Names of marks are none that anybody may give. */
  #nameable({ name, path }: OverlayPlace, operation: string): void {
    if (isMark(name)) throw fault('EINVAL', operation, path, 'Names that begin with `.wh.` are not to be had here.')
  }

  /** The place for something new. */
  async #vacancy(path: string, operation: string, directory: boolean): Promise<OverlayPlace> {
    const place = await this.layers.walk(path, 'never', operation)
    if (place.node !== undefined) throw fault('EEXIST', operation, path)
    if (place.slash && !directory) throw fault('ENOENT', operation, path)
    this.#nameable(place, operation)
    await this.layers.raiseDirectories(place.above)
    return place
  }

  makeDirectory(path: string, attributes: Attributes): Promise<void> {
    return this.#alone(async () => this.layers.upper.makeDirectory((await this.#vacancy(path, 'mkdir', true)).path, attributes))
  }

  symlink(target: string, path: string): Promise<void> {
    return this.#alone(async () => {
      checkPath(target, 'symlink')
      await this.layers.upper.symlink(target, (await this.#vacancy(path, 'symlink', false)).path)
    })
  }

  link(existing: string, path: string): Promise<void> {
    return this.#alone(async () => {
      const source = await this.#find(existing, false, 'link')
      const target = await this.#vacancy(path, 'link', false)
      if (isDirectory(source)) throw fault('EPERM', 'link', existing, 'A directory has one name only.')
      await this.layers.raise(source)
      await this.layers.upper.link(source.path, target.path)
    })
  }

  remove(path: string): Promise<void> {
    return this.#alone(async () => {
      const place = await this.layers.walk(path, 'never', 'remove')
      if (place.kind !== 'name') throw fault('EISDIR', 'remove', path)
      if (place.node === undefined) throw fault('ENOENT', 'remove', path)
      if (place.slash && !isDirectory(place)) throw fault('ENOTDIR', 'remove', path)
      if (isDirectory(place)) throw fault('EISDIR', 'remove', path)
      await this.#withoutBelow(place, async () => {
        if (place.node?.upper === true) await this.layers.upper.remove(place.path)
      })
      this.#forget(place.path)
    })
  }

  removeDirectory(path: string): Promise<void> {
    return this.#alone(async () => {
      const place = await this.layers.walk(path, 'never', 'rmdir')
      const { kind, node } = place
      if (kind === 'dot-dot') throw fault('ENOTEMPTY', 'rmdir', path)
      if (kind === 'dot') throw fault('EINVAL', 'rmdir', path)
      if (kind === 'root') throw fault('EBUSY', 'rmdir', path)
      if (node === undefined) throw fault('ENOENT', 'rmdir', path)
      if (!isDirectory(place)) throw fault('ENOTDIR', 'rmdir', path)
      if ((await this.layers.names({ path: place.path, ...node })).size > 0) throw fault('ENOTEMPTY', 'rmdir', path)
      await this.#withoutBelow(place, async () => {
        if (!node.upper) return
        await this.layers.clearMarks(place.path)
        await this.layers.upper.removeDirectory(place.path)
      })
    })
  }

  /** Hides what is below before what is above goes, so that it is not seen in between; shows it again when that fails. */
  async #withoutBelow({ above, name }: OverlayPlace, change: () => Promise<void>): Promise<void> {
    const hidden = await this.layers.hide(above, name)
    try {
      await change()
    } catch (error) {
      if (hidden) await this.layers.show(above[above.length - 1], name)
      throw error
    }
  }

  rename(from: string, to: string, replace: boolean): Promise<void> {
    return this.#alone(async () => {
      const source = await this.layers.walk(from, replace ? 'parent' : 'never', 'rename')
      if (!replace) await this.#find(from, false, 'rename')
      const target = await this.layers.walk(to, replace ? 'parent' : 'never', 'rename')
      if (!replace && target.node !== undefined) throw fault('EEXIST', 'rename', to)
      if (source.kind !== 'name') throw fault('EBUSY', 'rename', from)
      if (target.kind !== 'name') throw fault('EBUSY', 'rename', to)
      if (longerThan(source.name, maximumName)) throw fault('ENAMETOOLONG', 'rename', from)
      if (source.node === undefined) throw fault('ENOENT', 'rename', from)
      if (longerThan(target.name, maximumName)) throw fault('ENAMETOOLONG', 'rename', to)
      if (!isDirectory(source) && (source.slash || target.slash)) throw fault('ENOTDIR', 'rename', from)
      if (isAtOrBelow(lastOf(target).path, source.path)) throw fault('EINVAL', 'rename', from)
      if (target.node !== undefined && isAtOrBelow(lastOf(source).path, target.path)) throw fault('ENOTEMPTY', 'rename', to)
      if (source.path === target.path) return
      if (target.node !== undefined) {
        if (isDirectory(source) && !isDirectory(target)) throw fault('ENOTDIR', 'rename', to)
        if (!isDirectory(source) && isDirectory(target)) throw fault('EISDIR', 'rename', to)
        if (isDirectory(target) && (await this.layers.names({ path: target.path, ...target.node })).size > 0)
          throw fault('ENOTEMPTY', 'rename', to)
      }
      this.#nameable(target, 'rename')
      await this.layers.raiseAll(source)
      await this.layers.raiseDirectories(target.above)
      await this.#move(source, target, replace)
    })
  }

  /** All of the source is above. What is below at the target is hidden: a directory there would be seen through the new one. */
  async #move(source: OverlayPlace, target: OverlayPlace, replace: boolean): Promise<void> {
    if (isDirectory(target) && target.node?.upper === true) await this.layers.clearMarks(target.path)
    const rename = (): Promise<void> => this.#withoutBelow(source, async () => this.layers.upper.rename(source.path, target.path, replace))
    await (isDirectory(source) ? this.#withoutBelow(target, rename) : rename())
    if (target.node !== undefined && !target.node.upper) this.#forget(target.path)
  }

  async readLink(path: string): Promise<string> {
    const { node, path: resolved } = await this.#find(path, false, 'readlink')
    if (node.attributes.type !== 'symlink') throw fault('EINVAL', 'readlink', path, 'It is not a symbolic link.')
    return (node.upper ? this.layers.upper : this.layers.lower).readLink(resolved)
  }

  async realPath(path: string, mustExist: boolean): Promise<string> {
    return this.layers.realPath(path, mustExist)
  }

  async statvfs(path: string): Promise<FilesystemStat> {
    await this.#find(path, true, 'statvfs')
    return this.layers.upper.statvfs('/')
  }
}

/**
 * `lower` as if it could be changed: what is changed is copied to `upper` first, in pieces of 256 KiB, and what is removed is
 * marked there by an empty file `.wh.NAME` beside it, so that the two together are the same again later. `lower` must not
 * change meanwhile, and `upper` only through this.
 *
 * A directory that comes from below is renamed by copying all that is in it up first: that takes its time, and the room.
 * Otherwise than on one file system: names that begin with `.wh.` are not to be had; something below with a name of more
 * than 251 bytes cannot be removed; a file below with several names is a file of its own under the one it is changed by; sockets,
 * pipes and devices below cannot be changed. Rights are those of `upper`, to which owners come along as far as it lets them.
 */
export const overlayFiles = (lower: Files, upper: Files): Files => {
  const overlay = new Overlay(lower, upper)
  return {
    open: (path, options, attributes) => overlay.open(path, options, attributes),
    list: path => overlay.list(path),
    stat: (path, follow) => overlay.stat(path, follow),
    setAttributes: (path, attributes, follow) => overlay.setAttributes(path, attributes, follow),
    remove: path => overlay.remove(path),
    rename: (from, to, replace) => overlay.rename(from, to, replace),
    makeDirectory: (path, attributes) => overlay.makeDirectory(path, attributes),
    removeDirectory: path => overlay.removeDirectory(path),
    link: (existing, path) => overlay.link(existing, path),
    symlink: (target, path) => overlay.symlink(target, path),
    readLink: path => overlay.readLink(path),
    realPath: (path, mustExist) => overlay.realPath(path, mustExist),
    statvfs: path => overlay.statvfs(path),
    home: user => lower.home(user),
    namesOf: (kind, ids) => lower.namesOf(kind, ids),
    idOf: (kind, name) => lower.idOf(kind, name),
  }
}
