// Owns a socket of Node as the way between an agent and a client. Knows nothing of agents.
import type { Socket } from 'node:net'
import type { AgentTransport } from './transport.ts'

/** What may wait to be read before the other end is held up, in bytes. */
const enoughHeld = 64 * 1024

/**
 * A socket as a transport. With `idle`, it keeps the program alive only while an answer is awaited, as a client's should. Reads
 * no further ahead than some 64 KiB; `write` resolves when the other end keeps up.
 */
export const socketTransport = (socket: Socket, options: { readonly idle?: boolean } = {}): AgentTransport => {
  const pieces: Uint8Array[] = []
  let held = 0
  let ended = false
  let failure: Error | undefined
  let wake = (): void => {}
  const end = (): void => {
    ended = true
    wake()
  }
  socket.on('data', piece => {
    if (typeof piece === 'string') return
    pieces.push(piece)
    held += piece.length
    if (held >= enoughHeld) socket.pause()
    wake()
  })
  socket.on('error', error => {
    failure = error
    wake()
  })
  socket.on('end', end)
  socket.on('close', end)
  if (options.idle === true) socket.unref()
  const take = (): Uint8Array | undefined => {
    const piece = pieces.shift()
    if (piece === undefined) return undefined
    held -= piece.length
    if (socket.isPaused() && held < enoughHeld) socket.resume()
    return piece
  }
  return {
    write(bytes) {
      if (failure !== undefined) throw failure
      if (socket.write(bytes) || socket.destroyed) return
      return new Promise(resolve => {
        const done = (): void => {
          socket.off('drain', done)
          socket.off('close', done)
          resolve()
        }
        socket.on('drain', done)
        socket.on('close', done)
      })
    },
    async read() {
      if (options.idle === true) socket.ref()
      try {
        while (pieces.length === 0 && !ended && failure === undefined) await new Promise<void>(resolve => (wake = resolve))
      } finally {
        if (options.idle === true) socket.unref()
      }
      const piece = take()
      if (piece === undefined && failure !== undefined) throw failure
      return piece
    },
    close: () => void socket.destroySoon(),
  }
}
