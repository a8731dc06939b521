// When calls to the disk are made at once, and when the thread pool makes them: by a clock of the test's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPace, type Pace } from '../../../src/sftp/files/pace-node.ts'

/** A machine where nobody waits for a processor. */
const idle = (): number => 0

/** Makes `count` calls of `each` milliseconds one after the other while they are made at once; when that was last so. */
const make = (pace: Pace, from: number, count: number, each: number): { now: number; made: number } => {
  let now = from
  for (let made = 0; made < count; made++) {
    if (!pace.atOnce(now)) return { now, made }
    pace.took(now, now + each)
    now += each
  }
  return { now, made: count }
}

test('quick calls are made at once, however many', () => {
  assert.equal(make(createPace(idle), 1000, 10_000, 0.003).made, 10_000)
})

test('a disk that takes its time for each call is left to the pool after a few', () => {
  const { made } = make(createPace(idle), 1000, 100, 8)
  assert.ok(made >= 5 && made <= 10, `${made} calls`)
})

test('one call that takes very long is enough', () => {
  assert.equal(make(createPace(idle), 1000, 100, 120).made, 1)
})

test('on a busy machine, calls that waited for a processor are not held against the disk', () => {
  let busy = 0
  const pace = createPace(() => busy)
  let now = 1000
  for (let round = 0; round < 1000; round++) {
    busy += 40
    pace.took(now, now + 40)
    now += 40
    assert.ok(pace.atOnce(now))
  }
  assert.ok(make(pace, now, 100, 8).made < 20, 'but a disk that is slow as well is noticed')
})

test('a call now and then that took long is forgiven', () => {
  const pace = createPace(idle)
  let now = 1000
  for (let round = 0; round < 1000; round++) {
    pace.took(now, now + 8)
    now += 50
    assert.ok(pace.atOnce(now))
  }
})

test('after a rest calls are tried again; if they are still slow the next rest is twice as long, up to half a minute', () => {
  const pace = createPace(idle)
  let { now } = make(pace, 1000, 100, 10)
  const rests: number[] = []
  for (let round = 0; round < 10; round++) {
    const stopped = now
    while (!pace.atOnce(now)) now += 50
    rests.push(now - stopped)
    const tried = make(pace, now, 100, 10)
    assert.ok(tried.made <= 1, `${tried.made} slow calls were made at once`)
    now = tried.now
  }
  assert.deepEqual(rests, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
})

test('a disk that was quick for ten seconds begins with a short rest again', () => {
  const pace = createPace(idle)
  let { now } = make(pace, 1000, 100, 200)
  now = make(pace, now + 250, 1, 200).now
  now = make(pace, now + 500, 20, 1).now + 10_000
  now = make(pace, now, 1, 200).now
  assert.equal(pace.atOnce(now + 249), false)
  assert.equal(pace.atOnce(now + 250), true)
})
