// Owns the files that say which users of which hosts may come (hosts.equiv(5): .shosts, shosts.equiv and their elders): reading
// their lines, and what they say of one user. Knows nothing of where they are or of keys.

/** One side of a line: `name`, `@netgroup`, and whether a minus stood before it. */
interface Named {
  readonly name: string
  readonly group: boolean
}

export interface RhostsLine {
  /** Counts from 1. */
  readonly line: number
  readonly host: Named
  /** `undefined`: the user of that name here. */
  readonly user: Named | undefined
  /** Whoever fits is refused. */
  readonly negated: boolean
}

/** Who comes: the host by the name and the address it is known by. */
export interface Visitor {
  readonly host: string
  readonly address: string
  readonly user: string
}

/** Whether a netgroup has this host, or this user. */
export type InNetgroup = (group: string, member: { readonly host?: string; readonly user?: string }) => boolean | Promise<boolean>

/** Longer lines are in no file in good faith; OpenSSH takes them to pieces. */
const longestLine = 1023

const named = (word: string): Named => (word.startsWith('@') ? { name: word.slice(1), group: true } : { name: word, group: false })

/** What stands before a name, and the rest. A plus means nothing. */
const signed = (word: string): { readonly minus: boolean; readonly rest: string } => ({
  minus: word.startsWith('-'),
  rest: word.replace(/^[-+]/, ''),
})

const parseLine = (text: string, line: number): RhostsLine | string | undefined => {
  const trimmed = text.replace(/^[ \t]+/, '')
  if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('NO_PLUS')) return undefined
  if (text.length > longestLine) return 'it is too long'
  const words = trimmed.split(/\s+/).filter(each => each !== '')
  if (words.length === 0) return undefined
  if (words.length > 2) return 'it has more than a host and a user'
  const host = signed(words[0])
  const user = words.length === 2 ? signed(words[1]) : undefined
  // A plus alone once let in everybody.
  if (host.rest === '' || user?.rest === '') return 'it is for everybody, which is not taken'
  return {
    line,
    host: named(host.rest),
    user: user === undefined ? undefined : named(user.rest),
    negated: host.minus || user?.minus === true,
  }
}

/** The lines that mean something, in order; `say` is told of those that look as if they did. */
export const parseRhosts = (text: string, say: (line: number, problem: string) => void): readonly RhostsLine[] =>
  text.split('\n').flatMap((raw, index) => {
    const line = parseLine(raw, index + 1)
    if (typeof line !== 'string') return line ?? []
    say(index + 1, line)
    return []
  })

const isHost = async ({ name, group }: Named, visitor: Visitor, inNetgroup: InNetgroup): Promise<boolean> =>
  group
    ? (await inNetgroup(name, { host: visitor.host })) || (await inNetgroup(name, { host: visitor.address }))
    : name.toLowerCase() === visitor.host.toLowerCase() || name === visitor.address

const isUser = async (user: Named | undefined, visitor: Visitor, here: string, inNetgroup: InNetgroup): Promise<boolean> => {
  if (user === undefined) return visitor.user === here
  return user.group ? await inNetgroup(user.name, { user: visitor.user }) : user.name === visitor.user
}

/** The first line that fits decides; `here` is who they want to be. `undefined` when none does. */
export const rhostsLine = async (
  lines: readonly RhostsLine[],
  visitor: Visitor,
  here: string,
  inNetgroup: InNetgroup,
): Promise<RhostsLine | undefined> => {
  for (const line of lines)
    if ((await isHost(line.host, visitor, inNetgroup)) && (await isUser(line.user, visitor, here, inNetgroup))) return line
  return undefined
}

/** Reads what getent(1) prints of a netgroup, `name (host,user,domain) …`; an empty place stands for everybody. */
export const netgroupHas = (printed: string, member: { readonly host?: string; readonly user?: string }): boolean =>
  [...printed.matchAll(/\(([^,()]*),([^,()]*),[^()]*\)/g)]
    .map(([, host, user]) => ({ host: host.trim(), user: user.trim() }))
    .some(
      ({ host, user }) =>
        (member.host === undefined || host === '' || host.toLowerCase() === member.host.toLowerCase()) &&
        (member.user === undefined || user === '' || user === member.user),
    )
