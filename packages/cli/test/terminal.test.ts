// The person's terminal, played by one of ours: what is typed, what is seen, and that it is as it was afterwards.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openPty } from '../src/pty.ts'

const child = fileURLToPath(new URL('terminal-child.ts', import.meta.url))
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' }
const script = `"$0" --conditions=nacre-source --disable-warning=ExperimentalWarning "$1" "$2"; echo "[left $?]"; stty -a; echo done`

/** Starts one act on a new terminal, in a shell that shows the terminal's modes afterwards. */
const play = (act: string) => {
  const pty = openPty('/bin/sh', ['-c', `trap : INT TERM HUP; ${script}`, process.execPath, child, act], {
    columns: 90,
    rows: 33,
    term: 'xterm-256color',
    env,
    cwd: '/',
    modes: { VINTR: 3, ECHO: 1 },
  })
  let seen = ''
  const waiting: { text: string; resolve: () => void }[] = []
  pty.onData(bytes => {
    seen += Buffer.from(bytes).toString('latin1')
    for (const each of waiting) if (seen.includes(each.text)) each.resolve()
  })
  return {
    pty,
    seen: () => seen,
    want: (text: string) => (seen.includes(text) ? Promise.resolve() : new Promise<void>(resolve => waiting.push({ text, resolve }))),
    type: (text: string) => pty.write(Buffer.from(text, 'latin1')),
    /** All that was said with `say`, once the shell is done. */
    end: async (): Promise<readonly unknown[]> => {
      await pty.exited
      assert.match(seen, / icanon /, 'line mode is back')
      assert.match(seen, /[^-]echo /, 'echo is back')
      assert.match(seen, /[^-]opost/, 'output is processed again')
      return [...seen.matchAll(/\n=(.*?)\r?\n/g)].map(each => JSON.parse(each[1]))
    },
  }
}

describe('a session', () => {
  test('asks for the size, TERM and modes of the terminal', async () => {
    const [request] = (await play('request').end()) as [{ columns: number; rows: number; term: string; modes: Record<string, number> }]
    assert.deepEqual([request.columns, request.rows, request.term], [90, 33, 'xterm-256color'])
    assert.deepEqual([request.modes.ECHO, request.modes.VINTR, request.modes.ICANON, request.modes.ONLCR], [1, 3, 1, 1])
  })

  test('lets every byte through, and hears of new sizes', async () => {
    const played = play('session')
    // A line feed stays one: full-screen programs move down with it.
    await played.want('ready a\nb')
    played.pty.resize(120, 40)
    await played.want('{"columns":120,"rows":40}')
    await played.type('\x03\x1a\r\x11\x13\x7fq')
    const said = await played.end()
    assert.deepEqual(said.at(-1), '\x03\x1a\r\x11\x13\x7fq')
    assert.match(played.seen(), /\[left 0\]/)
  })

  test('gives the terminal back when the program throws', async () => {
    const played = play('throws')
    await played.end()
    assert.match(played.seen(), /in the middle/)
    assert.match(played.seen(), /\[left 1\]/)
  })

  for (const [name, status] of [
    ['TERM', 143],
    ['HUP', 129],
    ['QUIT', 131],
  ] as const)
    test(`gives the terminal back when SIG${name} ends it, and ends by it`, async () => {
      const played = play('waits')
      await played.want('ready')
      const [pid] = execFileSync('pgrep', ['-P', String(played.pty.pid)])
        .toString()
        .split('\n')
      process.kill(Number(pid), `SIG${name}`)
      await played.end()
      assert.match(played.seen(), new RegExp(`\\[left ${status}\\]`))
    })
})

describe('a question', () => {
  test('about a secret shows nothing of the answer, and nothing the prompt could do', async () => {
    const played = play('secret')
    await played.want('Password?[31m: ')
    await played.type('hunter2\r')
    assert.deepEqual(await played.end(), ['hunter2'])
    assert.equal(played.seen().split('hunter2').length, 2, 'only what the program said itself')
  })

  test('with echo is edited like any line', async () => {
    const played = play('question')
    await played.want('Name: ')
    await played.type('joe\x7f\x7fane\r')
    assert.deepEqual(await played.end(), ['jane'])
  })

  test('is answered by end of input with nothing', async () => {
    const played = play('secret')
    await played.want('Password')
    await played.type('\x04')
    await played.want('[left')
    assert.match(played.seen(), /\n=\r?\n|\n=undefined|=$/m)
    await played.pty.exited
  })

  test('is given up on ^C, which ends the program unless it listens itself', async () => {
    const played = play('secret')
    await played.want('Password')
    await played.type('\x03')
    await played.end()
    assert.match(played.seen(), /\[left 130\]/)
    const listening = play('listening')
    await listening.want('Password')
    await listening.type('\x03')
    const said = await listening.end()
    assert.deepEqual(said.toSorted(), [[null], 'heard'].toSorted())
  })

  test('needs a terminal, whatever standard input is', { skip: process.platform !== 'linux' }, async () => {
    assert.deepEqual(await play('can').end(), [true])
    const { stdout } = spawnSync('setsid', [process.execPath, '--conditions=nacre-source', child, 'can'], { encoding: 'utf8' })
    assert.match(stdout, /=false/)
  })
})
