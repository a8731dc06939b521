// Specifies compression: one stream across packets, readable by zlib itself and from it, and bounded when inflating.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { constants, deflateSync, inflateSync } from 'node:zlib'
import { none } from '../../../src/algorithms/compression/none.ts'
import { InflatedTooLarge, zlib, zlibOpenssh } from '../../../src/algorithms/compression/zlib.ts'
import { WireError } from '../../../src/errors.ts'
import { ascii, patterned, sameBytes } from '../../crypto/bytes.ts'

const limit = 256 * 1024
const flushed = (bytes: Uint8Array, level = 6): Uint8Array =>
  Uint8Array.from(deflateSync(bytes, { level, finishFlush: constants.Z_PARTIAL_FLUSH }))

describe('zlib', () => {
  test('packets of all sizes and kinds come back one by one', () => {
    const compressor = zlib.createCompressor()
    const decompressor = zlib.createDecompressor()
    const text = ascii('the quick brown fox '.repeat(2000))
    for (const [i, payload] of [
      patterned(1),
      patterned(100),
      text.subarray(0, 100),
      text,
      patterned(32768),
      new Uint8Array(100_000),
      patterned(200_000, 3),
      text.subarray(0, 1),
      ...Array.from({ length: 300 }, (_, n) => patterned(1 + n * 7, n & 3)),
    ].entries()) {
      const packed = compressor.compress(payload)
      assert.ok(packed.length > 0, `packet ${i}`)
      assert.ok(sameBytes(decompressor.decompress(packed, limit), payload), `packet ${i}`)
    }
  })

  test('one stream: a header only once, and a second packet that leans on the first', () => {
    const compressor = zlib.createCompressor()
    const payload = patterned(2000)
    const first = compressor.compress(payload)
    const second = compressor.compress(payload)
    assert.equal(first[0], 0x78, 'deflate with a window of 32 KiB (RFC 1950)')
    assert.ok(first.length > 1900)
    assert.ok(second.length < 60, `the second takes ${second.length} bytes`)
    const joined = Buffer.concat([first, second])
    const inflated = inflateSync(joined, { finishFlush: constants.Z_SYNC_FLUSH })
    assert.ok(sameBytes(inflated, Buffer.concat([payload, payload])), 'zlib itself reads it')
  })

  test('what zlib wrote is read, with any flush', () => {
    for (const flush of [constants.Z_PARTIAL_FLUSH, constants.Z_SYNC_FLUSH, constants.Z_FULL_FLUSH]) {
      const payload = patterned(50_000, 4)
      const packed = Uint8Array.from(deflateSync(payload, { finishFlush: flush }))
      assert.ok(sameBytes(zlib.createDecompressor().decompress(packed, limit), payload))
    }
  })

  test('results are buffers of their own: later packets leave them alone', () => {
    const compressor = zlib.createCompressor()
    const decompressor = zlib.createDecompressor()
    const packed = compressor.compress(ascii('first'))
    const kept = packed.slice()
    const inflated = decompressor.decompress(packed, limit)
    const other = zlib.createCompressor().compress(ascii('something else'))
    zlib.createDecompressor().decompress(other, limit)
    decompressor.decompress(compressor.compress(ascii('second')), limit)
    assert.deepEqual(packed, kept)
    assert.deepEqual(inflated, ascii('first'))
  })

  test('a size of exactly the limit passes, one byte more does not', () => {
    for (const size of [1, 1000, 32 * 1024, 64 * 1024, 100_000]) {
      const packed = flushed(new Uint8Array(size))
      assert.equal(zlib.createDecompressor().decompress(packed, size).length, size)
      assert.throws(() => zlib.createDecompressor().decompress(packed, size - 1), InflatedTooLarge)
    }
  })

  test('a bomb is stopped where it passes the limit', t => {
    const bomb = flushed(new Uint8Array(64 * 1024 * 1024), 9)
    assert.ok(bomb.length < 70_000)
    const decompressor = zlib.createDecompressor()
    const { mock } = t.mock.method(Uint8Array.prototype, 'slice')
    assert.throws(
      () => decompressor.decompress(bomb, limit),
      (error: unknown) =>
        error instanceof InflatedTooLarge &&
        error.code === 'INFLATED_TOO_LARGE' &&
        error.name === 'InflatedTooLarge' &&
        error.limit === limit,
    )
    const kept = mock.calls.reduce((total, call) => total + (call.result?.length ?? 0), 0)
    mock.restore()
    assert.ok(kept > 0 && kept <= limit + 32 * 1024, `${kept} bytes were kept`)
  })

  test('damaged, cut or ended streams are refused', () => {
    const good = flushed(patterned(500))
    const damaged = good.slice()
    damaged[0] ^= 0xff
    assert.throws(() => zlib.createDecompressor().decompress(damaged, limit), WireError)
    const invalidBlock = Uint8Array.of(0x78, 0x9c, 0x07)
    assert.throws(() => zlib.createDecompressor().decompress(invalidBlock, limit), /damaged/)
    const ended = Uint8Array.from(deflateSync(ascii('bye')))
    assert.throws(() => zlib.createDecompressor().decompress(ended, limit), /ends/)
    // zlib's 'hello' with the dictionary 'hello', flushed.
    const withDictionary = Uint8Array.from(Buffer.from('78bb062c0215ca001100000000ffff', 'hex'))
    assert.throws(() => zlib.createDecompressor().decompress(withDictionary, limit), WireError)
  })

  test('a stream stays refused once it was damaged', () => {
    const decompressor = zlib.createDecompressor()
    assert.throws(() => decompressor.decompress(Uint8Array.of(0xff, 0xff, 0xff), limit), WireError)
    assert.throws(() => decompressor.decompress(flushed(ascii('x')), limit), WireError)
  })

  test('nothing in gives nothing out', () => {
    assert.equal(zlib.createDecompressor().decompress(new Uint8Array(0), limit).length, 0)
  })
})

test('the rows say when compression starts and who is offered it', () => {
  assert.deepEqual([none.name, none.standing, none.starts], ['none', 'default', 'never'])
  assert.deepEqual([zlibOpenssh.name, zlibOpenssh.standing, zlibOpenssh.starts], ['zlib@openssh.com', 'default', 'after-authentication'])
  assert.deepEqual([zlib.name, zlib.standing, zlib.starts], ['zlib', 'offered-on-request', 'at-once'])
  assert.throws(() => none.createCompressor(), TypeError)
  assert.throws(() => none.createDecompressor(), TypeError)
})
