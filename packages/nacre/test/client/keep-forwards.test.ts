// Forwards kept over one connection after another: pauses that grow, what listens meanwhile, who waits, ports that stay, and giving up.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientConnection } from '../../src/client/connection.ts'
import { keepForwards, type KeepForwardsOptions, type KeptState } from '../../src/client/keep-forwards.ts'
import { AuthenticationError, ConfigError, ConnectError, ForwardError } from '../../src/errors.ts'
import { MemorySockets } from '../../src/testing/sockets.ts'
import { quiet } from '../io/fixtures.ts'
import { echoing, exchange, world, type World, type WorldOptions } from './forward-fixtures.ts'

/** Time that passes when the test says so. */
const hourglass = () => {
  let now = 0
  const timers = new Set<{ readonly at: number; readonly act: () => void }>()
  return {
    clock: {
      now: () => now,
      after(milliseconds: number, act: () => void) {
        const timer = { at: now + milliseconds, act }
        timers.add(timer)
        return () => void timers.delete(timer)
      },
    },
    async pass(milliseconds: number) {
      now += milliseconds
      for (const timer of timers)
        if (timer.at <= now) {
          timers.delete(timer)
          timer.act()
        }
      await quiet()
    },
  }
}

interface Kept {
  readonly here: MemorySockets
  readonly worlds: World[]
  readonly states: KeptState[]
  readonly pass: (milliseconds: number) => Promise<void>
  readonly options: KeepForwardsOptions
  /** What the next attempts come to; a connection when nothing is said. */
  readonly failures: Error[]
}

const kept = (options: Partial<KeepForwardsOptions> = {}, worldOptions: WorldOptions = {}): Kept => {
  const here = new MemorySockets()
  const worlds: World[] = []
  const states: KeptState[] = []
  const failures: Error[] = []
  const { clock, pass } = hourglass()
  return {
    here,
    worlds,
    states,
    pass,
    failures,
    options: {
      forwards: [],
      sockets: async () => here,
      clock,
      random: () => 1,
      onState: state => states.push(state),
      async connect(): Promise<ClientConnection> {
        const failure = failures.shift()
        if (failure !== undefined) throw failure
        const made = await world({ ...worldOptions, client: { sockets: async () => here } })
        await echoing(made.there, { host: 'db', port: 1 }, `${worlds.length} `)
        worlds.push(made)
        return made.client
      },
      ...options,
    },
  }
}

const lost = (): ConnectError => new ConnectError('CONNECT_FAILED', 'nobody there', { host: 'h', port: 22 })

describe('kept forwards', () => {
  it('listen before there is a connection, and go on over the next when one is lost', async () => {
    const at = kept({ forwards: [{ forward: { listen: '/s', to: 'db:1' } }, { socks: { listen: '/socks' } }] })
    await using forwards = await keepForwards(at.options)
    assert.deepEqual(at.here.listening, ['/s', '/socks'])
    await quiet()
    assert.equal(forwards.state, 'up')
    assert.equal(await exchange(await at.here.connect({ path: '/s' }), 'a'), '0 a')
    at.worlds[0]?.served.disconnect('by-application', 'restart')
    await quiet()
    assert.equal(forwards.state, 'waiting')
    assert.match(forwards.lastError?.message ?? '', /restart/)
    assert.deepEqual(at.here.listening, ['/s', '/socks'])
    await at.pass(1000)
    assert.equal(await exchange(await at.here.connect({ path: '/s' }), 'b'), '1 b')
    await quiet()
    assert.deepEqual(at.states, ['connecting', 'up', 'waiting', 'connecting', 'up'])
    assert.deepEqual(forwards.attempts, { tried: 2, up: 2 })
    assert.deepEqual(forwards.counts, { open: 0, total: 2, refused: 0, bytesToServer: 2, bytesFromServer: 6 })
  })

  it('let who comes meanwhile wait, but not for ever', async () => {
    const at = kept({ forwards: [{ forward: { listen: '/s', to: 'db:1' } }], patience: 2500 })
    at.failures.push(lost(), lost())
    await using forwards = await keepForwards(at.options)
    await quiet()
    const early = await at.here.connect({ path: '/s' })
    await at.pass(1000)
    assert.equal(early.destroyed, false)
    await at.pass(1500)
    assert.equal(await early.read(), undefined)
    assert.match(forwards.forwards[0]?.lastError?.message ?? '', /no connection to the server just now/)
    const late = await at.here.connect({ path: '/s' })
    late.write('waited')
    late.end()
    await at.pass(500)
    assert.equal(await late.text(), '0 waited')
  })

  it('try again after pauses that double up to a limit, shorter by chance', async () => {
    for (const [random, pauses] of [
      [1, [1000, 2000, 4000, 5000, 5000]],
      [0, [500, 1000, 2000, 2500, 2500]],
    ] as const) {
      const at = kept({ backoff: { most: 5000 }, random: () => random })
      at.failures.push(...Array.from({ length: 10 }, lost))
      await using forwards = await keepForwards(at.options)
      await quiet()
      for (const [index, pause] of pauses.entries()) {
        await at.pass(pause - 1)
        assert.equal(forwards.attempts.tried, index + 1)
        await at.pass(1)
        assert.equal(forwards.attempts.tried, index + 2)
      }
    }
  })

  it('pause for long where connections end at once, and briefly after one that held', async () => {
    const at = kept()
    await using forwards = await keepForwards(at.options)
    await quiet()
    for (const pause of [1000, 2000, 4000]) {
      at.worlds.at(-1)?.served.disconnect('by-application', 'no')
      await quiet()
      await at.pass(pause - 1)
      assert.equal(forwards.state, 'waiting')
      await at.pass(1)
      assert.equal(forwards.state, 'up')
    }
    await at.pass(8000)
    at.worlds.at(-1)?.served.disconnect('by-application', 'after a while')
    await quiet()
    await at.pass(1000)
    assert.equal(forwards.state, 'up')
  })

  it('ask each server to listen, for the port the first one chose', async () => {
    const at = kept({
      forwards: [
        { reverse: { listen: 0, to: () => {} } },
        { reverse: { listen: 80, to: () => {} } },
        { reverse: { listen: '/s', to: () => {} } },
      ],
    })
    await using forwards = await keepForwards(at.options)
    await quiet()
    assert.deepEqual(
      forwards.forwards.map(({ address }) => address),
      [{ host: 'localhost', port: 50_000 }, { host: 'localhost', port: 80 }, { path: '/s' }],
    )
    at.worlds[0]?.served.disconnect('by-application', 'restart')
    await quiet()
    assert.deepEqual(forwards.forwards, [])
    await at.pass(1000)
    assert.match(at.worlds[1]?.asked[0] ?? '', /tcpip-forward .*"portNumberToBind":(50000|80)/)
    assert.ok(at.worlds[1]?.asked.some(each => each.includes('"portNumberToBind":50000')))
  })

  it('take another port where that is in use', async () => {
    let attempts = 0
    const at = kept(
      { forwards: [{ reverse: { listen: 0, to: () => {} } }] },
      {
        answer(question, name) {
          if (!name.includes('"portNumberToBind":50000')) return false
          attempts++
          question.fail()
          return true
        },
      },
    )
    await using forwards = await keepForwards(at.options)
    await quiet()
    at.worlds[0]?.served.disconnect('by-application', 'restart')
    await quiet()
    await at.pass(1000)
    assert.deepEqual([attempts, forwards.state, forwards.forwards.length], [1, 'up', 1])
  })

  it('are not up on a server that does not listen: that is tried again too', async () => {
    let refuse = true
    const at = kept(
      { forwards: [{ reverse: { listen: 80, to: () => {} } }] },
      {
        answer(question) {
          if (refuse) question.fail()
          return refuse
        },
      },
    )
    await using forwards = await keepForwards(at.options)
    await quiet()
    assert.equal(forwards.state, 'waiting')
    assert.ok(forwards.lastError instanceof ForwardError)
    assert.notEqual(at.worlds[0]?.client.link.ended, undefined)
    refuse = false
    await at.pass(1000)
    assert.equal(forwards.state, 'up')
  })

  it('give up on what no time heals, and tell it', async () => {
    const hopeless = new AuthenticationError('no', { user: 'ada', attempts: [], remaining: [] })
    const at = kept({ forwards: [{ forward: { listen: '/s', to: 'db:1' } }] })
    at.failures.push(lost(), hopeless)
    const forwards = await keepForwards(at.options)
    await quiet()
    const waiting = await at.here.connect({ path: '/s' })
    await at.pass(1000)
    assert.deepEqual([forwards.state, at.here.listening], ['stopped', []])
    assert.equal(await forwards.stopped, hopeless)
    assert.equal(await waiting.read(), undefined)
  })

  it('stop when closed, or by a signal, wherever they stand', async () => {
    for (const stand of ['up', 'waiting', 'connecting'] as const) {
      const stop = new AbortController()
      const at = kept({ forwards: [{ forward: { listen: '/s', to: 'db:1' } }], signal: stop.signal })
      if (stand === 'waiting') at.failures.push(lost())
      const hangs = (signal: AbortSignal) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
      const forwards = await keepForwards(stand === 'connecting' ? { ...at.options, connect: hangs } : at.options)
      await quiet()
      assert.equal(forwards.state, stand)
      stop.abort(new Error('enough'))
      assert.equal(await forwards.stopped, undefined)
      assert.deepEqual([forwards.state, at.here.listening], ['stopped', []])
      await forwards.close()
      assert.equal(at.worlds[0]?.client.link.ended === undefined, stand !== 'up')
    }
  })

  it('begin with nothing where something cannot listen here', async () => {
    const at = kept({ forwards: [{ forward: { listen: '/a', to: 'db:1' } }, { forward: { listen: '/b', to: 'db:1' } }] })
    await at.here.listen({ path: '/b' }, {}, () => {})
    await assert.rejects(keepForwards(at.options), ForwardError)
    assert.deepEqual([at.here.listening, at.worlds.length], [['/b'], 0])
    await assert.rejects(keepForwards({ ...at.options, forwards: [{ forward: { listen: '/c', to: 'nowhere' } }] }), ConfigError)
  })
})
