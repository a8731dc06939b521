// Owns the reading of command lines by the rules of getopt(3), and the text of a command's help, both from one declared
// table. Knows nothing of what an option does.
import { escapeForPeople, SshError } from 'nacre'

/** The command line is wrong. The message says how; the command adds its usage and exits with its own code for that. */
export class UsageError extends SshError {
  constructor(message: string) {
    super('USAGE', message)
  }
}

/** One option. `value` names what follows it, for the help; an option without it is a flag. */
export interface OptionRow<Letter extends string = string> {
  readonly letter: Letter
  readonly value?: string
  /** One sentence for the help; `undefined` keeps a letter out of it that is only accepted for compatibility. */
  readonly help: string | undefined
}

/** A command line as read. Letters are checked against the table where its type is known (`as const`). */
export interface CommandLine<Letter extends string = string> {
  /** Every option in the order given; the value of a flag is the empty text. */
  readonly given: readonly { readonly letter: Letter; readonly value: string }[]
  /** What is left. */
  readonly operands: readonly string[]
  /** `--help` or `--version` stood where an option could: nothing after it was read. */
  readonly wants: 'help' | 'version' | undefined
  /** How often a letter was given. */
  count(letter: Letter): number
  /** Its last value, or `undefined` when it was not given. */
  last(letter: Letter): string | undefined
  /** All its values, in order. */
  all(letter: Letter): readonly string[]
}

export interface GetoptOptions {
  /**
   * How many operands options may still follow. 0 (the default) is getopt's own rule: the first operand ends the options.
   * 1 is `ssh`'s: options may stand after the host, and the first word of the command ends them. `--` ends them always.
   */
  readonly operandsBeforeEnd?: number
}

interface Given<Letter> {
  readonly letter: Letter
  readonly value: string
}

/** Reads `argv` (without the program's name). Throws `UsageError` for an unknown letter or a missing value. */
export const getopt = <const Letter extends string>(
  argv: readonly string[],
  table: readonly OptionRow<Letter>[],
  options: GetoptOptions = {},
): CommandLine<Letter> => {
  const rows = new Map<string, OptionRow<Letter>>(table.map(row => [row.letter, row]))
  const given: Given<Letter>[] = []
  const operands: string[] = []
  let wants: 'help' | 'version' | undefined
  let index = 0

  /** Reads one bundle, `-vvp22`; the value of its last letter may be the next argument. */
  const bundle = (text: string): void => {
    for (let at = 1; at < text.length; at++) {
      const row = rows.get(text[at])
      if (row === undefined) throw new UsageError(`unknown option -- ${escapeForPeople(String.fromCodePoint(text.codePointAt(at) ?? 0))}`)
      if (row.value === undefined) {
        given.push({ letter: row.letter, value: '' })
        continue
      }
      const glued = text.slice(at + 1)
      if (glued === '' && index >= argv.length) throw new UsageError(`option -${row.letter} needs a value: ${row.value}`)
      given.push({ letter: row.letter, value: glued === '' ? argv[index++] : glued })
      return
    }
  }

  const before = options.operandsBeforeEnd ?? 0
  while (index < argv.length) {
    const text = argv[index]
    if (text === '--') {
      index++
      break
    }
    if (text === '--help' || text === '--version') {
      wants = text === '--help' ? 'help' : 'version'
      index = argv.length
    } else if (text.startsWith('-') && text !== '-') {
      index++
      bundle(text)
    } else if (operands.length < before) {
      operands.push(text)
      index++
    } else break
  }
  operands.push(...argv.slice(index))
  const all = (letter: Letter): readonly string[] => given.filter(each => each.letter === letter).map(each => each.value)
  return { given, operands, wants, all, count: letter => all(letter).length, last: letter => all(letter).at(-1) }
}

export interface HelpParts {
  /** The program as it was called. */
  readonly program: string
  /** What may stand behind it, a line each: `[options] [user@]host [command [argument …]]`. */
  readonly usage: readonly string[]
  /** One sentence on what the command does. */
  readonly about: string
  readonly options: readonly OptionRow[]
  /** Paragraphs at the end: exit codes, files. */
  readonly notes?: readonly string[]
}

const helpWidth = 80
const helpColumn = 20

/** Breaks a text into lines of at most `width` characters, at blanks. */
const wrap = (text: string, width: number): readonly string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** The usage lines alone, for the end of an error message. */
export const usageText = (parts: Pick<HelpParts, 'program' | 'usage'>): string =>
  parts.usage.map((line, index) => `${index === 0 ? 'usage:' : '      '} ${parts.program} ${line}\n`).join('')

/** The long help. */
export const helpText = (parts: HelpParts): string => {
  const rows = parts.options
    .filter(row => row.help !== undefined)
    .map(row => {
      const left = `  -${row.letter}${row.value === undefined ? '' : ` ${row.value}`}`
      const lines = wrap(row.help ?? '', helpWidth - helpColumn).map(line => ' '.repeat(helpColumn) + line)
      const fits = left.length < helpColumn - 1
      return fits ? [left.padEnd(helpColumn) + lines[0].trimStart(), ...lines.slice(1)] : [left, ...lines]
    })
  const notes = (parts.notes ?? []).flatMap(note => ['', ...wrap(note, helpWidth)])
  return `${[usageText(parts).trimEnd(), '', ...wrap(parts.about, helpWidth), '', ...rows.flat(), ...notes].join('\n')}\n`
}
