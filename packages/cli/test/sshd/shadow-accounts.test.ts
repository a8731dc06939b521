// Accounts by shadow(5): what a password's age and an account's end come to, in each method of login, and who is asked for a new one.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AuthenticationError, Secret } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import type { ShadowEntry } from '../../src/sshd/account.ts'
import { AccountMethods } from '../../src/sshd/account-methods.ts'
import type { AccountFacts, Conversation, Message } from '../../src/sshd/accounts.ts'
import { createLog } from '../../src/sshd/log.ts'
import { placeholderHash } from '../../src/sshd/passwords.ts'
import { type ChangePassword, shadowAccounts, type ShadowOptions } from '../../src/sshd/shadow-accounts.ts'
import { accountAt, authorize, directoryOf, newKey, temporaryFolder, world, type WorldOptions } from './world.ts'

const day = 20_000
const fresh: ShadowEntry = { hash: '$9$sesame', lastChange: day - 10, maximumAge: 90, expires: undefined }
const old: ShadowEntry = { ...fresh, lastChange: day - 91 }
/** A scheme one can see through. */
const passwords = { crypt: async (password: string) => `$9$${password}`, placeholder: placeholderHash }

/** Changes what it is told to, and keeps account of it. */
const changes = (problem?: string) => {
  const asked: string[] = []
  const change: ChangePassword = async (account, current, next) => {
    asked.push(`${account.name}: ${current.reveal()} to ${next.reveal()}`)
    return problem
  }
  return { asked, change }
}

const site = async (shadow: ShadowEntry, options: Partial<ShadowOptions> = {}, more: WorldOptions = {}) => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  const key = await newKey()
  authorize(account, [formatPublicKeyLine(key.publicKey)])
  const it = await world(account, {
    ...more,
    config: `StrictModes no\n${more.config ?? ''}`,
    setup: {
      directory: directoryOf([account], { [account.name]: shadow }),
      accountsFor: () => shadowAccounts({ passwords, agesCountForKeys: false, day: () => day, ...options }),
    },
  })
  return {
    ...it,
    key,
    account,
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

describe('a password that is too old', () => {
  test('is changed by the method "password" itself, and lets in then', async () => {
    const { asked, change } = changes()
    await using it = await site(old, { change })
    const prompts: string[] = []
    const client = await it.logIn({
      password: 'sesame',
      preferred: ['password'],
      newPassword: ({ prompt }) => {
        prompts.push(prompt)
        return new Secret('Sesame')
      },
    })
    assert.equal((await client.run('echo in')).stdout, 'in\n')
    await client.close()
    assert.match(prompts[0], /expired/)
    assert.deepEqual(asked, [`${it.account.name}: sesame to Sesame`])
    assert.match(it.lines.join('\n'), /^Password changed for /m)
    assert.doesNotMatch(it.lines.join('\n'), /esame/)
  })
  test('is changed in the conversation of keyboard-interactive', async () => {
    const { asked, change } = changes()
    await using it = await site(old, { change })
    const seen: string[] = []
    const client = await it.logIn({
      preferred: ['keyboard-interactive'],
      answer: ({ instruction, prompts }) => {
        seen.push(instruction, ...prompts.map(each => each.prompt))
        return prompts.map(({ prompt }) => (/new/i.test(prompt) ? 'Sesame' : 'sesame'))
      },
    })
    await client.close()
    assert.deepEqual(asked, [`${it.account.name}: sesame to Sesame`])
    assert.deepEqual(
      seen.filter(each => each !== ''),
      ['Password: ', 'Your password has expired. You must change it now.', 'New password: ', 'Retype new password: '],
    )
  })
  test('stays when the system refuses the new one, and says why to the person and the log', async () => {
    const { change } = changes('it is too short')
    await using it = await site(old, { change })
    const told: string[] = []
    await assert.rejects(
      it.logIn({ password: 'sesame', preferred: ['password'], newPassword: () => new Secret('x'), onBanner: text => told.push(text) }),
      AuthenticationError,
    )
    assert.match(told.join(''), /The password was not changed: it is too short\./)
    assert.match(it.lines.join('\n'), /was not changed: it is too short/)
  })
  test('where nothing can change it lets in to run passwd(1) and nothing else', async () => {
    await using it = await site(old)
    await using client = await it.logIn({ password: 'sesame', preferred: ['password'] })
    const { stdout, stderr } = await client.run('echo free')
    assert.equal(stdout, '')
    assert.match(stderr, /Password change required but no TTY available/)
  })
  test('does not matter to a key, unless PAM would ask', async () => {
    await using without = await site(old)
    const client = await without.logIn({ signers: [without.key] })
    assert.equal((await client.run('echo free')).stdout, 'free\n')
    await client.close()
    await using like = await site(old, { agesCountForKeys: true })
    await using bound = await like.logIn({ signers: [like.key] })
    assert.match((await bound.run('echo free')).stderr, /Your password has expired/)
  })
  test('of an account that lets nobody in any more is not changed', async () => {
    const { asked, change } = changes()
    await using it = await site({ ...old, inactive: 0 }, { change })
    const told: string[] = []
    await assert.rejects(
      it.logIn({ password: 'sesame', preferred: ['password'], newPassword: () => new Secret('x'), onBanner: text => told.push(text) }),
      AuthenticationError,
    )
    assert.deepEqual(asked, [])
    assert.match(told.join(''), /expired too long ago/)
    assert.match(it.lines.join('\n'), /^Access denied for user .* by shadow\(5\): its password was not changed in time$/m)
  })
})

test('a change that nobody asked for is refused and changes nothing', async () => {
  const { asked, change } = changes()
  await using it = await site(fresh, { change })
  const methods = new AccountMethods({
    service: shadowAccounts({ passwords, agesCountForKeys: false, change, day: () => day }),
    serviceName: 'sshd',
    permitEmpty: false,
    log: createLog(() => {}, 'QUIET'),
    candidate: async ({ user }) => ({ name: user, account: it.account, shadow: fresh, problem: undefined }),
    mayUsePassword: () => true,
  })
  const run = methods.password(0).begin({
    user: it.account.name,
    service: 'ssh-connection',
    remote: undefined,
    signal: new AbortController().signal,
    now: () => 0,
    banner: () => {},
    report: error => assert.fail(String(error)),
  })
  const answer = await run.attempt({ method: 'password-change', oldPassword: new Secret('sesame'), newPassword: new Secret('Sesame') })
  assert.deepEqual([answer.is, asked], ['refuse', []])
})

test('people are told some days before', async () => {
  await using it = await site({ ...fresh, lastChange: day - 89, warning: 7 })
  const told: string[] = []
  await (await it.logIn({ password: 'sesame', preferred: ['password'], onBanner: text => told.push(text) })).close()
  assert.deepEqual(told, ['Your password will expire in 1 day.\n'])
})

describe('a change', () => {
  const changing = async (answers: readonly string[]) => {
    const { asked, change } = changes()
    const said: Message[] = []
    const given = [...answers]
    const talk: Conversation = async messages => {
      said.push(...messages)
      return messages.filter(({ is }) => is === 'hidden').map(() => new Secret(given.shift() ?? ''))
    }
    const account = accountAt('/nonexistent')
    const facts: AccountFacts = {
      user: account.name,
      account,
      shadow: old,
      address: undefined,
      port: undefined,
      service: 'sshd',
      permitEmpty: false,
      signal: new AbortController().signal,
      say: () => {},
    }
    const login = shadowAccounts({ passwords, agesCountForKeys: false, change, day: () => day }).begin(facts)
    assert.equal(await login.authenticate(talk), true)
    assert.deepEqual(await login.permitted(), { is: 'password-expired' })
    const done = await login.changePassword?.(talk)
    return { done, asked, after: await login.permitted(), said: said.filter(({ is }) => is === 'error').map(({ text }) => text) }
  }
  test('is asked of the system once the new password stands twice', async () => {
    const { done, asked, after } = await changing(['sesame', 'next', 'next'])
    assert.deepEqual([done, asked.length, after], [true, 1, { is: 'permitted' }])
  })
  for (const [why, answers, message] of [
    ['two that differ', ['sesame', 'next', 'nex'], /differ/],
    ['an empty one', ['sesame', '', ''], /empty/],
    ['the same again', ['sesame', 'sesame', 'sesame'], /same as before/],
    ['one with a line break', ['sesame', 'a\nb', 'a\nb'], /no password may have/],
  ] as const)
    test(`is not: ${why}`, async () => {
      const { done, asked, after, said } = await changing(answers)
      assert.deepEqual([done, asked, after.is], [false, [], 'password-expired'])
      assert.match(said[0], message)
    })
})

test('a name that is nobody costs as much, and gets nowhere', async () => {
  const compared: string[] = []
  await using it = await site(fresh, {
    passwords: {
      crypt: async (_, hash) => {
        compared.push(hash)
        return undefined
      },
      placeholder: placeholderHash,
    },
  })
  await assert.rejects(it.logIn({ user: 'nobody-here', password: 'sesame', preferred: ['password'] }), AuthenticationError)
  assert.deepEqual(compared, [placeholderHash])
})
