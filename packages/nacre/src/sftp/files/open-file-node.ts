// Owns a file somebody has opened: reads and writes by position on a descriptor. Knows no paths.
import fs from 'node:fs'
import type { Attributes } from '../attributes.ts'
import type { FilesystemStat, MaybePromise, OpenFile } from '../files.ts'
import type { Accounts } from './accounts-node.ts'
import { whenThere } from '../../io/soon.ts'
import { calls, type Disk, type DiskCall, type Work } from './disk-node.ts'
import { errnoError, fileError } from './errno.ts'
import { settingOfDescriptor } from './change-node.ts'
import { spaceOf } from './space-node.ts'
import { attributesOf } from './stats-node.ts'

type Transfer = (fd: number, bytes: Uint8Array, offset: number, length: number, position: number) => number

/** Reads or writes on until all is done or nothing more moves; how much that was. */
const transferNow = (transfer: Transfer, fd: number, bytes: Uint8Array, position: number): number => {
  let done = transfer(fd, bytes, 0, bytes.length, position)
  // Few calls move less than they were asked for: at the end of a file, and when the disk gets full.
  while (done > 0 && done < bytes.length) {
    const more = transfer(fd, bytes, done, bytes.length - done, position + done)
    if (more === 0) break
    done += more
  }
  return done
}

type LaterTransfer = (
  fd: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position: number,
  done: (error: Error | null, moved: number) => void,
) => void

const transferLater = (transfer: LaterTransfer, operation: string, fd: number, bytes: Uint8Array, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const go = (done: number): void => {
      transfer(fd, bytes, done, bytes.length - done, position + done, (error, moved) => {
        if (error) reject(fileError(error, operation))
        else if (moved === 0 || done + moved === bytes.length) resolve(done + moved)
        else go(done + moved)
      })
    }
    go(0)
  })

const allWritten = (length: number, written: number): void => {
  if (written < length) throw errnoError('ENOSPC', 'write')
}

const bigint = { bigint: true } as const

const lookAtOpen = (fd: number): DiskCall<fs.BigIntStats> => ({
  work: 'look',
  now: () => fs.fstatSync(fd, bigint),
  later: done => fs.fstat(fd, bigint, done),
})

const closing = (fd: number, work: Work): DiskCall<void> => ({
  work,
  now: () => fs.closeSync(fd),
  later: done => fs.close(fd, error => done(error ?? null)),
})

/** Of thousands of small files each is one: what they do is not made anew for each. */
class DiskFile implements OpenFile {
  readonly #disk: Disk
  readonly #fd: number
  readonly #append: boolean
  readonly #accounts: Accounts
  #written = false
  /** Appending, writes go one after the other: the disk has no position to put them in order by. */
  #before: Promise<void> | undefined

  constructor(disk: Disk, fd: number, append: boolean, accounts: Accounts) {
    this.#disk = disk
    this.#fd = fd
    this.#append = append
    this.#accounts = accounts
  }

  read(position: number, into: Uint8Array): MaybePromise<number> {
    const began = performance.now()
    if (!this.#disk.atOnce('read', began)) return transferLater(fs.read as LaterTransfer, 'read', this.#fd, into, position)
    try {
      return transferNow(fs.readSync as Transfer, this.#fd, into, position)
    } catch (error) {
      throw fileError(error, 'read')
    } finally {
      this.#disk.took('read', began, performance.now())
    }
  }

  write(position: number, bytes: Uint8Array): MaybePromise<void> {
    this.#written = true
    return this.#append ? this.#writeInOrder(position, bytes) : this.#writeOne(position, bytes)
  }

  #writeOne(position: number, bytes: Uint8Array): MaybePromise<void> {
    const began = performance.now()
    if (!this.#disk.atOnce('write', began)) {
      return transferLater(fs.write as LaterTransfer, 'write', this.#fd, bytes, position).then(moved => allWritten(bytes.length, moved))
    }
    try {
      allWritten(bytes.length, transferNow(fs.writeSync as Transfer, this.#fd, bytes, position))
    } catch (error) {
      throw fileError(error, 'write')
    } finally {
      this.#disk.took('write', began, performance.now())
    }
  }

  #writeInOrder(position: number, bytes: Uint8Array): MaybePromise<void> {
    const before = this.#before
    const result = before ? before.catch(() => {}).then(() => this.#writeOne(position, bytes)) : this.#writeOne(position, bytes)
    if (!result) return
    this.#before = result
    const settled = (): void => {
      if (this.#before === result) this.#before = undefined
    }
    result.then(settled, settled)
    return result
  }

  stat(): MaybePromise<Attributes> {
    return whenThere(this.#disk.once('stat', undefined, lookAtOpen(this.#fd)), attributesOf)
  }
  setAttributes(attributes: Attributes): MaybePromise<void> {
    return this.#disk.run('set attributes', undefined, settingOfDescriptor(this.#fd, this.#accounts)(attributes))
  }
  sync(): MaybePromise<void> {
    return this.#disk.run('sync', undefined, calls.fsync(this.#fd))
  }
  statvfs(): MaybePromise<FilesystemStat> {
    return this.#disk.run('ask for free space', undefined, spaceOf(`/proc/self/fd/${this.#fd}`, this.#fd))
  }
  close(): MaybePromise<void> {
    return this.#disk.once('close', undefined, closing(this.#fd, this.#written ? 'write' : 'look'))
  }
}

/** `append`: as the descriptor was opened. The descriptor is closed by `close` and nobody else. */
export const openFile = (disk: Disk, fd: number, append: boolean, accounts: Accounts): OpenFile => new DiskFile(disk, fd, append, accounts)
