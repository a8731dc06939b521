// Who may begin to log in: how many at once, how many of one source, who has to make room, and who is kept out for a while.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '../../src/errors.ts'
import { Startup, type StartupOutcome, type StartupRules, Startups } from '../../src/server/startups.ts'

/** A gate with a clock in milliseconds that only `at` moves, and dice that show 0.5 unless told otherwise. */
const gateWith = (rules: StartupRules) => {
  const startups = new Startups(rules)
  const gone: string[] = []
  let now = 0
  const knock = (address = '192.0.2.1', dice = 0.5) => startups.admit(address, { now, dice }, () => gone.push(address))
  const enter = (address?: string): Startup => {
    const place = knock(address)
    assert.ok(place instanceof Startup, String(place))
    return place
  }
  return {
    startups,
    gone,
    knock,
    enter,
    at: (milliseconds: number) => {
      now = milliseconds
    },
    /** A connection of `address` that comes and ends so. */
    visit: (outcome: StartupOutcome, address?: string) => enter(address).over(outcome, now),
  }
}
const isIn = (place: unknown): boolean => place instanceof Startup

describe('all connections that have not logged in', () => {
  test('are as many as they may be, and a place is free again once somebody is in or gone', () => {
    const { knock, enter, startups } = gateWith({ maximum: 2 })
    const first = enter()
    enter()
    assert.equal(knock(), 'startups')
    first.over('authenticated', 0)
    first.over('no-attempt', 0)
    assert.equal(startups.count, 1)
    assert.ok(isIn(knock()))
    assert.equal(knock(), 'startups')
  })

  test('are a hundred unless somebody says otherwise', () => {
    const { enter, knock } = gateWith({})
    for (let i = 0; i < 100; i++) enter(`192.0.2.${i}`)
    assert.equal(knock(), 'startups')
  })

  test('are turned away by chance from a number on, ever more of them, and all of them in the end', () => {
    const { enter, knock } = gateWith({ maximum: { begin: 10, rate: 30, full: 100 } })
    for (let i = 0; i < 9; i++) enter()
    assert.ok(isIn(knock('192.0.2.1', 0)))
    assert.equal(knock('192.0.2.1', 0.299), 'startups')
    assert.ok(isIn(knock('192.0.2.1', 0.301)))
    for (let i = 11; i < 55; i++) assert.ok(isIn(knock('192.0.2.1', 0.999)))
    assert.equal(knock('192.0.2.1', 0.649), 'startups')
    for (let i = 55; i < 100; i++) assert.ok(isIn(knock('192.0.2.1', 0.999)))
    assert.equal(knock('192.0.2.1', 0.999), 'startups')
  })

  test('all are turned away with a rate of 100', () => {
    const { enter, knock } = gateWith({ maximum: { begin: 1, rate: 100, full: 50 } })
    enter()
    assert.equal(knock('192.0.2.1', 0.999), 'startups')
  })
})

describe('who takes long for the first key exchange', () => {
  test('makes room, the oldest first, once there is no other place', () => {
    const { enter, knock, gone, at, startups } = gateWith({ maximum: 2 })
    enter('192.0.2.1')
    at(500)
    enter('192.0.2.2')
    at(999)
    assert.equal(knock('192.0.2.3'), 'startups')
    at(1000)
    assert.ok(isIn(knock('192.0.2.3')))
    assert.deepEqual(gone, ['192.0.2.1'])
    assert.equal(startups.count, 2)
    assert.equal(knock('192.0.2.4'), 'startups')
    at(1500)
    assert.ok(isIn(knock('192.0.2.4')))
    assert.deepEqual(gone, ['192.0.2.1', '192.0.2.2'])
  })

  test('need not when it is done with that', () => {
    const { enter, knock, gone, at } = gateWith({ maximum: 1 })
    enter().exchanged()
    at(100_000)
    assert.equal(knock(), 'startups')
    assert.deepEqual(gone, [])
  })

  test('need not when nobody wants it to', () => {
    const { enter, knock, at } = gateWith({ maximum: 1, patience: Number.POSITIVE_INFINITY })
    enter()
    at(100_000)
    assert.equal(knock(), 'startups')
  })
})

describe('one source', () => {
  test('has its own limit, and others do not feel it', () => {
    const { enter, knock } = gateWith({ perSource: 2 })
    const first = enter('192.0.2.1')
    enter('::ffff:192.0.2.1')
    assert.equal(knock('192.0.2.1'), 'source')
    assert.ok(isIn(knock('192.0.2.2')))
    first.over('failed', 0)
    assert.ok(isIn(knock('192.0.2.1')))
  })

  test('is an IPv4 address or an IPv6 network of 64 bits, or what the rules say', () => {
    const usual = gateWith({ perSource: 1 })
    usual.enter('2001:db8::1')
    assert.equal(usual.knock('2001:db8::2'), 'source')
    assert.ok(isIn(usual.knock('2001:db8:0:1::2')))
    const own = gateWith({ perSource: 1, sourceBits: { v4: 24, v6: 128 } })
    own.enter('192.0.2.1')
    assert.equal(own.knock('192.0.2.77'), 'source')
    own.enter('2001:db8::1')
    assert.ok(isIn(own.knock('2001:db8::2')))
  })

  test('is not what comes over a pipe: nobody knows whose it is', () => {
    const startups = new Startups({ perSource: 1, penalties: { noAttempt: 60_000 } })
    for (const address of [undefined, '/tmp/socket', undefined, '/tmp/socket']) {
      const place = startups.admit(address, { now: 0, dice: 0 }, () => {})
      assert.ok(place instanceof Startup)
      if (startups.count < 3) place.over('no-attempt', 0)
    }
  })
})

describe('penalties', () => {
  test('add up, are forgiven below the minimum, and pass', () => {
    const { visit, knock, at } = gateWith({ penalties: {} })
    for (let i = 0; i < 3; i++) visit('failed')
    assert.equal(knock(), 'penalty')
    assert.ok(isIn(knock('192.0.2.2')))
    at(14_999)
    assert.equal(knock(), 'penalty')
    at(15_000)
    assert.ok(isIn(knock()))
  })

  test('differ by what was done, and a login costs nothing', () => {
    const tooMany = (outcome: StartupOutcome): number => {
      const { visit, knock } = gateWith({ penalties: {} })
      for (let count = 1; count <= 100; count++) {
        visit(outcome)
        if (knock() === 'penalty') return count
      }
      return Number.POSITIVE_INFINITY
    }
    assert.equal(tooMany('too-late'), 2)
    assert.equal(tooMany('failed'), 3)
    assert.equal(tooMany('no-attempt'), 15)
    assert.equal(tooMany('authenticated'), Number.POSITIVE_INFINITY)
    assert.equal(tooMany('stopped'), Number.POSITIVE_INFINITY)
  })

  test('are never more than the maximum', () => {
    const { enter, knock, at } = gateWith({ penalties: { maximum: 20_000 } })
    const all = Array.from({ length: 50 }, () => enter())
    for (const each of all) each.over('too-late', 0)
    at(19_999)
    assert.equal(knock(), 'penalty')
    at(20_000)
    assert.ok(isIn(knock()))
  })

  test('that are small wear off before they add up', () => {
    const { visit, knock, at } = gateWith({ penalties: {} })
    for (let i = 0; i < 100; i++) {
      at(i * 5000)
      visit('failed')
    }
    assert.ok(isIn(knock()))
  })

  test('do not befall those who are exempt', () => {
    const { visit, knock } = gateWith({ penalties: { exempt: ['192.0.2.0/25'] } })
    for (let i = 0; i < 10; i++) visit('failed', '192.0.2.1')
    assert.ok(isIn(knock('192.0.2.1')))
    for (let i = 0; i < 3; i++) visit('failed', '192.0.2.200')
    assert.equal(knock('192.0.2.200'), 'penalty')
  })

  test('are remembered of so many sources: the oldest is forgotten, or everybody of the family refused', () => {
    const forgiving = gateWith({ penalties: { sources4: 2, failed: 20_000 } })
    for (const each of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) forgiving.visit('failed', each)
    assert.ok(isIn(forgiving.knock('192.0.2.1')))
    assert.equal(forgiving.knock('192.0.2.2'), 'penalty')
    assert.equal(forgiving.knock('192.0.2.3'), 'penalty')
    const strict = gateWith({ penalties: { sources4: 2, failed: 20_000, overflow4: 'deny-all' } })
    for (const each of ['192.0.2.1', '192.0.2.2']) strict.visit('failed', each)
    assert.equal(strict.knock('192.0.2.3'), 'penalty')
    assert.ok(isIn(strict.knock('2001:db8::1')))
    strict.at(20_000)
    assert.ok(isIn(strict.knock('192.0.2.3')))
  })

  test('stay when the rules change', () => {
    const { visit, knock, startups } = gateWith({ penalties: {} })
    for (let i = 0; i < 3; i++) visit('failed')
    startups.change({ maximum: 5, penalties: { failed: 1 } })
    assert.equal(knock(), 'penalty')
    startups.change({ maximum: 5 })
    assert.ok(isIn(knock()))
  })
})

test('rules that cannot work are refused', () => {
  const wrong: readonly StartupRules[] = [
    { maximum: 0 },
    { maximum: { begin: 10, rate: 0, full: 100 } },
    { maximum: { begin: 10, rate: 30, full: 5 } },
    { perSource: 0 },
    { penalties: { exempt: ['10.0.0.1/8'] } },
  ]
  for (const rules of wrong) assert.throws(() => new Startups(rules), ConfigError)
})
