// Private key files on disk: the mode is looked at before anything else, and what is not a key is not read for long.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { loadLazySigner, loadPrivateKeyFile, loadSigner } from '../../src/keys/load-node.ts'
import { passphrase, publicKey, vector } from './fixtures.ts'

const folder = mkdtempSync(join(tmpdir(), 'nacre-keys-'))
after(() => rmSync(folder, { recursive: true }))

const file = (name: string, mode: number, text = vector(name)): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

test('a key and a signer of a file', async () => {
  const path = file('ed25519.key', 0o600)
  assert.ok((await loadPrivateKeyFile(path)).publicKey.equals(publicKey('ed25519')))
  const signer = await loadSigner(path)
  assert.equal(signer.source, path)
})

test('an encrypted file asks, with its path', async () => {
  const path = file('encrypted-aes256-ctr.key', 0o400)
  const signer = await loadSigner(path, {
    passphrase: question => {
      assert.equal(question.path, path)
      return passphrase
    },
  })
  assert.ok(signer.publicKey.equals(publicKey('ed25519')))
  await assert.rejects(loadSigner(path), { code: 'KEY_PASSPHRASE_NEEDED', path })
})

test('a file that others may use is not used: mode and path are said', { skip: process.platform === 'win32' }, async () => {
  for (const mode of [0o640, 0o604, 0o620, 0o610, 0o601, 0o644, 0o777]) {
    const path = file('ecdsa256.key', mode)
    const asking = loadSigner(path, { passphrase: () => assert.fail('it asked for a passphrase') })
    await assert.rejects(asking, {
      code: 'KEY_PERMISSIONS',
      path,
      message: `Permissions 0${mode.toString(8)} for '${path}' are too open: a private key is for its owner alone, so it is not used. Close it: chmod 600 ${path}`,
    })
  }
  for (const mode of [0o600, 0o400, 0o700]) assert.ok(await loadSigner(file('ecdsa256.key', mode)))
})

test('RSA keys are refused below the size that is asked for', async () => {
  await assert.rejects(loadSigner(file('rsa1024.key', 0o600)), { code: 'KEY_TOO_WEAK' })
  assert.ok(await loadSigner(file('rsa1024.key', 0o600), { minimumRsaBits: 1024 }))
})

test('what is far larger than a key is not read whole', async () => {
  const path = file('ed25519.key', 0o600)
  truncateSync(path, 2 ** 33)
  await assert.rejects(loadPrivateKeyFile(path), { code: 'KEY_MALFORMED', message: /1048577 bytes, far more than a key/ })
})

test('a file that is not there is what the system says', async () => {
  await assert.rejects(loadPrivateKeyFile(join(folder, 'nothing')), { code: 'ENOENT' })
})

describe('a signer that asks for a passphrase when it has to sign', () => {
  const data = new TextEncoder().encode('what is signed')
  const never = () => assert.fail('it asked for a passphrase')

  test('asks then, with the path, and once', async () => {
    const path = file('encrypted-aes256-ctr.key', 0o600)
    const asked: (string | undefined)[] = []
    const signer = await loadLazySigner(path, {
      passphrase: question => {
        asked.push(question.path)
        return asked.length === 1 ? 'wrong' : passphrase
      },
    })
    assert.ok(signer.publicKey.equals(publicKey('ed25519')))
    assert.deepEqual([asked, signer.slow, signer.source], [[], true, path])
    for (let i = 0; i < 2; i++) assert.ok((await signer.sign(data, 'ssh-ed25519')).length > 64)
    assert.deepEqual(asked, [path, path])
  })

  test('tells what went wrong, and the signature rejects with it', async () => {
    const path = file('encrypted-aes256-ctr.key', 0o600)
    let asked = 0
    const told: unknown[] = []
    const signer = await loadLazySigner(path, {
      passphrase: () => `wrong ${++asked}`,
      attempts: 2,
      onFailed: error => told.push(error),
    })
    const wrong = { code: 'KEY_PASSPHRASE_WRONG', path }
    await assert.rejects(async () => signer.sign(data, 'ssh-ed25519'), wrong)
    await assert.rejects(async () => signer.sign(data, 'ssh-ed25519'), wrong)
    assert.deepEqual([asked, told.length], [2, 1])
    const silent = await loadLazySigner(path, { passphrase: () => undefined })
    await assert.rejects(async () => silent.sign(data, 'ssh-ed25519'), { code: 'KEY_PASSPHRASE_NEEDED' })
  })

  test('signs at once with a file that is not encrypted', async () => {
    const signer = await loadLazySigner(file('ecdsa256.key', 0o600), { passphrase: never })
    assert.equal(signer.slow, false)
    assert.ok((await signer.sign(data, 'ecdsa-sha2-nistp256')).length > 64)
  })

  test('takes the public half beside a file that does not show it, and without one asks now', async () => {
    const path = file('encrypted-pkcs8.key', 0o600, vector('rsa2048-pkcs8-encrypted.pem'))
    const signer = async () => await loadLazySigner(path, { passphrase: never })
    writeFileSync(`${path}.pub`, vector('rsa2048.pub'))
    assert.deepEqual((await signer()).algorithms, ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'])
    rmSync(`${path}.pub`)
    await assert.rejects(signer(), { message: 'it asked for a passphrase' })
  })

  test('refuses what can never sign, and what others may read, without asking', async () => {
    const path = file('encrypted-aes256-ctr.key', 0o644)
    if (process.platform !== 'win32') await assert.rejects(loadLazySigner(path, { passphrase: never }), { code: 'KEY_PERMISSIONS' })
    await assert.rejects(loadLazySigner(file('rsa1024.key', 0o600), { passphrase: never }), { code: 'KEY_TOO_WEAK' })
    await assert.rejects(loadLazySigner(join(folder, 'nothing'), { passphrase: never }), { code: 'ENOENT' })
  })
})
