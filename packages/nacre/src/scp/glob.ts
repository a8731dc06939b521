// Owns patterns of file names as glob(7) has them: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash that takes a meaning away;
// matching a name, and finding the paths of a tree that match. Knows nothing of whose tree it is.

type Piece =
  | { readonly is: 'text'; readonly character: string }
  | { readonly is: 'one' | 'many' }
  | { readonly is: 'set'; readonly test: RegExp }

/** Named sets of POSIX, in ASCII. */
const classes: Readonly<Record<string, string>> = {
  alnum: 'A-Za-z0-9',
  alpha: 'A-Za-z',
  blank: ' \\t',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: ' \\t\\n\\v\\f\\r',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
}

const escaped = (character: string): string => `\\u{${(character.codePointAt(0) as number).toString(16)}}`

/** A set from behind its `[`, and how many characters it took; `undefined` when there is none: then it is a bracket. */
const setAt = (pattern: readonly string[], start: number): { readonly test: RegExp; readonly next: number } | undefined => {
  let at = start
  const negated = pattern[at] === '!' || pattern[at] === '^'
  if (negated) at++
  let members = ''
  for (let first = true; first || pattern[at] !== ']'; first = false) {
    if (at >= pattern.length) return undefined
    const named = pattern[at] === '[' && pattern[at + 1] === ':' ? /^\[:([a-z]+):\]/.exec(pattern.slice(at).join('')) : null
    if (named !== null && Object.hasOwn(classes, named[1])) {
      members += classes[named[1]]
      at += named[0].length
      continue
    }
    if (pattern[at] === '\\' && at + 1 < pattern.length) at++
    const low = pattern[at++]
    if (pattern[at] !== '-' || at + 1 >= pattern.length || pattern[at + 1] === ']') {
      members += escaped(low)
      continue
    }
    at++
    if (pattern[at] === '\\' && at + 1 < pattern.length) at++
    const high = pattern[at++]
    if ((low.codePointAt(0) as number) <= (high.codePointAt(0) as number)) members += `${escaped(low)}-${escaped(high)}`
  }
  // A set of nothing matches nothing, and its opposite anything.
  return { test: new RegExp(`^[${negated ? '^' : ''}${members}]$`, 'su'), next: at + 1 }
}

const piecesOf = (pattern: string): readonly Piece[] => {
  const characters = Array.from(pattern)
  const pieces: Piece[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at]
    if (character === '*') pieces.push({ is: 'many' })
    else if (character === '?') pieces.push({ is: 'one' })
    else if (character === '[') {
      const set = setAt(characters, at + 1)
      if (set === undefined) pieces.push({ is: 'text', character })
      else {
        pieces.push({ is: 'set', test: set.test })
        at = set.next - 1
      }
    } else {
      if (character === '\\' && at + 1 < characters.length) at++
      pieces.push({ is: 'text', character: characters[at] })
    }
  }
  return pieces
}

const fits = (piece: Piece, character: string): boolean =>
  piece.is === 'one' || (piece.is === 'text' && piece.character === character) || (piece.is === 'set' && piece.test.test(character))

/** A test for names. A dot at the beginning must be said. Takes at most pattern × name steps. */
export const nameMatcher = (pattern: string): ((name: string) => boolean) => {
  const pieces = piecesOf(pattern)
  const saysDot = pieces[0]?.is === 'text' && pieces[0].character === '.'
  return name => {
    if (name.startsWith('.') && !saysDot) return false
    const characters = Array.from(name)
    let p = 0
    let star = -1
    let resume = 0
    for (let n = 0; n < characters.length;) {
      if (pieces[p]?.is === 'many') {
        star = p++
        resume = n
      } else if (p < pieces.length && fits(pieces[p], characters[n])) {
        p++
        n++
      } else if (star >= 0) {
        p = star + 1
        n = ++resume
      } else return false
    }
    while (pieces[p]?.is === 'many') p++
    return p === pieces.length
  }
}

/** Whether anything in it means more than itself. */
export const isPattern = (pattern: string): boolean => piecesOf(pattern).some(piece => piece.is !== 'text')

/** The pattern without its backslashes: what it says when it is none. */
export const plainText = (pattern: string): string => pattern.replaceAll(/\\([\s\S])/g, '$1')

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
      found = found.map(directory => join(directory, plainText(step)))
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
