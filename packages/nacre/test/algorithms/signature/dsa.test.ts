// The blobs of ssh-dss (RFC 4253 §6.6).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dsaKey, insecureSshDss } from '../../../src/algorithms/signature/dsa.ts'
import { WireError } from '../../../src/errors.ts'
import { decode, encode } from '../../../src/wire/codec.ts'
import { privateKey } from '../../keys/fixtures.ts'

const numbers = privateKey('dsa').revealNumbers()
assert.ok(numbers.kind === 'dsa')

test('it is insecure, and so never offered unasked', () => {
  assert.equal(insecureSshDss.standing, 'insecure')
})

test('keys with a subgroup of another size, or numbers out of range, are refused', () => {
  const read = (value: typeof numbers) => decode(dsaKey.privateFields, encode(dsaKey.privateFields, value))
  assert.deepEqual(read(numbers), numbers)
  assert.equal(dsaKey.bits(numbers), 1024)
  const bad = [
    { q: numbers.q.subarray(1) },
    { q: new Uint8Array(32).fill(0xff) },
    { p: numbers.p.subarray(1) },
    { g: Uint8Array.of(1) },
    { g: numbers.p },
    { y: new Uint8Array(0) },
    { y: Uint8Array.of(1) },
    { y: numbers.p },
    { x: new Uint8Array(0) },
    { x: numbers.q },
  ]
  for (const each of bad) assert.throws(() => read({ ...numbers, ...each }), WireError, Object.keys(each)[0])
})

test('a signature has 40 bytes, neither half zero', () => {
  assert.equal(insecureSshDss.decodeSignature(new Uint8Array(40).fill(1), numbers).length, 40)
  for (const bad of [
    new Uint8Array(0),
    new Uint8Array(39).fill(1),
    new Uint8Array(41).fill(1),
    new Uint8Array(40).fill(1, 20),
    new Uint8Array(40).fill(1, 0, 20),
  ]) {
    assert.throws(() => insecureSshDss.decodeSignature(bad, numbers), WireError)
  }
})
