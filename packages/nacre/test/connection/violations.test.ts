// A hostile peer: every rule of this layer broken, one a line, and the violation each is.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { session } from '../../src/connection/channel-types/session.ts'
import {
  ChannelClose,
  ChannelData,
  ChannelEof,
  ChannelExtendedData,
  ChannelFailure,
  ChannelOpen,
  ChannelOpenConfirmation,
  ChannelOpenFailure,
  ChannelRequest,
  ChannelSuccess,
  ChannelWindowAdjust,
  GlobalRequest,
  RequestFailure,
  RequestSuccess,
} from '../../src/connection/messages.ts'
import { ptyReq } from '../../src/connection/requests/pty-req.ts'
import { type Violation, WireError } from '../../src/errors.ts'
import { encode } from '../../src/wire/codec.ts'
import type { Message } from '../../src/wire/message.ts'
import { Pair, pattern, Side, violates } from './pair.ts'

const nothing = new Uint8Array(0)
const confirmation = { recipientChannel: 0, senderChannel: 0, initialWindowSize: 100, maximumPacketSize: 100, details: nothing }
const failure = { recipientChannel: 0, reasonCode: 1, description: '', languageTag: '' }
const request = { recipientChannel: 0, requestType: 'x@example.com', wantReply: true, details: nothing }

/** One of each message that names a channel, for channel 0. */
const aboutChannel0: readonly (readonly [Message, object])[] = [
  [ChannelOpenConfirmation, confirmation],
  [ChannelOpenFailure, failure],
  [ChannelWindowAdjust, { recipientChannel: 0, bytesToAdd: 1 }],
  [ChannelData, { recipientChannel: 0, data: pattern(1) }],
  [ChannelExtendedData, { recipientChannel: 0, dataTypeCode: 1, data: pattern(1) }],
  [ChannelEof, { recipientChannel: 0 }],
  [ChannelClose, { recipientChannel: 0 }],
  [ChannelRequest, request],
  [ChannelSuccess, { recipientChannel: 0 }],
  [ChannelFailure, { recipientChannel: 0 }],
]

describe('channel-unknown', () => {
  for (const [message, value] of aboutChannel0) {
    it(`${message.name} for a channel that never was`, () => {
      for (const recipientChannel of [0, 1, 0xffffffff]) {
        const error = violates('channel-unknown', () => new Side('server').hear(message, { ...value, recipientChannel }))
        assert.equal(error.messageName, message.name)
      }
    })
    it(`${message.name} for a channel that is closed`, () => {
      const pair = new Pair()
      pair.channel().ours.close()
      pair.settle()
      violates('channel-unknown', () => pair.client.hear(message, value))
    })
  }

  it('and the array of channels has no other names', () => {
    violates('channel-unknown', () => new Pair().client.hear(ChannelEof, { recipientChannel: 2 ** 31 }))
  })
})

describe('channel-state', () => {
  for (const [message, value] of aboutChannel0) {
    if (message === ChannelOpenConfirmation || message === ChannelOpenFailure) continue
    it(`${message.name} before the channel is open`, () => {
      const side = new Side('client')
      side.connection.open(session, {})
      violates('channel-state', () => side.hear(message, value))
    })
  }
  for (const [message, value] of [
    [ChannelOpenConfirmation, confirmation],
    [ChannelOpenFailure, failure],
  ] as const) {
    it(`${message.name} for a channel that is open, asked for by us or by the peer`, () => {
      const pair = new Pair()
      pair.channel()
      violates('channel-state', () => pair.client.hear<object>(message, value))
      violates('channel-state', () => pair.server.hear<object>(message, value))
    })
  }
  for (const [message, value] of [
    [ChannelData, { recipientChannel: 0, data: pattern(1) }],
    [ChannelData, { recipientChannel: 0, data: nothing }],
    [ChannelExtendedData, { recipientChannel: 0, dataTypeCode: 1, data: pattern(1) }],
  ] as const) {
    it(`${message.name} after eof, also when we have closed`, () => {
      for (const weClosed of [false, true]) {
        const pair = new Pair()
        const { theirs } = pair.channel()
        if (weClosed) theirs.close()
        pair.server.hear(ChannelEof, { recipientChannel: 0 })
        violates('channel-state', () => pair.server.hear<object>(message, value))
      }
    })
  }
})

describe('windows and sizes', () => {
  const limits = { initialWindow: 1000, maximumPacket: 400 }
  const data = (count: number): object => ({ recipientChannel: 0, dataTypeCode: 1, data: pattern(count) })

  for (const message of [ChannelData, ChannelExtendedData] as readonly Message[]) {
    it(`channel-window-exceeded: ${message.name} past the window`, () => {
      const pair = new Pair({}, { limits })
      pair.channel()
      pair.server.hear(message, data(400))
      pair.server.hear(message, data(400))
      violates('channel-window-exceeded', () => pair.server.hear(message, data(201)))
    })
    it(`channel-window-exceeded: ${message.name} past the window after our close`, () => {
      const pair = new Pair({}, { limits })
      pair.channel().theirs.close()
      for (const count of [400, 400, 200]) pair.server.hear(message, data(count))
      violates('channel-window-exceeded', () => pair.server.hear(message, data(1)))
    })
    it(`channel-packet-too-large: ${message.name} with more than we take`, () => {
      const pair = new Pair({}, { limits })
      pair.channel()
      violates('channel-packet-too-large', () => pair.server.hear(message, data(401)))
    })
  }

  it('channel-window-exceeded: consumed bytes do not count before they are given back', () => {
    const pair = new Pair({}, { limits })
    const { theirs } = pair.channel()
    pair.server.hear(ChannelData, { recipientChannel: 0, data: pattern(400) })
    theirs.consume(400)
    assert.deepEqual(pair.server.said(), [])
    pair.server.hear(ChannelData, { recipientChannel: 0, data: pattern(400) })
    violates('channel-window-exceeded', () => pair.server.hear(ChannelData, { recipientChannel: 0, data: pattern(201) }))
  })

  it('channel-window-overflow: adjusts past 2^32 - 1', () => {
    const pair = new Pair({}, { limits })
    const { ours } = pair.channel()
    pair.client.hear(ChannelWindowAdjust, { recipientChannel: 0, bytesToAdd: 0xffffffff - 1000 })
    assert.equal(ours.sendWindow, 0xffffffff)
    violates('channel-window-overflow', () => pair.client.hear(ChannelWindowAdjust, { recipientChannel: 0, bytesToAdd: 1 }))
  })

  it('channel-packet-size-too-small: a channel that takes no data', () => {
    const open = { channelType: 'session', senderChannel: 0, initialWindowSize: 0, maximumPacketSize: 0, details: nothing }
    violates('channel-packet-size-too-small', () => new Side('server').hear(ChannelOpen, open))
    const client = new Side('client')
    client.connection.open(session, {})
    violates('channel-packet-size-too-small', () => client.hear(ChannelOpenConfirmation, { ...confirmation, maximumPacketSize: 0 }))
  })

  it('but a channel may take one byte at a time', () => {
    const client = new Side('client')
    const channel = client.connection.open(session, {})
    client.hear(ChannelOpenConfirmation, { ...confirmation, maximumPacketSize: 1 })
    client.said()
    assert.equal(channel.write(pattern(3)), 3)
    assert.deepEqual(client.said(), ['CHANNEL_DATA', 'CHANNEL_DATA', 'CHANNEL_DATA'])
  })
})

describe('replies and requests', () => {
  it('channel-reply-unexpected: a reply nobody asked for', () => {
    for (const message of [ChannelSuccess, ChannelFailure] as readonly Message[]) {
      const pair = new Pair()
      const { ours } = pair.channel()
      violates('channel-reply-unexpected', () => pair.client.hear(message, { recipientChannel: 0 }))
      ours.request(ptyReq, { term: '', columns: 0, rows: 0, widthPixels: 0, heightPixels: 0, modes: {} })
      violates('channel-reply-unexpected', () => pair.client.hear(message, { recipientChannel: 0 }))
    }
  })

  it('global-reply-unexpected: a reply nobody asked for', () => {
    for (const [message, value] of [
      [RequestSuccess, { details: nothing }],
      [RequestFailure, {}],
    ] as readonly (readonly [Message, object])[]) {
      const side = new Side('client')
      violates('global-reply-unexpected', () => side.hear(message, value))
      side.connection.keepalive()
      side.hear(message, value)
      violates('global-reply-unexpected', () => side.hear(message, value))
    }
  })

  it('too-many-pending-requests: on a channel', () => {
    const pair = new Pair({}, { limits: { maximumPendingRequests: 3 } })
    pair.channel()
    for (let i = 0; i < 3; i++) pair.server.hear(ChannelRequest, request)
    pair.server.hear(ChannelRequest, { ...request, wantReply: false })
    violates('too-many-pending-requests', () => pair.server.hear(ChannelRequest, request))
  })

  it('too-many-pending-requests: global', () => {
    const side = new Side('server', { limits: { maximumPendingRequests: 3 } })
    const global = { requestName: 'x@example.com', wantReply: true, details: nothing }
    for (let i = 0; i < 3; i++) side.hear(GlobalRequest, global)
    side.hear(GlobalRequest, { ...global, wantReply: false })
    violates('too-many-pending-requests', () => side.hear(GlobalRequest, global))
  })
})

describe('malformed details', () => {
  const malformed: readonly (readonly [string, string, Uint8Array])[] = [
    ['a request cut short', 'exec', Uint8Array.of(0, 0, 0, 9, 65)],
    ['a request with more than it has', 'shell', Uint8Array.of(0)],
    ['a request with text that is none', 'exec', Uint8Array.of(0, 0, 0, 2, 0xc3, 0x28)],
    [
      'a terminal mode without its value',
      'pty-req',
      encode(ptyReq.codec, { term: 'x', columns: 1, rows: 1, widthPixels: 0, heightPixels: 0, modes: { ECHO: 1 } })
        .slice(0, -3)
        .with(24, 3),
    ],
  ]
  for (const [what, requestType, details] of malformed) {
    it(`${what} is a WireError, which the engine makes a violation`, () => {
      const pair = new Pair()
      pair.channel()
      assert.throws(() => pair.server.hear(ChannelRequest, { recipientChannel: 0, requestType, wantReply: true, details }), WireError)
    })
  }

  it('so are those of opens and global requests', () => {
    const side = new Side('server')
    const open = { senderChannel: 0, initialWindowSize: 0, maximumPacketSize: 1, details: pattern(3) }
    assert.throws(() => side.hear(ChannelOpen, { channelType: 'direct-tcpip', ...open }), WireError)
    assert.throws(() => side.hear(GlobalRequest, { requestName: 'tcpip-forward', wantReply: true, details: pattern(3) }), WireError)
    assert.equal(side.connection.pendingOpens, 0)
  })

  it('so is extended data of type 0', () => {
    const pair = new Pair()
    pair.channel()
    assert.throws(() => pair.server.hear(ChannelExtendedData, { recipientChannel: 0, dataTypeCode: 0, data: pattern(1) }), WireError)
  })
})

describe('messages of no known number', () => {
  it('are a fault of whoever handed them in', () => {
    const pair = new Pair()
    pair.channel()
    const stranger = { ...ChannelEof, name: 'SSH_MSG_STRANGE', number: 101 } as Message
    const expected: Violation = 'message-unexpected'
    violates(expected, () => pair.server.connection.receive(stranger, { recipientChannel: 0 }, false))
  })
})
