// Every sequence of messages before, in and after a key exchange, the first one and later ones, held against a model
// written from the RFCs: what ends the connection and why, what is answered, what waits, how packets are counted.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserauthRequest, UserauthSuccess } from '../../src/auth/messages.ts'
import { GlobalRequest } from '../../src/connection/messages.ts'
import { HostKeyError } from '../../src/errors.ts'
import { Disconnect, ExtInfo, Ignore, NewKeys, Ping, ServiceAccept, ServiceRequest } from '../../src/transport/messages.ts'
import { KexEcdhInit } from '../../src/algorithms/kex/messages.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { explore, type Subject } from './explore.ts'
import { exampleHostKey, kexInitOf, kexReplyOf, RawPeer } from './raw-peer.ts'
import { modelOf, type TransportState } from './transport-model.ts'

const nothing = new Uint8Array(0)
const hostKey = exampleHostKey.publicKey.blob
const otherHostKey = hostKey.slice()
otherHostKey[otherHostKey.length - 1] ^= 1
type Role = 'client' | 'server'

/** What a peer puts into its first KEXINIT beside its methods; in later ones it means nothing and must change nothing. */
const signalsOf = (peer: Role, strict: boolean): readonly string[] => {
  const letter = peer[0]
  return [`ext-info-${letter}`, ...(strict ? [`kex-strict-${letter}-v00@openssh.com`] : [])]
}

const payloads = (peer: Role, strict: boolean): Readonly<Record<string, Uint8Array>> => {
  const signals = signalsOf(peer, strict)
  return {
    DISCONNECT: encodeMessage(Disconnect, { reasonCode: 11, description: '', languageTag: '' }),
    IGNORE: encodeMessage(Ignore, { data: nothing }),
    SERVICE_REQUEST: encodeMessage(ServiceRequest, { serviceName: 'ssh-userauth' }),
    SERVICE_ACCEPT: encodeMessage(ServiceAccept, { serviceName: 'ssh-userauth' }),
    EXT_INFO: encodeMessage(ExtInfo, { extensions: new Uint8Array(4) }),
    KEXINIT: kexInitOf({ signals }),
    'KEXINIT that guesses right': kexInitOf({ signals, guess: 'right' }),
    'KEXINIT that guesses wrong': kexInitOf({ signals, guess: 'wrong' }),
    NEWKEYS: encodeMessage(NewKeys, {}),
    INIT: encodeMessage(KexEcdhInit, { clientPublic: new Uint8Array(32).fill(7) }),
    'INIT too short': encodeMessage(KexEcdhInit, { clientPublic: new Uint8Array(31).fill(7) }),
    REPLY: kexReplyOf(hostKey),
    'REPLY by another key': kexReplyOf(otherHostKey),
    USERAUTH_REQUEST: encodeMessage(UserauthRequest, {
      userName: 'ada',
      serviceName: 'ssh-connection',
      methodName: 'none',
      details: nothing,
    }),
    USERAUTH_SUCCESS: encodeMessage(UserauthSuccess, {}),
    GLOBAL_REQUEST: encodeMessage(GlobalRequest, { requestName: 'nonsense@example.org', wantReply: true, details: nothing }),
    PING: encodeMessage(Ping, { data: nothing }),
    ...Object.fromEntries([19, 29, 61, 101, 200].map(number => [`unknown ${number}`, Uint8Array.of(number, 1, 2, 3)])),
  }
}

const subject = (us: Role, strict: boolean, said: Readonly<Record<string, Uint8Array>>): Subject & { readonly peer: RawPeer } => {
  const peer = new RawPeer(
    us === 'server'
      ? { role: us, methods: ['none'], attempt: () => ({ is: 'accept', identity: undefined }) }
      : {
          role: us,
          credentials: [{ method: 'none' }],
          'host-key': question => {
            if (question.hostKey[question.hostKey.length - 1] === hostKey[hostKey.length - 1]) return true
            throw new HostKeyError('HOST_KEY_CHANGED', 'The key has changed.', { fingerprint: '', keyType: question.keyType })
          },
        },
    { strict },
  )
  const { engine } = peer.victim
  return {
    peer,
    act: letter => {
      if (letter === 'we begin an exchange') engine.rekey()
      else if (letter === 'we ask for something') engine.connection.keepalive(() => {})
      else peer.payload(said[letter])
      return peer.look()
    },
  }
}

const before = { theirs: 'nothing', begun: false, skip: false, sequence: 0, waiting: [] } as const
const timeout = 60_000
const other = (us: Role): Role => (us === 'server' ? 'client' : 'server')

describe('the first key exchange', () => {
  const letters = [
    'KEXINIT',
    'KEXINIT that guesses right',
    'KEXINIT that guesses wrong',
    'NEWKEYS',
    'INIT',
    'REPLY',
    'IGNORE',
    'unknown 19',
  ]
  const more = [
    'DISCONNECT',
    'unknown 29',
    'unknown 61',
    'unknown 101',
    'unknown 200',
    'EXT_INFO',
    'PING',
    'USERAUTH_REQUEST',
    'GLOBAL_REQUEST',
  ]
  const own = {
    server: ['INIT too short', 'SERVICE_REQUEST', 'USERAUTH_SUCCESS'],
    client: ['REPLY by another key', 'SERVICE_ACCEPT', 'USERAUTH_SUCCESS'],
  } as const
  for (const us of ['server', 'client'] as const) {
    for (const strict of [true, false]) {
      const depth = strict ? 6 : 5
      it(`of a ${us}, ${strict ? 'strict' : 'not strict'}: every sequence of ${depth} messages`, { timeout }, context => {
        const said = payloads(other(us), strict)
        const walk = explore(
          modelOf({ ...before, us, strict, stage: 'exchange', ours: 'kexinit' }, letters, [...more, ...own[us]]),
          () => subject(us, strict, said),
          depth,
          'IGNORE',
        )
        context.diagnostic(`${walk.sequences} sequences`)
        assert.ok(walk.sequences > 1000)
      })
    }
  }
})

/** The messages by which a peer comes as far as the stage; they are its packets 3 and on, or 0 and on if strict. */
const way = {
  service: { server: ['KEXINIT', 'INIT', 'NEWKEYS'], client: ['KEXINIT', 'REPLY', 'NEWKEYS'] },
  connection: {
    server: ['KEXINIT', 'INIT', 'NEWKEYS', 'SERVICE_REQUEST', 'USERAUTH_REQUEST'],
    client: ['KEXINIT', 'REPLY', 'NEWKEYS', 'SERVICE_ACCEPT', 'USERAUTH_SUCCESS'],
  },
} as const

describe('a later key exchange', () => {
  /** Every KEXINIT asks for strict key exchange here: after the first one that must mean nothing. */
  const walks = (
    what: string,
    stage: 'service' | 'connection',
    depth: number,
    lettersOf: (us: Role) => readonly string[],
    moreOf: (us: Role) => readonly string[] = () => [],
  ): void => {
    for (const us of ['server', 'client'] as const) {
      for (const strict of [true, false]) {
        it(`of a ${us}, ${strict ? 'strict' : 'not strict'}, ${what}: every sequence of ${depth} messages`, { timeout }, context => {
          const first = payloads(other(us), strict)
          const later = payloads(other(us), true)
          const fresh = (): Subject => {
            const made = subject(us, strict, later)
            for (const letter of way[stage][us]) {
              made.peer.payload(first[letter])
              made.peer.look()
            }
            return made
          }
          const packets = way[stage][us].length
          const state: TransportState = { ...before, us, strict, stage, ours: 'nothing', sequence: strict ? packets - 3 : packets }
          const walk = explore(modelOf(state, lettersOf(us), moreOf(us)), fresh, depth, 'IGNORE')
          context.diagnostic(`${walk.sequences} sequences`)
          assert.ok(walk.sequences > 1000)
        })
      }
    }
  }
  const value = (us: Role): string => (us === 'server' ? 'INIT' : 'REPLY')

  const exchange = (us: Role): readonly string[] => [
    'KEXINIT',
    value(us),
    'NEWKEYS',
    'PING',
    'we begin an exchange',
    'we ask for something',
  ]

  walks('begun by either side or both', 'connection', 6, exchange)
  walks('with anything said at any moment', 'connection', 5, exchange, us => [
    ...['KEXINIT that guesses wrong', us === 'server' ? 'INIT too short' : 'REPLY by another key', us === 'server' ? 'REPLY' : 'INIT'],
    ...['DISCONNECT', 'IGNORE', 'unknown 19', 'unknown 29', 'unknown 61', 'unknown 101', 'unknown 200', 'EXT_INFO', 'GLOBAL_REQUEST'],
    ...['USERAUTH_REQUEST', 'USERAUTH_SUCCESS', 'SERVICE_REQUEST', 'SERVICE_ACCEPT'],
  ])
  walks('before anybody is let in', 'service', 5, us => [
    ...['KEXINIT', 'KEXINIT that guesses wrong', value(us), 'NEWKEYS', 'EXT_INFO', 'PING', 'GLOBAL_REQUEST'],
    ...(us === 'server' ? ['SERVICE_REQUEST', 'USERAUTH_REQUEST'] : ['SERVICE_ACCEPT', 'USERAUTH_SUCCESS']),
  ])
})
