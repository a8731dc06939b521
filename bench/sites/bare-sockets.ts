// Owns sockets of Node in the cheapest way there is: one buffer that all of a process are read into, Nagle's algorithm off,
// closed when the other end has left. Knows nothing of what goes over them.
import { connect, createServer, Socket } from 'node:net'

const readBuffer = new Uint8Array(256 * 1024)

/** Takes what was read; the bytes are there until it returns. */
export type Reader = (bytes: Uint8Array) => void

const onreadFor = (read: Reader): { readonly buffer: Uint8Array; readonly callback: (count: number, buffer: Uint8Array) => boolean } => ({
  buffer: readBuffer,
  callback(count, buffer) {
    read(buffer.subarray(0, count))
    return true
  },
})

const ignore = (): void => {}

/** `onread` is public for sockets that connect; an accepted one gives its handle to a socket made with it. */
const readingInto = (accepted: Socket, read: Reader): Socket => {
  const internals = accepted as unknown as { _handle: unknown }
  const handle = internals._handle
  internals._handle = null
  const options = { handle, allowHalfOpen: true, onread: onreadFor(read) }
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
}

/** Listens on a free port and returns it. `serve` gets each socket once it is connected and says who reads from it. */
export const listening = (serve: (socket: Socket) => Reader): Promise<number> =>
  new Promise(resolve => {
    const server = createServer({ pauseOnConnect: true, noDelay: true }, accepted => {
      let read: Reader = ignore
      const socket = readingInto(accepted, bytes => read(bytes))
      socket.on('error', ignore)
      socket.on('end', () => socket.destroy())
      read = serve(socket)
      socket.resume()
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })

/** Connects; `read` gets what comes. Rejects when it cannot. */
export const connected = (port: number, read: Reader): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: onreadFor(read) }, () => {
      socket.removeListener('error', reject)
      socket.on('error', ignore)
      resolve(socket)
    })
    socket.once('error', reject)
  })

/** Ends the socket and resolves when it is closed. */
export const left = (socket: Socket): Promise<void> =>
  new Promise(resolve => {
    socket.once('close', () => resolve())
    socket.end()
  })
