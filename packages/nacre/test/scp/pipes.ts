// Owns the other ends of the tests: two pipes joined in memory, and a hand that writes and reads single bytes. Knows no scp.
import assert from 'node:assert/strict'
import type { BytePipe, PipeTap } from '../../src/sftp/pipe.ts'

/** One end: what is written here arrives at the tap of the other. */
class End implements BytePipe {
  other: End | undefined
  #tap: PipeTap | undefined
  #early: ((tap: PipeTap) => void | Promise<void>)[] = []
  gone = false

  write(bytes: Uint8Array): Promise<void> | undefined {
    if (this.gone || this.other?.gone === true) return Promise.reject(new Error('the other side is gone'))
    return this.other?.take(tap => tap.data(bytes, false), bytes.slice()) as Promise<void> | undefined
  }
  take(deliver: (tap: PipeTap) => void | Promise<void>, kept?: Uint8Array): void | Promise<void> {
    if (this.#tap !== undefined) return deliver(this.#tap)
    this.#early.push(kept === undefined ? deliver : tap => tap.data(kept, true))
    return undefined
  }
  tap(tap: PipeTap): void {
    this.#tap = tap
    for (const deliver of this.#early) void deliver(tap)
  }
  end(): void {
    void this.other?.take(tap => tap.end())
  }
  abort(): void {
    this.gone = true
    void this.other?.take(tap => tap.end(new Error('aborted')))
  }
}

export const pipePair = (): readonly [BytePipe, BytePipe] => {
  const [one, other] = [new End(), new End()]
  one.other = other
  other.other = one
  return [one, other]
}

/** Plays one side by hand. Text stands for its bytes, one a character. */
export class Hand {
  readonly #pipe: BytePipe
  #heard = ''
  ended = false
  #wake: (() => void) | undefined

  constructor(pipe: BytePipe) {
    this.#pipe = pipe
    pipe.tap({
      data: bytes => {
        this.#heard += Buffer.from(bytes).toString('latin1')
        this.#wake?.()
      },
      end: () => {
        this.ended = true
        this.#wake?.()
      },
    })
  }
  async says(text: string): Promise<void> {
    await this.#pipe.write(Buffer.from(text, 'latin1'))
  }
  /** Waits until exactly this has come. */
  async hears(text: string): Promise<void> {
    while (this.#heard.length < text.length && !this.ended) await new Promise<void>(resolve => (this.#wake = resolve))
    assert.equal(this.#heard.slice(0, text.length), text)
    this.#heard = this.#heard.slice(text.length)
  }
  /** What came and was not asked about. */
  get rest(): string {
    return this.#heard
  }
  ends(): void {
    this.#pipe.end()
  }
  goes(): void {
    this.#pipe.abort()
  }
}
