// Owns the Unix socket of a shared connection on Node, from the side of those who use it. Knows nothing of what is said over it.
import { spawn } from 'node:child_process'
import { createConnection, type Socket } from 'node:net'
import { ShareError } from '../errors.ts'
import { fromSocketWithTarget, onreadFor, type ReadTarget } from '../io/node-socket.ts'
import type { ByteTransport } from '../io/transport.ts'

const codeOf = (error: unknown): string | undefined =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined

export interface UnixLine {
  readonly transport: ByteTransport
  /** Ends our part, and leaves the connection to a small process that ends with the other side. */
  leaveOpen(): void
}

const leave = (socket: Socket): void => {
  if (socket.destroyed || socket.readableEnded) {
    socket.destroy()
    return
  }
  try {
    const keeper = spawn('cat', [], { stdio: [socket, 'ignore', 'ignore'], detached: true, cwd: '/' })
    // Without cat(1) it is left as it is.
    keeper.on('error', () => {})
    keeper.unref()
  } finally {
    socket.destroy()
  }
}

/** A connection to the socket at `path`. Rejects with `ShareError`, code `SHARE_NO_MASTER`; its `cause` is what the system said. */
export const connectUnix = async (path: string): Promise<UnixLine> => {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const target: ReadTarget = { sink: undefined }
  const socket = createConnection({ path, onread: onreadFor(target) })
  const failed = (error: Error): void => {
    const code = codeOf(error)
    const why =
      code === 'ECONNREFUSED'
        ? 'who listened there is gone'
        : code === 'ENOENT'
          ? 'there is no such socket'
          : code === 'EACCES'
            ? 'it is not ours to use'
            : error.message
    reject(new ShareError('SHARE_NO_MASTER', `No connection is shared at ${path}: ${why}.`, path, { cause: error }))
  }
  socket.once('error', failed)
  socket.once('connect', () => resolve(socket))
  await promise
  socket.removeListener('error', failed)
  return { transport: fromSocketWithTarget(socket, target), leaveOpen: () => leave(socket) }
}
