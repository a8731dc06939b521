// How places of forwards are written: what each spelling means, and what is none.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError } from '../../src/errors.ts'
import { readListenPlace, readTargetPlace, showPlace } from '../../src/forward/places.ts'

describe('a place to listen on', () => {
  it('is a port of this machine alone when only a port is said', () => {
    assert.deepEqual(readListenPlace(8080), { host: 'localhost', port: 8080 })
    assert.deepEqual(readListenPlace('8080'), { host: 'localhost', port: 8080 })
    assert.deepEqual(readListenPlace(0), { host: 'localhost', port: 0 })
  })
  it('is of all addresses when no host is said, or a star', () => {
    for (const place of [':8080', '*:8080', { host: '', port: 8080 }, { host: '*', port: 8080 }, { host: undefined, port: 8080 }])
      assert.deepEqual(readListenPlace(place), { host: undefined, port: 8080 })
  })
  it('is an address and a port, or a path', () => {
    assert.deepEqual(readListenPlace('[::1]:0'), { host: '::1', port: 0 })
    assert.deepEqual(readListenPlace('192.0.2.1:22'), { host: '192.0.2.1', port: 22 })
    assert.deepEqual(readListenPlace('/run/db.sock'), { path: '/run/db.sock' })
    assert.deepEqual(readListenPlace({ path: 'relative' }), { path: 'relative' })
  })
  it('is nothing else', () => {
    for (const place of [
      '',
      'host',
      '65536',
      -1,
      1.5,
      'a:b',
      '::1:80',
      '[::1]',
      { path: '' },
      { path: 'a\0b' },
      { host: 'h', port: 70_000 },
    ])
      assert.throws(() => readListenPlace(place), ConfigError, JSON.stringify(place))
  })
})

describe('a place to connect to', () => {
  it('has a host and a port, or is a path', () => {
    assert.deepEqual(readTargetPlace('db.internal:5432'), { host: 'db.internal', port: 5432 })
    assert.deepEqual(readTargetPlace('[2001:db8::1]:80'), { host: '2001:db8::1', port: 80 })
    assert.deepEqual(readTargetPlace('/run/db.sock'), { path: '/run/db.sock' })
  })
  it('is nothing else', () => {
    for (const place of [
      '',
      ':80',
      '80',
      'h:0',
      'h:65536',
      'h',
      { host: '', port: 80 },
      { host: undefined, port: 80 },
      { host: 'h', port: 0 },
    ])
      assert.throws(() => readTargetPlace(place), ConfigError, JSON.stringify(place))
  })
})

it('a place is shown without what a terminal would take for a command', () => {
  assert.equal(showPlace({ host: 'db', port: 1 }), 'db port 1')
  assert.equal(showPlace({ host: undefined, port: 1 }), 'any address port 1')
  assert.equal(showPlace({ path: '/a\u001b[2J' }), '/a\\x1b[2J')
})
