// Transports that are no sockets: three methods, a pair of Web Streams, and memory. SSH runs over each of them, and each
// says its end once.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { memoryPair } from '../../src/io/memory.ts'
import { type ByteTransport, fromPull, type PullTransport } from '../../src/io/transport.ts'
import { fromStreams } from '../../src/io/web-streams.ts'
import { virtualClock } from '../../src/testing/clock.ts'
import { joined, quiet } from './fixtures.ts'

/** A transport of three methods over one that pushes. */
const pulling = (push: ByteTransport, log: string[] = []): PullTransport => {
  const arrived: (Uint8Array | undefined)[] = []
  let wanted: ((bytes: Uint8Array | undefined) => void) | undefined
  const arrive = (bytes: Uint8Array | undefined): void => {
    if (wanted === undefined) arrived.push(bytes)
    else wanted(bytes)
    wanted = undefined
  }
  push.start({ data: bytes => arrive(bytes.slice()), end: () => arrive(undefined) })
  return {
    async read() {
      log.push('read')
      if (arrived.length > 0) return arrived.shift()
      return await new Promise(resolve => {
        wanted = resolve
      })
    },
    write: bytes => new Promise(resolve => push.write(bytes, resolve)),
    close() {
      log.push('close')
      push.close()
    },
  }
}

describe('SSH over', () => {
  const work = async (ends: readonly [ByteTransport, ByteTransport]): Promise<void> => {
    await using at = await joined({ exec: async session => void (await session.stdout.write(session.command ?? '')) }, { ends })
    assert.equal((await at.client.run('it works')).stdout, 'it works')
    await at.client.close()
    assert.equal((await at.served.closed).by, 'peer')
  }
  it('memory', () => work(memoryPair()))
  it('three methods', async () => {
    const [near, far] = memoryPair()
    await work([fromPull(pulling(near)), fromPull(pulling(far))])
  })
  it('two streams', async () => {
    const there = new TransformStream<Uint8Array, Uint8Array>()
    const back = new TransformStream<Uint8Array, Uint8Array>()
    await work([
      fromStreams({ readable: back.readable, writable: there.writable }),
      fromStreams({ readable: there.readable, writable: back.writable }),
    ])
  })
  it('a channel of another connection', async () => {
    const [near, far] = memoryPair()
    await using outer = await joined({
      async exec(session) {
        near.start({ data: bytes => void session.stdout.write(bytes.slice()), end: () => {} })
        for await (const chunk of session.stdin) near.write(chunk, () => {})
        near.close()
      },
    })
    const process = await outer.client.exec('tunnel')
    await work([fromStreams({ readable: process.stdout, writable: process.stdin }), far])
  })
})

describe('three methods', () => {
  const source = (reads: (Uint8Array | Error | undefined)[]) => {
    const log: string[] = []
    const transport = fromPull({
      async read() {
        log.push('read')
        const next = reads.shift()
        if (next instanceof Error) throw next
        return next
      },
      async write(bytes) {
        log.push(`write ${bytes.length}`)
        if (bytes.length === 13) throw new Error('cannot write')
      },
      close() {
        log.push('close')
      },
    })
    const heard: unknown[] = []
    const start = (): void =>
      transport.start({
        data: bytes => heard.push([...bytes]),
        end: error => heard.push(error === undefined ? 'end' : `end: ${String(error)}`),
      })
    return { log, transport, heard, start }
  }
  it('are read until the end, which is told once', async () => {
    const { transport, heard, start } = source([Uint8Array.of(1), Uint8Array.of(2, 3), undefined])
    start()
    await quiet(2)
    transport.close()
    await quiet(2)
    assert.deepEqual(heard, [[1], [2, 3], 'end'])
  })
  it('are not read while paused', async () => {
    const { transport, heard, start, log } = source([Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3), undefined])
    transport.pause()
    start()
    await quiet(2)
    assert.deepEqual(log, [])
    transport.resume()
    transport.resume()
    await quiet(2)
    assert.deepEqual(heard, [[1], [2], [3], 'end'])
  })
  it('that fail to read end with the error', async () => {
    const { heard, start } = source([Uint8Array.of(1), new Error('torn')])
    start()
    await quiet(2)
    assert.deepEqual(heard, [[1], 'end: Error: torn'])
  })
  it('that fail to write end with the error, and every buffer is given back', async () => {
    const { transport, heard, start } = source([])
    start()
    let taken = 0
    transport.write(new Uint8Array(13), () => taken++)
    transport.write(new Uint8Array(5), () => taken++)
    await quiet(2)
    assert.equal(taken, 2)
    assert.ok(heard.some(each => String(each).startsWith('end')))
  })
  it('are closed after the last write', async () => {
    const { transport, log, start } = source([new Error('x')])
    start()
    transport.write(new Uint8Array(4), () => {})
    transport.close()
    await quiet(2)
    assert.deepEqual(log.slice(-2), ['write 4', 'close'])
  })
})

describe('three methods of which one hangs', () => {
  it('are closed all the same, after two seconds', async () => {
    const clock = virtualClock()
    const log: string[] = []
    const forever = new Promise<never>(() => {})
    const transport = fromPull({ read: () => forever, write: () => forever, close: () => void log.push('close') }, undefined, clock)
    transport.start({ data: () => {}, end: () => log.push('end') })
    transport.write(new Uint8Array(4), () => {})
    transport.close()
    await quiet(2)
    assert.deepEqual(log, [])
    clock.advance(2000)
    await quiet(2)
    assert.deepEqual(log, ['close', 'end'])
  })
})

describe('memory', () => {
  it('delivers in later turns, copies, and keeps order', async () => {
    const [near, far] = memoryPair()
    const heard: number[] = []
    far.start({ data: bytes => heard.push(...bytes), end: () => heard.push(-1) })
    const bytes = Uint8Array.of(1)
    near.write(bytes, () => {})
    bytes[0] = 2
    near.write(bytes, () => {})
    assert.deepEqual(heard, [])
    await quiet(1)
    assert.deepEqual(heard, [1, 2])
    near.close()
    near.close()
    await quiet(1)
    assert.deepEqual(heard, [1, 2, -1])
  })
  it('holds back what comes while paused', async () => {
    const [near, far] = memoryPair()
    const heard: number[] = []
    far.start({ data: bytes => heard.push(...bytes), end: () => heard.push(-1) })
    far.pause()
    near.write(Uint8Array.of(1), () => {})
    near.close()
    await quiet(1)
    assert.deepEqual(heard, [])
    far.resume()
    await quiet(1)
    assert.deepEqual(heard, [1, -1])
  })
})
