// Owns bulk transfer through an exec channel, each way, for one cipher. Each figure is that of the whole transfer less that
// of an empty one, so that starting up and logging in do not count. Knows nothing of tables.
import { bareClient, type MovingEnd, moving, nacreClient, ssh2Client, sshMoving } from '../rig/client.ts'
import { profiled } from '../rig/profile.ts'
import { besideAll, type Comparison, type Contender, type Figures, type Floor, type Scenario, type Settings } from '../rig/scenario.ts'
import { bareServer, nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/server.ts'
import { type BareBulkOptions, chachaPoly, type Direction, gcm } from '../sites/types.ts'

const GiB = 2 ** 30
const MiB = 2 ** 20
const warmUpBytes = 192 * MiB

const directions: readonly Direction[] = ['down', 'up']

const transfer = async (
  server: ServerEnd,
  client: MovingEnd,
  direction: Direction,
  bytes: number,
): Promise<{ server: number; client: number; program: number; wall: number }> => {
  const before = await server.cpu()
  const { cpu, wall, program } = await client.move(server, direction, bytes)
  return { server: (await server.cpu()) - before, client: cpu, program, wall }
}

const figuresOf = async (server: ServerEnd, client: MovingEnd, bytes: number): Promise<Figures> => {
  const figures: Record<string, number> = {}
  for (const direction of directions) {
    const empty = await transfer(server, client, direction, 0)
    const whole = await transfer(server, client, direction, bytes)
    const perGiB = GiB / bytes
    const program = (whole.program - empty.program) * perGiB
    const ofServer = (whole.server - empty.server) * perGiB
    const ofClient = (whole.client - empty.client) * perGiB
    figures[`${direction}.server`] = ofServer
    figures[`${direction}.server alone`] = ofServer - program
    figures[`${direction}.client`] = ofClient
    figures[`${direction}.both`] = ofServer + ofClient
    figures[`${direction}.both alone`] = ofServer + ofClient - program
    figures[`${direction}.rate`] = bytes / MiB / (whole.wall - empty.wall)
  }
  return figures
}

const contender = (
  name: string,
  settings: Settings,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<MovingEnd>,
): Contender => ({
  name,
  async measure() {
    await using server = await startServer()
    await using client = await startClient()
    // Programs in JavaScript are compiled while they run; what is measured is what they settle at.
    const warms = server.site !== undefined || client.site !== undefined
    if (warms) for (const direction of directions) await client.move(server, direction, Math.min(warmUpBytes, settings.bytes))
    const { site: serverSite } = server
    const { site: clientSite } = client
    if (settings.probe?.kind === 'profile' && serverSite !== undefined && clientSite !== undefined) {
      for (const direction of directions) {
        await profiled(
          settings.probe.folder,
          `${name} ${direction}`,
          { server: serverSite, client: clientSite },
          settings.bytes / (32 * 1024),
          () => client.move(server, direction, settings.bytes),
        )
      }
    }
    return await figuresOf(server, client, settings.bytes)
  },
})

const floors = [
  { name: 'bare Node', seals: 'nothing' },
  { name: 'bare Node, AES-GCM', seals: 'gcm' },
] as const

const floor = (name: string, settings: Settings, seals: BareBulkOptions['seals']): Contender =>
  contender(
    name,
    settings,
    () => bareServer('bulk', { seals }),
    () => moving(bareClient('bulk', { seals }), gcm),
  )

const contenders = (cipher: string, settings: Settings): readonly Contender[] => {
  const { peers, probe } = settings
  const ours = (name: string, options: { readonly streams?: boolean; readonly accelerated?: boolean }): Contender =>
    contender(
      name,
      settings,
      () => nacreServer(cipher, options),
      () => moving(nacreClient(options), cipher, options.streams),
    )
  const accelerated = probe?.accelerated ?? false
  const nacre = [ours('nacre', { accelerated }), ours('nacre streams', { streams: true, accelerated })]
  if (probe !== undefined) return nacre
  const ssh2 = (name: string, addon: boolean): Contender =>
    contender(
      name,
      settings,
      () => ssh2Server(cipher, { addon, noDelay: true }),
      () => moving(ssh2Client({ addon, noDelay: true }), cipher),
    )
  return [
    ...nacre,
    ...(peers.accelerator ? [ours('accelerated', { accelerated: true })] : []),
    contender(
      'OpenSSH',
      settings,
      () => sshdServer(cipher),
      () => sshMoving(cipher),
    ),
    contender(
      'nacre at sshd',
      settings,
      () => sshdServer(cipher),
      () => moving(nacreClient(), cipher),
    ),
    contender(
      'ssh at nacre',
      settings,
      () => nacreServer(cipher),
      () => sshMoving(cipher),
    ),
    // OpenSSL 3.5 refuses what ssh2's addon asks of ChaCha20.
    ...(peers.ssh2Addon && cipher !== chachaPoly ? [ssh2('ssh2', true)] : []),
    ssh2('ssh2-js', false),
    ...(cipher === gcm ? floors.map(({ name, seals }) => floor(name, settings, seals)) : []),
  ]
}

interface Targets {
  readonly openSsh: number
  readonly ssh2: number | undefined
  readonly ssh2Js: number | undefined
  readonly ssh2Accelerated: number | undefined
  readonly cross: boolean
}

const wayNames: Readonly<Record<Direction, string>> = { down: 'server to client', up: 'client to server' }

const comparisonsFor = (label: string, direction: Direction, targets: Targets): readonly Comparison[] => {
  const way = `${label}, ${wayNames[direction]}`
  const figure = (name: string): string => `${direction}.${name}`
  const cpu = (beside: string, theirs: string, which: string, most?: number, mostAccelerated?: number): Comparison => ({
    work: `${way}, CPU of both ends`,
    beside,
    unit: 's/GiB',
    ours: ['nacre', figure('both')],
    theirs: [theirs, figure(which)],
    accelerated: { ours: ['accelerated', figure('both')], ...(mostAccelerated === undefined ? {} : { target: { most: mostAccelerated } }) },
    ...(most === undefined ? {} : { target: { most } }),
  })
  const streams = (beside: string, theirs: string): Comparison => ({
    work: `${way}, CPU of both ends, Web Streams`,
    beside,
    unit: 's/GiB',
    ours: ['nacre streams', figure('both')],
    theirs: [theirs, figure('both')],
  })
  const rate = (beside: string, theirs: string, least?: number): Comparison => ({
    work: `${way}, rate`,
    beside,
    unit: 'MiB/s',
    ours: ['nacre', figure('rate')],
    theirs: [theirs, figure('rate')],
    accelerated: { ours: ['accelerated', figure('rate')] },
    ...(least === undefined ? {} : { target: { least } }),
  })
  const cross = (work: string, ours: string, end: 'client' | 'server', most: number): Comparison => ({
    work: `${way}, ${work}, CPU of the ${end}`,
    beside: 'ssh at sshd',
    unit: 's/GiB',
    ours: [ours, figure(end)],
    theirs: ['OpenSSH', figure(end)],
    ...(targets.cross ? { target: { most } } : {}),
  })
  return [
    cpu('OpenSSH', 'OpenSSH', 'both', targets.openSsh),
    cpu('OpenSSH less the far program', 'OpenSSH', 'both alone'),
    cpu('ssh2 with addon', 'ssh2', 'both', targets.ssh2, targets.ssh2Accelerated),
    cpu('ssh2 without addon', 'ssh2-js', 'both', targets.ssh2Js),
    streams('OpenSSH', 'OpenSSH'),
    streams('nacre, without streams', 'nacre'),
    rate('OpenSSH', 'OpenSSH', targets.cross ? 1.8 : undefined),
    rate('ssh2 with addon', 'ssh2', 1.2),
    cross('our client at sshd', 'nacre at sshd', 'client', 0.9),
    cross('ssh at our server', 'ssh at nacre', 'server', 0.6),
  ]
}

const floorOthers = [
  ['nacre', 'nacre'],
  ['nacre, accelerated', 'accelerated'],
  ['OpenSSH', 'OpenSSH'],
  ['ssh2 with addon', 'ssh2'],
] as const

const floorOfGcm: Floor = {
  prose:
    'Bare Node sends as many bytes in packets of 32 KiB between its sockets at both ends, without SSH: several packets in one write from memory that is used again, and read into one buffer. The bytes are copied into their packet as whoever frames them must. "AES-GCM" makes a cipher of node:crypto for each packet, copies what it gives into the write, and frees it at once; the receiver leaves the plaintext where node:crypto has put it.',
  comparisons: directions.flatMap(direction =>
    floors.flatMap(({ name, seals }) => {
      const work = `without SSH, ${seals === 'gcm' ? 'AES-GCM' : 'without cryptography'}, ${wayNames[direction]}`
      return [
        ...besideAll(`${work}, CPU of both ends`, 's/GiB', [name, `${direction}.both`], floorOthers),
        ...besideAll(`${work}, rate`, 'MiB/s', [name, `${direction}.rate`], floorOthers),
      ]
    }),
  ),
}

const bulk = (name: string, label: string, cipher: string, prose: readonly string[], targets: Targets): Scenario => ({
  name,
  about: `${label}: bytes through an exec channel, each way`,
  title: `Bulk, ${label}`,
  prose,
  contenders: settings => contenders(cipher, settings),
  comparisons: directions.flatMap(direction => comparisonsFor(label, direction, targets)),
  ...(cipher === gcm ? { floor: floorOfGcm } : {}),
})

export const bulkGcm = bulk(
  'bulk',
  'aes128-gcm',
  gcm,
  [
    'CPU seconds per GiB, starting up and logging in taken off. The server makes the bytes and the client drops them, or the other way round. OpenSSH\'s server runs a program for that (`head`, `cat`) behind a pipe, which counts with the server except in the lines "less the far program"; what feeds `ssh` locally is not counted. "Web Streams" are the `ReadableStream` and `WritableStream` of a session instead of `write` and `tap`.',
  ],
  { openSsh: 0.65, ssh2: 0.9, ssh2Js: undefined, ssh2Accelerated: 0.6, cross: true },
)
export const bulkChaCha = bulk('bulk-chacha', 'chacha20-poly1305', chachaPoly, ['The same with the other cipher.'], {
  openSsh: 0.9,
  ssh2: undefined,
  ssh2Js: 0.7,
  ssh2Accelerated: undefined,
  cross: false,
})
