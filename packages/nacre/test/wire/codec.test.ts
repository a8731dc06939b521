// What the combinators read, write and refuse.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { WireError } from '../../src/errors.ts'
import {
  boolean,
  byte,
  bytes,
  type Codec,
  counted,
  decode,
  encode,
  fixed,
  identifier,
  mpint,
  name,
  nameList,
  nested,
  prose,
  repeated,
  rest,
  struct,
  text,
  trailing,
  uint32,
  uint64,
} from '../../src/wire/codec.ts'

const hex = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value.replaceAll(' ', ''), 'hex'))
const refuses = (codec: Codec<unknown>, input: string, why: RegExp): void => {
  assert.throws(
    () => decode(codec, hex(input)),
    (error: unknown) => error instanceof WireError && error.code === 'WIRE' && why.test(error.message),
  )
}

describe('primitive types (RFC 4251 §5)', () => {
  it('round-trips every value', () => {
    const cases: readonly [Codec<never>, fc.Arbitrary<unknown>][] = [
      [byte as Codec<never>, fc.integer({ min: 0, max: 255 })],
      [boolean as Codec<never>, fc.boolean()],
      [uint32 as Codec<never>, fc.integer({ min: 0, max: 0xffffffff })],
      [uint64 as Codec<never>, fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })],
      [bytes as Codec<never>, fc.uint8Array()],
      [text as Codec<never>, fc.string({ unit: 'binary', maxLength: 100 })],
      [identifier as Codec<never>, fc.string({ unit: 'binary', maxLength: 60 })],
      [rest as Codec<never>, fc.uint8Array()],
    ]
    for (const [codec, values] of cases) {
      fc.assert(fc.property(values, value => assert.deepEqual(decode(codec, encode(codec, value as never)), value)))
    }
  })
  it('takes any non-zero byte as true', () => assert.equal(decode(boolean, hex('02')), true))
  it('refuses a short uint32', () => refuses(uint32, '000001', /uint32 needs 4 bytes, 3 are left/))
  it('refuses a string longer than the input', () => refuses(bytes, '00000005 61', /string needs 5 bytes/))
  it('refuses left-over bytes', () => refuses(byte, '0102', /1 bytes are left over/))
  it('refuses text that is not UTF-8', () => refuses(text, '00000002 c328', /not valid UTF-8/))
  it('refuses long text that is not UTF-8 too', () => refuses(text, `00000040 ${'61'.repeat(63)}ff`, /not valid UTF-8/))
  it('refuses an identifier that is not UTF-8, and reads the same one the same way each time', () => {
    refuses(identifier, '00000002 c328', /not valid UTF-8/)
    for (const value of ['session', 'sessioN', '', 'é', 'session', 'é', 'x'.repeat(49), 'x'.repeat(49)])
      assert.equal(decode(identifier, encode(text, value)), value)
  })
  it('tells identifiers apart, however many come', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme-ascii', maxLength: 3 }), { maxLength: 300 }), values => {
        for (const value of values) assert.equal(decode(identifier, encode(text, value)), value)
      }),
    )
  })
  it('reads prose leniently', () => assert.equal(decode(prose, hex('00000002 c328')), '\ufffd('))
  it('refuses to write what does not fit', () => {
    assert.throws(() => encode(uint32, -1), WireError)
    assert.throws(() => encode(uint32, 2 ** 32), WireError)
    assert.throws(() => encode(uint32, 1.5), WireError)
    assert.throws(() => encode(uint64, 2n ** 64n), WireError)
  })
})

describe('mpint (RFC 4251 §5), the examples of the RFC', () => {
  it('zero', () => assert.deepEqual(encode(mpint, hex('')), hex('00000000')))
  it('9a378f9b2e332a7', () => {
    assert.deepEqual(encode(mpint, hex('09a378f9b2e332a7')), hex('00000008 09a378f9b2e332a7'))
    assert.deepEqual(decode(mpint, hex('00000008 09a378f9b2e332a7')), hex('09a378f9b2e332a7'))
  })
  it('80', () => {
    assert.deepEqual(encode(mpint, hex('80')), hex('00000002 0080'))
    assert.deepEqual(decode(mpint, hex('00000002 0080')), hex('80'))
  })
  it('drops leading zeros when writing', () => assert.deepEqual(encode(mpint, hex('0000ff')), hex('00000002 00ff')))
  it('refuses negative numbers', () => refuses(mpint, '00000002 edcc', /negative/))
  it('refuses unnecessary zeros', () => {
    refuses(mpint, '00000001 00', /unnecessary/)
    refuses(mpint, '00000002 0001', /unnecessary/)
  })
})

describe('names and lists (RFC 4251 §6)', () => {
  it('takes a name', () => assert.equal(decode(name, encode(name, 'aes128-ctr')), 'aes128-ctr'))
  for (const bad of ['', 'a,b', 'a b', 'ä', 'x'.repeat(65)])
    it(`refuses ${JSON.stringify(bad)} as a name`, () => assert.throws(() => decode(name, encode(text, bad)), WireError))
  it('reads an empty list', () => assert.deepEqual(decode(nameList, encode(text, '')), []))
  it('keeps order', () => assert.deepEqual(decode(nameList, encode(text, 'zlib,none')), ['zlib', 'none']))
  it('reads a list with one comma too many at its end, as libssh 0.10 sends it', () =>
    assert.deepEqual(decode(nameList, encode(text, 'zlib,none,')), ['zlib', 'none']))
  for (const bad of [',', ',,', 'a,,b', ',a', 'a,,', 'a,\u00e4', 'a b', 'a\n,'])
    it(`refuses the list ${JSON.stringify(bad)}`, () => assert.throws(() => decode(nameList, encode(text, bad)), WireError))
})

describe('composites', () => {
  const point = struct({ x: uint32, y: uint32 })
  it('reads fields in order', () => assert.deepEqual(decode(point, hex('00000001 00000002')), { x: 1, y: 2 }))
  it('nests with a length, which must fit exactly', () => {
    assert.deepEqual(encode(nested(point), { x: 1, y: 2 }), hex('00000008 00000001 00000002'))
    refuses(nested(point), '00000009 00000001 00000002 00', /left over/)
    refuses(nested(point), '00000007 00000001 000000', /needs 4 bytes/)
  })
  it('nests also when the buffer has to grow in between', () => {
    const big = new Uint8Array(5000).fill(7)
    assert.deepEqual(decode(nested(bytes), encode(nested(bytes), big)), big)
  })
  it('counts, up to a limit', () => {
    assert.deepEqual(decode(counted(byte, 3), hex('00000002 0102')), [1, 2])
    refuses(counted(byte, 3), '00000004 01020304', /at most 3/)
    refuses(counted(byte, 3), 'ffffffff', /at most 3/)
  })
  it('repeats to the end, up to a limit', () => {
    assert.deepEqual(decode(repeated(byte, 3), hex('010203')), [1, 2, 3])
    refuses(repeated(byte, 3), '01020304', /more than 3/)
  })
  it('takes a trailing field that may be missing', () => {
    const message = struct({ a: byte, b: trailing(byte) })
    assert.deepEqual(decode(message, hex('01')), { a: 1, b: undefined })
    assert.deepEqual(decode(message, hex('0102')), { a: 1, b: 2 })
    assert.deepEqual(encode(message, { a: 1, b: undefined }), hex('01'))
  })
  it('holds to a fixed length', () => {
    assert.throws(() => encode(fixed(2), hex('01')), WireError)
    assert.deepEqual(decode(fixed(2), hex('0102')), hex('0102'))
  })
})
