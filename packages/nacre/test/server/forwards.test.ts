// What a server forwards by its option `forwards`: who is asked, where it goes, how it ends; and what peers do who want too much.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createServer as createWebServer } from '../../src/server/create-web.ts'
import { directStreamlocal } from '../../src/connection/channel-types/direct-streamlocal.ts'
import { forwardedStreamlocal } from '../../src/connection/channel-types/forwarded-streamlocal.ts'
import { forwardedTcpip } from '../../src/connection/channel-types/forwarded-tcpip.ts'
import { cancelStreamlocalForward } from '../../src/connection/global-requests/cancel-streamlocal-forward.ts'
import { cancelTcpipForward } from '../../src/connection/global-requests/cancel-tcpip-forward.ts'
import { streamlocalForward } from '../../src/connection/global-requests/streamlocal-forward.ts'
import { tcpipForward } from '../../src/connection/global-requests/tcpip-forward.ts'
import type { OpenQuestion } from '../../src/connection/events.ts'
import { ChannelOpenError, ConfigError, type ConnectError, RequestRefusedError } from '../../src/errors.ts'
import { ChannelStream } from '../../src/io/channel-stream.ts'
import type { ForwardOutcome, ForwardRequest, ForwardRules } from '../../src/server/forwards.ts'
import { allowAnyoneWithoutProof } from '../../src/server/authenticators/anyone.ts'
import { insecureTestHostKey } from '../../src/testing/keys.ts'
import { decode } from '../../src/wire/codec.ts'
import { joined, quiet, runtime, textOf } from '../io/fixtures.ts'
import { fakeMachine, FakeConnection } from './sockets.ts'

interface Person {
  readonly name: string
}

const serving = async (rules: Partial<ForwardRules<Person>> = {}, wait?: () => Promise<void>) => {
  const machine = fakeMachine(wait)
  const asked: ForwardRequest[] = []
  const outcomes: ForwardOutcome[] = []
  const at = await joined(
    {},
    {
      server: {
        forwards: {
          permit(request) {
            asked.push(request)
            return true
          },
          sockets: machine.sockets,
          onOutcome: (_, outcome) => void outcomes.push(outcome),
          ...rules,
        },
      },
    },
  )
  const listen = async (host: string, port: number): Promise<number | undefined> =>
    decode(tcpipForward.reply, await at.client.request(tcpipForward, { addressToBind: host, portNumberToBind: port })).allocatedPort
  const cancel = (host: string, port: number) => at.client.request(cancelTcpipForward, { addressToBind: host, portNumberToBind: port })
  const opened: OpenQuestion[] = []
  /** Takes what the server opens, and keeps the questions. */
  const take = (answer = true): void => {
    for (const { name } of [forwardedTcpip, forwardedStreamlocal])
      at.client.serve(name, question => {
        opened.push(question)
        if (answer) {
          const stream = new ChannelStream(at.client.link.accept(question))
          stream.tap({ data: bytes => stream.write(bytes.slice()), end: () => stream.end() })
        }
        return true
      })
  }
  return { ...at, machine, asked, outcomes, opened, listen, cancel, take, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() }
}

const refusedRequest = (work: Promise<unknown>) => assert.rejects(work, RequestRefusedError)

const openPath = (at: Awaited<ReturnType<typeof serving>>, path: string) =>
  at.client.open(directStreamlocal, { socketPath: path, reservedText: '', reservedNumber: 0 })

describe('reaching something from the server', () => {
  it('asks with what the client wants, and connects', async () => {
    await using at = await serving()
    at.machine.occupied.add('db 5432').add('/run/db')
    const stream = await at.client.dial('db:5432')
    await stream.writable.write('to and fro')
    stream.end()
    assert.equal(await textOf(stream.readable), 'to and fro')
    const socket = new ChannelStream(await openPath(at, '/run/db'))
    await socket.writable.write('through a path')
    socket.end()
    assert.equal(await textOf(socket.readable), 'through a path')
    assert.deepEqual(at.asked, [
      { kind: 'local', host: 'db', port: 5432, originator: { address: '127.0.0.1', port: 0 } },
      { kind: 'local-socket', path: '/run/db' },
    ])
    assert.deepEqual(at.outcomes, [{ is: 'open' }, { is: 'open' }])
  })

  it('is one function where that says all', async () => {
    const at = await joined(
      {},
      { server: { forwards: { permit: r => r.kind === 'local' && r.port === 5432, sockets: fakeMachine().sockets } } },
    )
    await assert.rejects(at.client.dial('db:22'), /not permitted/)
    await assert.rejects(at.client.dial('db:5432'), /nothing listens/)
    await refusedRequest(at.client.request(tcpipForward, { addressToBind: '', portNumberToBind: 1 }))
    await at[Symbol.asyncDispose]()
  })

  it('is refused with the words of who refuses, or those of the failure', async () => {
    await using at = await serving({ permit: request => request.kind === 'local' || 'not on Sundays' })
    await assert.rejects(at.client.dial('db:5432'), (error: ConnectError) => error.cause instanceof ChannelOpenError)
    await assert.rejects(openPath(at, '/run/db'), /not on Sundays/)
    assert.deepEqual(at.outcomes, [
      { is: 'failed', problem: 'nothing listens at db 5432' },
      { is: 'denied', problem: 'not on Sundays' },
    ])
  })

  it('needs a path that is one', async () => {
    await using at = await serving()
    for (const path of ['', '/run/db\0/etc']) await assert.rejects(openPath(at, path), /no path/)
    assert.deepEqual(at.asked, [])
  })

  it('is nothing without the option', async () => {
    await using at = await joined({})
    await assert.rejects(at.client.dial('db:5432'), /forwards nothing/)
    await refusedRequest(at.client.request(tcpipForward, { addressToBind: '', portNumberToBind: 0 }))
    await refusedRequest(at.client.request(streamlocalForward, { socketPath: '/run/x' }))
  })

  it('needs sockets, which only Node has by itself', () => {
    const options = {
      hostKeys: [insecureTestHostKey(runtime.crypto)],
      authenticate: allowAnyoneWithoutProof(() => ({ name: 'ada' })),
      session: {},
    }
    assert.throws(() => createWebServer({ ...options, forwards: () => true }), ConfigError)
    const { sockets } = fakeMachine()
    assert.throws(() => createWebServer({ ...options, forwards: { permit: () => true, sockets, maximumListeners: -1 } }), ConfigError)
  })
})

describe('listening at the server', () => {
  it('tells the port only to who asked for any', async () => {
    await using at = await serving()
    assert.equal(await at.listen('localhost', 8080), undefined)
    assert.equal(await at.listen('localhost', 0), 50_000)
    assert.deepEqual([...at.machine.listening.keys()], ['127.0.0.1 8080', '::1 8080', '127.0.0.1 50000', '::1 50000'])
    assert.deepEqual(at.outcomes, [
      { is: 'listening', port: 8080 },
      { is: 'listening', port: 50_000 },
    ])
  })

  it('opens a channel for each connection, by the address the client asked for and the port it got', async () => {
    await using at = await serving()
    at.take()
    await at.listen('', 0)
    const first = at.machine.arrive('127.0.0.1 50000')
    const stream = await first.joined
    await stream.writable.write('hello')
    stream.end()
    assert.equal(await textOf(stream.readable), 'hello')
    at.machine.arrive('::1 50000', new FakeConnection('::ffff:203.0.113.9', 7))
    await quiet()
    assert.deepEqual(
      at.opened.map(each => each.details),
      [
        ['198.51.100.7', 40_000],
        ['203.0.113.9', 7],
      ].map(([originatorAddress, originatorPort]) => ({
        type: 'forwarded-tcpip',
        name: 'forwarded-tcpip',
        value: { connectedAddress: '', connectedPort: 50_000, originatorAddress, originatorPort },
      })),
    )
  })

  it('opens channels for a Unix socket too, by its path', async () => {
    await using at = await serving({ streamLocalBindMask: () => 0o117, streamLocalBindUnlink: true })
    at.take()
    await at.client.request(streamlocalForward, { socketPath: '/run/mine' })
    assert.deepEqual(at.machine.listening.get('/run/mine')?.options, { mask: 0o117, unlink: true })
    await at.machine.arrive('/run/mine').joined
    assert.deepEqual(at.opened[0]?.details, {
      type: forwardedStreamlocal.name,
      name: forwardedStreamlocal.name,
      value: { socketPath: '/run/mine', reservedText: '' },
    })
    await at.client.request(cancelStreamlocalForward, { socketPath: '/run/mine' })
    assert.equal(at.machine.listening.size, 0)
  })

  it('is for all the world only by GatewayPorts, which may differ from connection to connection', async () => {
    await using at = await serving({ gatewayPorts: ({ identity }) => (identity?.name === 'ada' ? 'clientspecified' : 'no') })
    await at.listen('0.0.0.0', 8080)
    await at.listen('', 8081)
    assert.deepEqual([...at.machine.listening.keys()], ['0.0.0.0 8080', '* 8081'])
  })

  it('ends by a cancel that names it as it was asked for, with the port it got', async () => {
    await using at = await serving()
    await at.listen('localhost', 0)
    for (const [host, port] of [
      ['localhost', 0],
      ['', 50_000],
      ['127.0.0.1', 50_000],
      ['localhost', 50_001],
    ] as const)
      await refusedRequest(at.cancel(host, port))
    await refusedRequest(at.client.request(cancelStreamlocalForward, { socketPath: 'localhost' }))
    assert.equal(at.machine.listening.size, 2)
    await at.cancel('localhost', 50_000)
    assert.equal(at.machine.listening.size, 0)
    await refusedRequest(at.cancel('localhost', 50_000))
  })

  it('lets connections go on that were there when it was cancelled', async () => {
    await using at = await serving()
    at.take()
    await at.listen('localhost', 80)
    const stream = await at.machine.arrive('127.0.0.1 80').joined
    await at.cancel('localhost', 80)
    await stream.writable.write('still here')
    stream.end()
    assert.equal(await textOf(stream.readable), 'still here')
  })

  it('is refused twice, as is what somebody else has, and what is no port', async () => {
    await using at = await serving()
    at.machine.occupied.add('127.0.0.1 22').add('::1 22').add('/run/taken')
    await at.listen('localhost', 80)
    await refusedRequest(at.listen('localhost', 80))
    await refusedRequest(at.listen('localhost', 22))
    await refusedRequest(at.listen('localhost', 65_536))
    await refusedRequest(at.client.request(streamlocalForward, { socketPath: '/run/taken' }))
    await refusedRequest(at.client.request(streamlocalForward, { socketPath: '' }))
    assert.deepEqual(
      at.outcomes.map(each => each.is),
      ['listening', 'failed', 'failed', 'denied', 'failed', 'denied'],
    )
    assert.equal(at.machine.listening.size, 2)
  })

  it('does nothing before the permit, and nothing without', async () => {
    const verdict = Promise.withResolvers<boolean>()
    await using at = await serving({ permit: () => verdict.promise })
    const asked = at.listen('localhost', 80)
    await quiet()
    assert.equal(at.machine.listening.size, 0)
    verdict.resolve(false)
    await refusedRequest(asked)
    assert.equal(at.machine.listening.size, 0)
    assert.deepEqual(at.outcomes, [{ is: 'denied', problem: 'this connection is not permitted' }])
  })

  it('ends with the connection', async () => {
    const at = await serving()
    await at.listen('localhost', 80)
    await at.client.request(streamlocalForward, { socketPath: '/run/mine' })
    await at.client.close()
    await quiet()
    assert.equal(at.machine.listening.size, 0)
    await at[Symbol.asyncDispose]()
  })

  it('leaves nothing behind for a client that left while a port was looked for', async () => {
    const slow = Promise.withResolvers<void>()
    const at = await serving({}, () => slow.promise)
    at.listen('localhost', 80).catch(() => {})
    await quiet()
    await at.client.close()
    slow.resolve()
    await quiet()
    assert.equal(at.machine.listening.size, 0)
    await at[Symbol.asyncDispose]()
  })

  it('tells its owner of a fault, and the client only that it failed', async () => {
    await using at = await serving({
      permit: () => {
        throw new TypeError('a bug with secrets')
      },
    })
    await refusedRequest(at.listen('localhost', 80))
    assert.match(String(at.errors[0]), /a bug with secrets/)
  })
})

describe('a connection to a listener', () => {
  it('waits until the client knows of the listener', async () => {
    const second = Promise.withResolvers<void>()
    let turn = 0
    await using at = await serving({}, () => (turn++ === 0 ? Promise.resolve() : second.promise))
    at.take()
    const told: string[] = []
    const listening = at.listen('localhost', 0).then(() => told.push('listening'))
    await quiet()
    const early = at.machine.arrive('127.0.0.1 50000')
    await quiet()
    assert.deepEqual([at.opened.length, early.state, told], [0, 'waits', []])
    second.resolve()
    await listening
    await early.joined
    const [question] = at.opened
    assert.equal(question?.details.type === forwardedTcpip.name && question.details.value.connectedPort, 50_000)
  })

  it('is dropped when the client refuses it', async () => {
    await using at = await serving()
    await at.listen('localhost', 80)
    const local = at.machine.arrive('127.0.0.1 80')
    await local.closed
    assert.equal(local.state, 'discarded')
  })

  it('stalls nobody when the client answers none: so many wait, more are dropped, and all when it leaves', async () => {
    const at = await serving({ maximumWaiting: 3 })
    at.take(false)
    await at.listen('localhost', 80)
    const all = Array.from({ length: 5 }, () => at.machine.arrive('127.0.0.1 80'))
    await quiet()
    assert.deepEqual(
      all.map(each => each.state),
      ['waits', 'waits', 'waits', 'discarded', 'discarded'],
    )
    assert.equal(at.opened.length, 3)
    // The others of the connection go on.
    at.machine.occupied.add('db 1')
    const stream = await at.client.dial('db:1')
    stream.end()
    assert.equal(await textOf(stream.readable), '')
    // An answer makes room for the next.
    at.client.link.accept(at.opened[0] ?? assert.fail())
    await all[0]?.joined
    assert.equal(at.machine.arrive('127.0.0.1 80').state, 'waits')
    await at.client.close()
    await quiet()
    assert.deepEqual(
      all.slice(1, 3).map(each => each.state),
      ['discarded', 'discarded'],
    )
    await at[Symbol.asyncDispose]()
  })
})

describe('a client that wants too much', () => {
  it('has so many listeners and no more; a cancelled one makes room', async () => {
    await using at = await serving({ maximumListeners: 3 })
    for (const port of [1, 2, 3]) await at.listen('localhost', port)
    await refusedRequest(at.listen('localhost', 4))
    assert.match(JSON.stringify(at.outcomes.at(-1)), /at most 3 listeners/)
    await at.cancel('localhost', 2)
    await at.listen('localhost', 4)
    assert.equal(at.machine.listening.size, 6)
  })

  it('asks for 100,000 without waiting for answers', async () => {
    await using at = await serving({ maximumListeners: 10 })
    for (let port = 0; port < 100_000; port++) {
      at.client.link.notify(tcpipForward, { addressToBind: 'localhost', portNumberToBind: 1 + (port % 65_535) })
      if (port % 5000 === 0) await quiet(2)
    }
    await quiet(50)
    assert.equal(at.machine.listening.size, 20)
    await at.cancel('localhost', 1)
    assert.equal(at.machine.listening.size, 18)
  })

  it('asks for all it may have in one breath', async () => {
    const slow = Promise.withResolvers<void>()
    await using at = await serving({ maximumListeners: 1000 }, () => slow.promise)
    for (let port = 1; port <= 1000; port++) at.client.link.notify(tcpipForward, { addressToBind: 'localhost', portNumberToBind: port })
    await quiet(5)
    slow.resolve()
    await quiet(50)
    assert.equal(at.machine.listening.size, 2000)
  })

  it('asks for any port and does not want to know which', async () => {
    await using at = await serving()
    at.client.link.notify(tcpipForward, { addressToBind: 'localhost', portNumberToBind: 0 })
    await quiet()
    assert.equal(at.machine.listening.size, 0)
    assert.deepEqual(at.outcomes, [{ is: 'denied', problem: 'nobody would learn the port' }])
  })

  it('cancels what it never asked for, a thousand times', async () => {
    await using at = await serving()
    for (let i = 0; i < 1000; i++) at.client.link.notify(cancelTcpipForward, { addressToBind: 'x', portNumberToBind: i })
    await refusedRequest(at.cancel('x', 1))
    assert.equal(await at.listen('localhost', 0), 50_000)
  })

  it('asks and cancels in one breath: the cancel finds what was asked for before it', async () => {
    const slow = Promise.withResolvers<void>()
    await using at = await serving({}, () => slow.promise)
    const asked = at.listen('localhost', 80)
    const cancelled = at.cancel('localhost', 80)
    slow.resolve()
    assert.deepEqual(
      (await Promise.allSettled([asked, cancelled])).map(each => each.status),
      ['fulfilled', 'fulfilled'],
    )
    assert.equal(at.machine.listening.size, 0)
  })

  it('opens and never reads: what it does not take stays where it comes from', async () => {
    await using at = await serving()
    at.client.serve(forwardedTcpip.name, question => {
      at.client.link.accept(question)
      return true
    })
    await at.listen('localhost', 80)
    const stream = await at.machine.arrive('127.0.0.1 80').joined
    let written = 0
    for (let waiting: Promise<void> | undefined; waiting === undefined; written++) {
      waiting = stream.write(new Uint8Array(65_536))
      // A cut-off connection rejects what still waits.
      waiting?.catch(() => {})
      if (written > 1000) assert.fail('64 MiB were taken from a client that reads nothing')
      await quiet(1)
    }
    assert.ok(written * 65_536 <= 8 * 1024 * 1024, `${written} pieces of 64 KiB`)
  })
})
