// Owns finding a free port and waiting until a server answers there. Knows nothing of which server.
import { randomInt } from 'node:crypto'
import { createServer, connect } from 'node:net'
import type { Running } from './process.ts'

const isFree = (port: number): Promise<boolean> =>
  new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })

/** A port below those the system gives to outgoing connections, so that nobody takes it before the server does. */
export const freePort = async (): Promise<number> => {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(15_000, 32_000)
    if (await isFree(port)) return port
  }
  throw new Error('no free port in a hundred tries')
}

/** What the server says first, or `undefined` when nobody listens. */
const greeting = (port: number): Promise<string | undefined> =>
  new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    const done = (text: string | undefined): void => {
      socket.destroy()
      resolve(text)
    }
    socket.once('data', data => done(data.toString('latin1')))
    socket.once('error', () => done(undefined))
    socket.once('close', () => done(undefined))
  })

/** Waits until an SSH server greets on the port. Throws, with the server's log, when it ends or takes too long. */
export const answering = async (port: number, server: Running, seconds = 15): Promise<void> => {
  const until = Date.now() + seconds * 1000
  while (Date.now() < until) {
    if (server.ended) throw new Error(`${server.name} ended before it listened.\n${server.log()}`)
    const text = await Promise.race([greeting(port), server.exited.then(() => undefined)])
    if (text?.startsWith('SSH-2.0-') === true) return
    await new Promise(resolve => setTimeout(resolve, 15))
  }
  throw new Error(`${server.name} did not listen on port ${port} within ${seconds} s.\n${server.log()}`)
}
