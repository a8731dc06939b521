// Owns crowds of connections that come to a server and go no further than they are told. Knows nothing of the server.
import type { Socket } from 'node:net'
import { type ClientConnection, SshError } from 'nacre'
import { Attacker, dialFrom } from '../hostile/attacker.ts'

/** How far a connection comes. */
export type Reach = 'nothing' | 'identification' | 'KEXINIT'
export const reaches: readonly Reach[] = ['nothing', 'identification', 'KEXINIT']

const go = (socket: Socket, reach: Reach): void => {
  if (reach === 'KEXINIT') {
    const attacker = new Attacker('client', socket)
    attacker.hostile.ignoresExchanges = true
    attacker.start()
    return
  }
  socket.on('error', () => {})
  socket.resume()
  if (reach === 'identification') socket.write('SSH-2.0-halfway\r\n')
}

/** Connections that stay until the server ends them. */
export class Crowd implements AsyncDisposable {
  readonly #port: number
  readonly #sources: readonly string[]
  readonly #open = new Set<Socket>()
  /** How many have come. */
  came = 0

  /** `sources` are addresses of this machine, used in turn. */
  constructor(port: number, sources: readonly string[] = ['127.0.0.2']) {
    this.#port = port
    this.#sources = sources
  }

  get open(): number {
    return this.#open.size
  }

  async join(reach: Reach): Promise<Socket | undefined> {
    const number = this.came++
    let socket: Socket
    try {
      socket = await dialFrom(this.#port, this.#sources[number % this.#sources.length])
    } catch {
      // Reset as soon as it was there: the server has turned it away.
      return undefined
    }
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    // Whoever is told to go goes.
    socket.once('end', () => socket.destroy())
    go(socket, reach)
    return socket
  }

  /** So many at once, of all kinds. */
  async rush(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, (_, index) => this.join(reaches[index % reaches.length])))
  }

  /** So many each second, for so many seconds, of all kinds. Late ones are made up for: the rate is kept. */
  async stream(rate: number, seconds: number): Promise<void> {
    const began = performance.now()
    for (let made = 0; made < rate * seconds;) {
      const due = Math.min(rate * seconds, Math.floor(((performance.now() - began) / 1000) * rate) + 1)
      for (; made < due; made++) void this.join(reaches[made % reaches.length])
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#open) socket.destroy()
    await new Promise(resolve => setImmediate(resolve))
  }
}

/**
 * Logs in as somebody does who was told to come again: at once, then every tenth of a second. Throws when `seconds` have
 * passed, which is how long the server gives a login.
 */
export const persistentLogin = async (login: () => Promise<ClientConnection>, seconds: number): Promise<ClientConnection> => {
  for (const until = performance.now() + seconds * 1000; ;) {
    try {
      return await login()
    } catch (error) {
      if (!(error instanceof SshError) || performance.now() > until) throw error
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  }
}
