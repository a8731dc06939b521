// Owns what the thread that searches and the one that watches share: which input is being run, since when. The watcher reads
// it when the other thread cannot say anything any more: it hangs, or has run out of memory.

const headBytes = 16
/** Inputs are cut to this. */
export const maximumInput = 1 << 16

export class Board {
  readonly shared: SharedArrayBuffer
  readonly #numbers: Int32Array
  readonly #bytes: Uint8Array

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(headBytes + maximumInput)) {
    this.shared = shared
    this.#numbers = new Int32Array(shared, 0, 4)
    this.#bytes = new Uint8Array(shared, headBytes)
  }

  begin(target: number, input: Uint8Array): void {
    this.#bytes.set(input)
    this.#numbers[2] = input.length
    this.#numbers[3] = target
    Atomics.store(this.#numbers, 1, 1)
  }
  end(): void {
    Atomics.store(this.#numbers, 1, 0)
    Atomics.add(this.#numbers, 0, 1)
  }

  /** What is being run: `turn` differs from one input to the next. */
  get running(): { readonly turn: number; readonly target: number; readonly input: Uint8Array } | undefined {
    if (Atomics.load(this.#numbers, 1) === 0) return undefined
    return { turn: this.#numbers[0], target: this.#numbers[3], input: this.#bytes.slice(0, this.#numbers[2]) }
  }
}
