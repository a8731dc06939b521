// Owns one end of a channel in a pair: what came, and what is still to be sent. Knows nothing of the other end.
import type { Channel } from '../connection/channel.ts'
import type { ChannelRequestQuestion } from '../connection/events.ts'

interface Sending {
  readonly bytes: Uint8Array
  readonly type: number
  offset: number
}

export class PairChannel {
  readonly channel: Channel
  /** Requests of the other end. */
  readonly requests: ChannelRequestQuestion[] = []
  /** The other end will send no more data. */
  eof = false
  closed = false
  /** Bytes that came and were not consumed; only counts while `consuming` is false. */
  held = 0
  #consuming: boolean
  readonly #came: { readonly type: number; readonly bytes: Uint8Array }[] = []
  readonly #sending: Sending[] = []
  #after: (() => void) | undefined

  constructor(channel: Channel, consuming: boolean) {
    this.channel = channel
    this.#consuming = consuming
  }

  /** Whether data is given back to the window as it comes. Turning it on gives back what was held. */
  get consuming(): boolean {
    return this.#consuming
  }
  set consuming(consuming: boolean) {
    this.#consuming = consuming
    if (consuming) this.consume(this.held)
  }

  consume(count: number): void {
    this.held -= count
    this.channel.consume(count)
  }

  took(bytes: Uint8Array, type: number): void {
    this.#came.push({ type, bytes: bytes.slice() })
    this.held += bytes.length
    if (this.#consuming) this.consume(bytes.length)
  }

  /** Everything that came so far as data of `type`. */
  received(type = 0): Uint8Array {
    const parts = this.#came.filter(each => each.type === type)
    const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.bytes.length, 0))
    let at = 0
    for (const { bytes } of parts) {
      whole.set(bytes, at)
      at += bytes.length
    }
    return whole
  }
  text(type = 0): string {
    return new TextDecoder().decode(this.received(type))
  }

  /** Sends bytes, now or as soon as there is room. */
  send(bytes: Uint8Array | string, type = 0): this {
    this.#sending.push({ bytes: typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes, type, offset: 0 })
    this.push()
    return this
  }
  /** Calls `act` when everything has been sent: for `eof`, exit statuses and `close`. */
  afterwards(act: (channel: Channel) => void): this {
    const before = this.#after
    this.#after = () => {
      before?.()
      act(this.channel)
    }
    this.push()
    return this
  }
  /** Bytes that wait for room. */
  get waiting(): number {
    return this.#sending.reduce((sum, each) => sum + each.bytes.length - each.offset, 0)
  }

  /** Sends what there is room for. */
  push(): void {
    if (this.channel.phase !== 'open') return
    for (let next = this.#sending[0]; next !== undefined; next = this.#sending[0]) {
      next.offset += this.channel.write(next.bytes.subarray(next.offset), next.type)
      if (next.offset < next.bytes.length) return
      this.#sending.shift()
    }
    const after = this.#after
    this.#after = undefined
    after?.()
  }
}
