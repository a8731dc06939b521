// Owns a model of channels as their messages on the wire tell it, written from RFC 4254 §5: who may send how much, and what
// may follow what. Sees messages only, and shares no line with the code it judges.
import { Reader } from '../../src/wire/reader.ts'
import { otherSide, type SideName } from './scenario.ts'
import { violated } from './stage.ts'

type BySide<T> = { [S in SideName]: T }

/** A channel. What is indexed by a side belongs to what that side sends, unless it says otherwise. */
interface WireChannel {
  /** Each side's own number. */
  readonly numbers: BySide<number>
  /** Bytes it may still send, as far as it has heard. */
  readonly window: BySide<number>
  /** Bytes it may still send, as the other side has promised. */
  readonly promised: BySide<number>
  readonly packet: BySide<number>
  readonly initialWindow: BySide<number>
  readonly eof: BySide<boolean>
  readonly closed: BySide<boolean>
  /** Close messages it has heard. */
  readonly heardClose: BySide<boolean>
  /** Replies it owes, of requests it has heard. */
  readonly owes: BySide<number>
}

const both = <T>(value: T): BySide<T> => ({ client: value, server: value })

export class FlowModel {
  /** Channels by the number their owner gave them, from its OPEN or CONFIRMATION to the second close. */
  readonly #live: BySide<Map<number, WireChannel>> = { client: new Map(), server: new Map() }
  /** Global replies a side owes. */
  readonly #owes: BySide<number> = both(0)

  /** What `side` may still send on its channel `number`; `undefined` before it is confirmed or after it is over. */
  window(side: SideName, number: number): number | undefined {
    const channel = this.#live[side].get(number)
    return channel === undefined || channel.numbers[otherSide(side)] < 0 ? undefined : channel.window[side]
  }

  sent(by: SideName, payload: Uint8Array): void {
    const reader = new Reader(payload, 1)
    const number = payload[0]
    if (number === 80) return
    if (number === 81 || number === 82) {
      if (--this.#owes[by] < 0) violated(`${by} answers a global request that it has not heard`)
      return
    }
    if (number === 90) {
      reader.string()
      this.#opens(by, reader.uint32(), reader.uint32(), reader.uint32())
      return
    }
    const recipient = reader.uint32()
    if (number === 91) {
      this.#confirms(by, recipient, reader.uint32(), reader.uint32(), reader.uint32())
      return
    }
    const channel = this.#live[otherSide(by)].get(recipient)
    if (channel === undefined) return violated(`${by} sends message ${number} on channel ${recipient}, which does not exist`)
    if (number === 92) {
      if (channel.numbers[by] >= 0) violated(`${by} refuses channel ${recipient} after it confirmed it`)
      return
    }
    if (channel.numbers[by] < 0) violated(`${by} sends message ${number} on channel ${recipient} before it confirmed it`)
    if (channel.closed[by]) violated(`${by} sends message ${number} on channel ${recipient} after its close`)
    this.#sends(by, number, channel, reader)
  }

  #opens(by: SideName, number: number, window: number, packet: number): void {
    if (this.#live[by].has(number)) violated(`${by} opens channel ${number} while it is in use`)
    const to = otherSide(by)
    const channel: WireChannel = {
      numbers: both(-1),
      window: both(-1),
      promised: both(0),
      packet: both(0),
      initialWindow: both(0),
      eof: both(false),
      closed: both(false),
      heardClose: both(false),
      owes: both(0),
    }
    channel.numbers[by] = number
    channel.promised[to] = window
    channel.initialWindow[to] = window
    channel.packet[to] = packet
    this.#live[by].set(number, channel)
  }

  #confirms(by: SideName, recipient: number, number: number, window: number, packet: number): void {
    const to = otherSide(by)
    const channel = this.#live[to].get(recipient)
    if (channel === undefined || channel.numbers[by] >= 0) return violated(`${by} confirms channel ${recipient}, which nobody asked for`)
    if (this.#live[by].has(number)) violated(`${by} gives a new channel the number ${number}, which is in use`)
    channel.numbers[by] = number
    channel.window[by] = channel.promised[by]
    channel.promised[to] = window
    channel.initialWindow[to] = window
    channel.packet[to] = packet
    this.#live[by].set(number, channel)
  }

  #sends(by: SideName, number: number, channel: WireChannel, reader: Reader): void {
    const to = otherSide(by)
    const where = `on its channel ${channel.numbers[by]}`
    switch (number) {
      case 93:
        channel.promised[to] += reader.uint32()
        if (channel.promised[to] > channel.initialWindow[to])
          violated(`${by} makes the window larger than it was: ${channel.promised[to]} of ${channel.initialWindow[to]} bytes, ${where}`)
        return
      case 94:
      case 95: {
        if (number === 95) reader.uint32()
        const { length } = reader.string()
        if (channel.eof[by]) violated(`${by} sends data after its eof, ${where}`)
        if (length > channel.packet[by]) violated(`${by} sends ${length} bytes where a packet takes ${channel.packet[by]}, ${where}`)
        if (length > channel.window[by]) violated(`${by} sends ${length} bytes into a window of ${channel.window[by]}, ${where}`)
        channel.window[by] -= length
        return
      }
      case 96:
        if (channel.eof[by]) violated(`${by} sends eof twice, ${where}`)
        channel.eof[by] = true
        return
      case 97:
        channel.closed[by] = true
        if (channel.heardClose[by]) this.#live[by].delete(channel.numbers[by])
        return
      case 99:
      case 100:
        if (--channel.owes[by] < 0) violated(`${by} answers a request that it has not heard, ${where}`)
    }
  }

  /** `by` heard a message, and has not dealt with it yet. */
  received(by: SideName, payload: Uint8Array): void {
    const reader = new Reader(payload, 1)
    const number = payload[0]
    if (number === 80) {
      reader.string()
      if (reader.boolean()) this.#owes[by]++
      return
    }
    if (number < 91 || number > 127) return
    const channel = this.#live[by].get(reader.uint32())
    if (channel === undefined) return violated(`${by} hears message ${number} on a channel that is over for it`)
    const from = otherSide(by)
    switch (number) {
      case 91:
        channel.window[by] = channel.promised[by]
        return
      case 92:
        this.#live[by].delete(channel.numbers[by])
        return
      case 93:
        channel.window[by] += reader.uint32()
        return
      case 94:
      case 95:
        if (number === 95) reader.uint32()
        channel.promised[from] -= reader.string().length
        if (channel.promised[from] < 0) violated(`${by} hears more than it had room for on its channel ${channel.numbers[by]}`)
        return
      case 97:
        channel.heardClose[by] = true
        if (channel.closed[by]) this.#live[by].delete(channel.numbers[by])
        return
      case 98:
        reader.string()
        if (reader.boolean()) channel.owes[by]++
    }
  }
}
