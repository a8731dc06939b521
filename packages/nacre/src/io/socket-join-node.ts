// Owns joining a TCP socket to a channel: back-pressure and half-close both ways, and the end of both. Nothing is held but a
// window of the channel and what the socket's own buffers have. Knows nothing of who asked for it.
import type { Socket } from 'node:net'
import type { ChannelStream } from './channel-stream.ts'

/** How long what was sent to a socket may take to leave once the channel is gone, in milliseconds. */
const lingerMilliseconds = 10_000

/** Waits until the socket takes more, or has gone. */
const roomIn = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    const done = (): void => {
      socket.removeListener('drain', done)
      socket.removeListener('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })

const toSocket = (stream: ChannelStream, socket: Socket): void => {
  let room: Promise<void> | undefined
  stream.tap({
    data(bytes, detached) {
      if (!socket.writable) return undefined
      // The socket may keep what it cannot write at once.
      if (socket.write(detached ? bytes : bytes.slice())) return undefined
      room ??= roomIn(socket).then(() => void (room = undefined))
      return room
    },
    end(error) {
      // A connection that was cut off is not one that ended.
      if (error === undefined) socket.end()
      else socket.destroy()
    },
  })
}

const toChannel = (socket: Socket, stream: ChannelStream): void => {
  let failed = false
  socket.on('data', (bytes: Buffer) => {
    const waiting = stream.write(bytes)
    if (waiting === undefined) return
    socket.pause()
    waiting.then(
      () => socket.resume(),
      () => socket.destroySoon(),
    )
  })
  socket.on('end', () => stream.end())
  socket.on('error', () => (failed = true))
  // Of a reset there is nothing to pass on but that it is over.
  socket.on('close', () => (failed ? stream.abort() : stream.close()))
}

/** Joins them for as long as both are there. The socket must have been made with `allowHalfOpen`. */
export const joinSocket = (stream: ChannelStream, socket: Socket): void => {
  toChannel(socket, stream)
  toSocket(stream, socket)
  void stream.closed.then(() => {
    if (socket.destroyed) return
    // What the peer sent before it closed still goes; a target that takes nothing does not keep the socket for ever.
    socket.destroySoon()
    const timer = setTimeout(() => socket.destroy(), lingerMilliseconds)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  })
}
