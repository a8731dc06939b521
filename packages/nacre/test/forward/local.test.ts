// Forwards that listen at this end, with connections and a far end that do as this test says: who waits long is watched, who is told
// something is not cut off.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectError } from '../../src/errors.ts'
import type { ChannelStream } from '../../src/io/channel-stream.ts'
import { forwardFromHere } from '../../src/forward/local.ts'
import type { LocalConnection, LocalSockets, Place } from '../../src/forward/sockets.ts'

const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** A forward whose far end stands when `opened` is called, and what is done with the one who connects. */
const waiting = async (to: Place | 'socks', says: Uint8Array[] = []) => {
  const calls: string[] = []
  let taken: ((connection: LocalConnection) => void) | undefined
  const sockets: LocalSockets = {
    connect: () => Promise.reject(new Error('nobody connects here')),
    listen: (place, _, take) => {
      taken = take
      return Promise.resolve({ place, close: async () => {} })
    },
  }
  const timers = new Map<() => void, number>()
  const clock = {
    now: () => 0,
    after(milliseconds: number, act: () => void) {
      timers.set(act, milliseconds)
      return () => void timers.delete(act)
    },
  }
  const far = Promise.withResolvers<ChannelStream>()
  await forwardFromHere(sockets, () => far.promise, { path: '/s' }, to, { clock })
  const left = Promise.withResolvers<void>()
  taken?.({
    peer: { address: '', port: 0 },
    read: () => Promise.resolve(says.shift()),
    putBack: () => {},
    write: bytes => void calls.push(`write ${bytes[0]}.${bytes[1]}`),
    join: () => void calls.push('join'),
    watch: () => void calls.push('watch'),
    end: () => void calls.push('end'),
    discard: () => void calls.push('discard'),
    closed: left.promise,
  })
  await settled()
  return { calls, timers, far }
}
const refused = new ConnectError('CONNECT_FAILED', 'no connection', { host: 'db', port: 1 })

describe('who waits for the far end', () => {
  it('is watched after a while, and not when it stands before', async () => {
    const slow = await waiting({ host: 'db', port: 1 })
    assert.deepEqual([...slow.timers.values()], [250])
    for (const act of slow.timers.keys()) act()
    assert.deepEqual(slow.calls, ['watch'])
    slow.far.reject(refused)
    await settled()
    assert.deepEqual([slow.calls, slow.timers.size], [['watch', 'discard'], 0])
    const quick = await waiting({ host: 'db', port: 1 })
    quick.far.reject(refused)
    await settled()
    assert.deepEqual([quick.calls, quick.timers.size], [['discard'], 0])
  })

  it('by SOCKS is told that there is none, and ended after that', async () => {
    const version4 = Uint8Array.of(4, 1, 0, 80, 127, 0, 0, 1, 0)
    const socks = await waiting('socks', [version4])
    socks.far.reject(refused)
    await settled()
    assert.deepEqual(socks.calls, ['write 0.91', 'end'])
  })
})
