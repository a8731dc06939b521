// Owns X11 over a connection, with OpenSSH in either role and an X server that only looks at cookies: who gets in, what the far end is
// told, displays and their numbers, and what is said where something is missing.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import { type OpenSshServerOptions, openSshServer, sshdServer } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { lacks } from './peers/transferrers.ts'
import { freshFile, freshFolder, freshPath } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { withUsers } from './rig/users.ts'
import { needsPrivilege } from './rig/world.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

type Maker = 'OpenSSH' | 'nacre'
const clients = { OpenSSH: ['ssh'], nacre: nacre('ssh') } as const
const servers: Readonly<Record<Maker, (options: OpenSshServerOptions) => Promise<PeerServer>>> = {
  OpenSSH: openSshServer,
  nacre: nacreSshd,
}
/** Those with one of ours at least. */
const pairs: readonly (readonly [Maker, Maker])[] = [
  ['nacre', 'OpenSSH'],
  ['OpenSSH', 'nacre'],
  ['nacre', 'nacre'],
]

const protocol = 'MIT-MAGIC-COOKIE-1'
const cookie = randomBytes(16)

interface XServer extends AsyncDisposable {
  readonly display: string
  /** A list of cookies with its own. */
  readonly authority: string
  readonly accepted: () => number
}

let displays = 4000 + (process.pid % 2000)

/** Says `1 welcome` to who has the cookie, and then all they say back to them; `0 go away` to others. */
const startXServer = async (): Promise<XServer> => {
  displays++
  const [folder, display] = ['/tmp/.X11-unix', `:${displays}`]
  const path = `${folder}/X${displays}`
  if (!existsSync(folder)) {
    mkdirSync(folder)
    chmodSync(folder, 0o1777)
  }
  rmSync(path, { force: true })
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    let held = Buffer.alloc(0)
    const read = (bytes: Buffer): void => {
      held = Buffer.concat([held, bytes])
      if (held.length < 48) return
      socket.off('data', read)
      const name = held.subarray(12, 30).toString('latin1')
      const good = name === protocol && held.subarray(32, 48).equals(cookie)
      if (good) accepted++
      socket.write(good ? '1 welcome' : '0 go away')
      socket.write(held.subarray(48))
      if (good) socket.pipe(socket)
      else socket.end()
    }
    socket.on('data', read)
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  const authority = freshPath('authority')
  execFileSync('xauth', ['-q', '-f', authority, 'add', display, protocol, cookie.toString('hex')], { stdio: 'ignore' })
  return {
    display,
    authority,
    accepted: () => accepted,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** An X client: finds display and cookie as libX11 does, in the order of bytes it is told, and prints what it hears. */
const xClient = freshFile(
  'x-client.py',
  `import os, socket, struct, subprocess, sys
order, wrong = sys.argv[1], 'wrong' in sys.argv
display = os.environ['DISPLAY']
host, rest = display.rsplit(':', 1)
name = 'unix:' + rest if host == 'localhost' else display
listed = subprocess.run(['xauth', 'list', name], capture_output=True, text=True).stdout.split()
cookie = bytes.fromhex(listed[2])
if wrong: cookie = bytes(each ^ 255 for each in cookie)
s = socket.create_connection((host, 6000 + int(rest.split('.')[0])), 20)
s.settimeout(20)
s.sendall((b'l' if order == '<' else b'B') + b'\\0' + struct.pack(order + '5H', 11, 0, 18, 16, 0) + b'MIT-MAGIC-COOKIE-1\\0\\0' + cookie + b' and more')
heard = b''
while not heard.endswith(b'more'):
    part = s.recv(1000)
    if not part: break
    heard += part
print(display, listed[2], heard)
`,
  0o644,
)

const key = userKey()
const accepts = { keys: [key] }
const withX11 = (maker: Maker, config: readonly string[] = [], front = ''): Promise<PeerServer> =>
  servers[maker]({ accepts: { keys: [{ ...key, line: `${front}${key.line}` }] }, config: [...config, 'X11Forwarding yes'] })

interface Asking {
  readonly client: Maker
  readonly options?: readonly string[]
  readonly env?: Record<string, string>
}

const runs = async (x: XServer, { to }: PeerServer, command: string, { client, options = ['-Y'], env = {} }: Asking): Promise<Finished> => {
  const known = freshFile('known_hosts', to.hostKeys.map(line => `[${to.host}]:${to.port} ${line}\n`).join(''))
  const settings = [`UserKnownHostsFile=${known}`, 'GlobalKnownHostsFile=none', 'StrictHostKeyChecking=yes', `IdentityFile=${key.path}`]
  const words = ['-F', 'none', '-n', ...settings.flatMap(each => ['-o', each]), ...options, '-p', String(to.port), `${to.user}@${to.host}`]
  const own = { DISPLAY: x.display, XAUTHORITY: x.authority, SSH_AUTH_SOCK: '', ...env }
  return await finish([...clients[client], ...words, command], { env: own, stdin: '' })
}

/** The environment of the tests is not that of the session. */
const program = (words: string): string => `env -u XAUTHORITY python3 ${xClient} ${words}`

/** A folder everybody may write to. */
const meetingPlace = (): string => {
  const folder = freshFolder('meeting', 0o755)
  chmodSync(folder, 0o777)
  return folder
}

describe('X11', { skip: lacks('xauth') }, () => {
  for (const [client, server] of pairs) {
    const both = `by the ssh of ${client} to the sshd of ${server}`
    test(`${both}: a program gets in with a cookie that is not the real one`, {}, async () => {
      await using x = await startXServer()
      await using there = await withX11(server)
      for (const order of ['<', '>']) {
        const result = await runs(x, there, program(`'${order}'`), { client })
        const said = result.stdout.toString()
        assert.match(said, /^localhost:\d+\.0 [0-9a-f]{32} b'1 welcome and more'\n$/, `${result.stderr}\n${there.process.log()}`)
        assert.ok(!said.includes(cookie.toString('hex')))
      }
      assert.equal(x.accepted(), 2)
    })

    test(`${both}: not with a wrong cookie, which the person is told`, {}, async () => {
      await using x = await startXServer()
      await using there = await withX11(server)
      const result = await runs(x, there, program("'<' wrong"), { client })
      assert.doesNotMatch(result.stdout.toString(), /welcome/)
      assert.match(result.stderr, /X11 connection .*rejected because of wrong authentication/)
      assert.equal(x.accepted(), 0)
    })

    test(`${both}: not unless it is asked for`, {}, async () => {
      await using x = await startXServer()
      await using there = await withX11(server)
      for (const options of [[], ['-Y', '-x'], ['-o', 'ForwardX11Trusted=yes']]) {
        const result = await runs(x, there, 'echo "<$DISPLAY>"', { client, options })
        assert.equal(result.stdout.toString(), '<>\n', `${options.join(' ')} ${result.stderr}`)
      }
    })

    test(`${both}: many programs at once, and another session with a display of its own`, {}, async () => {
      await using x = await startXServer()
      await using there = await withX11(server)
      // Neither ends before both are there.
      const folder = meetingPlace()
      const marks = ['one', 'two'].map(name => join(folder, name))
      const meet = (own: string, other: string): string => `touch ${own}; while [ ! -e ${other} ]; do sleep 0.1; done; `
      const many = `for i in 1 2 3 4 5 6 7 8; do ${program("'<'")} & done; wait`
      const [one, two] = await Promise.all([
        runs(x, there, meet(marks[0], marks[1]) + many, { client }),
        runs(x, there, meet(marks[1], marks[0]) + many, { client }),
      ])
      const lines = (result: Finished): readonly string[] => result.stdout.toString().trim().split('\n')
      for (const result of [one, two]) assert.equal(lines(result).filter(line => line.includes('welcome')).length, 8, result.stderr)
      assert.notEqual(lines(one)[0].split(' ')[0], lines(two)[0].split(' ')[0])
    })
  }
})

/** An xauth that writes down what it is asked, and lists the real cookie. */
const fakeXauth = (): { readonly path: string; readonly log: () => string } => {
  const log = freshPath('xauth.log')
  const path = freshFile(
    'xauth',
    `#!/bin/sh\necho "$@" >> ${log}\ncase "$*" in *list*) echo "x/unix:0  ${protocol}  ${cookie.toString('hex')}";; esac\n`,
    0o755,
  )
  return { path, log: () => readFileSync(log, 'utf8') }
}

describe('untrusted X11', { skip: lacks('xauth') }, () => {
  for (const server of ['OpenSSH', 'nacre'] as const)
    test(`to the sshd of ${server}: the X server makes a cookie for it, and after the time nobody gets in any more`, {}, async () => {
      await using x = await startXServer()
      await using there = await withX11(server)
      const xauth = fakeXauth()
      const command = `${program("'<'")}; sleep 4; ${program("'<'")}`
      const options = ['-X', '-o', 'ForwardX11Timeout=3', '-o', `XAuthLocation=${xauth.path}`]
      const result = await runs(x, there, command, { client: 'nacre', options })
      assert.match(xauth.log(), new RegExp(`^-f \\S+ generate ${x.display} ${protocol} untrusted timeout 63\n-f \\S+ list ${x.display}\n$`))
      assert.equal(result.stdout.toString().split('welcome').length, 2, `${result.stdout.toString()} ${result.stderr}`)
      assert.match(result.stderr, /Rejected X11 connection from .* after ForwardX11Timeout expired/)
    })

  test('is not had where xauth is missing or gets no cookie; the session goes on', {}, async () => {
    await using x = await startXServer()
    await using there = await withX11('nacre')
    for (const [where, words] of [
      ['/nowhere/xauth', /needs xauth, and there is no \/nowhere\/xauth/],
      ['/bin/false', /got no cookie of the X server/],
      ['/bin/true', /got no cookie of the X server/],
    ] as const) {
      const result = await runs(x, there, 'echo "<$DISPLAY>"', { client: 'nacre', options: ['-X', '-o', `XAuthLocation=${where}`] })
      assert.equal(result.stdout.toString(), '<>\n')
      assert.match(result.stderr, words)
    }
  })
})

describe('an rc file of the account', { skip: lacks('xauth') }, () => {
  for (const [maker, sshd] of [
    ['OpenSSH', ['/usr/sbin/sshd']],
    ['nacre', nacre('sshd')],
  ] as const)
    test(`is told of the cookie by the sshd of ${maker}, which then runs no xauth`, { skip: needsPrivilege() }, async () => {
      await using x = await startXServer()
      const home = freshFolder('scripted', 0o755)
      mkdirSync(join(home, '.ssh'))
      writeFileSync(join(home, '.ssh/rc'), 'read -r proto cookie more && echo "rc <$proto> <$cookie> <$more> $DISPLAY"\n', { mode: 0o644 })
      const mark = join(meetingPlace(), 'ran')
      const xauth = freshFile('xauth', `#!/bin/sh\ntouch ${mark}\n`, 0o755)
      await using there = await sshdServer(maker, [...withUsers([{ name: 'scripted', home }]), ...sshd], {
        accepts,
        config: ['X11Forwarding yes', `XAuthLocation ${xauth}`],
      })
      const to = { ...there.to, user: 'scripted' }
      const result = await runs(x, { ...there, to }, 'echo "in $DISPLAY"', { client: 'OpenSSH' })
      const said = /^rc <MIT-MAGIC-COOKIE-1> <[0-9a-f]{32}> <> (localhost:\d+\.0)\nin \1\n$/
      assert.match(result.stdout.toString(), said, `${result.stderr}\n${there.process.log()}`)
      assert.ok(!existsSync(mark))
    })
})

describe('the ssh of nacre', { skip: lacks('xauth') }, () => {
  test('says what is wrong with DISPLAY, or that the server gives none', {}, async () => {
    await using x = await startXServer()
    await using without = await openSshServer({ accepts, config: ['X11Forwarding no'] })
    const refused = await runs(x, without, 'echo "<$DISPLAY>"', { client: 'nacre' })
    assert.equal(refused.stdout.toString(), '<>\n')
    assert.match(refused.stderr, /X11 forwarding request failed/)
    const nonsense = await runs(x, without, 'echo in', { client: 'nacre', env: { DISPLAY: 'nonsense' } })
    assert.equal(nonsense.stdout.toString(), 'in\n')
    assert.match(nonsense.stderr, /X11 is not forwarded\. DISPLAY is "nonsense"/)
    const none = await runs(x, without, 'echo in', { client: 'nacre', env: { DISPLAY: '' }, options: ['-Y', '-v'] })
    assert.match(none.stderr, /DISPLAY not set/)
  })
})

describe('the sshd of nacre', { skip: lacks('xauth') }, () => {
  test('gives no display where the configuration or the key says so', {}, async () => {
    await using x = await startXServer()
    for (const [config, front] of [
      [['X11Forwarding no'], ''],
      [['DisableForwarding yes'], ''],
      [[], 'no-X11-forwarding '],
      [[], 'restrict '],
    ] as const) {
      await using there = await withX11('nacre', config, front)
      const result = await runs(x, there, 'echo "<$DISPLAY>"', { client: 'OpenSSH' })
      assert.equal(result.stdout.toString(), '<>\n', `${config.join()} ${front}`)
      assert.match(result.stderr, /X11 forwarding request failed/)
    }
  })

  test('refuses, and says so in its log, where xauth is missing', {}, async () => {
    await using x = await startXServer()
    await using there = await withX11('nacre', ['XAuthLocation /nowhere/xauth'])
    const result = await runs(x, there, 'echo "<$DISPLAY>"', { client: 'OpenSSH' })
    assert.equal(result.stdout.toString(), '<>\n')
    assert.match(result.stderr, /X11 forwarding request failed/)
    assert.match(there.process.log(), /No xauth program; cannot forward X11: there is no \/nowhere\/xauth/)
  })

  test('counts displays from X11DisplayOffset on, and lets others in by X11UseLocalhost no', {}, async () => {
    await using x = await startXServer()
    await using there = await withX11('nacre', ['X11DisplayOffset 57'])
    const first = await runs(x, there, program("'<'"), { client: 'OpenSSH' })
    assert.match(first.stdout.toString(), /^localhost:5[7-9]\.0 .*welcome/, `${first.stderr}\n${there.process.log()}`)
    await using open = await withX11('nacre', ['X11DisplayOffset 67', 'X11UseLocalhost no'])
    const second = await runs(x, open, program("'<'"), { client: 'OpenSSH' })
    assert.match(second.stdout.toString(), new RegExp(`^${hostname()}:6[7-9]\\.0 .*welcome`), `${second.stderr}\n${open.process.log()}`)
  })

  test('leaves no port behind', {}, async () => {
    await using x = await startXServer()
    await using there = await withX11('nacre', ['X11DisplayOffset 77'])
    const seen: string[] = []
    for (let turn = 0; turn < 3; turn++) seen.push((await runs(x, there, 'echo $DISPLAY', { client: 'OpenSSH' })).stdout.toString())
    assert.equal(new Set(seen).size, 1, seen.join())
  })
})
