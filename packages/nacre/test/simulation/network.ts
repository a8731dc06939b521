// Owns the network of a simulation: how bytes are cut and delayed, how many fit, when nothing moves, and the ways in which
// it ends. A buffer it was given is copied and given back, and what it delivers is overwritten at once. Knows no protocol.
import type { LineEnd } from '../../src/testing/line.ts'
import type { NetworkPlan, SideName } from './scenario.ts'
import type { Stage } from './stage.ts'

interface InFlight {
  readonly bytes: Uint8Array
  readonly arrival: number
  offset: number
}

/** Most bytes of one read, as with a real socket. */
export const readBuffer = 256 * 1024

/** One direction. */
class Pipe {
  readonly #name: string
  readonly #from: LineEnd
  readonly #to: LineEnd
  readonly #plan: NetworkPlan
  readonly #stage: Stage
  /** Taken from the sender and not accepted yet. */
  readonly #socket: { readonly buffer: Uint8Array; offset: number }[] = []
  readonly #flight: InFlight[] = []
  #inFlight = 0
  #lastArrival = 0
  #stalledUntil = 0
  /** Nothing more is accepted; what is under way still arrives, then the end. */
  #finished = false
  /** Everything is lost, and nobody is told. */
  #silent = false
  #endTold = false
  /** One read came although its receiver had asked for a pause, as with a real socket. */
  #overshot = false
  /** Bytes the receiver was given. */
  delivered = 0

  constructor(name: string, from: LineEnd, to: LineEnd, plan: NetworkPlan, stage: Stage) {
    this.#name = name
    this.#from = from
    this.#to = to
    this.#plan = plan
    this.#stage = stage
  }

  finish(): void {
    this.#finished = true
  }
  silence(): void {
    this.#silent = true
    this.#flight.length = 0
    this.#inFlight = 0
  }
  /** Loses what is under way; the receiver is told now. */
  reset(): void {
    this.#finished = true
    this.#flight.length = 0
    this.#inFlight = 0
    this.#tellEnd()
  }
  stall(milliseconds: number): void {
    this.#stalledUntil = Math.max(this.#stalledUntil, this.#stage.clock.now() + milliseconds)
  }

  /** When something moves that does not move now; `undefined` when nothing will by itself. */
  get next(): number | undefined {
    if (this.#silent || this.#endTold || this.#to.ended) return undefined
    const first = this.#flight[0]
    if (first === undefined && !this.#finished && !this.#from.ended) return undefined
    const at = Math.max(first?.arrival ?? 0, this.#stalledUntil)
    return at > this.#stage.clock.now() ? at : undefined
  }

  /** Takes what the sender has, as far as it fits. */
  collect(): void {
    for (let buffer = this.#from.takeOutgoing(); buffer !== undefined; buffer = this.#from.takeOutgoing())
      this.#socket.push({ buffer, offset: 0 })
    const lost = this.#silent || this.#finished || this.#to.ended
    while (this.#socket.length > 0 && (lost || this.#inFlight < this.#plan.capacity)) {
      const first = this.#socket[0]
      const count = lost
        ? first.buffer.length - first.offset
        : Math.min(first.buffer.length - first.offset, this.#plan.capacity - this.#inFlight)
      if (!lost) this.#send(first.buffer.slice(first.offset, first.offset + count))
      first.offset += count
      if (first.offset < first.buffer.length) continue
      this.#socket.shift()
      this.#release(first.buffer)
    }
  }

  #send(bytes: Uint8Array): void {
    const { latency, jitter } = this.#plan
    this.#lastArrival = Math.max(this.#lastArrival, this.#stage.clock.now() + latency + (jitter > 0 ? this.#stage.random.below(jitter) : 0))
    this.#flight.push({ bytes, arrival: this.#lastArrival, offset: 0 })
    this.#inFlight += bytes.length
  }

  #release(buffer: Uint8Array): void {
    const act = (): void => {
      this.#from.release(buffer)
      this.#from.settle()
    }
    if (this.#plan.lateRelease) this.#stage.soon(act)
    else act()
  }

  /** Delivers something. False when nothing can move now. */
  step(): boolean {
    if (this.#silent || this.#endTold || this.#stalledUntil > this.#stage.clock.now()) return false
    if (this.#to.ended) {
      this.#flight.length = 0
      this.#inFlight = 0
      return false
    }
    if (this.#flight.length === 0) {
      if (!this.#finished && !(this.#from.ended && this.#socket.length === 0)) return false
      this.#tellEnd()
      return true
    }
    const chunk = this.#read()
    if (chunk === undefined) return false
    this.delivered += chunk.length
    this.#stage.note?.(`  ${this.#name}: ${chunk.length} bytes`)
    this.#to.receive(chunk, this.#stage.clock.now())
    this.#to.settle()
    // The network's buffer is used again at once: who kept a view of it reads rubbish.
    chunk.fill(0xee)
    return true
  }

  #read(): Uint8Array | undefined {
    const { random, clock } = this.#stage
    if (this.#flight[0].arrival > clock.now()) return undefined
    if (this.#to.wantsInput) this.#overshot = false
    else if (this.#overshot || random.oneIn(2)) return undefined
    else this.#overshot = true
    const now = clock.now()
    let available = 0
    for (const each of this.#flight) {
      if (each.arrival > now || available >= readBuffer) break
      available += each.bytes.length - each.offset
    }
    if (available === 0) return undefined
    const { largestRead } = this.#plan
    const count = Math.min(available, largestRead === 0 ? readBuffer : 1 + random.below(largestRead))
    const chunk = new Uint8Array(count)
    for (let at = 0; at < count;) {
      const first = this.#flight[0]
      const part = first.bytes.subarray(first.offset, first.offset + count - at)
      chunk.set(part, at)
      at += part.length
      first.offset += part.length
      if (first.offset === first.bytes.length) this.#flight.shift()
    }
    this.#inFlight -= count
    return chunk
  }

  #tellEnd(): void {
    if (this.#endTold) return
    this.#endTold = true
    this.#stage.note?.(`  ${this.#name}: the end`)
    if (this.#to.ended) return
    this.#to.end(this.#stage.clock.now())
    this.#to.settle()
  }
}

/** A client and a server, joined. Nothing moves but in `step`. */
export class Network {
  /** By who sends. */
  readonly pipes: { readonly [S in SideName]: Pipe }
  readonly #plan: NetworkPlan
  readonly #stage: Stage

  constructor(client: LineEnd, server: LineEnd, plan: NetworkPlan, stage: Stage) {
    this.#plan = plan
    this.#stage = stage
    this.pipes = {
      client: new Pipe('client to server', client, server, plan, stage),
      server: new Pipe('server to client', server, client, plan, stage),
    }
  }

  /** Delivers something one way. False when nothing moves before time passes or an end does something. */
  step(): boolean {
    const { client, server } = this.pipes
    const { random } = this.#stage
    client.collect()
    server.collect()
    const { stallOneIn, stallMilliseconds } = this.#plan
    if (stallOneIn > 0 && random.oneIn(stallOneIn)) random.pick([client, server]).stall(random.below(stallMilliseconds))
    const [first, second] = random.oneIn(2) ? [client, server] : [server, client]
    return first.step() || second.step()
  }

  /** The connection is lost, and both ends are told. */
  reset(): void {
    this.pipes.client.reset()
    this.pipes.server.reset()
  }
  silence(): void {
    this.pipes.client.silence()
    this.pipes.server.silence()
  }
  /** Nothing more of what `by` sends arrives; the other direction goes on. */
  halfClose(by: SideName): void {
    this.pipes[by].finish()
  }

  /** When bytes under way arrive next. */
  next(): number | undefined {
    const { client, server } = this.pipes
    if (client.next === undefined || server.next === undefined) return client.next ?? server.next
    return Math.min(client.next, server.next)
  }
}
