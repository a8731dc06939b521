// Owns what a row of a table of keywords is, and the usual ways to write one. Knows neither keywords nor syntax.
import type { Statement } from './document.ts'
import type { Kind } from './kinds.ts'

/** The value a property has so far; `undefined` while no line has said one. */
export type SoFar = (property: string) => unknown

/** What is said of a value that is read and printed, but that nothing acts on. */
export interface NotInEffect<T> {
  /** True for a value that asks for what happens anyway. */
  asksNothing(value: T): boolean
  /**
   * With any other value: `ignore` says nothing, since nobody can tell the difference; `warn` says that it has no effect;
   * `refuse` is an error before anything is done, because going on would be less safe, or would go elsewhere, than asked.
   */
  readonly otherwise: 'ignore' | 'warn' | 'refuse'
  /** Why, as the sentence goes on after the keyword. Default: `is not supported by this version and has no effect`. */
  readonly because?: string
}

const unsupported = 'is not supported by this version'
/** What is said of a keyword that has no effect, without the full stop. */
export const noEffect = (name: string, because = `${unsupported} and has no effect`): string => `${name} ${because}`
/** The same where nothing may be done because of it. */
export const refusedEffect = (name: string, because = unsupported): string => `${name} ${because}`

/** A row: a keyword, what it may say, and what holds when it says nothing. `undefined` as a default means “not set”. */
export interface Keyword<T, D = T> {
  readonly name: string
  readonly kind: Kind<T>
  readonly fallback: D
  /**
   * What a value becomes when another line gives one more, or what a first one becomes (`soFar` is undefined then).
   * Without it the first line wins. `by` are the statements so far and, last, that of `next`; `undefined` adds nothing.
   */
  combine?(soFar: T | undefined, next: T, by: readonly Statement[]): T | undefined
  /** Former names, which mean the same. */
  readonly oldNames?: readonly string[]
  readonly notInEffect?: NotInEffect<T>
  /** May not stand under `Match` (a server's). */
  readonly onlyGlobal?: true
  /** False when another keyword's value leaves no room for this one. */
  takes?(value: T, soFar: SoFar): boolean
  /** Blocks are not asked, as OpenSSH does not for a few: the value counts wherever it stands. */
  readonly everywhere?: true
}

export type KeywordTable = Readonly<Record<string, Keyword<unknown, unknown>>>
/** The values a table describes, by the property names of its rows. */
export type Values<Table> = { readonly [K in keyof Table]: Table[K] extends Keyword<infer T, infer D> ? T | D : never }

/** What a row may say beside name, kind and default. */
export type RowOptions<T> = Omit<Keyword<T>, 'name' | 'kind' | 'fallback'>

export const set = <T>(name: string, kind: Kind<T>, fallback: T, options: RowOptions<T> = {}): Keyword<T> => ({
  name,
  kind,
  fallback,
  ...options,
})
export const unset = <T>(name: string, kind: Kind<T>, options: RowOptions<T> = {}): Keyword<T, undefined> => ({
  name,
  kind,
  fallback: undefined,
  ...options,
})
/** Each further line adds to the list. */
export const list = <T>(
  name: string,
  kind: Kind<readonly T[]>,
  fallback: readonly T[] = [],
  options: RowOptions<readonly T[]> = {},
): Keyword<readonly T[]> => ({
  name,
  kind,
  fallback,
  combine: (soFar, next) => (soFar === undefined ? next : [...soFar, ...next]),
  ...options,
})
