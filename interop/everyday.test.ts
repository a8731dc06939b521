// Owns what people use SSH for every day, by the programs they use: git, rsync, scp, ansible, mosh, autossh, editors that work far
// away. Through `nacre sshd` with OpenSSH's client, and by `nacre ssh` at OpenSSH's server.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { connect as connectTcp, createServer, type Socket } from 'node:net'
import { describe } from 'node:test'
import { openSshCommand, openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { bytesOf, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { withWord } from './rig/proc.ts'
import { freePort } from './rig/port.ts'
import { finish, type Running, start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { seat, typedLine } from './rig/tmux.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacreSshCommand, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }

const missing = (...programs: readonly string[]): string | false => {
  const found = programs.find(each => !existsSync(`/usr/bin/${each}`))
  return found === undefined ? false : `there is no ${found}`
}

const until = async (what: () => boolean | Promise<boolean>, why: string, seconds = 15): Promise<void> => {
  let over = false
  const look = async (): Promise<void> => {
    while (!over && !(await what())) await new Promise(resolve => setTimeout(resolve, 50))
  }
  try {
    await withinSeconds(seconds, look(), () => why)
  } finally {
    over = true
  }
}

interface Way {
  /** A program that takes the place of `ssh`: it knows keys, hosts and port. */
  readonly ssh: string
  readonly host: string
  readonly env: Readonly<Record<string, string>>
  readonly server: PeerServer
  /** Runs a command there and gives what it printed. */
  there(command: string): Promise<string>
}

interface Pair {
  readonly name: string
  begin(): Promise<PeerServer>
  readonly commandFor: typeof openSshCommand
}

const pairs: readonly Pair[] = [
  { name: 'OpenSSH’s ssh at nacre sshd', begin: () => nacreSshd({ accepts }), commandFor: openSshCommand },
  { name: 'nacre ssh at OpenSSH’s sshd', begin: () => openSshServer({ accepts }), commandFor: nacreSshCommand },
]

const wayOf = (server: PeerServer, { commandFor }: Pair): Way => {
  const { command, options } = commandFor({ to: server.to, login, command: undefined })
  const host = command.at(-1) ?? ''
  const env = options.env ?? {}
  const ssh = freshFile('ssh', `#!/bin/sh\nexec ${typedLine(command.slice(0, -1))} "$@"\n`, 0o755)
  return {
    ssh,
    host,
    env,
    server,
    there: async text => {
      const { code, stdout, stderr } = await finish([ssh, host, text], { env })
      assert.equal(code, 0, stderr)
      return stdout.toString()
    },
  }
}

/** A folder there that is the account's own. */
const folderThere = async ({ there }: Way): Promise<string> => (await there('mktemp -d')).trim()

const ok = async (
  command: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly seconds?: number },
): Promise<string> => {
  const { code, stdout, stderr } = await finish(command, options)
  assert.equal(code, 0, `${command.join(' ')}: ${stderr}`)
  return stdout.toString()
}

const person = {
  GIT_AUTHOR_NAME: 'Wanda',
  GIT_AUTHOR_EMAIL: 'wanda@example.net',
  GIT_COMMITTER_NAME: 'Wanda',
  GIT_COMMITTER_EMAIL: 'wanda@example.net',
}

for (const pair of pairs) {
  describe(pair.name, () => {
    test('git pushes, clones and fetches', { skip: missing('git') }, async () => {
      await using server = await pair.begin()
      const way = wayOf(server, pair)
      const far = await folderThere(way)
      const url = `ssh://${way.host}${far}/pearls.git`
      const env = { ...way.env, ...person, GIT_SSH: way.ssh, GIT_SSH_VARIANT: 'ssh', GIT_CONFIG_NOSYSTEM: '1' }
      await way.there(`git init -q --bare --initial-branch=main ${far}/pearls.git`)
      const [one, other] = [freshFolder('one'), freshFolder('other')]
      await ok(['git', 'init', '-q', '--initial-branch=main', '.'], { env, cwd: one })
      await ok(['sh', '-c', 'head -c 3000000 /dev/urandom >bulk; git add . && git commit -q -m first'], { env, cwd: one })
      await ok(['git', 'push', '-q', url, 'main'], { env, cwd: one })
      await ok(['git', 'clone', '-q', url, 'copy'], { env, cwd: other })
      assert.equal(sha256(readFileSync(`${other}/copy/bulk`)), sha256(readFileSync(`${one}/bulk`)))
      await ok(['sh', '-c', 'echo more >more; git add . && git commit -q -m second'], { env, cwd: one })
      await ok(['git', 'push', '-q', url, 'main'], { env, cwd: one })
      await ok(['git', 'pull', '-q'], { env, cwd: `${other}/copy` })
      assert.equal(readFileSync(`${other}/copy/more`, 'utf8'), 'more\n')
      await way.there(`rm -rf ${far}`)
    })

    test('rsync copies there and back, and only what changed', { skip: missing('rsync') }, async () => {
      await using server = await pair.begin()
      const way = wayOf(server, pair)
      const far = await folderThere(way)
      const [near, back] = [freshFolder('near'), freshFolder('back')]
      await ok(['sh', '-c', 'mkdir -p "a b/c"; head -c 2000000 /dev/urandom >"a b/c/bulk"; for i in $(seq 200); do echo $i >f$i; done'], {
        cwd: near,
      })
      const rsync = ['rsync', '-a', '--stats', '-e', way.ssh]
      await ok([...rsync, `${near}/`, `${way.host}:${far}/x/`], { env: way.env })
      await ok([...rsync, `${way.host}:${far}/x/`, `${back}/`], { env: way.env })
      await ok(['diff', '-r', near, back], {})
      const again = await ok([...rsync, `${near}/`, `${way.host}:${far}/x/`], { env: way.env })
      assert.match(again, /Number of regular files transferred: 0/)
      await way.there(`rm -rf ${far}`)
    })

    test('scp copies with that ssh, by SFTP and by its old protocol', { skip: missing('scp') }, async () => {
      await using server = await pair.begin()
      const way = wayOf(server, pair)
      const far = await folderThere(way)
      const file = freshFile('bulk', bytesOf(1_000_000))
      for (const how of [[], ['-O']]) {
        await ok(['scp', '-q', ...how, '-S', way.ssh, file, `${way.host}:${far}/it`], { env: way.env })
        await ok(['scp', '-q', ...how, '-S', way.ssh, `${way.host}:${far}/it`, `${file}.back`], { env: way.env })
        assert.equal(sha256(readFileSync(`${file}.back`)), sha256(bytesOf(1_000_000)))
      }
      await way.there(`rm -rf ${far}`)
    })

    test('autossh starts it anew when it is killed', { skip: missing('autossh') }, async () => {
      await using server = await pair.begin()
      const way = wayOf(server, pair)
      const far = await folderThere(way)
      const env = { ...way.env, AUTOSSH_PATH: way.ssh, AUTOSSH_GATETIME: '0', AUTOSSH_POLL: '10' }
      await using running = await start(['autossh', '-M', '0', way.host, `echo come >>${far}/log; exec sleep 600`], { env })
      const comings = async (): Promise<number> => Number(await way.there(`cat ${far}/log 2>/dev/null | wc -l`))
      await until(async () => (await comings()) === 1, 'it did not come')
      const [ssh] = running.descendants()
      assert.ok(ssh !== undefined)
      process.kill(ssh, 'SIGKILL')
      await until(async () => (await comings()) === 2, 'it did not come again')
      await way.there(`rm -rf ${far}`)
    })

    test('an editor far away: one long command, and many connections beside it', {}, async () => {
      await using server = await pair.begin()
      const way = wayOf(server, pair)
      await using echo = await listening(socket => socket.pipe(socket))
      const socks = await freePort()
      const locals = await Promise.all(Array.from({ length: 4 }, () => freePort()))
      const forwards = locals.flatMap(port => ['-L', `${port}:127.0.0.1:${echo.port}`])
      await using running = await start([way.ssh, '-T', '-D', String(socks), ...forwards, way.host, 'bash'], { env: way.env })
      const lines = linesOf(running)
      running.stdin.write('echo "ready on $((40 + 2))"\n')
      assert.equal(await lines.next(), 'ready on 42')
      const talks = Array.from({ length: 40 }, (_, index) => talk(locals[index % locals.length] ?? 0, `connection ${index}`))
      talks.push(talkBySocks(socks, echo.port, 'by SOCKS'))
      const heard = await withinSeconds(20, Promise.all(talks), () => 'a connection hangs')
      assert.deepEqual(heard.toSorted(), [...Array.from({ length: 40 }, (_, index) => `connection ${index}`), 'by SOCKS'].toSorted())
      running.stdin.write('echo still there\n')
      assert.equal(await lines.next(), 'still there')
      running.stdin.end('exit 4\n')
      assert.equal((await withinSeconds(10, running.exited, () => 'it did not end')).code, 4)
    })
  })
}

/** A server of TCP on this machine. */
const listening = async (serve: (socket: Socket) => void): Promise<AsyncDisposable & { readonly port: number }> => {
  const server = createServer(serve)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: () => new Promise(resolve => server.close(() => resolve())),
  }
}

const linesOf = (running: Running): { next(): Promise<string> } => {
  let text = ''
  running.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
  return {
    next: async () => {
      await until(() => text.includes('\n'), `no line came; ${running.log()}`)
      const [line = ''] = text.split('\n')
      text = text.slice(line.length + 1)
      return line
    },
  }
}

/** Says something to what sends it back, and gives what came back. */
const talk = async (port: number, text: string): Promise<string> => {
  const socket = connectTcp(port, '127.0.0.1')
  let heard = ''
  socket.end(text)
  for await (const bytes of socket) heard += String(bytes)
  return heard
}

const talkBySocks = async (socks: number, port: number, text: string): Promise<string> => {
  const socket = connectTcp(socks, '127.0.0.1')
  // SOCKS 4: version, connect, port, address, and an empty name.
  socket.write(Uint8Array.of(4, 1, port >> 8, port & 0xff, 127, 0, 0, 1, 0))
  socket.end(text)
  const heard: Buffer[] = []
  for await (const bytes of socket) heard.push(bytes as Buffer)
  return Buffer.concat(heard).subarray(8).toString()
}

describe('nacre sshd', () => {
  const [pair] = pairs
  if (pair === undefined) throw new TypeError('there are no pairs')

  test('is managed by ansible: ping and copy', { skip: missing('ansible'), seconds: 120 }, async () => {
    await using server = await pair.begin()
    const way = wayOf(server, pair)
    const far = await folderThere(way)
    const [user = '', name = ''] = way.host.split('@')
    const inventory = freshFile(
      'inventory',
      `${name} ansible_user=${user} ansible_ssh_executable=${way.ssh} ansible_python_interpreter=/usr/bin/python3 ansible_remote_tmp=${far}/tmp\n`,
    )
    const env = { ...way.env, ANSIBLE_NOCOLOR: '1', ANSIBLE_SSH_ARGS: '-o ControlMaster=no', ANSIBLE_LOCAL_TEMP: freshFolder('ansible') }
    const ansible = (...words: readonly string[]): Promise<string> =>
      ok(['ansible', '-i', inventory, 'all', ...words], { env, seconds: 60 })
    assert.match(await ansible('-m', 'ping'), /SUCCESS[^]*"ping": "pong"/)
    const file = freshFile('pearl', 'a pearl\n')
    assert.match(await ansible('-m', 'copy', '-a', `src=${file} dest=${far}/pearl`), /CHANGED[^]*"changed": true/)
    assert.equal(await way.there(`cat ${far}/pearl; rm -rf ${far}`), 'a pearl\n')
  })

  test('starts mosh', { skip: missing('mosh', 'mosh-server') || needsPrivilege() }, async () => {
    await using server = await pair.begin()
    const way = wayOf(server, pair)
    await using at = await seat({ env: { ...way.env, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8' } })
    await at.shows(/READY\$/)
    await at.type(`${typedLine(['mosh', `--ssh=${way.ssh}`, way.host, '--', 'sh', '-c', 'echo $((40 + 2)) roams; read line'])}\r`)
    await at.shows(/42 roams/)
    await at.type('\r')
    await at.shows(/mosh is exiting|READY\$ *\n*$/)
  })

  test('goes on when a session is killed, and leaves nothing of one whose client is', {}, async () => {
    await using server = await pair.begin()
    const way = wayOf(server, pair)
    const marker = `nacre-everyday-${process.pid}-${Date.now()}`
    // The name is told to a program that keeps it in its command line.
    const command = `exec sh -c 'echo $$; while :; do sleep 1; done' ${marker}`
    const clients: Running[] = []
    for (let count = 0; count < 3; count++) clients.push(await start([way.ssh, way.host, command], { env: way.env }))
    const [first, second, third] = clients
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    const shells = await Promise.all(clients.map(async each => Number(await linesOf(each).next())))
    process.kill(shells[0] ?? 0, 'SIGKILL')
    const { code } = await withinSeconds(10, first.exited, () => 'the client of the killed session did not end')
    assert.equal(code, 255)
    second.kill('SIGKILL')
    const alive = (pid: number | undefined): boolean => pid !== undefined && withWord(marker).includes(pid)
    await until(() => !alive(shells[1]), 'the process of a killed client is left')
    assert.ok(alive(shells[2]), 'the third goes on')
    assert.equal(await way.there('echo others come'), 'others come\n')
    third.kill('SIGTERM')
    await until(() => !alive(shells[2]), 'the process of a client that ended is left')
    await third[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
    if (world().privileged) assert.equal(await way.there(`pgrep -f '[n]${marker.slice(1)}' | wc -l`), '0\n')
  })
})
