// Owns the keystroke: one byte to the server and back on one channel, the next when it has come. Knows nothing of tables.
import { bareClient, loginAt, nacreClient, ssh2Client } from '../rig/client.ts'
import { charged, pair, probed } from '../rig/contender.ts'
import { besideAll, type Comparison, type Contender, type Scenario, type Settings } from '../rig/scenario.ts'
import { bareServer, nacreServer, type ServerEnd, ssh2Server } from '../rig/server.ts'
import type { Site } from '../rig/site.ts'
import { median } from '../rig/statistics.ts'
import type { Ssh2Options } from '../sites/ssh2.ts'
import { type BareKeystrokeOptions, chachaPoly, commands, gcm, type Repeated } from '../sites/types.ts'

const counts = { warmUp: 5000, measured: 20_000 }
const patience = 120

const contender = (
  name: string,
  settings: Settings,
  cipher: string | undefined,
  startServer: () => Promise<ServerEnd>,
  startClient: () => Promise<Site>,
): Contender =>
  pair(name, startServer, startClient, async both => {
    const { server, client } = both
    const press = (count: number): Promise<Repeated> =>
      client.call('keystrokes', { ...loginAt(server, cipher), command: commands.echo, count }, patience)
    const count = Math.ceil(counts.measured / settings.divisor)
    await press(Math.ceil(counts.warmUp / settings.divisor))
    await probed(settings, `keystroke ${name}`, both, count, () => press(count))
    const { server: spent, result } = await charged(server, () => press(count))
    const each = 1e6 / count
    return { server: spent * each, client: result.cpu * each, both: (spent + result.cpu) * each, wall: 1e6 * median(result.walls) }
  })

/** What is typed through: a cipher by name, or whatever each library chooses by itself. */
const ways = [
  { name: 'aes128-gcm', cipher: gcm },
  { name: 'chacha20-poly1305', cipher: chachaPoly },
  { name: "each library's own choice", cipher: undefined },
] as const

const floors = [
  { name: 'bare Node', seals: 'nothing' },
  { name: 'bare Node, AES', seals: 'blocks' },
  { name: 'bare Node, AES-GCM', seals: 'gcm' },
] as const

const floor = (name: string, settings: Settings, seals: BareKeystrokeOptions['seals']): Contender =>
  contender(
    name,
    settings,
    undefined,
    () => bareServer('keystroke', { seals }),
    () => bareClient('keystroke', { seals }),
  )

const contenders = (settings: Settings): readonly Contender[] => {
  const { peers, probe } = settings
  const shown = probe === undefined ? ways : ways.slice(0, 2)
  const all = shown.flatMap(({ name, cipher }) => {
    const ours = (label: string, accelerated: boolean): Contender =>
      contender(
        `${label} ${name}`,
        settings,
        cipher,
        () => nacreServer(cipher, { accelerated }),
        () => nacreClient({ accelerated }),
      )
    if (probe !== undefined) return [ours('nacre', probe.accelerated)]
    const theirs = (label: string, noDelay: boolean): Contender => {
      // OpenSSL 3.5 refuses what ssh2's addon asks of ChaCha20.
      const options: Ssh2Options = { addon: peers.ssh2Addon && cipher !== chachaPoly, noDelay }
      return contender(
        `${label} ${name}`,
        settings,
        cipher,
        () => ssh2Server(cipher, options),
        () => ssh2Client(options),
      )
    }
    return [
      ours('nacre', false),
      ...(peers.accelerator ? [ours('accelerated', true)] : []),
      theirs('ssh2 nodelay', true),
      // Without its addon ssh2 writes three times a packet, and Nagle's algorithm then makes it wait 40 ms for every key.
      ...(cipher === chachaPoly ? [] : [theirs('ssh2', false)]),
    ]
  })
  return probe === undefined ? [...all, ...floors.map(({ name, seals }) => floor(name, settings, seals))] : all
}

const comparisons = ways.flatMap(({ name, cipher }): readonly Comparison[] => {
  const row = (what: string, figure: string, beside: string, theirs: string, most?: number): Comparison => ({
    work: `keystroke there and back, ${name}, ${what}`,
    beside,
    unit: 'µs',
    ours: [`nacre ${name}`, figure],
    theirs: [`${theirs} ${name}`, figure],
    accelerated: { ours: [`accelerated ${name}`, figure], ...(most === undefined ? {} : { target: { most } }) },
    ...(most === undefined ? {} : { target: { most } }),
  })
  const withoutAddon = cipher === chachaPoly
  return [
    row('CPU of both ends', 'both', 'ssh2 as it comes', 'ssh2', 0.5),
    row(
      'CPU of both ends',
      'both',
      withoutAddon ? 'ssh2 without addon, with setNoDelay' : 'ssh2 with setNoDelay',
      'ssh2 nodelay',
      withoutAddon ? 0.5 : undefined,
    ),
    row('wall, median', 'wall', 'ssh2 as it comes', 'ssh2'),
    row('wall, median', 'wall', 'ssh2 with setNoDelay', 'ssh2 nodelay'),
  ]
})

const floorLabels: Readonly<Record<BareKeystrokeOptions['seals'], string>> = {
  nothing: 'without cryptography',
  blocks: 'AES',
  gcm: 'AES-GCM',
}
const floorOthers = [
  ['nacre, aes128-gcm', 'nacre aes128-gcm'],
  ['nacre, aes128-gcm, accelerated', 'accelerated aes128-gcm'],
  ['ssh2 as it comes, aes128-gcm', 'ssh2 aes128-gcm'],
] as const

export const keystroke: Scenario = {
  name: 'keystroke',
  about: 'one byte there and back through a channel',
  title: 'Keystrokes',
  prose: [
    'One byte to the server and back, the next when it has come. With chacha20-poly1305 ssh2 runs without its addon, which does not work with OpenSSL 3.5; in all else it has it. By itself ssh2 chooses aes128-gcm on a processor with AES instructions.',
  ],
  contenders,
  comparisons,
  floor: {
    prose:
      'Bare Node is a socket at both ends that answers each packet of 36 bytes with another, and no SSH: nothing on Node can cost less. "AES" encrypts the counter blocks of eight packets at a time in a cipher that stays, once for each direction at each end, which is the least of AES-GCM that can be asked of node:crypto; GHASH would come on top. "AES-GCM" makes a cipher for each packet, as node:crypto offers it.',
    comparisons: floors.flatMap(({ name, seals }) =>
      besideAll(`keystroke there and back, ${floorLabels[seals]}, CPU of both ends`, 'µs', [name, 'both'], floorOthers),
    ),
  },
}
