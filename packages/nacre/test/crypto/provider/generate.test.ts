// New keys: of the right shape, different each time, and able to sign.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { KeyChoice } from '../../../src/crypto/provider.ts'
import { providers } from './providers.ts'

const choices: KeyChoice[] = [
  { kind: 'ed25519' },
  { kind: 'ecdsa', curve: 'nistp256' },
  { kind: 'ecdsa', curve: 'nistp384' },
  { kind: 'ecdsa', curve: 'nistp521' },
  { kind: 'rsa', bits: 2048 },
]

for (const { crypto, generate } of providers) {
  describe(`the ${crypto.name} provider`, () => {
    test('a generated key signs, and its public half verifies', async () => {
      const data = Uint8Array.of(1, 2, 3)
      for (const choice of choices) {
        const numbers = await generate(choice)
        assert.equal(numbers.kind, choice.kind)
        const hash = choice.kind === 'ed25519' ? undefined : 'sha256'
        const signature = await crypto.signingKey(numbers).sign(hash, data)
        assert.equal(crypto.verifyKey(numbers).verify(hash, data, signature), true, JSON.stringify(choice))
      }
    })

    test('two keys are two keys', async () => {
      const [one, two] = await Promise.all([generate({ kind: 'ed25519' }), generate({ kind: 'ed25519' })])
      assert.ok(one.kind === 'ed25519' && two.kind === 'ed25519')
      assert.notDeepEqual(one.seed, two.seed)
    })

    test('a new ML-DSA-44 key signs for its context, and for no other', async () => {
      const { publicKey, seed } = crypto.generateMldsa44()
      const [context, other, data] = [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]
      const signature = await crypto.signingKey({ kind: 'ml-dsa-44', seed, context }).sign(undefined, data)
      assert.equal(signature.length, 2420)
      const verify = (with_: Uint8Array, of = data) =>
        crypto.verifyKey({ kind: 'ml-dsa-44', publicKey, context: with_ }).verify(undefined, of, signature)
      assert.deepEqual([verify(context), verify(other), verify(context, Uint8Array.of(4))], [true, false, false])
    })

    test('RSA sizes that are weak or absurd are refused', async () => {
      for (const bits of [1023, 2047.5, 20000]) await assert.rejects(generate({ kind: 'rsa', bits }), RangeError)
    })
  })
}
