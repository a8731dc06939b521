// Owns how a file is opened: flags, and a look at what it was before anybody reads or writes. Knows no paths.
import fs from 'node:fs'
import { SftpError } from '../../errors.ts'
import type { OpenFile, OpenOptions } from '../files.ts'
import type { Accounts } from './accounts-node.ts'
import { freeing } from './change-node.ts'
import { calls, type Disk, type Place, type Task } from './disk-node.ts'
import { openFile } from './open-file-node.ts'

const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = fs.constants
const { S_IFMT, S_IFREG, S_IFDIR, S_IFIFO } = fs.constants

/** Flags of open(2). */
export const flagsOf = ({ read, write, append, create, exclusive, truncate, noFollow }: OpenOptions): number =>
  (write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY) |
  (append ? O_APPEND : 0) |
  (create ? O_CREAT : 0) |
  (create && exclusive ? O_EXCL : 0) |
  (truncate && !(create && exclusive) ? O_TRUNC : 0) |
  (noFollow ? O_NOFOLLOW : 0) |
  // Opening a pipe must not wait for its other end, and no terminal becomes ours.
  O_NONBLOCK |
  O_NOCTTY

/** open(2), which may have to free what was in the file. */
export function* openAt(place: Place, flags: number, mode: number): Task<number> {
  if ((flags & O_TRUNC) === 0) return yield* calls.open(place, flags, mode)
  return yield* calls.open(place, flags, mode, yield* freeing(place))
}

const notAFile = (): SftpError =>
  new SftpError('failure', 'It is a pipe, a socket or a device: there is nothing in it to transfer.', { operation: 'open' })

/** What has just been opened, looked at: refused and closed if it is no file. */
export function* takeOpened(disk: Disk, fd: number, options: OpenOptions, devices: boolean, accounts: Accounts): Task<OpenFile> {
  try {
    const kind = (yield* calls.modeOf(fd)) & S_IFMT
    if (kind !== S_IFREG && kind !== S_IFDIR && (!devices || kind === S_IFIFO)) throw notAFile()
    return openFile(disk, fd, options.append, accounts)
  } catch (error) {
    fs.closeSync(fd)
    throw error
  }
}
