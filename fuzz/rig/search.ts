// Owns the search in one target: inputs are drawn from those kept, changed, run in batches, and kept when they reach
// something new. Taking the counts costs milliseconds, so a batch is taken as a whole and only halved when it has something.
// Knows nothing of what a target does, nor of threads.
import { setImmediate as yieldToLoop } from 'node:timers/promises'
import type { SeededRandom } from '../../packages/nacre/src/testing/random.ts'
import type { Board } from './board.ts'
import { maximumInput } from './board.ts'
import { type Counting, Reached } from './coverage.ts'
import { minimised } from './minimise.ts'
import { mutated } from './mutate.ts'
import { type Target, utf8Bytes } from './target.ts'

/** How long a batch runs before its counts are taken. */
const batchMilliseconds = 50
/** An input that keeps the processor busy for longer is a finding. */
const slowMilliseconds = 1000
const nothing = new Uint8Array(0)
/** Finds of one kind that are written down; more would be the same. */
const maximumFinds = 20

export interface Found {
  readonly target: string
  readonly input: Uint8Array
  readonly what: string
}

export interface Progress {
  readonly executions: number
  readonly milliseconds: number
  readonly corpus: number
  readonly lines: number
  readonly slowest: number
  readonly finds: number
}

/** The same fault again, whatever the numbers in its message: kind, code, and the first place in our files. */
const signatureOf = (error: unknown): string => {
  if (!(error instanceof Error)) return `thrown: ${typeof error}`
  const frame = (error.stack ?? '').split('\n').find(line => /\/(packages|fuzz)\/.*\.ts:\d+/.test(line) && !line.includes('/fuzz/rig/'))
  const { code } = error as { readonly code?: unknown }
  return `${error.name} ${String(code ?? '')} ${/([\w-]+\.ts:\d+)/.exec(frame ?? '')?.[1] ?? error.message.slice(0, 40)}`
}

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (cause: ${signatureOf(error.cause)}: ${error.cause.message})` : ''
  return `${signatureOf(error)}: ${error.message}${cause}`.replaceAll(/\s+/g, ' ')
}

const cpuMilliseconds = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

export interface SearchTools {
  readonly random: SeededRandom
  readonly counting: Counting
  readonly board: Board
  /** Rejections nobody handled so far. */
  readonly rejections: () => number
  readonly found: (found: Found) => void
}

export class Search {
  readonly target: Target
  readonly #index: number
  readonly #tools: SearchTools
  readonly #words: readonly Uint8Array[]
  readonly #reached = new Reached()
  readonly #features = new Set<string>()
  readonly #corpus: Uint8Array[] = []
  readonly #known = new Set<string>()
  readonly #maximum: number
  #waiting: Uint8Array[]
  #executions = 0
  #milliseconds = 0
  #slowest = 0
  #newFeature = false

  constructor(target: Target, index: number, kept: readonly Uint8Array[], tools: SearchTools) {
    this.target = target
    this.#index = index
    this.#tools = tools
    this.#words = (target.words ?? []).map(utf8Bytes)
    this.#maximum = Math.min(target.maximumLength ?? 4096, maximumInput)
    this.#waiting = [...target.seeds(), ...kept]
  }

  get progress(): Progress {
    return {
      executions: this.#executions,
      milliseconds: this.#milliseconds,
      corpus: this.#corpus.length,
      lines: this.#reached.lines(),
      slowest: this.#slowest,
      finds: this.#known.size,
    }
  }

  readonly #note = (feature: string): void => {
    if (this.#features.has(feature)) return
    this.#features.add(feature)
    this.#newFeature = true
  }

  /** Searches for about so long. */
  async turn(milliseconds: number): Promise<void> {
    const began = performance.now()
    while (performance.now() - began < milliseconds && this.#known.size < maximumFinds) await this.#batch(began + milliseconds)
    this.#milliseconds += performance.now() - began
  }

  #next(): Uint8Array {
    const { random } = this.#tools
    const { generate, mutate } = this.target
    let input: Uint8Array
    if (generate !== undefined && (this.#corpus.length === 0 || random.oneIn(8))) input = generate(random)
    else {
      const base = this.#draw()
      input = mutate !== undefined && random.oneIn(2) ? mutate(base, random) : mutated(base, random, this.#draw(), this.#words)
      if (random.oneIn(6)) input = mutated(input, random, this.#draw(), this.#words)
    }
    return input.length > this.#maximum ? input.subarray(0, this.#maximum) : input
  }

  /** One of those kept; the newest have not been tried as often as the others. */
  #draw(): Uint8Array {
    const { random } = this.#tools
    const corpus = this.#corpus
    if (corpus.length === 0) return nothing
    const newest = Math.max(1, Math.ceil(corpus.length / 5))
    return random.oneIn(2) ? random.pick(corpus) : corpus[corpus.length - 1 - random.below(newest)]
  }

  /** What was kept before is looked at one by one: most of it reaches something new. */
  async #begin(until: number): Promise<void> {
    this.#tools.counting.take()
    while (this.#waiting.length > 0 && performance.now() < until) {
      const input = this.#waiting.shift() ?? nothing
      const before = this.#corpus.length
      await this.#try(input)
      if (this.#reached.add(this.#tools.counting.take()) && this.#corpus.length === before) this.#corpus.push(input.slice())
    }
  }

  async #batch(until: number): Promise<void> {
    if (this.#waiting.length > 0) await this.#begin(until)
    const inputs: Uint8Array[] = []
    const began = performance.now()
    const rejectionsBefore = this.#tools.rejections()
    do {
      const input = this.#next()
      inputs.push(input)
      const before = performance.now()
      await this.#try(input)
      const took = performance.now() - before
      this.#slowest = Math.max(this.#slowest, took)
      if (took > slowMilliseconds) await this.#checkSlow(input)
    } while (performance.now() - began < batchMilliseconds && performance.now() < until)
    // Lets rejections that nobody handled come out, and the watcher speak.
    await yieldToLoop()
    if (this.#tools.rejections() > rejectionsBefore) await this.#findRejection(inputs)
    const taken = this.#tools.counting.take()
    if (!this.#reached.add(taken, false)) return
    await this.#hunt(inputs)
    // What did not show again depends on more than the input; it must not send us hunting each time.
    this.#reached.add(taken)
  }

  /** Finds the inputs of a batch that reach something new, and keeps them. */
  async #hunt(inputs: readonly Uint8Array[]): Promise<void> {
    for (const input of inputs) await this.#execute(input)
    const taken = this.#tools.counting.take()
    if (!this.#reached.add(taken, false)) return
    if (inputs.length === 1) {
      this.#reached.add(taken)
      this.#corpus.push(inputs[0].slice())
      return
    }
    const middle = inputs.length >> 1
    await this.#hunt(inputs.slice(0, middle))
    await this.#hunt(inputs.slice(middle))
  }

  /** What was thrown, or `undefined`. Refusals are thrown by the thousand: their stacks are only taken on demand. */
  async #execute(input: Uint8Array, withStacks = false): Promise<unknown> {
    const { board } = this.#tools
    Error.stackTraceLimit = withStacks ? 30 : 0
    this.#executions++
    board.begin(this.#index, input)
    try {
      const under = this.target.run(input, this.#note)
      if (under !== undefined) await under
      return undefined
    } catch (error) {
      return error ?? new Error('nothing was thrown')
    } finally {
      board.end()
    }
  }

  async #try(input: Uint8Array): Promise<void> {
    const error = await this.#execute(input)
    if (this.#newFeature) {
      this.#newFeature = false
      this.#corpus.push(input.slice())
    }
    if (error === undefined) return
    const again = (await this.#execute(input, true)) ?? error
    const signature = signatureOf(again)
    if (this.#known.has(signature)) return
    this.#known.add(signature)
    const smallest = await minimised(input, async smaller => signatureOf(await this.#execute(smaller, true)) === signature)
    const last = await this.#execute(smallest, true)
    this.#tools.found({ target: this.target.name, input: smallest, what: describe(last ?? again) })
  }

  async #checkSlow(input: Uint8Array): Promise<void> {
    // The machine may have been busy with something else: only our own work counts.
    const before = cpuMilliseconds()
    await this.#execute(input)
    const took = cpuMilliseconds() - before
    if (took < slowMilliseconds || this.#known.has('slow')) return
    this.#known.add('slow')
    this.#tools.found({ target: this.target.name, input, what: `slow: ${Math.round(took)} ms of work for ${input.length} bytes` })
  }

  async #findRejection(inputs: readonly Uint8Array[]): Promise<void> {
    if (this.#known.has('rejection')) return
    this.#known.add('rejection')
    for (const input of inputs) {
      const before = this.#tools.rejections()
      await this.#execute(input)
      await yieldToLoop()
      if (this.#tools.rejections() === before) continue
      this.#tools.found({ target: this.target.name, input, what: 'a rejection that nobody handles' })
      return
    }
  }

  /** The smallest inputs first, only those that reach something the ones before do not; at most so many bytes in all. */
  async distilled(maximumBytes: number): Promise<readonly Uint8Array[]> {
    const reached = new Reached()
    const kept: Uint8Array[] = []
    let bytes = 0
    this.#tools.counting.take()
    for (const input of [...this.#corpus].sort((a, b) => a.length - b.length)) {
      if (bytes + input.length > maximumBytes) continue
      this.#features.clear()
      await this.#execute(input)
      if (!reached.add(this.#tools.counting.take())) continue
      kept.push(input)
      bytes += input.length
    }
    return kept
  }
}
