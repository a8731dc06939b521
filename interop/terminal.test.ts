// Owns terminals: size, TERM, modes, echo and resize, with our client at servers that have real ones, and with clients whose
// wishes our server reports.
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import type { Session } from 'nacre/server'
import { dbclient, dbclientCommand, dropbearServer, needsHome } from './peers/dropbear.ts'
import { openSshClient, openSshCommand, openSshServer, needsRootForTerminals } from './peers/openssh.ts'
import type { PeerServer, ServerOptions } from './peers/peer.ts'
import { plink } from './peers/putty.ts'
import { asyncsshClient, asyncsshServer, paramikoClient, paramikoServer, ssh2Client } from './peers/scripted.ts'
import { userKey } from './rig/keys.ts'
import { start, withinSeconds } from './rig/process.ts'
import { Screen, terminal } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreServer, type NacreServer, type Person } from './sites/server.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }

const encoder = new TextEncoder()

const servers: readonly (readonly [string, (options: ServerOptions) => Promise<PeerServer>, string | false])[] = [
  ['OpenSSH', openSshServer, needsRootForTerminals()],
  ['Dropbear', dropbearServer, needsHome()],
  ['paramiko', paramikoServer, false],
  ['AsyncSSH', asyncsshServer, false],
]
for (const [name, startServer, skip] of servers) {
  describe(`our client's terminal at ${name}`, { skip }, () => {
    test('has the size and the name we ask for', {}, async () => {
      await using server = await startServer({ accepts })
      await using connection = await nacreConnect(server.to, login)
      const { stdout } = await connection.run('stty size; echo $TERM; tty >/dev/null && echo a terminal', {
        pty: { columns: 101, rows: 37, term: 'vt220' },
      })
      assert.equal(stdout, '37 101\r\nvt220\r\na terminal\r\n')
    })

    test('is resized', {}, async () => {
      await using server = await startServer({ accepts })
      await using connection = await nacreConnect(server.to, login)
      await using process = await connection.exec('trap "stty size; exit 0" WINCH; stty size; while :; do sleep 0.05; done', {
        pty: { columns: 80, rows: 24 },
      })
      const screen = new Screen()
      process.tap({ stdout: bytes => screen.add(bytes), stderr: bytes => screen.add(bytes) })
      await screen.shows(/24 80/)
      process.resize({ columns: 132, rows: 50 })
      await screen.shows(/50 132/)
      assert.deepEqual(await process.exited, { code: 0 })
    })

    test('echoes what is typed, and ends a shell at its end-of-file character', {}, async () => {
      await using server = await startServer({ accepts })
      await using connection = await nacreConnect(server.to, login)
      await using shell = await connection.shell()
      const screen = new Screen()
      shell.tap({ stdout: bytes => screen.add(bytes), stderr: bytes => screen.add(bytes) })
      await shell.stdin.write(encoder.encode('echo $((111 * 9))\r'))
      await screen.shows(/echo \$\(\(111 \* 9\)\)\r\n[^]*999\r\n/)
      await shell.stdin.write(encoder.encode('\u0004'))
      assert.deepEqual(await shell.exited, { code: 0 })
    })
  })
}

describe('modes our client sends', { skip: needsRootForTerminals() }, () => {
  test('reach the terminal', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using connection = await nacreConnect(server.to, login)
    const { stdout } = await connection.run('stty -a', { pty: { columns: 80, rows: 24, modes: { ECHO: 0, VINTR: 7, ONLCR: 0 } } })
    assert.match(stdout, /(?:^|\s)-echo\b/)
    assert.match(stdout, /intr = \^G/)
    assert.match(stdout, /(?:^|\s)-onlcr\b/)
  })

  test('interrupt by a typed character', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using connection = await nacreConnect(server.to, login)
    await using process = await connection.exec('echo ready; exec sleep 60', { pty: { columns: 80, rows: 24 } })
    const screen = new Screen()
    process.tap({ stdout: bytes => screen.add(bytes), stderr: () => {} })
    await screen.shows(/ready/)
    await process.stdin.write(encoder.encode('\u0003'))
    const exit = await process.exited
    assert.equal('signal' in exit ? exit.signal : exit, 'INT')
  })
})

/** Reports the terminal and each new size of it; ends at the first byte of input. */
const report = async (session: Session<Person>): Promise<number> => {
  const { pty } = session
  const say = (text: string): void => void session.write(encoder.encode(text))
  if (pty === undefined) {
    say('no terminal\r\n')
    return 1
  }
  say(`${pty.term} ${pty.columns}x${pty.rows}\r\n`)
  if (session.command === 'report') return 0
  say(`ECHO ${pty.modes.ECHO ?? 'unsaid'}\r\n`)
  const { promise, resolve } = Promise.withResolvers<void>()
  session.onResize(size => say(`resized ${size.columns}x${size.rows}\r\n`))
  session.tap({ stdin: () => resolve(), end: () => resolve() })
  await promise
  return 0
}
const reporting = (): Promise<NacreServer> => nacreServer({ accepts, session: { exec: report, shell: report } })

describe('terminals that clients ask us for', () => {
  for (const client of [paramikoClient, asyncsshClient, ssh2Client]) {
    test(client.name, {}, async () => {
      await using server = await reporting()
      const result = await client.run({ to: server.to, login, command: 'report', pty: true })
      assert.equal(result.stdout.toString(), 'xterm-256color 132x43\r\n', result.stderr)
    })
  }

  test(plink.name, {}, async () => {
    await using server = await reporting()
    // It has no terminal of its own here, so size and name are its defaults.
    const result = await plink.run({ to: server.to, login, command: 'report', pty: true })
    assert.equal(result.stdout.toString(), 'xterm 80x24\r\n', result.stderr)
  })

  for (const [name, commandFor] of [
    [openSshClient.name, openSshCommand],
    [dbclient.name, dbclientCommand],
  ] as const) {
    test(`${name}, in a terminal that is resized`, {}, async () => {
      await using server = await reporting()
      const { command, options } = commandFor({ to: server.to, login, command: undefined })
      await using client = await start([...terminal, ...command], { ...options, env: { ...options.env, TERM: 'screen' } })
      const screen = new Screen()
      client.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
      await screen.shows(/screen 100x30\r\nECHO [1-9]\d*\r\n/)
      client.kill('SIGUSR1')
      await screen.shows(/resized 120x40/)
      client.stdin.write('q')
      const { code } = await withinSeconds(10, client.exited, () => `${name} did not end`)
      assert.equal(code, 0)
    })
  }

  test('are refused where the server gives none', {}, async () => {
    await using server = await nacreServer({ accepts, session: { exec: report, shell: report, pty: false } })
    const { command, options } = openSshCommand({ to: server.to, login, command: undefined })
    await using client = await start([...terminal, ...command], options)
    const screen = new Screen()
    client.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    await screen.shows(/PTY allocation request failed/)
    await screen.shows(/no terminal/)
  })
})
