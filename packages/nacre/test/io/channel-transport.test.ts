// A transport over a channel: what comes while it is paused waits within the channel's window, and its end is told once.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import { type ChannelTransportOptions, fromChannel } from '../../src/io/channel-transport.ts'
import type { Clock } from '../../src/io/clock.ts'
import { directTcpipBy } from '../../src/server/direct-tcpip.ts'
import { joined, quiet } from './fixtures.ts'

const over = async (options: ChannelTransportOptions = {}) => {
  const arrived = Promise.withResolvers<ChannelStream>()
  const channels = {
    'direct-tcpip': directTcpipBy<{ readonly name: string }>({
      permit: () => true,
      connect: async () => ({ join: stream => arrived.resolve(stream), discard: () => {} }),
    }),
  }
  const connection = await joined({}, { server: { channels } })
  const transport = fromChannel(await connection.client.dial('far:7'), options)
  const seen = { text: '', bytes: 0, ends: [] as unknown[] }
  transport.start({
    data(bytes) {
      seen.bytes += bytes.length
      if (bytes.length < 100) seen.text += Buffer.from(bytes).toString()
    },
    end: error => void seen.ends.push(error),
  })
  const far = await arrived.promise
  return { transport, far, seen, connection, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() }
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value)

describe('a transport over a channel', () => {
  it('delivers what comes and sends what is written, telling when the bytes may change', async () => {
    await using at = await over()
    let taken = 0
    const bytes = text('to the far side')
    at.transport.write(bytes, () => taken++)
    await at.far.write(text('to the near side'))
    await quiet()
    assert.equal(taken, 1)
    bytes.fill(0)
    assert.equal(at.seen.text, 'to the near side')
    const reader = at.far.readable.getReader()
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), 'to the far side')
  })

  it('tells nobody that bytes may change while the far side takes none', async () => {
    await using at = await over()
    let taken = 0
    let written = 0
    for (; written < 1000; written++) at.transport.write(new Uint8Array(64 * 1024), () => taken++)
    await quiet(100)
    assert.ok(taken < written / 2, `${taken} of ${written}`)
  })

  it('paused, holds a window and no more, and delivers it in order when it goes on', async () => {
    await using at = await over()
    at.transport.pause()
    await at.far.write(text('first '))
    void at.far.write(new Uint8Array(64 * 1024 * 1024))
    await quiet(100)
    assert.equal(at.seen.bytes, 0)
    assert.ok(at.far !== undefined)
    at.transport.resume()
    for (let turns = 0; turns < 5000 && at.seen.bytes < 64 * 1024 * 1024; turns++) await quiet(1)
    assert.equal(at.seen.bytes, 64 * 1024 * 1024 + 6)
    assert.ok(at.seen.text.startsWith('first '))
  })

  it('tells of the end after the last byte, also when it was paused then', async () => {
    await using at = await over()
    at.transport.pause()
    await at.far.write(text('last'))
    at.far.end()
    await quiet()
    assert.deepEqual(at.seen, { text: '', bytes: 0, ends: [] })
    at.transport.resume()
    await quiet()
    assert.deepEqual(at.seen, { text: 'last', bytes: 4, ends: [undefined] })
  })

  it('says what was lost in the words it was given', async () => {
    await using at = await over({ lost: error => new Error(`the hop: ${error.message}`) })
    at.connection.served.disconnect('by-application', 'maintenance')
    await quiet()
    assert.equal(at.seen.ends.length, 1)
    assert.match(String(at.seen.ends[0]), /the hop: .*maintenance/)
  })

  it('closes its channel: after the last byte, at once when deserted, and in time when nobody takes it', async () => {
    {
      await using at = await over()
      at.transport.write(text('goodbye'), () => {})
      at.transport.close()
      assert.equal(await new Response(at.far.readable).text(), 'goodbye')
      assert.equal(await at.far.closed, undefined)
      assert.deepEqual(at.seen.ends, [undefined])
    }
    {
      await using at = await over()
      at.transport.close(true)
      assert.equal(await at.far.closed, undefined)
    }
    {
      const waiting: (() => void)[] = []
      const clock: Clock = {
        now: () => 0,
        after(_, act) {
          waiting.push(act)
          return () => {}
        },
      }
      await using at = await over({ clock })
      for (let count = 0; count < 1000; count++) at.transport.write(new Uint8Array(64 * 1024), () => {})
      at.transport.close()
      await quiet()
      const gone = at.far.closed.then(() => 'gone')
      assert.equal(await Promise.race([gone, quiet(50).then(() => 'waits')]), 'waits')
      for (const act of waiting) act()
      // What is under way is read first.
      at.far.tap({ data: () => {}, end: () => {} })
      assert.equal(await gone, 'gone')
    }
  })
})
