// What keywords of ssh_config become as options of `connect`: only what was said, in our units.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readOpensshConfig } from '../../src/client/config-node.ts'
import { configuredOptions } from '../../src/client/configured-node.ts'
import { connect } from '../../src/client/connect-node.ts'
import { ConfigError, SshError } from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'

const optionsOf = async (...lines: readonly string[]) =>
  configuredOptions(await readOpensshConfig('alias', { file: 'none', options: lines }), destination => destination)

/** One option for one line. */
const cases: readonly (readonly [lines: readonly string[], options: Readonly<Record<string, unknown>>])[] = [
  [['Ciphers=^aes128-ctr', 'MACs=-*sha1*'], { algorithms: { ciphers: '^aes128-ctr', macs: '-*sha1*' } }],
  [['Compression=yes'], { algorithms: { compression: ['zlib@openssh.com', 'zlib', 'none'] } }],
  [['Compression=no'], { algorithms: { compression: ['none'] } }],
  [['ConnectTimeout=5'], { connectTimeout: 5000, deadlines: { handshake: 5000 } }],
  [['ConnectTimeout=none'], {}],
  [['ConnectionAttempts=3'], { connectionAttempts: 3 }],
  [['ServerAliveInterval=10'], { keepalive: { milliseconds: 10_000, maximumUnanswered: 3 } }],
  [
    ['ServerAliveInterval=10', 'ServerAliveCountMax=0'],
    { keepalive: { milliseconds: 10_000, maximumUnanswered: Number.MAX_SAFE_INTEGER } },
  ],
  [['ServerAliveInterval=0'], { keepalive: false }],
  [['RekeyLimit=1M 1h'], { rekey: { bytes: 2 ** 20, milliseconds: 3_600_000 } }],
  [['RekeyLimit=default none'], {}],
  [['RequiredRSASize=3072'], { minimumRsaBits: 3072 }],
  [['RequiredRSASize=512'], { minimumRsaBits: 1024 }],
  [['AddressFamily=inet6'], { family: 6 }],
  [['BindAddress=192.0.2.1', 'BindInterface=nowhere0'], { localAddress: '192.0.2.1' }],
  [['TCPKeepAlive=no'], { keepAlive: false }],
  [['NumberOfPasswordPrompts=1'], { passwordPrompts: 1 }],
  [['PasswordAuthentication=no'], { preferred: ['publickey', 'keyboard-interactive'] }],
  [['PreferredAuthentications=password,publickey'], { preferred: ['password', 'publickey'] }],
  [['IdentityFile=/k/%n', 'IdentityFile=none'], { identityFiles: ['/k/alias'] }],
  [['IdentitiesOnly=yes', 'IdentityAgent=none'], { identitiesOnly: true, agent: false }],
  [['IdentityAgent=SSH_AUTH_SOCK'], {}],
  [['AddKeysToAgent=no'], {}],
  [['AddKeysToAgent=confirm 1m'], { addKeysToAgent: { mode: 'confirm', seconds: 60 } }],
  [['AddKeysToAgent=2h'], { addKeysToAgent: { mode: 'yes', seconds: 7200 } }],
  [['HostbasedAuthentication=yes'], { hostbasedAuthentication: true }],
  [
    ['HostbasedAuthentication=yes', 'PreferredAuthentications=publickey,hostbased', 'PasswordAuthentication=no'],
    { hostbasedAuthentication: true, preferred: ['publickey', 'hostbased'] },
  ],
  [['PreferredAuthentications=hostbased,publickey'], { preferred: ['publickey'] }],
  [['HostbasedAcceptedAlgorithms=rsa-sha2-512'], { algorithms: { hostbasedAccepted: 'rsa-sha2-512' } }],
  [['VersionAddendum=of the tests'], { comments: 'of the tests' }],
  [['VersionAddendum=none'], {}],
  [['KbdInteractiveDevices=pam,otp'], { kbdInteractiveDevices: 'pam,otp' }],
  [['PubkeyAuthentication=unbound'], { hostBound: false, preferred: ['publickey', 'keyboard-interactive', 'password'] }],
  [['PubkeyAuthentication=host-bound'], { preferred: ['publickey', 'keyboard-interactive', 'password'] }],
  [['SetEnv=A=1 B=2'], { env: { A: '1', B: '2' } }],
  [['HostKeyAlias=Other'], { hostKeyAlias: 'other' }],
  [['RevokedHostKeys=/a /b'], { revokedHostKeys: ['/a', '/b'] }],
  [['ProxyJump=u@a:5,b'], { via: [{ host: 'a', user: 'u', port: 5 }, { host: 'b' }] }],
  [['ProxyCommand=nc %h %p'], { proxyCommand: 'nc %h %p' }],
  [['ProxyCommand=none'], {}],
]

describe('the options of a configuration', () => {
  for (const [lines, expected] of cases)
    it(`are, for ${lines.join(', ')}: ${JSON.stringify(expected)}`, async () => {
      const nothing: Readonly<Record<string, unknown>> = { ...(await optionsOf()) }
      const found: Readonly<Record<string, unknown>> = { ...(await optionsOf(...lines)) }
      const changed = Object.fromEntries(Object.entries(found).filter(([name]) => !(name in nothing)))
      assert.deepEqual(changed, expected)
    })

  it('say what the network is asked for, as OpenSSH does when nothing is said', async () => {
    assert.deepEqual((await optionsOf()).ipQuality, { interactive: 0xb8, bulk: 0 })
    assert.deepEqual((await optionsOf('IPQoS=af21 none')).ipQuality, { interactive: 0x48, bulk: -1 })
  })

  it('are an error for what would not be done as asked', async () => {
    await assert.rejects(optionsOf('ProxyUseFdpass=yes', 'ProxyCommand=x'), /ProxyUseFdpass is not supported/)
    await assert.rejects(optionsOf('VersionAddendum=möwe'), /not printable ASCII/)
    await assert.rejects(
      optionsOf('BindInterface=nowhere0'),
      (error: unknown) => error instanceof ConfigError && /no such interface/.test(error.message),
    )
  })
})

describe('ChannelTimeout', () => {
  it('says after how long channels are closed, by the first pattern that fits, and all of them together', async () => {
    const { idleMilliseconds, idleTogetherMilliseconds } = await optionsOf(
      'ChannelTimeout session:shell=5m *-connection=7 session:*=1h global=2d',
    )
    assert.deepEqual(
      ['session:shell', 'session:command', 'agent-connection', 'direct-tcpip'].map(type => idleMilliseconds?.(type)),
      [300_000, 3_600_000, 7000, undefined],
    )
    assert.equal(idleTogetherMilliseconds, 172_800_000)
    assert.equal((await optionsOf('ChannelTimeout none')).idleMilliseconds, undefined)
  })
})

describe('connect', () => {
  it('tells of what a configuration asks for and nothing does', async () => {
    const notes: string[] = []
    const stop = new AbortController()
    const work = connect('alias', {
      config: { file: 'none', options: [{ path: 'file', text: 'PKCS11Provider /lib/token.so\n', isUsers: true }] },
      transport: memoryPair()[0],
      signal: stop.signal,
      agent: false,
      identityFiles: [],
      knownHostsFiles: [],
      onNote: note => {
        notes.push(note)
        stop.abort(new SshError('STOPPED', 'enough'))
      },
    })
    await assert.rejects(work, /enough/)
    assert.deepEqual(notes, ['file line 1: PKCS11Provider is not supported by this version and has no effect.'])
  })
})
