// Owns many clients in one process: all connect at once, each runs a command, and none leaves before all have. One fast
// server for all of them. Knows nothing of tables.
import { bareClient, goClient, loginAt, nacreClient, ssh2Client } from '../rig/client.ts'
import { heapProbed, pair, probed } from '../rig/contender.ts'
import { besideAll, type Comparison, type Contender, type Scenario, type Settings } from '../rig/scenario.ts'
import { bareServer, goServer, nacreServer, type ServerEnd } from '../rig/server.ts'
import type { Site } from '../rig/site.ts'
import { peakOf, startPeak } from '../rig/usage.ts'
import { gcm, type Spent } from '../sites/types.ts'

const crowd = 1000
/** Crowds that come and go before the measured one. */
const warmUp = { crowds: 6, of: 100 }
const patience = 240

const contender = (
  name: string,
  settings: Settings,
  startClient: () => Promise<Site>,
  startServer: () => Promise<ServerEnd> = () => (settings.peers.go ? goServer(gcm) : nacreServer(gcm)),
): Contender =>
  pair(name, startServer, startClient, async both => {
    const { server, client } = both
    const come = (count: number): Promise<Spent> =>
      client.call('crowd', { ...loginAt(server, gcm), command: server.nothing, count }, patience)
    for (let i = 0; i < warmUp.crowds; i++) await come(warmUp.of)
    const count = Math.ceil(crowd / settings.divisor)
    await probed(settings, `clients ${name}`, both, count, () => come(count))
    await heapProbed(settings, `clients ${name}`, both, count, async () => {
      if (settings.probe?.kind === 'heap') await client.call('hold', { ...loginAt(server, gcm), command: server.hold, count }, patience)
    })
    await client.call('settle')
    const before = startPeak(client.pid)
    const { cpu, wall } = await come(count)
    const peak = peakOf(client.pid)
    return { cpu: (1000 * cpu) / count, wall, before: before / 1024, peak: peak / 1024, grown: (peak - before) / count }
  })

const contenders = (settings: Settings): readonly Contender[] => {
  const { peers, probe } = settings
  const ours = contender('nacre', settings, () => nacreClient({ accelerated: probe?.accelerated ?? false }))
  if (probe !== undefined) return [ours]
  const theirs = (noDelay: boolean) => (): Promise<Site> => ssh2Client({ addon: peers.ssh2Addon, noDelay })
  return [
    ours,
    ...(peers.accelerator ? [contender('accelerated', settings, () => nacreClient({ accelerated: true }))] : []),
    contender('ssh2 nodelay', settings, theirs(true)),
    contender('ssh2', settings, theirs(false)),
    ...(peers.go ? [contender('Go', settings, goClient)] : []),
    contender(
      'bare Node',
      settings,
      () => bareClient('session'),
      () => bareServer('session'),
    ),
  ]
}

const rows = (beside: string, theirs: string, cpu?: number, memory?: number): readonly Comparison[] => {
  const row = (what: string, unit: 'ms' | 'MiB' | 'KiB', figure: string, most?: number): Comparison => ({
    work: `${crowd} clients in one process, ${what}`,
    beside,
    unit,
    ours: ['nacre', figure],
    theirs: [theirs, figure],
    accelerated: { ours: ['accelerated', figure] },
    ...(most === undefined ? {} : { target: { most } }),
  })
  return [
    row('CPU each', 'ms', 'cpu', cpu),
    row('peak memory above that before, each', 'KiB', 'grown', memory),
    row('peak memory of the process', 'MiB', 'peak'),
  ]
}

const floorOthers = [
  ['nacre', 'nacre'],
  ['nacre, accelerated', 'accelerated'],
  ['ssh2 with setNoDelay', 'ssh2 nodelay'],
  ['Go x/crypto', 'Go'],
] as const

export const clients: Scenario = {
  name: 'clients',
  about: `${crowd} clients in one process at once, each runs a command: CPU and peak memory`,
  title: 'Many clients in one process',
  prose: [
    `${crowd} clients in one process connect at once to one server, which is Go's where Go is installed and otherwise ours. Each logs in and runs a command that does nothing; none leaves before all have run theirs. Peak memory is the largest resident set of the process, above what it was after a crowd had come and gone; the whole process, most of it the runtime's, stands below.`,
  ],
  contenders,
  comparisons: [
    ...rows('ssh2 with setNoDelay', 'ssh2 nodelay', 0.5, 0.6),
    ...rows('ssh2 as it comes', 'ssh2', 0.5, 0.6),
    ...rows('Go x/crypto', 'Go', 1.3),
  ],
  floor: {
    prose:
      'Bare Node does without SSH what stands under "Sessions", from the other end: the same turns, and the calls of node:crypto that a client cannot leave out.',
    comparisons: [
      ...besideAll(`${crowd} clients in one process without SSH, CPU each`, 'ms', ['bare Node', 'cpu'], floorOthers),
      ...besideAll(
        `${crowd} clients in one process without SSH, peak memory above that before, each`,
        'KiB',
        ['bare Node', 'grown'],
        floorOthers,
      ),
    ],
  },
}
