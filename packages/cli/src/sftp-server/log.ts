// Owns what an SFTP server says of a session, in the words of OpenSSH's sftp-server, which people have tools for. Knows nothing of
// where lines go.
import { escapeForPeople } from 'nacre'
import {
  type AnsweredRequest,
  type ClosedHandle,
  type OpenedHandle,
  type ReceivedRequest,
  type SftpServerLog,
  statusTexts,
} from 'nacre/sftp/server'
import type { Log } from '../sshd/log.ts'

const quoted = (text: string | undefined): string => `"${escapeForPeople(text ?? '', { limit: 4096 })}"`
const octal = (mode: number | undefined): string => (mode ?? 0).toString(8)

const flagsOf = ({ options }: ReceivedRequest): string =>
  [
    ['READ', options?.read],
    ['WRITE', options?.write],
    ['APPEND', options?.append],
    ['CREATE', options?.create],
    ['TRUNCATE', options?.truncate],
    ['EXCL', options?.exclusive],
  ]
    .filter(([, set]) => set)
    .map(([name]) => name)
    .join(',')

/** `20260131-23:59:59`, local time. */
const shownTime = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`
  return `${day}-${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** Requests that are told at the level of what changes nothing. */
const looks: ReadonlySet<string> = new Set(['stat', 'lstat', 'realpath', 'expand-path', 'readlink', 'home-directory'])
/** Those whose name in the log is not the name alone. */
const twoPaths: ReadonlySet<string> = new Set(['rename', 'posix-rename', 'hardlink', 'link', 'copy-file'])
/** Told when they are done: by `opened`, or by `closed` with what became of them. */
const toldLater: ReadonlySet<string> = new Set(['close', 'read', 'write', 'readdir', 'fstat', 'limits'])

/** What is set, a line each. */
const settings = (what: string, { attributes: set }: ReceivedRequest): readonly string[] => {
  const lines: string[] = []
  if (set?.size !== undefined) lines.push(`set ${what} size ${set.size}`)
  if (set?.permissions !== undefined) lines.push(`set ${what} mode ${octal(set.permissions).padStart(4, '0')}`)
  if (set?.modified !== undefined) lines.push(`set ${what} modtime ${shownTime(set.modified.seconds)}`)
  if (set?.uid !== undefined && set.gid !== undefined) lines.push(`set ${what} owner ${set.uid} group ${set.gid}`)
  return lines
}

/** The log of one session. */
class SessionLog implements SftpServerLog {
  readonly #log: Log
  readonly #open = new Map<number, string>()

  constructor(log: Log) {
    this.#log = log
  }

  started({ client }: { readonly client: number }): void {
    this.#log.verbose(`received client version ${client}`)
  }

  received(request: ReceivedRequest): void {
    const { name, path, target, handle } = request
    const at = quoted(path ?? (handle === undefined ? undefined : this.#open.get(handle)))
    if (this.#log.wants('DEBUG3')) this.#log.debug(`request ${request.id}: ${name}${handle === undefined ? '' : ` handle ${handle}`}`)
    if (toldLater.has(name)) return
    if (name === 'open') this.#log.info(`open ${at} flags ${flagsOf(request)} mode 0${octal(request.attributes?.permissions ?? 0o666)}`)
    else if (name === 'mkdir') this.#log.info(`mkdir name ${at} mode 0${octal(request.attributes?.permissions ?? 0o777)}`)
    else if (['setstat', 'fsetstat', 'lsetstat'].includes(name)) for (const line of settings(at, request)) this.#log.info(line)
    // What the link says stands first, as in ln(1).
    else if (name === 'symlink') this.#log.info(`symlink old ${quoted(target)} new ${at}`)
    else if (twoPaths.has(name)) this.#log.info(`${name} old ${at} new ${quoted(target)}`)
    else if (name === 'opendir') this.#log.info(`opendir ${at}`)
    else if (name === 'realpath') this.#log.verbose(`realpath ${at}`)
    else if (looks.has(name)) this.#log.verbose(`${name} name ${at}`)
    else this.#log.info(path === undefined && handle === undefined ? name : `${name} name ${at}`)
  }

  opened({ handle, path }: OpenedHandle): void {
    this.#open.set(handle, path)
  }

  answered({ id, status, count, message }: AnsweredRequest): void {
    if (count !== undefined && this.#log.wants('DEBUG1')) this.#log.debug(`request ${id}: sent count ${count}`)
    if (!this.#log.wants('DEBUG1') && (status === 'ok' || status === 'eof')) return
    if (count === undefined) this.#log.info(`sent status ${statusTexts[status]}`)
    if (status !== 'ok' && message !== '' && this.#log.wants('DEBUG1')) this.#log.debug(`request ${id}: ${escapeForPeople(message)}`)
  }

  closed({ handle, path, directory, bytesRead, bytesWritten, forced }: ClosedHandle): void {
    this.#open.delete(handle)
    const how = forced ? 'forced ' : ''
    if (directory) this.#log.info(`${how}closedir ${quoted(path)}`)
    else this.#log.info(`${how}close ${quoted(path)} bytes read ${bytesRead} written ${bytesWritten}`)
  }

  unfinished(files: readonly { readonly path: string; readonly bytesWritten: number }[]): void {
    for (const { path, bytesWritten } of files)
      this.#log.error(`the session ended while ${quoted(path)} was being written (${bytesWritten} bytes so far); it may not be whole`)
  }

  failed(error: unknown): void {
    this.#log.error(
      `internal error: ${escapeForPeople(error instanceof Error ? (error.stack ?? error.message) : String(error), { limit: 4000 })}`,
    )
  }
}

/** Names of users are known to the system, addresses to sshd; both are escaped all the same. */
const from = (user: string, address: string): string => `local user ${escapeForPeople(user)} from [${escapeForPeople(address)}]`

export interface LoggedSession {
  readonly log: SftpServerLog
  ended(): void
}

/** Says that a session begins, and gives what tells of the rest. */
export const logSession = (log: Log, user: string, address: string): LoggedSession => {
  log.info(`session opened for ${from(user, address)}`)
  return { log: new SessionLog(log), ended: () => log.info(`session closed for ${from(user, address)}`) }
}
