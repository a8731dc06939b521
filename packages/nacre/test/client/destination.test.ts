// Destinations as people write them.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseDestination } from '../../src/client/destination.ts'
import { ConfigError } from '../../src/errors.ts'

describe('a destination', () => {
  for (const [text, expected] of [
    ['host', { host: 'host' }],
    ['bob@host', { host: 'host', user: 'bob' }],
    ['host:2222', { host: 'host', port: 2222 }],
    ['bob@corp.example@host', { host: 'host', user: 'bob@corp.example' }],
    ['[::1]:22', { host: '::1', port: 22 }],
    ['::1', { host: '::1' }],
    ['bob@[fe80::1]', { host: 'fe80::1', user: 'bob' }],
    ['ssh://bob@host:22/', { host: 'host', port: 22, user: 'bob' }],
    ['ssh://b%40b;x=y@host', { host: 'host', user: 'b@b' }],
  ] as const) {
    it(`${text}`, () => assert.deepEqual(parseDestination(text), expected))
  }
  for (const text of ['', '@host', '-oProxyCommand=x', 'host:0', 'host:65536', 'host:x', 'a b', 'ssh://%@host', 'ssh://%ff@host']) {
    it(`is not ${JSON.stringify(text)}`, () => assert.throws(() => parseDestination(text), ConfigError))
  }
})
