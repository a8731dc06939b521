// Answering the questions of one connection: state for each user, errors, and the floor under refusals.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Answer, type Authenticator, refusalFloor } from '../../src/server/authenticate.ts'
import { allOf } from '../../src/server/authenticators/combine.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { prompts } from '../../src/server/authenticators/prompts.ts'
import { publicKey } from '../../src/server/authenticators/public-key.ts'
import { asked, handClock, keyWouldDo, letIn, login, mine, partly, refused, someCrypto } from './login.ts'

const keyThenPassword = allOf(
  publicKey(() => ({ key: true })),
  password((_, secret) => (secret.reveal() === 'right' ? { password: true } : undefined)),
)
/** An authenticator that gives one answer to everything, as somebody's own might. */
const always = (answer: Answer<unknown>): Authenticator<unknown> => ({
  methods: ['publickey', 'password'],
  begin: () => ({ remaining: () => ['publickey', 'password'], attempt: () => answer }),
})

describe('users', () => {
  test('what one user proved is forgotten when the name changes', async () => {
    const me = login(keyThenPassword)
    assert.deepEqual(await me.proves(mine, 'ada'), partly('password'))
    assert.deepEqual(await me.password('right', 'root'), refused('publickey'))
    assert.deepEqual(await me.password('right', 'ada'), refused('publickey'), 'and is not found again')
  })
  test('ordinal 0 means the name changed meanwhile, even if nobody was asked', async () => {
    const me = login(keyThenPassword)
    assert.deepEqual(await me.proves(mine), partly('password'))
    assert.deepEqual(await me.ask({ method: 'none' }, 'ada', { ordinal: 0 }), refused('publickey'))
  })
  test('another name forgets, whatever the ordinal says', async () => {
    const me = login(keyThenPassword)
    await me.proves(mine)
    assert.deepEqual(await me.ask({ method: 'none' }, 'root', { ordinal: 1 }), refused('publickey'))
  })
  test('another service forgets as well', async () => {
    const me = login(keyThenPassword)
    await me.proves(mine)
    assert.deepEqual(await me.ask({ method: 'none' }, 'ada', { service: 'other', ordinal: 1 }), refused('publickey'))
  })
  test('connections do not share what was proven', async () => {
    const [one, two] = [login(keyThenPassword), login(keyThenPassword)]
    await one.proves(mine)
    assert.deepEqual(await two.password('right'), refused('publickey'))
    assert.deepEqual(await one.password('right'), letIn({ key: true, password: true }))
  })
  test('a check sees who it is, and can show a banner', async () => {
    let seen: unknown[] = []
    const me = login(
      password((applicant, secret) => {
        seen = [applicant.user, applicant.service, applicant.remote, applicant.now(), String(secret)]
        applicant.banner(`hello ${applicant.user}`)
        return undefined
      }),
    )
    await me.password('x')
    assert.deepEqual(seen, ['ada', 'ssh-connection', { address: '192.0.2.1', port: 50000 }, 1000, '[secret]'])
    assert.deepEqual(me.banners, ['hello ada'])
  })
  test('the signal of a login aborts when the name changes and when it succeeded', async () => {
    const signals: AbortSignal[] = []
    const me = login(password((applicant, secret) => (signals.push(applicant.signal), secret.reveal() === 'right')))
    await me.password('wrong', 'ada')
    assert.equal(signals[0].aborted, false)
    await me.password('wrong', 'root')
    assert.deepEqual(
      signals.map(each => each.aborted),
      [true, false],
    )
    await me.password('right', 'root')
    assert.deepEqual(
      signals.map(each => each.aborted),
      [true, true, true],
    )
  })
})

describe('a key that is only shown', () => {
  for (const answer of [{ is: 'accept', identity: 'root' }, { is: 'partial' }, { is: 'would-accept' }] as const) {
    test(`yields no identity and no progress, though the authenticator says ${answer.is}`, async () => {
      assert.deepEqual(await login(always(answer)).shows(mine), keyWouldDo)
    })
  }
  test('does not end the login', async () => {
    const me = login(publicKey(({ signal }) => ({ aborted: signal.aborted })))
    await me.shows(mine)
    assert.deepEqual(await me.proves(mine), letIn({ aborted: false }))
  })
})

describe('errors', () => {
  const failing = (act: () => never | Promise<never>) => login(password(act))
  test('thrown by a check are refusals, and reported', async () => {
    const error = new Error('the directory is down')
    for (const me of [
      failing(() => {
        throw error
      }),
      failing(() => Promise.reject(error)),
    ]) {
      assert.deepEqual(await me.password('right'), refused('password'))
      assert.deepEqual(me.errors, [error])
    }
  })
  test('are reported with user and method', async () => {
    const reports: unknown[] = []
    const me = login(
      password(() => {
        throw new Error('x')
      }),
      { onError: (_, attempt) => reports.push(attempt) },
    )
    await me.password('right')
    assert.deepEqual(reports, [{ user: 'ada', method: 'password' }])
  })
  test('of the listener for errors are dropped', async () => {
    const me = login(
      password(() => {
        throw new Error('x')
      }),
      {
        onError: () => {
          throw new Error('y')
        },
      },
    )
    assert.deepEqual(await me.password('right'), refused('password'))
  })
  test('at the very start refuse everything', async () => {
    const me = login({
      methods: ['password'],
      begin: () => {
        throw new Error('no start')
      },
    })
    assert.deepEqual(await me.password('right'), refused())
    assert.equal(me.errors.length, 1)
  })
  test('in what remains do not escape', async () => {
    const me = login({
      methods: [],
      begin: () => ({
        remaining: () => {
          throw new Error('x')
        },
        attempt: () => ({ is: 'refuse' }),
      }),
    })
    assert.deepEqual(await me.password('right'), refused())
  })
  test('an answer that does not fit the method is refused and reported', async () => {
    const prompt = { is: 'prompt', name: '', instruction: '', prompts: [] } as const
    for (const answer of [prompt, { is: 'would-accept' }] as const) {
      const me = login(always(answer))
      assert.equal((await me.password('x')).is, 'refuse')
      assert.match(String(me.errors[0]), /TypeError.*does not fit/)
    }
    assert.equal((await login(always({ is: 'change-password', prompt: '' })).proves(mine)).is, 'refuse')
    assert.equal((await login(always(prompt)).shows(mine)).is, 'refuse')
  })
  test('a check that never answers ends with the connection', async () => {
    const me = login(password(() => new Promise<true>(() => {})))
    const verdict = me.password('right')
    me.end()
    assert.deepEqual(await verdict, refused('password'))
    assert.deepEqual(me.errors, [], 'an end is not an error')
  })
  test('nothing is asked after the end', async () => {
    let calls = 0
    const me = login(password(() => ++calls))
    me.end()
    assert.equal((await me.password('right')).is, 'refuse')
    assert.equal(calls, 0)
  })
})

describe('the floor under a refusal', () => {
  const slow = (milliseconds: number, clock: ReturnType<typeof handClock>) =>
    password((_, secret) => (clock.pass(milliseconds), secret.reveal() === 'right'))
  const elapsed = async (work: number, attempt = 'wrong', floor = 60) => {
    const clock = handClock()
    const me = login(slow(work, clock), { clock, floor: () => floor })
    const started = clock.now()
    await me.password(attempt)
    return clock.now() - started
  }
  test('a quick refusal takes as long as a slow one', async () => {
    assert.deepEqual([await elapsed(0), await elapsed(5), await elapsed(59)], [60, 60, 60])
  })
  test('one that is slower than the floor waits for the next doubling', async () => {
    assert.deepEqual([await elapsed(61), await elapsed(119), await elapsed(121), await elapsed(500)], [120, 120, 240, 960])
  })
  test('success does not wait', async () => assert.equal(await elapsed(3, 'right'), 3))
  test('no floor, no wait', async () => assert.equal(await elapsed(3, 'wrong', 0), 3))
  test('the end of the connection ends the wait', async () => {
    const clock = { ...handClock(), after: () => () => {} }
    const me = login(
      password(() => false),
      { clock, floor: () => 60 },
    )
    const verdict = me.password('wrong')
    setImmediate(me.end)
    assert.equal((await verdict).is, 'refuse')
  })
  test('prompts and errors are held back too', async () => {
    const clock = handClock()
    const me = login(
      prompts(async t => (await t.ask('Code: ')) === '1'),
      { clock, floor: () => 60 },
    )
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(clock.waited, [], 'a prompt is no refusal')
    await me.responds('2')
    await login(
      password(() => {
        throw new Error('x')
      }),
      { clock, floor: () => 60 },
    ).password('x')
    assert.deepEqual(clock.waited, [60, 60])
  })
})

describe('the usual floor', () => {
  test('differs between users, is fixed for each, and depends on a secret of the server', () => {
    const [one, two] = [refusalFloor(someCrypto), refusalFloor(someCrypto)]
    const users = Array.from({ length: 64 }, (_, i) => `user${i}`)
    const floors = users.map(user => one(user, 'password'))
    assert.deepEqual(
      floors,
      users.map(user => one(user, 'password')),
    )
    assert.ok(new Set(floors).size > 32)
    assert.notDeepEqual(
      floors,
      users.map(user => two(user, 'password')),
    )
    for (const floor of floors) assert.ok(floor >= 60 && floor < 90, `${floor}`)
  })
  test('is small for keys, which come by the dozen, and nothing for "none"', () => {
    const floor = refusalFloor(someCrypto)
    assert.ok(floor('ada', 'publickey') >= 6 && floor('ada', 'publickey') < 9)
    assert.equal(floor('ada', 'none'), 0)
    for (const method of ['password-change', 'keyboard-interactive', 'keyboard-interactive-response']) assert.ok(floor('ada', method) >= 60)
  })
})
