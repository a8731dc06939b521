// Sets of serials: whatever the order they come in, the ranges are those of plain sets of numbers.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SerialCollector } from '../../../src/keys/krl/serials.ts'
import { seededRandom } from '../../../src/testing/random.ts'

const setOf = (ranges: readonly (readonly [number | bigint, number | bigint])[]): ReturnType<SerialCollector['finish']> => {
  const collector = new SerialCollector()
  for (const [from, to] of ranges) collector.add(BigInt(from), BigInt(to))
  return collector.finish()
}
const shown = (set: Iterable<{ from: bigint; to: bigint }>): string =>
  Array.from(set, ({ from, to }) => (from === to ? `${from}` : `${from}-${to}`)).join(' ')

test('ranges that touch or overlap become one', () => {
  assert.equal(
    shown(
      setOf([
        [1, 1],
        [2, 2],
        [3, 5],
        [7, 7],
      ]),
    ),
    '1-5 7',
  )
  assert.equal(
    shown(
      setOf([
        [7, 7],
        [3, 5],
        [2, 2],
        [1, 1],
      ]),
    ),
    '1-5 7',
  )
  assert.equal(
    shown(
      setOf([
        [10, 20],
        [1, 100],
        [5, 6],
        [101, 101],
        [103, 104],
      ]),
    ),
    '1-101 103-104',
  )
  assert.equal(shown(setOf([])), '')
})

test('the highest serial has no neighbour above', () => {
  const top = 0xffffffffffffffffn
  assert.equal(
    shown(
      setOf([
        [top, top],
        [1, 1],
      ]),
    ),
    `1 ${top}`,
  )
  assert.equal(
    shown(
      setOf([
        [top - 1n, top - 1n],
        [top, top],
        [top, top],
      ]),
    ),
    `${top - 1n}-${top}`,
  )
  assert.deepEqual(setOf([[1, top]]).find(top), { from: 1n, to: top })
})

test('the ends of a range are in it, their neighbours are not', () => {
  const set = setOf([
    [10, 20],
    [22, 22],
  ])
  for (const [serial, range] of [
    [9, undefined],
    [10, '10-20'],
    [15, '10-20'],
    [20, '10-20'],
    [21, undefined],
    [22, '22'],
    [23, undefined],
  ] as const) {
    const found = set.find(BigInt(serial))
    assert.equal(found === undefined ? undefined : shown([found]), range, `serial ${serial}`)
  }
})

test('random ranges in random order, against a set of numbers', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const expected = new Set<number>()
    const ranges = Array.from({ length: 1 + random.below(30) }, (): [number, number] => {
      const from = 1 + random.below(150)
      return [from, from + random.below(10)]
    })
    for (const [from, to] of ranges) for (let serial = from; serial <= to; serial++) expected.add(serial)
    const set = setOf(ranges)
    for (let serial = 0; serial < 170; serial++)
      assert.equal(set.find(BigInt(serial)) !== undefined, expected.has(serial), `seed ${seed}, serial ${serial}`)
    let before = -2n
    for (const { from, to } of set) {
      assert.ok(from > before + 1n && to >= from, `seed ${seed}: ${shown(set)}`)
      before = to
    }
  }
})

test('a million serials one behind another are one range', () => {
  const collector = new SerialCollector()
  for (let serial = 1n; serial <= 1_000_000n; serial++) collector.add(serial, serial)
  assert.equal(collector.size, 1)
  assert.equal(shown(collector.finish()), '1-1000000')
})
