// Owns not waiting for ever for a server that has fallen silent: a remote whose single operations give up after a while, and at
// once when the caller does. Knows no packets.
import { TimeoutError } from '../../errors.ts'
import type { Clock } from '../../io/clock.ts'
import { shownPath } from '../client/explain.ts'
import type { Attributes } from '../attributes.ts'
import type { FileEntry } from '../files.ts'
import type { ReadDone, Remote, RemoteFile, WriteDone } from './remote.ts'

export interface Patience {
  readonly clock: Clock
  /** Milliseconds; 0 for ever. */
  readonly milliseconds: number
}

/** Somebody who waits. */
export interface Wait {
  readonly due: number
  late(): void
}

/** Many that wait equally long, with one timer for all: of thousands of small files each waits several times. */
export class Waits {
  readonly #clock: Clock
  readonly #milliseconds: number
  /** In the order they began, and so in that in which they are due. */
  readonly #all = new Set<Wait>()
  #cancel: (() => void) | undefined
  readonly #look = (): void => {
    this.#cancel = undefined
    for (const wait of this.#all) {
      if (wait.due > this.#clock.now()) break
      this.#all.delete(wait)
      wait.late()
    }
    this.#watch()
  }

  constructor({ clock, milliseconds }: Patience) {
    this.#clock = clock
    this.#milliseconds = milliseconds
  }

  /** Calls `late` unless `end` is called in time. */
  begin(late: () => void): Wait {
    const wait: Wait = { due: this.#clock.now() + this.#milliseconds, late }
    if (this.#milliseconds === 0) return wait
    this.#all.add(wait)
    if (this.#cancel === undefined) this.#watch()
    return wait
  }

  end(wait: Wait): void {
    this.#all.delete(wait)
    if (this.#all.size > 0) return
    this.#cancel?.()
    this.#cancel = undefined
  }

  #watch(): void {
    if (this.#cancel !== undefined) return
    for (const { due } of this.#all) {
      this.#cancel = this.#clock.after(Math.max(0, due - this.#clock.now()), this.#look)
      return
    }
  }
}

const lateError = (milliseconds: number, what: string, path: string): TimeoutError =>
  new TimeoutError('transfer', `The server has not answered for ${milliseconds / 1000} seconds: ${what} ${shownPath(path)}.`)

/** The outcome of `promise`, if it comes in time. Who waits in vain is told `what`, and of which path. */
export const inTime = <T>(promise: Promise<T>, patience: Patience, what: string, path: string): Promise<T> =>
  new Patient(patience).inTime(promise, what, path)

class Patient {
  readonly #waits: Waits
  readonly #milliseconds: number

  constructor(patience: Patience) {
    this.#milliseconds = patience.milliseconds
    this.#waits = new Waits(patience)
  }

  inTime<T>(promise: Promise<T>, what: string, path: string): Promise<T> {
    if (this.#milliseconds === 0) return promise
    return new Promise((resolve, reject) => {
      const wait = this.#waits.begin(() => reject(lateError(this.#milliseconds, what, path)))
      promise.then(
        value => {
          this.#waits.end(wait)
          resolve(value)
        },
        (error: unknown) => {
          this.#waits.end(wait)
          reject(error as Error)
        },
      )
    })
  }
}

class PatientFile implements RemoteFile {
  readonly #file: RemoteFile
  readonly #path: string
  readonly #patient: Patient

  constructor(file: RemoteFile, path: string, patient: Patient) {
    this.#file = file
    this.#path = path
    this.#patient = patient
  }
  read(offset: number, length: number, into: Uint8Array, done: ReadDone): number {
    return this.#file.read(offset, length, into, done)
  }
  write(offset: number, buffer: Uint8Array, at: number, length: number, done: WriteDone): number {
    return this.#file.write(offset, buffer, at, length, done)
  }
  cancel(request: number): void {
    this.#file.cancel(request)
  }
  expect(bytes: number): void {
    this.#file.expect(bytes)
  }
  get full(): boolean {
    return this.#file.full
  }
  whenRoom(act: () => void): void {
    this.#file.whenRoom(act)
  }
  stat(): Promise<Attributes> {
    return this.#patient.inTime(this.#file.stat(), 'stat', this.#path)
  }
  setAttributes(attributes: Attributes): Promise<void> {
    return this.#patient.inTime(this.#file.setAttributes(attributes), 'set attributes of', this.#path)
  }
  // Disks take as long as they take.
  sync(): Promise<void> {
    return this.#file.sync()
  }
  close(): Promise<void> {
    return this.#patient.inTime(this.#file.close(), 'close', this.#path)
  }
}

/** Entries of a directory, each batch in time. */
async function* patientList(
  batches: AsyncIterable<readonly FileEntry[]>,
  path: string,
  patient: Patient,
): AsyncGenerator<readonly FileEntry[], void, undefined> {
  const iterator = batches[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await patient.inTime(iterator.next(), 'list', path)
      if (done === true) return
      yield value
    }
  } finally {
    // One that never answers does not end either.
    iterator.return?.().catch(() => {})
  }
}

/** `remote`, without waiting for ever. Hashes and writing to the disk may take as long as they like. */
export const patientRemote = (remote: Remote, patience: Patience): Remote => {
  const patient = new Patient(patience)
  const timed = <T>(promise: Promise<T>, what: string, path: string): Promise<T> => patient.inTime(promise, what, path)
  return {
    get limits() {
      return remote.limits
    },
    limitsKnown: remote.limitsKnown,
    open: async (path, options, attributes, signal) => {
      const opening = remote.open(path, options, attributes, signal)
      try {
        return new PatientFile(await timed(opening, 'open', path), path, patient)
      } catch (error) {
        // What is opened too late is nobody's.
        opening.then(late => late.close()).catch(() => {})
        throw error
      }
    },
    list: (path, signal) => patientList(remote.list(path, signal), path, patient),
    stat: (path, signal) => timed(remote.stat(path, signal), 'stat', path),
    lstat: (path, signal) => timed(remote.lstat(path, signal), 'stat', path),
    setAttributes: (path, attributes) => timed(remote.setAttributes(path, attributes), 'set attributes of', path),
    makeDirectory: (path, attributes) => timed(remote.makeDirectory(path, attributes), 'mkdir', path),
    remove: path => timed(remote.remove(path), 'remove', path),
    rename: (from, to, replace) => timed(remote.rename(from, to, replace), 'rename to', to),
    readLink: (path, signal) => timed(remote.readLink(path, signal), 'read link', path),
    realPath: (path, signal) => timed(remote.realPath(path, signal), 'resolve', path),
    symlink: (target, path) => timed(remote.symlink(target, path), 'symlink', path),
    hash: (...given) => remote.hash(...given),
  }
}
