// Owns how much of a tree is under way at once: tasks in a bounded queue, handles of the server, failures gathered until the end.
// Knows neither files nor direction.
import { SftpError, TransferFailures } from '../../errors.ts'
import { shownPath } from '../client/explain.ts'
import { asError, mayPass } from './fault.ts'

/** Runs tasks, at most so many at once. Tasks do not reject. */
export class Crew {
  readonly #most: number
  #longest: number
  #running = 0
  #queue: (() => Promise<void>)[] = []
  /** Where the queue begins; what lies before is done. */
  #head = 0
  #onRoom: (() => void)[] = []
  #onIdle: (() => void)[] = []

  /** `longest`: tasks that wait before whoever brings more is told to wait too. */
  constructor(most: number, longest: number) {
    this.#most = most
    this.#longest = longest
  }

  /** Runs `task` when it is its turn. Returns a promise when the queue is long: better bring no more before. */
  submit(task: () => Promise<void>): Promise<void> | undefined {
    this.#queue.push(task)
    this.#next()
    if (this.#queue.length - this.#head < this.#longest) return undefined
    return new Promise(resolve => this.#onRoom.push(resolve))
  }

  /** Nobody is told to wait any more. */
  unbound(): void {
    this.#longest = Number.POSITIVE_INFINITY
    for (const tell of this.#onRoom.splice(0)) tell()
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    if (this.#running === 0 && this.#head === this.#queue.length) return Promise.resolve()
    return new Promise(resolve => this.#onIdle.push(resolve))
  }

  #next(): void {
    while (this.#running < this.#most && this.#head < this.#queue.length) {
      const task = this.#queue[this.#head++]
      if (this.#head > 1024 && this.#head * 2 > this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head)
        this.#head = 0
      }
      this.#running++
      void task().finally(() => {
        this.#running--
        this.#next()
      })
    }
    if (this.#queue.length - this.#head < this.#longest) for (const tell of this.#onRoom.splice(0)) tell()
    if (this.#running === 0 && this.#head === this.#queue.length) for (const tell of this.#onIdle.splice(0)) tell()
  }
}

/** So many times everything else is closed for something that then cannot be opened either. */
const inVainAtMost = 3

/** Handles of a server, of which there are so many and no more, known or to be found out. */
export class Handles {
  readonly #limits: { handles: number }
  readonly #onScarce: () => void
  #held = 0
  #asking = 0
  /** Somebody wants to be the only one, or is. */
  #alone = 0
  #inVain = 0
  #waiting: (() => void)[] = []

  /**
   * `limits.handles` is lowered when the server turns out to have fewer. `onScarce` is called when somebody has to wait for all
   * others: nobody must keep a handle until something else is opened.
   */
  constructor(limits: { handles: number }, onScarce: () => void) {
    this.#limits = limits
    this.#onScarce = onScarce
  }

  /**
   * Opens something with `make` when there is a handle free. What fails as if there were none is tried again when nothing else is
   * open; if it works then, so many there are.
   */
  async take<T>(make: () => Promise<T>): Promise<T> {
    await this.#reserve(() => this.#alone === 0 && this.#held + this.#asking < this.#limits.handles)
    const others = this.#held + this.#asking - 1
    const before = this.#held
    try {
      return await this.#ask(make)
    } catch (error) {
      if (others === 0 || this.#inVain >= inVainAtMost || !isExhaustion(error)) throw error
    }
    const held = Math.max(before, this.#held)
    this.#alone++
    this.#onScarce()
    try {
      await this.#reserve(() => this.#held + this.#asking === 0)
      const made = await this.#ask(make).catch((error: unknown) => {
        this.#inVain++
        throw error
      })
      this.#limits.handles = Math.max(1, Math.min(this.#limits.handles, held))
      return made
    } finally {
      this.#alone--
      this.#wake()
    }
  }

  /** The same for what is closed when `use` ends. */
  async during(use: () => Promise<void>): Promise<void> {
    await this.take(use)
    this.release()
  }

  release(): void {
    this.#held--
    this.#wake()
  }

  /** After `#reserve`. */
  async #ask<T>(make: () => Promise<T>): Promise<T> {
    try {
      const made = await make()
      this.#held++
      return made
    } finally {
      this.#asking--
      this.#wake()
    }
  }

  /** Waits for `condition`, and counts as asking from that moment on: of two who wait, one may find it gone again. */
  async #reserve(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#asking++
  }

  #wake(): void {
    if (this.#waiting.length > 0) for (const tell of this.#waiting.splice(0)) tell()
  }
}

/** What a server answers that has no handle free; version 3 has no better word for it than "Failure". */
const isExhaustion = (error: unknown): boolean =>
  error instanceof SftpError && (error.errno === 'EMFILE' || (error.errno === undefined && mayPass(error)))

/** Counts what has begun and not ended. */
export class Tally {
  #count = 0
  #settled: PromiseWithResolvers<void> | undefined

  begin(): void {
    this.#count++
  }
  end(): void {
    if (--this.#count === 0) this.#settled?.resolve()
  }
  /** Resolves when all that began has ended. */
  get settled(): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    this.#settled ??= Promise.withResolvers<void>()
    return this.#settled.promise
  }
}

const maximumFailures = 1000

export class Failures {
  readonly #stop: ((error: Error) => void) | undefined
  readonly #list: { readonly path: string; readonly error: Error }[] = []
  #count = 0

  /** `stop` is called with the first, if one is enough. */
  constructor(stop: ((error: Error) => void) | undefined) {
    this.#stop = stop
  }

  get count(): number {
    return this.#count
  }

  add(path: string, thrown: unknown): void {
    const error = asError(thrown)
    this.#count++
    if (this.#list.length < maximumFailures) this.#list.push({ path, error })
    this.#stop?.(error)
  }

  /** Throws if there were any. `files`: those that were transferred. */
  check(files: number): void {
    if (this.#count === 0) return
    const [{ path, error }] = this.#list
    const how = this.#count === 1 ? 'One entry was' : `${this.#count} entries were`
    const first = this.#count === 1 ? '' : 'the first is '
    const message = `${how} not transferred, ${files} ${files === 1 ? 'file was' : 'files were'}; ${first}${shownPath(path)}: ${error.message}`
    throw new TransferFailures(message, this.#list, this.#count)
  }
}
