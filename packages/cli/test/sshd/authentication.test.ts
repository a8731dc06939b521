// Logging in by configuration, whole, over memory: methods, chains, root, and what the log says of each try.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { AuthenticationError, ConfigError } from 'nacre'
import { formatPublicKeyLine, type Signer } from 'nacre/keys'
import { sshdAuthenticator } from '../../src/sshd/authentication.ts'
import {
  accountAt,
  authorize,
  configOf,
  directoryOf,
  keptLog,
  newKey,
  onePassword,
  temporaryFolder,
  world,
  type WorldOptions,
} from './world.ts'

const sesame = { setup: { accountsFor: () => onePassword('sesame') } }

/** An account with these keys, and a server for it. */
const place = async (keys: readonly Signer[], options: WorldOptions = {}, prefix = '') => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  authorize(
    account,
    keys.map(key => `${prefix}${formatPublicKeyLine(key.publicKey)}`),
  )
  const server = await world(account, options)
  return {
    ...server,
    account,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

const refused = async (attempt: Promise<unknown>): Promise<AuthenticationError> => {
  const error = await attempt.then(
    () => assert.fail('it logged in'),
    (caught: unknown) => caught,
  )
  assert.ok(error instanceof AuthenticationError, String(error))
  return error
}

describe('a key', () => {
  test('in authorized_keys logs in, and the log has OpenSSH’s words', async () => {
    const key = await newKey()
    await using it = await place([key])
    const client = await it.logIn({ signers: [key] })
    void client.close()
    assert.equal(
      it.lines[0],
      `Accepted publickey for ${it.account.name} from 192.0.2.7 port 50022 ssh2: ED25519 ${key.publicKey.fingerprint()}`,
    )
  })
  test('that is not there does not, and only VERBOSE tells', async () => {
    await using it = await place([await newKey()], { level: 'VERBOSE' })
    await refused(it.logIn({ signers: [await newKey()] }))
    assert.match(it.lines.join('\n'), /^Failed publickey for \S+ from 192\.0\.2\.7 port 50022 ssh2: ED25519 SHA256:/m)
  })
  test('is not even offered when PubkeyAuthentication is off', async () => {
    const key = await newKey()
    await using it = await place([key], { config: 'PubkeyAuthentication no', ...sesame })
    assert.deepEqual((await refused(it.logIn({ signers: [key] }))).remaining, ['password', 'keyboard-interactive'])
  })
})

describe('a password', () => {
  test('logs in by method "password"', async () => {
    await using it = await place([], sesame)
    const client = await it.logIn({ password: 'sesame', preferred: ['password'] })
    void client.close()
    assert.match(it.lines[0], /^Accepted password for /)
  })
  test('logs in by keyboard-interactive', async () => {
    await using it = await place([], sesame)
    const client = await it.logIn({ password: 'sesame', preferred: ['keyboard-interactive'] })
    void client.close()
    assert.match(it.lines[0], /^Accepted keyboard-interactive for /)
  })
  test('that is wrong does not, by either', async () => {
    await using it = await place([], sesame)
    await refused(it.logIn({ password: 'wrong', preferred: ['password', 'keyboard-interactive'] }))
    assert.match(it.lines.join('\n'), /Failed password for \S+ from 192\.0\.2\.7 port 50022 ssh2/)
  })
  test('is not offered by a server that cannot check it', async () => {
    await using it = await place([])
    assert.deepEqual((await refused(it.logIn({ password: 'sesame' }))).remaining, ['publickey'])
  })
})

describe('a name that may not log in', () => {
  test('meets the same methods as one that may, and the log knows better', async () => {
    await using it = await place([], sesame)
    const { remaining } = await refused(it.logIn({ user: 'nobody-here', password: 'sesame', preferred: ['password'] }))
    const known = await refused(it.logIn({ password: 'wrong', preferred: ['password'] }))
    assert.deepEqual(remaining, known.remaining)
    assert.equal(it.lines[0], 'Invalid user nobody-here from 192.0.2.7 port 50022')
    assert.equal(it.lines[1], 'Failed password for invalid user nobody-here from 192.0.2.7 port 50022 ssh2')
  })
  test('cannot write lines into the log', async () => {
    await using it = await place([], sesame)
    await refused(it.logIn({ user: 'eve from 10.0.0.1\u2028Accepted password for root', password: 'x', preferred: ['password'] })).catch(
      () => {},
    )
    for (const line of it.lines) assert.doesNotMatch(line, /^Accepted|[\u2028\n\r]/)
  })
})

describe('PermitRootLogin', () => {
  const asRoot = async (setting: string, options: WorldOptions = {}, prefix = '') => {
    const key = await newKey()
    const it = await place([key], { config: '', ...options, ...sesame }, prefix)
    // The rule is about uid 0; files of the home stay our own, which StrictModes off allows.
    const root = { ...it.account, name: 'root', uid: 0 }
    await it[Symbol.asyncDispose]()
    const folder = temporaryFolder()
    const account = { ...root, home: folder.path }
    authorize(account, [`${prefix}${formatPublicKeyLine(key.publicKey)}`])
    const { config } = configOf(`StrictModes no\nPermitRootLogin ${setting}\n${options.config ?? ''}`)
    const { log, lines } = keptLog()
    const authenticator = sshdAuthenticator({
      config,
      directory: directoryOf([account]),
      only: undefined,
      lockedMayUseKeys: false,
      log,
      accounts: onePassword('sesame'),
    })
    const applicant = {
      user: 'root',
      service: 'ssh-connection',
      remote: { address: '192.0.2.7', port: 1 },
      signal: new AbortController().signal,
      now: () => 0,
      banner: () => {},
      report: (error: unknown) => assert.fail(String(error)),
    }
    const run = authenticator.begin(applicant)
    const { blob } = key.publicKey
    const byKey = await run.attempt({
      method: 'publickey',
      algorithm: 'ssh-ed25519',
      publicKey: blob,
      fingerprint: key.publicKey.fingerprint(),
      proven: true,
    })
    const { Secret } = await import('nacre')
    const byPassword = await run.attempt({ method: 'password', password: new Secret('sesame') })
    folder[Symbol.dispose]()
    return { key: byKey.is, password: byPassword.is, lines }
  }
  const cases: readonly (readonly [string, string, string, string])[] = [
    ['yes', '', 'accept', 'accept'],
    ['no', '', 'refuse', 'refuse'],
    ['prohibit-password', '', 'accept', 'refuse'],
    ['without-password', '', 'accept', 'refuse'],
    ['forced-commands-only', '', 'refuse', 'refuse'],
    ['forced-commands-only', 'command="true" ', 'accept', 'refuse'],
  ]
  for (const [setting, prefix, key, password] of cases)
    test(`${setting}: key ${prefix}${key}, password ${password}`, async () => {
      const found = await asRoot(setting, {}, prefix)
      assert.deepEqual([found.key, found.password], [key, password])
      if (password === 'refuse') assert.match(found.lines.join('\n'), /ROOT LOGIN REFUSED FROM 192\.0\.2\.7/)
    })
})

describe('AuthenticationMethods', () => {
  test('asks for all of a chain, in order', async () => {
    const key = await newKey()
    await using it = await place([key], { config: 'AuthenticationMethods publickey,password', ...sesame })
    assert.deepEqual((await refused(it.logIn({ password: 'sesame' }))).remaining, ['publickey'])
    assert.deepEqual((await refused(it.logIn({ signers: [key], password: 'wrong' }))).remaining, ['password'])
    const client = await it.logIn({ signers: [key], password: 'sesame' })
    void client.close()
    assert.match(it.lines.join('\n'), /^Partial publickey for .*: ED25519 SHA256:\S+\nAccepted password for /m)
  })
  test('takes either of two chains', async () => {
    const key = await newKey()
    await using it = await place([key], { config: 'AuthenticationMethods publickey keyboard-interactive,password', ...sesame })
    await (await it.logIn({ signers: [key] })).close()
    await (await it.logIn({ password: 'sesame', preferred: ['keyboard-interactive', 'password'] }).catch(error => error))?.close?.()
  })
  test('asks for two different keys when publickey stands twice', async () => {
    const [one, two] = [await newKey(), await newKey()]
    await using it = await place([one, two], { config: 'AuthenticationMethods publickey,publickey' })
    await refused(it.logIn({ signers: [one] }))
    await (await it.logIn({ signers: [one, two] })).close()
  })
  test('keeps the restrictions of every key of a chain', async () => {
    const [one, two] = [await newKey(), await newKey()]
    await using it = await place([], { config: 'AuthenticationMethods publickey,publickey' })
    authorize(it.account, [`command="echo forced" ${formatPublicKeyLine(one.publicKey)}`, formatPublicKeyLine(two.publicKey)])
    for (const signers of [
      [one, two],
      [two, one],
    ]) {
      await using client = await it.logIn({ signers })
      assert.equal((await client.run('echo free')).stdout, 'forced\n')
    }
  })
  test('that nobody could pass is an error of the configuration', () => {
    const setup = {
      config: configOf('AuthenticationMethods password').config,
      directory: directoryOf([]),
      only: undefined,
      lockedMayUseKeys: false,
      accounts: undefined,
    }
    const { log, lines } = keptLog()
    assert.throws(() => sshdAuthenticator({ ...setup, log }), ConfigError)
    assert.match(lines[0], /password is not enabled/)
  })
  for (const methods of ['none', 'keyboard-interactive:pam'])
    test(`with "${methods}" is an error of the configuration`, () => {
      const { config } = configOf(`AuthenticationMethods ${methods}`)
      const setup = {
        config,
        directory: directoryOf([]),
        only: undefined,
        lockedMayUseKeys: false,
        accounts: onePassword('x'),
        log: keptLog().log,
      }
      assert.throws(() => sshdAuthenticator(setup), ConfigError)
    })
})

test('PermitEmptyPasswords lets an empty password in without a question, and only then', async () => {
  const accountsFor = () => onePassword('')
  await using open = await place([], { config: 'PermitEmptyPasswords yes', setup: { accountsFor } })
  ;(await open.logIn()).close()
  assert.match(open.lines[0], /^Accepted none for /)
  await using closed = await place([], { setup: { accountsFor } })
  await refused(closed.logIn())
})

test('after MaxAuthTries wrong passwords the connection ends', async () => {
  await using it = await place([], { config: 'MaxAuthTries 2', ...sesame })
  await assert.rejects(it.logIn({ password: 'wrong', preferred: ['password', 'keyboard-interactive'] }))
  assert.ok(it.lines.filter(line => line.startsWith('Failed')).length <= 2, it.lines.join('\n'))
})
