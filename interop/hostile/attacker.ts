// Owns a hostile peer at the end of a real TCP connection, and waiting for what it hears. Knows nothing of attacks.
import { connect, createServer, type Socket } from 'node:net'
import { type HostileOptions, HostilePeer, seededRandom } from 'nacre/testing'

/** Seconds until a wait is given up: for a victim that hangs, not for a machine that is slow. */
const patience = 30

/** A `HostilePeer` that speaks over a socket. */
export class Attacker {
  readonly hostile: HostilePeer
  readonly socket: Socket
  /** Its own port, by which its victim knows it. */
  readonly port: number
  /** Resolves when the socket is closed, whoever did it. */
  readonly closed: Promise<void>
  readonly #waiting = new Set<() => void>()

  constructor(role: 'client' | 'server', socket: Socket, options: HostileOptions = {}) {
    this.socket = socket
    this.port = socket.localPort ?? 0
    this.hostile = new HostilePeer(role, options, seededRandom(1))
    this.closed = new Promise(resolve => {
      socket.once('close', () => resolve())
    })
    // How the connection ends is what the tests look at; an attacker has no use for the error.
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.hostile.receive(Uint8Array.from(bytes))
      this.flush()
      for (const look of this.#waiting) look()
    })
    socket.once('close', () => {
      for (const look of this.#waiting) look()
    })
  }

  start(): this {
    this.hostile.start()
    this.flush()
    return this
  }

  /** Writes what the peer has to say. */
  flush(): void {
    for (let bytes = this.hostile.takeOutgoing(); bytes !== undefined; bytes = this.hostile.takeOutgoing()) {
      if (this.socket.writable) this.socket.write(bytes)
    }
  }

  /** Waits until `condition` holds; it is looked at whenever something came. */
  async until(condition: () => boolean, what: string): Promise<void> {
    this.flush()
    await within(
      new Promise<void>((resolve, reject) => {
        const look = (): void => {
          if (!condition() && !this.socket.closed) return
          this.#waiting.delete(look)
          if (condition()) resolve()
          else reject(new Error(`the connection closed before ${what}: ${this.hostile.goodbye?.description ?? 'no goodbye'}`))
        }
        this.#waiting.add(look)
        look()
      }),
      what,
    )
  }

  get exchanged(): boolean {
    return this.hostile.transport.established && !this.hostile.transport.exchanging
  }
}

/** Waits for `promise`; `what` says what was waited for in vain. */
export const within = async <T>(promise: Promise<T>, what: string, seconds = patience): Promise<T> => {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`waited ${seconds} s in vain until ${what}`)), seconds * 1000)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** Looks again and again until `condition` holds. */
export const eventually = async (condition: () => boolean, what: () => string, seconds = patience): Promise<void> => {
  for (const until = Date.now() + seconds * 1000; !condition(); await new Promise(resolve => setTimeout(resolve, 5)))
    if (Date.now() > until) throw new Error(`waited ${seconds} s in vain until ${what()}`)
}

/** A TCP connection from an address of this machine. */
export const dialFrom = async (port: number, localAddress = '127.0.0.1'): Promise<Socket> => {
  const socket = connect({ port, host: '127.0.0.1', localAddress, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => {
      socket.removeListener('error', reject)
      resolve()
    })
    socket.once('error', reject)
  })
  return socket
}

/** A hostile client that has connected. */
export const hostileClient = async (port: number, options: HostileOptions = {}): Promise<Attacker> =>
  new Attacker('client', await dialFrom(port), options)

/** A listener that gives every connection to `meet`. */
export const trap = async (meet: (socket: Socket) => void): Promise<{ readonly port: number } & AsyncDisposable> => {
  const server = createServer({ noDelay: true, allowHalfOpen: true }, meet)
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const at = server.address()
  return {
    port: typeof at === 'object' && at !== null ? at.port : 0,
    async [Symbol.asyncDispose]() {
      await new Promise<void>(resolve => {
        server.close(() => resolve())
      })
    },
  }
}
