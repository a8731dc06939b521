// Owns what a refusal of the server is in words: its status, what it said, and what most likely was the matter. Knows no
// packets.
import { escapeForPeople, SftpError, type SftpStatus, sftpStatuses } from '../../errors.ts'
import { statusOfCode } from '../status.ts'

/** What a request was for, as it stands in errors. */
export interface About {
  /** A verb: `open`, `rename`, … */
  readonly operation: string
  readonly path?: string | undefined
}

const sentences: Partial<Record<SftpStatus, readonly [text: string, errno?: string]>> = {
  eof: ['there is no more', 'EOF'],
  'no-such-file': ['no such file or directory', 'ENOENT'],
  'permission-denied': ['permission denied', 'EACCES'],
  failure: ['the server failed'],
  'bad-message': ['the server did not understand the request', 'EBADMSG'],
  'no-connection': ['the server has no connection', 'ENOTCONN'],
  'connection-lost': ['the connection was lost', 'ECONNRESET'],
  'op-unsupported': ['the server cannot do that', 'ENOTSUP'],
  'invalid-handle': ['the file is not open any more', 'EBADF'],
  'no-such-path': ['a folder on the way does not exist', 'ENOENT'],
  'file-already-exists': ['it exists already', 'EEXIST'],
  'write-protect': ['the file system is read-only', 'EROFS'],
  'no-media': ['there is no medium in the drive', 'ENOMEDIUM'],
  'no-space-on-filesystem': ['no space is left on the disk', 'ENOSPC'],
  'quota-exceeded': ['the disk quota is used up', 'EDQUOT'],
  'unknown-principal': ['no such user or group', 'EINVAL'],
  'lock-conflict': ['somebody else has locked it', 'EBUSY'],
  'dir-not-empty': ['the directory is not empty', 'ENOTEMPTY'],
  'not-a-directory': ['it is not a directory', 'ENOTDIR'],
  'invalid-filename': ['the name is not allowed there', 'EINVAL'],
  'link-loop': ['too many symbolic links', 'ELOOP'],
  'cannot-delete': ['it cannot be deleted', 'EPERM'],
  'invalid-parameter': ['a value is out of range', 'EINVAL'],
  'file-is-a-directory': ['it is a directory', 'EISDIR'],
}

/** What "Failure" most often means: version 3 has no better word for it. */
const likely: Readonly<Record<string, string>> = {
  mkdir: 'perhaps something of that name exists already',
  rmdir: 'perhaps the directory is not empty',
  remove: 'perhaps it is a directory',
  rename: 'perhaps something of the new name exists already',
  symlink: 'perhaps something of that name exists already',
  link: 'perhaps something of that name exists already, or lies on another disk',
  open: 'perhaps it is a directory, or exists already',
  write: 'perhaps the disk is full or the quota used up',
}

/**
 * What servers say in words because version 3 has no number for it, and the name the system has for it. The words are those of
 * strerror(3), which most pass on, and of our own server.
 */
const saidErrno: readonly (readonly [RegExp, string])[] = [
  [/no space (?:is )?left|disk (?:is )?full/i, 'ENOSPC'],
  [/quota/i, 'EDQUOT'],
  [/not empty/i, 'ENOTEMPTY'],
  [/not a (?:directory|folder)/i, 'ENOTDIR'],
  [/is a (?:directory|folder)/i, 'EISDIR'],
  [/already exists|file exists|is there already/i, 'EEXIST'],
  [/name (?:is )?too long|longer than the file system/i, 'ENAMETOOLONG'],
  [/too many (?:levels of )?symbolic links/i, 'ELOOP'],
  [/read-only file system|mounted for reading only/i, 'EROFS'],
  [/cross-device|different file systems/i, 'EXDEV'],
  [/too many open files|as many files open/i, 'EMFILE'],
]
/** Statuses that stand for more than they say. */
const vague: ReadonlySet<SftpStatus> = new Set(['failure', 'no-such-file', 'permission-denied', 'bad-message'])

/** A path as it stands in messages: `"/srv/a\x0ab"`. */
export const shownPath = (path: string): string => `"${escapeForPeople(path, { limit: 300 })}"`

const subject = ({ operation, path }: About): string => (path === undefined ? operation : `${operation} ${shownPath(path)}`)

/** An error of our own about an operation: `Cannot open "/x": why.` */
export const failureOf = (status: SftpStatus, why: string, about: About, options?: ErrorOptions & { errno?: string }): SftpError => {
  const errno = options?.errno ?? sentences[status]?.[1]
  return new SftpError(
    status,
    `Cannot ${subject(about)}: ${why}.`,
    { operation: about.operation, ...(about.path === undefined ? {} : { path: about.path }), ...(errno === undefined ? {} : { errno }) },
    options?.cause === undefined ? undefined : { cause: options.cause },
  )
}

/** The words a server uses for a status say no more than the status does. */
const saysNothing = (said: string, sentence: string): boolean =>
  said === '' ||
  said.toLowerCase() === sentence ||
  /^(failure|no such file|permission denied|operation unsupported|end of file|success|bad message)$/i.test(said)

/**
 * The error for a STATUS of the server. A number that is none of the protocol's is taken for a failure, as the draft asks of
 * implementations (draft-ietf-secsh-filexfer-13 §9.1), and the message names it.
 */
export const refusalOf = (code: number, said: string, about: About): SftpError => {
  const known = statusOfCode(code)
  const outside = known === 'failure' && code !== sftpStatuses.failure
  const [sentence] = sentences[known] ?? [known.replaceAll('-', ' ')]
  const words = said.trim().replace(/\.$/, '')
  const parts = [outside ? `the server failed with status ${code}, which is none of SFTP's` : sentence]
  if (!saysNothing(words, sentence)) parts.push(`the server says "${escapeForPeople(words, { limit: 300 })}"`)
  else if (known === 'failure' && likely[about.operation] !== undefined) parts.push(likely[about.operation])
  const errno = vague.has(known) ? saidErrno.find(([pattern]) => pattern.test(words))?.[1] : undefined
  return failureOf(known, parts.join('; '), about, errno === undefined ? {} : { errno })
}

/** The session ended before the answer came. */
export const lostOf = (cause: Error, about: About): SftpError =>
  failureOf('connection-lost', cause.message.replace(/\.$/, ''), about, { cause })
