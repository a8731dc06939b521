// A channel as a stream: both directions with an end of their own, nothing held without a bound, and an end that is always told.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientConnection } from '../../src/client/connection.ts'
import { directTcpip } from '../../src/connection/channel-types/direct-tcpip.ts'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import { directTcpipBy } from '../../src/server/direct-tcpip.ts'
import { joined, type Joined, quiet, textOf } from './fixtures.ts'

interface Ends extends AsyncDisposable {
  readonly near: ChannelStream
  readonly far: ChannelStream
  readonly connection: Joined
}

/** A stream from a client to a server, and the server's end of it. */
const ends = async (): Promise<Ends> => {
  const arrived = Promise.withResolvers<ChannelStream>()
  const channels = {
    'direct-tcpip': directTcpipBy<{ readonly name: string }>({
      permit: () => true,
      connect: async () => ({ join: stream => arrived.resolve(stream), discard: () => {} }),
    }),
  }
  const connection = await joined({}, { server: { channels } })
  const near = await (connection.client as ClientConnection).dial('far:7')
  return { near, far: await arrived.promise, connection, [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose]() }
}

const bytes = (length: number, value = 7): Uint8Array => new Uint8Array(length).fill(value)

/** Writes until nothing more is taken; how much was, with what waits. */
const fill = async (stream: ChannelStream, most: number): Promise<number> => {
  const piece = bytes(64 * 1024)
  let taken = 0
  while (taken < most) {
    const waiting = stream.write(piece)
    taken += piece.length
    if (waiting === undefined) continue
    const late = Symbol('late')
    if ((await Promise.race([waiting, quiet().then(() => late)])) === late) return taken
  }
  return taken
}

describe('a stream over a channel', () => {
  it('carries bytes both ways', async () => {
    await using to = await ends()
    await to.near.writable.write('there')
    to.near.end()
    assert.equal(await textOf(to.far.readable), 'there')
    await to.far.writable.write('and back')
    await to.far.writable.end()
    assert.equal(await textOf(to.near.readable), 'and back')
    assert.deepEqual(await Promise.all([to.near.closed, to.far.closed]), [undefined, undefined])
  })

  it('ends one direction while the other goes on, from either side', async () => {
    for (const [first, second] of [
      ['near', 'far'],
      ['far', 'near'],
    ] as const) {
      await using to = await ends()
      to[first].end()
      assert.equal(await textOf(to[second].readable), '')
      // What cannot be written is not read there either.
      await to[second].writable.write('still here').catch(() => {})
      to[second].end()
      assert.equal(await textOf(to[first].readable), 'still here')
      await to.near.closed
    }
  })

  it('sends what was written before it ends or closes', async () => {
    for (const end of ['end', 'close'] as const) {
      await using to = await ends()
      const all = bytes(5 * 1024 * 1024)
      void to.near.write(all)
      to.near[end]()
      let count = 0
      for await (const chunk of to.far.readable) count += chunk.length
      assert.equal(count, all.length, end)
    }
  })

  it('takes no more than a window while nobody reads, and all of it once somebody does', async () => {
    for (const reading of ['nobody', 'a reader that waits', 'a tap that waits'] as const) {
      await using to = await ends()
      const go = Promise.withResolvers<void>()
      let read = 0
      if (reading === 'a reader that waits') {
        const reader = to.far.readable.getReader()
        void (async () => {
          read += (await reader.read()).value?.length ?? 0
          await go.promise
          for (let next = await reader.read(); !next.done; next = await reader.read()) read += next.value.length
        })()
      } else if (reading === 'a tap that waits') {
        to.far.tap({
          async data(chunk) {
            read += chunk.length
            await go.promise
          },
          end: () => {},
        })
      }
      const limit = 64 * 1024 * 1024
      const taken = await fill(to.near, limit)
      assert.ok(taken < limit / 4, `${reading}: ${taken} bytes were taken`)
      if (reading === 'nobody') continue
      go.resolve()
      to.near.end()
      for (let turns = 0; read < taken && turns < 10_000; turns++) await quiet(1)
      assert.equal(read, taken, reading)
    }
  })

  it('hands a tap what came before, and its end', async () => {
    await using to = await ends()
    await to.near.writable.write('early')
    to.near.end()
    await quiet()
    // Looked at as a stream first: what that holds is not lost.
    assert.ok(to.far.readable instanceof ReadableStream)
    const seen: string[] = []
    to.far.tap({ data: chunk => void seen.push(Buffer.from(chunk).toString()), end: error => void seen.push(`end ${String(error)}`) })
    assert.deepEqual(seen, ['early', 'end undefined'])
  })

  it('tells everybody when the connection is lost', async () => {
    await using to = await ends()
    const ended = Promise.withResolvers<Error | undefined>()
    to.near.tap({ data: () => {}, end: error => ended.resolve(error) })
    const reading = textOf(to.far.readable)
    const waiting = fill(to.near, 64 * 1024 * 1024)
    to.connection.served.disconnect('by-application', 'gone')
    assert.match((await ended.promise)?.message ?? '', /gone/)
    assert.match((await to.near.closed)?.message ?? '', /gone/)
    await assert.rejects(reading, /gone/)
    await waiting.catch(() => {})
    await assert.rejects(async () => to.near.write(bytes(1)), /gone/)
  })

  it('is closed at once by abort and by disposal, which the other side sees', async () => {
    await using to = await ends()
    const reading = textOf(to.far.readable)
    await to.near[Symbol.asyncDispose]()
    assert.equal(await reading, '')
    assert.equal(await to.far.closed, undefined)
    await assert.rejects(async () => to.near.write(bytes(1)), /closed/)
  })

  it('drops what a peer sends beside the stream, and gives its window back', async () => {
    await using to = await ends()
    const details = { hostToConnect: 'x', portToConnect: 1, originatorAddress: '', originatorPort: 0 }
    const port = await to.connection.client.open(directTcpip, details)
    const piece = bytes(32 * 1024)
    const beside = (async () => {
      for (let sent = 0; sent < 16 * 1024 * 1024; sent += piece.length) await port.write(piece, 1)
      return 'all of it'
    })()
    assert.equal(await Promise.race([beside, quiet(5000).then(() => 'stuck')]), 'all of it')
  })
})
