// Owns what forwards lead to in tests: a service that counts what it gets, somebody who talks to one, and waiting for listeners.
// Knows nothing of SSH.
import { chmodSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { asking } from './proc.ts'
import { type Running, start, withinSeconds } from './process.ts'
import { world } from './world.ts'

/** A port of the loopback, or the path of a Unix socket. */
export type At = number | string

export const pause = (milliseconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, milliseconds))

export const reach = (at: At, host = '127.0.0.1'): Socket =>
  typeof at === 'string' ? connect({ path: at, allowHalfOpen: true }) : connect({ port: at, host, allowHalfOpen: true })

/** Sends so many bytes, ends, and gives what came; rejects when nobody listens. `before` is what is said first, to a proxy. */
export const exchange = (at: At, count = 300_000, host?: string, before?: (socket: Socket) => Promise<void>): Promise<string> =>
  withinSeconds(
    60,
    new Promise<string>((resolve, reject) => {
      const socket = reach(at, host)
      let said = ''
      const talk = (): void => {
        socket.on('data', data => (said += data.toString()))
        socket.end(Buffer.alloc(count))
      }
      socket.on('error', reject)
      socket.on('close', () => resolve(said))
      socket.on('connect', () => {
        if (before === undefined) talk()
        else before(socket).then(talk, reject)
      })
    }),
    () => `nothing came back from ${at}`,
  )

export interface Service extends AsyncDisposable {
  readonly at: At
  /** Connections that stand. */
  readonly open: number
}

const serving = async (path: string | undefined, taken: (socket: Socket) => void): Promise<Service> => {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    taken(socket)
  })
  await new Promise<void>(resolve => {
    if (path === undefined) server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve)
    else server.listen({ path, backlog: 4096 }, resolve)
  })
  if (path !== undefined) chmodSync(path, 0o777)
  return {
    at: path ?? (server.address() as AddressInfo).port,
    get open() {
      return sockets.size
    },
    async [Symbol.asyncDispose]() {
      for (const each of sockets) each.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Says how many bytes it got once that has ended; at a free port, or at a path. */
export const counting = (path?: string): Promise<Service> =>
  serving(path, socket => {
    let count = 0
    socket.on('data', data => (count += data.length))
    socket.on('end', () => socket.end(`${count} bytes`))
  })

/** Takes connections and never reads what is sent to it. */
export const deaf = (): Promise<Service> => serving(undefined, socket => socket.pause())

/** Sends back what it gets, at once. */
export const echoing = (): Promise<Service> => serving(undefined, socket => void socket.pipe(socket))

/** Sends for as long as somebody takes it. `sent` counts what the system has taken, of all connections. */
export const flooding = async (): Promise<Service & { sent(): number }> => {
  const flow = Buffer.alloc(65_536, 'flood')
  let over = 0
  const sockets = new Set<Socket>()
  const service = await serving(undefined, socket => {
    sockets.add(socket)
    const pour = (): void => {
      while (!socket.destroyed && socket.write(flow));
    }
    socket.on('drain', pour)
    socket.on('close', () => {
      sockets.delete(socket)
      over += socket.bytesWritten
    })
    pour()
  })
  return Object.assign(service, { sent: () => [...sockets].reduce((sum, each) => sum + each.bytesWritten - each.writableLength, over) })
}

/** A port that does not even refuse: its queue is full and its program is stopped, so the system drops what comes. */
export const silent = async (): Promise<AsyncDisposable & { readonly at: number }> => {
  const listens = `const server = require('node:net').createServer()
    server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(server.address().port))`
  const program = await start([process.execPath, '-e', listens], { name: 'a port that says nothing' })
  const at = Number(await new Promise<Buffer>(resolve => program.stdout.once('data', resolve)))
  program.kill('SIGSTOP')
  const fill: Socket[] = []
  // One that is asked for and not answered says that it is full; here nothing else takes as long.
  for (; asking(at) === 0; await pause(100)) fill.push(reach(at).on('error', () => {}))
  return {
    at,
    async [Symbol.asyncDispose]() {
      for (const each of fill) each.destroy()
      await program[Symbol.asyncDispose]()
    },
  }
}

let paths = 0
/** A path that the user of the world may make a socket at. */
export const userPath = (): string => `${world().home}/f${paths++}`

/** Waits until somebody listens. Throws, with the log of `program`, when it ends or takes too long. */
export const listening = async (at: At, program: Running, host?: string): Promise<void> => {
  for (let tries = 0; tries < 400; tries++) {
    if (program.ended) throw new Error(`${program.name} ended.\n${program.log()}`)
    const there = await new Promise<boolean>(resolve => {
      const socket = reach(at, host)
      socket.on('error', () => resolve(false))
      socket.on('connect', () => {
        socket.destroy()
        resolve(true)
      })
    })
    if (there) return
    await pause(25)
  }
  throw new Error(`nobody listens at ${at}.\n${program.log()}`)
}
