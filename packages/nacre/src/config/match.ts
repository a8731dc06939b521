// Owns the syntax of a `Match` line: criteria, their arguments, negation. Knows no criterion's meaning: a table of names
// says what each takes, and who resolves says whether it holds.
import { BadValue } from './kinds.ts'

/** The release of OpenSSH whose language is read; what `Match version` is compared with. */
export const openSshRelease = 'OpenSSH_10.5p1'

/** What a criterion takes, and how it may be written. */
export interface CriterionRow {
  readonly takes: 'nothing' | 'argument' | 'argument, empty too'
  /** `criterion=argument` as one word is read as well. */
  readonly withEquals?: true
}

/** The criteria of a dialect by their names in lower case; `all` is in every one. */
export interface MatchTable {
  readonly criteria: Readonly<Record<string, CriterionRow>>
  /** `!` in front of a criterion turns it round. */
  readonly negation: boolean
  /** How many criteria may stand before `all`. */
  readonly beforeAll: 0 | 1
}

export interface Criterion {
  /** In lower case. */
  readonly name: string
  readonly negated: boolean
  /** Empty for a criterion that takes none. */
  readonly argument: string
}

const splitEquals = (word: string, table: MatchTable): readonly [string, string | undefined] => {
  const equals = word.indexOf('=')
  if (equals < 0) return [word.toLowerCase(), undefined]
  const name = word.slice(0, equals).toLowerCase()
  const row = Object.hasOwn(table.criteria, name) ? table.criteria[name] : undefined
  return row?.withEquals === true ? [name, word.slice(equals + 1)] : [word.toLowerCase(), undefined]
}

/** The criteria of a line in order; all of them have to hold. Throws `BadValue`. */
export const readCriteria = (words: readonly string[], table: MatchTable): readonly Criterion[] => {
  const found: Criterion[] = []
  for (let at = 0; at < words.length && !words[at].startsWith('#'); at++) {
    const negated = table.negation && words[at].startsWith('!')
    const [name, joined] = splitEquals(negated ? words[at].slice(1) : words[at], table)
    if (name === 'all') {
      const after = words[at + 1]
      if (found.length > table.beforeAll || (after !== undefined && after !== '' && !after.startsWith('#')))
        throw new BadValue('has “all” together with other criteria; it stands alone')
      return [...found, { name, negated, argument: '' }]
    }
    if (!Object.hasOwn(table.criteria, name))
      throw new BadValue(`has the criterion “${name}”, which there is not; there is ${['all', ...Object.keys(table.criteria)].join(', ')}`)
    const { takes } = table.criteria[name]
    if (takes === 'nothing') {
      found.push({ name, negated, argument: '' })
      continue
    }
    const argument = joined ?? words[++at]
    if (argument === undefined || argument.startsWith('#') || (argument === '' && takes === 'argument'))
      throw new BadValue(`has the criterion “${name}” without what it is compared with`)
    found.push({ name, negated, argument })
  }
  if (found.length === 0) throw new BadValue('needs one or more criteria')
  return found
}
