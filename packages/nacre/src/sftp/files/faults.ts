// Owns the faults files of ours refuse with: POSIX's names for them, as statuses of SFTP with a sentence that helps.
// Knows no file system.
import { SftpError, type SftpStatus } from '../../errors.ts'

/** POSIX's name for a fault, the status it is in SFTP, and what a person is told. */
const faults = {
  ENOENT: ['no-such-file', 'No such file or directory.'],
  ENOTDIR: ['not-a-directory', 'A part of the path is not a directory.'],
  EISDIR: ['file-is-a-directory', 'It is a directory.'],
  EEXIST: ['file-already-exists', 'There is something of that name already.'],
  ENOTEMPTY: ['dir-not-empty', 'The directory is not empty.'],
  ELOOP: ['link-loop', 'Too many symbolic links, or one where none may be.'],
  ENAMETOOLONG: ['invalid-filename', 'The name is too long: 255 bytes are the most for a name, 4,095 for a path.'],
  EACCES: ['permission-denied', 'Permission denied.'],
  EPERM: ['permission-denied', 'Only the owner may do that.'],
  EROFS: ['write-protect', 'These files can only be read.'],
  EBADF: ['invalid-handle', 'The file is closed, or not open for that.'],
  EINVAL: ['invalid-parameter', 'That makes no sense for this file.'],
  EBUSY: ['failure', 'The directory is in use.'],
  EXDEV: ['failure', 'The two are not on the same file system.'],
  EOPNOTSUPP: ['failure', 'A symbolic link has no permissions of its own.'],
  ENOSPC: ['no-space-on-filesystem', 'No space is left.'],
  EDQUOT: ['quota-exceeded', 'The quota is used up.'],
  EFBIG: ['failure', 'The file would become too large.'],
  EMLINK: ['failure', 'There are too many links to it already.'],
} as const satisfies Readonly<Record<string, readonly [SftpStatus, string]>>
export type Fault = keyof typeof faults

/** The error for `name`; `message` says it better than the general sentence. */
export const fault = (name: Fault, operation: string, path?: string, message: string = faults[name][1]): SftpError =>
  new SftpError(faults[name][0], message, { operation, errno: name, ...(path === undefined ? {} : { path }) })
