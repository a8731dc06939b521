// Owns a relay between clients and a server that cuts each connection at some moment: after so many bytes, or after some
// time, politely or with a reset, in the middle of anything. Knows no SSH.
import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { SeededRandom } from 'nacre/testing'

/** Most bytes and milliseconds a connection lasts; small figures are as likely as large ones. */
const mostBytes = 300_000
const mostMilliseconds = 400

const spread = (random: SeededRandom, most: number): number => Math.floor(most ** (random.below(1_000_001) / 1_000_000))

export interface CuttingProxy {
  readonly port: number
  /** Connections it cut so far. */
  readonly cuts: number
  close(): Promise<void>
}

export const cuttingProxy = async (target: number, random: SeededRandom): Promise<CuttingProxy> => {
  let cuts = 0
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, near => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    let left = spread(random, mostBytes)
    const reset = random.oneIn(2)
    const cut = (): void => {
      clearTimeout(timer)
      if (near.destroyed && far.destroyed) return
      cuts++
      for (const socket of [near, far]) {
        if (reset) socket.resetAndDestroy()
        else socket.destroy()
      }
    }
    const timer = setTimeout(cut, spread(random, mostMilliseconds))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      sockets.add(from)
      from.on('data', (bytes: Buffer) => {
        // The last bytes before the cut go through in part.
        to.write(bytes.subarray(0, Math.max(0, left)))
        left -= bytes.length
        if (left <= 0) cut()
      })
      from.on('end', () => to.end())
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
        if (near.destroyed && far.destroyed) clearTimeout(timer)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const at = server.address()
  return {
    port: typeof at === 'object' && at !== null ? at.port : 0,
    get cuts() {
      return cuts
    },
    async close() {
      for (const each of sockets) each.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
