// Owns the faults that files in memory, overlays and views refuse with: those of a POSIX system, in words where there is no
// disk. Knows no file system.
import { SftpError } from '../../errors.ts'
import { errnoError } from './errno.ts'

/** POSIX's names. */
export type Fault =
  | 'ENOENT'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'EEXIST'
  | 'ENOTEMPTY'
  | 'ELOOP'
  | 'ENAMETOOLONG'
  | 'EACCES'
  | 'EPERM'
  | 'EROFS'
  | 'EBADF'
  | 'EINVAL'
  | 'EBUSY'
  | 'EXDEV'
  | 'EOPNOTSUPP'
  | 'ENOSPC'
  | 'EDQUOT'
  | 'EFBIG'

const words: Partial<Readonly<Record<Fault, string>>> = {
  EROFS: 'These files can only be read, not changed.',
  ENAMETOOLONG: 'The name is too long: 255 bytes are the most for a name, 4,095 for a path.',
  EOPNOTSUPP: 'A symbolic link has no permissions of its own.',
  ENOSPC: 'No space is left for the contents of files.',
  EFBIG: 'The file would become larger than a file can be.',
}

/** The error for `name`; `message` says it better than the general sentence. */
export const fault = (name: Fault, operation: string, path?: string, message: string | undefined = words[name]): SftpError => {
  const error = errnoError(name, operation, path)
  if (message === undefined) return error
  return new SftpError(error.status, message, { operation, errno: name, ...(path === undefined ? {} : { path }) })
}
