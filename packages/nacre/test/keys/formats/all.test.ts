// Every file that OpenSSH, OpenSSL and PuTTY made of the same keys, in every format and with every encryption: the same
// numbers come out, and what is wrong with a file is said with the name of its format.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { webCrypto } from '../../../src/crypto/web/provider.ts'
import { KeyFormatError } from '../../../src/errors.ts'
import { loadPrivateKey, readPrivateKey, readPublicPart, writePrivateKey } from '../../../src/keys/private-file.ts'
import type { KeyFileFormat } from '../../../src/keys/formats/table.ts'
import { hasTripleDes } from '../../runtime.ts'
import { crypto, keyNames, passphrase, privateKey, publicKey } from '../fixtures.ts'
import { isEncrypted, modernFile, privateFiles } from '../key-files.ts'

const files = privateFiles.filter(({ how }) => hasTripleDes || !how.includes('des3'))
const shown = ({ maker, key, how }: (typeof files)[number]): string => `${maker}: ${key}, ${how}`

describe('a file made by', () => {
  for (const file of files)
    test(shown(file), async () => {
      const key = await loadPrivateKey(crypto, file.text, { passphrase })
      assert.deepEqual(key.revealNumbers(), privateKey(file.key).revealNumbers())
      if (/openssh|ppk/.test(file.how)) {
        assert.equal(key.comment, `${file.key}@vectors`)
        assert.ok(readPublicPart(file.text)?.equals(publicKey(file.key)))
      }
      if (!isEncrypted(file)) {
        assert.deepEqual(readPrivateKey(crypto, file.text).revealNumbers(), key.revealNumbers())
        return
      }
      assert.throws(() => readPrivateKey(crypto, file.text), { code: 'KEY_PASSPHRASE_NEEDED' })
      await assert.rejects(loadPrivateKey(crypto, file.text), { code: 'KEY_PASSPHRASE_NEEDED' })
      // Its many rounds are for once.
      for (const wrong of file === modernFile ? [''] : ['wrong', 'correct horse ', ''])
        await assert.rejects(loadPrivateKey(crypto, file.text, { passphrase: wrong }), { code: 'KEY_PASSPHRASE_WRONG' }, wrong)
    })
})

describe('without Node', () => {
  for (const file of privateFiles.filter(({ key, how }) => !how.includes('des3') && key !== 'rsa2048' && !how.includes('openssh')))
    test(shown(file), async () => {
      const key = await loadPrivateKey(webCrypto(), file.text, { passphrase })
      assert.deepEqual(key.revealNumbers(), privateKey(file.key).revealNumbers())
    })
})

test('lines may end as on Windows', async () => {
  for (const file of files.filter(each => each.key === 'ecdsa256')) {
    const key = await loadPrivateKey(crypto, file.text.replaceAll('\n', '\r\n'), { passphrase })
    assert.ok(key.publicKey.equals(publicKey('ecdsa256')), shown(file))
  }
})

test('a file that is cut off is damaged, and its format is named', async () => {
  for (const file of files.filter(({ key }) => key === 'ed25519' || key === 'ecdsa256')) {
    for (const part of [0.5, 0.8, 0.95]) {
      const text = file.text.slice(0, Math.floor(file.text.length * part))
      await assert.rejects(loadPrivateKey(crypto, text, { passphrase, path: '/k' }), (error: unknown) => {
        assert.ok(error instanceof KeyFormatError, String(error))
        assert.equal(error.code, 'KEY_MALFORMED', `${shown(file)}: ${error.message}`)
        assert.ok(error.format !== undefined && error.message.startsWith(`The key file /k (${error.format} format) `), error.message)
        return true
      })
    }
  }
})

test('what we write in any format we read, open and encrypted', async () => {
  const formats: readonly KeyFileFormat[] = ['openssh', 'pem', 'pkcs8', 'ppk', 'ppk2', 'jwk']
  for (const name of keyNames) {
    const key = privateKey(name)
    for (const format of formats) {
      const none = (name === 'dsa' && format !== 'openssh') || (name === 'ed25519' && format === 'pem')
      if (none) {
        await assert.rejects(writePrivateKey(crypto, key, { format }), {
          code: 'KEY_UNSUPPORTED',
          message: /^There is no .* form of a ssh-/,
        })
        continue
      }
      const open = await writePrivateKey(crypto, key, { format })
      assert.deepEqual(readPrivateKey(crypto, open).revealNumbers(), key.revealNumbers(), `${name} ${format}`)
      if (format === 'jwk') continue
      const text = await writePrivateKey(crypto, key, { format, passphrase, ...(format === 'pem' ? {} : { rounds: 2 }) })
      assert.throws(() => readPrivateKey(crypto, text), { code: 'KEY_PASSPHRASE_NEEDED' })
      const again = await loadPrivateKey(crypto, text, { passphrase })
      assert.deepEqual(again.revealNumbers(), key.revealNumbers(), `${name} ${format}`)
      await assert.rejects(loadPrivateKey(crypto, text, { passphrase: 'no' }), { code: 'KEY_PASSPHRASE_WRONG' })
    }
  }
})

test('an empty passphrase does not encrypt, and costs that mean nothing are refused', async () => {
  const key = privateKey('ecdsa256')
  for (const format of ['openssh', 'pem', 'pkcs8', 'ppk', 'ppk2'] as const)
    await assert.rejects(writePrivateKey(crypto, key, { format, passphrase: '' }), { name: 'TypeError', message: /empty passphrase/ })
  for (const rounds of [0, -1, 1.5, 2 ** 33, Number.NaN])
    for (const format of ['openssh', 'pkcs8', 'ppk'] as const)
      await assert.rejects(writePrivateKey(crypto, key, { format, passphrase, rounds }), { name: 'TypeError' }, `${format} ${rounds}`)
  for (const argon2 of [{ memory: 4 }, { memory: 1 << 20 }, { parallelism: 0 }, { parallelism: 17 }])
    await assert.rejects(writePrivateKey(crypto, key, { format: 'ppk', passphrase, argon2 }), { name: 'TypeError' })
  await assert.rejects(writePrivateKey(crypto, key, { format: 'jwk', passphrase }), { name: 'TypeError', message: /JWK is not encrypted/ })
})

test('a timer goes off while an encrypted key is opened', async () => {
  let turns = 0
  const ticking = setInterval(() => turns++, 1)
  await loadPrivateKey(crypto, modernFile.text, { passphrase })
  clearInterval(ticking)
  assert.ok(turns > 5, `${turns} turns in 24 rounds of bcrypt`)
})
