// Owns `ls` and `df`. What a line looks like is in `long-line.ts`, columns are in `shown.ts`.
import { once } from 'node:events'
import { bytesOfName, type Entry, type FileFacts, type FilesystemStat } from 'nacre/sftp'
import { extensions } from 'nacre/sftp'
import { widthOf } from '../transfer/width.ts'
import type { Command, Given } from './command.ts'
import { attempt, CommandError } from './failures.ts'
import { findFar, type Match } from './far.ts'
import { longLine } from './long-line.ts'
import { joined } from './near.ts'
import { inColumns, inMessage, scaled, visible } from './shown.ts'
import type { Session } from './session.ts'
import { expandBraces, plainOf } from './words.ts'

/** One line of a listing, or one item in its columns. */
interface Item {
  /** What it is sorted by. */
  readonly name: string
  /** What is shown of its name. */
  readonly shown: string
  readonly facts: FileFacts
  /** As the server made it up; '' where it did not. */
  readonly longName: string
}

interface View {
  readonly long: boolean
  readonly single: boolean
  readonly units: boolean
  readonly numeric: boolean
  readonly all: boolean
  readonly reverse: boolean
  readonly sort: 'name' | 'size' | 'time' | undefined
}

/** Of letters that contradict one another the last holds. */
const viewOf = ({ flags, order }: Given): View => {
  const sort = [...order].findLast(letter => 'Sft'.includes(letter))
  const shape = [...order].findLast(letter => '1ln'.includes(letter))
  // After -1 the others begin anew.
  const since = order.slice(order.lastIndexOf('1') + 1)
  return {
    long: shape === 'l' || shape === 'n',
    single: shape === '1',
    units: since.includes('h'),
    numeric: since.includes('n'),
    all: flags.has('a'),
    reverse: flags.has('r'),
    sort: sort === 'S' ? 'size' : sort === 't' ? 'time' : sort === 'f' ? undefined : 'name',
  }
}

const byName = (a: Item, b: Item): number => Buffer.compare(bytesOfName(a.name), bytesOfName(b.name))

const sorted = (items: readonly Item[], { sort, reverse }: View): readonly Item[] => {
  if (sort === undefined) return items
  const sign = reverse ? -1 : 1
  const first: Record<typeof sort, (a: Item, b: Item) => number> = {
    name: byName,
    size: (a, b) => b.facts.size - a.facts.size,
    time: (a, b) => b.facts.modified.getTime() - a.facts.modified.getTime(),
  }
  return items.toSorted((a, b) => sign * (first[sort](a, b) || byName(a, b)))
}

const namesRow = extensions.find(row => row.name === 'users-groups-by-id@openssh.com')

interface Owners {
  readonly users: ReadonlyMap<number, string>
  readonly groups: ReadonlyMap<number, string>
}

/** Numbers asked for at once. */
const atOnce = 256

/** Names of owners and groups, where the server tells them. */
const ownersOf = async (session: Session, items: readonly Item[]): Promise<Owners> => {
  const users = new Map<number, string>()
  const groups = new Map<number, string>()
  if (namesRow === undefined || !session.sftp.extensions.has(namesRow.name)) return { users, groups }
  const wanted = (pick: (facts: FileFacts) => number | undefined): number[] =>
    [...new Set(items.map(item => pick(item.facts)))].filter(each => each !== undefined)
  const [uids, gids] = [wanted(facts => facts.uid), wanted(facts => facts.gid)]
  for (let at = 0; at < Math.max(uids.length, gids.length); at += atOnce) {
    const [someUsers, someGroups] = [uids.slice(at, at + atOnce), gids.slice(at, at + atOnce)]
    const request = { users: someUsers, groups: someGroups }
    const answer = await session.sftp.calls.extended<unknown, unknown>(namesRow as never, request, {
      operation: 'ask for names',
      signal: session.signal,
    })
    const names = answer as { readonly users: readonly string[]; readonly groups: readonly string[] }
    for (const [index, uid] of someUsers.entries()) if (names.users[index]) users.set(uid, names.users[index])
    for (const [index, gid] of someGroups.entries()) if (names.groups[index]) groups.set(gid, names.groups[index])
  }
  return { users, groups }
}

/** Shows items; `widest`: columns of the widest of what names are measured by. `own`: lines are never the server's. */
const show = async (session: Session, items: readonly Item[], view: View, widest: number, own: boolean): Promise<void> => {
  if (!view.long) {
    if (view.single) for (const item of items) session.say(item.shown)
    else
      session.environment.stdout.write(
        inColumns(
          items.map(item => item.shown),
          widest,
          session.columns,
        ),
      )
    return
  }
  const asked = namesRow !== undefined && session.sftp.extensions.has(namesRow.name)
  const owners = view.numeric ? undefined : await ownersOf(session, items).catch(() => undefined)
  const now = Date.now()
  for (const { facts, shown, longName } of items) {
    session.signal.throwIfAborted()
    if (!own && !asked && !view.numeric && !view.units && longName !== '') {
      session.say(visible(longName))
      continue
    }
    const { uid = 0, gid = 0 } = facts
    const owner = visible(owners?.users.get(uid) ?? String(uid))
    const group = visible(owners?.groups.get(gid) ?? String(gid))
    session.say(longLine({ name: shown, facts, owner, group, units: view.units, now }))
  }
}

/** Without the directory we are in, when the path was given from there. */
const stripped = (path: string, strip: string | undefined): string => {
  if (strip === undefined || !path.startsWith(strip)) return path
  const rest = path.slice(strip.length)
  return rest.startsWith('/') && !strip.endsWith('/') ? rest.slice(1) : rest
}

/** Entries that are shown at a time when there are more than can be held. */
const atATime = 1000

/** Until what was written has been taken: whoever shows much must not hold it all. */
const taken = async ({ environment: { stdout }, signal }: Session): Promise<void> => {
  signal.throwIfAborted()
  if (!stdout.write('')) await once(stdout, 'drain', { signal })
}

const listDirectory = async (session: Session, path: string, strip: string | undefined, view: View): Promise<void> => {
  const { sftp, signal } = session
  const items: Item[] = []
  const add = (name: string, facts: FileFacts, longName: string): void => {
    items.push({ name, facts, longName, shown: visible(stripped(joined(path, name), strip)) })
  }
  if (view.all) for (const name of ['.', '..']) add(name, await sftp.lstat(joined(path, name), { signal }), '')
  const about = `remote readdir("${inMessage(path)}")`
  const failed = (error: Error): void => session.complain(error.message)
  const { mostSorted } = session
  let most = mostSorted
  const flush = async (shown: readonly Item[]): Promise<void> => {
    const widest = shown.reduce((most, item) => Math.max(most, widthOf(item.shown)), 0)
    await show(session, shown, view, widest, false)
    items.length = 0
    await taken(session)
  }
  const read = async (): Promise<void> => {
    for await (const entry of sftp.list(path, { signal, onError: failed }) as AsyncIterable<Entry>) {
      if (!view.all && entry.name.startsWith('.')) continue
      add(entry.name, entry, entry.longName)
      if (items.length <= most) continue
      if (most === mostSorted && view.sort !== undefined)
        session.complain(`"${inMessage(path)}" has more than ${mostSorted} entries: they are shown as they come, not sorted`)
      most = atATime
      await flush(items)
    }
  }
  await attempt(about, read())
  await flush(most === mostSorted ? sorted(items, view) : items)
}

const listMatches = async (session: Session, pattern: string, strip: string | undefined, view: View): Promise<void> => {
  const found: Match[] = []
  for (const each of expandBraces(pattern)) found.push(...(await findFar(session, each)))
  if (found.length === 0) throw new CommandError(`Can't ls: "${inMessage(pattern)}" not found`)
  if (found.length === 1 && found[0].directory) {
    await listDirectory(session, found[0].path, strip, view)
    return
  }
  const items = found.map(({ path, stat }) => ({ name: path, facts: stat, longName: '', shown: visible(stripped(path, strip)) }))
  const widest = Math.max(0, ...found.map(each => widthOf(visible(each.path))))
  await show(session, sorted(items, view), view, widest, true)
}

const ls: Command = {
  names: ['ls', 'dir'],
  help: [['ls [-1afhlnrSt] [path]', 'Display remote directory listing']],
  flags: '1Safhlnrt',
  completes: ['far'],
  async run(session, given) {
    const view = viewOf(given)
    const [word] = given.words
    if (word === undefined) await listDirectory(session, session.there, session.there, view)
    else await listMatches(session, session.farPattern(word), word.startsWith('/') ? undefined : session.there, view)
    return true
  },
}

const percent = (used: number, all: number): string => (all === 0 ? 'ERR' : `${String(Math.floor((100 * used) / all)).padStart(3)}%`)
const inRow = (values: readonly (number | string)[], width: number, capacity: string): string =>
  `${values.map(each => String(each).padStart(width)).join(' ')}         ${capacity}`

/** The lines of `df`, with inodes, with units, or in kilobytes. */
export const spaceLines = (space: FilesystemStat, as: 'inodes' | 'units' | 'kilobytes'): readonly [string, string] => {
  const { files, freeFiles, availableFiles, fragmentSize: size, blocks, freeBlocks, availableBlocks } = space
  if (as === 'inodes')
    return [
      '     Inodes        Used       Avail      (root)    %Capacity',
      inRow([files, files - freeFiles, availableFiles, freeFiles], 11, percent(files - freeFiles, files)),
    ]
  const capacity = percent(blocks - freeBlocks, blocks)
  const values = [blocks, blocks - freeBlocks, availableBlocks, freeBlocks].map(each => each * size)
  if (as === 'units')
    return [
      '    Size     Used    Avail   (root)    %Capacity',
      inRow(
        values.map(each => `${scaled(each)}B`),
        8,
        capacity,
      ),
    ]
  return [
    '        Size         Used        Avail       (root)    %Capacity',
    inRow(
      values.map(each => Math.floor(each / 1024)),
      12,
      capacity,
    ),
  ]
}

const df: Command = {
  names: ['df'],
  help: [['df [-hi] [path]', "Display statistics for current directory or filesystem containing 'path'"]],
  flags: 'hi',
  completes: ['far'],
  async run(session, { flags, words: [word] }) {
    const path = word === undefined ? session.there : session.far(plainOf(word))
    if (!session.sftp.extensions.has('statvfs@openssh.com')) throw new CommandError('Server does not support statvfs@openssh.com extension')
    const space = await attempt(`remote statvfs("${inMessage(path)}")`, session.sftp.statvfs(path, { signal: session.signal }))
    for (const line of spaceLines(space, flags.has('i') ? 'inodes' : flags.has('h') ? 'units' : 'kilobytes')) session.say(line)
    return true
  },
}

export const listCommands: readonly Command[] = [df, ls]
