// Owns hiding when somebody types: what is typed leaves at intervals, and for a while after the last key packets of the same
// size leave in place of it (ssh_config, ObscureKeystrokeTiming). Knows nothing of terminals or channels.
import type { Clock } from '../io/clock.ts'

/** Where typed bytes and what looks like them go. */
export interface KeystrokeLine {
  write(bytes: Uint8Array): Promise<void> | undefined
  chaff(): void
}

export interface KeystrokeOptions {
  /** Between two packets, about. */
  readonly milliseconds: number
  readonly clock: Clock
  /** From 0 to less than 1. */
  readonly random: () => number
}

/** More than this at once is pasted or copied, not typed. */
const mostTyped = 256
/** How long packets go on after the last key: at least so long, and up to so much longer. */
const leastAfterwards = 1024
const mostLonger = 2048
/** The part of an interval that is left to chance, each time anew, and once for all while somebody types. */
const chance = 0.1

export class KeystrokeCover {
  readonly #line: KeystrokeLine
  readonly #options: KeystrokeOptions
  #held: Uint8Array[] = []
  #size = 0
  #rate = 0
  #until = 0
  #cancel: (() => void) | undefined

  constructor(line: KeystrokeLine, options: KeystrokeOptions) {
    this.#line = line
    this.#options = options
  }

  /** Takes what was typed. What is too much for that leaves at once, after what waits. */
  write(bytes: Uint8Array): Promise<void> | undefined {
    if (bytes.length === 0) return undefined
    if (this.#size + bytes.length >= mostTyped) {
      this.stop()
      return this.#line.write(bytes)
    }
    const { clock, random } = this.#options
    this.#until = clock.now() + leastAfterwards + random() * mostLonger
    if (this.#cancel !== undefined) {
      this.#held.push(bytes.slice())
      this.#size += bytes.length
      return undefined
    }
    this.#rate = random() * chance
    this.#next()
    return this.#line.write(bytes)
  }

  /** Lets go what waits, and hides nothing until something is typed again. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#flush()
  }

  #flush(): boolean {
    if (this.#size === 0) return false
    const all = new Uint8Array(this.#size)
    let at = 0
    for (const each of this.#held) {
      all.set(each, at)
      at += each.length
    }
    this.#held = []
    this.#size = 0
    // So little waits for room at the channel's own expense.
    void this.#line.write(all)?.catch(() => {})
    return true
  }

  #next(): void {
    const { clock, milliseconds, random } = this.#options
    this.#cancel = clock.after(milliseconds * (1 - chance + this.#rate + random() * chance), () => this.#tick())
  }

  #tick(): void {
    this.#cancel = undefined
    if (!this.#flush()) {
      if (this.#options.clock.now() >= this.#until) return
      this.#line.chaff()
    }
    this.#next()
  }
}

/** Chance enough to hide intervals by. */
export const anyFraction = (): number => globalThis.crypto.getRandomValues(new Uint32Array(1))[0] / 2 ** 32
