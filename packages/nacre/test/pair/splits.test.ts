// The network may cut bytes anywhere. Nothing but time may come of it: the same bytes give the same events and the same
// answers. Hundreds of seeds; a failure names the one it came with.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { session } from '../../src/connection/channel-types/session.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import type { AlgorithmOptions } from '../../src/engine/assemble.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import type { PairSide } from '../../src/testing/pair-side.ts'
import { createClientSide, createPair } from '../../src/testing/pair.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { patterned, same, told } from './fixtures.ts'

/** Ciphers whose packets are found in different ways: length in clear, encrypted with the packet, encrypted apart. */
const ways: readonly AlgorithmOptions[] = [
  { ciphers: 'aes128-gcm@openssh.com' },
  { ciphers: 'chacha20-poly1305@openssh.com' },
  { ciphers: 'aes128-ctr', macs: 'hmac-sha2-256' },
  { ciphers: 'aes256-ctr', macs: 'umac-64-etm@openssh.com', compression: 'zlib@openssh.com' },
]

/** A client that reacts to events only, so that the same bytes make it do the same. */
const scripted = (side: PairSide): (() => void) => {
  let begun = false
  return () => {
    if (begun || !side.authenticated) return
    begun = true
    const first = side.open(session, {})
    const second = side.open(session, {})
    first.send(patterned(3000))
    second.send('second').afterwards(channel => {
      channel.request(exec, { command: 'x' }, () => second.send('agreed'))
      channel.eof()
    })
  }
}

describe('the same bytes', () => {
  for (const algorithms of ways) {
    it(`give the same events and the same answers however they are cut (${algorithms.ciphers})`, () => {
      const recorded: Uint8Array[] = []
      const options = { seed: 7, client: { algorithms }, server: { algorithms, rekey: { bytes: 20_000 } } } as const
      const pair = createPair({ ...options, tap: (way, chunk) => way === 'leftwards' && recorded.push(chunk.slice()) })
      const script = scripted(pair.client)
      let answered = 0
      while (pair.step()) {
        script()
        if (pair.server.channels.length === 2 && answered++ === 0) pair.server.channels[0].send(patterned(70_000, 5))
      }
      const expectedEvents = pair.client.events.map(told)
      const expectedData = pair.client.channels.map(each => each.received())
      assert.ok(expectedEvents.filter(line => line.startsWith('exchanged')).length > 1, expectedEvents.join('\n'))

      const replay = (cut: (left: number) => number, where: string): void => {
        // The same seed, drawn from in the same order, makes the same keys.
        const clock = virtualClock(1000)
        const side = createClientSide(options.client, { clock, random: seededRandom(options.seed), crypto: nodeCrypto() })
        const script = scripted(side)
        side.start()
        // What came in one read may come in many; never sooner, since it may answer what was said in between.
        for (const read of recorded) {
          for (let at = 0; at < read.length;) {
            const chunk = read.slice(at, at + cut(read.length - at))
            at += chunk.length
            side.receive(chunk, clock.now())
            side.settle()
            chunk.fill(0xee)
            for (let out = side.takeOutgoing(); out !== undefined; out = side.takeOutgoing()) side.release(out)
            side.settle()
          }
          script()
        }
        assert.deepEqual(side.events.map(told), expectedEvents, where)
        for (const [i, channel] of side.channels.entries()) same(channel.received(), expectedData[i], `${where}, channel ${i}`)
      }
      replay(left => left, 'whole')
      replay(() => 1, 'byte by byte')
      for (let seed = 1; seed <= 15; seed++) {
        const random = seededRandom(seed)
        const most = random.pick([3, 40, 500, 10_000])
        replay(() => 1 + random.below(most), `seed ${seed}`)
      }
    })
  }
})

describe('a conversation', () => {
  it('brings everything whole and in order over 300 networks', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed)
      const algorithms = random.pick(ways)
      const pair = createPair({
        seed,
        chunk: 'random',
        latency: random.pick([0, 0, 20]),
        client: {
          algorithms,
          rekey: { bytes: random.pick([3000, 10_000, 2 ** 30]) },
          limits: { initialWindow: random.pick([500, 5000, 2 ** 21]), maximumPacket: random.pick([100, 32_768]) },
        },
        server: { algorithms, rekey: { packets: random.pick([20, 2 ** 30]) }, limits: { maximumDataBytes: random.pick([50, 32_768]) } },
      }).run()
      const where = `seed ${seed}`
      assert.equal(pair.client.authenticated, true, where)
      const channels = Array.from({ length: 1 + random.below(4) }, () => pair.open(session, {}))
      const sizes = channels.map(() => [random.below(6000), random.below(6000)])
      for (const [i, { client, server }] of channels.entries()) {
        client.send(patterned(sizes[i][0], i)).afterwards(channel => channel.eof())
        server.send(patterned(sizes[i][1], i + 9)).afterwards(channel => channel.close())
      }
      pair.run()
      for (const [i, { client, server }] of channels.entries()) {
        same(client.received(), patterned(sizes[i][1], i + 9), `${where}, channel ${i}, to the client`)
        assert.equal(client.closed && server.closed, true, where)
        // The server closed, perhaps before all had come; what came is a beginning.
        same(server.received(), patterned(sizes[i][0], i).subarray(0, server.received().length), `${where}, channel ${i}, to the server`)
      }
      assert.equal(pair.client.ending ?? pair.server.ending, undefined, where)
      assert.equal(pair.client.engine.pendingOutput + pair.server.engine.pendingOutput, 0, where)
    }
  })
})
