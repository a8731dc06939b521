// The blobs of the three ecdsa key types (RFC 5656 §3.1).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ecdsaNistp256,
  ecdsaNistp256Key,
  ecdsaNistp384,
  ecdsaNistp384Key,
  ecdsaNistp521,
  ecdsaNistp521Key,
} from '../../../src/algorithms/signature/ecdsa.ts'
import { WireError } from '../../../src/errors.ts'
import { bytes, decode, encode, mpint, struct, text } from '../../../src/wire/codec.ts'

const curves = [
  { key: ecdsaNistp256Key, algorithm: ecdsaNistp256, curve: 'nistp256', size: 32, bits: 256, hash: 'sha256' },
  { key: ecdsaNistp384Key, algorithm: ecdsaNistp384, curve: 'nistp384', size: 48, bits: 384, hash: 'sha384' },
  { key: ecdsaNistp521Key, algorithm: ecdsaNistp521, curve: 'nistp521', size: 66, bits: 521, hash: 'sha512' },
] as const

const fields = struct({ curve: text, point: bytes })
const pair = struct({ r: mpint, s: mpint })
const point = (size: number): Uint8Array => new Uint8Array(1 + 2 * size).fill(5).fill(4, 0, 1)

test('the hash goes with the curve (RFC 5656 §6.2.1)', () => {
  for (const { key, algorithm, curve, hash, bits, size } of curves) {
    assert.equal(algorithm.hash, hash)
    assert.equal(key.bits({ kind: 'ecdsa', curve, point: point(size) }), bits)
    assert.equal(algorithm.keyType, key.name)
  }
})

test('a key names its curve and has an uncompressed point of the right size', () => {
  for (const { key, curve, size } of curves) {
    const good = { curve, point: point(size) }
    assert.deepEqual(decode(key.publicFields, encode(fields, good)), { kind: 'ecdsa', ...good })
    const bad = [
      { curve: 'nistp192', point: good.point },
      { curve, point: good.point.subarray(1) },
      { curve, point: Uint8Array.of(...good.point, 0) },
      { curve, point: new Uint8Array(0) },
      { curve, point: good.point.slice().fill(2, 0, 1) },
      { curve, point: Uint8Array.of(2, ...good.point.subarray(1, size + 1)) },
    ]
    for (const each of bad) assert.throws(() => decode(key.publicFields, encode(fields, each)), WireError, `${curve} ${each.point.length}`)
  }
})

test('a private number is padded to the size of the field, and is not zero or too large', () => {
  for (const { key, curve, size } of curves) {
    const shared = { kind: 'ecdsa', curve, point: point(size) } as const
    const scalar = new Uint8Array(size).fill(9, size - 3)
    assert.deepEqual(decode(key.privateFields, encode(key.privateFields, { ...shared, scalar })), { ...shared, scalar })
    for (const bad of [new Uint8Array(0), new Uint8Array(size + 1).fill(1)]) {
      assert.throws(() => decode(key.privateFields, encode(key.privateFields, { ...shared, scalar: bad })), WireError)
    }
  }
})

test('a signature is two numbers, padded to the size of the field', () => {
  for (const { algorithm, curve, size } of curves) {
    const numbers = { kind: 'ecdsa', curve, point: point(size) } as const
    const raw = new Uint8Array(2 * size).fill(0x80, 2, size).fill(3, size + 5)
    const blob = algorithm.encodeSignature(raw)
    assert.deepEqual(decode(pair, blob), { r: raw.slice(2, size), s: raw.slice(size + 5) })
    assert.deepEqual(algorithm.decodeSignature(blob, numbers), raw)
  }
})

test('numbers that are zero, negative, too large or padded are refused, and so are left-over bytes', () => {
  for (const { algorithm, curve, size } of curves) {
    const numbers = { kind: 'ecdsa', curve, point: point(size) } as const
    const one = Uint8Array.of(1)
    const strings = struct({ r: bytes, s: bytes })
    const bad = [
      encode(pair, { r: new Uint8Array(0), s: one }),
      encode(pair, { r: one, s: new Uint8Array(0) }),
      encode(pair, { r: new Uint8Array(size + 1).fill(1), s: one }),
      encode(pair, { r: one, s: new Uint8Array(size + 1).fill(1) }),
      encode(strings, { r: Uint8Array.of(0x80), s: one }),
      encode(strings, { r: Uint8Array.of(0, 1), s: one }),
      Uint8Array.of(...encode(pair, { r: one, s: one }), 0),
      encode(mpint, one),
      new Uint8Array(0),
    ]
    for (const blob of bad) assert.throws(() => algorithm.decodeSignature(blob, numbers), WireError)
  }
})
