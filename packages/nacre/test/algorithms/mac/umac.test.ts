// Specifies UMAC: the vectors of RFC 4418's appendix, every length against the RFC's text in BigInt, the rare word that takes
// the longer way, and what packets ask of it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { uhash, type UhashKey } from '../../../src/algorithms/mac/umac-hash.ts'
import { Umac, umac128, umac128Etm, umac64, umac64Etm } from '../../../src/algorithms/mac/umac.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import { ascii, hex, patterned, toHex } from '../../crypto/bytes.ts'

const crypto = nodeCrypto()
const key = ascii('abcdefghijklmnop')
const nonce = ascii('bcdefghi')

// RFC 4418, appendix. The 128-bit tags begin with its 96-bit ones: a longer tag adds a stream and changes none.
const vectors: readonly [message: string, times: number, tag64: string, tag128: string][] = [
  ['a', 0, '6e155fad26900be1', '32fedb100c79ad58f07ff7643cc60465'],
  ['a', 3, '44b5cb542f220104', '185e4fe905cba7bd85e4c2dc3d117d8d'],
  ['a', 2 ** 10, '26bf2f5d60118bd9', '7a54abe04af82d60fb298c3cbd195bcb'],
  ['a', 2 ** 15, '27f8ef643b0d118d', '7b136bd911e4b734286ef2be501f2c3c'],
  ['a', 2 ** 20, 'a4477e87e9f55853', 'f8acfa3ac31cfeea047f7b115b03bef5'],
  ['abc', 1, 'd4d7b9f6bd4fbfcf', '883c3d4b97a61976ffcf232308cba5a5'],
  ['abc', 500, 'd4cf26ddefd5c01a', '8824a260c53c66a36c9260a62cb83aa1'],
]

describe('UMAC (RFC 4418)', () => {
  for (const [message, times, tag64, tag128] of vectors) {
    test(`'${message}' * ${times}`, () => {
      const bytes = ascii(message.repeat(times))
      assert.equal(toHex(new Umac(crypto, key, 8).computeFor(nonce, bytes)), tag64)
      assert.equal(toHex(new Umac(crypto, key, 16).computeFor(nonce, bytes)), tag128)
    })
  }

  test('more than 16 MiB, where another polynomial begins, is refused', () => {
    assert.throws(() => new Umac(crypto, key, 8).computeFor(nonce, new Uint8Array(2 ** 24 + 1)), RangeError)
  })
})

const mask64 = 2n ** 64n - 1n
const prime64 = 2n ** 64n - 59n
const prime36 = 2n ** 36n - 5n

/** UHASH of one stream as RFC 4418 §5 puts it, with the key parts in the form nacre keeps them. */
const reference = (parts: UhashKey, stream: number, message: Uint8Array): number => {
  const words: bigint[] = []
  for (let at = 0; at < message.length || at === 0; at += 1024) {
    const block = message.subarray(at, at + 1024)
    const padded = new Uint8Array(Math.max(32, Math.ceil(block.length / 32) * 32))
    padded.set(block)
    const view = new DataView(padded.buffer)
    let sum = 0n
    for (let i = 0; i < padded.length / 4; i += 8) {
      for (let j = i; j < i + 4; j++) {
        const x = (view.getUint32(4 * j, true) + parts.nh[4 * stream + j]) >>> 0
        const y = (view.getUint32(4 * j + 16, true) + parts.nh[4 * stream + j + 4]) >>> 0
        sum += BigInt(x) * BigInt(y)
      }
    }
    words.push((sum + BigInt(8 * block.length)) & mask64)
  }
  let value = words[0]
  if (message.length > 1024) {
    const [k0, k1, k2] = [0, 1, 2].map(limb => BigInt(parts.poly[3 * stream + limb]))
    const k = k0 | (k1 << 22n) | (k2 << 44n)
    value = 1n
    for (const word of words) {
      if (word >= 2n ** 64n - 2n ** 32n) {
        value = (k * value + prime64 - 1n) % prime64
        value = (k * value + word - 59n) % prime64
      } else value = (k * value + word) % prime64
    }
  }
  let sum = 0n
  for (let i = 0; i < 4; i++) sum += ((value >> BigInt(48 - 16 * i)) & 0xffffn) * BigInt(parts.inner[4 * stream + i])
  return (Number((sum % prime36) & 0xffffffffn) ^ parts.mask[stream]) >>> 0
}

/** A key of four streams whose NH words are `nh`, or random ones. */
const keyOf = (seed: number, nh?: Uint32Array): UhashKey => {
  const words = new DataView(patterned(4096, seed).buffer)
  const limb = (at: number, bits: number): number => words.getUint32(at) & ((1 << bits) - 1)
  return {
    streams: 4,
    nh: nh ?? Uint32Array.from({ length: 268 }, (_, i) => words.getUint32(4 * i)),
    // k64 is masked to 0x01ffffff01ffffff: bits 0 to 24 and 32 to 56.
    poly: Float64Array.from({ length: 12 }, (_, i) =>
      i % 3 === 0 ? limb(2000 + 4 * i, 22) : i % 3 === 1 ? limb(2000 + 4 * i, 22) & 0x3ffc07 : limb(2000 + 4 * i, 13),
    ),
    inner: Float64Array.from({ length: 16 }, (_, i) => (i < 4 ? Number(prime36) - 1 - i : words.getUint32(3000 + 4 * i) * 16 + i)),
    mask: Uint32Array.from({ length: 4 }, (_, i) => words.getUint32(3500 + 4 * i)),
  }
}

const hashed = (parts: UhashKey, message: Uint8Array): number[] => {
  const out = new Uint8Array(16)
  uhash(parts, new DataView(message.buffer, message.byteOffset, message.length), 0, message.length, out)
  const view = new DataView(out.buffer)
  return [0, 1, 2, 3].map(stream => view.getUint32(4 * stream))
}

describe('UHASH without BigInt', () => {
  test('is the RFC’s at every length up to 1100 bytes, and at larger ones', () => {
    const lengths = [...Array.from({ length: 1101 }, (_, i) => i), 2047, 2048, 2049, 4096, 32768, 35000, 262144]
    for (const length of lengths) {
      const parts = keyOf(length % 97)
      const message = patterned(length, length)
      assert.deepEqual(
        hashed(parts, message),
        [0, 1, 2, 3].map(stream => reference(parts, stream, message)),
        `${length} bytes`,
      )
    }
  })

  test('is the RFC’s where all words are as large as they get', () => {
    const parts = keyOf(5, new Uint32Array(268))
    for (const length of [32, 1024, 1056, 8192, 262144]) {
      const message = new Uint8Array(length).fill(0xff)
      assert.deepEqual(
        hashed(parts, message),
        [0, 1, 2, 3].map(stream => reference(parts, stream, message)),
        `${length} bytes`,
      )
    }
  })

  test('is the RFC’s where a word of 2^64 - 2^32 or more takes the marker (§5.3.2)', () => {
    const parts = keyOf(6, new Uint32Array(268))
    for (const low of [0, 1, 58, 59, 60, 0xffffffff]) {
      // With an NH key of zeros the first block hashes to x * y + x' * y' + 8192; these products make 0xffffffff, `low`.
      const message = new Uint8Array(2048)
      const view = new DataView(message.buffer)
      const wanted = ((0xffffffffn << 32n) | BigInt(low)) - 8192n
      const pairs = sumOfProducts(wanted)
      pairs.forEach(([x, y], i) => {
        const at = 32 * (i >> 2) + 4 * (i & 3)
        view.setUint32(at, x, true)
        view.setUint32(at + 16, y, true)
      })
      assert.deepEqual(
        hashed(parts, message),
        [0, 1, 2, 3].map(stream => reference(parts, stream, message)),
        `low word ${low}`,
      )
    }
  })
})

/** Pairs of 32-bit numbers whose products add up to `total`. */
const sumOfProducts = (total: bigint): [number, number][] => {
  const pairs: [number, number][] = []
  const most = 0xffffffffn
  for (let left = total; left > 0n;) {
    const x = left > most ? most : left
    const quotient = left / x
    const y = quotient > most ? most : quotient
    pairs.push([Number(x), Number(y)])
    left -= x * y
  }
  return pairs
}

describe('UMAC over packets', () => {
  const packet = patterned(100, 8)
  const sequenceNonce = (sequence: number): Uint8Array => hex(sequence.toString(16).padStart(16, '0'))

  test('the nonce is the sequence number, in any order of sequence numbers', () => {
    for (const [row, tagBytes] of [
      [umac64, 8],
      [umac128, 16],
    ] as const) {
      const mac = row.create(crypto, key)
      for (const sequence of [0, 1, 2, 3, 2, 1, 7, 6, 0, 0xfffffffe, 0xffffffff, 0, 0x01000000]) {
        const expected = toHex(new Umac(crypto, key, tagBytes).computeFor(sequenceNonce(sequence), packet))
        assert.equal(toHex(mac.compute(sequence, packet, 0, packet.length)), expected, `sequence ${sequence}`)
      }
    }
  })

  test('a packet inside a larger buffer, and one in another buffer after it', () => {
    const mac = umac128.create(crypto, key)
    const expected = toHex(mac.compute(5, packet, 0, packet.length))
    const around = new Uint8Array(300).subarray(7)
    around.set(packet, 30)
    assert.equal(toHex(mac.compute(5, around, 30, 130)), expected)
    assert.equal(toHex(mac.compute(5, packet, 0, packet.length)), expected)
  })

  test('the rows say what transport must know', () => {
    const columns = [umac64, umac128, umac64Etm, umac128Etm].map(row => [
      row.name,
      row.keyBytes,
      row.tagBytes,
      row.encryptThenMac,
      row.standing,
    ])
    assert.deepEqual(columns, [
      ['umac-64@openssh.com', 16, 8, false, 'default'],
      ['umac-128@openssh.com', 16, 16, false, 'default'],
      ['umac-64-etm@openssh.com', 16, 8, true, 'default'],
      ['umac-128-etm@openssh.com', 16, 16, true, 'default'],
    ])
  })
})
