// Which remote forward a channel of the server belongs to, whatever a server calls the address it listens on.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listenedAt, type ListenedPort } from '../../src/client/listened.ts'

const at = (...entries: readonly (readonly [string, number])[]) =>
  entries.map(([address, port]) => ({ address, port, anyPort: port >= 50_000 }))
const found = (entries: readonly ListenedPort[], address: string, port: number): string | undefined => {
  const entry = listenedAt(entries, address, port)
  return entry && `${entry.address}:${entry.port}`
}

describe('a channel for a connection that came at the server', () => {
  it('belongs to the forward of these very words', () => {
    const entries = at(['localhost', 80], ['192.0.2.1', 80], ['', 81])
    assert.equal(found(entries, '192.0.2.1', 80), '192.0.2.1:80')
    assert.equal(found(entries, 'localhost', 80), 'localhost:80')
    assert.equal(found(entries, '', 81), ':81')
  })
  it('else to the one that covers the address it names', () => {
    const entries = at(['192.0.2.1', 80], ['localhost', 80])
    for (const address of ['127.0.0.1', '127.9.9.9', '::1', '']) assert.equal(found(entries, address, 80), 'localhost:80', address)
    const all = at(['192.0.2.1', 80], ['0.0.0.0', 80])
    assert.equal(found(all, '198.51.100.4', 80), '0.0.0.0:80')
    assert.equal(found(at(['192.0.2.1', 80], ['::', 80]), '2001:db8::1', 80), ':::80')
    assert.equal(found(at(['192.0.2.1', 80], ['', 80]), 'anything', 80), ':80')
  })
  it('else to the only one with its port', () => {
    assert.equal(found(at(['gateway.example', 80], ['localhost', 81]), '192.0.2.1', 80), 'gateway.example:80')
    assert.equal(found(at(['a', 80], ['b', 80]), '192.0.2.1', 80), undefined)
  })
  it('never to one with another port, or to none', () => {
    assert.equal(found(at(['localhost', 80]), 'localhost', 81), undefined)
    assert.equal(found(at(['', 80]), '', 0), undefined)
    assert.equal(found([], 'localhost', 80), undefined)
  })
  it('of port 0 belongs to one for which the server was to choose, if there is one such', () => {
    assert.equal(found(at(['localhost', 80], ['localhost', 50_000]), 'localhost', 0), 'localhost:50000')
    assert.equal(found(at(['a', 50_000], ['b', 50_001]), 'c', 0), undefined)
  })
  it('of IPv4 does not cover IPv6, and localhost covers nothing else', () => {
    const entries = at(['0.0.0.0', 80], ['localhost', 80])
    assert.equal(found(entries, '2001:db8::1', 80), undefined)
    assert.equal(found(at(['localhost', 80], ['192.0.2.1', 80]), '192.0.2.2', 80), undefined)
  })
})
