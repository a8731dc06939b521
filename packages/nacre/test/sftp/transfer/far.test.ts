// An upload over a long way opens more channels by itself, all at once, and is none the worse for what becomes of them.
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { SftpError } from '../../../src/errors.ts'
import { Calls } from '../../../src/sftp/client/calls.ts'
import { quirksOf } from '../../../src/sftp/client/quirks.ts'
import { Requests } from '../../../src/sftp/client/requests.ts'
import { Channels, maximumChannels, type Room } from '../../../src/sftp/transfer/channels.ts'
import type { Remote } from '../../../src/sftp/transfer/remote.ts'
import { remoteOf } from '../../../src/sftp/transfer/remote-calls.ts'
import { Transfers } from '../../../src/sftp/transfer/transfers.ts'
import { type FarOptions, FarServer, status } from './misbehaving/server.ts'
import { bytesOf, sameBytes, settled } from './rig.ts'

const large = 40 * 1024 * 1024

/** The first channel takes its time, so that others have something to do. */
const slowWriter: FarOptions = { script: ({ name }, honest) => (name === 'write' ? { ...honest(), delay: 40 } : honest()) }

interface Far {
  readonly transfers: Transfers
  readonly server: FarServer
  /** One for each channel that was opened beside the first. */
  readonly others: FarServer[]
  readonly asked: () => number
  readonly closed: () => number
}

/** A server so far away; `open` says what becomes of the nth channel beside the first. */
const farAway = async (
  context: TestContext,
  roundTrip: number | undefined,
  open: (nth: number) => FarOptions | 'refused' = () => ({}),
  own: FarOptions = slowWriter,
): Promise<Far> => {
  const alive = setInterval(() => {}, 60_000)
  context.after(() => clearInterval(alive))
  const server = new FarServer(own)
  const others: FarServer[] = []
  let [asked, closed] = [0, 0]
  const first = new Requests(server.pipe, {})
  await first.ready
  context.after(async () => await first.close())
  const another = async () => {
    const options = open(++asked)
    if (options === 'refused') throw new SftpError('no-connection', 'no more channels')
    const other = new FarServer(options)
    others.push(other)
    Object.defineProperty(other, 'files', { value: server.files })
    const requests = new Requests(other.pipe, { alike: first })
    context.after(async () => await requests.close())
    return {
      remote: remoteOf(new Calls(requests, quirksOf(''))),
      close: async () => {
        closed++
        await requests.close()
      },
    }
  }
  const remote = remoteOf(new Calls(first, quirksOf('')))
  const transfers = new Transfers({ remote, local: undefined, another, roundTrip })
  return { transfers, server, others, asked: () => asked, closed: () => closed }
}

const writes = (server: FarServer): number => server.log.filter(each => each.startsWith('write')).length

describe('an upload to a server far away', () => {
  it('opens as many channels as are worth their while before anything is answered, and closes them', async context => {
    let before = -1
    const first: FarOptions = {
      script: ({ name }, honest) => {
        if (name === 'lstat') before = far.asked()
        return name === 'write' ? { ...honest(), delay: 40 } : honest()
      },
    }
    const far = await farAway(context, 100, () => ({}), first)
    const bytes = bytesOf(5, large)
    await far.transfers.upload(bytes, '/x')
    assert.equal(before, 5)
    sameBytes(far.server.files.get('/x')?.data, bytes)
    await settled()
    assert.equal(far.closed(), 5)
    assert.equal(far.server.openHandles, 0)
    for (const other of far.others) assert.ok(writes(other) > 0)
  })

  it('never opens more than are left of eight', async context => {
    const far = await farAway(context, 100)
    const bytes = bytesOf(5, 3 * large)
    await far.transfers.upload(bytes, '/x')
    sameBytes(far.server.files.get('/x')?.data, bytes)
    assert.equal(far.asked(), maximumChannels - 1)
  })

  it('opens none for a small file, near by, where nobody looked how far it is, or where channels were counted out', async context => {
    for (const [roundTrip, size, options] of [
      [100, 4 * 1024 * 1024, {}],
      [1, large, {}],
      [undefined, large, {}],
      [100, large, { channels: 1 }],
    ] as const) {
      const far = await farAway(context, roundTrip)
      const bytes = bytesOf(5, size)
      await far.transfers.upload(bytes, '/x', options)
      sameBytes(far.server.files.get('/x')?.data, bytes)
      assert.equal(far.asked(), 0, `${roundTrip} ms, ${size} bytes`)
    }
  })

  it('goes over those it gets, and does not ask for what was refused again', async context => {
    const far = await farAway(context, 100, nth => (nth > 2 && nth <= 5 ? 'refused' : {}))
    const bytes = bytesOf(5, large)
    await far.transfers.upload(bytes, '/x')
    await far.transfers.upload(bytes, '/y')
    for (const path of ['/x', '/y']) sameBytes(far.server.files.get(path)?.data, bytes)
    assert.equal(far.asked(), 5 + 2)
    await settled()
    assert.equal(far.closed(), 4)
  })

  it('goes over one where all others are refused', async context => {
    const far = await farAway(context, 100, () => 'refused')
    const bytes = bytesOf(5, large)
    await far.transfers.upload(bytes, '/x')
    await far.transfers.upload(bytes, '/y')
    sameBytes(far.server.files.get('/y')?.data, bytes)
    assert.equal(far.asked(), 5)
  })
})

describe('a channel that only helps', () => {
  const equalWith = async (context: TestContext, options: FarOptions): Promise<Far> => {
    const far = await farAway(context, 100, () => options)
    const bytes = bytesOf(5, large)
    await far.transfers.upload(bytes, '/x', { stallTimeout: 1000 })
    sameBytes(far.server.files.get('/x')?.data, bytes)
    assert.deepEqual([...far.server.files.keys()].sort(), ['/', '/x'])
    return far
  }
  it('may end in the middle', async context => {
    const far = await equalWith(context, { script: ({ name, nth }, honest) => (name === 'write' && nth === 3 ? 'hang up' : honest()) })
    assert.ok(far.others.some(each => writes(each) === 3))
  })
  it('may answer what it was not asked', async context => {
    await equalWith(context, {
      script: ({ name, nth }, honest) => ({ ...honest(), ...(name === 'write' && nth === 2 ? { id: 77_777 } : {}) }),
    })
  })
  it('may not open the file, or never say whether it does', async context => {
    await equalWith(context, { script: ({ name }, honest) => (name === 'open' ? status(4) : honest()) })
    await equalWith(context, { script: ({ name }, honest) => (name === 'open' ? undefined : honest()) })
  })
  it('may take no writes', async context => {
    const far = await equalWith(context, { script: ({ name }, honest) => (name === 'write' ? status(4) : honest()) })
    assert.ok(far.others.some(each => writes(each) > 0))
    // The first one is not blamed for it: it goes on with as many at once.
    assert.ok(far.server.mostUnderWay > 4, `${far.server.mostUnderWay} at once`)
  })
  it('may fall silent', async context => {
    await equalWith(context, { script: ({ name, nth }, honest) => (name === 'write' && nth > 1 ? undefined : honest()) })
  })

  it('does not hide that the first one has ended', async context => {
    const far = await farAway(context, 100)
    far.server.file('/y', new Uint8Array(1))
    const uploading = far.transfers.upload(bytesOf(5, large), '/x', { onProgress: () => far.server.hangUp() })
    await assert.rejects(uploading, (error: unknown) => error instanceof SftpError && error.status === 'connection-lost')
    assert.equal(far.server.files.get('/x'), undefined)
  })

  it('is closed when the transfer is given up while it is being opened', async context => {
    const far = await farAway(context, 100)
    const stop = new AbortController()
    const uploading = far.transfers.upload(bytesOf(5, large), '/x', { signal: stop.signal })
    stop.abort(new Error('enough'))
    await assert.rejects(uploading, /enough/)
    for (let i = 0; i < 5; i++) await settled()
    assert.equal(far.closed(), far.others.length)
    assert.equal(far.server.files.get('/x'), undefined)
  })
})

describe('channels of a transfer', () => {
  it('that are refused are not asked for again', async () => {
    const room: Room = { channels: maximumChannels, closing: Promise.resolve() }
    const channels = new Channels(async () => undefined, room, undefined)
    assert.deepEqual(await Promise.all(channels.open(3)), [undefined, undefined, undefined])
    assert.equal(room.channels, 1)
    assert.deepEqual(channels.open(3), [])
  })
  it('wait until those of the transfer before are closed: until then they take room', async () => {
    const room: Room = { channels: maximumChannels, closing: Promise.resolve() }
    const closed = Promise.withResolvers<void>()
    let asked = 0
    const another = async () => {
      asked++
      return { remote: {} as Remote, close: () => closed.promise }
    }
    const first = new Channels(another, room, undefined)
    await Promise.all(first.open(2))
    first.close()
    const second = new Channels(another, room, undefined)
    const opening = Promise.all(second.open(2))
    await settled()
    assert.equal(asked, 2)
    closed.resolve()
    assert.equal((await opening).length, 2)
    assert.equal(asked, 4)
    // One that ends before it has asked does not ask.
    const third = new Channels(another, room, undefined)
    const late = third.open(1)
    third.close()
    assert.deepEqual(await Promise.all(late), [undefined])
    assert.deepEqual([asked, room.channels], [4, maximumChannels])
  })
  it('are not learned from when it was we who gave up', async () => {
    const room: Room = { channels: maximumChannels, closing: Promise.resolve() }
    const stop = new AbortController()
    stop.abort()
    const channels = new Channels(() => Promise.reject(new Error('given up')), room, stop.signal)
    assert.deepEqual(await Promise.all(channels.open(1)), [undefined])
    assert.equal(room.channels, maximumChannels)
  })
})

describe('a session like one that is open', () => {
  it('is asked behind our greeting, before its own', async context => {
    const server = new FarServer()
    server.file('/x', bytesOf(1, 10))
    const first = new Requests(server.pipe, {})
    await first.ready
    const requests = new Requests(server.pipe, { alike: first })
    await requests.ready
    assert.deepEqual([...requests.extensions], [...first.extensions])
    const before = server.log.length
    const stat = new Calls(requests, quirksOf('')).stat('/x')
    assert.equal(server.log.length, before)
    assert.equal((await stat).size, 10)
    context.after(async () => await Promise.all([first.close(), requests.close()]))
  })
})
