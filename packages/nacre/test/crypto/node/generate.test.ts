// New keys: of the right shape, different each time, and able to sign.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyNumbers, type KeyChoice } from '../../../src/crypto/node/generate.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'

const choices: KeyChoice[] = [
  { kind: 'ed25519' },
  { kind: 'ecdsa', curve: 'nistp256' },
  { kind: 'ecdsa', curve: 'nistp384' },
  { kind: 'ecdsa', curve: 'nistp521' },
  { kind: 'rsa', bits: 2048 },
]

test('a generated key signs, and its public half verifies', async () => {
  const crypto = nodeCrypto()
  const data = Uint8Array.of(1, 2, 3)
  for (const choice of choices) {
    const numbers = await generateKeyNumbers(choice)
    assert.equal(numbers.kind, choice.kind)
    const hash = choice.kind === 'ed25519' ? undefined : 'sha256'
    const signature = await crypto.signingKey(numbers).sign(hash, data)
    assert.equal(crypto.verifyKey(numbers).verify(hash, data, signature), true, JSON.stringify(choice))
  }
})

test('two keys are two keys', async () => {
  const [one, two] = await Promise.all([generateKeyNumbers({ kind: 'ed25519' }), generateKeyNumbers({ kind: 'ed25519' })])
  assert.ok(one.kind === 'ed25519' && two.kind === 'ed25519')
  assert.notDeepEqual(one.seed, two.seed)
})

test('RSA sizes that are weak or absurd are refused', async () => {
  for (const bits of [1024, 2047.5, 20000]) await assert.rejects(generateKeyNumbers({ kind: 'rsa', bits }), RangeError)
})
