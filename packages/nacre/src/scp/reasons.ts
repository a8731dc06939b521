// Owns saying why a file could not be dealt with, in the words people know from the system. Knows nothing of the protocol.
import type { SftpError } from '../errors.ts'

/** strerror(3) for what files can meet. */
const systemWords: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EFBIG: 'File too large',
  EINVAL: 'Invalid argument',
  EIO: 'Input/output error',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  EMLINK: 'Too many links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  ENXIO: 'No such device or address',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
}

/** `File exists`, `Permission denied`. */
export const reasonOf = (error: SftpError): string => {
  if (error.errno !== undefined && Object.hasOwn(systemWords, error.errno)) return systemWords[error.errno]
  if (error.status === 'no-such-file' || error.status === 'no-such-path') return systemWords.ENOENT
  if (error.status === 'permission-denied') return systemWords.EACCES
  return error.message
}
