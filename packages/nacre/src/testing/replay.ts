// Owns holding a recorded conversation again: what was received is given to a fresh engine, what the application did is
// done again, and what the engine sends must be what it sent then. Knows nothing of files.
import { Engine } from '../engine/engine.ts'
import type { EngineConfig } from '../engine/config.ts'
import type { EngineEvent, EngineQuestion } from '../engine/events.ts'
import type { TranscriptPacket } from '../engine/trace.ts'
import { Outgoing, BufferPool } from '../transport/outgoing.ts'
import { ReplayActor } from './replay-actor.ts'
import { replayConfig } from './replay-config.ts'
import { seededRandom } from './random.ts'
import type { RecordedConversation } from './transcript.ts'
import type { Chunking } from './line.ts'

export interface ReplayOptions {
  /** How what was received is cut. Default `whole`: packets that came without an answer between them come at once. */
  readonly chunk?: Chunking
  readonly seed?: number
}

/** What went otherwise than recorded. */
export interface ReplayDifference {
  /** Which packet of the transcript, from 0. */
  readonly at: number
  readonly expected: string
  readonly actual: string
}

/** Replays; `undefined` means that the engine said what it said then. */
export const replay = (recorded: RecordedConversation, options: ReplayOptions = {}): ReplayDifference | undefined =>
  new Replay(recorded, options).run()

/** Fields that are chance, or follow from chance: all of a key exchange, KEXINIT's cookie, and signatures. */
const comparable = ({ number, name, payload }: TranscriptPacket): string => {
  if (number >= 30 && number <= 49) return name
  const shown = payload.slice()
  if (number === 20) shown.fill(0, 1, 17)
  if (number === 50) blankSignature(shown)
  return `${name} ${Array.from(shown, byte => byte.toString(16).padStart(2, '0')).join('')}`
}

/** A publickey proof ends with its signature; both runs name the same key before it. */
const blankSignature = (payload: Uint8Array): void => {
  const text = String.fromCharCode(...payload)
  const method = text.indexOf('\0\0\0\x09publickey\x01')
  if (method < 0) return
  const view = new DataView(payload.buffer, payload.byteOffset)
  let at = method + 14
  for (let skipped = 0; skipped < 2; skipped++) at += 4 + view.getUint32(at)
  payload.fill(0, at)
}

class Replay {
  readonly #recorded: RecordedConversation
  readonly #cut: (left: number) => number
  readonly #engine: Engine
  readonly #actor: ReplayActor
  readonly #said: TranscriptPacket[] = []
  /** Frames what the peer said; nothing is protected, so nothing need be agreed on. */
  readonly #peer = new Outgoing(bytes => void bytes.fill(0), new BufferPool())
  readonly #questions: EngineQuestion[] = []
  #next = 0

  constructor(recorded: RecordedConversation, { chunk = 'whole', seed = 1 }: ReplayOptions) {
    this.#recorded = recorded
    const random = seededRandom(seed)
    this.#cut = chunk === 'whole' ? left => left : chunk === 'bytes' ? () => 1 : left => 1 + random.below(Math.min(left, 200))
    const config: EngineConfig = replayConfig(recorded, () => packet => this.#said.push(packet))
    this.#engine = new Engine(config)
    this.#actor = new ReplayActor(this.#engine)
  }

  run(): ReplayDifference | undefined {
    const { packets } = this.#recorded
    this.#engine.start(0)
    this.#settle()
    while (this.#next < packets.length) {
      const packet = packets[this.#next]
      if (packet.direction === 'received') {
        this.#receive()
        continue
      }
      if (!this.#hasSaid()) this.#act(packet)
      const actual = this.#takeSaid()
      if (actual === undefined || comparable(actual) !== comparable(packet)) {
        return { at: this.#next, expected: describe(packet), actual: actual === undefined ? this.#silence() : describe(actual) }
      }
      this.#next++
    }
    const more = this.#takeSaid()
    return more === undefined ? undefined : { at: packets.length, expected: 'nothing more', actual: describe(more) }
  }

  /** Gives the engine all that came until it answered. */
  #receive(): void {
    const { packets } = this.#recorded
    const parts: Uint8Array[] = []
    let at = packets[this.#next].at
    for (let packet = packets[this.#next]; packet?.direction === 'received'; packet = packets[++this.#next]) {
      at = packet.at
      if (packet.number === 0) parts.push(Uint8Array.of(...packet.payload, 13, 10))
      else this.#frame(packet.payload, parts)
      this.#actor.received(packet)
    }
    for (const part of parts) {
      for (let start = 0; start < part.length;) {
        const piece = part.slice(start, start + this.#cut(part.length - start))
        start += piece.length
        this.#engine.receive(piece, at)
        this.#settle()
        piece.fill(0xee)
      }
    }
  }

  #frame(payload: Uint8Array, parts: Uint8Array[]): void {
    this.#peer.payload(payload)
    for (let buffer = this.#peer.take(); buffer !== undefined; buffer = this.#peer.take()) {
      parts.push(buffer.slice())
      this.#peer.release(buffer)
    }
  }

  #act(packet: TranscriptPacket): void {
    // A question may be answered only now, when it is known what came of it.
    for (let question = this.#questions.shift(); question !== undefined && !this.#hasSaid(); question = this.#questions.shift()) {
      this.#actor.answer(question, packet, this.#recorded.packets, this.#next)
      this.#settle()
    }
    if (!this.#hasSaid()) this.#actor.act(packet)
    this.#settle()
  }

  #settle(): void {
    for (let event = this.#engine.nextEvent(); event !== undefined; event = this.#engine.nextEvent()) this.#event(event)
    for (let buffer = this.#engine.takeOutgoing(); buffer !== undefined; buffer = this.#engine.takeOutgoing()) this.#engine.release(buffer)
  }

  #event(event: EngineEvent): void {
    if (event.is !== 'question') this.#actor.event(event)
    else if (event.question.about === 'host-key') event.question.answer(true)
    else if (event.question.about === 'compute') event.question.answer(event.question.ask.compute())
    else this.#questions.push(event.question)
  }

  #hasSaid(): boolean {
    return this.#said.some(each => each.direction === 'sent')
  }
  #takeSaid(): TranscriptPacket | undefined {
    for (let packet = this.#said.shift(); packet !== undefined; packet = this.#said.shift()) if (packet.direction === 'sent') return packet
    return undefined
  }
  #silence(): string {
    const { ending } = this.#actor
    return ending === undefined ? 'nothing' : `nothing: the connection had ended (${ending.error.message})`
  }
}

const describe = (packet: TranscriptPacket): string => comparable(packet).slice(0, 400)
