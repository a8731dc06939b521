// Owns `nacre ssh` in the hands of a person whose shell has job control: escape sequences, suspending and going on, the size, and
// the terminal as it was, however a session ends.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe } from 'node:test'
import { needsRootForTerminals, openSshServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { descendantsOf } from './rig/process.ts'
import { test } from './rig/test.ts'
import { type Seat, seat, typedLine } from './rig/tmux.ts'
import { nacreSshCommand } from './sites/commands.ts'

const login = { key: userKey() }
const theirs = (): Promise<PeerServer> => openSshServer({ accepts: { keys: [userKey()] } })

interface Visit extends AsyncDisposable {
  readonly at: Seat
  /** What `stty -a` said before. */
  readonly before: string
  /** `stty -a` says the same now. */
  unchanged(): Promise<void>
  /** The process of `nacre ssh`. */
  ssh(): number
}

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    return ''
  }
}

/** The first line a server says. */
const greetingOf = async (port: number): Promise<string> => {
  const socket = connect(port, '127.0.0.1')
  try {
    for await (const bytes of socket) return String(bytes)
    return ''
  } finally {
    socket.destroy()
  }
}

let marks = 0

/** Sits down, looks at the terminal, and starts `nacre ssh`; resolves once the shell there answers. */
const visit = async (server: PeerServer, options: readonly string[] = []): Promise<Visit> => {
  const { command, options: how } = nacreSshCommand({ to: server.to, login, command: undefined, options })
  const at = await seat({ env: { ...how.env, SSH_ASKPASS_REQUIRE: 'never' } })
  const settings = async (): Promise<string> => {
    const mark = `mark${++marks}`
    await at.type(`clear; stty -a; echo ${mark.slice(0, 2)}''${mark.slice(2)}\r`)
    const shown = await at.shows(new RegExp(`^${mark}$`, 'm'))
    return shown
      .slice(shown.indexOf('speed'), shown.indexOf(`\n${mark}`))
      .replaceAll(/rows \d+; columns \d+;|Connection to \S+ closed\./g, '')
      .replaceAll(/\s+/g, ' ')
  }
  await at.shows(/READY\$/)
  const before = await settings()
  assert.match(before, /intr = \^C/)
  await at.type(`${typedLine(command)}; echo "[left $?]"\r`)
  await at.type("PS1='THERE$ '; echo $((40 + 2))ok\r")
  await at.shows(/42ok/)
  return {
    at,
    before,
    unchanged: async () => assert.equal(await settings(), before),
    ssh: () => {
      const found = descendantsOf(at.shell).find(pid => /nacre\.js ssh/.test(commandOf(pid)))
      assert.ok(found !== undefined, 'nacre ssh runs')
      return found
    },
    [Symbol.asyncDispose]: () => at[Symbol.asyncDispose](),
  }
}

describe('a person at a shell with job control', { skip: needsRootForTerminals() }, () => {
  test('~. leaves, and the terminal is as it was', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    await here.at.type('\r~.')
    await here.at.shows(/\[left 255\]/)
    await here.unchanged()
  })

  test('~^Z stops it, fg goes on, and both have their terminal', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    await here.at.type('\r~\x1a')
    await here.at.shows(/\[suspend ssh\][^]*Stopped[^]*READY\$/)
    await here.unchanged()
    await here.at.resize(111, 33)
    await here.at.type('fg\r')
    // Raw mode again: what is typed is echoed by the other side, and it knows the new size.
    await here.at.shows(/nacre\.js/)
    await here.at.type('\rstty size; echo $((40 + 3))on\r')
    assert.match(await here.at.shows(/43on/), / 33 111$/m)
    await here.at.type('exit 5\r')
    await here.at.shows(/closed\.\n+READY\$/)
    await here.at.type('echo "[code $?]"\r')
    await here.at.shows(/^\[code 5\]/m)
    await here.unchanged()
  })

  test('~? tells what there is, ~# what is open, ~v and ~V change how much is said', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    await here.at.type('\r~?')
    const help = await here.at.shows(/at the start of a line only/)
    for (const each of ['~.', '~B', '~C', '~R', '~V', '~v', '~^Z', '~#', '~&', '~?', '~~']) assert.ok(help.includes(` ${each} `), each)
    await here.at.type('\r~#')
    await here.at.shows(/The following connections are open:\s+#0 session/)
    await here.at.type('\r~v')
    await here.at.shows(/~v \[LogLevel VERBOSE\]/)
    await here.at.type('\r~V')
    await here.at.shows(/~V \[LogLevel INFO\]/)
    await here.at.type('\r~R')
    await here.at.type('echo $((40 + 4))keys\r')
    await here.at.shows(/44keys/)
  })

  test('~C is closed unless it is opened, and then reads a line', {}, async () => {
    await using server = await theirs()
    await using shut = await visit(server)
    await shut.at.type('\r~C')
    await shut.at.shows(/commandline disabled/)
    await using open = await visit(server, ['EnableEscapeCommandline=yes', 'PermitLocalCommand=yes'])
    await open.at.type('\r~C')
    await open.at.shows(/ssh> /)
    await open.at.type('h\r')
    await open.at.shows(/-KD\[bind_address:\]port/)
    await open.at.type('\r~C')
    await open.at.shows(/-KD[^]*ssh> $/m)
    await open.at.type('!echo $((40 + 5))here\r')
    await open.at.shows(/45here/)
    await open.at.type('\r~C')
    await open.at.shows(/^45here[^]*ssh> /m)
    await open.at.type('nonsense\r')
    await open.at.shows(/Invalid command/)
    await open.at.type('\r~C')
    await open.at.shows(/Invalid command[^]*ssh> /)
    await open.at.type('\x03')
    await open.at.shows(/Invalid command[^]*ssh> (\^C)?\n/)
    await open.at.type('echo $((40 + 6))still\r')
    await open.at.shows(/46still/)
  })

  test('~C forwards, ~# tells of it, and ~C ends it', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server, ['EnableEscapeCommandline=yes'])
    const port = await freePort()
    const forward = `${port}:127.0.0.1:${server.to.port}`
    await here.at.type('\r~C')
    await here.at.shows(/ssh> /)
    await here.at.type(`-L ${forward}\r`)
    await here.at.shows(/Forwarding port\./)
    assert.match(await greetingOf(port), /^SSH-2\.0-OpenSSH/)
    await here.at.type('\r~#')
    await here.at.shows(new RegExp(`connections are open:[^]*local \\S*${port}`))
    await here.at.type('\r~C')
    await here.at.shows(/are open:[^]*ssh> /)
    await here.at.type(`-KL ${port}\r`)
    await here.at.shows(/Canceled forwarding\./)
    await assert.rejects(greetingOf(port), /ECONNREFUSED/)
  })

  test('~& leaves the shell of the person alone, and the session ends by itself', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    const ssh = here.ssh()
    await here.at.type('\r~&')
    await here.at.shows(/\[backgrounded\][^]*READY\$/)
    await here.unchanged()
    const until = Date.now() + 10_000
    while (commandOf(ssh) !== '' && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 100))
    assert.equal(commandOf(ssh), '', 'it ended when the shell there did')
    await here.unchanged()
  })

  test('another size is told', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    await here.at.resize(90, 25)
    await here.at.type('sleep 0.3; stty size\r')
    await here.at.shows(/25 90$/m)
  })

  test('kill -9 of the shell there is an end like others', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    await here.at.type('kill -9 $$\r')
    await here.at.shows(/ended by signal KILL[^]*\[left 255\]/)
    await here.unchanged()
  })

  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const)
    test(`${signal} ends it with 255, and the terminal is as it was`, {}, async () => {
      await using server = await theirs()
      await using here = await visit(server)
      process.kill(here.ssh(), signal)
      await here.at.shows(/\[left 255\]/)
      await here.unchanged()
    })

  test('a server that is gone is an end with 255, and the terminal is as it was', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server)
    await server[Symbol.asyncDispose]()
    await here.at.shows(/\[left 255\]/)
    await here.unchanged()
  })

  test('keys are hidden among others, and arrive', {}, async () => {
    await using server = await theirs()
    await using here = await visit(server, ['ObscureKeystrokeTiming=interval:30'])
    for (const key of 'echo $((40 + 7))typed\r') await here.at.type(key)
    await here.at.shows(/47typed/)
    await here.at.type('exit 3\r')
    await here.at.shows(/\[left 3\]/)
    await here.unchanged()
  })
})
