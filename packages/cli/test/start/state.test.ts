// The folder of `npm start`: made once, for its owner alone, and found again.
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { lookUpHostKey, parseKnownHosts } from 'nacre/keys'
import { openState, writeKnownHosts } from '../../src/start/state.ts'
import { temporaryFolder } from '../sshd/world.ts'

describe('the state', () => {
  test('is made on the first start and the same on the next', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, '.nacre')
    const first = await openState(path)
    assert.deepEqual(first.hostKeys.map(key => key.publicKey.type).sort(), ['ecdsa-sha2-nistp256', 'ssh-ed25519', 'ssh-rsa'])
    assert.equal(statSync(path).mode & 0o777, 0o700)
    for (const key of first.hostKeys) assert.equal(statSync(key.source).mode & 0o777, 0o600)
    assert.equal(statSync(first.authorizedKeys).mode & 0o777, 0o600)
    writeFileSync(first.authorizedKeys, 'mine\n')
    const second = await openState(path)
    assert.deepEqual(
      second.hostKeys.map(key => key.publicKey.fingerprint()),
      first.hostKeys.map(key => key.publicKey.fingerprint()),
    )
    assert.equal(readFileSync(second.authorizedKeys, 'utf8'), 'mine\n')
  })
  test('that cannot be kept is told', async () => {
    using folder = temporaryFolder()
    const path = join(folder.path, 'file')
    writeFileSync(path, '')
    await assert.rejects(openState(join(path, '.nacre')), ConfigError)
  })
})

describe('known_hosts', () => {
  test('knows the server afterwards, at the lines that were named, and keeps other ports', async () => {
    using folder = temporaryFolder()
    const { hostKeys, knownHosts } = await openState(join(folder.path, '.nacre'))
    assert.deepEqual(writeKnownHosts(knownHosts, '127.0.0.1', 2222, hostKeys), [1, 2, 3])
    assert.deepEqual(writeKnownHosts(knownHosts, '127.0.0.1', 2223, hostKeys), [4, 5, 6])
    assert.deepEqual(writeKnownHosts(knownHosts, '127.0.0.1', 2222, hostKeys), [4, 5, 6])
    const file = parseKnownHosts(readFileSync(knownHosts, 'utf8'), knownHosts)
    for (const port of [2222, 2223])
      for (const key of hostKeys) assert.equal(lookUpHostKey([file], { host: '127.0.0.1', port }, key.publicKey.blob).is, 'known')
    assert.equal(statSync(knownHosts).mode & 0o777, 0o600)
  })
})
