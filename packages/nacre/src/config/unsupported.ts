// Owns rows for keywords OpenSSH knows and nobody acts on here yet, and what becomes of each. A feature that is merely
// missing is a warning; a restriction or another route that would silently not apply is refused. Knows nothing of syntax.
import { anyWords } from './kinds.ts'
import { type Keyword, type NotInEffect, unset } from './table.ts'

/** A keyword that has no effect here. */
interface UnsupportedKeyword {
  readonly name: string
  /** Values that ask for what happens anyway; always fine. */
  readonly off: readonly string[]
  readonly otherwise: NotInEffect<unknown>['otherwise']
  readonly because?: string | undefined
}

/** Rows of `names`, blanks between; after `=` the values that ask for nothing, `|` between. */
export const rows = (otherwise: NotInEffect<unknown>['otherwise'], names: string, because?: string): readonly UnsupportedKeyword[] =>
  names
    .trim()
    .split(/\s+/)
    .map(each => {
      const [name, off] = each.split('=')
      return { name, off: off === undefined ? [] : off.split('|'), otherwise, because }
    })

/** A table of such rows; their properties are the names in lower case. */
export const unsupportedTable = (
  keywords: readonly UnsupportedKeyword[],
): Readonly<Record<string, Keyword<readonly string[], undefined>>> =>
  Object.fromEntries(
    keywords.map(({ name, off, otherwise, because }) => [
      name.toLowerCase(),
      unset(name, anyWords, {
        notInEffect: {
          asksNothing: ([first]) => off.includes(first.toLowerCase()),
          otherwise,
          ...(because === undefined ? {} : { because }),
        },
      }),
    ]),
  )
