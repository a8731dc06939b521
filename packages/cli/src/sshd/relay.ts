// Owns joining a session to a process, by pipes or by a terminal: back-pressure both ways, the half-closed input, signals
// to the process group, the hang-up, and the exit after the last byte. Knows nothing of users, shells or configuration.
import { closeSync, fchownSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import { type Exit, SshError } from 'nacre'
import type { OpenPty, Session, SessionTerminal } from 'nacre/server'
import { spawnClean } from '../spawn.ts'
import { type Pipe, takePipes } from './pipes.ts'

/** A process to be started for a session. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** What the process is told its name is. */
  readonly argv0: string | undefined
  /** Owner of the streams or the terminal, when the process changes to another user by itself. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  /** Signals the client sends reach the process. */
  readonly signals: boolean
}

/** Nothing could be started. */
class StartError extends SshError {
  constructor(message: string, options?: ErrorOptions) {
    super('START', message, options)
  }
}

/** Those OpenSSH passes on. */
const passedOn: ReadonlySet<string> = new Set([
  'ABRT',
  'ALRM',
  'FPE',
  'HUP',
  'ILL',
  'INT',
  'KILL',
  'PIPE',
  'QUIT',
  'SEGV',
  'TERM',
  'USR1',
  'USR2',
])

/** The name of a signal as the system has it; `undefined` for one that is not passed on. SIGINFO is one of BSD's (OpenSSH's PROTOCOL). */
const systemSignal = (name: string): string | undefined =>
  name === 'INFO@openssh.com' && 'SIGINFO' in constants.signals ? 'INFO' : passedOn.has(name) ? name : undefined

const signalGroup = (pid: number, name: string): void => {
  try {
    process.kill(-pid, `SIG${name}`)
  } catch {
    // The group is gone, which is what its exit will tell.
  }
}

/** Signals of the client reach the whole group, as long as it runs. */
const passSignals = (session: Session<unknown>, group: number, runs: () => boolean): void =>
  session.onSignal(name => {
    const own = systemSignal(name)
    if (runs() && own !== undefined) signalGroup(group, own)
  })

const exitOf = (code: number | null, signal: string | null): Exit =>
  signal === null ? { code: code ?? 255 } : { signal: signal.replace(/^SIG/, ''), coreDumped: false, message: '' }

/** Copies what the client sends; the client waits while the process does not read. */
const relayInput = (session: Session<unknown>, stdin: Writable): void => {
  let draining: Promise<void> | undefined
  const drained = (): Promise<void> =>
    (draining ??= new Promise(resolve => {
      const done = (): void => {
        draining = undefined
        stdin.removeListener('drain', done)
        stdin.removeListener('close', done)
        resolve()
      }
      stdin.on('drain', done)
      stdin.on('close', done)
    }))
  // A process that reads no more is no fault.
  stdin.on('error', () => {})
  session.tap({
    stdin(bytes, detached) {
      if (!stdin.writable) return undefined
      return stdin.write(detached ? bytes : bytes.slice()) ? undefined : drained()
    },
    end: () => void stdin.end(),
  })
}

/** Copies output of the process; the process waits while the client does not read. Resolves when it has all been passed on. */
const relayOutput = (session: Session<unknown>, from: Socket, type: 0 | 1): Promise<void> =>
  new Promise(resolve => {
    from.on('data', (bytes: Buffer) => {
      const waiting = session.write(bytes, type)
      if (waiting === undefined) return
      from.pause()
      waiting.then(
        () => from.resume(),
        () => from.destroy(),
      )
    })
    from.on('error', () => {})
    from.on('close', () => resolve())
  })

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

/** Runs it with three pipes. Rejects with `StartError` when nothing started. */
export const runOnPipes = async (session: Session<unknown>, launch: Launch): Promise<Exit> => {
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
  let running = true
  const output = Promise.all([relayOutput(session, stdout, 0), relayOutput(session, stderr, 1)])
  relayInput(session, stdin)
  if (launch.signals) passSignals(session, pid, () => running)
  const hangUp = (): void => {
    if (running) signalGroup(pid, 'HUP')
    for (const each of [stdin, stdout, stderr]) each.destroy()
  }
  session.signal.addEventListener('abort', hangUp, { once: true })
  if (session.signal.aborted) hangUp()
  session.onOutputClosed(() => stdout.destroy())
  const exit = await exited
  running = false
  stdin.destroy()
  await output
  session.signal.removeEventListener('abort', hangUp)
  return exit
}

/** Runs it on a terminal. Throws what `open` throws when nothing started. */
export const runOnTerminal = async (session: Session<unknown>, terminal: SessionTerminal, launch: Launch, open: OpenPty): Promise<Exit> => {
  const pty = open(launch.file, launch.args, {
    columns: terminal.columns || 80,
    rows: terminal.rows || 24,
    term: terminal.term,
    env: launch.env,
    cwd: launch.cwd,
    modes: terminal.modes,
    ...(launch.owner === undefined ? {} : { terminalOwner: launch.owner.uid }),
  })
  pty.onData(bytes => {
    const waiting = session.write(bytes)
    if (waiting === undefined) return
    pty.pause()
    waiting.then(
      () => pty.resume(),
      () => pty.close(),
    )
  })
  session.tap({
    stdin: (bytes, detached) => pty.write(detached ? bytes : bytes.slice()),
    // A terminal has no end of input that is not a key; OpenSSH sends none either.
    end: () => {},
  })
  let running = true
  session.onResize(size => pty.resize(size.columns, size.rows))
  session.onBreak(() => {})
  if (launch.signals) passSignals(session, pty.pid, () => running)
  const hangUp = (): void => pty.close()
  session.signal.addEventListener('abort', hangUp, { once: true })
  if (session.signal.aborted) hangUp()
  const exit = await pty.exited
  running = false
  session.signal.removeEventListener('abort', hangUp)
  return exit
}
