// What a peer may do though few peers do it, and what it gains by being rude: nothing but the end of its own connection.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UserauthRequest } from '../../src/auth/messages.ts'
import { ChannelOpen, ChannelOpenFailure, GlobalRequest, RequestFailure } from '../../src/connection/messages.ts'
import { DisconnectedError, type ProtocolError } from '../../src/errors.ts'
import { createAttack, plainPacket } from '../../src/testing/hostile.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'
import { Debug, Disconnect, ExtInfo, Ignore, KexInit, Ping, Pong, Unimplemented } from '../../src/transport/messages.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { Writer } from '../../src/wire/writer.ts'

const nothing = new Uint8Array(0)
const server = () => createAttack({ victim: { role: 'server' } }).login()

describe('messages that nobody knows', () => {
  it('are answered with the number of their packet (RFC 4253 §11.4), and nothing ends', () => {
    const { victim, hostile, line } = server()
    const before = hostile.transport.outgoing.sequence
    for (const number of [8, 19, 101, 127, 128, 191, 194, 255]) hostile.payload(Uint8Array.of(number, 1, 2, 3))
    while (line.step());
    assert.deepEqual(
      hostile.heardAll(Unimplemented).map(each => each.packetSequenceNumber),
      Array.from({ length: 8 }, (_, i) => before + i),
    )
    assert.equal(victim.ending, undefined)
  })

  it('end the connection where only a key exchange may speak', () => {
    const attack = server()
    attack.hostile.transport.rekey()
    attack.hostile.payload(Uint8Array.of(200))
    attack.run()
    assert.equal((attack.victim.ending?.error as ProtocolError).violation, 'message-during-key-exchange')
  })

  it('cannot stand for messages of an authentication method that does not run', () => {
    for (const number of [60, 61, 79]) {
      const attack = server()
      attack.hostile.payload(Uint8Array.of(number))
      attack.run()
      assert.equal((attack.victim.ending?.error as ProtocolError).violation, 'message-unexpected', String(number))
    }
  })
})

describe('at any time', () => {
  it('IGNORE, DEBUG, UNIMPLEMENTED and ping may come, also in great numbers', () => {
    const attack = server()
    for (let i = 0; i < 200; i++) {
      attack.hostile.send(Ignore, { data: new Uint8Array(i) })
      attack.hostile.send(Debug, { alwaysDisplay: false, message: 'x', languageTag: '' })
      attack.hostile.send(Unimplemented, { packetSequenceNumber: i })
      attack.hostile.send(Ping, { data: Uint8Array.of(i) })
    }
    attack.run()
    assert.equal(attack.victim.ending, undefined)
    assert.deepEqual(
      attack.hostile.heardAll(Pong).map(each => each.data[0]),
      Array.from({ length: 200 }, (_, i) => i),
    )
    assert.equal(attack.victim.all('debug').length, 200)
  })

  it('a goodbye is taken, and its text shown without its control characters', () => {
    const attack = server()
    attack.hostile.send(Disconnect, { reasonCode: 11, description: 'bye\x1b[2J\r\n\u202e', languageTag: '' })
    attack.run()
    const error = attack.victim.ending?.error
    assert.ok(error instanceof DisconnectedError)
    assert.equal(error.by, 'peer')
    assert.equal(error.reason, 'by-application')
    assert.equal(error.description, 'bye\x1b[2J\r\n\u202e')
    assert.ok(!/[\x00-\x1f\u202e]/.test(error.message), JSON.stringify(error.message))
  })

  it('a goodbye with a reason nobody lists is one too', () => {
    const attack = server()
    attack.hostile.send(Disconnect, { reasonCode: 4_000_000_000, description: '', languageTag: undefined })
    attack.run()
    assert.equal(attack.victim.ending?.by, 'peer')
    assert.equal(attack.victim.ending?.reason, undefined)
  })
})

describe('a key exchange', () => {
  it('has one KEXINIT of each side', () => {
    const attack = server()
    attack.hostile.transport.rekey()
    attack.line.step()
    const again = attack.hostile.heard.find(each => each.number === KexInit.number)
    attack.hostile.payload(again?.payload ?? nothing)
    attack.run()
    assert.equal((attack.victim.ending?.error as ProtocolError).violation, 'message-unexpected')
  })

  /** A client that guesses, speaking to a server without protection. */
  const guessing = (kexAlgorithms: readonly string[], guess: Uint8Array) => {
    const attack = createAttack({ victim: { role: 'server', crypto: nullCrypto }, hostile: { mute: true } })
    const names = { ciphers: ['aes128-ctr'], macs: ['hmac-sha2-256'] }
    attack.hostile.raw('SSH-2.0-guesses\r\n')
    const kexInit = encodeMessage(KexInit, {
      cookie: new Uint8Array(16),
      kexAlgorithms,
      serverHostKeyAlgorithms: ['ssh-ed25519'],
      encryptionAlgorithmsClientToServer: names.ciphers,
      encryptionAlgorithmsServerToClient: names.ciphers,
      macAlgorithmsClientToServer: names.macs,
      macAlgorithmsServerToClient: names.macs,
      compressionAlgorithmsClientToServer: ['none'],
      compressionAlgorithmsServerToClient: ['none'],
      languagesClientToServer: [],
      languagesServerToClient: [],
      firstKexPacketFollows: true,
      reserved: 0,
    })
    attack.hostile.raw(plainPacket(kexInit))
    attack.hostile.raw(plainPacket(guess))
    return attack.run()
  }
  const ecdhInit = Uint8Array.of(30, 0, 0, 0, 32, ...new Uint8Array(32).fill(9))
  const numbersHeard = (attack: ReturnType<typeof guessing>) => attack.hostile.heard.map(each => each.number)

  it('drops one packet of a wrong guess unread (RFC 4253 §7), and goes on with the right one', () => {
    const attack = guessing(['diffie-hellman-group14-sha256', 'curve25519-sha256'].reverse(), Uint8Array.of(30, 255, 255, 255, 255))
    assert.deepEqual(numbersHeard(attack), [20])
    attack.hostile.raw(plainPacket(ecdhInit))
    attack.run()
    assert.deepEqual(numbersHeard(attack).slice(0, 3), [20, 31, 21])
    assert.equal(attack.victim.ending, undefined)
  })

  it('takes a guess that was right', () => {
    const attack = guessing(['mlkem768x25519-sha256'], Uint8Array.of(30, 0, 0, 4, 192, ...new Uint8Array(1216).fill(9)))
    assert.deepEqual(numbersHeard(attack).slice(0, 3), [20, 31, 21])
    assert.equal(attack.victim.ending, undefined)
  })
})

describe('a peer that says what is not so', () => {
  it('is to blame itself for text that is none', () => {
    const content = new Writer()
    content.uint32(1)
    content.text('server-sig-algs')
    content.string(new Uint8Array(60).fill(0xff))
    const attack = createAttack({ victim: { role: 'client' } }).login()
    attack.hostile.send(ExtInfo, { extensions: content.written() })
    attack.run()
    assert.equal((attack.victim.ending?.error as ProtocolError).violation, 'malformed-message')
  })
  it('gets no answer to an open after it has left, and nobody is surprised', () => {
    const attack = server()
    attack.hostile.send(ChannelOpen, {
      channelType: 'session',
      senderChannel: 0,
      initialWindowSize: 1,
      maximumPacketSize: 1,
      details: nothing,
    })
    attack.hostile.send(Disconnect, { reasonCode: 11, description: '', languageTag: '' })
    attack.run()
    assert.equal(attack.victim.ending?.by, 'peer')
  })
  it('does not get a session after it promised to want no more', () => {
    const attack = server()
    attack.hostile.send(GlobalRequest, { requestName: 'no-more-sessions@openssh.com', wantReply: false, details: nothing })
    attack.hostile.send(ChannelOpen, {
      channelType: 'session',
      senderChannel: 0,
      initialWindowSize: 1,
      maximumPacketSize: 1,
      details: nothing,
    })
    attack.run()
    assert.equal(attack.hostile.heardAll(ChannelOpenFailure)[0]?.reasonCode, 1)
    assert.equal(attack.victim.ending, undefined)
  })
  it('gets no reply it did not ask for, and a refusal for what is not known', () => {
    const attack = server()
    attack.hostile.send(GlobalRequest, { requestName: 'nonsense@example.org', wantReply: false, details: Uint8Array.of(1) })
    attack.hostile.send(GlobalRequest, { requestName: 'nonsense@example.org', wantReply: true, details: Uint8Array.of(1) })
    attack.run()
    assert.equal(attack.hostile.heardAll(RequestFailure).length, 1)
  })
  it('is not listened to when it logs in again', () => {
    const attack = server()
    attack.hostile.send(UserauthRequest, { userName: 'root', serviceName: 'ssh-connection', methodName: 'none', details: nothing })
    attack.run()
    assert.equal(attack.victim.ending, undefined)
    assert.deepEqual(
      attack.victim.all('authenticated').map(each => each.user),
      ['ada'],
    )
  })
  it('cannot keep a server in an exchange that never ends', () => {
    const attack = createAttack({ victim: { role: 'server', keepalive: false, deadlines: { rekey: 5000 } } }).login()
    attack.hostile.ignoresExchanges = true
    attack.victim.engine.rekey()
    attack.run().elapse(4000)
    assert.equal(attack.victim.all('ended').length, 0)
    attack.elapse(1000)
    assert.match(attack.victim.ending?.error.message ?? '', /within 5 s/)
  })
  it('cannot make a client’s application throw: a call during an exchange that never ends is taken, until it is too many', () => {
    const attack = createAttack({ victim: { role: 'client', keepalive: false } }).login()
    attack.hostile.ignoresExchanges = true
    attack.victim.engine.rekey()
    for (let i = 0; i < 10_000 && attack.victim.engine.deadline() !== undefined; i++) attack.victim.engine.connection.keepalive(() => {})
    attack.run()
    assert.equal((attack.victim.all('ended')[0]?.error as ProtocolError).violation, 'rekey-too-late')
  })
})

describe('a peer that asks and never reads the answers', () => {
  const mebibyte = 2 ** 20
  /** Sends until its victim takes no more; nothing of the victim's leaves. */
  const flood = (attack: ReturnType<typeof server>, payload: Uint8Array, most: number): number => {
    const { victim, hostile } = attack
    let sent = 0
    for (; sent < most && victim.wantsInput && victim.ending === undefined; sent++) {
      hostile.payload(payload)
      for (let bytes = hostile.takeOutgoing(); bytes !== undefined; bytes = hostile.takeOutgoing())
        victim.receive(bytes, attack.clock.now())
      victim.settle()
    }
    return sent
  }
  const ping = encodeMessage(Ping, { data: new Uint8Array(1000) })

  it('is not listened to any more, and gets all answers once it reads', () => {
    const attack = server()
    const sent = flood(attack, ping, 100_000)
    assert.equal(attack.victim.wantsInput, false)
    assert.ok(attack.victim.engine.pendingOutput < 2 * mebibyte + 2000, String(attack.victim.engine.pendingOutput))
    attack.run()
    assert.equal(attack.hostile.heardAll(Pong).length, sent)
    assert.equal(attack.victim.wantsInput, true)
    assert.equal(attack.victim.ending, undefined)
  })

  it('makes us answer no more than that of what came in one piece, and the rest later', () => {
    const attack = server()
    for (let i = 0; i < 5000; i++) attack.hostile.payload(ping)
    const pieces: Uint8Array[] = []
    for (let bytes = attack.hostile.takeOutgoing(); bytes !== undefined; bytes = attack.hostile.takeOutgoing()) pieces.push(bytes)
    attack.victim.receive(Buffer.concat(pieces), attack.clock.now())
    assert.ok(attack.victim.engine.pendingOutput < 2 * mebibyte + 2000, String(attack.victim.engine.pendingOutput))
    attack.run()
    assert.equal(attack.hostile.heardAll(Pong).length, 5000)
    assert.equal(attack.victim.ending, undefined)
  })

  it('is dead to us after the keepalives, or the time for a login', () => {
    const loggedIn = createAttack({ victim: { role: 'server', keepalive: { milliseconds: 1000, maximumUnanswered: 2 } } }).login()
    flood(loggedIn, ping, 100_000)
    loggedIn.clock.advance(1000)
    for (let i = 0; i < 3; i++, loggedIn.clock.advance(1000)) loggedIn.victim.elapse()
    assert.equal(loggedIn.victim.ending?.reason, 'connection-lost')
    const stranger = createAttack({ victim: { role: 'server', deadlines: { login: 5000 } } }).run()
    flood(stranger, ping, 100_000)
    assert.equal(stranger.victim.wantsInput, false)
    stranger.clock.advance(5000)
    stranger.victim.elapse()
    assert.match(stranger.victim.ending?.error.message ?? '', /did not authenticate within 5 s/)
  })

  it('cannot have more than a mebibyte of pings kept for after a key exchange it does not finish', () => {
    const attack = server()
    attack.hostile.ignoresExchanges = true
    attack.victim.engine.rekey()
    const sent = flood(attack, encodeMessage(Ping, { data: new Uint8Array(200_000) }), 100)
    assert.ok(sent <= 6, String(sent))
    assert.equal((attack.victim.ending?.error as ProtocolError).violation, 'rekey-too-late')
  })
})
