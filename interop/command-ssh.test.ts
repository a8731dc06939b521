// Owns `nacre ssh` at OpenSSH's sshd: exit codes, streams, options by OpenSSH's letters, host keys, the agent, and a person at
// a terminal.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { describe } from 'node:test'
import { needsRootForTerminals, openSshClient, openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { hostKey, newKey, strangerKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { type Finished, finish, start, withinSeconds } from './rig/process.ts'
import { Screen, terminal } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacre, nacreSsh, nacreSshCommand } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const theirs = (config: readonly string[] = []): Promise<PeerServer> => openSshServer({ accepts, config })

describe('exit codes', () => {
  test('are those of the command', {}, async () => {
    await using server = await theirs()
    for (const code of [0, 1, 42, 255]) assert.equal((await nacreSsh.run({ to: server.to, login, command: `exit ${code}` })).code, code)
  })

  test('255 for a signal, which is named', {}, async () => {
    await using server = await theirs()
    const result = await nacreSsh.run({ to: server.to, login, command: 'kill -TERM $$' })
    assert.equal(result.code, 255)
    assert.match(result.stderr, /signal TERM/)
  })

  const fails = async (words: readonly string[], message: RegExp): Promise<void> => {
    const result = await finish(nacre('ssh', '-F', 'none', ...words))
    assert.equal(result.code, 255)
    assert.equal(result.stdout.toString(), '')
    assert.match(result.stderr, message)
    assert.doesNotMatch(result.stderr, /\bat .*:\d+:\d+/, 'no stack is shown to a person')
  }
  test('255 when nobody listens', {}, async () => {
    const port = await freePort()
    await fails(['-p', String(port), 'x@127.0.0.1', 'true'], new RegExp(`127\\.0\\.0\\.1.*${port}|${port}.*refused`, 's'))
  })
  test('255 when the host does not exist', {}, () => fails(['x@host.invalid', 'true'], /host\.invalid/))
  test('255 for an option that does not exist', {}, () => fails(['-Z', 'host'], /-Z|option/))
  test('255 for a keyword that does not exist', {}, () => fails(['-o', 'Nonsense=yes', 'host'], /Nonsense/i))
  test('255 for an algorithm that does not exist', {}, () => fails(['-c', 'rot13', 'x@127.0.0.1'], /rot13/))

  test('255 when the server refuses us, with what was tried', {}, async () => {
    await using server = await theirs()
    const result = await nacreSsh.run({ to: server.to, login: { key: strangerKey() }, command: 'true' })
    assert.equal(result.code, 255)
    assert.ok(result.stderr.includes(strangerKey().fingerprint), result.stderr)
    assert.match(result.stderr, /publickey/)
  })

  test('255 when the server goes away in the middle', {}, async () => {
    await using server = await theirs()
    const { command, options } = nacreSshCommand({ to: server.to, login, command: 'echo begun; exec sleep 600' })
    await using client = await start(command, options)
    await new Promise(resolve => client.stdout.once('data', resolve))
    await server[Symbol.asyncDispose]()
    assert.equal((await withinSeconds(10, client.exited, () => 'it did not notice')).code, 255)
    assert.match(client.log(), /connection/i)
  })
})

describe('streams', () => {
  test('standard error is apart', {}, async () => {
    await using server = await theirs()
    const result = await nacreSsh.run({ to: server.to, login, command: 'echo one; echo two >&2; echo three' })
    assert.equal(result.stdout.toString(), 'one\nthree\n')
    assert.equal(result.stderr, 'two\n')
  })

  test('16 MiB there and back, then the end of input', {}, async () => {
    await using server = await theirs()
    const bulk = bytesOf(16 * MiB)
    const result = await nacreSsh.run({ to: server.to, login, command: 'cat; echo "the end"', stdin: bulk })
    assert.equal(sha256(result.stdout), sha256(Buffer.concat([bulk, Buffer.from('the end\n')])))
    assert.equal(result.code, 0)
  })

  test('-n reads no input', {}, async () => {
    await using server = await theirs()
    const result = await nacreSsh.run({ to: server.to, login, command: 'cat; echo done', stdin: 'open', options: ['-n'] })
    assert.equal(result.stdout.toString(), 'done\n')
  })

  test('a reader that stops ends a command that never would', {}, async () => {
    await using server = await theirs()
    const { command, options } = nacreSshCommand({ to: server.to, login, command: 'yes' })
    const quoted = command.map(each => `'${each}'`).join(' ')
    const result = await finish(['sh', '-c', `${quoted} | head -c 100000`], { ...options, stdin: 'open', seconds: 20 })
    assert.equal(result.stdout.length, 100_000)
  })

  test('-E keeps messages out of standard error', {}, async () => {
    await using server = await theirs()
    const file = freshPath('log')
    const result = await nacreSsh.run({ to: server.to, login, command: 'echo theirs >&2', options: ['-v', `-E${file}`, 'LogLevel=DEBUG1'] })
    assert.equal(result.stderr, 'theirs\n')
    assert.ok(existsSync(file) && readFileSync(file, 'utf8').length > 0)
  })

  test('-s starts a subsystem', {}, async () => {
    await using server = await theirs()
    const { command, options } = nacreSshCommand({ to: server.to, login, command: 'sftp', options: ['-s'] })
    await using client = await start(command, options)
    client.stdin.write(Uint8Array.of(0, 0, 0, 5, 1, 0, 0, 0, 3))
    const answer = await new Promise<Buffer>(resolve => client.stdout.once('data', resolve))
    assert.equal(answer[4], 2, 'SSH_FXP_VERSION')
    client.stdin.end()
    assert.equal((await client.exited).code, 0)
  })

  test('SetEnv and SendEnv', {}, async () => {
    await using server = await theirs()
    const { command, options } = nacreSshCommand({
      to: server.to,
      login,
      command: 'echo "$NACRE_SET $NACRE_SENT"',
      options: ['SetEnv=NACRE_SET=pearl', 'SendEnv=NACRE_SENT'],
    })
    const result = await finish(command, { ...options, env: { ...options.env, NACRE_SENT: 'shell' } })
    assert.equal(result.stdout.toString(), 'pearl shell\n', result.stderr)
  })
})

describe('the command line', () => {
  const withFiles = async (
    server: PeerServer,
    words: (port: string) => readonly string[],
    env: Record<string, string> = {},
  ): Promise<Finished> => {
    const { host, port, hostKeys } = server.to
    const known = freshFile('known_hosts', hostKeys.map(line => `[${host}]:${port} ${line}\n`).join(''))
    return await finish(nacre('ssh', '-F', 'none', '-oUserKnownHostsFile=' + known, ...words(String(port))), { env })
  }

  test('takes bundled letters, glued values, and options after the host', {}, async () => {
    await using server = await theirs()
    const { user, host } = server.to
    const glued = await withFiles(server, port => [`-Tp${port}`, `-i${userKey().path}`, `-l${user}`, host, 'echo', 'glued'])
    assert.equal(glued.stdout.toString(), 'glued\n', glued.stderr)
    const after = await withFiles(server, port => [`${user}@${host}`, '-p', port, '-i', userKey().path, 'echo', '-n', 'after'])
    assert.equal(after.stdout.toString(), 'after', after.stderr)
    const uri = await withFiles(server, port => ['-i', userKey().path, `ssh://${user}@${host}:${port}`, '--', 'echo', 'uri'])
    assert.equal(uri.stdout.toString(), 'uri\n', uri.stderr)
  })

  test('reads a configuration file', {}, async () => {
    await using server = await theirs()
    const { user, host, port, hostKeys } = server.to
    const known = freshFile('known_hosts', `pearl ${hostKeys[0]}\n`)
    const config = freshFile(
      'ssh_config',
      `# the tests
Host oyster
  HostName = ${host}
  Port ${port}
  User "${user}"
  IdentityFile ${userKey().path}
  IdentitiesOnly yes
  HostKeyAlias pearl
  UserKnownHostsFile ${known}
  RekeyLimit 1M
Host *
  User nobody
`,
    )
    const result = await finish(nacre('ssh', '-F', config, 'oyster', 'cat'), { stdin: bytesOf(3 * MiB) })
    assert.equal(sha256(result.stdout), sha256(bytesOf(3 * MiB)), result.stderr)
  })

  test('uses the agent', {}, async () => {
    await using server = await theirs()
    const { host, user } = server.to
    const socket = freshPath('agent')
    await using agent = await start(['ssh-agent', '-D', '-a', socket])
    while (!existsSync(socket)) {
      assert.ok(!agent.ended, agent.log())
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    const add = await finish(['ssh-add', userKey().path], { env: { SSH_AUTH_SOCK: socket } })
    assert.equal(add.code, 0, add.stderr)
    const result = await withFiles(server, port => ['-p', port, `${user}@${host}`, 'echo by agent'], { SSH_AUTH_SOCK: socket })
    assert.equal(result.stdout.toString(), 'by agent\n', result.stderr)
  })

  test('-G prints what holds, and it reads as a configuration again', {}, async () => {
    const first = await finish(nacre('ssh', '-F', 'none', '-p', '2022', '-l', 'wanda', '-G', 'oyster'))
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout.toString(), /^port 2022$/m)
    assert.match(first.stdout.toString(), /^user wanda$/m)
    const file = freshFile('ssh_config', first.stdout.toString().replace(/^host .*\n/, ''))
    const second = await finish(nacre('ssh', '-F', file, '-G', 'oyster'))
    assert.equal(second.stdout.toString(), first.stdout.toString(), second.stderr)
  })

  test('-Q lists names, one a line', {}, async () => {
    const result = await finish(nacre('ssh', '-Q', 'kex'))
    assert.ok(result.stdout.toString().split('\n').includes('curve25519-sha256'), result.stderr)
  })

  test('a link named ssh is ssh', {}, async () => {
    const [node, launcher] = nacre()
    const link = `${freshFolder('bin')}/ssh`
    symlinkSync(launcher ?? '', link)
    const result = await finish([node ?? '', link, '-V'])
    assert.match(result.stderr, /nacre/)
    assert.equal(result.code, 0)
  })
})

describe('host keys', () => {
  test('of an unknown host are refused with the fingerprint when nobody can be asked', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const result = await nacreSsh.run({
      to: { ...server.to, hostKeys: [] },
      login,
      command: 'true',
      options: ['StrictHostKeyChecking=ask'],
    })
    assert.equal(result.code, 255)
    assert.ok(result.stderr.includes(hostKey().fingerprint), result.stderr)
  })

  test('that changed are refused with file and line', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const result = await nacreSsh.run({ to: { ...server.to, hostKeys: [newKey('ed25519').line] }, login, command: 'true' })
    assert.equal(result.code, 255)
    assert.match(result.stderr, /CHANGED/)
    assert.match(result.stderr, /known_hosts line 1/)
  })

  test('that are new are remembered for us and for OpenSSH', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const file = freshPath('remembered')
    const options = [`UserKnownHostsFile=${file}`]
    const to = { ...server.to, hostKeys: [] }
    const first = await nacreSsh.run({ to, login, command: 'echo in', options: [...options, 'StrictHostKeyChecking=accept-new'] })
    assert.equal(first.stdout.toString(), 'in\n', first.stderr)
    assert.match(first.stderr, /Permanently added/)
    assert.equal((await nacreSsh.run({ to, login, command: 'true', options })).code, 0)
    assert.equal((await openSshClient.run({ to, login, command: 'true', options })).code, 0)
  })
})

describe('a person at a terminal', () => {
  /** Starts `nacre ssh` on a terminal of 100 × 30. */
  const sit = async (server: PeerServer, command: string | undefined, options: readonly string[] = [], by = login as object) => {
    const { command: words, options: how } = nacreSshCommand({ to: server.to, login: by, command, options })
    const running = await start([...terminal, ...words], { ...how, env: { ...how.env, SSH_ASKPASS_REQUIRE: 'never', TERM: 'vt220' } })
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    return { running, screen, type: (text: string): void => void running.stdin.write(text) }
  }
  const ends = async (running: { exited: Promise<{ code: number | null }> }, screen: Screen): Promise<number | null> =>
    (await withinSeconds(10, running.exited, () => `it did not end; it shows ${JSON.stringify(screen.text)}`)).code

  test('has a shell with the size, the name and the changes of the terminal', { skip: needsRootForTerminals() }, async () => {
    await using server = await theirs()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('stty size; echo $TERM\r')
    await screen.shows(/30 100\r\nvt220/)
    running.kill('SIGUSR1')
    type('sleep 0.3; stty size\r')
    await screen.shows(/40 120/)
    type('exit 7\r')
    assert.equal(await ends(running, screen), 7)
  })

  test('-t gives a command a terminal; without it there is none', { skip: needsRootForTerminals() }, async () => {
    await using server = await theirs()
    const with_ = await sit(server, 'tty >/dev/null && echo yes', ['-t'])
    await using _one = with_.running
    await with_.screen.shows(/yes/)
    assert.equal(await ends(with_.running, with_.screen), 0)
    const without = await sit(server, 'tty >/dev/null || echo none')
    await using _two = without.running
    await without.screen.shows(/none/)
  })

  test('interrupts the remote command, not us', { skip: needsRootForTerminals() }, async () => {
    await using server = await theirs()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('sh -c "echo \\$((40 + 1)) waits; exec sleep 60"\r')
    await screen.shows(/41 waits/)
    type('\u0003')
    type('echo $((40 + 2)) on\r')
    await screen.shows(/42 on/)
    type('exit\r')
    await ends(running, screen)
  })

  test('leaves by ~.', { skip: needsRootForTerminals() }, async () => {
    await using server = await theirs()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('echo $((1 + 1))2\r')
    await screen.shows(/22/)
    type('\r~.')
    assert.equal(await ends(running, screen), 255)
  })

  test('has the terminal back as it was', {}, async () => {
    await using server = await theirs()
    const { command: words, options } = nacreSshCommand({ to: server.to, login, command: 'true', options: ['-t'] })
    const quoted = words.map(each => `'${each}'`).join(' ')
    await using running = await start([...terminal, 'sh', '-c', `stty -g; ${quoted}; stty -g; echo over`], options)
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    await screen.shows(/over/)
    const settings = screen.text.split(/\r?\n/).filter(line => /^[0-9a-f]+(:[0-9a-f]+)+$/.test(line))
    assert.equal(settings.length, 2, screen.text)
    assert.equal(settings[0], settings[1])
  })

  test('is asked about an unknown host, and the answer is remembered', {}, async () => {
    await using server = await openSshServer({ accepts, hostKeys: [hostKey()] })
    const file = freshPath('remembered')
    const to = { ...server, to: { ...server.to, hostKeys: [] } }
    const { running, screen, type } = await sit(to, 'echo "in at last"', [`UserKnownHostsFile=${file}`, 'StrictHostKeyChecking=ask'])
    await using _ = running
    await screen.shows(/continue connecting/)
    assert.ok(screen.text.includes(hostKey().fingerprint))
    type('yes\r')
    await screen.shows(/in at last/)
    assert.equal(await ends(running, screen), 0)
    assert.match(readFileSync(file, 'utf8'), /ssh-ed25519/)
  })

  test('is asked for a password, which is not shown', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { password } })
    const { running, screen, type } = await sit(server, 'echo "in at last"', [], { password })
    await using _ = running
    await screen.shows(/'s password: /)
    type(`${password}\r`)
    await screen.shows(/in at last/)
    assert.ok(!screen.text.includes(password))
    assert.equal(await ends(running, screen), 0)
  })

  test('is asked by keyboard-interactive', { skip: needsPrivilege() }, async () => {
    const password = world().password ?? ''
    await using server = await openSshServer({ accepts: { prompts: [] }, pam: true })
    const { running, screen, type } = await sit(server, 'echo "in at last"', [], { answers: [password] })
    await using _ = running
    await screen.shows(/Password: /)
    type(`${password}\r`)
    await screen.shows(/in at last/)
    assert.ok(!screen.text.includes(password))
  })

  test('is asked for the passphrase of a key', {}, async () => {
    const key = userKey('ed25519', 'a pass phrase')
    await using server = await openSshServer({ accepts: { keys: [key] } })
    const { running, screen, type } = await sit(server, 'echo "in at last"', [], { key })
    await using _ = running
    await screen.shows(/passphrase/i)
    type('a pass phrase\r')
    await screen.shows(/in at last/)
    assert.ok(!screen.text.includes('a pass phrase'))
  })

  test('is asked for the passphrase of the key the server would take, and of no other', {}, async () => {
    const [refused, key] = [newKey('ecdsa256', 'not this one'), userKey('ed25519', 'a pass phrase')]
    await using server = await openSshServer({ accepts: { keys: [key] } })
    const { running, screen, type } = await sit(
      server,
      'echo "in at last"',
      [`IdentityFile=${refused.path}`, 'NumberOfPasswordPrompts=2'],
      { key },
    )
    await using _ = running
    await screen.shows(/Enter passphrase for key '.*': /)
    type('wrong\r')
    await screen.shows(/passphrase for key[^]*passphrase for key/)
    type('a pass phrase\r')
    await screen.shows(/in at last/)
    assert.ok(screen.text.includes(key.path) && !screen.text.includes(refused.path), screen.text)
  })
})
