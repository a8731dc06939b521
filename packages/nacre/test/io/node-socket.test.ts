// Sockets that read into a buffer of ours: what comes before anybody listens is kept.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { test } from 'node:test'
import { fromSocketWithTarget, onreadFor, type ReadTarget } from '../../src/io/node-socket.ts'

test('what arrives before the transport is started is delivered first, and nothing more is read until then', () => {
  const target: ReadTarget = { sink: undefined }
  const { buffer, callback } = onreadFor(target)
  buffer.set([1, 2, 3])
  assert.equal(callback(3, buffer), false, 'the socket is to pause')
  buffer.fill(9, 0, 3)
  const heard: number[][] = []
  const transport = fromSocketWithTarget(new Socket(), target)
  transport.start({ data: bytes => void heard.push([...bytes]), end: () => {} })
  assert.deepEqual(heard, [[1, 2, 3]])
  assert.equal(callback(2, buffer), true)
  assert.deepEqual(heard, [
    [1, 2, 3],
    [9, 9],
  ])
  transport.close()
})
