// Owns the memory of idle connections: so many, logged in, each with one open session. Knows nothing of tables.
import { bareClient, goClient, loginAt, nacreClient } from '../rig/client.ts'
import { heapProbed, pair } from '../rig/contender.ts'
import { besideAll, type Comparison, type Contender, type Scenario, type Settings } from '../rig/scenario.ts'
import { asyncSshServer, bareServer, goServer, nacreServer, type ServerEnd, ssh2Server, sshdServer } from '../rig/server.ts'
import type { Site } from '../rig/site.ts'
import { gcm } from '../sites/types.ts'

const few = 500
const many = 5000
/** Opened and closed before anything is measured, so that code and tables that come with the first ones do not count. */
const warmUp = 50
/** Before that, one after the other, so that code is compiled by then that is compiled when it has run often. */
const warmUpSessions = 600
const warmUpOfProbe = 300
const patience = 300

const figure = (count: number): string => `each of ${count}`
/** From the first measurement to the second: most of what the warm-up left behind is full by then. */
const beyond = `each beyond ${few}`

const contender = (
  name: string,
  settings: Settings,
  most: number,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<Site> = settings.probe === undefined && settings.peers.go ? goClient : nacreClient,
): Contender =>
  pair(name, startServer, startClient, async both => {
    const { server, client } = both
    const hold = (count: number): Promise<void> => client.call('hold', { ...loginAt(server, gcm), command: server.hold, count }, patience)
    if (server.site !== undefined)
      await client.call('sessions', { ...loginAt(server, gcm), command: server.nothing, count: warmUpSessions }, patience)
    await hold(settings.probe === undefined ? Math.ceil(warmUp / settings.divisor) : warmUpOfProbe)
    await client.call('release', {}, patience)
    await server.cpu()
    const base = await server.memory()
    const figures: Record<string, number> = { base }
    let held = 0
    for (const step of [few, many]) {
      if (step > most) break
      const count = Math.ceil(step / settings.divisor)
      await heapProbed(settings, `idle ${name}`, both, count, () => hold(count - held))
      held = count
      figures[figure(step)] = ((await server.memory()) - base) / held
    }
    const [first, all] = [few, many].map(step => Math.ceil(step / settings.divisor))
    const ofAll = figures[figure(many)]
    if (ofAll !== undefined) figures[beyond] = (ofAll * all - figures[figure(few)] * first) / (all - first)
    await client.call('release', {}, patience)
    await server.cpu()
    return { ...figures, after: await server.memory() }
  })

const contenders = (settings: Settings): readonly Contender[] => {
  const { peers, probe } = settings
  if (probe !== undefined) return [contender('nacre', settings, few, () => nacreServer(gcm, { accelerated: probe.accelerated }))]
  return [
    contender('nacre', settings, many, () => nacreServer(gcm)),
    ...(peers.accelerator ? [contender('accelerated', settings, many, () => nacreServer(gcm, { accelerated: true }))] : []),
    contender('OpenSSH', settings, few, () => sshdServer(gcm)),
    contender('ssh2', settings, many, () => ssh2Server(gcm, { addon: peers.ssh2Addon, noDelay: true })),
    ...(peers.asyncSsh ? [contender('AsyncSSH', settings, many, () => asyncSshServer(gcm))] : []),
    ...(peers.go ? [contender('Go', settings, many, () => goServer(gcm))] : []),
    contender(
      'bare Node',
      settings,
      many,
      () => bareServer('idle'),
      () => bareClient('idle'),
    ),
  ]
}

const row = (count: number, theirCount: number, beside: string, theirs: string, most?: number): Comparison => ({
  work: `idle connection, memory of the server, of ${count}`,
  beside: theirCount === count ? beside : `${beside}, of ${theirCount}`,
  unit: 'KiB',
  ours: ['nacre', figure(count)],
  theirs: [theirs, figure(theirCount)],
  accelerated: { ours: ['accelerated', figure(count)] },
  ...(most === undefined ? {} : { target: { most } }),
})

export const idle: Scenario = {
  name: 'idle',
  about: `${few} and ${many} idle connections with one session each: memory of the server`,
  title: 'Idle connections',
  prose: [
    `Proportional set size above that of the server before, without the pages of program files, with ${few} and then ${many} connections logged in and one session open on each. Servers that collect garbage have collected it and given free pages back before they are looked at, as they do by themselves in a process that rests. All but sshd have served ${warmUpSessions} sessions one after the other by then, and ${warmUp} at once; what memory those leave behind is filled again first, which hides a part of what the first ${few} take; what each beyond them takes is nearly free of it. For sshd its own processes count, not the command. ${many} connections at sshd would be ${3 * many} processes, too many for this machine; since each costs the same, the ${many} of others are set beside its ${few}.`,
  ],
  // Memory hardly differs from round to round, and filling a server takes a while.
  mostRounds: 3,
  contenders,
  comparisons: [
    ...[few, many].flatMap(count => [
      row(count, few, 'OpenSSH', 'OpenSSH', 0.015),
      row(count, count, 'ssh2', 'ssh2', 0.6),
      row(count, count, 'AsyncSSH', 'AsyncSSH', 0.6),
      row(count, count, 'Go x/crypto', 'Go'),
    ]),
    ...[
      ['ssh2', 'ssh2'],
      ['AsyncSSH', 'AsyncSSH'],
      ['Go x/crypto', 'Go'],
    ].map(([beside, theirs]): Comparison => ({
      work: `idle connection, memory of the server, each beyond ${few}`,
      beside,
      unit: 'KiB',
      ours: ['nacre', beyond],
      theirs: [theirs, beyond],
      accelerated: { ours: ['accelerated', beyond] },
    })),
    { work: 'server without connections, memory', beside: 'ssh2', unit: 'KiB', ours: ['nacre', 'base'], theirs: ['ssh2', 'base'] },
  ],
  floor: {
    prose:
      'Bare Node is a server without SSH that keeps a socket of Node and one small object for each connection, in a set, and has read and written once.',
    comparisons: [few, many].flatMap(count =>
      besideAll(
        `idle connection without SSH, memory of the server, of ${count}`,
        'KiB',
        ['bare Node', figure(count)],
        [
          ['nacre', 'nacre'],
          ['ssh2', 'ssh2'],
          ['AsyncSSH', 'AsyncSSH'],
        ],
      ),
    ),
  },
}
