// A private key does not show itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { encodeBase64 } from '../../src/keys/base64.ts'
import { PrivateKey } from '../../src/keys/private.ts'
import { keyNames, privateKey, publicKey } from './fixtures.ts'

test('its public half is the one in the .pub file, comment included', () => {
  for (const name of keyNames) {
    const key = privateKey(name)
    assert.equal(key.type, publicKey(name).type)
    assert.deepEqual(key.publicBlob, publicKey(name).blob)
    assert.equal(key.comment, `${name}@vectors`)
  }
})

test('printing, inspecting and serialising show type and fingerprint only', () => {
  const key = privateKey('ed25519')
  const shown = `[private key ssh-ed25519 ${key.publicKey.fingerprint()}]`
  assert.equal(`${key}`, shown)
  assert.equal(inspect(key), shown)
  assert.equal(inspect({ key }, { depth: 9, showHidden: true }).includes(shown), true)
  assert.equal(JSON.stringify({ key }), JSON.stringify({ key: shown }))
  const numbers = key.revealNumbers()
  assert.equal(numbers.kind, 'ed25519')
  const seed = numbers.kind === 'ed25519' ? encodeBase64(numbers.seed) : ''
  assert.equal(JSON.stringify(Object.entries(key)).includes(seed), false)
})

test('a comment can be changed without touching the key', () => {
  const key = privateKey('ecdsa256')
  const renamed = key.withComment('new')
  assert.equal(renamed.comment, 'new')
  assert.ok(renamed.publicKey.equals(key.publicKey))
  assert.ok(renamed instanceof PrivateKey)
})
