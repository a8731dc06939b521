// Owns replacing `%h` and the like, `${VARIABLE}` and `~` in values. Knows neither keywords nor where values come from.
import { BadValue } from './kinds.ts'

/** Letters and what they stand for; `%%` is always a percent sign. */
export type Tokens = Readonly<Record<string, string>>
export type Variables = Readonly<Record<string, string | undefined>>

/** A variable that is not set: a name cannot be told. */
export class UnsetVariable extends BadValue {}

const variableAt = (text: string, at: number, variables: Variables): { readonly value: string; readonly end: number } => {
  const end = text.indexOf('}', at + 2)
  if (end < 0) throw new BadValue('has a ${ without its }')
  const name = text.slice(at + 2, end)
  if (name === '') throw new BadValue('has ${} without a name')
  const value = Object.hasOwn(variables, name) ? variables[name] : undefined
  if (value === undefined) throw new UnsetVariable(`needs the variable ${name}, which is not set`)
  return { value, end }
}

const tokenAt = (text: string, at: number, tokens: Tokens): string => {
  const letter = text[at + 1]
  if (letter === '%') return '%'
  if (letter === undefined) throw new BadValue('ends with a % that stands for nothing; write %% for a percent sign')
  if (Object.hasOwn(tokens, letter)) return tokens[letter]
  throw new BadValue(
    `has %${letter}, which stands for nothing here; there is ${['%%', ...Object.keys(tokens).map(each => `%${each}`)].join(', ')}`,
  )
}

/**
 * Replaces tokens, and with `variables` also `${NAME}`. What is put in is not looked at again. Throws `BadValue` for an
 * unknown token or a variable that is not set.
 */
export const expandTokens = (text: string, tokens: Tokens, variables?: Variables): string => {
  if (!text.includes('%') && (variables === undefined || !text.includes('${'))) return text
  let expanded = ''
  for (let at = 0; at < text.length; at++) {
    if (variables !== undefined && text.startsWith('${', at)) {
      const { value, end } = variableAt(text, at, variables)
      expanded += value
      at = end
    } else if (text[at] === '%') {
      expanded += tokenAt(text, at, tokens)
      at++
    } else expanded += text[at]
  }
  return expanded
}

/** `~` and `~user` in front of a path. Throws `BadValue` for a user who is not known. */
export const expandTilde = (path: string, home: string, homeOf: (user: string) => string | undefined): string => {
  const found = /^~([^/]*)(?:\/+(.*))?$/s.exec(path)
  if (found === null) return path
  const folder = found[1] === '' ? home : homeOf(found[1])
  if (folder === undefined) throw new BadValue(`names the home of ${found[1]}, and there is no such user`)
  return `${folder}${folder.endsWith('/') ? '' : '/'}${found[2] ?? ''}`
}
