// Channels over which nothing passes: when they end, and when not, alone and together, by a clock that only this test moves.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IdleWatch, type Watched } from '../../src/io/idle-watch.ts'

/** A clock that stands until it is told. */
const standing = () => {
  let now = 0
  let timers: { readonly at: number; readonly act: () => void }[] = []
  return {
    now: () => now,
    after(wait: number, act: () => void) {
      const timer = { at: now + wait, act }
      timers.push(timer)
      return () => void (timers = timers.filter(each => each !== timer))
    },
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

/** A channel that remembers when it was aborted. */
const channelAt = (clock: { now(): number }) => {
  const gone: ((cause: Error) => void)[] = []
  const channel = {
    traffic: undefined as Watched['traffic'],
    aborted: undefined as number | undefined,
    whenClosed: (listener: (cause: Error) => void) => void gone.push(listener),
    close: () => {
      for (const listener of gone) listener(new Error('closed'))
    },
    abort() {
      channel.aborted = clock.now()
      channel.close()
    },
  }
  return channel
}

const watched = (milliseconds: number) => {
  const clock = standing()
  const channel = channelAt(clock)
  new IdleWatch(clock, milliseconds).add(channel)
  return { clock, channel }
}

describe('a channel by itself', () => {
  test('ends when nothing has passed for its time', () => {
    const { clock, channel } = watched(1000)
    clock.pass(999)
    assert.equal(channel.aborted, undefined)
    clock.pass(1)
    assert.equal(channel.aborted, 1000)
    assert.equal(clock.waiting(), 0)
  })

  test('lives on what passes, and ends on time after the last of it', () => {
    const { clock, channel } = watched(1000)
    for (let round = 0; round < 10; round++) {
      clock.pass(900)
      channel.traffic?.passed()
    }
    assert.equal(channel.aborted, undefined)
    clock.pass(5000)
    assert.equal(channel.aborted, 10_000)
  })

  test('that has ended leaves no timer', () => {
    const { clock, channel } = watched(1000)
    channel.close()
    assert.equal(clock.waiting(), 0)
  })
})

describe('channels together', () => {
  test('live while anything passes over one of them, and end at once', () => {
    const clock = standing()
    const [first, second] = [channelAt(clock), channelAt(clock)]
    const together = new IdleWatch(clock, 1000)
    together.add(first)
    clock.pass(600)
    together.add(second)
    clock.pass(600)
    first.traffic?.passed()
    clock.pass(999)
    assert.deepEqual([first.aborted, second.aborted], [undefined, undefined])
    clock.pass(1)
    assert.deepEqual([first.aborted, second.aborted], [2200, 2200])
    assert.equal(clock.waiting(), 0)
  })

  test('are kept by one that has a time of its own too, until that one ends', () => {
    const clock = standing()
    const [own, other] = [channelAt(clock), channelAt(clock)]
    const together = new IdleWatch(clock, 1000)
    new IdleWatch(clock, 700, together).add(own)
    together.add(other)
    clock.pass(500)
    own.traffic?.passed()
    clock.pass(700)
    assert.deepEqual([own.aborted, other.aborted], [1200, undefined])
    clock.pass(300)
    assert.deepEqual([own.aborted, other.aborted], [1200, 1500])
  })

  test('are watched again when one comes after all had gone', () => {
    const clock = standing()
    const together = new IdleWatch(clock, 1000)
    const [first, second] = [channelAt(clock), channelAt(clock)]
    together.add(first)
    first.close()
    assert.equal(clock.waiting(), 0)
    clock.pass(5000)
    together.add(second)
    clock.pass(1000)
    assert.deepEqual([first.aborted, second.aborted], [undefined, 6000])
  })
})
