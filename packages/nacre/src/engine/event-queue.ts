// Owns events on their way to the driver: first in, first out, emptied whole. Knows nothing of what they say.
import type { EngineEvent } from './events.ts'

export class EventQueue {
  #events: EngineEvent[] | undefined
  #next = 0

  push(event: EngineEvent): void {
    if (this.#events === undefined) this.#events = [event]
    else this.#events.push(event)
  }

  /** How many nobody has taken. */
  get length(): number {
    return this.#events === undefined ? 0 : this.#events.length - this.#next
  }

  /** The oldest, or `undefined`. Nothing is moved for it: the list is dropped once it has been read to its end. */
  take(): EngineEvent | undefined {
    const events = this.#events
    if (events === undefined) return undefined
    if (this.#next < events.length) return events[this.#next++]
    this.#events = undefined
    this.#next = 0
    return undefined
  }
}
