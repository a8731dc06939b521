// Owns what the system's names for faults mean to somebody at the other end: a status, and words to act on. Knows no disk,
// and no version of the protocol: what a version cannot say is said by `versions/`.
import { SftpError, type SftpStatus, withoutStack } from '../../errors.ts'

const statuses: Readonly<Record<string, readonly [status: SftpStatus, words: string]>> = {
  ENOENT: ['no-such-file', 'There is no such file or folder.'],
  ENOTDIR: ['not-a-directory', 'Something on the way there is not a folder.'],
  EISDIR: ['file-is-a-directory', 'It is a folder, and this works on files only.'],
  EEXIST: ['file-already-exists', 'Something with that name is there already.'],
  ENOTEMPTY: ['dir-not-empty', 'The folder is not empty.'],
  ELOOP: ['link-loop', 'There are too many symbolic links on the way there, or one where none may be.'],
  ENAMETOOLONG: ['invalid-filename', 'The name or the path is longer than the file system takes.'],
  EILSEQ: ['invalid-filename', 'The file system does not take the characters of this name.'],
  EACCES: ['permission-denied', 'Permission denied by the modes of the file or of a folder above it.'],
  EPERM: ['permission-denied', 'Only the owner or root may do that, or the file is protected against it.'],
  EROFS: ['write-protect', 'The file system is mounted for reading only.'],
  ENOSPC: ['no-space-on-filesystem', 'The disk is full: no space or no free inodes are left on it.'],
  EDQUOT: ['quota-exceeded', 'The quota of the user is used up.'],
  EFBIG: ['failure', 'The file would be larger than the file system or a limit of the process allows.'],
  EMLINK: ['failure', 'The file or folder has as many links as the file system allows.'],
  EXDEV: ['failure', 'The two names are on different file systems: copy it and remove the original.'],
  ETXTBSY: ['lock-conflict', 'The file is a program that is running just now.'],
  EBUSY: ['lock-conflict', 'It is in use: mounted, or held by another program.'],
  EAGAIN: ['lock-conflict', 'Another program holds the file just now. Try again.'],
  EDEADLK: ['lock-conflict', 'Another program holds the file and waits for this one. Try again.'],
  ENXIO: ['failure', 'It is a pipe or a device that nobody serves.'],
  ENODEV: ['no-media', 'There is no device behind this file.'],
  ENOMEDIUM: ['no-media', 'There is no medium in the drive.'],
  EIO: ['failure', 'The disk reports an error. Its medium may be failing: look into the log of the system.'],
  EUCLEAN: ['file-corrupt', 'The file system is damaged there and must be checked.'],
  ESTALE: ['invalid-handle', 'The file is gone from the file server it was on. Open it anew.'],
  EBADF: ['invalid-handle', 'The file was not opened for this.'],
  EINVAL: ['invalid-parameter', 'The file system does not take that: it makes no sense for this file, name or position.'],
  EOVERFLOW: ['invalid-parameter', 'A number is too large for the file system.'],
  ESPIPE: ['invalid-parameter', 'It is a pipe or terminal, which has no positions.'],
  ENOTSUP: ['failure', 'The file system cannot do that.'],
  EOPNOTSUPP: ['failure', 'The file system cannot do that.'],
  ENOSYS: ['op-unsupported', 'The system cannot do that.'],
  ENOTTY: ['failure', 'The file system cannot do that.'],
  EMFILE: ['failure', 'The server has as many files open as it may. Close some, or try again later.'],
  ENFILE: ['failure', 'The machine has as many files open as it may. Try again later.'],
  ENOMEM: ['failure', 'The machine is out of memory. Try again later.'],
  ENOBUFS: ['failure', 'The machine is out of memory. Try again later.'],
  EINTR: ['failure', 'It was interrupted. Try again.'],
  ETIMEDOUT: ['failure', 'The file server behind this folder did not answer in time.'],
  EHOSTDOWN: ['failure', 'The file server behind this folder is down.'],
  EHOSTUNREACH: ['failure', 'The file server behind this folder cannot be reached.'],
  ENOTCONN: ['failure', 'The program that serves this folder is gone.'],
  ECONNABORTED: ['failure', 'The program that serves this folder is gone.'],
  // An ACL or attribute that is not there; a key for an encrypted folder.
  ENODATA: ['failure', 'The file system does not know what was asked for.'],
  ENOKEY: ['permission-denied', 'The folder is encrypted, and its key is not at hand.'],
}

/** Names Node has for faults it finds itself. */
const nodeCodes: Readonly<Record<string, string>> = {
  ERR_INVALID_ARG_VALUE: 'EILSEQ',
  ERR_INVALID_ARG_TYPE: 'EINVAL',
  ERR_OUT_OF_RANGE: 'EOVERFLOW',
  ERR_DIR_CLOSED: 'EBADF',
}

/** An `SftpError` for the system's name of a fault. */
export const errnoError = (errno: string, operation: string, path?: string, options?: ErrorOptions): SftpError => {
  const [status, words] = statuses[errno] ?? ['failure', `The system reports ${errno}.`]
  return withoutStack(() => new SftpError(status, words, { operation, errno, ...(path === undefined ? {} : { path }) }, options))
}

/**
 * What was thrown, as an `SftpError`. The system's own text is left out: it holds paths of this machine, which a client in a
 * folder of its own is not to see. It stays in `cause`. What is no fault of a file comes back as it is.
 */
export const fileError = (error: unknown, operation: string, path?: string): unknown => {
  if (error instanceof SftpError || !(error instanceof Error)) return error
  const { code } = error as { code?: unknown }
  if (typeof code !== 'string') return error
  const errno = nodeCodes[code] ?? code
  return /^E[A-Z0-9]+$/.test(errno) ? errnoError(errno, operation, path, { cause: error }) : error
}

/** The system's name for a fault, of an error of Node's or of ours. */
export const errnoOf = (error: unknown): string | undefined => {
  if (error instanceof SftpError) return error.errno
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' ? code : undefined
}

class Errno extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/** To throw inside these files where the system would refuse but is not asked; becomes words later. */
export const refusal = (errno: string): Error => withoutStack(() => new Errno(errno))
