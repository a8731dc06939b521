// Owns what an SFTP server is asked besides bytes: listings, attributes, and memory while a large file comes. One client, ours,
// at every server. Knows nothing of tables.
import { nacreClient } from '../rig/client.ts'
import { type FileCall, type FileClient, filesOf, type FileWork, sftpProgram } from '../rig/file-client.ts'
import { FileRoom } from '../rig/file-room.ts'
import type { Comparison, Contender, Figures, Scenario, Settings } from '../rig/scenario.ts'
import { nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/server.ts'
import { peakOf, startPeak } from '../rig/usage.ts'
import { gcm } from '../sites/types.ts'

const entries = 20_000
const stats = 50_000
/** Requests under way. */
const lanes = 64
/** Programs in JavaScript are compiled while they run; what is measured is what they settle at. */
const warmUpListings = 5
const warmUpStats = 50_000
const uploadMiB = 4096

const clientOf = (): Promise<FileClient> => filesOf(nacreClient(), gcm)
const ssh2 = ({ peers }: Settings) => ({ addon: peers.ssh2Addon, noDelay: true })

/** Wall seconds of `call` without coming and going, and CPU seconds of the server for all. */
const asked = async (
  server: ServerEnd,
  client: FileClient,
  call: FileCall,
  work: FileWork,
): Promise<{ readonly wall: number; readonly server: number }> => {
  const spend = async (which: FileCall): Promise<{ readonly wall: number; readonly server: number }> => {
    const before = await server.cpu()
    const { work: wall } = await client.work(server, which, work)
    return { wall, server: (await server.cpu()) - before }
  }
  const visit = await spend('visit')
  const whole = await spend(call)
  // A program is started and logs in within its time.
  return { wall: client.site === undefined ? whole.wall - visit.wall : whole.wall, server: whole.server - visit.server }
}

const listing = (
  name: string,
  settings: Settings,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<FileClient> = clientOf,
): Contender => ({
  name,
  async measure() {
    using room = new FileRoom()
    await using server = await startServer()
    await using client = await startClient()
    const count = Math.ceil(entries / settings.divisor)
    const remote = room.tree('entries', count, 0)
    const warmUps = server.site === undefined && client.site === undefined ? 1 : warmUpListings
    for (let i = 0; i < warmUps; i++) await asked(server, client, 'list', { remote, count })
    const { wall, server: spent } = await asked(server, client, 'list', { remote, count })
    return { wall: wall * 1000, server: spent * 1000 } satisfies Figures
  },
})

const attributes = (name: string, settings: Settings, startServer: () => Promise<ServerEnd>): Contender => ({
  name,
  async measure() {
    using room = new FileRoom()
    await using server = await startServer()
    await using client = await clientOf()
    const remote = room.file('one', 100)
    const count = Math.ceil(stats / settings.divisor)
    await asked(server, client, 'stats', { remote, lanes, count: Math.ceil(warmUpStats / settings.divisor) })
    const { wall, server: spent } = await asked(server, client, 'stats', { remote, lanes, count })
    return { rate: count / wall, server: (spent * 1e6) / count } satisfies Figures
  },
})

const contenders =
  (made: (name: string, settings: Settings, startServer: () => Promise<ServerEnd>) => Contender) =>
  (settings: Settings): readonly Contender[] => [
    made('nacre', settings, () => nacreServer(gcm)),
    ...(settings.probe !== undefined
      ? []
      : [made('OpenSSH', settings, () => sshdServer(gcm)), made('ssh2', settings, () => ssh2Server(gcm, ssh2(settings)))]),
  ]

const listed = (beside: string, theirs: string, figure: 'wall' | 'server', most?: number): Comparison => ({
  work: `list ${entries} entries, ${figure === 'wall' ? 'wall' : 'CPU of the server'}`,
  beside,
  unit: 'ms',
  ours: ['nacre', figure],
  theirs: [theirs, figure],
  ...(most === undefined ? {} : { target: { most } }),
})

export const listings: Scenario = {
  name: 'listings',
  about: `list a folder of ${entries} entries with attributes over SFTP`,
  title: 'Listings over SFTP',
  prose: [
    `A folder of ${entries} empty files is listed with all attributes, by our client at every server, after ${warmUpListings} listings like it; and by the program \`sftp\` at sshd with \`ls -ln\`, which sorts and prints them besides (to nowhere).`,
  ],
  contenders: settings => [
    ...contenders(listing)(settings),
    ...(settings.probe === undefined
      ? [
          listing(
            'sftp',
            settings,
            () => sshdServer(gcm),
            async () => sftpProgram(gcm),
          ),
        ]
      : []),
  ],
  comparisons: [
    {
      work: `list ${entries} entries, both ends, wall`,
      beside: '`sftp` at sshd',
      unit: 'ms',
      ours: ['nacre', 'wall'],
      theirs: ['sftp', 'wall'],
      target: { most: 0.5 },
    },
    listed("OpenSSH's server", 'OpenSSH', 'wall', 0.5),
    listed("ssh2's server", 'ssh2', 'wall', 0.9),
    listed("OpenSSH's server", 'OpenSSH', 'server'),
    listed("ssh2's server", 'ssh2', 'server'),
  ],
}

export const attributesPerSecond: Scenario = {
  name: 'attributes',
  about: `stat over SFTP, ${lanes} in flight, a second`,
  title: 'Attributes over SFTP',
  prose: [
    `${stats} requests for the attributes of one file, ${lanes} in flight, after as many before, at every server by one client that does next to nothing itself: its packets are made before.`,
  ],
  contenders: contenders(attributes),
  comparisons: [
    {
      work: `stat, ${lanes} in flight, a second`,
      beside: "OpenSSH's server",
      unit: '/s',
      ours: ['nacre', 'rate'],
      theirs: ['OpenSSH', 'rate'],
      target: { least: 1.3 },
    },
    { work: `stat, ${lanes} in flight, a second`, beside: "ssh2's server", unit: '/s', ours: ['nacre', 'rate'], theirs: ['ssh2', 'rate'] },
    { work: 'stat, CPU of the server', beside: "OpenSSH's server", unit: 'µs', ours: ['nacre', 'server'], theirs: ['OpenSSH', 'server'] },
    { work: 'stat, CPU of the server', beside: "ssh2's server", unit: 'µs', ours: ['nacre', 'server'], theirs: ['ssh2', 'server'] },
  ],
}

/** What the server takes at most while a file comes, beyond what it takes at rest after another has come. */
const growth = (settings: Settings): Contender => ({
  name: 'nacre',
  async measure() {
    using room = new FileRoom()
    await using server = await nacreServer(gcm)
    await using client = await clientOf()
    const upload = async (bytes: number): Promise<void> => {
      const remote = room.fresh('upload')
      await client.work(server, 'pour', { remote, count: bytes, lanes })
      room.drop(remote)
    }
    await upload(256 * 2 ** 20)
    await server.site?.call('settle')
    const pid = server.site?.pid ?? 0
    const idle = startPeak(pid)
    await upload(Math.ceil(uploadMiB / settings.divisor) * 2 ** 20)
    return { idle: idle / 1024, peak: peakOf(pid) / 1024, more: (peakOf(pid) - idle) / 1024, allowed: 16 } satisfies Figures
  },
})

export const uploadMemory: Scenario = {
  name: 'upload-memory',
  about: 'memory of our server while 4 GiB come over SFTP',
  title: 'Memory during an upload',
  prose: [
    `${uploadMiB / 1024} GiB are written to one file with ${lanes} writes in flight; the most memory our server has had meanwhile (VmHWM), less what it had at rest before, after an earlier upload. The ratio is that growth to the 16 MiB it is allowed.`,
  ],
  mostRounds: 3,
  contenders: settings => [growth(settings)],
  comparisons: [
    {
      work: 'memory of the server, more than at rest',
      beside: 'what is allowed',
      unit: 'MiB',
      ours: ['nacre', 'more'],
      theirs: ['nacre', 'allowed'],
      target: { most: 1 },
    },
  ],
}
