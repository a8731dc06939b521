// Owns turning a text of configuration into its statements in order: keyword, words, file, line, enclosing block. Knows
// no keyword but those that open a block, and neither files nor what a statement means.
import { ConfigError, escapeForPeople } from '../errors.ts'
import { BadValue, type Words } from './kinds.ts'
import { type Line, readLine, splitWords } from './line.ts'

/** A text to read. Earlier sources win over later ones, so options of the command line come first. */
export interface ConfigSource {
  /** Shown in errors and warnings: the path of the file, or `command line`. */
  readonly path: string
  readonly text: string
  /** True for one `-o` option: one line without a number, in which nothing may be left without effect. */
  readonly isOption?: boolean
  /** Whose file it is: a person's own, or the system's (the default). An Include belongs to whom its file belongs. */
  readonly isUsers?: boolean
}

export interface Place {
  readonly path: string
  /** Counts from 1; absent for an option of the command line. */
  readonly line?: number
}

/** One statement of a file. Its values are not yet read: that needs its keyword's row. */
export interface Statement extends Words, Place {
  /** As written. */
  readonly keyword: string
  /** The keyword in lower case. */
  readonly name: string
  readonly source: ConfigSource
  /** The `Host` or `Match` line of the same file that it stands under. */
  readonly block: Statement | undefined
  /** What its row has made of it, for whoever reads the same statement again. */
  reading?: unknown
}

export interface ConfigDocument {
  readonly source: ConfigSource
  readonly statements: readonly Statement[]
  /** Lines that are no statement, each with file and line. */
  readonly problems: readonly ConfigError[]
}

/** `path line 3`, or the path alone. */
export const showPlace = ({ path, line }: Place): string => (line === undefined ? path : `${path} line ${line}`)

/** What is wrong at a place; `keyword` begins the sentence. */
export const faultAt = (place: Place, keyword: string, cause: BadValue): ConfigError =>
  new ConfigError(`${escapeForPeople(`${keyword} ${cause.message}`)}.`, place, { cause })

const place = (source: ConfigSource, index: number): Place =>
  source.isOption === true ? { path: source.path } : { path: source.path, line: index + 1 }

/** A class, since a file may have thousands: literals with getters cost many times as much. */
class ReadStatement implements Statement {
  readonly path: string
  declare readonly line?: number
  readonly keyword: string
  readonly name: string
  readonly raw: string
  readonly source: ConfigSource
  readonly block: Statement | undefined
  reading: unknown = undefined
  #words: readonly string[] | undefined

  constructor(line: Line, source: ConfigSource, index: number, block: Statement | undefined) {
    this.path = source.path
    if (source.isOption !== true) this.line = index + 1
    this.keyword = line.keyword
    this.name = line.keyword.toLowerCase()
    this.raw = line.raw
    this.source = source
    this.block = block
  }

  get words(): readonly string[] {
    this.#words ??= splitWords(this.raw)
    return this.#words
  }
}

/** The text of a line ends at a NUL, as it does for programs in C. */
const untilNul = (text: string): string => {
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

/** Reads a source into statements. Throws nothing: lines that are none are `problems`. Cost is linear in the text. */
export const parseDocument = (source: ConfigSource): ConfigDocument => {
  const statements: Statement[] = []
  const problems: ConfigError[] = []
  let block: Statement | undefined
  const lines = source.isOption === true ? [source.text] : source.text.replace(/^\ufeff/, '').split('\n')
  for (let index = 0; index < lines.length; index++) {
    try {
      const line = readLine(untilNul(lines[index]))
      if (line === undefined) continue
      const each = new ReadStatement(line, source, index, block)
      statements.push(each)
      if (each.name === 'host' || each.name === 'match') block = each
    } catch (error) {
      if (!(error instanceof BadValue)) throw error
      problems.push(faultAt(place(source, index), 'The line', error))
    }
  }
  return { source, statements, problems }
}
