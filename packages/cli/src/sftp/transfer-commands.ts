// Owns `get`, `put` and their relatives: which files go where, what is said of them, and how the engine is asked to move them.
// Knows no bytes.
import { createReadStream, createWriteStream, statSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { basename } from 'node:path'
import { literalOf, SftpError, TransferError, TransferFailures, type TransferResult, type TreeOptions } from 'nacre/sftp'
import type { Meter } from '../transfer/progress.ts'
import type { Command, Given } from './command.ts'
import { CommandError, type Ends, isLost, reasonOf, transferWords, treeWords } from './failures.ts'
import { findFar, isFarDirectory, lookFar, type Match } from './far.ts'
import { baseOf, isFolder, joined, localGlob, statOf, systemPath } from './near.ts'
import { inMessage, visible } from './shown.ts'
import type { Session } from './session.ts'
import { LineError, plainOf } from './words.ts'

interface Manner {
  readonly resume: boolean
  readonly preserve: boolean
  readonly recursive: boolean
  readonly sync: boolean
}

const mannerOf = ({ settings }: Session, { flags, name }: Given): Manner => ({
  resume: settings.resume || flags.has('a') || name.startsWith('re'),
  preserve: settings.preserve || flags.has('p') || flags.has('P'),
  recursive: settings.recursive || flags.has('r') || flags.has('R'),
  sync: settings.sync || flags.has('f'),
})

const optionsOf = ({ settings, signal }: Session, manner: Manner): TreeOptions => ({
  signal,
  recursive: manner.recursive,
  preserve: manner.preserve,
  mode: 'source',
  sync: manner.sync,
  // What an earlier try has left is under the final name: it is gone on with there. All else appears when it is complete.
  resume: manner.resume,
  atomic: !manner.resume,
  replace: 'refuse',
  ...(settings.limit === undefined ? {} : { limit: settings.limit }),
  ...(settings.requests === undefined ? {} : { requests: settings.requests }),
  ...(settings.requestSize === undefined ? {} : { requestSize: settings.requestSize }),
})

/** A server that lets us write to a file, but make none beside it or replace it. */
const wantsPlace = (error: unknown): boolean =>
  (error instanceof TransferError && error.code === 'TRANSFER_EXISTS') || (error instanceof SftpError && error.operation === 'upload')

/** Moves something, with a meter; what cannot appear in one step is written in its place. */
const move = async (
  session: Session,
  name: string,
  size: number,
  options: TreeOptions,
  work: (options: TreeOptions) => Promise<TransferResult>,
): Promise<TransferResult> => {
  let meter: Meter | undefined
  const watched: TreeOptions = {
    ...options,
    onProgress: ({ done, total = size }) => {
      if (total > 0) meter ??= session.progress.begin(name, total)
      meter?.update(done, total)
    },
  }
  try {
    try {
      return await work(watched)
    } catch (error) {
      if (options.atomic !== true || options.recursive === true || !wantsPlace(error)) throw error
      return await work({ ...watched, atomic: false })
    }
  } finally {
    meter?.finish()
  }
}

/** Says what went wrong with a transfer; false, for whoever goes on with the next. */
const failed = (session: Session, error: unknown, ends: Ends): false => {
  if (session.signal.aborted || isLost(error)) throw error
  const lines =
    error instanceof TransferFailures
      ? treeWords(error, ends.up)
      : [error instanceof CommandError ? error.message : transferWords(error, ends)]
  for (const line of lines) session.complain(line)
  return false
}

/** Says what directories are gone into, and leaves nothing out. */
const announcing = (session: Session, verb: string, from: string): Pick<TreeOptions, 'filter'> => ({
  filter: (path, type) => {
    if (type === 'directory') session.say(`${verb} ${visible(joined(from, path))}`)
    return true
  },
})

// ── down ────────────────────────────────────────────────────────────────────────────────────────────────────────────

const getTree = async (session: Session, match: Match, to: string, manner: Manner): Promise<void> => {
  const { sftp, signal } = session
  const from = await sftp.realPath(match.path, { signal })
  session.say(`Retrieving ${visible(from)}`)
  const options = { ...optionsOf(session, manner), ...announcing(session, 'Retrieving', from) }
  const { notes } = await move(session, baseOf(from), 0, options, given => sftp.download(from, session.near(to), given))
  for (const { path } of notes) session.complain(`download "${inMessage(path)}": not a regular file`)
}

const getFile = async (session: Session, { path, stat }: Match, to: string, manner: Manner): Promise<void> => {
  const { sftp } = session
  const facts = stat.isSymbolicLink() ? await lookFar(session, path) : stat
  if (facts.type !== 'file' && facts.type !== 'unknown') throw new CommandError(`download ${inMessage(path)}: not a regular file`)
  const target = session.near(to)
  if (to.endsWith('/') && !isFolder(target)) throw new CommandError(`open local "${inMessage(to)}": Is a directory`)
  const there = statOf(target)
  if (manner.resume && there?.isFile() === true && facts.attributes.size !== undefined) {
    if (there.size > facts.size) throw new CommandError(`Unable to resume download of "${inMessage(to)}": local file is larger than remote`)
    if (there.size === facts.size) {
      session.complain(`File "${inMessage(to)}" was not modified`)
      return
    }
  }
  const options = optionsOf(session, { ...manner, recursive: false })
  // A device or a pipe takes the bytes as they come.
  const special = there !== undefined && !there.isFile() && !there.isDirectory()
  // A file that is replaced keeps its permissions; one with other names is written in its place, so that they stay.
  const kept: TreeOptions =
    there?.isFile() === true ? { mode: there.mode & 0o777, atomic: options.atomic === true && there.nlink === 1 } : {}
  await move(session, baseOf(path), facts.size, { ...options, ...kept }, given =>
    sftp.download(path, special ? Writable.toWeb(createWriteStream(systemPath(target))) : target, given),
  )
}

const runGet = async (session: Session, given: Given): Promise<boolean> => {
  const manner = mannerOf(session, given)
  const pattern = session.farPattern(given.words[0])
  const local = given.words[1] === undefined ? undefined : plainOf(given.words[1])
  const found = await findFar(session, pattern)
  if (found.length === 0) throw new CommandError(`File "${inMessage(pattern)}" not found.`)
  const inFolder = local !== undefined && isFolder(session.near(local))
  if (found.length > 1 && local !== undefined && !inFolder)
    throw new CommandError(`Multiple source paths, but destination "${inMessage(local)}" is not a directory`)
  let good = true
  for (const match of found) {
    session.signal.throwIfAborted()
    const name = baseOf(match.path)
    const to = local === undefined ? name : inFolder ? joined(local, name) : local
    session.tell(`${manner.resume ? 'Resuming' : 'Fetching'} ${match.path} to ${to}`)
    try {
      await (match.directory && manner.recursive ? getTree : getFile)(session, match, to, manner)
    } catch (error) {
      good = failed(session, error, { up: false, near: to, far: match.path })
    }
  }
  return good
}

// ── up ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

const putTree = async (session: Session, from: string, to: string, manner: Manner): Promise<void> => {
  session.say(`Entering ${visible(from)}`)
  const wanted = optionsOf(session, manner)
  // A server that replaces nothing in one step has its files written over.
  const atomic = wanted.atomic === true && session.sftp.extensions.has('posix-rename@openssh.com')
  const options = { ...wanted, atomic, ...announcing(session, 'Entering', from) }
  const name = baseOf(from)
  const { notes } = await move(session, name, 0, options, given => session.sftp.upload(session.near(from), to, given))
  for (const { path } of notes) session.complain(`${inMessage(basename(path))}: not a regular file`)
}

const putFile = async (session: Session, from: string, to: string, manner: Manner): Promise<void> => {
  const { sftp, signal } = session
  const path = session.near(from)
  const facts = statOf(path)
  if (facts === undefined || facts.isDirectory()) throw new CommandError(`local "${inMessage(from)}" is not a regular file`)
  const there = await sftp.stat(to, { signal }).catch((error: unknown) => {
    if (!(error instanceof SftpError) || isLost(error)) throw error
    return undefined
  })
  if (to.endsWith('/') && there?.isDirectory() !== true) throw new CommandError(`dest open "${inMessage(to)}": Failure (Is a directory)`)
  const plain = there === undefined || there.isFile() || there.isDirectory()
  if (manner.resume && there?.isFile() === true && there.size >= facts.size)
    throw new CommandError(`resume "${inMessage(from)}": destination file same size or larger`)
  const options = optionsOf(session, { ...manner, recursive: false })
  // A file that is replaced keeps its permissions; what is no file is written to.
  const kept: TreeOptions = {
    ...(there?.isFile() === true ? { mode: there.permissions & 0o777 } : {}),
    ...(plain ? {} : { atomic: false }),
  }
  // A device or a pipe here is read until it ends.
  const source = facts.isFile() ? path : (Readable.toWeb(createReadStream(systemPath(path))) as ReadableStream<Uint8Array>)
  await move(session, baseOf(from), facts.size, { ...options, ...kept }, given => sftp.upload(source, to, given))
}

const runPut = async (session: Session, given: Given): Promise<boolean> => {
  const manner = mannerOf(session, given)
  const [pattern] = given.words
  const far = given.words[1] === undefined ? undefined : session.far(plainOf(given.words[1]))
  const matches = localGlob(pattern, session.here)
  const found = matches.length > 0 ? matches : [literalOf(pattern)]
  const inDirectory = far !== undefined && (await isFarDirectory(session, far))
  if (found.length > 1 && far !== undefined && !inDirectory)
    throw new CommandError(`Multiple paths match, but destination "${inMessage(far)}" is not a directory`)
  let good = true
  for (const from of found) {
    session.signal.throwIfAborted()
    if (statOf(session.near(from)) === undefined || from === '') {
      session.complain(`stat ${inMessage(from)}: ${whyAbsent(from === '' ? '' : session.near(from))}`)
      good = false
      continue
    }
    const name = baseOf(from)
    const to = far === undefined ? session.far(name) : inDirectory ? joined(far, name) : far
    session.tell(`${manner.resume ? 'Resuming upload of' : 'Uploading'} ${from} to ${to}`)
    try {
      await (from.endsWith('/') && manner.recursive ? putTree : putFile)(session, from, to, manner)
    } catch (error) {
      good = failed(session, error, { up: true, near: from, far: to })
    }
  }
  return good
}

/** Why a file that was named cannot be looked at. */
const whyAbsent = (path: string): string => {
  try {
    statSync(systemPath(path))
    return 'No such file or directory'
  } catch (error) {
    return reasonOf(error)
  }
}

const check = ({ name, words }: Given): void => {
  if (words.length === 0) throw new LineError(`You must specify at least one path after a ${name} command.`)
}

const moving = (names: readonly string[], help: Command['help'], completes: Command['completes'], run: Command['run']): Command => ({
  names,
  help,
  flags: 'afPpRr',
  completes,
  check,
  run,
})

export const transferCommands: readonly Command[] = [
  moving(['get', 'mget'], [['get [-afpR] remote [local]', 'Download file']], ['far', 'near'], runGet),
  moving(['put', 'mput'], [['put [-afpR] local [remote]', 'Upload file']], ['near', 'far'], runPut),
  moving(['reget'], [['reget [-fpR] remote [local]', 'Resume download file']], ['far', 'near'], runGet),
  moving(['reput'], [['reput [-fpR] local [remote]', 'Resume upload file']], ['near', 'far'], runPut),
]
