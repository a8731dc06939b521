// Owns the floor of an idle connection: a socket of Node at either end and one small object, and no SSH. Knows nothing of who
// measures.
import type { Socket } from 'node:net'
import { connected, left, listening } from './bare-sockets.ts'
import { serveCalls } from './calls.ts'
import type { Repeated, TurnsArgs } from './types.ts'

class Connection {
  readonly socket: Socket
  #come = 0
  constructor(socket: Socket) {
    this.socket = socket
  }
  read(bytes: Uint8Array): void {
    this.#come += bytes.length
    this.socket.write(bytes.slice())
  }
  get come(): number {
    return this.#come
  }
}

/** Who is connected, as every server knows. */
const connections = new Set<Connection>()
const held: Socket[] = []
const greeting = new Uint8Array(36)

/** Connects and waits for an echo, so that both ends have read and written. */
const visit = async (port: number): Promise<Socket> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const socket = await connected(port, () => resolve())
  socket.write(greeting)
  await promise
  return socket
}

serveCalls({
  listen: () =>
    listening(socket => {
      const connection = new Connection(socket)
      connections.add(connection)
      socket.on('close', () => connections.delete(connection))
      return bytes => connection.read(bytes)
    }),

  async sessions({ port, count }: TurnsArgs): Promise<Repeated> {
    for (let i = 0; i < count; i++) await left(await visit(port))
    return { cpu: 0, walls: [] }
  },

  async hold({ port, count }: TurnsArgs): Promise<void> {
    for (let i = 0; i < count; i++) held.push(await visit(port))
  },

  async release(): Promise<void> {
    await Promise.all(held.splice(0).map(left))
  },
})
