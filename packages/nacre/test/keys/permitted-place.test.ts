// Which places a list such as `permitopen` names.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseKeyOptions } from '../../src/keys/key-options.ts'
import { isPermittedPlace } from '../../src/keys/permitted-place.ts'

const list = (...places: readonly string[]) => {
  const options = parseKeyOptions(places.map(place => `permitopen="${place}"`).join(','))
  assert.ok(typeof options === 'object')
  return options.permitOpen
}

describe('a list of places', () => {
  it('names a host with a port, and no other port or host', () => {
    const places = list('db:5432', '[::1]:22')
    assert.equal(isPermittedPlace(places, 'db', 5432), true)
    assert.equal(isPermittedPlace(places, '::1', 22), true)
    for (const [host, port] of [
      ['db', 5433],
      ['db', 22],
      ['::1', 5432],
      ['DB', 5432],
      ['db.', 5432],
      ['0:0::1', 22],
      ['*', 5432],
    ] as const)
      assert.equal(isPermittedPlace(places, host, port), false, `${host} ${port}`)
  })

  it('has a star for any port and for any host', () => {
    assert.equal(isPermittedPlace(list('web:*'), 'web', 1), true)
    assert.equal(isPermittedPlace(list('web:*'), 'other', 1), false)
    assert.equal(isPermittedPlace(list('*:80'), 'anything', 80), true)
    assert.equal(isPermittedPlace(list('*:80'), 'anything', 81), false)
  })

  it('that is empty names none; that is not there, all', () => {
    assert.equal(isPermittedPlace([], 'db', 5432), false)
    assert.equal(isPermittedPlace(undefined, 'db', 5432), true)
  })
})
