// The public half of a private number, over each provider: that of generated keys, and what is no private number.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { providers } from './providers.ts'

for (const { crypto, generate } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    test('it is that of the key', async () => {
      const ed25519 = await generate({ kind: 'ed25519' })
      assert.ok(ed25519.kind === 'ed25519')
      assert.deepEqual(crypto.publicHalf({ kind: 'ed25519', seed: ed25519.seed }), ed25519.publicKey)
      for (const curve of ['nistp256', 'nistp384', 'nistp521'] as const) {
        const key = await generate({ kind: 'ecdsa', curve })
        assert.ok(key.kind === 'ecdsa')
        const before = Uint8Array.from(key.scalar)
        assert.deepEqual(crypto.publicHalf({ kind: 'ecdsa', curve, scalar: key.scalar }), key.point, curve)
        assert.deepEqual(key.scalar, before)
      }
    })

    test('zero, the order of the curve and more are no private numbers', () => {
      for (const [curve, size] of [
        ['nistp256', 32],
        ['nistp384', 48],
        ['nistp521', 66],
      ] as const)
        for (const fill of [0, 0xff])
          assert.throws(() => crypto.publicHalf({ kind: 'ecdsa', curve, scalar: new Uint8Array(size).fill(fill) }), RangeError, curve)
      assert.throws(() => crypto.publicHalf({ kind: 'ed25519', seed: new Uint8Array(31) }), RangeError)
    })
  })
}
