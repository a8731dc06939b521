// Owns what everybody in a simulation shares: one source of chance, one clock, what happens soon or later, who waits for
// what, and how a broken promise is reported. Knows nothing of protocols.
import { virtualClock, type VirtualClock } from '../../src/testing/clock.ts'
import type { SeededRandom } from '../../src/testing/random.ts'

/** A promise of the product that was not kept. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

export const violated = (what: string): never => {
  throw new Violation(what)
}

/** Something that must come to an end once, and was begun. */
export interface Wait {
  readonly over: boolean
  end(): void
}

export class Stage {
  readonly random: SeededRandom
  readonly clock: VirtualClock = virtualClock(1000)
  /** Told of everything that happens; for people. */
  readonly note: ((line: string) => void) | undefined
  readonly #ready: (() => void)[] = []
  readonly #waits = new Map<string, boolean>()
  #waitsBegun = 0
  /** How many wait for something that comes while the connection lasts. */
  busy = 0

  constructor(random: SeededRandom, note: ((line: string) => void) | undefined) {
    this.random = random
    this.note = note
  }

  /** Does it at some step from now on, before time passes. */
  soon(act: () => void): void {
    this.#ready.push(act)
  }

  /** Does it after so many milliseconds; never for `Infinity`. */
  later(milliseconds: number, act: () => void): void {
    if (milliseconds === 0) this.soon(act)
    else if (Number.isFinite(milliseconds)) this.clock.after(milliseconds, () => this.soon(act))
  }

  /** One of the things to be done now, whichever. */
  takeReady(): (() => void) | undefined {
    const ready = this.#ready
    if (ready.length === 0) return undefined
    const index = this.random.below(ready.length)
    const act = ready[index]
    ready[index] = ready[ready.length - 1]
    ready.pop()
    return act
  }

  /** Begins to wait for something. Ending it twice is a violation; so is never ending it. `endless`: only the end ends it. */
  wait(what: string, endless = false): Wait {
    const name = `${what} (#${++this.#waitsBegun})`
    this.#waits.set(name, endless)
    if (!endless) this.busy++
    let over = false
    return {
      get over() {
        return over
      },
      end: () => {
        if (over) violated(`${what} ended twice`)
        over = true
        if (!endless) this.busy--
        this.#waits.delete(name)
      },
    }
  }

  /** What has begun and not ended. */
  get waiting(): readonly string[] {
    return [...this.#waits.keys()]
  }
}
