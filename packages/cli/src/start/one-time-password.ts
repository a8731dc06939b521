// Owns a password that works once: it is used up by the first right answer, and another takes its place. Knows nothing of
// who asks and of how it reaches a person.
import { randomInt, timingSafeEqual } from 'node:crypto'
import type { Secret } from 'nacre'

/** No characters that look alike. Four groups of four are 79 bits. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
const draw = (): string =>
  Array.from({ length: 4 }, () => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('')).join('-')

export class OneTimePassword {
  #current = draw()
  readonly #changed: (next: string) => void

  /** `changed` is told of each new one, the first excepted. */
  constructor(changed: (next: string) => void) {
    this.#changed = changed
  }

  /** For the person's eyes. */
  get current(): string {
    return this.#current
  }

  /** True once for each password; then there is a new one. */
  use(given: Secret<string>): boolean {
    const [wanted, got] = [Buffer.from(this.#current), Buffer.from(given.reveal())]
    if (wanted.length !== got.length || !timingSafeEqual(wanted, got)) return false
    this.#current = draw()
    this.#changed(this.#current)
    return true
  }
}
