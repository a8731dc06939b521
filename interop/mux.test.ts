// Owns connection sharing with OpenSSH: our clients of its masters, its clients of ours, and ours with ours; forwards, control commands,
// sessions on passed descriptors, and what becomes of everybody when a master dies.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, lstatSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { describe } from 'node:test'
import { connectShared, controlMaster, ShareError, shareConnection } from 'nacre'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { newKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { finish, start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacre } from './sites/commands.ts'
import { descriptorsPass, type Kind, place, type Place, until } from './sites/sharing.ts'

const login = { key: userKey() }

/** Says the same to everybody who connects. */
const greeter = async (text: string): Promise<{ readonly port: number; readonly server: Server }> => {
  const port = await freePort()
  const server = createServer(socket => socket.end(text)).listen(port, '127.0.0.1')
  server.unref()
  await once(server, 'listening')
  return { port, server }
}

for (const master of ['OpenSSH', 'nacre'] as const) {
  describe(`clients of a master of ${master}`, { concurrency: 4 }, () => {
    test('nacre: sessions, exit codes, bulk both ways, files, fifty at once', { seconds: 90 }, async () => {
      await using at = await place()
      await using running = await at.master(master)
      await using shared = await connectShared(at.path)
      const result = await shared.run('cat; echo apart >&2; exit 42', { input: 'in' })
      assert.deepEqual([result.stdout, result.stderr, result.code], ['in', 'apart\n', 42])
      const bulk = bytesOf(8 * MiB)
      assert.equal(sha256((await shared.run('cat', { input: bulk })).stdoutBytes), sha256(bulk))
      const many = await Promise.all(Array.from({ length: 50 }, (_, index) => shared.run(`echo ${index}`)))
      assert.deepEqual(
        many.map(({ stdout }) => stdout.trim()),
        many.map((_, index) => String(index)),
      )
      await shared.ping()
      await using files = await shared.sftp()
      assert.ok((await files.stat('/')).mode !== undefined)
      const terminal = await shared.exec('tty && stty size', { pty: { columns: 91, rows: 17 } })
      let text = ''
      for await (const bytes of terminal.stdout) text += Buffer.from(bytes).toString()
      assert.match(text, /\/dev\/pts\/\d+\r\n17 91\r\n/)
      assert.equal(running.ended, false)
    })

    test('nacre: connections to the server and back from it', { seconds: 60 }, async () => {
      await using at = await place()
      await using _running = await at.master(master)
      const { port, server } = await greeter('hello from behind')
      await using shared = await connectShared(at.path)
      await using stream = await shared.dial({ host: '127.0.0.1', port })
      assert.equal(await new Response(stream.readable).text(), 'hello from behind')
      const far = await freePort()
      await using _reverse = await shared.reverse({ listen: { host: 'localhost', port: far }, to: { host: '127.0.0.1', port } })
      const { stdout } = await shared.run(`/bin/bash -c 'exec 3<>/dev/tcp/127.0.0.1/${far}; cat <&3'`)
      assert.equal(stdout, 'hello from behind')
      server.close()
    })

    test('a client that closes leaves the master and the others', {}, async () => {
      await using at = await place()
      await using running = await at.master(master)
      await using other = await connectShared(at.path)
      const first = await connectShared(at.path)
      await first.exec('sleep 100')
      await first.close()
      assert.equal((await other.run('echo still')).stdout, 'still\n')
      assert.equal(running.ended, false)
    })

    test('everybody is told when the master is killed', {}, async () => {
      await using at = await place()
      await using running = await at.master(master)
      const shared = await connectShared(at.path)
      const held = await shared.exec('sleep 100')
      const failed = assert.rejects(held.exited, /shared connection is lost/)
      running.kill('SIGKILL')
      await withinSeconds(10, failed, () => running.log())
      // The socket is left; whoever comes next connects anew, and a new master takes its place.
      assert.equal((await at.ssh('nacre', ['there', 'echo anew'])).stdout.toString(), 'anew\n')
      await using _next = await start([...nacre('ssh'), '-V'])
      await assert.rejects(connectShared(at.path), (error: unknown) => error instanceof ShareError && error.code === 'SHARE_NO_MASTER')
    })

    for (const client of ['OpenSSH', 'nacre'] as const)
      test(`${client}'s ssh -O: check, forward, cancel, stop, exit`, { seconds: 60 }, async () => {
        await using at = await place()
        await using running = await at.master(master)
        const check = await at.ssh(client, ['-O', 'check', 'there'])
        assert.match(check.stderr, new RegExp(`^Master running \\(pid=${running.pid}\\)\\r\\n$`))
        const { port, server } = await greeter('through')
        const near = await freePort()
        const forward = ['-L', `${near}:127.0.0.1:${port}`]
        assert.equal((await at.ssh(client, ['-O', 'forward', ...forward, 'there'])).code, 0)
        assert.equal((await finish(['/bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${near}; cat <&3`])).stdout.toString(), 'through')
        assert.equal((await at.ssh(client, ['-O', 'cancel', ...forward, 'there'])).code, 0)
        assert.notEqual((await finish(['/bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${near}`])).code, 0)
        const chosen = await at.ssh(client, ['-O', 'forward', '-R', `0:127.0.0.1:${port}`, 'there'])
        assert.match(chosen.stdout.toString(), /^\d+\n$/, chosen.stderr)
        const back = await finish(['/bin/bash', '-c', `exec 3<>/dev/tcp/127.0.0.1/${chosen.stdout.toString().trim()}; cat <&3`])
        assert.equal(back.stdout.toString(), 'through')
        const bad = await at.ssh(client, ['-O', 'forward', '-L', `127.0.0.1:${port}:127.0.0.1:1`, 'there'])
        assert.equal(bad.code, 255, bad.stderr)
        assert.equal((await at.ssh(client, ['-O', 'stop', 'there'])).stderr, 'Stop listening request sent.\r\n')
        await until(() => !existsSync(at.path), 'the socket is still there')
        server.close()
        running.kill('SIGTERM')
        await using again = await at.master(master)
        assert.equal((await at.ssh(client, ['-O', 'exit', 'there'])).stderr, 'Exit request sent.\r\n')
        await withinSeconds(10, again.exited, () => again.log())
        await until(() => !existsSync(at.path), 'the socket is still there')
        assert.equal((await at.ssh(client, ['-O', 'check', 'there'])).code, 255)
      })

    for (const client of ['OpenSSH', 'nacre'] as const) {
      test(`${client}'s ssh -O proxy`, {}, async () => {
        await using at = await place()
        await using _running = await at.master(master)
        const result = await at.ssh(client, ['-O', 'proxy', 'there', 'cat; exit 9'], { stdin: Buffer.from('by packets') })
        assert.deepEqual([result.stdout.toString(), result.code], ['by packets', 9], result.stderr)
      })

      const passes = master === 'OpenSSH' || client === 'nacre' || descriptorsPass
      test(`${client}'s ssh -S: sessions over the socket`, { seconds: 60, skip: passes ? false : 'no descriptors' }, async () => {
        await using at = await place()
        await using _running = await at.master(master)
        const bulk = bytesOf(3 * MiB)
        const result = await at.ssh(client, ['there', 'cat; echo apart >&2; exit 7'], { stdin: bulk })
        assert.deepEqual([result.code, result.stderr], [7, 'apart\n'])
        assert.equal(sha256(result.stdout), sha256(bulk))
        const all = await Promise.all(Array.from({ length: 10 }, (_, index) => at.ssh(client, ['there', `echo ${index}`])))
        assert.deepEqual(
          all.map(({ stdout }) => stdout.toString()),
          all.map((_, index) => `${index}\n`),
        )
        const { port, server } = await greeter('by -W')
        assert.equal((await at.ssh(client, ['-W', `127.0.0.1:${port}`, 'there'])).stdout.toString(), 'by -W')
        server.close()
        // One connection served them all.
        const connections = new Set([await peerOf(at, client), await peerOf(at, client)])
        assert.equal(connections.size, 1)
      })
    }
  })
}

const peerOf = async (at: Place, client: Kind): Promise<string> =>
  (await at.ssh(client, ['there', 'echo $SSH_CONNECTION'])).stdout.toString()

describe('nacre ssh as a master', { concurrency: 4 }, () => {
  test('listens at a socket of mode 0600, and takes no place that is taken', {}, async () => {
    await using at = await place()
    await using _running = await at.master('nacre')
    assert.equal(lstatSync(at.path).mode & 0o777, 0o600)
    const second = await at.ssh('nacre', ['-M', 'there', 'echo all the same'])
    assert.equal(second.stdout.toString(), 'all the same\n')
    assert.match(second.stderr, /already exists, disabling multiplexing/)
    assert.match((await at.ssh('OpenSSH', ['-O', 'check', 'there'])).stderr, /Master running/)
  })

  test('replaces a socket whose master was killed, and no file of another kind', {}, async () => {
    await using at = await place()
    const first = await at.master('nacre')
    first.kill('SIGKILL')
    await first.exited
    await using _again = await start([...nacre('ssh'), '-V'])
    const result = await at.ssh('nacre', ['-o', 'ControlMaster=auto', 'there', 'echo anew'])
    assert.equal(result.stdout.toString(), 'anew\n', result.stderr)
    writeFileSync(at.path, 'precious')
    const other = await at.ssh('nacre', ['-M', 'there', 'echo beside'])
    assert.equal(other.stdout.toString(), 'beside\n')
    assert.match(other.stderr, /already exists/)
  })

  test('ControlPersist: stays in the background, serves all, and goes when nobody needs it', { seconds: 60 }, async () => {
    await using at = await place()
    const words = ['-o', 'ControlMaster=auto', '-o', 'ControlPersist=2', 'there']
    const first = await at.ssh('nacre', [...words, 'echo $SSH_CONNECTION; exit 3'])
    assert.equal(first.code, 3, first.stderr)
    const second = await at.ssh('nacre', [...words, 'echo $SSH_CONNECTION'])
    assert.equal(second.stdout.toString(), first.stdout.toString())
    assert.match((await at.ssh('OpenSSH', ['-O', 'check', 'there'])).stderr, /Master running/)
    await until(() => !existsSync(at.path), 'it has not gone')
    const later = await at.ssh('nacre', [...words, 'echo $SSH_CONNECTION'])
    assert.notEqual(later.stdout.toString(), first.stdout.toString())
    await at.ssh('nacre', ['-O', 'exit', 'there'])
  })

  test('ControlPersist: a login that fails is told, and leaves nothing behind', {}, async () => {
    await using at = await place()
    const stranger = newKey('ed25519').path
    const words = [
      '-o',
      'ControlMaster=auto',
      '-o',
      'ControlPersist=yes',
      '-o',
      `IdentityFile=${stranger}`,
      '-l',
      'nobody-here',
      'there',
      'true',
    ]
    const result = await at.ssh('nacre', words)
    assert.equal(result.code, 255)
    assert.notEqual(result.stderr, '')
    assert.equal(existsSync(at.path), false)
  })

  test('ControlMaster ask does nothing without a yes', {}, async () => {
    await using at = await place()
    const asked = freshFile('no', '#!/bin/sh\nexit 1\n', 0o700)
    const running = await start(
      [
        ...nacre('ssh'),
        '-F',
        'none',
        '-S',
        at.path,
        '-M',
        '-M',
        '-N',
        '-o',
        'StrictHostKeyChecking=no',
        '-o',
        'UserKnownHostsFile=/dev/null',
        '-i',
        userKey().path,
        '-p',
        String(at.server.to.port),
        `${at.server.to.user}@${at.server.to.host}`,
      ],
      { env: { SSH_ASKPASS: asked, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':9' } },
    )
    await using _running = running
    await until(() => existsSync(at.path), running.log())
    const master = await controlMaster(at.path)
    assert.equal(await master.check(), running.pid)
    await assert.rejects(master.stopListening(), { code: 'SHARE_REFUSED' })
    await assert.rejects(connectShared(at.path), { code: 'SHARE_REFUSED' })
    master.close()
  })
})

describe('a program that shares its connection', () => {
  test('has stock clients, forwards and an end', {}, async () => {
    await using at = await place()
    await using connection = await nacreConnect(at.server.to, login)
    const shared = await shareConnection(connection, { path: at.path })
    await assert.rejects(shareConnection(connection, { path: at.path }), { code: 'SHARE_TAKEN' })
    assert.equal((await at.ssh('OpenSSH', ['-O', 'proxy', 'there', 'echo stock'])).stdout.toString(), 'stock\n')
    shared.stop()
    assert.equal(existsSync(at.path), false)
    await assert.rejects(shareConnection(connection, { path: `/nowhere/${'x'.repeat(20)}` }), { code: 'SHARE_FAILED' })
    await assert.rejects(shareConnection(connection, { path: freshPath('x'.repeat(120)) }), { code: 'SHARE_FAILED', message: /too long/ })
    await shared.close()
    assert.equal((await connection.run('echo mine')).stdout, 'mine\n')
  })
  test('tells clients whose descriptors it does not take what to do; they connect anew', {}, async () => {
    await using at = await place()
    await using connection = await nacreConnect(at.server.to, login)
    await using _shared = await shareConnection(connection, { path: at.path, passDescriptors: false })
    const result = await at.ssh('OpenSSH', ['there', 'echo all the same'])
    assert.equal(result.stdout.toString(), 'all the same\n')
    assert.match(result.stderr, /ssh -O proxy does without/)
  })
})
