// Owns the memory of idle connections: so many, logged in, each with one open session. Knows nothing of tables.
import { loginAt, nacreClient, nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/ends.ts'
import { heapGrowth } from '../rig/profile.ts'
import type { Contender, Scenario, Settings } from '../rig/scenario.ts'

const cipher = 'aes128-gcm@openssh.com'
const connections = 500
/** Opened and closed before anything is measured, so that code and tables that come with the first ones do not count. */
const warmUp = 50
const patience = 240

const contender = (name: string, settings: Settings, startServer: () => Promise<ServerEnd>): Contender => ({
  name,
  async measure() {
    await using server = await startServer()
    await using client = await nacreClient(cipher)
    const { site } = client
    if (site === undefined) throw new TypeError('the client is a site')
    const hold = (count: number): Promise<void> => site.call('hold', { ...loginAt(server, cipher), command: server.hold, count }, patience)
    await hold(settings.probe === undefined ? warmUp : 6 * warmUp)
    await site.call('release', {}, patience)
    await server.cpu()
    const base = await server.memory()
    const count = Math.ceil(connections / settings.divisor)
    if (settings.probe?.kind !== 'heap' || server.site === undefined) await hold(count)
    else await heapGrowth(settings.probe.folder, 'idle', { server: server.site, client: site }, count, () => hold(count))
    const held = await server.memory()
    await site.call('release', {}, patience)
    await server.cpu()
    return { base, each: (held - base) / count, after: await server.memory() }
  },
})

const contenders = (settings: Settings): readonly Contender[] => {
  const ours = [contender('nacre', settings, () => nacreServer(cipher))]
  if (settings.probe !== undefined) return ours
  return [
    ...ours,
    contender('OpenSSH', settings, () => sshdServer(cipher)),
    contender('ssh2', settings, () => ssh2Server(cipher, { addon: settings.ssh2Addon, noDelay: true })),
  ]
}

export const idle: Scenario = {
  name: 'idle',
  about: `${connections} idle connections with one session each: memory of the server`,
  contenders,
  comparisons: [
    {
      work: `idle connection, memory of the server, of ${connections}`,
      beside: 'OpenSSH',
      unit: 'KiB',
      ours: ['nacre', 'each'],
      theirs: ['OpenSSH', 'each'],
      target: { most: 0.015 },
    },
    {
      work: `idle connection, memory of the server, of ${connections}`,
      beside: 'ssh2',
      unit: 'KiB',
      ours: ['nacre', 'each'],
      theirs: ['ssh2', 'each'],
      target: { most: 0.6 },
    },
    { work: 'server without connections, memory', beside: 'ssh2', unit: 'KiB', ours: ['nacre', 'base'], theirs: ['ssh2', 'base'] },
  ],
  notes: [
    'Idle: proportional set size above that of the server before, after servers on Node have collected garbage and given free pages back, as Node does by itself in time. For sshd its own processes count, not the command; an ordinary user has two a connection.',
  ],
}
