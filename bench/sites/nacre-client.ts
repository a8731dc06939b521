// Owns the nacre client that measures, and is measured. Knows nothing of which server it talks to.
import { type ClientConnection, connect, insecureAcceptAnyHostKey, loadSigner, type Process } from 'nacre'
import { serveCalls } from './calls.ts'
import { meter } from './meter.ts'
import { askAttributes, fileWork } from './nacre-files.ts'
import {
  type ChannelsArgs,
  chunkBytes,
  type ClientArgs,
  type FileArgs,
  type FilesMoved,
  hostKeyAlgorithm,
  kex as usualKex,
  type OpenKeyArgs,
  type Opened,
  type Repeated,
  type RepeatArgs,
  type Spent,
  type TransferArgs,
  type Transferred,
} from './types.ts'
import { amongOthers } from './turns.ts'

const chunk = new Uint8Array(chunkBytes)
const signers = new Map<string, ReturnType<typeof loadSigner>>()

const login = async ({ port, user, key, cipher, kex = usualKex }: ClientArgs): Promise<ClientConnection> => {
  const signer = signers.get(key) ?? loadSigner(key)
  signers.set(key, signer)
  return await connect(
    { host: '127.0.0.1', port, user },
    {
      config: false,
      hostKey: insecureAcceptAnyHostKey,
      auth: { signers: [await signer] },
      ...(cipher === undefined ? {} : { algorithms: { kex: [kex], hostKey: [hostKeyAlgorithm], ciphers: [cipher] } }),
    },
  )
}

const receive = async (process: Process, streams: boolean): Promise<number> => {
  let count = 0
  if (streams) for await (const bytes of process.stdout) count += bytes.length
  else {
    const errors = new TextDecoder()
    process.tap({
      stdout: bytes => {
        count += bytes.length
      },
      stderr: bytes => {
        said += errors.decode(bytes)
      },
    })
  }
  await process.exited
  return count
}

let said = ''

const give = async (process: Process, total: number, streams: boolean): Promise<void> => {
  let left = total
  if (streams) {
    const source = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (left > 0) controller.enqueue(left < chunk.length ? chunk.subarray(0, left) : chunk)
        left -= chunk.length
        if (left <= 0) controller.close()
      },
    })
    await source.pipeTo(process.stdin)
  } else {
    for (; left > 0; left -= chunk.length) {
      const waiting = process.write(left < chunk.length ? chunk.subarray(0, left) : chunk)
      if (waiting !== undefined) await waiting
    }
    await process.stdin.end()
  }
}

const held: ClientConnection[] = []

/** Logs in, does the work, leaves; `work` is what it took without coming and going. */
const withFiles =
  (work: (typeof fileWork)[string]) =>
  async (args: FileArgs): Promise<FilesMoved> => {
    const all = meter()
    const connection = await login(args)
    const files = await connection.sftp()
    const working = meter()
    await work(files, args)
    const worked = working().wall
    await connection.close()
    return { ...all(), work: worked }
  }

serveCalls({
  ...Object.fromEntries(Object.entries(fileWork).map(([name, work]) => [name, withFiles(work)])),

  openKey: ({ path, passphrase }: OpenKeyArgs): Promise<Opened> => amongOthers(() => loadSigner(path, { passphrase })),

  async stats(args: FileArgs): Promise<FilesMoved> {
    const all = meter()
    const connection = await login(args)
    const work = await askAttributes(connection, args)
    await connection.close()
    return { ...all(), work }
  },

  /** Connects, moves bytes one way, closes. */
  async transfer(args: TransferArgs): Promise<Transferred> {
    const read = meter()
    said = ''
    const connection = await login(args)
    const process = await connection.exec(args.command)
    const receiving = receive(process, args.streams === true && args.direction === 'down')
    if (args.direction === 'up') await give(process, args.bytes, args.streams === true)
    const count = await receiving
    await connection.close()
    if (args.direction === 'down' && count !== args.bytes) throw new Error(`${count} bytes came of ${args.bytes}`)
    return { ...read(), stderr: said }
  },

  /** Opens sessions one after the other, each on a connection of its own. */
  async sessions(args: RepeatArgs): Promise<Repeated> {
    const walls: number[] = []
    const all = meter()
    for (let i = 0; i < args.count; i++) {
      const one = meter()
      const connection = await login(args)
      const { code } = await connection.run(args.command)
      await connection.close()
      walls.push(one().wall)
      if (code !== 0) throw new Error(`"${args.command}" ended with ${code}`)
    }
    return { cpu: all().cpu, walls }
  },

  /** One byte there and back, again and again, on one channel. */
  async keystrokes(args: RepeatArgs): Promise<Repeated> {
    const connection = await login(args)
    const process = await connection.exec(args.command)
    const walls: number[] = []
    const byte = new Uint8Array(1)
    const all = meter()
    await new Promise<void>(resolve => {
      let started = 0
      const press = (): void => {
        started = performance.now()
        void process.write(byte)
      }
      process.tap({
        stdout: () => {
          walls.push((performance.now() - started) / 1000)
          if (walls.length === args.count) resolve()
          else press()
        },
        stderr: () => {},
      })
      press()
    })
    const { cpu } = all()
    await connection.close()
    return { cpu, walls }
  },

  /** Opens all connections at once, runs a command on each, and closes them when all have run theirs. */
  async crowd(args: RepeatArgs): Promise<Spent> {
    const all = meter()
    const visit = async (): Promise<ClientConnection> => {
      const connection = await login(args)
      const { code } = await connection.run(args.command)
      if (code !== 0) throw new Error(`"${args.command}" ended with ${code}`)
      return connection
    }
    const connections = await Promise.all(Array.from({ length: args.count }, visit))
    await Promise.all(connections.map(connection => connection.close()))
    return all()
  },

  /** Opens and closes channels on one connection, some at a time, and runs a command on each. */
  async channels(args: ChannelsArgs): Promise<Spent> {
    const connection = await login(args)
    const all = meter()
    let left = args.count
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left--
        const { code } = await connection.run(args.command)
        if (code !== 0) throw new Error(`"${args.command}" ended with ${code}`)
      }
    }
    await Promise.all(Array.from({ length: args.lanes }, lane))
    const spent = all()
    await connection.close()
    return spent
  },

  /** Opens connections with one running session each and keeps them. */
  async hold(args: RepeatArgs): Promise<void> {
    const lanes = 8
    let left = args.count
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left--
        const connection = await login(args)
        const process = await connection.exec(args.command)
        process.tap({ stdout: () => {}, stderr: () => {} })
        held.push(connection)
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
  },

  async release(): Promise<void> {
    await Promise.all(held.splice(0).map(connection => connection.close()))
  },
})
