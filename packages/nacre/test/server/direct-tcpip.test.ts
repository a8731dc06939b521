// Serving direct-tcpip: who may go where is asked first, what fails is told with its reason, and a client that leaves meanwhile
// leaves nothing behind.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { directTcpip as row } from '../../src/connection/channel-types/direct-tcpip.ts'
import { ChannelOpenError, ConnectError } from '../../src/errors.ts'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import { directTcpipBy, type DirectTcpipRules, type TcpRequest } from '../../src/server/direct-tcpip.ts'
import { joined, quiet, textOf } from '../io/fixtures.ts'

interface Person {
  readonly name: string
}

/** A server with these rules, and an echo behind whatever it connects to. */
const serving = async (rules: Partial<DirectTcpipRules<Person>> = {}) => {
  const seen = { permitted: [] as TcpRequest[], connected: [] as TcpRequest[], outcomes: [] as (string | undefined)[], discarded: 0 }
  const echo = (stream: ChannelStream): void => {
    stream.tap({ data: bytes => stream.write(bytes.slice()), end: () => stream.end() })
  }
  const handler = directTcpipBy<Person>({
    permit(request) {
      seen.permitted.push(request)
      return true
    },
    async connect(request) {
      seen.connected.push(request)
      return { join: echo, discard: () => void seen.discarded++ }
    },
    onOutcome: (_, problem) => void seen.outcomes.push(problem),
    ...rules,
  })
  const at = await joined({}, { server: { channels: { 'direct-tcpip': handler } } })
  return { ...at, seen, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() }
}

const refusal = async (work: Promise<unknown>): Promise<{ readonly reason: string | undefined; readonly words: string }> => {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const cause = error instanceof ConnectError ? error.cause : error
  assert.ok(cause instanceof ChannelOpenError, String(error))
  return { reason: cause.reason, words: cause.description }
}

describe('a server that reaches hosts for its clients', () => {
  // Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
  const alive = setInterval(() => {}, 60_000)
  after(() => clearInterval(alive))

  it('asks whether it may, connects, and joins the two', async () => {
    await using at = await serving()
    const stream = await at.client.dial('db:5432')
    await stream.writable.write('to and fro')
    stream.end()
    assert.equal(await textOf(stream.readable), 'to and fro')
    const expected = { host: 'db', port: 5432, originator: { address: '127.0.0.1', port: 0 } }
    assert.deepEqual(at.seen.permitted, [expected])
    assert.deepEqual(at.seen.connected, [expected])
    assert.deepEqual(at.seen.outcomes, [undefined])
  })

  it('closes the channel once nothing has passed for as long as the limits of the connection say', async () => {
    const asked: string[] = []
    await using at = await serving({
      permit(_, connection) {
        const idleMilliseconds = (type: string): number => {
          asked.push(type)
          return 60
        }
        connection.limit({ idleMilliseconds })
        return true
      },
    })
    const stream = await at.client.dial('db:5432')
    await stream.writable.write('to')
    assert.equal(await textOf(stream.readable).catch(() => 'cut'), 'to')
    assert.equal(await stream.closed, undefined)
    assert.deepEqual(asked, ['direct-tcpip'])
  })

  it('refuses what is not permitted, with the words given, and connects to nothing then', async () => {
    const verdicts = [false, 'not on Sundays', Promise.resolve(false), Promise.resolve('by decree')] as const
    for (const verdict of verdicts) {
      await using at = await serving({ permit: () => verdict })
      const { reason, words } = await refusal(at.client.dial('db:5432'))
      assert.equal(reason, 'administratively-prohibited')
      const expected = await verdict
      assert.equal(words, expected === false ? 'this connection is not permitted' : expected)
      assert.deepEqual(at.seen.connected, [])
      assert.deepEqual(at.seen.outcomes, [words])
    }
  })

  it('knows who asks', async () => {
    const asked: (string | undefined)[] = []
    await using at = await serving({
      permit(_, connection) {
        asked.push(connection.identity?.name)
        return true
      },
    })
    await at.client.dial('db:5432')
    assert.deepEqual(asked, ['ada'])
  })

  it('refuses ports that are none before it asks anybody', async () => {
    await using at = await serving()
    for (const [port, from] of [
      [0, 0],
      [65_536, 0],
      [2 ** 32 - 1, 0],
      [22, 65_536],
    ] as const) {
      const opened = at.client.open(row, { hostToConnect: 'db', portToConnect: port, originatorAddress: '', originatorPort: from })
      const { reason, words } = await refusal(opened)
      assert.equal(reason, 'administratively-prohibited')
      assert.match(words, /ports go from 1 to 65535/)
    }
    assert.deepEqual(at.seen.permitted, [])
  })

  it('says that and why it could not connect', async () => {
    await using at = await serving({
      connect: async request => {
        throw new ConnectError('CONNECT_FAILED', 'nothing listens there', request)
      },
    })
    assert.deepEqual(await refusal(at.client.dial('db:5432')), { reason: 'connect-failed', words: 'nothing listens there' })
    assert.deepEqual(at.seen.outcomes, ['nothing listens there'])
  })

  it('tells its owner of a fault, and the client only that there was one', async () => {
    for (const where of ['permit', 'connect'] as const) {
      await using at = await serving({
        [where]: () => {
          throw new TypeError('a bug with secrets')
        },
      })
      assert.deepEqual(await refusal(at.client.dial('db:5432')), { reason: 'connect-failed', words: 'internal error' })
      assert.equal(at.errors.length, 1)
      assert.match(String(at.errors[0]), /a bug with secrets/)
    }
  })

  it('discards a connection whose client has left, and gives up connecting', async () => {
    const connecting = Promise.withResolvers<void>()
    let stopped: AbortSignal | undefined
    let discarded = 0
    const at = await serving({
      async connect(_, signal) {
        stopped = signal
        await connecting.promise
        return { join: () => assert.fail('nobody is there to join'), discard: () => void discarded++ }
      },
    })
    at.client.dial('db:5432').catch(() => {})
    await quiet()
    assert.equal(stopped?.aborted, false)
    await at.client.close()
    await quiet()
    assert.equal(stopped?.aborted, true)
    connecting.resolve()
    await quiet()
    assert.equal(discarded, 1)
    assert.deepEqual(at.errors, [])
    await at.server.close()
  })

  it('serves many at once, one that hangs among them', async () => {
    const never = new Promise<never>(() => {})
    await using at = await serving({
      connect: async ({ port }) =>
        port === 1
          ? await never
          : { join: stream => stream.tap({ data: bytes => stream.write(bytes.slice()), end: () => stream.end() }), discard: () => {} },
    })
    at.client.dial('db:1').catch(() => {})
    const texts = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const stream = await at.client.dial(`db:${index + 2}`)
        await stream.writable.write(`number ${index}`)
        stream.end()
        return await textOf(stream.readable)
      }),
    )
    assert.deepEqual(
      texts,
      texts.map((_, index) => `number ${index}`),
    )
  })
})
