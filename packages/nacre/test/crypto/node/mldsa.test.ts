// ML-DSA where Node has none: the keys that need it say so, and a signature by one proves nothing.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../../src/algorithms/signature/table.ts'
import { mldsa44On } from '../../../src/crypto/node/mldsa.ts'
import { nodeCrypto } from '../../../src/crypto/node/provider.ts'
import type { CryptoProvider } from '../../../src/crypto/provider.ts'
import { KeyFormatError } from '../../../src/errors.ts'
import { generateKey } from '../../../src/keys/generate.ts'
import { readPrivateKey } from '../../../src/keys/private-file.ts'
import { createSigner } from '../../../src/keys/signer.ts'
import { verifySignature } from '../../../src/keys/verify.ts'
import { keyTypeVector } from '../../keys/key-types.ts'

const usual = nodeCrypto()
const none = mldsa44On(() => false)
const old: CryptoProvider = {
  ...usual,
  generateMldsa44: none.generate,
  verifyKey: numbers => (numbers.kind === 'ml-dsa-44' ? none.verifyKey(numbers) : usual.verifyKey(numbers)),
  signingKey: numbers => (numbers.kind === 'ml-dsa-44' ? none.signingKey(numbers) : usual.signingKey(numbers)),
}

const refusal = (error: unknown): boolean => {
  assert.ok(error instanceof KeyFormatError)
  assert.equal(error.code, 'KEY_UNSUPPORTED')
  assert.match(
    error.message,
    /^Keys with ML-DSA cannot be used here: they need Node 24\.8 or later with OpenSSL 3\.5, and this is Node \S+ with OpenSSL \S+\.$/,
  )
  return true
}

test('a key cannot be made or sign, in words, though its file is read', async () => {
  const key = readPrivateKey(old, keyTypeVector('mldsa44-ed25519.key'))
  assert.throws(() => createSigner(old, key, 'id_mldsa44_ed25519'), refusal)
  await assert.rejects(generateKey(old, 'mldsa44-ed25519'), refusal)
})

test('a right signature proves nothing there, whatever its older half says', async () => {
  const signer = createSigner(usual, readPrivateKey(usual, keyTypeVector('mldsa44-ed25519.key')), 'test')
  const [algorithm] = signer.algorithms
  const data = Uint8Array.of(1)
  const claim = { publicKey: signer.publicKey.blob, algorithm, data, signature: await signer.sign(data, algorithm) }
  const tables = { signatures: signatureAlgorithms, keyTypes }
  assert.equal(verifySignature(usual, tables, claim), true)
  assert.equal(verifySignature(old, tables, claim), false)
})
