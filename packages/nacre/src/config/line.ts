// Owns the syntax of one line of a configuration file: keyword, separator, words, quotes, comments. Knows no keyword.
import { BadValue, type Words } from './kinds.ts'

/** A line that says something. */
export interface Line extends Words {
  /** As written. */
  readonly keyword: string
}

/**
 * Splits into words as OpenSSH does: blanks separate; single or double quotes join; a backslash makes the next quote,
 * backslash or (outside quotes) space literal; a word that begins with `#` ends the line.
 */
const splitWords = (text: string): readonly string[] => {
  const found: string[] = []
  let current: string | undefined
  let quote = ''
  for (let index = 0; index < text.length; index++) {
    const character = text[index]
    const next = text[index + 1] ?? ''
    if (character === '\\' && next !== '' && (`"'\\`.includes(next) || (next === ' ' && quote === ''))) {
      current = (current ?? '') + next
      index++
    } else if (quote !== '') {
      if (character === quote) quote = ''
      else current += character
    } else if (character === '"' || character === "'") {
      quote = character
      current ??= ''
    } else if (/\s/.test(character)) {
      if (current !== undefined) found.push(current)
      current = undefined
    } else if (character === '#' && current === undefined) break
    else current = (current ?? '') + character
  }
  if (quote !== '') throw new BadValue(`has a ${quote} without its partner`)
  if (current !== undefined) found.push(current)
  return found
}

/** A line's keyword and what follows it, or `undefined` for an empty line or a comment. */
export const readLine = (text: string): Line | undefined => {
  const found = /^\s*([^\s=#"][^\s=]*)(?:\s*=\s*|\s+|$)(.*)$/s.exec(text)
  if (found === null) {
    if (/^\s*(#|$)/.test(text)) return undefined
    throw new BadValue('does not begin with a keyword')
  }
  const raw = found[2].trimEnd()
  return {
    keyword: found[1],
    raw,
    get words() {
      return splitWords(raw)
    },
  }
}
