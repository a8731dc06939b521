// Private key files on disk: the mode is looked at before anything else, and what is not a key is not read for long.
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadPrivateKeyFile, loadSigner } from '../../src/keys/load-node.ts'
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
