// Owns a stand-in for node:test in a browser: the parts our tests use, one test after another, results as values. Knows
// nothing of what is tested or of who wants the results.

export interface Result {
  readonly name: string
  readonly is: 'passed' | 'skipped' | 'failed'
  /** Why it was skipped, or what went wrong. */
  readonly detail: string
  readonly milliseconds: number
}

interface Options {
  readonly skip?: boolean | string
  readonly timeout?: number
}

type Body = (context: Context) => unknown
type Given = [string, Options, Body] | [string, Body]

interface Suite {
  readonly path: readonly string[]
  readonly before: (() => unknown)[]
  readonly entries: (() => Promise<void>)[]
  readonly after: (() => unknown)[]
}

const defaultTimeout = 60_000
const results: Result[] = []
let current: Suite = { path: [], before: [], entries: [], after: [] }
/** Called with each result as it comes. */
let listener: (result: Result) => void = () => {}

const report = (result: Result): void => {
  results.push(result)
  listener(result)
}

const detailOf = (error: unknown): string => (error instanceof Error ? `${error.stack ?? error.message}`.slice(0, 2000) : String(error))

/** A method replaced by one that keeps its calls, until `restore`. */
const method = (object: object, name: string): { readonly mock: { readonly calls: { result: unknown }[]; restore(): void } } => {
  const holder = object as Record<string, (...given: unknown[]) => unknown>
  const original = holder[name]
  const calls: { result: unknown }[] = []
  holder[name] = function (...given: unknown[]) {
    const result = original.apply(this, given)
    calls.push({ result })
    return result
  }
  return { mock: { calls, restore: () => void (holder[name] = original) } }
}

class Context {
  readonly mock = { method }
  skipped: string | undefined
  skip(why = ''): void {
    this.skipped = why
  }
  diagnostic(): void {}
}

const within = async (milliseconds: number, work: unknown): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it takes more than ${milliseconds} ms`)), milliseconds)
  })
  try {
    await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const split = (given: Given): { name: string; options: Options; body: Body } =>
  given.length === 2 ? { name: given[0], options: {}, body: given[1] } : { name: given[0], options: given[1], body: given[2] }

export const test = (...given: Given): void => {
  const { name, options, body } = split(given)
  const full = [...current.path, name].join(' › ')
  current.entries.push(async () => {
    if (options.skip !== undefined && options.skip !== false)
      return report({ name: full, is: 'skipped', detail: options.skip === true ? '' : options.skip, milliseconds: 0 })
    const context = new Context()
    const began = performance.now()
    const done = (is: Result['is'], detail: string): void => report({ name: full, is, detail, milliseconds: performance.now() - began })
    try {
      await within(options.timeout ?? defaultTimeout, body(context))
      done(context.skipped === undefined ? 'passed' : 'skipped', context.skipped ?? '')
    } catch (error) {
      done('failed', detailOf(error))
    }
  })
}

const run = async (suite: Suite): Promise<void> => {
  for (const each of suite.before) await each()
  for (const entry of suite.entries) await entry()
  for (const each of suite.after) await each()
}

export const describe = (...given: Given): void => {
  const { name, options, body } = split(given)
  const outer = current
  const suite: Suite = { path: [...outer.path, name], before: [], entries: [], after: [] }
  outer.entries.push(() => run(suite))
  if (options.skip !== undefined && options.skip !== false) return
  current = suite
  try {
    body(new Context())
  } finally {
    current = outer
  }
}

export const it = test
export const before = (body: () => unknown): void => void current.before.push(body)
export const after = (body: () => unknown): void => void current.after.push(body)

/** Loads the files and runs what they declare. */
export const runFiles = async (
  files: Readonly<Record<string, () => Promise<unknown>>>,
  heard: typeof listener,
): Promise<readonly Result[]> => {
  listener = heard
  for (const [file, load] of Object.entries(files)) {
    current = { path: [file], before: [], entries: [], after: [] }
    const suite = current
    try {
      await load()
      await run(suite)
    } catch (error) {
      report({ name: file, is: 'failed', detail: detailOf(error), milliseconds: 0 })
    }
  }
  return results
}
