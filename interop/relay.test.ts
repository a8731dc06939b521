// Owns a server that hands everything on, between OpenSSH's client and OpenSSH's server: neither can tell, but for the login.
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { describe } from 'node:test'
import { createServer, firstOf, loadSigner, publicKey, relayConnection, type RelayConnectionOptions } from 'nacre/server'
import { openSshClient, openSshCommand, openSshServer } from './peers/openssh.ts'
import type { Target } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { hostKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { finish, start } from './rig/process.ts'
import { test } from './rig/test.ts'
import { fingerprintOf, nacreConnect } from './sites/client.ts'

const login = { key: userKey() }

interface Bastion extends AsyncDisposable {
  readonly to: Target
  readonly problems: (Error | undefined)[]
}

/** Ours in the middle; who logs in gets a login of his at OpenSSH's. */
const bastion = async (options: RelayConnectionOptions = {}): Promise<Bastion> => {
  const behind = await openSshServer({ accepts: { keys: [userKey()] } })
  const problems: (Error | undefined)[] = []
  const server = createServer({
    hostKeys: [await loadSigner(hostKey('ed25519').path)],
    authenticate: firstOf(publicKey((_, key) => (key.fingerprint() === fingerprintOf(userKey().line) ? { name: 'ada' } : undefined))),
    session: {},
    onEvent(event, connection) {
      if (event.is !== 'authenticated') return
      void relayConnection(connection, nacreConnect(behind.to, login), options).then(problem => problems.push(problem))
    },
  })
  const { port } = await server.listen({ port: 0 })
  return {
    to: { host: '127.0.0.1', port, user: 'ada', hostKeys: [hostKey('ed25519').line] },
    problems,
    async [Symbol.asyncDispose]() {
      await server.close()
      await behind[Symbol.asyncDispose]()
    },
  }
}

describe('through a server that hands on', () => {
  test('a command: input, both outputs, exit status, and a signal it ends by', {}, async () => {
    await using at = await bastion()
    const result = await openSshClient.run({ to: at.to, login, command: 'cat; echo apart >&2; exit 42', stdin: 'to the end' })
    assert.deepEqual([result.stdout.toString(), result.stderr.includes('apart'), result.code], ['to the end', true, 42])
    const killed = await openSshClient.run({ to: at.to, login, command: 'kill -TERM $$' })
    assert.equal(killed.code, 255)
    assert.deepEqual(at.problems, [undefined, undefined])
  })

  test('20 MiB each way', {}, async () => {
    await using at = await bastion()
    const bytes = bytesOf(20 * MiB)
    const result = await openSshClient.run({ to: at.to, login, command: 'cat', stdin: bytes, seconds: 50 })
    assert.equal(sha256(result.stdout), sha256(bytes), result.stderr)
  })

  test('forwards, both ways', {}, async () => {
    await using at = await bastion()
    const service = createTcpServer(socket => socket.end('from the service'))
    await new Promise<void>(resolve => service.listen(0, '127.0.0.1', resolve))
    // A test that fails must not keep the others waiting.
    service.unref()
    const { port } = service.address() as AddressInfo
    const through = openSshCommand({ to: at.to, login, command: undefined, options: [`-W127.0.0.1:${port}`] })
    const said = await finish(through.command, through.options)
    assert.equal(said.stdout.toString(), 'from the service', said.stderr)
    const far = await freePort()
    const reverse = openSshCommand({ to: at.to, login, command: undefined, options: ['-N', `-R${far}:127.0.0.1:${port}`] })
    await using client = await start(reverse.command, { ...reverse.options, logStdout: true })
    let text = ''
    for (let tries = 0; tries < 200 && text === ''; tries++) {
      await new Promise(resolve => setTimeout(resolve, 50))
      text = await fetchText(far)
    }
    assert.equal(text, 'from the service', client.log())
  })

  test('only what is permitted', {}, async () => {
    await using at = await bastion({
      permitRequest: request => request.type !== 'exec' || request.value.command === 'echo permitted',
      permit: request => request.about === 'channel' && request.details.type === 'session',
    })
    const yes = await openSshClient.run({ to: at.to, login, command: 'echo permitted' })
    assert.equal(yes.stdout.toString(), 'permitted\n', yes.stderr)
    const no = await openSshClient.run({ to: at.to, login, command: 'echo forbidden' })
    assert.deepEqual([no.stdout.toString(), no.code], ['', 255])
    assert.match(no.stderr, /exec request failed/)
  })
})

/** What a port says, empty when nobody is there. */
const fetchText = async (port: number): Promise<string> => {
  return await new Promise(resolve => {
    let text = ''
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.on('data', data => (text += data.toString()))
    socket.on('close', () => resolve(text))
  })
}
