// Owns how a file is opened: flags, and a look at what it was before anybody reads or writes. Knows no paths.
import fs from 'node:fs'
import { SftpError } from '../../errors.ts'
import type { OpenFile, OpenOptions } from '../files.ts'
import type { Accounts } from './accounts-node.ts'
import { isDirectory, isRegular } from './change-node.ts'
import { calls, type Disk, type Task } from './disk-node.ts'
import { openFile } from './open-file-node.ts'

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = fs.constants

/** Flags of open(2), but for O_TRUNC, which comes later where it can. */
export const flagsOf = ({ read, write, append, create, exclusive, truncate, noFollow }: OpenOptions): number =>
  (write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY) |
  (append ? O_APPEND : 0) |
  (create ? O_CREAT : 0) |
  (create && exclusive ? O_EXCL : 0) |
  // Without the right to write nobody can cut the file off later; Linux does it at once.
  (truncate && !write ? O_TRUNC : 0) |
  (noFollow ? O_NOFOLLOW : 0) |
  // Opening a pipe must not wait for its other end, and no terminal becomes ours.
  O_NONBLOCK |
  O_NOCTTY

const notAFile = (): SftpError =>
  new SftpError('failure', 'It is a pipe, a socket or a device: there is nothing in it to transfer.', { operation: 'open' })

/** What has just been opened, looked at: cut off if it is to be, or refused and closed. */
export function* takeOpened(disk: Disk, fd: number, options: OpenOptions, devices: boolean, accounts: Accounts): Task<OpenFile> {
  try {
    const stats = yield* calls.fstat(fd)
    if (!isRegular(stats) && !isDirectory(stats) && (!devices || (Number(stats.mode) & fs.constants.S_IFMT) === fs.constants.S_IFIFO)) {
      throw notAFile()
    }
    // Here rather than while opening, since freeing the blocks of a large file takes its time, and so nothing but a file is cut off.
    if (options.truncate && options.write && isRegular(stats) && !(options.create && options.exclusive)) yield* calls.ftruncate(fd, 0)
    return openFile(disk, fd, options.append, accounts)
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}
