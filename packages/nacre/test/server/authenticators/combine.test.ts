// firstOf and allOf: what is offered when, whose identity counts, and what never counts as progress.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Authenticator } from '../../../src/server/authenticate.ts'
import { allowAnyoneWithoutProof } from '../../../src/server/authenticators/anyone.ts'
import { allOf, firstOf } from '../../../src/server/authenticators/combine.ts'
import { password, passwordExpired } from '../../../src/server/authenticators/password.ts'
import { prompts } from '../../../src/server/authenticators/prompts.ts'
import { publicKey } from '../../../src/server/authenticators/public-key.ts'
import type { TestKey } from '../../auth/fixtures.ts'
import { asked, keyWouldDo, letIn, login, mine, partly, refused, yours } from '../login.ts'

const key = (of: TestKey, identity: object = { key: of.fingerprint }) =>
  publicKey((_, shown) => (shown.fingerprint() === of.fingerprint ? identity : undefined))
const secret = (right: string, identity: object = { password: right }) =>
  password((_, given) => (given.reveal() === right ? identity : undefined))
const code = (prompt: string, right: string) => prompts(async t => ((await t.ask(prompt)) === right ? { code: right } : undefined))

describe('allOf', () => {
  const keyAndCode = allOf(key(mine), code('Code: ', '42'))
  test('offers one after the other, and merges the identities', async () => {
    const me = login(keyAndCode)
    assert.deepEqual(keyAndCode.methods, ['publickey'])
    assert.deepEqual(await me.none(), refused('publickey'))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.proves(mine), partly('keyboard-interactive'))
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(await me.responds('42'), letIn({ key: mine.fingerprint, code: '42' }))
  })
  test('a key that is shown is no step', async () => {
    const me = login(allOf(key(mine), secret('right')))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.password('right'), refused('publickey'))
  })
  test('a key shown for the last step lets nobody in', async () => {
    const me = login(allOf(secret('right'), key(mine)))
    assert.deepEqual(await me.password('right'), partly('publickey'))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.proves(mine), letIn({ password: 'right', key: mine.fingerprint }))
  })
  test('a key shown is no step, even when an authenticator of somebody takes it for one', async () => {
    const careless: Authenticator<object> = {
      methods: ['publickey'],
      begin: () => ({
        remaining: () => ['publickey'],
        attempt: ({ method }) => (method === 'publickey' ? { is: 'accept', identity: { root: true } } : { is: 'refuse' }),
      }),
    }
    const me = login(allOf(careless, secret('right')))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.password('right'), refused('publickey'))
  })
  test('the order is kept', async () => {
    assert.deepEqual(await login(allOf(key(mine), secret('right'))).password('right'), refused('publickey'))
  })
  test('a step that fails can be tried again, and those before stay passed', async () => {
    const me = login(keyAndCode)
    await me.proves(mine)
    await me.talks()
    assert.deepEqual(await me.responds('41'), refused('keyboard-interactive'))
    await me.talks()
    assert.equal((await me.responds('42')).is, 'accept')
  })
  test('one key cannot serve two steps', async () => {
    const any = publicKey((_, shown) => ({ [shown.fingerprint()]: true }))
    const me = login(allOf(any, any))
    assert.deepEqual(await me.proves(mine), partly('publickey'))
    assert.deepEqual(await me.shows(mine), refused('publickey'))
    assert.deepEqual(await me.proves(mine), refused('publickey'))
    assert.deepEqual(await me.proves(yours), letIn({ [mine.fingerprint]: true, [yours.fingerprint]: true }))
  })
  test('may hold another, and a choice', async () => {
    const me = login(allOf(allOf(key(mine), secret('a')), firstOf(secret('b'), code('c? ', 'c'))))
    assert.deepEqual(await me.proves(mine), partly('password'))
    assert.deepEqual(await me.password('a'), partly('password', 'keyboard-interactive'))
    await me.talks()
    assert.deepEqual(await me.responds('c'), letIn({ key: mine.fingerprint, password: 'a', code: 'c' }))
  })
  test('of one is that one', async () => {
    class User {
      readonly name = 'ada'
    }
    const user = new User()
    const verdict = await login(allOf(password(() => user))).password('x')
    assert.ok(verdict.is === 'accept' && verdict.identity === user)
  })
  test('later fields win', async () => {
    const me = login(allOf(key(mine, { name: 'key', a: 1 }), secret('x', { name: 'password', b: 2 })))
    await me.proves(mine)
    assert.deepEqual(await me.password('x'), letIn({ name: 'password', a: 1, b: 2 }))
  })
})

describe('firstOf', () => {
  test('takes the first that lets in', async () => {
    const either = firstOf(secret('right', { from: 'first' }), secret('right', { from: 'second' }), key(mine))
    assert.deepEqual(either.methods, ['password', 'publickey'])
    assert.deepEqual(await login(either).password('right'), letIn({ from: 'first' }))
    assert.deepEqual(await login(either).proves(mine), letIn({ key: mine.fingerprint }))
    assert.deepEqual(await login(either).password('wrong'), refused('password', 'publickey'))
  })
  test('asks only those that take the method', async () => {
    let calls = 0
    await login(
      firstOf(
        password(() => ++calls),
        key(mine),
      ),
    ).proves(mine)
    assert.equal(calls, 0)
  })
  test('a key shown is accepted when any takes it', async () => {
    const me = login(firstOf(key(yours), key(mine)))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.none(), refused('publickey'))
  })
  test('a chain beside a single method: both go on after a partial success', async () => {
    const me = login(firstOf(allOf(key(mine), code('Code: ', '42')), secret('legacy')))
    assert.deepEqual(await me.none(), refused('publickey', 'password'))
    assert.deepEqual(await me.proves(mine), partly('keyboard-interactive', 'password'))
    assert.deepEqual(await me.password('legacy'), letIn({ password: 'legacy' }), 'without the fields of the chain')
  })
  test('one proof is a step in every chain that takes it', async () => {
    const chains = firstOf(allOf(key(mine), secret('right')), allOf(key(mine), code('Code: ', '42')))
    const me = login(chains)
    assert.deepEqual(await me.proves(mine), partly('password', 'keyboard-interactive'))
    await me.talks()
    assert.deepEqual(await me.responds('42'), letIn({ key: mine.fingerprint, code: '42' }))
  })
  test('a proof that is all another branch needs is enough', async () => {
    assert.deepEqual(await login(firstOf(allOf(key(mine), secret('x')), key(mine, { plain: true }))).proves(mine), letIn({ plain: true }))
  })
  test('a wrong answer leads on to the prompts of the next', async () => {
    const me = login(firstOf(code('Code: ', '42'), secret('x'), code('Backup code: ', '99')))
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(await me.responds('99'), asked('Backup code: '))
    assert.deepEqual(await me.responds('99'), letIn({ code: '99' }))
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(await me.responds('1'), asked('Backup code: '))
    assert.deepEqual(await me.responds('1'), refused('keyboard-interactive', 'password'))
    assert.deepEqual(await me.responds('99'), refused('keyboard-interactive', 'password'))
  })
  test('prompts that pass a step at once do not begin other prompts', async () => {
    const me = login(
      firstOf(
        allOf(
          prompts(() => ({ here: true })),
          secret('right'),
        ),
        code('Code: ', '42'),
      ),
    )
    assert.deepEqual(await me.talks(), partly('password', 'keyboard-interactive'))
  })
  test('an abandoned conversation is over', async () => {
    const me = login(firstOf(code('Code: ', '42'), secret('right')))
    await me.talks()
    assert.deepEqual(await me.password('wrong'), refused('keyboard-interactive', 'password'))
    assert.deepEqual(await me.responds('42'), refused('keyboard-interactive', 'password'))
  })
  test('an expired password is changed in the branch that can', async () => {
    const expiring = password((_, given) => (given.reveal() === 'old' ? passwordExpired('expired') : undefined), {
      change: (_, old) => (old.reveal() === 'old' ? { changed: true } : undefined),
    })
    const me = login(firstOf(secret('right'), expiring))
    assert.deepEqual(await me.password('old'), { is: 'change-password', prompt: 'expired' })
    assert.deepEqual(await me.changes('old', 'new'), letIn({ changed: true }))
  })
  test('a branch that fails by an error is passed over, and reported', async () => {
    const error = new Error('the directory is down')
    const me = login(
      firstOf(
        password(() => {
          throw error
        }),
        secret('right'),
      ),
    )
    assert.deepEqual(await me.password('right'), letIn({ password: 'right' }))
    assert.deepEqual(me.errors, [error])
  })
  test('"none" is passed on to who takes it, and others never see it', async () => {
    assert.deepEqual(
      await login(
        firstOf(
          secret('x'),
          allowAnyoneWithoutProof(() => ({ guest: true })),
        ),
      ).none(),
      letIn({ guest: true }),
    )
    assert.deepEqual(await login(firstOf(secret('x'), key(mine))).none(), refused('password', 'publickey'))
  })
})
