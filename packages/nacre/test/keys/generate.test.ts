// New keys by the names people give types: sizes as ssh-keygen has them, and refusals in words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { webCrypto } from '../../src/crypto/web/provider.ts'
import { KeyFormatError } from '../../src/errors.ts'
import { generateKey } from '../../src/keys/generate.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { crypto } from './fixtures.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }

test('each type by its short name and its name on the wire, with its usual size', async () => {
  const made = [
    ['ed25519', 'ssh-ed25519', 256],
    ['ssh-ed25519', 'ssh-ed25519', 256],
    ['ecdsa', 'ecdsa-sha2-nistp256', 256],
    ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384', 384],
    ['mldsa44-ed25519', 'ssh-mldsa44-ed25519@openssh.com', 256],
    ['RSA', 'ssh-rsa', 3072],
  ] as const
  for (const [asked, type, bits] of made) {
    const key = await generateKey(crypto, asked, { comment: 'mine' })
    assert.deepEqual([key.type, key.publicKey.bits, key.comment], [type, bits, 'mine'])
  }
})

test('sizes that are asked for', async () => {
  for (const bits of [256, 384, 521]) assert.equal((await generateKey(crypto, 'ecdsa', { bits })).publicKey.bits, bits)
  for (const bits of [1024, 2048]) assert.equal((await generateKey(crypto, 'rsa', { bits })).publicKey.bits, bits)
  // One size there is, whatever is asked for, as in ssh-keygen.
  assert.equal((await generateKey(crypto, 'ed25519', { bits: 4096 })).publicKey.bits, 256)
})

test('a new key signs, in every provider', async () => {
  const data = Uint8Array.of(1, 2, 3)
  for (const by of [crypto, webCrypto()]) {
    for (const type of ['ed25519', 'ecdsa', 'mldsa44-ed25519']) {
      const signer = createSigner(by, await generateKey(by, type), 'new')
      const [algorithm] = signer.algorithms
      const signature = await signer.sign(data, algorithm)
      assert.ok(verifySignature(by, tables, { publicKey: signer.publicKey.blob, algorithm, data, signature }), `${by.name} ${type}`)
    }
  }
})

const refusals: readonly [string, number | undefined, RegExp][] = [
  ['rsa', 1023, /^A key of type RSA has 1024 to 16384 bits, not 1023\.$/],
  ['rsa', 16385, /^A key of type RSA has 1024 to 16384 bits, not 16385\.$/],
  ['ecdsa', 300, /^A key of type ECDSA has 256, 384 or 521 bits, not 300\.$/],
  ['ecdsa-sha2-nistp384', 256, /^A key of type ECDSA has 384 bits, not 256\.$/],
  ['rsa', 2048.5, /not 2048\.5\.$/],
  ['dsa', undefined, /^New dsa keys are not made any more: they are too weak\. New keys can be: ed25519, ecdsa, mldsa44-ed25519, rsa\.$/],
  ['ed25519-sk', undefined, /^A ed25519-sk key is made by a security key, which cannot be used here\./],
  ['sk-ecdsa-sha2-nistp256@openssh.com', undefined, /is made by a security key/],
  ['rsa1\n', undefined, /^There is no key type "rsa1\\x0a"\. New keys can be: ed25519, ecdsa, mldsa44-ed25519, rsa\.$/],
]
for (const [type, bits, message] of refusals) {
  test(`${JSON.stringify(type)} of ${bits ?? 'the usual'} bits is refused in words`, async () => {
    await assert.rejects(generateKey(crypto, type, bits === undefined ? {} : { bits }), (error: unknown) => {
      assert.ok(error instanceof KeyFormatError)
      assert.equal(error.code, 'KEY_UNSUPPORTED')
      assert.match(error.message, message)
      return true
    })
  })
}
