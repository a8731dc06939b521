// Owns the reading of what a person types for a place: which colon ends a host, brackets, addresses, and what is refused.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSftpTarget, parseTarget, shownHostOf } from '../../src/transfer/targets.ts'

const remote = (path: string, host: string, user?: string, port?: number) => ({
  is: 'remote',
  host: { host, ...(port === undefined ? {} : { port }), ...(user === undefined ? {} : { user }) },
  path,
})

describe('an operand of scp', () => {
  for (const text of ['file', './a:b', '/a:b', ':a', 'dir/x:y', '[x', '.', '[::1]/x'])
    test(`${text} is local`, () => assert.deepEqual(parseTarget(text), { is: 'local', path: text }))
  for (const [text, place] of [
    ['host:', remote('', 'host')],
    ['host:file', remote('file', 'host')],
    ['host:/a:b', remote('/a:b', 'host')],
    ['me@host:x', remote('x', 'host', 'me')],
    ['me@corp@host:x', remote('x', 'host', 'me@corp')],
    ['[::1]:x', remote('x', '::1')],
    ['me@[fe80::1%eth0]:x', remote('x', 'fe80::1%eth0', 'me')],
    ['scp://host/x', remote('x', 'host')],
    ['scp://me@host:2022//etc/x', remote('/etc/x', 'host', 'me', 2022)],
    ['scp://[::1]:22/a%20b%2fc', remote('a b/c', '::1', undefined, 22)],
    ['scp://host', remote('', 'host')],
    ['scp://a%40b@host/', remote('', 'host', 'a@b')],
  ] as const)
    test(text, () => assert.deepEqual(parseTarget(text), place))
  for (const text of [
    '-oProxyCommand=id:x',
    'me@-x:y',
    '-x@host:y',
    '@host:x',
    'a b:x',
    'me@:x',
    'scp://host:0/x',
    'scp://h/%zz',
    'scp:///x',
  ])
    test(`${text} is refused`, () => assert.throws(() => parseTarget(text), { code: /^(USAGE|CONFIG)/ }))
})

describe('the operand of sftp', () => {
  for (const [text, place] of [
    ['host', remote('', 'host')],
    ['me@host', remote('', 'host', 'me')],
    ['[::1]', remote('', '::1')],
    ['host:dir', remote('dir', 'host')],
    ['sftp://me@host:2022/dir', remote('dir', 'host', 'me', 2022)],
  ] as const)
    test(text, () => assert.deepEqual(parseSftpTarget(text), place))
  test('has no path where a host belongs', () => assert.throws(() => parseSftpTarget('a/b'), /names no host/))
})

test('a host is shown without what would steer a terminal', () => {
  assert.equal(shownHostOf({ host: 'h\x1b', user: 'me' }), 'me@h\\x1b')
})
