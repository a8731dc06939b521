// Any private key file: which formats are read, and the right words for those that are not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../src/crypto/secret.ts'
import { KeyFormatError } from '../../src/errors.ts'
import { loadPrivateKey, type PassphraseQuestion, readPrivateKey, readPublicPart } from '../../src/keys/private-file.ts'
import { crypto, passphrase, publicKey, vector } from './fixtures.ts'

test('bytes are taken as well as text', () => {
  const key = readPrivateKey(crypto, new TextEncoder().encode(vector('ed25519.key')))
  assert.ok(key.publicKey.equals(publicKey('ed25519')))
})

test('formats that are not read are named, with what to do', async () => {
  const refused: [string, RegExp][] = [
    ['---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n', /ssh\.com format/],
    ['SSH PRIVATE KEY FILE FORMAT 1.1\n\0', /SSH 1 format/],
    [vector('ed25519.pub'), /public key format.*private key/],
    ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /public key format/],
    ['---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----\n', /public key format/],
    ['-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n', /public key format/],
    ['PuTTY-User-Key-File-1: ssh-rsa\nEncryption: none\n', /PuTTY 1 format.*2 and 3/],
  ]
  for (const [text, message] of refused) {
    await assert.rejects(loadPrivateKey(crypto, text, { path: '/k', passphrase }), (error: unknown) => {
      assert.ok(error instanceof KeyFormatError)
      assert.equal(error.code, 'KEY_UNSUPPORTED', error.message)
      assert.equal(error.path, '/k')
      assert.match(error.message, /^The key file \/k /)
      assert.match(error.message, message)
      return true
    })
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

test('whoever knows the passphrase is asked only when it is needed, and told for what', async () => {
  const asked: PassphraseQuestion[] = []
  const answers = ['wrong', passphrase]
  const ask = (question: PassphraseQuestion): string | undefined => {
    asked.push(question)
    return answers[question.attempt - 1]
  }
  await loadPrivateKey(crypto, vector('ed25519.key'), { passphrase: ask })
  const unknownCipher = vector('rsa2048-pem-encrypted.pem').replace(/DEK-Info: [^,]*/, 'DEK-Info: ROT-13')
  await assert.rejects(loadPrivateKey(crypto, unknownCipher, { passphrase: ask }), { code: 'KEY_UNSUPPORTED', message: /ROT-13/ })
  assert.equal(asked.length, 0)
  const key = await loadPrivateKey(crypto, vector('encrypted-aes256-ctr.key'), { path: '/k', passphrase: ask })
  assert.ok(key.publicKey.equals(publicKey('ed25519')))
  assert.deepEqual(
    asked.map(({ path, format, attempt, publicKey: half }) => [path, format, attempt, half?.fingerprint()]),
    [1, 2].map(attempt => ['/k', 'OpenSSH', attempt, publicKey('ed25519').fingerprint()]),
  )
})

test('it is asked three times, or as often as is said', async () => {
  for (const attempts of [undefined, 1, 2]) {
    let asked = 0
    const passphrase = async (): Promise<string> => `wrong ${asked++}`
    const options = attempts === undefined ? { passphrase } : { passphrase, attempts }
    await assert.rejects(loadPrivateKey(crypto, vector('encrypted-aes256-ctr.key'), options), { code: 'KEY_PASSPHRASE_WRONG' })
    assert.equal(asked, attempts ?? 3)
  }
})

test('no answer, or an empty one, ends it', async () => {
  for (const answer of [undefined, '', new Uint8Array(0), new Secret('')]) {
    let asked = 0
    const passphrase = () => {
      asked++
      return answer
    }
    await assert.rejects(loadPrivateKey(crypto, vector('encrypted-aes256-ctr.key'), { passphrase }), {
      code: 'KEY_PASSPHRASE_NEEDED',
      format: 'OpenSSH',
    })
    assert.equal(asked, 1)
  }
})

test('whatever asking throws ends it', async () => {
  const passphrase = () => Promise.reject(new Error('the person left'))
  await assert.rejects(loadPrivateKey(crypto, vector('encrypted-aes256-ctr.key'), { passphrase }), /the person left/)
})
