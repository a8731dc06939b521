// ExposeAuthInfo: what let a login in, in a file its sessions can read while the connection lasts. And FingerprintHash in the log.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { formatPublicKeyLine } from 'nacre/keys'
import { accountAt, authorize, newKey, onePassword, temporaryFolder, world } from './world.ts'

const site = async (config: string) => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  const key = await newKey()
  authorize(account, [formatPublicKeyLine(key.publicKey)])
  const it = await world(account, { config: `StrictModes no\n${config}`, setup: { accountsFor: () => onePassword('sesame') } })
  return {
    ...it,
    key,
    async [Symbol.asyncDispose]() {
      await it[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

describe('ExposeAuthInfo', () => {
  test('names every proof in order, with the key, and is gone with the connection', async () => {
    await using it = await site('ExposeAuthInfo yes\nAuthenticationMethods publickey,password')
    const client = await it.logIn({ signers: [it.key], password: 'sesame' })
    const { stdout } = await client.run('echo $SSH_USER_AUTH; stat -c %a $SSH_USER_AUTH; cat $SSH_USER_AUTH')
    const [path, mode, ...lines] = stdout.trimEnd().split('\n')
    const { type, blob } = it.key.publicKey
    assert.deepEqual(lines, [`publickey ${type} ${Buffer.from(blob).toString('base64')}`, 'password'])
    assert.equal(mode, '600')
    assert.equal((await client.run('echo $SSH_USER_AUTH')).stdout, `${path}\n`)
    await client.close()
    for (let tries = 0; tries < 200 && existsSync(path); tries++) await delay(10)
    assert.equal(existsSync(path), false)
  })
  test('is not there unless it is asked for', async () => {
    await using it = await site('')
    await using client = await it.logIn({ signers: [it.key] })
    assert.equal((await client.run('echo "[$SSH_USER_AUTH]"')).stdout, '[]\n')
  })
})

test('FingerprintHash is how keys are named in the log', async () => {
  await using it = await site('FingerprintHash md5')
  await (await it.logIn({ signers: [it.key] })).close()
  assert.ok(it.lines[0].endsWith(` ssh2: ED25519 ${it.key.publicKey.fingerprint('md5')}`), it.lines[0])
})
