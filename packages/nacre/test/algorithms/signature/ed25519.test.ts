// The blobs of ssh-ed25519 (RFC 8709).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ed25519, ed25519Key } from '../../../src/algorithms/signature/ed25519.ts'
import { WireError } from '../../../src/errors.ts'
import { bytes, decode, encode, struct } from '../../../src/wire/codec.ts'

const numbers = { kind: 'ed25519', publicKey: new Uint8Array(32).fill(7) } as const

test('a key has 32 bytes', () => {
  assert.deepEqual(decode(ed25519Key.publicFields, encode(ed25519Key.publicFields, numbers)), numbers)
  for (const size of [0, 31, 33]) assert.throws(() => decode(ed25519Key.publicFields, encode(bytes, new Uint8Array(size))), WireError)
  assert.equal(ed25519Key.bits(numbers), 256)
})

test('the private half repeats the public one, and both must agree', () => {
  const whole = { ...numbers, seed: new Uint8Array(32).fill(1) }
  const written = encode(ed25519Key.privateFields, whole)
  assert.deepEqual(decode(ed25519Key.privateFields, written), whole)
  written[written.length - 1] ^= 1
  assert.throws(() => decode(ed25519Key.privateFields, written), WireError)
  const short = encode(struct({ a: bytes, b: bytes }), { a: numbers.publicKey, b: new Uint8Array(63) })
  assert.throws(() => decode(ed25519Key.privateFields, short), WireError)
})

test('a signature has exactly 64 bytes', () => {
  assert.equal(ed25519.decodeSignature(new Uint8Array(64), numbers).length, 64)
  for (const size of [0, 63, 65, 128]) assert.throws(() => ed25519.decodeSignature(new Uint8Array(size), numbers), WireError)
})
