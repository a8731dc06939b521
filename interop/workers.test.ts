// Owns `nacre sshd` and `runWorkers` on several processes with other clients: connections are shared out, the dead are replaced
// while others' sessions go on, and the end leaves nothing behind.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openSshClient, openSshCommand, serverConfig } from './peers/openssh.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { hostKey, userKey } from './rig/keys.ts'
import { answering, freePort } from './rig/port.ts'
import { finish, type Running, start, withinSeconds } from './rig/process.ts'
import { Screen } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacre } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const options = ['HostKeyAlgorithms=ssh-ed25519']
const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

const until = async (what: string, holds: () => boolean): Promise<void> => {
  const late = Date.now() + 20_000
  while (!holds()) {
    if (Date.now() > late) throw new Error(`it took too long until ${what}`)
    await pause(20)
  }
}

/** The worker that let each login in, in order. */
const servedBy = (running: Running): readonly number[] =>
  [...running.log().matchAll(/^\[(\d+)\] Accepted publickey/gm)].map(([, pid]) => Number(pid))

const sshd = async (more: readonly string[] = [], flags: readonly string[] = ['-D', '-e']) => {
  const port = await freePort()
  const pidFile = freshPath('sshd.pid')
  const config = freshFile('sshd_config', '', 0o644)
  const write = (lines: readonly string[]): void =>
    writeFileSync(
      config,
      serverConfig({ accepts, config: [`PidFile ${pidFile}`, 'Workers 2', ...lines] }, port)
        .replace('PidFile none\n', '')
        .replace(/^LogLevel .*\n/m, '')
        .concat('LogLevel VERBOSE\n'),
    )
  write(more)
  const running = await start(world().enter(nacre('sshd', ...flags, '-f', config)), { name: 'nacre sshd', logStdout: true })
  const to = { host: '127.0.0.1', port, user: world().user, hostKeys: [hostKey().line] }
  return { running, to, port, config, pidFile, write, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() }
}

const serving = async (more: readonly string[] = []) => {
  const made = await sshd(more)
  await answering(made.port, made.running)
  // The file comes when all workers serve.
  await until('there is a PidFile', () => existsSync(made.pidFile) && readFileSync(made.pidFile, 'utf8') !== '')
  return made
}

const says = async (to: Awaited<ReturnType<typeof sshd>>['to'], command: string): Promise<string> => {
  const result = await openSshClient.run({ to, login, command, options })
  return `${result.stdout.toString()}${result.stderr}`
}

/** A session of OpenSSH's client that answers each line. */
const conversation = async (to: Awaited<ReturnType<typeof sshd>>['to']) => {
  const { command, options: how } = openSshCommand({ to, login, command: 'echo begun; while read x; do echo "heard $x"; done', options })
  const client = await start(command, how)
  const screen = new Screen()
  client.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
  await screen.shows(/begun/)
  return { client, screen, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() }
}

describe('sshd with two workers', () => {
  test('shares connections out in turn; each carries bytes, and the PidFile names the process that leads', {}, async () => {
    await using server = await serving()
    for (let i = 0; i < 4; i++) assert.equal(await says(server.to, `echo ${i}`), `${i}\n`)
    const pids = servedBy(server.running)
    assert.equal(new Set(pids).size, 2, server.running.log())
    assert.deepEqual([pids[2], pids[3]], [pids[0], pids[1]])
    assert.equal(readFileSync(server.pidFile, 'utf8'), `${server.running.pid}\n`)
    assert.ok(!pids.includes(server.running.pid))
    const bulk = bytesOf(8 * MiB)
    const result = await openSshClient.run({ to: server.to, login, command: 'cat; exit 3', stdin: bulk, options })
    assert.deepEqual([result.code, sha256(result.stdout)], [3, sha256(bulk)])
    const open = await says(server.to, 'ls -l /proc/$$/fd | sed -n "s/.* \\([0-9]*\\) -> \\(.*\\)/\\1 \\2/p"')
    for (const line of open.trim().split('\n')) assert.match(line, /^[012] |^\d+ (?:pipe:|\/dev\/null|\/proc\/)/, open)
  })

  test('replaces a worker that was killed, and the sessions of the other go on', {}, async () => {
    await using server = await serving()
    await using first = await conversation(server.to)
    await using second = await conversation(server.to)
    const [victim = 0, survivor = 0] = servedBy(server.running)
    assert.notEqual(victim, survivor)
    process.kill(victim, 'SIGKILL')
    assert.equal((await withinSeconds(20, first.client.exited, () => 'a session outlived its worker')).code, 255)
    await until('another takes its place', () => server.running.log().match(/^Worker \d+ serves\.$/gm)?.length === 3)
    assert.match(server.running.log(), new RegExp(`^Worker ${victim} was ended by SIGKILL; another takes its place`, 'm'))
    second.client.stdin.write('you\n')
    await second.screen.shows(/heard you/)
    for (let i = 0; i < 2; i++) assert.equal(await says(server.to, 'echo in'), 'in\n')
    const [, , ...later] = servedBy(server.running)
    assert.equal(new Set(later).size, 2)
    assert.ok(later.includes(survivor) && !later.includes(victim))
    second.client.stdin.end()
    assert.equal((await second.client.exited).code, 0)
  })

  test('ends all at SIGTERM, and leaves no process and no PidFile', {}, async () => {
    await using server = await serving()
    await using session = await conversation(server.to)
    const below = server.running.descendants()
    assert.ok(below.length >= 3, 'two workers and a session')
    server.running.kill('SIGTERM')
    assert.deepEqual(await withinSeconds(20, server.running.exited, () => 'it did not end'), { code: 0, signal: null })
    assert.equal((await session.client.exited).code, 255)
    await until('all its processes have gone', () => below.every(pid => !existsSync(`/proc/${pid}`)))
    assert.equal(existsSync(server.pidFile), false)
  })

  test('its workers end when the process that leads is killed', {}, async () => {
    await using server = await serving()
    const below = server.running.descendants()
    server.running.kill('SIGKILL')
    await server.running.exited
    await until('they have gone', () => below.every(pid => !existsSync(`/proc/${pid}`)))
  })

  test('reads its configuration again in every worker at SIGHUP, and sessions go on', {}, async () => {
    await using server = await serving(['SetEnv WHEN=before'])
    await using session = await conversation(server.to)
    server.write(['SetEnv WHEN=after'])
    server.running.kill('SIGHUP')
    await until('both have read it', () => server.running.log().match(/^\[\d+\] Received SIGHUP/gm)?.length === 2)
    let said: string[] = []
    for (let tries = 0; tries < 50 && said.join('') !== 'after\nafter\n'; tries++)
      said = [await says(server.to, 'echo $WHEN'), await says(server.to, 'echo $WHEN')]
    assert.deepEqual(said, ['after\n', 'after\n'])
    session.client.stdin.write('again\n')
    await session.screen.shows(/heard again/)
  })

  test('says once that a port is taken, and ends with 1', {}, async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const config = freshFile('sshd_config', serverConfig({ accepts, config: ['Workers 3'] }, port), 0o644)
    const { code, stderr } = await finish(world().enter(nacre('sshd', '-D', '-e', '-f', config)))
    taken.close()
    assert.equal(code, 1)
    assert.equal(stderr.match(/Cannot bind any address/g)?.length, 1, stderr)
    assert.equal(stderr.match(/^Bind to port/gm)?.length, 1, stderr)
  })

  test('turns away by MaxStartups, which its workers share', {}, async () => {
    await using server = await serving(['MaxStartups 4'])
    const sockets = Array.from({ length: 8 }, () => connect(server.port, '127.0.0.1'))
    const greetings = await Promise.all(
      sockets.map(async socket => {
        const [bytes] = (await once(socket, 'data')) as [Buffer]
        return bytes.toString()
      }),
    )
    for (const socket of sockets) socket.destroy()
    const welcome = greetings.filter(text => text.startsWith('SSH-2.0-'))
    assert.deepEqual([welcome.length, greetings.length - welcome.length], [4, 4], greetings.join())
  })

  test('goes to the background as one', {}, async () => {
    const log = freshPath('log')
    const server = await sshd([], ['-E', log])
    assert.equal((await withinSeconds(20, server.running.exited, () => 'it stayed')).code, 0, server.running.log())
    const leader = Number(readFileSync(server.pidFile, 'utf8'))
    try {
      for (let i = 0; i < 2; i++) assert.equal(await says(server.to, 'echo in'), 'in\n')
      const pids = new Set([...readFileSync(log, 'utf8').matchAll(/^\[(\d+)\] Accepted/gm)].map(([, pid]) => pid))
      assert.equal(pids.size, 2)
    } finally {
      process.kill(leader, 'SIGTERM')
    }
    await until('it has gone', () => !existsSync(`/proc/${leader}`))
    assert.equal(existsSync(server.pidFile), false)
  })

  test('-d serves one connection in one process', {}, async () => {
    await using server = await sshd([], ['-d'])
    await until('it listens', () => server.running.log().includes('Server listening'))
    assert.match(await says(server.to, 'echo in'), /^in\n/)
    assert.equal((await withinSeconds(20, server.running.exited, () => 'it went on')).code, 0)
    assert.doesNotMatch(server.running.log(), /Worker/)
  })
})

describe('runWorkers in a program of one’s own', () => {
  const program = fileURLToPath(new URL('sites/workers.ts', import.meta.url))
  const run = (...words: readonly string[]): Promise<Running> =>
    start([process.execPath, '--conditions=nacre-source', '--disable-warning=ExperimentalWarning', program, ...words], { name: 'program' })
  const answers = async (port: number): Promise<string> => {
    const socket = connect(port, '127.0.0.1')
    const [bytes] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    return bytes.toString('latin1').split('\r\n')[0] ?? ''
  }

  test('serves from all, passes on the signals it is told to, and comes back when all have ended', {}, async () => {
    const port = await freePort()
    await using running = await run(String(port))
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    await screen.shows(/all serve/)
    const said = await Promise.all(Array.from({ length: 4 }, () => answers(port)))
    assert.equal(new Set(said).size, 2)
    for (const each of said) assert.match(each, /^SSH-2\.0-\S+ worker-\d+$/)
    running.kill('SIGUSR2')
    await screen.shows(/got SIGUSR2[\s\S]*got SIGUSR2/)
    running.kill('SIGINT')
    assert.deepEqual(await withinSeconds(20, running.exited, () => 'it did not end'), { code: 7, signal: null })
    assert.match(screen.text, /disposed[\s\S]*disposed[\s\S]*came back/)
  })

  test('gives the error of the first worker to whoever called it', {}, async () => {
    await using running = await run('nowhere')
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    assert.equal((await withinSeconds(20, running.exited, () => 'it did not end')).code, 8)
    assert.match(screen.text, /ConfigError: There is no port\./)
  })

  test('kills who takes longer than its patience', {}, async () => {
    const port = await freePort()
    await using running = await run(String(port), 'stubborn')
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    await screen.shows(/all serve/)
    running.kill('SIGTERM')
    assert.equal((await withinSeconds(20, running.exited, () => 'it did not end')).code, 7)
    assert.match(screen.text, /was ended by SIGKILL/)
  })
})
