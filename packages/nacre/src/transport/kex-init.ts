// Owns KEXINIT as a message (RFC 4253 §7.1): building ours from an offer, reading an offer from theirs, and the signals
// that ride in the list of key exchange methods. Knows nothing of what follows.
import { type Agreed, type Known, kexSignals, negotiate, type Offer } from '../algorithms/negotiate.ts'
import type { AlgorithmTables } from '../algorithms/tables.ts'
import type { Random } from '../crypto/provider.ts'
import { withCertificates } from '../keys/certificate-names.ts'
import type { Infer } from '../wire/codec.ts'
import { decodeMessage, encodeMessage } from '../wire/message.ts'
import { KexInit } from './messages.ts'

type KexInitValue = Infer<typeof KexInit>

const [extInfoClient, extInfoServer, strictClient, strictServer] = kexSignals

const cookieBytes = 16

/** Whose KEXINIT: its offer is the same for all connections of a server. */
export interface KexInitSource {
  readonly offer: Offer
  readonly random: Random
  readonly role: 'client' | 'server'
}

/** Payloads by offer, of the first exchange and of later ones, cookie left out. */
const templates = new WeakMap<Offer, { first?: Uint8Array; later?: Uint8Array }>()

/** Our KEXINIT as a payload. The signals belong to the first exchange only. */
export const ourKexInit = (from: KexInitSource, first: boolean): Uint8Array => {
  let known = templates.get(from.offer)
  if (known === undefined) {
    known = {}
    templates.set(from.offer, known)
  }
  const which = first ? 'first' : 'later'
  const payload = (known[which] ??= encodeMessage(KexInit, kexInitValue(from, first))).slice()
  from.random(payload.subarray(1, 1 + cookieBytes))
  return payload
}

const kexInitValue = ({ offer, role }: KexInitSource, first: boolean): KexInitValue => {
  const signals = !first ? [] : role === 'client' ? [extInfoClient, strictClient] : [extInfoServer, strictServer]
  return {
    cookie: new Uint8Array(cookieBytes),
    kexAlgorithms: [...offer.kex, ...signals],
    serverHostKeyAlgorithms: offer.hostKey,
    encryptionAlgorithmsClientToServer: offer.cipherClientToServer,
    encryptionAlgorithmsServerToClient: offer.cipherServerToClient,
    macAlgorithmsClientToServer: offer.macClientToServer,
    macAlgorithmsServerToClient: offer.macServerToClient,
    compressionAlgorithmsClientToServer: offer.compressionClientToServer,
    compressionAlgorithmsServerToClient: offer.compressionServerToClient,
    languagesClientToServer: [],
    languagesServerToClient: [],
    firstKexPacketFollows: false,
    reserved: 0,
  }
}

/** What a peer says beside its methods: takes EXT_INFO (RFC 8308 §2.1), wants strict key exchange. `us` is our role. */
export const signalsOf = (
  value: Pick<KexInitValue, 'kexAlgorithms'>,
  us: 'client' | 'server',
): { readonly extensionInfo: boolean; readonly strict: boolean } => ({
  extensionInfo: value.kexAlgorithms.includes(us === 'client' ? extInfoServer : extInfoClient),
  strict: value.kexAlgorithms.includes(us === 'client' ? strictServer : strictClient),
})

const offerOf = (value: Omit<KexInitValue, 'cookie'>): Offer => ({
  kex: value.kexAlgorithms,
  hostKey: value.serverHostKeyAlgorithms,
  cipherClientToServer: value.encryptionAlgorithmsClientToServer,
  cipherServerToClient: value.encryptionAlgorithmsServerToClient,
  macClientToServer: value.macAlgorithmsClientToServer,
  macServerToClient: value.macAlgorithmsServerToClient,
  compressionClientToServer: value.compressionAlgorithmsClientToServer,
  compressionServerToClient: value.compressionAlgorithmsServerToClient,
})

/** Which side of a negotiation we are, and with what. */
export interface Negotiator {
  readonly offer: Offer
  readonly role: 'client' | 'server'
  readonly tables: AlgorithmTables
}

/** A peer's KEXINIT and what is agreed on with it, which is found out once. Its cookie is nobody's concern. */
export class TheirKexInit {
  readonly value: Omit<KexInitValue, 'cookie'>
  readonly #payload: Uint8Array
  readonly #ours: Negotiator
  #agreed: Agreed | undefined

  /** `payload` must not change any more. */
  constructor(payload: Uint8Array, ours: Negotiator) {
    this.value = decodeMessage(KexInit, payload)
    this.#payload = payload
    this.#ours = ours
  }

  /** RFC 4253 §7.1. Throws `NegotiationError`. */
  get agreed(): Agreed {
    return (this.#agreed ??= this.#negotiate())
  }

  #negotiate(): Agreed {
    const { offer, role, tables } = this.#ours
    const theirs = offerOf(this.value)
    return role === 'client' ? negotiate(offer, theirs, role, knownBy(tables)) : negotiate(theirs, offer, role, knownBy(tables))
  }

  /** True when `payload` is the same but for the cookie, and so are we. */
  is(payload: Uint8Array, { offer, role, tables }: Negotiator): boolean {
    const mine = this.#payload
    if (mine.length !== payload.length || this.#ours.offer !== offer || this.#ours.role !== role || this.#ours.tables !== tables)
      return false
    for (let at = 1 + cookieBytes; at < mine.length; at++) if (mine[at] !== payload[at]) return false
    return true
  }
}

/** By our offer, those that came lately: most peers of a program send the same. Too few to be worth filling for an attacker. */
const lately = new WeakMap<Offer, TheirKexInit[]>()
const mostLately = 8
const longestKept = 4096

/** Reads a peer's KEXINIT. `payload` must not change any more. Throws `WireError`. */
export const theirKexInit = (payload: Uint8Array, { offer, role, tables }: Negotiator): TheirKexInit => {
  const ours = { offer, role, tables }
  const kept = lately.get(offer) ?? []
  const found = kept.find(each => each.is(payload, ours))
  if (found !== undefined) return found
  const theirs = new TheirKexInit(payload, ours)
  if (payload.length <= longestKept) {
    if (kept.length === mostLately) kept.shift()
    kept.push(theirs)
    lately.set(offer, kept)
  }
  return theirs
}

const rowsOf = (
  tables: AlgorithmTables,
  kind: keyof Offer,
): readonly { readonly name: string; readonly standing: ReturnType<Known['standing']> }[] => {
  if (kind === 'kex') return tables.kexMethods
  if (kind === 'hostKey') return withCertificates(tables.signatures)
  if (kind.startsWith('cipher')) return tables.ciphers
  return kind.startsWith('mac') ? tables.macs : tables.compressions
}

/** What negotiation needs to know of the tables. */
const knownBy = (tables: AlgorithmTables): Known => ({
  aead: name => tables.ciphers.some(row => row.name === name && row.integrity === 'built-in'),
  standing: (kind, name) => rowsOf(tables, kind).find(row => row.name === name)?.standing,
})
