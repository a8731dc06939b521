// Owns logins of other clients at our server: keys of each type, encrypted key files, passwords, prompts and chains.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { dbclient } from './peers/dropbear.ts'
import { openSshClient } from './peers/openssh.ts'
import { type Accepts, type ClientPeer, type Login, tokenPrompt } from './peers/peer.ts'
import { plink } from './peers/putty.ts'
import { asyncsshClient, paramikoClient, ssh2Client } from './peers/scripted.ts'
import { newKey, soundKinds, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreServer } from './sites/server.ts'

const entersBy = async (client: ClientPeer, accepts: Accepts, login: Login, options: readonly string[] = []): Promise<void> => {
  await using server = await nacreServer({ accepts })
  const result = await client.run({ to: server.to, login, command: 'echo inside; exit 3', options })
  assert.equal(result.stdout.toString(), 'inside\n', `${result.stderr}\n${server.endings.join('\n')}`)
  assert.equal(result.code, 3)
  assert.deepEqual(server.errors, [])
}

interface Can {
  readonly client: ClientPeer
  /** It reads encrypted key files without a person. */
  readonly encrypted: boolean
  /** It answers several prompts. */
  readonly prompts: boolean
  /** It goes on after partial success. */
  readonly chains: boolean
}
const clients: readonly Can[] = [
  { client: openSshClient, encrypted: true, prompts: true, chains: true },
  { client: dbclient, encrypted: false, prompts: false, chains: true },
  { client: plink, encrypted: false, prompts: false, chains: true },
  { client: paramikoClient, encrypted: true, prompts: true, chains: true },
  { client: asyncsshClient, encrypted: true, prompts: true, chains: true },
  { client: ssh2Client, encrypted: true, prompts: true, chains: true },
]

for (const { client, encrypted, prompts, chains } of clients) {
  describe(`we let ${client.name} in`, () => {
    for (const kind of soundKinds) {
      test(`by ${kind} key`, {}, () => entersBy(client, { keys: [userKey(kind)] }, { key: userKey(kind) }))
    }
    if (encrypted) {
      test('by encrypted key file', {}, () => {
        const key = userKey('ed25519', 'a pass phrase')
        return entersBy(client, { keys: [key] }, { key })
      })
    }
    test('by password', {}, () => entersBy(client, { password: 'open sesame' }, { password: 'open sesame' }))
    test('by keyboard-interactive', {}, () => entersBy(client, { prompts: [tokenPrompt] }, { answers: [tokenPrompt.answer] }))
    if (prompts) {
      test('by two prompts at once', {}, () => {
        const name = { prompt: 'Name: ', echo: true, answer: 'Ali' }
        return entersBy(client, { prompts: [name, tokenPrompt] }, { answers: ['Ali', tokenPrompt.answer] })
      })
    }
    if (chains) {
      test('by key, then password', {}, () =>
        entersBy(client, { keys: [userKey()], password: 'open', chain: ['publickey', 'password'] }, { key: userKey(), password: 'open' }),
      )
      test('by key, then keyboard-interactive', {}, () =>
        entersBy(
          client,
          { keys: [userKey()], prompts: [tokenPrompt], chain: ['publickey', 'keyboard-interactive'] },
          { key: userKey(), answers: [tokenPrompt.answer] },
        ),
      )
    }
  })
}

describe('we let OpenSSH ssh in', () => {
  test('by password, then keyboard-interactive', {}, () =>
    entersBy(
      openSshClient,
      { password: 'open', prompts: [tokenPrompt], chain: ['password', 'keyboard-interactive'] },
      { password: 'open', answers: [tokenPrompt.answer] },
      ['PreferredAuthentications=password,keyboard-interactive'],
    ),
  )
  test('by two keys, one after the other', {}, () => {
    const second = newKey('ecdsa256')
    return entersBy(openSshClient, { keys: [userKey(), second], chain: ['publickey', 'publickey'] }, { key: userKey() }, [
      `IdentityFile=${second.path}`,
    ])
  })
  for (const algorithm of ['rsa-sha2-256', 'rsa-sha2-512']) {
    test(`by RSA key with ${algorithm}`, {}, () =>
      entersBy(openSshClient, { keys: [userKey('rsa')] }, { key: userKey('rsa') }, [`PubkeyAcceptedAlgorithms=${algorithm}`]),
    )
  }
})
