// `nacre sshd` as a program of its own: checks, one connection on pipes, and a server that reloads and stops.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ClientConnection, connectOver, credentials, fromDuplex, insecureAcceptAnyHostKey, nodeRuntime } from 'nacre'
import { generateKeyNumbers, nodeCrypto } from 'nacre/crypto/node'
import { createSigner, formatPublicKeyLine, PrivateKey, writeOpensshPrivateKey } from 'nacre/keys'
import { parseTranscript, replay } from 'nacre/testing'
import { connect as tcpConnect } from 'node:net'
import { temporaryFolder } from './world.ts'

const program = fileURLToPath(new URL('sshd-program.ts', import.meta.url))
const node = [
  ...process.execArgv.filter(each => each.startsWith('--conditions')),
  '--conditions=nacre-source',
  '--disable-warning=ExperimentalWarning',
  program,
]

/** A folder with a host key, a key that may log in, and a configuration. */
const site = async (config = '') => {
  const folder = temporaryFolder()
  const path = (name: string): string => join(folder.path, name)
  const host = new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }))
  const own = new PrivateKey(await generateKeyNumbers({ kind: 'ed25519' }))
  writeFileSync(path('host'), writeOpensshPrivateKey(nodeCrypto(), host), { mode: 0o600 })
  writeFileSync(path('keys'), `${formatPublicKeyLine(own.publicKey)}\n`, { mode: 0o600 })
  const usual = [
    `HostKey ${path('host')}`,
    `AuthorizedKeysFile ${path('keys')}`,
    'StrictModes no',
    'PermitRootLogin yes',
    `PidFile ${path('pid')}`,
  ]
  writeFileSync(path('config'), `${usual.join('\n')}\n${config}`)
  const logIn = (duplex: Duplex): Promise<ClientConnection> =>
    connectOver(
      fromDuplex(duplex),
      {
        user: userInfo().username,
        host: 'test',
        port: 22,
        hostKey: insecureAcceptAnyHostKey,
        identities: credentials({ signers: [createSigner(nodeCrypto(), own, 'test')] }),
      },
      nodeRuntime(),
    )
  return { path, logIn, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

const run = (...argv: readonly string[]) => spawnSync(process.execPath, [...node, ...argv], { encoding: 'utf8', timeout: 20_000 })

/** Resolves when the text has come on standard error. */
const seen = (child: ChildProcess, text: string | RegExp): Promise<string> =>
  new Promise((resolve, reject) => {
    let all = ''
    child.stderr?.on('data', bytes => {
      all += bytes
      if (all.search(text) >= 0) resolve(all)
    })
    child.once('exit', () => reject(new Error(`it ended without saying ${text}: ${all}`)))
  })

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  return port
}

describe('a check', () => {
  test('-t says nothing when all is well', async () => {
    using it = await site()
    const { status, stdout, stderr } = run('-t', '-f', it.path('config'))
    assert.deepEqual([status, stdout, stderr], [0, '', ''])
  })
  test('-t names file and line of what is wrong, and gives 1', async () => {
    using it = await site('PasswordAuthentication maybe\n')
    const { status, stderr } = run('-t', '-f', it.path('config'))
    assert.equal(status, 1)
    assert.match(stderr, /config line 6: PasswordAuthentication must be yes or no/)
  })
  test('-t finds an algorithm nobody knows', async () => {
    using it = await site('Ciphers rot13\n')
    const { status, stderr } = run('-t', '-f', it.path('config'))
    assert.equal(status, 1)
    assert.match(stderr, /rot13/)
  })
  test('-T prints what holds', async () => {
    using it = await site('MaxSessions 3\n')
    const { status, stdout } = run('-T', '-f', it.path('config'), '-o', 'MaxAuthTries=2')
    assert.equal(status, 0)
    assert.match(stdout, /^MaxSessions 3$/m)
    assert.match(stdout, /^MaxAuthTries 2$/m)
  })
  test('-T -C prints what holds for one connection', async () => {
    using it = await site('MaxSessions 3\nMatch User ada Address 10.0.0.0/8\nMaxSessions 4\n')
    const sessions = (...specs: readonly string[]): string | undefined =>
      /^MaxSessions \d+$/m.exec(run('-T', '-f', it.path('config'), ...specs.flatMap(spec => ['-C', spec])).stdout)?.[0]
    assert.equal(sessions('user=ada,addr=10.1.2.3'), 'MaxSessions 4')
    assert.equal(sessions('user=ada', 'addr=10.1.2.3'), 'MaxSessions 4')
    assert.equal(sessions('user=ada,addr=192.0.2.1'), 'MaxSessions 3')
    assert.equal(sessions(), 'MaxSessions 3')
  })
  test('-G prints without host keys; -C is nothing by itself, and has to be facts', async () => {
    using it = await site('HostKey /nonexistent/key\n')
    const { status, stdout } = run('-G', '-f', it.path('config'), '-C', 'user=root')
    assert.equal(status, 0)
    assert.match(stdout, /^HostKey \/nonexistent\/key$/m)
    const alone = run('-f', it.path('config'), '-C', 'user=root')
    assert.equal(alone.status, 1)
    assert.match(alone.stderr, /-C is for -T and -G/)
    const wrong = run('-G', '-f', it.path('config'), '-C', 'somebody=root')
    assert.equal(wrong.status, 1)
    assert.match(wrong.stderr, /-C has "somebody=root"; it takes user=/)
  })
  test('-t says what has no effect, also in blocks, and finds a command without its user', async () => {
    using it = await site('Match User ada\nLogVerbose *\n')
    const { status, stderr } = run('-t', '-f', it.path('config'))
    assert.equal(status, 0)
    assert.match(stderr, /config line \d+: LogVerbose has no effect: its patterns/)
    using lacking = await site('AuthorizedKeysCommand /usr/bin/true\n')
    const found = run('-t', '-f', lacking.path('config'))
    assert.equal(found.status, 1)
    assert.match(found.stderr, /AuthorizedKeysCommand is set without AuthorizedKeysCommandUser/)
  })
  test('a wrong letter gives the usage and 1', () => {
    const { status, stderr } = run('-x')
    assert.equal(status, 1)
    assert.match(stderr, /unknown option -- x\nusage: sshd /)
  })
})

test('-i serves one connection on pipes, however much passes through', async () => {
  using it = await site()
  const child = spawn(process.execPath, [...node, '-i', '-e', '-f', it.path('config')], { stdio: 'pipe' })
  using _ = { [Symbol.dispose]: () => void child.kill('SIGKILL') }
  const exited = once(child, 'exit')
  const client = await it.logIn(Duplex.from({ readable: child.stdout, writable: child.stdin } as unknown as Duplex))
  const { stdout } = await client.run('echo "$SSH_CONNECTION"')
  assert.equal(stdout, 'UNKNOWN 65535 UNKNOWN 65535\n')
  const input = Uint8Array.from({ length: 3_000_001 }, (_, index) => (index * 2654435761) >>> 24)
  assert.equal(Buffer.compare((await client.run('cat', { input })).stdoutBytes, input), 0)
  await client.close()
  assert.deepEqual(await exited, [0, null])
})

test('a server reloads on SIGHUP while sessions go on, keeps the old configuration when the new is broken, and ends on SIGTERM', async () => {
  using it = await site()
  const [first, second] = [await freePort(), await freePort()]
  appendFileSync(it.path('config'), `ListenAddress 127.0.0.1:${first}\n`)
  const child = spawn(process.execPath, [...node, '-D', '-e', '-f', it.path('config')], { stdio: ['ignore', 'ignore', 'pipe'] })
  const exited = once(child, 'exit')
  try {
    await seen(child, `Server listening on 127.0.0.1 port ${first}.`)
    // The file is written once all ports are open, which is a moment after the line about each.
    while (!existsSync(it.path('pid')) || readFileSync(it.path('pid'), 'utf8') === '') await new Promise(resolve => setTimeout(resolve, 10))
    assert.equal(readFileSync(it.path('pid'), 'utf8'), `${child.pid}\n`)
    const before = await it.logIn(tcpConnect(first, '127.0.0.1'))
    const process = await before.exec('read line; echo "$line"; exit 4')
    appendFileSync(it.path('config'), `ListenAddress 127.0.0.1:${second}\nForceCommand echo forced\n`)
    child.kill('SIGHUP')
    await seen(child, `Server listening on 127.0.0.1 port ${second}.`)
    const after = await it.logIn(tcpConnect(second, '127.0.0.1'))
    assert.equal((await after.run('echo free')).stdout, 'forced\n')
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await process.write(new TextEncoder().encode('still here\n'))
    assert.deepEqual([await process.exited, text], [{ code: 4 }, 'still here\n'])
    appendFileSync(it.path('config'), 'Nonsense yes\n')
    child.kill('SIGHUP')
    await seen(child, /new configuration is not used: .*config line 9/)
    await (await it.logIn(tcpConnect(first, '127.0.0.1'))).close()
    child.kill('SIGTERM')
    assert.equal((await after.closed).by, 'peer')
    assert.deepEqual(await exited, [0, null])
    assert.equal(existsSync(it.path('pid')), false)
  } finally {
    child.kill('SIGKILL')
  }
})

test('without -D it goes to the background once it listens, and says why when it cannot', async () => {
  using it = await site()
  const port = await freePort()
  appendFileSync(it.path('config'), `ListenAddress 127.0.0.1:${port}\n`)
  const started = run('-f', it.path('config'), '-E', it.path('log'))
  assert.deepEqual([started.status, started.stderr], [0, ''])
  const pid = Number(readFileSync(it.path('pid'), 'utf8'))
  try {
    const client = await it.logIn(tcpConnect(port, '127.0.0.1'))
    assert.equal((await client.run('echo hello')).stdout, 'hello\n')
    await client.close()
    const again = run('-f', it.path('config'), '-E', it.path('log2'), '-o', 'PidFile=none')
    assert.equal(again.status, 1)
    const why = [
      'Cannot bind any address.',
      `Bind to port ${port} on 127.0.0.1 failed: Address already in use.`,
      'Another program listens there (ss -ltnp says which): stop it, or choose another port with -p or Port.',
    ].join('\n')
    assert.equal(again.stderr, `sshd: ${why}\n`)
    // The log knows too, and says it once.
    assert.equal(readFileSync(it.path('log2'), 'utf8').split('Bind to port').length, 2)
  } finally {
    process.kill(pid, 'SIGTERM')
  }
  assert.match(readFileSync(it.path('log'), 'utf8'), /^Accepted publickey for /m)
})

describe('NACRE_TRACE', () => {
  const start = async (it: Awaited<ReturnType<typeof site>>, trace: string) => {
    const port = await freePort()
    appendFileSync(it.path('config'), `ListenAddress 127.0.0.1:${port}\n`)
    const child = spawn(process.execPath, [...node, '-D', '-e', '-f', it.path('config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, NACRE_TRACE: trace },
    })
    await seen(child, 'Server listening')
    return {
      child,
      echo: async (word: string) => {
        const client = await it.logIn(tcpConnect(port, '127.0.0.1'))
        assert.equal((await client.run(`echo ${word} $NACRE_TRACE`)).stdout, `${word}\n`)
        await client.close()
      },
      [Symbol.dispose]: () => void child.kill('SIGKILL'),
    }
  }
  test('writes a transcript of each connection, counts on over a reload, and is no variable of sessions', async () => {
    using it = await site()
    using server = await start(it, it.path('trace'))
    await server.echo('one')
    server.child.kill('SIGHUP')
    await seen(server.child, 'Received SIGHUP')
    await server.echo('two')
    await server.echo('three')
    for (const number of [1, 2, 3]) {
      const file = it.path(`trace.${number}`)
      const text = readFileSync(file, 'utf8')
      assert.equal(statSync(file).mode & 0o777, 0o600)
      assert.equal(replay(parseTranscript(text)), undefined)
      assert.match(text, /"event":"ended"/)
    }
    assert.equal(existsSync(it.path('trace.4')), false)
  })
  test('serves and says so when a file cannot be written', async () => {
    using it = await site()
    using server = await start(it, it.path('nowhere/trace'))
    const said = seen(server.child, /NACRE_TRACE: .*ENOENT/)
    await server.echo('one')
    await said
  })
})
