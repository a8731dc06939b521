// Owns the client's process of a soak: connections that come and go, channels on them, a few connections that last and move
// bulk, and calls that are given up half way. What must succeed is checked. Knows nothing of trends.
import { type ClientConnection, connect, insecureAcceptAnyHostKey, Secret } from 'nacre'
import { seededRandom, type SeededRandom } from 'nacre/testing'
import { takeSample } from './measure.ts'
import { lastingConnections, type Order, type RoundFigures, StreamCheck, streamBytes, tell } from './messages.ts'
import { soakPassword, soakUser } from './server.ts'

/** Connections under way at the same time. */
const lanes = 16
/** Bytes through one channel of the lasting connections, and under one key. */
const bulkBytes = 64 * 2 ** 20
const bulkRekey = { bytes: 4 * 2 ** 20 }
/** One connection in so many is cut off by the proxy; one in so many is given up by its program. */
const cutOneIn = 8
const givenUpOneIn = 40
/** No single operation takes as many milliseconds: it hangs. */
const patience = 120_000

interface Counts {
  connections: number
  cut: number
  channels: number
  bytes: number
  exchanges: number
  faults: string[]
}

class SoakClient {
  readonly #port: number
  readonly #cutPort: number
  readonly #random: SeededRandom
  #lasting: ClientConnection[] = []
  #counts: Counts = { connections: 0, cut: 0, channels: 0, bytes: 0, exchanges: 0, faults: [] }

  constructor(port: number, cutPort: number, seed: number) {
    this.#port = port
    this.#cutPort = cutPort
    this.#random = seededRandom(seed)
  }

  async begin(): Promise<void> {
    for (let i = 0; i < lastingConnections; i++) this.#lasting.push(await this.#connect(this.#port, { rekey: bulkRekey }))
  }

  async end(): Promise<void> {
    await Promise.all(this.#lasting.map(each => each.close()))
    this.#lasting = []
  }

  async round(connections: number, channels: number, bytes: number): Promise<RoundFigures> {
    this.#counts = { connections: 0, cut: 0, channels: 0, bytes: 0, exchanges: 0, faults: [] }
    let left = connections
    const lane = async (): Promise<void> => {
      while (left > 0) {
        // What is left over of an uneven division goes to the first ones.
        const share = Math.ceil((channels - this.#counts.channels) / Math.max(1, left + lanes))
        left--
        await this.#connection(share)
      }
    }
    await Promise.all([
      ...Array.from({ length: lanes }, lane),
      ...this.#lasting.map(each => this.#bulk(each, bytes / lastingConnections)),
      this.#missingChannels(channels, () => left <= 0),
    ])
    return this.#counts
  }

  /** Cut connections have fewer channels than planned; a lasting one makes up for them in the end. */
  async #missingChannels(channels: number, over: () => boolean): Promise<void> {
    while (!over()) await new Promise(resolve => setTimeout(resolve, 20))
    const [connection] = this.#lasting
    while (this.#counts.channels < channels) await this.#channel(connection)
  }

  async #connect(
    port: number,
    options: { readonly rekey?: { readonly bytes: number }; readonly signal?: AbortSignal } = {},
  ): Promise<ClientConnection> {
    return await connect(`127.0.0.1:${port}`, {
      config: false,
      user: soakUser,
      hostKey: insecureAcceptAnyHostKey,
      auth: { password: new Secret(soakPassword) },
      onProgress: event => {
        if (event.is === 'exchanged') this.#counts.exchanges++
      },
      ...options,
    })
  }

  async #connection(channels: number): Promise<void> {
    const cut = this.#random.oneIn(cutOneIn)
    const givenUp = !cut && this.#random.oneIn(givenUpOneIn)
    const ended = cut || givenUp ? 'cut' : 'whole'
    this.#counts.connections++
    if (ended === 'cut') this.#counts.cut++
    const abort = new AbortController()
    const timer = givenUp ? setTimeout(() => abort.abort(new Error('given up')), this.#random.below(60)) : undefined
    try {
      const connection = await this.#timely(
        'connect',
        this.#connect(cut ? this.#cutPort : this.#port, givenUp ? { signal: abort.signal } : {}),
      )
      try {
        for (let done = 0; done < channels;) {
          const together = Math.min(channels - done, 1 + this.#random.below(4))
          done += together
          const outcomes = await Promise.allSettled(Array.from({ length: together }, () => this.#channel(connection)))
          for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
        }
      } finally {
        await this.#timely('close', connection.close())
      }
    } catch (error) {
      if (ended === 'whole') this.#fault(error)
    } finally {
      clearTimeout(timer)
    }
  }

  #fault(error: unknown): void {
    if (this.#counts.faults.length < 10) this.#counts.faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }

  async #timely<T>(what: string, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new Error(`${what} takes longer than ${patience} ms`)
        // It must not pass for a connection that was cut.
        this.#fault(error)
        reject(error)
      }, patience)
    })
    try {
      return await Promise.race([work, late])
    } finally {
      clearTimeout(timer)
    }
  }

  async #channel(connection: ClientConnection): Promise<void> {
    this.#counts.channels++
    const draw = this.#random.below(20)
    if (draw < 8) await this.#exit(connection, this.#random.below(200))
    else if (draw < 11) await this.#get(connection, this.#random.below(40_000))
    else if (draw < 14) await this.#put(connection, this.#random.below(40_000))
    else if (draw < 16) await this.#copy(connection, this.#random.below(40_000))
    else if (draw < 18) await this.#hang(connection)
    else if (draw < 19) await this.#exit(connection, 1, 'fail')
    else await this.#refused(connection)
  }

  async #exit(connection: ClientConnection, code: number, command = `exit ${code}`): Promise<void> {
    const result = await this.#timely(command, connection.run(command))
    if (result.code !== code) throw new Error(`"${command}" ended with ${JSON.stringify(result.exit)}`)
  }

  async #get(connection: ClientConnection, count: number): Promise<void> {
    const process = await this.#timely('exec', connection.exec(`give ${count}`))
    const check = new StreamCheck()
    let right = true
    process.tap({
      stdout: bytes => {
        right &&= check.take(bytes)
        this.#counts.bytes += bytes.length
      },
      stderr: () => {},
    })
    await this.#timely(`give ${count}`, process.exited)
    if (!right || check.count !== count) throw new Error(`of ${count} bytes ${check.count} came, ${right ? 'right' : 'wrong'} ones`)
  }

  async #put(connection: ClientConnection, count: number): Promise<void> {
    const process = await this.#timely('exec', connection.exec(`take ${count}`))
    for (let sent = 0; sent < count;) {
      const bytes = streamBytes(sent, count - sent)
      sent += bytes.length
      const waiting = process.write(bytes)
      if (waiting !== undefined) await this.#timely('write', waiting)
    }
    this.#counts.bytes += count
    await process.stdin.close()
    const exit = await this.#timely(`take ${count}`, process.exited)
    if (!('code' in exit && exit.code === 0))
      throw new Error(`the server did not get ${count} bytes as they were sent: ${JSON.stringify(exit)}`)
  }

  async #copy(connection: ClientConnection, count: number): Promise<void> {
    const process = await this.#timely('exec', connection.exec('copy'))
    const writer = process.stdin.getWriter()
    const write = async (): Promise<void> => {
      await writer.write(streamBytes(0, count))
      await writer.close()
    }
    const check = new StreamCheck()
    const read = async (): Promise<void> => {
      for await (const bytes of process.stdout) if (!check.take(bytes)) throw new Error('the copy is not what was sent')
    }
    await this.#timely('copy', Promise.all([write(), read()]))
    await this.#timely('copy', process.exited)
    if (check.count !== count) throw new Error(`of a copy of ${count} bytes ${check.count} came`)
    this.#counts.bytes += 2 * count
  }

  async #hang(connection: ClientConnection): Promise<void> {
    const process = await this.#timely('exec', connection.exec('hang'))
    process.close()
    await this.#timely('hang', process.exited)
  }

  async #refused(connection: ClientConnection): Promise<void> {
    const outcome = await this.#timely(
      'subsystem',
      connection.subsystem('no-such-thing').then(
        () => 'accepted',
        (error: Error) => error.name,
      ),
    )
    if (outcome === 'accepted') throw new Error('a subsystem that does not exist was accepted')
    if (outcome !== 'RequestRefusedError') throw new Error(`a subsystem that does not exist failed with ${outcome}`)
  }

  async #bulk(connection: ClientConnection, bytes: number): Promise<void> {
    try {
      for (let left = Math.ceil(bytes); left > 0;) {
        const count = Math.min(left, bulkBytes)
        left -= count
        if (this.#random.oneIn(2)) await this.#get(connection, count)
        else await this.#put(connection, count)
      }
    } catch (error) {
      this.#fault(error)
    }
  }
}

export const visit = (): void => {
  let client: SoakClient | undefined
  const stray: string[] = []
  process.on('unhandledRejection', error => stray.push(`unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`))
  process.on('message', (order: Order) => {
    void (async () => {
      if (order.is === 'begin') {
        client = new SoakClient(order.port, order.cutPort, order.seed)
        await client.begin()
        tell({ is: 'ready', port: order.port })
      } else if (order.is === 'round' && client !== undefined) {
        const figures = await client.round(order.connections, order.channels, order.bytes)
        tell({ is: 'round', figures: { ...figures, faults: [...figures.faults, ...stray.splice(0)] } })
      } else if (order.is === 'measure') {
        tell({ is: 'sample', sample: await takeSample(), connections: 0, faults: stray.splice(0) })
      } else if (order.is === 'stop') {
        await client?.end()
        client = undefined
        tell({ is: 'ready', port: 0 })
      }
    })().catch((error: unknown) => {
      console.error(error)
      process.exit(1)
    })
  })
  process.on('disconnect', () => process.exit(0))
  tell({ is: 'ready', port: 0 })
}
