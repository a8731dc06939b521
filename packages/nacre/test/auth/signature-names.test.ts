// Which names belong together: algorithm, key type and signature (RFC 8332 §3, OpenSSH's certificate names).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { blobType, keyTypeOf, signatureBlobName, signatureNameOf } from '../../src/auth/signature-names.ts'
import { WireError } from '../../src/errors.ts'
import { signatureBlob, testKey } from './fixtures.ts'

const table: readonly [algorithm: string, keyType: string, signatureName: string][] = [
  ['ssh-ed25519', 'ssh-ed25519', 'ssh-ed25519'],
  ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
  ['ssh-rsa', 'ssh-rsa', 'ssh-rsa'],
  ['rsa-sha2-256', 'ssh-rsa', 'rsa-sha2-256'],
  ['rsa-sha2-512', 'ssh-rsa', 'rsa-sha2-512'],
  ['ssh-ed25519-cert-v01@openssh.com', 'ssh-ed25519-cert-v01@openssh.com', 'ssh-ed25519'],
  ['ssh-rsa-cert-v01@openssh.com', 'ssh-rsa-cert-v01@openssh.com', 'ssh-rsa'],
  ['rsa-sha2-256-cert-v01@openssh.com', 'ssh-rsa-cert-v01@openssh.com', 'rsa-sha2-256'],
  ['rsa-sha2-512-cert-v01@openssh.com', 'ssh-rsa-cert-v01@openssh.com', 'rsa-sha2-512'],
  ['sk-ssh-ed25519@openssh.com', 'sk-ssh-ed25519@openssh.com', 'sk-ssh-ed25519@openssh.com'],
  ['sk-ssh-ed25519-cert-v01@openssh.com', 'sk-ssh-ed25519-cert-v01@openssh.com', 'sk-ssh-ed25519@openssh.com'],
  ['webauthn-sk-ecdsa-sha2-nistp256@openssh.com', 'sk-ecdsa-sha2-nistp256@openssh.com', 'webauthn-sk-ecdsa-sha2-nistp256@openssh.com'],
]

for (const [algorithm, keyType, signatureName] of table) {
  test(algorithm, () => {
    assert.equal(keyTypeOf(algorithm), keyType)
    assert.equal(signatureNameOf(algorithm), signatureName)
  })
}

describe('blobs', () => {
  test('name their key type', () => assert.equal(blobType(testKey(1).blob), 'ssh-ed25519'))
  test('of signatures name their algorithm, and may carry more behind (security keys)', () => {
    const plain = signatureBlob('sk-ssh-ed25519@openssh.com', new Uint8Array(64))
    assert.equal(signatureBlobName(Uint8Array.of(...plain, 1, 0, 0, 0, 7)), 'sk-ssh-ed25519@openssh.com')
  })
  test('that are cut off are refused', () => {
    assert.throws(() => blobType(Uint8Array.of(0, 0, 0, 9, 1)), WireError)
    assert.throws(() => signatureBlobName(testKey(1).sign(new Uint8Array(1)).subarray(0, 30)), WireError)
    assert.throws(() => signatureBlobName(new Uint8Array(0)), WireError)
  })
})
