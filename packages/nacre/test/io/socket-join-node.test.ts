// A socket joined to a channel: every byte in order whatever the pieces and whoever is slow, no more held than was agreed, each end by
// itself. Two sockets of this machine, one at each end of a connection in memory.
import assert from 'node:assert/strict'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, it } from 'node:test'
import { ChannelStream } from '../../src/io/channel-stream.ts'
import { joinSocket } from '../../src/io/socket-join-node.ts'
import { joined } from './fixtures.ts'

const MiB = 2 ** 20

/** Those of a test that failed must not keep the process. */
const opened: Socket[] = []
afterEach(() => {
  for (const socket of opened.splice(0)) socket.on('error', () => {}).destroy()
})

/** Both ends of one connection of this machine; the second has read nothing yet. */
const pair = async (): Promise<readonly [Socket, Socket]> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>(resolve => server.once('connection', resolve))
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  await new Promise(resolve => near.once('connect', resolve))
  const far = await accepted
  server.close()
  opened.push(near, far)
  return [near, far]
}

/** near ── joined ── channel ── joined ── far. */
const chained = async () => {
  const accepted = Promise.withResolvers<ChannelStream>()
  const at = await joined(
    {},
    {
      server: {
        channels: { 'direct-tcpip': (question, { link }) => accepted.resolve(new ChannelStream(link.accept(question))) },
      },
    },
  )
  const [near, nearJoined] = await pair()
  const [far, farJoined] = await pair()
  const stream = await at.client.dial('anywhere:1')
  const there = await accepted.promise
  joinSocket(stream, nearJoined)
  joinSocket(there, farJoined)
  return { at, near, far, stream, there, nearJoined, farJoined }
}

/** Bytes that tell where they belong. */
const pattern = (count: number): Buffer => {
  const all = Buffer.alloc(count)
  for (let at = 0; at + 4 <= count; at += 4) all.writeUInt32LE(at, at)
  return all
}

/** What is read until the end. It listens: in Bun, a loop over a socket destroys it at the end, although it may still be written to. */
const allOf = (socket: Socket): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    socket.once('end', () => resolve(Buffer.concat(pieces)))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('it closed before its end')))
    socket.resume()
  })

const until = async (holds: () => boolean): Promise<void> => {
  for (let turn = 0; turn < 2000 && !holds(); turn++) await new Promise(resolve => setTimeout(resolve, 5))
  assert.ok(holds(), 'it never came to that')
}

describe('a socket joined to a channel', () => {
  it('carries every byte in its order, both ways at once, in pieces of any size', async () => {
    const { at, near, far } = await chained()
    const up = pattern(5 * MiB)
    const down = pattern(3 * MiB)
    const gotUp = allOf(far)
    const gotDown = allOf(near)
    // Large ones are gathered and small ones are not: neither may overtake the other.
    for (let from = 0, size = 1; from < up.length; from += size, size = ((size * 7) % 100_003) + 1)
      near.write(up.subarray(from, from + size))
    near.end()
    far.end(down)
    assert.ok((await gotUp).equals(up))
    assert.ok((await gotDown).equals(down))
    await at[Symbol.asyncDispose]()
  })

  it('puts the small end of a piece behind its large beginning', async () => {
    const { at, near, far, there } = await chained()
    const sent = pattern(40 * 70_000)
    const got = allOf(near)
    for (let from = 0; from < sent.length; from += 70_000) await there.write(sent.subarray(from, from + 70_000))
    there.end()
    assert.ok((await got).equals(sent))
    near.end()
    far.destroy()
    await at[Symbol.asyncDispose]()
  })

  it('holds a window and little more for an end that does not read, and goes on when it does', async () => {
    const { at, near, far, stream, farJoined } = await chained()
    const sent = pattern(24 * MiB)
    near.write(sent)
    near.end()
    // What the system takes for the far end is not ours to bound.
    let before = -1
    await until(() => {
      const same = stream.bytesWritten === before && farJoined.writableLength > 0
      before = stream.bytesWritten
      return same
    })
    assert.ok(farJoined.writableLength <= 3 * MiB, `${farJoined.writableLength} bytes wait at the far socket`)
    assert.ok((await allOf(far)).equals(sent))
    far.end()
    await at[Symbol.asyncDispose]()
  })

  it('ends one direction while the other goes on, and closes when both have ended', async () => {
    const { at, near, far, stream, nearJoined, farJoined } = await chained()
    near.end('question')
    assert.equal((await allOf(far)).toString(), 'question')
    far.write('first ')
    await new Promise(resolve => near.once('data', resolve))
    const rest = allOf(near)
    far.end(Buffer.alloc(100_000, 'x'))
    assert.equal((await rest).length, 100_000)
    assert.equal(await stream.closed, undefined)
    await until(() => nearJoined.destroyed && farJoined.destroyed)
    await at[Symbol.asyncDispose]()
  })

  it('that is reset closes the channel and with it the other end', async () => {
    const { at, near, far, stream } = await chained()
    far.on('error', () => {})
    near.on('error', () => {})
    near.resume()
    far.resetAndDestroy()
    await stream.closed
    await until(() => near.destroyed || near.readableEnded)
    near.destroy()
    await at[Symbol.asyncDispose]()
  })

  it('whose connection is cut is no end: the socket goes', async () => {
    const { at, near, stream, nearJoined } = await chained()
    near.resume()
    near.on('error', () => {})
    await at[Symbol.asyncDispose]()
    assert.notEqual(await stream.closed, undefined)
    await until(() => nearJoined.destroyed)
    near.destroy()
  })
})
