// Owns the choice of algorithms from two offers (RFC 4253 §7.1): a pure function. Knows nothing of packets or keys.
import { escapeForPeople, NegotiationError, type NegotiationMismatch } from '../errors.ts'
import type { Standing } from './rows.ts'

/** The lists of one side, in order of preference. */
export interface Offer {
  readonly kex: readonly string[]
  readonly hostKey: readonly string[]
  readonly cipherClientToServer: readonly string[]
  readonly cipherServerToClient: readonly string[]
  readonly macClientToServer: readonly string[]
  readonly macServerToClient: readonly string[]
  readonly compressionClientToServer: readonly string[]
  readonly compressionServerToClient: readonly string[]
}

/** What both sides use from NEWKEYS on. `mac` is undefined where the cipher brings its own integrity. */
export interface Agreed {
  readonly kex: string
  readonly hostKey: string
  readonly clientToServer: AgreedDirection
  readonly serverToClient: AgreedDirection
  /** True when a packet guessed ahead of negotiation counts (RFC 4253 §7): the first choices of both sides agree. */
  readonly guessRight: boolean
}
export interface AgreedDirection {
  readonly cipher: string
  readonly mac: string | undefined
  readonly compression: string
}

/** What negotiation needs to know of the tables beyond the offers. */
export interface Known {
  /** True for a cipher that makes the MAC list irrelevant (RFC 5647 §5.1 as OpenSSH reads it: the MAC is ignored). */
  aead(cipher: string): boolean
  /** How we stand to a name that only the peer offers; `undefined` when we do not have it at all. */
  standing(kind: keyof Offer, name: string): Standing | undefined
}

const labels: Record<keyof Offer, string> = {
  kex: 'key exchange method',
  hostKey: 'host key algorithm',
  cipherClientToServer: 'cipher (client to server)',
  cipherServerToClient: 'cipher (server to client)',
  macClientToServer: 'MAC (client to server)',
  macServerToClient: 'MAC (server to client)',
  compressionClientToServer: 'compression (client to server)',
  compressionServerToClient: 'compression (server to client)',
}

/** The option of ssh_config and sshd_config that changes a list. */
const optionNames: Record<keyof Offer, string> = {
  kex: 'KexAlgorithms',
  hostKey: 'HostKeyAlgorithms',
  cipherClientToServer: 'Ciphers',
  cipherServerToClient: 'Ciphers',
  macClientToServer: 'MACs',
  macServerToClient: 'MACs',
  compressionClientToServer: 'Compression',
  compressionServerToClient: 'Compression',
}

/** Names in a kex list that are signals, not methods (RFC 8308 §2.1, OpenSSH's strict key exchange). */
export const kexSignals: readonly string[] = ['ext-info-c', 'ext-info-s', 'kex-strict-c-v00@openssh.com', 'kex-strict-s-v00@openssh.com']

const showList = (names: readonly string[]): string =>
  names.length === 0 ? '(nothing)' : names.map(each => escapeForPeople(each, { limit: 64 })).join(', ')

const remedyFor = (kind: keyof Offer, theirs: readonly string[], known: Known): NegotiationMismatch['remedy'] => {
  const candidates = theirs.map(name => ({ name, standing: known.standing(kind, name) }))
  const best =
    candidates.find(each => each.standing === 'default') ??
    candidates.find(each => each.standing === 'offered-on-request') ??
    candidates.find(each => each.standing === 'insecure')
  if (best?.standing === undefined) return undefined
  const risk =
    best.standing === 'insecure'
      ? `${best.name} is broken or too weak by today's measure; whoever can record or alter the traffic may read it or pose as the peer`
      : 'none that is known; it is only left out of the offer in use here'
  return { option: `${optionNames[kind]}=+${best.name}`, risk }
}

/**
 * Chooses by RFC 4253 §7.1: the client's first name that the server also has. Throws `NegotiationError` with both
 * lists, and the smallest option that would connect, when there is none.
 */
export const negotiate = (client: Offer, server: Offer, us: 'client' | 'server', known: Known): Agreed => {
  const choose = (kind: keyof Offer): string => {
    const found = client[kind].find(name => server[kind].includes(name) && !(kind === 'kex' && kexSignals.includes(name)))
    if (found !== undefined) return found
    const methods = (names: readonly string[]): readonly string[] =>
      kind === 'kex' ? names.filter(name => !kexSignals.includes(name)) : names
    const ours = methods(us === 'client' ? client[kind] : server[kind])
    const theirs = methods(us === 'client' ? server[kind] : client[kind])
    const remedy = remedyFor(kind, theirs, known)
    const help =
      remedy === undefined
        ? 'We know none of the names the peer offers: one of the two needs newer software.'
        : `The smallest change that would connect: ${remedy.option} on our side. Risk: ${remedy.risk}.`
    throw new NegotiationError(`No ${labels[kind]} in common. We offer: ${showList(ours)}. The peer offers: ${showList(theirs)}. ${help}`, {
      what: labels[kind],
      ours,
      theirs,
      remedy,
    })
  }
  const direction = (
    cipherKind: 'cipherClientToServer' | 'cipherServerToClient',
    macKind: 'macClientToServer' | 'macServerToClient',
    compressionKind: 'compressionClientToServer' | 'compressionServerToClient',
  ): AgreedDirection => {
    const cipher = choose(cipherKind)
    return { cipher, mac: known.aead(cipher) ? undefined : choose(macKind), compression: choose(compressionKind) }
  }
  const kex = choose('kex')
  const hostKey = choose('hostKey')
  return {
    kex,
    hostKey,
    clientToServer: direction('cipherClientToServer', 'macClientToServer', 'compressionClientToServer'),
    serverToClient: direction('cipherServerToClient', 'macServerToClient', 'compressionServerToClient'),
    guessRight: client.kex[0] === server.kex[0] && client.hostKey[0] === server.hostKey[0],
  }
}
