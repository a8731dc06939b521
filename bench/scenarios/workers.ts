// Owns connections per second at a server of ours on one and on two processes, with clients that do not wait for each other.
// Knows nothing of tables.
import { goClient, loginAt } from '../rig/client.ts'
import { charged, pair } from '../rig/contender.ts'
import type { Comparison, Contender, Scenario, Settings } from '../rig/scenario.ts'
import { nacreServer } from '../rig/server.ts'
import { gcm, type Spent } from '../sites/types.ts'

const lanes = 32
const seconds = { warmUp: 2, measured: 5 }
const patience = 120

const contender = (name: string, settings: Settings, workers: number): Contender =>
  pair(
    name,
    () => nacreServer(gcm, { workers }),
    goClient,
    async ({ server, client }) => {
      const open = (long: number): Promise<Spent & { readonly count: number }> =>
        client.call('rate', { ...loginAt(server, gcm), command: server.nothing, lanes, seconds: long }, patience)
      await open(seconds.warmUp)
      const { server: spent, result } = await charged(server, () => open(Math.max(1, seconds.measured / settings.divisor)))
      const { count, cpu, wall } = result
      return { rate: count / wall, server: (1000 * spent) / count, client: (1000 * cpu) / count }
    },
  )

const rows = (ours: string, theirs: string): readonly Comparison[] => [
  { work: `connections per second, ${ours}`, beside: theirs, unit: '/s', ours: [ours, 'rate'], theirs: [theirs, 'rate'] },
  { work: `CPU of all server processes, each, ${ours}`, beside: theirs, unit: 'ms', ours: [ours, 'server'], theirs: [theirs, 'server'] },
]

export const workers: Scenario = {
  name: 'workers',
  about: 'connections per second on one and two workers',
  title: 'Workers',
  prose: [
    `${lanes} clients in Go, each of which connects, logs in, runs a command that does nothing, leaves and begins again, at a server of ours: without workers, and with one and two, to which the first process hands the connections. The clients and their kernel need a processor too, so that on two processors two workers cannot serve twice as many; what they can is two less the clients' share. Needs Go.`,
  ],
  contenders: settings =>
    settings.probe === undefined && settings.peers.go
      ? [contender('no workers', settings, 0), contender('one worker', settings, 1), contender('two workers', settings, 2)]
      : [],
  comparisons: [...rows('two workers', 'one worker'), ...rows('one worker', 'no workers')],
}
