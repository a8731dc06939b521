// Owns a crew of processes that serve side by side: the first is waited for before the others start, whoever dies is
// replaced, more slowly the sooner they die, and all end together. Knows nothing of how a process is made, nor of signals.
import { ConfigError } from '../errors.ts'
import type { Clock } from '../io/clock.ts'

/** What a crew hears of one of its processes. */
export interface CrewHearing {
  /** It serves. */
  ready(): void
  /** It could not begin; its end follows. */
  failed(message: string): void
  /** It ended; `how` completes the sentence “worker 123 …”. Always the last that is heard. */
  ended(how: string): void
}

/** One process as a crew sees it. */
export interface CrewProcess {
  readonly pid: number
  /** Asks it to end its work in good order. */
  stop(): void
  /** Ends it at once. */
  kill(): void
}

export type WorkerEvent =
  | { readonly event: 'ready'; readonly pid: number }
  /** `restarting` in so many milliseconds; `undefined` when it was told to end. */
  | { readonly event: 'ended'; readonly pid: number; readonly how: string; readonly restarting: number | undefined }

export interface CrewOptions {
  /** How many serve at once; at least 1. */
  readonly count: number
  readonly launch: (hearing: CrewHearing) => CrewProcess
  readonly clock: Clock
  /** Milliseconds between being told to stop and being killed. */
  readonly patience: number
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined
  /** Called once, when all serve. */
  readonly onReady?: (() => void) | undefined
}

/** Who served this long did not die of its start. */
const steadyMilliseconds = 10_000
const shortestDelay = 100
const longestDelay = 30_000

/** Milliseconds to wait before a process is replaced that lived for `lived`; `before` is how long its own start was delayed. */
export const restartDelay = (lived: number, before: number): number =>
  lived >= steadyMilliseconds ? 0 : Math.min(longestDelay, Math.max(shortestDelay, 2 * before))

interface Member {
  readonly process: CrewProcess
  readonly since: number
  ready: boolean
  /** Why it could not begin. */
  fault: string | undefined
}

export class Crew {
  readonly #options: CrewOptions
  readonly #members = new Set<Member>()
  readonly #over = Promise.withResolvers<void>()
  /** Cancels replacements that have not come yet. */
  readonly #waiting = new Set<() => void>()
  #everReady = false
  #allReady = false
  #stopping = false
  #failure: string | undefined
  #overtime: (() => void) | undefined

  constructor(options: CrewOptions) {
    if (!Number.isInteger(options.count) || options.count < 1 || options.count > 1024)
      throw new ConfigError(`A server has between 1 and 1024 workers, not ${options.count}.`)
    this.#options = options
  }

  get pids(): readonly number[] {
    return Array.from(this.#members, member => member.process.pid)
  }

  /**
   * Starts one process, and the others once it serves, so that what is wrong with all of them is said once. Resolves when the
   * crew was stopped and has ended; rejects with `ConfigError` when the first could not begin.
   */
  run(): Promise<void> {
    this.#launch(0)
    return this.#over.promise
  }

  #launch(delay: number): void {
    let member: Member | undefined
    const since = this.#options.clock.now()
    const process = this.#options.launch({
      ready: () => {
        if (member === undefined || member.ready) return
        member.ready = true
        this.#options.onEvent?.({ event: 'ready', pid: process.pid })
        this.#isReady()
      },
      failed: message => {
        if (member !== undefined && !member.ready) member.fault ??= message
      },
      ended: how => {
        if (member === undefined || !this.#members.delete(member)) return
        this.#ended(member, how, delay)
      },
    })
    member = { process, since, ready: false, fault: undefined }
    this.#members.add(member)
  }

  #isReady(): void {
    if (this.#stopping) return
    if (!this.#everReady) {
      this.#everReady = true
      for (let i = 1; i < this.#options.count; i++) this.#launch(0)
    }
    if (this.#allReady || this.#members.size < this.#options.count || ![...this.#members].every(member => member.ready)) return
    this.#allReady = true
    this.#options.onReady?.()
  }

  #ended(member: Member, howItEnded: string, delayed: number): void {
    const { clock, onEvent } = this.#options
    const how = member.fault === undefined ? howItEnded : `could not start: ${member.fault}`
    if (!this.#everReady && !this.#stopping) {
      // That is the crew's own error, and said as such.
      this.#failure = member.fault ?? `The first worker ${how} before it served.`
      this.#stopping = true
      this.#endIfNobodyIsLeft()
      return
    }
    const delay = this.#stopping ? undefined : restartDelay(clock.now() - member.since, delayed)
    onEvent?.({ event: 'ended', pid: member.process.pid, how, restarting: delay })
    if (delay === undefined) {
      this.#endIfNobodyIsLeft()
      return
    }
    const cancel = clock.after(delay, () => {
      this.#waiting.delete(cancel)
      this.#launch(delay)
    })
    this.#waiting.add(cancel)
  }

  #endIfNobodyIsLeft(): void {
    if (this.#members.size > 0) return
    this.#overtime?.()
    if (this.#failure === undefined) this.#over.resolve()
    else this.#over.reject(new ConfigError(this.#failure))
  }

  /** Tells all to end. Whoever has not after the time for it is killed; told a second time, at once. */
  stop(): void {
    if (this.#stopping) {
      this.#kill()
      return
    }
    this.#stopping = true
    for (const cancel of this.#waiting) cancel()
    this.#waiting.clear()
    for (const { process } of this.#members) process.stop()
    this.#overtime = this.#options.clock.after(this.#options.patience, () => this.#kill())
    this.#endIfNobodyIsLeft()
  }

  #kill(): void {
    for (const { process } of this.#members) process.kill()
  }
}
