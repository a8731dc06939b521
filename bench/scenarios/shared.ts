// Owns shared connections: how long a second session takes over one that is there, by our programs and OpenSSH's, over masters of their
// own, and by the library in a program that runs already. Knows nothing of tables.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { connectShared } from 'nacre'
import { freshFile, freshFolder, freshPath } from '../../interop/rig/folder.ts'
import { buildCommands, nacreCommand } from '../rig/build.ts'
import { sshOptionsAt } from '../rig/client.ts'
import type { Comparison, Contender, Scenario } from '../rig/scenario.ts'
import { type ServerEnd, sshdServer } from '../rig/server.ts'
import { median } from '../rig/statistics.ts'
import { gcm } from '../sites/types.ts'

const runs = 12
const warmUp = 2
const sessions = 40

const programs = { OpenSSH: ['ssh'], nacre: [nacreCommand, 'ssh'] } as const
type Kind = keyof typeof programs

const environment = (): Record<string, string> => ({
  PATH: `${dirname(process.execPath)}:${process.env.PATH ?? ''}`,
  HOME: freshFolder('home'),
  LANG: 'C.UTF-8',
})

/** Runs a program to its end; milliseconds. Throws when it fails. */
const wallOf = async (command: readonly string[], env: Readonly<Record<string, string>>): Promise<number> => {
  const started = performance.now()
  const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'ignore', 'inherit'], timeout: 30_000 })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${command.slice(0, 2).join(' ')} ended with ${code}.`)
  return performance.now() - started
}

interface Master extends AsyncDisposable {
  readonly path: string
}

const masterOf = async (kind: Kind, server: ServerEnd, env: Readonly<Record<string, string>>): Promise<Master> => {
  const path = freshPath('cm')
  const [program, ...words] = [...programs[kind], '-S', path, '-M', '-N', ...sshOptionsAt(server, gcm, 'ERROR')]
  const child: ChildProcess = spawn(program, words, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  for (let tries = 0; !existsSync(path); tries++) {
    if (tries === 500 || child.exitCode !== null) throw new Error(`The master of ${kind} does not listen.`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

const inTurn: Contender = {
  name: 'shared',
  async measure() {
    buildCommands()
    await using server = await sshdServer(gcm)
    const env = environment()
    await using theirs = await masterOf('OpenSSH', server, env)
    await using ours = await masterOf('nacre', server, env)
    const over = (kind: Kind, { path }: Master): readonly string[] => [
      ...programs[kind],
      '-S',
      path,
      ...sshOptionsAt(server, gcm, 'ERROR'),
      'true',
    ]
    const commands: Readonly<Record<string, readonly string[]>> = {
      node: [process.execPath, freshFile('empty.mjs', '')],
      'ssh over ssh': over('OpenSSH', theirs),
      'nacre over ssh': over('nacre', theirs),
      'nacre over nacre': over('nacre', ours),
      'ssh anew': ['ssh', ...sshOptionsAt(server, gcm, 'ERROR'), 'true'],
      'nacre anew': [nacreCommand, 'ssh', ...sshOptionsAt(server, gcm, 'ERROR'), 'true'],
    }
    const walls = new Map<string, number[]>(Object.keys(commands).map(name => [name, []]))
    for (let i = -warmUp; i < runs; i++)
      for (const [name, command] of Object.entries(commands)) {
        const wall = await wallOf(command, env)
        if (i >= 0) walls.get(name)?.push(wall)
      }
    for (const [name, master] of [
      ['library over ssh', theirs],
      ['library over nacre', ours],
    ] as const) {
      const taken: number[] = []
      for (let i = 0; i < sessions; i++) {
        const started = performance.now()
        await using shared = await connectShared(master.path)
        await shared.run('true', { check: true })
        taken.push(performance.now() - started)
      }
      walls.set(name, taken)
    }
    return Object.fromEntries([...walls].map(([name, all]) => [name, median(all)]))
  },
}

const row = (work: string, beside: string, ours: string, theirs: string): Comparison => ({
  work,
  beside,
  unit: 'ms',
  ours: ['shared', ours],
  theirs: ['shared', theirs],
})

export const shared: Scenario = {
  name: 'shared',
  about: 'a second session over a shared connection',
  title: 'Shared connections',
  prose: [
    'Wall time of `true` in a session over a connection that is shared already, from the start of the program to its end, at one sshd on the same machine, all in turn. The library connects to the socket and runs the command in a process that is there already; what is left of that time is mostly sshd starting a shell.',
  ],
  contenders: settings => (settings.probe === undefined ? [inTurn] : []),
  comparisons: [
    row('`nacre ssh -S` over a master of nacre', '`ssh -S` over its own', 'nacre over nacre', 'ssh over ssh'),
    row('`nacre ssh -S` over a master of OpenSSH', '`ssh -S` over its own', 'nacre over ssh', 'ssh over ssh'),
    row('`nacre ssh -S`', 'an empty `node`', 'nacre over nacre', 'node'),
    row('`nacre ssh -S`', '`nacre ssh` with a connection of its own', 'nacre over nacre', 'nacre anew'),
    row('`ssh -S`, for comparison', '`ssh` with a connection of its own', 'ssh over ssh', 'ssh anew'),
    row('`connectShared` and `run`, over a master of nacre', '`ssh -S`', 'library over nacre', 'ssh over ssh'),
    row('`connectShared` and `run`, over a master of OpenSSH', '`ssh -S`', 'library over ssh', 'ssh over ssh'),
  ],
}
