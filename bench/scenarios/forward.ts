// Owns forwarded connections: `ssh -L` and `nacre ssh -L` through `nacre sshd` and OpenSSH's, bytes each way and new connections.
// What is connected to, and who connects, are this process. Knows nothing of tables.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { freePort } from '../../interop/rig/port.ts'
import { type Running, start } from '../../interop/rig/process.ts'
import { buildCommands, nacreCommand } from '../rig/build.ts'
import { sshOptionsAt } from '../rig/client.ts'
import type { Comparison, Contender, Figures, Scenario, Settings } from '../rig/scenario.ts'
import { type ServerEnd, sshdServer, withAccelerator } from '../rig/server.ts'
import { cpuOfTree } from '../rig/usage.ts'
import { type Direction, gcm } from '../sites/types.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30
const warmUpBytes = 96 * MiB
const lanes = 16
const patience = 10_000

const programs = { OpenSSH: ['ssh'], nacre: [process.execPath, nacreCommand, 'ssh'] } as const
const daemons = { OpenSSH: ['/usr/sbin/sshd'], nacre: [process.execPath, nacreCommand, 'sshd'] } as const
type Kind = keyof typeof programs

interface Target extends AsyncDisposable {
  readonly port: number
}

const chunk = Buffer.alloc(64 * 1024)

/** Sends so many bytes as they are taken, then the end. */
const pour = (socket: Socket, bytes: number): void => {
  let left = bytes
  const more = (): void => {
    while (left > 0) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= piece.length
      if (!socket.write(piece)) {
        socket.once('drain', more)
        return
      }
    }
    socket.end()
  }
  more()
}

/** Is told by eight bytes how many to send; sends as many, or counts what comes until the end and says that it has come. */
const target = async (): Promise<Target> => {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      socket.on('end', () => pour(socket, Number(first.readBigUInt64BE())))
      socket.resume()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** One connection: so many bytes up, then so many down. Rejects when fewer come. */
const exchange = (port: number, up: number, down: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    let got = 0
    const head = Buffer.alloc(8)
    head.writeBigUInt64BE(BigInt(down))
    socket.on('connect', () => {
      socket.write(head)
      pour(socket, up)
    })
    socket.on('data', data => (got += data.length))
    socket.on('error', reject)
    socket.on('close', () => (got === down ? resolve() : reject(new Error(`${got} bytes came of ${down}`))))
  })

/** The client's program, once what it forwards can be used. */
const forwarding = async (kind: Kind, server: ServerEnd, to: number): Promise<Running & { readonly at: number }> => {
  const at = await freePort()
  const words = ['-N', '-L', `${at}:127.0.0.1:${to}`, ...sshOptionsAt(server, gcm)]
  const running = await start([...programs[kind], ...words], { name: `${kind} ssh`, env: withAccelerator(false) })
  const until = performance.now() + patience
  for (;;) {
    try {
      await exchange(at, 0, 1)
      return Object.assign(running, { at })
    } catch (error) {
      if (running.ended || performance.now() > until) {
        await running[Symbol.asyncDispose]()
        throw new Error(`${kind} ssh forwards nothing.\n${running.log()}`, { cause: error })
      }
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

const moved = (at: number, direction: Direction, bytes: number): Promise<void> =>
  direction === 'up' ? exchange(at, bytes, 0) : exchange(at, 0, bytes)

const contender = (client: Kind, server: Kind, settings: Settings): Contender => ({
  name: `${client} through ${server}`,
  async measure() {
    buildCommands()
    await using there = await sshdServer(gcm, daemons[server])
    await using end = await target()
    await using here = await forwarding(client, there, end.port)
    const figures: Record<string, number> = {}
    for (const direction of ['down', 'up'] as const) {
      await moved(here.at, direction, warmUpBytes)
      const before = { server: cpuOfTree(there.pid), client: cpuOfTree(here.pid), at: performance.now() }
      await moved(here.at, direction, settings.bytes)
      const seconds = (performance.now() - before.at) / 1000
      figures[`${direction}.rate`] = settings.bytes / MiB / seconds
      figures[`${direction}.server`] = ((cpuOfTree(there.pid) - before.server) * GiB) / settings.bytes
      figures[`${direction}.client`] = ((cpuOfTree(here.pid) - before.client) * GiB) / settings.bytes
    }
    const count = Math.ceil(4000 / settings.divisor)
    const crowd = async (total: number): Promise<void> => {
      let left = total
      const lane = async (): Promise<void> => {
        while (left-- > 0) await exchange(here.at, 1, 1)
      }
      await Promise.all(Array.from({ length: lanes }, lane))
    }
    await crowd(Math.ceil(count / 4))
    const before = { server: cpuOfTree(there.pid), at: performance.now() }
    await crowd(count)
    figures['connections'] = (1000 * count) / (performance.now() - before.at)
    figures['connection.server'] = (1e6 * (cpuOfTree(there.pid) - before.server)) / count
    return figures satisfies Figures
  },
})

const rows = (work: string, ours: string): readonly Comparison[] => {
  const row = (what: string, unit: Comparison['unit'], figure: string): Comparison => ({
    work: `${work}, ${what}`,
    beside: 'OpenSSH, both ends',
    unit,
    ours: [ours, figure],
    theirs: ['OpenSSH through OpenSSH', figure],
  })
  return [
    row('down', 'MiB/s', 'down.rate'),
    row('up', 'MiB/s', 'up.rate'),
    row('down, CPU of the server', 's/GiB', 'down.server'),
    row('up, CPU of the server', 's/GiB', 'up.server'),
    row('down, CPU of the client', 's/GiB', 'down.client'),
    row('up, CPU of the client', 's/GiB', 'up.client'),
    row('new connections', '/s', 'connections'),
    row('a new connection, CPU of the server', 'µs', 'connection.server'),
  ]
}

export const forward: Scenario = {
  name: 'forward',
  about: '-L: bytes each way and new connections, with either client through either server',
  title: 'Forwarding',
  prose: [
    `A port forwarded by \`-L\`, with AES-GCM: bytes each way over one forwarded connection, and new connections, ${lanes} at a time, over which a byte goes each way. Who connects and what is connected to share one process, which costs all the same.`,
  ],
  mostRounds: 3,
  contenders: settings =>
    settings.probe === undefined
      ? [
          contender('OpenSSH', 'OpenSSH', settings),
          contender('OpenSSH', 'nacre', settings),
          contender('nacre', 'OpenSSH', settings),
          contender('nacre', 'nacre', settings),
        ]
      : [],
  comparisons: [
    ...rows('ssh -L through nacre sshd', 'OpenSSH through nacre'),
    ...rows('nacre ssh -L through sshd', 'nacre through OpenSSH'),
    ...rows('nacre ssh -L through nacre sshd', 'nacre through nacre'),
  ],
}
