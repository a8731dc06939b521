// Owns KEXINIT as a message (RFC 4253 §7.1): building ours from an offer, reading an offer from theirs, and the signals
// that ride in the list of key exchange methods. Knows nothing of what follows.
import { type Known, kexSignals, type Offer } from '../algorithms/negotiate.ts'
import type { AlgorithmTables } from '../algorithms/tables.ts'
import type { Random } from '../crypto/provider.ts'
import type { Infer } from '../wire/codec.ts'
import { encodeMessage } from '../wire/message.ts'
import { KexInit } from './messages.ts'

export type KexInitValue = Infer<typeof KexInit>

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
export const signalsOf = (value: KexInitValue, us: 'client' | 'server'): { readonly extensionInfo: boolean; readonly strict: boolean } => ({
  extensionInfo: value.kexAlgorithms.includes(us === 'client' ? extInfoServer : extInfoClient),
  strict: value.kexAlgorithms.includes(us === 'client' ? strictServer : strictClient),
})

export const offerOf = (value: KexInitValue): Offer => ({
  kex: value.kexAlgorithms,
  hostKey: value.serverHostKeyAlgorithms,
  cipherClientToServer: value.encryptionAlgorithmsClientToServer,
  cipherServerToClient: value.encryptionAlgorithmsServerToClient,
  macClientToServer: value.macAlgorithmsClientToServer,
  macServerToClient: value.macAlgorithmsServerToClient,
  compressionClientToServer: value.compressionAlgorithmsClientToServer,
  compressionServerToClient: value.compressionAlgorithmsServerToClient,
})

const rowsOf = (
  tables: AlgorithmTables,
  kind: keyof Offer,
): readonly { readonly name: string; readonly standing: ReturnType<Known['standing']> }[] => {
  if (kind === 'kex') return tables.kexMethods
  if (kind === 'hostKey') return tables.signatures
  if (kind.startsWith('cipher')) return tables.ciphers
  return kind.startsWith('mac') ? tables.macs : tables.compressions
}

/** What negotiation needs to know of the tables. */
export const knownBy = (tables: AlgorithmTables): Known => ({
  aead: name => tables.ciphers.some(row => row.name === name && row.integrity === 'built-in'),
  standing: (kind, name) => rowsOf(tables, kind).find(row => row.name === name)?.standing,
})
