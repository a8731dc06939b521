// Owns what a command of `sftp> ` is, and reading its flags and numbers. Rows are in the files of their groups, and all of them in
// `table.ts`. Knows no row.
import { inMessage } from './shown.ts'
import type { Session } from './session.ts'
import { LineError } from './words.ts'

/** What a command has been given. */
export interface Given {
  /** The name it was called by, as the table has it. */
  readonly name: string
  /** Letters. */
  readonly flags: ReadonlySet<string>
  /** The last of several that contradict one another is found by the order. */
  readonly order: string
  /** Words, as patterns. */
  readonly words: readonly string[]
  /** The line behind the name, as it was typed. */
  readonly rest: string
}

/** Something that can be done. */
export interface Command {
  readonly names: readonly string[]
  /** `[-hi] [path]`, and what it does, for the help; each of `names` has its own line unless it is left out. */
  readonly help: readonly (readonly [call: string, does: string])[]
  /** Letters it takes; `undefined`: its words are not looked at. */
  readonly flags: string | undefined
  /** Where its words are names, for completion; the last one stands for all that follow. */
  readonly completes: readonly ('near' | 'far')[]
  /** Says what is missing. Throws `LineError`. */
  check?(given: Given): void
  /** Does it. Throws; resolves with false when something went wrong that has been said, and with `end` when it is over. */
  run(session: Session, given: Given): Promise<boolean | 'end'>
}

/** getopt(3), without values. */
const readFlags = (
  name: string,
  words: readonly string[],
  letters: string,
): { readonly order: string; readonly words: readonly string[] } => {
  let order = ''
  for (const [index, word] of words.entries()) {
    if (word === '--') return { order, words: words.slice(index + 1) }
    if (!word.startsWith('-') || word === '-') return { order, words: words.slice(index) }
    for (const letter of word.slice(1)) {
      if (!letters.includes(letter)) throw new LineError(`${name}: Invalid flag -${inMessage(letter)}`)
      order += letter
    }
  }
  return { order, words: [] }
}

/** What stands behind the name of a command. Throws `LineError`. */
export const readGiven = (command: Command, name: string, words: readonly string[], rest: string): Given => {
  if (command.flags === undefined) return { name, flags: new Set(), order: '', words, rest }
  const read = readFlags(name, words, command.flags)
  const given: Given = { name, flags: new Set(read.order), order: read.order, words: read.words, rest }
  command.check?.(given)
  return given
}

/** For `check`. */
export const needsPath = ({ name, words }: Given): void => {
  if (words.length === 0) throw new LineError(`You must specify a path after a ${name} command.`)
}
export const needsTwoPaths = ({ name, words }: Given): void => {
  if (words.length < 2) throw new LineError(`You must specify two paths after a ${name} command.`)
}

/** strtoll(3) with base 8, or with that the prefix says. */
export const numberOf = ({ name, words: [word = ''] }: Given, octal: boolean): number => {
  const text = word.replace(/^\+/, '')
  let value = Number.NaN
  if (octal || /^0[0-7]*$/.test(text)) value = /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
  else if (/^(0x[\da-f]+|[1-9]\d*)$/i.test(text)) value = Number(text)
  if (!(value >= 0 && value <= 0xffff_ffff)) throw new LineError(`You must supply a numeric argument to the ${name} command.`)
  return value
}
