// Owns what the command line of `sftp-server`, and of `internal-sftp`, says.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import {
  internalSftpSettings,
  internalSftpWords,
  readSftpServerLine,
  sftpServerSettings,
  startDirectory,
} from '../../src/sftp-server/options.ts'

const read = (...argv: readonly string[]) => sftpServerSettings(readSftpServerLine(argv))

test('alone it serves all, and logs errors', () => {
  assert.deepEqual(read(), {
    directory: undefined,
    toStandardError: false,
    facility: 'AUTH',
    level: 'ERROR',
    deny: [],
    allow: undefined,
    readOnly: false,
    umask: undefined,
  })
})

test('letters, bundled and glued as OpenSSH’s', () => {
  const { toStandardError, level, readOnly, umask, facility, deny, allow, directory } = read(
    '-Rel',
    'debug',
    '-u',
    '0027',
    '-flocal3',
    '-Premove,rename',
    '-P',
    'mkdir',
    '-p',
    'open',
    '-d/srv/%u',
  )
  assert.deepEqual([toStandardError, level, readOnly, umask, facility], [true, 'DEBUG1', true, 0o27, 'LOCAL3'])
  assert.deepEqual([deny, allow, directory], [['remove', 'rename', 'mkdir'], ['open'], '/srv/%u'])
})

describe('refused', () => {
  for (const [argv, message] of [
    [['-l', 'loud'], /log level "loud"/],
    [['-f', 'MAIL'], /facility "MAIL"/],
    [['-u', '9'], /umask "9"/],
    [['-u', '1777'], /umask "1777"/],
    [['/srv'], /nothing to do with "\/srv"/],
    [['-x'], /unknown option -- x/],
  ] as const)
    test(argv.join(' '), () => assert.throws(() => read(...argv), message))
  test('behind internal-sftp as a mistake of the configuration', () => {
    assert.throws(
      () => internalSftpSettings(['-l', 'loud']),
      (error: unknown) => error instanceof ConfigError && /internal-sftp: .*loud/.test(error.message),
    )
  })
})

test('internal-sftp is a word of its own', () => {
  assert.deepEqual(internalSftpWords('internal-sftp'), [])
  assert.deepEqual(internalSftpWords('internal-sftp  -R\t-l INFO '), ['-R', '-l', 'INFO'])
  assert.equal(internalSftpWords('internal-sftpd'), undefined)
  assert.equal(internalSftpWords('/usr/lib/openssh/sftp-server'), undefined)
})

test('tokens of a start directory', () => {
  const user = { name: 'wanda', home: '/home/wanda' }
  assert.equal(startDirectory('/srv/%u', user), '/srv/wanda')
  assert.equal(startDirectory('%d/in%%%h/x', user), '/home/wanda/in%/home/wanda/x')
  assert.equal(startDirectory('/%x', user), '/%x')
})
