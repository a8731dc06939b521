// Issuing certificates: the bytes ssh-keygen writes, what is left out has its defaults, and what cannot be said.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CertificateOptions, issueCertificate } from '../../src/keys/authority.ts'
import { type Certificate, forever } from '../../src/keys/certificate.ts'
import { checkCertificate } from '../../src/keys/certificate-check.ts'
import { certifiedSigner } from '../../src/keys/certified-signer.ts'
import { parsePublicKey } from '../../src/keys/public.ts'
import { certificateVector, certificateVectors, inTime, issue, signerOf } from './certificates.ts'
import { crypto, publicKey } from './fixtures.ts'

/** The options of a certificate as they are given to `issueCertificate`, in another order. */
const given = (options: Certificate['extensions']): CertificateOptions =>
  Object.fromEntries(options.toReversed().map(({ name, data }) => [name, data]))

describe('the bytes are those of ssh-keygen', () => {
  for (const { name, ca } of certificateVectors.filter(each => each.key !== 'dsa'))
    test(name, async () => {
      const theirs = certificateVector(name)
      const ours = await issueCertificate({
        signer: signerOf(ca),
        algorithm: theirs.signatureAlgorithm,
        key: theirs.key,
        kind: theirs.kind,
        keyId: theirs.keyId,
        principals: theirs.principals,
        serial: theirs.serial,
        validAfter: theirs.validAfter,
        validBefore: theirs.validBefore,
        criticalOptions: given(theirs.criticalOptions),
        extensions: given(theirs.extensions),
        random: bytes => bytes.set(theirs.nonce),
      })
      assert.deepEqual(ours.signed, theirs.signed)
      // Signatures by ECDSA have chance in them.
      if (!ca.startsWith('ecdsa')) assert.deepEqual(ours.blob, theirs.blob)
    })
})

describe('what is left out', () => {
  test('a user gets what ssh-keygen gives, for ever', async () => {
    const { extensions, criticalOptions, serial, validAfter, validBefore } = await issueCertificate({
      signer: signerOf('ed25519'),
      key: publicKey('rsa2048'),
      kind: 'user',
      keyId: '',
      principals: ['ada'],
      random: bytes => void bytes.fill(1),
    })
    assert.deepEqual(extensions, certificateVector('ed25519 by ed25519').extensions)
    assert.deepEqual([criticalOptions, serial, validAfter, validBefore], [[], 0n, 0n, forever])
  })
  test('a host gets no extensions', async () => assert.deepEqual((await issue({ kind: 'host' })).extensions, []))
  test('an RSA authority signs with SHA-512', async () =>
    assert.equal((await issue({ signer: signerOf('rsa2048') })).signatureAlgorithm, 'rsa-sha2-512'))
  test('each has a nonce of its own', async () => {
    const [one, two] = [await issue({ random: crypto.random }), await issue({ random: crypto.random })]
    assert.equal(one.nonce.length, 32)
    assert.notDeepEqual(one.nonce, two.nonce)
  })
})

test('options are texts, flags or bytes, in the order of strcmp', async () => {
  const certificate = await issue({
    criticalOptions: { 'source-address': '10.0.0.0/8', 'force-command': 'ls', 'Z@example.org': Uint8Array.of(1), 'verify-required': true },
    extensions: {},
  })
  assert.deepEqual(
    certificate.criticalOptions.map(each => each.name),
    ['Z@example.org', 'force-command', 'source-address', 'verify-required'],
  )
  assert.deepEqual(certificate.criticalOptions[0].data, Uint8Array.of(1))
  assert.equal(certificate.criticalOptions[3].data.length, 0)
})

test('what it issues is valid, whatever signs', async () => {
  for (const name of ['ed25519', 'ecdsa256', 'ecdsa384', 'ecdsa521', 'rsa2048']) {
    const verdict = checkCertificate(crypto, await issue({ signer: signerOf(name) }), { kind: 'user', name: 'ada', time: inTime })
    assert.equal(verdict.is, 'valid', name)
  }
})

describe('what cannot be issued', () => {
  test('a certificate of a certificate', async () => {
    const certificate = await issue()
    await assert.rejects(issue({ key: parsePublicKey(certificate.blob) }), TypeError)
  })
  test('one by a certificate', async () => {
    const signer = certifiedSigner(signerOf('ed25519'), await issue({ key: publicKey('ed25519') }))
    await assert.rejects(issue({ signer }), TypeError)
  })
  test('one of a DSA key', async () => await assert.rejects(issue({ key: publicKey('dsa') }), { code: 'KEY_UNSUPPORTED' }))
  test('one that ends before it begins', async () => await assert.rejects(issue({ validAfter: 5n, validBefore: 5n }), TypeError))
  test('one for an empty name, or with a zero byte', async () => {
    await assert.rejects(issue({ principals: [''] }), TypeError)
    await assert.rejects(issue({ principals: ['a\0b'] }), TypeError)
    await assert.rejects(issue({ keyId: 'a\0b' }), TypeError)
  })
})
