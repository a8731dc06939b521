// PKCS#1, SEC1 and DSA in PEM: written to the byte as OpenSSL does, and the headers that say how a file is encrypted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CryptoProvider } from '../../../src/crypto/provider.ts'
import { fromHex } from '../../../src/keys/formats/hex.ts'
import { loadPrivateKey, readPrivateKey, readPublicPart, writePrivateKey } from '../../../src/keys/private-file.ts'
import { crypto, passphrase, privateKey, vector } from '../fixtures.ts'
import { fileOf } from '../key-files.ts'

const names = ['rsa2048', 'ecdsa256', 'ecdsa384', 'ecdsa521']

/** Draws these bytes. */
const drawing = (bytes: Uint8Array): CryptoProvider => ({ ...crypto, random: into => void into.set(bytes) })

test('an open file is what OpenSSL writes, to the byte', async () => {
  for (const name of names)
    assert.equal(await writePrivateKey(crypto, privateKey(name), { format: 'pem' }), fileOf('openssl', name, 'pem'), name)
})

test('so is an encrypted one with the same vector', async () => {
  for (const name of names) {
    const theirs = fileOf('ssh-keygen', name, 'pem, aes128')
    const iv = fromHex(/DEK-Info: AES-128-CBC,(\w+)/.exec(theirs)?.[1] ?? '')
    assert.ok(iv)
    assert.equal(await writePrivateKey(drawing(iv), privateKey(name), { format: 'pem', passphrase }), theirs, name)
  }
})

test('the public half is not shown', () => assert.equal(readPublicPart(vector('rsa2048-pem.pem')), undefined))

const changed = (from: RegExp, to: string): string => fileOf('openssl', 'ecdsa256', 'pem, aes256').replace(from, to)

test('headers that do not say how it is encrypted', async () => {
  const refused: readonly [string, string, RegExp][] = [
    [changed(/DEK-Info.*\n/, ''), 'KEY_MALFORMED', /does not say how \(DEK-Info\)/],
    [changed(/AES-256-CBC/, 'BF-CBC'), 'KEY_UNSUPPORTED', /encrypted with BF-CBC, which is not supported/],
    [changed(/AES-256-CBC/, 'constructor'), 'KEY_UNSUPPORTED', /constructor/],
    [changed(/(DEK-Info: AES-256-CBC),\w+/, '$1'), 'KEY_MALFORMED', /no vector of 16 bytes/],
    [changed(/(DEK-Info: AES-256-CBC,\w{30})\w+/, '$1'), 'KEY_MALFORMED', /no vector of 16 bytes/],
    [changed(/(DEK-Info: AES-256-CBC,)\w\w/, '$1zz'), 'KEY_MALFORMED', /no vector of 16 bytes/],
    [changed(/AES-256-CBC,(\w{16})\w+/, 'DES-CBC,$1'), 'KEY_UNSUPPORTED', /DES-CBC/],
  ]
  let asked = 0
  const ask = () => {
    asked++
    return passphrase
  }
  for (const [text, code, message] of refused) await assert.rejects(loadPrivateKey(crypto, text, { passphrase: ask }), { code, message })
  assert.equal(asked, 0)
})

test('whatever wrong passphrases decrypt to, they are said to be wrong', async () => {
  // One in 256 gives what looks padded.
  const text = fileOf('openssl', 'ecdsa256', 'pem, aes128')
  for (let i = 0; i < 1500; i++)
    await assert.rejects(loadPrivateKey(crypto, text, { passphrase: `wrong ${i}` }), { code: 'KEY_PASSPHRASE_WRONG' }, `wrong ${i}`)
})

const pem = (label: string, bytes: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${label}-----\n`
const body = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text.replaceAll(/^-.*$/gm, ''), 'base64'))

test('a key whose halves do not belong together is damaged', () => {
  const bytes = body(fileOf('openssl', 'ecdsa256', 'pem'))
  // The scalar stands behind "sequence, version 1, octet string of 32".
  bytes[10] ^= 1
  assert.throws(() => readPrivateKey(crypto, pem('EC PRIVATE KEY', bytes)), { code: 'KEY_MALFORMED', message: /different keys/ })
})

test('a scalar of zero is no key', () => {
  const bytes = body(fileOf('openssl', 'ecdsa256', 'pem without its public half'))
  bytes.fill(0, 7, 39)
  assert.throws(() => readPrivateKey(crypto, pem('EC PRIVATE KEY', bytes)), {
    code: 'KEY_MALFORMED',
    message: /private number that is none/,
  })
})

test('a curve that SSH has not is refused', () => {
  // secp256k1.
  const bytes = Buffer.from(`302e0201010420${'11'.repeat(32)}a00706052b8104000a`, 'hex')
  assert.throws(() => readPrivateKey(crypto, pem('EC PRIVATE KEY', bytes)), { code: 'KEY_MALFORMED', message: /no key type for/ })
})
