// Owns forwarding through `nacre sshd` with the clients there are: ports and Unix sockets, both ways, SOCKS, any port, GatewayPorts;
// whose sockets they are; and who may have what, side by side with OpenSSH's sshd.
import assert from 'node:assert/strict'
import { chmodSync, existsSync, statSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ClientConnection, ChannelOpenError, RequestRefusedError } from 'nacre'
import { bytes, struct, text, uint32 } from 'nacre/wire'
import { dbclientCommand } from './peers/dropbear.ts'
import { openSshCommand, openSshServer, type OpenSshServerOptions } from './peers/openssh.ts'
import type { PeerServer, Prepared } from './peers/peer.ts'
import { plinkCommand } from './peers/putty.ts'
import { MiB } from './rig/bytes.ts'
import { freshFile } from './rig/folder.ts'
import { userKey } from './rig/keys.ts'
import { freePort } from './rig/port.ts'
import { finish, type Running, start } from './rig/process.ts'
import { counting, exchange, listening, pause, userPath } from './rig/services.ts'
import { test } from './rig/test.ts'
import { needsPrivilege, world } from './rig/world.ts'
import { nacreConnect } from './sites/client.ts'
import { nacreSshd } from './sites/commands.ts'

const login = { key: userKey() }
const accepts = { keys: [userKey()] }
const ours = (config: readonly string[] = []): Promise<PeerServer> => nacreSshd({ accepts, config })

const began = async ({ command, options }: Prepared): Promise<Running> => await start(command, { ...options, logStdout: true })

const clients = {
  // Its options are told from settings by their dash: each is one word.
  'OpenSSH ssh': (to: PeerServer['to'], words: readonly string[]) =>
    openSshCommand({
      to,
      login,
      command: undefined,
      options: ['-N', ...words.flatMap((word, index) => (index % 2 === 0 ? [`${word}${words[index + 1] ?? ''}`] : []))],
    }),
  'PuTTY plink': (to: PeerServer['to'], words: readonly string[]) =>
    plinkCommand({ to, login, command: undefined, options: ['-N', ...words] }),
  'Dropbear dbclient': (to: PeerServer['to'], words: readonly string[]) =>
    dbclientCommand({ to, login, command: undefined, options: ['-N', ...words] }),
} as const
type Client = keyof typeof clients

/** Asks a SOCKS 5 proxy for a port of 127.0.0.1. */
const socks5 =
  (port: number) =>
  async (socket: Socket): Promise<void> => {
    const answer = (count: number): Promise<Buffer> =>
      new Promise(resolve => {
        const look = (): void => {
          const got = socket.read(count) as Buffer | null
          if (got === null) socket.once('readable', look)
          else resolve(got)
        }
        look()
      })
    socket.write(Buffer.from([5, 1, 0]))
    assert.deepEqual([...(await answer(2))], [5, 0])
    socket.write(Buffer.from([5, 1, 0, 1, 127, 0, 0, 1, port >> 8, port & 0xff]))
    assert.equal((await answer(10))[1], 0)
  }

describe('clients', () => {
  for (const name of Object.keys(clients) as Client[]) {
    test(`${name} -L and -R`, {}, async () => {
      await using server = await ours()
      await using service = await counting()
      const [near, far] = [await freePort(), await freePort()]
      await using client = await began(
        clients[name](
          server.to,
          ['-L', `${near}:127.0.0.1:${service.at}`, '-R', `${far}:127.0.0.1:${service.at}`].map(each => each),
        ),
      )
      for (const at of [near, far]) {
        await listening(at, client)
        assert.equal(await exchange(at, 3 * MiB), `${3 * MiB} bytes`)
        assert.deepEqual(
          await Promise.all(Array.from({ length: 20 }, (_, i) => exchange(at, i))),
          Array.from({ length: 20 }, (_, i) => `${i} bytes`),
        )
      }
      await client[Symbol.asyncDispose]()
      await pause(300)
      await assert.rejects(exchange(far), /ECONNREFUSED/)
    })
  }

  for (const name of ['OpenSSH ssh', 'PuTTY plink'] as const)
    test(`${name} -D`, {}, async () => {
      await using server = await ours()
      await using service = await counting()
      const near = await freePort()
      await using client = await began(clients[name](server.to, ['-D', String(near)]))
      await listening(near, client)
      assert.equal(await exchange(near, MiB, '127.0.0.1', socks5(Number(service.at))), `${MiB} bytes`)
    })

  test('OpenSSH ssh -W', {}, async () => {
    await using server = await ours()
    await using service = await counting()
    const { command, options } = openSshCommand({ to: server.to, login, command: undefined, options: [`-W127.0.0.1:${service.at}`] })
    const result = await finish(command, { ...options, stdin: Buffer.alloc(2 * MiB) })
    assert.equal(result.stdout.toString(), `${2 * MiB} bytes`, result.stderr)
  })

  test('OpenSSH ssh -R 0, and -R as SOCKS', {}, async () => {
    await using server = await ours()
    await using service = await counting()
    await using client = await began(clients['OpenSSH ssh'](server.to, ['-R', `0:127.0.0.1:${service.at}`, '-R', '0']))
    let found: readonly number[] = []
    for (let tries = 0; tries < 400 && found.length < 2; tries++) {
      await pause(25)
      found = [...client.log().matchAll(/Allocated port (\d+) for remote/g)].map(each => Number(each[1]))
    }
    assert.equal(found.length, 2, client.log())
    const [fixed = 0, proxy = 0] = found
    assert.equal(await exchange(fixed, MiB), `${MiB} bytes`)
    // Both families have the port.
    assert.equal(await exchange(fixed, MiB, '::1'), `${MiB} bytes`)
    assert.equal(await exchange(proxy, 1000, '127.0.0.1', socks5(Number(service.at))), '1000 bytes')
  })

  test('OpenSSH ssh with Unix sockets, all four ways and mixed with ports; the server’s are the login’s', {}, async () => {
    await using server = await ours()
    await using tcp = await counting()
    await using unix = await counting(userPath())
    const [nearPath, nearPort, farPath, farPort, mixed] = [userPath(), await freePort(), userPath(), await freePort(), userPath()]
    await using client = await began(
      clients['OpenSSH ssh'](server.to, [
        ...['-L', `${nearPath}:${unix.at}`, '-L', `${nearPort}:${unix.at}`],
        ...['-R', `${farPath}:${unix.at}`, '-R', `${farPort}:${unix.at}`, '-R', `${mixed}:127.0.0.1:${tcp.at}`],
      ]),
    )
    for (const at of [nearPath, nearPort, farPath, farPort, mixed]) {
      await listening(at, client)
      assert.equal(await exchange(at, 300_000), '300000 bytes', String(at))
    }
    const { uid, mode } = statSync(farPath)
    assert.deepEqual([uid, mode & 0o777], [world().uid, 0o600])
    await client[Symbol.asyncDispose]()
    await pause(300)
    assert.deepEqual([existsSync(farPath), existsSync(mixed)], [false, false])
  })

  for (const [library, kinds] of [
    ['paramiko', ['local', 'remote']],
    ['asyncssh', ['local', 'socket', 'remote', 'remote-socket']],
  ] as const)
    for (const kind of kinds)
      test(`${library}: ${kind}`, {}, async () => {
        await using server = await ours()
        await using service = await counting(kind === 'socket' ? userPath() : undefined)
        const script = fileURLToPath(new URL('peers/forward_clients.py', import.meta.url))
        const { host, port, user } = server.to
        const target = kind === 'remote-socket' ? userPath() : String(service.at)
        const result = await finish(['/usr/bin/python3', script, library, kind, host, String(port), user, userKey().path, target])
        assert.equal(result.stdout.toString().trim(), '300000 bytes', result.stderr)
      })
})

describe('GatewayPorts', () => {
  const cases: readonly (readonly [string, string, boolean, boolean])[] = [
    // value, address asked for, reached at 127.0.0.1, reached at 127.0.0.2
    ['no', '', true, false],
    ['no', '*', true, false],
    ['no', '127.0.0.2', true, false],
    ['yes', 'localhost', true, true],
    ['yes', '127.0.0.2', true, true],
    ['clientspecified', 'localhost', true, false],
    ['clientspecified', '*', true, true],
    ['clientspecified', '0.0.0.0', true, true],
    ['clientspecified', '127.0.0.2', false, true],
  ]
  test('decides who reaches what a client has listened on, as at OpenSSH’s', { seconds: 120 }, async () => {
    for (const kind of ['nacre', 'OpenSSH'] as const)
      for (const value of ['no', 'yes', 'clientspecified']) {
        await using server = await servers[kind]({ accepts, config: [`GatewayPorts ${value}`] })
        await using service = await counting()
        for (const [asked, address, loopback, other] of cases) {
          if (asked !== value) continue
          const port = await freePort()
          await using client = await began(clients['OpenSSH ssh'](server.to, ['-R', `${address}:${port}:127.0.0.1:${service.at}`]))
          await listening(port, client, loopback ? '127.0.0.1' : '127.0.0.2')
          const got: boolean[] = []
          for (const host of ['127.0.0.1', '127.0.0.2'])
            got.push(
              await exchange(port, 5, host).then(
                said => said === '5 bytes',
                () => false,
              ),
            )
          assert.deepEqual(got, [loopback, other], `${kind}: GatewayPorts ${value}, asked for “${address}”`)
        }
      }
  })
})

describe('rights of the login', () => {
  test('it has no privileged port, no path it may not write, no socket it may not connect to', { skip: needsPrivilege() }, async () => {
    await using server = await ours()
    await using _secret = await counting(`${userPath()}-secret`).then(service => {
      chmodSync(String(service.at), 0o700)
      return Object.assign(service, { path: String(service.at) })
    })
    await using connection = await nacreConnect(server.to, login)
    assert.equal(await asks.listen(connection, 'localhost', 80), 'no')
    assert.equal(await asks.listenPath(connection, '/etc/nacre-forward'), 'no')
    assert.equal(await asks.openPath(connection, String(_secret.at)), 'connect-failed')
    assert.equal(existsSync('/etc/nacre-forward'), false)
    assert.match(server.process.log(), /cannot listen to host localhost port 80: .*only root may/)
  })

  test('StreamLocalBindMask and StreamLocalBindUnlink', {}, async () => {
    const path = userPath()
    for (const [unlink, second] of [
      ['no', 'no'],
      ['yes', 'yes'],
    ] as const) {
      await using server = await ours(['StreamLocalBindMask 0117', `StreamLocalBindUnlink ${unlink}`])
      await using one = await nacreConnect(server.to, login)
      await using two = await nacreConnect(server.to, login)
      assert.equal(await asks.listenPath(one, path), 'yes')
      assert.equal(statSync(path).mode & 0o777, 0o660)
      assert.equal(await asks.listenPath(two, path), second)
    }
  })
})

const servers = { OpenSSH: openSshServer, nacre: nacreSshd } as const
type Kind = keyof typeof servers

const listenRow = { name: 'tcpip-forward', codec: struct({ address: text, port: uint32 }) } as const
const unlistenRow = { name: 'cancel-tcpip-forward', codec: listenRow.codec } as const
const listenPathRow = { name: 'streamlocal-forward@openssh.com', codec: struct({ path: text }) } as const
const openRow = { name: 'direct-tcpip', codec: struct({ host: text, port: uint32, from: text, fromPort: uint32 }) } as const
const openPathRow = { name: 'direct-streamlocal@openssh.com', codec: struct({ path: text, reserved: bytes, number: uint32 }) } as const

const answered = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'yes',
    (error: unknown) => {
      if (error instanceof RequestRefusedError) return 'no'
      if (error instanceof ChannelOpenError) return error.reason ?? 'no reason'
      throw error
    },
  )

/** What a server says, in words that can be compared. */
const asks = {
  listen: (connection: ClientConnection, address: string, port: number) => answered(connection.link.request(listenRow, { address, port })),
  listenPath: (connection: ClientConnection, path: string) => answered(connection.link.request(listenPathRow, { path })),
  open: (connection: ClientConnection, port: number) =>
    answered(connection.link.open(openRow, { host: '127.0.0.1', port, from: '', fromPort: 0 })),
  openPath: (connection: ClientConnection, path: string) =>
    answered(connection.link.open(openPathRow, { path, reserved: new Uint8Array(0), number: 0 })),
}

describe('who may have what', () => {
  const cases: readonly { readonly config?: readonly string[]; readonly key?: string }[] = [
    {},
    { config: ['AllowTcpForwarding no'] },
    { config: ['AllowTcpForwarding local'] },
    { config: ['AllowTcpForwarding remote'] },
    { config: ['AllowStreamLocalForwarding no'] },
    { config: ['AllowStreamLocalForwarding local'] },
    { config: ['AllowStreamLocalForwarding remote'] },
    { config: ['DisableForwarding yes'] },
    { config: ['PermitOpen none'] },
    { config: ['PermitOpen *:*'] },
    { config: ['PermitOpen 127.0.0.1:*'] },
    { config: ['PermitListen none'] },
    { config: ['PermitListen any'] },
    { config: ['PermitListen PORT'] },
    { config: ['PermitListen localhost:PORT'] },
    { config: ['PermitListen *:PORT localhost:1'] },
    { config: ['PermitListen 127.0.0.?:*'] },
    { config: ['PermitListen local*:*'] },
    { key: 'restrict' },
    { key: 'no-port-forwarding' },
    { key: 'restrict,port-forwarding' },
    { key: 'permitlisten="PORT"' },
    { key: 'permitlisten="localhost:PORT"' },
    { key: 'permitlisten="*:*"' },
    { key: 'permitopen="127.0.0.1:1"' },
    { key: 'restrict,port-forwarding,permitlisten="localhost:*"' },
    { config: ['PermitListen localhost:*'], key: 'permitlisten="PORT"' },
    { config: ['PermitListen 1'], key: 'permitlisten="PORT"' },
    { config: ['Match User *', 'AllowTcpForwarding no'] },
  ]
  test('is the same at both servers', { seconds: 280 }, async () => {
    await using tcp = await counting()
    await using unix = await counting(userPath())
    const failures: string[] = []
    for (const { config = [], key } of cases) {
      const port = await freePort()
      const filled = (line: string): string => line.replaceAll('PORT', String(port))
      const keys = freshFile('authorized_keys', `${key === undefined ? '' : `${filled(key)} `}${userKey().line}\n`, 0o644)
      const said: Partial<Record<Kind, string>> = {}
      for (const kind of ['OpenSSH', 'nacre'] as const) {
        const match = config[0]?.startsWith('Match') === true
        const lines = [`AuthorizedKeysFile ${keys}`, ...(match ? [] : config.map(filled))]
        const options: OpenSshServerOptions = { accepts, config: lines, ...(match ? { blocks: config } : {}) }
        await using at = await servers[kind](options)
        await using connection = await nacreConnect(at.to, login)
        const all = [
          `open ${await asks.open(connection, Number(tcp.at))}`,
          `open path ${await asks.openPath(connection, String(unix.at))}`,
          `listen path ${await asks.listenPath(connection, userPath())}`,
        ]
        for (const address of ['localhost', 'LOCALHOST', '', '127.0.0.1']) {
          const listens = await asks.listen(connection, address, port)
          // The next asks for the same port.
          if (listens === 'yes') assert.equal(await answered(connection.link.request(unlistenRow, { address, port })), 'yes')
          all.push(`listen ${address}:PORT ${listens}`, `listen ${address}:0 ${await asks.listen(connection, address, 0)}`)
        }
        said[kind] = all.join(', ')
      }
      // OpenSSH's has no reason for a path it refuses but that the connection failed.
      if (said.nacre !== said.OpenSSH?.replace('open path connect-failed', 'open path administratively-prohibited'))
        failures.push(`${config.join('; ')} ${key ?? ''}\n  sshd  ${said.OpenSSH}\n  nacre ${said.nacre}`)
    }
    assert.deepEqual(failures, [])
  })

  test('is in the log in the words of OpenSSH’s', {}, async () => {
    const denied = async (config: string, ask: (connection: ClientConnection) => Promise<string>): Promise<string> => {
      await using at = await ours([config])
      await using connection = await nacreConnect(at.to, login)
      assert.match(await ask(connection), /^(no|administratively-prohibited)$/)
      return at.process.log()
    }
    const from = 'Received request from 127\\.0\\.0\\.1 port \\d+ to'
    assert.match(
      await denied('PermitOpen 10.0.0.1:1', c => asks.open(c, 22)),
      new RegExp(`${from} connect to host 127\\.0\\.0\\.1 port 22, but the request was denied`),
    )
    assert.match(
      await denied('PermitListen 1', c => asks.listen(c, 'localhost', 8080)),
      new RegExp(`${from} remote forward to host localhost port 8080, but the request was denied`),
    )
    assert.match(
      await denied('AllowTcpForwarding no', c => asks.open(c, 22)),
      /refused local port forward: originator .* port 0, target 127\.0\.0\.1 port 22/,
    )
    assert.match(
      await denied('AllowStreamLocalForwarding no', c => asks.openPath(c, '/run/x')),
      /refused streamlocal port forward: .*\/run\/x/,
    )
  })
})

describe('many', () => {
  test('1,000 listeners of one connection, all gone with it; others go on', { seconds: 120 }, async () => {
    await using server = await ours()
    await using other = await nacreConnect(server.to, login)
    await using connection = await nacreConnect(server.to, login)
    const all = await Promise.all(
      Array.from({ length: 4 }, async (_, lane) => {
        let count = 0
        for (let i = lane; i < 1000; i += 4) if ((await asks.listen(connection, '127.0.0.1', 0)) === 'yes') count++
        return count
      }),
    )
    assert.equal(
      all.reduce((sum, each) => sum + each, 0),
      1000,
    )
    await connection.close()
    assert.equal(await asks.listen(other, 'localhost', 0), 'yes')
  })

  test('a target that hangs stalls nobody, and 10,000 connections at once pass', { seconds: 120 }, async () => {
    await using server = await ours()
    const held = new Set<Socket>()
    const hanging = createServer({ pauseOnConnect: true }, socket => void held.add(socket.on('error', () => {})))
    await new Promise<void>(resolve => hanging.listen(0, '127.0.0.1', resolve))
    await using service = await counting()
    await using connection = await nacreConnect(server.to, login, { limits: { maximumChannels: 10_000 } })
    const stuck = await connection.dial(`127.0.0.1:${(hanging.address() as AddressInfo).port}`)
    stuck.writable.write(new Uint8Array(16 * MiB)).catch(() => {})
    const streams = await Promise.all(Array.from({ length: 9999 }, () => connection.dial(`127.0.0.1:${service.at}`)))
    const said = await Promise.all(
      streams.map(async (stream, index) => {
        await stream.writable.write(new Uint8Array(index))
        stream.end()
        return await new Response(stream.readable).text()
      }),
    )
    assert.deepEqual(
      said,
      streams.map((_, index) => `${index} bytes`),
    )
    stuck.abort()
    for (const each of held) each.destroy()
    hanging.close()
  })
})
