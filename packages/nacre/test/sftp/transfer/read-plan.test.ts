// Which parts of a file are asked for: each byte once, in order where it can be, and what the server gets wrong once more.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type ReadHabits, ReadPlan, type ReadRange } from '../../../src/sftp/transfer/read-plan.ts'

const habits = (request = 100): ReadHabits => ({ serial: false, request })
const planOf = (end: number | undefined, given = habits(), start = 0): ReadPlan =>
  new ReadPlan({ start, end, habits: given, maximumRequests: 8 })
const must = (range: ReadRange | undefined): ReadRange => {
  assert.ok(range !== undefined)
  return range
}
const shown = (range: ReadRange | undefined): string => (range === undefined ? 'nothing' : `${range.offset}+${range.length}`)
const lots = 1_000_000

describe('a plan to read a file of known size', () => {
  it('asks for one byte more than there should be', () => {
    const plan = planOf(250)
    const ranges = [must(plan.next(lots)), must(plan.next(lots)), must(plan.next(lots))]
    assert.deepEqual(ranges.map(shown), ['0+100', '100+100', '200+51'])
    assert.equal(plan.next(lots), undefined)
    assert.equal(plan.arrived(ranges[1], 100), 'go-on')
    assert.equal(plan.arrived(ranges[2], 50), 'go-on')
    assert.ok(!plan.complete)
    assert.equal(plan.arrived(ranges[0], 100), 'go-on')
    assert.ok(plan.complete)
  })

  it('asks for what was not sent once more, before anything else', () => {
    const plan = planOf(1000)
    const first = must(plan.next(lots))
    plan.next(lots)
    plan.arrived(first, 30)
    assert.equal(shown(plan.next(lots)), '30+70')
    assert.equal(shown(plan.next(lots)), '200+100')
  })

  it('keeps to the room and the number of requests it is given', () => {
    const plan = planOf(10_000)
    assert.equal(plan.next(99), undefined)
    for (let i = 0; i < 8; i++) must(plan.next(lots))
    assert.equal(plan.next(lots), undefined)
    assert.deepEqual([plan.requests, plan.bytes], [8, 800])
  })

  it('says when the file ends early, once all before it has come', () => {
    const plan = planOf(300)
    const [a, b, c] = [must(plan.next(lots)), must(plan.next(lots)), must(plan.next(lots))]
    const d = must(plan.next(lots))
    assert.equal(plan.ended(c), 'go-on')
    assert.equal(plan.ended(b), 'go-on')
    assert.equal(plan.ended(d), 'go-on')
    assert.equal(plan.arrived(a, 100), 'early-end')
    assert.equal(plan.endAt, 100)
    plan.confirmEnd()
    assert.ok(plan.complete)
    assert.equal(plan.end, 100)
  })

  it('doubts an end three times, one request at a time, and gives up then', () => {
    const plan = planOf(300)
    plan.arrived(must(plan.next(100)), 100)
    let verdict = plan.ended(must(plan.next(100)))
    for (let i = 0; i < 3; i++) {
      assert.equal(verdict, 'early-end')
      assert.equal(plan.doubtEnd(), 'go-on')
      const again = must(plan.next(lots))
      assert.equal(again.offset, 100)
      assert.equal(plan.next(lots), undefined)
      verdict = plan.ended(again)
    }
    assert.equal(verdict, 'early-end')
    assert.equal(plan.doubtEnd(), 'give-up')
  })

  it('takes an end for none when something from behind it comes', () => {
    const plan = planOf(300)
    const [a, b, c, d] = [must(plan.next(lots)), must(plan.next(lots)), must(plan.next(lots)), must(plan.next(lots))]
    plan.ended(b)
    assert.equal(plan.arrived(c, 100), 'go-on')
    plan.arrived(a, 100)
    plan.ended(d)
    assert.equal(shown(plan.next(lots)), '100+100')
  })

  it('says when there is more than the size', () => {
    const plan = planOf(50)
    const range = must(plan.next(lots))
    assert.equal(plan.arrived(range, 51), 'longer')
    plan.ignoreRest()
    assert.ok(plan.complete)
    const follows = planOf(50)
    follows.arrived(must(follows.next(lots)), 51)
    follows.endless()
    assert.equal(shown(follows.next(lots)), '51+100')
  })

  it('asks one at a time after a failure, then for less, and makes that a habit only when it helps', () => {
    const shared = habits(20_000)
    const plan = planOf(60_000, shared)
    const [a, b] = [must(plan.next(lots)), must(plan.next(lots))]
    assert.equal(plan.failed(b, true), 'go-on')
    assert.equal(plan.next(lots), undefined)
    plan.arrived(a, 20_000)
    const alone = must(plan.next(lots))
    assert.equal(shown(alone), '20000+20000')
    assert.equal(plan.next(lots), undefined)
    plan.failed(alone, true)
    const smaller = must(plan.next(lots))
    assert.equal(shown(smaller), '20000+10000')
    assert.deepEqual(shared, { serial: false, request: 20_000 })
    plan.arrived(smaller, 10_000)
    assert.deepEqual(shared, { serial: true, request: 10_000 })
  })

  it('gives up on what will not pass, and on what fails however small', () => {
    const plan = planOf(1000)
    assert.equal(plan.failed(must(plan.next(lots)), false), 'give-up')
    const small = planOf(100_000, habits(16_384))
    for (let i = 0; i < 3; i++) assert.equal(small.failed(must(small.next(lots)), true), 'go-on')
    assert.equal(small.failed(must(small.next(lots)), true), 'give-up')
  })

  it('learns how much a server sends at most', () => {
    const shared = habits(100_000)
    const plan = planOf(1_000_000, shared)
    const [a, b] = [must(plan.next(lots)), must(plan.next(lots))]
    plan.arrived(a, 30_000)
    plan.arrived(b, 30_000)
    assert.equal(shared.request, 30_000)
    assert.equal(shown(plan.next(lots)), '30000+30000')
  })
})

describe('a plan to read a file that does not say how long it is', () => {
  it('asks for one piece, then for more once something has come, to the end', () => {
    const plan = planOf(undefined)
    const first = must(plan.next(lots))
    assert.equal(plan.next(lots), undefined)
    plan.arrived(first, 100)
    const second = must(plan.next(lots))
    const third = must(plan.next(lots))
    plan.ended(third)
    plan.arrived(second, 20)
    const rest = must(plan.next(lots))
    assert.equal(shown(rest), '120+80')
    plan.ended(rest)
    assert.ok(plan.complete)
    assert.equal(plan.end, 120)
  })

  it('and nothing in it', () => {
    const plan = planOf(undefined)
    assert.equal(plan.ended(must(plan.next(lots))), 'go-on')
    assert.ok(plan.complete)
    assert.equal(plan.end, 0)
  })
})

it('every order of answers, short ones, failures and false ends bring each byte exactly once', () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.option(fc.nat(200)), fc.integer({ min: 4096, max: 20_000 }), fc.nat(), (size, lie, request, seed) => {
      // The size told may be wrong in either direction; an empty answer means unknown.
      const told = lie === null ? undefined : Math.max(1, size + lie - 100)
      const plan = new ReadPlan({ start: 0, end: told, habits: { serial: false, request }, maximumRequests: 6 })
      const got = new Uint8Array(size + 1)
      const waiting: ReadRange[] = []
      let state = seed | 1
      const chance = (limit: number): number => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return Math.floor((state / 2 ** 32) * limit)
      }
      let faults = 4
      for (let steps = 0; !plan.complete; steps++) {
        assert.ok(steps < 5000, 'it does not end')
        const room = plan.requests === 0 ? request : chance(50_000)
        const range = plan.next(room)
        if (range !== undefined) waiting.push(range)
        if (waiting.length === 0 || (range !== undefined && chance(2) === 0)) continue
        const [answered] = waiting.splice(chance(waiting.length), 1)
        const left = Math.min(answered.length, Math.max(0, size - answered.offset))
        const fault = faults > 0 ? chance(6) : 6
        let verdict
        if (fault < 2) {
          faults--
          verdict = fault === 0 ? plan.failed(answered, true) : plan.ended(answered)
        } else if (left === 0) verdict = plan.ended(answered)
        else {
          const count = chance(3) === 0 ? 1 + chance(left) : left
          for (let i = answered.offset; i < answered.offset + count; i++) got[i]++
          verdict = plan.arrived(answered, count)
        }
        // A file without a size can be cut off by a false end: nobody could know.
        if (verdict === 'give-up') return
        if (verdict === 'longer') plan.endless()
        if (verdict === 'early-end') {
          if ((plan.endAt ?? 0) >= size) plan.confirmEnd()
          else if (plan.doubtEnd() === 'give-up') return
        }
      }
      const end = plan.end ?? 0
      assert.ok(end <= size)
      for (let i = 0; i < end; i++) assert.equal(got[i], 1, `byte ${i} came ${got[i]} times`)
      if (told !== undefined && lie !== null && lie <= 100) assert.ok(end >= Math.min(told, size) || faults < 4)
    }),
    { numRuns: 500 },
  )
})
