// Owns the socket of an agent on Node: made so that nobody but the owner can connect, and taken away at the end. Knows nothing of
// what is answered over it.
import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Agent } from './agent.ts'
import { mayConnect, ownUser, userAtOtherEnd } from './peer-node.ts'
import { serveAgent } from './serve.ts'
import { socketTransport } from './socket-node.ts'

export interface AgentListenOptions {
  /** Connections at once; more wait to be let in by the system, and then are closed. Default 512. */
  readonly maximumConnections?: number
  /**
   * Told of each connection that was ended at once because its user is neither ours nor root: their number. The system tells it to
   * native code alone, so without `@nacre/native` all are let in whom the modes of the socket and its folder let in.
   */
  readonly onStranger?: (user: number) => void
}

export interface ListeningAgent {
  /** Where it listens; `undefined` for a socket that was given as a descriptor. */
  readonly path: string | undefined
  /** Ends all connections and takes the socket away. */
  close(): Promise<void>
}

const usualConnections = 512

/** A socket that only the owner may use; it is nobody else's for a moment, either. */
const listenAlone = (server: Server, path: string): void => {
  const before = process.umask(0o177)
  try {
    server.listen({ path })
  } finally {
    process.umask(before)
  }
}

/**
 * Serves an agent at `path` (a Unix socket, made with mode 0600, or a named pipe on Windows), or at a socket that listens already,
 * by its descriptor. The mode of the socket and of the folder it is in guard it, and, where `@nacre/native` is there to ask the
 * system who connects, that others than our user and root are refused.
 * Rejects with what the system says when it cannot listen there.
 */
export const listenAgent = async (
  agent: Agent,
  at: string | { readonly descriptor: number },
  options: AgentListenOptions = {},
): Promise<ListeningAgent> => {
  const connections = new Set<Socket>()
  const own = ownUser()
  const server = createServer(socket => {
    const user = userAtOtherEnd(socket)
    if (!mayConnect(user, own)) {
      socket.on('error', () => {})
      socket.destroy()
      agent.note(`a connection was refused: it is of user ${user}, and the agent of user ${own}`)
      if (user !== undefined) options.onStranger?.(user)
      return
    }
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    void serveAgent(agent, socketTransport(socket))
  })
  server.maxConnections = options.maximumConnections ?? usualConnections
  const path = typeof at === 'string' ? at : undefined
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', resolve)
    if (typeof at !== 'string') server.listen({ fd: at.descriptor })
    else if (process.platform === 'win32') server.listen({ path: at })
    else listenAlone(server, at)
  })
  // A connection that cannot be taken, for want of descriptors say, is no end of the others.
  server.on('error', error => agent.note(`a connection could not be taken: ${error.message}`))
  if (path !== undefined && process.platform !== 'win32') chmodSync(path, 0o600)
  return {
    path,
    async close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of connections) socket.destroy()
      await closed
      if (path !== undefined && process.platform !== 'win32') rmSync(path, { force: true })
    },
  }
}
