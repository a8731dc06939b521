// Rows of passwd(5) and shadow(5), and names that must never reach a command line as anything but a name.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { lookUpAccount, lookUpShadow, ownAccount, parsePasswdLine, parseShadowLine } from '../../src/sshd/account.ts'

describe('a row of passwd', () => {
  test('is read by its seven fields', () => {
    assert.deepEqual(parsePasswdLine('ada:x:1000:1001:Ada,,,:/home/ada:/bin/zsh'), {
      name: 'ada',
      uid: 1000,
      gid: 1001,
      home: '/home/ada',
      shell: '/bin/zsh',
    })
  })
  test('has the usual shell and the root as home when it names none', () => {
    assert.deepEqual(parsePasswdLine('svc:x:5:5:::'), { name: 'svc', uid: 5, gid: 5, home: '/', shell: '/bin/sh' })
  })
  for (const line of ['', 'ada', 'ada:x:1000:1001:Ada:/home/ada', 'ada:x:-1:1001::/home/ada:/bin/sh', 'ada:x:1e3:1001::/h:/bin/sh'])
    test(`is none: ${JSON.stringify(line)}`, () => assert.equal(parsePasswdLine(line), undefined))
})

describe('a row of shadow', () => {
  test('is read, empty fields being no limit', () => {
    assert.deepEqual(parseShadowLine('ada:$6$a$b:19000:0:99999:7:::'), {
      name: 'ada',
      hash: '$6$a$b',
      lastChange: 19000,
      maximumAge: 99999,
      warning: 7,
      inactive: undefined,
      expires: undefined,
    })
    assert.equal(parseShadowLine('ada:!:0:0:90:7::20000:')?.expires, 20000)
  })
  test('is none when fields are missing', () => assert.equal(parseShadowLine('ada:x'), undefined))
})

describe('looking up', () => {
  test('finds the account this process runs as, or has none of it', async () => {
    const own = ownAccount()
    const found = await lookUpAccount(own.name)
    assert.ok(found === undefined || found.uid === own.uid)
  })
  for (const name of ['', '-s', '--service=files', '0', '1000', 'a b', 'a:b', '../x', '*', 'a\nb'])
    test(`${JSON.stringify(name)} is nobody`, async () => {
      assert.equal(await lookUpAccount(name), undefined)
      assert.equal(await lookUpShadow(name), undefined)
    })
})
