// Owns forwarding by our client through the servers there are: the library, and `nacre ssh` with -L, -R, -D and -W; curl as the one
// who goes through; many at once, ends that hang, and servers that die.
import assert from 'node:assert/strict'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { createServer } from 'node:http'
import { describe } from 'node:test'
import { type ClientConnection, ForwardError, keepForwards } from 'nacre'
import { dropbearServer, needsHome } from './peers/dropbear.ts'
import { openSshServer } from './peers/openssh.ts'
import type { PeerServer, Prepared } from './peers/peer.ts'
import { asyncsshServer } from './peers/scripted.ts'
import { sshCommand } from './peers/openssh.ts'
import { lacks } from './peers/transferrers.ts'
import { MiB } from './rig/bytes.ts'
import { userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { finish, type Running, start, withinSeconds } from './rig/process.ts'
import { type At, counting, deaf, exchange, listening, pause, reach, userPath } from './rig/services.ts'
import { test } from './rig/test.ts'
import { nacreConnect } from './sites/client.ts'
import { nacre, nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }

interface Site {
  readonly start: () => Promise<PeerServer>
  /** Forwards Unix sockets too. */
  readonly unix: boolean
  readonly skip: string | false
}

const sites: Readonly<Record<string, Site>> = {
  'OpenSSH sshd': { start: () => openSshServer({ accepts }), unix: true, skip: false },
  'nacre sshd': { start: () => nacreSshd({ accepts }), unix: true, skip: false },
  AsyncSSH: { start: () => asyncsshServer({ accepts }), unix: true, skip: false },
  Dropbear: { start: () => dropbearServer({ accepts }), unix: false, skip: needsHome() },
}

const portOf = (place: object): number => {
  assert.ok('port' in place && typeof place.port === 'number' && place.port > 0, JSON.stringify(place))
  return place.port
}

const many = async (at: At, count: number): Promise<void> => {
  const answers = await Promise.all(Array.from({ length: count }, (_, index) => exchange(at, index)))
  assert.deepEqual(
    answers,
    Array.from({ length: count }, (_, index) => `${index} bytes`),
  )
}

describe('the library', () => {
  for (const [name, site] of Object.entries(sites)) {
    test(`forwards ports both ways through ${name}`, { skip: site.skip }, async () => {
      await using server = await site.start()
      await using service = await counting()
      await using client = await nacreConnect(server.to, login)
      const to = `127.0.0.1:${service.at}`
      const forward = await client.forward({ listen: '127.0.0.1:0', to })
      assert.equal(await exchange(portOf(forward.address), 3 * MiB), `${3 * MiB} bytes`)
      await many(portOf(forward.address), 30)
      const reverse = await client.reverse({ listen: 0, to })
      assert.equal(await exchange(portOf(reverse.address), 3 * MiB), `${3 * MiB} bytes`)
      await many(portOf(reverse.address), 30)
      const fixed = await client.reverse({ listen: { host: '127.0.0.1', port: await freePort() }, to })
      assert.equal(await exchange(portOf(fixed.address), 1000), '1000 bytes')
      await fixed.close()
      // Dropbear goes on listening, and is refused the channel: then it closes, with a reset if it has not read what was sent.
      const said = await exchange(portOf(fixed.address), 1).catch((error: Error) => error.message)
      assert.match(said, /^$|ECONNREFUSED|ECONNRESET/)
      for (const each of [forward, reverse]) assert.deepEqual([each.counts.total, each.counts.refused], [31, 0])
      await client.close()
      assert.notEqual(await forward.closed, undefined)
      await assert.rejects(exchange(portOf(forward.address), 1), /ECONNREFUSED/)
    })

    if (site.unix)
      test(`forwards Unix sockets through ${name}, all four ways and both ways`, { skip: site.skip }, async () => {
        await using server = await site.start()
        await using tcp = await counting()
        await using unix = await counting(userPath())
        await using client = await nacreConnect(server.to, login)
        for (const to of [`127.0.0.1:${tcp.at}`, String(unix.at)]) {
          const [near, far] = [userPath(), userPath()]
          await client.forward({ listen: near, to })
          await client.reverse({ listen: far, to })
          const port = await client.forward({ listen: 0, to })
          const there = await client.reverse({ listen: 0, to })
          for (const at of [near, far, portOf(port.address), portOf(there.address)])
            assert.equal(await exchange(at, MiB), `${MiB} bytes`, `${at} to ${to}`)
        }
      })
  }

  test('a function takes what comes at the server', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using client = await nacreConnect(server.to, login)
    const forward = await client.reverse({
      listen: 0,
      to: async (stream, { originator }) => {
        await stream.write(Buffer.from(`hello, ${originator.address}`))
        stream.end()
      },
    })
    assert.equal(await exchange(portOf(forward.address), 0), 'hello, 127.0.0.1')
  })

  test('a server that may not listen, or not there, is told of', {}, async () => {
    await using server = await openSshServer({ accepts, config: ['PermitListen 127.0.0.1:1', 'PermitOpen 127.0.0.1:1'] })
    await using client = await nacreConnect(server.to, login)
    await assert.rejects(client.reverse({ listen: 0, to: 'x:1' }), (error: unknown) => error instanceof ForwardError)
    const forward = await client.forward({ listen: 0, to: '127.0.0.1:2' })
    assert.equal(await exchange(portOf(forward.address), 0).catch(() => ''), '')
    assert.match(forward.lastError?.message ?? '', /PermitOpen/)
  })

  for (const [name, start] of [
    ['OpenSSH sshd', () => openSshServer({ accepts })],
    ['nacre sshd', () => nacreSshd({ accepts })],
  ] as const)
    test(`a thousand connections at once, both ways, through ${name}`, { seconds: 120 }, async () => {
      await using server = await start()
      await using service = await counting()
      await using client = await nacreConnect(server.to, login, { limits: { maximumChannels: 5000, maximumPendingOpens: 5000 } })
      const to = `127.0.0.1:${service.at}`
      for (const forward of [await client.forward({ listen: '127.0.0.1:0', to }), await client.reverse({ listen: 0, to })]) {
        const port = portOf(forward.address)
        const sockets = Array.from({ length: 1000 }, () => reach(port))
        let cut = 0
        for (const socket of sockets) {
          socket.on('error', () => cut++)
          // A system whose queue was full believes in a connection only once something comes over it.
          socket.write('.')
        }
        await withinSeconds(
          60,
          settled(() => forward.counts.open === 1000 && service.open === 1000),
          () => JSON.stringify(forward.counts),
        )
        const answers = sockets.map(
          socket =>
            new Promise<string>(resolve => {
              let said = ''
              socket.on('data', data => (said += data.toString()))
              socket.on('close', () => resolve(said))
            }),
        )
        for (const [index, socket] of sockets.entries()) socket.end(Buffer.alloc(index))
        assert.deepEqual(
          await withinSeconds(60, Promise.all(answers), () => JSON.stringify(forward.counts)),
          Array.from({ length: 1000 }, (_, index) => `${index + 1} bytes`),
        )
        assert.deepEqual([cut, forward.counts.refused], [0, 0])
      }
    })

  test('an end that reads nothing holds up nobody else, and only windows', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using service = await counting()
    await using silent = await deaf()
    await using client = await nacreConnect(server.to, login)
    const stuck = await client.forward({ listen: '127.0.0.1:0', to: `127.0.0.1:${silent.at}` })
    const works = await client.forward({ listen: '127.0.0.1:0', to: `127.0.0.1:${service.at}` })
    const writers = Array.from({ length: 20 }, () => reach(portOf(stuck.address)))
    for (const each of writers) {
      each.on('error', () => {})
      each.write(Buffer.alloc(64 * MiB))
    }
    await many(portOf(works.address), 50)
    assert.equal(await exchange(portOf(works.address), 8 * MiB), `${8 * MiB} bytes`)
    assert.ok(stuck.counts.bytesToServer < 200 * MiB, String(stuck.counts.bytesToServer))
    for (const each of writers) each.destroy()
  })

  test('forwards outlive a server that is killed: the next one is used', {}, async () => {
    await using service = await counting()
    const servers: PeerServer[] = []
    await using kept = await keepForwards({
      async connect(signal): Promise<ClientConnection> {
        const server = await openSshServer({ accepts })
        servers.push(server)
        return await nacreConnect(server.to, login, { signal })
      },
      forwards: [
        { forward: { listen: '127.0.0.1:0', to: `127.0.0.1:${service.at}` } },
        { reverse: { listen: 0, to: `127.0.0.1:${service.at}` } },
      ],
      backoff: { first: 50 },
    })
    const port = portOf(kept.forwards[0]?.address ?? {})
    assert.equal(await exchange(port, 1000), '1000 bytes')
    for (const pid of servers[0]?.process.descendants() ?? []) process.kill(pid, 'SIGKILL')
    servers[0]?.process.kill('SIGKILL')
    await withinSeconds(
      20,
      settled(() => kept.attempts.up === 2 && kept.state === 'up'),
      () => kept.state,
    )
    assert.equal(await exchange(port, 2000), '2000 bytes')
    assert.equal(await exchange(portOf(kept.forwards[1]?.address ?? {}), 3000), '3000 bytes')
    await Promise.all(servers.map(each => each[Symbol.asyncDispose]()))
  })
})

const settled = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await pause(20)
}

// ── nacre ssh ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Letters with what follows them in one word, as `sshCommand` wants them. */
const glued = (words: readonly string[]): readonly string[] =>
  words.flatMap((word, index) =>
    /^-[LRDW]$/.test(word) ? [word + words[index + 1]] : /^-[LRDW]$/.test(words[index - 1] ?? '') ? [] : [word],
  )
const ssh = (to: PeerServer['to'], words: readonly string[]): Prepared =>
  sshCommand('nacre ssh', nacre('ssh'), { to, login, command: '', options: glued(words) })
const begun = async ({ command, options }: Prepared): Promise<Running> => await start(command, { ...options, logStdout: true })

const web = async (): Promise<AsyncDisposable & { readonly at: number }> => {
  const server = createServer((_, answer) => answer.end('a page'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    at: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

const curl = async (...words: readonly string[]): Promise<string> => {
  const { stdout, stderr, code } = await finish(['curl', '-sS', '--max-time', '20', ...words])
  return code === 0 ? stdout.toString() : `curl ended with ${code}: ${stderr}`
}

/** The ports that `Allocated port` lines tell. */
const allocated = async (client: Running, count: number): Promise<readonly number[]> => {
  const ports = (): number[] => [...client.log().matchAll(/Allocated port (\d+) for remote forward to /g)].map(each => Number(each[1]))
  await withinSeconds(
    20,
    settled(() => ports().length >= count),
    () => client.log(),
  )
  return ports()
}

describe('nacre ssh', { skip: lacks('curl') }, () => {
  test('-L, -R and -D in their spellings, with curl', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using page = await web()
    const target = `127.0.0.1:${page.at}`
    const [plain, bracketed, socks, far] = [await freePort(), await freePort(), await freePort(), await freePort()]
    const [near, there] = [userPath(), userPath()]
    await using client = await begun(
      ssh(server.to, [
        ...['-N', '-L', `${plain}:${target}`, '-L', `[127.0.0.1]:${bracketed}:[127.0.0.1]:${page.at}`, '-L', `${near}:${target}`],
        ...['-D', String(socks), '-R', `${far}:${target}`, '-R', `0:${target}`, '-R', '0', '-R', `${there}:${target}`],
      ]),
    )
    const ports = await allocated(client, 2)
    await listening(there, client)
    assert.match(client.log(), new RegExp(`Allocated port \\d+ for remote forward to 127\\.0\\.0\\.1:${page.at}`))
    assert.match(client.log(), /Allocated port \d+ for remote forward to socks:0/)
    for (const url of [
      `http://127.0.0.1:${plain}/`,
      `http://[::1]:${plain}/`,
      `http://127.0.0.1:${bracketed}/`,
      `http://127.0.0.1:${far}/`,
    ])
      assert.equal(await curl(url), 'a page', url)
    for (const path of [near, there]) assert.equal(await curl('--unix-socket', path, 'http://x/'), 'a page', path)
    assert.equal(await curl(`http://127.0.0.1:${ports[0]}/`), 'a page')
    for (const kind of ['--socks4', '--socks4a', '--socks5', '--socks5-hostname'])
      for (const port of [socks, ports[1] ?? 0])
        assert.equal(await curl(kind, `127.0.0.1:${port}`, `http://127.0.0.1:${page.at}/`), 'a page', `${kind} ${port}`)
    // Names are looked up by the far end, and what cannot be reached is told in the words of SOCKS.
    assert.equal(await curl('--socks5-hostname', `127.0.0.1:${socks}`, `http://localhost:${page.at}/`), 'a page')
    assert.match(await curl('--socks5', `127.0.0.1:${socks}`, `http://127.0.0.1:${await freePort()}/`), /ended with 97: .*\(5\)/)
  })

  test('ssh_config says the same, and ClearAllForwardings unsays it', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using page = await web()
    const [near, far, socks] = [await freePort(), await freePort(), await freePort()]
    const lines = [
      `LocalForward=${near} 127.0.0.1:${page.at}`,
      `RemoteForward=${far} 127.0.0.1:${page.at}`,
      `DynamicForward=${socks}`,
      'ExitOnForwardFailure=yes',
    ]
    await using client = await begun(ssh(server.to, ['-N', ...lines]))
    await listening(far, client)
    for (const port of [near, far]) assert.equal(await curl(`http://127.0.0.1:${port}/`), 'a page')
    assert.equal(await curl('--socks5', `127.0.0.1:${socks}`, `http://127.0.0.1:${page.at}/`), 'a page')
    // The ports are taken: whoever wanted them would end.
    const { command, options } = ssh(server.to, [...lines, 'ClearAllForwardings=yes'])
    assert.equal((await finish([...command, 'echo there'], options)).stdout.toString(), 'there\n')
  })

  test('what cannot listen is said and gone on without, or ends all with ExitOnForwardFailure', {}, async () => {
    await using server = await openSshServer({ accepts, config: ['PermitListen none'] })
    const taken = createTcpServer()
    await new Promise<void>(resolve => taken.listen(0, '127.0.0.1', resolve))
    const port = (taken.address() as AddressInfo).port
    const run = async (...words: readonly string[]) => {
      const { command, options } = ssh(server.to, words)
      return await finish([...command, 'echo there; sleep 1'], options)
    }
    const local = await run('-L', `127.0.0.1:${port}:x:1`, '-R', '0:x:1')
    assert.deepEqual([local.code, local.stdout.toString()], [0, 'there\n'], local.stderr)
    assert.match(
      local.stderr,
      new RegExp(`Cannot listen on 127\\.0\\.0\\.1 port ${port}: it is in use already .*\\r\\nCould not request local`),
    )
    assert.match(local.stderr, /Warning: remote port forwarding failed for listen port 0: .*PermitListen/)
    for (const words of [
      ['-L', `127.0.0.1:${port}:x:1`],
      ['-D', `127.0.0.1:${port}`],
      ['-R', '0:x:1'],
    ]) {
      const result = await run(...words, '-oExitOnForwardFailure=yes')
      assert.deepEqual([result.code, result.stdout.toString()], [255, ''], words.join(' '))
      assert.match(result.stderr, /Could not request local forwarding|Error: remote port forwarding failed/)
    }
    const wrong = await run('-L', 'nonsense')
    assert.equal(wrong.code, 255)
    assert.match(wrong.stderr, /Bad local forwarding specification 'nonsense'/)
    await new Promise(resolve => taken.close(resolve))
  })

  test('-g, GatewayPorts, * and addresses: who may come', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using page = await web()
    const target = `127.0.0.1:${page.at}`
    const [mine, all, star, one] = [await freePort(), await freePort(), await freePort(), await freePort()]
    await using closed = await begun(
      ssh(server.to, ['-N', '-L', `${mine}:${target}`, '-L', `*:${star}:${target}`, '-L', `127.0.0.3:${one}:${target}`]),
    )
    await using open = await begun(ssh(server.to, ['-N', '-g', '-L', `${all}:${target}`]))
    await listening(one, closed, '127.0.0.3')
    await listening(all, open)
    const reached = async (port: number, host: string): Promise<boolean> => (await curl(`http://${host}:${port}/`)) === 'a page'
    assert.deepEqual([await reached(mine, '127.0.0.1'), await reached(mine, '127.0.0.2')], [true, false])
    assert.deepEqual([await reached(all, '127.0.0.1'), await reached(all, '127.0.0.2')], [true, true])
    assert.deepEqual([await reached(star, '127.0.0.1'), await reached(star, '127.0.0.2')], [true, true])
    assert.deepEqual([await reached(one, '127.0.0.3'), await reached(one, '127.0.0.1')], [true, false])
  })

  test('PermitRemoteOpen bounds a remote SOCKS', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using page = await web()
    await using other = await web()
    await using client = await begun(ssh(server.to, ['-N', '-R', '0', `PermitRemoteOpen=127.0.0.1:${page.at}`]))
    const [port = 0] = await allocated(client, 1)
    assert.equal(await curl('--socks5', `127.0.0.1:${port}`, `http://127.0.0.1:${page.at}/`), 'a page')
    assert.match(await curl('--socks5', `127.0.0.1:${port}`, `http://127.0.0.1:${other.at}/`), /ended with 97: .*\(2\)/)
  })

  test('-W to a port and to a Unix socket', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using tcp = await counting()
    await using unix = await counting(userPath())
    for (const target of [`127.0.0.1:${tcp.at}`, String(unix.at)]) {
      const { command, options } = ssh(server.to, ['-W', target])
      const result = await finish(command, { ...options, stdin: Buffer.alloc(2 * MiB) })
      assert.equal(result.stdout.toString(), `${2 * MiB} bytes`, result.stderr)
    }
  })

  test('ends when the server is killed, with what listened', {}, async () => {
    await using server = await openSshServer({ accepts })
    await using service = await counting()
    const port = await freePort()
    await using client = await begun(ssh(server.to, ['-N', '-L', `${port}:127.0.0.1:${service.at}`]))
    await listening(port, client)
    const held = reach(port)
    const cut = new Promise<void>(resolve => {
      held.on('error', () => {})
      for (const over of ['end', 'close']) held.on(over, () => resolve())
      held.resume()
    })
    await withinSeconds(
      10,
      settled(() => service.open > 0),
      () => client.log(),
    )
    for (const pid of server.process.descendants()) process.kill(pid, 'SIGKILL')
    assert.equal((await withinSeconds(20, client.exited, () => client.log())).code, 255)
    await withinSeconds(10, cut, () => 'the connection through it was not cut')
    held.destroy()
    await assert.rejects(exchange(port, 1), /ECONNREFUSED/)
  })
})
