// Sockets that read into a buffer of ours: what comes before anybody listens is kept. What is gathered leaves in one write.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { fromDuplex, fromSocketWithTarget, onreadFor, type ReadTarget } from '../../src/io/node-socket.ts'

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

test('what is written between gather and flush leaves in one write, and each buffer is given back in turn', async () => {
  const writes: number[][] = []
  const stream = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      writes.push([...chunk])
      done()
    },
    writev(chunks: readonly { readonly chunk: Uint8Array }[], done) {
      writes.push(chunks.flatMap(({ chunk }) => [...chunk]))
      done()
    },
  })
  const transport = fromDuplex(stream)
  const given: number[] = []
  const write = (byte: number): void => transport.write(Uint8Array.of(byte), () => void given.push(byte))
  transport.gather?.()
  write(1)
  write(2)
  write(3)
  assert.deepEqual(writes, [])
  transport.flush?.()
  write(4)
  await new Promise(resolve => setImmediate(resolve))
  assert.deepEqual(writes, [[1, 2, 3], [4]])
  assert.deepEqual(given, [1, 2, 3, 4])
  transport.close(true)
})
