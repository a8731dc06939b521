// Owns not waiting for ever for a server that has fallen silent: a remote whose single operations give up after a while, and at
// once when the caller does. Knows no packets.
import { TimeoutError } from '../../errors.ts'
import type { Clock } from '../../io/clock.ts'
import { shownPath } from '../client/explain.ts'
import type { FileEntry } from '../files.ts'
import type { Remote, RemoteFile } from './remote.ts'

export interface Patience {
  readonly clock: Clock
  /** Milliseconds; 0 for ever. */
  readonly milliseconds: number
}

/** The outcome of `promise`, if it comes in time. Who waits in vain is told `what`, and of which path. */
export const inTime = <T>(promise: Promise<T>, { clock, milliseconds }: Patience, what: string, path: string): Promise<T> => {
  if (milliseconds === 0) return promise
  return new Promise((resolve, reject) => {
    const cancel = clock.after(milliseconds, () =>
      reject(new TimeoutError('transfer', `The server has not answered for ${milliseconds / 1000} seconds: ${what} ${shownPath(path)}.`)),
    )
    promise.then(
      value => {
        cancel()
        resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error as Error)
      },
    )
  })
}

const patientFile = (file: RemoteFile, path: string, patience: Patience): RemoteFile => ({
  read: (...given) => file.read(...given),
  write: (...given) => file.write(...given),
  cancel: request => file.cancel(request),
  expect: bytes => file.expect(bytes),
  get full() {
    return file.full
  },
  whenRoom: act => file.whenRoom(act),
  stat: () => inTime(file.stat(), patience, 'stat', path),
  setAttributes: attributes => inTime(file.setAttributes(attributes), patience, 'set attributes of', path),
  // Disks take as long as they take.
  sync: () => file.sync(),
  close: () => inTime(file.close(), patience, 'close', path),
})

/** Entries of a directory, each batch in time. */
async function* patientList(
  batches: AsyncIterable<readonly FileEntry[]>,
  path: string,
  patience: Patience,
): AsyncGenerator<readonly FileEntry[], void, undefined> {
  const iterator = batches[Symbol.asyncIterator]()
  try {
    for (;;) {
      const { done, value } = await inTime(iterator.next(), patience, 'list', path)
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
  const timed = <T>(promise: Promise<T>, what: string, path: string): Promise<T> => inTime(promise, patience, what, path)
  return {
    get limits() {
      return remote.limits
    },
    limitsKnown: remote.limitsKnown,
    open: async (path, options, attributes, signal) => {
      const opening = remote.open(path, options, attributes, signal)
      try {
        return patientFile(await timed(opening, 'open', path), path, patience)
      } catch (error) {
        // What is opened too late is nobody's.
        opening.then(late => late.close()).catch(() => {})
        throw error
      }
    },
    list: (path, signal) => patientList(remote.list(path, signal), path, patience),
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
