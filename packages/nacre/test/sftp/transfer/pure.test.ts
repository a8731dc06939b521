// What decides without I/O: how much to have in flight, how fast to go, which writes to send, what to say of progress.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SftpError, TimeoutError } from '../../../src/errors.ts'
import type { Clock } from '../../../src/io/clock.ts'
import { Crew, Handles } from '../../../src/sftp/transfer/crew.ts'
import { Allowance, Depth } from '../../../src/sftp/transfer/depth.ts'
import { mayPass } from '../../../src/sftp/transfer/fault.ts'
import { temporaryName } from '../../../src/sftp/transfer/moving.ts'
import type { TransferProgress } from '../../../src/sftp/transfer/options.ts'
import { Pace } from '../../../src/sftp/transfer/pace.ts'
import { Progress } from '../../../src/sftp/transfer/progress.ts'
import { WritePlan, type WriteRange } from '../../../src/sftp/transfer/write-plan.ts'

const mebi = 1024 * 1024

/** A way of so many bytes a millisecond and so much delay, on a clock of its own; says how long `total` bytes took. */
const simulate = (depth: Depth, rate: number, delay: number, total: number): { took: number; most: number } => {
  const request = 255 * 1024
  let now = 0
  let free = 0
  let flying: { due: number; departure: ReturnType<Depth['depart']> }[] = []
  let [sent, done, most] = [0, 0, 0]
  while (done < total) {
    while (sent < total && (flying.length + 1) * request <= depth.bytes) {
      free = Math.max(free, now) + request / rate
      flying.push({ due: free + delay, departure: depth.depart(now) })
      sent += request
    }
    most = Math.max(most, flying.length * request)
    const [next] = flying
    now = next.due
    flying = flying.slice(1)
    done += request
    depth.arrive(now, next.departure, request, (flying.length + 1) * request * 2 > depth.bytes)
  }
  return { took: now, most }
}

describe('the depth', () => {
  const limits = { floor: mebi, ceiling: 16 * mebi }
  it('grows over a long way until it is filled, and not beyond the ceiling', () => {
    const { took, most } = simulate(new Depth(limits), 100_000, 100, 512 * mebi)
    // 100 MB a second over 100 ms: 10 MB under way are needed.
    assert.ok(took < (512 * mebi) / 100_000 + 1500, String(took))
    assert.ok(most <= 16 * mebi)
  })
  it('stays small where the way is short or slow', () => {
    const near = new Depth(limits)
    simulate(near, 500_000, 0.1, 512 * mebi)
    assert.ok(near.bytes < 4 * mebi, String(near.bytes))
    const slow = new Depth(limits)
    simulate(slow, 1000, 50, 64 * mebi)
    assert.ok(slow.bytes < 4 * mebi, String(slow.bytes))
  })
  it('is never left below the floor or above the ceiling by any sequence', () => {
    const depth = new Depth({ floor: 1000, ceiling: 5000 }, 1)
    assert.equal(depth.bytes, 1000)
    for (let i = 0; i < 200; i++) {
      depth.arrive(i * 3, depth.depart(i * 2), (i * 7919) % 4000, i % 3 === 0)
      assert.ok(depth.bytes >= 1000 && depth.bytes <= 5000)
    }
  })
  it('always lets who has nothing under way ask for one', () => {
    const allowance = new Allowance(new Depth({ floor: 1000, ceiling: 5000 }, 1))
    allowance.used = 9000
    assert.equal(allowance.room(true, 700), 700)
    assert.ok(allowance.room(false, 700) <= 0)
  })
})

describe('the pace', () => {
  it('lets through what was asked for, over any time, and no burst after a pause', () => {
    const pace = new Pace(1000)
    let now = 0
    let sent = 0
    while (now < 10_000) {
      const wait = pace.wait(now)
      if (wait > 0) now += wait
      else {
        pace.spend(now, 100)
        sent += 100
      }
    }
    assert.ok(Math.abs(sent - 10_000) <= 200, String(sent))
    now += 60_000
    let burst = 0
    while (pace.wait(now) === 0) {
      pace.spend(now, 100)
      burst += 100
    }
    assert.ok(burst <= 300)
  })
  it('is none without a limit', () => {
    const pace = new Pace(undefined)
    pace.spend(0, 1e12)
    assert.equal(pace.wait(0), 0)
  })
})

describe('a plan to write', () => {
  const planOf = (end: number | undefined, span = 1e9, request = 10_000) =>
    new WritePlan({ start: 0, end, habits: { serial: false, request }, maximumRequests: 4, span })
  const must = (range: WriteRange | undefined): WriteRange => {
    assert.ok(range !== undefined)
    return range
  }
  it('sends in order, and no further ahead than the span', () => {
    const plan = planOf(100_000, 25_000)
    const [a, b] = [must(plan.next(1e6)), must(plan.next(1e6))]
    assert.equal(plan.next(1e6), undefined)
    plan.written(b)
    assert.equal(plan.settled, 0)
    assert.equal(plan.next(1e6), undefined)
    plan.written(a)
    assert.equal(plan.settled, 20_000)
    assert.equal(must(plan.next(1e6)).offset, 20_000)
  })
  it('sends a refused piece again alone, then in halves, until it is no use', () => {
    const plan = planOf(30_000)
    const [a, b, c] = [must(plan.next(1e6)), must(plan.next(1e6)), must(plan.next(1e6))]
    assert.ok(plan.failed(b, true))
    plan.written(a)
    assert.equal(plan.next(1e6), undefined)
    plan.written(c)
    const again = must(plan.next(1e6))
    assert.deepEqual([again.offset, again.length, again.alone], [10_000, 10_000, true])
    assert.ok(plan.failed(again, true))
    const half = must(plan.next(1e6))
    assert.deepEqual([half.offset, half.length], [10_000, 5000])
    assert.ok(plan.failed(half, true))
    assert.ok(!plan.failed(must(plan.next(1e6)), true))
    const lasting = planOf(10)
    assert.ok(!lasting.failed(must(lasting.next(1e6)), false))
  })
  it('ends where the source does', () => {
    const plan = planOf(undefined)
    plan.written(must(plan.next(1e6)))
    const rest = plan.ended(must(plan.next(1e6)), 300)
    assert.equal(plan.end, 10_300)
    plan.written(must(rest))
    assert.ok(plan.complete)
    const empty = planOf(undefined)
    assert.equal(empty.ended(must(empty.next(1e6)), 0), undefined)
    assert.ok(empty.complete)
  })
})

describe('progress', () => {
  it('is told now and then, with rate and time left, and what an earlier try did does not count as speed', () => {
    let now = 0
    const clock: Clock = { now: () => now, after: () => () => {} }
    const heard: TransferProgress[] = []
    const progress = new Progress(each => void heard.push(each), clock)
    progress.found(10_000)
    progress.moved('f', 4000, true)
    for (let i = 0; i < 50; i++) {
      now += 10
      progress.moved('f', 100)
    }
    progress.fileDone()
    progress.finish()
    assert.ok(heard.length <= 8, String(heard.length))
    const last = heard[heard.length - 1]
    assert.equal(last.done, 9000)
    assert.equal(last.rate, 10_000)
    assert.equal(last.remainingSeconds, 0.1)
    assert.deepEqual(last.files, { done: 1, total: 1 })
  })
})

describe('a crew', () => {
  it('runs no more at once than it may, and tells who brings too much to wait', async () => {
    const crew = new Crew(3, 5)
    let [running, most, done] = [0, 0, 0]
    const task = async (): Promise<void> => {
      most = Math.max(most, ++running)
      await new Promise(resolve => setImmediate(resolve))
      running--
      done++
    }
    for (let i = 0; i < 40; i++) await crew.submit(task)
    await crew.idle()
    assert.deepEqual([most, done], [3, 40])
  })
})

describe('handles of a server', () => {
  const failure = new SftpError('failure', 'no')
  it('are found out to be few, and then no more are asked for', async () => {
    const limits = { handles: 100 }
    let scarce = 0
    const handles = new Handles(limits, () => scarce++)
    let [open, refused] = [0, 0]
    const use = async (): Promise<void> => {
      await handles.take(async () => {
        await new Promise(resolve => setImmediate(resolve))
        if (open >= 2) {
          refused++
          throw failure
        }
        open++
      })
      await new Promise(resolve => setImmediate(resolve))
      open--
      handles.release()
    }
    await Promise.all(Array.from({ length: 30 }, use))
    assert.ok(limits.handles <= 2)
    assert.ok(scarce > 0)
    const before = refused
    await Promise.all(Array.from({ length: 30 }, use))
    assert.equal(refused, before)
  })
  it('are not blamed for what fails alone too', async () => {
    const limits = { handles: 100 }
    const handles = new Handles(limits, () => {})
    await handles.take(async () => {})
    const failing = handles.take(() => Promise.reject(failure))
    handles.release()
    await assert.rejects(failing, failure)
    assert.equal(limits.handles, 100)
  })
})

describe('what may pass', () => {
  it('is what another way of asking may help with', () => {
    assert.ok(mayPass(new SftpError('failure', '')))
    assert.ok(mayPass(new TimeoutError('transfer', '')))
    assert.ok(!mayPass(new SftpError('failure', '', { errno: 'ENOSPC' })))
    assert.ok(!mayPass(new SftpError('permission-denied', '')))
    assert.ok(!mayPass(new SftpError('connection-lost', '')))
    assert.ok(!mayPass(new RangeError()))
  })
})

describe('temporary names', () => {
  it('are short, hidden, and the same for the same name only when asked to last', () => {
    assert.match(temporaryName('x', false), /^\.nacre-[0-9a-f]{16}\.part$/)
    assert.notEqual(temporaryName('x', false), temporaryName('x', false))
    assert.equal(temporaryName('x', true), temporaryName('x', true))
    assert.notEqual(temporaryName('x', true), temporaryName('y', true))
  })
})
