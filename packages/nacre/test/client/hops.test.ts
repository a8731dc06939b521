// Through other hosts: each hop is connected to over a channel of the one before, errors say at which, and all end together.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { connect, type Hop, type HopOptions } from '../../src/client/connect-node.ts'
import type { ClientConnection } from '../../src/client/connection.ts'
import { insecureAcceptAnyHostKey } from '../../src/client/policy.ts'
import { AuthenticationError, ConfigError, ConnectError, HostKeyError, SshError } from '../../src/errors.ts'
import { fromChannel } from '../../src/io/channel-transport.ts'
import { memoryPair } from '../../src/io/memory.ts'
import type { ByteTransport } from '../../src/io/transport.ts'
import { directTcpipBy, type TcpRequest } from '../../src/server/direct-tcpip.ts'
import { allowAnyoneWithoutProof } from '../../src/server/authenticators/anyone.ts'
import { password } from '../../src/server/authenticators/password.ts'
import type { Server } from '../../src/server/create.ts'
import { serverOf } from '../io/fixtures.ts'

type Person = { readonly name: string }

/** Servers by name that reach one another, and only each other, through `direct-tcpip`. */
const network = (names: readonly string[]) => {
  const servers = new Map<string, Server<Person>>()
  const asked: string[] = []
  for (const name of names) {
    const connectTo = async (request: TcpRequest) => {
      asked.push(`${name}→${request.host}:${request.port}`)
      const to = servers.get(request.host)
      if (to === undefined) throw new ConnectError('CONNECT_FAILED', `nobody is called ${request.host}`, request)
      return { join: (stream: Parameters<typeof fromChannel>[0]) => void to.accept(fromChannel(stream)), discard: () => {} }
    }
    const channels = {
      'direct-tcpip': directTcpipBy<Person>({ permit: ({ host }) => host !== 'forbidden', connect: connectTo }),
    }
    const authenticate = name === 'locked' ? password(() => undefined) : allowAnyoneWithoutProof(({ user }) => ({ name: user }))
    servers.set(
      name,
      serverOf(
        { exec: async session => void (await session.stdout.write(`${name} as ${session.user.name}\n`)) },
        { channels, authenticate },
      ),
    )
  }
  const enter = (name: string): ByteTransport => {
    const [near, far] = memoryPair()
    servers.get(name)?.accept(far)
    return near
  }
  const count = (): readonly number[] => names.map(name => servers.get(name)?.connections.size ?? 0)
  return { servers, asked, enter, count }
}

const plain = { config: false, hostKey: insecureAcceptAnyHostKey, auth: {} } as const
const hop = (destination: string, more: Partial<HopOptions> = {}): HopOptions => ({ ...plain, ...more, destination }) as HopOptions
const reach = (destination: string, via: Hop | readonly Hop[], more: object = {}): Promise<ClientConnection> =>
  connect(destination, { ...plain, via, ...more })

const failure = async (work: Promise<ClientConnection>): Promise<Error> => {
  try {
    await (await work).close()
  } catch (error) {
    assert.ok(error instanceof Error)
    return error
  }
  throw new assert.AssertionError({ message: 'it should have failed' })
}

describe('a way through other hosts', () => {
  it('goes over a channel of each, logged in at each as said there, and ends them all with the last', async () => {
    const net = network(['a', 'b', 'c'])
    const last = await reach('carl@c:2022', [hop('ada@a', { transport: net.enter('a') }), hop('ben@b:22')])
    assert.deepEqual(net.asked, ['a→b:22', 'b→c:2022'])
    assert.equal((await last.run('x')).stdout, 'c as carl\n')
    assert.deepEqual(net.count(), [1, 1, 1])
    assert.deepEqual(
      ['a', 'b'].map(name => [...(net.servers.get(name)?.connections ?? [])].map(each => each.userName)),
      [['ada'], ['ben']],
    )
    await last.close()
    assert.deepEqual(net.count(), [0, 0, 0])
  })

  it('may begin with a connection that is there, which stays', async () => {
    const net = network(['a', 'b', 'c'])
    await using first = await connect('ada@a', { ...plain, transport: net.enter('a') })
    const last = await reach('carl@c', [first, hop('ben@b')])
    await last.close()
    assert.deepEqual(net.count(), [1, 0, 0])
    const alone = await reach('ben@b', first)
    assert.equal((await alone.run('x')).stdout, 'b as ben\n')
    await alone.close()
    assert.equal((await first.run('x')).stdout, 'a as ada\n')
  })

  it('ends with any of its hops, and says which it was', async () => {
    for (const [broken, words] of [
      ['a', /Jump host 1 of 2, ada@a: /],
      ['b', /Jump host 2 of 2, ben@b: /],
    ] as const) {
      const net = network(['a', 'b', 'c'])
      const last = await reach('carl@c', [hop('ada@a', { transport: net.enter('a') }), hop('ben@b')])
      const [at] = [...(net.servers.get(broken)?.connections ?? [])]
      at?.disconnect('by-application', 'going down')
      const { error } = await last.closed
      assert.match(error.message, words)
      await last.close()
      assert.deepEqual(net.count(), [0, 0, 0])
    }
  })

  it('keeps the class of what went wrong, says at which hop, and leaves nothing open', async () => {
    const refusing = (): never => {
      throw new HostKeyError('HOST_KEY_REFUSED', 'not this key', { fingerprint: 'SHA256:x', keyType: 'ssh-ed25519' })
    }
    const net = network(['a', 'b', 'locked'])
    const first = (): HopOptions => hop('ada@a', { transport: net.enter('a') })
    const cases: readonly (readonly [Promise<ClientConnection>, new (...args: never[]) => Error, RegExp])[] = [
      [reach('carl@c', [first(), hop('ben@locked')]), AuthenticationError, /^Jump host 2 of 2, ben@locked: /],
      [reach('carl@b', [hop('ada@a', { transport: net.enter('a'), hostKey: refusing })]), HostKeyError, /^Jump host ada@a: not this key/],
      [reach('carl@c', [first(), hop('ben@b', { hostKey: refusing })]), HostKeyError, /^Jump host 2 of 2, ben@b: not this key/],
      [
        reach('carl@nowhere', first()),
        ConnectError,
        /^Jump host ada@a: The server made no connection to nowhere port 22: nobody is called nowhere/,
      ],
      [
        reach('carl@forbidden', [first(), hop('b@b')]),
        ConnectError,
        /^Jump host 2 of 2, b@b: .*port 22: this connection is not permitted.*PermitOpen/,
      ],
      [reach('carl@b', [first(), hop('b@nowhere')]), ConnectError, /^Jump host 1 of 2, ada@a: .*nowhere/],
    ]
    for (const [work, kind, words] of cases) {
      const error = await failure(work)
      assert.ok(error instanceof kind, `${error.name}: ${error.message}`)
      assert.match(error.message, words)
    }
    assert.deepEqual(net.count(), [0, 0, 0])
    // What goes wrong at the destination itself is no hop's.
    const error = await failure(reach('carl@locked', first()))
    assert.ok(error instanceof AuthenticationError)
    assert.doesNotMatch(error.message, /Jump host/)
    assert.deepEqual(net.count(), [0, 0, 0])
  })

  it('is refused when it contradicts itself', async () => {
    const net = network(['a', 'b'])
    await using there = await connect('ada@a', { ...plain, transport: net.enter('a') })
    const first = (): HopOptions => hop('ada@a', { transport: net.enter('a') })
    for (const work of [
      reach('carl@c', []),
      reach('carl@c', [first(), there]),
      reach('carl@c', there, { proxyCommand: 'nc %h %p' }),
      reach('carl@c', [first(), hop('ben@b', { proxyCommand: 'nc %h %p' })]),
      reach('carl@c', [first(), hop('ben@b', { via: there })]),
    ]) {
      const error = await failure(work)
      assert.ok(error instanceof ConfigError, error.message)
    }
    assert.equal(net.count()[1], 0)
  })

  it('reads no file for a hop when none is to be read: a name alone says too little then', async () => {
    const net = network(['b'])
    const error = await failure(reach('carl@b', 'ada@a'))
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /^Jump host ada@a: With `config: false`, `hostKey` and `auth` are required/)
    assert.deepEqual(net.count(), [0])
  })

  it('never goes through itself', async () => {
    const net = network(['a', 'b'])
    const circle: HopOptions = { ...hop('ada@a') }
    Object.assign(circle, { via: circle })
    const error = await failure(reach('carl@b', circle))
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /ada@a port 22 is to be reached through itself: carl@b port 22 → ada@a port 22 → ada@a port 22\.$/)
    assert.deepEqual(net.count(), [0, 0])
  })

  it('gives up with its signal, whichever hop it waits for', async () => {
    const net = network(['a'])
    const stop = new AbortController()
    const silent = memoryPair()[0]
    const work = failure(reach('carl@c', [hop('ada@a', { transport: silent, signal: stop.signal })]))
    stop.abort(new SshError('STOPPED', 'enough'))
    assert.match((await work).message, /enough/)
    assert.deepEqual(net.count(), [0])
  })
})
