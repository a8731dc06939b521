// Owns the command: how long `nacre ssh host true` takes beside `ssh host true`, and where the time goes. Both as users run
// them, at one sshd, in turn. Knows nothing of tables.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { freshFile, freshFolder } from '../../interop/rig/folder.ts'
import { buildCommands, nacreCommand } from '../rig/build.ts'
import { sshOptionsAt } from '../rig/client.ts'
import { aligned } from '../rig/report.ts'
import type { Comparison, Contender, Figures, Scenario } from '../rig/scenario.ts'
import { type ServerEnd, sshdServer } from '../rig/server.ts'
import { median } from '../rig/statistics.ts'
import { gcm } from '../sites/types.ts'

const runs = 12
const warmUp = 2
const stagedRuns = 5

interface Ran {
  readonly wall: number
  /** What it said on standard error, and after how many milliseconds. */
  readonly said: readonly (readonly [at: number, text: string])[]
}

/** Runs a program to its end and times it. Throws when it fails. */
const run = async (command: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> => {
  const said: [number, string][] = []
  const started = performance.now()
  const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 30_000 })
  child.stderr.on('data', (bytes: Buffer) => said.push([performance.now() - started, bytes.toString()]))
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number | null, wall: performance.now() - started }))
  await once(child, 'close')
  const { code, wall } = await ended
  if (code !== 0) throw new Error(`${command.slice(0, 2).join(' ')} ended with ${code}.\n${said.map(([, text]) => text).join('')}`)
  return { wall, said }
}

/** What each program says when it has come so far. */
const milestones = {
  greeted: /Remote protocol version|the server is /,
  keys: /SSH2_MSG_NEWKEYS received|keys agreed/,
  login: /Authenticated to|logged in as/,
} as const

const stagesOf = ({ wall, said }: Ran): Record<string, number> | undefined => {
  const at = Object.values(milestones).map(pattern => said.find(([, text]) => pattern.test(text))?.[0])
  const times = at.filter(each => each !== undefined)
  if (times.length < at.length) return undefined
  const [greeted, keys, login] = times
  return { greeted, keys: keys - greeted, login: login - keys, rest: wall - login }
}

const medians = (all: readonly Figures[]): Figures =>
  Object.fromEntries(Object.keys(all[0] ?? {}).map(name => [name, median(all.map(each => each[name]))]))

/** The programs, by the names of their figures. Those that differ in nothing else stand beside each other. */
const programsAt = (fixed: ServerEnd, free: ServerEnd, logLevel: string): Readonly<Record<string, readonly string[]>> => ({
  ssh: ['ssh', ...sshOptionsAt(fixed, gcm, logLevel), 'true'],
  nacre: [nacreCommand, 'ssh', ...sshOptionsAt(fixed, gcm, logLevel), 'true'],
  'ssh, own choice': ['ssh', ...sshOptionsAt(free, undefined, logLevel), 'true'],
  'nacre, own choice': [nacreCommand, 'ssh', ...sshOptionsAt(free, undefined, logLevel), 'true'],
})

const inTurn: Contender = {
  name: 'commands',
  async measure() {
    buildCommands()
    await using fixed = await sshdServer(gcm)
    await using free = await sshdServer()
    const home = freshFolder('home')
    const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`, HOME: home, LANG: 'C.UTF-8' }
    const programs: Readonly<Record<string, readonly string[]>> = {
      node: [process.execPath, freshFile('empty.mjs', '')],
      loaded: [nacreCommand, 'ssh', '-V'],
      ...programsAt(fixed, free, 'ERROR'),
    }
    const walls = new Map<string, number[]>(Object.keys(programs).map(name => [name, []]))
    for (let i = -warmUp; i < runs; i++)
      for (const [name, command] of Object.entries(programs)) {
        const { wall } = await run(command, env)
        if (i >= 0) walls.get(name)?.push(wall)
      }
    const staged = new Map<string, Figures[]>()
    for (let i = 0; i < stagedRuns; i++)
      for (const [name, command] of Object.entries(programsAt(fixed, free, 'DEBUG1'))) {
        const stages = stagesOf(await run(command, env))
        if (stages !== undefined) staged.set(name, [...(staged.get(name) ?? []), stages])
      }
    const figures = [...walls].map(([name, all]) => [name, median(all)] as const)
    const stages = [...staged].flatMap(([name, all]) =>
      Object.entries(medians(all)).map(([stage, ms]) => [`${name}: ${stage}`, ms] as const),
    )
    return Object.fromEntries([...figures, ...stages])
  },
}

const row = (work: string, beside: string, ours: string, theirs: string, most?: number): Comparison => ({
  work,
  beside,
  unit: 'ms',
  ours: ['commands', ours],
  theirs: ['commands', theirs],
  ...(most === undefined ? {} : { target: { most } }),
})

const stageNames = [
  ['greeted', 'the server has greeted: program started, connected, and sshd has started a process'],
  ['keys', 'keys exchanged'],
  ['login', 'logged in'],
  ['rest', 'command run, program ended'],
] as const

/** Where the time goes: milliseconds of each stage. */
const stageTable = (medians: ReadonlyMap<string, Figures>): string => {
  const figures = medians.get('commands') ?? {}
  const show = (value: number | undefined): string => (value === undefined ? '–' : `${value.toFixed(1)} ms`)
  const columns = ['nacre', 'ssh', 'nacre, own choice', 'ssh, own choice']
  const difference = (a: string, b: string): number | undefined =>
    figures[a] === undefined || figures[b] === undefined ? undefined : figures[a] - figures[b]
  const node = show(figures['node'])
  const loaded = show(difference('loaded', 'node'))
  const rows = [
    ['an empty `node` starts and ends', node, '', node, ''],
    ['`nacre ssh -V` above that: everything is loaded', loaded, '', loaded, ''],
    ...stageNames.map(([stage, text]) => [text, ...columns.map(name => show(figures[`${name}: ${stage}`]))]),
  ]
  return `Where the time goes, with messages for debugging switched on to see it; the first two lines are parts of the third:\n\n${aligned(['stage', ...columns], rows)}`
}

export const command: Scenario = {
  name: 'command',
  about: '`nacre ssh host true` beside `ssh host true` at one sshd',
  title: 'The command',
  prose: [
    'Wall time from starting the program to its end, at one sshd on the same machine, both programs in turn: `nacre` as it is built and installed, with its compile cache warm. First both with curve25519 and aes128-gcm, then each with what it chooses by itself, which for both is sntrup761x25519 at this sshd.',
  ],
  contenders: settings => (settings.probe === undefined ? [inTurn] : []),
  comparisons: [
    row('`nacre ssh host true`, wall', '`ssh host true`', 'nacre', 'ssh', 1.1),
    row("`nacre ssh host true`, each one's own choice of algorithms, wall", '`ssh host true`', 'nacre, own choice', 'ssh, own choice'),
    row('an empty `node`, wall', '`ssh host true`', 'node', 'ssh'),
  ],
  extra: stageTable,
}
