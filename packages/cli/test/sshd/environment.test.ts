// A session's environment: made anew, with nothing of the server's, and true about the connection whatever a client sends.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readEnvironmentFile, type SessionFacts, sessionEnvironment } from '../../src/sshd/environment.ts'

const facts: SessionFacts = {
  account: { name: 'ada', uid: 1000, gid: 1000, home: '/home/ada', shell: '/bin/zsh' },
  accepted: {},
  configured: {},
  remote: { address: '::ffff:192.0.2.7', port: 50022, localAddress: '::ffff:192.0.2.1', localPort: 22 },
  term: undefined,
  originalCommand: undefined,
  timeZone: undefined,
}

describe('the environment', () => {
  test('is exactly this for a plain command', () => {
    assert.deepEqual(sessionEnvironment(facts), {
      USER: 'ada',
      LOGNAME: 'ada',
      HOME: '/home/ada',
      PATH: '/usr/local/bin:/usr/bin:/bin:/usr/games',
      MAIL: '/var/mail/ada',
      SHELL: '/bin/zsh',
      SSH_CLIENT: '192.0.2.7 50022 22',
      SSH_CONNECTION: '192.0.2.7 50022 192.0.2.1 22',
    })
  })
  test('says UNKNOWN where there is no address, as OpenSSH does', () => {
    const { SSH_CONNECTION, SSH_CLIENT } = sessionEnvironment({ ...facts, remote: undefined })
    assert.equal(SSH_CONNECTION, 'UNKNOWN 65535 UNKNOWN 65535')
    assert.equal(SSH_CLIENT, 'UNKNOWN 65535 65535')
  })
  test('gives root the places of administrators', () => {
    assert.match(sessionEnvironment({ ...facts, account: { ...facts.account, uid: 0 } }).PATH, /\/sbin/)
  })
  test('has TERM, the time zone and the original command when there are any', () => {
    const { TERM, TZ, SSH_ORIGINAL_COMMAND } = sessionEnvironment({
      ...facts,
      term: 'xterm',
      timeZone: 'Europe/Oslo',
      originalCommand: 'ls',
    })
    assert.deepEqual([TERM, TZ, SSH_ORIGINAL_COMMAND], ['xterm', 'Europe/Oslo', 'ls'])
  })
  test('lets a client replace nothing', () => {
    const sent = { HOME: '/root', PATH: '/tmp', SHELL: '/tmp/sh', USER: 'root', SSH_CONNECTION: 'lies', LANG: 'nb_NO.UTF-8' }
    assert.deepEqual(sessionEnvironment({ ...facts, accepted: sent }), { ...sessionEnvironment(facts), LANG: 'nb_NO.UTF-8' })
  })
  test('lets SetEnv replace the usual values and what clients sent, and nothing about the connection', () => {
    const found = sessionEnvironment({
      ...facts,
      accepted: { LANG: 'C' },
      configured: { LANG: 'de', PATH: '/opt/bin', SSH_CLIENT: 'lies' },
    })
    assert.deepEqual([found.LANG, found.PATH, found.SSH_CLIENT], ['de', '/opt/bin', '192.0.2.7 50022 22'])
  })
})

describe('variables of the account’s own', () => {
  test('come between the usual ones and those of the configuration; the file beats the key', () => {
    const own = { ofKey: { A: 'key', PATH: '/key', C: 'key' }, ofFile: { A: 'file', B: 'file' } }
    const found = sessionEnvironment({ ...facts, own, configured: { B: 'configured' } })
    assert.deepEqual([found['A'], found['B'], found['C'], found['PATH']], ['file', 'configured', 'key', '/key'])
    assert.equal(
      sessionEnvironment({ ...facts, own: { ofKey: { SSH_CLIENT: 'forged' }, ofFile: {} } })['SSH_CLIENT'],
      sessionEnvironment(facts)['SSH_CLIENT'],
    )
  })
  test('stand in ~/.ssh/environment, a line each', () => {
    assert.deepEqual(readEnvironmentFile('# no\n  A=1 \nB = x\n=y\nnothing\nC=a=b\nD=\n'), [
      ['A', '1 '],
      ['B ', ' x'],
      ['C', 'a=b'],
      ['D', ''],
    ])
  })
})
