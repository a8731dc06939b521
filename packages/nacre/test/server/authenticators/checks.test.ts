// The authenticators that check something: keys, passwords and their change, prompts, and nothing at all.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { SecurityKeyProof } from '../../../src/algorithms/rows.ts'
import { SshError } from '../../../src/errors.ts'
import { allowAnyoneWithoutProof } from '../../../src/server/authenticators/anyone.ts'
import { password, passwordExpired } from '../../../src/server/authenticators/password.ts'
import { type Prompter, prompts } from '../../../src/server/authenticators/prompts.ts'
import { publicKey, type PublicKeyView } from '../../../src/server/authenticators/public-key.ts'
import { asked, keyWouldDo, letIn, login, mine, refused, yours } from '../login.ts'

describe('what a check returns', () => {
  for (const nothing of [undefined, null, false, '', 0, 0n, Number.NaN]) {
    test(`${typeof nothing === 'bigint' ? '0n' : String(nothing) || "''"} refuses, at once or as a promise`, async () => {
      assert.equal((await login(password(() => nothing)).password('x')).is, 'refuse')
      assert.equal((await login(password(async () => nothing)).password('x')).is, 'refuse')
      assert.equal((await login(publicKey(() => nothing)).proves(mine)).is, 'refuse')
      assert.equal((await login(prompts(() => nothing)).talks()).is, 'refuse')
      assert.equal((await login(allowAnyoneWithoutProof(() => nothing)).none()).is, 'refuse')
    })
  }
  for (const something of [true, 'ada', 1000, { name: 'ada' }, []]) {
    test(`${JSON.stringify(something)} is an identity`, async () => {
      assert.deepEqual(await login(password(() => something)).password('x'), letIn(something))
      assert.deepEqual(await login(publicKey(async () => something)).proves(mine), letIn(something))
    })
  }
})

describe('publicKey', () => {
  const onlyMine = publicKey((applicant, key) => (key.fingerprint() === mine.fingerprint ? { name: applicant.user } : undefined))
  test('says whether a key would do, and lets in who proves it', async () => {
    const me = login(onlyMine)
    assert.deepEqual(await me.shows(yours), refused('publickey'))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.proves(mine), letIn({ name: 'ada' }))
  })
  test('asks again for the proof, and its answer counts', async () => {
    let calls = 0
    const me = login(publicKey(() => (++calls === 1 ? 'first' : undefined)))
    assert.deepEqual(await me.shows(mine), keyWouldDo)
    assert.deepEqual(await me.proves(mine), refused('publickey'))
  })
  test('shows the check the key as it is', async () => {
    let seen: PublicKeyView | undefined
    await login(publicKey((_, key) => ((seen = key), true))).proves(mine)
    assert.deepEqual(
      [seen?.type, seen?.algorithm, seen?.fingerprint(), seen?.blob],
      ['ssh-ed25519', 'ssh-ed25519', mine.fingerprint, mine.blob],
    )
  })
  test('refuses what a security key signed untouched, unless the check says it looks itself', async () => {
    const said = { flags: 0, userPresent: false, userVerified: false, counter: 7, origin: undefined }
    const proof = (securityKey: SecurityKeyProof) =>
      ({
        method: 'publickey',
        algorithm: mine.algorithm,
        publicKey: mine.blob,
        fingerprint: mine.fingerprint,
        proven: true,
        securityKey,
      }) as const
    let asked = 0
    const usual = login(publicKey(() => ++asked))
    assert.deepEqual(await usual.ask(proof(said)), refused('publickey'))
    assert.equal(asked, 0)
    assert.deepEqual(await usual.ask(proof({ ...said, flags: 1, userPresent: true })), letIn(1))
    const seen: (SecurityKeyProof | undefined)[] = []
    const own = login(publicKey((_, key) => seen.push(key.securityKey), { touch: 'left-to-the-check' }))
    assert.deepEqual(await own.ask(proof(said)), letIn(1))
    assert.deepEqual(seen, [said])
  })
  test('has no identity for a key that is shown', async () => {
    const attempt = { method: 'publickey', algorithm: mine.algorithm, publicKey: mine.blob, fingerprint: mine.fingerprint } as const
    const applicant = {
      user: 'ada',
      service: 'ssh-connection',
      remote: undefined,
      signal: new AbortController().signal,
      now: () => 0,
      banner() {},
      report() {},
    }
    const run = onlyMine.begin(applicant)
    assert.deepEqual(await run.attempt({ ...attempt, proven: false }), { is: 'would-accept' })
    assert.deepEqual(await run.attempt({ ...attempt, proven: true }), { is: 'accept', identity: { name: 'ada' } })
  })
  test('refuses other methods', async () => {
    assert.deepEqual(await login(publicKey(() => true)).password('x'), refused('publickey'))
    assert.deepEqual(await login(publicKey(() => true)).none(), refused('publickey'))
  })
})

describe('password', () => {
  test('gets the password as a secret', async () => {
    const me = login(password((applicant, secret) => (secret.reveal() === 'right' ? applicant.user : undefined)))
    assert.deepEqual(await me.password('wrong'), refused('password'))
    assert.deepEqual(await me.password('right'), letIn('ada'))
  })
  const expiring = password((_, secret) => (secret.reveal() === 'old' ? passwordExpired('expired') : undefined), {
    change: (applicant, old, fresh) =>
      old.reveal() !== 'old' ? undefined : fresh.reveal().length < 4 ? passwordExpired('too short') : { name: applicant.user },
  })
  test('may have expired; the new one may be refused, then taken', async () => {
    const me = login(expiring)
    assert.deepEqual(await me.password('old'), { is: 'change-password', prompt: 'expired' })
    assert.deepEqual(await me.changes('old', '123'), { is: 'change-password', prompt: 'too short' })
    assert.deepEqual(await me.changes('old', '12345'), letIn({ name: 'ada' }))
  })
  test('a change that comes unasked is checked by the change alone', async () => {
    assert.deepEqual(await login(expiring).changes('guess', '12345'), refused('password'))
  })
  test('a change is not asked about other methods', async () => {
    const me = login(expiring)
    assert.deepEqual(await me.proves(mine), refused('password'))
    assert.deepEqual(await me.none(), refused('password'))
    assert.deepEqual(me.errors, [])
  })
  test('a change where there is none is refused', async () => {
    assert.deepEqual(await login(password(() => true)).changes('a', 'b'), refused('password'))
  })
  test('one that expired, without a way to change it, is a mistake that is reported', async () => {
    const me = login(password(() => passwordExpired()))
    assert.deepEqual(await me.password('old'), refused('password'))
    assert.match(String(me.errors[0]), /TypeError.*no `change`/)
  })
})

describe('prompts', () => {
  test('a dialogue asks as often as it likes', async () => {
    const me = login(
      prompts(
        async t => {
          const name = await t.ask('Name? ', { echo: true })
          await t.tell('Almost there.')
          const [one, two] = await t.askAll([{ prompt: 'One? ' }, { prompt: 'Two? ', echo: true }], 'Two at once')
          return { user: t.user, submethods: t.submethods, name, one, two }
        },
        { name: 'Gate' },
      ),
    )
    assert.deepEqual(await me.talks('ada', ['otp']), {
      is: 'prompt',
      name: 'Gate',
      instruction: '',
      prompts: [{ prompt: 'Name? ', echo: true }],
    })
    assert.deepEqual(await me.responds('Ada'), { is: 'prompt', name: 'Gate', instruction: 'Almost there.', prompts: [] })
    assert.deepEqual(await me.responds(), {
      is: 'prompt',
      name: 'Gate',
      instruction: 'Two at once',
      prompts: [
        { prompt: 'One? ', echo: false },
        { prompt: 'Two? ', echo: true },
      ],
    })
    assert.deepEqual(await me.responds('1', '2'), letIn({ user: 'ada', submethods: ['otp'], name: 'Ada', one: '1', two: '2' }))
  })
  test('a dialogue may refuse after any round, and begin again', async () => {
    const me = login(prompts(async t => (await t.ask('Code: ')) === '42'))
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(await me.responds('41'), refused('keyboard-interactive'))
    assert.deepEqual(await me.talks(), asked('Code: '))
    assert.deepEqual(await me.responds('42'), letIn(true))
  })
  test('a response that nobody waits for is refused', async () => {
    const me = login(prompts(async t => (await t.ask('Code: ')) === '42'))
    assert.deepEqual(await me.responds('42'), refused('keyboard-interactive'))
    await me.talks()
    await me.responds('41')
    assert.deepEqual(await me.responds('42'), refused('keyboard-interactive'))
  })
  test('a dialogue that throws refuses, and is reported', async () => {
    const error = new Error('no gateway for messages')
    const me = login(
      prompts(async t => {
        await t.ask('Code: ')
        throw error
      }),
    )
    await me.talks()
    assert.deepEqual(await me.responds('42'), refused('keyboard-interactive'))
    assert.deepEqual(me.errors, [error])
  })

  /** A dialogue whose end can be watched. */
  const watched = () => {
    const ends: unknown[] = []
    const dialogue = async (t: Prompter) => {
      try {
        return await t.ask('Code: ')
      } catch (error) {
        ends.push(error)
        // Whoever ignores the end and asks on is told again.
        await t.ask('Really? ').catch(again => ends.push(again))
        throw error
      }
    }
    return { ends, authenticator: prompts(dialogue) }
  }
  const settle = () => new Promise(resolve => setImmediate(resolve))
  const ways: readonly [string, (me: ReturnType<typeof login>) => unknown][] = [
    ['the client begins anew', me => me.talks()],
    ['the client becomes another user', me => me.none('root')],
    ['the connection ends', me => me.end()],
  ]
  for (const [what, act] of ways) {
    test(`a dialogue is told when ${what}`, async () => {
      const { ends, authenticator } = watched()
      const me = login(authenticator)
      await me.talks('ada')
      await act(me)
      await settle()
      assert.equal(ends.length, 2)
      for (const error of ends) assert.ok(error instanceof SshError && error.code === 'LOGIN_ABANDONED')
      assert.deepEqual(me.errors, [], 'which is no error of ours')
    })
  }
  test('one question at a time', async () => {
    const me = login(
      prompts(async t => {
        void t.ask('One? ').catch(() => {})
        await t.ask('Two? ')
        return true
      }),
    )
    // The first prompt went out; the mistake ends the dialogue, so the response finds nobody.
    assert.deepEqual(await me.talks(), asked('One? '))
    assert.deepEqual(await me.responds('1'), refused('keyboard-interactive'))
  })
})

describe('allowAnyoneWithoutProof', () => {
  test('lets in by "none", and by nothing else', async () => {
    const open = allowAnyoneWithoutProof(applicant => ({ name: applicant.user }))
    assert.deepEqual(await login(open).none('guest'), letIn({ name: 'guest' }))
    assert.equal((await login(open).password('x')).is, 'refuse')
    assert.equal((await login(open).proves(mine)).is, 'refuse')
  })
})
