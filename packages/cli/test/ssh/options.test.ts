// The command line of ssh: OpenSSH's letters and rules, and what they mean as configuration.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSshCommand, readSshConfig } from '../../src/ssh/options.ts'
import { UsageError } from '../../src/getopt.ts'

const config = async (...argv: string[]) => (await readSshConfig(readSshCommand(['-F', 'none', ...argv]))).config

describe('ssh’s command line', () => {
  it('takes bundled letters, glued values, and options after the host', async () => {
    const command = readSshCommand(['-vvp2222', '-oUser=eve', 'host', '-T', 'ls', '-l'])
    assert.equal(command.destination?.host, 'host')
    assert.equal(command.command, 'ls -l')
    const { port, user, requestTty, logLevel } = await config('-vvp2222', '-oUser=eve', 'host', '-T', 'ls', '-l')
    assert.deepEqual([port, user, requestTty, logLevel], [2222, 'eve', 'no', 'DEBUG2'])
  })
  it('the first value wins: -l before user@', async () => assert.equal((await config('-l', 'a', 'b@host')).user, 'a'))
  it('user@host and ssh:// give user and port', async () => {
    assert.equal((await config('bob@host')).user, 'bob')
    const { user, port } = await config('ssh://bob@host:99')
    assert.deepEqual([user, port], ['bob', 99])
  })
  it('a colon in a plain host is part of the name', () => assert.equal(readSshCommand(['fe80::1']).destination?.host, 'fe80::1'))
  it('-tt forces a terminal', async () => assert.equal((await config('-tt', 'host')).requestTty, 'force'))
  it('names what this version cannot do', () => {
    assert.throws(
      () => readSshCommand(['-L', '1:b:2', 'host']),
      (error: unknown) => error instanceof UsageError && /-L \(local forwarding\) is not supported/.test(error.message),
    )
  })
  it('refuses letters nobody knows', () => assert.throws(() => readSshCommand(['-z', 'host']), UsageError))
  it('a letter takes a value with spaces as one', async () =>
    assert.deepEqual((await config('-i', '/a b/"key"', 'host')).identityFile, ['/a b/"key"']))
  it('a letter that tags, jumps or binds is a keyword', async () => {
    const { tag, proxyJump, bindInterface } = await config('-P', 'work', '-J', 'a,b', '-B', 'lo', 'host')
    assert.deepEqual([tag, proxyJump !== undefined && proxyJump !== 'none' && proxyJump.text, bindInterface], ['work', 'a,b', 'lo'])
  })
})
