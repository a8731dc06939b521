// Owns starting other programs: their log, their deadline, and that nothing of them is left running. Knows nothing of SSH.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Readable, Writable } from 'node:stream'
import { folder } from './folder.ts'

/** How a program ended and what it said. */
export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

export interface Running extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  readonly stdin: Writable
  readonly stdout: Readable
  /** Everything it wrote to standard error, and to standard output if asked to keep that too. */
  log(): string
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
  readonly ended: boolean
  kill(signal: NodeJS.Signals): void
  /** Its children and theirs, as they are now. */
  descendants(): readonly number[]
}

export interface StartOptions {
  readonly name?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Keep standard output in the log (for servers). */
  readonly logStdout?: boolean
}

/** Where our commands keep what is compiled of them: their homes are new each time. */
const compiled = process.env['NODE_COMPILE_CACHE']

/** The environment every program gets: nothing of the person who runs the tests, above all no agent. */
const cleanEnvironment = (): Record<string, string> => ({
  ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
  PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
  HOME: folder(),
  LANG: 'C.UTF-8',
  TMPDIR: folder(),
})

/** The programs started on behalf of one test, so that its failure can show their logs. */
export const startedHere = new AsyncLocalStorage<Running[]>()
const alive = new Set<ChildProcess>()

const parents = (): Map<number, number[]> => {
  const children = new Map<number, number[]>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    let stat: string
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
    } catch {
      continue
    }
    // The second field is the program's name in parentheses and may hold anything.
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)])
  }
  return children
}

/** The processes below `pid`, nearest first. */
export const descendantsOf = (pid: number): readonly number[] => {
  const children = parents()
  const found: number[] = []
  const queue = [pid]
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const below = children.get(next) ?? []
    found.push(...below)
    queue.push(...below)
  }
  return found
}

const killQuietly = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(pid, signal)
  } catch {
    // It has gone already.
  }
}

/** A server's sessions have process groups of their own, so the tree is what counts, not the group. */
const killTree = (pid: number): void => {
  const below = descendantsOf(pid)
  for (const each of [pid, ...below]) killQuietly(each, 'SIGKILL')
}

process.on('exit', () => {
  for (const child of alive) if (child.pid !== undefined) killTree(child.pid)
})
// A test process that is ended from outside, for its time is over, say, leaves nothing behind either.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

/** Starts a program. Throws when it cannot be started at all. */
export const start = async (command: readonly string[], options: StartOptions = {}): Promise<Running> => {
  const [program, ...args] = command
  if (program === undefined) throw new TypeError('no program given')
  const child = spawn(program, args, {
    env: { ...cleanEnvironment(), ...options.env },
    cwd: options.cwd ?? folder(),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>(resolve => {
    child.on('close', (code, signal) => {
      alive.delete(child)
      resolve({ code, signal })
    })
  })
  await once(child, 'spawn')
  alive.add(child)
  // A program that ends before it has read its input is no failure of the test.
  child.stdin.on('error', () => {})
  const log: Buffer[] = []
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk))
  if (options.logStdout === true) child.stdout.on('data', (chunk: Buffer) => log.push(chunk))
  const pid = child.pid ?? 0
  let ended = false
  void exited.then(() => (ended = true))
  const running: Running = {
    name: options.name ?? program,
    pid,
    stdin: child.stdin,
    stdout: child.stdout,
    exited,
    log: () => Buffer.concat(log).toString('utf8'),
    get ended() {
      return ended
    },
    kill: signal => void killQuietly(pid, signal),
    descendants: () => descendantsOf(pid),
    async [Symbol.asyncDispose]() {
      // Who has ended has no children any more, and the number may be another's.
      if (!ended) killTree(pid)
      // A grandchild that survived with our pipes would keep `close` from coming.
      child.stdout.destroy()
      child.stderr.destroy()
      child.stdin.destroy()
      await exited
    },
  }
  startedHere.getStore()?.push(running)
  return running
}

export interface FinishOptions extends StartOptions {
  /** What to write to standard input, which is then closed; `'open'` leaves it open and empty. */
  readonly stdin?: Uint8Array | string | 'open'
  /** Seconds it may take; 30 by default. */
  readonly seconds?: number
}

/** Runs a program to its end. Throws, with its log, when that takes too long. */
export const finish = async (command: readonly string[], options: FinishOptions = {}): Promise<Finished> => {
  await using running = await start(command, options)
  const stdout: Buffer[] = []
  running.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  if (options.stdin !== 'open') running.stdin.end(options.stdin ?? '')
  const seconds = options.seconds ?? 30
  const { code, signal } = await withinSeconds(
    seconds,
    running.exited,
    () => `${command.join(' ')} did not end within ${seconds} s.\n${running.log()}`,
  )
  return { code, signal, stdout: Buffer.concat(stdout), stderr: running.log() }
}

/** Waits for `promise`, but no longer than `seconds`; `what` says then what was waited for. */
export const withinSeconds = async <T>(seconds: number, promise: Promise<T>, what: () => string): Promise<T> => {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(what())), seconds * 1000)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
