// Owns the syntax of one line of a configuration file: keyword, separator, words, quotes, comments, as OpenSSH 10.5 reads
// them. Knows no keyword.
import { BadValue } from './kinds.ts'

/** A line that says something. */
export interface Line {
  /** As written. */
  readonly keyword: string
  /** What follows the keyword as it stands: quotes, escapes and `#` included, blanks at both ends left out. */
  readonly raw: string
}

const isBlank = (character: string): boolean => character === ' ' || character === '\t' || character === '\r' || character === '\n'

const skipBlanks = (text: string, from: number): number => {
  let at = from
  while (at < text.length && isBlank(text[at])) at++
  return at
}

/** What a keyword is read from, and where the rest begins; `rest` is undefined when the text ended with the keyword. */
interface Delimited {
  readonly found: string
  readonly rest: string | undefined
}

/**
 * The text up to a blank, a quote or an equals sign. One equals sign among the blanks that follow is part of the
 * separator. A double quote is dropped and what follows it is taken up to the next one, also in the middle of a word.
 * `undefined` when that next quote is missing.
 */
const delimit = (text: string): Delimited | undefined => {
  let end = 0
  while (end < text.length && !isBlank(text[end]) && text[end] !== '"' && text[end] !== '=') end++
  if (end === text.length) return { found: text, rest: undefined }
  if (text[end] === '"') {
    const close = text.indexOf('"', end + 1)
    if (close < 0) return undefined
    return { found: text.slice(0, end) + text.slice(end + 1, close), rest: text.slice(skipBlanks(text, close + 1)) }
  }
  let at = skipBlanks(text, end + 1)
  if (text[end] !== '=' && text[at] === '=') at = skipBlanks(text, at + 1)
  return { found: text.slice(0, end), rest: text.slice(at) }
}

const escapable = (character: string | undefined, quote: string): boolean =>
  character === '"' || character === "'" || character === '\\' || (character === ' ' && quote === '')

/** Neither blank nor quote nor backslash. */
const isPlain = (code: number): boolean => code !== 0x20 && code !== 0x09 && code !== 0x22 && code !== 0x27 && code !== 0x5c

/** One word from `from` on, and where it ends. */
const readWord = (text: string, from: number): { readonly word: string; readonly end: number } => {
  let word = ''
  let quote = ''
  let at = from
  // Most words are plain.
  while (at < text.length && isPlain(text.charCodeAt(at))) at++
  if (at === text.length || text[at] === ' ' || text[at] === '\t') return { word: text.slice(from, at), end: at }
  word = text.slice(from, at)
  for (; at < text.length; at++) {
    const character = text[at]
    if (character === '\\') {
      if (escapable(text[at + 1], quote)) at++
      word += text[at]
    } else if (quote === '' && (character === ' ' || character === '\t')) break
    else if (quote === '' && (character === '"' || character === "'")) quote = character
    else if (quote !== '' && character === quote) quote = ''
    else word += character
  }
  if (quote !== '') throw new BadValue(`has a ${quote} without its partner`)
  return { word, end: at }
}

/**
 * Splits into words: spaces and tabs separate; single or double quotes join, also within a word; a backslash makes the
 * next quote, backslash or (outside quotes) space literal and is itself otherwise; a word that begins with `#` ends the
 * line. Throws `BadValue` for a quote without its partner.
 */
export const splitWords = (text: string): readonly string[] => {
  const words: string[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ' ' || text[at] === '\t') continue
    if (text[at] === '#') break
    const { word, end } = readWord(text, at)
    words.push(word)
    at = end
  }
  return words
}

/** Blanks at the end, and form feeds there, say nothing. */
const trimEnd = (text: string): string => {
  let end = text.length
  while (end > 0 && (isBlank(text[end - 1]) || text[end - 1] === '\f')) end--
  return text.slice(0, end)
}

/** A line's keyword and what follows it, or `undefined` for an empty line or a comment. Throws `BadValue`. */
export const readLine = (text: string): Line | undefined => {
  const line = trimEnd(text)
  if (line === '') return undefined
  let part = delimit(line)
  // A blank, an equals sign or an empty pair of quotes in front is passed over once.
  if (part !== undefined && part.found === '') part = part.rest === undefined ? undefined : delimit(part.rest)
  if (part === undefined || part.found === '' || part.found.startsWith('#')) {
    if (part === undefined && line.includes('"') && !line.trimStart().startsWith('#')) throw new BadValue('has a " without its partner')
    return undefined
  }
  return { keyword: part.found, raw: part.rest === undefined ? '' : part.rest.slice(skipBlanks(part.rest, 0)) }
}
