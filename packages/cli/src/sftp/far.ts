// Owns looking for files on the server by a pattern, and what is at a path there. Changes nothing.
import { type Entry, literalOf, type Stat, SftpError } from 'nacre/sftp'
import { attempt, isLost } from './failures.ts'
import { joined } from './near.ts'
import type { Session } from './session.ts'

export interface Match {
  /** A directory ends in a slash. */
  readonly path: string
  readonly directory: boolean
  /** Of a link to a directory that of the directory. */
  readonly stat: Entry | Stat
}

const statOrNothing = async (session: Session, path: string): Promise<Stat | undefined> => {
  try {
    return await session.sftp.stat(path, { signal: session.signal })
  } catch (error) {
    if (!(error instanceof SftpError) || isLost(error)) throw error
    return undefined
  }
}

/** What fits an absolute pattern. */
export const findFar = async (session: Session, pattern: string): Promise<readonly Match[]> => {
  const found: Match[] = []
  for await (const entry of session.sftp.glob(pattern, { signal: session.signal })) {
    const behind = entry.isSymbolicLink() ? await statOrNothing(session, entry.path) : undefined
    const stat = behind?.isDirectory() === true ? behind : entry
    const directory = stat.isDirectory()
    found.push({ path: directory && !entry.path.endsWith('/') ? `${entry.path}/` : entry.path, directory, stat })
  }
  return found
}

/** The paths that fit, or the one the pattern names when none does. */
export const namedFar = async (session: Session, pattern: string): Promise<readonly string[]> => {
  const found: string[] = []
  for await (const entry of session.sftp.glob(pattern, { signal: session.signal })) found.push(entry.path)
  return found.length > 0 ? found : [literalOf(pattern)]
}

export const isFarDirectory = async (session: Session, path: string): Promise<boolean> => {
  const stat = await statOrNothing(session, path)
  return stat?.isDirectory() === true
}

/** What is at a path, as `stat remote: …` when nothing is. */
export const lookFar = (session: Session, path: string, follow = true): Promise<Stat> =>
  attempt(
    'stat remote',
    follow ? session.sftp.stat(path, { signal: session.signal }) : session.sftp.lstat(path, { signal: session.signal }),
  )

/** What begins with `start` in a directory, directories with a slash; hidden ones only when that is asked for. */
export const farNames = async (session: Session, folder: string, start: string): Promise<readonly string[]> => {
  const found: string[] = []
  const { signal } = session
  for await (const entry of session.sftp.list(folder, { signal, sort: true, onError: () => {} })) {
    if (!entry.name.startsWith(start) || (start === '' && entry.name.startsWith('.'))) continue
    const directory = entry.isDirectory() || (entry.isSymbolicLink() && (await isFarDirectory(session, joined(folder, entry.name))))
    found.push(directory ? `${entry.name}/` : entry.name)
  }
  return found
}
