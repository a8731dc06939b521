// Asking a server for a TCP connection: what may be asked for, what comes of it in words, and giving up.
import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { parseDialTarget } from '../../src/client/dial-target.ts'
import type { OpenQuestion } from '../../src/connection/events.ts'
import { type ChannelOpenFailureReason, ConfigError, ConnectError } from '../../src/errors.ts'
import { joined, quiet } from '../io/fixtures.ts'

describe('a target', () => {
  it('is a host and a port, an address with colons in brackets', () => {
    assert.deepEqual(parseDialTarget('db.internal:5432'), { host: 'db.internal', port: 5432 })
    assert.deepEqual(parseDialTarget('[2001:db8::1]:22'), { host: '2001:db8::1', port: 22 })
  })

  it('is nothing else', () => {
    for (const text of [
      '',
      'host',
      'host:',
      ':22',
      'host:0',
      'host:65536',
      'host:ssh',
      '::1:22',
      '[::1]',
      'a b:1',
      'host:22 ',
      'u@h:1:2',
      '/run/s',
    ])
      assert.throws(() => parseDialTarget(text), ConfigError, text)
  })
})

/** A client whose server leaves its opens to the test. */
const asking = async () => {
  const questions: OpenQuestion[] = []
  const at = await joined({}, { server: { channels: { 'direct-tcpip': question => void questions.push(question) } } })
  return { ...at, questions, [Symbol.asyncDispose]: () => at[Symbol.asyncDispose]() }
}

describe('a server that is asked', () => {
  // Deadlines keep no process alive, and Deno ends a test nothing keeps alive.
  const alive = setInterval(() => {}, 60_000)
  after(() => clearInterval(alive))

  it('reads where to and for whom', async () => {
    await using at = await asking()
    const stream = at.client.dial({ host: 'db', port: 5432 }, { originator: { address: '192.0.2.9', port: 4321 } })
    await quiet()
    const details = at.questions[0]?.details
    assert.equal(details?.type, 'direct-tcpip')
    assert.deepEqual(details?.type === 'direct-tcpip' && details.value, {
      hostToConnect: 'db',
      portToConnect: 5432,
      originatorAddress: '192.0.2.9',
      originatorPort: 4321,
    })
    at.questions[0]?.refuse('connect-failed')
    at.served.link.wake()
    await assert.rejects(stream, ConnectError)
  })

  it('refuses for one of four reasons, which is told with what to look at', async () => {
    const cases: Readonly<Record<ChannelOpenFailureReason, RegExp>> = {
      'administratively-prohibited': /to db port 5432: it said so\. It does not permit this: .*AllowTcpForwarding, PermitOpen/,
      'connect-failed': /to db port 5432: it said so\.$/,
      'unknown-channel-type': /: it said so\. It does not forward at all\.$/,
      'resource-shortage': /: it said so\.$/,
    }
    await using at = await asking()
    for (const [reason, words] of Object.entries(cases)) {
      const stream = at.client.dial('db:5432')
      await quiet()
      at.questions.pop()?.refuse(reason as ChannelOpenFailureReason, 'it said so')
      at.served.link.wake()
      await assert.rejects(stream, (error: unknown) => {
        assert.ok(error instanceof ConnectError && error.host === 'db' && error.port === 5432)
        assert.match(error.message, words)
        return true
      })
    }
    const stream = at.client.dial('db:5432')
    await quiet()
    at.questions.pop()?.refuse('connect-failed', 'evil \u001b[2J words')
    at.served.link.wake()
    await assert.rejects(stream, /evil \\x1b\[2J words/)
  })

  it('has so long to answer; what it opens too late is closed', async () => {
    await using at = await asking()
    await assert.rejects(at.client.dial('db:5432', { timeout: 1 }), (error: unknown) => {
      assert.ok(error instanceof ConnectError && error.code === 'CONNECT_TIMEOUT')
      assert.match(error.message, /db port 5432 within 0\.001 s/)
      return true
    })
    await quiet()
    const port = at.questions[0] && at.served.link.accept(at.questions[0])
    await quiet()
    assert.equal(port?.closed, true)
    assert.equal(at.client.link.openChannels, 0)
  })

  it('is left by a signal; a signal afterwards touches nothing', async () => {
    await using at = await asking()
    const stop = new AbortController()
    const left = at.client.dial('db:5432', { signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(left, /enough/)
    await assert.rejects(at.client.dial('db:5432', { signal: stop.signal }), /enough/)
    await quiet()
    at.questions.length = 0
    const later = new AbortController()
    const stream = at.client.dial('db:5432', { signal: later.signal })
    await quiet()
    if (at.questions[0] !== undefined) at.served.link.accept(at.questions[0])
    const open = await stream
    later.abort()
    await quiet()
    assert.equal(at.client.link.openChannels, 1)
    open.abort()
  })

  it('that is gone is told as that', async () => {
    await using at = await asking()
    const stream = at.client.dial('db:5432')
    await quiet()
    at.served.disconnect('by-application', 'bye')
    await assert.rejects(stream, /bye/)
    await assert.rejects(at.client.dial('db:5432'), /bye/)
  })

  it('with no handler for it refuses in words', async () => {
    await using at = await joined({})
    await assert.rejects(at.client.dial('db:5432'), /this server forwards nothing/)
  })
})
