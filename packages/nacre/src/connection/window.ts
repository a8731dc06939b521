// Owns all arithmetic of flow control (RFC 4254 §5.2): what the peer may still send us and what we may still send it.
// Knows nothing of messages or channels; whoever holds a window sends what it says.
import { ProtocolError } from '../errors.ts'

/** RFC 4254 §5.2: a window never grows past this. */
export const largestWindow = 0xffffffff

/** A wide window is for a long way, where half of it would be missed: it is given back in pieces of so many bytes. */
const mostDue = 1024 * 1024
/** So many bytes and fewer came in small pieces; of bulk more is due before anybody looks. */
const fewBytes = 16 * 1024

/**
 * What the peer may send. Every byte of the window is in one of three places: still to come, arrived and not consumed, or
 * consumed and not yet given back. Their sum is always the size.
 */
export class ReceiveWindow {
  #size: number
  readonly maximumPacket: number
  #available: number
  #unconsumed = 0
  #due = 0

  constructor(size: number, maximumPacket: number) {
    this.#size = size
    this.maximumPacket = maximumPacket
    this.#available = size
  }

  /** Bytes that may be under way and held here, together. */
  get size(): number {
    return this.#size
  }
  /** Bytes the peer may still send. */
  get available(): number {
    return this.#available
  }
  /** Bytes that arrived and were not consumed: what somebody has to keep. */
  get unconsumed(): number {
    return this.#unconsumed
  }
  /** Bytes that were consumed and not yet given back. */
  get due(): number {
    return this.#due
  }

  /** Counts data that arrived. Returns the number of bytes to give back now, 0 for none. */
  arrived(count: number): number {
    if (count > this.maximumPacket) {
      throw new ProtocolError(
        'channel-packet-too-large',
        `The peer sent ${count} bytes of channel data in one message; we take ${this.maximumPacket} (RFC 4254 §5.2).`,
      )
    }
    if (count > this.#available) {
      throw new ProtocolError(
        'channel-window-exceeded',
        `The peer sent ${count} bytes of channel data; its window had room for ${this.#available} (RFC 4254 §5.2).`,
      )
    }
    this.#available -= count
    this.#unconsumed += count
    return this.#available === 0 && this.#due > 0 ? this.#giveBack() : 0
  }

  /**
   * Counts data as consumed. Returns the number of bytes to give back now, 0 for none: half a window at a time and at most 1 MiB,
   * or sooner when a whole packet no longer fits, or at once when the peer can send nothing at all.
   */
  consumed(count: number): number {
    if (!Number.isInteger(count) || count < 0 || count > this.#unconsumed) {
      throw new TypeError(`${count} bytes cannot be consumed: ${this.#unconsumed} arrived and were not`)
    }
    this.#unconsumed -= count
    this.#due += count
    if (this.#due === 0) return 0
    const half = Math.min(this.#size / 2, mostDue)
    if (this.#due >= half || this.#available === 0) return this.#giveBack()
    if (this.#available < this.maximumPacket && (this.#due >= Math.min(this.maximumPacket, half) || this.#unconsumed === 0))
      return this.#giveBack()
    return 0
  }

  /**
   * Lets the peer send as far as a window of `size` bytes allows; a window never becomes smaller. Returns the number of bytes to
   * give now, those that are due among them, 0 for none.
   */
  widen(size: number): number {
    const wider = Math.min(size, largestWindow)
    if (!(wider > this.#size)) return 0
    this.#due += wider - this.#size
    this.#size = wider
    return this.#giveBack()
  }

  /** Returns what is due to give back now, if it is little; 0 for none. */
  few(): number {
    return this.#due <= fewBytes ? this.#giveBack() : 0
  }

  #giveBack(): number {
    const count = this.#due
    this.#due = 0
    this.#available += count
    return count
  }
}

/** What we may send. */
export class SendWindow {
  #available: number

  constructor(initial: number) {
    this.#available = initial
  }

  /** Bytes we may still send. */
  get available(): number {
    return this.#available
  }

  /** Takes room for data that is sent now. */
  take(count: number): void {
    if (count > this.#available) throw new TypeError(`${count} bytes do not fit a window of ${this.#available}`)
    this.#available -= count
  }

  /** The peer gave `count` bytes back. */
  adjust(count: number): void {
    const total = this.#available + count
    if (total > largestWindow) {
      throw new ProtocolError(
        'channel-window-overflow',
        `The peer adjusted a window of ${this.#available} bytes by ${count}: that is past 2^32 - 1 (RFC 4254 §5.2).`,
      )
    }
    this.#available = total
  }
}
