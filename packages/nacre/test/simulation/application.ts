// Owns one side's program in a simulation: it drives an engine, answers its questions, opens and accepts channels by plan,
// makes requests, and checks what must hold on its side whenever all events have been seen. Knows nothing of packets.
import type { Channel } from '../../src/connection/channel.ts'
import { directTcpip } from '../../src/connection/channel-types/direct-tcpip.ts'
import { forwardedTcpip } from '../../src/connection/channel-types/forwarded-tcpip.ts'
import type { GlobalRequestQuestion, OpenQuestion } from '../../src/connection/events.ts'
import { keepalive } from '../../src/connection/global-requests/keepalive.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { isOf } from '../../src/connection/row.ts'
import type { EngineConfig } from '../../src/engine/config.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { Ended, EngineEvent, EngineQuestion } from '../../src/engine/events.ts'
import { HostKeyError, SshError } from '../../src/errors.ts'
import type { Signer } from '../../src/keys/signer.ts'
import type { LineEnd } from '../../src/testing/line.ts'
import { decode, encode, struct, uint32 } from '../../src/wire/codec.ts'
import { ChannelEnd, type EndHost } from './channel-end.ts'
import { isPrompt, judge, type LoginScript } from './login.ts'
import { readBuffer } from './network.ts'
import type { PacketObserver } from './packets.ts'
import { type ChannelPlan, type GlobalPlan, otherSide, type Scenario, type SideName } from './scenario.ts'
import { type Stage, violated, type Wait } from './stage.ts'

/** Channels and global requests that say which one they are. */
export const ours = { name: 'ours@simulation', codec: struct({ id: uint32 }) } as const
const strange = { name: 'strange@simulation', codec: struct({ id: uint32 }) } as const
export const orderedGlobal = { name: 'ordered@simulation', codec: struct({ ordinal: uint32, answerAfter: uint32 }) } as const

const numberReply = struct({ ordinal: uint32 })

export interface ApplicationContext {
  readonly scenario: Scenario
  readonly stage: Stage
  readonly observer: PacketObserver
  readonly login: LoginScript
  readonly hostKey: Signer
  /** Ends of channels by plan, filled as they come about. */
  readonly ends: { readonly [S in SideName]: Map<number, ChannelEnd> }
  /** Bytes the network gave this side. */
  delivered(side: SideName): number
}

export class Application implements LineEnd {
  readonly side: SideName
  readonly engine: Engine
  authenticated = false
  ending: Ended | undefined
  /** Bytes the network has taken and given back. */
  released = 0
  readonly #context: ApplicationContext
  readonly #host: EndHost
  readonly #byChannel = new Map<Channel, ChannelEnd>()
  readonly #touched = new Set<ChannelEnd>()
  /** Things that end with the connection when nothing else ends them. */
  readonly #untilEnd = new Set<() => void>()
  readonly #pongs: Wait[] = []
  readonly #unanswered: OpenQuestion[] = []
  #settling = false

  constructor(side: SideName, config: EngineConfig, context: ApplicationContext) {
    this.side = side
    this.engine = new Engine(config)
    this.#context = context
    const { ends, observer, scenario, stage } = context
    this.#host = {
      stage,
      side,
      used: end => {
        this.#touched.add(end)
        this.settle()
      },
      twin: id => ends[otherSide(side)].get(id),
      wireWindow: number => observer.window(side, number),
      initialWindow: scenario.sides[side].limits.initialWindow,
    }
  }

  start(): void {
    this.engine.start(this.#context.stage.clock.now())
    this.settle()
  }
  rekey(): void {
    this.engine.rekey()
    this.settle()
  }
  disconnect(): void {
    this.engine.disconnect('by-application', 'that is all')
    this.settle()
  }

  // ── what a network needs ──────────────────────────────────────────────────────────────────────────────────────────

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
    this.released += buffer.length
    this.engine.release(buffer)
  }
  get wantsInput(): boolean {
    return this.engine.wantsInput
  }
  get ended(): boolean {
    return this.engine.ended
  }
  /** Bytes sealed ever since. */
  get sealed(): number {
    return this.released + this.engine.pendingOutput
  }

  /** Sees all events, then checks what must hold. */
  settle(): void {
    if (this.#settling) return
    this.#settling = true
    for (let event = this.engine.nextEvent(); event !== undefined; event = this.engine.nextEvent()) this.#take(event)
    this.#settling = false
    for (const end of this.#touched) end.check()
    this.#touched.clear()
    this.#check()
  }

  /** Lets a deadline pass that is over. */
  elapse(now: number): void {
    const deadline = this.engine.deadline()
    if (deadline === undefined || deadline > now) return
    this.#context.stage.note?.(`${this.side}: a deadline passes`)
    this.engine.elapse(now)
    this.settle()
  }

  // ── what must hold ────────────────────────────────────────────────────────────────────────────────────────────────

  #check(): void {
    const { scenario, observer, delivered } = this.#context
    const { limits, highWater } = scenario.sides[this.side]
    const { engine } = this
    // One packet may pass the mark. Control messages are not held back by it: a key exchange, and a few for each channel.
    const outgoing = highWater + limits.maximumDataBytes + controlBytes + controlBytesOfChannel * (1 + scenario.channels.length)
    if (engine.pendingOutput > outgoing)
      violated(`${this.side} keeps ${engine.pendingOutput} bytes for the network, and ${outgoing} are enough`)
    if (engine.pendingOutput < 0) violated(`${this.side} counts ${engine.pendingOutput} bytes for the network`)
    if (engine.ended) {
      if (engine.deadline() !== undefined) violated(`${this.side} still has a deadline after the end`)
      return
    }
    const held = observer.held(this.side, delivered(this.side))
    if (held < 0) violated(`${this.side} took ${-held} bytes more than it was given`)
    // What is held while a question is open, one read that brings it above, one that comes regardless; else part of a packet.
    const read = Math.min(readBuffer, scenario.network.largestRead || readBuffer)
    const incoming = heldWhileSuspended + 2 * read + scenario.sides[otherSide(this.side)].limits.maximumDataBytes + controlBytes
    if (held > incoming) violated(`${this.side} keeps ${held} bytes that came, and ${incoming} are enough`)
  }

  /** When nothing moves before time passes: nobody waits who could go on. */
  checkIdle(): void {
    const { scenario, observer } = this.#context
    if (this.ended || observer.exchanging(this.side) || this.engine.pendingOutput >= scenario.sides[this.side].highWater) return
    for (const end of this.#byChannel.values())
      if (end.overlooked) violated(`${this.side}: a writer on channel plan ${end.plan.id} waits although there is room`)
  }

  /** After everything is over. */
  checkRest(): void {
    const { engine } = this
    if (!engine.ended || this.ending === undefined) return violated(`${this.side} did not end`)
    if (engine.takeOutgoing() !== undefined) violated(`${this.side} has more to send after the end`)
    if (engine.pendingOutput !== 0) violated(`${this.side} still counts ${engine.pendingOutput} bytes for the network`)
    if (engine.connection.channelCount !== 0) violated(`${this.side} still has ${engine.connection.channelCount} channels`)
    if (this.#byChannel.size > 0) violated(`${this.side} was not told of the end of ${this.#byChannel.size} channels`)
    // Answers that come too late do no harm.
    for (const question of this.#unanswered) question.refuse('connect-failed')
    if (engine.nextEvent() !== undefined) violated(`${this.side} has events after the end`)
  }

  // ── events ────────────────────────────────────────────────────────────────────────────────────────────────────────

  #take(event: EngineEvent): void {
    if (this.ending !== undefined) violated(`${this.side}: ${event.is} after the end`)
    if (event.is !== 'data') this.#context.stage.note?.(`${this.side}: ${event.is}`)
    switch (event.is) {
      case 'question':
        this.#question(event.question)
        return
      case 'authenticated':
        if (this.authenticated) violated(`${this.side} is authenticated twice`)
        this.authenticated = true
        this.#begin()
        return
      case 'open-request':
        this.#openRequested(event.question)
        return
      case 'global-request':
        this.#globalRequested(event.question)
        return
      case 'pong':
        this.#ponged(event.data)
        return
      case 'ended':
        this.#ended(event)
        return
      case 'identified':
      case 'exchanged':
      case 'banner':
      case 'debug':
      case 'untaken-key':
        return
      default:
        this.#channelEvent(event)
    }
  }

  #channelEvent(event: Extract<EngineEvent, { readonly channel: Channel }>): void {
    const end = this.#byChannel.get(event.channel)
    if (end === undefined) return violated(`${this.side}: ${event.is} of a channel that is over`)
    this.#touched.add(end)
    switch (event.is) {
      case 'data':
        end.data(event.bytes, event.type)
        return
      case 'writable':
        end.writable()
        return
      case 'eof':
        end.eof()
        return
      case 'opened':
        end.opened()
        return
      case 'channel-request':
        end.requested(event.question)
        return
      case 'closed':
        this.#byChannel.delete(event.channel)
        end.gone(event.error)
        return
      case 'open-failed':
        this.#byChannel.delete(event.channel)
        end.failed()
        if (event.error === undefined) this.#mayRefuse(end.plan, event.reason)
    }
  }

  #mayRefuse({ type, answer, id }: ChannelPlan, reason: string | undefined): void {
    const { limits } = this.#context.scenario.sides[otherSide(this.side)]
    const full = limits.maximumChannels < 1024 || limits.maximumPendingOpens < 1024
    const right =
      reason === 'resource-shortage'
        ? full
        : type === 'wrong'
          ? reason === 'administratively-prohibited'
          : type === 'strange'
            ? reason === 'unknown-channel-type'
            : answer.is === 'refuse' && reason === 'connect-failed'
    if (!right) violated(`${this.side}: channel plan ${id} was refused for ${reason}`)
  }

  #ended(event: Ended): void {
    this.ending = event
    this.#context.stage.note?.(`${this.side}: ended by ${event.by}: ${event.error.message}`)
    for (const end of this.#untilEnd) end()
    this.#untilEnd.clear()
  }

  /** A wait that the end of the connection ends, if nothing else does. */
  #waitUntilEnd(what: string, endless = false): Wait {
    const wait = this.#context.stage.wait(`${this.side}: ${what}`, endless)
    const end = (): void => {
      if (!wait.over) wait.end()
      this.#untilEnd.delete(end)
    }
    if (this.ended) end()
    else this.#untilEnd.add(end)
    return wait
  }

  // ── questions ─────────────────────────────────────────────────────────────────────────────────────────────────────

  #question(question: EngineQuestion): void {
    const { scenario, stage } = this.#context
    const after = question.about === 'compute' ? stage.random.pick([0, 10, 3000]) : scenario.login.answerAfter[this.side]
    const wait = this.#waitUntilEnd(`an answer about ${question.about}`, !Number.isFinite(after))
    const act = (): void => {
      if (!wait.over) wait.end()
      this.#answer(question)
      this.settle()
    }
    if (after === 0 && stage.random.oneIn(2)) act()
    else stage.later(after, act)
  }

  #answer(question: EngineQuestion): void {
    const { login, scenario, hostKey } = this.#context
    switch (question.about) {
      case 'compute': {
        const result = question.ask.compute()
        if (isPrompt(result)) question.answer(result.value)
        else if (result instanceof Promise) violated('a simulation cannot wait for work in threads')
        else question.answer(result)
        return
      }
      case 'host-key':
        if (scenario.login.hostKey === 'trusted') question.answer(true)
        else question.fail(new HostKeyError('HOST_KEY_REFUSED', 'The plan refuses it.', { fingerprint: '', keyType: '' }))
        return
      case 'credential':
        question.answer(login.next())
        return
      case 'signature': {
        const signature = question.ask.credential.sign(question.ask.data, question.ask.credential.algorithm)
        if (signature instanceof Promise) violated('a simulation cannot wait for work in threads')
        else question.answer(signature)
        return
      }
      case 'prompts':
        question.answer(login.prompts(question.ask.prompts.length))
        return
      case 'new-password':
        question.answer(undefined)
        return
      case 'attempt':
        question.answer(judge(question.ask, hostKey))
    }
  }

  // ── what the plan wants ───────────────────────────────────────────────────────────────────────────────────────────

  #begin(): void {
    const { scenario, stage } = this.#context
    for (const plan of scenario.channels) {
      if (plan.opener !== this.side) continue
      const turn = this.#waitUntilEnd(`the turn of channel plan ${plan.id}`)
      stage.later(plan.after, () => {
        if (turn.over) return
        turn.end()
        this.#open(plan)
        this.settle()
      })
    }
    for (const [ordinal, plan] of scenario.sides[this.side].globalRequests.entries()) {
      const turn = this.#waitUntilEnd(`the turn of global request ${ordinal}`)
      stage.later(plan.after, () => {
        if (turn.over) return
        turn.end()
        this.#request(plan)
        this.settle()
      })
    }
  }

  #open(plan: ChannelPlan): void {
    const { connection } = this.engine
    const { maximumChannels } = this.#context.scenario.sides[this.side].limits
    const full = connection.channelCount + connection.pendingOpens >= maximumChannels
    let channel: Channel
    try {
      channel = this.#openAs(plan)
    } catch (error) {
      if (full && error instanceof SshError && error.code === 'CHANNEL_LIMIT') return
      throw error
    }
    if (full) violated(`${this.side} opened a channel beyond its limit of ${maximumChannels}`)
    const end = new ChannelEnd(channel, plan, this.#host)
    this.#keep(end)
    if (plan.hasty) end.abort()
  }

  #openAs({ id, type }: ChannelPlan): Channel {
    const { connection } = this.engine
    const direct = { hostToConnect: 'a', portToConnect: id, originatorAddress: 'b', originatorPort: id }
    const forwarded = { connectedAddress: 'a', connectedPort: id, originatorAddress: 'b', originatorPort: id }
    if (type === 'ours') return connection.open(ours, { id })
    if (type === 'strange') return connection.open(strange, { id })
    return (type === 'standard') === (this.side === 'client')
      ? connection.open(directTcpip, direct)
      : connection.open(forwardedTcpip, forwarded)
  }

  #keep(end: ChannelEnd): void {
    this.#byChannel.set(end.channel, end)
    this.#context.ends[this.side].set(end.plan.id, end)
    this.#touched.add(end)
  }

  #openRequested(question: OpenQuestion): void {
    const { details } = question
    if (details.type === 'unknown') {
      question.refuse('unknown-channel-type')
      return
    }
    const id = isOf(details, ours)
      ? details.value.id
      : details.type === 'direct-tcpip' || details.type === 'forwarded-tcpip'
        ? details.value.originatorPort
        : -1
    const plan = this.#context.scenario.channels[id]
    if (plan === undefined || plan.opener === this.side) return violated(`${this.side} is asked for a channel that nobody planned`)
    if (plan.answer.is === 'never') {
      this.#unanswered.push(question)
      return
    }
    const answered = this.#waitUntilEnd(`an answer to the open of channel plan ${id}`)
    this.#context.stage.later(plan.answer.after, () => {
      if (!answered.over) answered.end()
      if (plan.answer.is === 'refuse') question.refuse('connect-failed', 'as planned')
      else this.#accept(question, plan)
      this.settle()
    })
  }

  #accept(question: OpenQuestion, plan: ChannelPlan): void {
    if (this.ended) {
      this.#unanswered.push(question)
      return
    }
    const end = new ChannelEnd(question.accept(), plan, this.#host)
    this.#keep(end)
    end.opened()
  }

  #request({ kind, wantReply, answerAfter }: GlobalPlan): void {
    const { connection } = this.engine
    if (kind === 'ping') {
      if (this.engine.peerExtensions?.ping !== true) return
      this.#pongs.push(this.#waitUntilEnd('a pong'))
      this.engine.ping(Uint8Array.of(this.#pongs.length))
      return
    }
    const wait = wantReply ? this.#context.stage.wait(`${this.side}: the reply to a global request`) : undefined
    const reply = (expected: boolean, ordinal?: number) => (ok: boolean, details: Uint8Array, error?: Error) => {
      wait?.end()
      if (error !== undefined) return
      if (ok !== expected) violated(`${this.side}: a global request got the answer of another one`)
      if (ok && ordinal !== undefined && decode(numberReply, details).ordinal !== ordinal)
        violated(`${this.side}: a global request got the details of another one`)
    }
    if (kind === 'keepalive') connection.globalRequest(keepalive, {}, wantReply ? reply(false) : undefined)
    else if (kind === 'forward' && this.side === 'client')
      connection.globalRequest(
        tcpipForward,
        { addressToBind: 'a', portNumberToBind: answerAfter },
        wantReply ? reply(true, answerAfter) : undefined,
      )
    else {
      const ordinal = this.#context.stage.random.below(1000)
      connection.globalRequest(orderedGlobal, { ordinal, answerAfter }, wantReply ? reply(true, ordinal) : undefined)
    }
  }

  #globalRequested(question: GlobalRequestQuestion): void {
    const { request } = question
    const { stage } = this.#context
    const answer = (after: number, ordinal: number): void =>
      stage.later(after, () => {
        question.succeed(encode(numberReply, { ordinal }))
        this.settle()
      })
    if (isOf(request, orderedGlobal)) answer(request.value.answerAfter, request.value.ordinal)
    else if (request.type === 'tcpip-forward') answer(request.value.portNumberToBind, request.value.portNumberToBind)
    else question.fail()
  }

  #ponged(data: Uint8Array): void {
    const wait = this.#pongs.find(each => !each.over)
    if (wait === undefined || data[0] !== this.#pongs.indexOf(wait) + 1) return violated(`${this.side}: a pong that nobody asked for`)
    wait.end()
  }
}

/** Bytes of control messages that may wait for the network: a key exchange's, and each channel's. */
const controlBytes = 30_000
const controlBytesOfChannel = 3000
/** Bytes that are read on and kept while a question is open. */
const heldWhileSuspended = 32 * 1024
