// Owns how a line typed at `sftp> ` is taken apart: prefixes, words, quotes and backslashes, as OpenSSH's sftp does it. Words come
// out as patterns: what was quoted has a backslash before each character that would mean something. Knows no commands.

/** What is wrong with a line; the message is shown as it is. */
export class LineError extends Error {}

export interface Word {
  /** As a pattern: `literalOf` of it is the name. */
  readonly text: string
  /** Where it begins in the line. */
  readonly start: number
  /** The quote it is still in at the end of the line. */
  readonly open: '"' | "'" | undefined
}

const mostWords = 128
const blank = /\s/
const wild = new Set(['?', '[', '*'])

/** Reads one word from `start` on; `next` is behind it. */
const readWord = (line: string, start: number): { readonly word: Word; readonly next: number } => {
  let text = ''
  let quote: '"' | "'" | undefined
  let at = start
  for (; at < line.length; at++) {
    const character = line[at]
    const following = line[at + 1] ?? ''
    if (quote === undefined && (blank.test(character) || character === '#')) break
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) quote = character
    else if (character !== '\\') text += quote !== undefined && wild.has(character) ? `\\${character}` : character
    else {
      at++
      if (following === quote) text += following
      // Within quotes a backslash is one, and what it stands before is no wildcard.
      else if (quote !== undefined) text += wild.has(following) ? `\\\\\\${following}` : `\\${following}`
      else text += wild.has(following) || following === '\\' ? `\\${following}` : following
    }
  }
  return { word: { text, start, open: quote }, next: at }
}

/** The words of a line. With `lenient` a quote may be left open, as while somebody types. Throws `LineError`. */
export const splitWords = (line: string, { lenient = false } = {}): readonly Word[] => {
  const words: Word[] = []
  for (let at = 0; at < line.length;) {
    if (blank.test(line[at])) {
      at++
      continue
    }
    if (line[at] === '#') break
    if (words.length >= mostWords) throw new LineError('Too many arguments.')
    const { word, next } = readWord(line, at)
    if (word.open !== undefined && !lenient) throw new LineError('Unterminated quoted argument')
    words.push(word)
    at = next
  }
  return words
}

export interface Prefixed {
  /** `-`: an error does not end the batch. */
  readonly forgiving: boolean
  /** `@`: the line is not shown. */
  readonly silent: boolean
  /** What follows; '' for a blank line and a comment. */
  readonly command: string
}

/** Takes the prefixes off a line. */
export const readPrefixes = (line: string): Prefixed => {
  const found = /^\s*([-@]*)\s*/.exec(line) as RegExpExecArray
  const command = line.slice(found[0].length)
  return { forgiving: found[1].includes('-'), silent: found[1].includes('@'), command: command.startsWith('#') ? '' : command }
}

/** The name a word stands for where patterns are not looked for. */
export const plainOf = (word: string): string => word.replace(/\\([?[*\\])/g, '$1')

/** A pattern that means `name` and nothing else. */
export const patternOf = (name: string): string => name.replace(/[[\]?*\\]/g, '\\$&')

/** `a{b,c}` as `ab` and `ac`; what has no braces, or `{}`, is itself. */
export const expandBraces = (pattern: string): readonly string[] => {
  const open = openBrace(pattern)
  if (open < 0) return [pattern]
  const parts: string[] = []
  let depth = 0
  let from = open + 1
  for (let at = open; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === '{') depth++
    else if (pattern[at] === ',' && depth === 1) {
      parts.push(pattern.slice(from, at))
      from = at + 1
    } else if (pattern[at] === '}' && --depth === 0) {
      parts.push(pattern.slice(from, at))
      const [head, tail] = [pattern.slice(0, open), pattern.slice(at + 1)]
      return parts.flatMap(part => expandBraces(head + part + tail))
    }
  }
  return [pattern]
}

const openBrace = (pattern: string): number => {
  for (let at = 0; at < pattern.length; at++) {
    if (pattern[at] === '\\') at++
    else if (pattern[at] === '{' && pattern[at + 1] !== '}') return at
  }
  return -1
}
