// Owns the floor of a keystroke: a socket of Node at either end that echoes as many bytes as an encrypted keystroke has, and
// no SSH. Knows nothing of who measures.
import { connect, createServer, type Socket } from 'node:net'
import { serveCalls } from './calls.ts'
import { meter } from './meter.ts'
import type { Repeated, RepeatArgs } from './types.ts'

/** One byte in CHANNEL_DATA, padded to whole blocks, with length and tag. */
const packet = Buffer.alloc(36)

const connected = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })

serveCalls({
  listen: () =>
    new Promise<number>(resolve => {
      const server = createServer({ noDelay: true }, socket => {
        socket.on('data', () => socket.write(packet))
        socket.on('error', () => {})
      })
      server.listen(0, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      })
    }),

  async keystrokes({ port, count }: RepeatArgs): Promise<Repeated> {
    const socket = await connected(port)
    const walls: number[] = []
    const all = meter()
    await new Promise<void>(resolve => {
      let started = 0
      const press = (): void => {
        started = performance.now()
        socket.write(packet)
      }
      socket.on('data', () => {
        walls.push((performance.now() - started) / 1000)
        if (walls.length === count) resolve()
        else press()
      })
      press()
    })
    const { cpu } = all()
    socket.destroy()
    return { cpu, walls }
  },
})
