// Owns holding a recorded conversation again: what was received is given to a fresh engine, what the application did is
// done again, and what the engine sends and tells must be what it sent and told then. Knows nothing of files.
import type { CryptoProvider, Hasher } from '../crypto/provider.ts'
import { Engine } from '../engine/engine.ts'
import type { Transcript } from '../engine/config.ts'
import type { EngineEvent, EngineQuestion } from '../engine/events.ts'
import { type TranscriptEvent, transcriptLines } from '../engine/transcript.ts'
import type { TranscriptPacket } from '../engine/trace.ts'
import { ReplayActor } from './replay-actor.ts'
import { compareEvents, difference, exactly, type ReplayDifference, withoutChance } from './replay-compare.ts'
import { replayConfig } from './replay-config.ts'
import { plainFeed, type ReplayFeed, wireBytes, wireFeed } from './replay-feed.ts'
import { seededRandom } from './random.ts'
import { type BadEnd, badEnd, parseEvents, type RecordedConversation } from './transcript.ts'
import type { Chunking } from './line.ts'

export { explainDifference } from './replay-compare.ts'
export type { ReplayDifference } from './replay-compare.ts'

export interface ReplayOptions {
  /** How what was received is cut. Default `whole`: packets that came without an answer between them come at once. */
  readonly chunk?: Chunking
  readonly seed?: number
}

/**
 * Replays without cryptography, which needs only what a trace holds. `undefined` means that the engine said and told what it
 * said and told then, and that this was no fault. A conversation that ended in a fault its header does not expect must now go
 * on where it ended.
 */
export const replay = (recorded: RecordedConversation, options: ReplayOptions = {}): ReplayDifference | undefined => {
  const step = new Replay(recorded, undefined, options).run().next()
  if (step.done !== true) throw new TypeError('nothing takes time in a replay without cryptography')
  return step.value
}

/**
 * Replays with the cryptography of then: the engine decrypts and verifies what the network carried, and every byte it sends
 * must be the byte it sent. Throws `TypeError` for a transcript that holds packets only.
 */
export const replayWire = async (
  recorded: RecordedConversation,
  crypto: CryptoProvider,
  options: ReplayOptions = {},
): Promise<ReplayDifference | undefined> => await finished(new Replay(recorded, crypto, options))

/** Where each received packet ends among the bytes of the wire, and what was different, for a recording that does not say. */
export const measureWire = async (
  recorded: RecordedConversation,
  crypto: CryptoProvider,
): Promise<{ readonly ends: readonly number[]; readonly difference: ReplayDifference | undefined }> => {
  const run = new Replay(recorded, crypto, { chunk: 'bytes' })
  return { difference: await finished(run), ends: run.ends }
}

const finished = async (replay: Replay): Promise<ReplayDifference | undefined> => {
  const steps = replay.run()
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
    await step.value
  }
}

type Steps<T> = Generator<Promise<void>, T>

class Replay {
  readonly #recorded: RecordedConversation
  readonly #cut: (left: number) => number
  readonly #engine: Engine
  readonly #actor: ReplayActor
  readonly #feed: ReplayFeed
  readonly #shown: (packet: TranscriptPacket) => string
  /** Of what left, when that can be compared. */
  readonly #hasher: Hasher | undefined
  readonly #said: TranscriptPacket[] = []
  #heard: TranscriptPacket[] = []
  readonly #told: string[] = []
  readonly #questions: EngineQuestion[] = []
  readonly #computing: Promise<void>[] = []
  #bytesSent = 0
  #bytesTaken = 0
  #next = 0
  /** Where each received packet ended, when the recording does not say. */
  readonly ends: number[] = []

  constructor(recorded: RecordedConversation, crypto: CryptoProvider | undefined, { chunk = 'whole', seed = 1 }: ReplayOptions) {
    const { wire } = recorded
    if (crypto !== undefined && wire === undefined) throw new TypeError('this transcript holds packets, but not what the network carried')
    this.#recorded = recorded
    const random = seededRandom(seed)
    this.#cut = chunk === 'whole' ? left => left : chunk === 'bytes' ? () => 1 : left => 1 + random.below(Math.min(left, 200))
    const sealed = crypto !== undefined && wire !== undefined
    this.#feed = sealed ? wireFeed(wire) : plainFeed()
    this.#shown = sealed ? exactly : withoutChance
    this.#hasher = sealed ? crypto.hasher('sha256') : undefined
    this.#engine = new Engine(replayConfig(recorded, this.#watch(), crypto))
    this.#actor = new ReplayActor(this.#engine)
  }

  #watch(): Transcript {
    const lines = transcriptLines(line => this.#told.push(line), { secrets: this.#recorded.wire !== undefined })
    return config => ({
      ...lines(config),
      packet: packet => void (packet.direction === 'sent' ? this.#said : this.#heard).push(packet),
    })
  }

  *run(): Steps<ReplayDifference | undefined> {
    const end = badEnd(this.#recorded)
    const fault = end?.what === this.#recorded.header.expects ? undefined : end
    const { packets } = this.#recorded
    // What we said when we gave up is not what should have been said.
    const until = fault?.by === 'us' ? fault.at : packets.length
    this.#engine.start(0)
    this.#settle()
    while (this.#next < until) {
      const different = packets[this.#next].direction === 'received' ? yield* this.#receive(until) : yield* this.#send()
      if (different !== undefined) return different
    }
    return fault === undefined ? this.#compareEnd() : this.#mustGoOn(fault)
  }

  // ── packets ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives the engine all that came until it answered. */
  *#receive(until: number): Steps<ReplayDifference | undefined> {
    const { packets, wire } = this.#recorded
    const from = this.#next
    while (this.#next < until && packets[this.#next].direction === 'received') this.#actor.received(packets[this.#next++])
    const run = packets.slice(from, this.#next)
    const { at } = run[run.length - 1]
    this.#heard = []
    if (this.#hasher !== undefined && wire?.ends.length === 0) yield* this.#measure(wireBytes(wire), run.length, at)
    else {
      const bytes = this.#feed.take(run)
      for (let start = 0; start < bytes.length;) {
        const piece = bytes.slice(start, start + this.#cut(bytes.length - start))
        start += piece.length
        yield* this.#take(piece, at)
      }
      yield* this.#unblock(run.length)
    }
    return this.#compareHeard(run, from)
  }

  /** Gives byte by byte until so many packets were taken. */
  *#measure(bytes: Uint8Array, count: number, at: number): Steps<void> {
    while (this.#heard.length < count && this.#bytesTaken < bytes.length) {
      const before = this.#heard.length
      yield* this.#take(bytes.slice(this.#bytesTaken, this.#bytesTaken + 1), at)
      yield* this.#unblock(count)
      this.#bytesTaken++
      for (let i = before; i < this.#heard.length; i++) this.ends.push(this.#bytesTaken)
    }
  }

  *#take(piece: Uint8Array, at: number): Steps<void> {
    this.#engine.receive(piece, at)
    this.#settle()
    // The network's buffer is used again at once: who kept a view of it reads rubbish.
    piece.fill(0xee)
    yield* this.#wait()
  }

  /**
   * How the network cuts may decide when we ask for a credential: when EXT_INFO has come, or when the service was accepted
   * just behind it. An open question keeps the engine from taking what it was given, so it is answered early then.
   */
  *#unblock(count: number): Steps<void> {
    const { packets } = this.#recorded
    const at = packets.findIndex((each, i) => i >= this.#next && each.direction === 'sent')
    while (this.#heard.length < count && this.#questions.length > 0 && at >= 0) yield* this.#answer(at)
  }

  *#answer(at: number): Steps<void> {
    const { packets } = this.#recorded
    const question = this.#questions.shift()
    if (question === undefined) return
    this.#actor.answer(question, packets[at], packets, at)
    this.#settle()
    yield* this.#wait()
  }

  #compareHeard(run: readonly TranscriptPacket[], from: number): ReplayDifference | undefined {
    for (const [i, packet] of run.entries()) {
      const heard = this.#heard.at(i)
      if (heard === undefined) {
        const [said] = this.#said
        return difference(from + i, `received ${this.#shown(packet)}`, said === undefined ? this.#silence() : this.#shown(said))
      }
      // Without cryptography it is what the engine was given just now.
      if (this.#hasher !== undefined && exactly(heard) !== exactly(packet))
        return difference(from + i, `received ${exactly(packet)}`, `received ${exactly(heard)}`)
    }
    return undefined
  }

  *#send(): Steps<ReplayDifference | undefined> {
    const packet = this.#recorded.packets[this.#next]
    // A question may be answered only now, when it is known what came of it.
    while (this.#said.length === 0 && this.#questions.length > 0) yield* this.#answer(this.#next)
    if (this.#said.length === 0) this.#actor.act(packet)
    this.#settle()
    yield* this.#wait()
    const said = this.#said.shift()
    if (said === undefined) return difference(this.#next, this.#shown(packet), this.#silence())
    if (this.#shown(said) !== this.#shown(packet)) return difference(this.#next, this.#shown(packet), this.#shown(said))
    this.#next++
    return undefined
  }

  // ── the engine ────────────────────────────────────────────────────────────────────────────────────────────────────

  #settle(): void {
    for (let event = this.#engine.nextEvent(); event !== undefined; event = this.#engine.nextEvent()) this.#event(event)
    for (let buffer = this.#engine.takeOutgoing(); buffer !== undefined; buffer = this.#engine.takeOutgoing()) {
      this.#hasher?.update(buffer)
      this.#bytesSent += buffer.length
      this.#engine.release(buffer)
    }
  }

  #event(event: EngineEvent): void {
    if (event.is !== 'question') this.#actor.event(event)
    else if (event.question.about === 'host-key') event.question.answer(true)
    else if (event.question.about === 'compute') this.#compute(event.question)
    else this.#questions.push(event.question)
  }

  #compute(question: Extract<EngineQuestion, { about: 'compute' }>): void {
    const result = question.ask.compute()
    if (!(result instanceof Promise)) {
      question.answer(result)
      return
    }
    this.#computing.push(
      result.then(
        value => question.answer(value),
        error => question.fail(error),
      ),
    )
  }

  /** Nothing comes from outside while something is computed in a thread. */
  *#wait(): Steps<void> {
    for (let computing = this.#computing.shift(); computing !== undefined; computing = this.#computing.shift()) {
      yield computing
      this.#settle()
    }
  }

  #silence(): string {
    const { ending } = this.#actor
    return ending === undefined ? 'nothing' : `nothing: the connection had ended (${ending.error.message})`
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  #compareEnd(): ReplayDifference | undefined {
    const { packets, events } = this.#recorded
    const [more] = this.#said
    if (more !== undefined) return difference(packets.length, 'nothing more', this.#shown(more))
    const ended = events?.find(each => each.event === 'ended')
    if (ended?.by === 'network') {
      this.#engine.end(ended.at)
      this.#settle()
    }
    return (
      (events === undefined ? undefined : compareEvents(events, this.#events(), packets.length, this.#hasher !== undefined)) ??
      this.#compareBytes()
    )
  }

  #events(): readonly TranscriptEvent[] {
    return parseEvents(this.#told)
  }

  #compareBytes(): ReplayDifference | undefined {
    const { header, packets, wire } = this.#recorded
    if (this.#hasher === undefined || wire === undefined) return undefined
    // What a compressor makes of the same bytes is the business of its version.
    const way = header.role === 'client' ? 'clientToServer' : 'serverToClient'
    const compressed = this.#events().some(
      each => each.event === 'exchanged' && (each[way] as { compression: string }).compression !== 'none',
    )
    if (compressed) return undefined
    const sha256 = Array.from(this.#hasher.digest(), byte => byte.toString(16).padStart(2, '0')).join('')
    if (sha256 === wire.sent.sha256) return undefined
    return difference(
      packets.length,
      `${wire.sent.bytes} bytes on the wire with SHA-256 ${wire.sent.sha256}`,
      `${this.#bytesSent} bytes on the wire with SHA-256 ${sha256}`,
    )
  }

  /** The conversation ended by a fault that is none, or was ours: now it must not. */
  #mustGoOn({ by, what, message, at }: BadEnd): ReplayDifference | undefined {
    const { ending } = this.#actor
    const goesOn = `the connection goes on; it ended by the fault ${what} then (if that is right, the header needs "expects":"${what}")`
    if (by === 'peer') return { at, expected: goesOn, actual: `the peer ended it: ${message}` }
    return ending === undefined ? undefined : { at, expected: goesOn, actual: `we ended it: ${ending.error.message}` }
  }
}
