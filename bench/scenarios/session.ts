// Owns the start of a session: connect, exchange keys, log in by key, run a command that does nothing, close. One fast client
// for all servers, one session after the other. Knows nothing of tables.
import { loginAt, nacreClient, nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/ends.ts'
import { profiled } from '../rig/profile.ts'
import type { Contender, Scenario, Settings } from '../rig/scenario.ts'
import { median } from '../rig/statistics.ts'
import { kex as usualKex, type Repeated } from '../sites/types.ts'

const cipher = 'aes128-gcm@openssh.com'
const fast = { warmUp: 600, measured: 1000 }
const slow = { warmUp: 10, measured: 60 }
const patience = 300

const contender = (
  name: string,
  settings: Settings,
  counts: typeof fast,
  startServer: () => Promise<ServerEnd>,
  kex = usualKex,
): Contender => ({
  name,
  async measure() {
    await using server = await startServer()
    await using client = await nacreClient(cipher)
    const { site } = client
    if (site === undefined) throw new TypeError('the client is a site')
    const open = (count: number): Promise<Repeated> =>
      site.call<Repeated>('sessions', { ...loginAt(server, cipher), kex, command: server.nothing, count }, patience)
    const count = Math.ceil(counts.measured / settings.divisor)
    await open(Math.ceil(counts.warmUp / settings.divisor))
    if (settings.probe?.kind === 'profile' && server.site !== undefined)
      await profiled(settings.probe.folder, name, { server: server.site, client: site }, count, () => open(count))
    const before = await server.cpu()
    const { cpu, walls } = await open(count)
    const spent = (await server.cpu()) - before
    return { server: (1000 * spent) / count, client: (1000 * cpu) / count, wall: 1000 * median(walls) }
  },
})

const contenders = (settings: Settings): readonly Contender[] => {
  const ours = [contender('nacre', settings, fast, () => nacreServer(cipher))]
  if (settings.probe !== undefined) return ours
  return [
    ...ours,
    contender('nacre mlkem', settings, fast, () => nacreServer(cipher), 'mlkem768x25519-sha256'),
    contender('OpenSSH', settings, slow, () => sshdServer(cipher)),
    contender('ssh2 nodelay', settings, fast, () => ssh2Server(cipher, { addon: settings.ssh2Addon, noDelay: true })),
    contender('ssh2', settings, slow, () => ssh2Server(cipher, { addon: settings.ssh2Addon, noDelay: false })),
  ]
}

export const session: Scenario = {
  name: 'session',
  about: 'connect, curve25519, ed25519 keys, a command that does nothing, close',
  contenders,
  comparisons: [
    {
      work: 'session, CPU of the server',
      beside: 'OpenSSH',
      unit: 'ms',
      ours: ['nacre', 'server'],
      theirs: ['OpenSSH', 'server'],
      target: { most: 0.04 },
    },
    {
      work: 'session, CPU of the server',
      beside: 'ssh2 with setNoDelay',
      unit: 'ms',
      ours: ['nacre', 'server'],
      theirs: ['ssh2 nodelay', 'server'],
      target: { most: 0.35 },
    },
    { work: 'session, CPU of the server', beside: 'ssh2 as it comes', unit: 'ms', ours: ['nacre', 'server'], theirs: ['ssh2', 'server'] },
    {
      work: 'session, wall, median',
      beside: 'OpenSSH',
      unit: 'ms',
      ours: ['nacre', 'wall'],
      theirs: ['OpenSSH', 'wall'],
      target: { most: 0.025 },
    },
    {
      work: 'session, wall, median',
      beside: 'ssh2 with setNoDelay',
      unit: 'ms',
      ours: ['nacre', 'wall'],
      theirs: ['ssh2 nodelay', 'wall'],
      target: { most: 0.6 },
    },
    { work: 'session, wall, median', beside: 'ssh2 as it comes', unit: 'ms', ours: ['nacre', 'wall'], theirs: ['ssh2', 'wall'] },
    {
      work: 'session with mlkem768x25519, CPU of the server',
      beside: 'our own curve25519',
      unit: 'ms',
      ours: ['nacre mlkem', 'server'],
      theirs: ['nacre', 'server'],
      target: { most: 1.3 },
    },
  ],
  notes: [
    'Session: our client opens one after the other at every server. sshd starts a process and a shell for each; the others answer in their own process.',
  ],
}
