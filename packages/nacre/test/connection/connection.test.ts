// The connection as a whole: opens and who may make them, global requests, limits, fairness of its end.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authAgent } from '../../src/connection/channel-types/auth-agent.ts'
import { directTcpip } from '../../src/connection/channel-types/direct-tcpip.ts'
import type { ChannelTypeRow } from '../../src/connection/channel-types/row.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { noMoreSessions } from '../../src/connection/global-requests/no-more-sessions.ts'
import type { GlobalRequestRow } from '../../src/connection/global-requests/row.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { ChannelData, ChannelOpen, GlobalRequest } from '../../src/connection/messages.ts'
import { shell } from '../../src/connection/requests/shell.ts'
import { isOf } from '../../src/connection/row.ts'
import { ConfigError, SshError } from '../../src/errors.ts'
import { decode, encode, struct, text } from '../../src/wire/codec.ts'
import { Pair, pattern, Side } from './pair.ts'

const tcp = { hostToConnect: 'db', portToConnect: 5432, originatorAddress: '::1', originatorPort: 40000 }

describe('opens of the peer', () => {
  it('are read by the row of their type', () => {
    const pair = new Pair()
    pair.client.connection.open(directTcpip, tcp)
    pair.settle()
    const { details } = pair.server.next('open-request').question
    assert.ok(details.type === 'direct-tcpip')
    assert.equal(details.value.portToConnect, 5432)
  })

  it('keep their bytes when nobody knows the type', () => {
    const side = new Side('server')
    side.hear(ChannelOpen, {
      channelType: 'x@example.com',
      senderChannel: 7,
      initialWindowSize: 1,
      maximumPacketSize: 1,
      details: pattern(5),
    })
    const { question } = side.next('open-request')
    assert.equal(question.channelType, 'x@example.com')
    assert.deepEqual(question.details, { type: 'unknown', name: 'x@example.com', details: pattern(5) })
    question.refuse('unknown-channel-type', 'never heard of it')
    assert.deepEqual(side.said(), ['CHANNEL_OPEN_FAILURE'])
  })

  it('may be answered later, in any order', () => {
    const pair = new Pair()
    const channels = [1, 2, 3].map(() => pair.client.connection.open(session, {}))
    pair.settle()
    const questions = channels.map(() => pair.server.next('open-request').question)
    assert.equal(pair.server.connection.pendingOpens, 3)
    questions[2].accept()
    questions[0].refuse('resource-shortage')
    questions[1].accept()
    pair.settle()
    assert.equal(pair.server.connection.pendingOpens, 0)
    assert.equal(pair.client.next('opened').channel, channels[2])
    assert.equal(pair.client.next('open-failed').channel, channels[0])
    assert.equal(pair.client.next('opened').channel, channels[1])
  })

  it('are answered once', () => {
    const pair = new Pair()
    pair.client.connection.open(session, {})
    pair.client.connection.open(session, {})
    pair.settle()
    const accepted = pair.server.next('open-request').question
    const refused = pair.server.next('open-request').question
    accepted.accept()
    refused.refuse('connect-failed')
    for (const question of [accepted, refused]) {
      assert.throws(() => question.accept(), /an open can be answered once/)
      assert.throws(() => question.refuse('connect-failed'), /an open can be answered once/)
    }
    assert.deepEqual(pair.server.said(), ['CHANNEL_OPEN_CONFIRMATION', 'CHANNEL_OPEN_FAILURE'])
    assert.equal(pair.server.connection.channelCount, 1)
    assert.equal(pair.server.connection.pendingOpens, 0)
  })

  it('of types that only our side opens are refused without asking', () => {
    const pair = new Pair()
    pair.server.connection.open(session, {})
    pair.client.connection.open(authAgent, {})
    pair.settle()
    assert.equal(pair.server.next('open-failed').reason, 'administratively-prohibited')
    assert.equal(pair.client.next('open-failed').reason, 'administratively-prohibited')
    pair.server.quiet()
    pair.client.quiet()
  })

  it('can be of a type of your own', () => {
    const mine = { name: 'chat@example.com', codec: struct({ room: text }) } as const satisfies ChannelTypeRow
    const pair = new Pair({}, { channelTypes: [mine] })
    pair.client.connection.open(mine, { room: 'lobby' })
    pair.settle()
    const { details, channelType } = pair.server.next('open-request').question
    assert.equal(channelType, 'chat@example.com')
    assert.ok(isOf(details, mine))
    assert.equal(details.value.room, 'lobby')
    assert.throws(() => new Side('client', { channelTypes: [mine, mine] }), ConfigError)
  })
})

describe('limits', () => {
  it('refuse a channel too many, whoever asks', () => {
    const pair = new Pair({ limits: { maximumChannels: 3 } }, { limits: { maximumChannels: 2 } })
    const first = pair.channel()
    pair.channel()
    pair.client.connection.open(session, {})
    assert.throws(
      () => pair.client.connection.open(session, {}),
      (error: unknown) => error instanceof SshError && error.code === 'CHANNEL_LIMIT' && error.message.includes('3 channels'),
    )
    pair.settle()
    assert.equal(pair.client.next('open-failed').reason, 'resource-shortage')
    pair.server.quiet()
    first.ours.close()
    pair.settle()
    pair.server.next('closed')
    pair.client.next('closed')
    pair.channel()
  })

  it('count opens that nobody has answered', () => {
    const pair = new Pair({}, { limits: { maximumPendingOpens: 2 } })
    for (let i = 0; i < 3; i++) pair.client.connection.open(session, {})
    pair.settle()
    assert.equal(pair.client.next('open-failed').reason, 'resource-shortage')
    pair.server.next('open-request').question.accept()
    pair.client.connection.open(session, {})
    pair.settle()
    assert.equal(pair.server.events.length, 2)

    const small = new Pair({}, { limits: { maximumChannels: 1 } })
    small.client.connection.open(session, {})
    small.client.connection.open(session, {})
    small.settle()
    assert.equal(small.client.next('open-failed').reason, 'resource-shortage')
    small.server.next('open-request').question.accept()
    assert.equal(small.server.connection.channelCount, 1)
  })
})

describe('no-more-sessions@openssh.com', () => {
  it('makes the server refuse sessions, and nothing else', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    const replies: boolean[] = []
    pair.client.connection.globalRequest(noMoreSessions, {}, ok => replies.push(ok))
    pair.settle()
    assert.deepEqual(replies, [true])
    pair.client.connection.open(session, {})
    pair.client.connection.open(directTcpip, tcp)
    pair.settle()
    assert.equal(pair.client.next('open-failed').reason, 'administratively-prohibited')
    assert.equal(pair.server.next('open-request').question.channelType, 'direct-tcpip')
    ours.request(shell, {})
    pair.settle()
    pair.server.next('channel-request')
  })

  it('is not for a server to say', () => {
    const pair = new Pair()
    const replies: boolean[] = []
    pair.server.connection.globalRequest(noMoreSessions, {}, ok => replies.push(ok))
    pair.settle()
    assert.deepEqual(replies, [false])
    pair.client.quiet()
    pair.channel()
  })
})

describe('global requests', () => {
  it('are answered with details', () => {
    const pair = new Pair()
    const replies: unknown[] = []
    pair.client.connection.globalRequest(tcpipForward, { addressToBind: '', portNumberToBind: 0 }, (ok, details) =>
      replies.push(ok, decode(tcpipForward.reply, details)),
    )
    pair.settle()
    const { question } = pair.server.next('global-request')
    assert.ok(question.request.type === 'tcpip-forward')
    assert.equal(question.request.value.portNumberToBind, 0)
    question.succeed(encode(tcpipForward.reply, { allocatedPort: 4022 }))
    pair.settle()
    assert.deepEqual(replies, [true, { allocatedPort: 4022 }])
    assert.throws(() => question.fail(), TypeError)
  })

  it('are answered in order, whatever the order of the answers', () => {
    const pair = new Pair()
    const replies: (readonly [number, boolean])[] = []
    for (let port = 1; port <= 3; port++) {
      pair.client.connection.globalRequest(tcpipForward, { addressToBind: '', portNumberToBind: port }, ok => replies.push([port, ok]))
    }
    pair.settle()
    const [a, b, c] = [1, 2, 3].map(() => pair.server.next('global-request').question)
    c.succeed()
    b.fail()
    pair.settle()
    assert.deepEqual(replies, [])
    a.succeed()
    pair.settle()
    assert.deepEqual(replies, [
      [1, true],
      [2, false],
      [3, true],
    ])
  })

  it('that nobody knows keep their bytes, and are refused by whoever is asked', () => {
    const side = new Side('client')
    side.hear(GlobalRequest, { requestName: 'x@example.com', wantReply: true, details: pattern(4) })
    const { question } = side.next('global-request')
    assert.deepEqual(question.request, { type: 'unknown', name: 'x@example.com', details: pattern(4) })
    question.fail()
    assert.deepEqual(side.said(), ['REQUEST_FAILURE'])
  })

  it('are not answered when nobody waits', () => {
    const side = new Side('client')
    side.hear(GlobalRequest, { requestName: 'x@example.com', wantReply: false, details: pattern(4) })
    side.next('global-request').question.succeed(pattern(3))
    assert.deepEqual(side.said(), [])
  })

  it('can be of your own', () => {
    const mine = {
      name: 'time@example.com',
      codec: struct({ zone: text }),
      reply: struct({ now: text }),
    } as const satisfies GlobalRequestRow
    const pair = new Pair({}, { globalRequests: [mine] })
    pair.client.connection.globalRequest(mine, { zone: 'UTC' })
    pair.settle()
    const { request } = pair.server.next('global-request').question
    assert.ok(isOf(request, mine))
    assert.equal(request.value.zone, 'UTC')
  })

  it('keepalive takes any answer for a sign of life', () => {
    const pair = new Pair()
    const answers: (Error | undefined)[] = []
    pair.client.connection.keepalive(error => answers.push(error))
    pair.client.connection.keepalive(error => answers.push(error))
    pair.settle()
    pair.server.next('global-request').question.fail()
    pair.server.next('global-request').question.succeed()
    pair.settle()
    assert.deepEqual(answers.splice(0), [undefined, undefined])
    const end = new Error('the end')
    pair.client.connection.keepalive(error => answers.push(error))
    pair.client.connection.end(end)
    assert.equal(answers[0], end)
  })
})

describe('the end', () => {
  it('closes every channel, settles everything, and is final', () => {
    const pair = new Pair()
    const { theirs } = pair.channel()
    const opening = pair.server.connection.open(authAgent, {})
    pair.client.connection.open(session, {})
    pair.settle()
    const { question } = pair.server.next('open-request')
    const told: unknown[] = []
    theirs.request(shell, {}, (ok, error) => told.push(ok, error))
    pair.server.connection.globalRequest(noMoreSessions, {}, (ok, _details, error) => told.push(ok, error))
    const end = new Error('the end')
    pair.server.connection.end(end)
    const closed = pair.server.next('closed')
    assert.deepEqual([closed.channel, closed.error], [theirs, end])
    const failed = pair.server.next('open-failed')
    assert.deepEqual([failed.channel, failed.error], [opening, end])
    assert.deepEqual(told, [false, end, false, end])
    pair.server.said()

    pair.server.connection.end(new Error('again'))
    assert.throws(() => question.accept(), end)
    assert.throws(() => question.accept(), TypeError)
    assert.throws(() => pair.server.connection.open(session, {}), end)
    assert.throws(() => pair.server.connection.globalRequest(noMoreSessions, {}), end)
    pair.server.hear(ChannelData, { recipientChannel: 0, data: pattern(3) })
    pair.server.open()
    assert.equal(theirs.write(pattern(3)), 0)
    theirs.consume(0)
    theirs.eof()
    theirs.close()
    pair.server.quiet()
    assert.deepEqual(pair.server.said(), [])
    assert.equal(pair.server.connection.channelCount, 0)
  })

  it('makes late answers harmless', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    ours.request(shell, {}, () => {})
    pair.client.connection.keepalive()
    pair.client.connection.open(session, {})
    pair.settle()
    const request = pair.server.next('channel-request').question
    const global = pair.server.next('global-request').question
    const open = pair.server.next('open-request').question
    pair.server.connection.end(new Error('the end'))
    request.succeed()
    global.succeed()
    open.refuse('connect-failed')
    assert.deepEqual(pair.server.said(), [])
  })
})
