// Owns the start of a session: connect, exchange keys, log in by key, run a command that does nothing, close. One fast client
// for all servers, one session after the other. Knows nothing of tables.
import { bareClient, goClient, loginAt, nacreClient, ssh2Client } from '../rig/client.ts'
import { charged, pair, probed } from '../rig/contender.ts'
import { besideAll, type Comparison, type Contender, type Scenario, type Settings } from '../rig/scenario.ts'
import { asyncSshServer, bareServer, goServer, nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/server.ts'
import type { Site } from '../rig/site.ts'
import { median } from '../rig/statistics.ts'
import { gcm, kex as usualKex, type Repeated, turnsOfClient, turnsOfServer } from '../sites/types.ts'

const fast = { warmUp: 600, measured: 1000 }
const slow = { warmUp: 10, measured: 60 }
const patience = 300

const contender = (
  name: string,
  settings: Settings,
  counts: typeof fast,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<Site>,
  kex = usualKex,
  open = (client: Site, server: ServerEnd, count: number): Promise<Repeated> =>
    client.call('sessions', { ...loginAt(server, gcm), kex, command: server.nothing, count }, patience),
): Contender =>
  pair(name, startServer, startClient, async both => {
    const { server, client } = both
    const count = Math.ceil(counts.measured / settings.divisor)
    await open(client, server, Math.ceil(counts.warmUp / settings.divisor))
    await probed(settings, `session ${name}`, both, count, () => open(client, server, count))
    const { server: spent, result } = await charged(server, () => open(client, server, count))
    return { server: (1000 * spent) / count, client: (1000 * result.cpu) / count, wall: 1000 * median(result.walls) }
  })

const turns = (client: Site, server: ServerEnd, count: number): Promise<Repeated> =>
  client.call('turns', { port: server.port, count, fromServer: turnsOfServer, fromClient: turnsOfClient }, patience)

const contenders = (settings: Settings): readonly Contender[] => {
  const { peers, probe } = settings
  const accelerated = probe?.accelerated ?? false
  const ours = contender(
    'own client',
    settings,
    fast,
    () => nacreServer(gcm, { accelerated }),
    () => nacreClient({ accelerated }),
  )
  const bare = (startClient: () => Promise<Site>): Contender =>
    contender('bare Node', settings, fast, () => bareServer('session'), startClient, usualKex, turns)
  if (probe !== undefined) return [ours, bare(() => bareClient('session'))]
  const client = peers.go ? goClient : nacreClient
  const ssh2 = (noDelay: boolean) => (): Promise<ServerEnd> => ssh2Server(gcm, { addon: peers.ssh2Addon, noDelay })
  return [
    contender('nacre', settings, fast, () => nacreServer(gcm), client),
    ...(peers.accelerator ? [contender('accelerated', settings, fast, () => nacreServer(gcm, { accelerated: true }), client)] : []),
    contender('OpenSSH', settings, slow, () => sshdServer(gcm), client),
    contender('ssh2 nodelay', settings, fast, () => ssh2Server(gcm, { addon: peers.ssh2Addon, noDelay: true }), client),
    contender('ssh2', settings, slow, ssh2(false), client),
    ...(peers.go ? [contender('Go', settings, fast, () => goServer(gcm), client)] : []),
    ...(peers.asyncSsh ? [contender('AsyncSSH', settings, slow, () => asyncSshServer(gcm), client)] : []),
    bare(peers.go ? goClient : () => bareClient('session')),
    ours,
    contender('own client mlkem', settings, fast, () => nacreServer(gcm), nacreClient, 'mlkem768x25519-sha256'),
    contender(
      'ssh2 client',
      settings,
      fast,
      () => nacreServer(gcm),
      () => ssh2Client({ addon: peers.ssh2Addon, noDelay: true }),
    ),
    ...(peers.go ? [contender('Go client', settings, fast, () => nacreServer(gcm), goClient)] : []),
  ]
}

const ofServer = (beside: string, theirs: string, cpu?: number, wall?: number): readonly Comparison[] => [
  {
    work: 'session, CPU of the server',
    beside,
    unit: 'ms',
    ours: ['nacre', 'server'],
    theirs: [theirs, 'server'],
    accelerated: { ours: ['accelerated', 'server'] },
    ...(cpu === undefined ? {} : { target: { most: cpu } }),
  },
  {
    work: 'session, wall, median',
    beside,
    unit: 'ms',
    ours: ['nacre', 'wall'],
    theirs: [theirs, 'wall'],
    accelerated: { ours: ['accelerated', 'wall'] },
    ...(wall === undefined ? {} : { target: { most: wall } }),
  },
]

const ofClient = (beside: string, theirs: string): Comparison => ({
  work: 'session at our server, CPU of the client',
  beside,
  unit: 'ms',
  ours: ['own client', 'client'],
  theirs: [theirs, 'client'],
})

const floorOthers = [
  ['nacre', 'nacre'],
  ['nacre, accelerated', 'accelerated'],
  ['OpenSSH', 'OpenSSH'],
  ['ssh2 with setNoDelay', 'ssh2 nodelay'],
  ['Go x/crypto', 'Go'],
] as const

export const session: Scenario = {
  name: 'session',
  about: 'connect, curve25519, ed25519 keys, a command that does nothing, close',
  title: 'Sessions',
  prose: [
    "Connect, curve25519, ed25519 for host and user, a command that does nothing, close: one after the other, with one fast client at every server, which is Go's where Go is installed and otherwise ours. sshd starts a process and a shell for each; the others answer in their own process. ssh2 leaves Nagle's algorithm on, which costs it most of its time; `setNoDelay` is the fair comparison. mlkem768x25519 is measured with our own client, since x/crypto does not know it, and beside curve25519 with the same client.",
  ],
  contenders,
  comparisons: [
    ...ofServer('OpenSSH', 'OpenSSH', 0.04, 0.025),
    ...ofServer('ssh2 with setNoDelay', 'ssh2 nodelay', 0.35, 0.6),
    ...ofServer('ssh2 as it comes', 'ssh2'),
    ...ofServer('Go x/crypto', 'Go', 1.3, 1.4),
    ...ofServer('AsyncSSH', 'AsyncSSH'),
    {
      work: 'session with mlkem768x25519, CPU of the server',
      beside: 'our own curve25519',
      unit: 'ms',
      ours: ['own client mlkem', 'server'],
      theirs: ['own client', 'server'],
      target: { most: 1.3 },
    },
    ofClient('ssh2 with setNoDelay', 'ssh2 client'),
    ofClient('Go x/crypto', 'Go client'),
  ],
  floor: {
    prose:
      "Bare Node is a server without SSH that nothing on Node can undercut: its sockets take the same turns with as many bytes as those of our server, and it asks node:crypto for what cannot be left out, each in the cheapest form there is: a key pair, an agreement, a signature, one verified, two keys imported, five hashes, and the AES of the packets in two calls each way, without GHASH. It builds and reads no message. Its client takes the turns with the cryptography of Go's client and nothing else.",
    comparisons: [
      ...besideAll('session without SSH, CPU of the server', 'ms', ['bare Node', 'server'], floorOthers),
      ...besideAll('session without SSH, wall, median', 'ms', ['bare Node', 'wall'], floorOthers),
    ],
  },
}
