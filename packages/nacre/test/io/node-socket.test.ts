// Sockets that read into a buffer of ours: what comes before anybody listens is kept. What is gathered leaves in one write.
import assert from 'node:assert/strict'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { fromAcceptedSocket, fromDuplex, fromSocketWithTarget, onreadFor, type ReadTarget } from '../../src/io/node-socket.ts'
import { notIn } from '../runtime.ts'

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

const otherSockets = notIn(['Bun', 'Deno', 'the web'], 'its sockets are made otherwise')

test('an accepted socket reads into a buffer of ours itself, without a second socket', { skip: otherSockets }, () => {
  const accepted = new Socket()
  const buffers: Uint8Array[] = []
  const done: string[] = []
  const handle = {
    reading: false,
    useUserBuffer: (buffer: Uint8Array) => void buffers.push(buffer),
    setNoDelay: () => {},
    readStart: () => (done.push('reads'), 0),
    readStop: () => 0,
    close: () => void done.push('closed'),
  }
  const internals = accepted as unknown as { _handle: unknown } & Record<symbol, unknown>
  internals._handle = handle
  const transport = fromAcceptedSocket(accepted)
  assert.equal(internals._handle, handle, 'it keeps its handle')
  const callbacks = Object.getOwnPropertySymbols(accepted)
    .map(key => internals[key])
    .filter(value => typeof value === 'function')
  assert.equal(callbacks.length, 1)
  const [callback] = callbacks as [(count: number, buffer: Uint8Array) => boolean]
  const heard: number[][] = []
  assert.deepEqual(done, [], 'nothing is read before it is started')
  transport.start({ data: bytes => void heard.push([...bytes]), end: () => {} })
  assert.deepEqual(done, ['reads'])
  buffers[0].set([1, 2, 3])
  assert.equal(callback(2, buffers[0]), true)
  assert.deepEqual(heard, [[1, 2]])
  transport.close(true)
  assert.deepEqual(done, ['reads', 'closed'])
})

test('who has left hears nothing more, and nothing of him hangs on the socket', () => {
  const target: ReadTarget = { sink: undefined }
  const { buffer, callback } = onreadFor(target)
  const transport = fromSocketWithTarget(new Socket(), target)
  const heard: string[] = []
  const sink = { data: () => void heard.push('data'), end: () => void heard.push('end') }
  transport.start(sink)
  callback(1, buffer)
  transport.close(true)
  assert.notEqual(target.sink, sink)
  callback(1, buffer)
  assert.deepEqual(heard, ['data'])
})
