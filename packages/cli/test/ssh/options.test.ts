// The command line of ssh: OpenSSH's letters and rules, and what they mean as configuration.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readSshConfig } from '../../src/ssh/config.ts'
import { readSshCommand } from '../../src/ssh/options.ts'
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
  it('-W leaves other forwards out, unless it is said otherwise', async () => {
    const forward = ['-W', 'a:1', '-o', 'LocalForward=8080 b:80', 'host']
    const { clearAllForwardings, exitOnForwardFailure, localForward } = await config(...forward)
    assert.deepEqual([clearAllForwardings, exitOnForwardFailure, localForward], [true, true, []])
    const kept = await config('-o', 'ClearAllForwardings=no', '-o', 'ExitOnForwardFailure=no', ...forward)
    assert.deepEqual([kept.clearAllForwardings, kept.exitOnForwardFailure, kept.localForward.length], [false, false, 1])
  })
  it('-w names both devices, and the kind unless something said it before', async () => {
    const { tunnel, tunnelDevice } = await config('-w', '3:any')
    assert.deepEqual([tunnel, tunnelDevice], ['point-to-point', { local: 3, remote: 'any' }])
    assert.deepEqual((await config('-w', '3')).tunnelDevice, { local: 3, remote: 'any' })
    assert.equal((await config('-o', 'Tunnel=ethernet', '-w', '0:0')).tunnel, 'ethernet')
    assert.equal((await config('-w', '0:0', '-o', 'Tunnel=ethernet')).tunnel, 'point-to-point')
    assert.equal((await config('-w', '0:0', '-o', 'ClearAllForwardings=yes')).tunnel, 'no')
    await assert.rejects(config('-w', 'x'), /local\[:remote\]/)
  })
  it('the last of -t, -T and -N says whether there is a terminal', async () => {
    for (const [words, tty] of [
      ['-T -t', 'yes'],
      ['-t -T', 'no'],
      ['-t -T -t', 'yes'],
      ['-t -t', 'force'],
      ['-N', 'no'],
      ['-o RequestTTY=force -T', 'no'],
    ] as const)
      assert.equal((await config(...words.split(' '), 'host')).requestTty, tty, words)
  })
  it('a letter replaces what -o said, but for those that stand in order with it', async () => {
    assert.equal((await config('-o', 'EscapeChar=none', '-e', '^A', '-e', '%', 'host')).escapeChar, '%')
    assert.equal((await config('-e', '^A', 'host')).escapeChar, '\x01')
    assert.equal((await config('-o', 'Port=1', '-p', '2', 'host')).port, 1)
    assert.equal((await config('-o', 'LogLevel=ERROR', '-v', 'host')).logLevel, 'DEBUG1')
    assert.equal((await config('-v', '-q', 'host')).logLevel, 'QUIET')
    assert.equal((await config('-q', '-vv', 'host')).logLevel, 'DEBUG2')
    assert.equal((await config('-4', '-6', 'host')).addressFamily, 'inet6')
  })
  it('-f goes to the background and reads nothing', async () => {
    const { forkAfterAuthentication, stdinNull } = await config('-f', 'host', 'true')
    assert.deepEqual([forkAfterAuthentication, stdinNull], [true, true])
  })
  it('refuses letters that exclude each other', () => {
    assert.throws(() => readSshCommand(['-N', '-s', 'host']), UsageError)
    assert.throws(() => readSshCommand(['-y', '-E', 'file', 'host']), UsageError)
  })
  it('refuses letters nobody knows', () => assert.throws(() => readSshCommand(['-z', 'host']), UsageError))
  it('a letter takes a value with spaces as one', async () =>
    assert.deepEqual((await config('-i', '/a b/"key"', 'host')).identityFile, ['/a b/"key"']))
  it('a letter that tags, jumps or binds is a keyword', async () => {
    const { tag, proxyJump, bindInterface } = await config('-P', 'work', '-J', 'a,b', '-B', 'lo', 'host')
    assert.deepEqual([tag, proxyJump !== undefined && proxyJump !== 'none' && proxyJump.text, bindInterface], ['work', 'a,b', 'lo'])
  })
})
