// Byte queues: what a stream gets of what came before it was asked for, and that taking is what reopens the window.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ByteQueue } from '../../src/io/channel-streams.ts'

const read = async (queue: ByteQueue): Promise<number[]> => {
  const bytes: number[] = []
  for await (const chunk of queue.stream) bytes.push(...chunk)
  return bytes
}

describe('a byte queue', () => {
  test('gives a stream made late what came early', async () => {
    const queue = new ByteQueue(() => {})
    queue.push(Uint8Array.of(1, 2))
    queue.push(Uint8Array.of(3))
    queue.end()
    assert.deepEqual(await read(queue), [1, 2, 3])
  })
  test('is over for a stream made after the end', async () => {
    const empty = new ByteQueue(() => {})
    empty.end()
    assert.deepEqual(await read(empty), [])
    const failed = new ByteQueue(() => {})
    const reason = new Error('cut')
    failed.end(reason)
    await assert.rejects(read(failed), reason)
  })
  test('counts bytes as taken when the reader gets them, not before', async () => {
    let taken = 0
    const queue = new ByteQueue(count => (taken += count))
    queue.push(new Uint8Array(5))
    queue.push(new Uint8Array(7))
    const reader = queue.stream.getReader()
    assert.equal(taken, 0)
    await reader.read()
    assert.equal(taken, 5)
    await reader.read()
    assert.equal(taken, 12)
  })
  test('counts everything as taken once the stream is cancelled', async () => {
    let taken = 0
    const queue = new ByteQueue(count => (taken += count))
    queue.push(new Uint8Array(5))
    await queue.stream.cancel()
    assert.equal(taken, 5)
    queue.push(new Uint8Array(7))
    assert.equal(taken, 12)
  })
  test('hands what is queued to whoever wants no stream', () => {
    const queue = new ByteQueue(() => {})
    queue.push(Uint8Array.of(1))
    assert.deepEqual(queue.drain(), [Uint8Array.of(1)])
  })
  test('is the same stream each time', () => {
    const queue = new ByteQueue(() => {})
    assert.equal(queue.stream, queue.stream)
  })
})
