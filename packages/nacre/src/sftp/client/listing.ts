// Owns reading directories: ahead of whoever looks, several at once when it goes down, within bounds. Never leaves the folder
// it was asked for, whatever names the server sends. Knows no packets.
import { SftpError } from '../../errors.ts'
import type { NameEntry } from '../versions/version.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import { badName, joinPath } from './paths.ts'
import { nameMatcher } from './pattern.ts'
import type { OpenHandle } from './requests.ts'
import { Entry } from './stat.ts'

export interface ListOptions extends Given {
  /** Also what is in the directories below. A directory comes before what is in it. Default false. */
  readonly recursive?: boolean
  /** Only entries whose name fits, as OpenSSH's `sftp` matches: `*.log`. It goes down into directories whatever their names. */
  readonly glob?: string
  /** By name within each directory, each directory after its own entry. Without it the order is the server's. Default false. */
  readonly sort?: boolean
  /** Entries of one directory that are held to be sorted, at most: a longer one is an error. Default 1,000,000. */
  readonly maximum?: number
  /** Go down into directories that symbolic links point to, each once. Default false. */
  readonly followLinks?: boolean
  /**
   * Hears of directories below that cannot be read, and of names that cannot be names (with a `/` or NUL in them), which are left
   * out then. Without it the listing fails.
   */
  readonly onError?: (error: SftpError) => void
}

/** Requests for one directory that are under way at once. */
const readsAhead = 3
/** Directories being read at once. */
const directoriesAtOnce = 16
/** Entries that wait for whoever looks, beyond which nothing more is asked for. */
const mostWaiting = 4096
/** Levels down: more is a server that makes them up. */
const deepest = 512

/** One directory: batches of entries in the server's order, asked for ahead. */
export async function* batchesOf(calls: Calls, path: string, given: Given = {}): AsyncGenerator<readonly NameEntry[]> {
  const directory = await calls.openDirectory(path, given)
  const ahead: Promise<readonly NameEntry[] | undefined>[] = []
  const ask = (): void => {
    const reading = calls.readDirectory(directory, given)
    // Those that nobody waits for any more must not end the program.
    reading.catch(() => {})
    ahead.push(reading)
  }
  try {
    ask()
    // A directory that is read in one go needs two requests; only larger ones are worth more at once.
    ask()
    let ended = false
    for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
      const entries: readonly NameEntry[] | undefined = await (ended ? next.catch(() => undefined) : next)
      // Some servers answer out of order: what was asked for together is all looked at.
      ended ||= entries === undefined
      while (!ended && ahead.length < readsAhead) ask()
      if (entries !== undefined) yield entries
    }
  } finally {
    leave(calls, directory)
  }
}

/** Nobody waits for a directory to be closed. */
const leave = (calls: Calls, directory: OpenHandle): void => void calls.closeQuietly(directory)

interface Folder {
  /** As in the paths of its entries. */
  readonly path: string
  readonly depth: number
  /** Without symbolic links, where they are followed. */
  readonly real: string
}

const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)

class Walk {
  readonly #calls: Calls
  readonly #options: ListOptions
  readonly #fits: (name: string) => boolean
  /** Directories behind links that have been gone into, by their real path. */
  readonly #seen = new Set<string>()

  constructor(calls: Calls, options: ListOptions) {
    this.#calls = calls
    this.#options = options
    this.#fits = options.glob === undefined ? () => true : nameMatcher(options.glob)
  }

  fits(entry: Entry): boolean {
    return this.#fits(entry.name)
  }

  async root(path: string): Promise<Folder> {
    const real = this.#follows ? await this.#calls.realPath(path, this.#options) : ''
    this.#seen.add(real)
    return { path, depth: 0, real }
  }

  get #follows(): boolean {
    return this.#options.recursive === true && this.#options.followLinks === true
  }

  /** Good entries of one batch. */
  entries(folder: Folder, batch: readonly NameEntry[]): readonly Entry[] {
    const entries: Entry[] = []
    for (const { filename, longname, attributes } of batch) {
      if (filename === '.' || filename === '..') continue
      const bad = badName(folder.path, filename)
      if (bad === undefined) entries.push(new Entry(folder.path, filename, attributes, longname))
      else this.#report(bad)
    }
    return entries
  }

  #report(error: SftpError): void {
    if (this.#options.onError === undefined) throw error
    this.#options.onError(error)
  }

  /** A directory below could not be read: goes on only if somebody hears of it. */
  unreadable(error: unknown): void {
    if (!(error instanceof SftpError) || error.status === 'connection-lost') throw error
    this.#report(error)
  }

  /** The directory behind an entry, if it is one to go down into. */
  async below(folder: Folder, entry: Entry): Promise<Folder | undefined> {
    if (this.#options.recursive !== true) return undefined
    const { path } = entry
    if (entry.isSymbolicLink()) return this.#follows ? await this.#behindLink(folder, path) : undefined
    if (!entry.isDirectory() && !(entry.type === 'unknown' && (await this.#isDirectory(path)))) return undefined
    if (folder.depth >= deepest)
      throw failureOf('link-loop', `it is more than ${deepest} levels below where the listing began`, { operation: 'list', path })
    const below = { path, depth: folder.depth + 1, real: this.#follows ? joinPath(folder.real, entry.name) : '' }
    return this.#follows && !this.#once(below.real) ? undefined : below
  }

  #once(real: string): boolean {
    if (this.#seen.has(real)) return false
    this.#seen.add(real)
    return true
  }

  async #isDirectory(path: string): Promise<boolean> {
    try {
      return (await this.#calls.lstat(path, this.#options)).type === 'directory'
    } catch (error) {
      this.unreadable(error)
      return false
    }
  }

  async #behindLink(folder: Folder, path: string): Promise<Folder | undefined> {
    try {
      const [{ type }, real] = await Promise.all([this.#calls.stat(path, this.#options), this.#calls.realPath(path, this.#options)])
      if (type !== 'directory' || !this.#once(real)) return undefined
      return { path, depth: folder.depth + 1, real }
    } catch (error) {
      // A link to nowhere is no fault of the listing.
      if (error instanceof SftpError && error.status !== 'connection-lost') return undefined
      throw error
    }
  }
}

/** Entries as they come, directories in parallel. */
class Gathering {
  readonly #calls: Calls
  readonly #walk: Walk
  readonly #given: Given
  /** Directories to go into, the last first: so there are never many. */
  readonly #folders: Folder[] = []
  readonly #waiting: Entry[] = []
  #active = 0
  #fault: { readonly error: unknown } | undefined
  #stopped = false
  #wake: (() => void) | undefined
  /** Readers held back because too much waits. */
  #held: (() => void)[] = []

  constructor(calls: Calls, walk: Walk, given: Given, root: Folder) {
    this.#calls = calls
    this.#walk = walk
    this.#given = given
    this.#begin(root)
  }

  async *run(): AsyncGenerator<Entry> {
    try {
      for (;;) {
        const entries = this.#waiting.splice(0)
        this.#release()
        yield* entries
        if (this.#waiting.length > 0) continue
        if (this.#fault !== undefined) throw this.#fault.error
        if (this.#active === 0 && this.#folders.length === 0) return
        await new Promise<void>(resolve => {
          this.#wake = resolve
        })
      }
    } finally {
      this.#stopped = true
      this.#release()
    }
  }

  #release(): void {
    for (const go of this.#held.splice(0)) go()
  }

  #tell(): void {
    const wake = this.#wake
    this.#wake = undefined
    wake?.()
  }

  #begin(folder: Folder): void {
    this.#active++
    void this.#read(folder)
      .catch((error: unknown) => {
        if (folder.depth > 0) this.#walk.unreadable(error)
        else throw error
      })
      .catch((error: unknown) => {
        this.#fault ??= { error }
      })
      .finally(() => {
        this.#active--
        this.#more()
        this.#tell()
      })
  }

  #more(): void {
    while (!this.#stopped && this.#fault === undefined && this.#active < directoriesAtOnce) {
      const next = this.#folders.pop()
      if (next === undefined) return
      this.#begin(next)
    }
  }

  async #read(folder: Folder): Promise<void> {
    for await (const batch of batchesOf(this.#calls, folder.path, this.#given)) {
      for (const entry of this.#walk.entries(folder, batch)) {
        // Before anything in it is found.
        if (this.#walk.fits(entry)) this.#waiting.push(entry)
        const below = await this.#walk.below(folder, entry)
        if (below !== undefined) this.#folders.push(below)
      }
      this.#more()
      this.#tell()
      if (this.#stopped || this.#fault !== undefined) return
      while (this.#waiting.length >= mostWaiting && !this.#stopped) await new Promise<void>(resolve => this.#held.push(resolve))
    }
  }
}

/** A directory may not end: a server can make up names for ever. */
const mostSorted = 1_000_000

async function* sorted(calls: Calls, walk: Walk, folder: Folder, given: Given & Pick<ListOptions, 'maximum'>): AsyncGenerator<Entry> {
  const { maximum = mostSorted } = given
  const entries: Entry[] = []
  try {
    for await (const batch of batchesOf(calls, folder.path, given)) {
      entries.push(...walk.entries(folder, batch))
      if (entries.length <= maximum) continue
      const why = `it has more than ${maximum} entries, too many to be sorted: without \`sort\` they come one after the other`
      throw failureOf('invalid-parameter', why, { operation: 'list', path: folder.path })
    }
  } catch (error) {
    if (folder.depth === 0) throw error
    walk.unreadable(error)
    return
  }
  for (const entry of entries.sort(byName)) {
    if (walk.fits(entry)) yield entry
    const below = await walk.below(folder, entry)
    if (below !== undefined) yield* sorted(calls, walk, below, given)
  }
}

/** What is in the directory at `path`, `.` and `..` left out. Nothing is asked for before somebody looks. */
export async function* list(calls: Calls, path: string, options: ListOptions = {}): AsyncGenerator<Entry> {
  const given: Given = { signal: options.signal }
  const walk = new Walk(calls, options)
  const root = await walk.root(path)
  const { maximum } = options
  if (options.sort === true) yield* sorted(calls, walk, root, maximum === undefined ? given : { ...given, maximum })
  else if (options.recursive === true) yield* new Gathering(calls, walk, given, root).run()
  else
    for await (const batch of batchesOf(calls, path, given))
      for (const entry of walk.entries(root, batch)) if (walk.fits(entry)) yield entry
}
