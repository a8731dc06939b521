// Channels on which nothing passes: when they end, and when not, by a clock that only this test moves.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { closeWhenIdle } from '../../src/server/idle-channel.ts'

/** A clock, and a stream that counts what it is told to. */
const idle = (milliseconds: number) => {
  let now = 0
  let timers: { readonly at: number; readonly act: () => void }[] = []
  const gone = Promise.withResolvers<Error | undefined>()
  const stream = {
    bytesRead: 0,
    bytesWritten: 0,
    aborted: undefined as number | undefined,
    closed: gone.promise,
    abort() {
      stream.aborted = now
      gone.resolve(undefined)
    },
  }
  closeWhenIdle(stream, milliseconds, {
    now: () => now,
    after(wait, act) {
      const timer = { at: now + wait, act }
      timers.push(timer)
      return () => (timers = timers.filter(each => each !== timer))
    },
  })
  return {
    stream,
    end: () => gone.resolve(undefined),
    waiting: () => timers.length,
    pass(wait: number) {
      const until = now + wait
      for (;;) {
        const next = timers.toSorted((a, b) => a.at - b.at)[0]
        if (next === undefined || next.at > until) break
        timers = timers.filter(each => each !== next)
        now = next.at
        next.act()
      }
      now = until
    },
  }
}

describe('a channel', () => {
  test('ends when nothing has passed for its time', () => {
    const it = idle(1000)
    it.pass(999)
    assert.equal(it.stream.aborted, undefined)
    it.pass(1)
    assert.equal(it.stream.aborted, 1000)
  })
  test('lives on what passes either way, and ends at most a quarter late', () => {
    const it = idle(1000)
    for (let round = 0; round < 10; round++) {
      it.pass(900)
      if (round % 2 === 0) it.stream.bytesRead++
      else it.stream.bytesWritten++
    }
    assert.equal(it.stream.aborted, undefined)
    it.pass(5000)
    const late = (it.stream.aborted ?? 0) - 9000
    assert.ok(late >= 1000 && late <= 1250, String(late))
  })
  test('that has ended leaves no timer', async () => {
    const it = idle(1000)
    it.end()
    await Promise.resolve()
    assert.equal(it.waiting(), 0)
  })
})
