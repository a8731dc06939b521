// Owns a file somebody has opened: reads and writes by position on a descriptor. Knows no paths.
import fs from 'node:fs'
import type { Attributes } from '../attributes.ts'
import type { MaybePromise, OpenFile } from '../files.ts'
import type { Accounts } from './accounts-node.ts'
import { calls, type Disk, type Task } from './disk-node.ts'
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

function* attributesTask(fd: number): Task<Attributes> {
  return attributesOf(yield* calls.fstat(fd))
}

/** `append`: as the descriptor was opened. The descriptor is closed by `close` and nobody else. */
export const openFile = (disk: Disk, fd: number, append: boolean, accounts: Accounts): OpenFile => {
  const set = settingOfDescriptor(fd, accounts)
  let written = false
  /** Appending, writes go one after the other: the disk has no position to put them in order by. */
  let before: Promise<void> | undefined

  const writeOne = (position: number, bytes: Uint8Array): MaybePromise<void> => {
    const began = performance.now()
    if (!disk.atOnce('write', began)) {
      return transferLater(fs.write as LaterTransfer, 'write', fd, bytes, position).then(moved => allWritten(bytes.length, moved))
    }
    try {
      allWritten(bytes.length, transferNow(fs.writeSync as Transfer, fd, bytes, position))
    } catch (error) {
      throw fileError(error, 'write')
    } finally {
      disk.took('write', began, performance.now())
    }
  }
  const writeInOrder = (position: number, bytes: Uint8Array): MaybePromise<void> => {
    const result = before ? before.catch(() => {}).then(() => writeOne(position, bytes)) : writeOne(position, bytes)
    if (!result) return
    before = result
    const settled = (): void => {
      if (before === result) before = undefined
    }
    result.then(settled, settled)
    return result
  }

  return {
    read: (position, into) => {
      const began = performance.now()
      if (!disk.atOnce('read', began)) return transferLater(fs.read as LaterTransfer, 'read', fd, into, position)
      try {
        return transferNow(fs.readSync as Transfer, fd, into, position)
      } catch (error) {
        throw fileError(error, 'read')
      } finally {
        disk.took('read', began, performance.now())
      }
    },
    write: (position, bytes) => {
      written = true
      return append ? writeInOrder(position, bytes) : writeOne(position, bytes)
    },
    stat: () => disk.run('stat', undefined, attributesTask(fd)),
    setAttributes: attributes => disk.run('set attributes', undefined, set(attributes)),
    sync: () => disk.run('sync', undefined, calls.fsync(fd)),
    statvfs: () => disk.run('ask for free space', undefined, spaceOf(`/proc/self/fd/${fd}`, fd)),
    close: () => disk.run('close', undefined, calls.close(fd, written ? 'write' : 'look')),
  }
}
