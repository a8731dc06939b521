// Owns finding the paths of a tree that match a pattern, as glob(7) has it, and what braces stand for. Knows nothing of whose
// tree it is.
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
  /** Names in a directory, in any order; none when it is none or cannot be read. */
  names(directory: string): Promise<readonly string[]>
  exists(path: string): Promise<boolean>
}

/** Paths found at most; more is for a person to say more exactly. */
const maximumFound = 100_000

/** In the order of their code points, not of a language. */
const byCode = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

/** The paths that match, sorted; none when nothing does. */
export const expandPattern = async (pattern: string, tree: Tree): Promise<readonly string[]> => {
  const steps = pattern.split('/')
  let found = steps[0] === '' ? ['/'] : ['']
  const join = (directory: string, name: string): string =>
    directory === '' || directory.endsWith('/') ? directory + name : `${directory}/${name}`
  let sure = true
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
      for (const name of [...(await tree.names(directory === '' ? '.' : directory))].sort(byCode))
        if (name !== '.' && name !== '..' && matches(name) && next.length < maximumFound) next.push(join(directory, name))
    }
    found = next
    sure = true
  }
  if (sure) return found
  const there: string[] = []
  for (const path of found) if (await tree.exists(path)) there.push(path)
  return there
}
