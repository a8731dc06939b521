// The command line of ssh: OpenSSH's letters and rules, and what they mean as configuration.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { expandTokens, readSshCommand, readSshConfig } from '../../src/ssh/options.ts'
import { UsageError } from '../../src/getopt.ts'

const config = (...argv: string[]) => readSshConfig(readSshCommand(['-F', 'none', ...argv])).config

describe('ssh’s command line', () => {
  it('takes bundled letters, glued values, and options after the host', () => {
    const command = readSshCommand(['-vvp2222', '-oUser=eve', 'host', '-T', 'ls', '-l'])
    assert.equal(command.destination?.host, 'host')
    assert.equal(command.command, 'ls -l')
    const { port, user, requestTty, logLevel } = config('-vvp2222', '-oUser=eve', 'host', '-T', 'ls', '-l')
    assert.deepEqual([port, user, requestTty, logLevel], [2222, 'eve', 'no', 'DEBUG2'])
  })
  it('the first value wins: -l before user@', () => assert.equal(config('-l', 'a', 'b@host').user, 'a'))
  it('user@host and ssh:// give user and port', () => {
    assert.equal(config('bob@host').user, 'bob')
    assert.deepEqual([config('ssh://bob@host:99').user, config('ssh://bob@host:99').port], ['bob', 99])
  })
  it('a colon in a plain host is part of the name', () => assert.equal(readSshCommand(['fe80::1']).destination?.host, 'fe80::1'))
  it('-tt forces a terminal', () => assert.equal(config('-tt', 'host').requestTty, 'force'))
  it('names what this version cannot do', () => {
    assert.throws(
      () => readSshCommand(['-L', '1:b:2', 'host']),
      (error: unknown) => error instanceof UsageError && /-L \(local forwarding\) is not supported/.test(error.message),
    )
  })
  it('refuses letters nobody knows', () => assert.throws(() => readSshCommand(['-z', 'host']), UsageError))
  it('expands tokens', () => assert.equal(expandTokens('%h-%%-%q', { h: 'host' }), 'host-%-%q'))
})
