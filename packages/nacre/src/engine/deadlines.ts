// Owns the named points in time at which something must have happened. Reads no clock: `now` is always an argument.

/** Times in milliseconds on whatever clock the caller uses, as long as it does not run backwards. */
export class Deadlines<Name extends string> {
  // A plain object: it is a fifth of a Map, and there is one for each connection.
  readonly #at: Partial<Record<Name, number>> = {}

  set(name: Name, at: number): void {
    this.#at[name] = at
  }

  /** Another time for one that is set. */
  move(name: Name, at: number): void {
    if (this.has(name)) this.set(name, at)
  }

  clear(name: Name): void {
    this.#at[name] = undefined
  }

  clearAll(): void {
    for (const name in this.#at) this.#at[name] = undefined
  }

  has(name: Name): boolean {
    return this.#at[name] !== undefined
  }

  /** The earliest, or `undefined` when none is set. */
  next(): number | undefined {
    let earliest: number | undefined
    for (const name in this.#at) {
      const at = this.#at[name]
      if (at !== undefined && (earliest === undefined || at < earliest)) earliest = at
    }
    return earliest
  }

  /** Removes and returns one that has passed. */
  takePassed(now: number): Name | undefined {
    for (const name in this.#at) {
      const at = this.#at[name]
      if (at !== undefined && at <= now) {
        this.#at[name] = undefined
        return name
      }
    }
    return undefined
  }
}
