// Owns which rows of the tables are offered, in which order: the defaults, a caller's list, or OpenSSH's `+`, `-`, `^`
// patterns over the defaults. Knows nothing of the wire.
import { ConfigError } from '../errors.ts'
import { matchesWildcard } from '../patterns.ts'
import type { Standing } from './rows.ts'

interface Named {
  readonly name: string
  readonly standing: Standing
}

const defaults = new WeakMap<readonly Named[], readonly string[]>()

/** The names offered when nobody says otherwise, in order of preference. */
export const defaultNames = (rows: readonly Named[]): readonly string[] => {
  const known = defaults.get(rows)
  if (known !== undefined) return known
  const names = Object.freeze(rows.filter(row => row.standing === 'default').map(row => row.name))
  defaults.set(rows, names)
  return names
}

/**
 * The names a specification asks for. `undefined` gives the defaults; an array is taken as it stands; a string is
 * `a,b` (exactly these), `+a,b` (defaults, then these), `-a*` (defaults without), `^a` (these first, then defaults).
 * `*` and `?` stand for characters of names; nothing insecure is asked for by them. Throws `ConfigError` for a name no row
 * has, with the names that exist.
 */
export const choose = (what: string, rows: readonly Named[], specification: string | readonly string[] | undefined): readonly string[] => {
  if (specification === undefined) return defaultNames(rows)
  const known = (name: string): string => {
    if (rows.some(row => row.name === name)) return name
    throw new ConfigError(`"${name}" is not a ${what} nacre knows. It knows: ${rows.map(row => row.name).join(', ')}.`)
  }
  if (typeof specification !== 'string') return [...new Set(specification.map(known))]
  const named = (pattern: string): readonly string[] => {
    if (!/[*?]/.test(pattern)) return [known(pattern)]
    const found = rows.filter(row => row.standing !== 'insecure' && matchesWildcard(pattern, row.name)).map(row => row.name)
    if (found.length === 0)
      throw new ConfigError(`"${pattern}" stands for no ${what} nacre knows. It knows: ${rows.map(row => row.name).join(', ')}.`)
    return found
  }
  const sign = specification[0]
  const names = (sign === '+' || sign === '-' || sign === '^' ? specification.slice(1) : specification)
    .split(',')
    .filter(each => each !== '')
  if (names.length === 0) throw new ConfigError(`The list of ${what}s is empty.`)
  const usual = defaultNames(rows)
  const chosen =
    sign === '-'
      ? usual.filter(name => !names.some(pattern => matchesWildcard(pattern, name)))
      : sign === '+'
        ? [...usual, ...names.flatMap(named)]
        : sign === '^'
          ? [...names.flatMap(named), ...usual]
          : names.flatMap(named)
  if (chosen.length === 0) throw new ConfigError(`No ${what} is left after "${specification}".`)
  return [...new Set(chosen)]
}
