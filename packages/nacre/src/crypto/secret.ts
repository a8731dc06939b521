// Owns a value that must not be printed: strings and bytes that are secrets travel wrapped in it.

const shown = '[secret]'

/** Holds a secret so that logs, traces, JSON and string templates show `[secret]`. */
export class Secret<T extends string | Uint8Array> {
  readonly #value: T
  constructor(value: T) {
    this.#value = value
  }
  /** The secret itself. Whoever calls this takes over the care. */
  reveal(): T {
    return this.#value
  }
  /** Overwrites bytes; a string cannot be overwritten and is only dropped by whoever holds this. */
  wipe(): void {
    if (this.#value instanceof Uint8Array) this.#value.fill(0)
  }
  toString(): string {
    return shown
  }
  toJSON(): string {
    return shown
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown
  }
}
