// Owns what an error of a request means for a transfer: whether asking in another way might help. Knows no requests.
import { SftpError, type SftpStatus, TimeoutError } from '../../errors.ts'

/** Servers that cannot do several things at once, or not so much in one, say it with these. */
const transient: ReadonlySet<SftpStatus> = new Set(['failure', 'bad-message', 'op-unsupported', 'invalid-parameter', 'lock-conflict'])
/** What "Failure" was said to mean when it will not go away. */
const lasting: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EISDIR', 'EROFS', 'EEXIST', 'ENOTDIR', 'ENAMETOOLONG', 'EXDEV'])

export const mayPass = (error: Error): boolean => {
  if (error instanceof TimeoutError) return true
  if (!(error instanceof SftpError) || !transient.has(error.status)) return false
  return error.errno === undefined || !lasting.has(error.errno)
}

export const isStatus = (error: unknown, ...statuses: readonly SftpStatus[]): boolean =>
  error instanceof SftpError && statuses.includes(error.status)

/** No file or directory is there. */
export const isMissing = (error: unknown): boolean => isStatus(error, 'no-such-file', 'no-such-path')

/** Any thrown value as an error. */
export const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown), { cause: thrown }))
