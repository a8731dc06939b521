// Owns a folder being read: names in batches, each with what is known of it. Knows no paths of clients.
import fs from 'node:fs'
import type { FileEntry, Listing } from '../files.ts'
import { bytesOfName, nameFromBytes } from '../names.ts'
import { call, calls, type Disk, type Place, type Task } from './disk-node.ts'
import { type Directory, notText, textOnly } from './fs-node.ts'
import { attributesOf } from './stats-node.ts'

/** Names taken from the system in one go, and entries handed over in one. */
const batch = 128
/** Asked of the disk at once when the thread pool does it. */
const parallel = 64
/** Stands in a name that is not UTF-8; or that has it indeed. */
const replacement = '\ufffd'

const bigint = { bigint: true } as const

/** A path below `folder`, in bytes where `name` is not UTF-8. */
export const placeIn = (folder: Place, name: string): Place => {
  if (typeof folder === 'string' && name.isWellFormed()) return `${folder}/${name}`
  if (textOnly) throw notText('find')
  return Buffer.concat([Buffer.from(folder as string), Buffer.from('/'), bytesOfName(name)])
}

type Known = fs.BigIntStats | undefined

/** lstat(2) of many; `undefined` for what has gone in the meantime. */
const lstatAll = (places: readonly Place[]): Task<readonly Known[]> =>
  call<readonly Known[]>(
    'look',
    () =>
      places.map(place => {
        try {
          return fs.lstatSync(place, bigint)
        } catch {
          return undefined
        }
      }),
    done => {
      const all: Known[] = places.map(() => undefined)
      let next = 0
      let left = places.length
      if (left === 0) return void process.nextTick(done, null, all)
      const one = (): void => {
        const index = next++
        if (index >= places.length) return
        fs.lstat(places[index], bigint, (error, stats) => {
          if (!error) all[index] = stats
          if (--left === 0) done(null, all)
          else one()
        })
      }
      for (let started = 0; started < parallel; started++) one()
    },
  )

type Names = readonly (string | Buffer)[]

/** The next names of a folder; none at its end. Without `.` and `..`, which Node leaves out. */
const readNames = (directory: Directory): Task<Names> =>
  call<Names>(
    'look',
    () => {
      const names: string[] = []
      while (names.length < batch) {
        const entry = directory.readSync()
        if (entry === null) break
        names.push(entry.name)
      }
      return names
    },
    done => {
      const names: string[] = []
      const one = (): void =>
        directory.read((error, entry) => {
          if (error) return done(error, names)
          if (entry === null) return done(null, names)
          if (names.push(entry.name) === batch) done(null, names)
          else one()
        })
      one()
    },
  )

/**
 * Opens the folder at `place` for reading. Names are read as text, which is twice as quick as reading bytes; when one turns
 * up that may not be UTF-8, the folder is read once more, as bytes, for those alone. `shown` says which entries there are.
 */
export function* openListing(
  disk: Disk,
  place: Place,
  closing: () => void = () => {},
  shown: (stats: fs.BigIntStats) => boolean = () => true,
): Task<Listing> {
  let directory: Directory | undefined = yield* calls.opendir(place, { bufferSize: batch })
  let asBytes = false
  let oddNames = false

  const nameOf = (name: string | Buffer): string | undefined => {
    if (typeof name !== 'string') {
      // The bytes of U+FFFD, or of no UTF-8: what the first reading left out.
      const text = nameFromBytes(name)
      return text.includes(replacement) || !text.isWellFormed() ? text : undefined
    }
    if (!name.includes(replacement)) return name
    oddNames = true
    return undefined
  }

  function* nextNames(): Task<readonly string[] | undefined> {
    for (;;) {
      if (!directory) return undefined
      const read = yield* readNames(directory)
      if (read.length > 0) {
        const names = read.map(nameOf).filter(name => name !== undefined)
        if (names.length > 0) return names
        continue
      }
      yield* closeDirectory()
      if (!oddNames || asBytes) return undefined
      asBytes = true
      directory = yield* calls.opendir(place, { bufferSize: batch, encoding: 'buffer' as BufferEncoding })
    }
  }

  function* nextEntries(): Task<readonly FileEntry[] | undefined> {
    for (;;) {
      const names = yield* nextNames()
      if (!names) return undefined
      const stats = yield* lstatAll(names.map(name => placeIn(place, name)))
      const entries: FileEntry[] = []
      for (const [index, known] of stats.entries()) {
        if (known && shown(known)) entries.push({ name: names[index], attributes: attributesOf(known) })
      }
      if (entries.length > 0) return entries
    }
  }

  function* closeDirectory(): Task<void> {
    const open = directory
    directory = undefined
    if (!open) return
    yield* call<void>(
      'look',
      () => open.closeSync(),
      done => open.close(error => done(error ?? null, undefined)),
    )
  }

  function* closeAll(): Task<void> {
    try {
      yield* closeDirectory()
    } finally {
      closing()
    }
  }

  return {
    next: () => disk.run('list', undefined, nextEntries()),
    close: () => disk.run('close', undefined, closeAll()),
  }
}
