// Owns the encrypted key: what opening one costs, and how long everything else in the process waits meanwhile. Knows nothing of
// tables.
import { newKey } from '../../interop/rig/keys.ts'
import { nacreClient, ssh2Client } from '../rig/client.ts'
import type { Comparison, Contender, Scenario, Settings } from '../rig/scenario.ts'
import type { Site } from '../rig/site.ts'
import { median } from '../rig/statistics.ts'
import type { OpenKeyArgs, Opened } from '../sites/types.ts'

const passphrase = 'correct horse'
const times = 5

const contender = (name: string, startSite: () => Promise<Site>): Contender => ({
  name,
  async measure() {
    await using site = await startSite()
    const { path } = newKey('ed25519', passphrase)
    const open = (): Promise<Opened> => site.call('openKey', { path, passphrase } satisfies OpenKeyArgs)
    // Code is compiled by then.
    await open()
    const all: Opened[] = []
    for (let i = 0; i < times; i++) all.push(await open())
    const of = (figure: (opened: Opened) => number): number => 1000 * median(all.map(figure))
    return { wait: of(each => each.wait), cpu: of(each => each.cpu), wall: of(each => each.wall) }
  },
})

const contenders = ({ peers, probe }: Settings): readonly Contender[] => [
  contender('nacre', () => nacreClient({ accelerated: probe?.accelerated ?? false })),
  ...(probe === undefined ? [contender('ssh2', () => ssh2Client({ addon: peers.ssh2Addon, noDelay: true }))] : []),
]

const row = (work: string, figure: string, target?: number): Comparison => ({
  work,
  beside: 'ssh2',
  unit: 'ms',
  ours: ['nacre', figure],
  theirs: ['ssh2', figure],
  ...(target === undefined ? {} : { target: { most: target } }),
})

export const encryptedKey: Scenario = {
  name: 'encrypted-key',
  about: 'opening a key file with a passphrase while others wait',
  title: 'Encrypted keys',
  prose: [
    'A key as ssh-keygen makes it, encrypted with its usual number of rounds of bcrypt, is opened. "Others wait" is the longest time in which the process could do nothing else: answer a keystroke on another connection, for one. Both use the same hash.',
  ],
  mostRounds: 3,
  contenders,
  comparisons: [
    row('open an encrypted key, others wait at most', 'wait', 0.2),
    row('open an encrypted key, CPU', 'cpu'),
    row('open an encrypted key, wall', 'wall'),
  ],
}
