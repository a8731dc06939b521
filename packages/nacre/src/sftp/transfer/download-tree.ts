// Owns directories on their way from the server: listing while files are moved, many files at once, links, and that nothing lands
// outside the target whatever the server says. Knows no bytes.
import { SftpError, TransferError } from '../../errors.ts'
import type { Attributes, FileType } from '../attributes.ts'
import { shownPath } from '../client/explain.ts'
import { joinPath } from '../client/paths.ts'
import type { FileEntry } from '../files.ts'
import { Crew, type Failures, Handles, Tally } from './crew.ts'
import { downloadFile, openFar } from './download.ts'
import type { LocalFolder } from './local.ts'
import { largeFile, type Moving, temporaryName } from './moving.ts'
import type { RemoteFile } from './remote.ts'
import { Whole } from './whole.ts'
import { downloadWhole } from './whole-download.ts'

/** A directory that is being moved. */
interface Place {
  readonly path: string
  readonly folder: LocalFolder
  /** Below the source, with `/` between; '' for the source itself. */
  readonly below: string
  /** Where following links has led to on the way here: real paths. */
  readonly trail: readonly string[]
  readonly attributes: Attributes
}

/** Directories deeper than this are taken for a circle. */
export const deepest = 256
/** Directories that are listed at once. */
const listers = 8
/** Files that wait to be moved before listing stops. */
const waitingFiles = 10_000
/** Files larger than `largeFile` that are moved at a time. */
export const largeAtOnce = 4
export const defaultConcurrency = 64

const permissionBits = 0o777

export class DownloadTree {
  readonly #moving: Moving
  readonly #failures: Failures
  readonly #crew: Crew
  readonly #large: Crew
  readonly #handles: Handles
  readonly #whole: Whole
  #listing = 0

  constructor(moving: Moving, failures: Failures) {
    this.#moving = moving
    this.#failures = failures
    const concurrency = moving.options.concurrency ?? defaultConcurrency
    this.#whole = new Whole(moving)
    this.#crew = new Crew(concurrency, waitingFiles)
    this.#large = new Crew(Math.min(concurrency, largeAtOnce), waitingFiles)
    this.#handles = new Handles(moving.habits, () => {
      this.#crew.unbound()
      this.#large.unbound()
    })
  }

  /** Moves what is in `path` into `folder`, which it leaves open. */
  async run(path: string, folder: LocalFolder, attributes: Attributes): Promise<void> {
    const trail = this.#moving.options.symlinks === 'follow' ? [await this.#moving.remote.realPath(path, this.#moving.signal)] : []
    await this.#directory({ path, folder, below: '', trail, attributes })
    this.#moving.signal?.throwIfAborted()
  }

  async #directory(place: Place): Promise<void> {
    const { signal, options } = this.#moving
    const files = new Tally()
    const inners: Promise<void>[] = []
    const directories: { readonly name: string; readonly attributes: Attributes; readonly followed: boolean }[] = []
    try {
      await this.#handles.during(async () => await this.#list(place, files, directories))
      this.#moving.directories++
      for (const { name, attributes, followed } of directories) {
        signal?.throwIfAborted()
        const inner = this.#inner(place, name, attributes, followed)
        // Whoever is free takes it; if nobody is, it is done here and now, so that nothing piles up.
        if (this.#listing < listers) {
          this.#listing++
          inners.push(inner.finally(() => this.#listing--))
        } else await inner
      }
      await Promise.all(inners)
    } finally {
      // What is given up is cleaned up in this folder, which must still be open then.
      await Promise.allSettled(inners)
      await files.settled
    }
    if (options.preserve === true) await this.#keep(place)
  }

  async #keep({ folder, attributes, path }: Place): Promise<void> {
    const { permissions, accessed, modified } = attributes
    try {
      await folder.setOwnAttributes({
        ...(permissions === undefined ? {} : { permissions: permissions & permissionBits }),
        ...(accessed === undefined ? {} : { accessed }),
        ...(modified === undefined ? {} : { modified }),
      })
    } catch (error) {
      this.#failures.add(path, error)
    }
  }

  /** A directory in another. Does not reject but when the transfer is over. */
  async #inner(place: Place, name: string, attributes: Attributes, followed: boolean): Promise<void> {
    const path = joinPath(place.path, name)
    let folder: LocalFolder | undefined
    try {
      const trail = followed ? await this.#follow(place, path) : place.trail
      if (place.below.split('/').length > deepest)
        throw new SftpError('link-loop', `${shownPath(path)} is too deep: it must be a circle.`, { path })
      folder = await place.folder.folder(name, { create: true })
      await this.#directory({ path, folder, below: joinPath(place.below, name), trail, attributes })
    } catch (error) {
      this.#failures.add(path, error)
    } finally {
      await folder?.close()
    }
  }

  async #follow(place: Place, path: string): Promise<readonly string[]> {
    const real = await this.#moving.remote.realPath(path, this.#moving.signal)
    const round = place.trail.some(each => each === real || each.startsWith(real === '/' ? real : `${real}/`))
    if (round) throw new SftpError('link-loop', `${shownPath(path)} leads back to a directory it is in.`, { path })
    return [...place.trail, real]
  }

  async #list(place: Place, files: Tally, directories: { name: string; attributes: Attributes; followed: boolean }[]): Promise<void> {
    const { remote, signal } = this.#moving
    const seen = new Set<string>()
    let any = false
    try {
      for await (const entries of remote.list(place.path, signal)) {
        any = true
        for (const entry of entries) {
          if (entry.name === '.' || entry.name === '..') continue
          try {
            const found = await this.#entry(place, entry, seen, files)
            if (found !== undefined) directories.push(found)
          } catch (error) {
            signal?.throwIfAborted()
            this.#failures.add(joinPath(place.path, entry.name), error)
          }
        }
      }
    } catch (error) {
      signal?.throwIfAborted()
      // What has been listed is on its way, and is not to be listed again.
      if (!any) throw error
      this.#failures.add(place.path, error)
    }
  }

  /** Sends a file on its way; returns a directory. */
  async #entry(
    place: Place,
    entry: FileEntry,
    seen: Set<string>,
    files: Tally,
  ): Promise<{ name: string; attributes: Attributes; followed: boolean } | undefined> {
    const { local, options } = this.#moving
    const { name } = entry
    const path = joinPath(place.path, name)
    if (!local.allows(name))
      throw new TransferError(
        'TRANSFER_UNSAFE_NAME',
        `The server lists an entry ${shownPath(name)}, which is no name of a file here: left out.`,
        path,
      )
    const below = joinPath(place.below, name)
    const known = await this.#type(path, entry.attributes)
    let { type, attributes } = known
    if (options.filter !== undefined && !options.filter(below, type === 'directory' || type === 'symlink' ? type : 'file')) {
      this.#moving.note({ path, why: 'filtered' })
      return undefined
    }
    const same = place.folder.sameName(name)
    if (same !== undefined) {
      if (seen.has(same))
        throw new TransferError('TRANSFER_EXISTS', `${shownPath(name)} means another file of the same directory here: left out.`, path)
      seen.add(same)
    }
    const followed = type === 'symlink'
    if (followed) {
      const { symlinks = 'skip' } = options
      if (symlinks === 'skip') {
        this.#moving.note({ path, why: 'symlink' })
        return undefined
      }
      if (symlinks === 'copy') {
        await this.#link(place, name, path)
        return undefined
      }
      attributes = await this.#moving.remote.stat(path, this.#moving.signal)
      type = attributes.type ?? 'unknown'
    }
    if (type === 'directory') return { name, attributes, followed }
    // What the server has no word for may be a file: reading it shows.
    if (type !== 'file' && type !== 'unknown') {
      this.#moving.note({ path, why: 'special' })
      return undefined
    }
    await this.#send(place, name, path, attributes, files)
    return undefined
  }

  async #type(path: string, attributes: Attributes): Promise<{ type: FileType; attributes: Attributes }> {
    if (attributes.type !== undefined && attributes.type !== 'unknown') return { type: attributes.type, attributes }
    const asked = await this.#moving.remote.lstat(path, this.#moving.signal)
    return { type: asked.type ?? 'unknown', attributes: asked }
  }

  async #link({ folder }: Place, name: string, path: string): Promise<void> {
    const target = await this.#moving.remote.readLink(path, this.#moving.signal)
    const temporary = temporaryName(name, false)
    await folder.symlink(target, temporary)
    try {
      await folder.rename(temporary, name)
    } catch (error) {
      await folder.remove(temporary)
      throw error
    }
  }

  /** Waits only when too much is on its way. */
  #send(place: Place, name: string, path: string, attributes: Attributes, files: Tally): Promise<void> | undefined {
    this.#moving.progress.found(attributes.size)
    files.begin()
    const crew = (attributes.size ?? 0) > largeFile ? this.#large : this.#crew
    return crew.submit(async () => {
      try {
        await this.#file(place, name, path, attributes)
      } catch (error) {
        // Of those that were under way when all was given up, nobody needs to hear.
        if (this.#moving.signal?.aborted !== true) this.#failures.add(path, error)
      }
      files.end()
    })
  }

  async #file({ folder }: Place, name: string, path: string, attributes: Attributes): Promise<void> {
    this.#moving.signal?.throwIfAborted()
    const files = await this.#handles.take(async (): Promise<readonly RemoteFile[]> => await openFar(this.#moving, path, attributes.size))
    const [file] = files
    try {
      const whole = this.#whole.takes(attributes, this.#moving.read)
      if (!whole || !(await downloadWhole(this.#moving, this.#whole, { path, attributes, file }, folder, name)))
        await downloadFile(this.#moving, { path, attributes, files }, folder, name)
    } finally {
      void Promise.allSettled(files.map(each => each.close())).then(() => this.#handles.release())
    }
  }
}
