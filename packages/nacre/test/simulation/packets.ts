// Owns watching both sides' packets in clear: which message may come when (RFC 4253 §7, §10, RFC 4252 §5), that what one
// side sent the other receives, whole and in order, and how sequence numbers count. Shares no line with what it judges.
import type { Transcript } from '../../src/engine/config.ts'
import { traceLine, type TraceRecord, type TranscriptPacket } from '../../src/engine/trace.ts'
import { FlowModel } from './flow.ts'
import { otherSide, type SideName } from './scenario.ts'
import { violated } from './stage.ts'

/** What one side has said. */
interface Speaker {
  identified: boolean
  /** Between its KEXINIT and its NEWKEYS. */
  exchanging: boolean
  exchanges: number
  /** NEWKEYS it has heard. */
  heardKeys: number
  /** The user is in, as far as it knows. */
  authenticated: boolean
  goodbye: boolean
  strict: boolean
  /** The number its next packet has, and the next it takes. */
  nextSent: number
  nextReceived: number
  /** Wait to be received by the other side; `end` is where the packet ends in all bytes it ever sealed. */
  readonly underWay: { readonly packet: TranscriptPacket; end: number | undefined }[]
  /** Bytes of packets the other side has taken. */
  taken: number
}

const speaker = (): Speaker => ({
  identified: false,
  exchanging: false,
  exchanges: 0,
  heardKeys: 0,
  authenticated: false,
  goodbye: false,
  strict: false,
  nextSent: 0,
  nextReceived: 0,
  underWay: [],
  taken: 0,
})

const strictMarks: { readonly [S in SideName]: string } = {
  client: 'kex-strict-c-v00@openssh.com',
  server: 'kex-strict-s-v00@openssh.com',
}

/** Messages that only one side sends (RFC 4253 §10, RFC 4252). */
const onlyFrom: { readonly [number: number]: SideName } = {
  5: 'client',
  6: 'server',
  50: 'client',
  51: 'server',
  52: 'server',
  53: 'server',
  60: 'server',
  61: 'client',
}

export class PacketObserver {
  readonly flow = new FlowModel()
  readonly #speakers: { readonly [S in SideName]: Speaker } = { client: speaker(), server: speaker() }
  readonly #sealed: (by: SideName) => number
  readonly #note: ((line: string) => void) | undefined
  /** Packets either way. */
  count = 0

  /** `sealed` says how many bytes a side has sealed ever since. */
  constructor(sealed: (by: SideName) => number, note: ((line: string) => void) | undefined) {
    this.#sealed = sealed
    this.#note = note
  }

  /** Options for the engine of one side. */
  hooks(side: SideName): { readonly transcript: Transcript; readonly trace: (record: TraceRecord) => void } {
    return {
      transcript: () => ({ packet: packet => this.#saw(side, packet) }),
      trace: record => this.#counted(side, record),
    }
  }

  /** Exchanges of which a side has sent its NEWKEYS. */
  exchanges(side: SideName): number {
    return this.#speakers[side].exchanges
  }

  /** `side` may send nothing but what belongs to its key exchange. */
  exchanging(side: SideName): boolean {
    return this.#speakers[side].exchanging
  }

  /** `side` waits for the other one's part of a key exchange. */
  awaitsKeys(side: SideName): boolean {
    const { exchanging, exchanges, heardKeys } = this.#speakers[side]
    return exchanging || exchanges !== heardKeys
  }

  /** What `side` may send on its channel `number`; `undefined` while messages wait for its key exchange. */
  window(side: SideName, number: number): number | undefined {
    return this.#speakers[side].exchanging ? undefined : this.flow.window(side, number)
  }

  /** Bytes that `side` was given of packets it has not taken. `delivered` are all bytes it was given. */
  held(side: SideName, delivered: number): number {
    return delivered - this.#speakers[otherSide(side)].taken
  }

  #saw(side: SideName, packet: TranscriptPacket): void {
    this.count++
    if (packet.direction === 'sent') {
      this.#speaks(side, packet)
      this.#markEnd(side)
      this.#speakers[side].underWay.push({ packet, end: undefined })
    } else {
      this.#hears(side, packet)
    }
  }

  /** The packet before this one ends where this one begins. */
  #markEnd(side: SideName): void {
    const last = this.#speakers[side].underWay.at(-1)
    if (last !== undefined && last.end === undefined) last.end = this.#sealed(side)
  }

  #hears(side: SideName, packet: TranscriptPacket): void {
    const from = this.#speakers[otherSide(side)]
    const sent = from.underWay.shift()
    if (sent === undefined) return violated(`${side} receives ${packet.name}, which was never sent`)
    from.taken = sent.end ?? this.#sealed(otherSide(side))
    if (Buffer.compare(sent.packet.payload, packet.payload) !== 0)
      violated(
        `${side} receives ${packet.name} of ${packet.payload.length} bytes where ${sent.packet.name} of ${sent.packet.payload.length} bytes was sent`,
      )
    if (packet.number === 21) this.#speakers[side].heardKeys++
    if (packet.number === 52) this.#speakers[side].authenticated = true
    if (packet.number >= 80) this.flow.received(side, packet.payload)
  }

  #speaks(side: SideName, { number, name, payload }: TranscriptPacket): void {
    const us = this.#speakers[side]
    const fault = (why: string): never => violated(`${side} sends ${name} ${why}`)
    if (us.goodbye) fault('after its goodbye')
    if (number === 0) {
      if (us.identified) fault('twice')
      us.identified = true
      return
    }
    if (!us.identified) fault('before its identification')
    if ((onlyFrom[number] ?? side) !== side) fault('although only the other side may')
    if (number === 1) {
      us.goodbye = true
      return
    }
    if (number === 20) {
      if (us.exchanging) fault('during its key exchange')
      // It has been counted already.
      if (us.exchanges === 0 && us.nextSent !== 1) fault('not as its first packet')
      us.exchanging = true
      if (us.exchanges === 0) us.strict = Buffer.from(payload).includes(strictMarks[side])
      return
    }
    const ofExchange = number === 21 || (number >= 30 && number <= 49)
    if (us.exchanging && !ofExchange) fault('between its KEXINIT and its NEWKEYS')
    if (!us.exchanging && ofExchange) fault('outside a key exchange')
    if (number === 21) {
      us.exchanging = false
      us.exchanges++
    } else if (!ofExchange) this.#speaksProtected(side, number, payload, fault)
  }

  #speaksProtected(side: SideName, number: number, payload: Uint8Array, fault: (why: string) => never): void {
    const us = this.#speakers[side]
    if (us.exchanges === 0) fault('before the first keys')
    if (number >= 50 && number <= 79) {
      if (us.authenticated) fault('after the user was let in')
      if (number === 52) us.authenticated = true
    }
    if (number === 5 && us.authenticated) fault('after the user was let in')
    if (number >= 80 && number <= 127) {
      if (!us.authenticated) fault('before the user was let in')
      this.flow.sent(side, payload)
    }
  }

  /** Sequence numbers: one after the other, and from zero again after NEWKEYS of a strict exchange. */
  #counted(side: SideName, record: TraceRecord): void {
    this.#note?.(`${side} ${traceLine(record)}`)
    const us = this.#speakers[side]
    const strict = us.strict && this.#speakers[otherSide(side)].strict
    const expected = record.direction === 'sent' ? us.nextSent : us.nextReceived
    if (record.sequence !== expected)
      violated(`${side} ${record.direction} ${record.name} as packet ${record.sequence} instead of ${expected}`)
    const next = record.number === 21 && strict ? 0 : expected + 1
    if (record.direction === 'sent') us.nextSent = next
    else us.nextReceived = next
  }
}
