// Owns serving from several processes by Node's cluster: the process that was started holds the ports and hands connections
// out in turn, its workers serve them. Knows nothing of SSH; what a worker does is the caller's function.
import cluster, { type Worker } from 'node:cluster'
import { availableParallelism } from 'node:os'
import { SshError } from '../errors.ts'
import type { Clock } from '../io/clock.ts'
import { Crew, type CrewHearing, type CrewProcess, type WorkerEvent } from './crew.ts'

export interface WorkersOptions {
  /** How many processes serve, 1 to 1024. Default: as many as there are processors to use. */
  readonly workers?: number
  /** Milliseconds a worker gets to close what `main` returned before it is killed. Default 10 000. */
  readonly patience?: number
  /** Signals that are passed on to the workers, `SIGHUP` for example. Default none. SIGTERM and SIGINT always end all. */
  readonly forward?: readonly NodeJS.Signals[]
  /** What happens to workers, for a log. */
  readonly onEvent?: (event: WorkerEvent) => void
  /** Called once, in the first process, when all workers serve. */
  readonly onReady?: () => void
}

/** What the two processes tell each other. */
type Message = { readonly nacre: 'ready' } | { readonly nacre: 'failed'; readonly message: string } | { readonly nacre: 'stop' }

const isMessage = (value: unknown): value is Message => typeof value === 'object' && value !== null && 'nacre' in value

/** Its timers keep the process alive: it has nothing else to do while it waits to replace a worker. */
const patientClock: Clock = {
  now: () => performance.now(),
  after(milliseconds, act) {
    const timer = setTimeout(act, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Passes signals on. One that has not begun to serve would die of most, and gets them when it serves. */
class Forwarder {
  readonly #workers = new Map<Worker, { ready: boolean; readonly late: Set<NodeJS.Signals> }>()
  add(worker: Worker): void {
    this.#workers.set(worker, { ready: false, late: new Set() })
  }
  ready(worker: Worker): void {
    const state = this.#workers.get(worker)
    if (state === undefined || state.ready) return
    state.ready = true
    for (const name of state.late) worker.process.kill(name)
  }
  delete(worker: Worker): void {
    this.#workers.delete(worker)
  }
  send(name: NodeJS.Signals): void {
    for (const [worker, { ready, late }] of this.#workers) {
      if (ready) worker.process.kill(name)
      else late.add(name)
    }
  }
}

const launch = (hearing: CrewHearing, workers: Forwarder): CrewProcess => {
  const worker = cluster.fork()
  workers.add(worker)
  worker.on('message', (message: unknown) => {
    if (!isMessage(message)) return
    if (message.nacre === 'ready') {
      workers.ready(worker)
      hearing.ready()
    } else if (message.nacre === 'failed') hearing.failed(message.message)
  })
  const ended = (how: string): void => {
    workers.delete(worker)
    hearing.ended(how)
  }
  worker.on('error', error => {
    hearing.failed(error.message)
    // The system would not start it, and then nothing else is heard of it.
    if (worker.process.pid === undefined) ended('could not be started')
  })
  worker.on('exit', (code: number | null, signal: string | null) =>
    ended(signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`),
  )
  return {
    pid: worker.process.pid ?? 0,
    // One that is just dying cannot be told anything.
    stop: () => void (worker.isConnected() && worker.send({ nacre: 'stop' } satisfies Message, undefined, () => {})),
    kill: () => void worker.process.kill('SIGKILL'),
  }
}

const lead = async (options: WorkersOptions): Promise<void> => {
  const workers = new Forwarder()
  // In turn, on every system, unless the environment says otherwise: left to the kernel, one worker gets most connections.
  if (process.env.NODE_CLUSTER_SCHED_POLICY === undefined) cluster.schedulingPolicy = cluster.SCHED_RR
  const crew = new Crew({
    count: options.workers ?? availableParallelism(),
    launch: hearing => launch(hearing, workers),
    clock: patientClock,
    patience: options.patience ?? 10_000,
    onEvent: options.onEvent,
    onReady: options.onReady,
  })
  const stop = (): void => crew.stop()
  const handlers = new Map<NodeJS.Signals, () => void>([
    ['SIGTERM', stop],
    ['SIGINT', stop],
    ...(options.forward ?? []).map(name => [name, () => workers.send(name)] as const),
  ])
  for (const [name, act] of handlers) process.on(name, act)
  try {
    await crew.run()
  } finally {
    for (const [name, act] of handlers) process.removeListener(name, act)
  }
}

/** Sends, and waits until it has left. */
const tell = (message: Message): Promise<void> =>
  new Promise(resolve => {
    if (process.send === undefined) resolve()
    else process.send(message, undefined, undefined, () => resolve())
  })

const serve = async (main: () => unknown): Promise<never> => {
  const stopped = Promise.withResolvers<void>()
  process.on('message', message => {
    if (isMessage(message) && message.nacre === 'stop') stopped.resolve()
  })
  process.on('SIGTERM', () => stopped.resolve())
  // A terminal sends it to all processes at once; the first one then tells the others.
  process.on('SIGINT', () => {})
  let serving: unknown
  try {
    serving = await main()
  } catch (error) {
    // A refusal of ours says all there is to say; for anything else somebody will want to know where it came from.
    if (error instanceof Error && !(error instanceof SshError)) process.stderr.write(`${error.stack}\n`)
    await tell({ nacre: 'failed', message: error instanceof Error ? error.message : String(error) })
    process.exit(1)
  }
  await tell({ nacre: 'ready' })
  await stopped.promise
  if (typeof serving === 'object' && serving !== null && Symbol.asyncDispose in serving)
    await (serving as AsyncDisposable)[Symbol.asyncDispose]()
  process.exit(0)
}

/**
 * Runs `main` in several processes, so that a server uses more than one core. Call it at the top of a program:
 *
 * ```ts
 * await runWorkers(async () => {
 *   const server = createServer({ hostKeys, authenticate, session })
 *   await server.listen({ port: 2222 })
 *   return server
 * }, { workers: 2 })
 * ```
 *
 * The process that was started becomes the first of `workers` + 1: it starts this same program again for each worker and runs
 * `main` only there. It owns the ports, also those below 1024, and hands connections to the workers in turn. A worker that dies
 * takes its connections along and is replaced, with a growing delay if it keeps dying; the others notice nothing.
 *
 * SIGTERM or SIGINT ends all: each worker closes what `main` returned, if that can be closed (`Symbol.asyncDispose`). Whoever
 * takes longer than `patience` is killed, and all at once by a second signal. If the first process dies, the workers end too.
 *
 * In the first process it resolves when all have ended and rejects with `ConfigError` when the first worker could not start,
 * because a port was taken, say; the others are not tried then. In a worker it never comes back.
 *
 * Nothing is shared: what a program counts (`limit`, `maximumStartups`) it counts in each worker for itself.
 */
export const runWorkers = async (main: () => unknown, options: WorkersOptions = {}): Promise<void> => {
  if (!cluster.isPrimary) await serve(main)
  await lead(options)
}

/** True in a process that `runWorkers` started. */
export const isWorker = (): boolean => cluster.isWorker
