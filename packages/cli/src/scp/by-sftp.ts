// Owns copying by SFTP, as scp does it since OpenSSH 9: up, down, and between two other machines through this one. Knows nothing of
// the scp protocol.
import { createWriteStream, mkdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Writable } from 'node:stream'
import { escapeForPeople, SshError } from 'nacre'
import { isPattern, literalOf, openSftp, type Sftp, SftpError, TransferFailures, type TreeOptions } from 'nacre/sftp'
import type { Meter } from '../transfer/progress.ts'
import type { RemoteHost } from '../transfer/targets.ts'
import { crossDirectory, crossFile } from './cross.ts'
import { type Job, localPath, UnreachableError, type Ways } from './job.ts'

/** Sessions by host, for as long as the copy takes. */
const sessions = new WeakMap<Job, Map<string, Promise<Sftp>>>()

const connect = async (job: Job, host: RemoteHost): Promise<Sftp> => {
  const remote = job.settings.server === undefined ? await job.reach(host) : undefined
  try {
    const pipe = await job.sftp(host)
    const serverVersion = remote?.connection?.serverVersion
    // A program that could not be started says so better than the silence it leaves.
    const started = pipe.exited.then(() => new Promise<never>(() => {}))
    const version = serverVersion === undefined ? {} : { serverVersion }
    // Programs have a connection for each channel, and ask for a password for each. A limit (-l) is one of each channel.
    const alone = remote?.connection === undefined || job.settings.limit !== undefined
    const another = alone ? undefined : async (stop = job.signal) => openSftp(await job.sftp(host), { signal: stop, ...version })
    const opened = openSftp(pipe, { signal: job.signal, ...version, ends: { another } })
    opened.catch(() => {})
    return await Promise.race([opened, started])
  } catch (error) {
    job.signal.throwIfAborted()
    throw error instanceof SshError && error.code !== 'CONFIG' ? new UnreachableError(255, error) : error
  }
}

/** One session for each host. */
const sessionWith = (job: Job, host: RemoteHost): Promise<Sftp> => {
  const known = sessions.get(job) ?? new Map<string, Promise<Sftp>>()
  sessions.set(job, known)
  const key = JSON.stringify([host.user, host.host, host.port])
  const session = known.get(key) ?? connect(job, host)
  known.set(key, session)
  return session
}

/** A path on the server as a person types it: nothing is the home, as is `~`. */
const remotePath = async (sftp: Sftp, path: string): Promise<string> => {
  if (path === '' || path === '~') return '.'
  if (!path.startsWith('~')) return path
  if (path.startsWith('~/')) return path.slice(1).replace(/^\/+/, '') || '.'
  return sftp.expandPath(path)
}

const isDirectory = async (sftp: Sftp, path: string): Promise<boolean> => {
  try {
    return (await sftp.stat(path)).type === 'directory'
  } catch (error) {
    if (error instanceof SftpError) return false
    throw error
  }
}

const below = (directory: string, name: string): string => (directory.endsWith('/') ? directory + name : `${directory}/${name}`)

/** The last component; `.` and `..` are themselves. */
const nameOf = (path: string): string => basename(path) || path

const shown = (path: string): string => escapeForPeople(path, { limit: 4096 })

const isSystemError = (error: unknown): error is NodeJS.ErrnoException =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'

/** `open local "x": No such file or directory`, of Node's `ENOENT: no such file or directory, open 'x'`. */
const systemWords = ({ message, syscall, path }: NodeJS.ErrnoException, about: string): string => {
  const words = /^E[A-Z0-9]+: ([^,]+)/.exec(message)?.[1]
  if (words === undefined) return shown(message)
  return `${syscall ?? 'use'} local "${shown(path ?? about)}": ${words[0].toUpperCase()}${words.slice(1)}`
}

/** Does one thing, and says what went wrong with it. True when nothing did. */
const attempt = async (job: Job, about: string, work: () => Promise<void>): Promise<boolean> => {
  try {
    await work()
    return true
  } catch (error) {
    job.signal.throwIfAborted()
    if (error instanceof TransferFailures) for (const each of error.failures) job.fail(`scp: ${each.error.message}`)
    else if (error instanceof SftpError && error.status === 'connection-lost') throw new UnreachableError(255, error)
    else if (error instanceof SshError) job.fail(`scp: ${error.message}`)
    else if (isSystemError(error)) job.fail(`scp: ${systemWords(error, about)}`)
    else throw error
    return false
  }
}

/** Options of a transfer, and a meter it moves. */
const transfer = async (job: Job, name: string, size: number, run: (options: TreeOptions) => Promise<unknown>): Promise<void> => {
  const { settings } = job
  // As OpenSSH has it, there is nothing to show of what is empty.
  let meter: Meter | undefined
  try {
    await run({
      signal: job.signal,
      recursive: settings.recursive,
      preserve: settings.preserve,
      mode: 'source',
      symlinks: 'follow',
      // Written where it is, as scp always has: modes, owners and other names of a file that is there stay.
      atomic: false,
      ...(settings.requests === undefined ? {} : { requests: settings.requests }),
      ...(settings.requestSize === undefined ? {} : { requestSize: settings.requestSize }),
      onProgress: ({ done, total = size }) => {
        if (total > 0) meter ??= job.meter(name, total)
        meter?.update(done, total)
      },
    })
  } finally {
    meter?.finish()
  }
}

// ── up ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Where a source lands: in a directory under its own name, or as the target. Makes the directory that several need. */
const landing = async (job: Job, sftp: Sftp, target: string, many: boolean): Promise<{ readonly inside: boolean } | undefined> => {
  if (await isDirectory(sftp, target)) return { inside: true }
  if (!many) return { inside: false }
  return (await attempt(job, target, () => sftp.mkdir(target))) ? { inside: true } : undefined
}

/** Local files to another machine. */
const sendFiles: Ways['sendFiles'] = async (job, sources, target, many) => {
  const sftp = await sessionWith(job, target.host)
  await attempt(job, target.path, async () => {
    const path = await remotePath(sftp, target.path)
    const where = await landing(job, sftp, path, many)
    if (where === undefined) return
    for (const source of sources) {
      const to = where.inside ? below(path, nameOf(source.path)) : path
      await attempt(job, source.path, () => sendOne(job, sftp, source.path, to))
    }
  })
}

const sendOne = async (job: Job, sftp: Sftp, path: string, to: string): Promise<void> => {
  const facts = path === '' ? undefined : statSync(localPath(path), { throwIfNoEntry: false })
  if (facts === undefined) return job.fail(`scp: stat local "${shown(path)}": No such file or directory`)
  if (facts.isDirectory() ? !job.settings.recursive : !facts.isFile()) {
    job.fail(`scp: local "${shown(path)}" is not a regular file`)
    return
  }
  job.explain(`Sending ${path} to ${to}`)
  await transfer(job, nameOf(path), facts.size, options => sftp.upload(localPath(path), to, options))
}

// ── down ────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a path on the server names: the paths that fit it as a pattern, or itself when nothing does. */
const named = async (sftp: Sftp, path: string): Promise<readonly string[]> => {
  const found: string[] = []
  if (isPattern(path)) for await (const entry of sftp.glob(path)) found.push(entry.path)
  if (found.length > 0) return found
  return [isPattern(path) ? path : literalOf(path)]
}

/** What one source names on another machine, to a local target. */
const receiveFiles: Ways['receiveFiles'] = async (job, source, target) => {
  const sftp = await sessionWith(job, source.host)
  if (target.path === '') return job.fail('scp: open local "": No such file or directory')
  await attempt(job, target.path, async () => {
    const paths = await named(sftp, await remotePath(sftp, source.path))
    const there = statSync(localPath(target.path), { throwIfNoEntry: false })
    const inside = paths.length > 1 || there?.isDirectory() === true
    if (paths.length > 1 && there === undefined) mkdirSync(localPath(target.path))
    else if (paths.length > 1 && there?.isDirectory() !== true)
      return job.fail(`scp: Multiple files match pattern, but destination "${shown(target.path)}" is not a directory`)
    for (const path of paths) await attempt(job, target.path, () => receiveOne(job, sftp, path, source.path, target.path, inside))
  })
}

const receiveOne = async (job: Job, sftp: Sftp, path: string, typed: string, target: string, inside: boolean): Promise<void> => {
  const facts = await statOf(sftp, path)
  if (facts === undefined) return job.fail(`scp: ${shown(typed)}: No such file or directory`)
  if (facts.type === 'directory' && !job.settings.recursive) return job.fail(`scp: download ${shown(path)}/: not a regular file`)
  const name = nameOf(path)
  const to = inside ? join(localPath(target), name) : localPath(target)
  job.explain(`Fetching ${path} to ${to}`)
  const there = statSync(to, { throwIfNoEntry: false })
  // A device or a pipe takes the bytes as they come.
  const special = there !== undefined && !there.isFile() && !there.isDirectory()
  await transfer(job, name, facts.size ?? 0, options => sftp.download(path, special ? Writable.toWeb(createWriteStream(to)) : to, options))
}

/** `undefined` when nothing is there. */
const statOf = async (sftp: Sftp, path: string) => {
  try {
    return await sftp.stat(path)
  } catch (error) {
    if (error instanceof SftpError && (error.status === 'no-such-file' || error.status === 'no-such-path')) return undefined
    throw error
  }
}

// ── across ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** From one machine to another, through this one. */
const relayFiles: Ways['relayFiles'] = async (job, source, target, many) => {
  const from = await sessionWith(job, source.host)
  const to = await sessionWith(job, target.host)
  await attempt(job, target.path, async () => {
    const paths = await named(from, await remotePath(from, source.path))
    const place = await remotePath(to, target.path)
    const inside = await isDirectory(to, place)
    if ((many || paths.length > 1) && !inside) return job.fail(`scp: ${shown(target.path)}: destination is not a directory`)
    const { preserve, recursive } = job.settings
    for (const path of paths) {
      await attempt(job, target.path, async () => {
        const facts = await statOf(from, path)
        const at = inside ? below(place, nameOf(path)) : place
        const cross = { from, to, preserve, signal: job.signal, failed: (text: string) => job.fail(`scp: ${text}`) }
        if (facts === undefined) job.fail(`scp: ${shown(source.path)}: No such file or directory`)
        else if (facts.type !== 'directory') await crossFile(cross, path, at, facts)
        else if (recursive) await crossDirectory(cross, path, at, facts)
        else job.fail(`scp: download "${shown(path)}/": not a regular file`)
      })
    }
  })
}

export const bySftp: Ways = { sendFiles, receiveFiles, relayFiles }
