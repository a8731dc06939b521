// Owns the feedback: which blocks of the library's code an input reached, as V8 counts them for its own profiler. Knows
// nothing of targets or inputs.
import { type Profiler, Session } from 'node:inspector'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const isOurs = (url: string): boolean => /\/packages\/(nacre|cli)\/src\//.test(url)

export type Taken = readonly Profiler.ScriptCoverage[]

/** Counts from now on. What was compiled before is counted too, as soon as it runs again. */
export class Counting {
  readonly #session = new Session()

  constructor() {
    this.#session.connect()
    this.#post('Profiler.enable')
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  // Within one thread the answer is there before `post` returns.
  #post(method: string, parameters: object = {}): unknown {
    let answer: { readonly error: Error | null; readonly result?: unknown } | undefined
    this.#session.post(method, parameters, (error, result?: unknown) => {
      answer = { error, result }
    })
    if (answer === undefined) throw new Error(`${method} was not answered at once`)
    if (answer.error !== null) throw answer.error
    return answer.result
  }

  stop(): void {
    this.#post('Profiler.stopPreciseCoverage')
    this.#session.disconnect()
  }

  /** What ran since the last call. */
  take(): Taken {
    const { result } = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType
    return result.filter(each => isOurs(each.url))
  }
}

let scratch = new Uint8Array(1 << 16)

/** Paints which characters of a function ran: inner blocks come after those around them and have the last word. */
const painted = ({ ranges }: Profiler.FunctionCoverage): Uint8Array => {
  const [{ startOffset: base, endOffset }] = ranges
  const length = endOffset - base
  if (scratch.length < length) scratch = new Uint8Array(2 * length)
  for (const range of ranges) scratch.fill(range.count > 0 ? 1 : 0, range.startOffset - base, range.endOffset - base)
  return scratch.subarray(0, length)
}

/** Stands for which blocks of a function ran. Two patterns with one number would hide a block from us, no more. */
const patternOf = ({ ranges }: Profiler.FunctionCoverage): number => {
  let hash = 17
  for (const { startOffset, endOffset, count } of ranges)
    hash = (Math.imul(hash, 31) + startOffset * 7 + endOffset * 2 + (count > 0 ? 1 : 0)) | 0
  return hash
}

interface FunctionMap {
  readonly ran: Uint8Array
  /** Patterns that are in `ran` already: nearly all that come. */
  readonly patterns: Set<number>
}

/** All that was ever reached. */
export class Reached {
  /** By script, then by function (its place): nested functions are counted by themselves. */
  readonly #scripts = new Map<string, Map<number, FunctionMap>>()

  /** Whether something in `taken` is new. Remembers it when `keep`. */
  add(taken: Taken, keep = true): boolean {
    let found = false
    for (const script of taken) {
      let functions = this.#scripts.get(script.url)
      if (functions === undefined) {
        functions = new Map()
        this.#scripts.set(script.url, functions)
      }
      for (const each of script.functions) {
        if (!this.#addFunction(functions, each, keep)) continue
        found = true
        if (!keep) return true
      }
    }
    return found
  }

  #addFunction(functions: Map<number, FunctionMap>, each: Profiler.FunctionCoverage, keep: boolean): boolean {
    const [whole] = each.ranges
    if (whole.count === 0 && each.ranges.length === 1) return false
    const key = whole.startOffset * 2 ** 24 + whole.endOffset
    const before = functions.get(key)
    const pattern = patternOf(each)
    if (before?.patterns.has(pattern) === true) return false
    const now = painted(each)
    if (before === undefined) {
      if (!now.includes(1)) return false
      if (keep) functions.set(key, { ran: now.slice(), patterns: new Set([pattern]) })
      return true
    }
    let found = false
    for (let at = 0; at < now.length; at++) {
      if (now[at] === 0 || before.ran[at] === 1) continue
      found = true
      if (!keep) return true
      before.ran[at] = 1
    }
    before.patterns.add(pattern)
    return found
  }

  /** How many lines of source have code that ran. */
  lines(): number {
    let count = 0
    for (const [url, functions] of this.#scripts) {
      const text = readFileSync(fileURLToPath(url), 'utf8')
      const ran = new Uint8Array(text.length + 1)
      for (const [key, map] of functions) {
        const base = Math.floor(key / 2 ** 24)
        map.ran.forEach((value, at) => {
          if (value === 1) ran[base + at] = 1
        })
      }
      let from = 0
      for (const line of text.split('\n')) {
        const code = line.trim()
        // Comments and lone brackets would only flatter.
        if (/\w/.test(code) && !/^(\/\/|\/?\*)/.test(code) && ran.subarray(from, from + line.length).includes(1)) count++
        from += line.length + 1
      }
    }
    return count
  }
}
