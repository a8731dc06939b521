// Owns reaching hosts through others: OpenSSH's and our servers as hops of OpenSSH's and our clients, ProxyJump, ProxyCommand and
// -W, files and bulk through a hop, and who may go where.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { describe } from 'node:test'
import { ChannelOpenError, ClientConnection, connect, ConnectError } from 'nacre'
import { openSshServer, type OpenSshServerOptions } from './peers/openssh.ts'
import type { PeerServer } from './peers/peer.ts'
import { bytesOf, MiB, sha256 } from './rig/bytes.ts'
import { freshFile, freshFolder } from './rig/folder.ts'
import { newKey, userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { type Finished, finish, type FinishOptions, start, withinSeconds } from './rig/process.ts'
import { test } from './rig/test.ts'
import { world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const servers = { OpenSSH: openSshServer, nacre: nacreSshd } as const
type Kind = keyof typeof servers
const clients: Readonly<Record<Kind, readonly string[]>> = { OpenSSH: ['ssh'], nacre: nacre('ssh') }

/** A server with a host key of its own, so that none is taken for another. */
const server = (kind: Kind, options: Partial<OpenSshServerOptions> = {}): Promise<PeerServer> =>
  servers[kind]({ accepts, hostKeys: [newKey('ed25519')], ...options })

interface Chain extends AsyncDisposable {
  readonly config: string
  readonly all: readonly PeerServer[]
}

/** Servers that ssh_config calls h0, h1 and so on, and nothing else does. */
const chain = async (
  kinds: readonly Kind[],
  lines: readonly string[] = [],
  options: Partial<OpenSshServerOptions> = {},
): Promise<Chain> => {
  const all = await Promise.all(kinds.map(kind => server(kind, options)))
  const known = all.flatMap(({ to: { host, port, hostKeys } }) => hostKeys.map(line => `[${host}]:${port} ${line}\n`))
  const hosts = all.flatMap(({ to }, index) => [`Host h${index}`, `  HostName ${to.host}`, `  Port ${to.port}`, `  User ${to.user}`])
  const shared = [
    'Host *',
    `  UserKnownHostsFile ${freshFile('known_hosts', known.join(''))}`,
    '  GlobalKnownHostsFile /dev/null',
    '  StrictHostKeyChecking yes',
    '  IdentitiesOnly yes',
    `  IdentityFile ${userKey().path}`,
    '  BatchMode yes',
  ]
  return {
    config: freshFile('config', `${[...lines, ...hosts, ...shared].join('\n')}\n`),
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map(each => each[Symbol.asyncDispose]()))
    },
  }
}

const ssh = (kind: Kind, { config }: Chain, words: readonly string[], options: FinishOptions = {}): Promise<Finished> =>
  finish([...clients[kind], '-F', config, ...words], { name: `${kind} ssh`, ...options })

describe('a chain of hops', () => {
  const cases: readonly (readonly [Kind, readonly Kind[]])[] = [
    ['nacre', ['OpenSSH', 'OpenSSH']],
    ['nacre', ['nacre', 'nacre']],
    ['OpenSSH', ['nacre', 'OpenSSH']],
    ['OpenSSH', ['nacre', 'nacre', 'nacre']],
    ['OpenSSH', ['OpenSSH', 'nacre', 'OpenSSH']],
    ['nacre', ['nacre', 'OpenSSH', 'nacre']],
    ['nacre', ['OpenSSH', 'nacre', 'OpenSSH', 'nacre']],
  ]
  for (const [client, kinds] of cases)
    test(`${client}'s ssh through ${kinds.slice(0, -1).join(', then ')}, to ${kinds.at(-1)}`, {}, async () => {
      await using hosts = await chain(kinds)
      const last = kinds.length - 1
      const hops = kinds.slice(0, -1).map((_, index) => `h${index}`)
      const result = await ssh(client, hosts, ['-J', hops.join(','), `h${last}`, 'cat; echo apart >&2; echo $SSH_CONNECTION; exit 42'], {
        stdin: 'to the end\n',
      })
      assert.equal(result.code, 42, result.stderr)
      const [text, connection = ''] = result.stdout.toString().split('\n')
      assert.equal(text, 'to the end')
      assert.ok(connection.endsWith(`127.0.0.1 ${hosts.all[last]?.to.port}`), connection)
      assert.match(result.stderr, /apart/)
    })

  for (const [client, hop] of [
    ['OpenSSH', 'nacre'],
    ['nacre', 'OpenSSH'],
    ['nacre', 'nacre'],
  ] as const)
    test(`64 MiB each way: ${client}'s ssh through ${hop}`, { seconds: 120 }, async () => {
      await using hosts = await chain([hop, 'OpenSSH'])
      const bulk = bytesOf(64 * MiB)
      const result = await ssh(client, hosts, ['-J', 'h0', 'h1', 'cat'], { stdin: bulk, seconds: 100 })
      assert.equal(result.code, 0, result.stderr)
      assert.equal(sha256(result.stdout), sha256(bulk))
    })
})

describe('nacre ssh', () => {
  test('takes the hops from ssh_config, those of hops too, and of -J only what is said there', {}, async () => {
    const lines = ['Host h2', '  ProxyJump h1', 'Host h1', '  ProxyJump h0']
    await using hosts = await chain(['nacre', 'OpenSSH', 'nacre'], lines)
    for (const kind of ['OpenSSH', 'nacre'] as const) {
      const result = await ssh(kind, hosts, ['h2', 'echo inside'])
      assert.equal(result.stdout.toString(), 'inside\n', result.stderr)
    }
    const explained = await ssh('nacre', hosts, ['-v', 'h2', 'true'])
    assert.match(explained.stderr, /hop 1 has hops of its own/)
    assert.match(explained.stderr, /hop 1 of 1: h1/)
    assert.match(explained.stderr, /debug1: h0: logged in as/)
    assert.match(explained.stderr, /debug1: h1: logged in as/)
    // Straight there, although the file says otherwise.
    await hosts.all[0]?.[Symbol.asyncDispose]()
    assert.equal((await ssh('nacre', hosts, ['-J', 'none', 'h2', 'echo direct'])).stdout.toString(), 'direct\n')
    const cut = await ssh('nacre', hosts, ['h2', 'true'])
    assert.equal(cut.code, 255)
    assert.match(cut.stderr, /Jump host h0: Cannot connect to 127\.0\.0\.1/)
  })

  test('needs no process for a hop', {}, async () => {
    await using hosts = await chain(['OpenSSH', 'OpenSSH', 'OpenSSH'])
    await using running = await start([...clients.nacre, '-F', hosts.config, '-J', 'h0,h1', 'h2', 'echo there; cat'], { name: 'nacre ssh' })
    await withinSeconds(20, new Promise(resolve => running.stdout.once('data', resolve)), () => running.log())
    assert.deepEqual(running.descendants(), [])
    running.stdin.end()
    assert.equal((await running.exited).code, 0)
  })

  test('says at which hop it failed, and why', {}, async () => {
    await using hosts = await chain(['nacre', 'OpenSSH'])
    const nobody = String(await freePort())
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ['-J', `h0,127.0.0.1:${nobody}`, 'h1'],
        new RegExp(`Jump host 1 of 2, h0: The server made no connection to 127\\.0\\.0\\.1 port ${nobody}: .*nothing listens`),
      ],
      [['-J', 'h1', '-p', nobody, 'h0'], /Jump host h1: The server made no connection to 127\.0\.0\.1 port \d+: Connection refused/],
      [['-J', 'h0,stranger@h1', 'h0'], /Jump host 2 of 2, stranger@h1: .*stranger/s],
      [['-J', 'h0', 'h0'], /through itself/],
      [['-J', 'h0,,h1', 'h0'], /ProxyJump/],
      [['-J', 'h0', '-J', 'h1', 'h0'], /-J may be given once/],
    ]
    for (const [words, expected] of cases) {
      const result = await ssh('nacre', hosts, [...words, 'echo inside'])
      assert.equal(result.code, 255, words.join(' '))
      assert.match(result.stderr, expected)
      assert.equal(result.stdout.toString(), '')
    }
  })

  test('takes no hop whose host key is not the known one', {}, async () => {
    await using hosts = await chain(['OpenSSH', 'OpenSSH'])
    const other = hosts.all[1]?.to
    const known = freshFile(
      'known_hosts',
      `[127.0.0.1]:${hosts.all[0]?.to.port} ${other?.hostKeys[0]}\n[127.0.0.1]:${other?.port} ${other?.hostKeys[0]}\n`,
    )
    const config = freshFile(
      'config',
      `UserKnownHostsFile ${known}\n${readFileSync(hosts.config, 'utf8').replace(/^ *UserKnown.*$/m, `UserKnownHostsFile ${known}`)}`,
    )
    const result = await ssh('nacre', { ...hosts, config }, ['-J', 'h0', 'h1', 'echo inside'])
    assert.equal(result.code, 255)
    assert.match(result.stderr, /Jump host h0: .*host key/is)
    assert.equal(result.stdout.toString(), '')
  })
})

/** A program that joins its streams to a port, as nc does. */
const netcat = (): string =>
  freshFile(
    'netcat.py',
    `import socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def out():
    while True:
        b = s.recv(65536)
        if not b: break
        sys.stdout.buffer.write(b); sys.stdout.buffer.flush()
    sys.stdout.close()
threading.Thread(target=out).start()
while True:
    b = sys.stdin.buffer.read1(65536)
    if not b: break
    s.sendall(b)
s.shutdown(socket.SHUT_WR)
`,
  )

describe('ProxyCommand', () => {
  test('carries a connection, with its tokens, by the shell; what it says is passed on', {}, async () => {
    await using hosts = await chain(['OpenSSH'])
    // What stands behind "exec" is one command: more than one needs a shell of its own.
    const said = 'to %h port %p as %r, called %n, known as %k, 100%%'
    const command = `ProxyCommand=sh -c 'echo "${said}" >&2; exec /usr/bin/python3 ${netcat()} %h %p'`
    for (const kind of ['OpenSSH', 'nacre'] as const) {
      const result = await ssh(kind, hosts, ['-o', command, 'h0', 'cat'], { stdin: 'through' })
      assert.equal(result.stdout.toString(), 'through', result.stderr)
      const { to } = hosts.all[0] ?? assert.fail()
      assert.ok(result.stderr.includes(`to 127.0.0.1 port ${to.port} as ${to.user}, called h0, known as h0, 100%`), result.stderr)
    }
  })

  for (const [client, program] of [
    ['nacre', 'OpenSSH'],
    ['OpenSSH', 'nacre'],
    ['nacre', 'nacre'],
  ] as const)
    test(`of ${client}'s ssh can be ${program}'s ssh -W`, {}, async () => {
      await using hosts = await chain(['nacre', 'OpenSSH'])
      const command = `ProxyCommand=${clients[program].join(' ')} -F ${hosts.config} -W %h:%p h0`
      const bulk = bytesOf(4 * MiB)
      const result = await ssh(client, hosts, ['-o', command, 'h1', 'cat; exit 5'], { stdin: bulk })
      assert.equal(result.code, 5, result.stderr)
      assert.equal(sha256(result.stdout), sha256(bulk))
    })

  test('that ends or cannot be run is explained; none is none; descriptors are not passed', {}, async () => {
    await using hosts = await chain(['OpenSSH'])
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [
        ['-oProxyCommand=sh -c "echo oh dear >&2; exit 3"', 'h0'],
        /oh dear\n.*before the peer identified itself\. The ProxyCommand ".*" ended with status 3\./s,
      ],
      [['-oProxyCommand=/nowhere/nc %h %p', 'h0'], /ended with status 127\. The shell did not find the program\./],
      [['-oProxyCommand=true', 'h0'], /The ProxyCommand "true" ended\./],
      [['-oProxyCommand=nc %z', 'h0'], /%z/],
      [['-oProxyUseFdpass=yes', '-oProxyCommand=nc %h %p', 'h0'], /ProxyUseFdpass/],
      [['-oProxyCommand=echo %h', 'a$(touch oops)b'], /shell|host/],
    ]
    for (const [words, expected] of cases) {
      const result = await ssh('nacre', hosts, [...words, 'echo inside'])
      assert.equal(result.code, 255, words.join(' '))
      assert.match(result.stderr, expected)
    }
    const none = await ssh('nacre', hosts, ['-oProxyCommand=none', 'h0', 'echo direct'])
    assert.equal(none.stdout.toString(), 'direct\n', none.stderr)
  })

  test('is gone when the connection is', {}, async () => {
    await using hosts = await chain(['OpenSSH'])
    await using running = await start(
      [...clients.nacre, '-F', hosts.config, '-o', `ProxyCommand=/usr/bin/python3 ${netcat()} %h %p`, 'h0', 'echo there; cat'],
      { name: 'nacre ssh' },
    )
    await withinSeconds(20, new Promise(resolve => running.stdout.once('data', resolve)), () => running.log())
    const [proxy] = running.descendants()
    assert.ok(proxy !== undefined)
    running.stdin.end()
    assert.equal((await running.exited).code, 0)
    const runs = (): boolean => {
      try {
        // A process that has ended may wait for somebody to ask how.
        return !/\) Z /.test(readFileSync(`/proc/${proxy}/stat`, 'utf8'))
      } catch {
        return false
      }
    }
    for (let tries = 0; runs() && tries < 200; tries++) await new Promise(resolve => setTimeout(resolve, 20))
    assert.equal(runs(), false)
  })
})

interface Echo extends AsyncDisposable {
  readonly port: number
  readonly sockets: Set<Socket>
}

/** A TCP service on loopback. */
const service = async (serve: (socket: Socket) => void, host = '127.0.0.1'): Promise<Echo> => {
  const sockets = new Set<Socket>()
  const listening: Server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    serve(socket)
  })
  await new Promise<void>(resolve => listening.listen(0, host, resolve))
  return {
    port: (listening.address() as AddressInfo).port,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const each of sockets) each.destroy()
      await new Promise(resolve => listening.close(resolve))
    },
  }
}

/** Says how much it got once that has ended. */
const counting = (): Promise<Echo> =>
  service(socket => {
    let count = 0
    socket.on('data', bytes => (count += bytes.length))
    socket.on('end', () => socket.end(`${count} bytes`))
  })

describe('-W', () => {
  test('joins the standard streams, each with its end, as OpenSSH does', {}, async () => {
    await using hosts = await chain(['OpenSSH', 'nacre'])
    await using counter = await counting()
    for (const kind of ['OpenSSH', 'nacre'] as const)
      for (const hop of ['h0', 'h1']) {
        const result = await ssh(kind, hosts, ['-W', `127.0.0.1:${counter.port}`, hop], { stdin: Buffer.alloc(3 * MiB) })
        assert.deepEqual([result.code, result.stdout.toString()], [0, `${3 * MiB} bytes`], `${kind} ${hop}: ${result.stderr}`)
      }
  })

  test('that is refused ends with 255, and why', {}, async () => {
    await using hosts = await chain(['OpenSSH', 'nacre'])
    const nobody = await freePort()
    for (const kind of ['OpenSSH', 'nacre'] as const)
      for (const hop of ['h0', 'h1']) {
        const result = await ssh(kind, hosts, ['-W', `127.0.0.1:${nobody}`, hop])
        assert.equal(result.code, 255, `${kind} ${hop}: ${result.stderr}`)
        assert.match(result.stderr, /refused|nothing listens/)
      }
    for (const [target, words] of [
      ['/run/nacre-nobody', /made no connection to \/run\/nacre-nobody/],
      ['host', /-W/],
      ['host:0', /-W/],
    ] as const) {
      const result = await ssh('nacre', hosts, ['-W', target, 'h0'])
      assert.equal(result.code, 255)
      assert.match(result.stderr, words)
    }
  })
})

test('connect in a program goes where ssh_config leads, hops and all', {}, async () => {
  const lines = ['Host h2', '  ProxyJump h1', 'Host h1', '  ProxyJump h0']
  await using hosts = await chain(['nacre', 'OpenSSH', 'nacre'], lines)
  const options = { config: { file: hosts.config }, agent: false, signal: AbortSignal.timeout(20_000) } as const
  await using connection = await connect('h2', options)
  assert.equal((await connection.run('echo $SSH_CONNECTION')).stdout.trim().split(' ').at(-1), String(hosts.all[2]?.to.port))
  const through = await connect('h0', { ...options, via: 'h1' }).catch((error: unknown) => error)
  // h1 wants to go through h0 itself, which is no circle: another connection to it is the first hop.
  assert.ok(through instanceof ClientConnection, String(through))
  assert.equal((await through.run('echo inside')).stdout, 'inside\n')
  await through.close()
})

describe('files through a hop', () => {
  test('ssh-copy-id adds a key there', {}, async () => {
    const home = freshFolder('home', 0o755)
    world().give(home)
    await using hosts = await chain(['nacre', 'OpenSSH'])
    const key = newKey('ed25519')
    const words = ['-F', hosts.config, '-f', '-i', key.publicPath, '-t', `${home}/keys`, '-o', 'ProxyJump=h0', 'h1']
    const result = await finish(nacre('ssh-copy-id', ...words))
    assert.equal(result.code, 0, result.stderr)
    assert.ok(readFileSync(`${home}/keys`, 'utf8').startsWith(key.line))
  })

  test('by sftp and scp, with -J and with ProxyJump', { seconds: 120 }, async () => {
    await using hosts = await chain(
      ['nacre', 'OpenSSH'],
      ['Host far', '  ProxyJump h0', '  HostName 127.0.0.1', '  Port 1', '  HostKeyAlias x'],
    )
    const [near, there] = [freshFolder('near'), freshFolder('far', 0o755)]
    world().give(there)
    const bytes = bytesOf(8 * MiB)
    writeFileSync(`${near}/up`, bytes)
    const same = (name: string): void => assert.equal(sha256(readFileSync(`${near}/${name}`)), sha256(bytes), name)
    const sftp = await finish([...nacre('sftp'), '-F', hosts.config, '-J', 'h0', '-b', '-', `h1:${there}`], {
      cwd: near,
      stdin: 'put up\nget up by-sftp\n',
    })
    assert.equal(sftp.code, 0, sftp.stderr)
    same('by-sftp')
    for (const letters of [['-J', 'h0'], ['-oProxyJump=h0'], ['-O', '-J', 'h0']]) {
      const scp = await finish([...nacre('scp'), '-F', hosts.config, ...letters, `h1:${there}/up`, 'by-scp'], { cwd: near })
      assert.equal(scp.code, 0, scp.stderr)
      same('by-scp')
    }
    const refused = await finish([...nacre('scp'), '-F', hosts.config, 'far:up', '.'], { cwd: near })
    assert.equal(refused.code, 255)
    assert.match(refused.stderr, /Jump host h0: .*127\.0\.0\.1 port 1/)
  })
})

/** What a server says to a request for a host and port. */
const verdict = async (connection: ClientConnection, target: { readonly host: string; readonly port: number }): Promise<string> => {
  try {
    const stream = await connection.dial(target)
    stream.abort()
    return 'open'
  } catch (error) {
    const cause = error instanceof ConnectError ? error.cause : error
    if (cause instanceof ChannelOpenError) return cause.reason ?? 'no reason'
    throw error
  }
}

describe('who may go where', () => {
  const cases: readonly { readonly config?: readonly string[]; readonly key?: string }[] = [
    {},
    { config: ['AllowTcpForwarding no'] },
    { config: ['AllowTcpForwarding local'] },
    { config: ['AllowTcpForwarding remote'] },
    { config: ['AllowTcpForwarding all'] },
    { config: ['DisableForwarding yes'] },
    { config: ['PermitOpen none'] },
    { config: ['PermitOpen any'] },
    { config: ['PermitOpen 127.0.0.1:PORT'] },
    { config: ['PermitOpen localhost:*'] },
    { config: ['PermitOpen *:PORT'] },
    { config: ['PermitOpen [::1]:PORT 127.0.0.1:1'] },
    { key: 'no-port-forwarding' },
    { key: 'restrict' },
    { key: 'restrict,port-forwarding' },
    { key: 'permitopen="127.0.0.1:PORT"' },
    { key: 'permitopen="localhost:*",permitopen="127.0.0.1:1"' },
    { key: 'restrict,permitopen="127.0.0.1:PORT"' },
    { key: 'restrict,port-forwarding,permitopen="*:PORT"' },
    { config: ['PermitOpen 127.0.0.1:*'], key: 'permitopen="localhost:PORT"' },
    { config: ['PermitOpen 127.0.0.1:*'], key: 'permitopen="*:PORT"' },
    { config: ['AllowTcpForwarding no'], key: 'permitopen="*:*"' },
  ]
  test('is the same at both servers, for every limit', { seconds: 240 }, async () => {
    await using open = await service(() => {})
    const targets = [
      { host: '127.0.0.1', port: open.port },
      { host: 'localhost', port: open.port },
      { host: 'LOCALHOST', port: open.port },
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port: 0 },
      { host: '127.0.0.1', port: 65_536 + open.port },
    ]
    const failures: string[] = []
    for (const { config = [], key } of cases) {
      const filled = (text: string): string => text.replaceAll('PORT', String(open.port))
      const keys = freshFile('authorized_keys', `${key === undefined ? '' : `${filled(key)} `}${userKey().line}\n`, 0o644)
      const said: Record<string, readonly string[]> = {}
      for (const kind of ['OpenSSH', 'nacre'] as const) {
        await using at = await server(kind, { config: [...config.map(filled), `AuthorizedKeysFile ${keys}`] })
        await using connection = await nacreConnect(at.to, login)
        const all: string[] = []
        for (const target of targets) all.push(`${target.host}:${target.port} ${await verdict(connection, target)}`)
        said[kind] = all
      }
      // Port 0 is asked of the system by sshd, and is no port here.
      const comparable = (list: readonly string[] | undefined): readonly string[] => (list ?? []).filter(each => !each.includes(':0 '))
      if (JSON.stringify(comparable(said['nacre'])) !== JSON.stringify(comparable(said['OpenSSH'])))
        failures.push(`${config.join('; ')} ${key ?? ''}\n  sshd  ${said['OpenSSH']?.join(', ')}\n  nacre ${said['nacre']?.join(', ')}`)
    }
    assert.deepEqual(failures, [])
  })

  test('is up to the certificate too', { seconds: 90 }, async () => {
    await using counter = await counting()
    const authority = newKey('ed25519')
    for (const [extensions, code] of [
      [['-O', 'clear', '-O', 'permit-pty'], 255],
      [['-O', 'clear', '-O', 'permit-port-forwarding'], 0],
      [['-O', 'no-port-forwarding'], 255],
      [[], 0],
    ] as const) {
      const key = newKey('ed25519')
      const signed = await finish([
        'ssh-keygen',
        '-q',
        '-s',
        authority.path,
        '-I',
        'test',
        '-n',
        world().user,
        ...extensions,
        key.publicPath,
      ])
      assert.equal(signed.code, 0, signed.stderr)
      for (const kind of ['OpenSSH', 'nacre'] as const) {
        const config = [`TrustedUserCAKeys ${freshFile('ca.pub', `${authority.line}\n`, 0o644)}`]
        await using hosts = await chain([kind], [`IdentityFile ${key.path}`], { config })
        const result = await ssh('nacre', hosts, ['-W', `127.0.0.1:${counter.port}`, 'h0'], { stdin: 'four' })
        assert.equal(result.code, code, `${kind} ${extensions.join(' ')}: ${result.stderr}`)
        if (code === 0) assert.equal(result.stdout.toString(), '4 bytes')
        else assert.match(result.stderr, /does not permit this/i)
      }
    }
  })

  test('is in the log of ours when it is refused, and not told to whoever asks', {}, async () => {
    await using at = await server('nacre', { config: ['PermitOpen 127.0.0.1:1'] })
    await using connection = await nacreConnect(at.to, login)
    await assert.rejects(connection.dial('db.internal:5432'), /this connection is not permitted/)
    assert.match(at.process.log(), /connect to host db\.internal port 5432, but the request was denied: PermitOpen does not name it/)
  })
})

describe('connections a server makes', () => {
  for (const kind of ['OpenSSH', 'nacre'] as const) {
    test(`${kind}: each direction has its end`, {}, async () => {
      await using at = await server(kind)
      await using counter = await counting()
      await using greeter = await service(socket => {
        socket.end('hello')
        socket.resume()
      })
      await using connection = await nacreConnect(at.to, login)
      const up = await connection.dial(`127.0.0.1:${counter.port}`)
      await up.writable.write(new Uint8Array(5 * MiB))
      up.end()
      assert.equal(await new Response(up.readable).text(), `${5 * MiB} bytes`)
      const down = await connection.dial(`127.0.0.1:${greeter.port}`)
      assert.equal(await new Response(down.readable).text(), 'hello')
      await down.writable.write('still heard')
      down.end()
      await withinSeconds(10, Promise.all([up.closed, down.closed]), () => 'a channel stayed open')
    })

    test(`${kind}: a reader that waits holds the writer back`, {}, async () => {
      await using at = await server(kind)
      let sent = 0
      await using fountain = await service(socket => {
        const piece = Buffer.alloc(64 * 1024)
        const more = (): void => {
          while (sent < 512 * MiB && socket.write(piece)) sent += piece.length
        }
        socket.on('drain', more)
        more()
      })
      await using connection = await nacreConnect(at.to, login)
      const stream = await connection.dial(`127.0.0.1:${fountain.port}`)
      // Until nothing moves any more.
      for (let before = -1; before !== sent;) {
        before = sent
        await new Promise(resolve => setTimeout(resolve, 300))
      }
      assert.ok(sent < 64 * MiB, `${sent} bytes went where nobody reads`)
      stream.abort()
    })

    test(`${kind}: 300 at once, one of them silent, and none left behind`, {}, async () => {
      await using at = await server(kind)
      await using echo = await service(socket => void socket.pipe(socket))
      await using silent = await service(socket => {
        socket.pause()
        socket.on('end', () => socket.end())
      })
      await using connection = await nacreConnect(at.to, login)
      const hanging = await connection.dial(`127.0.0.1:${silent.port}`)
      void hanging.write(new Uint8Array(16 * MiB))
      const piece = bytesOf(64 * 1024)
      await Promise.all(
        Array.from({ length: 300 }, async () => {
          const stream = await connection.dial(`127.0.0.1:${echo.port}`)
          void stream.write(piece)
          stream.end()
          const back = await new Response(stream.readable).bytes()
          assert.equal(sha256(back), sha256(piece))
        }),
      )
      hanging.abort()
      await connection.close()
      for (const socket of silent.sockets) socket.resume()
      await withinSeconds(
        15,
        (async () => {
          while (echo.sockets.size + silent.sockets.size > 0) await new Promise(resolve => setTimeout(resolve, 20))
        })(),
        () => `${echo.sockets.size} and ${silent.sockets.size} sockets stayed`,
      )
    })
  }

  test('a reset of the target ends its channel, and no other', {}, async () => {
    await using at = await server('nacre')
    await using echo = await service(socket => void socket.pipe(socket))
    await using resetting = await service(socket => void socket.once('data', () => socket.resetAndDestroy()))
    await using connection = await nacreConnect(at.to, login)
    const good = await connection.dial(`127.0.0.1:${echo.port}`)
    const bad = await connection.dial(`127.0.0.1:${resetting.port}`)
    await bad.writable.write('hello')
    assert.equal(await withinSeconds(10, bad.closed, () => 'the channel stayed'), undefined)
    await good.writable.write('alive')
    good.end()
    assert.equal(await new Response(good.readable).text(), 'alive')
  })

  test('a host that does not exist is told as that', {}, async () => {
    for (const kind of ['OpenSSH', 'nacre'] as const) {
      await using at = await server(kind)
      await using connection = await nacreConnect(at.to, login)
      assert.equal(await verdict(connection, { host: 'nobody.invalid', port: 22 }), 'connect-failed', kind)
    }
  })
})

test('a connection cut under a chain is told at once', {}, async () => {
  await using hosts = await chain(['OpenSSH', 'nacre', 'OpenSSH'])
  await using running = await start([...clients.nacre, '-F', hosts.config, '-J', 'h0,h1', 'h2', 'echo there; cat'], { name: 'nacre ssh' })
  await withinSeconds(20, new Promise(resolve => running.stdout.once('data', resolve)), () => running.log())
  await hosts.all[1]?.[Symbol.asyncDispose]()
  const { code } = await withinSeconds(10, running.exited, () => 'it hung')
  assert.equal(code, 255)
  assert.match(running.log(), /Jump host 2 of 2, h1/)
})
