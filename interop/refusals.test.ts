// Owns how connections fail, in both directions with OpenSSH: wrong secrets, host keys that are not trusted, algorithms that do
// not meet, keys that are too weak. A person must be able to act on the words.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { AuthenticationError, ConnectError, HostKeyError, knownHosts, NegotiationError, ProtocolError } from 'nacre'
import { openSshClient, openSshServer } from './peers/openssh.ts'
import type { Login } from './peers/peer.ts'
import { freshFile } from './rig/folder.ts'
import { hostKey, newKey, strangerKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { authFor, nacreConnect } from './sites/client.ts'
import { nacreServer, type NacreServerOptions } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }

/** The error a promise rejects with, which must be of this class. */
const rejection = async <T extends Error>(kind: new (...args: never[]) => T, promise: Promise<unknown>): Promise<T> => {
  const outcome = await promise.then(
    () => new Error('it did not reject'),
    (error: unknown) => error,
  )
  if (outcome instanceof kind) return outcome
  throw outcome
}

describe('OpenSSH refuses our client', () => {
  test('wrong key: the attempt is named with its fingerprint, its file and what remains', {}, async () => {
    await using server = await openSshServer({ accepts })
    const stranger = strangerKey()
    const error = await rejection(AuthenticationError, nacreConnect(server.to, { key: stranger }))
    assert.equal(error.user, server.to.user)
    assert.deepEqual(error.remaining, ['publickey'])
    const [attempt] = error.attempts.filter(each => each.method === 'publickey')
    assert.equal(attempt?.outcome, 'refused')
    assert.equal(attempt.fingerprint, stranger.fingerprint)
    assert.equal(attempt.source, stranger.path)
    assert.match(error.message, new RegExp(`Could not log in as "${server.to.user}"`))
    assert.ok(error.message.includes(stranger.fingerprint))
    assert.match(error.message, /authorized_keys/)
  })

  test('wrong password', { skip: needsPrivilege() }, async () => {
    await using server = await openSshServer({ accepts: { password: world().password ?? '' } })
    const error = await rejection(AuthenticationError, nacreConnect(server.to, { password: 'wrong' }))
    assert.deepEqual(
      error.attempts.filter(each => each.method === 'password').map(each => each.outcome),
      ['refused'],
    )
    assert.match(error.message, /the password or the user name is wrong/)
    assert.ok(!error.message.includes('"wrong"'))
  })

  test('wrong answers', { skip: needsPrivilege() }, async () => {
    await using server = await openSshServer({ accepts: { prompts: [] }, pam: true })
    const error = await rejection(AuthenticationError, nacreConnect(server.to, { answers: ['wrong'] }))
    assert.ok(error.attempts.some(each => each.method === 'keyboard-interactive' && each.outcome === 'refused'))
  })

  test('a user that does not exist reads the same', {}, async () => {
    await using server = await openSshServer({ accepts })
    const error = await rejection(AuthenticationError, nacreConnect({ ...server.to, user: 'nobody-by-that-name' }, login))
    assert.equal(error.user, 'nobody-by-that-name')
    assert.deepEqual(error.remaining, ['publickey'])
  })

  test('too many keys: what was tried is told, though the server hung up', {}, async () => {
    await using server = await openSshServer({ accepts, config: ['MaxAuthTries 2'] })
    const { loadSigner } = await import('nacre')
    const keys = [newKey('ed25519'), newKey('ed25519'), newKey('ed25519'), userKey()]
    const signers = await Promise.all(keys.map(key => loadSigner(key.path)))
    const error = await rejection(AuthenticationError, nacreConnect(server.to, {}, { auth: { signers } }))
    assert.ok(error.attempts.some(each => each.fingerprint === keys[0]?.fingerprint && each.outcome === 'refused'))
    assert.match(error.message, /Too many authentication failures/)
  })

  test('a method the server does not have', {}, async () => {
    await using server = await openSshServer({ accepts })
    const error = await rejection(AuthenticationError, nacreConnect(server.to, { password: 'any' }))
    assert.match(error.message, /Not tried, though the server accepts it: publickey/)
  })

  test('half a chain: the step that is missing is named', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { keys: [userKey()], password, chain: ['publickey', 'password'] } })
    const error = await rejection(AuthenticationError, nacreConnect(server.to, login))
    assert.ok(error.attempts.some(each => each.method === 'publickey' && each.outcome === 'partial'))
    assert.deepEqual(error.remaining, ['password'])
  })

  test('nobody listens', {}, async () => {
    const port = await freePort()
    const error = await rejection(ConnectError, nacreConnect({ host: '127.0.0.1', port, user: 'x', hostKeys: [hostKey().line] }, login))
    assert.match(error.message, new RegExp(String(port)))
  })
})

describe('our client refuses the host key', () => {
  test('of a host nobody knows', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const file = freshFile('known_hosts', '')
    const { policy } = await knownHosts({ files: [file] })
    const error = await rejection(HostKeyError, nacreConnect(server.to, login, { hostKey: policy }))
    assert.equal(error.code, 'HOST_KEY_UNKNOWN')
    assert.equal(error.fingerprint, hostKey().fingerprint)
    assert.ok(error.message.includes(hostKey().fingerprint))
    assert.ok(error.message.includes(file))
  })

  test('that is not the one known, naming file and line', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const known = newKey('ed25519')
    const file = freshFile('known_hosts', `# a comment\n[127.0.0.1]:${server.to.port} ${known.line}\n`)
    const { policy } = await knownHosts({ files: [file] })
    const error = await rejection(HostKeyError, nacreConnect(server.to, login, { hostKey: policy }))
    assert.equal(error.code, 'HOST_KEY_CHANGED')
    assert.deepEqual(error.conflict, { file, line: 2, fingerprint: known.fingerprint })
    assert.ok(error.message.includes(`${file} line 2`))
  })

  test('that is revoked', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const file = freshFile('known_hosts', `@revoked * ${hostKey().line}\n`)
    const { policy } = await knownHosts({ files: [file] })
    const error = await rejection(HostKeyError, nacreConnect(server.to, login, { hostKey: policy }))
    assert.equal(error.code, 'HOST_KEY_REVOKED')
  })

  test('but accepts a new one when told so, and knows it the next time, hashed', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const file = freshFile('known_hosts', '')
    const { policy } = await knownHosts({ files: [file], strict: 'accept-new', hash: true })
    await (await nacreConnect(server.to, login, { hostKey: policy })).close()
    const strict = await knownHosts({ files: [file] })
    assert.deepEqual(strict.knownTypes('127.0.0.1', server.to.port), ['ssh-ed25519'])
    await (await nacreConnect(server.to, login, { hostKey: strict.policy })).close()
    // OpenSSH reads what we wrote.
    const result = await openSshClient.run({ to: server.to, login, command: 'true', options: [`UserKnownHostsFile=${file}`] })
    assert.equal(result.code, 0, result.stderr)
  })

  test('of RSA with 1024 bits', {}, async () => {
    const weak = newKey('weakRsa')
    await using server = await openSshServer({ accepts, hostKeys: [weak] })
    const error = await rejection(ProtocolError, nacreConnect({ ...server.to, hostKeys: [weak.line] }, login))
    assert.equal(error.violation, 'host-key-too-weak')
    assert.match(error.message, /1024/)
  })

  test('and OpenSSH logs that we left, with the reason', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    await rejection(HostKeyError, nacreConnect({ ...server.to, hostKeys: [newKey('ed25519').line] }, login))
    for (let tries = 0; tries < 100 && !/disconnect from/.test(server.process.log()); tries++)
      await new Promise(resolve => setTimeout(resolve, 20))
    assert.match(server.process.log(), /disconnect from 127\.0\.0\.1 port \d+:9:/)
  })
})

test('our client does not use an RSA key of 1024 bits', {}, async () => {
  await assert.rejects(authFor({ key: newKey('weakRsa') }), { code: 'KEY_TOO_WEAK' })
})

describe('no common algorithm, our client at OpenSSH', () => {
  const cases = [
    {
      what: /key exchange/,
      line: 'KexAlgorithms diffie-hellman-group1-sha1',
      theirs: 'diffie-hellman-group1-sha1',
      option: 'KexAlgorithms=+diffie-hellman-group1-sha1',
    },
    { what: /host key/, line: 'HostKeyAlgorithms ssh-rsa', theirs: 'ssh-rsa', option: 'HostKeyAlgorithms=+ssh-rsa' },
    { what: /cipher/, line: 'Ciphers aes128-cbc,3des-cbc', theirs: 'aes128-cbc', option: 'Ciphers=+aes128-cbc' },
    { what: /MAC/, line: 'MACs hmac-md5', theirs: 'hmac-md5', option: 'MACs=+hmac-md5', ours: { ciphers: ['aes128-ctr'] } },
  ] as const
  for (const { what, line, theirs, option, ...more } of cases) {
    test(line, {}, async () => {
      await using server = await openSshServer({ accepts, config: [line] })
      const algorithms = 'ours' in more ? more.ours : {}
      const error = await rejection(NegotiationError, nacreConnect(server.to, login, { algorithms }))
      assert.match(error.mismatch.what, what)
      assert.ok(error.mismatch.theirs.includes(theirs))
      assert.ok(error.mismatch.ours.length > 0)
      assert.ok(!error.mismatch.ours.includes(theirs))
      assert.equal(error.mismatch.remedy?.option, option)
      assert.match(error.mismatch.remedy.risk, /broken or too weak/)
      assert.ok(error.message.includes(option))
    })
  }
  test('compression', {}, async () => {
    await using server = await openSshServer({ accepts, config: ['Compression no'] })
    const error = await rejection(NegotiationError, nacreConnect(server.to, login, { algorithms: { compression: ['zlib@openssh.com'] } }))
    assert.match(error.mismatch.what, /compression/)
    assert.deepEqual(error.mismatch.theirs, ['none'])
    assert.ok(error.message.includes('none'))
  })
})

describe('no common algorithm, OpenSSH at our server', () => {
  const cases: readonly (readonly [string, NacreServerOptions['algorithms'] & object, readonly string[], RegExp, string])[] = [
    [
      'key exchange',
      { kex: ['curve25519-sha256'] },
      ['KexAlgorithms=diffie-hellman-group14-sha256'],
      /no matching key exchange method found\. Their offer: curve25519-sha256/,
      'diffie-hellman-group14-sha256',
    ],
    [
      'host key',
      { hostKey: ['ssh-ed25519'] },
      ['HostKeyAlgorithms=rsa-sha2-512'],
      /no matching host key type found\. Their offer: ssh-ed25519/,
      'rsa-sha2-512',
    ],
    [
      'cipher',
      { ciphers: ['aes128-ctr'] },
      ['Ciphers=aes256-gcm@openssh.com'],
      /no matching cipher found\. Their offer: aes128-ctr/,
      'aes256-gcm@openssh.com',
    ],
    [
      'MAC',
      { ciphers: ['aes128-ctr'], macs: ['hmac-sha2-256'] },
      ['Ciphers=aes128-ctr', 'MACs=hmac-sha2-512'],
      /no matching MAC found\. Their offer: hmac-sha2-256/,
      'hmac-sha2-512',
    ],
  ]
  for (const [what, algorithms, options, words, theirs] of cases) {
    test(what, {}, async () => {
      await using server = await nacreServer({ accepts, algorithms })
      const result = await openSshClient.run({ to: server.to, login, command: 'true', options })
      assert.equal(result.code, 255)
      assert.match(result.stderr, words)
      for (let tries = 0; tries < 100 && server.endings.length === 0; tries++) await new Promise(resolve => setTimeout(resolve, 20))
      assert.ok(server.endings[0]?.includes(theirs), server.endings.join('\n'))
    })
  }
})

describe('our server refuses OpenSSH', () => {
  const refused = async (options: NacreServerOptions, attempt: Login, words: RegExp, more: readonly string[] = []): Promise<void> => {
    await using server = await nacreServer(options)
    const result = await openSshClient.run({ to: server.to, login: attempt, command: 'echo inside', options: more })
    assert.equal(result.code, 255)
    assert.equal(result.stdout.toString(), '')
    assert.match(result.stderr, words)
    assert.deepEqual(server.errors, [])
  }
  test('wrong key', {}, () => refused({ accepts }, { key: strangerKey() }, /Permission denied \(publickey\)/))
  test('wrong password', {}, () => refused({ accepts: { password: 'right' } }, { password: 'wrong' }, /Permission denied \(password\)/))
  test('wrong answer', {}, () =>
    refused(
      { accepts: { prompts: [{ prompt: 'Token: ', echo: false, answer: 'right' }] } },
      { answers: ['wrong'] },
      /Permission denied \(keyboard-interactive\)/,
    ),
  )
  test('a key of RSA with 1024 bits, though it is authorized', {}, async () => {
    const weak = newKey('weakRsa')
    await refused({ accepts: { keys: [weak] } }, { key: weak }, /Permission denied|too (?:small|weak|short)/)
  })
  test('an RSA key that signs with SHA-1', {}, () =>
    refused({ accepts: { keys: [userKey('rsa')] } }, { key: userKey('rsa') }, /Permission denied|no mutual signature/, [
      'PubkeyAcceptedAlgorithms=ssh-rsa',
    ]),
  )
  test('half a chain', {}, () =>
    refused(
      { accepts: { keys: [userKey()], password: 'open', chain: ['publickey', 'password'] } },
      { key: userKey() },
      /Permission denied \(password\)/,
    ),
  )
  test('a host key that ssh does not know', {}, async () => {
    await using server = await nacreServer({ accepts })
    const result = await openSshClient.run({ to: { ...server.to, hostKeys: [newKey('ed25519').line] }, login, command: 'true' })
    assert.equal(result.code, 255)
    assert.match(result.stderr, /Host key verification failed/)
  })
  test('a host key that has changed', {}, async () => {
    await using server = await nacreServer({ accepts, hostKeys: [hostKey()] })
    const result = await openSshClient.run({ to: { ...server.to, hostKeys: [newKey('ed25519').line] }, login, command: 'true' })
    assert.match(result.stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED/)
  })
  test('after too many attempts', {}, async () => {
    const files = Array.from({ length: 5 }, () => newKey('ed25519').path)
    await refused(
      { accepts, maximumAttempts: 3 },
      { key: strangerKey() },
      /Too many authentication failures|too many/i,
      files.map(path => `IdentityFile=${path}`),
    )
  })
  test('and serves the next client all the same', {}, async () => {
    await using server = await nacreServer({ accepts })
    await openSshClient.run({ to: server.to, login: { key: strangerKey() }, command: 'true' })
    const result = await openSshClient.run({ to: server.to, login, command: 'echo in' })
    assert.equal(result.stdout.toString(), 'in\n')
  })
})
