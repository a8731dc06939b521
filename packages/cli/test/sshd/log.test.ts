// What sshd says: levels, and lines that stay lines.
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { createLog, fileSink, type Level, levelOf, syslogSink } from '../../src/sshd/log.ts'
import { temporaryFolder } from './world.ts'

const said = (level: Level): readonly string[] => {
  const lines: string[] = []
  const log = createLog(line => lines.push(line), level)
  log.fatal('fatal')
  log.error('error')
  log.info('info')
  log.verbose('verbose')
  log.debug('debug')
  return lines
}

describe('a level', () => {
  test('lets through what is at least as grave', () => {
    assert.deepEqual(said('QUIET'), [])
    assert.deepEqual(said('ERROR'), ['fatal', 'error'])
    assert.deepEqual(said('INFO'), ['fatal', 'error', 'info'])
    assert.deepEqual(said('DEBUG1'), ['fatal', 'error', 'info', 'verbose', 'debug1: debug'])
  })
  test('DEBUG is DEBUG1, in any case', () => assert.deepEqual([levelOf('debug'), levelOf('Verbose')], ['DEBUG1', 'VERBOSE']))
})

test('a text cannot begin another line or steer a terminal', () => {
  const lines: string[] = []
  createLog(line => lines.push(line), 'INFO').info('a\nAccepted password\r\x1b[2J\x9b\x00')
  assert.deepEqual(lines, ['a\\x0aAccepted password\\x0d\\x1b[2J\\x9b\\x00'])
})

describe('a log file', () => {
  test('is appended to, for its owner alone', () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'log')
    fileSink(path)('one', 'INFO')
    fileSink(path)('two', 'INFO')
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })
  test('that cannot be opened is an error of the configuration', () => assert.throws(() => fileSink('/nonexistent/log'), ConfigError))
})

describe('the system log', () => {
  test('has one place for each program and facility, however many sessions ask for it', () => {
    const sshd = syslogSink('AUTH')
    const files = sshd.as?.('internal-sftp', 'AUTH')
    assert.notEqual(files, sshd)
    assert.equal(sshd.as?.('internal-sftp', 'AUTH'), files)
    assert.equal(files?.as?.('sshd', 'AUTH'), sshd)
    assert.notEqual(sshd.as?.('internal-sftp', 'DAEMON'), files)
  })
})
