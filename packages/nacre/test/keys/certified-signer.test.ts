// Signing while showing a certificate, and checking what was signed so.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keyTypes, signatureAlgorithms } from '../../src/algorithms/signature/table.ts'
import { certifiedSigner, fingerprintOfKey, plainClaim } from '../../src/keys/certified-signer.ts'
import { fingerprint } from '../../src/keys/fingerprint.ts'
import { verifySignature } from '../../src/keys/verify.ts'
import { issue, signerOf } from './certificates.ts'
import { crypto, publicKey } from './fixtures.ts'

const tables = { signatures: signatureAlgorithms, keyTypes }
const data = new TextEncoder().encode('what is signed')

test('what is shown is the certificate; its algorithms are those of the signer, with the names of certificates', async () => {
  const certificate = await issue({ key: publicKey('rsa2048') })
  const signer = certifiedSigner(signerOf('rsa2048'), certificate)
  assert.deepEqual(signer.publicKey.blob, certificate.blob)
  assert.equal(signer.publicKey.comment, signerOf('rsa2048').publicKey.comment)
  assert.deepEqual(signer.algorithms, [
    'rsa-sha2-512-cert-v01@openssh.com',
    'rsa-sha2-256-cert-v01@openssh.com',
    'ssh-rsa-cert-v01@openssh.com',
  ])
  assert.throws(() => signer.sign(data, 'rsa-sha2-512'), TypeError)
})

test('a signature is right for the certified key, under its plain name', async () => {
  for (const name of ['ed25519', 'ecdsa256', 'rsa2048']) {
    const certificate = await issue({ key: publicKey(name) })
    const signer = certifiedSigner(signerOf(name), certificate)
    const [algorithm] = signer.algorithms
    const signature = await signer.sign(data, algorithm)
    const claim = { publicKey: certificate.blob, algorithm, data, signature }
    assert.equal(verifySignature(crypto, tables, plainClaim(claim)), true)
    assert.equal(verifySignature(crypto, tables, plainClaim({ ...claim, data: data.subarray(1) })), false)
    assert.equal(verifySignature(crypto, tables, claim), false, 'a certificate is no key')
  }
})

test('a certificate of another key of the same type is refused too', async () => {
  const certificate = await issue({ key: publicKey('rsa2048') })
  assert.throws(() => certifiedSigner(signerOf('rsa1024'), certificate), { code: 'KEY_MALFORMED' })
})

test('claims of plain keys are as they were', () => {
  const claim = { publicKey: publicKey('ed25519').blob, algorithm: 'ssh-ed25519', data, signature: data }
  assert.equal(plainClaim(claim), claim)
})

test('a certificate of another key is refused, with both', async () => {
  const certificate = await issue({ key: publicKey('ecdsa256') })
  assert.throws(() => certifiedSigner(signerOf('ed25519'), certificate), {
    code: 'KEY_MALFORMED',
    message: `The certificate is of the ecdsa-sha2-nistp256 key ${publicKey('ecdsa256').fingerprint()}, not of the ssh-ed25519 key ${publicKey('ed25519').fingerprint()} of ed25519.`,
  })
})

test('fingerprints of certificates are those of their keys, and whatever it is has one', async () => {
  const certificate = await issue({ key: publicKey('ecdsa256') })
  assert.equal(fingerprintOfKey(certificate.blob), publicKey('ecdsa256').fingerprint())
  assert.equal(fingerprintOfKey(publicKey('ecdsa256').blob), publicKey('ecdsa256').fingerprint())
  assert.equal(fingerprintOfKey(data), fingerprint(data))
  assert.equal(fingerprintOfKey(certificate.blob.subarray(0, 60)), fingerprint(certificate.blob.subarray(0, 60)))
})
