// Signing with a key in memory: what it can make, and that what it makes verifies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { webCrypto } from '../../src/crypto/web/provider.ts'
import { createSigner } from '../../src/keys/signer.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { isNode } from '../runtime.ts'
import { crypto, privateKey } from './fixtures.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }
const data = new TextEncoder().encode('what is signed')

test('each kind of key signs with each algorithm it has, and the signature is right', async () => {
  // Only Node signs with DSA.
  for (const name of ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048', ...(isNode ? ['dsa'] : [])]) {
    const signer = createSigner(crypto, privateKey(name), `${name}.key`)
    assert.ok(signer.algorithms.length > 0)
    for (const algorithm of signer.algorithms) {
      const signature = await signer.sign(data, algorithm)
      assert.equal(verifySignature(crypto, tables, { publicKey: signer.publicKey.blob, algorithm, data, signature }), true, algorithm)
    }
  }
})

test('algorithms are listed strongest first, the insecure one last', () => {
  assert.deepEqual(createSigner(crypto, privateKey('rsa2048'), '').algorithms, ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'])
  assert.deepEqual(createSigner(crypto, privateKey('ed25519'), '').algorithms, ['ssh-ed25519'])
})

test('the tables given bound what it signs with', () => {
  const safe = signatureAlgorithms.filter(row => row.standing !== 'insecure')
  const signer = createSigner(crypto, privateKey('rsa2048'), '', { algorithms: safe })
  assert.deepEqual(signer.algorithms, ['rsa-sha2-512', 'rsa-sha2-256'])
  assert.throws(() => signer.sign(data, 'ssh-rsa'), TypeError)
})

test('it knows where it came from, and that signing is quick', () => {
  const signer = createSigner(crypto, privateKey('ed25519'), '/home/someone/.ssh/id')
  assert.equal(signer.source, '/home/someone/.ssh/id')
  assert.equal(signer.slow, false)
  assert.equal(signer.publicKey.comment, 'ed25519@vectors')
})

test('sign works apart from its signer', async () => {
  const { sign, publicKey } = createSigner(crypto, privateKey('ed25519'), '')
  const signature = await sign(data, 'ssh-ed25519')
  assert.ok(verifySignature(crypto, tables, { publicKey: publicKey.blob, algorithm: 'ssh-ed25519', data, signature }))
})

test('an algorithm of another kind of key is a mistake of the caller', () => {
  assert.throws(() => createSigner(crypto, privateKey('ed25519'), '').sign(data, 'rsa-sha2-512'), TypeError)
})

test('an RSA key of 1024 bits is refused, with the way out', () => {
  assert.throws(() => createSigner(crypto, privateKey('rsa1024'), 'old.key'), {
    code: 'KEY_TOO_WEAK',
    message: 'The key of old.key has 1024 bits, and RSA keys need at least 2048, so it is not used. Make a new one: ssh-keygen -t ed25519',
  })
  assert.ok(createSigner(crypto, privateKey('rsa1024'), 'old.key', { minimumRsaBits: 1024 }))
})

test('a runtime that cannot sign with a kind of key says so, and what to do', () => {
  assert.throws(() => createSigner(webCrypto(), privateKey('dsa'), 'old.key'), {
    code: 'KEY_UNSUPPORTED',
    message: /ssh-keygen -t ed25519/,
  })
})
