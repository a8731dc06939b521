// Owns KEXINIT as a message (RFC 4253 §7.1): building ours from an offer, reading an offer from theirs, and the signals
// that ride in the list of key exchange methods. Knows nothing of what follows.
import { type Known, kexSignals, type Offer } from '../algorithms/negotiate.ts'
import type { AlgorithmTables } from '../algorithms/tables.ts'
import type { Random } from '../crypto/provider.ts'
import type { Infer } from '../wire/codec.ts'
import type { KexInit } from './messages.ts'

export type KexInitValue = Infer<typeof KexInit>

const [extInfoClient, extInfoServer, strictClient, strictServer] = kexSignals

/** Our KEXINIT. The signals belong to the first exchange only. */
export const ourKexInit = (
  from: { readonly offer: Offer; readonly random: Random; readonly role: 'client' | 'server' },
  first: boolean,
): KexInitValue => {
  const { offer, role } = from
  const cookie = new Uint8Array(16)
  from.random(cookie)
  const signals = !first ? [] : role === 'client' ? [extInfoClient, strictClient] : [extInfoServer, strictServer]
  return {
    cookie,
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
