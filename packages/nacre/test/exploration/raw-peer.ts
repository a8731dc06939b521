// Owns a peer that is nothing but packets: it frames what it is told to say, and reads what its victim says, by a framing
// written here once more (RFC 4253 §6). Nothing is encrypted, but every tag carries key number and sequence number, so
// that a side which counts otherwise is found out. Knows nothing of what may be said when.
import assert from 'node:assert/strict'
import { KexEcdhInit, KexEcdhReply } from '../../src/algorithms/kex/messages.ts'
import { connectionMessages } from '../../src/connection/messages.ts'
import { authMessages } from '../../src/auth/messages.ts'
import type { ChaChaPoly, CryptoProvider } from '../../src/crypto/provider.ts'
import { ProtocolError } from '../../src/errors.ts'
import type { EngineEvent } from '../../src/engine/events.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { insecureTestHostKey } from '../../src/testing/keys.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'
import { createClientSide, createServerSide, type PairClientOptions, type PairServerOptions } from '../../src/testing/pair.ts'
import type { PairSide } from '../../src/testing/pair-side.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { KexInit, NewKeys, transportMessages } from '../../src/transport/messages.ts'
import { encodeMessage, type Message } from '../../src/wire/message.ts'

const tagBytes = 16

/** Tags that say which key and which packet they belong to; a packet with another tag is refused. */
const countingCrypto = (verify: RawOptions['verify']): CryptoProvider => {
  const made = { seal: 0, open: 0 }
  const chachaPoly = (_key: Uint8Array, direction: 'seal' | 'open'): ChaChaPoly => {
    const key = ++made[direction]
    return {
      chacha: () => {},
      seal: (sequence, bytes, _start, end) => writeTag(bytes, end, key, sequence),
      open: (sequence, bytes, start, end) => (isTag(bytes, end, key, sequence) ? bytes.subarray(start + 4, end) : undefined),
      detached: false,
    }
  }
  return { ...nullCrypto, chachaPoly, verifyKey: () => ({ verify: (_hash, data, signature) => verify?.(data, signature) ?? true }) }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const writeTag = (bytes: Uint8Array, at: number, key: number, sequence: number): void => {
  bytes.fill(0, at, at + tagBytes)
  view(bytes).setUint32(at, key)
  view(bytes).setUint32(at + 4, sequence)
}
const isTag = (bytes: Uint8Array, at: number, key: number, sequence: number): boolean =>
  view(bytes).getUint32(at) === key && view(bytes).getUint32(at + 4) === sequence

/** One direction of the peer: the number of its key (0: none yet) and of its next packet. */
interface Direction {
  key: number
  sequence: number
}

const names = new Map<number, string>(
  [...transportMessages, ...authMessages, ...connectionMessages].map(each => [each.number, each.name.replace(/^SSH2?_MSG_/, '')]),
)

export const exampleHostKey: Signer = insecureTestHostKey(nullCrypto)

export const curveOnly = {
  kex: 'curve25519-sha256',
  hostKey: 'ssh-ed25519',
  ciphers: 'chacha20-poly1305@openssh.com',
  compression: 'none',
} as const

/** KEXINIT of a peer. `guess` sets first_kex_packet_follows; a wrong one has a first method that nobody else prefers. */
export const kexInitOf = (options: { guess?: 'right' | 'wrong'; signals?: readonly string[]; compression?: string } = {}): Uint8Array => {
  const ciphers = ['chacha20-poly1305@openssh.com']
  return encodeMessage(KexInit, {
    cookie: new Uint8Array(16),
    kexAlgorithms: [
      ...(options.guess === 'wrong' ? ['diffie-hellman-group14-sha256'] : []),
      'curve25519-sha256',
      ...(options.signals ?? []),
    ],
    serverHostKeyAlgorithms: ['ssh-ed25519'],
    encryptionAlgorithmsClientToServer: ciphers,
    encryptionAlgorithmsServerToClient: ciphers,
    macAlgorithmsClientToServer: [],
    macAlgorithmsServerToClient: [],
    compressionAlgorithmsClientToServer: [options.compression ?? 'none'],
    compressionAlgorithmsServerToClient: [options.compression ?? 'none'],
    languagesClientToServer: [],
    languagesServerToClient: [],
    firstKexPacketFollows: options.guess !== undefined,
    reserved: 0,
  })
}

/** A signature blob in which nothing is signed (RFC 4253 §6.6). */
const signature = Uint8Array.of(0, 0, 0, 11, ...new TextEncoder().encode('ssh-ed25519'), 0, 0, 0, 64, ...new Uint8Array(64).fill(7))

/** The server's part of the exchange, with this key. */
export const kexReplyOf = (hostKey: Uint8Array): Uint8Array =>
  encodeMessage(KexEcdhReply, { hostKey, serverPublic: new Uint8Array(32).fill(7), signature })

export type Victim = ({ readonly role: 'client' } & PairClientOptions) | ({ readonly role: 'server' } & PairServerOptions)

interface RawOptions {
  /** Both sides will have said that they want strict key exchange. */
  readonly strict?: boolean
  /** Whether a signature is right. Default: always. */
  readonly verify?: (data: Uint8Array, signature: Uint8Array) => boolean
}

export class RawPeer {
  readonly victim: PairSide
  readonly #role: 'client' | 'server'
  readonly #strict: boolean
  readonly #outgoing: Direction = { key: 0, sequence: 0 }
  readonly #incoming: Direction = { key: 0, sequence: 0 }
  #unread = new Uint8Array(0)
  #identified = false
  #eventsSeen = 0
  /** Payloads of the victim since the last look. */
  heard: Uint8Array[] = []

  /** The victim has started and the two have identified themselves. */
  constructor(victim: Victim, { strict = false, verify }: RawOptions = {}) {
    this.#strict = strict
    this.#role = victim.role
    const context = { clock: virtualClock(1000), random: seededRandom(1), crypto: countingCrypto(verify) }
    this.victim =
      victim.role === 'client'
        ? createClientSide({ keepalive: false, algorithms: curveOnly, ...victim }, context)
        : createServerSide({ keepalive: false, algorithms: curveOnly, hostKeys: [exampleHostKey], ...victim }, context)
    this.victim.start()
    this.#give(Uint8Array.from('SSH-2.0-raw\r\n', character => character.charCodeAt(0)))
    this.look()
  }

  say<T>(message: Message<string, T>, value: T): void {
    this.payload(encodeMessage(message, value))
  }

  payload(payload: Uint8Array): void {
    const { key, sequence } = this.#outgoing
    const block = 8
    let padding = block - (((key === 0 ? 5 : 1) + payload.length) % block)
    if (padding < 4) padding += block
    const end = 5 + payload.length + padding
    const packet = new Uint8Array(end + (key === 0 ? 0 : tagBytes))
    view(packet).setUint32(0, end - 4)
    packet[4] = padding
    packet.set(payload, 5)
    if (key > 0) writeTag(packet, end, key, sequence)
    this.#advance(this.#outgoing, payload[0])
    this.#give(packet)
  }

  #advance(direction: Direction, number: number): void {
    direction.sequence++
    if (number !== NewKeys.number) return
    direction.key++
    // OpenSSH PROTOCOL §1.10: strict key exchange begins to count anew after every NEWKEYS.
    if (this.#strict) direction.sequence = 0
  }

  #give(bytes: Uint8Array): void {
    this.victim.receive(bytes, 1000)
    this.victim.settle()
  }

  /** The first key exchange, as everybody does it. */
  exchangeKeys(): this {
    const client = this.#role === 'server'
    this.payload(kexInitOf({ signals: this.#strict ? [`kex-strict-${client ? 'c' : 's'}-v00@openssh.com`] : [] }))
    if (client) this.say(KexEcdhInit, { clientPublic: new Uint8Array(32).fill(7) })
    else this.payload(kexReplyOf(exampleHostKey.publicKey.blob))
    this.say(NewKeys, {})
    this.look()
    return this
  }

  /** What the victim said and what happened to it since the last look, as lines that can be compared. */
  look(): readonly string[] {
    this.victim.settle()
    this.heard = []
    const seen: string[] = []
    for (let buffer = this.victim.takeOutgoing(); buffer !== undefined; buffer = this.victim.takeOutgoing()) {
      this.#read(buffer.slice())
      this.victim.release(buffer)
    }
    this.victim.settle()
    for (const payload of this.heard) seen.push(named(payload))
    for (const event of this.victim.events.slice(this.#eventsSeen)) {
      const line = told(event)
      if (line !== undefined) seen.push(line)
    }
    this.#eventsSeen = this.victim.events.length
    return seen
  }

  #read(bytes: Uint8Array): void {
    const all = new Uint8Array(this.#unread.length + bytes.length)
    all.set(this.#unread)
    all.set(bytes, this.#unread.length)
    let at = 0
    if (!this.#identified) {
      at = all.indexOf(10) + 1
      this.#identified = at > 0
    }
    while (this.#identified && all.length - at >= 4) {
      const { key, sequence } = this.#incoming
      const end = at + 4 + view(all).getUint32(at)
      const next = end + (key === 0 ? 0 : tagBytes)
      if (next > all.length) break
      assert.ok(key === 0 || isTag(all, end, key, sequence), `the victim's packet ${sequence} under key ${key} is counted otherwise`)
      const payload = all.slice(at + 5, end - all[at + 4])
      this.#advance(this.#incoming, payload[0])
      this.heard.push(payload)
      at = next
    }
    this.#unread = all.subarray(at)
  }
}

/** A payload of the victim by name, with what matters of it. */
const named = (payload: Uint8Array): string => {
  const number = payload[0]
  const name = names.get(number) ?? `message ${number}`
  const tail = view(payload)
  if (name === 'UNIMPLEMENTED' || name === 'DISCONNECT') return `${name} ${tail.getUint32(1)}`
  if (name === 'USERAUTH_FAILURE') return `${name} ${listed(payload)}${payload[payload.length - 1] === 0 ? '' : ' partial'}`
  return name
}

const listed = (payload: Uint8Array): string => String.fromCharCode(...payload.subarray(5, 5 + view(payload).getUint32(1)))

const told = (event: EngineEvent): string | undefined => {
  switch (event.is) {
    case 'exchanged':
      return event.first ? `exchanged first${event.strict ? ' strict' : ''}` : 'exchanged'
    case 'authenticated':
      return `authenticated ${event.user}`
    case 'banner':
      return `banner ${event.message}`
    case 'question':
      return event.question.about === 'host-key' ? 'asks about the host key' : undefined
    case 'ended': {
      const why = event.error instanceof ProtocolError ? event.error.violation : event.error.name
      return event.by === 'us' ? `ended ${why}` : `ended by ${event.by}`
    }
    default:
      return undefined
  }
}
