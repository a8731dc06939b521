// Owns the matrix of algorithms with OpenSSH's client and our server: each kex, cipher, MAC, host key type and compression
// that both know, alone. Every exchange is done again during the transfer, because the client asks for it.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { defaultTables } from 'nacre/algorithms'
import { openSshClient, openSshKnows } from './peers/openssh.ts'
import { bytesOf, sha256 } from './rig/bytes.ts'
import { hostKey, type KeyFile, type KeyKind, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreServer, type NacreServerOptions } from './sites/server.ts'

const known = {
  kex: await openSshKnows('kex'),
  ciphers: await openSshKnows('cipher'),
  macs: await openSshKnows('mac'),
  hostKeys: await openSshKnows('HostKeyAlgorithms'),
}
const bulk = bytesOf(200_000)

/** OpenSSH does not rekey more often than every 16 blocks; this gives three or four exchanges. */
const rekeyBytes = 65_536

const carries = async (
  algorithms: NacreServerOptions['algorithms'] & object,
  options: readonly string[],
  keys?: readonly KeyFile[],
): Promise<void> => {
  await using server = await nacreServer({ accepts: { keys: [userKey()] }, algorithms, ...(keys === undefined ? {} : { hostKeys: keys }) })
  const result = await openSshClient.run({
    to: server.to,
    login: { key: userKey() },
    command: 'cat; exit 7',
    stdin: bulk,
    rekeyBytes,
    options,
  })
  assert.equal(result.code, 7, `${result.stderr}\n${server.endings.join('\n')}`)
  assert.equal(sha256(result.stdout), sha256(bulk))
  assert.deepEqual(server.errors, [])
}

describe('key exchange', () => {
  for (const { name } of defaultTables.kexMethods.filter(row => known.kex.has(row.name))) {
    test(name, {}, () => carries({ kex: [name] }, [`KexAlgorithms=${name}`]))
  }
})

describe('cipher', () => {
  for (const { name } of defaultTables.ciphers.filter(row => known.ciphers.has(row.name))) {
    test(name, {}, () => carries({ ciphers: [name] }, [`Ciphers=${name}`]))
  }
})

describe('MAC', () => {
  for (const { name } of defaultTables.macs.filter(row => known.macs.has(row.name))) {
    test(name, {}, () => carries({ macs: [name], ciphers: ['aes128-ctr'] }, [`MACs=${name}`, 'Ciphers=aes128-ctr']))
  }
})

const keyKinds: Readonly<Record<string, KeyKind>> = {
  'ssh-ed25519': 'ed25519',
  'ecdsa-sha2-nistp256': 'ecdsa256',
  'ecdsa-sha2-nistp384': 'ecdsa384',
  'ecdsa-sha2-nistp521': 'ecdsa521',
  'rsa-sha2-256': 'rsa',
  'rsa-sha2-512': 'rsa',
  'ssh-rsa': 'rsa',
  'ssh-dss': 'dsa',
  'ssh-mldsa44-ed25519@openssh.com': 'mldsa44',
}
describe('host key', () => {
  // What only a token signs with is tested with logins: hosts have none.
  for (const { name } of defaultTables.signatures.filter(row => row.sign !== undefined && known.hostKeys.has(row.name))) {
    test(name, {}, async () => {
      const kind = keyKinds[name]
      assert.ok(kind !== undefined, `the rig has no key for ${name}`)
      await carries({ hostKey: [name] }, [`HostKeyAlgorithms=${name}`], [hostKey(kind)])
    })
  }
})

describe('compression', () => {
  test('none', {}, () => carries({ compression: ['none'] }, ['Compression=no']))
  test('zlib@openssh.com', {}, () => carries({ compression: ['zlib@openssh.com'] }, ['Compression=yes']))
})
