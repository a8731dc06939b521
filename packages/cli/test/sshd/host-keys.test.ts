// The server's own keys: a bad file is told of and passed over while there is a good one.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { ConfigError } from 'nacre'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import {
  createSigner,
  formatPublicKeyLine,
  issueCertificate,
  type IssueOptions,
  parsePublicKey,
  PrivateKey,
  readPrivateKey,
  writeOpensshPrivateKey,
} from 'nacre/keys'
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
  test('of one type twice: the first is used, and the other is only announced', async () => {
    using it = files({ one: [ed25519, 0o600], two: [await text({ kind: 'ed25519' }), 0o600] })
    const { keys, toCome, warnings } = await loadHostKeys(it.paths, 2048)
    assert.deepEqual(
      [keys, toCome].map(each => each.map(key => key.source)),
      [[it.paths[0]], [it.paths[1]]],
    )
    assert.deepEqual(warnings, [])
  })
  test('of which none can be used are an error that says why', async () => {
    using it = files({ open: [ed25519, 0o644] })
    await assert.rejects(loadHostKeys(it.paths, 2048), (error: unknown) => error instanceof ConfigError && /too open/.test(error.message))
  })
  test('must be named by whoever is not root', { skip: process.geteuid?.() === 0 }, () =>
    assert.rejects(loadHostKeys([], 2048), ConfigError),
  )
})

const authority = createSigner(nodeCrypto(), new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' })), 'authority')

describe('host certificates', () => {
  const certified = async (of: string, changes: Partial<IssueOptions> = {}): Promise<string> => {
    const { publicKey: key } = readPrivateKey(nodeCrypto(), of)
    const options = { signer: authority, key, kind: 'host', keyId: '', principals: ['host.example'], random: nodeCrypto().random } as const
    const { blob } = await issueCertificate({ ...options, ...changes })
    return formatPublicKeyLine(parsePublicKey(blob))
  }

  test('are further keys, behind the plain ones, with the names of certificates', async () => {
    using it = files({ one: [ed25519, 0o600], two: [ecdsa, 0o600], certificate: [await certified(ecdsa), 0o644] })
    const { keys, warnings } = await loadHostKeys(it.paths.slice(0, 2), 2048, it.paths.slice(2))
    assert.deepEqual(warnings, [])
    assert.deepEqual(
      keys.map(key => key.algorithms),
      [['ssh-ed25519'], ['ecdsa-sha2-nistp256'], ['ecdsa-sha2-nistp256-cert-v01@openssh.com']],
    )
  })
  test('that cannot be used are passed over, with a word', async () => {
    using it = files({
      key: [ed25519, 0o600],
      user: [await certified(ed25519, { kind: 'user' }), 0o644],
      stranger: [await certified(ecdsa), 0o644],
      plain: [formatPublicKeyLine(readPrivateKey(nodeCrypto(), ed25519).publicKey), 0o644],
      damaged: ['ssh-ed25519-cert-v01@openssh.com AAAA', 0o644],
      good: [await certified(ed25519), 0o644],
      again: [await certified(ed25519), 0o644],
    })
    const { keys, warnings } = await loadHostKeys(it.paths.slice(0, 1), 2048, [...it.paths.slice(1), '/nowhere', 'none'])
    assert.equal(keys.length, 2)
    for (const [index, words] of [
      /user": .*has the certificate of a user, not of a host/,
      /No host key belongs to the host certificate .*stranger/,
      /plain": .*has a key and no certificate/,
      /Could not load host certificate ".*damaged"/,
      /again is not used: another of the same type stands before it/,
      /Could not load host certificate "\/nowhere"/,
    ].entries())
      assert.match(warnings[index] ?? '', words)
    assert.equal(warnings.length, 6)
  })
})
