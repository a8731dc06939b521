// Owns one side of the transport layer (RFC 4253): identification, packets in and out, when a key exchange runs and what
// waits for it, EXT_INFO, ping, disconnect. Composed by the engine, which decides what is admitted when; knows nothing
// of users or channels.
import type { Agreed, Offer } from '../algorithms/negotiate.ts'
import type { AlgorithmTables } from '../algorithms/tables.ts'
import type { Compression, DhGroup } from '../algorithms/rows.ts'
import type { CryptoProvider, Random } from '../crypto/provider.ts'
import { type DisconnectReason, disconnectReasons, ProtocolError } from '../errors.ts'
import type { Signer } from '../keys/signer.ts'
import type { Ask } from '../wire/dialogue.ts'
import { DialogueRunner } from '../wire/dialogue-runner.ts'
import { decodeMessage, type Message } from '../wire/message.ts'
import { exchange, type ExchangeResult } from './exchange.ts'
import { type ExtensionInfo, laterExtensionInfo, readExtensionInfo, writeExtensionInfo } from './extension-info.ts'
import { type Identification, IdentificationReader } from './identification.ts'
import { Incoming } from './incoming.ts'
import { Disconnect, ExtInfo, KexInit, NewKeys, Ping, Pong } from './messages.ts'
import { ourKexInit, signalsOf, type TheirKexInit, theirKexInit } from './kex-init.ts'
import { type BufferPool, Outgoing } from './outgoing.ts'
import { withoutExtensions } from './quirks.ts'

export interface TransportConfig {
  readonly role: 'client' | 'server'
  readonly crypto: CryptoProvider
  readonly random: Random
  /** Where padding comes from, when that is not `random`. */
  readonly padding?: Random
  readonly tables: AlgorithmTables
  readonly offer: Offer
  readonly identification: Uint8Array
  /** Server: keys it can prove itself with. */
  readonly hostKeys: readonly Signer[]
  readonly groups: readonly DhGroup[]
  readonly groupSizes: { readonly min: number; readonly preferred: number; readonly max: number }
  readonly minimumRsaBits: number
  /** A new exchange after this many bytes or packets in one direction (RFC 4253 §9, RFC 4344 §3). */
  readonly rekey: { readonly bytes: number; readonly packets: number }
  /** Ceiling on bytes sealed and not yet taken by the network, above which no channel data is accepted. */
  readonly highWater: number
  /** Server: extensions to announce besides what transport itself announces; name to value. */
  readonly extensions: Readonly<Record<string, string>>
  readonly pool: BufferPool
}

/** What transport tells the engine. All calls happen inside a call the engine made. */
export interface TransportHooks {
  identified(peer: Identification): void
  ask(question: Ask<unknown>): void
  /** An exchange is complete in both directions. */
  exchanged(result: ExchangeResult, agreed: Agreed, first: boolean): void
  /** A packet left; `value` holds its fields. Only called when tracing. */
  sent: ((message: Message, value: unknown, sequence: number) => void) | undefined
}

const noLines: readonly string[] = []

/** Control messages held back during one exchange; a peer cannot make us produce more than this in good faith. */
const maximumHeldBack = 8192
/** Bytes of pings whose answers are held back: the only thing of any size that a peer can make us keep then. */
const maximumHeldBackPings = 1024 * 1024

export class Transport {
  readonly #config: TransportConfig
  readonly #hooks: TransportHooks
  readonly incoming = new Incoming()
  readonly outgoing: Outgoing
  /** Until the peer has identified itself. */
  #identificationReader: IdentificationReader | undefined
  #peer: Identification | undefined
  #linesBefore: readonly string[] = noLines

  /** The KEXINITs of the exchange that runs, as payloads. */
  #ours: Uint8Array | undefined
  #theirs: Uint8Array | undefined
  #runner: DialogueRunner<ExchangeResult> | undefined
  /** Our NEWKEYS went out and theirs has not come yet. */
  #ourKeysInUse = false
  /** The next packet was guessed ahead of negotiation and is wrong (RFC 4253 §7). */
  #skipGuess = false
  #sessionId: Uint8Array | undefined
  #trustedHostKey: Uint8Array | undefined
  #firstHostKey: Uint8Array | undefined
  #strict = false
  #peerTakesExtensionInfo = false
  #authenticated = false
  #agreed: Agreed | undefined
  #rekeyAfterIncoming = Number.POSITIVE_INFINITY
  #rekeyBytes: number | undefined
  #rekeyAfterOutgoing = Number.POSITIVE_INFINITY
  #heldBack: { readonly message: Message; readonly value: unknown }[] | undefined
  #heldBackPings = 0
  #theirExtensions: ExtensionInfo | undefined

  constructor(config: TransportConfig, hooks: TransportHooks) {
    this.#config = config
    this.#hooks = hooks
    this.outgoing = new Outgoing(config.padding ?? config.random, config.pool)
    this.#identificationReader = new IdentificationReader(config.role)
  }

  // ── what is the case ──────────────────────────────────────────────────────────────────────────────────────────────

  get peer(): Identification | undefined {
    return this.#peer
  }
  /** What a peer said that has not identified itself; decoded as Latin-1. */
  get heard(): readonly string[] {
    return this.#identificationReader?.heard ?? []
  }
  /** What a server said before its identification. */
  get linesBefore(): readonly string[] {
    return this.#linesBefore
  }
  /** RFC 4253 §7.2; known once the first exchange has its hash. */
  get sessionId(): Uint8Array | undefined {
    return this.#sessionId
  }
  /** The key the server had in the first exchange. */
  get firstHostKey(): Uint8Array | undefined {
    return this.#firstHostKey
  }
  get agreed(): Agreed | undefined {
    return this.#agreed
  }
  get strict(): boolean {
    return this.#strict
  }
  get theirExtensions(): ExtensionInfo | undefined {
    return this.#theirExtensions
  }
  /** The peer began an exchange and has not sent its NEWKEYS: it may send nothing else (RFC 4253 §7.1). */
  get peerIsExchanging(): boolean {
    return this.#theirs !== undefined
  }
  /** We began an exchange and have not sent our NEWKEYS: we may send nothing else. */
  get weAreExchanging(): boolean {
    return this.#ours !== undefined && !this.#ourKeysInUse
  }
  get exchanging(): boolean {
    return this.#ours !== undefined || this.#theirs !== undefined
  }
  /** A question of the exchange is open: no packet may be taken. */
  get suspended(): boolean {
    return this.#runner?.suspended ?? false
  }
  /** The first exchange is over. */
  get established(): boolean {
    return this.#agreed !== undefined
  }
  get canSendData(): boolean {
    return this.#agreed !== undefined && !this.weAreExchanging && this.outgoing.pending < this.#config.highWater
  }

  // ── start and input ───────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends our identification and begins the first exchange; both may go before the peer has said anything. */
  start(): void {
    const line = new Uint8Array(this.#config.identification.length + 2)
    line.set(this.#config.identification)
    line.set([0x0d, 0x0a], line.length - 2)
    this.outgoing.raw(line)
    // RFC 4253 §4.2 lets a side go on without waiting. A client waits: a peer that is not SSH should see little of us.
    if (this.#config.role === 'server') this.#beginExchange()
  }

  /** Gives bytes from the network; packets are then fetched with `next`. Throws `ProtocolError`. */
  feed(bytes: Uint8Array): void {
    let start = 0
    const reader = this.#identificationReader
    if (reader !== undefined) {
      const { used, identification } = reader.read(bytes, 0, bytes.length)
      start = used
      if (identification !== undefined) {
        this.#peer = identification
        if (reader.linesBefore.length > 0) this.#linesBefore = reader.linesBefore
        this.#identificationReader = undefined
        this.#hooks.identified(identification)
        if (this.#ours === undefined) this.#beginExchange()
      }
    }
    this.incoming.feed(bytes, start, bytes.length)
  }

  // ── output ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Sends a message now, or after the exchange that runs when it is not part of one (RFC 4253 §7.1). */
  send<T>(message: Message<string, T>, value: T): void {
    if (this.weAreExchanging && message.phase !== 'kex' && message !== Disconnect) {
      this.#heldBack ??= []
      if (this.#heldBack.length >= maximumHeldBack)
        throw new ProtocolError('rekey-too-late', `The peer does not finish a key exchange while ${maximumHeldBack} messages wait for it.`)
      this.#heldBack.push({ message, value })
      return
    }
    this.#sendNow(message, value)
  }

  #sendNow<T>(message: Message<string, T>, value: T): void {
    this.#hooks.sent?.(message, value, this.outgoing.sequence)
    this.outgoing.message(message, value)
    this.#checkFirstSequence()
  }

  /** RFC 4253 §11.1. Cuts the description at what every peer takes. */
  disconnect(reason: DisconnectReason, description: string): void {
    this.send(Disconnect, { reasonCode: disconnectReasons[reason], description: description.slice(0, 1000), languageTag: '' })
  }

  ping(data: Uint8Array): void {
    this.send(Ping, { data })
  }

  /** Starts a new exchange unless one runs. */
  rekey(): void {
    if (this.established && !this.exchanging) this.#beginExchange()
  }

  /** Another number of bytes after which a key exchange is due, from now on; `undefined` changes nothing. */
  rekeyAfter(bytes: number | undefined): void {
    this.#rekeyBytes = bytes ?? this.#rekeyBytes
  }
  /** True when a key has been used as much as it may be (RFC 4253 §9, RFC 4344 §3.1). */
  get rekeyDue(): boolean {
    if (!this.established || this.exchanging) return false
    const { packets } = this.#config.rekey
    const bytes = this.#rekeyBytes ?? this.#config.rekey.bytes
    const { incoming, outgoing } = this
    return (
      outgoing.bytesUnderKey >= Math.min(bytes, this.#rekeyAfterOutgoing) ||
      incoming.bytesUnderKey >= Math.min(bytes, this.#rekeyAfterIncoming) ||
      outgoing.packetsUnderKey >= packets ||
      incoming.packetsUnderKey >= packets
    )
  }

  /** The user is authenticated: delayed compression starts. On the server, call it after SUCCESS was sent. */
  authenticated(): void {
    this.#authenticated = true
    const agreed = this.#agreed
    if (agreed === undefined) return
    const { ours, theirs } = this.#directions(agreed)
    const outgoing = this.#compressionRow(ours.compression)
    const incoming = this.#compressionRow(theirs.compression)
    if (outgoing.starts === 'after-authentication') this.outgoing.startCompression(outgoing.createCompressor())
    if (incoming.starts === 'after-authentication') this.incoming.startDecompression(incoming.createDecompressor())
  }

  // ── messages 1 to 49, 192 and 193 that the engine admitted ────────────────────────────────────────────────────────

  /** The declaration by which a number in 30 to 49, or NEWKEYS, would be read now. */
  expects(number: number): Message | undefined {
    return this.#runner?.expects(number)
  }

  /** True when the packet at hand is a wrong guess and must be dropped unread (RFC 4253 §7). */
  skipsGuess(number: number): boolean {
    if (!this.#skipGuess || number < 30 || number > 49) return false
    this.#skipGuess = false
    return true
  }

  /** KEXINIT, NEWKEYS and 30 to 49. */
  receiveExchangeMessage(payload: Uint8Array): void {
    this.#checkFirstSequence()
    if (payload[0] === KexInit.number) this.#receiveKexInit(payload.slice())
    else if (this.#runner !== undefined) this.#runner.receive(payload)
    else throw new ProtocolError('message-unexpected', `Message ${payload[0]} came while no key exchange runs.`)
  }

  receiveExtensionInfo(content: Uint8Array): void {
    this.#theirExtensions = laterExtensionInfo(this.#theirExtensions, readExtensionInfo(content))
  }

  receivePing(data: Uint8Array): void {
    if (this.weAreExchanging) {
      this.#heldBackPings += data.length
      if (this.#heldBackPings > maximumHeldBackPings)
        throw new ProtocolError(
          'rekey-too-late',
          `The peer does not finish a key exchange while answers to ${maximumHeldBackPings} bytes of its pings wait for it.`,
        )
    }
    this.send(Pong, { data: data.slice() })
  }

  answer(value: unknown): void {
    this.#runner?.answer(value)
  }
  fail(error: unknown): void {
    this.#runner?.fail(error)
  }
  abandon(): void {
    this.#runner?.abandon()
  }

  // ── the exchange ──────────────────────────────────────────────────────────────────────────────────────────────────

  #beginExchange(): void {
    const payload = ourKexInit(this.#config, this.#agreed === undefined)
    this.#ours = payload
    this.#hooks.sent?.(KexInit, decodeMessage(KexInit, payload), this.outgoing.sequence)
    this.outgoing.payload(payload)
    this.#checkFirstSequence()
  }

  #receiveKexInit(payload: Uint8Array): void {
    if (this.#theirs !== undefined) throw new ProtocolError('message-unexpected', 'The peer sent KEXINIT twice in one key exchange.')
    const theirs = theirKexInit(payload, this.#config)
    const { value } = theirs
    if (this.#ours === undefined) this.#beginExchange()
    this.#theirs = payload
    const first = this.#agreed === undefined
    if (first) this.#noteSignals(value)
    const { agreed } = theirs
    this.#skipGuess = value.firstKexPacketFollows && !agreed.guessRight
    this.#run(agreed, first)
  }

  #noteSignals(value: TheirKexInit['value']): void {
    const { extensionInfo, strict } = signalsOf(value, this.#config.role)
    this.#peerTakesExtensionInfo = extensionInfo
    this.#strict = strict
    // Strict key exchange: KEXINIT must be the first packet, so that nothing can have been slipped in before it.
    if (this.#strict && this.incoming.lastSequence !== 0) {
      throw new ProtocolError(
        'message-in-strict-key-exchange',
        'Messages came before KEXINIT in a strict key exchange (kex-strict, draft-miller-sshm-strict-kex): someone may be in between.',
      )
    }
  }

  #run(agreed: Agreed, first: boolean): void {
    const { role } = this.#config
    const ours = this.#ours
    const theirs = this.#theirs
    const method = this.#config.tables.kexMethods.find(row => row.name === agreed.kex)
    if (method === undefined || ours === undefined || theirs === undefined || this.#peer === undefined)
      throw new TypeError('an exchange cannot run before both offers are known')
    const us = this.#config.identification
    const dialogue = exchange({
      role,
      crypto: this.#config.crypto,
      random: this.#config.random,
      tables: this.#config.tables,
      groups: this.#config.groups,
      groupSizes: this.#config.groupSizes,
      minimumRsaBits: this.#config.minimumRsaBits,
      agreed,
      method,
      clientIdentification: role === 'client' ? us : this.#peer.line,
      serverIdentification: role === 'client' ? this.#peer.line : us,
      clientKexInit: role === 'client' ? ours : theirs,
      serverKexInit: role === 'client' ? theirs : ours,
      sessionId: this.#sessionId,
      trustedHostKey: this.#trustedHostKey,
      hostKey: this.#config.hostKeys.find(key => key.algorithms.includes(agreed.hostKey)),
      useOutgoing: (direction, result) => {
        this.#sessionId = result.sessionId
        const row = this.#compressionRow(direction.agreed.compression)
        this.outgoing.useKeys(direction.protector, this.#compresses(row) ? row.createCompressor() : undefined, this.#strict)
        this.#rekeyAfterOutgoing = direction.rekeyAfterBytes
        this.#ourKeysInUse = true
        if (first) this.#announceExtensions()
        this.#sendHeldBack()
      },
      useIncoming: direction => {
        const row = this.#compressionRow(direction.agreed.compression)
        this.incoming.useKeys(direction.protector, this.#compresses(row) ? row.createDecompressor() : undefined, this.#strict)
        this.#rekeyAfterIncoming = direction.rekeyAfterBytes
      },
    })
    this.#runner = new DialogueRunner(dialogue, {
      send: (message, value) => this.#sendNow(message, value),
      ask: question => this.#hooks.ask(question),
      finished: result => this.#exchanged(result, agreed, first),
    })
    this.#runner.start()
  }

  #exchanged(result: ExchangeResult, agreed: Agreed, first: boolean): void {
    this.#ours = undefined
    this.#theirs = undefined
    this.#runner = undefined
    this.#ourKeysInUse = false
    this.#skipGuess = false
    this.#agreed = agreed
    this.#trustedHostKey = result.hostKey
    this.#firstHostKey ??= result.hostKey
    this.#hooks.exchanged(result, agreed, first)
  }

  /** RFC 8308 §2.4: EXT_INFO is the first message under the first keys. */
  #announceExtensions(): void {
    if (!this.#peerTakesExtensionInfo) return
    const without = withoutExtensions(this.#peer?.softwareVersion ?? '')
    this.#sendNow(ExtInfo, { extensions: without.size === 0 ? usualExtensions(this.#config) : extensionsFor(this.#config, without) })
  }

  #sendHeldBack(): void {
    this.#heldBackPings = 0
    const held = this.#heldBack ?? []
    this.#heldBack = undefined
    for (const { message, value } of held) this.#sendNow(message, value)
  }

  #compressionRow(name: string): Compression {
    const row = this.#config.tables.compressions.find(each => each.name === name)
    if (row === undefined) throw new TypeError(`no row for compression ${name}`)
    return row
  }

  #compresses(row: Compression): boolean {
    return row.starts === 'at-once' || (row.starts === 'after-authentication' && this.#authenticated)
  }

  #directions(agreed: Agreed): { ours: Agreed['clientToServer']; theirs: Agreed['clientToServer'] } {
    return this.#config.role === 'client'
      ? { ours: agreed.clientToServer, theirs: agreed.serverToClient }
      : { ours: agreed.serverToClient, theirs: agreed.clientToServer }
  }

  /** The sequence number may not come round before the first keys: packets could then be moved unseen (Terrapin). */
  #checkFirstSequence(): void {
    if (!this.established && (this.outgoing.wrapped || this.incoming.wrapped))
      throw new ProtocolError('sequence-number-wrapped', 'The sequence number wrapped around before the first key exchange was complete.')
  }
}

const extensionsFor = ({ extensions, role }: TransportConfig, without: ReadonlySet<string>): Uint8Array => {
  const own = role === 'server' ? 'ping@openssh.com' : 'ext-info-in-auth@openssh.com'
  return writeExtensionInfo(Object.fromEntries(Object.entries({ ...extensions, [own]: '0' }).filter(([name]) => !without.has(name))))
}

const noNames: ReadonlySet<string> = new Set()
const usual = {
  client: new WeakMap<TransportConfig['extensions'], Uint8Array>(),
  server: new WeakMap<TransportConfig['extensions'], Uint8Array>(),
}

/** What all peers without quirks are told. */
const usualExtensions = (config: TransportConfig): Uint8Array => {
  const known = usual[config.role]
  const written = known.get(config.extensions) ?? extensionsFor(config, noNames)
  known.set(config.extensions, written)
  return written
}

/** NEWKEYS is part of the exchange, though not of its method. */
export const isExchangeNumber = (number: number): boolean =>
  number === KexInit.number || number === NewKeys.number || (number >= 30 && number <= 49)
