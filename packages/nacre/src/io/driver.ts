// Owns the loop between one engine and one transport: bytes in, events to the handler, bytes out, one timer. Holds no
// policy, waits for nobody, and allocates nothing per packet.
import type { DrivenEngine } from '../engine/driven.ts'
import type { EngineEvent } from '../engine/events.ts'
import { type Clock, systemClock } from './clock.ts'
import type { ByteTransport } from './transport.ts'

export class Driver {
  readonly engine: DrivenEngine
  readonly transport: ByteTransport
  readonly #handle: (event: EngineEvent) => void
  readonly #clock: Clock
  #settling = false
  #scheduled = false
  #paused = false
  #closed = false
  #deserted = false
  /** What there is to write waits for the end of the turn. */
  #waiting = false
  #cancelTimer: (() => void) | undefined
  #timerAt = Number.POSITIVE_INFINITY

  /** `handle` sees every event, in order, synchronously; what it throws ends the connection, not the process. */
  constructor(engine: DrivenEngine, transport: ByteTransport, handle: (event: EngineEvent) => void, clock: Clock = systemClock) {
    this.engine = engine
    this.transport = transport
    this.#handle = handle
    this.#clock = clock
  }

  start(): void {
    this.engine.start(this.#clock.now())
    this.transport.start({
      data: bytes => {
        this.engine.receive(bytes, this.#clock.now())
        this.settle()
      },
      end: error => {
        this.engine.end(this.#clock.now(), error)
        this.settle()
      },
    })
    this.settle()
  }

  /** Call after using the engine from outside an event: what that produced leaves at the end of this turn, in one write. */
  wake(): void {
    if (this.#scheduled || this.#settling) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      this.settle()
    })
  }

  /** Delivers all events and hands all bytes to the transport. */
  settle(): void {
    if (this.#settling) return
    this.#settling = true
    try {
      for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) this.#deliver(event)
      this.#write()
    } finally {
      this.#settling = false
    }
    if (this.engine.ended) {
      this.#close()
      return
    }
    this.#regulate()
    this.#arm()
  }

  #deliver(event: EngineEvent): void {
    if (event.is === 'ended') this.#deserted = event.by !== 'us'
    try {
      this.#handle(event)
    } catch (error) {
      this.engine.disconnect('by-application', 'internal error', error instanceof Error ? error : new Error(String(error)))
    }
  }

  #write(): void {
    if (this.engine.outputCanWait && this.transport.afterTurn !== undefined) {
      if (this.#waiting) return
      this.#waiting = true
      this.transport.afterTurn(() => {
        this.#waiting = false
        this.#writeAll()
      })
      return
    }
    this.#writeAll()
  }

  #writeAll(): void {
    const first = this.engine.takeOutgoing()
    if (first === undefined) return
    let next = this.engine.takeOutgoing()
    if (next === undefined) {
      this.#writeOne(first)
      return
    }
    // Bulk: as one write of many buffers, for which the other end is woken once.
    this.transport.gather?.()
    this.#writeOne(first)
    for (; next !== undefined; next = this.engine.takeOutgoing()) this.#writeOne(next)
    this.transport.flush?.()
  }

  #writeOne(buffer: Uint8Array): void {
    this.transport.write(buffer, () => {
      if (this.engine.release(buffer)) this.wake()
    })
  }

  #regulate(): void {
    const wants = this.engine.wantsInput
    if (wants !== this.#paused) return
    this.#paused = !wants
    if (wants) this.transport.resume()
    else this.transport.pause()
  }

  /** One timer, only moved forward: a deadline that recedes is looked at again when the old one rings. */
  #arm(): void {
    const at = this.engine.deadline()
    if (at === undefined || at >= this.#timerAt) return
    this.#cancelTimer?.()
    this.#timerAt = at
    this.#cancelTimer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY
      this.engine.elapse(this.#clock.now())
      this.settle()
    })
  }

  #close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimer?.()
    this.transport.close(this.#deserted)
  }
}
