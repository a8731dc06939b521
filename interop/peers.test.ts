// Owns what every other implementation must be able to do with us, in both directions: a command with its exit code, its
// standard error and its input; a megabyte there and back; changing keys in the middle of it where it can.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { dbclient, dropbearServer, needsHome } from './peers/dropbear.ts'
import type { ClientPeer, PeerServer, ServerOptions } from './peers/peer.ts'
import { plink } from './peers/putty.ts'
import { asyncsshClient, asyncsshServer, paramikoClient, paramikoServer, ssh2Client, ssh2Server } from './peers/scripted.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { hostKey, userKey } from './rig/keys.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreServer } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const bulk = bytesOf(MiB)
const hash = sha256(bulk)

interface OtherServer {
  readonly name: string
  readonly start: (options: ServerOptions) => Promise<PeerServer>
  readonly skip?: string | false
  /** The host key kinds it can prove. */
  readonly hostKeys: readonly ('ed25519' | 'ecdsa256' | 'rsa')[]
  /** Whether it can be told to change keys, and whether it then keeps silent as RFC 4253 §7.1 asks. */
  readonly rekeys: boolean
  readonly silent: boolean
}
const servers: readonly OtherServer[] = [
  { name: 'Dropbear', start: dropbearServer, skip: needsHome(), hostKeys: ['ed25519', 'ecdsa256', 'rsa'], rekeys: false, silent: true },
  { name: 'paramiko', start: paramikoServer, hostKeys: ['ed25519', 'ecdsa256', 'rsa'], rekeys: true, silent: true },
  { name: 'AsyncSSH', start: asyncsshServer, hostKeys: ['ed25519', 'ecdsa256', 'rsa'], rekeys: true, silent: false },
  { name: 'ssh2', start: ssh2Server, hostKeys: ['ed25519', 'ecdsa256', 'rsa'], rekeys: true, silent: true },
]
for (const { name, start, skip = false, hostKeys, rekeys, silent } of servers) {
  describe(`our client at ${name}`, { skip }, () => {
    test('exit code, standard error, input', {}, async () => {
      await using server = await start({ accepts })
      await using connection = await nacreConnect(server.to, login)
      const { stdout, stderr, code } = await connection.run('cat; echo apart >&2; exit 42', { input: 'to the end' })
      assert.equal(stdout, 'to the end')
      assert.equal(stderr, 'apart\n')
      assert.equal(code, 42)
    })
    test('a megabyte there and back', {}, async () => {
      await using server = await start({ accepts })
      await using connection = await nacreConnect(server.to, login)
      const { stdoutBytes } = await connection.run('cat', { input: bulk })
      assert.equal(sha256(stdoutBytes), hash)
    })
    if (silent) {
      test('keys changed by us every 128 KiB', {}, async () => {
        await using server = await start({ accepts })
        let exchanges = 0
        await using connection = await nacreConnect(server.to, login, {
          rekey: { bytes: 128 * 1024 },
          onProgress: event => {
            if (event.is === 'exchanged') exchanges++
          },
        })
        const { stdoutBytes } = await connection.run('cat', { input: bulk })
        assert.equal(sha256(stdoutBytes), hash)
        assert.ok(exchanges > 1, `${exchanges} exchanges`)
      })
    } else {
      test('keys changed while it is idle', {}, async () => {
        await using server = await start({ accepts })
        await using connection = await nacreConnect(server.to, login)
        await connection.run('true')
        connection.rekey()
        assert.equal((await connection.run('echo new keys')).stdout, 'new keys\n')
      })
      // Whether it sends data there depends on its timing: then the connection ends with the reason, else all arrives whole.
      test('data in the middle of a key exchange is against RFC 4253 §7.1, and ends the connection', {}, async () => {
        await using server = await start({ accepts })
        await using connection = await nacreConnect(server.to, login, { rekey: { bytes: 128 * 1024 } })
        const outcome = await connection.run('cat', { input: bulk }).then(
          ({ stdoutBytes }) => (sha256(stdoutBytes) === hash ? 'whole' : 'damaged'),
          (error: { code?: string }) => error.code,
        )
        assert.ok(outcome === 'whole' || outcome === 'PROTOCOL_MESSAGE_DURING_KEY_EXCHANGE', String(outcome))
      })
    }
    if (rekeys && silent) {
      test('keys changed by the server', {}, async () => {
        await using server = await start({ accepts, rekeyBytes: 256 * 1024 })
        let exchanges = 0
        await using connection = await nacreConnect(server.to, login, {
          onProgress: event => {
            if (event.is === 'exchanged') exchanges++
          },
        })
        const { stdoutBytes } = await connection.run('cat; sleep 0.3', { input: bulk })
        assert.equal(sha256(stdoutBytes), hash)
        assert.ok(exchanges > 1, `${exchanges} exchanges`)
      })
    }
    test('several commands at once', {}, async () => {
      await using server = await start({ accepts })
      await using connection = await nacreConnect(server.to, login)
      const results = await Promise.all([1, 2, 3, 4, 5].map(each => connection.run(`sleep 0.1; echo ${each}; exit ${each}`)))
      assert.deepEqual(
        results.map(each => [each.stdout, each.code]),
        [1, 2, 3, 4, 5].map(each => [`${each}\n`, each]),
      )
    })
    test('exit by signal', {}, async () => {
      await using server = await start({ accepts })
      await using connection = await nacreConnect(server.to, login)
      assert.equal((await connection.run('kill -TERM $$')).signal, 'TERM')
    })
    for (const kind of hostKeys) {
      test(`its ${kind} host key`, {}, async () => {
        await using server = await start({ accepts, hostKeys: [hostKey(kind)] })
        await using connection = await nacreConnect(server.to, login)
        assert.equal(connection.hostKey.fingerprint(), hostKey(kind).fingerprint)
        assert.equal((await connection.run('true')).code, 0)
      })
    }
  })
}

/** Clients that can be made to compress, or do so by themselves. */
const compressing: ReadonlySet<ClientPeer> = new Set([dbclient, plink, asyncsshClient, paramikoClient])

interface OtherClient {
  readonly client: ClientPeer
  readonly rekeys: boolean
  readonly silent: boolean
}
const clients: readonly OtherClient[] = [
  { client: dbclient, rekeys: false, silent: true },
  { client: plink, rekeys: false, silent: true },
  { client: paramikoClient, rekeys: true, silent: true },
  { client: asyncsshClient, rekeys: true, silent: false },
  { client: ssh2Client, rekeys: true, silent: true },
]
for (const { client, rekeys, silent } of clients) {
  describe(`${client.name} at our server`, () => {
    test('exit code, standard error, input', {}, async () => {
      await using server = await nacreServer({ accepts })
      const result = await client.run({ to: server.to, login, command: 'cat; echo apart >&2; exit 42', stdin: 'to the end' })
      assert.equal(result.stdout.toString(), 'to the end', result.stderr)
      assert.match(result.stderr, /apart\n/)
      assert.equal(result.code, 42)
      assert.deepEqual(server.errors, [])
    })
    test('a megabyte there and back', {}, async () => {
      await using server = await nacreServer({ accepts })
      const result = await client.run({ to: server.to, login, command: 'cat', stdin: bulk })
      assert.equal(sha256(result.stdout), hash, result.stderr)
    })
    if (silent) {
      test('keys changed by us every 128 KiB', {}, async () => {
        let exchanges = 0
        await using server = await nacreServer({
          accepts,
          rekey: { bytes: 128 * 1024 },
          onEvent: event => {
            if (event.is === 'exchanged') exchanges++
          },
        })
        const result = await client.run({ to: server.to, login, command: 'cat', stdin: bulk })
        assert.equal(sha256(result.stdout), hash, result.stderr)
        assert.ok(exchanges > 1, `${exchanges} exchanges`)
      })
    } else {
      test('data in the middle of a key exchange is against RFC 4253 §7.1, and ends the connection', {}, async () => {
        await using server = await nacreServer({ accepts, rekey: { bytes: 128 * 1024 } })
        const result = await client.run({ to: server.to, login, command: 'cat', stdin: bulk })
        // As above: whole, or ended with the reason.
        if (result.code === 0) assert.equal(sha256(result.stdout), hash)
        else assert.match(server.endings.join(), /message-during-key-exchange/)
      })
    }
    if (rekeys && silent) {
      test('keys changed by the client', {}, async () => {
        let exchanges = 0
        await using server = await nacreServer({
          accepts,
          onEvent: event => {
            if (event.is === 'exchanged') exchanges++
          },
        })
        const result = await client.run({ to: server.to, login, command: 'cat; sleep 0.3', stdin: bulk, rekeyBytes: 256 * 1024 })
        assert.equal(sha256(result.stdout), hash, result.stderr)
        assert.ok(exchanges > 1, `${exchanges} exchanges`)
      })
    }
    for (const kind of ['ed25519', 'ecdsa256', 'rsa'] as const) {
      test(`our ${kind} host key`, {}, async () => {
        await using server = await nacreServer({ accepts, hostKeys: [hostKey(kind)] })
        const result = await client.run({ to: server.to, login, command: 'exit 3' })
        assert.equal(result.code, 3, result.stderr)
      })
    }
    if (compressing.has(client)) {
      test('compressed', {}, async () => {
        await using server = await nacreServer({ accepts, algorithms: { compression: ['zlib@openssh.com'] } })
        const text = 'all work and no play\n'.repeat(20_000)
        const result = await client.run({ to: server.to, login, command: 'cat', stdin: text, compress: true })
        assert.equal(result.stdout.toString(), text, result.stderr)
      })
    }
    test('a wrong key is refused', {}, async () => {
      await using server = await nacreServer({ accepts: { keys: [userKey('rsa')] } })
      const result = await client.run({ to: server.to, login, command: 'echo inside' })
      assert.equal(result.stdout.toString(), '')
      assert.notEqual(result.code, 0)
      assert.deepEqual(server.errors, [])
    })
  })
}
