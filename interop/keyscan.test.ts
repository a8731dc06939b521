// Owns `nacre ssh-keyscan` beside OpenSSH's: the same servers and the same words give the same lines. Where OpenSSH 9.2 and later
// releases differ, what later ones do is said in the test.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { describe } from 'node:test'
import { openSshServer } from './peers/openssh.ts'
import { freshFile, freshPath } from './rig/folder.ts'
import { hostKey, type KeyFile, newKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { type Finished, finish } from './rig/process.ts'
import { test } from './rig/test.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const ours = (...words: readonly string[]): Promise<Finished> => finish(nacre('ssh-keyscan', ...words))
const theirs = (...words: readonly string[]): Promise<Finished> => finish(['ssh-keyscan', ...words])

const keysOf = ({ stdout }: Finished): readonly string[] =>
  stdout
    .toString()
    .split('\n')
    .filter(line => line !== '' && !/^[#;]/.test(line))
    .toSorted()
/** Comments are on standard output, as later releases of OpenSSH have it; in 9.2 on standard error. One for each connection. */
const commentsOf = ({ stdout, stderr }: Finished): ReadonlySet<string> =>
  new Set(`${stdout.toString()}\n${stderr}`.split('\n').filter(line => /^[#;] /.test(line)))

/** The same keys and comments, whatever their order, and the same code. */
const alike = async (...words: readonly string[]): Promise<Finished> => {
  const [mine, other] = [await ours(...words), await theirs(...words)]
  assert.deepEqual(keysOf(mine), keysOf(other))
  assert.deepEqual(commentsOf(mine), commentsOf(other))
  assert.equal(mine.code, other.code)
  return mine
}

describe('ssh-keyscan beside OpenSSH’s', () => {
  test('gives all kinds of keys, or those of -t, with comments unless -q', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [] } })
    const port = String(server.to.port)
    const all = await alike('-p', port, '127.0.0.1')
    // One ECDSA key, whatever the host has.
    assert.equal(keysOf(all).length, 3)
    const lines = all.stdout.toString().split('\n')
    for (const [index, line] of lines.entries())
      if (line.startsWith('[')) assert.equal(lines[index - 1].startsWith(`# 127.0.0.1:${port} SSH-2.0-OpenSSH`), true)
    for (const types of ['rsa', 'ed25519', 'ecdsa', 'ed25519,rsa', 'ssh-ed25519', 'ED25519-SK'])
      await alike('-t', types, '-p', port, '127.0.0.1')
    // OpenSSH 9.2 has no -q.
    const quiet = await ours('-q', '-p', port, '-t', 'rsa', '127.0.0.1')
    assert.deepEqual([commentsOf(quiet).size, keysOf(quiet).length], [0, 1])
  })

  test('gives all keys of our sshd too', {}, async () => {
    await using server = await nacreSshd({ accepts: { keys: [] }, hostKeys: [hostKey('ed25519'), hostKey('ecdsa256'), hostKey('rsa')] })
    assert.equal(keysOf(await alike('-p', String(server.to.port), '127.0.0.1')).length, 3)
  })

  test('writes names as they were given, from arguments, files and standard input', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [] } })
    const port = String(server.to.port)
    const hosts = freshFile('hosts', `# none\n\n127.0.0.1 one,Two.example # and more\n127.0.0.1,three\n   \n127.0.0.1\t[four]\n`)
    await alike('-t', 'ed25519', '-p', port, '-f', hosts)
    await alike('-t', 'ed25519', '-p', port, '127.0.0.1 a,b', '127.0.0.1,c')
    const words = ['-t', 'ed25519', '-p', port, '-f', '-'] as const
    const [mine, other] = [
      await finish(nacre('ssh-keyscan', ...words), { stdin: readFileSync(hosts) }),
      await finish(['ssh-keyscan', ...words], { stdin: readFileSync(hosts) }),
    ]
    assert.equal(keysOf(mine).length, 5)
    assert.deepEqual(keysOf(mine), keysOf(other))
  })

  test('-H hashes each name, so that ssh-keygen -F finds it', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [] } })
    const port = String(server.to.port)
    const { stdout, code } = await ours('-H', '-q', '-t', 'ed25519', '-p', port, '127.0.0.1 one,two')
    assert.equal(code, 0)
    assert.equal(stdout.toString().trim().split('\n').length, 2)
    const file = freshFile('hashed', stdout)
    for (const name of ['one', 'two'])
      assert.match(execFileSync('ssh-keygen', ['-F', `[${name}]:${port}`, '-f', file], { encoding: 'utf8' }), /found: line \d/)
  })

  test('-D gives SSHFP records, and -O one hash of them', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [] } })
    const port = String(server.to.port)
    assert.equal(keysOf(await alike('-D', '-p', port, '127.0.0.1')).length, 6)
    await alike('-D', '-p', port, '-t', 'rsa', '127.0.0.1 one,two')
    const one = await ours('-D', '-q', '-O', 'hashalg=sha256', '-t', 'ed25519', '-p', port, '127.0.0.1 one')
    assert.match(one.stdout.toString(), /^one IN SSHFP 4 2 [0-9a-f]{64}\n$/)
  })

  test('-c gives certificates, and nothing where there are none', {}, async () => {
    const [authority, certified] = [newKey('ed25519'), copyOf(hostKey('ed25519'))]
    execFileSync('ssh-keygen', ['-q', '-s', authority.path, '-h', '-I', 'host', '-n', '127.0.0.1', certified.publicPath])
    await using server = await openSshServer({
      accepts: { keys: [] },
      hostKeys: [certified, hostKey('rsa')],
      config: [`HostCertificate ${certified.path}-cert.pub`],
    })
    const port = String(server.to.port)
    const { stdout } = await alike('-c', '-p', port, '127.0.0.1')
    assert.match(stdout.toString(), /^ssh-ed25519-cert-v01@openssh\.com /m)
    await using plain = await openSshServer({ accepts: { keys: [] } })
    assert.equal((await alike('-c', '-p', String(plain.to.port), '127.0.0.1')).code, 1)
  })

  test('ends with 1 when nothing came: refused, silent, closed, not SSH', {}, async () => {
    assert.equal((await alike('-p', String(await freePort()), '127.0.0.1')).code, 1)
    for (const [greet, says] of [
      [() => {}, /^$/],
      [(socket: Socket) => socket.end('HTTP/1.1 400 no\r\n\r\n'), /127\.0\.0\.1: Connection closed by remote host/],
      [(socket: Socket) => socket.end(), /127\.0\.0\.1: Connection closed by remote host/],
    ] as const) {
      await using odd = await listening(greet)
      const mine = await ours('-T', '1', '-p', String(odd.port), '127.0.0.1')
      assert.equal(mine.code, 1)
      assert.equal(mine.stdout.toString(), '')
      assert.match(mine.stderr, says)
    }
    const unknown = await ours('nacre-test.invalid')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /^getaddrinfo nacre-test\.invalid: /)
  })

  test('goes on to the next address of a list', {}, async () => {
    await using server = await openSshServer({ accepts: { keys: [] } })
    const { stdout, code } = await ours('-q', '-t', 'ed25519', '-p', String(server.to.port), '127.0.0.9,127.0.0.1 name')
    assert.equal(code, 0)
    assert.equal(stdout.toString(), `[name]:${server.to.port} ${hostKey('ed25519').line}\n`)
  })

  for (const [words, code, message] of [
    [[], 1, /^usage: ssh-keyscan /],
    [['-z'], 1, /usage: ssh-keyscan /],
    [['-t', 'rot13', 'host'], 255, /^Unknown key type "rot13"\r\n$/],
    // OpenSSH before 10 knew dsa.
    [['-t', 'dsa', 'host'], 255, /^Unknown key type "dsa"\r\n$/],
    [['-T', '0', 'host'], 1, /Bad timeout '0'/],
    [['-T', 'soon', 'host'], 1, /Bad timeout 'soon'/],
    [['-p', '0', 'host'], 1, /^Bad port '0'/],
    [['-O', 'colour=red', 'host'], 255, /^Unsupported -O option\r\n$/],
    [['-O', 'hashalg=rot13', 'host'], 255, /^Unsupported hash algorithm\r\n$/],
    [['-f', '/nowhere/hosts'], 255, /^ssh-keyscan: \/nowhere\/hosts: No such file or directory\r\n$/],
  ] as const)
    test(`refuses ${words.join(' ') || 'nothing at all'}`, {}, async () => {
      const result = await ours(...words)
      assert.equal(result.code, code)
      assert.equal(result.stdout.toString(), '')
      assert.match(result.stderr, message)
    })
})

describe('ssh-keyscan and many hosts', () => {
  test('asks a thousand, by address ranges, with a bounded number of connections at once', { seconds: 120 }, async () => {
    let most = 0
    let open = 0
    let all = 0
    // Servers that are slow to end what they never begin: every connection is there until its time is over or it is closed.
    await using odd = await listening(socket => {
      all++
      most = Math.max(most, ++open)
      socket.once('close', () => open--)
      socket.on('error', () => {})
      setTimeout(() => socket.destroy(), 50)
    }, '0.0.0.0')
    const result = await finish(nacre('ssh-keyscan', '-p', String(odd.port), '127.0.1.0/24', '127.0.2.0/23', '127.0.4.0/24'), {
      seconds: 100,
    })
    assert.equal(result.code, 1)
    assert.equal(all, 1024)
    // A connection that the other end has closed already may still count here.
    assert.ok(most > 20 && most <= 120, `${most} at once`)
  })

  test('finds our sshd under 200 addresses', { seconds: 120 }, async () => {
    await using server = await nacreSshd({
      accepts: { keys: [] },
      hostKeys: [hostKey('ed25519')],
      config: ['ListenAddress 0.0.0.0', 'PerSourceMaxStartups none', 'PerSourcePenalties no'],
    })
    const file = freshFile('many', Array.from({ length: 200 }, (_, index) => `127.1.0.${index + 1} host${index}\n`).join(''))
    const { stdout, code } = await finish(nacre('ssh-keyscan', '-q', '-p', String(server.to.port), '-f', file), { seconds: 100 })
    assert.equal(code, 0)
    const lines = stdout.toString().trim().split('\n')
    assert.equal(lines.length, 200)
    assert.ok(lines.every(line => line.endsWith(hostKey('ed25519').line)))
  })
})

/** A key file of its own, so that a certificate beside it concerns nobody else. */
const copyOf = (key: KeyFile): KeyFile => {
  const path = freshPath('certified')
  copyFileSync(key.path, path)
  copyFileSync(key.publicPath, `${path}.pub`)
  return { ...key, path, publicPath: `${path}.pub` }
}

const listening = async (greet: (socket: Socket) => void, host = '127.0.0.1'): Promise<AsyncDisposable & { readonly port: number }> => {
  const sockets = new Set<Socket>()
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    greet(socket)
  })
  await new Promise<void>(resolve => server.listen({ port: 0, host, backlog: 1024 }, resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
