// Flow control end to end: bytes arrive whole and in order however they are split, memory stays within the window, and a
// slow reader holds up nobody but itself.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { Channel } from '../../src/connection/channel.ts'
import type { ConnectionEvent } from '../../src/connection/events.ts'
import { ChannelData, ChannelExtendedData } from '../../src/connection/messages.ts'
import { Pair, pattern, Sink, Source, violates } from './pair.ts'

const writables = (events: readonly ConnectionEvent[]): readonly Channel[] =>
  events.flatMap(each => (each.is === 'writable' ? [each.channel] : []))

describe('a peer that holds small packets back until the last was acknowledged', () => {
  const adjustsAfter = (options: { readonly awaits: boolean; readonly ended: boolean; readonly bytes: number }): number => {
    const pair = new Pair({ awaitsAcknowledgement: options.awaits })
    const { ours, theirs } = pair.channel()
    if (options.ended) ours.eof()
    pair.settle()
    theirs.write(pattern(options.bytes))
    pair.settle()
    ours.consume(options.bytes)
    const before = pair.client.log.length
    ours.acknowledge()
    ours.acknowledge()
    return pair.client.log.length - before
  }

  it('gets little back at once, and once, after our end', () => {
    assert.equal(adjustsAfter({ awaits: true, ended: true, bytes: 10 }), 1)
  })

  it('gets nothing while we may still say something, nor for bulk, nor does one that does not wait', () => {
    assert.equal(adjustsAfter({ awaits: true, ended: false, bytes: 10 }), 0)
    assert.equal(adjustsAfter({ awaits: true, ended: true, bytes: 100_000 }), 0)
    assert.equal(adjustsAfter({ awaits: false, ended: true, bytes: 10 }), 0)
  })
})

describe('sending', () => {
  it('takes what fits the window, says how much that was, and tells when more fits', () => {
    const pair = new Pair({}, { limits: { initialWindow: 1000 } })
    const { ours, theirs } = pair.channel()
    assert.equal(ours.write(pattern(600)), 600)
    assert.equal(ours.write(pattern(600)), 400)
    assert.equal(ours.write(pattern(200)), 0)
    assert.equal(ours.sendWindow, 0)
    pair.settle()
    pair.client.quiet()
    assert.equal(pair.server.next('data').bytes.length, 600)
    theirs.consume(600)
    pair.settle()
    assert.equal(pair.client.next('writable').channel, ours)
    assert.equal(ours.write(pattern(200)), 200)
    pair.settle()
    pair.client.quiet()
  })

  it('tells nobody who is not waiting', () => {
    const pair = new Pair({}, { limits: { initialWindow: 1000 } })
    const { ours, theirs } = pair.channel()
    ours.write(pattern(1000))
    pair.settle()
    theirs.consume(1000)
    pair.settle()
    pair.client.open()
    pair.client.quiet()
  })

  it('splits at the smallest of four: what the peer takes, what it says to a peer like us, our limit, and what fits a packet', () => {
    const cases = [
      [{ limits: { maximumDataBytes: 5000 } }, { limits: { maximumPacket: 300 } }, 300],
      [{ limits: { maximumDataBytes: 400 } }, { limits: { maximumPacket: 5000 } }, 400],
      [{ maxPayload: 500 }, {}, 500],
      [{}, { maxIncoming: 600 }, 600],
      [{}, {}, 64 * 1024],
    ] as const
    for (const [client, server, expected] of cases) {
      const pair = new Pair(client, server)
      const { ours, theirs } = pair.channel()
      const sink = new Sink(theirs)
      pair.server.onEvent = event => sink.take(event as never)
      assert.equal(ours.write(pattern(100_000)), 100_000)
      assert.equal(pair.client.longest, expected)
      pair.settle()
      assert.deepEqual(sink.bytes(), pattern(100_000))
    }
  })

  it('stops while the network is full, and goes on when it is told', () => {
    const pair = new Pair({ limits: { maximumDataBytes: 32 * 1024 } })
    const { ours } = pair.channel()
    pair.client.room = 2
    assert.equal(ours.write(pattern(100_000)), 64 * 1024)
    pair.client.quiet()
    pair.client.open(1)
    assert.equal(pair.client.next('writable').channel, ours)
    assert.equal(ours.write(pattern(32 * 1024)), 32 * 1024)
    pair.client.open()
    pair.client.quiet()
  })

  it('needs both window and network before it tells', () => {
    const pair = new Pair({}, { limits: { initialWindow: 1000 } })
    const { ours, theirs } = pair.channel()
    assert.equal(ours.write(pattern(1500)), 1000)
    pair.client.room = 0
    pair.settle()
    theirs.consume(1000)
    pair.settle()
    pair.client.quiet()
    pair.client.open()
    assert.equal(pair.client.next('writable').channel, ours)

    pair.client.room = 0
    assert.equal(ours.write(pattern(500)), 0)
    ours.eof()
    pair.client.open()
    pair.client.quiet()
  })

  it('sends control messages also while the network is full', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    pair.client.room = 0
    ours.eof()
    ours.close()
    assert.deepEqual(pair.client.said(), ['CHANNEL_EOF', 'CHANNEL_CLOSE'])
  })

  it('serves who waited longest first', () => {
    const pair = new Pair()
    const channels = [pair.channel().ours, pair.channel().ours, pair.channel().ours]
    pair.client.room = 1
    for (const channel of channels) channel.write(pattern(200_000))
    const order: number[] = []
    // The network takes one message at a time; whoever is told first uses it up.
    for (let i = 0; i < 9; i++) {
      pair.client.open(1)
      const told = writables(pair.client.events.splice(0))
      order.push(channels.indexOf(told[0]))
      assert.equal(told.length, 3)
      for (const channel of told) channel.write(pattern(200_000))
    }
    assert.deepEqual(order, [1, 2, 0, 1, 2, 0, 1, 2, 0])
  })

  it('carries standard error apart', () => {
    const pair = new Pair()
    const { theirs } = pair.channel()
    theirs.write(pattern(3), 0)
    theirs.write(pattern(4), 1)
    theirs.write(pattern(5), 77)
    assert.deepEqual(pair.server.said(), ['CHANNEL_DATA', 'CHANNEL_EXTENDED_DATA', 'CHANNEL_EXTENDED_DATA'])
    pair.settle()
    for (const [type, length] of [
      [0, 3],
      [1, 4],
      [77, 5],
    ]) {
      const event = pair.client.next('data')
      assert.deepEqual([event.type, event.bytes.length], [type, length])
    }
  })

  it('counts standard error against the same window', () => {
    const pair = new Pair({ limits: { initialWindow: 100 } })
    const { theirs } = pair.channel()
    assert.equal(theirs.write(pattern(60), 1), 60)
    assert.equal(theirs.write(pattern(60), 0), 40)
  })

  it('counts standard error against our window too', () => {
    const pair = new Pair({ limits: { initialWindow: 100 } })
    pair.channel()
    pair.client.hear(ChannelExtendedData, { recipientChannel: 0, dataTypeCode: 1, data: pattern(60) })
    violates('channel-window-exceeded', () => pair.client.hear(ChannelData, { recipientChannel: 0, data: pattern(60) }))
  })
})

describe('receiving', () => {
  it('hands views on, and says so', () => {
    const pair = new Pair()
    const { ours, theirs } = pair.channel()
    ours.write(pattern(10))
    ours.write(pattern(10))
    pair.settle()
    const first = pair.server.next('data')
    assert.equal(first.detached, false)
    assert.deepEqual(first.bytes, new Uint8Array(10).fill(0xdd), 'the view is gone once the next message came')
    assert.deepEqual(pair.server.next('data').bytes, pattern(10))
    assert.equal(theirs.unconsumed, 20)
  })

  it('gives nothing back that was not consumed', () => {
    const pair = new Pair({}, { limits: { initialWindow: 1000 } })
    const { ours } = pair.channel()
    ours.write(pattern(1000))
    pair.settle()
    assert.deepEqual(pair.server.said(), [])
  })

  it('gives nothing back to a peer that has finished', () => {
    const pair = new Pair({}, { limits: { initialWindow: 1000 } })
    const { ours, theirs } = pair.channel()
    ours.write(pattern(1000))
    ours.eof()
    pair.settle()
    theirs.consume(1000)
    assert.deepEqual(pair.server.said(), [])
  })

  it('says nothing about empty data', () => {
    const pair = new Pair()
    const { ours } = pair.channel()
    assert.equal(ours.write(new Uint8Array(0)), 0)
    assert.deepEqual(pair.client.said(), [])
    pair.client.quiet()
  })
})

describe('a slow reader', () => {
  it('takes no room from another channel: each has a window of its own', () => {
    const pair = new Pair({ limits: { initialWindow: 100 } })
    const slow = pair.channel()
    const fast = pair.channel()
    for (const [channel, left] of [
      [slow, 0],
      [fast, 40],
    ] as const) {
      channel.theirs.write(pattern(100 - left))
      assert.doesNotThrow(() => pair.settle())
    }
    assert.equal(pair.client.events.filter(each => each.is === 'data').length, 2)
  })

  it('does not keep another channel from its turn when the network has room again', () => {
    const pair = new Pair({}, { limits: { initialWindow: 100 } })
    const slow = pair.channel()
    const fast = pair.channel()
    assert.equal(slow.ours.write(pattern(200)), 100)
    pair.client.room = 0
    assert.equal(fast.ours.write(pattern(50)), 0)
    pair.client.open()
    assert.deepEqual(writables(pair.client.events), [fast.ours])
  })

  it('stops its own channel and no other', () => {
    const pair = new Pair({}, { limits: { initialWindow: 5000 } })
    const slow = pair.channel()
    const fast = pair.channel()
    const sink = new Sink(fast.theirs)
    const held = new Sink(slow.theirs)
    pair.server.onEvent = event => {
      sink.take(event as never)
      held.take(event as never)
      sink.consume(sink.held)
    }
    const stuck = new Source(slow.ours, pattern(100_000))
    const flowing = new Source(fast.ours, pattern(100_000))
    pair.client.onEvent = event => {
      if (event.is !== 'writable') return
      if (event.channel === slow.ours) stuck.write()
      else flowing.write()
    }
    stuck.write()
    flowing.write()
    pair.settle()
    assert.equal(flowing.done, true)
    assert.deepEqual(sink.bytes(), pattern(100_000))
    assert.equal(stuck.sent, 5000)
    assert.equal(held.held, 5000)
    held.consume(5000)
    pair.settle()
    assert.equal(stuck.sent, 10_000)
  })
})

describe('any split of anything', () => {
  it('delivers all bytes in order, within the window', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('write' as const), channel: fc.nat(2), count: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ do: fc.constant('consume' as const), channel: fc.nat(2), count: fc.integer({ min: 1, max: 700 }) }),
      fc.record({ do: fc.constant('deliver' as const), channel: fc.nat(2), count: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ do: fc.constant('room' as const), channel: fc.nat(2), count: fc.integer({ min: 0, max: 6 }) }),
    )
    fc.assert(
      fc.property(
        fc.record({ initialWindow: fc.integer({ min: 1, max: 1000 }), maximumPacket: fc.integer({ min: 1, max: 400 }) }),
        fc.array(step, { maxLength: 150 }),
        (limits, steps) => {
          const pair = new Pair({}, { limits })
          const channels = [pair.channel(), pair.channel(), pair.channel()]
          const sinks = channels.map(({ theirs }) => new Sink(theirs))
          const sources = channels.map(({ ours }, i) => new Source(ours, pattern(1500, i * 7)))
          /** Who was told, or never had to be. A write to anybody else must find no room. */
          const told = new Set(channels.map(({ ours }) => ours))
          pair.server.onEvent = event => sinks.forEach(sink => sink.take(event as never))
          pair.client.onEvent = event => {
            if (event.is !== 'writable') return
            assert.ok(!told.has(event.channel), 'told twice')
            told.add(event.channel)
          }
          const write = (at: number, most: number): void => {
            const source = sources[at]
            const wanted = Math.min(most, source.bytes.length - source.sent)
            const taken = source.write(most)
            if (!told.has(source.channel)) assert.equal(taken, 0, 'there was room and nobody said')
            if (taken < wanted) told.delete(source.channel)
            else told.add(source.channel)
          }
          for (const { do: what, channel, count } of steps) {
            if (what === 'write') write(channel, count)
            else if (what === 'consume') sinks[channel].consume(count)
            else if (what === 'room') pair.client.open(count)
            else for (let i = 0; i < count; i++) if (!pair.deliver(pair.client)) pair.deliver(pair.server)
          }
          // Now everybody does what they should, and nobody gets stuck.
          pair.client.open()
          for (let round = 0; round < 5000 && !(sources.every(each => each.done) && sinks.every(each => each.length === 1500)); round++) {
            sources.forEach((source, at) => {
              if (told.has(source.channel)) write(at, 700)
            })
            pair.settle()
            sinks.forEach(sink => sink.consume(sink.held))
            pair.settle()
          }
          sinks.forEach((sink, i) => {
            assert.deepEqual(sink.bytes(), pattern(1500, i * 7))
            assert.ok(sink.most <= limits.initialWindow)
          })
          assert.ok(pair.client.longest <= limits.maximumPacket)
        },
      ),
      { numRuns: 150 },
    )
  })
})
