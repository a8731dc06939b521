// Owns a peer that breaks rules on purpose: it identifies itself and exchanges keys like everybody, or not, and sends any
// message, payload or bytes at any time. Built from the same codecs as its victim. Knows nothing of what is right.
import { safeGroups } from '../algorithms/kex/groups.ts'
import type { DhGroup } from '../algorithms/rows.ts'
import { defaultTables } from '../algorithms/tables.ts'
import { authMessages, UserauthRequest, UserauthSuccess } from '../auth/messages.ts'
import { connectionMessages } from '../connection/messages.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import { assemble, type CommonOptions } from '../engine/assemble.ts'
import type { Signer } from '../keys/signer.ts'
import { IdentificationReader } from '../transport/identification.ts'
import { Disconnect, ServiceAccept, ServiceRequest, transportMessages } from '../transport/messages.ts'
import { BufferPool } from '../transport/outgoing.ts'
import { isExchangeNumber, Transport } from '../transport/transport.ts'
import type { Compute } from '../algorithms/rows.ts'
import { decodeMessage, encodeMessage, type Message } from '../wire/message.ts'
import { type VirtualClock, virtualClock } from './clock.ts'
import { insecureTestHostKey } from './keys.ts'
import { type Chunking, Line, type LineEnd } from './line.ts'
import { createClientSide, createServerSide, type PairClientOptions, type PairServerOptions } from './pair.ts'
import type { PairSide } from './pair-side.ts'
import { seededRandom, type SeededRandom } from './random.ts'

/** What the victim sent, decoded when a declaration knows its number. */
export interface HeardMessage {
  readonly number: number
  readonly name: string
  readonly value: unknown
  readonly payload: Uint8Array
}

export interface HostileOptions extends CommonOptions {
  readonly hostKeys?: readonly Signer[]
  readonly groups?: readonly DhGroup[]
  /** Sends nothing by itself and takes part in no key exchange. */
  readonly mute?: boolean
  /** Called before a payload of the victim is dealt with; `false` drops it. */
  readonly hears?: (number: number, peer: HostilePeer) => boolean | void
}

const known: readonly Message[] = [...transportMessages, ...authMessages, ...connectionMessages]

export class HostilePeer implements LineEnd {
  readonly heard: HeardMessage[] = []
  /** What our own side of the protocol found wrong; usually a consequence of what we did. */
  readonly faults: unknown[] = []
  /** Takes no part in further key exchanges. */
  ignoresExchanges = false
  readonly transport: Transport
  readonly wantsInput = true
  ended = false
  readonly #role: 'client' | 'server'
  readonly #options: HostileOptions
  readonly #out: Uint8Array[] = []
  readonly #reader: IdentificationReader
  #identified = false

  constructor(role: 'client' | 'server', options: HostileOptions, random: SeededRandom) {
    this.#role = role
    this.#options = options
    this.#reader = new IdentificationReader(role)
    const crypto = options.crypto ?? nodeCrypto()
    const config = assemble(
      { random: random.bytes, ...options },
      role === 'client'
        ? { role, user: 'ada', preferHostKeys: [] }
        : {
            role,
            hostKeys: options.hostKeys ?? [insecureTestHostKey(crypto)],
            groups: options.groups ?? safeGroups,
            maximumAttempts: undefined,
            methods: [],
            banner: undefined,
          },
      { crypto, tables: defaultTables, pool: new BufferPool() },
    )
    this.transport = new Transport(config.transport, {
      identified: () => {},
      ask: question => this.transport.answer(question.is === 'compute' ? (question as Compute<unknown>).compute() : true),
      exchanged: () => {},
      sent: undefined,
    })
  }

  start(): void {
    if (this.#options.mute !== true) this.transport.start()
  }

  // ── saying things ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** A message, sealed with the keys in use, whatever else is going on. */
  send<T>(message: Message<string, T>, value: T): void {
    this.payload(encodeMessage(message, value))
  }
  /** A packet with these bytes as its payload. */
  payload(bytes: Uint8Array): void {
    this.transport.outgoing.payload(bytes)
  }
  /** A packet that is changed after it was sealed. */
  tampered(payload: Uint8Array, change: (sealed: Uint8Array) => void): void {
    this.#flush()
    this.payload(payload)
    const first = this.#out.length
    this.#flush()
    for (const buffer of this.#out.slice(first)) change(buffer)
  }
  /** Bytes as they are, between packets. */
  raw(bytes: Uint8Array | string): void {
    this.#flush()
    this.#out.push(typeof bytes === 'string' ? Uint8Array.from(bytes, character => character.charCodeAt(0)) : bytes)
  }
  /** Our side of the first steps after the exchange: a client logs in by "none", a server lets anybody in. */
  greet(): void {
    if (this.#role === 'server') return
    this.send(ServiceRequest, { serviceName: 'ssh-userauth' })
    this.send(UserauthRequest, { userName: 'ada', serviceName: 'ssh-connection', methodName: 'none', details: new Uint8Array(0) })
  }
  /** The network ends. */
  hangUp(): void {
    this.ended = true
  }

  /** The goodbye of the victim, if it said one. */
  get goodbye(): { readonly reasonCode: number; readonly description: string } | undefined {
    const last = this.heard.find(each => each.number === Disconnect.number)
    return last?.value as { reasonCode: number; description: string } | undefined
  }
  heardAll<T>(message: Message<string, T>): readonly T[] {
    return this.heard.filter(each => each.number === message.number).map(each => each.value as T)
  }

  // ── what a line needs ─────────────────────────────────────────────────────────────────────────────────────────────

  receive(bytes: Uint8Array): void {
    const { incoming } = this.transport
    try {
      if (this.#options.mute === true) this.#feedPast(bytes)
      else this.transport.feed(bytes)
      for (let payload = incoming.next(); payload !== undefined; payload = incoming.next()) this.#listen(payload)
    } catch (error) {
      this.faults.push(error)
    }
    incoming.keep()
  }

  /** What we find wrong with one packet is no reason not to hear the next: it may be the goodbye. */
  #listen(payload: Uint8Array): void {
    try {
      this.#take(payload)
    } catch (error) {
      this.faults.push(error)
    }
  }

  /** The transport would answer an identification. */
  #feedPast(bytes: Uint8Array): void {
    let used = 0
    if (!this.#identified) {
      const read = this.#reader.read(bytes, 0, bytes.length)
      used = read.used
      this.#identified = read.identification !== undefined
    }
    this.transport.incoming.feed(bytes, used, bytes.length)
  }

  #take(payload: Uint8Array): void {
    const number = payload[0]
    const message = known.find(each => each.number === number)
    const own = payload.slice()
    this.heard.push({
      number,
      name: message?.name ?? `message ${number}`,
      value: message === undefined ? undefined : decodeMessage(message, own),
      payload: own,
    })
    if (this.#options.hears?.(number, this) === false) return
    if (isExchangeNumber(number)) {
      if (!this.ignoresExchanges && this.#options.mute !== true) this.transport.receiveExchangeMessage(payload)
    } else if (this.#role === 'server') this.#humour(number)
  }

  #humour(number: number): void {
    if (number === ServiceRequest.number) this.send(ServiceAccept, { serviceName: 'ssh-userauth' })
    else if (number === UserauthRequest.number) this.send(UserauthSuccess, {})
  }

  end(): void {
    this.ended = true
  }
  #flush(): void {
    for (let buffer = this.transport.outgoing.take(); buffer !== undefined; buffer = this.transport.outgoing.take()) {
      this.#out.push(buffer.slice())
      this.transport.outgoing.release(buffer)
    }
  }
  takeOutgoing(): Uint8Array | undefined {
    this.#flush()
    return this.#out.shift()
  }
  release(): void {}
  settle(): void {}
}

export interface AttackOptions {
  readonly seed?: number
  readonly chunk?: Chunking
  /** The engine under attack. */
  readonly victim: ({ readonly role: 'client' } & PairClientOptions) | ({ readonly role: 'server' } & PairServerOptions)
  readonly hostile?: HostileOptions
}

/** An engine and somebody who means it no good, joined in memory. */
export class Attack {
  readonly clock: VirtualClock = virtualClock(1000)
  readonly victim: PairSide
  readonly hostile: HostilePeer
  readonly line: Line

  constructor({ seed = 1, chunk = 'whole', victim, hostile = {} }: AttackOptions) {
    const random = seededRandom(seed)
    const context = { clock: this.clock, random, crypto: victim.crypto ?? hostile.crypto ?? nodeCrypto() }
    this.victim =
      victim.role === 'client'
        ? createClientSide(victim, context)
        : createServerSide({ methods: ['none'], attempt: () => ({ is: 'accept', identity: undefined }), ...victim }, context)
    this.hostile = new HostilePeer(victim.role === 'client' ? 'server' : 'client', { crypto: context.crypto, ...hostile }, random.fork())
    this.line = new Line(this.victim, this.hostile, { clock: this.clock, random: random.fork(), chunk, latency: 0 })
    this.victim.start()
    this.hostile.start()
  }

  run(): this {
    while (this.line.step());
    return this
  }
  /** Goes on until the victim thinks that its user is logged in. */
  login(): this {
    this.run()
    this.hostile.greet()
    this.run()
    if (!this.victim.authenticated) throw new Error(`nobody was logged in: ${this.victim.ending?.error.message ?? 'nothing happened'}`)
    return this
  }
  elapse(milliseconds: number): this {
    this.clock.advance(milliseconds)
    this.victim.elapse()
    return this.run()
  }
}

export const createAttack = (options: AttackOptions): Attack => new Attack(options)

/** A packet without protection (RFC 4253 §6), right unless told otherwise. */
export const plainPacket = (payload: Uint8Array, wrong: { readonly length?: number; readonly padding?: number } = {}): Uint8Array => {
  let padding = 8 - ((5 + payload.length) % 8)
  if (padding < 4) padding += 8
  const packet = new Uint8Array(5 + payload.length + padding)
  new DataView(packet.buffer).setUint32(0, wrong.length ?? packet.length - 4)
  packet[4] = wrong.padding ?? padding
  packet.set(payload, 5)
  return packet
}
