// Owns opening and closing channels on one connection: on each a command that does nothing. Knows nothing of tables.
import { goClient, loginAt, nacreClient, ssh2Client } from '../rig/client.ts'
import { charged, pair, probed } from '../rig/contender.ts'
import type { Comparison, Contender, Scenario, Settings } from '../rig/scenario.ts'
import { goServer, nacreServer, type ServerEnd, ssh2Server } from '../rig/server.ts'
import type { Site } from '../rig/site.ts'
import { gcm, type Spent } from '../sites/types.ts'

const total = 10_000
const warmUp = 2000
/** How many are open at a time. */
const lanes = 50
const patience = 240

const contender = (name: string, settings: Settings, startServer: () => Promise<ServerEnd>, startClient: () => Promise<Site>): Contender =>
  pair(name, startServer, startClient, async both => {
    const { server, client } = both
    const open = (count: number): Promise<Spent> =>
      client.call('channels', { ...loginAt(server, gcm), command: server.nothing, count, lanes }, patience)
    const count = Math.ceil(total / settings.divisor)
    await open(Math.ceil(warmUp / settings.divisor))
    await probed(settings, `channels ${name}`, both, count, () => open(count))
    const { server: spent, result } = await charged(server, () => open(count))
    const each = 1e6 / count
    return { server: spent * each, client: result.cpu * each, both: (spent + result.cpu) * each, wall: result.wall * each }
  })

const contenders = (settings: Settings): readonly Contender[] => {
  const { peers, probe } = settings
  const ours = (name: string, accelerated: boolean): Contender =>
    contender(
      name,
      settings,
      () => nacreServer(gcm, { accelerated }),
      () => nacreClient({ accelerated }),
    )
  if (probe !== undefined) return [ours('nacre', probe.accelerated)]
  const theirs = (name: string, noDelay: boolean): Contender => {
    const options = { addon: peers.ssh2Addon, noDelay }
    return contender(
      name,
      settings,
      () => ssh2Server(gcm, options),
      () => ssh2Client(options),
    )
  }
  return [
    ours('nacre', false),
    ...(peers.accelerator ? [ours('accelerated', true)] : []),
    theirs('ssh2 nodelay', true),
    theirs('ssh2', false),
    ...(peers.go ? [contender('Go', settings, () => goServer(gcm), goClient)] : []),
  ]
}

const row = (what: string, figure: string, beside: string, theirs: string, most?: number): Comparison => ({
  work: `${total} channels on one connection, ${what} each`,
  beside,
  unit: 'µs',
  ours: ['nacre', figure],
  theirs: [theirs, figure],
  accelerated: { ours: ['accelerated', figure] },
  ...(most === undefined ? {} : { target: { most } }),
})

export const channels: Scenario = {
  name: 'channels',
  about: `${total} channels opened and closed on one connection: CPU of both ends`,
  title: 'Channels',
  prose: [
    `${total} sessions on one connection, ${lanes} at a time: each opens a channel, runs a command that does nothing, reads its exit status, and closes. Our client and Go's also say that the command gets no input, which is one more packet; ssh2's does not.`,
  ],
  contenders,
  comparisons: [
    row('CPU of both ends', 'both', 'ssh2 with setNoDelay', 'ssh2 nodelay', 0.5),
    row('CPU of both ends', 'both', 'ssh2 as it comes', 'ssh2', 0.5),
    row('CPU of the server', 'server', 'ssh2 with setNoDelay', 'ssh2 nodelay'),
    row('CPU of the client', 'client', 'ssh2 with setNoDelay', 'ssh2 nodelay'),
    row('CPU of both ends', 'both', 'Go x/crypto', 'Go'),
  ],
}
