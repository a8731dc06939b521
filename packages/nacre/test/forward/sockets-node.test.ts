// Node's sockets under forwards: TCP and Unix sockets of this machine, what they may be bound to, and a connection before it is joined.
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { ConnectError, ForwardError } from '../../src/errors.ts'
import type { LocalConnection, Place } from '../../src/forward/sockets.ts'
import { nodeSockets } from '../../src/forward/sockets-node.ts'
import { joined } from '../io/fixtures.ts'
import { ChannelStream } from '../../src/io/channel-stream.ts'

const folder = mkdtempSync(join(tmpdir(), 'sockets-'))
after(() => rmSync(folder, { recursive: true, force: true }))
let count = 0
const freshPath = (): string => join(folder, `s${count++}`)

const sockets = nodeSockets()
const text = (bytes: Uint8Array | undefined): string | undefined => bytes && new TextDecoder().decode(bytes)
const bytes = (from: string): Uint8Array => new TextEncoder().encode(from)

/** Listens, connects, and gives both ends. */
const both = async (place: Place) => {
  const taken = Promise.withResolvers<LocalConnection>()
  const listening = await sockets.listen(place, {}, connection => taken.resolve(connection))
  const near = await sockets.connect(listening.place)
  return { near, far: await taken.promise, listening }
}

for (const [name, place] of [
  ['TCP', (): Place => ({ host: '127.0.0.1', port: 0 })],
  ['a Unix socket', (): Place => ({ path: freshPath() })],
] as const)
  describe(`a connection by ${name}`, () => {
    it('is read before it is joined, and takes back what was too much', async () => {
      const { near, far, listening } = await both(place())
      near.write(bytes('hello'))
      assert.equal(text(await far.read()), 'hello')
      far.putBack(bytes('lo'))
      assert.equal(text(await far.read()), 'lo')
      near.discard()
      assert.equal(await far.read(), undefined)
      far.discard()
      await Promise.all([near.closed, far.closed])
      await listening.close()
    })

    it('joined to a channel carries what was put back first, both directions, and each end', async () => {
      let accepted: ChannelStream | undefined
      await using at = await joined(
        {},
        {
          server: {
            channels: {
              'direct-tcpip': (question, connection) => void (accepted = new ChannelStream(connection.link.accept(question))),
            },
          },
        },
      )
      const stream = await at.client.dial('anywhere:1')
      const { near, far, listening } = await both(place())
      near.write(bytes('first, second'))
      const read = (await far.read()) ?? new Uint8Array(0)
      far.putBack(read.subarray(7))
      far.join(stream)
      assert.ok(accepted !== undefined)
      await accepted.write(bytes('answer'))
      accepted.end()
      assert.equal(text(await near.read()), 'answer')
      assert.equal(await near.read(), undefined)
      near.write(bytes(', third'))
      const reader = accepted.readable.getReader()
      let came = ''
      while (came.length < 13) came += text((await reader.read()).value)
      assert.equal(came, 'second, third')
      near.discard()
      await stream.closed
      await far.closed
      await listening.close()
    })

    it('whose end was read before it is joined still carries what was put back, and that end', async () => {
      const opened: ChannelStream[] = []
      await using at = await joined(
        {},
        {
          server: {
            channels: {
              'direct-tcpip': (question, connection) => void opened.push(new ChannelStream(connection.link.accept(question))),
            },
          },
        },
      )
      const stream = await at.client.dial('anywhere:1')
      const { near, far, listening } = await both(place())
      const other = await at.client.dial('anywhere:2')
      // A channel that ended ends the near side of the connection.
      near.write(bytes('all of it'))
      near.join(other)
      const [first, second] = opened
      assert.ok(first !== undefined && second !== undefined)
      second.end()
      const read = (await far.read()) ?? new Uint8Array(0)
      assert.equal(await far.read(), undefined, 'the end was read')
      far.putBack(read)
      far.join(stream)
      let came = ''
      for await (const piece of first.readable) came += text(piece)
      assert.equal(came, 'all of it')
      first.end()
      second.abort()
      await Promise.all([near.closed, far.closed])
      await listening.close()
    })

    it('joined to a channel that has gone, or gone itself, leaves neither', async () => {
      await using at = await joined({}, { server: { channels: { 'direct-tcpip': (question, { link }) => void link.accept(question) } } })
      const { near, far, listening } = await both(place())
      far.discard()
      await far.closed
      const stream = await at.client.dial('anywhere:1')
      far.join(stream)
      await stream.closed
      near.discard()
      const other = await both(place())
      const gone = await at.client.dial('anywhere:1')
      gone.abort()
      other.far.join(gone)
      assert.equal(await other.near.read(), undefined)
      other.near.discard()
      await listening.close()
      await other.listening.close()
    })
  })

describe('a connection that is not joined', () => {
  /** A socket of a program, and our end of it. */
  const program = async () => {
    const taken = Promise.withResolvers<LocalConnection>()
    const listening = await sockets.listen({ host: '127.0.0.1', port: 0 }, {}, connection => taken.resolve(connection))
    assert.ok('port' in listening.place)
    const socket = connect({ host: '127.0.0.1', port: listening.place.port, allowHalfOpen: true })
    socket.on('error', () => {})
    return { socket, far: await taken.promise, listening }
  }

  it('is ended with what was written to it, though nobody read what came', async () => {
    const { socket, far, listening } = await program()
    await new Promise<void>(resolve => socket.write(new Uint8Array(300_000), () => resolve()))
    far.write(bytes('refused'))
    far.end()
    let heard = ''
    socket.on('data', data => (heard += String(data)))
    await new Promise(resolve => socket.once('end', resolve))
    assert.equal(heard, 'refused')
    socket.end()
    await far.closed
    await listening.close()
  })

  it('is known to be broken off when it is watched', async () => {
    const { socket, far, listening } = await program()
    far.watch()
    socket.resetAndDestroy()
    await far.closed
    assert.equal(await far.read(), undefined)
    await listening.close()
  })

  it('may be watched while the other end has said all it has to say, and then be joined', async () => {
    let accepted: ChannelStream | undefined
    await using at = await joined(
      {},
      {
        server: {
          channels: { 'direct-tcpip': (question, { link }) => void (accepted = new ChannelStream(link.accept(question))) },
        },
      },
    )
    const { socket, far, listening } = await program()
    far.watch()
    await new Promise<void>(resolve => socket.end('question', () => resolve()))
    const stream = await at.client.dial('anywhere:1')
    far.join(stream)
    assert.ok(accepted !== undefined)
    let came = ''
    for await (const piece of accepted.readable) came += text(piece)
    assert.equal(came, 'question')
    await accepted.write(bytes('answer'))
    accepted.end()
    let heard = ''
    for await (const piece of socket) heard += String(piece)
    assert.equal(heard, 'answer')
    await far.closed
    await listening.close()
  })
})

describe('listening', () => {
  it('on port 0 says which it got; a port in use, or an address of nobody, is told as that', async () => {
    const listening = await sockets.listen({ host: '127.0.0.1', port: 0 }, {}, () => {})
    assert.ok('port' in listening.place && listening.place.port > 0)
    const taken = (words: string) => (error: unknown) =>
      error instanceof ForwardError && error.code === 'FORWARD_LISTEN' && error.message.includes(words)
    await assert.rejects(
      sockets.listen(listening.place, {}, () => {}),
      taken('EADDRINUSE'),
    )
    await assert.rejects(
      sockets.listen({ host: '192.0.2.1', port: 0 }, {}, () => {}),
      // EADDRNOTAVAIL, and in Deno EINVAL.
      taken('the address is none '),
    )
    await assert.rejects(
      sockets.listen({ path: join(folder, 'x'.repeat(200)) }, {}, () => {}),
      taken('too long'),
    )
    await assert.rejects(
      sockets.listen({ path: join(folder, 'none', 's') }, {}, () => {}),
      ForwardError,
    )
    await listening.close()
    await assert.rejects(sockets.connect(listening.place), ConnectError)
  })

  it('on a path is for its owner alone, unless the mask says otherwise, and removes the path in the end', async () => {
    for (const [options, mode] of [
      [{}, 0o600],
      [{ mask: 0o111 }, 0o666],
      [{ mask: 0o117 }, 0o660],
    ] as const) {
      const path = freshPath()
      const before = process.umask()
      const listening = await sockets.listen({ path }, options, () => {})
      assert.equal(statSync(path).mode & 0o777, mode)
      assert.equal(process.umask(), before)
      await listening.close()
      assert.equal(existsSync(path), false)
    }
  })

  it('on a path removes a socket in the way only when told to, and a file never', async () => {
    const path = freshPath()
    const stale: Server = createServer()
    await new Promise<void>(resolve => stale.listen(path, resolve))
    await assert.rejects(
      sockets.listen({ path }, {}, () => {}),
      /in use already/,
    )
    const listening = await sockets.listen({ path }, { unlink: true }, connection => connection.discard())
    const near = await sockets.connect({ path })
    assert.equal(await near.read(), undefined)
    await listening.close()
    stale.close()
    const file = freshPath()
    writeFileSync(file, 'mine')
    await assert.rejects(
      sockets.listen({ path: file }, { unlink: true }, () => {}),
      ForwardError,
    )
    assert.equal(statSync(file).size, 4)
  })

  it('that is closed leaves connections that stand', async () => {
    const { near, far, listening } = await both({ host: '127.0.0.1', port: 0 })
    await listening.close()
    near.write(bytes('still here'))
    assert.equal(text(await far.read()), 'still here')
    near.discard()
    far.discard()
  })
})

describe('connecting', () => {
  it('says why there is no connection', async () => {
    await assert.rejects(sockets.connect({ path: join(folder, 'none') }), (error: unknown) => {
      assert.ok(error instanceof ConnectError && error.code === 'CONNECT_FAILED')
      assert.match(error.message, /there is no such socket \(ENOENT\)/)
      return true
    })
    const file = freshPath()
    writeFileSync(file, '')
    await assert.rejects(sockets.connect({ path: file }), /nothing listens there \(ECONNREFUSED\)/)
  })

  it('is given up by a signal', async () => {
    const reason = new Error('enough')
    await assert.rejects(sockets.connect({ path: freshPath() }, { signal: AbortSignal.abort(reason) }), reason)
    await assert.rejects(sockets.connect({ host: '127.0.0.1', port: 9 }, { signal: AbortSignal.abort(reason) }), reason)
  })

  it('tells who connected, and for a Unix socket nobody', async () => {
    const tcp = await both({ host: '127.0.0.1', port: 0 })
    assert.deepEqual([tcp.far.peer.address, tcp.far.peer.port > 0], ['127.0.0.1', true])
    const unix = await both({ path: freshPath() })
    assert.deepEqual(unix.far.peer, { address: '', port: 0 })
    for (const { near, far, listening } of [tcp, unix]) {
      near.discard()
      far.discard()
      await listening.close()
    }
  })

  it('is half open until both have ended', async () => {
    const sides: Socket[] = []
    const server = createServer({ allowHalfOpen: true }, socket => void sides.push(socket))
    const path = freshPath()
    await new Promise<void>(resolve => server.listen(path, resolve))
    const near = await sockets.connect({ path })
    while (sides.length === 0) await new Promise(resolve => setImmediate(resolve))
    sides[0]?.end('the end')
    assert.equal(text(await near.read()), 'the end')
    assert.equal(await near.read(), undefined)
    near.write(bytes('but I go on'))
    const chunk = await new Promise<string>(resolve => sides[0]?.once('data', data => resolve(String(data))))
    assert.equal(chunk, 'but I go on')
    near.discard()
    server.close()
  })
})
