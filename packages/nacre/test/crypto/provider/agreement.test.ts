// Specifies key agreement in every provider: X25519, ECDH and ML-KEM-768 by vectors, what is refused, and that the
// private part comes from the randomness given.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { CurveName, Random } from '../../../src/crypto/provider.ts'
import { digest, hex, patterned, primitiveVectors, sameBytes, seededRandom, toHex } from '../bytes.ts'
import { providers } from './providers.ts'

/** Gives these values, one a call. */
const giving = (...values: readonly Uint8Array[]): Random => {
  const left = [...values]
  return bytes => {
    const next = left.shift()
    assert.ok(next, 'no more randomness is asked for')
    bytes.set(next)
  }
}

for (const { crypto } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    describe('X25519', () => {
      test('RFC 7748 §6.1, from the private keys on', () => {
        const alice = crypto.x25519(giving(hex('77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a')))
        const bob = crypto.x25519(giving(hex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')))
        assert.equal(toHex(alice.publicKey), '8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
        assert.equal(toHex(bob.publicKey), 'de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
        const secret = '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742'
        assert.equal(toHex(alice.agree(bob.publicKey)), secret)
        assert.equal(toHex(bob.agree(alice.publicKey)), secret)
        assert.equal(alice.publicKey.constructor, Uint8Array, 'no Buffer leaves the provider')
      })

      test('RFC 7748 §5.2, the second with a u coordinate whose top bit is set', () => {
        const vectors = [
          [
            'a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4',
            'e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c',
            'c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552',
          ],
          [
            '4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d',
            'e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493',
            '95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957',
          ],
        ]
        for (const [scalar, u, out] of vectors) assert.equal(toHex(crypto.x25519(giving(hex(scalar))).agree(hex(u))), out)
      })

      test('points of small order, which give the all-zero secret, are refused (RFC 8731 §3)', () => {
        const side = crypto.x25519(crypto.random)
        const points = [
          '00'.repeat(32),
          '01'.padEnd(64, '0'),
          `ec${'ff'.repeat(30)}7f`,
          `ed${'ff'.repeat(30)}7f`,
          `ee${'ff'.repeat(30)}7f`,
          'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
          '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
        ]
        for (const point of points) assert.throws(() => side.agree(hex(point)), /small order/, point)
      })

      test('a key of another size is refused', () => {
        for (const size of [0, 31, 33]) assert.throws(() => crypto.x25519(crypto.random).agree(patterned(size)), /32 bytes/)
      })
    })

    describe('ECDH over the NIST curves', () => {
      for (const [name, vector] of Object.entries(primitiveVectors().ecdh)) {
        const curve = name as CurveName
        test(`${curve}: public keys and secret of OpenSSL, the scalar being the randomness given`, () => {
          const left = crypto.ecdh(curve, seededRandom(vector.seeds[0]))
          const right = crypto.ecdh(curve, seededRandom(vector.seeds[1]))
          assert.equal(toHex(left.publicKey), vector.public[0])
          assert.equal(toHex(right.publicKey), vector.public[1])
          assert.equal(toHex(left.agree(right.publicKey)), vector.secret)
          assert.equal(toHex(right.agree(left.publicKey)), vector.secret)
        })

        test(`${curve}: a point off the curve, at infinity, compressed or cut is refused`, () => {
          const side = crypto.ecdh(curve, crypto.random)
          const good = hex(vector.public[1])
          const off = good.slice()
          off[off.length - 1] ^= 1
          const compressed = good.slice(0, (good.length + 1) / 2)
          compressed[0] = 2 + (good[good.length - 1] & 1)
          const hybrid = good.slice()
          hybrid[0] = 6 + (good[good.length - 1] & 1)
          for (const point of [
            off,
            Uint8Array.of(0),
            new Uint8Array(good.length),
            compressed,
            hybrid,
            good.subarray(1),
            good.subarray(0, -1),
            new Uint8Array(0),
          ]) {
            assert.throws(() => side.agree(point), Error, toHex(point))
          }
          assert.ok(side.agree(good))
        })
      }

      test('a scalar of zero or above the order is drawn again', () => {
        const side = crypto.ecdh('nistp256', giving(new Uint8Array(32), new Uint8Array(32).fill(0xff), patterned(32, 11)))
        assert.equal(toHex(side.publicKey), primitiveVectors().ecdh.nistp256.public[0])
      })

      test('randomness that never gives a scalar ends in an error, not in a loop', () => {
        assert.throws(() => crypto.ecdh('nistp384', bytes => void bytes.fill(0)), /no usable scalar/)
      })
    })

    describe('ML-KEM-768', () => {
      const vector = primitiveVectors().mlkem768

      test('the seed given makes the key OpenSSL makes of it, and opens what OpenSSL encapsulated', () => {
        const side = crypto.mlkem768(giving(patterned(64, vector.seed)))
        assert.equal(digest(side.publicKey), vector.public)
        assert.equal(toHex(side.decapsulate(hex(vector.ciphertext))), vector.secret)
      })

      test('both sides hold the same 32 bytes; a touched ciphertext gives others (implicit rejection)', () => {
        const side = crypto.mlkem768(crypto.random)
        const { ciphertext, secret } = crypto.mlkem768Encapsulate(side.publicKey, crypto.random)
        assert.equal(ciphertext.length, 1088)
        assert.equal(secret.length, 32)
        assert.ok(sameBytes(side.decapsulate(ciphertext), secret))
        ciphertext[500] ^= 1
        const other = side.decapsulate(ciphertext)
        assert.equal(other.length, 32)
        assert.ok(!sameBytes(other, secret))
      })

      test('a key or ciphertext of another size, or a key with coefficients out of range, is refused (FIPS 203 §7.2)', () => {
        const side = crypto.mlkem768(crypto.random)
        for (const size of [0, 1183, 1185, 1568])
          assert.throws(() => crypto.mlkem768Encapsulate(patterned(size), crypto.random), /1184 bytes/)
        for (const size of [0, 1087, 1089]) assert.throws(() => side.decapsulate(patterned(size)), /1088 bytes/)
        const wild = side.publicKey.slice()
        wild.fill(0xff, 0, 384)
        assert.throws(() => crypto.mlkem768Encapsulate(wild, crypto.random))
      })
    })
  })
}
