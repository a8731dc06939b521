// Owns a way to a server that takes time: a relay that holds all bytes back for half of a delay each way, and is otherwise as
// fast as it can. What is on the way is bounded, as it is on a long line by its capacity. Knows nothing of what the bytes mean.
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Link extends AsyncDisposable {
  /** Where clients connect instead. */
  readonly port: number
}

/** Bytes on the way in one direction, at most: enough for 1 GiB/s over 100 ms. */
const capacity = 128 * 1024 * 1024

interface Travelling {
  readonly bytes: Buffer
  readonly due: number
}

/** Hands on what `from` says to `to`, `milliseconds` later, in order. */
const carry = (from: Socket, to: Socket, milliseconds: number): void => {
  const travelling: Travelling[] = []
  let front = 0
  let onTheWay = 0
  let timer: NodeJS.Timeout | undefined
  let ended = false
  const arrive = (): void => {
    timer = undefined
    const now = performance.now()
    to.cork()
    while (front < travelling.length && travelling[front].due <= now) {
      const { bytes } = travelling[front++]
      onTheWay -= bytes.length
      to.write(bytes)
    }
    to.uncork()
    if (front === travelling.length) {
      travelling.length = 0
      front = 0
      if (ended) to.end()
    } else if (front > 1024) {
      travelling.splice(0, front)
      front = 0
    }
    if (onTheWay < capacity && from.isPaused()) from.resume()
    wait()
  }
  const wait = (): void => {
    if (timer !== undefined || front === travelling.length) return
    timer = setTimeout(arrive, Math.max(0, travelling[front].due - performance.now()))
  }
  from.on('data', (bytes: Buffer) => {
    travelling.push({ bytes, due: performance.now() + milliseconds })
    onTheWay += bytes.length
    if (onTheWay >= capacity) from.pause()
    wait()
  })
  from.on('end', () => {
    ended = true
    if (front === travelling.length) setTimeout(() => to.end(), milliseconds)
  })
  from.on('error', () => to.destroy())
  from.on('close', () => {
    if (!ended) to.destroy()
  })
}

/** A link to `port` of this machine; `milliseconds` there and back together. */
export const delayedLink = async (port: number, milliseconds: number): Promise<Link> => {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, near => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    carry(near, far, milliseconds / 2)
    carry(far, near, milliseconds / 2)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the link listens nowhere')
  return {
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
