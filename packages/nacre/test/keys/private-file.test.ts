// Any private key file: which formats are read, and the right words for those that are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyFormatError } from '../../src/errors.ts'
import { readPrivateKey, readPublicPart } from '../../src/keys/private-file.ts'
import { crypto, passphrase, privateKey, publicKey, vector } from './fixtures.ts'

test('bytes are taken as well as text', () => {
  const key = readPrivateKey(crypto, new TextEncoder().encode(vector('ed25519.key')))
  assert.ok(key.publicKey.equals(publicKey('ed25519')))
})

test('PEM files of RSA, ECDSA and DSA are read, in both shapes', () => {
  for (const [file, name] of [
    ['rsa2048-pem.pem', 'rsa2048'],
    ['ecdsa256-pem.pem', 'ecdsa256'],
    ['ecdsa521-pem.pem', 'ecdsa521'],
    ['dsa-pem.pem', 'dsa'],
    ['rsa2048-pkcs8.pem', 'rsa2048'],
    ['ecdsa384-pkcs8.pem', 'ecdsa384'],
  ]) {
    const key = readPrivateKey(crypto, vector(file))
    assert.deepEqual(key.revealNumbers(), privateKey(name).revealNumbers(), file)
  }
})

test('formats that are not read are named, with what to do', () => {
  const refused: [string, RegExp][] = [
    [vector('rsa2048-pem-encrypted.pem'), /encrypted PEM form.*ssh-keygen -p/],
    [vector('rsa2048-pkcs8-encrypted.pem'), /encrypted PKCS#8 form.*ssh-keygen -p/],
    [vector('ed25519-pkcs8.pem'), /PEM \(PKCS#8\) form and leaves its public half out/],
    ['PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n', /PuTTY form.*puttygen/],
    ['---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n', /ssh\.com form/],
    ['SSH PRIVATE KEY FILE FORMAT 1.1\n\0', /SSH 1 form/],
    [vector('ed25519.pub'), /public key form.*private key/],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /public key form/],
  ]
  for (const [text, message] of refused) {
    assert.throws(
      () => readPrivateKey(crypto, text, { path: '/k', passphrase }),
      (error: unknown) => {
        assert.ok(error instanceof KeyFormatError)
        assert.equal(error.code, 'KEY_UNSUPPORTED', error.message)
        assert.equal(error.path, '/k')
        assert.match(error.message, /^The key file \/k /)
        assert.match(error.message, message)
        return true
      },
    )
  }
})

test('anything else is said to be unknown', () => {
  assert.throws(() => readPrivateKey(crypto, 'hello'), {
    code: 'KEY_FORMAT_UNKNOWN',
    message: 'The private key is in no format of private keys that is known.',
  })
  assert.throws(() => readPrivateKey(crypto, ' \n', { path: '/k' }), { code: 'KEY_FORMAT_UNKNOWN', message: 'The key file /k is empty.' })
  assert.throws(() => readPublicPart('hello'), { code: 'KEY_FORMAT_UNKNOWN' })
})

test('a file far larger than a key is not looked at', () => {
  assert.throws(() => readPrivateKey(crypto, vector('ed25519.key') + ' '.repeat(1 << 20)), { code: 'KEY_MALFORMED' })
})

test('the public half of an OpenSSH file is there without a passphrase; of PEM files it is not', () => {
  assert.ok(readPublicPart(vector('encrypted-aes256-ctr.key'))?.equals(publicKey('ed25519')))
  assert.equal(readPublicPart(vector('rsa2048-pem.pem')), undefined)
})
