// Flow control end to end: who reads slowly slows down nobody else, and nothing grows without a bound.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { env } from '../../src/connection/requests/env.ts'
import { session } from '../../src/connection/channel-types/session.ts'
import { createPair } from '../../src/testing/pair.ts'
import { patterned, same } from './fixtures.ts'

const window = 64 * 1024
const limits = { initialWindow: window, maximumPacket: 16 * 1024 }

describe('data in one message', () => {
  const taken = (software: string): number => {
    const pair = createPair({ server: { software } }).run()
    const { client, server } = pair.open(session, {})
    server.send(patterned(200_000))
    pair.run()
    same(client.received(), patterned(200_000), software)
    return client.channel.maximumPacket
  }
  it('is up to 64 KiB', () => assert.equal(taken('nacre_0.1'), 64 * 1024))
  it('is up to 32 KiB when OpenSSH sends it', () => assert.equal(taken('OpenSSH_9.2p1'), 32 * 1024))
})

describe('a reader that does not read', () => {
  it('holds its sender back at one window', () => {
    const pair = createPair({ client: { limits, consume: false } }).run()
    const { client, server } = pair.open(session, {})
    server.send(patterned(1_000_000))
    pair.run()
    assert.equal(client.received().length, window)
    assert.equal(client.channel.unconsumed, window)
    assert.equal(server.waiting, 1_000_000 - window)
    assert.equal(pair.server.engine.pendingOutput, 0)
  })

  it('does not hold back another channel, nor new keys, nor requests', () => {
    const pair = createPair({ seed: 4, chunk: 'random', client: { limits, consume: false, rekey: { bytes: 100_000 } } }).run()
    const stuck = pair.open(session, {})
    const lively = pair.open(session, {})
    lively.client.consuming = true
    stuck.server.send(patterned(500_000, 1))
    lively.server.send(patterned(500_000, 2))
    pair.run()
    same(lively.client.received(), patterned(500_000, 2), 'the lively one')
    assert.equal(stuck.client.received().length, window)
    assert.ok(pair.client.all('exchanged').length > 2)
    let alive = false
    pair.client.engine.connection.keepalive(() => {
      alive = true
    })
    pair.run()
    assert.equal(alive, true)
    stuck.client.consuming = true
    pair.run()
    same(stuck.client.received(), patterned(500_000, 1), 'the stuck one, in the end')
  })

  it('gets exactly as much as it made room for', () => {
    const pair = createPair({ client: { limits, consume: false } }).run()
    const { client, server } = pair.open(session, {})
    server.send(patterned(300_000))
    pair.run()
    for (let given = 0; given < 300_000 - window;) {
      const count = Math.min(client.held, 10_000)
      given += count
      client.consume(count)
      pair.run()
      assert.ok(client.channel.unconsumed <= window)
      assert.ok(client.received().length <= window + given)
    }
    same(client.received(), patterned(300_000), 'in the end')
  })
})

describe('a network that does not take', () => {
  it('holds the sender back at the high-water mark, whatever the windows allow', () => {
    const pair = createPair({ client: { limits: { initialWindow: 100 * 2 ** 20 } } }).run()
    const { server } = pair.open(session, {})
    const bytes = new Uint8Array(20 * 2 ** 20)
    // Nothing moves until the pair is run.
    server.send(bytes)
    const { pendingOutput } = pair.server.engine
    assert.ok(pendingOutput >= 2 ** 20 && pendingOutput < 1.2 * 2 ** 20, `${pendingOutput} bytes are pending`)
    assert.ok(server.waiting > 18 * 2 ** 20)
    pair.run()
    assert.equal(server.waiting, 0)
  })

  it('is shared fairly by the channels that wait', () => {
    const pair = createPair({ chunk: 'whole', client: { limits: { initialWindow: 100 * 2 ** 20 } } }).run()
    const channels = Array.from({ length: 4 }, () => pair.open(session, {}))
    for (const { server } of channels) server.send(new Uint8Array(8 * 2 ** 20))
    for (let turns = 0; turns < 12; turns++) pair.step()
    for (let i = 0; i < 60; i++) pair.step()
    const received = channels.map(({ client }) => client.received().length)
    assert.ok(Math.min(...received) > 0, received.join())
    pair.run()
    for (const { client } of channels) assert.equal(client.received().length, 8 * 2 ** 20)
  })
})

describe('channels', () => {
  it('are limited in number, and their numbers used again', () => {
    const pair = createPair({ server: { limits: { maximumChannels: 3 } } }).run()
    const channels = Array.from({ length: 4 }, () => pair.client.open(session, {}))
    pair.run()
    assert.deepEqual(
      channels.map(each => each.closed),
      [false, false, false, true],
    )
    assert.equal(pair.client.all('open-failed')[0]?.reason, 'resource-shortage')
    channels[1].channel.close()
    pair.run()
    const again = pair.client.open(session, {})
    pair.run()
    assert.equal(again.channel.phase, 'open')
    assert.equal(again.channel.number, 1)
  })

  it('by the thousand leave nothing behind', () => {
    const pair = createPair().run()
    for (let i = 0; i < 1000; i++) {
      const { client, server } = pair.open(session, {})
      server.send('x').afterwards(channel => channel.close())
      pair.run()
      assert.equal(client.closed, true)
    }
    assert.equal(pair.client.engine.connection.channelCount, 0)
    assert.equal(pair.client.channels.at(-1)?.channel.number, 0)
  })
})

describe('a thousand requests in one breath', () => {
  // Limits count what nobody has answered, not what happened to arrive together.
  it('are answered in turn, however the network cuts them', () => {
    for (const chunk of ['whole', 'random'] as const) {
      const pair = createPair({ seed: 11, chunk, server: { limits: { maximumPendingRequests: 64 } } }).run()
      const { client } = pair.open(session, {})
      const answers: boolean[] = []
      for (let i = 0; i < 1000; i++) client.channel.request(env, { name: `N${i}`, value: 'v' }, ok => answers.push(ok))
      pair.run()
      assert.equal(answers.length, 1000, chunk)
      assert.ok(answers.every(Boolean), chunk)
    }
  })
})
