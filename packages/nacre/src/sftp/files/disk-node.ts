// Owns how an operation on the disk runs: a generator that yields one call after the other, each made at once or in the
// thread pool, so that every operation is written once. Knows Node's file system, and no SFTP.
import fs from 'node:fs'
import type { MaybePromise } from '../files.ts'
import { bytesOfName } from '../names.ts'
import { fileError } from './errno.ts'
import { notText, opendir, opendirSync, readlink, readlinkSync, realpath, realpathSync, textOnly, unlink, unlinkSync } from './fs-node.ts'
import { watchMounts } from './mounts-node.ts'
import { createPace, type Pace } from './pace-node.ts'

/**
 * What a call does. Each is timed for itself: freeing the blocks of a large file takes long on a disk where everything else
 * is quick. `flush` always goes to the pool.
 */
export type Work = 'look' | 'change' | 'free' | 'read' | 'write' | 'flush'

type Done<T> = (error: Error | null, value: T) => void

export interface DiskCall<T> {
  readonly work: Work
  now(): T
  later(done: Done<T>): void
}

export type Task<T> = Generator<DiskCall<unknown>, T, unknown>

/** A path for Node's functions: bytes where it is not UTF-8. */
export type Place = string | Buffer

/** Throws `SftpError` where the runtime would lose those bytes. */
export const placeOf = (path: string): Place => {
  if (path.isWellFormed()) return path
  if (textOnly) throw notText('find')
  return Buffer.from(bytesOfName(path))
}

/** The value of one call. */
export function* call<T>(work: Work, now: () => T, later: (done: Done<T>) => void): Task<T> {
  return (yield { work, now, later }) as T
}

const bigint = { bigint: true } as const
const quietly = { throwIfNoEntry: false } as const
type Nothing = Done<void>

/** Calls of Node's, each as a task. */
export const calls = {
  open: (place: Place, flags: number, mode = 0, work: Work = (flags & fs.constants.O_CREAT) === 0 ? 'look' : 'change') =>
    call<number>(
      work,
      () => fs.openSync(place, flags, mode),
      done => fs.open(place, flags, mode, done),
    ),
  close: (fd: number, work: Work = 'look') =>
    call<void>(
      work,
      () => fs.closeSync(fd),
      (done: Nothing) => fs.close(fd, done as fs.NoParamCallback),
    ),
  lstat: (place: Place) =>
    call(
      'look',
      () => fs.lstatSync(place, bigint),
      done => fs.lstat(place, bigint, done),
    ),
  stat: (place: Place) =>
    call(
      'look',
      () => fs.statSync(place, bigint),
      done => fs.stat(place, bigint, done),
    ),
  fstat: (fd: number) =>
    call(
      'look',
      () => fs.fstatSync(fd, bigint),
      done => fs.fstat(fd, bigint, done),
    ),
  /** `st_mode` of what `fd` has open. */
  modeOf: (fd: number) =>
    call<number>(
      'look',
      () => fs.fstatSync(fd).mode,
      done => fs.fstat(fd, (error, stats) => done(error, error ? 0 : stats.mode)),
    ),
  readlink: (place: Place) =>
    call(
      'look',
      () => readlinkSync(place),
      done => readlink(place, done),
    ),
  realpath: (place: Place) =>
    call(
      'look',
      () => realpathSync(place),
      done => realpath(place, done),
    ),
  opendir: (place: Place, options: fs.OpenDirOptions) =>
    call(
      'look',
      () => opendirSync(place, options),
      done => opendir(place, options, done),
    ),
  statfs: (place: Place) =>
    call(
      'look',
      () => fs.statfsSync(place),
      done => fs.statfs(place, done),
    ),
  ftruncate: (fd: number, size: number) =>
    call<void>(
      'free',
      () => fs.ftruncateSync(fd, size),
      (done: Nothing) => fs.ftruncate(fd, size, done as fs.NoParamCallback),
    ),
  fsync: (fd: number) =>
    call<void>(
      'flush',
      () => fs.fsyncSync(fd),
      (done: Nothing) => fs.fsync(fd, done as fs.NoParamCallback),
    ),
  fchmod: (fd: number, mode: number) => change(fs.fchmodSync, fs.fchmod, fd, mode),
  chmod: (place: Place, mode: number) => change(fs.chmodSync, fs.chmod, place, mode),
  fchown: (fd: number, uid: number, gid: number) => change(fs.fchownSync, fs.fchown, fd, uid, gid),
  chown: (place: Place, uid: number, gid: number) => change(fs.chownSync, fs.chown, place, uid, gid),
  lchown: (place: Place, uid: number, gid: number) => change(fs.lchownSync, fs.lchown, place, uid, gid),
  futimes: (fd: number, accessed: Time, modified: Time) => change(fs.futimesSync, fs.futimes, fd, accessed, modified),
  utimes: (place: Place, accessed: Time, modified: Time) => change(fs.utimesSync, fs.utimes, place, accessed, modified),
  lutimes: (place: Place, accessed: Time, modified: Time) => change(fs.lutimesSync, fs.lutimes, place, accessed, modified),
  mkdir: (place: Place, mode: number) =>
    call<void>(
      'change',
      () => void fs.mkdirSync(place, mode),
      (done: Nothing) => fs.mkdir(place, mode, done as fs.NoParamCallback),
    ),
  link: (existing: Place, place: Place) => change(fs.linkSync, fs.link, existing, place),
  symlink: (target: Place, place: Place) =>
    call<void>(
      'change',
      () => fs.symlinkSync(target, place),
      (done: Nothing) => fs.symlink(target, place, done as fs.NoParamCallback),
    ),
  unlink: (place: Place, work: Work = 'free') =>
    call<void>(
      work,
      () => unlinkSync(place),
      (done: Nothing) => unlink(place, done as fs.NoParamCallback),
    ),
  rmdir: (place: Place) =>
    call<void>(
      'change',
      () => fs.rmdirSync(place),
      (done: Nothing) => fs.rmdir(place, done as fs.NoParamCallback),
    ),
  rename: (from: Place, to: Place, work: Work = 'change') =>
    call<void>(
      work,
      () => fs.renameSync(from, to),
      (done: Nothing) => fs.rename(from, to, done as fs.NoParamCallback),
    ),
  /** Bytes of what is there; 0 for nothing. */
  sizeOf: (place: Place) =>
    call<number>(
      'look',
      () => fs.lstatSync(place, quietly)?.size ?? 0,
      done => fs.lstat(place, (error, stats) => done(null, error ? 0 : stats.size)),
    ),
} as const

/** lstat(2), or stat(2), as an operation of its own. */
export const lookAt = (place: Place, follow: boolean): DiskCall<fs.BigIntStats> =>
  follow
    ? { work: 'look', now: () => fs.statSync(place, bigint), later: done => fs.stat(place, bigint, done) }
    : { work: 'look', now: () => fs.lstatSync(place, bigint), later: done => fs.lstat(place, bigint, done) }

type Time = number | string

function change<A extends readonly unknown[]>(
  now: (...args: A) => void,
  later: (...args: [...A, fs.NoParamCallback]) => void,
  ...args: A
): Task<void> {
  return call<void>(
    'change',
    () => now(...args),
    (done: Nothing) => later(...args, done as fs.NoParamCallback),
  )
}

export type Blocking = 'adaptive' | 'never'

export interface Disk {
  /** Runs an operation to its end, at once if it can. Throws, or rejects with, `SftpError` for what the disk refuses. */
  run<T>(operation: string, path: string | undefined, task: Task<T>): MaybePromise<T>
  /** The same for an operation that is one call. */
  once<T>(operation: string, path: string | undefined, one: DiskCall<T>): MaybePromise<T>
  /** Whether a call of this kind should be made at once: for those that need no task. `now` as `performance.now()`. */
  atOnce(work: Work, now: number): boolean
  took(work: Work, began: number, ended: number): void
  /** The devices that are windows into processes, as `deviceText` makes them. */
  ofProcesses(): ReadonlySet<string>
}

/** An operation that is one call: no task is made for it. */
const onceOn =
  (atOnce: Disk['atOnce'], took: Disk['took']): Disk['once'] =>
  <T>(operation: string, path: string | undefined, { work, now, later }: DiskCall<T>): MaybePromise<T> => {
    const began = performance.now()
    if (!atOnce(work, began)) {
      return new Promise((resolve, reject) => {
        const settle: Done<T> = (error, value) => (error ? reject(fileError(error, operation, path)) : resolve(value))
        try {
          later(settle)
        } catch (error) {
          // Node refuses some arguments before it asks the disk.
          reject(fileError(error, operation, path))
        }
      })
    }
    // A stack costs more than the call, and shows nobody but us.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    let fault: unknown
    try {
      return now()
    } catch (error) {
      fault = error
    } finally {
      Error.stackTraceLimit = stackTraceLimit
      took(work, began, performance.now())
    }
    throw fileError(fault, operation, path)
  }

/** `root` is where the files are: whatever may hang under it sends every call to the thread pool. */
export const createDisk = (root: string, blocking: Blocking = 'adaptive'): Disk => {
  const mounts = watchMounts(root)
  const paces: Readonly<Record<Work, Pace>> = {
    look: createPace(),
    change: createPace(),
    free: createPace(),
    read: createPace(),
    write: createPace(),
    flush: { atOnce: () => false, took: () => {} },
  }
  const took = (work: Work, began: number, ended: number): void => paces[work].took(began, ended)
  const atOnce = (work: Work, now: number): boolean => blocking === 'adaptive' && paces[work].atOnce(now) && !mounts.mayHang(now)

  const makeNow = <T>(task: Task<T>, { work, now }: DiskCall<unknown>, began: number): IteratorResult<DiskCall<unknown>, T> => {
    // A stack costs more than the call, and shows nobody but us.
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 0
    let value: unknown
    let fault: unknown
    let failed = false
    try {
      value = now()
    } catch (error) {
      failed = true
      fault = error
    }
    Error.stackTraceLimit = stackTraceLimit
    paces[work].took(began, performance.now())
    return failed ? task.throw(fault) : task.next(value)
  }

  /** Goes on until the task ends or must wait. */
  const advance = <T>(task: Task<T>, from: IteratorResult<DiskCall<unknown>, T>): IteratorResult<DiskCall<unknown>, T> => {
    let step = from
    while (!step.done) {
      const began = performance.now()
      if (!atOnce(step.value.work, began)) break
      step = makeNow(task, step.value, began)
    }
    return step
  }

  const wait = <T>(task: Task<T>, first: DiskCall<unknown>, resolve: (value: T) => void, reject: (error: unknown) => void): void => {
    const goOn = (next: () => IteratorResult<DiskCall<unknown>, T>): void => {
      try {
        const step = advance(task, next())
        if (step.done) resolve(step.value)
        else make(step.value)
      } catch (fault) {
        reject(fault)
      }
    }
    const make = (one: DiskCall<unknown>): void => {
      try {
        one.later((error, value) => goOn(() => (error ? task.throw(error) : task.next(value))))
      } catch (error) {
        // Node refuses some arguments before it asks the disk.
        goOn(() => task.throw(error))
      }
    }
    make(first)
  }

  return {
    atOnce,
    took,
    once: onceOn(atOnce, took),
    ofProcesses: () => mounts.ofProcesses(performance.now()),
    run: (operation, path, task) => {
      try {
        const step = advance(task, task.next())
        if (step.done) return step.value
        const { value } = step
        return new Promise((resolve, reject) => wait(task, value, resolve, error => reject(fileError(error, operation, path))))
      } catch (error) {
        throw fileError(error, operation, path)
      }
    },
  }
}
