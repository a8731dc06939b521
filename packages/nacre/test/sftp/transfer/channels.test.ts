// Several channels for one file: chosen, or opened when the windows of a server are smaller than the way is long.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Clock } from '../../../src/io/clock.ts'
import { Calls } from '../../../src/sftp/client/calls.ts'
import { quirksOf } from '../../../src/sftp/client/quirks.ts'
import { Requests } from '../../../src/sftp/client/requests.ts'
import { BytesSource } from '../../../src/sftp/transfer/ends.ts'
import { localNode } from '../../../src/sftp/transfer/local-node.ts'
import type { RemoteFile } from '../../../src/sftp/transfer/remote.ts'
import { storeFile } from '../../../src/sftp/transfer/store.ts'
import { transfersOf } from '../../../src/sftp/transfer/transfers-of.ts'
import { FarServer } from './misbehaving/server.ts'
import { bytesOf, folderFor, sameBytes, settled } from './rig.ts'

const mebi = 1024 * 1024

/** A line of so much delay, over which each channel may have `window` bytes under way. */
class Line {
  now = 0
  readonly target: Uint8Array
  readonly #queue: { at: number; act: () => void }[] = []
  readonly #delay: number
  readonly #window: number
  constructor(delay: number, window: number, size: number) {
    this.#delay = delay
    this.#window = window
    this.target = new Uint8Array(size)
  }
  readonly clock: Clock = {
    now: () => this.now,
    after: (milliseconds, act) => {
      const entry = { at: this.now + milliseconds, act }
      this.#queue.push(entry)
      return () => {
        const index = this.#queue.indexOf(entry)
        if (index >= 0) this.#queue.splice(index, 1)
      }
    },
  }
  file(): RemoteFile {
    let used = 0
    let waiting: (() => void)[] = []
    const room = (): boolean => used < this.#window
    const unused = (): never => assert.fail('not asked for here')
    return {
      write: (offset, buffer, at, length, done) => {
        used += length
        const bytes = buffer.slice(at, at + length)
        this.clock.after(this.#delay, () => {
          used -= length
          this.target.set(bytes, offset)
          done(undefined)
          if (room()) for (const act of waiting.splice(0)) act()
        })
        return 0
      },
      read: unused,
      cancel: () => {},
      expect: () => {},
      get full() {
        return !room()
      },
      whenRoom: act => {
        assert.ok(waiting.length < 2, 'registered again and again')
        if (room()) act()
        else waiting = [...waiting, act]
      },
      stat: unused,
      setAttributes: unused,
      sync: unused,
      close: async () => {},
    }
  }
  /** Runs until nothing is left, and says how long that was. */
  async run(done: Promise<unknown>): Promise<number> {
    let over = false
    void done.finally(() => {
      over = true
    })
    for (;;) {
      await settled()
      if (over) return this.now
      this.#queue.sort((a, b) => a.at - b.at)
      const [next] = this.#queue
      assert.ok(next !== undefined, 'everybody waits')
      this.now = Math.max(this.now, next.at)
      while (this.#queue[0] !== undefined && this.#queue[0].at <= this.now) this.#queue.shift()?.act()
    }
  }
}

const stored = async (delay: number, window: number, more: boolean): Promise<{ took: number; opened: number }> => {
  const bytes = bytesOf(1, 40 * mebi)
  const line = new Line(delay, window, bytes.length)
  let opened = 0
  const open = (count: number): Promise<RemoteFile>[] =>
    Array.from({ length: Math.min(count, 7 - opened) }, async () => {
      opened++
      return line.file()
    })
  const done = storeFile({
    files: [line.file()],
    source: new BytesSource(bytes),
    from: 'bytes',
    path: '/x',
    habits: { serial: false, request: 255 * 1024 },
    clock: line.clock,
    bounds: { inFlight: 16 * mebi, requests: 256, stallTimeout: 0 },
    ...(more ? { more: { roundTrip: 0, open } } : {}),
  })
  const took = await line.run(done)
  sameBytes(line.target, bytes)
  return { took, opened }
}

describe('an upload over a long way', () => {
  it('opens more channels when the window is what holds it back', async () => {
    const one = await stored(100, 2 * mebi, false)
    const more = await stored(100, 2 * mebi, true)
    assert.ok(more.opened >= 3, `${more.opened} were opened`)
    assert.ok(more.took < one.took / 2, `${more.took} and ${one.took} ms`)
  })
  it('opens none where the way is short, or the window wide', async () => {
    assert.equal((await stored(1, 2 * mebi, true)).opened, 0)
    assert.equal((await stored(100, 20 * mebi, true)).opened, 0)
  })
})

describe('channels that are asked for', () => {
  it('share a file both ways, and are closed afterwards', async context => {
    const folder = folderFor(context)
    const server = new FarServer()
    const others: FarServer[] = []
    const callsOf = async (far: FarServer): Promise<Calls> => {
      const requests = new Requests(far.pipe, {})
      await requests.ready
      context.after(async () => await requests.close())
      return new Calls(requests, quirksOf(''))
    }
    let closed = 0
    const another = async () => {
      const far = new FarServer()
      others.push(far)
      // The same files, seen over another session.
      Object.defineProperty(far, 'files', { value: server.files })
      return { calls: await callsOf(far), close: async () => void closed++ }
    }
    const transfers = transfersOf(await callsOf(server), localNode, another)
    const bytes = bytesOf(4, 12_000_000)
    server.file('/x', bytes)
    await transfers.download('/x', join(folder, 'x'), { channels: 3 })
    sameBytes(readFileSync(join(folder, 'x')), bytes)
    await transfers.upload(join(folder, 'x'), '/y', { channels: 3 })
    sameBytes(server.files.get('/y')?.data, bytes)
    assert.deepEqual([others.length, closed], [4, 4])
    for (const [index, far] of others.entries()) {
      const word = index < 2 ? 'read' : 'write'
      assert.ok(far.log.filter(each => each.startsWith(word)).length > 3, `channel ${index}`)
      await settled()
      assert.equal(far.openHandles, 0)
    }
    await assert.rejects(transfers.readFile('/x', { channels: 9 }), TypeError)
  })
})
