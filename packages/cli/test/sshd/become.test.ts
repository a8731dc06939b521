// Becoming another user: what root runs meanwhile sees no variable of that user, and only root can do it at all.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { ownAccount } from '../../src/sshd/account.ts'
import { startAs } from '../../src/sshd/become.ts'

const start = { file: '/bin/sh', args: ['-c', 'true'], env: { HOME: '/', LD_PRELOAD: '/tmp/evil.so' } }
const other = { ...ownAccount(), name: 'other', uid: 54321, gid: 54321 }
const root = process.geteuid?.() === 0

describe('starting a process as an account', () => {
  test('that is our own changes nothing', () => assert.equal(startAs(ownAccount(), start), start))
  test('that is another needs root', { skip: root }, () => assert.throws(() => startAs(other, start), ConfigError))
  test('that is another gives up all rights and sets variables only afterwards', { skip: !root }, () => {
    const { file, args, env } = startAs(other, start)
    assert.match(file, /setpriv$/)
    assert.deepEqual(env, {})
    const end = args.indexOf('--')
    assert.deepEqual(args.slice(0, end), ['--reuid=54321', '--regid=54321', '--init-groups', '--inh-caps=-all', '--ambient-caps=-all'])
    assert.match(args[end + 1], /env$/)
    assert.deepEqual(args.slice(end + 2), ['-i', '--', 'HOME=/', 'LD_PRELOAD=/tmp/evil.so', '/bin/sh', '-c', 'true'])
  })
  test('refuses a program env(1) would take for a variable', { skip: !root }, () =>
    assert.throws(() => startAs(other, { ...start, file: '/bin/a=b' }), ConfigError),
  )
})
