// Owns one side of a pair: its engine, who answers its questions, its channels, and a list of all that happened. Knows
// nothing of the other side or of how bytes get there.
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import type { ChannelRequestQuestion, GlobalRequestQuestion, OpenQuestion } from '../connection/events.ts'
import type { EngineConfig } from '../engine/config.ts'
import { Engine } from '../engine/engine.ts'
import type { Ended, EngineEvent, EngineQuestion } from '../engine/events.ts'
import type { VirtualClock } from './clock.ts'
import type { LineEnd } from './line.ts'
import { PairChannel } from './pair-channel.ts'

export { PairChannel } from './pair-channel.ts'

/** An answer of a policy that leaves the question open: it then stands in `PairSide.open`. */
export const leaveOpen: unique symbol = Symbol('leave open')

type Asked<A extends EngineQuestion['about']> = Extract<EngineQuestion, { readonly about: A }>
type AnswerTo<A extends EngineQuestion['about']> = Parameters<Asked<A>['answer']>[0]

/** Who answers what. A promise is waited for by `Pair.settle`; what is thrown fails the question. */
export type SideHooks = {
  readonly [A in EngineQuestion['about']]?: (ask: Asked<A>['ask']) => AnswerTo<A> | Promise<AnswerTo<A>> | typeof leaveOpen
} & {
  /** Default: accepted. */
  readonly openRequested?: (question: OpenQuestion) => void
  /** Default: agreed to. */
  readonly channelRequested?: (question: ChannelRequestQuestion, channel: PairChannel) => void
  /** Default: refused. */
  readonly globalRequested?: (question: GlobalRequestQuestion) => void
}

export class PairSide implements LineEnd {
  readonly engine: Engine
  /** All events but data, in order. */
  readonly events: EngineEvent[] = []
  /** Questions that a policy left open. */
  readonly unanswered: EngineQuestion[] = []
  /** Every channel there was, in the order in which they were opened or accepted. */
  readonly channels: PairChannel[] = []
  readonly #clock: VirtualClock
  readonly #hooks: SideHooks
  readonly #consume: boolean
  readonly #work = new Set<Promise<void>>()

  constructor(config: EngineConfig, hooks: SideHooks, clock: VirtualClock, consume: boolean) {
    this.engine = new Engine(config)
    this.#hooks = hooks
    this.#clock = clock
    this.#consume = consume
  }

  start(): void {
    this.engine.start(this.#clock.now())
    this.settle()
  }

  // ── what a line needs ─────────────────────────────────────────────────────────────────────────────────────────────

  receive(bytes: Uint8Array, now: number): void {
    this.engine.receive(bytes, now)
  }
  end(now: number): void {
    this.engine.end(now)
  }
  takeOutgoing(): Uint8Array | undefined {
    return this.engine.takeOutgoing()
  }
  release(buffer: Uint8Array): void {
    this.engine.release(buffer)
  }
  get wantsInput(): boolean {
    return this.engine.wantsInput
  }
  get ended(): boolean {
    return this.engine.ended
  }
  settle(): void {
    for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) this.#take(event)
  }
  elapse(): void {
    this.engine.elapse(this.#clock.now())
    this.settle()
  }

  // ── for tests ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Events of one kind. */
  all<K extends EngineEvent['is']>(is: K): readonly Extract<EngineEvent, { readonly is: K }>[] {
    return this.events.filter((event): event is Extract<EngineEvent, { readonly is: K }> => event.is === is)
  }
  /** How it ended, if it has. */
  get ending(): Ended | undefined {
    return this.all('ended')[0]
  }
  get authenticated(): boolean {
    return this.all('authenticated').length > 0
  }

  /** Asks for a channel; what is written before it is open waits. */
  open<T>(row: ChannelTypeRow<string, T>, details: T): PairChannel {
    return this.#keep(this.engine.connection.open(row, details))
  }

  /** Answers that are promises and not there yet. */
  get working(): boolean {
    return this.#work.size > 0
  }
  /** Resolves when one of them is. */
  async worked(): Promise<void> {
    if (this.#work.size > 0) await Promise.race(this.#work)
    else await new Promise<never>(() => {})
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #keep(channel: PairChannel['channel']): PairChannel {
    const kept = new PairChannel(channel, this.#consume)
    this.channels.push(kept)
    return kept
  }

  #channel(channel: PairChannel['channel']): PairChannel {
    const found = this.channels.findLast(each => each.channel === channel)
    if (found === undefined) throw new TypeError(`an event of channel ${channel.number}, which nobody opened`)
    return found
  }

  #take(event: EngineEvent): void {
    if (event.is === 'data') {
      this.#channel(event.channel).took(event.bytes, event.type)
      return
    }
    this.events.push(event)
    switch (event.is) {
      case 'question':
        this.#answer(event.question)
        return
      case 'open-request':
        this.#openRequested(event.question)
        return
      case 'global-request':
        if (this.#hooks.globalRequested === undefined) event.question.fail()
        else this.#hooks.globalRequested(event.question)
        return
      case 'channel-request': {
        const channel = this.#channel(event.channel)
        channel.requests.push(event.question)
        if (this.#hooks.channelRequested === undefined) event.question.succeed()
        else this.#hooks.channelRequested(event.question, channel)
        return
      }
      case 'opened':
      case 'writable':
        this.#channel(event.channel).push()
        return
      case 'eof':
        this.#channel(event.channel).eof = true
        return
      case 'closed':
      case 'open-failed':
        this.#channel(event.channel).closed = true
    }
  }

  #openRequested(question: OpenQuestion): void {
    const { openRequested } = this.#hooks
    // A peer may ask and leave in one breath; whoever accepts then is told that it is over.
    if (openRequested === undefined) {
      if (!this.engine.ended) this.#keep(question.accept())
    } else
      openRequested({
        channelType: question.channelType,
        details: question.details,
        accept: details => this.#keep(question.accept(details)).channel,
        refuse: (reason, description) => question.refuse(reason, description),
      })
  }

  #answer(question: EngineQuestion): void {
    const open = question as {
      readonly about: EngineQuestion['about']
      readonly ask: unknown
      answer(value: unknown): void
      fail(error: unknown): void
    }
    const hook =
      question.about === 'compute' && this.#hooks.compute === undefined
        ? () => question.ask.compute()
        : (this.#hooks[question.about] as ((ask: unknown) => unknown) | undefined)
    if (hook === undefined) {
      open.fail(new TypeError(`nobody answers questions about ${question.about} here`))
      return
    }
    let answer: unknown
    try {
      answer = hook(open.ask)
    } catch (error) {
      open.fail(error)
      return
    }
    if (answer === leaveOpen) this.unanswered.push(question)
    else if (answer instanceof Promise) {
      const work: Promise<void> = answer
        .then(
          value => open.answer(value),
          error => open.fail(error),
        )
        .finally(() => this.#work.delete(work))
      this.#work.add(work)
    } else open.answer(answer)
  }
}
