// Owns finding out whether two ends hold the same bytes: by hash where the server can, else by looking. Knows no names.
import { TransferError } from '../../errors.ts'
import { shownPath } from '../client/explain.ts'
import { BytesSink, type Sink, type Source } from './ends.ts'
import { fetchFile } from './fetch.ts'
import type { Moving } from './moving.ts'
import type { RemoteFile, TransferHash } from './remote.ts'

/** The end that is not the server. */
export interface NearEnd extends Source {
  /** Hashes it can do. */
  readonly hashes: readonly TransferHash[]
  /** Hash of the first `length` bytes. */
  hash(name: TransferHash, length: number, signal: AbortSignal | undefined): Promise<Uint8Array>
}

/** So much of the end of a partial file is looked at where there are no hashes. */
const lookedAt = 64 * 1024

const equal = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Fills `into`, or throws when there is not so much. */
const readNear = (source: Source, offset: number, into: Uint8Array): Promise<number> =>
  new Promise((resolve, reject) => {
    source.read(offset, into, (error, count) => (error === undefined ? resolve(count) : reject(error)))
  })

/** Whether the first `length` bytes are the same by a hash; `undefined` when the server has none. */
const sameByHash = async (moving: Moving, path: string, near: NearEnd, length: number): Promise<boolean | undefined> => {
  // To a server 0 means all there is.
  if (length === 0) return true
  const far = await moving.remote.hash(path, near.hashes, 0, length, moving.signal)
  if (far === undefined) return undefined
  return equal(far.digest, await near.hash(far.name, length, moving.signal))
}

/** Whether bytes from `start` to `end` are the same, by reading both. */
const sameByContent = async (
  moving: Moving,
  file: RemoteFile,
  path: string,
  near: Source,
  start: number,
  end: number,
): Promise<boolean> => {
  let same = true
  const sink: Sink = {
    write(offset, bytes, done) {
      const wanted = bytes.subarray(0, Math.max(0, end - offset))
      const ours = new Uint8Array(wanted.length)
      near.read(offset, ours, (error, count) => {
        if (count !== ours.length || !equal(ours, wanted)) same = false
        queueMicrotask(() => done(error))
      })
    },
  }
  const { read: habits, bounds, allowance, pace, clock, signal } = moving
  const reached = await fetchFile({ files: [file], sink, path, start, size: end, habits, bounds, allowance, pace, clock, signal })
  return same && reached >= end
}

/** Whether `length` bytes at this end are the beginning of what the server has, as far as `resume` wants to know. */
export const isBeginning = async (moving: Moving, file: RemoteFile, path: string, near: NearEnd, length: number): Promise<boolean> => {
  const byHash = await sameByHash(moving, path, near, length)
  if (byHash !== undefined) return byHash
  if (moving.options.resume === 'verify') return false
  const start = Math.max(0, length - lookedAt)
  const far = new BytesSink(length - start)
  const shifted: Sink = { write: (offset, bytes, done) => far.write(offset - start, bytes, done) }
  const { read: habits, bounds, clock, signal } = moving
  const end = await fetchFile({
    files: [file],
    sink: shifted,
    path,
    start,
    size: length,
    growing: 'snapshot',
    habits,
    bounds,
    clock,
    signal,
  }).catch(() => 0)
  signal?.throwIfAborted()
  if (end < length) return false
  const ours = new Uint8Array(length - start)
  const count = await readNear(near, start, ours)
  return count === ours.length && equal(ours, far.bytes.subarray(0, ours.length))
}

/** Compares both ends after a transfer; throws when they differ. */
export const verifyEnds = async (moving: Moving, file: RemoteFile, path: string, near: NearEnd, length: number): Promise<void> => {
  const byHash = await sameByHash(moving, path, near, length)
  const same = byHash ?? (await sameByContent(moving, file, path, near, 0, length))
  if (moving.verified !== 'content') moving.verified = byHash === undefined ? 'content' : 'hash'
  if (same) return
  throw new TransferError(
    'TRANSFER_MISMATCH',
    `${shownPath(path)} is not what was transferred: the bytes at both ends differ. Try again; if it stays so, a disk or the server is at fault.`,
    path,
  )
}
