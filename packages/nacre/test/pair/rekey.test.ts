// New keys in the middle of everything: from either side, from both at once, every few packets, with data under way in
// both directions. Nothing is lost, doubled or out of order, and nothing but the exchange is sent while it runs.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { session } from '../../src/connection/channel-types/session.ts'
import { shell } from '../../src/connection/requests/shell.ts'
import type { CommonOptions } from '../../src/engine/assemble.ts'
import type { TraceRecord } from '../../src/engine/trace.ts'
import { leaveOpen } from '../../src/testing/pair-side.ts'
import { createPair, type Pair } from '../../src/testing/pair.ts'
import { patterned, same } from './fixtures.ts'

const often = { rekey: { packets: 8 } } as const
/** Small enough that a transfer takes many turns. */
const limits = { initialWindow: 20_000, maximumPacket: 4000 } as const
const total = 300_000

const transfer = (pair: Pair, during: () => void = () => {}): void => {
  const { client, server } = pair.open(session, {})
  client.send(patterned(total, 1))
  server.send(patterned(total, 2))
  while (client.waiting > 0 || server.waiting > 0) {
    during()
    pair.elapse(5)
  }
  pair.run()
  same(server.received(), patterned(total, 1), 'to the server')
  same(client.received(), patterned(total, 2), 'to the client')
  assert.equal(pair.client.ending ?? pair.server.ending, undefined)
}
const exchanges = (pair: Pair): number => pair.client.all('exchanged').length

/** Every packet of one side between its KEXINIT and its NEWKEYS. */
const betweenOf = (records: readonly TraceRecord[]): readonly string[] => {
  const between: string[] = []
  let exchanging = false
  for (const { direction, name } of records) {
    if (direction !== 'sent') continue
    if (name === 'SSH_MSG_NEWKEYS') exchanging = false
    if (exchanging) between.push(name)
    if (name === 'SSH_MSG_KEXINIT') exchanging = true
  }
  return between
}

describe('a key exchange during transfers both ways', () => {
  for (const chunk of ['whole', 'random'] as const) {
    for (const [who, client, server] of [
      ['the client', often, {}],
      ['the server', {}, often],
      ['both sides', often, often],
    ] as const) {
      it(`every few packets, begun by ${who} (${chunk})`, () => {
        const records: { client: TraceRecord[]; server: TraceRecord[] } = { client: [], server: [] }
        const traced = (side: 'client' | 'server', options: CommonOptions) => ({
          ...options,
          limits,
          trace: (record: TraceRecord) => records[side].push(record),
        })
        const pair = createPair({ seed: 11, chunk, client: traced('client', client), server: traced('server', server) }).run()
        transfer(pair)
        assert.ok(exchanges(pair) > 10, `${exchanges(pair)} exchanges`)
        assert.equal(pair.server.all('exchanged').length, exchanges(pair))
        for (const side of ['client', 'server'] as const) {
          for (const name of betweenOf(records[side])) assert.match(name, /^SSH_MSG_KEX/, side)
        }
      })
    }
    it(`begun by both sides at the same moment, again and again (${chunk})`, () => {
      const pair = createPair({ seed: 12, chunk, latency: 5, client: { limits }, server: { limits } }).run()
      let turns = 0
      transfer(pair, () => {
        if (turns++ % 4 !== 0) return
        pair.client.engine.rekey()
        pair.server.engine.rekey()
      })
      assert.ok(exchanges(pair) > 3, `${exchanges(pair)} exchanges`)
    })
  }

  it('over a slow network, with windows that are full', () => {
    for (let seed = 1; seed <= 10; seed++) {
      const limits = { initialWindow: 20_000, maximumPacket: 1500 } as const
      const pair = createPair({
        seed,
        chunk: 'random',
        latency: 50,
        client: { rekey: { bytes: 30_000 }, limits },
        server: { rekey: { bytes: 41_000 }, limits },
      }).run()
      transfer(pair)
      assert.ok(exchanges(pair) > 5, `seed ${seed}: ${exchanges(pair)} exchanges`)
    }
  })

  it('after an hour at the latest, also when nothing is said', () => {
    const pair = createPair({ client: { keepalive: false }, server: { keepalive: false } }).run()
    pair.elapse(3_599_000)
    assert.equal(exchanges(pair), 1)
    pair.elapse(2000)
    assert.equal(exchanges(pair), 2)
    pair.elapse(10 * 3_600_000)
    assert.equal(exchanges(pair), 12)
  })

  it('leaves the session identifier as it was (RFC 4253 §7.2)', () => {
    const pair = createPair().run()
    const first = pair.client.engine.sessionId?.slice()
    pair.client.engine.rekey()
    pair.run()
    assert.equal(exchanges(pair), 2)
    assert.ok(first !== undefined && first.length > 0)
    assert.deepEqual(pair.client.engine.sessionId, first)
    assert.deepEqual(pair.server.engine.sessionId, first)
  })

  it('is not begun before the user is in', () => {
    const pair = createPair({ client: { rekey: { packets: 1 } } })
    while (!pair.client.authenticated && pair.step());
    assert.equal(exchanges(pair), 1)
  })

  for (const side of ['client', 'server'] as const) {
    it(`waits for the end of the login when the ${side} asks for it during that, compression that starts there included`, () => {
      const algorithms = { compression: 'zlib@openssh.com' }
      const pair = createPair({ client: { algorithms }, server: { algorithms, attempt: () => leaveOpen } }).run()
      pair[side].engine.rekey()
      pair.run()
      assert.equal(exchanges(pair), 1)
      const [question] = pair.server.unanswered
      if (question.about === 'attempt') question.answer({ is: 'accept', identity: 'ada' })
      pair.run()
      assert.equal(exchanges(pair), 2)
      assert.equal(pair.client.authenticated, true)
      const { client, server } = pair.open(session, {})
      client.send(patterned(5000))
      pair.run()
      same(server.received(), patterned(5000), 'compressed')
    })
  }
})

describe('while an exchange runs', () => {
  it('requests, opens, window updates and pings wait and leave in their order', () => {
    const pair = createPair({ server: { consume: false } }).run()
    const { client, server } = pair.open(session, {})
    client.send(patterned(5000))
    pair.run()
    const answers: string[] = []
    // The exchange cannot go on until the pair is run.
    pair.client.engine.rekey()
    pair.server.engine.rekey()
    client.channel.request(shell, {}, ok => answers.push(`shell ${ok}`))
    pair.client.engine.connection.keepalive(() => answers.push('keepalive'))
    const second = pair.client.open(session, {})
    server.consuming = true
    client.channel.eof()
    pair.server.engine.ping(Uint8Array.of(5))
    pair.run()
    assert.deepEqual(answers, ['shell true', 'keepalive'])
    assert.equal(second.channel.phase, 'open')
    assert.equal(server.eof, true)
    assert.equal(pair.server.all('pong').length, 1)
    assert.equal(exchanges(pair), 2)
  })

  it('no data is taken, and a write goes on afterwards', () => {
    const pair = createPair().run()
    const { client, server } = pair.open(session, {})
    pair.client.engine.rekey()
    assert.equal(client.channel.write(patterned(100)), 0)
    client.send(patterned(100))
    assert.equal(client.waiting, 100)
    pair.run()
    same(server.received(), patterned(100), 'afterwards')
  })

  it('a goodbye may still be said', () => {
    const pair = createPair().run()
    pair.client.engine.rekey()
    pair.client.engine.disconnect('by-application', 'bye')
    pair.run()
    assert.equal(pair.server.ending?.by, 'peer')
  })

  it('a channel can be closed by both sides', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = createPair({ seed, chunk: 'random' }).run()
      const { client, server } = pair.open(session, {})
      pair.client.engine.rekey()
      server.channel.close()
      client.channel.close()
      pair.run()
      assert.equal(client.closed && server.closed, true, `seed ${seed}`)
      assert.equal(pair.client.engine.connection.channelCount + pair.server.engine.connection.channelCount, 0, `seed ${seed}`)
    }
  })
})
