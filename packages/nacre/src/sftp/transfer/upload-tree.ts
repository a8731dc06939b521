// Owns directories on their way to the server: each is made before what is in it, many files go at once. Knows no bytes.
import { SftpError } from '../../errors.ts'
import type { Attributes } from '../attributes.ts'
import { shownPath } from '../client/explain.ts'
import { joinPath } from '../client/paths.ts'
import { Crew, type Failures, Handles, Tally } from './crew.ts'
import { deepest, defaultConcurrency, largeAtOnce } from './download-tree.ts'
import { isMissing } from './fault.ts'
import type { LocalEntry, LocalFolder } from './local.ts'
import { localNear, uploadFile } from './upload.ts'
import { largeFile, type Moving } from './moving.ts'
import { Whole } from './whole.ts'
import { readWhole, uploadWhole } from './whole-upload.ts'

interface Place {
  readonly folder: LocalFolder
  /** On the server. */
  readonly path: string
  /** Below the source, with `/` between; '' for the source itself. */
  readonly below: string
  /** Folders on the way here, where links are followed. */
  readonly trail: readonly string[]
  readonly attributes: Attributes
}

/** Directories that are looked through at once. */
const lookers = 8
/** Files that wait to be moved before looking stops. */
const waitingFiles = 10_000

export class UploadTree {
  readonly #moving: Moving
  readonly #failures: Failures
  readonly #crew: Crew
  readonly #large: Crew
  readonly #handles: Handles
  readonly #whole: Whole
  #looking = 0

  constructor(moving: Moving, failures: Failures) {
    this.#moving = moving
    this.#failures = failures
    const concurrency = moving.options.concurrency ?? defaultConcurrency
    this.#whole = new Whole(moving)
    this.#crew = new Crew(concurrency, waitingFiles)
    this.#large = new Crew(Math.min(concurrency, largeAtOnce), waitingFiles)
    this.#handles = new Handles(moving.habits, () => {})
  }

  /** Moves what is in `folder`, which it leaves open, into `path`. */
  async run(folder: LocalFolder, path: string, attributes: Attributes): Promise<void> {
    await this.#make(path)
    await this.#directory({ folder, path, below: '', trail: [folder.identity], attributes })
    this.#moving.signal?.throwIfAborted()
  }

  /** Makes a directory that may be there. */
  async #make(path: string): Promise<void> {
    const { remote, signal } = this.#moving
    try {
      await remote.makeDirectory(path, {})
    } catch (error) {
      const there = await remote.stat(path, signal).catch(() => undefined)
      if (there?.type !== 'directory') throw error
    }
  }

  async #directory(place: Place): Promise<void> {
    const { signal, options } = this.#moving
    const files = new Tally()
    const inners: Promise<void>[] = []
    this.#moving.directories++
    try {
      for await (const entries of place.folder.list(options.symlinks === 'follow')) {
        for (const entry of entries) {
          signal?.throwIfAborted()
          try {
            await this.#entry(place, entry, files, inners)
          } catch (error) {
            signal?.throwIfAborted()
            this.#failures.add(joinPath(place.folder.path, entry.name), error)
          }
        }
      }
      await Promise.all(inners)
    } finally {
      // What is given up is cleaned up before the transfer ends.
      await Promise.allSettled(inners)
      await files.settled
    }
    if (options.preserve === true) await this.#keep(place)
  }

  async #keep({ attributes, path }: Place): Promise<void> {
    const { permissions, accessed, modified } = attributes
    try {
      await this.#moving.remote.setAttributes(path, {
        ...(permissions === undefined ? {} : { permissions }),
        ...(modified === undefined ? {} : { accessed: accessed ?? modified, modified }),
      })
    } catch (error) {
      this.#failures.add(path, error)
    }
  }

  async #entry(place: Place, entry: LocalEntry, files: Tally, inners: Promise<void>[]): Promise<void> {
    const { options } = this.#moving
    const { name, attributes } = entry
    const { type = 'unknown' } = attributes
    const shown = joinPath(place.folder.path, name)
    const below = joinPath(place.below, name)
    if (options.filter !== undefined && !options.filter(below, type === 'directory' || type === 'symlink' ? type : 'file')) {
      this.#moving.note({ path: shown, why: 'filtered' })
    } else if (type === 'symlink') {
      // With `follow` this is a link that leads nowhere.
      if (options.symlinks === 'follow')
        throw new SftpError('no-such-file', `${shownPath(shown)} is a symbolic link that leads nowhere.`, { path: shown })
      if (options.symlinks === 'copy') await this.#link(place, name)
      else this.#moving.note({ path: shown, why: 'symlink' })
    } else if (type === 'directory') {
      const inner = this.#inner(place, name, shown, attributes)
      // Whoever is free takes it; if nobody is, it is done here and now, so that nothing piles up.
      if (this.#looking < lookers) {
        this.#looking++
        inners.push(inner.finally(() => this.#looking--))
      } else await inner
    } else if (type === 'file') await this.#send(place, name, shown, attributes, files)
    else this.#moving.note({ path: shown, why: 'special' })
  }

  /** A directory in another. Does not reject. */
  async #inner(place: Place, name: string, shown: string, attributes: Attributes): Promise<void> {
    const path = joinPath(place.path, name)
    const follow = this.#moving.options.symlinks === 'follow'
    let folder: LocalFolder | undefined
    try {
      folder = await place.folder.folder(name, { follow })
      const { identity } = folder
      if (follow && (place.trail.includes(identity) || place.trail.length > deepest))
        throw new SftpError('link-loop', `${shownPath(shown)} leads back to a folder it is in.`, { path: shown })
      await this.#make(path)
      await this.#directory({
        folder,
        path,
        below: joinPath(place.below, name),
        trail: follow ? [...place.trail, identity] : [],
        attributes,
      })
    } catch (error) {
      if (this.#moving.signal?.aborted !== true) this.#failures.add(shown, error)
    } finally {
      await folder?.close()
    }
  }

  async #link({ folder, path }: Place, name: string): Promise<void> {
    const { remote } = this.#moving
    const target = await folder.readLink(name)
    const to = joinPath(path, name)
    try {
      await remote.symlink(target, to)
    } catch (error) {
      const there = await remote.lstat(to).catch(() => undefined)
      if (there === undefined || there.type === 'directory') throw error
      await remote.remove(to).catch((failure: unknown) => {
        if (!isMissing(failure)) throw failure
      })
      await remote.symlink(target, to)
    }
  }

  /** Waits only when too much is on its way. */
  #send(place: Place, name: string, shown: string, attributes: Attributes, files: Tally): Promise<void> | undefined {
    this.#moving.progress.found(attributes.size)
    files.begin()
    const crew = (attributes.size ?? 0) > largeFile ? this.#large : this.#crew
    return crew.submit(async () => {
      try {
        await this.#file(place, name, shown, attributes)
      } catch (error) {
        // Of those that were under way when all was given up, nobody needs to hear.
        if (this.#moving.signal?.aborted !== true) this.#failures.add(shown, error)
      }
      files.end()
    })
  }

  async #file(place: Place, name: string, shown: string, attributes: Attributes): Promise<void> {
    this.#moving.signal?.throwIfAborted()
    const follow = this.#moving.options.symlinks === 'follow'
    const path = joinPath(place.path, name)
    if (this.#whole.takes(attributes, this.#moving.write)) {
      const near = readWhole(this.#whole, place.folder, name, shown, follow)
      if (near !== undefined && (await uploadWhole(this.#moving, this.#whole, near, path, this.#handles))) return
    }
    const local = await place.folder.openRead(name, follow)
    try {
      await uploadFile(this.#moving, localNear(local, shown), { path, there: undefined }, this.#handles)
    } finally {
      await local.close()
    }
  }
}
