// SSH's bytes over a WebSocket: what is written early, held back, cut or not bytes at all. The socket is one made by hand.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ByteTransport } from '../../src/io/transport.ts'
import { fromWebSocket, type WebSocketLike } from '../../src/io/web-socket.ts'
import { virtualClock } from '../../src/testing/clock.ts'

// A real one fits the type; nobody calls this.
const fits = (socket: WebSocket): ByteTransport => fromWebSocket(socket)
void fits

const socketByHand = (readyState = 1) => {
  const listeners = new Map<string, (event: { data?: unknown; code?: number }) => void>()
  const sent: number[][] = []
  const closed: (number | undefined)[] = []
  const socket = {
    binaryType: 'blob',
    readyState,
    bufferedAmount: 0,
    send: (data: Uint8Array) => void sent.push([...data]),
    close: (code?: number) => void closed.push(code),
    addEventListener: (type: string, listener: () => void) => void listeners.set(type, listener),
  }
  return {
    socket: socket as typeof socket & WebSocketLike,
    sent,
    closed,
    fire: (type: string, event: { data?: unknown; code?: number } = {}) => listeners.get(type)?.(event),
  }
}

const listening = (transport: ByteTransport) => {
  const heard: (number[] | string)[] = []
  transport.start({
    data: bytes => void heard.push([...bytes]),
    end: error => void heard.push(error instanceof Error ? error.message : 'end'),
  })
  return heard
}

const turn = (): Promise<void> => Promise.resolve()

describe('a transport over a WebSocket', () => {
  it('carries bytes both ways, copied, whatever views they come in', async () => {
    const { socket, sent, fire } = socketByHand()
    const transport = fromWebSocket(socket)
    assert.equal(socket.binaryType, 'arraybuffer')
    fire('message', { data: Uint8Array.of(1, 2).buffer })
    const heard = listening(transport)
    fire('message', { data: Uint8Array.of(9, 3, 4, 9).subarray(1, 3) })
    assert.deepEqual(heard, [
      [1, 2],
      [3, 4],
    ])
    const bytes = Uint8Array.of(5, 6)
    let taken = false
    transport.write(bytes, () => void (taken = true))
    bytes.fill(0)
    assert.equal(taken, false, 'not within the call')
    await turn()
    assert.equal(taken, true)
    assert.deepEqual(sent, [[5, 6]])
  })

  it('keeps what is written while it connects', async () => {
    const { socket, sent, fire } = socketByHand(0)
    const clock = virtualClock()
    const transport = fromWebSocket(socket, undefined, clock)
    let taken = 0
    transport.write(Uint8Array.of(1), () => taken++)
    assert.deepEqual([sent, taken], [[], 0])
    socket.readyState = 1
    fire('open')
    assert.deepEqual(sent, [[1]])
    clock.advance(10)
    assert.equal(taken, 1)
  })

  it('gives no buffer back while the socket has more than a mebibyte to send', () => {
    const { socket } = socketByHand()
    const clock = virtualClock()
    const transport = fromWebSocket(socket, undefined, clock)
    let taken = 0
    socket.bufferedAmount = 2 ** 20
    transport.write(Uint8Array.of(1), () => taken++)
    clock.advance(50)
    assert.equal(taken, 0)
    socket.bufferedAmount = 100
    clock.advance(10)
    assert.equal(taken, 1)
  })

  it('holds back what comes while paused, and the end after it', () => {
    const { socket, fire } = socketByHand()
    const transport = fromWebSocket(socket)
    const heard = listening(transport)
    transport.pause()
    fire('message', { data: Uint8Array.of(1).buffer })
    fire('close', { code: 1000 })
    assert.deepEqual(heard, [])
    transport.resume()
    assert.deepEqual(heard, [[1], 'end'])
  })

  it('says with which code it was cut, once', () => {
    const { socket, fire } = socketByHand()
    const heard = listening(fromWebSocket(socket))
    fire('error')
    fire('close', { code: 1006 })
    fire('close', { code: 1006 })
    assert.deepEqual(heard, ['The WebSocket closed with code 1006.'])
  })

  it('that was closed already ends when it is started', () => {
    assert.deepEqual(listening(fromWebSocket(socketByHand(3).socket)), ['The WebSocket closed with code 1006.'])
  })

  it('refuses text', () => {
    const { socket, closed, fire } = socketByHand()
    const heard = listening(fromWebSocket(socket))
    fire('message', { data: 'welcome' })
    fire('message', { data: Uint8Array.of(1).buffer })
    assert.match(String(heard), /sent text where SSH has bytes/)
    assert.deepEqual(closed, [1003])
  })

  it('is closed with a handshake that may take two seconds; buffers come back', async () => {
    const { socket, closed } = socketByHand()
    const clock = virtualClock()
    const transport = fromWebSocket(socket, undefined, clock)
    const heard = listening(transport)
    socket.bufferedAmount = 2 ** 21
    let taken = 0
    transport.write(Uint8Array.of(1), () => taken++)
    transport.close()
    transport.close()
    assert.deepEqual([closed, heard], [[1000], []])
    clock.advance(2000)
    assert.deepEqual([heard, taken], [['end'], 1])
  })
})
