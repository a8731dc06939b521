// A client, a server in the middle, and a server behind it: all that the client does arrives behind as it was sent, and comes back as
// it was answered; pressure and ends pass through.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientConnection } from '../../src/client/connection.ts'
import { agentConnect } from '../../src/connection/channel-types/agent-connect.ts'
import { authAgent } from '../../src/connection/channel-types/auth-agent.ts'
import { forwardedTcpip } from '../../src/connection/channel-types/forwarded-tcpip.ts'
import { session as sessionRow } from '../../src/connection/channel-types/session.ts'
import { x11 } from '../../src/connection/channel-types/x11.ts'
import { cancelTcpipForward } from '../../src/connection/global-requests/cancel-tcpip-forward.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import { agentReq } from '../../src/connection/requests/agent-req.ts'
import { authAgentReq } from '../../src/connection/requests/auth-agent-req.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { x11Req } from '../../src/connection/requests/x11-req.ts'
import type { RequestRow } from '../../src/connection/requests/row.ts'
import { type ChannelOpenError, RequestRefusedError } from '../../src/errors.ts'
import type { PortHandler } from '../../src/io/channel-port.ts'
import { ChannelStream } from '../../src/io/channel-stream.ts'
import type { ServerConnection } from '../../src/server/connection.ts'
import { relayConnection, type RelayConnectionOptions } from '../../src/server/relay.ts'
import { relayChannel } from '../../src/server/relay-channel.ts'
import type { SessionHandlers } from '../../src/server/session.ts'
import { decode, rest } from '../../src/wire/codec.ts'
import { type Joined, joined, quiet, textOf } from '../io/fixtures.ts'
import { echo, fakeMachine } from './sockets.ts'

interface Person {
  readonly name: string
}

interface Chain extends AsyncDisposable {
  readonly client: ClientConnection
  readonly middle: Joined
  readonly behind: Joined
  readonly machine: ReturnType<typeof fakeMachine>
  readonly over: Promise<Error | undefined>
}

interface ChainOptions extends RelayConnectionOptions {
  /** In place of the connection that is there. */
  readonly target?: (usual: ClientConnection) => Promise<ClientConnection>
}

const chain = async (session: SessionHandlers<Person> = {}, { target, ...options }: ChainOptions = {}): Promise<Chain> => {
  const machine = fakeMachine()
  const behind = await joined(session, { server: { forwards: { permit: () => true, sockets: machine.sockets } } })
  let over: Promise<Error | undefined> = Promise.resolve(undefined)
  const middle = await joined(
    {},
    {
      server: {
        onEvent(event, connection) {
          if (event.is === 'authenticated') over = relayConnection(connection, target?.(behind.client) ?? behind.client, options)
        },
      },
    },
  )
  return {
    client: middle.client,
    middle,
    behind,
    machine,
    over,
    async [Symbol.asyncDispose]() {
      await middle[Symbol.asyncDispose]()
      await behind[Symbol.asyncDispose]()
      assert.deepEqual([...middle.errors, ...behind.errors], [])
    },
  }
}

describe('a session that is handed on', () => {
  it('runs behind: command, input, both outputs, exit status', async () => {
    await using at = await chain({
      async exec(session) {
        await session.stderr.write(`ran ${session.command} for ${session.user.name}`)
        await session.stdout.write(await textOf(session.stdin))
        return 42
      },
    })
    const { stdout, stderr, code } = await at.client.run('wc -l', { input: 'to the end' })
    assert.deepEqual([stdout, stderr, code], ['to the end', 'ran wc -l for ada', 42])
  })

  it('has its terminal, variables, signals, sizes, and the signal it ends by', async () => {
    const seen: unknown[] = []
    await using at = await chain({
      async shell(session) {
        seen.push(session.pty?.term, session.pty?.columns, session.env)
        const signalled = Promise.withResolvers<string>()
        session.onResize(size => seen.push(size.columns))
        session.onSignal(name => signalled.resolve(name))
        seen.push(await signalled.promise)
        return { signal: 'TERM', coreDumped: true, message: 'as told' }
      },
    })
    const shell = await at.client.shell({ pty: { term: 'vt52', columns: 100, rows: 30 }, env: { LANG: 'C', SECRET: 'x' } })
    shell.resize({ columns: 77, rows: 20 })
    shell.signal('USR1')
    assert.deepEqual(await shell.exited, { signal: 'TERM', coreDumped: true, message: 'as told' })
    assert.deepEqual(seen, ['vt52', 100, { LANG: 'C' }, 77, 'USR1'])
  })

  it('has a subsystem by its name, and learns that there is none', async () => {
    await using at = await chain({ subsystems: { sftp: async session => void (await session.stdout.write('files')) } })
    const sftp = await at.client.subsystem('sftp')
    assert.equal(await textOf(sftp.stdout), 'files')
    await assert.rejects(at.client.subsystem('netconf'), RequestRefusedError)
  })

  it('gets its replies in the order of its requests, and requests nobody declared go on as they are', async () => {
    const row = { name: 'odd@example.com', codec: rest } as const satisfies RequestRow
    await using at = await chain({ exec: () => 0 })
    const port = await at.client.open(sessionRow, {})
    const answers: string[] = []
    const asked: Promise<unknown>[] = []
    for (const [name, ask] of [
      ['odd', () => port.ask(row, new Uint8Array([1, 2, 3]))],
      ['env', () => port.ask({ ...row, name: 'xon-xoff' }, new Uint8Array([1]))],
      ['odd again', () => port.ask(row, new Uint8Array(0))],
    ] as const)
      asked.push(
        ask().then(
          () => answers.push(`${name} yes`),
          () => answers.push(`${name} no`),
        ),
      )
    await Promise.all(asked)
    assert.deepEqual(
      answers.map(each => each.replace(/ (yes|no)$/, '')),
      ['odd', 'env', 'odd again'],
    )
    port.close()
  })

  it('is refused in the words of who refuses behind', async () => {
    await using at = await chain()
    // Sixty-four is what the server behind allows.
    const all = await Promise.all(Array.from({ length: 64 }, () => at.client.open(sessionRow, {})))
    await assert.rejects(at.client.open(sessionRow, {}), (error: ChannelOpenError) => {
      assert.deepEqual([error.reason, error.description], ['administratively-prohibited', 'at most 64 sessions at once'])
      return true
    })
    for (const each of all) each.close()
  })

  it('asks who permits requests, and one that is refused is not told behind', async () => {
    const ran: (string | undefined)[] = []
    await using at = await chain(
      { exec: session => void ran.push(session.command) },
      { permitRequest: (request, type) => type === 'session' && (request.type !== 'exec' || request.value.command === 'allowed') },
    )
    await assert.rejects(at.client.run('forbidden'), RequestRefusedError)
    assert.equal((await at.client.run('allowed')).code, 0)
    assert.deepEqual(ran, ['allowed'])
  })

  it('ends for who is behind when the client breaks off', async () => {
    const ended = Promise.withResolvers<void>()
    const at = await chain({
      async exec(session) {
        session.signal.addEventListener('abort', () => ended.resolve())
        await ended.promise
      },
    })
    await at.client.exec('sleep')
    await quiet()
    await at.client.close()
    await ended.promise
    assert.equal(await at.over, undefined)
    await at[Symbol.asyncDispose]()
  })
})

describe('pressure', () => {
  const windows = 3 // of 2 MiB: one at each connection, and what a queue of packets holds
  const most = windows * 2 * 1024 * 1024

  /** Writes until nobody takes more. */
  const fill = async (write: (bytes: Uint8Array) => Promise<void> | undefined): Promise<number> => {
    let written = 0
    for (;;) {
      const waiting = write(new Uint8Array(32_768).fill(written >> 15))
      written += 32_768
      waiting?.catch(() => {})
      await quiet(2)
      if (waiting !== undefined) {
        let taken = false
        void waiting.then(() => (taken = true)).catch(() => {})
        await quiet(20)
        if (!taken) return written
      }
      assert.ok(written <= 4 * most, 'nobody stops who writes')
    }
  }

  it('passes from a client that reads nothing to who writes behind; all of it arrives once it reads', async () => {
    const filled = Promise.withResolvers<number>()
    await using at = await chain({
      async exec(session) {
        filled.resolve(await fill(bytes => session.write(bytes)))
      },
    })
    const port = await at.client.open(sessionRow, {})
    let got = 0
    let held = 0
    let slow = true
    const end = Promise.withResolvers<void>()
    const handler: PortHandler = {
      data(bytes) {
        got += bytes.length
        if (slow) held += bytes.length
        else port.consume(bytes.length)
      },
      eof: () => {},
      request: question => question.fail(),
      closed: () => end.resolve(),
    }
    port.handle(handler)
    await port.ask({ name: 'exec', codec: rest }, new Uint8Array([0, 0, 0, 1, 120]))
    const written = await filled.promise
    assert.ok(written <= most, `${written} bytes`)
    slow = false
    port.consume(held)
    await end.promise
    assert.equal(got, written)
  })

  it('passes from who reads nothing behind to the client', async () => {
    const go = Promise.withResolvers<void>()
    await using at = await chain({
      async exec(session) {
        await go.promise
        await session.stdout.write(String((await new Response(session.stdin).bytes()).length))
      },
    })
    const process = await at.client.exec('sink')
    const written = await fill(bytes => process.write(bytes))
    assert.ok(written <= most, `${written} bytes`)
    go.resolve()
    await process.stdin.close()
    assert.equal(await textOf(process.stdout), String(written))
  })

  it('of one channel stalls no other', async () => {
    await using at = await chain({
      async exec(session) {
        if (session.command === 'flood') await fill(bytes => session.write(bytes))
        else await session.stdout.write('quick')
      },
    })
    const port = await at.client.open(sessionRow, {})
    await port.ask({ name: 'exec', codec: rest }, new TextEncoder().encode('\0\0\0\x05flood'))
    await quiet(100)
    assert.equal((await at.client.run('other')).stdout, 'quick')
    port.abort()
  })
})

describe('forwards that are handed on', () => {
  it('reach from behind, with half-close', async () => {
    await using at = await chain()
    at.machine.occupied.add('db 5432')
    const stream = await at.client.dial('db:5432')
    await stream.writable.write('to and fro')
    stream.end()
    assert.equal(await textOf(stream.readable), 'to and fro')
    await assert.rejects(at.client.dial('db:1'), /nothing listens at db 1/)
  })

  it('listen behind, also on any port, and connections come all the way', async () => {
    await using at = await chain()
    at.client.serve(forwardedTcpip.name, question => {
      echo(new ChannelStream(at.client.link.accept(question)))
      return true
    })
    const reply = await at.client.request(tcpipForward, { addressToBind: 'localhost', portNumberToBind: 0 })
    assert.equal(decode(tcpipForward.reply, reply).allocatedPort, 50_000)
    const stream = await at.machine.arrive('::1 50000').joined
    await stream.writable.write('all the way')
    stream.end()
    assert.equal(await textOf(stream.readable), 'all the way')
    await at.client.request(cancelTcpipForward, { addressToBind: 'localhost', portNumberToBind: 50_000 })
    assert.equal(at.machine.listening.size, 0)
    await assert.rejects(
      at.client.request(cancelTcpipForward, { addressToBind: 'localhost', portNumberToBind: 50_000 }),
      RequestRefusedError,
    )
  })

  it('let nothing back that the client did not ask for', async () => {
    await using at = await chain()
    at.client.serve(forwardedTcpip.name, () => assert.fail('it was asked'))
    const details = { connectedAddress: 'localhost', connectedPort: 1, originatorAddress: '', originatorPort: 1 }
    await assert.rejects(at.behind.served.open(forwardedTcpip, details), /not asked for/)
  })

  it('ask who permits', async () => {
    await using at = await chain(
      {},
      {
        permit: async request => {
          if (request.about === 'global') return false
          return request.details.type === 'direct-tcpip' && request.details.value.portToConnect === 5432 ? true : 'only the database'
        },
      },
    )
    at.machine.occupied.add('db 5432')
    await (await at.client.dial('db:5432'))[Symbol.asyncDispose]()
    await assert.rejects(at.client.dial('db:22'), /only the database/)
    await assert.rejects(at.client.run('id'), /only the database/)
    await assert.rejects(at.client.request(tcpipForward, { addressToBind: '', portNumberToBind: 1 }), RequestRefusedError)
    assert.equal(at.machine.listening.size, 0)
  })

  it('end with the client where the target goes on for others', async () => {
    const at = await chain({ exec: () => 7 }, { keep: true })
    await at.client.request(tcpipForward, { addressToBind: 'localhost', portNumberToBind: 80 })
    await at.client.request(tcpipForward, { addressToBind: '', portNumberToBind: 0 })
    assert.equal(at.machine.listening.size, 4)
    await at.client.close()
    assert.equal(await at.over, undefined)
    await quiet()
    assert.equal(at.machine.listening.size, 0)
    assert.equal((await at.behind.client.run('others')).code, 7)
    await at[Symbol.asyncDispose]()
  })
})

describe('what a client lends a session that is handed on', () => {
  const display = { singleConnection: false, authenticationProtocol: 'MIT-MAGIC-COOKIE-1', authenticationCookie: '00ff', screenNumber: 2 }

  /** A session behind that says to whatever it was lent what its command is, and tells what came back. */
  const lending = (options: ChainOptions = {}) =>
    chain(
      {
        agent: true,
        x11: true,
        async exec(session) {
          const lent = session.agent ?? session.x11
          assert.ok(lent !== undefined)
          const stream = session.agent === undefined ? await session.x11?.open({ address: 'h', port: 1 }) : await session.agent.open()
          assert.ok(stream !== undefined)
          await stream.write(new TextEncoder().encode(session.command))
          stream.end()
          await session.stdout.write(`${session.x11?.cookie ?? ''}${await textOf(stream.readable)}`)
          return 0
        },
      },
      options,
    )
  /** Asks to lend, runs a command, and gives its output. */
  const asking = async <T>(at: Chain, row: RequestRow<string, T>, value: T, command: string): Promise<string> => {
    const port = await at.client.open(sessionRow, {})
    await port.ask(row, value)
    let said = ''
    const over = Promise.withResolvers<void>()
    port.handle({
      data(bytes) {
        said += new TextDecoder().decode(bytes)
        port.consume(bytes.length)
      },
      eof: () => {},
      request: question => question.fail(),
      closed: () => over.resolve(),
    })
    await port.ask(exec, { command })
    await over.promise
    return said
  }
  const serve = (at: Chain, type: string): { readonly served: () => number } => {
    let served = 0
    at.client.serve(type, question => {
      served++
      echo(new ChannelStream(at.client.link.accept(question)))
      return true
    })
    return { served: () => served }
  }

  it('is reached from behind: its agent by either name, its display with its cookie', async () => {
    await using at = await lending()
    const [old, byRfc, x] = [serve(at, authAgent.name), serve(at, agentConnect.name), serve(at, x11.name)]
    assert.equal(await asking(at, authAgentReq, {}, 'to the agent'), 'to the agent')
    assert.deepEqual([old.served(), byRfc.served()], [1, 0])
    assert.equal(await asking(at, agentReq, {}, 'to it again'), 'to it again')
    assert.deepEqual([old.served(), byRfc.served()], [1, 1])
    assert.equal(await asking(at, x11Req, display, 'to the display'), '00ffto the display')
    assert.equal(x.served(), 1)
  })

  it('is lent only if that may go on', async () => {
    await using at = await lending({ permitRequest: request => request.type !== 'agent-req' && request.type !== 'x11-req' })
    const port = await at.client.open(sessionRow, {})
    await assert.rejects(port.ask(agentReq, {}), RequestRefusedError)
    await assert.rejects(port.ask(x11Req, display), RequestRefusedError)
    await port.ask(authAgentReq, {})
    port.abort()
  })

  it('is asked for by nobody behind before it was offered', async () => {
    await using at = await lending()
    for (const [row, details] of [
      [authAgent, {}],
      [agentConnect, {}],
    ] as const) {
      at.client.serve(row.name, () => assert.fail('it was asked'))
      await assert.rejects(at.behind.served.open(row, details), /not asked for|no such|unknown|refused/i)
    }
    at.client.serve(x11.name, () => assert.fail('it was asked'))
    await assert.rejects(at.behind.served.open(x11, { originatorAddress: '', originatorPort: 1 }))
  })

  it('is not reached once somebody behind says no', async () => {
    await using at = await chain({ exec: () => 0 })
    const served = serve(at, authAgent.name)
    const port = await at.client.open(sessionRow, {})
    await assert.rejects(port.ask(authAgentReq, {}), RequestRefusedError)
    await assert.rejects(at.behind.served.open(authAgent, {}))
    assert.equal(served.served(), 0)
    port.abort()
  })
})

describe('the connection behind', () => {
  it('is waited for, with all that is asked meanwhile', async () => {
    const ready = Promise.withResolvers<void>()
    await using at = await chain(
      { exec: session => void session.write(new TextEncoder().encode(session.command)) },
      {
        async target(usual) {
          await ready.promise
          return usual
        },
      },
    )
    const results = Promise.all([at.client.run('one'), at.client.run('two')])
    await quiet()
    ready.resolve()
    assert.deepEqual(
      (await results).map(each => each.stdout),
      ['one', 'two'],
    )
  })

  it('that cannot be had ends the client’s, without saying why', async () => {
    const at = await chain({}, { target: () => Promise.reject(new Error('no route to 10.0.0.9')) })
    const error = await at.client.run('id').then(
      () => assert.fail(),
      (thrown: Error) => thrown,
    )
    assert.doesNotMatch(error.message, /10\.0\.0\.9/)
    assert.match(String(await at.over), /no route to 10\.0\.0\.9/)
    await at.client.closed
    await at[Symbol.asyncDispose]()
  })

  it('that is lost ends the client’s', async () => {
    const at = await chain({ exec: () => new Promise<void>(() => {}) })
    await at.client.exec('sleep')
    at.behind.served.disconnect('by-application', 'rebooting')
    const { error } = await at.client.closed
    assert.match(error?.message ?? '', /connection to the next host has ended/)
    assert.ok((await at.over) instanceof Error)
    await at[Symbol.asyncDispose]()
  })
})

it('one session is handed on by relayChannel, while others are served here', async () => {
  await using behind = await joined({ exec: () => 9 })
  const served: ServerConnection<Person>[] = []
  await using at = await joined(
    { exec: () => 1 },
    {
      server: {
        channels: {
          'direct-tcpip': (question, connection) => {
            served.push(connection)
            relayChannel(question, connection, behind.client)
          },
          session: (question, connection) => relayChannel(question, connection, behind.client),
        },
      },
    },
  )
  assert.equal((await at.client.run('anything')).code, 9)
  await assert.rejects(at.client.dial('db:1'), /forwards nothing/)
  assert.equal(served.length, 1)
})
