// What tests stand on: time by hand, chance that repeats, a network in memory.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import { createPair, nullCrypto, seededRandom, virtualClock } from '../../src/testing/index.ts'
import { patterned } from '../pair/fixtures.ts'
import { session } from '../../src/connection/channel-types/session.ts'

describe('virtual time', () => {
  it('rings timers in the order of their times, at their times', () => {
    const clock = virtualClock(100)
    const rung: string[] = []
    const note = (name: string) => () => rung.push(`${name} at ${clock.now()}`)
    clock.after(20, note('second'))
    clock.after(10, note('first'))
    clock.after(20, note('third'))
    const cancel = clock.after(15, note('never'))
    cancel()
    clock.after(10, () => clock.after(5, note('started by a timer')))
    clock.advance(19)
    assert.deepEqual(rung, ['first at 110', 'started by a timer at 115'])
    assert.equal(clock.next(), 120)
    clock.advance(1)
    assert.deepEqual(rung.slice(2), ['second at 120', 'third at 120'])
    clock.advanceTo(50)
    assert.equal(clock.now(), 120)
  })
})

describe('seeded chance', () => {
  it('repeats, and differs from seed to seed', () => {
    const bytes = (seed: number): string => {
      const drawn = new Uint8Array(64)
      seededRandom(seed).bytes(drawn)
      return Buffer.from(drawn).toString('hex')
    }
    assert.equal(bytes(1), bytes(1))
    assert.equal(new Set(Array.from({ length: 500 }, (_, seed) => bytes(seed))).size, 500)
  })
  it('is spread over what it may be', () => {
    const random = seededRandom(9)
    const seen = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 10_000; i++) seen[random.below(10)]++
    for (const count of seen) assert.ok(count > 850 && count < 1150, seen.join())
  })
})

describe('a pair', () => {
  it('is the same conversation, byte for byte, for the same seed', () => {
    // ML-KEM draws from the system, whatever it is given.
    const algorithms = { kex: 'curve25519-sha256' }
    const conversation = (seed: number): string => {
      const carried: string[] = []
      const pair = createPair({
        seed,
        chunk: 'random',
        client: { algorithms },
        server: { algorithms },
        tap: (way, chunk) => carried.push(way + Buffer.from(chunk).toString('hex')),
      }).run()
      pair.open(session, {}).client.send(patterned(1000))
      pair.run()
      return createHash('sha256').update(carried.join()).digest('hex')
    }
    assert.equal(conversation(5), conversation(5))
    assert.notEqual(conversation(5), conversation(6))
  })
  it('works without cryptography, and then sends everything in clear', () => {
    let clear = false
    const pair = createPair({ crypto: nullCrypto, tap: (_way, chunk) => void (clear ||= Buffer.from(chunk).includes('in clear')) }).run()
    pair.open(session, {}).client.send('all of it in clear')
    pair.run()
    assert.equal(clear, true)
    assert.equal(pair.client.authenticated && pair.server.authenticated, true)
  })
})
