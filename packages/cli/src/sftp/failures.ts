// Owns what is said when something goes wrong, in the words of OpenSSH's sftp, and more of them where the server gave a reason.
// Knows no commands.
import { SshError } from 'nacre'
import { SftpError, type TransferFailures } from 'nacre/sftp'
import { inMessage } from './shown.ts'

/** A command did not succeed; the message has been made safe and is shown as it is. */
export class CommandError extends Error {}

const statusWords: Partial<Record<SftpError['status'], string>> = {
  eof: 'End of file',
  'no-such-file': 'No such file or directory',
  'permission-denied': 'Permission denied',
  failure: 'Failure',
  'bad-message': 'Bad message',
  'no-connection': 'No connection',
  'connection-lost': 'Connection lost',
  'op-unsupported': 'Operation unsupported',
}

const errnoWords: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EDQUOT: 'Disk quota exceeded',
  EEXIST: 'File exists',
  EINVAL: 'Invalid argument',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  EMFILE: 'Too many open files',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOSPC: 'No space left on device',
  ENOTDIR: 'Not a directory',
  ENOTEMPTY: 'Directory not empty',
  EPERM: 'Operation not permitted',
  EROFS: 'Read-only file system',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Invalid cross-device link',
}

/** `No such file or directory`, of what a server or the system answered. */
export const reasonOf = (error: unknown): string => {
  if (error instanceof SftpError) {
    const words = statusWords[error.status]
    if (words !== undefined && error.status !== 'failure') return words
    // Later versions have statuses for what version 3 calls a failure.
    const more = error.errno === undefined ? undefined : errnoWords[error.errno]
    return `Failure${more === undefined ? '' : ` (${more})`}`
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const known = errnoWords[error.code]
    if (known !== undefined) return known
  }
  return error instanceof SshError ? error.message : inMessage(String(error instanceof Error ? error.message : error))
}

/** Whether no further command can be answered. */
export const isLost = (error: unknown): boolean =>
  error instanceof SshError && (error.code === 'SFTP_CONNECTION_LOST' || error.code === 'SFTP_PROTOCOL')

/** Does one thing on the server; a refusal becomes `${what}: reason`. */
export const attempt = async <Result>(what: string, work: Promise<Result>): Promise<Result> => {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof SftpError) || isLost(error)) throw error
    throw new CommandError(`${what}: ${reasonOf(error)}`)
  }
}

/** The two ends of a transfer, as they are named in messages. */
export interface Ends {
  readonly up: boolean
  readonly near: string
  readonly far: string
}

/** What to say of a transfer that failed. */
export const transferWords = (error: unknown, { up, near, far }: Ends): string => {
  if (error instanceof SftpError) {
    if (error.operation === 'stat') return `stat remote: ${reasonOf(error)}`
    if (error.operation === 'open' || error.operation === 'upload')
      return `${up ? 'dest' : 'remote'} open "${inMessage(far)}": ${reasonOf(error)}`
    if (error.operation === 'mkdir') return `remote mkdir "${inMessage(far)}": ${reasonOf(error)}`
    if (error.operation === 'list') return `remote readdir("${inMessage(far)}"): ${reasonOf(error)}`
    return error.message
  }
  // Those of ours are made to be read.
  if (error instanceof SshError) return error.message
  const call = error instanceof Error && 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : 'open'
  if (call === 'mkdir') return `mkdir ${inMessage(near)}: ${reasonOf(error)}`
  const verb = call === 'read' || call === 'write' || call === 'fsync' ? call : 'open'
  return `${verb} local "${inMessage(near)}": ${reasonOf(error)}`
}

/** The same for each file of a tree. */
export const treeWords = (failures: TransferFailures, up: boolean): readonly string[] => {
  const said = failures.failures.map(({ path, error }) => transferWords(error, { up, near: path, far: path }))
  return failures.count > said.length ? [...said, `and ${failures.count - said.length} files more`] : said
}
