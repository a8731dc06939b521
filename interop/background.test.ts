// Owns `nacre ssh -f`: the program that was started asks and ends once all stands, another goes on by itself.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe } from 'node:test'
import { needsRootForTerminals, openSshServer } from './peers/openssh.ts'
import { freshFolder, freshPath } from './rig/folder.ts'
import { strangerKey, userKey } from './rig/keys.ts'
import { finish, start, withinSeconds } from './rig/process.ts'
import { Screen, terminal } from './rig/screen.ts'
import { test } from './rig/test.ts'
import { nacre, nacreSsh, nacreSshCommand } from './sites/commands.ts'

const accepts = { keys: [userKey()] }

const until = async (what: () => boolean, why: string): Promise<void> => {
  let over = false
  const look = async (): Promise<void> => {
    while (!over && !what()) await new Promise(resolve => setTimeout(resolve, 20))
  }
  try {
    await withinSeconds(15, look(), () => why)
  } finally {
    over = true
  }
}

describe('-f', () => {
  test('ends with 0 once logged in, and the command goes on and writes to our output', {}, async () => {
    await using server = await openSshServer({ accepts })
    const [first, second] = [freshPath('first'), freshPath('second')]
    const command = `until [ -e ${first} ]; do sleep 0.05; done; echo "from there"; echo done >${second}`
    const { command: words, options } = nacreSshCommand({ to: server.to, login: { key: userKey() }, command, options: ['-f'] })
    // Whoever reads our output reads until the other process has ended too.
    const out = freshPath('out')
    const quoted = words.map(each => `'${each.replaceAll("'", `'\\''`)}'`).join(' ')
    const result = await finish(['sh', '-c', `chmod 1777 "$(dirname ${first})"; ${quoted} >${out} 2>${out}.err; echo "left $?"`], options)
    assert.equal(result.stdout.toString(), 'left 0\n', result.stderr)
    assert.equal(readFileSync(out, 'utf8'), '')
    assert.equal((await finish(['touch', first])).code, 0)
    await until(() => existsSync(second) && readFileSync(out, 'utf8') === 'from there\n', 'the command did not go on')
  })

  test('ends with 255, and tells why, when it cannot log in', {}, async () => {
    await using server = await openSshServer({ accepts })
    const result = await nacreSsh.run({ to: server.to, login: { key: strangerKey() }, command: 'true', options: ['-f'] })
    assert.equal(result.code, 255)
    assert.match(result.stderr, /publickey/)
  })

  test('needs a command, or -N', {}, async () => {
    const result = await finish(nacre('ssh', '-F', 'none', '-f', 'x@127.0.0.1'))
    assert.equal(result.code, 255)
    assert.match(result.stderr, /-f needs a command, or -N/)
  })

  test('asks at the terminal it was started at', { skip: needsRootForTerminals() }, async () => {
    const key = userKey('ed25519', 'a pass phrase')
    await using server = await openSshServer({ accepts: { keys: [key] } })
    const done = freshPath('done')
    const { command: words, options } = nacreSshCommand({
      to: server.to,
      login: { key },
      command: 'sleep 0.3; tty || true',
      options: ['-f'],
    })
    const quoted = words.map(each => `'${each}'`).join(' ')
    const line = `stty -g; ${quoted}; echo "left $?"; stty -g; sleep 1; stty -echo; sleep 1; stty -g >${done}; stty -g`
    await using running = await start([...terminal, 'sh', '-c', line], {
      ...options,
      env: { ...options.env, SSH_ASKPASS_REQUIRE: 'never' },
    })
    const screen = new Screen()
    running.stdout.on('data', (bytes: Buffer) => screen.add(bytes))
    await screen.shows(/Enter passphrase for key/)
    running.stdin.write('a pass phrase\r')
    await screen.shows(/left 0/)
    await screen.shows(/not a tty/)
    assert.ok(!screen.text.includes('a pass phrase'))
    await withinSeconds(10, running.exited, () => 'the shell did not end')
    const settings = screen.text.split(/\r?\n/).filter(each => /^[0-9a-f]+(:[0-9a-f]+)+$/.test(each))
    assert.equal(settings.length, 3, screen.text)
    assert.equal(settings[0], settings[1], 'the question left the terminal as it was')
  })

  test('is over when who was started is killed before it stands', {}, async () => {
    await using server = await openSshServer({ accepts })
    const { command: words, options } = nacreSshCommand({
      to: server.to,
      login: { key: userKey() },
      command: 'sleep 600',
      options: ['-f', 'PermitLocalCommand=yes', 'LocalCommand=sleep 600'],
    })
    await using running = await start(words, options)
    await until(() => running.descendants().length >= 2, 'the local command did not start')
    const others = running.descendants()
    running.kill('SIGKILL')
    const alive = (): readonly number[] =>
      others.filter(pid => existsSync(`/proc/${pid}`) && !/ Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')))
    // The local command is the person's own and goes on; nothing of ours does.
    await until(() => alive().every(pid => !readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('nacre.js')), 'a process of ours is left')
    for (const pid of alive()) process.kill(pid, 'SIGKILL')
  })
})

describe('-y', () => {
  test('sends messages to the system log, and nothing to standard error', {}, async () => {
    await using server = await openSshServer({ accepts })
    // A logger of our own, which Node finds first.
    const [bin, kept] = [freshFolder('bin'), freshPath('logged')]
    writeFileSync(`${bin}/logger`, `#!/bin/sh\necho "$@" >>${kept}\nexec cat >>${kept}\n`, { mode: 0o755 })
    const { command, options } = nacreSshCommand({
      to: server.to,
      login: { key: userKey() },
      command: 'echo theirs >&2',
      options: ['-y', '-v', 'SyslogFacility=LOCAL3'],
    })
    const env = { ...options.env, PATH: `${bin}:/usr/bin:/bin` }
    const result = await finish(command, { ...options, env })
    assert.equal(result.stderr, 'theirs\n')
    await until(() => existsSync(kept) && /debug1: .*logged in/.test(readFileSync(kept, 'utf8')), 'the log was not written')
    // LOCAL3 is facility 19, and debugging priority 7.
    assert.match(readFileSync(kept, 'utf8'), /^--tag ssh\[\d+\][^]*<159>debug1: /)
  })
})
