// Owns the keystroke: one byte to the server and back on one channel, the next when it has come. Knows nothing of tables.
import { type ClientEnd, loginAt, nacreClient, nacreServer, type ServerEnd, ssh2Client, ssh2Server } from '../rig/ends.ts'
import { profiled } from '../rig/profile.ts'
import type { Contender, Scenario, Settings } from '../rig/scenario.ts'
import { median } from '../rig/statistics.ts'
import { commands, type Repeated } from '../sites/types.ts'

const cipher = 'aes128-gcm@openssh.com'
const counts = { warmUp: 5000, measured: 20_000 }
const countsWithNagle = { warmUp: 20, measured: 200 }
const patience = 120

const contender = (
  name: string,
  settings: Settings,
  { warmUp, measured }: typeof counts,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<ClientEnd>,
): Contender => ({
  name,
  async measure() {
    await using server = await startServer()
    await using client = await startClient()
    const { site } = client
    if (site === undefined) throw new TypeError('the client is a site')
    const press = (count: number): Promise<Repeated> =>
      site.call<Repeated>('keystrokes', { ...loginAt(server, cipher), command: commands.echo, count }, patience)
    const count = Math.ceil(measured / settings.divisor)
    await press(Math.ceil(warmUp / settings.divisor))
    if (settings.probe?.kind === 'profile' && server.site !== undefined)
      await profiled(settings.probe.folder, `${name} keystroke`, { server: server.site, client: site }, count, () => press(count))
    const before = await server.cpu()
    const { cpu, walls } = await press(count)
    const spent = (await server.cpu()) - before
    return { server: (1e6 * spent) / count, client: (1e6 * cpu) / count, both: (1e6 * (spent + cpu)) / count, wall: 1e6 * median(walls) }
  },
})

const contenders = (settings: Settings): readonly Contender[] => {
  const ours = [
    contender(
      'nacre',
      settings,
      counts,
      () => nacreServer(cipher),
      () => nacreClient(cipher),
    ),
  ]
  if (settings.probe !== undefined) return ours
  const noDelay = { addon: settings.ssh2Addon, noDelay: true }
  const nagle = { addon: settings.ssh2Addon, noDelay: false }
  return [
    ...ours,
    contender(
      'ssh2 nodelay',
      settings,
      counts,
      () => ssh2Server(cipher, noDelay),
      () => ssh2Client(cipher, noDelay),
    ),
    contender(
      'ssh2',
      settings,
      countsWithNagle,
      () => ssh2Server(cipher, nagle),
      () => ssh2Client(cipher, nagle),
    ),
  ]
}

export const keystroke: Scenario = {
  name: 'keystroke',
  about: 'one byte there and back through a channel',
  contenders,
  comparisons: [
    {
      work: 'keystroke there and back, CPU of both ends',
      beside: 'ssh2 with setNoDelay',
      unit: 'µs',
      ours: ['nacre', 'both'],
      theirs: ['ssh2 nodelay', 'both'],
      target: { most: 0.5 },
    },
    {
      work: 'keystroke there and back, CPU of both ends',
      beside: 'ssh2 as it comes',
      unit: 'µs',
      ours: ['nacre', 'both'],
      theirs: ['ssh2', 'both'],
    },
    {
      work: 'keystroke there and back, wall, median',
      beside: 'ssh2 with setNoDelay',
      unit: 'µs',
      ours: ['nacre', 'wall'],
      theirs: ['ssh2 nodelay', 'wall'],
    },
  ],
  notes: [],
}
