// The asynchronous face of a channel: writes that wait, an end that comes after the last byte, requests that settle, and
// what becomes of all of them when the channel goes.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { session } from '../../src/connection/channel-types/session.ts'
import { exec } from '../../src/connection/requests/exec.ts'
import { env } from '../../src/connection/requests/env.ts'
import type { EngineEvent } from '../../src/engine/events.ts'
import { RequestRefusedError } from '../../src/errors.ts'
import { ChannelPort } from '../../src/io/channel-port.ts'
import { createPair, type PairServerOptions } from '../../src/testing/pair.ts'
import { patterned, same } from '../pair/fixtures.ts'

/** A port over a client's channel; the events are given to it by hand, as a link does. */
const ready = (server: PairServerOptions = {}) => {
  const pair = createPair({ server: { limits: { initialWindow: 1000 }, ...server } }).run()
  const ends = pair.open(session, {})
  const port = new ChannelPort(ends.client.channel, { wake() {} })
  let seen = pair.client.events.length
  const run = (): void => {
    for (let more = true; more;) {
      pair.run()
      more = seen < pair.client.events.length
      for (; seen < pair.client.events.length; seen++) give(pair.client.events[seen])
    }
  }
  const give = (event: EngineEvent): void => {
    if (event.is === 'writable') port.writable()
    else if (event.is === 'eof') port.peerEof()
    else if (event.is === 'closed') port.ended(event.error)
    else if (event.is === 'channel-request') port.requested(event.question)
  }
  return { pair, port, far: ends.server, run }
}
const state = async (promise: Promise<unknown> | undefined): Promise<string> => {
  if (promise === undefined) return 'at once'
  const pending = {}
  return await Promise.race([promise, Promise.resolve(pending)]).then(
    value => (value === pending ? 'waiting' : 'done'),
    (error: Error) => `failed: ${error.message}`,
  )
}

describe('a write', () => {
  it('that fits needs no promise', () => {
    const { port, far, run } = ready()
    assert.equal(port.write(patterned(1000)), undefined)
    run()
    same(far.received(), patterned(1000), 'all of it')
  })
  it('that does not fit is done when the last byte has left, and later ones wait their turn', async () => {
    const { port, far, run } = ready({ consume: false })
    const first = port.write(patterned(2500, 1))
    const second = port.write(patterned(10, 2))
    run()
    assert.deepEqual([await state(first), await state(second)], ['waiting', 'waiting'])
    far.consume(1000)
    run()
    assert.equal(await state(first), 'waiting')
    far.consume(1000)
    run()
    assert.deepEqual([await state(first), await state(second)], ['done', 'done'])
    same(far.received(), Uint8Array.of(...patterned(2500, 1), ...patterned(10, 2)), 'in order')
  })
  it('that waits fails when the channel closes', async () => {
    const { port, far, run } = ready({ consume: false })
    const waiting = port.write(patterned(5000))
    far.channel.close()
    run()
    assert.match(await state(waiting), /^failed: .*closed/)
    assert.match(await state(port.write(patterned(1))), /^failed: .*closed/)
  })
  it('that waits fails with what ended the connection', async () => {
    const { pair, port, run } = ready({ consume: false })
    const waiting = port.write(patterned(5000))
    pair.server.engine.disconnect('by-application', 'enough')
    run()
    assert.match(await state(waiting), /enough/)
    assert.match(await state(port.write(patterned(1))), /enough/)
  })
  it('after the end is a mistake that is told as a rejection, never thrown', async () => {
    const { port } = ready()
    port.eof()
    assert.match(await state(port.write(patterned(1))), /^failed: .*after its end/)
  })
})

describe('the end of what we send', () => {
  it('comes after all that waits', () => {
    const { port, far, run } = ready({ consume: false })
    void port.write(patterned(2000))
    port.eof()
    run()
    assert.equal(far.eof, false)
    far.consume(1000)
    run()
    assert.equal(far.eof, true)
    assert.equal(far.received().length, 2000)
  })
  it('and the close come after all that waits', () => {
    const { port, far, run } = ready({ consume: false })
    void port.write(patterned(2000))
    port.close()
    port.close()
    run()
    assert.equal(far.closed, false)
    far.consume(1000)
    run()
    assert.equal(far.closed, true)
    assert.equal(port.closed, true)
    assert.equal(far.received().length, 2000)
  })
  it('does not wait when the channel is aborted', async () => {
    const { port, far, run } = ready({ consume: false })
    const waiting = port.write(patterned(2000))
    port.abort()
    run()
    assert.equal(far.closed, true)
    assert.match(await state(waiting), /^failed/)
  })
  it('lets something happen between the last byte and itself', () => {
    const { port, far, run } = ready({ consume: false })
    void port.write(patterned(2000))
    port.afterWrites(() => {
      port.notify(env, { name: 'LAST', value: 'word' })
      port.eof()
      port.close()
    })
    run()
    assert.equal(far.requests.length, 0)
    far.consume(1000)
    run()
    assert.equal(far.requests.length, 1)
    assert.equal(far.eof && far.closed, true)
  })
  it('is told to whoever wants to know, also afterwards', () => {
    const { port, far, run } = ready()
    const told: string[] = []
    port.whenClosed(() => told.push('first'))
    far.channel.close()
    run()
    port.whenClosed(() => told.push('second'))
    assert.deepEqual(told, ['first', 'second'])
  })
})

describe('a request', () => {
  it('settles with the answer', async () => {
    const answers = [true, false]
    const { port, run } = ready({ channelRequested: question => (answers.shift() === true ? question.succeed() : question.fail()) })
    const agreed = port.ask(exec, { command: 'a' })
    const refused = port.ask(exec, { command: 'b' })
    run()
    await agreed
    await assert.rejects(refused, (error: unknown) => error instanceof RequestRefusedError && error.request === 'exec')
  })
  it('rejects when the channel closes before the answer', async () => {
    const { port, far, run } = ready({ channelRequested: () => {} })
    const asked = port.ask(exec, { command: 'a' })
    run()
    far.channel.close()
    run()
    await assert.rejects(asked, RequestRefusedError)
    await assert.rejects(port.ask(exec, { command: 'b' }), RequestRefusedError)
    port.notify(exec, { command: 'c' })
    port.consume(0)
    port.eof()
    port.close()
    port.abort()
  })
})

describe('events that come before anybody listens', () => {
  it('are kept, bytes copied, and delivered in order', () => {
    const { port } = ready()
    const view = Uint8Array.of(1, 2, 3)
    port.data(view, 0, false)
    view.fill(9)
    port.data(Uint8Array.of(4), 1, true)
    port.peerEof()
    const heard: unknown[] = []
    port.handle({
      data: (bytes, type) => heard.push([...bytes], type),
      eof: () => heard.push('eof'),
      request: () => heard.push('request'),
      closed: () => heard.push('closed'),
    })
    assert.deepEqual(heard, [[1, 2, 3], 0, [4], 1, 'eof'])
    port.ended(undefined)
    assert.equal(heard.at(-1), 'closed')
  })
})
