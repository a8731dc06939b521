// Owns the table of what a session has open: handles that cannot be guessed by mistake, since each says the place and how often
// that place was used. Knows neither files nor directories.
import { readUint32, writeUint32 } from '../../wire/uint32.ts'

const handleBytes = 8

interface Place<T> {
  value: T | undefined
  uses: number
}

export class Handles<T> {
  readonly #places: Place<T>[] = []
  readonly #free: number[] = []

  /** Takes `value` in and says by which number it is known. */
  add(value: T): number {
    const number = this.#free.pop() ?? this.#places.length
    if (number === this.#places.length) this.#places.push({ value, uses: 0 })
    else {
      this.#places[number].value = value
      this.#places[number].uses = (this.#places[number].uses + 1) >>> 0
    }
    return number
  }

  /** The handle for `number`, as it goes over the wire. */
  handle(number: number): Uint8Array {
    const handle = new Uint8Array(handleBytes)
    writeUint32(handle, 0, number)
    writeUint32(handle, 4, this.#places[number].uses)
    return handle
  }

  /** What the `length` bytes at `at` are the handle of. */
  find(bytes: Uint8Array, at: number, length: number): T | undefined {
    if (length !== handleBytes) return undefined
    const place = this.#places[readUint32(bytes, at)] as Place<T> | undefined
    return place === undefined || place.uses !== readUint32(bytes, at + 4) ? undefined : place.value
  }

  /** The handle of `number` is no longer valid. */
  remove(number: number): void {
    this.#places[number].value = undefined
    this.#free.push(number)
  }

  /** Everything that is open. */
  all(): readonly T[] {
    return this.#places.map(place => place.value).filter(value => value !== undefined)
  }
}
