// Terminals for real: a process, a size, raw bytes both ways, and how it ended.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { describe, test } from 'node:test'
import type { Pty, PtyOptions } from 'nacre/server'
import { openPty, PtyError } from '../src/pty.ts'
import { spawnClean } from '../src/spawn.ts'

const options: PtyOptions = { columns: 80, rows: 24, term: 'xterm', env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, cwd: '/' }
const shell = (script: string, changes: Partial<PtyOptions> = {}): Pty => openPty('/bin/sh', ['-c', script], { ...options, ...changes })

/** Everything a process writes; `want` resolves once the text has come. */
const collect = (pty: Pty) => {
  const chunks: Uint8Array[] = []
  const waiting: { text: string; resolve: () => void }[] = []
  const bytes = (): Buffer => Buffer.concat(chunks)
  const look = (): void => {
    const all = bytes().toString('latin1')
    for (const each of waiting) if (all.includes(each.text)) each.resolve()
  }
  pty.onData(chunk => {
    chunks.push(chunk)
    look()
  })
  return {
    bytes,
    text: () => bytes().toString('latin1'),
    want: (text: string) =>
      new Promise<void>(resolve => {
        waiting.push({ text, resolve })
        look()
      }),
  }
}

describe('a terminal', () => {
  test('has the size asked for, and gives the exit code after the last byte', async () => {
    const pty = shell('stty size; exit 3', { columns: 132, rows: 43 })
    const output = collect(pty)
    assert.deepEqual(await pty.exited, { code: 3 })
    assert.equal(output.text(), '43 132\r\n')
  })

  test('is the controlling terminal of a new session', async () => {
    const pty = shell('tty; test -r /dev/tty && echo owned </dev/tty; ps -o sid= -p $$')
    const output = collect(pty)
    await pty.exited
    const [device, owned, session] = output.text().split('\r\n')
    assert.equal(device, pty.device)
    assert.equal(owned, 'owned')
    assert.equal(Number(session), pty.pid)
  })

  test('changes size and tells the process', async () => {
    const pty = shell('trap "stty size; exit 0" WINCH; echo ready; while :; do read line; done')
    const output = collect(pty)
    await output.want('ready')
    pty.resize(100, 30)
    assert.deepEqual(await pty.exited, { code: 0 })
    assert.match(output.text(), /30 100/)
  })

  test('carries every byte in both directions', async () => {
    const all = Uint8Array.from({ length: 256 }, (_, index) => index)
    const pty = shell('stty raw -echo; echo ready; head -c 256')
    const output = collect(pty)
    await output.want('ready\n')
    await pty.write(all)
    assert.deepEqual(await pty.exited, { code: 0 })
    assert.deepEqual(new Uint8Array(output.bytes().subarray(output.text().indexOf('ready\n') + 6)), all)
  })

  test('sends typed control characters as signals', async () => {
    const pty = shell('echo ready; exec cat')
    const output = collect(pty)
    await output.want('ready')
    await pty.write(Uint8Array.of(3))
    assert.deepEqual(await pty.exited, { signal: 'INT', coreDumped: false, message: '' })
  })

  test('reports the signal that ended its process', async () => {
    const pty = shell('echo ready; exec cat')
    await collect(pty).want('ready')
    pty.kill('TERM')
    assert.deepEqual(await pty.exited, { signal: 'TERM', coreDumped: false, message: '' })
    pty.kill('TERM')
  })

  test('hangs up when it is closed, even if nobody reads', async () => {
    const pty = shell('yes')
    pty.close()
    pty.close()
    assert.deepEqual(await pty.exited, { signal: 'HUP', coreDumped: false, message: '' })
    await pty.write(Uint8Array.of(1))
    pty.resize(1, 1)
  })

  test('sets modes before the process starts, and passes over unknown ones', async () => {
    const pty = shell('stty -a', { modes: { ECHO: 0, VINTR: 7, IXON: 0, VEOL: 255, NOSUCH: 1, IUTF8: 1 } })
    const output = collect(pty)
    await pty.exited
    for (const setting of [/ -echo /, /intr = \^G;/, / -ixon /, /eol = <undef>;/, / iutf8/]) assert.match(output.text(), setting)
  })

  test('gives the process its environment and nothing of ours', async () => {
    process.env.NACRE_TEST_SECRET = 'ours'
    const pty = shell('echo "[$TERM][$GREETING][$NACRE_TEST_SECRET]"; pwd', {
      env: { ...options.env, GREETING: 'a b' },
      term: 'vt100',
      cwd: '/tmp',
    })
    const output = collect(pty)
    await pty.exited
    delete process.env.NACRE_TEST_SECRET
    assert.equal(output.text(), '[vt100][a b][]\r\n/tmp\r\n')
  })

  test('tells a login shell what it is', { skip: !existsSync('/bin/bash') }, async () => {
    const pty = openPty('/bin/bash', ['--norc', '--noprofile', '-c', 'echo $0; shopt -q login_shell && echo login'], {
      ...options,
      argv0: '-bash',
    })
    const output = collect(pty)
    await pty.exited
    assert.match(output.text(), /login/)
  })

  test('a command that does not exist says so on the terminal', async () => {
    const pty = openPty('/does/not/exist', [], options)
    const output = collect(pty)
    assert.deepEqual(await pty.exited, { code: 127 })
    assert.match(output.text(), /not found/)
  })

  test('a folder that does not exist is a typed error', () => {
    assert.throws(
      () => openPty('/bin/sh', [], { ...options, cwd: '/does/not/exist' }),
      (error: unknown) => error instanceof PtyError && error.code === 'PTY' && /could not be started in \/does/.test(error.message),
    )
  })

  test('belongs to the user it was opened for', { skip: process.geteuid?.() !== 0 }, async () => {
    const pty = shell('id -u; id -G; test -w "$(tty)" && echo mine', { uid: 65534, gid: 65534 })
    const output = collect(pty)
    assert.equal(statSync(pty.device).uid, 65534)
    await pty.exited
    assert.deepEqual(output.text().trim().split('\r\n'), ['65534', '65534', 'mine'])
  })
})

describe('back-pressure', () => {
  test('a slow reader gets everything, also what the process wrote before it ended', async () => {
    const pty = shell('stty -opost; head -c 300000 /dev/zero | tr "\\0" x; printf END')
    let count = 0
    let tail = ''
    pty.onData(bytes => {
      count += bytes.length
      tail = (tail + Buffer.from(bytes).toString('latin1')).slice(-3)
      pty.pause()
      setTimeout(() => pty.resume(), 1)
    })
    assert.deepEqual(await pty.exited, { code: 0 })
    assert.equal(count, 300003)
    assert.equal(tail, 'END')
  })

  test('nothing is lost when the reader comes long after the process has gone', async () => {
    const pty = shell('printf 0123456789')
    const started = Date.now()
    while (
      existsSync(`/proc/${pty.pid}`) &&
      !/^State:\s+Z/m.test(execFileSync('cat', [`/proc/${pty.pid}/status`]).toString()) &&
      Date.now() - started < 5000
    )
      await new Promise(resolve => setTimeout(resolve, 5))
    // Longer than the native module's own patience.
    await new Promise(resolve => setTimeout(resolve, 300))
    const output = collect(pty)
    assert.deepEqual(await pty.exited, { code: 0 })
    assert.equal(output.text(), '0123456789')
  })

  test('a paused terminal reads no more than one piece', async () => {
    const pty = shell('yes')
    let count = 0
    pty.onData(bytes => {
      count += bytes.length
      pty.pause()
    })
    while (count === 0) await new Promise(resolve => setTimeout(resolve, 5))
    const seen = count
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.equal(count, seen)
    pty.close()
    await pty.exited
  })
})

describe('processes started by us', { skip: !existsSync('/proc/self/fd') }, () => {
  /** What the descriptors of a child above 2 lead to. */
  const descriptorsOf = async (start: () => ReturnType<typeof spawnClean>): Promise<readonly string[]> => {
    const child = start()
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await new Promise(resolve => child.once('close', resolve))
    return text.trim().split('\n')
  }
  const list = ['-c', 'for f in /proc/$$/fd/*; do readlink $f; done; exit 0']

  test('do not inherit terminals of other sessions', async () => {
    const pty = shell('cat')
    const found = await descriptorsOf(() => spawnClean('/bin/sh', list, { stdio: ['ignore', 'pipe', 'ignore'] }))
    assert.deepEqual(
      found.filter(each => /ptmx|pts/.test(each)),
      [],
    )
    const second = shell('for f in /proc/$$/fd/*; do readlink $f; done')
    const output = collect(second)
    await second.exited
    assert.doesNotMatch(output.text(), /ptmx/)
    assert.ok(!output.text().includes(`${pty.device}\r`), output.text())
    pty.close()
    await pty.exited
  })

  test('are as before when there is nothing to hide', async () => {
    const found = await descriptorsOf(() => spawnClean('/bin/sh', list, { stdio: ['ignore', 'pipe'] }))
    assert.deepEqual(
      found.filter(each => /ptmx|pts/.test(each)),
      [],
    )
    assert.ok(found.length >= 3)
  })
})
