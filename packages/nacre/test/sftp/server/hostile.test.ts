// Clients that break the rules, by mistake or on purpose: each is answered or ended, by the effect it has, and nothing it opened
// stays open.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import { version3 } from '../../../src/sftp/versions/version3.ts'
import { bytes, encode } from '../../../src/wire/codec.ts'
import { Gates } from './gates.ts'
import { assertStatus, closeOf, dataOf, joined, offsetOf, packetOf, Peer, readOf, requestOf, settled, uint32Of, writeOf } from './rig.ts'

const stat = (id: number, path: string): Uint8Array => requestOf(packetTypes.SSH_FXP_STAT, id, version3.Stat, { path })
const init = packetOf(packetTypes.SSH_FXP_INIT, uint32Of(3))

const assertEnded = async (peer: Peer, why: RegExp, status = 'bad-message'): Promise<void> => {
  await settled()
  assert.ok(peer.ended, 'the session goes on')
  const fault = await peer.outcome
  assert.ok(fault instanceof SftpError, String(fault))
  assert.equal(fault.status, status)
  assert.match(fault.message, why)
}

describe('frames', () => {
  it('of no bytes end the session', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(uint32Of(0), stat(1, '/'))
    await assertEnded(peer, /without a type/)
    assert.equal(peer.count(1), 0)
  })

  for (const length of [0xffffffff, 0x80000000, 256 * 1024 + 1])
    it(`of ${length} bytes end the session before they come`, async () => {
      const peer = await new Peer(memoryFiles()).greet()
      peer.send(uint32Of(length), Uint8Array.of(packetTypes.SSH_FXP_STAT))
      await assertEnded(peer, new RegExp(`${length} bytes, at most 262144`))
    })

  it('of the largest size are taken, a byte at a time too', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(requestOf(packetTypes.SSH_FXP_STAT, 1, version3.Stat, { path: `/${'x'.repeat(256 * 1024 - 10)}` }))
    assertStatus((await peer.answers(1))[0], 'bad-message', /too long/)
    for (const byte of stat(2, '/')) peer.send(Uint8Array.of(byte))
    assert.equal((await peer.answers(2))[0].type, packetTypes.SSH_FXP_ATTRS)
  })

  it('with a path of 1 MiB end the session', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(stat(1, `/${'x'.repeat(1024 * 1024)}`))
    await assertEnded(peer, /at most 262144/)
  })

  it('cut off in the middle end it when the client stops, and what came before is done', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(stat(1, '/'), stat(2, '/').subarray(0, 11))
    await settled()
    peer.end()
    await assertEnded(peer, /in the middle of a packet/, 'connection-lost')
    assert.equal((await peer.answers(1))[0].type, packetTypes.SSH_FXP_ATTRS)
  })
})

describe('the greeting', () => {
  it('must come first', async () => {
    const peer = new Peer(memoryFiles())
    await settled()
    peer.send(stat(1, '/'), init)
    await assertEnded(peer, /type 17 before INIT/)
    assert.equal(peer.greeting, undefined)
  })

  it('must come before a WRITE that has only begun, too', async () => {
    const peer = new Peer(memoryFiles())
    await settled()
    peer.send(writeOf(1, new Uint8Array(8), 0, new Uint8Array(1000)).subarray(0, 500))
    await assertEnded(peer, /WRITE before INIT/)
  })

  it('must come once', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(init, closeOf(1, handle))
    await assertEnded(peer, /second INIT/)
    assert.equal(peer.count(1), 0)
  })

  it('must name a version', async () => {
    const peer = new Peer(memoryFiles())
    await settled()
    peer.send(packetOf(packetTypes.SSH_FXP_INIT, Uint8Array.of(0, 0, 3)))
    await assertEnded(peer, /INIT without a version/)
  })

  it('answers 3 to versions of before, the highest of ours to those to come, and does not mind what else is said', async () => {
    for (const [client, answer] of [
      [0, 3],
      [2, 3],
      [3, 3],
      [4, 4],
      [6, 6],
      [7, 6],
      [0xffffffff, 6],
    ]) {
      const peer = new Peer(memoryFiles())
      await settled()
      peer.send(packetOf(packetTypes.SSH_FXP_INIT, uint32Of(client), Uint8Array.of(0, 0, 0, 9, 1, 2)))
      await settled()
      assert.deepEqual(peer.greeting?.subarray(0, 4), uint32Of(answer))
    }
  })
})

describe('requests', () => {
  it('without a request id end the session', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(packetOf(packetTypes.SSH_FXP_STAT, Uint8Array.of(1, 2, 3)))
    await assertEnded(peer, /without a request id/)
  })

  it('cut off anywhere within their packet are bad messages, and nothing else', async () => {
    const files = memoryFiles()
    const peer = await new Peer(files).greet()
    const handle = await peer.open('/f', 'rwc')
    const attributes = { size: 5, uid: 1, gid: 1, permissions: 0o644 }
    const whole = [
      requestOf(packetTypes.SSH_FXP_OPEN, 0, version3.Open, {
        filename: '/g',
        options: { read: true, write: true, append: false, create: true, truncate: false, exclusive: false, noFollow: false },
        text: false,
        further: 0,
        attributes,
      }),
      closeOf(0, handle),
      readOf(0, handle, 0, 10),
      writeOf(0, handle, 0, Uint8Array.of(1, 2, 3)),
      stat(0, '/f'),
      requestOf(packetTypes.SSH_FXP_FSETSTAT, 0, version3.Fsetstat, { handle, attributes }),
      requestOf(packetTypes.SSH_FXP_MKDIR, 0, version3.Mkdir, { path: '/d', attributes }),
      requestOf(packetTypes.SSH_FXP_RENAME, 0, version3.Rename, { from: '/f', to: '/h', replace: false }),
      requestOf(packetTypes.SSH_FXP_SYMLINK, 0, version3.Link, { path: '/l', target: 'f', symbolic: true }),
    ]
    let id = 1
    for (const packet of whole)
      for (let length = 5; length < packet.length - 4; length++) {
        peer.send(joined(uint32Of(length), packet.subarray(4, 5), uint32Of(id), packet.subarray(9, 4 + length)))
        assertStatus((await peer.answers(id++))[0], 'bad-message')
      }
    assert.deepEqual(
      files
        .list('/')
        .next()
        ?.map(each => each.name)
        .filter(name => !name.startsWith('.')),
      ['f'],
    )
    assert.equal(files.stat('/f', true).size, 0)
  })

  it('of a type nobody knows, and of other versions, are not supported', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    for (const [id, type] of [0, 2, 21, 22, 23, 99, 101, 201, 255].entries()) {
      peer.send(packetOf(type, uint32Of(id), new Uint8Array(40)))
      assertStatus((await peer.answers(id))[0], 'op-unsupported')
    }
  })

  it('with one id are answered each', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.send(stat(7, '/'), stat(7, '/nothing'), stat(7, '/'))
    await settled()
    assert.equal(peer.count(7), 3)
  })

  it('about the empty path, and with NUL in it, reach no file', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    assertStatus(await peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '' }), 'no-such-file')
    for (const path of ['/\0', '/etc\0/x', 'a\0b'])
      assertStatus(await peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path }), 'bad-message', /NUL/)
    assertStatus(await peer.tryOpen('/a\0b', 'wc'), 'bad-message', /NUL/)
    assertStatus(await peer.ask(packetTypes.SSH_FXP_SYMLINK, version3.Link, { path: '/l', target: 'a\0b', symbolic: true }), 'no-such-file')
  })
})

describe('handles', () => {
  it('nobody gave out are invalid for everything', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    for (const handle of [
      new Uint8Array(0),
      new Uint8Array(4),
      new Uint8Array(8),
      new Uint8Array(8).fill(255),
      new Uint8Array(256),
      new Uint8Array(2000),
    ]) {
      assertStatus(await peer.askBytes(id => readOf(id, handle, 0, 10)), 'failure', /handle/)
      assertStatus(await peer.askBytes(id => writeOf(id, handle, 0, Uint8Array.of(1))), 'failure', /handle/)
      assertStatus(await peer.askBytes(id => closeOf(id, handle)), 'failure', /handle/)
      assertStatus(await peer.readDirectory(handle), 'failure', /handle/)
      assertStatus(await peer.ask(packetTypes.SSH_FXP_FSTAT, version3.Fstat, { handle }), 'failure', /handle/)
      assertStatus(await peer.extended('fsync@openssh.com', bytes, handle), 'failure', /handle/)
    }
  })

  it('of directories are no files, and those of files no directories', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    const file = await peer.open('/f', 'rwc')
    const directory = await peer.openDirectory('/')
    assertStatus(await peer.readDirectory(file), 'failure', /handle/)
    assertStatus(await peer.askBytes(id => readOf(id, directory, 0, 10)), 'failure', /handle/)
    assertStatus(await peer.askBytes(id => writeOf(id, directory, 0, Uint8Array.of(1))), 'failure', /handle/)
    assertStatus(await peer.extended('fsync@openssh.com', bytes, directory), 'failure', /handle/)
    await peer.close(file)
    await peer.close(directory)
  })

  it('are good for what they were opened for only, however the data comes', async () => {
    const files = memoryFiles()
    const peer = await new Peer(files).greet()
    await peer.close(await peer.open('/f', 'wc'))
    const reading = await peer.open('/f', 'r')
    const writing = await peer.open('/f', 'w')
    assertStatus(await peer.askBytes(id => writeOf(id, reading, 0, Uint8Array.of(1))), 'permission-denied', /not open for writing/)
    const packet = writeOf(1, reading, 0, new Uint8Array(5000))
    peer.send(packet.subarray(0, 100))
    peer.send(packet.subarray(100))
    assertStatus((await peer.answers(1))[0], 'permission-denied', /not open for writing/)
    assertStatus(await peer.askBytes(id => readOf(id, writing, 0, 1)), 'permission-denied', /not open for reading/)
    assert.equal(files.stat('/f', true).size, 0)
  })

  it('are no more than the limit, and there are more when some are closed', async () => {
    const peer = await new Peer(memoryFiles(), { limits: { handles: 3 } }).greet()
    const first = await peer.open('/f', 'wc')
    await peer.open('/f', 'r')
    await peer.openDirectory('/')
    assertStatus(await peer.tryOpen('/f', 'r'), 'failure', /Too many open files/)
    assertStatus(await peer.ask(packetTypes.SSH_FXP_OPENDIR, version3.Stat, { path: '/' }), 'failure', /Too many open files/)
    await peer.close(first)
    await peer.open('/f', 'r')
    assertStatus(await peer.tryOpen('/f', 'r'), 'failure', /Too many open files/)
  })

  it('that could not be opened take up no room', async () => {
    const peer = await new Peer(memoryFiles(), { limits: { handles: 1 } }).greet()
    for (let i = 0; i < 5; i++) assertStatus(await peer.tryOpen('/nothing', 'r'), 'no-such-file')
    await peer.open('/f', 'wc')
  })
})

describe('offsets and lengths', () => {
  it('a READ of 4 GiB gives as much as one answer holds', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    const handle = await peer.open('/f', 'rwc')
    for (let at = 0; at < 400_000; at += 100_000) await peer.askBytes(id => writeOf(id, handle, at, new Uint8Array(100_000).fill(1)))
    const answer = await peer.askBytes(id => readOf(id, handle, 0, 0xffffffff))
    assert.equal(dataOf(answer).length, 255 * 1024)
  })

  it('offsets beyond 2^53 - 1 are refused', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    const handle = await peer.open('/f', 'rwc')
    for (const high of [0x200000, 0x7fffffff, 0xffffffff]) {
      const offset = joined(uint32Of(high), uint32Of(0))
      const read = await peer.askBytes(id => packetOf(packetTypes.SSH_FXP_READ, uint32Of(id), encode(bytes, handle), offset, uint32Of(1)))
      assertStatus(read, 'bad-message', /2\^53/)
      const write = await peer.askBytes(id =>
        packetOf(packetTypes.SSH_FXP_WRITE, uint32Of(id), encode(bytes, handle), offset, encode(bytes, Uint8Array.of(1))),
      )
      assertStatus(write, 'bad-message', /2\^53/)
    }
    assertStatus(await peer.askBytes(id => writeOf(id, handle, Number.MAX_SAFE_INTEGER, Uint8Array.of(1, 2))), 'bad-message', /2\^53/)
    assertStatus(await peer.askBytes(id => readOf(id, handle, Number.MAX_SAFE_INTEGER, 10)), 'eof')
  })

  it('a size beyond 2^53 - 1 is not set', async () => {
    const files = memoryFiles()
    const peer = await new Peer(files).greet()
    const handle = await peer.open('/f', 'rwc')
    for (const high of [0x200000, 0x7fffffff, 0xffffffff]) {
      const attributes = joined(uint32Of(1), uint32Of(high), uint32Of(0))
      const byPath = await peer.askBytes(id =>
        packetOf(packetTypes.SSH_FXP_SETSTAT, uint32Of(id), encode(bytes, Uint8Array.of(0x2f, 0x66)), attributes),
      )
      assertStatus(byPath, 'bad-message', /2\^53/)
      const byHandle = await peer.askBytes(id => packetOf(packetTypes.SSH_FXP_FSETSTAT, uint32Of(id), encode(bytes, handle), attributes))
      assertStatus(byHandle, 'bad-message', /2\^53/)
    }
    assert.equal(files.stat('/f', true).size, 0)
  })

  it('a WRITE whose data is said to be longer than it is is a bad message; what is behind the data is left alone', async () => {
    const files = memoryFiles()
    const peer = await new Peer(files).greet()
    const handle = await peer.open('/f', 'wc')
    const write = (said: number, there: number, id: number): Uint8Array =>
      packetOf(packetTypes.SSH_FXP_WRITE, uint32Of(id), encode(bytes, handle), offsetOf(0), uint32Of(said), new Uint8Array(there).fill(1))
    for (const said of [6, 0xffffffff]) assertStatus(await peer.askBytes(id => write(said, 5, id)), 'bad-message')
    assert.equal(files.stat('/f', true).size, 0)
    for (const [said, there] of [
      [0, 5],
      [4, 5],
      [300, 32_768],
    ] as const) {
      assertStatus(await peer.askBytes(id => write(said, there, id)), 'ok')
      assert.equal(files.stat('/f', true).size, said)
    }
    // However it comes.
    const packet = write(1000, 32_768, 1)
    for (const [from, to] of [
      [0, 3],
      [3, 20],
      [20, 31],
      [31, 5000],
      [5000, packet.length],
    ])
      peer.send(packet.subarray(from, to))
    assertStatus((await peer.answers(1))[0], 'ok')
    assert.equal(files.stat('/f', true).size, 1000)
    await peer.close(handle)
  })
})

describe('clients that ask and do not listen', () => {
  it('are not listened to either, after some answers', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.hold()
    const many = joined(...Array.from({ length: 200 }, (_, index) => stat(index, '/')))
    let rounds = 0
    let told: void | Promise<void>
    do {
      told = peer.send(many)
      await settled()
    } while (told === undefined && ++rounds < 1000)
    assert.ok(told instanceof Promise, 'the server never said to wait')
    assert.ok(peer.written < 1024 * 1024, `${peer.written} bytes of answers wait`)
    peer.release()
    await told
    assert.equal(peer.order.length, (rounds + 1) * 200)
  })

  it('have a bounded number of reads done for them', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles())).greet()
    const handles = await Promise.all(Array.from({ length: 20 }, (_, index) => peer.open(`/f${index}`, 'rwc')))
    for (const [index, handle] of handles.entries())
      peer.send(readOf(index, handle, 0, 200_000), readOf(100 + index, handle, 500_000, 200_000))
    await settled()
    assert.equal(gates.waiting.length, 8)
    await gates.all()
    await peer.answers(...handles.keys())
  })

  it('send no more than the files can take in', async () => {
    const gates = new Gates()
    const files = memoryFiles()
    const peer = await new Peer(gates.around(files), { limits: { waiting: 1024 * 1024 } }).greet()
    const handle = await peer.open('/f', 'wc')
    const data = new Uint8Array(200_000).fill(3)
    let sent = 0
    let told: void | Promise<void>
    do told = peer.send(writeOf(sent, handle, sent * data.length, data))
    while (++sent < 100 && told === undefined)
    assert.ok(told instanceof Promise)
    assert.ok(sent <= 8, `${sent} writes of 200,000 bytes were taken`)
    await gates.all()
    await settled()
    await gates.all()
    await told
    for (let id = 0; id < sent; id++) assertStatus((await peer.answers(id))[0], 'ok')
    assert.equal(files.stat('/f', true).size, sent * data.length)
  })

  it('send no more of large requests than the server holds, and those that wait are done', async () => {
    const gates = new Gates()
    const files = memoryFiles()
    const peer = await new Peer(gates.around(files, true), { limits: { waiting: 1024 * 1024 } }).greet()
    const target = 'x'.repeat(200_000)
    let sent = 0
    let told: void | Promise<void> = peer.send(stat(1000, '/'))
    while (sent < 100 && told === undefined)
      told = peer.send(requestOf(packetTypes.SSH_FXP_SYMLINK, sent, version3.Link, { path: `/l${sent++}`, target, symbolic: true }))
    assert.ok(told instanceof Promise, 'the server never said to wait')
    assert.ok(sent <= 8, `${sent} requests of 200,000 bytes were taken`)
    await gates.all()
    await told
    await peer.answers(1000, ...Array.from({ length: sent }, (_, id) => id))
    assert.equal((await peer.ask(packetTypes.SSH_FXP_LSTAT, version3.Lstat, { path: '/' })).type, packetTypes.SSH_FXP_ATTRS)
  })

  it('have at most so many requests under way, and those that wait are done', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles(), true), { limits: { requests: 100 } }).greet()
    const told = peer.send(joined(...Array.from({ length: 300 }, (_, index) => stat(index, '/'))))
    await settled()
    assert.ok(told instanceof Promise)
    assert.equal(gates.waiting.length, 64)
    assert.equal(peer.order.length, 0)
    while (peer.order.length < 300) {
      await gates.all()
      await settled()
    }
    await told
  })

  it('may leave in the middle of it', async () => {
    const peer = await new Peer(memoryFiles()).greet()
    peer.hold()
    for (let i = 0; i < 50; i++) peer.send(joined(...Array.from({ length: 200 }, (_, index) => stat(index, '/'))))
    await settled()
    peer.end(new Error('the network is gone'))
    assert.match(String(await peer.outcome), /the network is gone/)
    assert.ok(peer.aborted)
  })
})
