// Passwords against hashes of shadow(5): every scheme the system has, and no shortcut for accounts that have none.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Secret } from 'nacre'
import type { ShadowEntry } from '../../src/sshd/account.ts'
import { checkPassword, type Crypt, isHash, passwordAge, placeholderHash, systemCrypt } from '../../src/sshd/passwords.ts'

const entry = (hash: string): ShadowEntry => ({ hash, lastChange: 19000, maximumAge: 99999, expires: undefined })

/** A scheme one can see through, which keeps account of what it was asked. */
const glassCrypt = () => {
  const asked: { password: string; hash: string }[] = []
  const crypt: Crypt = async (password, hash) => {
    asked.push({ password, hash })
    return `$9$${password}`
  }
  return { asked, crypt }
}

const check = (
  shadow: ShadowEntry | undefined,
  password: string,
  options: { permitEmpty?: boolean; crypt?: Crypt } = {},
): Promise<boolean> =>
  checkPassword(shadow, new Secret(password), { crypt: glassCrypt().crypt, permitEmpty: false, placeholder: placeholderHash, ...options })

describe('a password', () => {
  test('is right when crypt makes the same of it', async () => {
    assert.equal(await check(entry('$9$sesame'), 'sesame'), true)
    assert.equal(await check(entry('$9$sesame'), 'Sesame'), false)
  })
  for (const hash of ['*', '!', '!!', '!$9$sesame', '*LK*', 'x', ''])
    test(`never fits ${JSON.stringify(hash)}`, async () => {
      for (const password of ['sesame', hash, 'x', '']) assert.equal(await check(entry(hash), password), false)
    })
  test('never fits an account that may not log in, which costs as much', async () => {
    const glass = glassCrypt()
    assert.equal(await check(undefined, 'sesame', glass), false)
    assert.equal(await check(entry('!'), 'sesame', glass), false)
    assert.deepEqual(glass.asked, [
      { password: 'sesame', hash: placeholderHash },
      { password: 'sesame', hash: placeholderHash },
    ])
  })
  test('with a zero byte is not cut short', async () => {
    assert.equal(await check(entry('$9$sesame'), 'sesame\0more'), false)
    assert.equal(await check(entry('$9$x'), 'sesame\0more'), false)
  })
  test('that is empty fits an empty hash only when that is permitted', async () => {
    assert.equal(await check(entry(''), '', { permitEmpty: true }), true)
    assert.equal(await check(entry(''), 'x', { permitEmpty: true }), false)
    assert.equal(await check(entry('$9$'), '', { permitEmpty: true }), false)
    assert.equal(await check(undefined, '', { permitEmpty: true }), false)
  })
  test('is wrong when the scheme is not known', async () => {
    assert.equal(await check(entry('$9$sesame'), 'sesame', { crypt: async () => undefined }), false)
  })
})

test('what is a hash and what only locks', () => {
  for (const hash of ['$6$abc$def', '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$x', '$2b$10$abcdefghijklmnopqrstuv', 'abJnggxhB/yWI'])
    assert.equal(isHash(hash), true, hash)
  for (const text of ['', '*', '!', '!!', '*NP*', 'x', '!$6$abc$def']) assert.equal(isHash(text), false, text)
})

test('a password is old when root says so, or after its days', () => {
  assert.equal(passwordAge({ ...entry('x'), lastChange: 0 }, 20000).is, 'old')
  assert.equal(passwordAge({ ...entry('x'), lastChange: 19000, maximumAge: 90 }, 19091).is, 'old')
  assert.equal(passwordAge({ ...entry('x'), lastChange: 19000, maximumAge: 90 }, 19090).is, 'fresh')
  assert.equal(passwordAge({ ...entry('x'), lastChange: undefined, maximumAge: 90 }, 20000).is, 'fresh')
})

test('people are told of its age some days before, and after some days it is too late', () => {
  const aging = { ...entry('x'), lastChange: 19000, maximumAge: 90, warning: 7, inactive: 30 }
  assert.deepEqual(passwordAge(aging, 19082), { is: 'fresh' })
  assert.deepEqual(passwordAge(aging, 19083), { is: 'ending', days: 7 })
  assert.deepEqual(passwordAge(aging, 19120), { is: 'old' })
  assert.deepEqual(passwordAge(aging, 19121), { is: 'dead' })
})

// Hashes of "sesame" by crypt(3): SHA-512, SHA-256, MD5, yescrypt.
const hashes: Readonly<Record<string, string>> = {
  'SHA-512': '$6$saltsalt$g3uPFdehVnKoLXdidvSAg1zlVgYomPr0X/xgdXSBn2LuxZUOGgYW4IULZkguZ77fzYteIur49AGHmF9iek6Sf1',
  'SHA-256': '$5$saltsalt$Arv3XkXcPR5LHLrzVCBdKV5hwRocYIyFvUvGa9tbc06',
  MD5: '$1$saltsalt$J3RStOYaRn/5Iz9DGbAnx1',
  yescrypt: '$y$j9T$F5Jx5fExrKuPp53xLKQ..1$2XG8TbeFGEUHepjXSRRwTEN/pknneEfp/PquC6DSDN4',
}

const crypt = (() => {
  try {
    return systemCrypt()
  } catch {
    return undefined
  }
})()

describe("the system's crypt", { skip: crypt === undefined && 'there is no perl' }, () => {
  for (const [scheme, hash] of Object.entries(hashes))
    test(`knows ${scheme}`, async context => {
      if (crypt === undefined) return
      const made = await crypt('sesame', hash)
      if (made === undefined || made.startsWith('*')) return context.skip('not on this system')
      assert.equal(made, hash)
      assert.equal(await check(entry(hash), 'sesame', { crypt }), true)
      assert.equal(await check(entry(hash), 'sesamE', { crypt }), false)
    })
  test('takes any text as a password, shell and perl notwithstanding', async () => {
    if (crypt === undefined) return
    const password = '$(id) `id` \'"; print 1\n\\ æøå 🗝'
    const made = await crypt(password, '$6$salt$')
    assert.match(made ?? '', /^\$6\$salt\$[./0-9A-Za-z]{86}$/)
    assert.equal(await crypt(password, '$6$salt$'), made)
    assert.notEqual(await crypt(`${password}x`, '$6$salt$'), made)
  })
})
