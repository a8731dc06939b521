// What other implementations of SSH got wrong and had to publish, tried on ours: the attack as it was, in a few packets.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KexEcdhInit } from '../../src/algorithms/kex/messages.ts'
import { UserauthInfoResponse, UserauthRequest, UserauthSuccess } from '../../src/auth/messages.ts'
import { ChannelData, ChannelOpen, ChannelRequest, GlobalRequest } from '../../src/connection/messages.ts'
import { ProtocolError } from '../../src/errors.ts'
import { Debug, Ignore, NewKeys, Ping, ServiceRequest, Unimplemented } from '../../src/transport/messages.ts'
import { decodeMessage, type Message } from '../../src/wire/message.ts'
import { passwordDetails, request } from '../auth/fixtures.ts'
import { createPair } from '../../src/testing/pair.ts'
import { curveOnly, exampleHostKey, kexInitOf, kexReplyOf, RawPeer, type Victim } from '../exploration/raw-peer.ts'

const nothing = new Uint8Array(0)
const clientPublic = new Uint8Array(32).fill(7)
const strictClient = kexInitOf({ signals: ['ext-info-c', 'kex-strict-c-v00@openssh.com'] })
const strictServer = kexInitOf({ signals: ['ext-info-s', 'kex-strict-s-v00@openssh.com'] })
type Server = Extract<Victim, { readonly role: 'server' }>
const lets: Server = { role: 'server', methods: ['none'], attempt: () => ({ is: 'accept', identity: undefined }) }
const refuses: Server = { role: 'server', attempt: () => ({ is: 'refuse', remaining: ['password'] }) }

const violationOf = ({ victim }: RawPeer): string | undefined => {
  const error = victim.ending?.error
  return error instanceof ProtocolError ? error.violation : error?.name
}
const harmless: readonly (readonly [Message, unknown])[] = [
  [Ignore, { data: nothing }],
  [Debug, { alwaysDisplay: false, message: '', languageTag: '' }],
  [Unimplemented, { packetSequenceNumber: 0 }],
]

describe('Terrapin (CVE-2023-48795): a packet slipped in before NEWKEYS, so that one after it can be cut off unseen', () => {
  for (const [message, value] of harmless) {
    it(`${message.name} before the peer's KEXINIT ends a strict key exchange`, () => {
      for (const role of ['client', 'server'] as const) {
        const peer = new RawPeer({ role }, { strict: true })
        peer.say(message, value)
        assert.equal(violationOf(peer), undefined, 'nobody knows yet that it is strict')
        peer.payload(role === 'client' ? strictServer : strictClient)
        assert.equal(violationOf(peer), 'message-in-strict-key-exchange', role)
      }
    })
    it(`${message.name} between KEXINIT and NEWKEYS ends a strict key exchange`, () => {
      for (const role of ['client', 'server'] as const) {
        for (const before of [1, 2]) {
          const peer = new RawPeer({ role }, { strict: true })
          peer.payload(role === 'client' ? strictServer : strictClient)
          if (before === 2 && role === 'client') peer.payload(kexReplyOf(exampleHostKey.publicKey.blob))
          if (before === 2 && role === 'server') peer.say(KexEcdhInit, { clientPublic })
          peer.say(message, value)
          assert.equal(violationOf(peer), 'message-in-strict-key-exchange', `${role}, after ${before} packets`)
        }
      }
    })
  }

  it('cannot be repeated in a later exchange: packets are counted from 0 after every NEWKEYS, in both directions', () => {
    // The peer here counts so, and refuses tags that are counted otherwise.
    const peer = new RawPeer(lets, { strict: true }).exchangeKeys()
    for (const again of [false, true]) {
      if (again) peer.exchangeKeys()
      peer.payload(Uint8Array.of(19))
      peer.payload(Uint8Array.of(19))
      peer.look()
      assert.equal(violationOf(peer), undefined)
      assert.deepEqual(
        peer.heard.map(each => decodeMessage(Unimplemented, each).packetSequenceNumber),
        [0, 1],
      )
    }
    assert.equal(violationOf(peer), undefined)
  })

  it('nor with a message whose number nobody knows', () => {
    const peer = new RawPeer(lets, { strict: true })
    peer.payload(strictClient)
    peer.payload(Uint8Array.of(19))
    assert.equal(violationOf(peer), 'message-in-strict-key-exchange')
  })

  it('and what a later KEXINIT says of it means nothing', () => {
    const peer = new RawPeer(lets).exchangeKeys()
    peer.payload(strictClient)
    peer.say(KexEcdhInit, { clientPublic })
    peer.say(NewKeys, {})
    peer.payload(Uint8Array.of(19))
    peer.look()
    assert.equal(violationOf(peer), undefined)
    assert.equal(decodeMessage(Unimplemented, peer.heard.at(-1) ?? nothing).packetSequenceNumber, 6)
  })

  it('and they are counted on, as RFC 4253 §6.4 has it, where a side does not know strict key exchange', () => {
    const peer = new RawPeer(lets).exchangeKeys()
    peer.payload(Uint8Array.of(19))
    peer.look()
    assert.deepEqual(
      peer.heard.map(each => decodeMessage(Unimplemented, each).packetSequenceNumber),
      [3],
    )
  })
})

describe('libssh (CVE-2018-10933): a client that says itself that it is in', () => {
  it('is not, at no stage', () => {
    for (const stage of ['exchange', 'service', 'auth'] as const) {
      const peer = new RawPeer(refuses)
      if (stage !== 'exchange') peer.exchangeKeys()
      if (stage === 'auth') peer.say(ServiceRequest, { serviceName: 'ssh-userauth' })
      peer.say(UserauthSuccess, {})
      assert.equal(peer.victim.authenticated, false, stage)
      assert.equal(violationOf(peer), 'message-wrong-role', stage)
    }
  })
})

describe('Erlang/OTP (CVE-2025-32433): messages of the connection protocol before anybody is let in', () => {
  const messages: readonly (readonly [Message, unknown])[] = [
    [GlobalRequest, { requestName: 'tcpip-forward', wantReply: true, details: nothing }],
    [ChannelOpen, { channelType: 'session', senderChannel: 0, initialWindowSize: 1000, maximumPacketSize: 1000, details: nothing }],
    [ChannelRequest, { recipientChannel: 0, requestType: 'exec', wantReply: true, details: Uint8Array.of(0, 0, 0, 1, 97) }],
    [ChannelData, { recipientChannel: 0, data: nothing }],
  ]
  for (const [message, value] of messages) {
    it(`${message.name} ends the connection, and nobody hears of it`, () => {
      for (const stage of ['service', 'auth'] as const) {
        const peer = new RawPeer(refuses).exchangeKeys()
        if (stage === 'auth') peer.say(ServiceRequest, { serviceName: 'ssh-userauth' })
        peer.look()
        peer.say(message, value)
        assert.equal(violationOf(peer), 'message-before-its-phase', stage)
        assert.deepEqual([...peer.victim.channels, ...peer.victim.all('open-request'), ...peer.victim.all('global-request')], [], stage)
      }
    })
  }
  it('so do numbers of that protocol that nobody knows (RFC 4252 §6)', () => {
    for (const number of [83, 101, 127, 191]) {
      const peer = new RawPeer(refuses).exchangeKeys()
      peer.payload(Uint8Array.of(number))
      assert.equal(violationOf(peer), 'message-before-its-phase', String(number))
    }
  })
})

describe('messages at a time that is not theirs', () => {
  it('EXT_INFO and pings before the first NEWKEYS, where anybody could have written them', () => {
    for (const number of [7, Ping.number]) {
      const peer = new RawPeer({ role: 'client' })
      peer.payload(Uint8Array.of(number, 0, 0, 0, 0))
      assert.equal(violationOf(peer), 'message-before-its-phase', String(number))
    }
  })
  it('a response to a question of keyboard-interactive that nobody asked', () => {
    const peer = new RawPeer(refuses).exchangeKeys()
    peer.say(ServiceRequest, { serviceName: 'ssh-userauth' })
    peer.say(UserauthInfoResponse, { responses: [] })
    assert.equal(violationOf(peer), 'message-unexpected')
  })
  it('data while the peer exchanges keys, under keys that are about to go', () => {
    const peer = new RawPeer({ ...lets }).exchangeKeys()
    peer.payload(kexInitOf())
    peer.say(Ping, { data: nothing })
    assert.equal(violationOf(peer), 'message-during-key-exchange')
  })
  it('KEXINIT twice', () => {
    const peer = new RawPeer(lets)
    peer.payload(kexInitOf())
    peer.payload(kexInitOf())
    assert.equal(violationOf(peer), 'message-unexpected')
  })
  it('NEWKEYS before there are any', () => {
    const peer = new RawPeer(lets)
    peer.payload(strictClient)
    peer.say(NewKeys, {})
    assert.equal(violationOf(peer), 'message-unexpected')
  })
})

describe('between our KEXINIT and our NEWKEYS', () => {
  /** A server with an open channel that has just begun an exchange. */
  const exchanging = () => {
    const peer = new RawPeer(lets).exchangeKeys()
    peer.say(ServiceRequest, { serviceName: 'ssh-userauth' })
    peer.say(UserauthRequest, request('none', nothing))
    peer.say(ChannelOpen, {
      channelType: 'session',
      senderChannel: 0,
      initialWindowSize: 1000,
      maximumPacketSize: 1000,
      details: nothing,
    })
    peer.look()
    peer.victim.engine.rekey()
    assert.deepEqual(peer.look(), ['KEXINIT'])
    const { channel } = peer.victim.channels[0]
    return { peer, channel }
  }
  const finish = (peer: RawPeer): readonly string[] => {
    peer.payload(kexInitOf())
    peer.say(KexEcdhInit, { clientPublic })
    return peer.look()
  }

  it('no data leaves', () => {
    const { peer, channel } = exchanging()
    assert.equal(channel.write(Uint8Array.of(1, 2, 3)), 0)
    assert.deepEqual(peer.look(), [])
    assert.deepEqual(finish(peer).slice(0, 2), ['message 31', 'NEWKEYS'])
    assert.equal(channel.write(Uint8Array.of(1, 2, 3)), 3)
    assert.deepEqual(peer.look(), ['CHANNEL_DATA'])
  })
  it('nor anything else; what waited follows in its order', () => {
    const { peer, channel } = exchanging()
    channel.eof()
    channel.close()
    assert.deepEqual(peer.look(), [])
    assert.deepEqual(finish(peer), ['message 31', 'NEWKEYS', 'CHANNEL_EOF', 'CHANNEL_CLOSE'])
  })
})

describe('a decompressor that anybody may feed (why OpenSSH has zlib@openssh.com)', () => {
  it('is not there before somebody is let in', () => {
    const compression = 'zlib@openssh.com'
    const peer = new RawPeer({ ...lets, algorithms: { ...curveOnly, compression } })
    peer.payload(kexInitOf({ compression }))
    peer.say(KexEcdhInit, { clientPublic })
    peer.say(NewKeys, {})
    assert.equal(peer.victim.all('exchanged')[0]?.agreed.clientToServer.compression, compression)
    peer.look()
    // As they are, both ways: compressed they would be other bytes.
    peer.say(ServiceRequest, { serviceName: 'ssh-userauth' })
    assert.deepEqual(peer.look(), ['SERVICE_ACCEPT'])
    assert.equal(violationOf(peer), undefined)
  })
})

describe('a man in the middle of the first exchange', () => {
  /** Where the second text begins in the first, in bytes; -1 when nowhere. */
  const placeOf = (chunk: Uint8Array, text: string): number => String.fromCharCode(...chunk).indexOf(text)
  const changes: readonly (readonly [string, (chunk: Uint8Array) => number])[] = [
    ['an identification', chunk => (placeOf(chunk, 'SSH-2.0-nacre') === 0 ? 'SSH-2.0-'.length : -1)],
    // The cookie stands before the first list, whose first name this is: nobody looks at it but the exchange hash.
    ['a KEXINIT', chunk => Math.max(placeOf(chunk, 'mlkem768') - 4 - 8, -1)],
  ]
  for (const way of ['rightwards', 'leftwards'] as const) {
    for (const [what, place] of changes) {
      it(`cannot alter ${what} of the ${way === 'rightwards' ? 'client' : 'server'}: the server's signature covers it (RFC 4253 §8)`, () => {
        let altered = 0
        const { client, server } = createPair({
          tap: (to, chunk) => {
            const at = to === way && altered === 0 ? place(chunk) : -1
            if (at < 0) return
            chunk[at] ^= 1
            altered++
          },
        }).run()
        assert.equal(altered, 1)
        assert.equal(client.authenticated || server.authenticated, false)
        assert.equal((client.ending?.error as ProtocolError | undefined)?.violation, 'host-key-signature-invalid')
      })
    }
  }
})

describe('somebody who guesses under one name after the other', () => {
  it('has no more guesses for it', () => {
    const peer = new RawPeer({ ...refuses, maximumAttempts: 3 }).exchangeKeys()
    peer.say(ServiceRequest, { serviceName: 'ssh-userauth' })
    for (const [index, user] of ['ada', 'bob', 'ada', 'eve'].entries()) {
      assert.equal(violationOf(peer), index < 3 ? undefined : 'too-many-auth-attempts', user)
      peer.say(UserauthRequest, request('password', passwordDetails('guess'), user))
    }
    assert.equal(peer.victim.authenticated, false)
  })
})

describe('a server that shows another host key in a later exchange', () => {
  it('is asked about like a new one', () => {
    const peer = new RawPeer({ role: 'client' }).exchangeKeys()
    const asked = (): number => peer.victim.all('question').filter(each => each.question.about === 'host-key').length
    assert.equal(asked(), 1)
    const other = exampleHostKey.publicKey.blob.slice()
    other[other.length - 1] ^= 1
    for (const [key, times] of [
      [exampleHostKey.publicKey.blob, 1],
      [other, 2],
    ] as const) {
      peer.payload(kexInitOf())
      peer.payload(kexReplyOf(key))
      peer.say(NewKeys, {})
      peer.look()
      assert.equal(asked(), times)
    }
  })
})
