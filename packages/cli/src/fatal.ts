// Owns ending a command in OpenSSH's way: one line on standard error, and the code of its `fatal`. Knows nothing of commands.
import { SshError } from 'nacre'
import type { Environment } from './environment.ts'

/** What a command cannot go on after. The message is the line people and scripts know from OpenSSH. */
export class FatalError extends SshError {
  readonly exitCode: number
  constructor(message: string, exitCode = 255) {
    super('FATAL', message)
    this.exitCode = exitCode
  }
}

/** A line of OpenSSH's log: it ends like a line of a terminal in raw mode. */
export const logLine = (environment: Pick<Environment, 'stderr'>, text: string): void => {
  environment.stderr.write(`${text}\r\n`)
}

const systemTexts: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Operation not permitted',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EEXIST: 'File exists',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
  EMFILE: 'Too many open files',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  EADDRINUSE: 'Address already in use',
  ECONNREFUSED: 'Connection refused',
  ESRCH: 'No such process',
}

/** What strerror(3) says of a failed call; the message of anything else. */
export const systemText = (error: unknown): string => {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
  return systemTexts[code] ?? (error instanceof Error ? error.message : String(error))
}
