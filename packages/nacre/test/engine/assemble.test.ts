// From a program's options to an engine's configuration: defaults that are safe, and every option that cannot work refused
// before anything is sent.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import { assemble, type CommonOptions, type RoleOptions } from '../../src/engine/assemble.ts'
import { Engine } from '../../src/engine/engine.ts'
import { ConfigError } from '../../src/errors.ts'
import { insecureTestHostKey } from '../../src/testing/keys.ts'
import { BufferPool } from '../../src/transport/outgoing.ts'

const crypto = nodeCrypto()
const runtime = { crypto, tables: defaultTables, pool: new BufferPool() }
const client: RoleOptions = { role: 'client', user: 'ada', preferHostKeys: [] }
const server: RoleOptions = {
  role: 'server',
  hostKeys: [insecureTestHostKey(crypto)],
  groups: [],
  maximumAttempts: undefined,
  methods: ['password'],
  banner: undefined,
}

const configOf = (options: CommonOptions, role: RoleOptions = client) => assemble(options, role, runtime)
const refuses = (options: CommonOptions, words: RegExp, role: RoleOptions = client): void => {
  assert.throws(
    () => new Engine(configOf(options, role)),
    (error: unknown) => error instanceof ConfigError && words.test(error.message),
  )
}

describe('without options', () => {
  it('nothing insecure is offered', () => {
    const { offer } = configOf({}).transport
    const insecure = new Set(
      [
        ...defaultTables.kexMethods,
        ...defaultTables.ciphers,
        ...defaultTables.macs,
        ...defaultTables.compressions,
        ...defaultTables.signatures,
      ]
        .filter(row => row.standing === 'insecure')
        .map(row => row.name),
    )
    for (const [kind, names] of Object.entries(offer)) {
      assert.ok(names.length > 0, kind)
      for (const name of names) assert.ok(!insecure.has(name), `${kind}: ${name}`)
    }
  })
  it('keys change after a gibibyte or an hour, and dead peers are noticed', () => {
    const config = configOf({})
    assert.deepEqual(config.transport.rekey, { bytes: 2 ** 30, packets: 2 ** 30 })
    assert.equal(config.rekeyMilliseconds, 3_600_000)
    assert.deepEqual(config.keepalive, { milliseconds: 30_000, maximumUnanswered: 3 })
    assert.deepEqual(config.deadlines, { handshake: 60_000, login: 120_000, rekey: 120_000 })
  })
  it('a server offers the kinds of host key it has, and announces what it takes', () => {
    const { transport, authentication } = configOf({}, server)
    assert.deepEqual(transport.offer.hostKey, ['ssh-ed25519'])
    assert.ok(authentication.role === 'server' && authentication.acceptedAlgorithms.includes('ssh-ed25519'))
    assert.ok(!transport.extensions['server-sig-algs']?.split(',').includes('ssh-rsa'))
    assert.equal(transport.extensions['publickey-hostbound@openssh.com'], '0')
    assert.equal(authentication.maximumAttempts, 6)
  })
})

describe('options', () => {
  it('choose algorithms in OpenSSH’s notation', () => {
    assert.deepEqual(configOf({ algorithms: { ciphers: 'aes256-ctr,aes128-ctr' } }).transport.offer.cipherServerToClient, [
      'aes256-ctr',
      'aes128-ctr',
    ])
    assert.ok(configOf({ algorithms: { macs: '+hmac-md5' } }).transport.offer.macClientToServer.includes('hmac-md5'))
    assert.ok(!configOf({ algorithms: { kex: '-*nist*' } }).transport.offer.kex.some(name => name.includes('nist')))
    assert.equal(configOf({ algorithms: { kex: '^curve25519-sha256' } }).transport.offer.kex[0], 'curve25519-sha256')
  })
  it('certificates of hosts are asked for when they are named, by a pattern too', () => {
    const asks = (hostKey: string): boolean =>
      configOf({ algorithms: { hostKey } }).transport.offer.hostKey[0] === 'ssh-ed25519-cert-v01@openssh.com'
    assert.ok(!asks('+ssh-ed25519'))
    assert.ok(asks('^ssh-ed25519-cert-v01@openssh.com'))
    assert.ok(asks('^ssh-ed25519-cert-*'))
  })
  it('ask first for the kinds of host key that are known, unless told which to ask for', () => {
    const knowing: RoleOptions = { role: 'client', user: 'ada', preferHostKeys: ['rsa-sha2-512'] }
    assert.equal(configOf({}, knowing).transport.offer.hostKey[0], 'rsa-sha2-512')
    assert.deepEqual(configOf({ algorithms: { hostKey: ['ssh-ed25519', 'rsa-sha2-512'] } }, knowing).transport.offer.hostKey, [
      'ssh-ed25519',
      'rsa-sha2-512',
    ])
  })
  it('turn keepalive off', () => assert.equal(configOf({ keepalive: false }).keepalive.milliseconds, 0))
  it('name the software', () =>
    assert.equal(
      Buffer.from(configOf({ software: 'mine_1', comments: 'hello' }).transport.identification).toString(),
      'SSH-2.0-mine_1 hello',
    ))
})

describe('options that cannot work', () => {
  it('are refused with words', () => {
    refuses({ algorithms: { ciphers: 'rot13' } }, /"rot13" is not a cipher nacre knows\. It knows: aes128-gcm/)
    refuses({ algorithms: { macs: '' } }, /empty/)
    refuses({ algorithms: { kex: '-*' } }, /No key exchange method is left/)
    refuses({ rekey: { bytes: 0 } }, /rekey\.bytes must be a positive number/)
    refuses({ rekey: { milliseconds: Number.NaN } }, /rekey\.milliseconds/)
    refuses({ limits: { initialWindow: 0 } }, /limits\.initialWindow/)
    refuses({ limits: { maximumPacket: 1e9 } }, /limits\.maximumPacket/)
    refuses({}, /needs at least one host key/, { ...server, hostKeys: [] })
    refuses({ algorithms: { hostKey: 'rsa-sha2-512' } }, /No host key fits .* the keys are of type ssh-ed25519/, server)
  })
})
