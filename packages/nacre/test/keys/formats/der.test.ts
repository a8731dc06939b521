// The little DER reader: what it takes and what it refuses.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireError } from '../../../src/errors.ts'
import { DerReader } from '../../../src/keys/formats/der.ts'

const der = (...bytes: number[]): DerReader => new DerReader(Uint8Array.from(bytes))

test('elements with short and long lengths', () => {
  assert.deepEqual(der(0x04, 2, 7, 8).octetString(), Uint8Array.of(7, 8))
  assert.deepEqual(der(0x04, 0x81, 2, 7, 8).octetString(), Uint8Array.of(7, 8))
  assert.deepEqual(der(0x04, 0x82, 0, 2, 7, 8).octetString(), Uint8Array.of(7, 8))
  const outer = der(0x30, 3, 0x02, 1, 5)
  assert.deepEqual(outer.sequence().integer(), Uint8Array.of(5))
  outer.finish()
})

test('integers lose leading zeros, and negative ones are refused', () => {
  assert.deepEqual(der(0x02, 2, 0, 0x80).integer(), Uint8Array.of(0x80))
  assert.deepEqual(der(0x02, 1, 0).integer(), new Uint8Array(0))
  assert.throws(() => der(0x02, 1, 0x80).integer(), WireError)
  assert.throws(() => der(0x02, 0).integer(), WireError)
})

test('object names in dots', () => {
  assert.equal(der(0x06, 3, 0x2b, 0x65, 0x70).objectId(), '1.3.101.112')
  assert.equal(der(0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1).objectId(), '1.2.840.113549.1.1.1')
})

test('object names with a second spelling, cut off or with numbers too large are refused', () => {
  for (const content of [[], [0x2b, 0x80, 0x65], [0x2b, 0xe5], [0x2b, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]])
    assert.throws(() => der(0x06, content.length, ...content).objectId(), WireError, content.join(' '))
})

test('lengths beyond the input, of no definite size or absurdly long are refused', () => {
  for (const bytes of [
    [],
    [0x04],
    [0x04, 3, 1],
    [0x04, 0x80, 0, 0],
    [0x04, 0x84, 0, 0, 0, 1, 1],
    [0x04, 0x82, 1],
    [0x04, 0x83, 0xff, 0xff, 0xff],
  ]) {
    assert.throws(() => der(...bytes).octetString(), WireError, bytes.join(' '))
  }
})

test('another element than the one that belongs there, and left-over bytes, are refused', () => {
  assert.throws(() => der(0x02, 1, 1).octetString(), WireError)
  assert.throws(() => der(0x03, 2, 1, 0xfe).bitString(), WireError)
  assert.throws(() => der(0x02, 1, 1).finish(), WireError)
})
