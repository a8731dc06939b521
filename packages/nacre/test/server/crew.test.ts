// Specifies a crew of worker processes on a virtual clock: one first, then the others; replacing the dead, more slowly the
// sooner they die; ending together; a start that cannot succeed said once.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '../../src/errors.ts'
import { Crew, type CrewHearing, restartDelay, type WorkerEvent } from '../../src/server/crew.ts'
import { virtualClock } from '../../src/testing/clock.ts'

interface Fake {
  readonly pid: number
  readonly hearing: CrewHearing
  readonly told: string[]
}

const crewOf = (count: number) => {
  const clock = virtualClock()
  const processes: Fake[] = []
  const events: WorkerEvent[] = []
  let ready = 0
  const crew = new Crew({
    count,
    clock,
    patience: 5000,
    launch: hearing => {
      const fake: Fake = { pid: 100 + processes.length, hearing, told: [] }
      processes.push(fake)
      return { pid: fake.pid, stop: () => void fake.told.push('stop'), kill: () => void fake.told.push('kill') }
    },
    onEvent: event => void events.push(event),
    onReady: () => ready++,
  })
  const over = crew.run()
  let ended = false
  over.then(
    () => (ended = true),
    () => (ended = true),
  )
  return {
    crew,
    clock,
    over,
    processes,
    events,
    readyTimes: () => ready,
    ended: async () => {
      await new Promise(setImmediate)
      return ended
    },
  }
}

/** A crew of `count` that serves. */
const serving = (count: number): ReturnType<typeof crewOf> => {
  const made = crewOf(count)
  for (let i = 0; i < count; i++) made.processes[i].hearing.ready()
  return made
}

describe('the start', () => {
  test('one process first, the others once it serves', () => {
    const { processes, crew, readyTimes } = crewOf(3)
    assert.equal(processes.length, 1)
    processes[0].hearing.ready()
    assert.deepEqual(crew.pids, [100, 101, 102])
    processes[2].hearing.ready()
    processes[2].hearing.ready()
    assert.equal(readyTimes(), 0)
    processes[1].hearing.ready()
    assert.equal(readyTimes(), 1)
  })
  test('what keeps the first from starting is the crew’s error, word for word, and nobody else is tried', async () => {
    const { processes, over } = crewOf(3)
    processes[0].hearing.failed('Port 22 is taken.')
    processes[0].hearing.ended('ended with exit code 1')
    await assert.rejects(over, (error: unknown) => error instanceof ConfigError && error.message === 'Port 22 is taken.')
    assert.equal(processes.length, 1)
  })
  test('one that dies without a word before it serves is an error too', async () => {
    const { processes, over } = crewOf(2)
    processes[0].hearing.ended('was ended by SIGKILL')
    await assert.rejects(over, /The first worker was ended by SIGKILL before it served/)
  })
  test('told to stop before it serves, it ends without an error', async () => {
    const { processes, over, crew } = crewOf(2)
    crew.stop()
    assert.deepEqual(processes[0].told, ['stop'])
    processes[0].hearing.ended('ended with exit code 0')
    await over
  })
  test('there is one worker at least, and not thousands', () => {
    for (const count of [0, -1, 1.5, Number.NaN, 5000]) assert.throws(() => crewOf(count), ConfigError)
  })
})

describe('a death', () => {
  test('of one that had served for a while is made good at once; the others are left alone', () => {
    const { processes, clock, crew, events } = serving(2)
    clock.advance(10_000)
    processes[0].hearing.ended('was ended by SIGSEGV')
    assert.deepEqual(events.at(-1), { event: 'ended', pid: 100, how: 'was ended by SIGSEGV', restarting: 0 })
    clock.advance(0)
    assert.deepEqual(crew.pids, [101, 102])
    assert.deepEqual(processes[1].told, [])
  })
  test('of one that keeps dying is made good more and more slowly, half a minute at most', () => {
    const { processes, clock } = serving(1)
    const delays: number[] = []
    for (let i = 0; i < 12; i++) {
      processes[i].hearing.ended('ended with exit code 1')
      const at = clock.next() ?? Number.NaN
      delays.push(at - clock.now())
      clock.advanceTo(at)
      assert.equal(processes.length, i + 2)
    }
    assert.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000, 30_000])
    assert.equal(restartDelay(10_000, 30_000), 0, 'and whoever recovers begins anew')
  })
  test('of one that could not start says why', () => {
    const { processes, events } = crewOf(2)
    processes[0].hearing.ready()
    processes[1].hearing.failed('The host key is gone.')
    processes[1].hearing.ended('ended with exit code 1')
    assert.deepEqual(events.at(-1), { event: 'ended', pid: 101, how: 'could not start: The host key is gone.', restarting: 100 })
  })
  test('is heard once', () => {
    const { processes, events } = serving(1)
    processes[0].hearing.ended('was ended by SIGKILL')
    processes[0].hearing.ended('was ended by SIGKILL')
    assert.equal(events.filter(each => each.event === 'ended').length, 1)
  })
})

describe('the end', () => {
  test('is told to all, comes when the last has gone, and nobody is replaced', async () => {
    const { processes, crew, clock, over, ended } = serving(2)
    crew.stop()
    assert.deepEqual(
      processes.map(each => each.told),
      [['stop'], ['stop']],
    )
    processes[0].hearing.ended('ended with exit code 0')
    assert.equal(await ended(), false)
    processes[1].hearing.ended('ended with exit code 0')
    await over
    clock.advance(60_000)
    assert.equal(processes.length, 2)
    assert.equal(clock.next(), undefined)
  })
  test('kills whoever takes too long', () => {
    const { processes, crew, clock } = serving(2)
    crew.stop()
    processes[0].hearing.ended('ended with exit code 0')
    clock.advance(4999)
    assert.deepEqual(processes[1].told, ['stop'])
    clock.advance(1)
    assert.deepEqual([processes[0].told, processes[1].told], [['stop'], ['stop', 'kill']])
  })
  test('is at once when told a second time', () => {
    const { processes, crew } = serving(1)
    crew.stop()
    crew.stop()
    assert.deepEqual(processes[0].told, ['stop', 'kill'])
  })
  test('does not wait for a replacement that was still to come', async () => {
    const { processes, crew, clock, over } = serving(1)
    processes[0].hearing.ended('was ended by SIGKILL')
    crew.stop()
    await over
    clock.advance(60_000)
    assert.equal(processes.length, 1)
  })
})
