// Owns the proof that the rig itself works: the peers understand each other. When this fails, look at the machine before
// looking at nacre. Knows nothing of nacre.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { dbclient, dropbearServer, needsHome } from './peers/dropbear.ts'
import { openSshClient, openSshServer } from './peers/openssh.ts'
import { tokenPrompt, type Accepts, type ClientPeer, type Login, type PeerServer, type ServerOptions } from './peers/peer.ts'
import { plink } from './peers/putty.ts'
import { asyncsshClient, asyncsshServer, paramikoClient, paramikoServer, ssh2Client, ssh2Server } from './peers/scripted.ts'
import { userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'

const command = 'cat; echo apart >&2; exit 42'

const talk = async (server: PeerServer, client: ClientPeer, login: Login): Promise<void> => {
  const result = await client.run({ to: server.to, login, command, stdin: 'to the end' })
  assert.equal(result.stdout.toString(), 'to the end', result.stderr)
  assert.match(result.stderr, /apart/)
  assert.equal(result.code, 42)
}

const clients = [openSshClient, dbclient, plink, paramikoClient, asyncsshClient, ssh2Client]
describe('every client runs a command on OpenSSH', () => {
  for (const client of clients) {
    test(client.name, {}, async () => {
      await using server = await openSshServer({ accepts: { keys: [userKey()] } })
      await talk(server, client, { key: userKey() })
    })
  }
})

const servers: readonly (readonly [string, (options: ServerOptions) => Promise<PeerServer>, string | false])[] = [
  ['Dropbear', dropbearServer, needsHome()],
  ['paramiko', paramikoServer, false],
  ['AsyncSSH', asyncsshServer, false],
  ['ssh2', ssh2Server, false],
]
describe('OpenSSH runs a command on every server', () => {
  for (const [name, start, skip] of servers) {
    test(name, { skip }, async () => {
      await using server = await start({ accepts: { keys: [userKey()] } })
      await talk(server, openSshClient, { key: userKey() })
    })
  }
})

describe('passwords and prompts reach OpenSSH', { skip: needsPrivilege() }, () => {
  const password = world().password ?? ''
  const accepts: Accepts = { password, prompts: [{ prompt: 'Password: ', echo: false, answer: password }] }
  for (const client of clients) {
    test(`${client.name} by password`, {}, async () => {
      await using server = await openSshServer({ accepts: { password } })
      await talk(server, client, { password })
    })
    test(`${client.name} by keyboard-interactive`, {}, async () => {
      await using server = await openSshServer({ accepts: { prompts: accepts.prompts ?? [] }, pam: true })
      await talk(server, client, { answers: [password] })
    })
  }
})

describe('passwords, prompts and chains reach the scripted servers', () => {
  for (const [name, start] of servers.slice(1)) {
    test(`${name} by password`, {}, async () => {
      await using server = await start({ accepts: { password: 'open' } })
      await talk(server, openSshClient, { password: 'open' })
    })
    test(`${name} by keyboard-interactive`, {}, async () => {
      await using server = await start({ accepts: { prompts: [tokenPrompt] } })
      await talk(server, openSshClient, { answers: [tokenPrompt.answer] })
    })
    if (name !== 'AsyncSSH') {
      test(`${name} by a chain`, {}, async () => {
        await using server = await start({ accepts: { keys: [userKey()], password: 'open', chain: ['publickey', 'password'] } })
        await talk(server, openSshClient, { key: userKey(), password: 'open' })
      })
    }
  }
})
