// Every way in which a peer can break the protocol: one scenario each, however the bytes are cut. The engine under attack
// ends with that violation, says goodbye with the reason that belongs to it, and throws nothing at whoever drives it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { deflateSync } from 'node:zlib'
import { zlibOpenssh } from '../../src/algorithms/compression/zlib.ts'
import { curve25519Sha256 } from '../../src/algorithms/kex/curve25519.ts'
import { diffieHellmanGroupExchangeSha256 } from '../../src/algorithms/kex/dh-group-exchange.ts'
import { KexDhGexGroup, KexDhGexRequest, KexEcdhInit, KexEcdhReply } from '../../src/algorithms/kex/messages.ts'
import type { KexMethod } from '../../src/algorithms/rows.ts'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { UserauthFailure, UserauthRequest } from '../../src/auth/messages.ts'
import {
  ChannelData,
  ChannelEof,
  ChannelOpen,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
  RequestSuccess,
} from '../../src/connection/messages.ts'
import { disconnectReasons, ProtocolError, type Violation, violations } from '../../src/errors.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { type Attack, type AttackOptions, createAttack, type HostileOptions, HostilePeer, plainPacket } from '../../src/testing/hostile.ts'
import type { PairClientOptions, PairServerOptions } from '../../src/testing/pair.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { ExtInfo, Ignore, Ping, ServiceAccept, ServiceRequest } from '../../src/transport/messages.ts'
import { receive, send } from '../../src/wire/dialogue.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { Writer } from '../../src/wire/writer.ts'

const nothing = new Uint8Array(0)
type Cut = Pick<AttackOptions, 'chunk' | 'seed'>

const onServer = (cut: Cut, hostile: HostileOptions = {}, victim: Omit<PairServerOptions, 'role'> = {}): Attack =>
  createAttack({ ...cut, victim: { role: 'server', ...victim }, hostile })
const onClient = (cut: Cut, hostile: HostileOptions = {}, victim: Omit<PairClientOptions, 'role'> = {}): Attack =>
  createAttack({ ...cut, victim: { role: 'client', ...victim }, hostile })

/** Somebody who only says these bytes to a server. */
const saying = (cut: Cut, bytes: Uint8Array | string): Attack => {
  const attack = onServer(cut, { mute: true })
  attack.hostile.raw(bytes)
  return attack.run()
}
const afterIdentification = (cut: Cut, packet: Uint8Array): Attack => {
  const attack = onServer(cut, { mute: true })
  attack.hostile.raw('SSH-2.0-hostile\r\n')
  attack.hostile.raw(packet)
  return attack.run()
}
const loggedIn = (cut: Cut, act: (attack: Attack) => void, victim?: PairServerOptions, hostile?: HostileOptions): Attack => {
  const attack = onServer(cut, hostile, victim).login()
  act(attack)
  return attack.run()
}
const opened = (cut: Cut, act: (attack: Attack) => void, victim?: PairServerOptions): Attack =>
  loggedIn(
    cut,
    attack => {
      attack.hostile.send(ChannelOpen, {
        channelType: 'session',
        senderChannel: 9,
        initialWindowSize: 1000,
        maximumPacketSize: 1000,
        details: nothing,
      })
      attack.run()
      act(attack)
    },
    victim,
  )
/** This peer does not compress: what it sends as it stands, its victim inflates. */
const compressed = (cut: Cut, payload: Uint8Array): Attack =>
  loggedIn(
    cut,
    ({ hostile }) => {
      hostile.transport.incoming.startDecompression(zlibOpenssh.createDecompressor())
      hostile.payload(payload)
    },
    {},
    { algorithms: { compression: 'zlib@openssh.com' } },
  )
const kexOnly = (row: KexMethod): HostileOptions => ({ tables: { ...defaultTables, kexMethods: [row] }, algorithms: { kex: row.name } })

const publicKeyOf = (name: string) => parsePublicKeyLine(readFileSync(new URL(`../vectors/keys/${name}.pub`, import.meta.url), 'utf8'))
/** A host key that is not what it says. */
const falseSigner = (publicKey: Signer['publicKey'], algorithm: string): Signer => ({
  publicKey,
  algorithms: [algorithm],
  source: 'test',
  slow: false,
  sign: () => new Uint8Array(90),
})
const request = (methodName: string, userName = 'ada') => ({ userName, serviceName: 'ssh-connection', methodName, details: nothing })
const times = (count: number, act: () => void): void => {
  for (let i = 0; i < count; i++) act()
}

const scenarios: Readonly<Record<Exclude<Violation, 'sequence-number-wrapped'>, (cut: Cut) => Attack>> = {
  'identification-malformed': cut => saying(cut, 'GET / HTTP/1.1\r\n'),
  'identification-too-long': cut => saying(cut, `SSH-2.0-${'x'.repeat(300)}`),
  'identification-version': cut => saying(cut, 'SSH-1.5-old\r\n'),
  'packet-too-short': cut => afterIdentification(cut, plainPacket(Uint8Array.of(2, 0, 0, 0, 0), { length: 4 })),
  'packet-too-long': cut => afterIdentification(cut, plainPacket(Uint8Array.of(2, 0, 0, 0, 0), { length: 0x7fffffff })),
  'packet-misaligned': cut => afterIdentification(cut, plainPacket(Uint8Array.of(2, 0, 0, 0, 0), { length: 13 })),
  'padding-too-short': cut => afterIdentification(cut, plainPacket(Uint8Array.of(2, 0, 0, 0, 0), { padding: 3 })),
  'padding-too-long': cut => afterIdentification(cut, plainPacket(Uint8Array.of(2, 0, 0, 0, 0), { padding: 200 })),
  'payload-empty': cut => afterIdentification(cut, plainPacket(nothing)),
  'integrity-check-failed': cut =>
    loggedIn(cut, ({ hostile }) =>
      hostile.tampered(encodeMessage(Ignore, { data: new Uint8Array(40) }), sealed => {
        sealed[sealed.length - 1] ^= 1
      }),
    ),
  'decompression-failed': cut => compressed(cut, Uint8Array.of(1, 2, 3, 4)),
  'inflated-too-large': cut => compressed(cut, new Uint8Array(deflateSync(new Uint8Array(8 * 2 ** 20)))),
  'malformed-message': cut => loggedIn(cut, ({ hostile }) => hostile.payload(Uint8Array.of(ChannelOpen.number, 0, 0, 0, 200, 1))),
  'message-wrong-role': cut => loggedIn(cut, ({ hostile }) => hostile.send(ServiceAccept, { serviceName: 'ssh-userauth' })),
  'message-before-its-phase': cut => {
    const attack = onServer(cut).run()
    attack.hostile.send(ChannelData, { recipientChannel: 0, data: nothing })
    return attack.run()
  },
  'message-after-its-phase': cut => {
    const attack = onClient(cut).login()
    attack.hostile.send(UserauthFailure, { canContinue: ['password'], partialSuccess: false })
    return attack.run()
  },
  'message-during-key-exchange': cut =>
    loggedIn(cut, ({ hostile }) => {
      hostile.transport.rekey()
      hostile.send(Ping, { data: nothing })
    }),
  'message-in-strict-key-exchange': cut =>
    onServer(cut, { hears: (number, peer) => number !== 20 || (peer.send(Ignore, { data: nothing }), true) }).run(),
  'message-unexpected': cut => loggedIn(cut, ({ hostile }) => hostile.payload(Uint8Array.of(30, 0))),
  'rekey-too-late': cut =>
    loggedIn(cut, ({ hostile, victim }) => {
      hostile.ignoresExchanges = true
      victim.engine.rekey()
      times(9000, () => hostile.send(Ping, { data: nothing }))
    }),
  'no-common-algorithm': cut => onServer(cut, { algorithms: { kex: 'diffie-hellman-group1-sha1' } }).run(),
  'key-exchange-value-invalid': cut =>
    onServer(
      cut,
      kexOnly({
        ...curve25519Sha256,
        *client() {
          yield* send(KexEcdhInit, { clientPublic: new Uint8Array(32) })
          yield* receive(KexEcdhReply)
          throw new Error('the server should not have answered')
        },
      }),
    ).run(),
  'group-out-of-bounds': cut =>
    onServer(
      cut,
      kexOnly({
        ...diffieHellmanGroupExchangeSha256,
        *client() {
          yield* send(KexDhGexRequest, { min: 512, n: 1024, max: 1024 })
          yield* receive(KexDhGexGroup)
          throw new Error('the server should not have answered')
        },
      }),
    ).run(),
  'host-key-wrong-type': cut => onClient(cut, { hostKeys: [falseSigner(publicKeyOf('ecdsa256'), 'ssh-ed25519')] }).run(),
  'host-key-malformed': cut =>
    onClient(cut, { hostKeys: [falseSigner({ blob: Uint8Array.of(0, 0, 0, 99, 1) } as Signer['publicKey'], 'ssh-ed25519')] }).run(),
  'host-key-too-weak': cut => onClient(cut, { hostKeys: [falseSigner(publicKeyOf('rsa1024'), 'rsa-sha2-512')] }).run(),
  'host-key-signature-invalid': cut => onClient(cut, { hostKeys: [falseSigner(publicKeyOf('ed25519'), 'ssh-ed25519')] }).run(),
  'service-unknown': cut => {
    const attack = onServer(cut).run()
    attack.hostile.send(ServiceRequest, { serviceName: 'ssh-connection' })
    return attack.run()
  },
  'too-many-auth-attempts': cut => {
    const attack = onServer(cut, {}, { attempt: () => ({ is: 'refuse', remaining: ['password'] }) }).run()
    attack.hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })
    times(7, () => attack.hostile.send(UserauthRequest, request('publickey')))
    return attack.run()
  },
  'auth-request-limit': cut => {
    const attack = onServer(cut, {}, { maximumAttempts: 100_000 }).run()
    attack.hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })
    times(1025, () => attack.hostile.send(UserauthRequest, request('password')))
    return attack.run()
  },
  'auth-user-malformed': cut => {
    const attack = onServer(cut).run()
    attack.hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })
    attack.hostile.send(UserauthRequest, request('none', 'a\nb'))
    return attack.run()
  },
  'channel-unknown': cut => loggedIn(cut, ({ hostile }) => hostile.send(ChannelData, { recipientChannel: 7, data: nothing })),
  'channel-state': cut =>
    opened(cut, ({ hostile }) => {
      hostile.send(ChannelEof, { recipientChannel: 0 })
      hostile.send(ChannelData, { recipientChannel: 0, data: Uint8Array.of(1) })
    }),
  'channel-packet-too-large': cut =>
    opened(cut, ({ hostile }) => hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(64 * 1024 + 1) })),
  'channel-window-exceeded': cut =>
    opened(cut, ({ hostile }) => times(5, () => hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(1000) })), {
      consume: false,
      limits: { initialWindow: 4999 },
    }),
  'channel-window-overflow': cut =>
    opened(cut, ({ hostile }) => times(2, () => hostile.send(ChannelWindowAdjust, { recipientChannel: 0, bytesToAdd: 0xfffffff0 }))),
  'channel-packet-size-too-small': cut =>
    loggedIn(cut, ({ hostile }) =>
      hostile.send(ChannelOpen, {
        channelType: 'session',
        senderChannel: 9,
        initialWindowSize: 1000,
        maximumPacketSize: 0,
        details: nothing,
      }),
    ),
  'channel-reply-unexpected': cut => opened(cut, ({ hostile }) => hostile.send(ChannelSuccess, { recipientChannel: 0 })),
  'global-reply-unexpected': cut => loggedIn(cut, ({ hostile }) => hostile.send(RequestSuccess, { details: nothing })),
  'too-many-pending-requests': cut =>
    opened(
      cut,
      ({ hostile }) =>
        times(257, () => hostile.send(ChannelRequest, { recipientChannel: 0, requestType: 'shell', wantReply: true, details: nothing })),
      {
        channelRequested: () => {},
      },
    ),
  'extension-info-malformed': cut =>
    loggedIn(cut, ({ hostile }) => {
      const content = new Writer()
      content.uint32(65)
      hostile.send(ExtInfo, { extensions: content.written() })
    }),
}

const cuts: readonly Cut[] = [{ chunk: 'whole' }, { chunk: 'bytes' }, { chunk: 'random', seed: 1 }, { chunk: 'random', seed: 2 }]
/** Megabytes one by one would only take long. */
const cutsOf = (violation: string): readonly Cut[] =>
  ['channel-packet-too-large', 'rekey-too-late', 'auth-request-limit'].includes(violation)
    ? cuts.filter(cut => cut.chunk !== 'bytes')
    : cuts

describe('a peer that breaks a rule', () => {
  for (const [violation, attackWith] of Object.entries(scenarios)) {
    it(violation, () => {
      for (const cut of cutsOf(violation)) {
        const where = `chunks ${cut.chunk}, seed ${cut.seed ?? 1}`
        const { victim, hostile } = attackWith(cut)
        const { ending } = victim
        assert.ok(ending !== undefined, `the connection goes on (${where})`)
        assert.ok(ending.error instanceof ProtocolError, `${ending.error.name}: ${ending.error.message} (${where})`)
        assert.equal(ending.error.violation, violation, where)
        assert.equal(ending.by, 'us', where)
        assert.equal(ending.reason, violations[ending.error.violation], where)
        assert.equal(hostile.goodbye?.reasonCode, disconnectReasons[violations[ending.error.violation]], where)
        assert.equal(victim.engine.ended, true, where)
        assert.equal(victim.events.at(-1)?.is, 'ended', where)
        assert.equal(victim.engine.deadline(), undefined, where)
      }
    })
  }

  it('sequence-number-wrapped', () => {
    // It takes 2^32 packets to get there, so the count begins near its end.
    for (const way of ['outgoing', 'incoming'] as const) {
      const { transport } = new HostilePeer('server', {}, seededRandom(1))
      transport[way].sequence = 0xffffffff
      const wrapped = (error: unknown): boolean => error instanceof ProtocolError && error.violation === 'sequence-number-wrapped'
      assert.throws(() => {
        transport.start()
        transport.feed(Uint8Array.from('SSH-2.0-hostile\r\n', character => character.charCodeAt(0)))
        const packet = plainPacket(Uint8Array.of(2, 0, 0, 0, 0))
        transport.feed(packet)
        transport.incoming.next()
        transport.receiveExchangeMessage(Uint8Array.of(20))
      }, wrapped)
    }
  })

  it('is dealt with in every way that the errors list', () => {
    assert.deepEqual([...Object.keys(scenarios), 'sequence-number-wrapped'].sort(), Object.keys(violations).sort())
  })
})
