// Channel requests: who may send what, replies in the order of the requests, rows of your own.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ChannelRequest } from '../../src/connection/messages.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { exitStatus } from '../../src/connection/requests/exit-status.ts'
import type { RequestRow } from '../../src/connection/requests/row.ts'
import { shell } from '../../src/connection/requests/shell.ts'
import { isOf } from '../../src/connection/row.ts'
import { ConfigError, type RequestRefusedError } from '../../src/errors.ts'
import { struct, uint32 } from '../../src/wire/codec.ts'
import { Pair, pattern, Side } from './pair.ts'

describe('a request', () => {
  it('arrives as its row reads it, and its answer goes back', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    const replies: boolean[] = []
    ours.request(exec, { command: 'ls' }, ok => replies.push(ok))
    pair.settle()
    const { channel, question } = pair.server.next('channel-request')
    assert.equal(channel, theirs)
    assert.deepEqual(question.request, { type: 'exec', name: 'exec', value: { command: 'ls' } })
    assert.equal(question.wantReply, true)
    assert.deepEqual(replies, [])
    question.fail()
    pair.settle()
    assert.deepEqual(replies, [false])
  })

  it('is not answered when nobody waits, whatever is said', () => {
    const pair = new Pair()
    const { theirs } = pair.channel()
    theirs.request(exitStatus, { exitStatus: 3 })
    pair.settle()
    const { question } = pair.client.next('channel-request')
    assert.equal(question.wantReply, false)
    question.succeed()
    assert.deepEqual(pair.client.said(), [])
    assert.throws(() => question.fail(), TypeError)
  })

  it('can be answered once', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    ours.request(shell, {}, () => {})
    pair.settle()
    const { question } = pair.server.next('channel-request')
    question.succeed()
    assert.throws(() => question.succeed(), TypeError)
    assert.throws(() => question.fail(), TypeError)
    assert.deepEqual(pair.server.said(), ['CHANNEL_SUCCESS'])
  })

  it('that only the other side sends is refused without asking', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    const replies: boolean[] = []
    theirs.request(exec, { command: 'evil' }, ok => replies.push(ok))
    theirs.request(exec, { command: 'evil' })
    ours.request(exitStatus, { exitStatus: 1 }, ok => replies.push(ok))
    pair.settle()
    pair.client.quiet()
    pair.server.quiet()
    assert.deepEqual(replies, [false, false])
  })

  it('of a type nobody knows keeps its bytes', () => {
    const pair = new Pair()
    pair.channel()
    pair.server.hear(ChannelRequest, { recipientChannel: 0, requestType: 'x@example.com', wantReply: true, details: pattern(9) })
    const { question } = pair.server.next('channel-request')
    pair.server.hear(ChannelRequest, { recipientChannel: 0, requestType: 'shell', wantReply: false, details: new Uint8Array(0) })
    assert.deepEqual(question.request, { type: 'unknown', name: 'x@example.com', details: pattern(9) })
  })

  it('is told when the connection ends first', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    const told: unknown[] = []
    ours.request(shell, {}, (ok, error) => told.push(ok, error))
    const end = new Error('the end')
    pair.client.connection.end(end)
    assert.deepEqual(told, [false, end])
    const late: (RequestRefusedError | undefined)[] = []
    ours.request(shell, {}, (_ok, error) => late.push(error as RequestRefusedError))
    assert.equal(late[0]?.code, 'REQUEST_REFUSED')
  })
})

describe('replies (RFC 4254 §5.4)', () => {
  it('leave in the order of the requests, whatever the order of the answers', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 30 }), plan => {
        const pair = new Pair()
        const { ours } = pair.channel()
        const replies: [number, boolean][] = []
        plan.forEach((_, i) => ours.request(exec, { command: String(i) }, ok => replies.push([i, ok])))
        pair.settle()
        const questions = plan.map(() => pair.server.next('channel-request').question)
        const order = plan.map((_, i) => i).sort((a, b) => plan[a][1] - plan[b][1])
        for (const i of order) {
          if (plan[i][0]) questions[i].succeed()
          else questions[i].fail()
          pair.settle()
        }
        assert.deepEqual(
          replies,
          plan.map(([ok], i) => [i, ok]),
        )
      }),
    )
  })

  it('wait for the slowest before them', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    for (const command of ['a', 'b', 'c']) ours.request(exec, { command }, () => {})
    pair.settle()
    const [a, b, c] = [1, 2, 3].map(() => pair.server.next('channel-request').question)
    c.fail()
    b.succeed()
    assert.deepEqual(pair.server.said(), [])
    a.succeed()
    assert.deepEqual(pair.server.said(), ['CHANNEL_SUCCESS', 'CHANNEL_SUCCESS', 'CHANNEL_FAILURE'])
  })

  it('of one channel do not wait for another', () => {
    const pair = new Pair()
    const first = pair.channel()
    const second = pair.channel()
    first.ours.request(shell, {}, () => {})
    const replies: boolean[] = []
    second.ours.request(shell, {}, ok => replies.push(ok))
    pair.settle()
    pair.server.next('channel-request')
    pair.server.next('channel-request').question.succeed()
    pair.settle()
    assert.deepEqual(replies, [true])
  })
})

describe('a row of your own', () => {
  const mine = { name: 'volume@example.com', codec: struct({ level: uint32 }) } as const satisfies RequestRow

  it('is one entry in an option, and keeps its type', () => {
    const pair = new Pair({}, { requests: [mine] })
    const { ours } = pair.channel()
    ours.request(mine, { level: 11 })
    pair.settle()
    const { request } = pair.server.next('channel-request').question
    assert.deepEqual(request, { type: 'custom', name: 'volume@example.com', value: { level: 11 } })
    assert.ok(isOf(request, mine))
    const level: number = request.value.level
    assert.equal(level, 11)
    assert.equal(isOf(request, exec), false)
  })

  it('is unknown to a side that does not have it, and never mistaken', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    ours.request(mine, { level: 11 })
    pair.settle()
    const { request } = pair.server.next('channel-request').question
    assert.equal(request.type, 'unknown')
    assert.equal(isOf(request, mine), false)
  })

  it('cannot have the name of another', () => {
    assert.throws(() => new Side('server', { requests: [{ ...mine, name: 'exec' }] }), ConfigError)
    assert.throws(() => new Side('server', { requests: [mine, mine] }), ConfigError)
  })

  it('can be named what it likes otherwise', () => {
    const pair = new Pair(
      {},
      {
        requests: [
          { ...mine, name: 'unknown' },
          { ...mine, name: 'custom' },
          { ...mine, name: '__proto__' },
        ],
      },
    )
    const { ours } = pair.channel()
    for (const name of ['unknown', 'custom', '__proto__']) {
      ours.request({ ...mine, name }, { level: 1 })
      pair.settle()
      assert.deepEqual(pair.server.next('channel-request').question.request, { type: 'custom', name, value: { level: 1 } })
    }
  })
})
