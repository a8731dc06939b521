// Owns one end of a channel in a simulation: it follows its script, reads as it was told, and checks every byte, request and
// reply against what the other end did. What is sent follows from the plan, so nothing is kept. Knows nothing of packets.
import type { Channel } from '../../src/connection/channel.ts'
import type { ChannelRequestQuestion } from '../../src/connection/events.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { exitStatus } from '../../src/connection/requests/exit-status.ts'
import { isOf } from '../../src/connection/row.ts'
import { struct, uint32 } from '../../src/wire/codec.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { type ChannelPlan, otherSide, type EndPlan, type SideName, type Step } from './scenario.ts'
import { type Stage, violated, type Wait } from './stage.ts'

/** A request that says which one it is. */
export const ordered = { name: 'ordered@simulation', codec: struct({ ordinal: uint32, answerAfter: uint32 }) } as const

/** After so many bytes a stream repeats itself: a prime, so that no buffer or window has the same length. */
const period = 65_521
const pattern = ((): Uint8Array => {
  const bytes = new Uint8Array(2 * period)
  seededRandom(1).bytes(bytes.subarray(0, period))
  bytes.copyWithin(period, 0, period)
  return bytes
})()

/** `count` bytes of the stream a side sends on a channel, from `at` on. At most `period` at once. */
const streamBytes = (id: number, side: SideName, type: number, at: number, count: number): Uint8Array => {
  const begin = (id * 7919 + (side === 'client' ? 0 : 31_337) + type * 12_289 + at) % period
  return pattern.subarray(begin, begin + count)
}

/** Whether a request is agreed to. */
const agrees = (ordinal: number): boolean => ordinal % 3 !== 2

export interface EndHost {
  readonly stage: Stage
  readonly side: SideName
  /** Called after an end used the engine. */
  used(end: ChannelEnd): void
  /** The other end of a channel, if there is one by now. */
  twin(id: number): ChannelEnd | undefined
  /** Bytes the wire says this side may still send. */
  wireWindow(number: number): number | undefined
  readonly initialWindow: number
}

export class ChannelEnd {
  readonly channel: Channel
  readonly plan: ChannelPlan
  /** Bytes sent and received, by type. */
  readonly sent: [number, number] = [0, 0]
  readonly received: [number, number] = [0, 0]
  closed = false
  readonly #host: EndHost
  readonly #end: EndPlan
  #opened = false
  #step = 0
  /** Of the step that is under way. */
  #done = 0
  #resting = false
  #blocked: Wait | undefined
  #held = 0
  /** Bytes of the record that is being read. */
  #record = 1
  /** A slow reader will read on. */
  #reading = false
  /** A late reader has come. */
  #awake = false
  #eof = false
  #closedByUs = false
  #requestsSent = 0
  #requestsHeard = 0
  readonly #wait: Wait

  constructor(channel: Channel, plan: ChannelPlan, host: EndHost) {
    this.channel = channel
    this.plan = plan
    this.#host = host
    this.#end = plan.ends[host.side]
    this.#wait = host.stage.wait(`${this.#name} to close`, plan.answer.is === 'never')
  }

  get #name(): string {
    return `the ${this.#host.side}'s end of channel plan ${this.plan.id}`
  }
  #fault(what: string): never {
    return violated(`${this.#name}: ${what}`)
  }

  /** The channel can be used. */
  opened(): void {
    this.#opened = true
    const { stage } = this.#host
    stage.soon(() => this.#run())
    if (this.#end.abortAfter !== undefined) stage.later(this.#end.abortAfter, () => this.abort())
    const { reader } = this.#end
    if (reader.is !== 'late') return
    stage.later(reader.after, () => {
      this.#awake = true
      this.#consume(this.#held)
    })
  }

  /** Closes whatever is under way. */
  abort(): void {
    if (this.closed || this.#closedByUs) return
    this.#close()
    this.#host.used(this)
  }

  // ── its script ────────────────────────────────────────────────────────────────────────────────────────────────────

  #run(): void {
    if (this.#resting) return
    while (!this.closed && !this.#closedByUs && this.#step < this.#end.steps.length) {
      const step = this.#end.steps[this.#step]
      if (!this.#take(step)) break
      this.#step++
      this.#done = 0
      // Others have their turn in between.
      if (this.#host.stage.random.oneIn(2)) continue
      this.#rest(0)
      break
    }
    this.#host.used(this)
  }

  #rest(milliseconds: number): void {
    this.#resting = true
    this.#host.stage.later(milliseconds, () => {
      this.#resting = false
      this.#run()
    })
  }

  /** Does a step. False when it is not over. */
  #take(step: Step): boolean {
    switch (step.is) {
      case 'write':
        return this.#write(step)
      case 'request':
        this.#request(step)
        return true
      case 'pause':
        if (this.#done++ > 0) return true
        this.#rest(step.milliseconds)
        return false
      case 'eof':
        this.channel.eof()
        return true
      case 'wait-for-eof':
        return this.#eof
      case 'close':
        this.#close()
        return true
    }
  }

  #write({ type, count, piece }: Extract<Step, { is: 'write' }>): boolean {
    while (this.#done < count) {
      if (this.#blocked !== undefined) return false
      const size = Math.min(piece, count - this.#done, period)
      const taken = this.channel.write(streamBytes(this.plan.id, this.#host.side, type, this.sent[type], size), type)
      if (!(taken >= 0 && taken <= size)) this.#fault(`a write of ${size} bytes took ${taken}`)
      this.sent[type] += taken
      this.#done += taken
      if (taken < size) this.#blocked = this.#host.stage.wait(`${this.#name} to write on`)
      // The engine may have ended while it wrote.
      if (this.closed) return false
    }
    return true
  }

  #request({ wantReply, answerAfter }: Extract<Step, { is: 'request' }>): void {
    const ordinal = this.#requestsSent++
    const replied = wantReply ? this.#host.stage.wait(`${this.#name} for the reply to request ${ordinal}`) : undefined
    const onReply = (ok: boolean, error?: Error): void => {
      replied?.end()
      if (error === undefined && ok !== agrees(ordinal)) this.#fault(`request ${ordinal} got the answer of another one`)
      if (error !== undefined && ok) this.#fault(`request ${ordinal} was agreed to and failed`)
    }
    const callback = wantReply ? onReply : undefined
    if (ordinal % 4 === 1 && this.#host.side === 'client') this.channel.request(exec, { command: String(ordinal) }, callback)
    else if (ordinal % 4 === 1) this.channel.request(exitStatus, { exitStatus: ordinal }, callback)
    else this.channel.request(ordered, { ordinal, answerAfter }, callback)
  }

  #close(): void {
    this.#closedByUs = true
    this.#blocked?.end()
    this.#blocked = undefined
    this.channel.close()
    if (!this.#opened || this.#host.stage.random.oneIn(2)) return
    // Calls that come too late do nothing.
    if (this.channel.write(pattern.subarray(0, 10)) !== 0) this.#fault('a write after close took something')
    this.channel.eof()
    this.channel.close()
  }

  // ── what happens to it ────────────────────────────────────────────────────────────────────────────────────────────

  writable(): void {
    // It was said before we closed.
    if (this.#closedByUs) return
    if (this.#blocked === undefined) return this.#fault('it is told that it can write, and did not wait for that')
    this.#blocked.end()
    this.#blocked = undefined
    if (this.#host.stage.random.oneIn(2)) this.#run()
    else if (!this.#resting) this.#rest(0)
  }

  data(bytes: Uint8Array, type: number): void {
    if (!this.#opened) this.#fault('data before it was open')
    if (this.closed) this.#fault('data after it was closed')
    if (this.#eof) this.#fault('data after eof')
    if (type !== 0 && type !== 1) return this.#fault(`data of type ${type}`)
    const other = otherSide(this.#host.side)
    for (let at = 0; at < bytes.length; at += period) {
      const part = bytes.subarray(at, at + period)
      if (Buffer.compare(part, streamBytes(this.plan.id, other, type, this.received[type] + at, part.length)) !== 0)
        this.#fault(`the ${bytes.length} bytes of type ${type} after the first ${this.received[type]} are not those that were sent`)
    }
    this.received[type] += bytes.length
    const sent = this.#host.twin(this.plan.id)?.sent[type] ?? 0
    if (this.received[type] > sent) this.#fault(`${this.received[type]} bytes came of ${sent} that were sent`)
    this.#held += bytes.length
    this.#read()
  }

  #read(): void {
    const { reader } = this.#end
    const { stage } = this.#host
    if (reader.is === 'eager' || (reader.is === 'late' && this.#awake)) {
      if (stage.random.oneIn(4)) this.#consume(stage.random.below(this.#held + 1))
      this.#consume(this.#held)
    } else if (reader.is === 'slow' && !this.#reading) this.#readSlowly(reader)
    else if (reader.is === 'records') {
      while (this.#held >= this.#record && !this.closed) {
        const record = this.#record
        this.#record = 1 + stage.random.below(this.#host.initialWindow)
        this.#consume(record)
      }
    }
  }

  #readSlowly(reader: { readonly bytes: number; readonly every: number }): void {
    this.#reading = true
    this.#host.stage.later(reader.every, () => {
      this.#reading = false
      this.#consume(Math.min(this.#held, reader.bytes))
      if (this.#held > 0 && !this.closed) this.#readSlowly(reader)
    })
  }

  #consume(count: number): void {
    if (this.closed) return
    this.#held -= count
    this.channel.consume(count)
    this.#host.used(this)
  }

  eof(): void {
    if (this.#eof) this.#fault('eof twice')
    this.#eof = true
    this.#mustBeWhole('eof')
    if (!this.#resting) this.#rest(0)
  }

  requested(question: ChannelRequestQuestion): void {
    const { request } = question
    const ordinal = this.#requestsHeard++
    const heard = isOf(request, ordered)
      ? request.value.ordinal
      : isOf(request, exec)
        ? Number(request.value.command)
        : isOf(request, exitStatus)
          ? request.value.exitStatus
          : -1
    if (heard !== ordinal) this.#fault(`request ${heard} came where ${ordinal} was due`)
    this.#host.stage.later(isOf(request, ordered) ? request.value.answerAfter : 0, () => {
      if (agrees(ordinal)) question.succeed()
      else question.fail()
      this.#host.used(this)
    })
  }

  /** It is over, with an error when the connection is. */
  gone(error: Error | undefined): void {
    if (this.closed) this.#fault('closed twice')
    this.closed = true
    this.#blocked?.end()
    this.#blocked = undefined
    this.#wait.end()
    if (error === undefined && !this.#closedByUs) this.#mustBeWhole('close')
  }

  /** The other side said that there is no more. */
  #mustBeWhole(what: string): void {
    const sent = this.#host.twin(this.plan.id)?.sent ?? [0, 0]
    for (const type of [0, 1] as const) {
      if (this.received[type] !== sent[type])
        this.#fault(`${what} after ${this.received[type]} bytes of type ${type}, of ${sent[type]} that were sent`)
    }
  }

  /** The peer will not open it, or the connection ended first. */
  failed(): void {
    if (this.#opened) this.#fault('refused after it was open')
    if (this.closed) this.#fault('refused twice')
    this.closed = true
    this.#wait.end()
  }

  /** It waits to write on, although nothing hinders it. Asked when nothing moves. */
  get overlooked(): boolean {
    return this.#blocked !== undefined && this.channel.phase === 'open' && this.channel.sendWindow > 0
  }

  /** What is true whenever all events have been seen. */
  check(): void {
    const { channel } = this
    if (channel.phase !== 'open' || channel.ours === 'closed') return
    if (channel.unconsumed !== this.#held) this.#fault(`${channel.unconsumed} bytes count as not consumed, ${this.#held} are held`)
    if (this.#held > this.#host.initialWindow) this.#fault(`${this.#held} bytes are held, in a window of ${this.#host.initialWindow}`)
    // Undefined while messages wait for a key exchange.
    const window = this.#host.wireWindow(channel.number) ?? channel.sendWindow
    if (window !== channel.sendWindow) this.#fault(`its window is ${channel.sendWindow}, on the wire ${window}`)
  }
}
