// The arithmetic of windows: nothing is lost, nothing is given twice, and a peer that may send is never forgotten.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { largestWindow, ReceiveWindow, SendWindow } from '../../src/connection/window.ts'
import { violates } from './pair.ts'

describe('the window we give', () => {
  it('counts bytes when they arrive and gives them back half a window at a time', () => {
    const window = new ReceiveWindow(1000, 100)
    for (let i = 0; i < 4; i++) {
      assert.equal(window.arrived(100), 0)
      assert.equal(window.consumed(100), 0)
    }
    assert.equal(window.available, 600)
    assert.equal(window.arrived(100), 0)
    assert.equal(window.consumed(100), 500)
    assert.deepEqual([window.available, window.unconsumed, window.due], [1000, 0, 0])
  })

  it('gives a wide one back in pieces: over a long way half of it would be missed', () => {
    const [piece, size] = [1024 * 1024, 16 * 1024 * 1024]
    const window = new ReceiveWindow(size, 65_536)
    const given: number[] = []
    for (let at = 0; at < 4 * piece; at += 65_536) {
      assert.equal(window.arrived(65_536), 0)
      const back = window.consumed(65_536)
      if (back > 0) given.push(back)
    }
    assert.deepEqual(given, [piece, piece, piece, piece])
    assert.equal(window.available, size)
  })

  it('gives back sooner when a whole packet no longer fits', () => {
    const window = new ReceiveWindow(1000, 100)
    for (let i = 0; i < 9; i++) window.arrived(100)
    window.arrived(50)
    assert.equal(window.consumed(60), 0)
    assert.equal(window.consumed(40), 100)
  })

  it('gives back at once when the peer can send nothing', () => {
    const window = new ReceiveWindow(1000, 1000)
    window.arrived(1000)
    assert.equal(window.consumed(1), 1)
  })

  it('gives back what was saved up when the last room is used', () => {
    const window = new ReceiveWindow(1000, 100)
    for (let i = 0; i < 9; i++) window.arrived(100)
    assert.equal(window.arrived(90), 0)
    assert.equal(window.consumed(30), 0)
    assert.equal(window.arrived(10), 30)
    assert.equal(window.available, 30)
  })

  it('refuses more than it gave, and more than a packet', () => {
    const window = new ReceiveWindow(150, 100)
    violates('channel-packet-too-large', () => window.arrived(101))
    window.arrived(100)
    violates('channel-window-exceeded', () => window.arrived(51))
    assert.equal(window.available, 50)
  })

  it('becomes wider when it is asked to, and never smaller', () => {
    const window = new ReceiveWindow(1000, 100)
    window.arrived(100)
    assert.equal(window.consumed(60), 0)
    assert.equal(window.widen(900), 0)
    assert.equal(window.widen(5000), 4060)
    assert.deepEqual([window.size, window.available, window.unconsumed, window.due], [5000, 4960, 40, 0])
    assert.equal(window.widen(5000), 0)
    assert.equal(window.widen(2 ** 40), largestWindow - 5000)
    assert.equal(window.widen(Number.NaN), 0)
  })

  it('does not let more be consumed than arrived', () => {
    const window = new ReceiveWindow(150, 100)
    window.arrived(10)
    for (const count of [11, -1, 0.5, Number.NaN]) assert.throws(() => window.consumed(count), TypeError)
    assert.equal(window.unconsumed, 10)
  })

  it('keeps its sum, and never leaves the peer without room while nothing is held', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 6000 }),
        fc.array(fc.tuple(fc.constantFrom('arrives', 'consumed', 'widen'), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 200 }),
        (initial, packet, steps) => {
          const window = new ReceiveWindow(initial, packet)
          let size = initial
          let room = size
          for (const [what, share] of steps) {
            if (what === 'widen') {
              size = Math.max(size, Math.round(share * 10_000))
              room += window.widen(Math.round(share * 10_000))
              assert.equal(window.available, room)
              assert.equal(window.available + window.unconsumed + window.due, size)
              continue
            }
            const arrives = what === 'arrives'
            const most = arrives ? Math.min(room, packet) : window.unconsumed
            const count = Math.round(share * most)
            if (arrives) room -= count
            room += arrives ? window.arrived(count) : window.consumed(count)
            assert.equal(window.available, room, 'the peer knows its room')
            assert.equal(window.available + window.unconsumed + window.due, size)
            assert.ok(window.unconsumed <= size)
            if (window.unconsumed === 0) assert.ok(room > 0, 'a peer without room and nobody to give some')
            if (room === 0) assert.equal(window.due, 0)
          }
        },
      ),
    )
  })
})

describe('the window we are given', () => {
  it('may reach 2^32 - 1 and not a byte more', () => {
    const window = new SendWindow(largestWindow - 1)
    window.adjust(1)
    violates('channel-window-overflow', () => window.adjust(1))
    assert.equal(window.available, largestWindow)
  })

  it('is never overdrawn', () => {
    const window = new SendWindow(10)
    window.take(10)
    assert.throws(() => window.take(1), TypeError)
  })

  it('adds and takes like plain numbers', () => {
    const uint32 = fc.integer({ min: 0, max: largestWindow })
    fc.assert(
      fc.property(uint32, fc.array(fc.tuple(fc.boolean(), uint32)), (initial, steps) => {
        const window = new SendWindow(initial)
        let expected = initial
        for (const [adjust, count] of steps) {
          const possible = adjust ? expected + count <= largestWindow : count <= expected
          if (!possible) assert.throws(() => (adjust ? window.adjust(count) : window.take(count)))
          else if (adjust) {
            window.adjust(count)
            expected += count
          } else {
            window.take(count)
            expected -= count
          }
          assert.equal(window.available, expected)
        }
      }),
    )
  })
})
