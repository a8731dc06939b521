// Owns starting the programs of sessions from this process: becoming the account, its home, real pipes, a terminal. Knows nothing of
// SSH, and not what is run.
import { accessSync, closeSync, constants, existsSync, fchownSync, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { type Exit, SshError } from 'nacre'
import type { OpenPty } from 'nacre/server'
import { spawnClean } from '../spawn.ts'
import type { Account } from './account.ts'
import { asUser } from './as-user.ts'
import { startAs } from './become.ts'
import type { Named } from './file-services.ts'
import { type Pipe, takePipes } from './pipes.ts'
import type { Piped, SessionStarter, Signalled, Start } from './session-starter.ts'

/** True when the account itself may enter its home; root could enter where it cannot. */
export const homeOpen = (account: Account): boolean => {
  try {
    return asUser(account, () => {
      accessSync(account.home, constants.X_OK)
      return statSync(account.home).isDirectory()
    })
  } catch {
    return false
  }
}

const bash = (): string | undefined => ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'].find(path => existsSync(path))

/** What the shell of a login is told by, where no dash can be put in front of its name. */
const asLogin = ({ file, args, argv0 }: Named): readonly string[] => (argv0.startsWith('-') ? [file, ...args, '-l'] : [file, ...args])

/**
 * One more program in front, which takes the shell's place with the right name, and on a terminal knows its device. -p and
 * --norc keep bash from running the account's own files twice.
 */
const through = (command: Named, terminal: boolean, rc: string): { readonly file: string; readonly args: readonly string[] } => {
  const before = `${terminal ? 'SSH_TTY=$(tty) && export SSH_TTY; ' : ''}${rc}`
  const shell = bash()
  if (shell !== undefined)
    return { file: shell, args: ['--norc', '-p', '-c', `${before}exec -a "$0" "$@"`, command.argv0, command.file, ...command.args] }
  return { file: '/bin/sh', args: ['-c', `${before}exec "$@"`, 'sh', ...asLogin(command)] }
}

interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** What the process is told its name is. */
  readonly argv0: string | undefined
  /** Owner of the streams or the terminal, when the process changes to another user by itself. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
}

const launchOf = ({ account, command, env, before }: Start, terminal: boolean): Launch => {
  const other = process.geteuid?.() !== account.uid
  // Without a terminal Node gives a process its name, but only the process it starts itself.
  const staged = terminal || before !== '' || (other && command.argv0.startsWith('-'))
  const start = startAs(account, { ...(staged ? through(command, terminal, before) : { file: command.file, args: command.args }), env })
  return {
    ...start,
    cwd: homeOpen(account) ? account.home : '/',
    argv0: staged || other ? undefined : command.argv0,
    owner: other ? { uid: account.uid, gid: account.gid } : undefined,
  }
}

/** Nothing could be started. */
class StartError extends SshError {
  constructor(message: string, options?: ErrorOptions) {
    super('START', message, options)
  }
}

const signalGroup = (pid: number, name: string): void => {
  try {
    process.kill(-pid, `SIG${name}`)
  } catch {
    // The group is gone, which is what its exit will tell.
  }
}

const exitOf = (code: number | null, signal: string | null): Exit =>
  signal === null ? { code: code ?? 255 } : { signal: signal.replace(/^SIG/, ''), coreDumped: false, message: '' }

interface Streams {
  /** What the process gets as 0, 1 and 2. */
  readonly theirs: readonly [number, number, number]
  readonly ours: readonly [number, number, number]
}

const streamsOf = ([input, output, error]: readonly Pipe[], owner: Launch['owner']): Streams => {
  const theirs = [input.read, output.write, error.write] as const
  // Opening /dev/stderr by name asks for the owner's right, as opening any file does.
  if (owner !== undefined) for (const each of theirs) fchownSync(each, owner.uid, owner.gid)
  return { theirs, ours: [input.write, output.read, error.read] }
}

const onPipes = async (start: Start): Promise<Piped & Signalled> => {
  const launch = launchOf(start, false)
  const pipes = await takePipes(3)
  const streams = pipes === undefined ? undefined : streamsOf(pipes, launch.owner)
  const child = spawnClean(launch.file, launch.args, {
    cwd: launch.cwd,
    env: launch.env,
    // A process group of its own, so that signals reach all of a pipeline.
    detached: true,
    stdio: streams === undefined ? ['pipe', 'pipe', 'pipe'] : streams.theirs,
    ...(launch.argv0 === undefined ? {} : { argv0: launch.argv0 }),
  })
  for (const each of streams?.theirs ?? []) closeSync(each)
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', cause =>
      reject(new StartError(`${launch.file} could not be started in ${launch.cwd}: ${cause.message}`, { cause })),
    )
    child.once('exit', (code, signal) => resolve(exitOf(code, signal)))
  })
  const [stdin, stdout, stderr] = (
    streams === undefined
      ? [child.stdin, child.stdout, child.stderr]
      : streams.ours.map((fd, index) => new Socket({ fd, readable: index > 0, writable: index === 0 }))
  ) as [Socket, Socket, Socket]
  const { pid } = child
  if (pid === undefined) {
    for (const each of [stdin, stdout, stderr]) each.destroy()
    await exited
    throw new StartError(`${launch.file} could not be started.`)
  }
  return { stdin, stdout, stderr, exited, signal: name => signalGroup(pid, name) }
}

/** Starts everything from here: as root for every account, else for our own. */
export const starterHere = (openPty: OpenPty): SessionStarter => ({
  onPipes,
  async onTerminal(start, terminal) {
    const launch = launchOf(start, true)
    const pty = openPty(launch.file, launch.args, {
      columns: terminal.columns || 80,
      rows: terminal.rows || 24,
      term: terminal.term,
      env: launch.env,
      cwd: launch.cwd,
      modes: terminal.modes,
      ...(launch.owner === undefined ? {} : { terminalOwner: launch.owner.uid }),
    })
    return Object.assign(pty, { signal: (name: string) => signalGroup(pty.pid, name) })
  },
})
