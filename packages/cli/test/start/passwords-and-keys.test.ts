// What `npm start` lets in: a password once, and the keys of the person who started it.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { type ClientConnection, connectOver, credentials, insecureAcceptAnyHostKey, memoryPair, nodeRuntime, Secret } from 'nacre'
import { formatPublicKeyLine, type Signer } from 'nacre/keys'
import { openPty } from '../../src/pty.ts'
import { OneTimePassword } from '../../src/start/one-time-password.ts'
import { ownKeys } from '../../src/start/own-keys.ts'
import { createTryOutServer } from '../../src/start/server.ts'
import { openState } from '../../src/start/state.ts'
import { accountAt, keptLog, newKey, temporaryFolder } from '../sshd/world.ts'

describe('a one-time password', () => {
  test('works once, then another takes its place', () => {
    const told: string[] = []
    const password = new OneTimePassword(next => told.push(next))
    const first = password.current
    assert.match(first, /^[a-z2-9]{4}(-[a-z2-9]{4}){3}$/)
    for (const wrong of ['', first.slice(1), `${first} `, first.replaceAll('-', '')]) assert.equal(password.use(new Secret(wrong)), false)
    assert.equal(password.use(new Secret(first)), true)
    assert.equal(password.use(new Secret(first)), false)
    assert.deepEqual(told, [password.current])
    assert.notEqual(password.current, first)
  })
})

describe('own keys', () => {
  test('are those whose private half lies beside them', async () => {
    using folder = temporaryFolder()
    mkdirSync(join(folder.path, '.ssh'))
    const put = (name: string, text: string): void => writeFileSync(join(folder.path, '.ssh', name), text)
    const mine = await newKey('mine')
    put('id_ed25519', 'secret')
    put('id_ed25519.pub', `${formatPublicKeyLine(mine.publicKey)}\n`)
    put('colleague.pub', formatPublicKeyLine((await newKey()).publicKey))
    put('broken', '')
    put('broken.pub', 'no key')
    const found = ownKeys(folder.path)
    assert.deepEqual(
      found.map(each => each.path),
      [join(folder.path, '.ssh/id_ed25519.pub')],
    )
    assert.ok(found[0].key.equals(mine.publicKey))
  })
  test('are none where there is no folder', () => {
    using folder = temporaryFolder()
    assert.deepEqual(ownKeys(folder.path), [])
  })
})

let hostKeys: readonly Signer[] = []

/** The server of `npm start` for a person with a home of their own. */
const place = async () => {
  const folder = temporaryFolder()
  const account = accountAt(folder.path)
  mkdirSync(join(folder.path, '.ssh'), { mode: 0o700 })
  // A name that would mean something else if it were taken for a pattern.
  const place = join(folder.path, '100%u')
  mkdirSync(place)
  const state = { hostKeys, authorizedKeys: join(place, 'authorized_keys'), knownHosts: join(place, 'known_hosts') }
  const password = new OneTimePassword(() => {})
  const { log, lines } = keptLog()
  const server = createTryOutServer({ state, account, ownKeys: () => ownKeys(account.home), password, log, openPty })
  const logIn = (by: { signers?: readonly Signer[]; password?: string; user?: string }): Promise<ClientConnection> => {
    const [ours, theirs] = memoryPair({ address: '127.0.0.1', port: 50022, localAddress: '127.0.0.1', localPort: 2222 })
    server.accept(theirs)
    const identities = credentials({ signers: by.signers ?? [], ...(by.password === undefined ? {} : { password: by.password }) })
    return connectOver(
      ours,
      { user: by.user ?? account.name, host: 'test', port: 22, hostKey: insecureAcceptAnyHostKey, identities },
      nodeRuntime(),
    )
  }
  return {
    account,
    state,
    password,
    lines,
    logIn,
    async [Symbol.asyncDispose]() {
      await server.close()
      folder[Symbol.dispose]()
    },
  }
}

describe('the server of npm start', () => {
  before(async () => {
    using folder = temporaryFolder()
    hostKeys = (await openState(folder.path)).hostKeys
  })
  test('takes the password once and runs commands in the home', async () => {
    await using it = await place()
    const { current } = it.password
    await using client = await it.logIn({ password: current })
    assert.equal((await client.run('pwd')).stdout, `${it.account.home}\n`)
    await assert.rejects(it.logIn({ password: current }), { code: 'AUTHENTICATION_FAILED' })
  })
  test('takes a key the person adds while it runs, with its restrictions', async () => {
    await using it = await place()
    const key = await newKey()
    await assert.rejects(it.logIn({ signers: [key] }), { code: 'AUTHENTICATION_FAILED' })
    writeFileSync(it.state.authorizedKeys, `command="echo only this" ${formatPublicKeyLine(key.publicKey)}\n`)
    await using client = await it.logIn({ signers: [key] })
    assert.equal((await client.run('id')).stdout, 'only this\n')
  })
  test('takes the person’s own key', async () => {
    await using it = await place()
    const key = await newKey()
    writeFileSync(join(it.account.home, '.ssh/id_ed25519'), 'secret')
    writeFileSync(join(it.account.home, '.ssh/id_ed25519.pub'), formatPublicKeyLine(key.publicKey))
    await using client = await it.logIn({ signers: [key] })
    assert.deepEqual((await client.run('exit 3')).exit, { code: 3 })
  })
  test('takes nobody else, not even with the password', async () => {
    await using it = await place()
    await assert.rejects(it.logIn({ user: `${it.account.name}x`, password: it.password.current }), { code: 'AUTHENTICATION_FAILED' })
    assert.match(it.lines.join('\n'), /Failed password for invalid user/)
  })
})
