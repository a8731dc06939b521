// The server's own keys: a bad file is told of and passed over while there is a good one.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import { PrivateKey, writeOpensshPrivateKey } from 'nacre/keys'
import { loadHostKeys } from '../../src/sshd/host-keys.ts'
import { temporaryFolder } from './world.ts'

const text = async (choice: Parameters<typeof generateKeyNumbers>[0]): Promise<string> =>
  writeOpensshPrivateKey(nodeCrypto(), new PrivateKey(await generateKeyNumbers(choice)))
const ed25519 = await text({ kind: 'ed25519' })
const ecdsa = await text({ kind: 'ecdsa', curve: 'nistp256' })

/** Files by name, and their paths. */
const files = (contents: Readonly<Record<string, readonly [string, number]>>) => {
  const folder = temporaryFolder()
  const paths = Object.entries(contents).map(([name, [content, mode]]) => {
    const path = join(folder.path, name)
    writeFileSync(path, content, { mode })
    return path
  })
  return { paths, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

describe('host keys', () => {
  test('of several types are all used', async () => {
    using it = files({ one: [ed25519, 0o600], two: [ecdsa, 0o400] })
    const { keys, warnings } = await loadHostKeys(it.paths, 2048)
    assert.deepEqual([keys.map(key => key.publicKey.type), warnings], [['ssh-ed25519', 'ecdsa-sha2-nistp256'], []])
  })
  test('others can read are passed over, with a word', async () => {
    for (const mode of [0o640, 0o604, 0o660]) {
      using it = files({ open: [ecdsa, mode], good: [ed25519, 0o600] })
      const { keys, warnings } = await loadHostKeys(it.paths, 2048)
      assert.equal(keys.length, 1)
      assert.match(warnings.join(), /open": Permissions 06[046][04] .*too open/)
    }
  })
  test('that are missing or damaged are passed over, with a word', async () => {
    using it = files({ bad: ['no key', 0o600], good: [ed25519, 0o600] })
    const { keys, warnings } = await loadHostKeys([...it.paths, '/nonexistent/key'], 2048)
    assert.equal(keys.length, 1)
    assert.equal(warnings.length, 2)
  })
  test('of one type twice: the first is used', async () => {
    using it = files({ one: [ed25519, 0o600], two: [await text({ kind: 'ed25519' }), 0o600] })
    const { keys, warnings } = await loadHostKeys(it.paths, 2048)
    assert.deepEqual(
      keys.map(key => key.source),
      [it.paths[0]],
    )
    assert.match(warnings.join(), /two is not used/)
  })
  test('of which none can be used are an error that says why', async () => {
    using it = files({ open: [ed25519, 0o644] })
    await assert.rejects(loadHostKeys(it.paths, 2048), (error: unknown) => error instanceof ConfigError && /too open/.test(error.message))
  })
  test('must be named by whoever is not root', { skip: process.geteuid?.() === 0 }, () =>
    assert.rejects(loadHostKeys([], 2048), ConfigError),
  )
})
