// Owns resolving documents of statements to values by a table of keywords: which blocks count, which value wins, and what
// decided it. Knows no keyword, no criterion's meaning and no file: those are asked for.
import { ConfigError, escapeForPeople } from '../errors.ts'
import { matchesPatternList } from '../patterns.ts'
import { type ConfigDocument, type ConfigSource, faultAt, showPlace, type Statement } from './document.ts'
import { BadValue } from './kinds.ts'
import { type Criterion, type MatchTable, readCriteria } from './match.ts'
import { nearest } from './nearest.ts'
import { type Keyword, type KeywordTable, noEffect, refusedEffect, type SoFar } from './table.ts'

/** One of two languages: that of sshd_config or that of ssh_config. */
export interface Dialect {
  readonly table: KeywordTable
  readonly match: MatchTable
  /** Keywords without a row: `silent` mean nothing, `deprecated` no more, `unsupported` nothing in any build like ours. */
  readonly meaningless: ReadonlyMap<string, 'silent' | 'deprecated' | 'unsupported'>
  /** The property whose value, patterns, names keywords that may be unknown. */
  readonly ignoreUnknown?: string
}

/** Does a criterion of a `Match` line hold? `argument` is empty where it takes none. Negation is seen to elsewhere. */
export interface MatchQuestion {
  readonly ask: 'match'
  readonly criterion: string
  readonly argument: string
  readonly statement: Statement
  readonly soFar: SoFar
}

/** Which documents does an Include name? In the order they are to be read; none is no fault. */
export interface IncludeQuestion {
  readonly ask: 'include'
  /** As written: tokens, `~`, `${…}` and wildcards. */
  readonly pattern: string
  readonly source: ConfigSource
  readonly statement: Statement
  readonly soFar: SoFar
  /** Says what is odd about it, after the keyword, and goes on. */
  warn(message: string): void
}

/** Throws `BadValue` for an argument that is none; it becomes a problem with file and line. */
export type Decide = (question: MatchQuestion) => boolean
export type DecideLater = (question: MatchQuestion) => boolean | Promise<boolean>
export type Include = (question: IncludeQuestion) => readonly ConfigDocument[]

export interface ResolveOptions {
  /** What `Host` blocks are compared with; without it `Host` is no keyword. */
  readonly host?: string
  /**
   * What statements count that stand under no block. `all` (the default) is one reading of everything. `blocks` leaves
   * them out: only what stands under a `Match` that holds (how a server reads again for a connection).
   */
  readonly count?: 'all' | 'blocks'
  /** A resolution to go on from: its values are there first (a client's second pass). */
  readonly after?: Resolved
}

/** What nothing acts on though it was asked for. */
export interface WithoutEffect {
  readonly name: string
  readonly statement: Statement
  readonly otherwise: 'warn' | 'refuse'
  readonly because?: string | undefined
}

export interface Resolved {
  /** Values by property, only those a statement gave. */
  readonly values: ReadonlyMap<string, unknown>
  /** For each of those the statement that decided, or all that added to it, in order. */
  readonly decidedBy: ReadonlyMap<string, readonly Statement[]>
  /** What is wrong, in the order of the files; nothing may be done while there is anything. */
  readonly problems: readonly ConfigError[]
  /** Sentences for people, each with file and line: old names, keywords that mean nothing. */
  readonly warnings: readonly string[]
  /** Values that count and have no effect. */
  readonly withoutEffect: readonly WithoutEffect[]
  /** Criteria that stand on a `Match` line without `!`, in any file, whether or not its block counts. */
  readonly criteria: ReadonlySet<string>
}

const includeDepth = 16

const indexes = new WeakMap<KeywordTable, ReadonlyMap<string, string>>()
/** Properties by every name of their keywords, in lower case. */
const indexOf = (table: KeywordTable): ReadonlyMap<string, string> => {
  const known = indexes.get(table)
  if (known !== undefined) return known
  const made = new Map<string, string>()
  for (const [property, row] of Object.entries(table))
    for (const name of [row.name, ...(row.oldNames ?? [])]) made.set(name.toLowerCase(), property)
  indexes.set(table, made)
  return made
}

/** The row of a keyword by any of its names, in lower case. */
export const rowNamed = (table: KeywordTable, name: string): Keyword<unknown, unknown> | undefined => {
  const property = indexOf(table).get(name)
  return property === undefined ? undefined : table[property]
}

interface Reading {
  readonly row: Keyword<unknown, unknown>
  readonly value?: unknown
  readonly fault?: BadValue
}
const isReadingOf = (row: Keyword<unknown, unknown>, known: unknown): known is Reading =>
  typeof known === 'object' && known !== null && 'row' in known && known.row === row

/** A server reads the same statements for every connection; what they say does not change. */
const readValue = (row: Keyword<unknown, unknown>, statement: Statement): Reading => {
  const known = statement.reading
  if (isReadingOf(row, known)) return known
  let made: Reading
  try {
    made = { row, value: row.kind.read(statement) }
  } catch (error) {
    if (!(error instanceof BadValue)) throw error
    made = { row, fault: error }
  }
  statement.reading = made
  return made
}

/** Where a text stands among the blocks: whether its statements count, and whether a block in it could make them. */
interface Standing {
  readonly counts: boolean
  readonly never: boolean
  readonly depth: number
}

type Question = MatchQuestion | IncludeQuestion
type Answer = boolean | readonly ConfigDocument[]
type Steps<T> = Generator<Question, T, Answer>

class Resolution {
  readonly #dialect: Dialect
  readonly #options: ResolveOptions
  readonly #values: Map<string, unknown>
  readonly #decidedBy: Map<string, readonly Statement[]>
  readonly #problems: ConfigError[] = []
  readonly #warnings: string[] = []
  readonly #withoutEffect: WithoutEffect[]
  readonly #criteria: Set<string>
  /** Set when files name each other in circles: whatever else they say would be read again and again. */
  #ended = false
  readonly #soFar: SoFar = property => this.#values.get(property)

  constructor(dialect: Dialect, options: ResolveOptions) {
    this.#dialect = dialect
    this.#options = options
    this.#values = new Map(options.after?.values)
    this.#decidedBy = new Map(options.after?.decidedBy)
    this.#withoutEffect = [...(options.after?.withoutEffect ?? [])]
    this.#criteria = new Set(options.after?.criteria)
  }

  *steps(documents: readonly ConfigDocument[]): Steps<Resolved> {
    for (const document of documents) yield* this.#document(document, { counts: this.#options.count !== 'blocks', never: false, depth: 0 })
    return {
      values: this.#values,
      decidedBy: this.#decidedBy,
      problems: this.#problems,
      warnings: this.#warnings,
      withoutEffect: this.#withoutEffect,
      criteria: this.#criteria,
    }
  }

  *#document(document: ConfigDocument, standing: Standing): Steps<void> {
    this.#problems.push(...document.problems)
    const { source } = document
    let { counts } = standing
    let inBlock = false
    for (const statement of document.statements) {
      if (this.#ended) return
      const { name } = statement
      try {
        if (name === 'match' || (name === 'host' && this.#options.host !== undefined)) {
          this.#notAnOption(source)
          const holds = name === 'match' ? yield* this.#match(statement, standing.never) : this.#host(statement)
          counts = holds && !standing.never
          inBlock = true
        } else if (name === 'include') {
          this.#notAnOption(source)
          yield* this.#include(statement, source, {
            counts,
            never: standing.never || (inBlock && !counts),
            depth: standing.depth + 1,
          })
        } else this.#keyword(statement, source, counts, inBlock)
      } catch (error) {
        if (error instanceof ConfigError) this.#problems.push(error)
        else if (error instanceof BadValue) this.#problems.push(faultAt(statement, statement.keyword, error))
        else throw error
      }
    }
  }

  #notAnOption(source: ConfigSource): void {
    if (source.isOption === true) throw new BadValue('stands in files only, not on the command line')
  }

  #needed(statement: Statement): readonly string[] {
    const { raw, words } = statement
    if (raw === '') throw new BadValue('needs a value')
    if (words.includes('')) throw new BadValue('has an empty value')
    return words
  }

  #host(statement: Statement): boolean {
    return matchesPatternList(this.#needed(statement), this.#options.host ?? '')
  }

  *#match(statement: Statement, never: boolean): Steps<boolean> {
    if (statement.raw === '') throw new BadValue('needs one or more criteria')
    const criteria = readCriteria(statement.words, this.#dialect.match)
    for (const { name, negated } of criteria) if (!negated) this.#criteria.add(name)
    if (never) return false
    for (const criterion of criteria) if ((yield* this.#holds(criterion, statement)) === criterion.negated) return false
    return true
  }

  *#holds({ name, argument }: Criterion, statement: Statement): Steps<boolean> {
    if (name === 'all') return true
    return (yield { ask: 'match', criterion: name, argument, statement, soFar: this.#soFar }) === true
  }

  *#include(statement: Statement, source: ConfigSource, standing: Standing): Steps<void> {
    const patterns = this.#needed(statement)
    if (standing.depth > includeDepth) {
      this.#ended = true
      throw new BadValue(`is nested more than ${includeDepth} deep`)
    }
    for (const pattern of patterns) {
      const found = yield {
        ask: 'include',
        pattern,
        source,
        statement,
        soFar: this.#soFar,
        warn: message => this.#warn(statement, escapeForPeople(message)),
      }
      for (const document of typeof found === 'boolean' ? [] : found) yield* this.#document(document, standing)
    }
  }

  #keyword(statement: Statement, source: ConfigSource, counts: boolean, inBlock: boolean): void {
    const { table, meaningless } = this.#dialect
    const property = indexOf(table).get(statement.name)
    if (property !== undefined) {
      const row = table[property]
      // Read again for a connection, what stands outside of blocks was heard before.
      if (!inBlock && this.#options.count === 'blocks' && !counts) return
      // A block that holds for everybody (`Match all`) is as good as none.
      if (row.onlyGlobal === true && !counts && this.#options.count !== 'blocks') throw new BadValue('may not stand under Match')
      const { value, fault } = readValue(row, statement)
      if (fault !== undefined) throw fault
      if (counts || row.everywhere === true) this.#take(property, row, value, statement, source)
      return
    }
    const fate = meaningless.get(statement.name)
    if (fate !== undefined) {
      if (counts && fate !== 'silent')
        this.#warn(statement, fate === 'deprecated' ? 'has had no meaning for years; remove it' : 'is supported by nobody; remove it')
      return
    }
    if (this.#mayBeUnknown(statement.name)) return
    const close = nearest(
      statement.keyword,
      Object.values(table).map(row => row.name),
    )
    throw new ConfigError(
      `${escapeForPeople(statement.keyword)} is not a keyword nacre knows.${close === undefined ? '' : ` Did you mean ${close}?`}`,
      statement,
    )
  }

  #mayBeUnknown(name: string): boolean {
    const { ignoreUnknown } = this.#dialect
    const patterns = ignoreUnknown === undefined ? undefined : this.#values.get(ignoreUnknown)
    return typeof patterns === 'string' && matchesPatternList(patterns.toLowerCase().split(','), name)
  }

  #take(property: string, row: Keyword<unknown, unknown>, value: unknown, statement: Statement, source: ConfigSource): void {
    if (row.takes?.(value, this.#soFar) === false) return
    if (statement.name !== row.name.toLowerCase()) this.#warn(statement, `is an old name; write ${row.name}`)
    const isFirst = !this.#values.has(property)
    if (!isFirst && row.combine === undefined) return
    const by = [...(this.#decidedBy.get(property) ?? []), statement]
    const combined = row.combine === undefined ? value : row.combine(this.#values.get(property), value, by)
    if (combined === undefined) return
    this.#values.set(property, combined)
    this.#decidedBy.set(property, by)
    if (row.notInEffect === undefined || row.notInEffect.asksNothing(value)) return
    const { otherwise, because } = row.notInEffect
    if (otherwise === 'ignore') return
    // What is asked for by hand, now, is not passed over with a warning.
    this.#withoutEffect.push({ name: row.name, statement, because, otherwise: source.isOption === true ? 'refuse' : otherwise })
  }

  #warn(statement: Statement, message: string): void {
    this.#warnings.push(`${showPlace(statement)}: ${escapeForPeople(statement.keyword)} ${message}.`)
  }
}

const noFiles: Include = () => {
  throw new BadValue('is not supported here: there is no folder that files could come from')
}

export interface Answers<D> {
  readonly decide: D
  /** Without it an Include is a problem. */
  readonly include?: Include
}

/**
 * Resolves documents in order: of each keyword the first value that counts wins, unless its row says how values add up.
 * Statements that do not count are checked all the same. Throws nothing of its own: what is wrong is in `problems`.
 */
export const resolveConfig = (
  documents: readonly ConfigDocument[],
  dialect: Dialect,
  answers: Answers<Decide>,
  options: ResolveOptions = {},
): Resolved => {
  const steps = new Resolution(dialect, options).steps(documents)
  const { decide, include = noFiles } = answers
  let step = steps.next()
  while (step.done !== true) {
    const question = step.value
    step = answered(steps, () => (question.ask === 'match' ? decide(question) : include(question)))
  }
  return step.value
}

/** As `resolveConfig`, for criteria that take time to find out about (`exec`). */
export const resolveConfigLater = async (
  documents: readonly ConfigDocument[],
  dialect: Dialect,
  answers: Answers<DecideLater>,
  options: ResolveOptions = {},
): Promise<Resolved> => {
  const steps = new Resolution(dialect, options).steps(documents)
  const { decide, include = noFiles } = answers
  let step = steps.next()
  while (step.done !== true) {
    const question = step.value
    try {
      const answer: Answer = question.ask === 'match' ? await decide(question) : include(question)
      step = steps.next(answer)
    } catch (error) {
      step = steps.throw(error)
    }
  }
  return step.value
}

/** What cannot be answered is thrown where it was asked, which knows file and line. */
const answered = (steps: Steps<Resolved>, answer: () => Answer): IteratorResult<Question, Resolved> => {
  let found: Answer
  try {
    found = answer()
  } catch (error) {
    return steps.throw(error)
  }
  return steps.next(found)
}

/** The values of every row: those given, and the defaults. */
export const withDefaults = <Config>(table: KeywordTable, values: ReadonlyMap<string, unknown>): Config => {
  const config: Record<string, unknown> = {}
  for (const [property, row] of Object.entries(table)) config[property] = values.has(property) ? values.get(property) : row.fallback
  return config as Config
}

/** What was asked for and has no effect: an error where going on would be wrong, a warning where not. */
export const effects = ({
  withoutEffect,
}: Pick<Resolved, 'withoutEffect'>): { readonly refused: readonly ConfigError[]; readonly warnings: readonly string[] } => ({
  refused: withoutEffect
    .filter(each => each.otherwise === 'refuse')
    .map(({ name, statement, because }) => new ConfigError(`${refusedEffect(name, because)}.`, statement)),
  warnings: withoutEffect
    .filter(each => each.otherwise === 'warn')
    .map(({ name, statement, because }) => `${showPlace(statement)}: ${noEffect(name, because)}.`),
})

/** All problems as one error: the first says where, the others follow it. `undefined` when there are none. */
export const oneError = (problems: readonly ConfigError[]): ConfigError | undefined => {
  if (problems.length < 2) return problems[0]
  const [first, ...others] = problems
  const place = { ...(first.path === undefined ? {} : { path: first.path }), ...(first.line === undefined ? {} : { line: first.line }) }
  const start = first.path === undefined ? '' : `${showPlace({ path: first.path, ...place })}: `
  return new ConfigError([first.message.slice(start.length), ...others.map(each => each.message)].join(' '), place, { cause: first })
}
