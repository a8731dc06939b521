// Runs the same operations on the model and on something else, says where they first differ, and finds fewer operations
// that still do.
import { REFUSED, UNCLEAR } from './model.ts'
import { type Operation, printed, type Result, type SeenAttributes, type Subject } from './operations.ts'

const sameAttributes = (expected: SeenAttributes, actual: SeenAttributes | undefined): boolean =>
  actual !== undefined && (Object.keys(expected) as (keyof SeenAttributes)[]).every(key => expected[key] === actual[key])

/** What the model leaves open is not compared. */
const same = (expected: Result, actual: Result): boolean => {
  if (expected.status === REFUSED) return actual.status > 1
  if (expected.status !== actual.status || expected.data !== actual.data || expected.text !== actual.text) return false
  if (JSON.stringify(expected.limits) !== JSON.stringify(actual.limits)) return false
  if (expected.attributes !== undefined && !sameAttributes(expected.attributes, actual.attributes)) return false
  if (expected.entries === undefined) return true
  const names = Object.keys(expected.entries)
  const { entries } = actual
  if (entries === undefined || Object.keys(entries).length !== names.length) return false
  return names.every(name => sameAttributes((expected.entries as Record<string, SeenAttributes>)[name], entries[name]))
}

export interface Difference {
  readonly at: number
  readonly operation: Operation
  readonly expected: Result
  readonly actual: Result
}

/** All that is there in the end: attributes of everything, contents, where links lead. */
const walk = async function* (expected: Subject, path = '/', depth = 0): AsyncGenerator<Operation> {
  yield { kind: 'opendir', slot: 0, path }
  const listing: Operation = { kind: 'readdir', slot: 0 }
  const { entries = {} } = await expected.perform(listing)
  yield { kind: 'opendir', slot: 0, path }
  yield listing
  for (const [name, { mode }] of Object.entries(entries)) {
    const inside = path === '/' ? `/${name}` : `${path}/${name}`
    yield { kind: 'lstat', path: inside }
    if ((mode & 0o170000) === 0o040000 && depth < 20) yield* walk(expected, inside, depth + 1)
    if ((mode & 0o170000) === 0o120000) yield { kind: 'readlink', path: inside }
    if ((mode & 0o170000) === 0o100000) {
      yield { kind: 'open', slot: 1, path: inside, flags: 1 }
      for (const position of [0, 60_000, 120_000, 180_000, 240_000, 300_000, 360_000])
        yield { kind: 'read', slot: 1, position, length: 60_000 }
    }
  }
}

const differenceAt = async (model: Subject, subject: Subject, operation: Operation, at: number): Promise<Difference | undefined> => {
  const expected = await model.perform(operation)
  if (expected.status === UNCLEAR) return undefined
  const actual = await subject.perform(operation)
  return same(expected, actual) ? undefined : { at, operation, expected, actual }
}

/** Where the two first differ. */
export const compare = async (
  model: Subject,
  subject: Subject,
  operations: readonly Operation[],
  { atTheEnd = true, deeply = true }: { readonly atTheEnd?: boolean; readonly deeply?: boolean } = {},
): Promise<Difference | undefined> => {
  await model.reset()
  await subject.reset()
  for (const [at, operation] of operations.entries()) {
    const difference = await differenceAt(model, subject, operation, at)
    if (difference !== undefined) return difference
  }
  if (!atTheEnd) return undefined
  for (const slot of [0, 1, 2, 3]) {
    const difference = await differenceAt(model, subject, { kind: 'close', slot }, operations.length)
    if (difference !== undefined) return difference
  }
  if (!deeply) return undefined
  for await (const operation of walk(model)) {
    const difference = await differenceAt(model, subject, operation, operations.length)
    if (difference !== undefined) return difference
  }
  return undefined
}

/** Fewer operations after which the two still differ. */
export const shrink = async (model: Subject, subject: Subject, operations: readonly Operation[]): Promise<readonly Operation[]> => {
  let least = operations
  for (let size = Math.ceil(least.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < least.length;) {
      const fewer = [...least.slice(0, from), ...least.slice(from + size)]
      if ((await compare(model, subject, fewer)) === undefined) from += size
      else least = fewer
    }
  }
  return least
}

const shown = (result: Result): string => {
  const text = JSON.stringify(result)
  return text.length > 1500 ? `${text.slice(0, 1500)}…` : text
}

/** What a person needs to see it again; `undefined` when all is well. */
export const explained = async (
  model: Subject,
  subject: Subject,
  operations: readonly Operation[],
  seed: number,
): Promise<string | undefined> => {
  const first = await compare(model, subject, operations)
  if (first === undefined) return undefined
  const least = await shrink(model, subject, operations)
  const { operation, expected, actual } = (await compare(model, subject, least)) ?? first
  return (
    `seed ${seed}: ${subject.name} differs from ${model.name}.\nAfter these operations:\n${printed(least)}\n` +
    `this one, ${printed([operation])}\nshould be ${shown(expected)}\nand is    ${shown(actual)}`
  )
}
