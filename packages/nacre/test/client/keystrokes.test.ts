// Hiding when somebody types: what leaves when, and what looks like it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KeystrokeCover } from '../../src/client/keystrokes.ts'
import { virtualClock } from '../../src/testing/clock.ts'

const covered = (random = (): number => 0) => {
  const clock = virtualClock()
  const sent: (readonly [at: number, what: string])[] = []
  const line = {
    write: (bytes: Uint8Array) => void sent.push([clock.now(), Buffer.from(bytes).toString()]),
    chaff: () => void sent.push([clock.now(), '(chaff)']),
  }
  const cover = new KeystrokeCover(line, { milliseconds: 20, clock, random })
  return { clock, sent, cover, type: (text: string) => cover.write(Buffer.from(text)) }
}

describe('typed keys', () => {
  it('leave at once when nothing went before, then at intervals, together', () => {
    const { clock, sent, type } = covered()
    type('a')
    clock.advance(5)
    type('b')
    clock.advance(5)
    type('c')
    clock.advance(8)
    assert.deepEqual(sent, [
      [0, 'a'],
      [18, 'bc'],
    ])
  })
  it('are followed by packets like them for a second, and then by nothing', () => {
    const { clock, sent, type } = covered()
    type('a')
    clock.advance(10_000)
    const times = sent.filter(([, what]) => what === '(chaff)').map(([at]) => at)
    assert.equal(times[0], 18)
    assert.deepEqual(new Set(times.map((at, index) => at - (times[index - 1] ?? 0))), new Set([18]))
    assert.ok(times.length === Math.floor(1024 / 18), `${times.length} packets`)
    assert.equal(clock.next(), undefined, 'no timer is left')
  })
  it('chance moves intervals and the end', () => {
    const { clock, sent, type } = covered(() => 0.999)
    type('a')
    clock.advance(10_000)
    const times = sent.map(([at]) => at)
    assert.ok(times[1] > 21 && times[1] < 22, `${times[1]}`)
    const last = times.at(-1) ?? 0
    assert.ok(last > 3000 && last <= 1024 + 2048, `${last}`)
  })
  it('in great number are no keys: they leave at once, after what waited', () => {
    const { clock, sent, type } = covered()
    type('a')
    clock.advance(1)
    type('b')
    type('x'.repeat(300))
    assert.deepEqual(
      sent.map(([at, what]) => [at, what.length]),
      [
        [0, 1],
        [1, 1],
        [1, 300],
      ],
    )
    assert.equal(clock.next(), undefined, 'and nothing is hidden until the next key')
  })
  it('that wait leave when it stops', () => {
    const { sent, type, cover, clock } = covered()
    type('a')
    type('b')
    cover.stop()
    assert.deepEqual(
      sent.map(([, what]) => what),
      ['a', 'b'],
    )
    assert.equal(clock.next(), undefined)
  })
})
