// Owns what a session must get right with OpenSSH in both directions: exit codes and signals, streams apart, end of input,
// variables, what happens when one side leaves early.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { openSshClient, openSshCommand, openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { userKey } from './rig/keys.ts'
import { finish, start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { type NacreServer, nacreServer } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const theirs = (config: readonly string[] = []): Promise<PeerServer> => openSshServer({ accepts, config })
const ours = (): Promise<NacreServer> => nacreServer({ accepts })

const text = async (stream: ReadableStream<Uint8Array>): Promise<string> => await new Response(stream).text()

describe('our client at OpenSSH', () => {
  test('exit codes', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    for (const code of [0, 1, 42, 255]) assert.deepEqual((await connection.run(`exit ${code}`)).exit, { code })
  })

  test('exit by signal', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const { exit, signal } = await connection.run('kill -TERM $$')
    assert.equal(signal, 'TERM')
    assert.ok('signal' in exit)
    assert.equal(exit.coreDumped, false)
  })

  test('a signal sent to the command', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    await using process = await connection.exec('echo ready; exec sleep 60')
    const reader = process.stdout.getReader()
    await reader.read()
    process.signal('TERM')
    assert.equal('signal' in (await process.exited) && 'TERM', 'TERM')
  })

  test('standard error is apart', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const { stdout, stderr } = await connection.run('echo one; echo two >&2; echo three')
    assert.equal(stdout, 'one\nthree\n')
    assert.equal(stderr, 'two\n')
  })

  test('a megabyte on each output at once', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const { stdoutBytes, stderrBytes } = await connection.run(`head -c ${MiB} /dev/zero & head -c ${MiB} /dev/zero >&2; wait`)
    assert.equal(stdoutBytes.length, MiB)
    assert.equal(stderrBytes.length, MiB)
  })

  test('input ends while output goes on', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    await using process = await connection.exec('cat; echo after')
    await process.stdin.write(new TextEncoder().encode('before\n'))
    await process.stdin.end()
    assert.equal(await text(process.stdout), 'before\nafter\n')
    assert.deepEqual(await process.exited, { code: 0 })
  })

  test('a command that does not read its input', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const { code } = await connection.run('exit 5', { input: bytesOf(8 * MiB) })
    assert.equal(code, 5)
  })

  test('arguments arrive as they were', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const odd = ['a b', "it's", '"', '$HOME', '*', '', 'é\n', '\\']
    const { stdout } = await connection.run(['printf', '%s|', ...odd])
    assert.equal(stdout, odd.map(each => `${each}|`).join(''))
  })

  test('variables', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const { stdout } = await connection.run('echo "$NACRE_COLOUR $FORBIDDEN"', { env: { NACRE_COLOUR: 'pearl', FORBIDDEN: 'fruit' } })
    assert.equal(stdout, 'pearl \n')
  })

  test('a shell without a terminal', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    await using shell = await connection.shell({})
    await shell.stdin.write(new TextEncoder().encode('echo $((6 * 7))\nexit 9\n'))
    await shell.stdin.end()
    assert.match(await text(shell.stdout), /42/)
    assert.deepEqual(await shell.exited, { code: 9 })
  })

  test('a subsystem, and one that does not exist', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    await using sftp = await connection.subsystem('sftp')
    // SSH_FXP_INIT, version 3.
    await sftp.stdin.write(Uint8Array.of(0, 0, 0, 5, 1, 0, 0, 0, 3))
    const { value } = await sftp.stdout.getReader().read()
    assert.equal(value?.[4], 2, 'SSH_FXP_VERSION')
    await assert.rejects(connection.subsystem('nothing'), { code: 'REQUEST_REFUSED' })
  })

  test('closing a session ends its command', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    {
      await using process = await connection.exec('echo begun; exec sleep 600')
      await process.stdout.getReader().read()
    }
    assert.equal((await connection.run('echo still here')).stdout, 'still here\n')
  })

  test('an aborted command does not end the connection', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const reason = new Error('enough')
    const abort = new AbortController()
    setTimeout(() => abort.abort(reason), 50)
    await assert.rejects(connection.run('sleep 600', { signal: abort.signal }), reason)
    assert.equal((await connection.run('echo on')).stdout, 'on\n')
  })

  test('a server that goes away rejects what waits', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    await using process = await connection.exec('echo begun; exec sleep 600')
    await process.stdout.getReader().read()
    await server[Symbol.asyncDispose]()
    await assert.rejects(process.exited, { code: 'CONNECTION_LOST' })
    await assert.rejects(connection.run('true'), { code: 'CONNECTION_LOST' })
  })

  test('strict key exchange, which both know', {}, async () => {
    await using server = await theirs()
    const exchanges: boolean[] = []
    await using connection = await nacreConnect(server.to, login, {
      onProgress: event => {
        if (event.is === 'exchanged') exchanges.push(event.strict)
      },
    })
    connection.rekey()
    await connection.run('true')
    assert.deepEqual(exchanges, [true, true])
  })

  test('ping and rekey', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    await connection.ping()
    connection.rekey()
    await connection.ping()
    assert.equal((await connection.run('echo alive')).stdout, 'alive\n')
  })

  test('a megabyte through sixteen sessions of one connection', {}, async () => {
    await using server = await theirs()
    await using connection = await nacreConnect(server.to, login)
    const bulk = bytesOf(MiB)
    const results = await Promise.all(Array.from({ length: 16 }, () => connection.run('cat', { input: bulk })))
    for (const { stdoutBytes } of results) assert.equal(sha256(stdoutBytes), sha256(bulk))
  })
})

describe('OpenSSH at our server', () => {
  for (const code of [0, 1, 42, 255]) {
    test(`exit code ${code}`, {}, async () => {
      await using server = await ours()
      assert.equal((await openSshClient.run({ to: server.to, login, command: `exit ${code}` })).code, code)
    })
  }

  test('exit by signal', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: server.to, login, command: 'kill -TERM $$', options: ['LogLevel=DEBUG1'] })
    // OpenSSH has no status to give for a signal.
    assert.equal(result.code, 255)
    assert.match(result.stderr, /rtype exit-signal/)
  })

  test('standard error is apart', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: server.to, login, command: 'echo one; echo two >&2; echo three' })
    assert.equal(result.stdout.toString(), 'one\nthree\n')
    assert.equal(result.stderr, 'two\n')
  })

  test('input ends while output goes on', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: server.to, login, command: 'cat; echo after', stdin: 'before\n' })
    assert.equal(result.stdout.toString(), 'before\nafter\n')
  })

  test('no input at all (-n)', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: server.to, login, command: 'cat; echo done', stdin: 'open', options: ['-n'] })
    assert.equal(result.stdout.toString(), 'done\n')
  })

  test('output that nobody reads to its end', {}, async () => {
    // OpenSSH says that it reads no more (eow@openssh.com) only to those whose version begins with its own name.
    await using server = await nacreServer({ accepts, software: 'OpenSSH_like_nacre' })
    const { command, options } = openSshCommand({ to: server.to, login, command: 'yes' })
    const quoted = command.map(each => `'${each}'`).join(' ')
    const result = await finish(['sh', '-c', `${quoted} | head -c 100000`], { ...options, stdin: 'open' })
    assert.equal(result.stdout.length, 100_000)
  })

  test('a command that does not read its input', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: server.to, login, command: 'exit 5', stdin: bytesOf(8 * MiB) })
    assert.equal(result.code, 5)
  })

  test('variables', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({
      to: server.to,
      login,
      command: 'echo "$LC_PEARL $FORBIDDEN"',
      options: ['SetEnv=LC_PEARL=white FORBIDDEN=fruit'],
    })
    assert.equal(result.stdout.toString(), 'white \n')
  })

  test('a shell without a terminal', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({
      to: server.to,
      login,
      command: undefined,
      stdin: 'echo $((6 * 7))\nexit 9\n',
      options: ['-T'],
    })
    assert.equal(result.stdout.toString(), '42\n')
    assert.equal(result.code, 9)
  })

  test('a client that is killed ends its command', {}, async () => {
    await using server = await ours()
    const { command, options } = openSshCommand({ to: server.to, login, command: 'echo begun; exec sleep 600' })
    await using client = await start(command, options)
    await new Promise(resolve => client.stdout.once('data', resolve))
    assert.equal(server.connections().size, 1)
    const [connection] = server.connections()
    client.kill('SIGKILL')
    await withinSeconds(10, connection?.closed ?? Promise.reject(new Error('no connection')), () => 'the server did not notice')
    assert.equal(server.connections().size, 0)
    assert.deepEqual(server.errors, [])
  })

  test('a server that closes says so', {}, async () => {
    await using server = await ours()
    const { command, options } = openSshCommand({ to: server.to, login, command: 'echo begun; exec sleep 600' })
    await using client = await start(command, options)
    await new Promise(resolve => client.stdout.once('data', resolve))
    await server[Symbol.asyncDispose]()
    const { code } = await withinSeconds(10, client.exited, () => 'ssh did not notice')
    assert.equal(code, 255)
    assert.match(client.log(), /the server is going down/)
  })
})
