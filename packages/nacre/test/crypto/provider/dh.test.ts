// Specifies finite-field Diffie-Hellman in every provider: small groups at once, large ones in the pool where there is one, both the same
// numbers as plain modular exponentiation.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { safeGroups } from '../../../src/algorithms/kex/groups.ts'
import type { Random } from '../../../src/crypto/provider.ts'
import { hex, patterned, sameBytes, seededRandom, toHex } from '../bytes.ts'
import { providers } from './providers.ts'

const [group14, group15, group16, , group18] = safeGroups

const big = (bytes: Uint8Array): bigint => BigInt(`0x0${toHex(bytes)}`)
const power = (base: bigint, exponent: bigint, modulus: bigint): bigint => {
  let result = 1n
  for (let b = base % modulus, e = exponent; e > 0n; e >>= 1n, b = (b * b) % modulus) if (e & 1n) result = (result * b) % modulus
  return result
}

/** The exponent that comes of `patterned(…, seed)`: its top bit set. */
const exponentOf = (bits: number, seed: number): bigint =>
  (big(patterned(bits / 8, seed)) & ((1n << BigInt(bits - 1)) - 1n)) | (1n << BigInt(bits - 1))

for (const { crypto, pool } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    describe('Diffie-Hellman', () => {
      test('group 14 is computed at once, with the exponent from the randomness given', () => {
        const { p, g } = group14
        const mine = crypto.dh({ p, g }, 256, seededRandom(1))
        assert.ok(!(mine instanceof Promise))
        const theirs = power(2n, 12345678901234567890n, big(p))
        assert.equal(big(mine.publicKey), power(2n, exponentOf(256, 1), big(p)))
        const secret = mine.agree(hex(theirs.toString(16).padStart(512, '0')))
        assert.ok(secret instanceof Uint8Array)
        assert.equal(big(secret), power(theirs, exponentOf(256, 1), big(p)))
      })

      test('group 16 with given randomness is repeatable; only the agreement can be in the pool', async () => {
        const { p, g } = group16
        const mine = await crypto.dh({ p, g }, 512, seededRandom(3))
        assert.equal(big(mine.publicKey), power(2n, exponentOf(512, 3), big(p)))
        const theirs = await crypto.dh({ p, g }, 512, seededRandom(4))
        const pending = mine.agree(theirs.publicKey)
        assert.equal(pending instanceof Promise, pool)
        assert.equal(big(await pending), power(big(theirs.publicKey), exponentOf(512, 3), big(p)))
      })

      for (const group of [group15, group16, group18]) {
        test(`${8 * group.p.length} bits with the provider's own randomness ${pool ? 'are made in the pool' : 'are made at once'}, and both sides agree`, async () => {
          const started = crypto.dh(group, 512, crypto.random)
          assert.equal(started instanceof Promise, pool)
          const mine = await started
          const theirs = await crypto.dh(group, 512, crypto.random)
          assert.ok(!sameBytes(mine.publicKey, theirs.publicKey))
          assert.ok(sameBytes(await mine.agree(theirs.publicKey), await theirs.agree(mine.publicKey)))
        })
      }

      test('a large group OpenSSL does not know works too, as one from group exchange may be', async () => {
        // Group 15's prime with another generator.
        const unknown = { p: group15.p, g: Uint8Array.of(5) }
        const mine = await crypto.dh(unknown, 512, crypto.random)
        const theirs = await crypto.dh(unknown, 512, crypto.random)
        assert.ok(sameBytes(await mine.agree(theirs.publicKey), await theirs.agree(mine.publicKey)))
      })

      test('the two sides agree with and without leading zeros in what is sent', async () => {
        const mine = await crypto.dh(group14, 512, crypto.random)
        const theirs = await crypto.dh(group14, 512, crypto.random)
        const padded = new Uint8Array(theirs.publicKey.length + 3)
        padded.set(theirs.publicKey, 3)
        assert.deepEqual(await mine.agree(padded), await theirs.agree(mine.publicKey))
      })

      test('values and groups that make no sense throw or reject, and do no more', async () => {
        const { p, g } = group14
        const large = group16
        const above = Uint8Array.of(1, ...p)
        for (const value of [new Uint8Array(0), Uint8Array.of(0), Uint8Array.of(1), p, above]) {
          await assert.rejects(
            async () => await (await crypto.dh({ p, g }, 256, crypto.random)).agree(value),
            `a value of ${value.length} bytes`,
          )
        }
        await assert.rejects(async () => await (await crypto.dh(large, 256, crypto.random)).agree(large.p))
        const random: Random = crypto.random
        await assert.rejects(async () => await crypto.dh({ p: Uint8Array.of(0), g }, 256, random))
        const even = p.slice()
        even[even.length - 1] &= 0xfe
        await assert.rejects(async () => await (await crypto.dh({ p: even, g }, 256, random)).agree(patterned(200)))
      })
    })
  })
}
