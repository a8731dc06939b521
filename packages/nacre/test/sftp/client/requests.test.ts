// The request core: ids, answers in any order and in any pieces, requests that are given up, the end of a session, and what a
// server that breaks the protocol is told apart by.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SftpError, SftpProtocolError } from '../../../src/errors.ts'
import { writeHeadroom } from '../../../src/sftp/client/outgoing.ts'
import type { OpenHandle } from '../../../src/sftp/client/requests.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import { begun, errorOf, packetBytes, settled, text } from './scripted.ts'

const file: OpenHandle = { bytes: text('h1'), path: '/srv/file' }

/** A read of the core as a promise. */
const read = (
  requests: Awaited<ReturnType<typeof begun>>['files']['calls']['requests'],
  offset: number,
  length: number,
  into?: Uint8Array,
): Promise<Uint8Array | undefined> =>
  new Promise((resolve, reject) =>
    requests.read(file, offset, length, (error, bytes) => (error === undefined ? resolve(bytes) : reject(error)), into),
  )

describe('reads', () => {
  test('say what they want', async () => {
    const { server, files } = await begun()
    void read(files.calls.requests, 2 ** 40 + 5, 1000).catch(() => {})
    const { body } = await server.expect('SSH_FXP_READ')
    assert.deepEqual(body.string(), text('h1'))
    assert.equal(body.uint64(), 2n ** 40n + 5n)
    assert.equal(body.uint32(), 1000)
    assert.equal(body.remaining, 0)
  })

  test('are answered in any order', async () => {
    const { server, files } = await begun()
    const reads = [0, 1, 2].map(offset => read(files.calls.requests, offset, 4))
    const asked = [await server.next(), await server.next(), await server.next()]
    for (const index of [2, 0, 1]) server.data(asked[index].id, text(`no ${index}`))
    assert.deepEqual(await Promise.all(reads), [text('no 0'), text('no 1'), text('no 2')])
  })

  for (const size of [1, 2, 3, 5, 13, 14, 1000])
    test(`come in pieces of ${size}, into a buffer of theirs or of the caller's`, async () => {
      const { server, files } = await begun()
      const into = new Uint8Array(300)
      const [own, given] = [read(files.calls.requests, 0, 300), read(files.calls.requests, 300, 300, into)]
      const [first, second] = [await server.next(), await server.next()]
      const bytes = Uint8Array.from({ length: 600 }, (_, index) => (index * 7) % 251)
      const stream = [
        ...packetBytes(packetTypes.SSH_FXP_DATA, writer => (writer.uint32(second.id), writer.string(bytes.subarray(300)))),
        ...packetBytes(packetTypes.SSH_FXP_DATA, writer => (writer.uint32(first.id), writer.string(bytes.subarray(0, 250)))),
      ]
      for (let at = 0; at < stream.length; at += size) server.raw(Uint8Array.from(stream.slice(at, at + size)))
      assert.deepEqual(await own, bytes.slice(0, 250))
      assert.deepEqual(await given, bytes.slice(300))
      assert.deepEqual(into, bytes.slice(300))
    })

  test('end with EOF, or with no data at all', async () => {
    const { server, files } = await begun()
    const reads = [read(files.calls.requests, 0, 4), read(files.calls.requests, 0, 4)]
    server.status((await server.next()).id, 1)
    server.data((await server.next()).id, new Uint8Array(0))
    assert.deepEqual(await Promise.all(reads), [undefined, undefined])
  })

  test('hand over pieces uncopied to who asks for that', async () => {
    const { server, files } = await begun()
    const pieces: string[] = []
    const total = await new Promise<number>(resolve => {
      files.calls.requests.read(
        file,
        0,
        10,
        (_error, bytes) => resolve(bytes?.length ?? -1),
        undefined,
        (bytes, at, detached) => pieces.push(`${at}:${new TextDecoder().decode(bytes)}:${detached}`),
      )
      void server.next().then(({ id }) => {
        const packet = packetBytes(packetTypes.SSH_FXP_DATA, writer => (writer.uint32(id), writer.string(text('abcdef'))))
        server.raw(packet.subarray(0, 15))
        server.raw(packet.subarray(15))
      })
    })
    assert.equal(total, 0)
    assert.deepEqual(pieces, ['0:ab:false', '2:cdef:false'])
  })

  test('that are refused say of what', async () => {
    const { server, files } = await begun()
    const reading = read(files.calls.requests, 0, 4)
    server.status((await server.next()).id, 3)
    const error = await errorOf(reading, SftpError)
    assert.equal(error.message, 'Cannot read "/srv/file": permission denied.')
    assert.deepEqual([error.operation, error.path, error.status, error.errno], ['read', '/srv/file', 'permission-denied', 'EACCES'])
  })
})

describe('writes', () => {
  test('are copied, or sent where they lie', async () => {
    const { server, files } = await begun()
    const { requests } = files.calls
    const copied = text('copied')
    const outcomes: (Error | undefined)[] = []
    requests.write(file, 5, copied, error => outcomes.push(error))
    copied.fill(0)
    const buffer = new Uint8Array(writeHeadroom + 10)
    buffer.set(text('in place!!'), writeHeadroom)
    requests.writeInPlace(file, 2 ** 33, buffer, writeHeadroom, 8, error => outcomes.push(error))
    const [first, second] = [await server.expect('SSH_FXP_WRITE'), await server.expect('SSH_FXP_WRITE')]
    assert.deepEqual([first.body.string(), first.body.uint64(), first.body.string()], [text('h1'), 5n, text('copied')])
    assert.deepEqual([second.body.string(), second.body.uint64(), second.body.string()], [text('h1'), 2n ** 33n, text('in place')])
    server.status(second.id, 0)
    server.status(first.id, 4, 'No space left on device')
    assert.equal(outcomes[0], undefined)
    assert.ok(outcomes[1] instanceof SftpError)
    assert.equal(outcomes[1].errno, 'ENOSPC')
    assert.match(outcomes[1].message, /Cannot write "\/srv\/file": the server failed; the server says "No space left on device"\./)
  })

  test('tell when the pipe is full, and when it has room', async () => {
    const { server, files } = await begun()
    const { requests } = files.calls
    const drain = server.fill()
    requests.write(file, 0, new Uint8Array(70_000), () => {})
    assert.equal(requests.full, true)
    let room = 0
    requests.whenRoom(() => room++)
    const writes = server.writes
    for (let i = 0; i < 10; i++) requests.write(file, 0, new Uint8Array(10), () => {})
    await settled()
    assert.equal(server.writes, writes, 'what is small waits until the pipe has room')
    assert.equal(room, 0)
    drain()
    await settled()
    assert.equal(room, 1)
    assert.equal(requests.full, false)
    assert.equal(server.waiting.length, 11)
    requests.whenRoom(() => room++)
    assert.equal(room, 2)
  })
})

describe('what is sent', () => {
  test('small requests of one turn leave together', async () => {
    const { server, files } = await begun()
    const before = server.writes
    for (let i = 0; i < 64; i++) void files.stat(`/${i}`).catch(() => {})
    await settled()
    assert.equal(server.waiting.length, 64)
    assert.equal(server.writes - before, 1)
    assert.equal(new Set(server.waiting.map(({ id }) => id)).size, 64)
  })

  test('an id is not used again while its answer is missing', async () => {
    const { server, files } = await begun()
    void files.stat('/slow').catch(() => {})
    const slow = await server.next()
    for (let i = 0; i < 100; i++) {
      const stat = files.stat('/quick')
      const { id } = await server.next()
      assert.notEqual(id, slow.id)
      server.attributes(id, {})
      await stat
    }
  })
})

describe('requests that are given up', () => {
  test('reject with the reason; the late answer is dropped', async () => {
    const { server, files } = await begun()
    const controller = new AbortController()
    const stat = files.stat('/x', { signal: controller.signal })
    const { id } = await server.next()
    const reason = new Error('enough')
    controller.abort(reason)
    await assert.rejects(stat, reason)
    server.attributes(id, { size: 1 })
    const again = files.stat('/y')
    server.attributes((await server.next()).id, { size: 2 })
    assert.equal((await again).size, 2)
  })

  test('leave no listener on the signal of those that were answered', async () => {
    const { server, files } = await begun()
    const controller = new AbortController()
    let listeners = 0
    const { signal } = controller
    const counted = new Proxy(signal, {
      get: (target, key) => {
        if (key === 'addEventListener')
          return (...args: Parameters<AbortSignal['addEventListener']>) => (listeners++, target.addEventListener(...args))
        if (key === 'removeEventListener')
          return (...args: Parameters<AbortSignal['removeEventListener']>) => (listeners--, target.removeEventListener(...args))
        const value: unknown = Reflect.get(target, key, target)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    for (let i = 0; i < 5; i++) {
      const stat = files.stat('/x', { signal: counted })
      const { id } = await server.next()
      if (i % 2 === 0) server.attributes(id, {})
      else server.status(id, 2)
      await stat.catch(() => {})
    }
    assert.equal(listeners, 0)
  })

  test('an open that comes late is closed', async () => {
    const { server, files } = await begun()
    const controller = new AbortController()
    const opening = files.open('/x', { flags: 'r', signal: controller.signal })
    const { id } = await server.expect('SSH_FXP_OPEN')
    controller.abort()
    await assert.rejects(opening, { name: 'AbortError' })
    server.handle(id, 'orphan')
    const close = await server.expect('SSH_FXP_CLOSE')
    assert.deepEqual(close.body.string(), text('orphan'))
    server.status(close.id, 0)
    assert.equal(files.calls.requests.underWay, 0)
  })

  test('a read that is given up half-way writes no more into the buffer', async () => {
    const { server, files } = await begun()
    const into = new Uint8Array(8)
    let told = 0
    const id = files.calls.requests.read(file, 0, 8, () => told++, into)
    await server.next()
    const packet = packetBytes(packetTypes.SSH_FXP_DATA, writer => (writer.uint32(id), writer.string(text('abcdefgh'))))
    server.raw(packet.subarray(0, 17))
    assert.equal(files.calls.requests.cancel(id), true)
    assert.equal(files.calls.requests.cancel(id), false)
    into.fill(0)
    server.raw(packet.subarray(17))
    assert.deepEqual(into, new Uint8Array(8))
    assert.equal(told, 0)
    assert.equal(files.calls.requests.underWay, 0)
  })

  test('with a signal that has fired nothing is sent', async () => {
    const { server, files } = await begun()
    await assert.rejects(files.stat('/x', { signal: AbortSignal.abort(new Error('no')) }), { message: 'no' })
    await settled()
    assert.equal(server.waiting.length, 0)
  })
})

describe('a server that breaks the protocol ends the session', () => {
  const faults: readonly (readonly [string, string, (id: number) => Uint8Array])[] = [
    ['an answer nobody waits for', 'unknown-request', id => packetBytes(101, writer => (writer.uint32(id + 77), writer.uint32(0)))],
    ['data nobody waits for', 'unknown-request', id => packetBytes(103, writer => (writer.uint32(id + 77), writer.string(text('x'))))],
    ['data for another request', 'unexpected-answer', id => packetBytes(103, writer => (writer.uint32(id), writer.string(text('x'))))],
    ['a handle for a stat', 'unexpected-answer', id => packetBytes(102, writer => (writer.uint32(id), writer.string(text('x'))))],
    ['a request', 'unexpected-answer', id => packetBytes(5, writer => (writer.uint32(id), writer.string(text('x'))))],
    ['a type of its own', 'unexpected-answer', id => packetBytes(77, writer => writer.uint32(id))],
    ['OK for a stat', 'unexpected-answer', id => packetBytes(101, writer => (writer.uint32(id), writer.uint32(0)))],
    ['no id', 'malformed-answer', () => packetBytes(101, writer => writer.byte(1))],
    ['attributes cut short', 'malformed-answer', id => packetBytes(105, writer => (writer.uint32(id), writer.uint32(1), writer.uint32(0)))],
    ['bytes left over', 'malformed-answer', id => packetBytes(105, writer => (writer.uint32(id), writer.uint32(0), writer.byte(1)))],
    ['a status without a number', 'malformed-answer', id => packetBytes(101, writer => writer.uint32(id))],
    ['data that is longer than its packet', 'malformed-answer', id => packetBytes(103, writer => (writer.uint32(id), writer.uint32(99)))],
    ['a packet too long', 'packet-too-long', () => Uint8Array.of(0, 0x20, 0, 0)],
    ['an empty packet', 'packet-too-short', () => Uint8Array.of(0, 0, 0, 0)],
  ]
  for (const [what, fault, bytes] of faults)
    test(what, async () => {
      const { server, files } = await begun()
      const waiting = [files.stat('/a'), files.stat('/b'), read(files.calls.requests, 0, 5), files.readLink('/l')]
      const outcomes = Promise.all(waiting.map(each => errorOf(each, SftpProtocolError)))
      const first = await server.next()
      server.raw(bytes(first.id))
      for (const error of await outcomes) assert.equal(error.fault, fault)
      assert.equal(server.aborted, true)
      await files.closed
      assert.equal((await errorOf(files.stat('/c'), SftpProtocolError)).fault, fault, 'so does what is asked afterwards')
    })

  test('more data than was asked for', async () => {
    const { server, files } = await begun()
    const reading = read(files.calls.requests, 0, 5)
    server.data((await server.next()).id, text('sixsix'))
    assert.equal((await errorOf(reading, SftpProtocolError)).fault, 'too-much-data')
  })

  test('an answer that comes twice', async () => {
    const { server, files } = await begun()
    const [first, second] = [files.stat('/a'), files.stat('/b')]
    second.catch(() => {})
    const { id } = await server.next()
    server.attributes(id, {})
    server.attributes(id, {})
    await first
    assert.equal((await errorOf(second, SftpProtocolError)).fault, 'unknown-request')
  })

  test('a handle of 257 bytes', async () => {
    const { server, files } = await begun()
    const opening = files.open('/x')
    server.handle((await server.next()).id, 'h'.repeat(257))
    assert.equal((await errorOf(opening, SftpProtocolError)).fault, 'malformed-answer')
  })

  test('everybody who waits is told exactly once', async () => {
    const { server, files } = await begun()
    const told = [0, 0, 0]
    const ids = told.map((_, index) => files.calls.requests.read(file, index, 4, () => told[index]++))
    await settled()
    server.data(ids[0], text('ok'))
    server.raw(packetBytes(packetTypes.SSH_FXP_DATA, writer => (writer.uint32(ids[1]), writer.string(text('abcd')))).subarray(0, 15))
    server.end()
    server.end()
    await settled()
    assert.deepEqual(told, [1, 1, 1])
  })

  test('what a listener throws ends the session too, and reaches nobody twice', async () => {
    const { server, files } = await begun()
    let told = 0
    const id = files.calls.requests.read(file, 0, 4, () => {
      told++
      throw new Error('a fault of ours')
    })
    const stat = files.stat('/x')
    await settled()
    server.data(id, text('ok'))
    assert.match((await errorOf(stat, SftpError)).message, /a fault of ours/)
    assert.equal(told, 1)
  })
})

describe('statuses', () => {
  test('without message or language are taken', async () => {
    const { server, files } = await begun()
    const stat = files.stat('/x')
    const { id } = await server.next()
    server.raw(packetBytes(101, writer => (writer.uint32(id), writer.uint32(2))))
    const error = await errorOf(stat, SftpError)
    assert.deepEqual([error.status, error.errno, error.message], ['no-such-file', 'ENOENT', 'Cannot stat "/x": no such file or directory.'])
  })

  test('of numbers nobody knows are failures that name it', async () => {
    const { server, files } = await begun()
    const stat = files.stat('/x')
    server.status((await server.next()).id, 4711, 'moon phase')
    const error = await errorOf(stat, SftpError)
    assert.equal(error.status, 'failure')
    assert.match(error.message, /status 4711/)
    assert.match(error.message, /"moon phase"/)
  })

  test('of later versions are understood', async () => {
    const { server, files } = await begun()
    const mkdir = files.mkdir('/x')
    server.status((await server.next()).id, 11)
    assert.equal((await errorOf(mkdir, SftpError)).errno, 'EEXIST')
  })

  test('what the server says and what the caller named is escaped', async () => {
    const { server, files } = await begun()
    const stat = files.stat('/a\x1b[2Jb\n')
    server.status((await server.next()).id, 4, 'bad\x07\u202egood')
    const { message } = await errorOf(stat, SftpError)
    assert.match(message, /"\/a\\x1b\[2Jb\\x0a"/)
    assert.match(message, /"bad\\x07\\u\{202e\}good"/)
  })

  test('a failure without words is guessed at', async () => {
    const { server, files } = await begun()
    const removing = files.calls.removeDirectory('/d')
    server.status((await server.next()).id, 4, 'Failure')
    assert.match((await errorOf(removing, SftpError)).message, /perhaps the directory is not empty/)
  })
})

describe('the end', () => {
  test('rejects what is under way with the operation and the reason', async () => {
    const { server, files } = await begun()
    const stat = files.stat('/x')
    await server.next()
    server.end(new Error('the network went away'))
    const error = await errorOf(stat, SftpError)
    assert.deepEqual([error.status, error.operation, error.path], ['connection-lost', 'stat', '/x'])
    assert.match(error.message, /the network went away/)
    assert.ok(error.cause instanceof Error)
    await files.closed
  })

  test('in the middle of an answer is told as such', async () => {
    const { server, files } = await begun()
    const stat = files.stat('/x')
    const { id } = await server.next()
    server.raw(packetBytes(105, writer => (writer.uint32(id), writer.uint32(0))).subarray(0, 9))
    server.end()
    assert.match((await errorOf(stat, SftpError)).message, /in the middle of an answer/)
  })

  test('by us: what is under way rejects, the server is told, and it ends', async () => {
    const { server, files } = await begun()
    const stat = files.stat('/x')
    await server.next()
    const closing = files.close()
    assert.match((await errorOf(stat, SftpError)).message, /closed by this program/)
    assert.equal(server.ended, true)
    server.end()
    await closing
    assert.equal(server.aborted, false)
    await errorOf(files.stat('/y'), SftpError)
  })

  test('by us, of a server that does not care, is not waited for for long', async () => {
    const { server, files } = await begun()
    const holding = setTimeout(() => {}, 30_000)
    await files[Symbol.asyncDispose]()
    clearTimeout(holding)
    assert.equal(server.aborted, true)
  })

  test('twice is once', async () => {
    const { server, files } = await begun()
    const both = [files.close(), files.close()]
    server.end()
    await Promise.all(both)
  })

  test('whoever waits for room is let go', async () => {
    const { server, files } = await begun()
    server.fill()
    const { requests } = files.calls
    requests.write(file, 0, new Uint8Array(70_000), () => {})
    let room = 0
    requests.whenRoom(() => room++)
    server.end()
    assert.equal(room, 1)
  })
})
