// Owns logins of our client at other servers: keys of each type, encrypted key files, passwords, prompts and chains.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { dropbearServer, needsHome } from './peers/dropbear.ts'
import { openSshServer } from './peers/openssh.ts'
import { tokenPrompt, type Login, type PeerServer, type ServerOptions } from './peers/peer.ts'
import { asyncsshServer, paramikoServer, ssh2Server } from './peers/scripted.ts'
import { newKey, soundKinds, strangerKey, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'

/** Logs in and runs one command. */
const entersBy = async (server: PeerServer, login: Login): Promise<void> => {
  await using connection = await nacreConnect(server.to, login)
  const { stdout, code } = await connection.run('echo inside')
  assert.equal(stdout, 'inside\n')
  assert.equal(code, 0)
}

describe('OpenSSH lets us in', () => {
  for (const kind of soundKinds) {
    test(`by ${kind} key`, {}, async () => {
      await using server = await openSshServer({ accepts: { keys: [userKey(kind)] } })
      await entersBy(server, { key: userKey(kind) })
    })
  }

  for (const kind of ['ed25519', 'rsa', 'ecdsa256'] as const) {
    test(`by encrypted ${kind} key file`, {}, async () => {
      const key = userKey(kind, 'a pass phrase')
      await using server = await openSshServer({ accepts: { keys: [key] } })
      await entersBy(server, { key })
    })
  }

  test('by the second of two keys', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [userKey()] } })
    const { loadSigner } = await import('nacre')
    const signers = await Promise.all([strangerKey(), userKey()].map(key => loadSigner(key.path)))
    await using connection = await nacreConnect(server.to, {}, { auth: { signers } })
    assert.equal((await connection.run('true')).code, 0)
  })

  test('by RSA key with SHA-1 only when both are told so', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [userKey('rsa')] }, config: ['PubkeyAcceptedAlgorithms ssh-rsa'] })
    await assert.rejects(nacreConnect(server.to, { key: userKey('rsa') }), { code: 'AUTHENTICATION_FAILED' })
  })

  test('by password', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { password } })
    await entersBy(server, { password })
  })

  test('by keyboard-interactive', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { prompts: [{ prompt: 'Password: ', echo: false, answer: password }] }, pam: true })
    await entersBy(server, { answers: [password] })
  })

  test('by a password that answers the prompt', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { prompts: [{ prompt: 'Password: ', echo: false, answer: password }] }, pam: true })
    await using connection = await nacreConnect(server.to, {}, { auth: { password } })
    assert.equal((await connection.run('true')).code, 0)
  })

  test('by key, then password', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { keys: [userKey()], password, chain: ['publickey', 'password'] } })
    await entersBy(server, { key: userKey(), password })
  })

  test('by password, then key', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { keys: [userKey()], password, chain: ['password', 'publickey'] } })
    await entersBy(server, { key: userKey(), password })
  })

  test('by key, then keyboard-interactive', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    const prompts = [{ prompt: 'Password: ', echo: false, answer: password }]
    await using server = await openSshServer({
      accepts: { keys: [userKey()], prompts, chain: ['publickey', 'keyboard-interactive'] },
      pam: true,
    })
    await entersBy(server, { key: userKey(), answers: [password] })
  })

  test('by two keys, one after the other', {}, async () => {
    const second = newKey('ecdsa256')
    await using server = await openSshServer({ accepts: { keys: [userKey(), second], chain: ['publickey', 'publickey'] } })
    const { loadSigner } = await import('nacre')
    const signers = await Promise.all([userKey(), second].map(key => loadSigner(key.path)))
    await using connection = await nacreConnect(server.to, {}, { auth: { signers } })
    assert.equal((await connection.run('true')).code, 0)
  })

  test('and shows its banner', {}, async () => {
    const { freshFile } = await import('./rig/folder.ts')
    const banner = freshFile('banner', 'Mind the gap.\n', 0o644)
    await using server = await openSshServer({ accepts: { keys: [userKey()] }, config: [`Banner ${banner}`] })
    const banners: string[] = []
    await using connection = await nacreConnect(server.to, { key: userKey() }, { onBanner: text => banners.push(text) })
    assert.deepEqual(banners, ['Mind the gap.\n'])
    assert.equal(connection.banner, 'Mind the gap.\n')
  })
})

interface OtherServer {
  readonly name: string
  readonly start: (options: ServerOptions) => Promise<PeerServer>
  readonly kinds: readonly (typeof soundKinds)[number][]
  readonly interactive: boolean
  readonly chains: boolean
}
const scripted: readonly OtherServer[] = [
  { name: 'paramiko', start: paramikoServer, kinds: soundKinds, interactive: true, chains: true },
  { name: 'AsyncSSH', start: asyncsshServer, kinds: soundKinds, interactive: true, chains: false },
  { name: 'ssh2', start: ssh2Server, kinds: soundKinds, interactive: true, chains: true },
]
for (const { name, start, kinds, chains } of scripted) {
  describe(`${name} lets us in`, () => {
    for (const kind of kinds) {
      test(`by ${kind} key`, {}, async () => {
        await using server = await start({ accepts: { keys: [userKey(kind)] } })
        await entersBy(server, { key: userKey(kind) })
      })
    }
    test('by password', {}, async () => {
      await using server = await start({ accepts: { password: 'open sesame' } })
      await entersBy(server, { password: 'open sesame' })
    })
    test('by keyboard-interactive with two prompts', {}, async () => {
      const name = { prompt: 'Name: ', echo: true, answer: 'Ali' }
      await using server = await start({ accepts: { prompts: [name, tokenPrompt] } })
      await entersBy(server, { answers: ['Ali', tokenPrompt.answer] })
    })
    if (chains) {
      test('by key, then password', {}, async () => {
        await using server = await start({ accepts: { keys: [userKey()], password: 'open', chain: ['publickey', 'password'] } })
        await entersBy(server, { key: userKey(), password: 'open' })
      })
      test('by password, then keyboard-interactive', {}, async () => {
        await using server = await start({
          accepts: { password: 'open', prompts: [tokenPrompt], chain: ['password', 'keyboard-interactive'] },
        })
        await entersBy(server, { password: 'open', answers: [tokenPrompt.answer] })
      })
    }
  })
}

describe('Dropbear lets us in', { skip: needsHome() }, () => {
  for (const kind of soundKinds) {
    test(`by ${kind} key`, {}, async () => {
      await using server = await dropbearServer({ accepts: { keys: [userKey(kind)] } })
      await entersBy(server, { key: userKey(kind) })
    })
  }
  test('by password', {}, async () => {
    const password = world().password ?? ''
    await using server = await dropbearServer({ accepts: { password } })
    await entersBy(server, { password })
  })
  test('by key, then password', {}, async () => {
    const password = world().password ?? ''
    await using server = await dropbearServer({ accepts: { keys: [userKey()], password, chain: ['publickey', 'password'] } })
    await entersBy(server, { key: userKey(), password })
  })
})
