// Owns bulk transfer through an exec channel, each way, for one cipher. Each figure is that of the whole transfer less that
// of an empty one, so that starting up and logging in do not count. Knows nothing of tables.
import { type ClientEnd, nacreClient, nacreServer, type ServerEnd, ssh2Client, ssh2Server, sshClient, sshdServer } from '../rig/ends.ts'
import { profiled } from '../rig/profile.ts'
import type { Comparison, Contender, Figures, Scenario, Settings } from '../rig/scenario.ts'
import type { Direction } from '../sites/types.ts'

const GiB = 2 ** 30
const MiB = 2 ** 20
const warmUpBytes = 192 * MiB

const directions: readonly Direction[] = ['down', 'up']

const transfer = async (
  server: ServerEnd,
  client: ClientEnd,
  direction: Direction,
  bytes: number,
): Promise<{ server: number; client: number; program: number; wall: number }> => {
  const before = await server.cpu()
  const { cpu, wall, program } = await client.move(server, direction, bytes)
  return { server: (await server.cpu()) - before, client: cpu, program, wall }
}

const figuresOf = async (server: ServerEnd, client: ClientEnd, bytes: number): Promise<Figures> => {
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
  startClient: () => Promise<ClientEnd>,
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

const contenders = (cipher: string, settings: Settings): readonly Contender[] => {
  const native = { addon: true, noDelay: true }
  const plain = { addon: false, noDelay: true }
  const ours = [
    contender(
      'nacre',
      settings,
      () => nacreServer(cipher),
      () => nacreClient(cipher),
    ),
    contender(
      'nacre streams',
      settings,
      () => nacreServer(cipher, true),
      () => nacreClient(cipher, true),
    ),
  ]
  if (settings.probe !== undefined) return ours
  // OpenSSL 3.5 refuses what ssh2's addon asks of ChaCha20.
  const withAddon = settings.ssh2Addon && !cipher.startsWith('chacha20')
  return [
    ...ours,
    contender(
      'OpenSSH',
      settings,
      () => sshdServer(cipher),
      () => sshClient(cipher),
    ),
    contender(
      'nacre at sshd',
      settings,
      () => sshdServer(cipher),
      () => nacreClient(cipher),
    ),
    contender(
      'ssh at nacre',
      settings,
      () => nacreServer(cipher),
      () => sshClient(cipher),
    ),
    ...(withAddon
      ? [
          contender(
            'ssh2',
            settings,
            () => ssh2Server(cipher, native),
            () => ssh2Client(cipher, native),
          ),
        ]
      : []),
    contender(
      'ssh2-js',
      settings,
      () => ssh2Server(cipher, plain),
      () => ssh2Client(cipher, plain),
    ),
  ]
}

interface Targets {
  readonly openSsh: number
  readonly ssh2: number | undefined
  readonly ssh2Js: number | undefined
  readonly cross: boolean
}

const wayNames: Readonly<Record<Direction, string>> = { down: 'server to client', up: 'client to server' }

const comparisonsFor = (label: string, direction: Direction, targets: Targets): readonly Comparison[] => {
  const way = `${label}, ${wayNames[direction]}`
  const figure = (name: string): string => `${direction}.${name}`
  const cpu = (ours: string, beside: string, theirs: string, which: string, most?: number): Comparison => ({
    work: `${way}, CPU of both ends${ours === 'nacre streams' ? ', Web Streams' : ''}`,
    beside,
    unit: 's/GiB',
    ours: [ours, figure('both')],
    theirs: [theirs, figure(which)],
    ...(most === undefined ? {} : { target: { most } }),
  })
  const rate = (beside: string, least?: number): Comparison => ({
    work: `${way}, rate`,
    beside,
    unit: 'MiB/s',
    ours: ['nacre', figure('rate')],
    theirs: [beside, figure('rate')],
    ...(least === undefined ? {} : { target: { least } }),
  })
  const sides: readonly Comparison[] = [
    {
      work: `${way}, our client at sshd, CPU of the client`,
      beside: 'ssh at sshd',
      unit: 's/GiB',
      ours: ['nacre at sshd', figure('client')],
      theirs: ['OpenSSH', figure('client')],
      ...(targets.cross ? { target: { most: 0.9 } } : {}),
    },
    {
      work: `${way}, ssh at our server, CPU of the server`,
      beside: 'ssh at sshd',
      unit: 's/GiB',
      ours: ['ssh at nacre', figure('server')],
      theirs: ['OpenSSH', figure('server')],
      ...(targets.cross ? { target: { most: 0.6 } } : {}),
    },
  ]
  return [
    cpu('nacre', 'OpenSSH', 'OpenSSH', 'both', targets.openSsh),
    cpu('nacre', 'OpenSSH less the far program', 'OpenSSH', 'both alone'),
    ...(targets.ssh2 === undefined ? [] : [cpu('nacre', 'ssh2 with addon', 'ssh2', 'both', targets.ssh2)]),
    cpu('nacre', 'ssh2 without addon', 'ssh2-js', 'both', targets.ssh2Js),
    cpu('nacre streams', 'OpenSSH', 'OpenSSH', 'both'),
    cpu('nacre streams', 'nacre, without streams', 'nacre', 'both'),
    rate('OpenSSH', targets.cross ? 1.8 : undefined),
    ...(targets.ssh2 === undefined ? [] : [rate('ssh2', 1.2)]),
    ...sides,
  ]
}

const notes = [
  'Bulk: CPU seconds, user and system, of both processes per GiB, without connecting. The server makes the bytes and the client drops them, or the other way round.',
  'For OpenSSH a program makes or swallows the bytes (`head`, `cat`) and a pipe lies between it and sshd: the program counts with the server, except in the lines "less the far program". What feeds `ssh` locally is not counted.',
]

const bulk = (name: string, label: string, cipher: string, targets: Targets): Scenario => ({
  name,
  about: `${label}: bytes through an exec channel, each way`,
  contenders: settings => contenders(cipher, settings),
  comparisons: directions.flatMap(direction => comparisonsFor(label, direction, targets)),
  notes,
})

export const bulkGcm = bulk('bulk', 'aes128-gcm', 'aes128-gcm@openssh.com', { openSsh: 0.65, ssh2: 0.9, ssh2Js: undefined, cross: true })
export const bulkChaCha = bulk('bulk-chacha', 'chacha20-poly1305', 'chacha20-poly1305@openssh.com', {
  openSsh: 0.9,
  ssh2: undefined,
  ssh2Js: 0.7,
  cross: false,
})
