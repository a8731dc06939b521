// The command line of sshd and its configuration file, together.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { UsageError } from '../../src/getopt.ts'
import { configPath, readSshdCommand, readSshdConfig } from '../../src/sshd/options.ts'
import { temporaryFolder } from './world.ts'

const read = (argv: readonly string[], text = '') => {
  using folder = temporaryFolder()
  const path = join(folder.path, 'sshd_config')
  writeFileSync(path, text)
  return readSshdConfig(readSshdCommand(['-f', path, ...argv]))
}

describe('the command line', () => {
  test('comes before the file', () => {
    const { config } = read(['-oLoginGraceTime=5', '-o', 'PermitTTY no'], 'LoginGraceTime 60\nPermitTTY yes\nMaxSessions 3\n')
    assert.deepEqual([config.loginGraceTime, config.permitTty, config.maxSessions], [5, false, 3])
  })
  test('replaces the ports of the file by its own', () => {
    assert.deepEqual(read(['-p', '2022', '-p2023'], 'Port 22\nPort 24\n').config.port, [2022, 2023])
    assert.deepEqual(read([], 'Port 22\nPort 24\n').config.port, [22, 24])
  })
  test('puts its host keys before those of the file', () => {
    assert.deepEqual(read(['-h', 'a key', '-h/b'], 'HostKey /c\n').config.hostKey, [resolve('a key'), '/b', '/c'])
  })
  test('has letters for what it means', () => {
    assert.equal(read(['-q']).config.logLevel, 'QUIET')
    assert.equal(read(['-dd']).config.logLevel, 'DEBUG2')
    assert.equal(read(['-4']).config.addressFamily, 'inet')
    assert.equal(read(['-g', '1m']).config.loginGraceTime, 60)
  })
  for (const argv of [['-x'], ['-p'], ['-c', 'file'], ['stray']])
    test(`is wrong: ${argv.join(' ')}`, () => assert.throws(() => readSshdCommand(argv), UsageError))
  test('names what is wrong in an option', () =>
    assert.throws(() => read(['-o', 'Prt=1']), { code: 'CONFIG', message: /command line: Prt .*Port/ }))
})

describe('the file', () => {
  test('is named with its line when a keyword is not known', () => {
    assert.throws(
      () => read([], '# fine\nPermitRotLogin no\n'),
      (error: unknown) => error instanceof ConfigError && error.line === 2 && /sshd_config line 2/.test(error.message),
    )
  })
  test('that is missing is an error', () =>
    assert.throws(() => readSshdConfig(readSshdCommand(['-f', '/nonexistent/sshd_config'])), ConfigError))
  test('can be none', () => assert.equal(configPath(readSshdCommand(['-f', 'none'])), undefined))
  test("is the system's for root and none for others", () =>
    assert.equal(configPath(readSshdCommand([])), process.geteuid?.() === 0 ? '/etc/ssh/sshd_config' : undefined))
  test('includes others beside it', () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, 'more.d'))
    writeFileSync(join(folder.path, 'sshd_config'), 'Include more.d/*.conf\nMaxSessions 3\n')
    writeFileSync(join(folder.path, 'more.d/a.conf'), 'MaxSessions 5\n')
    assert.equal(readSshdConfig(readSshdCommand(['-f', join(folder.path, 'sshd_config')])).config.maxSessions, 5)
  })
})
