// What stands in front of authenticators: tests of one's own, addresses, and the limit on attempts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { firstOf } from '../../../src/server/authenticators/combine.ts'
import { from, guard, limit } from '../../../src/server/authenticators/gates.ts'
import { password, passwordExpired } from '../../../src/server/authenticators/password.ts'
import { prompts } from '../../../src/server/authenticators/prompts.ts'
import { publicKey } from '../../../src/server/authenticators/public-key.ts'
import { allowAnyoneWithoutProof } from '../../../src/server/authenticators/anyone.ts'
import { asked, handClock, keyWouldDo, letIn, login, mine, refused, yours } from '../login.ts'

const right = password((_, secret) => secret.reveal() === 'right')

describe('guard', () => {
  test('refuses everything while the test says no, and lists the methods all the same', async () => {
    const staff = guard(
      async applicant => applicant.user === 'ada',
      firstOf(
        right,
        publicKey(() => true),
      ),
    )
    assert.deepEqual(await login(staff).password('right', 'ada'), letIn(true))
    assert.deepEqual(await login(staff).password('right', 'eve'), refused('password', 'publickey'))
    assert.deepEqual(await login(staff).shows(mine, 'eve'), refused('password', 'publickey'))
    assert.deepEqual(await login(staff).none('eve'), refused('password', 'publickey'))
  })
  test('asks once for each user name', async () => {
    const asks: string[] = []
    const me = login(guard(({ user }) => (asks.push(user), true), right))
    await me.none('ada')
    await me.password('wrong', 'ada')
    await me.password('wrong', 'eve')
    assert.deepEqual(asks, ['ada', 'eve'])
  })
  test('a test that throws refuses, and is reported', async () => {
    const me = login(
      guard(() => {
        throw new Error('x')
      }, right),
    )
    assert.deepEqual(await me.password('right'), refused('password'))
    assert.equal(me.errors.length, 1)
  })
})

describe('from', () => {
  const office = firstOf(
    from(['10.0.0.0/8', '2001:db8::/32'], right),
    publicKey(() => 'key'),
  )
  test('inside, the method is there', async () => {
    for (const address of ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1::7'])
      assert.deepEqual(await login(office, { address }).password('right'), letIn(true), address)
  })
  test('outside, it is not even offered', async () => {
    for (const address of ['11.0.0.1', '2001:db9::1', 'not an address']) {
      const me = login(office, { address })
      assert.deepEqual(await me.none(), refused('publickey'), address)
      assert.deepEqual(await me.password('right'), refused('publickey'), address)
      assert.deepEqual(await me.proves(mine), letIn('key'), address)
    }
  })
  test('a connection without an address is from nowhere', async () => {
    assert.deepEqual(await login(from('0.0.0.0/0', right), { remote: undefined }).password('right'), refused())
  })
  test('a range that is none is a mistake, told at once', () => {
    assert.throws(() => from('10.0.0.0/33', right), TypeError)
  })
})

describe('limit', () => {
  const clock = handClock()
  const at = (address: string) => ({ clock, address })
  const guesses = async (authenticator: Parameters<typeof login>[0], address: string, count: number) => {
    for (let i = 0; i < count; i++) await login(authenticator, at(address)).password('wrong')
  }
  test('after so many failures even the right password is refused, on any connection', async () => {
    const limited = limit({ attempts: 3, seconds: 60 }, right)
    await guesses(limited, '192.0.2.1', 2)
    assert.deepEqual(await login(limited, at('192.0.2.1')).password('right'), letIn(true))
    await guesses(limited, '192.0.2.1', 1)
    assert.deepEqual(await login(limited, at('192.0.2.1')).password('right'), refused('password'))
    assert.deepEqual(await login(limited, at('192.0.2.2')).password('right'), letIn(true), 'others are not concerned')
  })
  test('the window slides', async () => {
    const limited = limit({ attempts: 2, seconds: 60 }, right)
    await guesses(limited, '192.0.2.1', 1)
    clock.pass(40_000)
    await guesses(limited, '192.0.2.1', 1)
    clock.pass(19_999)
    assert.deepEqual(await login(limited, at('192.0.2.1')).password('right'), refused('password'))
    clock.pass(1)
    assert.deepEqual(await login(limited, at('192.0.2.1')).password('right'), letIn(true))
    await guesses(limited, '192.0.2.1', 1)
    assert.deepEqual(await login(limited, at('192.0.2.1')).password('right'), refused('password'), 'the second failure still counts')
  })
  test('attempts that are refused by the limit do not prolong it', async () => {
    const limited = limit({ attempts: 1, seconds: 60 }, right)
    await guesses(limited, '192.0.2.1', 1)
    clock.pass(59_000)
    await guesses(limited, '192.0.2.1', 5)
    clock.pass(1000)
    assert.deepEqual(await login(limited, at('192.0.2.1')).password('right'), letIn(true))
  })
  test('a success gives back its own place, not those of the failures before it', async () => {
    const limited = limit({ attempts: 2, seconds: 60 }, right)
    const me = login(limited, at('192.0.2.1'))
    await me.password('wrong')
    assert.deepEqual(await me.password('right'), letIn(true))
    await guesses(limited, '192.0.2.1', 1)
    assert.equal((await login(limited, at('192.0.2.1')).password('right')).is, 'refuse')
  })
  test('many at once do not slip through', async () => {
    let calls = 0
    const slow = limit(
      { attempts: 3, seconds: 60 },
      password(async () => (calls++, await Promise.resolve(), false)),
    )
    await Promise.all(Array.from({ length: 20 }, () => login(slow, at('192.0.2.1')).password('guess')))
    assert.equal(calls, 3)
  })
  test('an IPv6 source is a /64, however it is written; IPv4 inside IPv6 is IPv4', async () => {
    const limited = limit({ attempts: 1, seconds: 60 }, right)
    await guesses(limited, '2001:db8:0:1::1', 1)
    assert.equal((await login(limited, at('2001:DB8::1:2:3:4:5')).password('right')).is, 'refuse')
    assert.equal((await login(limited, at('2001:db8:0:2::1')).password('right')).is, 'accept')
    await guesses(limited, '192.0.2.1', 1)
    assert.equal((await login(limited, at('::ffff:192.0.2.1')).password('right')).is, 'refuse')
  })
  test('connections without an address share one place', async () => {
    const limited = limit({ attempts: 1, seconds: 60 }, right)
    await login(limited, { clock, remote: undefined }).password('wrong')
    assert.equal((await login(limited, { clock, remote: undefined }).password('right')).is, 'refuse')
  })
  test('keys that are only shown and "none" cost nothing, proofs do', async () => {
    const limited = limit(
      { attempts: 1, seconds: 60 },
      publicKey((_, key) => key.fingerprint() === mine.fingerprint),
    )
    const me = login(limited, at('192.0.2.1'))
    for (let i = 0; i < 5; i++) {
      await me.none()
      await me.shows(yours)
      assert.deepEqual(await me.shows(mine), keyWouldDo)
    }
    await me.proves(yours)
    assert.deepEqual(await me.shows(mine), refused('publickey'))
    assert.deepEqual(await me.proves(mine), refused('publickey'))
  })
  test('a full window closes the open door as well', async () => {
    const limited = limit(
      { attempts: 1, seconds: 60 },
      firstOf(
        right,
        allowAnyoneWithoutProof(() => true),
      ),
    )
    await guesses(limited, '192.0.2.1', 1)
    assert.equal((await login(limited, at('192.0.2.1')).none()).is, 'refuse')
  })
  test('a conversation is one attempt with its first response; each further response is another', async () => {
    const limited = limit(
      { attempts: 3, seconds: 60 },
      prompts(async t => {
        while ((await t.ask('Code: ')) !== '42');
        return true
      }),
    )
    const me = login(limited, at('192.0.2.1'))
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(await me.responds('1'), asked('Code: '))
    assert.deepEqual(await me.responds('2'), asked('Code: '))
    assert.deepEqual(await me.responds('3'), asked('Code: '))
    assert.equal((await me.responds('42')).is, 'refuse')
  })
  test('the last place is enough for a prompt and its answer', async () => {
    const me = login(
      limit(
        { attempts: 1, seconds: 60 },
        prompts(async t => (await t.ask('Code: ')) === '42'),
      ),
      at('192.0.2.1'),
    )
    await me.talks()
    assert.deepEqual(await me.responds('42'), letIn(true))
  })
  test('a conversation that succeeds gives all its places back', async () => {
    const limited = limit(
      { attempts: 3, seconds: 60 },
      prompts(async t => {
        while ((await t.ask('Code: ')) !== '42');
        return true
      }),
    )
    for (let i = 0; i < 3; i++) {
      const me = login(limited, at('192.0.2.1'))
      await me.talks()
      await me.responds('1')
      assert.deepEqual(await me.responds('42'), letIn(true))
    }
  })
  test('beginning conversations without end counts, as each may send a message to a telephone', async () => {
    let sent = 0
    const limited = limit(
      { attempts: 2, seconds: 60 },
      prompts(async t => (sent++, (await t.ask('Code: ')) === '42')),
    )
    const me = login(limited, at('192.0.2.1'))
    for (let i = 0; i < 5; i++) await me.talks()
    assert.equal(sent, 2)
  })
  test('a right password that has expired costs nothing', async () => {
    const limited = limit(
      { attempts: 1, seconds: 60 },
      password(() => passwordExpired('x'), { change: () => true }),
    )
    const me = login(limited, at('192.0.2.1'))
    assert.equal((await me.password('old')).is, 'change-password')
    assert.deepEqual(await me.changes('old', 'new'), letIn(true))
  })
  test('an error of ours costs a place', async () => {
    const limited = limit(
      { attempts: 1, seconds: 60 },
      password((_, secret) => {
        if (secret.reveal() === 'right') return true
        throw new Error('x')
      }),
    )
    await guesses(limited, '192.0.2.1', 1)
    assert.equal((await login(limited, at('192.0.2.1')).password('right')).is, 'refuse')
  })
  test('memory is bounded: the source heard of longest ago is forgotten first', async () => {
    const limited = limit({ attempts: 2, seconds: 60, sources: 2 }, right)
    await guesses(limited, '192.0.2.1', 1)
    await guesses(limited, '192.0.2.2', 2)
    await guesses(limited, '192.0.2.1', 1)
    await guesses(limited, '192.0.2.3', 2)
    const open = async (address: string) => (await login(limited, at(address)).password('right')).is === 'accept'
    assert.deepEqual([await open('192.0.2.1'), await open('192.0.2.3')], [false, false])
    assert.equal(await open('192.0.2.2'), true)
  })
  test('limits that are none are refused at once', () => {
    for (const options of [
      { attempts: 0, seconds: 1 },
      { attempts: 1, seconds: -1 },
      { attempts: Number.NaN, seconds: 1 },
      { attempts: 1, seconds: 1, sources: 0 },
    ]) {
      assert.throws(() => limit(options, right), TypeError)
    }
  })
})
