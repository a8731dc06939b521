// Owns the matrix of algorithms with our client and OpenSSH's server: each kex, cipher, MAC, host key type and compression
// that both know, alone, over a first and a second key exchange.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { defaultTables } from 'nacre/algorithms'
import { openSshKnows, openSshServer } from './peers/openssh.ts'
import { bytesOf, sha256 } from './rig/bytes.ts'
import { hostKey, type KeyKind, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'

const known = {
  kex: await openSshKnows('kex'),
  ciphers: await openSshKnows('cipher'),
  macs: await openSshKnows('mac'),
  hostKeys: await openSshKnows('HostKeyAlgorithms'),
}
const bulk = bytesOf(200_000)
const login = { key: userKey() }

type Connection = Awaited<ReturnType<typeof nacreConnect>>

/** Bytes go both ways before and after a second key exchange. */
const carries = async (connection: Connection): Promise<void> => {
  const before = await connection.run('cat', { input: bulk })
  assert.equal(sha256(before.stdoutBytes), sha256(bulk))
  connection.rekey()
  const after = await connection.run('cat; exit 7', { input: bulk })
  assert.equal(sha256(after.stdoutBytes), sha256(bulk))
  assert.equal(after.code, 7)
}

describe('key exchange', () => {
  for (const { name } of defaultTables.kexMethods.filter(row => known.kex.has(row.name))) {
    test(name, {}, async () => {
      await using server = await openSshServer({ accepts: { keys: [userKey()] }, config: [`KexAlgorithms ${name}`] })
      await using connection = await nacreConnect(server.to, login, { algorithms: { kex: [name] } })
      assert.equal(connection.algorithms?.kex, name)
      await carries(connection)
    })
  }
})

describe('cipher', () => {
  for (const { name } of defaultTables.ciphers.filter(row => known.ciphers.has(row.name))) {
    test(name, {}, async () => {
      await using server = await openSshServer({ accepts: { keys: [userKey()] }, config: [`Ciphers ${name}`] })
      await using connection = await nacreConnect(server.to, login, { algorithms: { ciphers: [name] } })
      assert.equal(connection.algorithms?.clientToServer.cipher, name)
      assert.equal(connection.algorithms?.serverToClient.cipher, name)
      await carries(connection)
    })
  }
})

describe('MAC', () => {
  for (const { name } of defaultTables.macs.filter(row => known.macs.has(row.name))) {
    test(name, {}, async () => {
      await using server = await openSshServer({ accepts: { keys: [userKey()] }, config: [`MACs ${name}`, 'Ciphers aes128-ctr'] })
      await using connection = await nacreConnect(server.to, login, { algorithms: { macs: [name], ciphers: ['aes128-ctr'] } })
      assert.equal(connection.algorithms?.clientToServer.mac, name)
      assert.equal(connection.algorithms?.serverToClient.mac, name)
      await carries(connection)
    })
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
      const key = hostKey(kind)
      await using server = await openSshServer({ accepts: { keys: [userKey()] }, hostKeys: [key], config: [`HostKeyAlgorithms ${name}`] })
      await using connection = await nacreConnect(server.to, login, { algorithms: { hostKey: [name] } })
      assert.equal(connection.algorithms?.hostKey, name)
      assert.equal(connection.hostKey.fingerprint(), key.fingerprint)
      await carries(connection)
    })
  }
})

describe('compression', () => {
  for (const name of ['none', 'zlib@openssh.com']) {
    test(name, {}, async () => {
      await using server = await openSshServer({ accepts: { keys: [userKey()] }, config: ['Compression yes'] })
      await using connection = await nacreConnect(server.to, login, { algorithms: { compression: [name] } })
      assert.equal(connection.algorithms?.clientToServer.compression, name)
      assert.equal(connection.algorithms?.serverToClient.compression, name)
      await carries(connection)
      const compressible = Buffer.from('all work and no play\n'.repeat(100_000))
      const { stdoutBytes } = await connection.run('cat', { input: compressible })
      assert.equal(sha256(stdoutBytes), sha256(compressible))
    })
  }
})
