// How many reads are asked for in one go, seen by what a server of our making is sent.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../../src/io/clock.ts'
import type { Sink } from '../../../src/sftp/transfer/ends.ts'
import { fetchFile } from '../../../src/sftp/transfer/fetch.ts'
import type { ReadDone, RemoteFile } from '../../../src/sftp/transfer/remote.ts'

const request = 100_000
const size = 40 * request

test('while reads are under way several are asked for at once, and the last ones come whatever their number', async () => {
  const asked: (() => void)[] = []
  /** How many were under way whenever one was asked for in a new turn. */
  const turns: number[] = []
  let turn = -1
  let now = 0
  const file = {
    read: (offset: number, length: number, into: Uint8Array, done: ReadDone): number => {
      if (turn !== now) turns.push(0)
      turn = now
      turns[turns.length - 1]++
      asked.push(() => (offset >= size ? done(undefined, undefined) : done(undefined, into.subarray(0, Math.min(length, size - offset)))))
      return asked.length
    },
    expect: () => {},
    cancel: () => {},
  } as unknown as RemoteFile
  const sink: Sink = { write: (_offset, _bytes, done) => queueMicrotask(() => done(undefined)) }
  const fetching = fetchFile({
    files: [file],
    sink,
    path: '/x',
    size,
    habits: { serial: false, request },
    bounds: { inFlight: 1_000_000, requests: 256, stallTimeout: 0 },
    clock: systemClock,
  })
  let over = false
  const end = fetching.finally(() => {
    over = true
  })
  while (!over) {
    now++
    asked.shift()?.()
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.equal(await end, size)
  // All but what is left at the end go at least three at a time: 256 KiB hold as many.
  assert.deepEqual(
    turns.slice(0, -1).filter(count => count < 3),
    [],
  )
  assert.ok(turns.length > 5, `${turns.length} turns`)
})
