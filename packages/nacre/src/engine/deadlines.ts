// Owns the named points in time at which something must have happened. Reads no clock: `now` is always an argument.

/** Times in milliseconds on whatever clock the caller uses, as long as it does not run backwards. */
export class Deadlines<Name extends string> {
  readonly #at = new Map<Name, number>()

  set(name: Name, at: number): void {
    this.#at.set(name, at)
  }

  clear(name: Name): void {
    this.#at.delete(name)
  }

  clearAll(): void {
    this.#at.clear()
  }

  has(name: Name): boolean {
    return this.#at.has(name)
  }

  /** The earliest, or `undefined` when none is set. */
  next(): number | undefined {
    let earliest: number | undefined
    for (const at of this.#at.values()) if (earliest === undefined || at < earliest) earliest = at
    return earliest
  }

  /** Removes and returns one that has passed. */
  takePassed(now: number): Name | undefined {
    for (const [name, at] of this.#at) {
      if (at <= now) {
        this.#at.delete(name)
        return name
      }
    }
    return undefined
  }
}
