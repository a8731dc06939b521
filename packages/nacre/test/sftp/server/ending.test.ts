// How a session ends: everything it opened is closed, and no file that was being written passes for whole.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConfigError, SftpError, TimeoutError } from '../../../src/errors.ts'
import { memoryFiles } from '../../../src/sftp/files/memory.ts'
import { type OpenFile, partialFiles } from '../../../src/sftp/files.ts'
import { packetTypes } from '../../../src/sftp/messages.ts'
import { sftpServer } from '../../../src/sftp/server/index.ts'
import type { ClosedHandle, SftpServerLog, UnfinishedFile } from '../../../src/sftp/server/options.ts'
import { type PipedSession, sessionPipe } from '../../../src/sftp/server/session-pipe.ts'
import { version3 } from '../../../src/sftp/versions/version3.ts'
import { bytes, struct, uint64 } from '../../../src/wire/codec.ts'
import { Gates } from './gates.ts'
import { assertStatus, dataOf, extendedOf, packetOf, Peer, readOf, requestOf, settled, uint32Of, writeOf } from './rig.ts'

interface Told {
  readonly closed: ClosedHandle[]
  readonly unfinished: UnfinishedFile[]
  readonly failed: unknown[]
  readonly log: SftpServerLog
}
const listening = (): Told => {
  const told = { closed: [] as ClosedHandle[], unfinished: [] as UnfinishedFile[], failed: [] as unknown[] }
  return {
    ...told,
    log: {
      closed: each => told.closed.push(each),
      unfinished: files => told.unfinished.push(...files),
      failed: error => told.failed.push(error),
    },
  }
}

describe('a client that stops', () => {
  it('has everything done that it asked for, and everything closed', async () => {
    const gates = new Gates()
    const files = memoryFiles()
    const told = listening()
    const peer = await new Peer(gates.around(files), { log: told.log }).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, new Uint8Array(100)), writeOf(2, handle, 100, new Uint8Array(100)))
    peer.end()
    await settled()
    await gates.all()
    await settled()
    await gates.all()
    assert.equal(await peer.outcome, undefined)
    await peer.answers(1, 2)
    assert.equal(files.stat('/f', true).size, 200)
    assert.deepEqual(gates.seen.at(-1), 'close')
    assert.deepEqual(told.unfinished, [{ path: '/f', bytesWritten: 200 }])
    assert.ok(peer.ended && !peer.aborted)
  })

  it('is not said to have left unfinished what it closed, or only read', async () => {
    const told = listening()
    const peer = await new Peer(memoryFiles(), { log: told.log }).greet()
    const written = await peer.open('/f', 'wc')
    await peer.askBytes(id => writeOf(id, written, 0, new Uint8Array(10)))
    await peer.close(written)
    const read = await peer.open('/f', 'r')
    await peer.askBytes(id => readOf(id, read, 0, 4))
    await peer.openDirectory('/')
    peer.end()
    assert.equal(await peer.outcome, undefined)
    assert.deepEqual(told.unfinished, [])
    assert.deepEqual(
      told.closed.map(({ path, bytesRead, bytesWritten, forced, directory }) => [path, bytesRead, bytesWritten, forced, directory]),
      [
        ['/f', 0, 10, false, false],
        ['/f', 4, 0, true, false],
        ['/', 0, 0, true, true],
      ],
    )
  })
})

describe('a client that is cut off', () => {
  it('leaves what it sent as a whole written, no part of what it did not, and its file told as unfinished', async () => {
    const files = memoryFiles()
    const told = listening()
    const peer = await new Peer(files, { log: told.log }).greet()
    const handle = await peer.open('/f', 'wc')
    peer.send(writeOf(1, handle, 0, new Uint8Array(1000)))
    peer.send(writeOf(2, handle, 1000, new Uint8Array(1000)).subarray(0, 700))
    peer.end(new SftpError('connection-lost', 'gone'))
    assert.match(String(await peer.outcome), /gone/)
    assert.equal(files.stat('/f', true).size, 1000)
    assert.deepEqual(told.unfinished, [{ path: '/f', bytesWritten: 1000 }])
    assert.ok(peer.aborted)
  })

  for (const [what, how] of [
    ['a file', 'wc'],
    ['no file', ''],
  ])
    it(`by the end of its input within a WRITE to ${what} has its session ended too`, async () => {
      const files = memoryFiles()
      const peer = await new Peer(files).greet()
      const handle = how === '' ? new Uint8Array(8) : await peer.open('/f', how)
      peer.send(writeOf(1, handle, 0, new Uint8Array(1000)).subarray(0, 700))
      await settled()
      peer.end()
      assert.match(String(await peer.outcome), /in the middle of a packet/)
      assert.equal(peer.count(1), 0)
      if (how !== '') assert.equal(files.stat('/f', true).size, 0)
    })

  it('has no reads begun for it that had not', async () => {
    const gates = new Gates()
    const peer = await new Peer(gates.around(memoryFiles())).greet()
    const handle = await peer.open('/f', 'rwc')
    peer.send(writeOf(1, handle, 0, new Uint8Array(10)), readOf(2, handle, 0, 10))
    await settled()
    peer.end(new Error('gone'))
    await gates.all()
    await settled()
    await gates.all()
    await peer.outcome
    assert.deepEqual(gates.seen, ['write 0+10', 'close'])
  })

  it('while a file is being opened has it closed once it is', async () => {
    const closed: string[] = []
    const files = memoryFiles()
    let open = (): void => {}
    const slow = {
      ...files,
      open: async (...[path, options, attributes]: Parameters<typeof files.open>) => {
        await new Promise<void>(resolve => {
          open = resolve
        })
        const file = files.open(path, options, attributes)
        return { ...file, close: () => void closed.push(path) }
      },
    }
    const peer = await new Peer(slow).greet()
    peer.send(
      requestOf(packetTypes.SSH_FXP_OPEN, 1, version3.Open, {
        filename: '/f',
        options: { read: false, write: true, append: false, create: true, exclusive: false, truncate: false, noFollow: false },
        text: false,
        further: 0,
        attributes: {},
      }),
    )
    await settled()
    peer.end(new Error('gone'))
    await settled()
    open()
    await peer.outcome
    assert.deepEqual(closed, ['/f'])
  })

  it('when its answers cannot be written is one too', async () => {
    const outcome = new Promise<unknown>(resolve => {
      const session: PipedSession = {
        signal: new AbortController().signal,
        tap: tap => void tap.stdin(packetOf(packetTypes.SSH_FXP_INIT, uint32Of(3)), false),
        write: () => Promise.reject(new Error('the channel is closed')),
      }
      void sftpServer(memoryFiles(), { ended: resolve })(session).then(status => assert.equal(status, 1))
    })
    assert.match(String(await outcome), /the channel is closed/)
  })
})

describe('what files throw', () => {
  const failing = (error: unknown): ReturnType<typeof partialFiles> =>
    partialFiles({
      stat: () => {
        throw error
      },
      realPath: () => Promise.reject(error),
    })

  for (const [status, message, inVersion3] of [
    ['no-space-on-filesystem', 'No space left on device', 'failure'],
    ['quota-exceeded', 'Disk quota exceeded', 'failure'],
    ['invalid-filename', 'File name too long', 'bad-message'],
    ['dir-not-empty', 'Directory not empty', 'failure'],
    ['not-a-directory', 'Not a directory', 'no-such-file'],
    ['write-protect', 'Read-only file system', 'permission-denied'],
    ['permission-denied', 'Permission denied', 'permission-denied'],
    ['op-unsupported', 'No', 'op-unsupported'],
  ] as const)
    it(`as ${status} reaches a client of version 3 as ${inVersion3} with its message, one of version 6 as it is`, async () => {
      const error = new SftpError(status, message)
      const old = await new Peer(failing(error)).greet()
      const answer = await old.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '/' })
      assertStatus(answer, inVersion3, new RegExp(`^${message}$`))
      const young = await new Peer(failing(error)).greet(6)
      assertStatus(await young.ask(packetTypes.SSH_FXP_STAT, young.version.Stat, { path: '/' }), status, new RegExp(`^${message}$`))
    })

  for (const path of ['stat', 'realpath'] as const)
    it(`that is none of theirs reaches the operator, and a client only as a failure (${path})`, async () => {
      const told = listening()
      const secret = new TypeError('the password is xyzzy')
      const peer = await new Peer(failing(secret), { log: told.log }).greet()
      const type = path === 'stat' ? packetTypes.SSH_FXP_STAT : packetTypes.SSH_FXP_REALPATH
      assertStatus(await peer.ask(type, version3.Stat, { path: '/' }), 'failure', /^Internal error$/)
      assert.deepEqual(told.failed, [secret])
    })

  it('or is more or less than can have been read reaches no client', async () => {
    const told = listening()
    const counts = [Number.NaN, -1, 1_000_000]
    const file = { read: () => counts.shift() ?? 0, close: () => {} } as unknown as OpenFile
    const peer = await new Peer(partialFiles({ open: () => file }), { log: told.log }).greet()
    const handle = await peer.open('/f', 'r')
    for (let left = 3; left > 0; left--) assertStatus(await peer.askBytes(id => readOf(id, handle, left, 10)), 'failure', /Internal error/)
    assert.equal(told.failed.length, 3)
    assertStatus(await peer.askBytes(id => readOf(id, handle, 0, 10)), 'eof')
  })

  it('or cannot be said, such as a size that is none, leaves the session in order', async () => {
    const told = listening()
    const peer = await new Peer(partialFiles({ stat: path => ({ size: path === '/bad' ? -1 : 5 }) }), { log: told.log }).greet()
    assertStatus(await peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '/bad' }), 'failure', /Internal error/)
    assert.equal((await peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '/good' })).type, packetTypes.SSH_FXP_ATTRS)
    assert.equal(told.failed.length, 1)
  })
})

describe('a log that throws', () => {
  it('breaks nothing: every request is answered once, the session ends, and `failed` hears of it', async () => {
    const heard: string[] = []
    const fails = (name: string) => () => {
      throw new Error(name)
    }
    const log: SftpServerLog = {
      started: fails('started'),
      received: fails('received'),
      answered: fails('answered'),
      opened: fails('opened'),
      closed: fails('closed'),
      unfinished: fails('unfinished'),
      failed: error => {
        heard.push((error as Error).message)
        throw error
      },
    }
    const peer = await new Peer(memoryFiles(), { log }).greet()
    const handle = await peer.open('/f', 'rwc')
    assertStatus(await peer.askBytes(id => writeOf(id, handle, 0, Uint8Array.of(1))), 'ok')
    assert.deepEqual([...dataOf(await peer.askBytes(id => readOf(id, handle, 0, 1)))], [1])
    assertStatus(await peer.ask(packetTypes.SSH_FXP_STAT, version3.Stat, { path: '/nothing' }), 'no-such-file')
    peer.end()
    assert.equal(await peer.outcome, undefined)
    for (const name of ['started', 'received', 'answered', 'opened', 'closed', 'unfinished']) assert.ok(heard.includes(name), name)
  })
})

describe('a handler for sessions', () => {
  it('bounds what is open over all of its sessions, and asks who it is for', async () => {
    const files = memoryFiles()
    const asked: string[] = []
    const handler = sftpServer(
      (session: PipedSession & { readonly name: string }) => {
        asked.push(session.name)
        return files
      },
      { handlesOverall: 1 },
    )
    const statuses: number[] = []
    const connect = (name: string): Promise<{ send(bytes: Uint8Array): void; end(): void; last(): Uint8Array }> =>
      new Promise(resolve => {
        const written: Uint8Array[] = []
        const session = {
          name,
          signal: new AbortController().signal,
          tap: (tap: { stdin(bytes: Uint8Array, detached: boolean): unknown; end(): void }) => {
            resolve({ send: each => void tap.stdin(each, false), end: () => tap.end(), last: () => written.at(-1) ?? new Uint8Array(0) })
          },
          write: (bytes: Uint8Array) => {
            written.push(bytes.slice())
            return undefined
          },
        }
        void handler(session).then(status => statuses.push(status))
      })
    const open = (id: number): Uint8Array => requestOf(packetTypes.SSH_FXP_OPENDIR, id, version3.Stat, { path: '/' })
    const [one, two] = [await connect('one'), await connect('two')]
    for (const each of [one, two]) each.send(packetOf(packetTypes.SSH_FXP_INIT, uint32Of(3)))
    await settled()
    one.send(open(1))
    await settled()
    assert.equal(one.last()[4], packetTypes.SSH_FXP_HANDLE)
    two.send(open(1))
    await settled()
    assert.equal(two.last()[4], packetTypes.SSH_FXP_STATUS)
    one.end()
    await settled()
    two.send(open(2))
    await settled()
    assert.equal(two.last()[4], packetTypes.SSH_FXP_HANDLE)
    two.end()
    await settled()
    assert.deepEqual(statuses, [0, 0])
    assert.deepEqual(asked, ['one', 'two'])
  })
})

describe('a client that is gone', () => {
  it('after it had ended well, is waited for no longer: what takes long stops', async () => {
    let reads = 0
    const endless = {
      stat: () => ({ type: 'character-device' }),
      read: (_position: number, into: Uint8Array) => {
        // One that never let go would never end by itself.
        if (++reads > 10_000) throw new SftpError('failure', 'it was never told')
        return into.length
      },
      write: () => {},
      close: () => {},
    }
    const peer = await new Peer({ ...memoryFiles(), open: () => endless as unknown as OpenFile }).greet()
    const [from, to] = [await peer.open('/from', 'r'), await peer.open('/to', 'w')]
    const request = struct({ from: bytes, fromOffset: uint64, length: uint64, to: bytes, toOffset: uint64 })
    peer.send(extendedOf(1, 'copy-data', request, { from, fromOffset: 0n, length: 0n, to, toOffset: 0n }))
    peer.end()
    await settled()
    assert.equal(peer.ended, false)
    peer.end(new Error('the channel is closed'))
    assert.equal(await peer.outcome, undefined)
    assert.ok(reads > 1 && reads < 10_000, `${reads} reads`)
  })

  it('is noticed by the session after the end of its input, too', async () => {
    const gone = new AbortController()
    const ends: unknown[] = []
    let tapped: { end(): void } | undefined
    const pipe = sessionPipe({
      signal: gone.signal,
      tap: tap => {
        tapped = tap
      },
      write: () => undefined,
    })
    pipe.tap({ data: () => {}, end: error => void ends.push(error) })
    tapped?.end()
    await settled()
    assert.deepEqual(ends, [undefined])
    const reason = new Error('the channel is closed')
    gone.abort(reason)
    assert.deepEqual(ends, [undefined, reason])
  })

  it('is not outlasted for ever by files that hang, wherever they do', async () => {
    const never = new Promise<never>(() => {})
    const hanging = { ...memoryFiles(), stat: () => never }
    for (const files of [hanging, partialFiles({ home: () => never }), () => never]) {
      const gone = new AbortController()
      const faults: unknown[] = []
      const handler = sftpServer<PipedSession>(files, { patience: 1, ended: fault => void faults.push(fault) })
      const done = handler({
        signal: gone.signal,
        tap: tap => {
          void tap.stdin(packetOf(packetTypes.SSH_FXP_INIT, uint32Of(3)), false)
          void tap.stdin(requestOf(packetTypes.SSH_FXP_STAT, 1, version3.Stat, { path: '/' }), false)
          gone.signal.addEventListener('abort', () => tap.end())
        },
        write: () => undefined,
      })
      await settled()
      gone.abort(new Error('the connection is lost'))
      // What waits keeps no process alive by itself.
      const awake = setInterval(() => {}, 1000)
      assert.equal(await done, 1)
      clearInterval(awake)
      assert.ok(faults.length === 1 && faults[0] instanceof TimeoutError, String(faults))
    }
    assert.throws(() => sftpServer(memoryFiles(), { patience: -1 }), ConfigError)
  })
})
