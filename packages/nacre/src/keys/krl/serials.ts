// Owns sets of certificate serials: ranges in order that never overlap or touch, however the serials came. Knows nothing of
// who revoked them. Ranges stay ranges: a set of all serials is one of them.

/** Serials `from` to `to`, both included. */
export interface SerialRange {
  readonly from: bigint
  readonly to: bigint
}

/** A set of serials. Made by a `SerialCollector`. */
export class SerialSet {
  readonly #from: BigUint64Array
  readonly #to: BigUint64Array

  constructor(from: BigUint64Array, to: BigUint64Array) {
    this.#from = from
    this.#to = to
  }

  /** Number of ranges. */
  get size(): number {
    return this.#from.length
  }

  /** The range that holds `serial`. */
  find(serial: bigint): SerialRange | undefined {
    let low = 0
    let high = this.#from.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#to[middle] < serial) low = middle + 1
      else high = middle
    }
    return low < this.#from.length && this.#from[low] <= serial ? { from: this.#from[low], to: this.#to[low] } : undefined
  }

  *[Symbol.iterator](): Generator<SerialRange> {
    for (let i = 0; i < this.#from.length; i++) yield { from: this.#from[i], to: this.#to[i] }
  }
}

/** Takes serials in any order. Sixteen bytes a range while it does, and no sorting when they come in order. */
export class SerialCollector {
  #from = new BigUint64Array(16)
  #to = new BigUint64Array(16)
  #count = 0
  #ordered = true

  /** How many ranges are held now; those that were given in order have been joined. */
  get size(): number {
    return this.#count
  }

  /** Adds `from` to `to`, which is not less. */
  add(from: bigint, to: bigint): void {
    const last = this.#count - 1
    if (last >= 0 && this.#ordered) {
      // The usual case: the next serial, or one further on.
      if (from >= this.#from[last] && from - 1n <= this.#to[last]) {
        if (to > this.#to[last]) this.#to[last] = to
        return
      }
      if (from < this.#from[last]) this.#ordered = false
    }
    if (this.#count === this.#from.length) this.#grow()
    this.#from[this.#count] = from
    this.#to[this.#count++] = to
  }

  addAll(set: SerialSet): void {
    for (const { from, to } of set) this.add(from, to)
  }

  #grow(): void {
    const grown = (old: BigUint64Array): BigUint64Array<ArrayBuffer> => {
      const wider = new BigUint64Array(old.length * 2)
      wider.set(old)
      return wider
    }
    this.#from = grown(this.#from)
    this.#to = grown(this.#to)
  }

  /** All that were added, in order. */
  finish(): SerialSet {
    if (this.#ordered) return new SerialSet(this.#from.slice(0, this.#count), this.#to.slice(0, this.#count))
    const from = this.#from
    const to = this.#to
    const order = Uint32Array.from({ length: this.#count }, (_, i) => i).sort((a, b) =>
      from[a] < from[b] ? -1 : from[a] > from[b] ? 1 : 0,
    )
    const joined = new SerialCollector()
    for (const i of order) joined.add(from[i], to[i])
    return joined.finish()
  }
}
