// Owns `npm run soak`: a server and a client in processes of their own, rounds of connections, channels and bulk between
// them, a measurement of both at rest after each round, the table, and the verdict. Knows no SSH.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { seededRandom } from '../packages/nacre/src/testing/random.ts'
import type { Sample } from './soak/measure.ts'
import { lastingConnections, type Order, type Report, type RoundFigures } from './soak/messages.ts'
import { cuttingProxy } from './soak/proxy.ts'
import { growth, leftOver, warmUp } from './soak/trend.ts'

const { values } = parseArgs({
  options: {
    role: { type: 'string' },
    connections: { type: 'string', default: '10000' },
    channels: { type: 'string', default: '100000' },
    gib: { type: 'string', default: '10' },
    rounds: { type: 'string', default: '24' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    short: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const usage = `npm run soak -- [--connections 10000] [--channels 100000] [--gib 10] [--rounds 24] [--seed N]
npm run soak -- --short     a twentieth of that, in about 20 s`

/**
 * Bytes by which memory at rest may seem to grow after the warm-up: a few times what one sees without a leak. A short soak
 * ends before the engine that runs it has compiled all there is to compile.
 */
const flat = values.short ? 768 * 1024 : 384 * 1024
/** Milliseconds within which everything has gone that is going. A closed transport may linger for 2 s. */
const settling = 10_000

interface Half {
  readonly name: 'server' | 'client'
  readonly process: ChildProcess
  readonly samples: Sample[]
}

const short = values.short
const count = (text: string): number => Number(text) / (short ? 20 : 1)
const rounds = short ? 12 : Number(values.rounds)

const start = (role: Half['name']): Half => {
  const child = fork(import.meta.filename, [`--role=${role}`], {
    execArgv: ['--expose-gc', '--conditions=nacre-source', '--disable-warning=ExperimentalWarning'],
  })
  child.once('exit', code => {
    if (code === 0 || code === null) return
    console.error(`soak: the ${role} ended with code ${code}`)
    process.exit(1)
  })
  return { name: role, process: child, samples: [] }
}

const answer = async <K extends Report['is']>(half: Half, is: K, order?: Order): Promise<Extract<Report, { readonly is: K }>> => {
  const told = once(half.process, 'message')
  if (order !== undefined) half.process.send(order)
  const [report] = (await told) as [Report]
  if (report.is !== is) throw new Error(`the ${half.name} said "${report.is}" where "${is}" was due`)
  return report as Extract<Report, { readonly is: K }>
}

/** At rest: what goes has gone. `connections` is how many the server still has. */
const atRest = async (half: Half, settled: (sample: Sample, connections: number) => boolean, faults: string[]): Promise<Sample> => {
  const until = Date.now() + settling
  for (;;) {
    const report = await answer(half, 'sample', { is: 'measure' })
    faults.push(...report.faults.map(each => `${half.name}: ${each}`))
    if (settled(report.sample, report.connections) || Date.now() > until) return report.sample
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(2)
const columns = [
  'round',
  'connections',
  'cut',
  'channels',
  'GiB',
  'new keys',
  'server heap+ext MiB',
  'fds',
  'client heap+ext MiB',
  'fds',
  's',
]
const row = (cells: readonly (string | number)[]): string =>
  cells.map((cell, index) => String(cell).padStart(columns[index].length)).join('  ')
const memory = ({ heap, external }: Sample): number => heap + external

const verdict = (half: Half, before: Sample, after: Sample): readonly string[] => {
  const faults: string[] = []
  const grown = growth(half.samples.map(memory))
  const measured = half.samples.length - warmUp(half.samples.length)
  const of = `over ${measured} rounds`
  console.log(`${half.name}: memory ${grown >= 0 ? 'grew' : 'fell'} by ${mib(Math.abs(grown))} MiB ${of}; ${mib(flat)} MiB are flat`)
  if (grown > flat) faults.push(`the ${half.name}'s memory grows: ${mib(grown)} MiB ${of}`)
  if (after.descriptors > before.descriptors)
    faults.push(`the ${half.name} has ${after.descriptors - before.descriptors} more descriptors open than in the beginning`)
  const left = leftOver(before.resources, after.resources)
  if (left.length > 0) faults.push(`the ${half.name} has left ${left.join(', ')}`)
  return faults
}

const soak = async (): Promise<void> => {
  const plan = { connections: count(values.connections), channels: count(values.channels), bytes: count(values.gib) * 2 ** 30 }
  const seed = Number(values.seed)
  console.log(
    `${plan.connections} connections, ${plan.channels} channels, ${(plan.bytes / 2 ** 30).toFixed(2)} GiB in ${rounds} rounds; seed ${seed}`,
  )
  const server = start('server')
  const { port } = await answer(server, 'ready')
  const client = start('client')
  await answer(client, 'ready')
  const faults: string[] = []
  const before = { server: await atRest(server, () => true, faults), client: await atRest(client, () => true, faults) }
  const proxy = await cuttingProxy(port, seededRandom(seed))
  await answer(client, 'ready', { is: 'begin', port, cutPort: proxy.port, seed })
  console.log(row(columns))
  const total = { connections: 0, channels: 0, bytes: 0, exchanges: 0, cut: 0 }
  const began = performance.now()
  for (let round = 1; round <= rounds; round++) {
    const roundBegan = performance.now()
    const { figures } = await answer(client, 'round', {
      is: 'round',
      connections: share(plan.connections, round),
      channels: share(plan.channels, round),
      bytes: plan.bytes / rounds,
    })
    faults.push(...figures.faults.map(each => `round ${round}: ${each}`))
    for (const half of [server, client]) {
      const expected = before[half.name].descriptors + lastingConnections
      const sample = await atRest(half, ({ descriptors }) => descriptors <= expected, faults)
      half.samples.push(sample)
      if (sample.descriptors > expected)
        faults.push(`round ${round}: the ${half.name} has ${sample.descriptors} descriptors open, where ${expected} are in use`)
    }
    for (const name of ['connections', 'channels', 'bytes', 'exchanges', 'cut'] as const) total[name] += figures[name]
    print(round, figures, server, client, performance.now() - roundBegan)
    if (faults.length > 0) break
  }
  await answer(client, 'ready', { is: 'stop' })
  await proxy.close()
  const gone = (then: Sample) => (now: Sample, connections: number) =>
    connections === 0 && now.descriptors <= then.descriptors && leftOver(then.resources, now.resources).length === 0
  const after = {
    client: await atRest(client, gone(before.client), faults),
    server: await atRest(server, gone(before.server), faults),
  }
  console.log(
    `${total.connections} connections (${total.cut} cut off or given up), ${total.channels} channels, ${(total.bytes / 2 ** 30).toFixed(2)} GiB, ` +
      `${total.exchanges} key exchanges, ${((performance.now() - began) / 1000).toFixed(0)} s`,
  )
  if (faults.length === 0) faults.push(...verdict(server, before.server, after.server), ...verdict(client, before.client, after.client))
  server.process.disconnect()
  client.process.disconnect()
  for (const each of faults) console.log(`FAULT  ${each}`)
  console.log(faults.length === 0 ? 'flat, and nothing is left' : `FAILED, repeat it with --seed ${seed}`)
  process.exitCode = faults.length === 0 ? 0 : 1
}

/** What of `all` falls to a round: the sum over all rounds is `all`. */
const share = (all: number, round: number): number => Math.round((all * round) / rounds) - Math.round((all * (round - 1)) / rounds)

const print = (round: number, figures: RoundFigures, server: Half, client: Half, milliseconds: number): void => {
  const [serverNow, clientNow] = [server.samples.at(-1), client.samples.at(-1)]
  if (serverNow === undefined || clientNow === undefined) return
  console.log(
    row([
      round,
      figures.connections,
      figures.cut,
      figures.channels,
      (figures.bytes / 2 ** 30).toFixed(2),
      figures.exchanges,
      mib(memory(serverNow)),
      serverNow.descriptors,
      mib(memory(clientNow)),
      clientNow.descriptors,
      (milliseconds / 1000).toFixed(1),
    ]),
  )
}

if (values.help) console.log(usage)
else if (values.role === 'server') await (await import('./soak/server.ts')).serve()
else if (values.role === 'client') (await import('./soak/client.ts')).visit()
else await soak()
