// The life of a channel: opening, the two halves, closing from either side, and its number's next use.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { authAgent } from '../../src/connection/channel-types/auth-agent.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { ChannelClose, ChannelData, ChannelEof, ChannelOpenConfirmation, ChannelOpenFailure } from '../../src/connection/messages.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { shell } from '../../src/connection/requests/shell.ts'
import { RequestRefusedError } from '../../src/errors.ts'
import { Pair, pattern, Side } from './pair.ts'

describe('opening', () => {
  it('is usable once the peer has agreed', () => {
    const pair = new Pair()
    const channel = pair.client.connection.open(session, {})
    assert.equal(channel.phase, 'opening')
    for (const early of [() => channel.write(pattern(1)), () => channel.eof(), () => channel.request(shell, {})])
      assert.throws(early, TypeError)
    pair.settle()
    const { question } = pair.server.next('open-request')
    assert.equal(question.channelType, 'session')
    assert.deepEqual(question.details, { type: 'session', name: 'session', value: {} })
    const theirs = question.accept(pattern(3))
    assert.equal(theirs.channelType, 'session')
    pair.settle()
    const opened = pair.client.next('opened')
    assert.equal(opened.channel, channel)
    assert.deepEqual(opened.details, pattern(3))
    assert.equal(channel.phase, 'open')
    assert.equal(channel.write(pattern(5)), 5)
  })

  it('may carry data before the opener knows that it is open', () => {
    const pair = new Pair()
    const channel = pair.client.connection.open(session, {})
    pair.settle()
    const theirs = pair.server.next('open-request').question.accept(pattern(3))
    theirs.write(pattern(5))
    pair.settle()
    const opened = pair.client.next('opened')
    assert.equal(opened.channel, channel)
    assert.deepEqual(opened.details, pattern(3), 'details outlive the message they came in')
    assert.deepEqual(pair.client.next('data').bytes, pattern(5))
  })

  it('tells why it was refused', () => {
    const pair = new Pair()
    const channel = pair.client.connection.open(session, {})
    pair.settle()
    pair.server.next('open-request').question.refuse('connect-failed', 'nobody home')
    pair.settle()
    const failed = pair.client.next('open-failed')
    assert.deepEqual(
      [failed.channel, failed.reason, failed.description, failed.error],
      [channel, 'connect-failed', 'nobody home', undefined],
    )
    assert.equal(channel.phase, 'gone')
    assert.equal(pair.client.connection.channelCount, 0)
    assert.equal(channel.write(pattern(1)), 0)
    channel.eof()
    channel.close()
    assert.deepEqual(pair.client.said(), ['CHANNEL_OPEN'])
  })

  it('bears a reason nobody knows', () => {
    const pair = new Pair()
    const channel = pair.client.connection.open(session, {})
    pair.client.hear(ChannelOpenFailure, { recipientChannel: channel.number, reasonCode: 0xfe000000, description: 'why', languageTag: '' })
    assert.equal(pair.client.next('open-failed').reason, undefined)
  })

  it('can be given up before the answer', () => {
    const pair = new Pair()
    const channel = pair.client.connection.open(session, {})
    channel.close()
    assert.deepEqual(pair.client.said(), ['CHANNEL_OPEN'])
    pair.settle()
    pair.server.next('open-request').question.accept()
    pair.settle()
    assert.deepEqual(pair.client.said(), ['CHANNEL_CLOSE'])
    assert.equal(pair.server.next('closed').error, undefined)
    assert.equal(pair.client.next('closed').channel, channel)
    pair.client.quiet()

    const refused = pair.client.connection.open(session, {})
    refused.close()
    pair.settle()
    pair.server.next('open-request').question.refuse('administratively-prohibited')
    pair.settle()
    assert.equal(pair.client.next('open-failed').channel, refused)
  })
})

describe('the two halves', () => {
  it('end one after the other, ours first', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    ours.write(pattern(10))
    ours.eof()
    ours.eof()
    assert.deepEqual(pair.client.said(), ['CHANNEL_DATA', 'CHANNEL_EOF'])
    pair.settle()
    pair.server.next('data')
    assert.equal(pair.server.next('eof').channel, theirs)
    assert.deepEqual([ours.ours, ours.theirs, theirs.ours, theirs.theirs], ['eof', 'open', 'open', 'eof'])
    assert.equal(theirs.write(pattern(20)), 20)
    pair.settle()
    assert.equal(pair.client.next('data').bytes.length, 20)
    theirs.eof()
    pair.settle()
    assert.equal(pair.client.next('eof').channel, ours)
    assert.throws(() => ours.write(pattern(1)), TypeError)
    assert.deepEqual([ours.ours, ours.theirs], ['eof', 'eof'])
  })

  it('may be told to have ended twice, as Go’s x/crypto does, and say so once', () => {
    const pair = new Pair()
    const { theirs } = pair.channel()
    pair.server.hear(ChannelEof, { recipientChannel: 0 })
    pair.server.hear(ChannelEof, { recipientChannel: 0 })
    assert.equal(pair.server.next('eof').channel, theirs)
    pair.server.quiet()
    assert.equal(theirs.theirs, 'eof')
  })

  it('let requests pass after the end of data', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    const replies: boolean[] = []
    ours.eof()
    ours.request(shell, {}, ok => replies.push(ok))
    pair.settle()
    pair.server.next('eof')
    pair.server.next('channel-request').question.succeed()
    pair.settle()
    assert.deepEqual(replies, [true])
  })

  it('let the window reopen after the end of our own data', () => {
    const pair = new Pair({ limits: { initialWindow: 100 } })
    const { ours, theirs } = pair.channel()
    ours.eof()
    theirs.write(pattern(100))
    pair.settle()
    ours.consume(100)
    assert.deepEqual(pair.client.said(), ['CHANNEL_EOF', 'CHANNEL_WINDOW_ADJUST'])
  })
})

describe('closing', () => {
  it('takes a close from each side, and the answer is given at once', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    ours.eof()
    ours.close()
    ours.close()
    pair.client.quiet()
    assert.equal(ours.phase, 'open')
    pair.settle()
    pair.server.next('eof')
    assert.equal(pair.server.next('closed').channel, theirs)
    assert.equal(pair.client.next('closed').error, undefined)
    assert.deepEqual(pair.client.said(), ['CHANNEL_EOF', 'CHANNEL_CLOSE'])
    assert.deepEqual(pair.server.said(), ['CHANNEL_CLOSE'])
    assert.deepEqual([ours.phase, theirs.phase], ['gone', 'gone'])
  })

  it('may come from both at once', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    ours.close()
    theirs.close()
    pair.settle()
    pair.client.next('closed')
    pair.server.next('closed')
    assert.deepEqual([pair.client.said(), pair.server.said()], [['CHANNEL_CLOSE'], ['CHANNEL_CLOSE']])
  })

  it('drops what the peer still sends, and frees the number only when it has closed', () => {
    const pair = new Pair({ limits: { initialWindow: 100 } })
    const { ours, theirs } = pair.channel()
    ours.close()
    theirs.write(pattern(90))
    theirs.request(exec, { command: 'late' }, () => {})
    theirs.eof()
    pair.deliver(pair.server)
    assert.equal(ours.unconsumed, 90, 'late data is counted')
    ours.consume(90)
    pair.deliver(pair.server)
    pair.deliver(pair.server)
    pair.client.quiet()
    assert.deepEqual(pair.client.said(), ['CHANNEL_CLOSE'])
    assert.equal(pair.client.connection.channelCount, 1)
    pair.settle()
    pair.client.next('closed')
    assert.equal(pair.client.connection.channelCount, 0)
  })

  it('makes late calls harmless: the event may be on its way', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    theirs.write(pattern(10))
    theirs.close()
    pair.settle()
    assert.equal(ours.write(pattern(10)), 0)
    ours.consume(10)
    ours.eof()
    ours.close()
    const errors: unknown[] = []
    ours.request(shell, {}, (ok, error) => errors.push(ok, error))
    assert.equal(errors[0], false)
    assert.ok(errors[1] instanceof RequestRefusedError)
    assert.deepEqual(pair.client.said(), ['CHANNEL_CLOSE'])
  })

  it('settles requests nobody will answer any more', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    const replies: (readonly [string, boolean, string | undefined])[] = []
    ours.request(exec, { command: 'one' }, (ok, error) => replies.push(['exec', ok, error?.message]))
    ours.request(shell, {}, (ok, error) => replies.push(['shell', ok, error?.message]))
    pair.settle()
    const first = pair.server.next('channel-request').question
    const second = pair.server.next('channel-request').question
    first.succeed()
    pair.server.quiet()
    ours.close()
    pair.settle()
    // The reply was on its way when we closed: it still counts. The other one cannot come.
    assert.deepEqual(replies, [
      ['exec', true, undefined],
      ['shell', false, 'The channel closed before the peer answered the request "shell".'],
    ])
    second.succeed()
    assert.deepEqual(pair.server.said(), ['CHANNEL_SUCCESS', 'CHANNEL_CLOSE'])
  })

  it('stops replies of ours: nothing follows our close', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    ours.request(shell, {}, () => {})
    pair.settle()
    const { question } = pair.server.next('channel-request')
    theirs.close()
    question.succeed()
    assert.deepEqual(pair.server.said(), ['CHANNEL_CLOSE'])
    assert.throws(() => question.succeed(), TypeError)
  })

  it('ignores window adjusts and replies that crossed our close', () => {
    const pair = new Pair({}, { limits: { initialWindow: 100 } })
    const { ours, theirs } = pair.channel()
    assert.equal(ours.write(pattern(200)), 100)
    pair.settle()
    theirs.consume(100)
    ours.close()
    pair.settle()
    pair.client.next('closed')
    pair.client.quiet()
  })
})

describe('numbers', () => {
  it('are used again, and mean the new channel', () => {
    const pair = new Pair()
    const first = pair.channel()
    const second = pair.channel()
    assert.deepEqual([first.ours.number, second.ours.number], [0, 1])
    first.ours.close()
    pair.settle()
    pair.client.next('closed')
    pair.server.next('closed')
    const third = pair.channel()
    assert.equal(third.ours.number, 0)
    third.theirs.write(pattern(3))
    pair.settle()
    assert.equal(pair.client.next('data').channel, third.ours)
    first.ours.close()
    first.ours.consume(0)
    assert.equal(third.ours.phase, 'open')
  })

  it('are each side’s own', () => {
    const pair = new Pair()
    // One channel that only the server opened makes the two tables differ.
    const agent = pair.server.connection.open(authAgent, {})
    pair.settle()
    const kept = { ours: pair.client.next('open-request').question.accept(), theirs: agent }
    pair.settle()
    pair.server.next('opened')
    const gone = pair.channel()
    const next = pair.channel()
    gone.ours.close()
    pair.settle()
    pair.client.next('closed')
    pair.server.next('closed')
    next.ours.write(pattern(4))
    kept.theirs.write(pattern(5))
    pair.settle()
    assert.equal(pair.server.next('data').channel, next.theirs)
    assert.equal(pair.client.next('data').channel, kept.ours)
  })

  it('are given by who hears: each message bears the number of its recipient (RFC 4254 §5)', () => {
    const side = new Side('client')
    const channel = side.connection.open(session, {})
    side.hear(ChannelOpenConfirmation, {
      recipientChannel: channel.number,
      senderChannel: 77,
      initialWindowSize: 10,
      maximumPacketSize: 10,
      details: new Uint8Array(0),
    })
    side.wire.length = 0
    channel.write(pattern(3))
    channel.request(shell, {})
    channel.eof()
    channel.close()
    assert.deepEqual(
      side.wire.map(each => new DataView(each.buffer, each.byteOffset).getUint32(1)),
      [77, 77, 77, 77],
    )
  })
})

describe('a peer in another dress', () => {
  it('may close without eof, and send eof without data', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    pair.client.hear(ChannelClose, { recipientChannel: ours.number })
    pair.client.next('closed')
    const other = new Pair()
    other.client.hear(ChannelEof, { recipientChannel: other.channel().ours.number })
    other.client.next('eof')
  })

  it('may send data that is already ours', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    const data = pattern(5)
    pair.client.connection.receive(ChannelData, { recipientChannel: ours.number, data }, true)
    const event = pair.client.next('data')
    assert.equal(event.detached, true)
    assert.equal(event.bytes, data, 'not copied')
  })
})
