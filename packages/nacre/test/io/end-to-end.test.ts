// A program at each end and nothing but memory between them: commands, streams, signals, and every way it can end.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connectOver } from '../../src/client/connect.ts'
import { credentials } from '../../src/client/identities.ts'
import { pinnedHostKeys } from '../../src/client/policy.ts'
import {
  AuthenticationError,
  ChannelOpenError,
  DisconnectedError,
  ExitError,
  HostKeyError,
  NegotiationError,
  ProtocolError,
  RequestRefusedError,
  SshError,
  TimeoutError,
} from '../../src/errors.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { password } from '../../src/server/authenticators/password.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { patterned, same } from '../pair/fixtures.ts'
import { clientOptions, joined, quiet, runtime, serverOf, textOf } from './fixtures.ts'

describe('run', () => {
  it('gives output, errors apart, and the exit status', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stdout.write(`hello ${session.user.name}: ${session.command}`)
        await session.stderr.write('oh')
        return 3
      },
    })
    const result = await at.client.run(['ls', '-l', "it's"])
    assert.equal(result.stdout, `hello ada: ls -l 'it'\\''s'`)
    assert.equal(result.stderr, 'oh')
    assert.equal(result.code, 3)
    assert.deepEqual(result.exit, { code: 3 })
    assert.equal(result.truncated, false)
  })
  it('gives the signal that ended a command', async () => {
    await using at = await joined({ exec: () => ({ signal: 'TERM', coreDumped: false, message: '' }) })
    const result = await at.client.run('x')
    assert.equal(result.signal, 'TERM')
    assert.equal(result.code, undefined)
  })
  it('can insist on success', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stderr.write('no such thing')
        return 2
      },
    })
    await assert.rejects(
      at.client.run('x', { check: true }),
      (error: unknown) => error instanceof ExitError && error.stderrTail === 'no such thing' && 'code' in error.exit,
    )
  })
  it('feeds input, of any kind, and ends it', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stdout.write(await textOf(session.stdin))
      },
    })
    assert.equal((await at.client.run('x', { input: 'text' })).stdout, 'text')
    assert.equal((await at.client.run('x', { input: new TextEncoder().encode('bytes') })).stdout, 'bytes')
    assert.equal((await at.client.run('x', { input: new Blob(['stream']).stream() })).stdout, 'stream')
    assert.equal((await at.client.run('x')).stdout, '')
  })
  it('ends with the command, though its input does not', async () => {
    await using at = await joined({ exec: () => 0 })
    const endless = new ReadableStream<Uint8Array>({ pull: () => new Promise(() => {}) })
    assert.equal((await at.client.run('x', { input: endless })).code, 0)
  })
  it('keeps no more output than it is told to', async () => {
    await using at = await joined({
      async exec(session) {
        for (let i = 0; i < 100; i++) await session.stdout.write(new Uint8Array(50_000))
      },
    })
    const result = await at.client.run('x', { maximumOutput: 70_000 })
    assert.equal(result.stdoutBytes.length, 70_000)
    assert.equal(result.truncated, true)
  })
  it('carries much both ways at once', async () => {
    const bytes = patterned(5_000_000)
    await using at = await joined(
      {
        async exec(session) {
          for await (const chunk of session.stdin) await session.stdout.write(chunk)
        },
      },
      { client: { rekey: { bytes: 1_000_000 } } },
    )
    const results = await Promise.all(Array.from({ length: 3 }, () => at.client.run('cat', { input: bytes })))
    for (const [i, { stdoutBytes }] of results.entries()) same(stdoutBytes, bytes, `run ${i}`)
  })
  it('is refused where there is no such thing', async () => {
    await using at = await joined({})
    await assert.rejects(at.client.run('x'), RequestRefusedError)
    await assert.rejects(at.client.subsystem('sftp'), RequestRefusedError)
    assert.equal(at.client.link.openChannels <= 1, true)
  })
})

describe('exec', () => {
  it('gives streams: input can be ended while output goes on', async () => {
    await using at = await joined({
      async exec(session) {
        const asked = await textOf(session.stdin)
        await session.stdout.write(`you asked: ${asked}`)
        return 0
      },
    })
    const process = await at.client.exec('x')
    await process.stdin.write('question')
    await process.stdin.end()
    assert.equal(await textOf(process.stdout), 'you asked: question')
    assert.deepEqual(await process.exited, { code: 0 })
  })
  it('holds a fast writer back while nobody reads', async () => {
    let written = 0
    await using at = await joined(
      {
        async exec(session) {
          for (; written < 100; written++) await session.stdout.write(new Uint8Array(100_000))
        },
      },
      { client: { limits: { initialWindow: 200_000 } }, server: {} },
    )
    const process = await at.client.exec('x')
    await quiet()
    assert.ok(written < 5, `${written} writes went through`)
    let total = 0
    for await (const chunk of process.stdout) total += chunk.length
    assert.equal(total, 10_000_000)
  })
  it('tells the handler of signals, breaks, sizes and variables', async () => {
    const heard: unknown[] = []
    await using at = await joined({
      async shell(session) {
        session.onSignal(name => heard.push(name))
        session.onResize(size => heard.push(size.columns))
        session.onBreak(length => heard.push(length))
        heard.push(session.pty?.term, session.env.LANG)
        await textOf(session.stdin)
      },
    })
    const shell = await at.client.shell({ pty: { term: 'vt100', columns: 80, rows: 24 }, env: { LANG: 'C', SECRET: 'x' } })
    shell.signal('INT')
    shell.resize({ columns: 132, rows: 50 })
    await shell.break(500)
    await shell.stdin.end()
    await shell.exited
    assert.deepEqual(heard, ['vt100', 'C', 'INT', 132, 500])
  })
  it('that is closed hangs up on the handler', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    await using at = await joined({
      exec: session =>
        new Promise<void>(() => {
          session.signal.addEventListener('abort', () => resolve())
        }),
    })
    {
      await using process = await at.client.exec('x')
      void process
    }
    await promise
    await quiet()
    assert.equal(at.served.sessions, 0)
    assert.equal(at.client.link.openChannels, 0)
  })
  it('gives what a process wrote before a tap was set to the tap', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stdout.write('early')
        await session.stderr.write('early too')
        await textOf(session.stdin)
        await session.stdout.write(' late')
      },
    })
    const process = await at.client.exec('x')
    await quiet()
    const heard = { out: '', err: '' }
    process.tap({
      stdout: bytes => void (heard.out += Buffer.from(bytes).toString()),
      stderr: bytes => void (heard.err += Buffer.from(bytes).toString()),
    })
    await process.stdin.end()
    await process.exited
    assert.deepEqual(heard, { out: 'early late', err: 'early too' })
  })
})

describe('a handler that fails', () => {
  it('ends its session with status 1, and is reported; the connection goes on', async () => {
    await using at = await joined({
      exec(session) {
        if (session.command === 'bad') throw new Error('oops')
        return 0
      },
    })
    assert.equal((await at.client.run('bad')).code, 1)
    assert.equal((await at.client.run('good')).code, 0)
    assert.deepEqual(
      at.errors.map(each => (each as Error).message),
      ['oops'],
    )
  })
  it('because its client is gone is no failure, and nothing it forgot to await kills the process', async () => {
    await using at = await joined({
      async exec(session) {
        await session.stdout.write('begun')
        await textOf(session.stdin)
        void session.stdout.write('nobody hears this')
        void session.stderr.write('nor this')
        void session.write(new Uint8Array(10))
        await session.stdout.write('and this throws')
      },
    })
    const process = await at.client.exec('x')
    await process.stdout.getReader().read()
    process.close()
    void process.stdin.write('too late')
    void process.write(new Uint8Array(1))
    await quiet()
    assert.deepEqual(at.errors, [])
  })
})

describe('a connection that ends', () => {
  it('tells everybody who waits, and whoever comes later', async () => {
    const at = await joined({ exec: session => textOf(session.stdin).then(() => {}) })
    const process = await at.client.exec('x')
    const waiting = [process.exited, textOf(process.stdout), at.client.run('y'), at.client.ping()]
    // Nobody looks at this one: it must not end the program.
    void at.client.run('z').catch(() => {})
    await quiet(2)
    at.served.disconnect('by-application', 'maintenance')
    for (const outcome of await Promise.allSettled(waiting)) {
      if (outcome.status === 'fulfilled') continue
      assert.ok(outcome.reason instanceof DisconnectedError, String(outcome.reason))
      assert.equal(outcome.reason.by, 'peer')
      assert.equal(outcome.reason.description, 'maintenance')
    }
    await assert.rejects(process.exited, DisconnectedError)
    await assert.rejects(at.client.run('later'), DisconnectedError)
    await assert.rejects(at.client.ping(), DisconnectedError)
    await assert.rejects(process.stdin.write('x'), DisconnectedError)
    assert.equal((await at.client.closed).by, 'peer')
    assert.equal((await at.served.closed).by, 'us')
    await at[Symbol.asyncDispose]()
  })
  it('by its own wish is no surprise to anybody', async () => {
    const at = await joined({ exec: session => textOf(session.stdin).then(() => {}) })
    await at.client.exec('x')
    await at.client.close()
    assert.equal((await at.client.closed).by, 'us')
    assert.equal((await at.served.closed).by, 'peer')
    assert.deepEqual(at.errors, [])
    await at.client.close()
    await at.server.close()
  })
  it('without a word is a lost connection', async () => {
    const [near, far] = memoryPair()
    const at = await joined({ exec: session => textOf(session.stdin).then(() => {}) }, { ends: [near, far] })
    const process = await at.client.exec('x')
    far.close()
    await assert.rejects(process.exited, (error: unknown) => error instanceof DisconnectedError && error.code === 'CONNECTION_LOST')
    assert.equal(at.server.connections.size, 0)
  })
  it('when the server stops', async () => {
    const at = await joined({ exec: () => 0 })
    await at.server.close('going down')
    await assert.rejects(at.client.run('x'), /going down/)
    assert.equal(at.server.connections.size, 0)
  })
})

describe('an abort signal', () => {
  it('ends a command, and the reason is the caller’s', async () => {
    await using at = await joined({
      exec: session => new Promise<void>(resolve => session.signal.addEventListener('abort', () => resolve())),
    })
    const reason = new Error('enough')
    const controller = new AbortController()
    const running = at.client.run('x', { signal: controller.signal })
    await quiet()
    controller.abort(reason)
    await assert.rejects(running, (error: unknown) => error === reason)
    await assert.rejects(at.client.run('y', { signal: controller.signal }), (error: unknown) => error === reason)
    await quiet()
    assert.equal(at.served.sessions, 0)
    assert.equal(at.client.link.openChannels, 0)
  })
  it('ends a login at whatever stage', async () => {
    const reason = new Error('changed my mind')
    for (const stage of ['at once', 'host key', 'credential', 'verdict'] as const) {
      const controller = new AbortController()
      const [near, far] = memoryPair()
      const forever = new Promise<never>(() => {})
      const server = serverOf(
        {},
        { authenticate: password(() => (stage === 'verdict' ? (queueMicrotask(() => controller.abort(reason)), forever) : { name: 'x' })) },
      )
      server.accept(far)
      const now = <T>(value: T): Promise<T> => (queueMicrotask(() => controller.abort(reason)), forever ?? value)
      if (stage === 'at once') controller.abort(reason)
      const connecting = connectOver(
        near,
        clientOptions({
          signal: controller.signal,
          hostKey: () => (stage === 'host key' ? now(undefined) : undefined),
          identities: stage === 'credential' ? { next: () => now({ method: 'none' } as const) } : credentials({ password: 'x' }),
        }),
        runtime,
      )
      await assert.rejects(connecting, (error: unknown) => error === reason, stage)
      near.close()
      await quiet()
      assert.equal(server.connections.size, 0, stage)
    }
  })
  it('ends a server’s check of a password when the client goes away', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const [near, far] = memoryPair()
    const server = serverOf(
      {},
      { authenticate: password(applicant => new Promise<undefined>(() => applicant.signal.addEventListener('abort', () => resolve()))) },
    )
    server.accept(far)
    const connecting = connectOver(near, clientOptions({ identities: credentials({ password: 'x' }) }), runtime)
    await quiet()
    near.close()
    await assert.rejects(connecting, SshError)
    await promise
  })
})

describe('a login that fails rejects with what went wrong', () => {
  const attempt = (client: Parameters<typeof clientOptions>[0], server: Parameters<typeof serverOf>[1] = {}) => {
    const [near, far] = memoryPair()
    serverOf({}, server).accept(far)
    return connectOver(near, clientOptions(client), runtime)
  }
  it('the host key', async () => {
    await assert.rejects(
      attempt({ hostKey: pinnedHostKeys('SHA256:other') }),
      (error: unknown) => error instanceof HostKeyError && error.code === 'HOST_KEY_REFUSED',
    )
  })
  it('the password', async () => {
    await assert.rejects(
      attempt(
        { identities: credentials({ password: 'wrong' }) },
        { authenticate: password((_, given) => given.reveal() === 'right' && { name: 'x' }), refusalFloor: () => 0 },
      ),
      (error: unknown) =>
        error instanceof AuthenticationError && error.attempts.some(each => each.method === 'password' && each.outcome === 'refused'),
    )
  })
  it('the algorithms', async () => {
    await assert.rejects(
      attempt({ algorithms: { kex: 'curve25519-sha256' } }, { algorithms: { kex: 'ecdh-sha2-nistp256' } }),
      (error: unknown) => error instanceof NegotiationError || error instanceof DisconnectedError,
    )
  })
  it('somebody else at the other end', async () => {
    const [near, far] = memoryPair()
    far.start({
      data: () => far.write(new TextEncoder().encode('HTTP/1.1 400 Bad Request\r\n\r\nSSH-3.0-no\r\n'), () => {}),
      end: () => {},
    })
    await assert.rejects(
      connectOver(near, clientOptions(), runtime),
      (error: unknown) => error instanceof ProtocolError && error.violation === 'identification-version',
    )
  })
  it('nobody at the other end', async () => {
    const clock = virtualClock()
    const [near, far] = memoryPair()
    far.start({ data: () => {}, end: () => {} })
    const connecting = connectOver(near, clientOptions({ clock }), runtime)
    await quiet()
    clock.advance(60_000)
    await assert.rejects(connecting, (error: unknown) => error instanceof TimeoutError && error.phase === 'handshake')
  })
  it('a policy that throws something of its own', async () => {
    const own = new Error('my own')
    await assert.rejects(
      attempt({
        hostKey: () => {
          throw own
        },
      }),
      (error: unknown) => error === own,
    )
    await assert.rejects(attempt({ identities: { next: () => Promise.reject(own) } }), (error: unknown) => error === own)
  })
})

describe('what a server does not offer', () => {
  it('is refused, and the client’s other work goes on', async () => {
    await using at = await joined({ exec: () => 0 })
    await assert.rejects(
      at.client.open({ name: 'made-up@example.org', codec: { read: () => ({}), write: () => {} } }, {}),
      (error: unknown) => error instanceof ChannelOpenError && error.reason === 'unknown-channel-type',
    )
    await assert.rejects(
      at.client.request({ name: 'made-up@example.org', codec: { read: () => ({}), write: () => {} } }, {}),
      RequestRefusedError,
    )
    await at.client.ping()
    assert.equal((await at.client.run('x')).code, 0)
  })
  it('also from a client', async () => {
    await using at = await joined({})
    await assert.rejects(
      at.served.open({ name: 'made-up@example.org', codec: { read: () => ({}), write: () => {} } }, {}),
      ChannelOpenError,
    )
  })
})

describe('many connections of one server', () => {
  it('are served at once, and their number is bounded before login', async () => {
    const server = serverOf({ exec: session => session.stdout.write(session.user.name) }, { maximumStartups: 3 })
    const pairs = Array.from({ length: 5 }, () => memoryPair())
    const taken = pairs.map(([, far]) => server.accept(far))
    assert.deepEqual(
      taken.map(each => each !== undefined),
      [true, true, true, false, false],
    )
    const clients = await Promise.all(pairs.slice(0, 3).map(([near], i) => connectOver(near, clientOptions({ user: `user${i}` }), runtime)))
    assert.deepEqual(
      (await Promise.all(clients.map(each => each.run('x')))).map(each => each.stdout),
      ['user0', 'user1', 'user2'],
    )
    await assert.rejects(connectOver(pairs[4][0], clientOptions(), runtime), DisconnectedError)
    const [near, far] = memoryPair()
    assert.notEqual(server.accept(far), undefined)
    await (await connectOver(near, clientOptions(), runtime)).close()
    await server.close()
    assert.equal(server.accept(memoryPair()[1]), undefined)
  })
})
