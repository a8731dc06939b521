// Owns collecting the keys of many hosts: `nacre ssh-keyscan` beside OpenSSH's, at the same servers, in turn. Knows nothing of
// tables.
import { dirname } from 'node:path'
import { freshFile } from '../../interop/rig/folder.ts'
import { hostKey } from '../../interop/rig/keys.ts'
import { finish } from '../../interop/rig/process.ts'
import { buildCommands, nacreCommand } from '../rig/build.ts'
import type { Comparison, Contender, Figures, Scenario } from '../rig/scenario.ts'
import { startSite } from '../rig/site.ts'
import { type HostsArgs, kex } from '../sites/types.ts'

const hosts = 200
/** Seconds for one scan; each host may take as long, for all have but one processor. */
const patience = 60

const kinds = ['rsa', 'ecdsa256', 'ed25519'] as const

/** What is asked for, how many keys that gives of a host, and the key exchange there is, if it is not each one's own choice. */
const asks = [
  { name: 'one kind of key', words: ['-t', 'ed25519'], keys: 1, kex },
  { name: 'three kinds of key', words: ['-t', 'rsa,ecdsa,ed25519'], keys: 3, kex },
  { name: "one kind of key, each one's own choice of algorithms", words: ['-t', 'ed25519'], keys: 1, kex: undefined },
] as const
type Ask = (typeof asks)[number]

interface Scanned {
  readonly wall: number
  readonly cpu: number
}

/** Runs a program to its end; a shell's own clock says what it took. Throws when not every key came. */
const scan = async (program: readonly string[], { words, keys }: Ask, rest: readonly string[]): Promise<Scanned> => {
  const timed = ['bash', '-c', 'TIMEFORMAT="took %3R %3U %3S"; time "$@"', 'scan']
  // The command is what npm installs, and takes the Node it finds.
  const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}` }
  const { stdout, stderr } = await finish([...timed, ...program, ...words, ...rest], { seconds: 2 * patience, env })
  const found = stdout
    .toString()
    .split('\n')
    .filter(line => line.includes(' ssh-') || line.includes(' ecdsa-')).length
  if (found !== keys * hosts) throw new Error(`${program.join(' ')} found ${found} keys of ${keys * hosts}.\n${stderr}`)
  const took = /took (\S+) (\S+) (\S+)\s*$/.exec(stderr)
  if (took === null) throw new Error(`nobody knows what ${program.join(' ')} took.\n${stderr}`)
  const [wall, user, system] = took.slice(1).map(Number)
  return { wall: 1000 * wall, cpu: 1000 * (user + system) }
}

const programs = { nacre: [nacreCommand, 'ssh-keyscan'], OpenSSH: ['ssh-keyscan'] } as const

/** Servers, and what follows the words of a scan of them. */
const startHosts = async (algorithm: string | undefined): Promise<AsyncDisposable & { readonly words: readonly string[] }> => {
  const site = await startSite('nacre-hosts')
  const args: HostsArgs = {
    hostKeys: kinds.map(kind => hostKey(kind).path),
    count: hosts,
    ...(algorithm === undefined ? {} : { kex: algorithm }),
  }
  const list = freshFile('hosts', Array.from({ length: hosts }, (_, index) => `127.0.0.${index + 1}\n`).join(''))
  const port = await site.call<number>('listen', args)
  return {
    words: ['-T', String(patience), '-p', String(port), '-f', list],
    [Symbol.asyncDispose]: () => site[Symbol.asyncDispose](),
  }
}

const inTurn: Contender = {
  name: 'scans',
  async measure() {
    buildCommands()
    const figures: Record<string, number> = {}
    for (const ask of asks) {
      await using servers = await startHosts(ask.kex)
      // The first of all finds servers whose code is not compiled yet.
      await scan(programs.nacre, ask, servers.words)
      for (const [name, program] of Object.entries(programs)) {
        const { wall, cpu } = await scan(program, ask, servers.words)
        figures[`${name}, ${ask.name}, wall`] = wall
        figures[`${name}, ${ask.name}, CPU`] = cpu
      }
    }
    return figures satisfies Figures
  },
}

const row = (ask: Ask['name'], figure: 'wall' | 'CPU', target?: number): Comparison => ({
  work: `${ask}, ${figure}`,
  beside: 'OpenSSH',
  unit: 'ms',
  ours: ['scans', `nacre, ${ask}, ${figure}`],
  theirs: ['scans', `OpenSSH, ${ask}, ${figure}`],
  ...(target === undefined ? {} : { target: { most: target } }),
})

export const keyscan: Scenario = {
  name: 'keyscan',
  about: 'the host keys of 200 servers are collected',
  title: 'Collecting host keys',
  prose: [
    `\`nacre ssh-keyscan -f\` and OpenSSH's, in turn, at the same ${hosts} servers of ours, which share one process: an address each, with an RSA, an ECDSA and an Ed25519 key. Every key takes a connection with a key exchange, by curve25519; left to themselves both choose one that is safe from quantum computers, which OpenSSH computes one after the other.`,
  ],
  mostRounds: 3,
  contenders: settings => (settings.probe === undefined ? [inTurn] : []),
  comparisons: [
    row(asks[0].name, 'wall', 1),
    row(asks[1].name, 'wall', 1),
    row(asks[0].name, 'CPU'),
    row(asks[1].name, 'CPU'),
    row(asks[2].name, 'wall'),
    row(asks[2].name, 'CPU'),
  ],
}
