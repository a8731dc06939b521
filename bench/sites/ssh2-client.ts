// Owns the client made of npm's ssh2, with the same work as ours. Knows nothing of which server it talks to.
import { readFileSync } from 'node:fs'
import { serveCalls } from './calls.ts'
import { meter } from './meter.ts'
import { fileWork, workWithFiles } from './ssh2-file-client.ts'
import { type Channel, type Client, options, type ParsedKey, parsedKey, ssh2 } from './ssh2.ts'
import {
  type ChannelsArgs,
  chunkBytes,
  type ClientArgs,
  type FileArgs,
  type FilesMoved,
  hostKeyAlgorithm,
  kex,
  type OpenKeyArgs,
  type Opened,
  type Repeated,
  type RepeatArgs,
  type Spent,
  type TransferArgs,
  type Transferred,
} from './types.ts'
import { amongOthers } from './turns.ts'

const chunk = Buffer.alloc(chunkBytes)

const keys = new Map<string, ParsedKey>()

const keyIn = (path: string): ParsedKey => {
  const key = keys.get(path) ?? parsedKey(readFileSync(path))
  keys.set(path, key)
  return key
}

const login = (args: ClientArgs): Promise<Client> =>
  new Promise((resolve, reject) => {
    const client = new ssh2.Client()
    client.on('error', reject)
    client.on('connect', () => {
      if (options.noDelay) client.setNoDelay(true)
    })
    client.on('ready', () => resolve(client))
    client.connect({
      host: '127.0.0.1',
      port: args.port,
      username: args.user,
      // The same as with `privateKey`, which takes no key that is parsed already.
      authHandler: [
        { type: 'none', username: args.user },
        { type: 'publickey', username: args.user, key: keyIn(args.key) },
      ],
      hostVerifier: () => true,
      ...(args.cipher === undefined
        ? {}
        : { algorithms: { kex: [args.kex ?? kex], serverHostKey: [hostKeyAlgorithm], cipher: [args.cipher] } }),
    })
  })

const exec = (client: Client, command: string): Promise<Channel> =>
  new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => (error === undefined ? resolve(channel) : reject(error)))
  })

const leave = (client: Client): Promise<void> =>
  new Promise(resolve => {
    client.on('close', resolve)
    client.end()
  })

/** Runs a command to its end. Rejects unless it ends well. */
const run = (client: Client, command: string): Promise<void> =>
  new Promise((resolve, reject) => {
    client.exec(command, (error, channel) => {
      if (error !== undefined) {
        reject(error)
        return
      }
      let code: number | null = null
      channel.on('exit', status => {
        code = status
      })
      channel.on('close', () => (code === 0 ? resolve() : reject(new Error(`"${command}" ended with ${String(code)}`))))
      channel.resume()
      channel.stderr.resume()
    })
  })

const give = (channel: Channel, total: number): void => {
  let left = total
  const more = (): void => {
    while (left > 0) {
      const piece = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= piece.length
      if (!channel.write(piece)) {
        channel.once('drain', more)
        return
      }
    }
    channel.end()
  }
  more()
}

/** Logs in, does the work, leaves; `work` is what it took without coming and going. */
const withFiles =
  (work: (typeof fileWork)[string]) =>
  async (args: FileArgs): Promise<FilesMoved> => {
    const all = meter()
    const client = await login(args)
    const working = meter()
    await workWithFiles(client, work, args)
    const worked = working().wall
    await leave(client)
    return { ...all(), work: worked }
  }

serveCalls({
  ...Object.fromEntries(Object.entries(fileWork).map(([name, work]) => [name, withFiles(work)])),

  async transfer(args: TransferArgs): Promise<Transferred> {
    const read = meter()
    const client = await login(args)
    const channel = await exec(client, args.command)
    let count = 0
    channel.on('data', (bytes: Buffer) => {
      count += bytes.length
    })
    channel.stderr.resume()
    const closed = new Promise<void>(resolve => channel.on('close', () => resolve()))
    if (args.direction === 'up') give(channel, args.bytes)
    await closed
    await leave(client)
    if (args.direction === 'down' && count !== args.bytes) throw new Error(`${count} bytes came of ${args.bytes}`)
    return { ...read(), stderr: '' }
  },

  async sessions(args: RepeatArgs): Promise<Repeated> {
    const walls: number[] = []
    const all = meter()
    for (let i = 0; i < args.count; i++) {
      const one = meter()
      const client = await login(args)
      await run(client, args.command)
      await leave(client)
      walls.push(one().wall)
    }
    return { cpu: all().cpu, walls }
  },

  async crowd(args: RepeatArgs): Promise<Spent> {
    const all = meter()
    const visit = async (): Promise<Client> => {
      const client = await login(args)
      await run(client, args.command)
      return client
    }
    const clients = await Promise.all(Array.from({ length: args.count }, visit))
    await Promise.all(clients.map(leave))
    return all()
  },

  async channels(args: ChannelsArgs): Promise<Spent> {
    const client = await login(args)
    const all = meter()
    let left = args.count
    const lane = async (): Promise<void> => {
      while (left > 0) {
        left--
        await run(client, args.command)
      }
    }
    await Promise.all(Array.from({ length: args.lanes }, lane))
    const spent = all()
    await leave(client)
    return spent
  },

  openKey: ({ path, passphrase }: OpenKeyArgs): Promise<Opened> =>
    amongOthers(() => {
      const key = ssh2.utils.parseKey(readFileSync(path), passphrase)
      if (key instanceof Error) throw key
    }),

  async keystrokes(args: RepeatArgs): Promise<Repeated> {
    const client = await login(args)
    const channel = await exec(client, args.command)
    const walls: number[] = []
    const byte = Buffer.alloc(1)
    const all = meter()
    await new Promise<void>(resolve => {
      let started = 0
      const press = (): void => {
        started = performance.now()
        channel.write(byte)
      }
      channel.on('data', () => {
        walls.push((performance.now() - started) / 1000)
        if (walls.length === args.count) resolve()
        else press()
      })
      press()
    })
    const { cpu } = all()
    await leave(client)
    return { cpu, walls }
  },
})
