// openssh-key-v1: files made by ssh-keygen, files made here, and damaged ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '../../../src/crypto/secret.ts'
import { KeyFormatError } from '../../../src/errors.ts'
import { encodeBase64 } from '../../../src/keys/base64.ts'
import { fileCiphers } from '../../../src/keys/formats/file-ciphers.ts'
import { writeOpensshPrivateKey } from '../../../src/keys/formats/openssh.ts'
import { loadPrivateKey, readPrivateKey, readPublicPart, writePrivateKey } from '../../../src/keys/private-file.ts'
import { base64, crypto, keyNames, passphrase, privateKey, publicKey, vector } from '../fixtures.ts'
import { hasTripleDes } from '../../runtime.ts'

const ciphers = fileCiphers.filter(({ name }) => hasTripleDes || name !== '3des-cbc')

const body = (text: string): Uint8Array =>
  base64(
    text
      .split('\n')
      .filter(line => !line.startsWith('-'))
      .join(''),
  )
const armour = (bytes: Uint8Array): string =>
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${encodeBase64(bytes)}\n-----END OPENSSH PRIVATE KEY-----\n`

test('open files of every key type', async () => {
  for (const name of keyNames) assert.ok(privateKey(name).publicKey.equals(publicKey(name)), name)
})

test('files encrypted by ssh-keygen with every cipher it has', async () => {
  for (const { name } of ciphers) {
    const text = vector(`encrypted-${name.split('@')[0]}.key`)
    const key = await loadPrivateKey(crypto, text, { passphrase })
    assert.deepEqual(key.revealNumbers(), privateKey('ed25519').revealNumbers(), name)
    assert.equal(key.comment, 'ed25519@vectors')
    assert.ok(readPublicPart(text)?.equals(publicKey('ed25519')), name)
  }
})

test('a passphrase may be text, bytes or a secret', async () => {
  const text = vector('encrypted-aes256-ctr.key')
  for (const each of [passphrase, new TextEncoder().encode(passphrase), new Secret(passphrase)])
    assert.ok(await loadPrivateKey(crypto, text, { passphrase: each }))
})

test('without the passphrase, and with a wrong one, it says so', async () => {
  for (const { name } of ciphers) {
    const text = vector(`encrypted-${name.split('@')[0]}.key`)
    assert.throws(() => readPrivateKey(crypto, text, { path: '/k' }), {
      code: 'KEY_PASSPHRASE_NEEDED',
      message: 'The key file /k (OpenSSH format) is encrypted; it needs its passphrase.',
      format: 'OpenSSH',
    })
    for (const wrong of ['wrong', '']) {
      await assert.rejects(
        loadPrivateKey(crypto, text, { path: '/k', passphrase: wrong }),
        { code: 'KEY_PASSPHRASE_WRONG', message: 'The key file /k (OpenSSH format) does not open with this passphrase.' },
        name,
      )
    }
  }
})

test('what we write we read, open and with every cipher', async () => {
  for (const name of keyNames) {
    const key = privateKey(name)
    const text = writeOpensshPrivateKey(crypto, key)
    assert.ok(text.split('\n').every(line => line.length <= 70))
    assert.deepEqual(readPrivateKey(crypto, text).revealNumbers(), key.revealNumbers(), name)
  }
  for (const { name } of ciphers) {
    const key = privateKey('ecdsa521')
    const text = await writePrivateKey(crypto, key, { passphrase, cipher: name, rounds: 1, comment: 'grüße' })
    const again = await loadPrivateKey(crypto, text, { passphrase })
    assert.deepEqual(again.revealNumbers(), key.revealNumbers(), name)
    assert.equal(again.comment, 'grüße')
    await assert.rejects(loadPrivateKey(crypto, text, { passphrase: 'no' }), { code: 'KEY_PASSPHRASE_WRONG' }, name)
  }
})

test('an encrypted file does not contain the seed', async () => {
  const key = privateKey('ed25519')
  const numbers = key.revealNumbers()
  assert.ok(numbers.kind === 'ed25519')
  const contains = (text: string): boolean => Buffer.from(body(text)).includes(Buffer.from(numbers.seed))
  assert.equal(contains(writeOpensshPrivateKey(crypto, key)), true)
  assert.equal(contains(await writePrivateKey(crypto, key, { passphrase, rounds: 1 })), false)
})

test('writing refuses what cannot be meant', async () => {
  const key = privateKey('ed25519')
  await assert.rejects(writePrivateKey(crypto, key, { passphrase: '' }), TypeError)
  await assert.rejects(writePrivateKey(crypto, key, { passphrase, cipher: 'rot13' }), TypeError)
  for (const rounds of [0, 1.5, 1025]) await assert.rejects(writePrivateKey(crypto, key, { passphrase, rounds }), TypeError)
})

test('a file cut anywhere is damaged, never something else', async () => {
  for (const name of ['ed25519.key', 'encrypted-aes128-gcm.key']) {
    const whole = body(vector(name))
    for (let length = 1; length < whole.length; length++) {
      await assert.rejects(loadPrivateKey(crypto, armour(whole.subarray(0, length)), { passphrase }), (error: unknown) => {
        assert.ok(error instanceof KeyFormatError && error.code === 'KEY_MALFORMED', `${name} cut at ${length}: ${String(error)}`)
        return true
      })
    }
    await assert.rejects(loadPrivateKey(crypto, armour(Uint8Array.of(...whole, 0)), { passphrase }), { code: 'KEY_MALFORMED' })
  }
})

test('a file without its last line, or that is not base64, is damaged', async () => {
  const text = vector('ed25519.key')
  assert.throws(() => readPrivateKey(crypto, text.split('\n').slice(0, 3).join('\n')), { code: 'KEY_MALFORMED' })
  assert.throws(() => readPrivateKey(crypto, text.replace('b3Bl', 'b3B!')), { code: 'KEY_MALFORMED' })
})

test('any byte changed in an open file gives the same key or an error of ours', async () => {
  const whole = body(vector('ecdsa256.key'))
  for (let at = 0; at < whole.length; at++) {
    const changed = whole.slice()
    changed[at] ^= 0x55
    try {
      // The check numbers, the comment and the private number have no redundancy that could tell.
      assert.ok(readPrivateKey(crypto, armour(changed)).publicKey.equals(publicKey('ecdsa256')), `byte ${at}`)
    } catch (error) {
      assert.ok(error instanceof KeyFormatError, `byte ${at}: ${String(error)}`)
    }
  }
})

const changed = (name: string, from: string, to: Uint8Array): string => {
  const bytes = body(vector(name))
  const at = Buffer.from(bytes).indexOf(from)
  assert.ok(at > 0)
  bytes.set(to, at)
  return armour(bytes)
}

test('an unknown cipher or key derivation is named', async () => {
  const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
  await assert.rejects(loadPrivateKey(crypto, changed('encrypted-aes256-ctr.key', 'aes256-ctr', ascii('rot256-ctr')), { passphrase }), {
    code: 'KEY_UNSUPPORTED',
    message: /encrypted with rot256-ctr/,
  })
  await assert.rejects(loadPrivateKey(crypto, changed('encrypted-aes256-ctr.key', 'bcrypt', ascii('scrypt')), { passphrase }), {
    code: 'KEY_UNSUPPORTED',
    message: /with scrypt/,
  })
})

test('a number of rounds that would block the program for minutes is refused', async () => {
  const bytes = body(vector('encrypted-aes256-ctr.key'))
  // salt: length 16 and 16 bytes; then the rounds.
  const at = Buffer.from(bytes).indexOf(Buffer.from([0, 0, 0, 16])) + 20
  assert.deepEqual([...bytes.subarray(at, at + 4)], [0, 0, 0, 2])
  bytes.set([0x7f, 0xff, 0xff, 0xff], at)
  await assert.rejects(loadPrivateKey(crypto, armour(bytes), { passphrase }), {
    code: 'KEY_UNSUPPORTED',
    message: /2147483647 bcrypt rounds/,
  })
  bytes.set([0, 0, 0, 0], at)
  await assert.rejects(loadPrivateKey(crypto, armour(bytes), { passphrase }), { code: 'KEY_MALFORMED' })
})

test('a public part that belongs to another key is damage', async () => {
  const bytes = body(vector('ed25519.key'))
  const at = Buffer.from(bytes).indexOf(Buffer.from(publicKey('ed25519').blob.subarray(19)))
  bytes[at] ^= 1
  assert.throws(() => readPrivateKey(crypto, armour(bytes)), { code: 'KEY_MALFORMED', message: /different keys/ })
})
