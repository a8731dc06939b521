// Owns the floor of a bulk transfer: 32 KiB packets between sockets of Node, without cryptography or with AES-GCM as
// node:crypto offers it, framed and sent in the cheapest way there is. No SSH. Knows nothing of who measures.
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto'
import type { Socket } from 'node:net'
import { connected, left, listening, type Reader } from './bare-sockets.ts'
import { serveCalls } from './calls.ts'
import { meter } from './meter.ts'
import type { BareBulkOptions, TransferArgs, Transferred } from './types.ts'

const { seals } = JSON.parse(process.argv[2] ?? '{}') as BareBulkOptions

const dataBytes = 32 * 1024
const lengthBytes = 4
const tagBytes = 16
/** Padding length, CHANNEL_DATA, channel, length; then padding to whole blocks. */
const headBytes = 10
const bodyBytes = Math.ceil((headBytes + dataBytes + 4) / 16) * 16
const packetBytes = lengthBytes + bodyBytes + tagBytes
const packetsAtOnce = 8
const batches = 3

const key = createSecretKey(new Uint8Array(16))
const nonce = new Uint8Array(12)
const length = new Uint8Array(lengthBytes)
const data = new Uint8Array(dataBytes)

/** Frees at once what was copied; left to the collector it costs a fifth of all CPU. */
const discard = (result: Uint8Array): void => void (result.buffer as ArrayBuffer).transfer(0)

const seal = (packet: Uint8Array): void => {
  const cipher = createCipheriv('aes-128-gcm', key, nonce)
  cipher.setAAD(length)
  const sealed = cipher.update(packet.subarray(lengthBytes, lengthBytes + bodyBytes))
  packet.set(sealed, lengthBytes)
  discard(sealed)
  cipher.final()
  packet.set(cipher.getAuthTag(), lengthBytes + bodyBytes)
}

/** The plaintext stays where node:crypto has put it. */
const open = (packet: Uint8Array): void => {
  const decipher = createDecipheriv('aes-128-gcm', key, nonce)
  decipher.setAuthTag(packet.subarray(lengthBytes + bodyBytes))
  decipher.setAAD(length)
  discard(decipher.update(packet.subarray(lengthBytes, lengthBytes + bodyBytes)))
  decipher.final()
}

/** Packets in memory that is used again: as many as fit into one write, the next while the last ones leave. */
const send = (socket: Socket, bytes: number): Promise<void> =>
  new Promise(resolve => {
    const free = Array.from({ length: batches }, () => new Uint8Array(packetsAtOnce * packetBytes))
    let packets = Math.ceil(bytes / dataBytes)
    const more = (): void => {
      for (;;) {
        if (packets === 0) {
          if (free.length === batches) resolve()
          return
        }
        const batch = free.pop()
        if (batch === undefined) return
        let end = 0
        for (; packets > 0 && end < batch.length; packets--, end += packetBytes) {
          const packet = batch.subarray(end, end + packetBytes)
          packet.set(data, lengthBytes + headBytes)
          if (seals === 'gcm') seal(packet)
        }
        socket.write(batch.subarray(0, end), () => {
          free.push(batch)
          more()
        })
      }
    }
    more()
  })

/** Opens packets where they were read; only one that came in two pieces is put together. Says so when all are there. */
const receiving = (bytes: number, done: () => void): Reader => {
  let packets = Math.ceil(bytes / dataBytes)
  const straddling = new Uint8Array(packetBytes)
  let held = 0
  const packet = (whole: Uint8Array): void => {
    if (seals === 'gcm') open(whole)
    if (--packets === 0) done()
  }
  if (packets === 0) queueMicrotask(done)
  return read => {
    let at = 0
    if (held > 0) {
      at = Math.min(packetBytes - held, read.length)
      straddling.set(read.subarray(0, at), held)
      held += at
      if (held < packetBytes) return
      packet(straddling)
      held = 0
    }
    for (; read.length - at >= packetBytes; at += packetBytes) packet(read.subarray(at, at + packetBytes))
    straddling.set(read.subarray(at))
    held = read.length - at
  }
}

const done = new Uint8Array(1)
const directionBytes = 8

serveCalls({
  /** The first bytes of a client say how many it sends, negative, or wants. A byte at the end says that all have come. */
  listen: () =>
    listening(socket => {
      let receive: Reader | undefined
      return bytes => {
        if (receive !== undefined) {
          receive(bytes)
          return
        }
        const asked = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigInt64(0))
        receive = receiving(Math.max(0, -asked), () => void (asked <= 0 && socket.write(done)))
        if (asked > 0) void send(socket, asked)
        if (bytes.length > directionBytes) receive(bytes.subarray(directionBytes))
      }
    }),

  async transfer({ port, direction, bytes }: TransferArgs): Promise<Transferred> {
    const read = meter()
    const { promise, resolve } = Promise.withResolvers<void>()
    const receive = direction === 'down' ? receiving(bytes, resolve) : () => resolve()
    const socket = await connected(port, receive)
    const ask = new Uint8Array(directionBytes)
    new DataView(ask.buffer).setBigInt64(0, BigInt(direction === 'down' ? bytes : -bytes))
    socket.write(ask)
    if (direction === 'up') await send(socket, bytes)
    await promise
    await left(socket)
    return { ...read(), stderr: '' }
  },
})
