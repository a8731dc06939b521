// Owns events on their way to the driver: first in, first out, emptied whole. Knows nothing of what they say.
import type { EngineEvent } from './events.ts'

export class EventQueue {
  #events: EngineEvent[] = []
  #next = 0

  push(event: EngineEvent): void {
    this.#events.push(event)
  }

  /** The oldest, or `undefined`. Nothing is moved for it: the list is dropped once it has been read to its end. */
  take(): EngineEvent | undefined {
    if (this.#next < this.#events.length) return this.#events[this.#next++]
    if (this.#next > 0) {
      this.#events = []
      this.#next = 0
    }
    return undefined
  }
}
