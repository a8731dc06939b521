// Owns reaching an agent through its socket on Node, as OpenSSH's tools do. Knows nothing of the messages.
import { connect, type Socket } from 'node:net'
import { AgentError } from '../errors.ts'
import { AgentClient, type AgentTransport } from './client.ts'

/** A socket as a transport. It keeps the program alive only while an answer is awaited. */
const socketTransport = (socket: Socket): AgentTransport => {
  const pieces: Uint8Array[] = []
  let ended = false
  let failure: Error | undefined
  let wake: (() => void) | undefined
  socket.on('data', piece => {
    if (typeof piece !== 'string') pieces.push(piece)
    wake?.()
  })
  socket.on('error', error => {
    failure = error
    wake?.()
  })
  socket.on('close', () => {
    ended = true
    wake?.()
  })
  socket.on('end', () => {
    ended = true
    wake?.()
  })
  socket.unref()
  return {
    write: bytes => void socket.write(bytes),
    read: async () => {
      socket.ref()
      try {
        while (pieces.length === 0 && !ended && failure === undefined) await new Promise<void>(resolve => (wake = resolve))
      } finally {
        socket.unref()
      }
      const piece = pieces.shift()
      if (piece === undefined && failure !== undefined) throw failure
      return piece
    },
    close: () => void socket.destroy(),
  }
}

/** Connects to the agent at `path` (a Unix socket, or a named pipe on Windows). Throws `AgentError` AGENT_UNREACHABLE. */
export const connectAgent = async (path: string | undefined = process.env.SSH_AUTH_SOCK): Promise<AgentClient> => {
  if (path === undefined || path === '') throw new AgentError('AGENT_UNREACHABLE', 'No agent is running here: SSH_AUTH_SOCK is not set.')
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', cause => reject(new AgentError('AGENT_UNREACHABLE', `No agent answers at ${path}: ${cause.message}`, { cause })))
  })
  socket.removeAllListeners('error')
  return new AgentClient(socketTransport(socket))
}
