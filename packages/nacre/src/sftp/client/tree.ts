// Owns making a directory with those above it, and removing one with all that is in it. Never follows a link, never leaves
// the directory. Knows no packets.
import { SftpError } from '../../errors.ts'
import type { Calls, Given } from './calls.ts'
import { failureOf } from './explain.ts'
import { batchesOf } from './listing.ts'
import { badName, joinPath } from './paths.ts'

export interface MakeDirectoryOptions extends Given {
  /** Those above it too; a directory that is there already is no error. Default false. */
  readonly recursive?: boolean
  /** Permissions of what is made, before the server's umask. Default the server's, mostly 0o777. */
  readonly mode?: number
}

/** `path` and what lies above it, the highest first. */
const prefixesOf = (path: string): readonly string[] => {
  const components = path.split('/').filter(component => component !== '')
  let prefix = path.startsWith('/') ? '/' : ''
  return components.map(component => (prefix = joinPath(prefix, component)))
}

const typeAt = async (calls: Calls, path: string, given: Given): Promise<string | undefined> => {
  try {
    return (await calls.stat(path, given)).type ?? 'unknown'
  } catch (error) {
    if (error instanceof SftpError && error.status !== 'connection-lost') return undefined
    throw error
  }
}

export const makeDirectory = async (calls: Calls, path: string, options: MakeDirectoryOptions = {}): Promise<void> => {
  const { recursive = false, mode, signal } = options
  const given = { signal }
  const attributes = mode === undefined ? {} : { permissions: mode & 0o7777 }
  try {
    await calls.makeDirectory(path, attributes, given)
    return
  } catch (error) {
    if (!recursive || !(error instanceof SftpError) || error.status === 'connection-lost') throw error
  }
  const prefixes = prefixesOf(path)
  // Most are there. Servers answer in order, so each is made before what lies in it is asked for.
  const outcomes = await Promise.allSettled(prefixes.map(prefix => calls.makeDirectory(prefix, attributes, given)))
  const types = await Promise.all(prefixes.map(prefix => typeAt(calls, prefix, given)))
  for (const [index, prefix] of prefixes.entries()) {
    const type = types[index]
    if (type === 'directory' || type === 'unknown') continue
    if (type !== undefined)
      throw failureOf('not-a-directory', 'something that is no directory has that name', { operation: 'mkdir', path: prefix })
    const outcome = outcomes[index]
    // One that worked on its siblings at once: what was above is there by now.
    if (outcome.status === 'rejected') await calls.makeDirectory(prefix, attributes, given)
  }
}

export interface RemoveOptions extends Given {
  /** A directory with all that is in it. Default false: a directory must be empty. */
  readonly recursive?: boolean
  /** That nothing is there is no error. Default false. */
  readonly force?: boolean
}

/** Requests to remove something that are under way at once. */
const removalsAtOnce = 64
/** Directories being read at once, one in the other. */
const directoriesAtOnce = 8
/** A directory is looked through so many times: some servers skip entries while others are removed. */
const mostPasses = 5
const deepest = 512

/** Lets so many through at once. */
class Gate {
  #free: number
  readonly #waiting: (() => void)[] = []
  constructor(count: number) {
    this.#free = count
  }
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free++
      else next()
    }
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof SftpError && (error.status === 'no-such-file' || error.status === 'no-such-path')

class Removal {
  readonly #calls: Calls
  readonly #given: Given
  readonly #requests = new Gate(removalsAtOnce)
  readonly #directories = new Gate(directoriesAtOnce)
  #stopped = false

  constructor(calls: Calls, given: Given) {
    this.#calls = calls
    this.#given = given
  }

  /** Everything in the directory, then itself. */
  async directory(path: string, depth: number): Promise<void> {
    if (depth > deepest) throw failureOf('link-loop', `it is more than ${deepest} levels down`, { operation: 'remove', path })
    for (let pass = 1; ; pass++) {
      const removed = await this.#contents(path, depth)
      try {
        await this.#requests.run(() => this.#calls.removeDirectory(path, this.#given))
        return
      } catch (error) {
        if (isMissing(error)) return
        if (removed === 0 || pass === mostPasses || !(error instanceof SftpError)) throw error
      }
    }
  }

  /** Says how many were removed. The first failure stops all, and is told once nothing is under way any more. */
  async #contents(path: string, depth: number): Promise<number> {
    let removed = 0
    let fault: { readonly error: unknown } | undefined
    const underWay = new Set<Promise<void>>()
    const below: string[] = []
    const start = (work: () => Promise<void>): void => {
      const task = work()
        .then(() => void removed++)
        .catch((error: unknown) => {
          fault ??= { error }
          this.#stopped = true
        })
        .finally(() => underWay.delete(task))
      underWay.add(task)
    }
    try {
      await this.#directories.run(async () => {
        for await (const batch of batchesOf(this.#calls, path, this.#given)) {
          for (const { filename, attributes } of batch) {
            if (filename === '.' || filename === '..') continue
            const bad = badName(path, filename)
            if (bad !== undefined) throw bad
            const child = joinPath(path, filename)
            const type = attributes.type ?? (await this.#calls.lstat(child, this.#given)).type
            if (type === 'directory') below.push(child)
            else start(() => this.#file(child))
          }
          while (underWay.size >= removalsAtOnce) await Promise.race(underWay)
          if (this.#stopped) break
        }
      })
      // One after the other within a directory of many: each has many of its own under way.
      for (const child of below) {
        if (this.#stopped) break
        while (underWay.size >= directoriesAtOnce) await Promise.race(underWay)
        start(() => this.directory(child, depth + 1))
      }
    } finally {
      await Promise.all(underWay)
    }
    if (fault !== undefined) throw fault.error
    return removed
  }

  async #file(path: string): Promise<void> {
    try {
      await this.#requests.run(() => this.#calls.remove(path, this.#given))
    } catch (error) {
      // Somebody else was faster.
      if (!isMissing(error)) throw error
    }
  }
}

/** A link is removed, never what it points to. */
export const remove = async (
  calls: Calls,
  path: string,
  { recursive = false, force = false, signal }: RemoveOptions = {},
): Promise<void> => {
  const given = { signal }
  try {
    const { type } = await calls.lstat(path, given)
    if (type !== 'directory') await calls.remove(path, given)
    else if (recursive) await new Removal(calls, given).directory(path, 0)
    else await calls.removeDirectory(path, given)
  } catch (error) {
    if (!force || !isMissing(error)) throw error
  }
}
