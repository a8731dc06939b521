// Owns the table of attacks: for every way in which a peer can break the protocol, what somebody who does it says, as a
// client and as a server where both can. Knows nothing of how the bytes travel or of what the victim makes of them.
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { zlibOpenssh } from '../../src/algorithms/compression/zlib.ts'
import { curve25519Sha256 } from '../../src/algorithms/kex/curve25519.ts'
import { diffieHellmanGroupExchangeSha256 } from '../../src/algorithms/kex/dh-group-exchange.ts'
import { KexDhGexGroup, KexDhGexInit, KexDhGexRequest, KexEcdhInit, KexEcdhReply } from '../../src/algorithms/kex/messages.ts'
import type { KexMethod } from '../../src/algorithms/rows.ts'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { UserauthFailure, UserauthRequest, UserauthSuccess } from '../../src/auth/messages.ts'
import { hostBoundMethod } from '../../src/auth/methods/publickey.ts'
import {
  ChannelData,
  ChannelEof,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelSuccess,
  ChannelWindowAdjust,
  GlobalRequest,
  RequestSuccess,
} from '../../src/connection/messages.ts'
import type { Violation } from '../../src/errors.ts'
import { parsePublicKeyLine } from '../../src/keys/public.ts'
import type { Signer } from '../../src/keys/signer.ts'
import { type HostileOptions, type HostilePeer, plainPacket } from '../../src/testing/hostile.ts'
import { ExtInfo, Ignore, Ping, ServiceAccept, ServiceRequest } from '../../src/transport/messages.ts'
import { receive, send } from '../../src/wire/dialogue.ts'
import { encodeMessage } from '../../src/wire/message.ts'
import { Writer } from '../../src/wire/writer.ts'

export type Victim = 'client' | 'server'

/** A run of one attack. Each wait ends when what it names has come about on the attacker's side. */
export interface Scene {
  readonly hostile: HostilePeer
  /** The first key exchange is over. */
  exchanged(): Promise<void>
  /** The victim's user is logged in. */
  loggedIn(): Promise<void>
  /** A server as victim took a session, or a client as victim asked for one and got it; its number there is 0. */
  sessionOpen(): Promise<void>
  /** The victim asked for a session and nobody has answered. Only clients do. */
  sessionWanted(): Promise<void>
  /** The victim begins a key exchange. */
  victimRekeys(): Promise<void>
}

/** How a victim differs from the usual one, which lets anybody in and reads what it is sent. */
export interface VictimRules {
  readonly admitsNobody?: boolean
  readonly takesKeys?: boolean
  readonly maximumAttempts?: number
  /** Bytes; and it never gives any of them back. */
  readonly window?: number
  /** `tcpip-forward` is asked and never answered. */
  readonly leavesRequestsOpen?: boolean
}

export interface Scenario {
  readonly hostile?: HostileOptions
  readonly victim?: VictimRules
  /** What the attacker does beyond what its options make it do. */
  act?(scene: Scene): Promise<void> | void
  /** Far more bytes than others, so not to be repeated often or sent one by one. */
  readonly large?: true
}

const nothing = new Uint8Array(0)
const ping = encodeMessage(Ping, { data: nothing })
const times = (count: number, act: () => void): void => {
  for (let i = 0; i < count; i++) act()
}

/** Somebody who only says this, and takes part in nothing. */
const saying = (...parts: readonly (Uint8Array | string)[]): Scenario => ({
  hostile: { mute: true },
  act: ({ hostile }) => parts.forEach(part => hostile.raw(part)),
})
const packet = (...wrong: Parameters<typeof plainPacket>): Scenario => saying('SSH-2.0-hostile\r\n', plainPacket(...wrong))
const shortIgnore = Uint8Array.of(Ignore.number, 0, 0, 0, 0)

const afterExchange = (act: (hostile: HostilePeer) => void): Scenario => ({
  async act(scene) {
    await scene.exchanged()
    act(scene.hostile)
  },
})
const afterLogin = (act: (hostile: HostilePeer) => void, more: Omit<Scenario, 'act'> = {}): Scenario => ({
  ...more,
  async act(scene) {
    await scene.loggedIn()
    act(scene.hostile)
  },
})
const onSession = (act: (hostile: HostilePeer) => void, more: Omit<Scenario, 'act'> = {}): Scenario => ({
  ...more,
  async act(scene) {
    await scene.loggedIn()
    await scene.sessionOpen()
    act(scene.hostile)
  },
})
const onceAsked = (act: (hostile: HostilePeer) => void, more: Omit<Scenario, 'act'> = {}): Scenario => ({
  ...more,
  async act(scene) {
    await scene.exchanged()
    scene.hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })
    act(scene.hostile)
  },
})
const bothSides = (of: (victim: Victim) => Scenario): Readonly<Record<Victim, Scenario>> => ({ client: of('client'), server: of('server') })
const both = (scenario: Scenario): Readonly<Record<Victim, Scenario>> => bothSides(() => scenario)

/** This peer does not compress: what it sends as it stands, its victim inflates. What a server says behind its SUCCESS it hears. */
const compressed = (victim: Victim, payload: Uint8Array): Scenario => {
  const inflate = (hostile: HostilePeer): void => hostile.transport.incoming.startDecompression(zlibOpenssh.createDecompressor())
  return afterLogin(
    hostile => {
      if (victim === 'client') inflate(hostile)
      hostile.payload(payload)
    },
    {
      hostile: {
        algorithms: { compression: 'zlib@openssh.com' },
        hears: (number, peer) => {
          if (victim === 'server' && number === UserauthSuccess.number) inflate(peer)
          return true
        },
      },
    },
  )
}
const kexOnly = (row: KexMethod): Scenario => ({
  hostile: { tables: { ...defaultTables, kexMethods: [row] }, algorithms: { kex: row.name } },
})
const unanswered = (): never => {
  throw new Error('the victim should not have answered')
}

const publicKeyOf = (name: string) => parsePublicKeyLine(readFileSync(new URL(`../vectors/keys/${name}.pub`, import.meta.url), 'utf8'))
/** A host key that is not what it says. */
const falseKey = (publicKey: Signer['publicKey'], algorithm: string): Scenario => ({
  hostile: { hostKeys: [{ publicKey, algorithms: [algorithm], source: 'test', slow: false, sign: () => new Uint8Array(90) }] },
})
const request = (methodName: string, userName = 'ada', details: Uint8Array = nothing) => ({
  userName,
  serviceName: 'ssh-connection',
  methodName,
  details,
})
/** A question about a key, by somebody who means to talk to the server with the host key `hostKey`. */
const queryAt = (hostKey: string): Uint8Array => {
  const writer = new Writer()
  writer.boolean(false)
  writer.text('ssh-ed25519')
  writer.string(publicKeyOf('ed25519').blob)
  writer.string(publicKeyOf(hostKey).blob)
  return writer.written()
}

/** One attack at least for each, and for each side that can be wronged so. */
export const scenarios: Readonly<Record<Exclude<Violation, 'sequence-number-wrapped'>, Readonly<Partial<Record<Victim, Scenario>>>>> = {
  'identification-malformed': { server: saying('GET / HTTP/1.1\r\n'), client: saying('SSH-2.0-\x07\r\n') },
  'identification-too-long': both(saying(`SSH-2.0-${'x'.repeat(300)}`)),
  'identification-version': both(saying('SSH-1.5-old\r\n')),
  'packet-too-short': both(packet(shortIgnore, { length: 4 })),
  'packet-too-long': both(packet(shortIgnore, { length: 0x7fffffff })),
  'packet-misaligned': both(packet(shortIgnore, { length: 13 })),
  'padding-too-short': both(packet(shortIgnore, { padding: 3 })),
  'padding-too-long': both(packet(shortIgnore, { padding: 200 })),
  'payload-empty': both(packet(nothing)),
  'integrity-check-failed': both(
    afterLogin(hostile =>
      hostile.tampered(encodeMessage(Ignore, { data: new Uint8Array(40) }), sealed => {
        sealed[sealed.length - 1] ^= 1
      }),
    ),
  ),
  'decompression-failed': bothSides(victim => compressed(victim, Uint8Array.of(1, 2, 3, 4))),
  'inflated-too-large': bothSides(victim => compressed(victim, new Uint8Array(deflateSync(new Uint8Array(8 * 2 ** 20))))),
  'malformed-message': both(afterLogin(hostile => hostile.payload(Uint8Array.of(ChannelOpen.number, 0, 0, 0, 200, 1)))),
  'message-wrong-role': {
    server: afterLogin(hostile => hostile.send(ServiceAccept, { serviceName: 'ssh-userauth' })),
    client: afterLogin(hostile => hostile.send(ServiceRequest, { serviceName: 'ssh-userauth' })),
  },
  'message-before-its-phase': {
    server: afterExchange(hostile => hostile.send(ChannelData, { recipientChannel: 0, data: nothing })),
    client: {
      hostile: {
        hears: (number, peer) =>
          number !== ServiceRequest.number || (peer.send(ChannelData, { recipientChannel: 0, data: nothing }), false),
      },
    },
  },
  'message-after-its-phase': {
    client: afterLogin(hostile => hostile.send(UserauthFailure, { canContinue: ['password'], partialSuccess: false })),
  },
  'message-during-key-exchange': both(
    afterLogin(hostile => {
      hostile.transport.rekey()
      hostile.payload(ping)
    }),
  ),
  'message-in-strict-key-exchange': both({
    hostile: { hears: (number, peer) => number !== 20 || (peer.send(Ignore, { data: nothing }), true) },
  }),
  'message-unexpected': both(afterLogin(hostile => hostile.payload(Uint8Array.of(30, 0)))),
  'rekey-too-late': both({
    large: true,
    async act(scene) {
      await scene.loggedIn()
      scene.hostile.ignoresExchanges = true
      await scene.victimRekeys()
      times(9000, () => scene.hostile.payload(ping))
    },
  }),
  'no-common-algorithm': both({ hostile: { algorithms: { kex: 'diffie-hellman-group1-sha1' } } }),
  'key-exchange-value-invalid': {
    server: kexOnly({
      ...curve25519Sha256,
      *client() {
        yield* send(KexEcdhInit, { clientPublic: new Uint8Array(32) })
        yield* receive(KexEcdhReply)
        return unanswered()
      },
    }),
    client: kexOnly({
      ...curve25519Sha256,
      *server() {
        yield* receive(KexEcdhInit)
        yield* send(KexEcdhReply, { hostKey: publicKeyOf('ed25519').blob, serverPublic: new Uint8Array(32), signature: new Uint8Array(90) })
        yield* receive(KexEcdhInit)
        return unanswered()
      },
    }),
  },
  'group-out-of-bounds': {
    server: kexOnly({
      ...diffieHellmanGroupExchangeSha256,
      *client() {
        yield* send(KexDhGexRequest, { min: 512, n: 1024, max: 1024 })
        yield* receive(KexDhGexGroup)
        return unanswered()
      },
    }),
    client: kexOnly({
      ...diffieHellmanGroupExchangeSha256,
      *server() {
        yield* receive(KexDhGexRequest)
        yield* send(KexDhGexGroup, { p: new Uint8Array(64).fill(0x7f), g: Uint8Array.of(2) })
        yield* receive(KexDhGexInit)
        return unanswered()
      },
    }),
  },
  'host-key-wrong-type': { client: falseKey(publicKeyOf('ecdsa256'), 'ssh-ed25519') },
  'host-key-malformed': { client: falseKey({ blob: Uint8Array.of(0, 0, 0, 99, 1) } as Signer['publicKey'], 'ssh-ed25519') },
  'host-key-too-weak': { client: falseKey(publicKeyOf('rsa1024'), 'rsa-sha2-512') },
  'host-key-signature-invalid': { client: falseKey(publicKeyOf('ed25519'), 'ssh-ed25519') },
  'service-unknown': { server: afterExchange(hostile => hostile.send(ServiceRequest, { serviceName: 'ssh-connection' })) },
  'too-many-auth-attempts': {
    server: onceAsked(hostile => times(7, () => hostile.send(UserauthRequest, request('publickey'))), { victim: { admitsNobody: true } }),
  },
  'auth-request-limit': {
    server: onceAsked(hostile => times(1025, () => hostile.send(UserauthRequest, request('guess'))), {
      victim: { admitsNobody: true, maximumAttempts: 100_000 },
      large: true,
    }),
  },
  'auth-user-malformed': { server: onceAsked(hostile => hostile.send(UserauthRequest, request('none', 'a\nb'))) },
  'auth-host-key-wrong': {
    server: onceAsked(hostile => hostile.send(UserauthRequest, request(hostBoundMethod, 'ada', queryAt('ecdsa521'))), {
      victim: { takesKeys: true },
    }),
  },
  'channel-unknown': both(afterLogin(hostile => hostile.send(ChannelData, { recipientChannel: 7, data: nothing }))),
  'channel-state': both(
    onSession(hostile => {
      hostile.send(ChannelEof, { recipientChannel: 0 })
      hostile.send(ChannelData, { recipientChannel: 0, data: Uint8Array.of(1) })
    }),
  ),
  'channel-packet-too-large': both(
    onSession(hostile => hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(64 * 1024 + 1) }), { large: true }),
  ),
  'channel-window-exceeded': both(
    onSession(hostile => times(5, () => hostile.send(ChannelData, { recipientChannel: 0, data: new Uint8Array(1000) })), {
      victim: { window: 4999 },
    }),
  ),
  'channel-window-overflow': both(
    onSession(hostile => times(2, () => hostile.send(ChannelWindowAdjust, { recipientChannel: 0, bytesToAdd: 0xfffffff0 }))),
  ),
  'channel-packet-size-too-small': {
    server: afterLogin(hostile =>
      hostile.send(ChannelOpen, {
        channelType: 'session',
        senderChannel: 9,
        initialWindowSize: 1000,
        maximumPacketSize: 0,
        details: nothing,
      }),
    ),
    client: {
      async act(scene) {
        await scene.loggedIn()
        await scene.sessionWanted()
        scene.hostile.send(ChannelOpenConfirmation, {
          recipientChannel: 0,
          senderChannel: 9,
          initialWindowSize: 1000,
          maximumPacketSize: 0,
          details: nothing,
        })
      },
    },
  },
  // A client has asked for a thing or two by then, each of which may be answered once.
  'channel-reply-unexpected': both(onSession(hostile => times(5, () => hostile.send(ChannelSuccess, { recipientChannel: 0 })))),
  'global-reply-unexpected': both(afterLogin(hostile => hostile.send(RequestSuccess, { details: nothing }))),
  'too-many-pending-requests': {
    server: afterLogin(
      hostile =>
        times(257, () =>
          hostile.send(GlobalRequest, {
            requestName: 'tcpip-forward',
            wantReply: true,
            details: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 22),
          }),
        ),
      { victim: { leavesRequestsOpen: true } },
    ),
  },
  'extension-info-malformed': both(
    afterLogin(hostile => {
      const content = new Writer()
      content.uint32(65)
      hostile.send(ExtInfo, { extensions: content.written() })
    }),
  ),
}

/** All of them, one after the other. */
export const attacks: readonly { readonly violation: Violation; readonly victim: Victim; readonly scenario: Scenario }[] = Object.entries(
  scenarios,
).flatMap(([violation, sides]) =>
  Object.entries(sides).map(([victim, scenario]) => ({ violation: violation as Violation, victim: victim as Victim, scenario })),
)

/** The session channel an attacker opens, or agrees to. */
export const hostileChannel = { senderChannel: 9, initialWindowSize: 1000, maximumPacketSize: 1000, details: nothing } as const
