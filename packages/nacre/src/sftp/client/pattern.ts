// Owns patterns for names as OpenSSH's sftp takes them (glob(3)): `*`, `?`, `[a-z]`, `[!a]`, `[[:digit:]]`, backslash. Knows one
// component of a path at a time, and no files.

type Token =
  | { readonly is: 'text'; readonly code: number }
  | { readonly is: 'any' }
  | { readonly is: 'star' }
  | { readonly is: 'set'; readonly negated: boolean; readonly has: (code: number) => boolean }

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[\p{L}\p{Nd}]/u,
  alpha: /\p{L}/u,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[^\s\p{C}]/u,
  lower: /\p{Ll}/u,
  print: /[^\p{C}]/u,
  punct: /[\p{P}\p{S}]/u,
  space: /\s/u,
  upper: /\p{Lu}/u,
  xdigit: /[0-9A-Fa-f]/,
}

interface SetRead {
  readonly token: Token
  readonly next: number
}

/** The set that begins at `at`, where a `[` stands; `undefined` when it is not closed, and then the `[` is one. */
const readSet = (characters: readonly string[], at: number): SetRead | undefined => {
  let i = at + 1
  const negated = characters[i] === '!' || characters[i] === '^'
  if (negated) i++
  const parts: ((code: number) => boolean)[] = []
  for (let first = true; first || characters[i] !== ']'; first = false) {
    if (i >= characters.length) return undefined
    const named = characters[i] === '[' && characters[i + 1] === ':' ? /^\[:([a-z]+):\]/.exec(characters.slice(i, i + 12).join('')) : null
    const known = named === null ? undefined : classes[named[1]]
    if (named !== null && known !== undefined) {
      parts.push(code => known.test(String.fromCodePoint(code)))
      i += named[0].length
      continue
    }
    if (characters[i] === '\\' && i + 1 < characters.length) i++
    const from = codeOf(characters[i++])
    let to = from
    if (characters[i] === '-' && i + 1 < characters.length && characters[i + 1] !== ']') {
      i += characters[i + 1] === '\\' && i + 2 < characters.length ? 2 : 1
      to = codeOf(characters[i++])
    }
    parts.push(code => code >= from && code <= to)
  }
  return { token: { is: 'set', negated, has: code => parts.some(part => part(code)) }, next: i + 1 }
}

const codeOf = (character: string): number => character.codePointAt(0) ?? 0

const tokensOf = (pattern: string): readonly Token[] => {
  const characters = [...pattern]
  const tokens: Token[] = []
  for (let i = 0; i < characters.length;) {
    const character = characters[i]
    const set = character === '[' ? readSet(characters, i) : undefined
    if (set !== undefined) {
      tokens.push(set.token)
      i = set.next
      continue
    }
    if (character === '*') {
      if (tokens.at(-1)?.is !== 'star') tokens.push({ is: 'star' })
    } else if (character === '?') tokens.push({ is: 'any' })
    else if (character === '\\' && i + 1 < characters.length) tokens.push({ is: 'text', code: codeOf(characters[++i]) })
    else tokens.push({ is: 'text', code: codeOf(character) })
    i++
  }
  return tokens
}

const fits = (token: Token, code: number): boolean => {
  if (token.is === 'text') return token.code === code
  return token.is === 'set' ? token.has(code) !== token.negated : token.is === 'any'
}

/** Takes at most pattern × name steps, whatever the pattern. */
const matchesTokens = (tokens: readonly Token[], name: readonly number[]): boolean => {
  let t = 0
  let n = 0
  let star = -1
  let resume = 0
  while (n < name.length) {
    const token = tokens[t] as Token | undefined
    if (token?.is === 'star') {
      star = t++
      resume = n
    } else if (token !== undefined && fits(token, name[n])) {
      t++
      n++
    } else if (star >= 0) {
      t = star + 1
      n = ++resume
    } else return false
  }
  while (tokens[t]?.is === 'star') t++
  return t === tokens.length
}

/** Whether `pattern` is more than a name. */
export const isPattern = (pattern: string): boolean => tokensOf(pattern).some(token => token.is !== 'text')

/** The name that a pattern without wildcards stands for: backslashes are taken away. */
export const literalOf = (pattern: string): string => pattern.replace(/\\(.)/gsu, '$1')

/** A test for names. A period at the beginning is matched by a period only. */
export const nameMatcher = (pattern: string): ((name: string) => boolean) => {
  const tokens = tokensOf(pattern)
  const hidden = tokens[0]?.is === 'text' && tokens[0].code === 0x2e
  return name => (hidden || !name.startsWith('.')) && matchesTokens(tokens, [...name].map(codeOf))
}
