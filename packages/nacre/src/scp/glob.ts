// Owns finding the paths of a tree that match a pattern, as glob(7) has it, and what braces stand for. Knows nothing of whose
// tree it is.
import { nextTurn } from '../io/soon.ts'
import { isPattern, literalOf, nameMatcher } from '../sftp/client/pattern.ts'

/** `{a,b}` as separate patterns, as bash and csh have it; at most 1024. */
export const braceAlternatives = (pattern: string): readonly string[] => {
  const limit = 1024
  const done: string[] = []
  const open = [pattern]
  while (open.length > 0 && done.length + open.length <= limit) {
    const next = open.pop() as string
    const brace = innermostBrace(next)
    if (brace === undefined) done.push(next)
    else for (const each of brace.choices) open.push(next.slice(0, brace.start) + each + next.slice(brace.end))
  }
  return [...new Set(done)]
}

/** The first braces that hold no others and have a choice. */
const innermostBrace = (
  pattern: string,
): { readonly start: number; readonly end: number; readonly choices: readonly string[] } | undefined => {
  let start = -1
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === '{') start = at
    else if (pattern[at] === '}' && start >= 0) {
      const choices = pattern.slice(start + 1, at).split(/(?<!\\),/)
      if (choices.length > 1) return { start, end: at + 1, choices }
      start = -1
    }
  }
  return undefined
}

/** What a search needs of a tree. Paths are as the pattern begins: absolute or not. */
export interface Tree {
  /** Names in a directory, in any order; none when it is none or cannot be read. More than `most` are not looked at. */
  names(directory: string, most: number): Promise<readonly string[]>
  exists(path: string): Promise<boolean>
}

/**
 * Paths found, directories looked into and names seen at most; more is for a person to say more exactly. Without these a line that
 * goes down by a star and up again, many times over, would keep a server busy for days.
 */
const maximumFound = 100_000
const maximumLooked = 10_000
const maximumSeen = 1_000_000
/** Directories looked into, or paths asked for, until everybody else has a turn. */
const steadily = 64

/** In the order of their code points, not of a language. */
const byCode = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

/** The paths that match, sorted; none when nothing does. What lies beyond the bounds above is not found. */
export const expandPattern = async (pattern: string, tree: Tree): Promise<readonly string[]> => {
  const steps = pattern.split('/')
  let found = steps[0] === '' ? ['/'] : ['']
  const join = (directory: string, name: string): string =>
    directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`
  let sure = true
  let looked = 0
  let seen = 0
  for (const step of steps) {
    // Doubled slashes, and those at either end.
    if (step === '') continue
    if (!isPattern(step)) {
      found = found.map(directory => join(directory, literalOf(step)))
      sure = false
      continue
    }
    const matches = nameMatcher(step)
    const next: string[] = []
    for (const directory of found) {
      if (looked === maximumLooked || seen >= maximumSeen) break
      if (++looked % steadily === 0) await nextTurn()
      const names = await tree.names(directory === '' ? '.' : directory, maximumSeen - seen)
      seen += names.length
      for (const name of [...names].sort(byCode))
        if (name !== '.' && name !== '..' && matches(name) && next.length < maximumFound) next.push(join(directory, name))
    }
    found = next
    sure = true
  }
  if (sure) return found
  const there: string[] = []
  for (const [index, path] of found.entries()) {
    if (index % steadily === steadily - 1) await nextTurn()
    if (await tree.exists(path)) there.push(path)
  }
  return there
}
