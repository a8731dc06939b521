// Owns `nacre sshd` with other clients: logins of the system's users, who a session then is, streams and exit codes, terminals,
// what the configuration allows, pipes instead of a socket, reloading and ending.
import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { dbclient } from './peers/dropbear.ts'
import { openSshClient, openSshCommand, serverConfig } from './peers/openssh.ts'
import type { Accepts, Login, PeerServer } from './peers/peer.ts'
import { plink } from './peers/putty.ts'
import { asyncsshClient, paramikoClient, ssh2Client } from './peers/scripted.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { hostKey, strangerKey, userKey } from './rig/keys.ts'
import { answering, freePort } from './rig/port.ts'
import { type Finished, finish, start, withinSeconds } from './rig/process.ts'
import { Screen, terminal } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { extraGroup, needsPrivilege, world } from './rig/world.ts'
import { nacre, nacreSsh, nacreSshCommand, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const ours = (config: readonly string[] = []): Promise<PeerServer> => nacreSshd({ accepts, config })
const says = async (server: PeerServer, command: string | undefined, options: readonly string[] = []): Promise<string> => {
  const result = await openSshClient.run({ to: server.to, login, command, options })
  return `${result.stdout.toString()}${result.stderr}`
}
const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

describe('clients', () => {
  for (const client of [openSshClient, nacreSsh, dbclient, plink, paramikoClient, asyncsshClient, ssh2Client]) {
    test(`${client.name} runs a command`, {}, async () => {
      await using server = await ours()
      const result = await client.run({ to: server.to, login, command: 'cat; echo apart >&2; exit 42', stdin: 'to the end' })
      assert.equal(result.stdout.toString(), 'to the end', result.stderr)
      assert.match(result.stderr, /apart/)
      assert.equal(result.code, 42)
    })
  }
})

describe('logins', () => {
  const enters = async (what: Accepts, by: Login): Promise<void> => {
    await using server = await nacreSshd({ accepts: what })
    const result = await openSshClient.run({ to: server.to, login: by, command: 'echo inside' })
    assert.equal(result.stdout.toString(), 'inside\n', result.stderr)
  }
  const password = world().password ?? ''
  const prompts = [{ prompt: 'Password: ', echo: false, answer: password }]
  test('by password', { skip: needsPrivilege() }, () => enters({ password }, { password }))
  test('by keyboard-interactive', { skip: needsPrivilege() }, () => enters({ prompts }, { answers: [password] }))
  test('by key, then password', { skip: needsPrivilege() }, () =>
    enters({ keys: [userKey()], password, chain: ['publickey', 'password'] }, { key: userKey(), password }),
  )
  test('by key, then keyboard-interactive', { skip: needsPrivilege() }, () =>
    enters({ keys: [userKey()], prompts, chain: ['publickey', 'keyboard-interactive'] }, { key: userKey(), answers: [password] }),
  )

  const refuses = async (what: Accepts, by: Login, config: readonly string[] = [], user?: string): Promise<void> => {
    await using server = await nacreSshd({ accepts: what, config })
    const to = user === undefined ? server.to : { ...server.to, user }
    const result = await openSshClient.run({ to, login: by, command: 'echo inside' })
    assert.equal(result.stdout.toString(), '')
    assert.equal(result.code, 255)
    assert.match(result.stderr, /Permission denied/)
  }
  test('not by a strange key', {}, () => refuses({ keys: [userKey()] }, { key: strangerKey() }))
  test('not by a wrong password', { skip: needsPrivilege() }, () => refuses({ password }, { password: 'wrong' }))
  test('not of a user that does not exist', {}, () => refuses({ keys: [userKey()] }, login, [], 'nobody-by-that-name'))
  test('not of a user whom DenyUsers names', {}, () => refuses({ keys: [userKey()] }, login, [`DenyUsers ${world().user}`]))
  test('not of a user whom AllowUsers leaves out', {}, () => refuses({ keys: [userKey()] }, login, ['AllowUsers somebody else']))
  test('not of root when it may not', { skip: needsPrivilege() }, () =>
    refuses({ keys: [userKey()] }, login, ['PermitRootLogin no'], 'root'),
  )
  test('of root when it may', { skip: needsPrivilege() }, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: { ...server.to, user: 'root' }, login, command: 'id -u' })
    assert.equal(result.stdout.toString(), '0\n', result.stderr)
  })
  test('not by authorized_keys that others can write to', { skip: needsPrivilege() }, async () => {
    const { home, user, uid } = world()
    const file = `${home}/keys`
    writeFileSync(file, `${userKey().line}\n`)
    chownSync(file, uid, uid)
    chmodSync(file, 0o666)
    await using server = await ours([`AuthorizedKeysFile ${file}`, 'StrictModes yes'])
    const result = await openSshClient.run({ to: server.to, login, command: 'echo inside' })
    assert.equal(result.code, 255)
    assert.match(server.process.log(), new RegExp(`${file}|${user}`))
  })
  test('show a banner', {}, async () => {
    const banner = freshFile('banner', 'Mind the gap.\n', 0o644)
    await using server = await ours([`Banner ${banner}`])
    assert.match(await says(server, 'true'), /Mind the gap\./)
  })
  test('are ended after LoginGraceTime', {}, async () => {
    await using server = await ours(['LoginGraceTime 1'])
    const { connect } = await import('node:net')
    const socket = connect(server.to.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    await withinSeconds(10, new Promise(resolve => socket.once('close', resolve)), () => 'the connection stayed')
  })
})

describe('a session', () => {
  test('is the user: groups, home, shell, environment, nothing of root', { skip: needsPrivilege() }, async () => {
    await using server = await ours()
    const { user, uid, gid, home } = world()
    const said = await says(server, 'id -un; id -u; id -g; id -G; pwd; echo $HOME; echo $SHELL; echo $USER $LOGNAME; umask')
    assert.equal(said, `${user}\n${uid}\n${gid}\n${gid} ${extraGroup.gid}\n${home}\n${home}\n/bin/sh\n${user} ${user}\n0022\n`)
    assert.match(await says(server, 'cat /etc/shadow'), /Permission denied/)
    const status = await says(server, 'cat /proc/self/status')
    assert.match(status, new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'))
    assert.match(status, new RegExp(`^Gid:\\t${gid}\\t${gid}\\t${gid}\\t${gid}$`, 'm'))
    for (const kind of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(status, new RegExp(`^${kind}:\\t0+$`, 'm'))
  })

  test('has nothing open but its three streams', {}, async () => {
    await using server = await ours()
    const open = await says(server, 'ls -l /proc/$$/fd | sed -n "s/.* \\([0-9]*\\) -> \\(.*\\)/\\1 \\2/p"')
    for (const line of open.trim().split('\n')) assert.match(line, /^[012] |^\d+ (?:pipe:|\/dev\/null)/, open)
  })

  test('knows who called it', {}, async () => {
    await using server = await ours()
    const [connection = '', client = ''] = (await says(server, 'echo $SSH_CONNECTION; echo $SSH_CLIENT')).split('\n')
    assert.match(connection, new RegExp(`^127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${server.to.port}$`))
    assert.equal(client, connection.replace(' 127.0.0.1 ', ' ').split(' ').slice(0, 3).join(' '))
  })

  test('has exit codes, signals and 16 MiB', {}, async () => {
    await using server = await ours()
    for (const code of [0, 1, 255]) assert.equal((await openSshClient.run({ to: server.to, login, command: `exit ${code}` })).code, code)
    const killed = await openSshClient.run({ to: server.to, login, command: 'kill -TERM $$', options: ['LogLevel=DEBUG1'] })
    assert.match(killed.stderr, /rtype exit-signal/)
    const bulk = bytesOf(16 * MiB)
    const result = await openSshClient.run({ to: server.to, login, command: 'cat', stdin: bulk, rekeyBytes: 4 * MiB })
    assert.equal(sha256(result.stdout), sha256(bulk), result.stderr)
  })

  test('takes the variables it may, and is given those of SetEnv', {}, async () => {
    await using server = await ours(['AcceptEnv PEARL_*', 'SetEnv OYSTER=open'])
    assert.equal(await says(server, 'echo "$PEARL_A $FORBIDDEN $OYSTER"', ['SetEnv=PEARL_A=white FORBIDDEN=fruit']), 'white  open\n')
  })

  test('runs ForceCommand instead', {}, async () => {
    await using server = await ours(['ForceCommand echo forced: $SSH_ORIGINAL_COMMAND'])
    assert.equal(await says(server, 'rm -rf /tmp/nothing'), 'forced: rm -rf /tmp/nothing\n')
  })

  test('obeys the options of its key', {}, async () => {
    const keys = freshFile('restricted', `command="echo only this",no-pty ${userKey().line}\n`, 0o644)
    await using server = await ours([`AuthorizedKeysFile ${keys}`])
    assert.equal(await says(server, 'echo something else'), 'only this\n')
  })

  test('is sftp for the one who asks', {}, async () => {
    await using server = await ours()
    const { to } = server
    const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
    const target = `${freshFolder('sftp')}/fetched`
    const source = freshFile('source', bytesOf(100_000), 0o644)
    const batch = freshFile('batch', `get ${source} ${target}\n`)
    const words = ['-F', 'none', '-o', `UserKnownHostsFile=${known}`, '-i', userKey().path, '-P', String(to.port), '-b', batch]
    const result = await finish(['sftp', ...words, `${to.user}@${to.host}`])
    assert.equal(result.code, 0, result.stderr)
    assert.equal(sha256(readFileSync(target)), sha256(bytesOf(100_000)))
  })

  test('ends when nobody reads its output, for a client that says so', {}, async () => {
    await using server = await ours()
    const { command, options } = nacreSshCommand({ to: server.to, login, command: 'yes' })
    const quoted = command.map(each => `'${each}'`).join(' ')
    const result = await finish(['sh', '-c', `${quoted} | head -c 100000`], { ...options, stdin: 'open', seconds: 20 })
    assert.equal(result.stdout.length, 100_000)
  })

  test('ends when nothing has passed over any channel for long enough, and not before', {}, async () => {
    await using server = await ours(['ChannelTimeout global=2'])
    assert.equal(await says(server, 'for i in 1 2 3 4; do echo $i; sleep 1; done; echo over'), '1\n2\n3\n4\nover\n')
    const quiet = await openSshClient.run({ to: server.to, login, command: 'echo begun; exec sleep 60', options: [] })
    assert.deepEqual([quiet.stdout.toString(), quiet.code], ['begun\n', 255])
  })

  test('ends with its client', {}, async () => {
    await using server = await ours()
    const marker = freshPath('pid')
    const file = `${world().privileged ? world().home : freshFolder('home')}/pid-${marker.split('/').at(-1)}`
    const { command, options } = openSshCommand({ to: server.to, login, command: `echo $$ > ${file}; echo begun; exec cat`, options: [] })
    await using client = await start(command, options)
    await new Promise(resolve => client.stdout.once('data', resolve))
    const pid = Number(readFileSync(file, 'utf8'))
    client.kill('SIGKILL')
    for (let tries = 0; tries < 200 && existsSync(`/proc/${pid}`); tries++) await pause(20)
    assert.ok(!existsSync(`/proc/${pid}`), 'its command goes on')
  })

  test('can be one of a hundred at once', {}, async () => {
    await using server = await ours()
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        openSshClient.run({ to: server.to, login, command: `read go; echo ${index} $go`, stdin: 'gone\n', seconds: 55 }),
      ),
    )
    assert.deepEqual(
      results.map(each => each.stdout.toString()),
      Array.from({ length: 100 }, (_, index) => `${index} gone\n`),
    )
  })
})

describe('a terminal', () => {
  const sit = async (server: PeerServer, command: string | undefined, options: readonly string[] = []) => {
    const { command: words, options: how } = openSshCommand({ to: server.to, login, command, options })
    const running = await start([...terminal, ...words], { ...how, env: { ...how.env, TERM: 'vt220' } })
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    return { running, screen, type: (text: string): void => void running.stdin.write(text) }
  }

  test('has size, name, owner and changes of size', {}, async () => {
    await using server = await ours()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('stty size; echo $TERM; test "$(tty)" = "$SSH_TTY" && echo the same; stat -c %U $(tty)\r')
    await screen.shows(new RegExp(`30 100\\r\\nvt220\\r\\nthe same\\r\\n${world().user}\\r\\n`))
    running.kill('SIGUSR1')
    type('sleep 0.3; stty size\r')
    await screen.shows(/40 120/)
    type('exit 7\r')
    assert.equal((await withinSeconds(10, running.exited, () => 'ssh did not end')).code, 7)
  })

  test('is where a login shell runs', {}, async () => {
    await using server = await ours()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('echo "shell $0 home $PWD"\r')
    await screen.shows(/shell -\w+ home/)
    type('exit\r')
  })

  test('passes interrupts, job control and the end of input', {}, async () => {
    await using server = await ours()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('sh -c "echo \\$((40 + 1)) waits; exec sleep 60"\r')
    await screen.shows(/41 waits/)
    type('\u0003')
    type('echo $((40 + 2)) on\r')
    await screen.shows(/42 on/)
    type('\u0004')
    assert.notEqual((await withinSeconds(10, running.exited, () => 'ssh did not end')).code, null)
  })

  test('hangs up on what runs there when the client goes', {}, async () => {
    await using server = await ours()
    const { running, screen, type } = await sit(server, undefined)
    await using _ = running
    type('echo "pid is $$."; sleep 600\r')
    await screen.shows(/pid is (\d+)\./)
    const pid = /pid is (\d+)\./.exec(screen.text)?.[1]
    for (const each of [...running.descendants()]) process.kill(each, 'SIGKILL')
    for (let tries = 0; tries < 250 && existsSync(`/proc/${pid}`); tries++) await pause(20)
    assert.ok(!existsSync(`/proc/${pid}`), 'its shell goes on')
  })

  test('is refused by PermitTTY no', {}, async () => {
    await using server = await ours(['PermitTTY no'])
    const { running, screen } = await sit(server, undefined)
    await using _ = running
    await screen.shows(/PTY allocation request failed/)
  })

  test('carries a lot of output to its last byte', {}, async () => {
    await using server = await ours()
    const result = await openSshClient.run({ to: server.to, login, command: 'seq 1 200000; echo "the end"', pty: true })
    assert.match(result.stdout.toString(), /\r\n199999\r\n200000\r\nthe end\r\n$/)
  })
})

describe('standard input and output instead of a socket', () => {
  test('-i serves one connection as a ProxyCommand', {}, async () => {
    const config = freshFile('sshd_config', serverConfig({ accepts }, 22), 0o644)
    const proxy = world()
      .enter(nacre('sshd', '-i', '-e', '-f', config))
      .join(' ')
    const to = { host: 'pipe', port: 22, user: world().user, hostKeys: [] }
    const known = freshFile('known_hosts', `pipe ${hostKey().line}\n`)
    const options = [`ProxyCommand=${proxy}`, `UserKnownHostsFile=${known}`, 'HostKeyAlgorithms=ssh-ed25519']
    const bulk = bytesOf(2 * MiB)
    const result = await openSshClient.run({ to, login, command: 'cat; exit 5', stdin: bulk, options })
    assert.equal(result.code, 5, result.stderr)
    assert.equal(sha256(result.stdout), sha256(bulk))
    const where = await openSshClient.run({ to, login, command: 'echo $SSH_CONNECTION', options })
    assert.equal(where.stdout.toString(), 'UNKNOWN 65535 UNKNOWN 65535\n', where.stderr)
  })
})

describe('the daemon', () => {
  /** A server whose configuration file a test can change. */
  const daemon = async (more: (port: number) => readonly string[], flags: readonly string[] = ['-D', '-e']) => {
    const port = await freePort()
    const pidFile = freshPath('sshd.pid')
    const config = freshFile('sshd_config', '', 0o644)
    const write = (lines: readonly string[]): void =>
      writeFileSync(config, serverConfig({ accepts, config: [`PidFile ${pidFile}`, ...lines] }, port).replace('PidFile none\n', ''))
    write(more(port))
    const running = await start(world().enter(nacre('sshd', ...flags, '-f', config)), { name: 'nacre sshd', logStdout: true })
    const to = { host: '127.0.0.1', port, user: world().user, hostKeys: [hostKey().line] }
    return { running, to, pidFile, config, write, port }
  }
  const viaEd25519 = ['HostKeyAlgorithms=ssh-ed25519']

  test('reads its configuration again at SIGHUP, and sessions go on', {}, async () => {
    const { running, to, write, port } = await daemon(() => ['SetEnv WHEN=before'])
    await using _ = running
    await answering(port, running)
    const { command, options } = openSshCommand({ to, login, command: 'echo $WHEN; read x; echo $x', options: viaEd25519 })
    await using old = await start(command, options)
    const screen = new Screen()
    old.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    await screen.shows(/before/)
    write(['SetEnv WHEN=after'])
    running.kill('SIGHUP')
    let said = ''
    for (let tries = 0; tries < 50 && said !== 'after\n'; tries++) {
      said = (await openSshClient.run({ to, login, command: 'echo $WHEN', options: viaEd25519 })).stdout.toString()
    }
    assert.equal(said, 'after\n')
    old.stdin.write('still here\n')
    await screen.shows(/still here/)
    assert.equal((await old.exited).code, 0)
  })

  test('goes on with the old configuration when the new one is wrong, and says so', {}, async () => {
    const { running, to, config, port } = await daemon(() => ['SetEnv WHEN=before'])
    await using _ = running
    await answering(port, running)
    writeFileSync(config, 'Nonsense yes\n')
    running.kill('SIGHUP')
    for (let tries = 0; tries < 200 && !/Nonsense/.test(running.log()); tries++) await pause(20)
    assert.match(running.log(), new RegExp(`${config}.*1.*Nonsense`, 's'))
    const result = await openSshClient.run({ to, login, command: 'echo $WHEN', options: viaEd25519 })
    assert.equal(result.stdout.toString(), 'before\n', result.stderr)
  })

  test('writes its pid file once it listens, and takes it away at SIGTERM', {}, async () => {
    const { running, pidFile, port } = await daemon(() => [])
    await using _ = running
    await answering(port, running)
    for (let tries = 0; tries < 100 && !existsSync(pidFile); tries++) await pause(20)
    assert.equal(Number(readFileSync(pidFile, 'utf8')), running.pid)
    running.kill('SIGTERM')
    assert.equal((await withinSeconds(10, running.exited, () => 'it did not end')).code, 0)
    assert.ok(!existsSync(pidFile))
  })

  test('detaches without -D, and returns when it listens', { seconds: 30 }, async () => {
    const log = freshPath('log')
    const { running, to, pidFile } = await daemon(() => [], ['-E', log])
    await using _ = running
    const { code } = await withinSeconds(10, running.exited, () => 'the command did not return')
    assert.equal(code, 0, running.log())
    const pid = Number(readFileSync(pidFile, 'utf8'))
    try {
      const result = await openSshClient.run({ to, login, command: 'echo in', options: viaEd25519 })
      assert.equal(result.stdout.toString(), 'in\n', result.stderr)
      assert.ok(readFileSync(log, 'utf8').includes(to.user))
    } finally {
      process.kill(pid, 'SIGTERM')
    }
    for (let tries = 0; tries < 200 && existsSync(`/proc/${pid}`); tries++) await pause(20)
    assert.ok(!existsSync(`/proc/${pid}`))
  })

  test('says that a port is taken', {}, async () => {
    const { running, port, config } = await daemon(() => [])
    await using _ = running
    await answering(port, running)
    const second = await finish(world().enter(nacre('sshd', '-D', '-e', '-f', config)))
    assert.notEqual(second.code, 0)
    assert.match(second.stderr, new RegExp(String(port)))
  })
})

describe('checking a configuration', () => {
  const check = (text: string, ...flags: readonly string[]): Promise<Finished> =>
    finish(nacre('sshd', ...flags, '-f', freshFile('sshd_config', `HostKey ${hostKey().path}\n${text}`)))

  test('-t is silent and 0 when all is well', {}, async () => {
    const result = await check('Port 2222\n', '-t')
    assert.deepEqual([result.code, result.stdout.toString(), result.stderr], [0, '', ''])
  })
  test('-t names file, line and keyword when something is wrong', {}, async () => {
    for (const wrong of ['Nonsense yes', 'Port nowhere', 'PermitRootLogin perhaps', 'Ciphers rot13']) {
      const result = await check(`# a comment\n${wrong}\n`, '-t')
      assert.notEqual(result.code, 0, wrong)
      assert.match(result.stderr, /line 3|rot13/, result.stderr)
    }
  })
  test('-T prints what holds, which reads as a configuration again', {}, async () => {
    const first = await check('Port 2222\nMaxAuthTries 3 # few\npermitrootlogin=no\n', '-T')
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout.toString(), /^Port 2222$/m)
    assert.match(first.stdout.toString(), /^MaxAuthTries 3$/m)
    assert.match(first.stdout.toString(), /^PermitRootLogin no$/m)
    const second = await finish(nacre('sshd', '-T', '-f', freshFile('sshd_config', first.stdout)))
    assert.equal(second.stdout.toString(), first.stdout.toString(), second.stderr)
  })
  test('the command line wins: -o, -p, -h', {}, async () => {
    const result = await check('Port 2222\n', '-T', '-p', '2022', '-oMaxAuthTries=2', '-h', hostKey('rsa').path)
    assert.match(result.stdout.toString(), /^Port 2022$/m, result.stderr)
    assert.match(result.stdout.toString(), /^MaxAuthTries 2$/m)
    assert.ok(result.stdout.toString().includes(hostKey('rsa').path))
  })
})

describe('without root', () => {
  test('serves the one who runs it, and nobody else', { skip: needsPrivilege() }, async () => {
    const { user, uid, gid, home, give } = world()
    const folder = freshFolder('unprivileged', 0o755)
    give(folder)
    const key = `${folder}/host_key`
    writeFileSync(key, readFileSync(hostKey().path), { mode: 0o600 })
    give(key)
    const keys = freshFile('authorized_keys', `${userKey().line}\n`, 0o644)
    const port = await freePort()
    const words = nacre('sshd', '-D', '-e', '-f', 'none', '-p', String(port), '-h', key, '-oListenAddress=127.0.0.1', '-oStrictModes=no')
    const become = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups']
    await using running = await start(world().enter([...become, ...words, `-oAuthorizedKeysFile=${keys}`, `-oPidFile=${folder}/pid`]), {
      name: 'nacre sshd',
      logStdout: true,
      env: { HOME: home },
      cwd: '/',
    })
    await answering(port, running)
    const to = { host: '127.0.0.1', port, user, hostKeys: [hostKey().line] }
    const result = await openSshClient.run({ to, login, command: 'id -un' })
    assert.equal(result.stdout.toString(), `${user}\n`, result.stderr)
    const root = await openSshClient.run({ to: { ...to, user: 'root' }, login, command: 'id -un' })
    assert.match(root.stderr, /Permission denied/)
    assert.equal(root.code, 255)
  })
})
