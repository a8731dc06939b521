// Sessions as a client sees them: real processes behind a real connection, joined in memory.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type ClientConnection, RequestRefusedError } from 'nacre'
import { formatPublicKeyLine } from 'nacre/keys'
import { accountAt, authorize, newKey, temporaryFolder, world, type WorldOptions } from './world.ts'

const key = await newKey()

/** A client that is logged in by a key with these options in front. */
const session = async (options: WorldOptions & { readonly prefix?: string; readonly shell?: string } = {}) => {
  const folder = temporaryFolder()
  const account = { ...accountAt(folder.path), shell: options.shell ?? '/bin/sh' }
  authorize(account, [`${options.prefix ?? ''}${formatPublicKeyLine(key.publicKey)}`])
  const server = await world(account, options)
  const client = await server.logIn({ signers: [key] })
  return {
    client,
    account,
    errors: server.errors,
    async [Symbol.asyncDispose]() {
      void client.close()
      await server[Symbol.asyncDispose]()
      folder[Symbol.dispose]()
    },
  }
}

/** One that has ended and waits to be noticed by its parent, which need not be us, is not alive. */
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/** Waits until it is so; the runner's own limit ends a wait that is in vain. */
const until = async (so: () => boolean): Promise<void> => {
  while (!so()) await delay(5)
}

/** What a terminal shows, to the end. */
const shown = async (client: ClientConnection, command: string | undefined, size = { columns: 80, rows: 24 }): Promise<string> => {
  const process = command === undefined ? await client.shell({ pty: size }) : await client.exec(command, { pty: size })
  let text = ''
  process.tap({
    stdout: bytes => void (text += new TextDecoder().decode(bytes)),
    stderr: () => assert.fail('a terminal has no standard error'),
  })
  if (command === undefined) void process.write(new TextEncoder().encode('echo "$0"; exit 3\n'))
  await process.exited
  return text
}

describe('a command', () => {
  test('runs in the home by the shell, with outputs apart and its exit code', async () => {
    await using it = await session()
    const { stdout, stderr, exit } = await it.client.run('pwd; echo wrong >&2; exit 7')
    assert.deepEqual([stdout, stderr, exit], [`${it.account.home}\n`, 'wrong\n', { code: 7 }])
  })
  test('has the environment of a login and nothing of the server’s', async () => {
    process.env.NACRE_TEST_LEAK = 'leaked'
    await using it = await session({ rules: { acceptEnv: ['LANG', 'LC_*'], setEnv: { GREETING: 'hi' } } })
    const { stdout } = await it.client.run('env', { env: { LANG: 'C.UTF-8', LD_PRELOAD: '/tmp/x.so', HOME: '/' } })
    delete process.env.NACRE_TEST_LEAK
    const found = Object.fromEntries(stdout.split('\n').flatMap(line => (line.includes('=') ? [line.split('=', 2)] : [])))
    assert.equal(found.HOME, it.account.home)
    assert.deepEqual([found.LANG, found.GREETING, found.LD_PRELOAD, found.NACRE_TEST_LEAK], ['C.UTF-8', 'hi', undefined, undefined])
    assert.equal(found.SSH_CONNECTION, '192.0.2.7 50022 192.0.2.1 22')
    assert.equal(found.SSH_TTY, undefined)
  })
  test('can open its streams by name', async () => {
    await using it = await session()
    const { stdout, stderr } = await it.client.run('echo out >/dev/stdout; echo err >/dev/stderr; cat /dev/stdin', { input: 'in' })
    assert.deepEqual([stdout, stderr], ['out\nin', 'err\n'])
  })
  test('sees the end of its input, and goes on', async () => {
    await using it = await session()
    assert.equal((await it.client.run('wc -c; echo after', { input: 'four' })).stdout.replaceAll(' ', ''), '4\nafter\n')
  })
  test('that reads nothing does not hold up the end', async () => {
    await using it = await session()
    const { exit } = await it.client.run('exit 5', { input: new Uint8Array(3_000_000) })
    assert.deepEqual(exit, { code: 5 })
  })
  test('passes megabytes through unchanged, both ways at once', async () => {
    await using it = await session()
    const input = Uint8Array.from({ length: 5_000_003 }, (_, index) => (index * 2654435761) >>> 24)
    const { stdoutBytes, exit } = await it.client.run('cat', { input })
    assert.deepEqual(exit, { code: 0 })
    assert.equal(Buffer.compare(stdoutBytes, input), 0)
  })
  test('that ends by a signal says which', async () => {
    await using it = await session()
    const { exit } = await it.client.run('kill -TERM $$')
    assert.deepEqual(exit, { signal: 'TERM', coreDumped: false, message: '' })
  })
  test('that does not exist is told by the shell', async () => {
    await using it = await session()
    const { exit, stderr } = await it.client.run('no-such-command-anywhere')
    assert.deepEqual(exit, { code: 127 })
    assert.match(stderr, /not found/)
  })
  test('ends after what its children still write', async () => {
    await using it = await session()
    assert.equal((await it.client.run('(sleep 0.1; echo late) & echo early')).stdout, 'early\nlate\n')
  })
})

describe('a signal from the client', () => {
  test('reaches all of a pipeline', async () => {
    await using it = await session()
    const process = await it.client.exec('sleep 1000 | sleep 1000; echo no')
    await delay(100)
    process.signal('TERM')
    assert.deepEqual(await process.exited, { signal: 'TERM', coreDumped: false, message: '' })
  })
  test('that is none is passed over', async () => {
    await using it = await session()
    const process = await it.client.exec('read line; exit 4')
    process.signal('../../KILL')
    process.signal('STOP')
    await process.stdin.end()
    assert.deepEqual(await process.exited, { code: 4 })
  })
  test('does not reach a command that was forced', async () => {
    await using it = await session({ prefix: 'command="read line; exit 6" ' })
    const process = await it.client.exec('anything')
    process.signal('KILL')
    await process.stdin.end()
    assert.deepEqual(await process.exited, { code: 6 })
  })
})

describe('when the client goes away', () => {
  test('the whole group is hung up', async () => {
    await using it = await session()
    const process = await it.client.exec('sleep 1000 & echo $! $$; wait')
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await until(() => text.includes('\n'))
    const pids = text.trim().split(' ').map(Number)
    assert.ok(pids.every(alive))
    process.close()
    await until(() => !pids.some(alive))
  })
  test('so is a shell on a terminal when the connection ends', async () => {
    await using it = await session()
    const process = await it.client.exec('echo $$; sleep 1000', { pty: { columns: 80, rows: 24 } })
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await until(() => /\d+\r\n/.test(text))
    const pid = Number.parseInt(text, 10)
    void it.client.close()
    await until(() => !alive(pid))
  })
})

describe('a terminal', () => {
  test('has its size, its name, and TERM', async () => {
    await using it = await session()
    const text = await shown(it.client, 'stty size; [ "$SSH_TTY" = "$(tty)" ] && echo same; echo $TERM', { columns: 101, rows: 33 })
    assert.equal(text, '33 101\r\nsame\r\nxterm-256color\r\n')
  })
  test('takes on another size', async () => {
    await using it = await session()
    const process = await it.client.exec('trap "stty size; exit 9" WINCH; echo ready; while :; do sleep 0.05; done', {
      pty: { columns: 80, rows: 24 },
    })
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await until(() => text.includes('ready'))
    process.resize({ columns: 120, rows: 50 })
    assert.deepEqual(await process.exited, { code: 9 })
    assert.match(text, /50 120/)
  })
  test('gives a login shell, which is told so by a dash', async () => {
    await using it = await session()
    assert.match(await shown(it.client, undefined), /-sh\r\n/)
  })
  test('has the modes the client asked for', async () => {
    await using it = await session()
    const process = await it.client.exec('stty -a', { pty: { columns: 80, rows: 24, modes: { ECHO: 0, VINTR: 24 } } })
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await process.exited
    assert.match(text, /intr = \^X;/)
    assert.match(text, /[ \n]-echo[ \r]/)
  })
  test('is refused when the key or the server says so, and commands still run', async () => {
    for (const options of [{ prefix: 'restrict ' }, { prefix: 'no-pty ' }, { rules: { permitTty: false } }]) {
      await using it = await session(options)
      await assert.rejects(it.client.exec('tty', { pty: { columns: 80, rows: 24 } }), RequestRefusedError)
      assert.equal((await it.client.run('tty || echo none')).stdout, 'not a tty\nnone\n')
    }
  })
})

describe('a forced command', () => {
  test('of the key runs instead, and knows what was asked for', async () => {
    await using it = await session({ prefix: 'command="echo forced: $SSH_ORIGINAL_COMMAND" ' })
    assert.equal((await it.client.run('rm -rf /')).stdout, 'forced: rm -rf /\n')
    assert.match(await shown(it.client, undefined), /forced:\r\n/)
  })
  test('of the server beats that of the key', async () => {
    await using it = await session({ prefix: 'command="echo key" ', rules: { forceCommand: 'echo server' } })
    assert.equal((await it.client.run('true')).stdout, 'server\n')
  })
  test('also runs instead of a subsystem', async () => {
    await using it = await session({
      prefix: 'command="echo forced: $SSH_ORIGINAL_COMMAND" ',
      rules: { subsystems: { sftp: '/bin/sftp-server -e' } },
    })
    const process = await it.client.subsystem('sftp')
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await process.exited
    assert.equal(text, 'forced: /bin/sftp-server -e\n')
  })
})

describe('a subsystem', () => {
  test('is a command line run by the shell', async () => {
    await using it = await session({ rules: { subsystems: { upper: 'tr a-z A-Z' } } })
    const process = await it.client.subsystem('upper')
    let text = ''
    process.tap({ stdout: bytes => void (text += new TextDecoder().decode(bytes)), stderr: () => {} })
    await process.write(new TextEncoder().encode('hello'))
    await process.stdin.end()
    await process.exited
    assert.equal(text, 'HELLO')
  })
  for (const name of ['sftp', 'constructor', '__proto__', ''])
    test(`that is not configured is refused: ${JSON.stringify(name)}`, async () => {
      await using it = await session({ rules: { subsystems: { upper: 'tr a-z A-Z' } } })
      await assert.rejects(it.client.subsystem(name), RequestRefusedError)
    })
})

describe('what is not as it should be', () => {
  test('a home that is gone is told, and the command runs elsewhere', async () => {
    await using it = await session()
    const home = it.account.home
    rmSync(home, { recursive: true })
    const { stdout, stderr } = await it.client.run('pwd')
    mkdirSync(home)
    assert.equal(stdout, '/\n')
    assert.match(stderr, /Could not chdir to home directory/)
  })
  test('a shell that is gone after the login is told, and the connection lives on', async () => {
    using folder = temporaryFolder()
    const shell = join(folder.path, 'shell')
    writeFileSync(shell, '#!/bin/sh\nexec /bin/sh "$@"\n', { mode: 0o755 })
    await using it = await session({ shell })
    assert.equal((await it.client.run('echo here')).stdout, 'here\n')
    rmSync(shell)
    const { exit, stderr } = await it.client.run('echo here')
    assert.deepEqual(exit, { code: 1 })
    assert.match(stderr, /could not be started/)
    assert.deepEqual(it.errors, [])
  })
})
