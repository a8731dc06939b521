// The loop between an engine and a transport: what is written together leaves together, a timer for the next deadline, and
// nothing that a handler throws gets past it.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { assemble } from '../../src/engine/assemble.ts'
import { Engine } from '../../src/engine/engine.ts'
import type { EngineEvent } from '../../src/engine/events.ts'
import { Driver } from '../../src/io/driver.ts'
import type { ByteTransport, TransportSink } from '../../src/io/transport.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { runtime } from './fixtures.ts'
import { memoryPair } from '../../src/io/memory.ts'
import { joined, quiet } from './fixtures.ts'

/** A transport that writes down what is done to it. */
class NotedTransport implements ByteTransport {
  readonly remote = undefined
  readonly log: string[] = []
  readonly written: Uint8Array[] = []
  readonly taken: (() => void)[] = []
  sink: TransportSink | undefined
  start(sink: TransportSink): void {
    this.sink = sink
    this.log.push('start')
  }
  write(bytes: Uint8Array, taken: () => void): void {
    this.log.push('write')
    this.written.push(bytes.slice())
    this.taken.push(taken)
  }
  pause(): void {
    this.log.push('pause')
  }
  resume(): void {
    this.log.push('resume')
  }
  close(): void {
    this.log.push('close')
  }
}

const ready = (handle: (event: EngineEvent, driver: Driver) => void = () => {}) => {
  const transport = new NotedTransport()
  const clock = virtualClock(500)
  const engine = new Engine(assemble({}, { role: 'client', user: 'ada', preferHostKeys: [] }, runtime))
  const driver: Driver = new Driver(engine, transport, event => handle(event, driver), clock)
  driver.start()
  const says = (text: string): void => transport.sink?.data(new TextEncoder().encode(text))
  return { transport, clock, engine, driver, says }
}

describe('a driver', () => {
  it('starts, and writes what there is to write at once', () => {
    const { transport } = ready()
    assert.deepEqual(transport.log, ['start', 'write'])
    assert.equal(new TextDecoder().decode(transport.written[0]), 'SSH-2.0-nacre_0.1\r\n')
  })

  it('gathers what is said in one turn into one write', async () => {
    const { transport, engine, driver } = ready()
    transport.log.length = 0
    for (let i = 0; i < 5; i++) {
      engine.ping(new Uint8Array(4))
      driver.wake()
    }
    assert.deepEqual(transport.log, [])
    await quiet(1)
    assert.deepEqual(transport.log, ['write'])
  })

  it('hands over what fills several buffers as one write', () => {
    const { transport, engine, driver } = ready()
    Object.assign(transport, { gather: () => transport.log.push('gather'), flush: () => transport.log.push('flush') })
    const buffers = [1, 2, 3, 4].map(byte => Uint8Array.of(byte))
    const released: number[] = []
    Object.assign(engine, { takeOutgoing: () => buffers.shift(), release: ([byte]: Uint8Array) => void released.push(byte) })
    transport.log.length = 0
    transport.written.length = 0
    transport.taken.length = 0
    driver.settle()
    assert.deepEqual(transport.log, ['gather', 'write', 'write', 'write', 'write', 'flush'])
    assert.deepEqual(
      transport.written,
      [1, 2, 3, 4].map(byte => Uint8Array.of(byte)),
    )
    for (const taken of transport.taken) taken()
    assert.deepEqual(released, [1, 2, 3, 4])
    transport.log.length = 0
    buffers.push(Uint8Array.of(5))
    driver.settle()
    assert.deepEqual(transport.log, ['write'], 'one buffer needs no gathering')
  })

  it('gives buffers back when the transport has taken them', async () => {
    const { transport, engine } = ready()
    assert.ok(engine.pendingOutput > 0)
    transport.taken[0]()
    await quiet(1)
    assert.equal(engine.pendingOutput, 0)
  })

  it('rings when a deadline is over, and closes the transport after the goodbye', () => {
    const events: EngineEvent[] = []
    const { transport, clock } = ready(event => events.push(event))
    clock.advance(59_999)
    assert.equal(events.length, 0)
    clock.advance(1)
    assert.equal(events.at(-1)?.is, 'ended')
    assert.deepEqual(transport.log.slice(-2), ['write', 'close'])
    assert.equal(clock.next(), undefined)
  })

  it('ends the connection, and nothing else, when a handler throws', () => {
    const own = new Error('in a handler')
    const events: EngineEvent[] = []
    const { transport, says } = ready(event => {
      events.push(event)
      if (event.is === 'identified') throw own
    })
    says('SSH-2.0-x\r\n')
    const last = events.at(-1)
    assert.ok(last?.is === 'ended')
    assert.equal(last.error, own)
    assert.equal(transport.log.at(-1), 'close')
  })

  it('closes once, whatever happens afterwards', () => {
    const { transport, says, driver } = ready()
    says('SSH-1.5-x\r\n')
    transport.sink?.end()
    says('more')
    driver.wake()
    driver.settle()
    assert.equal(transport.log.filter(each => each === 'close').length, 1)
  })

  it('says how the network ended', () => {
    const events: EngineEvent[] = []
    const { transport } = ready(event => events.push(event))
    const cause = new Error('ECONNRESET')
    transport.sink?.end(cause)
    const last = events.at(-1)
    assert.ok(last?.is === 'ended' && last.by === 'network')
    assert.equal(last.error.cause, cause)
  })

  it('takes plain bytes and a runtime’s buffers alike', () => {
    const events: EngineEvent[] = []
    const { transport } = ready(event => events.push(event))
    transport.sink?.data(Buffer.from('SSH-2.0-of_node comments\r\n'))
    const [first] = events
    assert.ok(first.is === 'identified')
    assert.equal(first.peer.line.constructor, Uint8Array)
  })

  it('keeps a farewell to a channel until the turn is over, and what is said meanwhile leaves with it', async () => {
    const [near, far] = memoryPair()
    const writes: Uint8Array[] = []
    const turns: (() => void)[] = []
    const patient: ByteTransport = {
      remote: undefined,
      start: sink => near.start(sink),
      write(bytes, taken) {
        writes.push(bytes)
        near.write(bytes, taken)
      },
      afterTurn: act => void turns.push(act),
      pause: () => near.pause(),
      resume: () => near.resume(),
      close: () => near.close(),
    }
    const { client, served } = await joined({ exec: () => 0 }, { ends: [patient, far] })
    await client.run('nothing')
    assert.equal(turns.length, 1)
    const soFar = writes.length
    turns[0]()
    assert.equal(writes.length, soFar + 1)

    await client.run('nothing')
    assert.equal(turns.length, 2)
    const before = writes.length
    await client.close()
    await served.closed
    assert.equal(writes.length, before + 1)
    turns[1]()
    assert.equal(writes.length, before + 1)
  })
})
