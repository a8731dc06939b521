// Owns `sshd` on several processes (Workers): the first process keeps the pid file, the signals and what is logged of workers,
// each worker runs a daemon of its own. Knows nothing of how a configuration becomes a server.
import { runWorkers, type WorkerEvent } from 'nacre/server'
import { Daemon, type Generation } from './daemon.ts'
import { writePidFile } from './pid-file.ts'

export interface WorkersSetup {
  readonly workers: number
  readonly first: Generation
  /** Reads the configuration and the keys anew. Throws when they are not in order. */
  readonly load: () => Promise<Generation>
  /** Called in the first process, once all workers serve. */
  readonly listening: () => void
}

/** In a worker: a daemon without signals of its own, but for SIGHUP, which the first process passes on. */
const serveInWorker = async (load: () => Promise<Generation>): Promise<AsyncDisposable> => {
  const listening = Promise.withResolvers<void>()
  const daemon = new Daemon(await load(), {
    load,
    once: false,
    writePidFile: false,
    signals: ['SIGHUP'],
    listening: () => listening.resolve(),
  })
  const ended = daemon.run()
  await Promise.race([listening.promise, ended])
  return {
    async [Symbol.asyncDispose]() {
      daemon.stop()
      await ended
    },
  }
}

const sentenceOf = (event: WorkerEvent): { readonly text: string; readonly wrong: boolean } => {
  if (event.event === 'ready') return { text: `Worker ${event.pid} serves.`, wrong: false }
  if (event.restarting === undefined) return { text: `Worker ${event.pid} ${event.how}.`, wrong: false }
  const when = event.restarting === 0 ? 'now' : `in ${event.restarting / 1000} s`
  return { text: `Worker ${event.pid} ${event.how}; another takes its place ${when}.`, wrong: true }
}

/**
 * Serves from several processes until told to stop. This one serves nobody; it has loaded all the same, to say once what is
 * wrong, and for its log and PidFile. Throws `ConfigError` when nothing can be served.
 */
export const serveWithWorkers = async ({ workers, first, load, listening }: WorkersSetup): Promise<void> => {
  let current = first
  let pidFile: Disposable | undefined
  const handlers: readonly (readonly [NodeJS.Signals, () => void])[] = [
    ['SIGTERM', () => current.log.info('Received signal 15; terminating.')],
    ['SIGINT', () => current.log.info('Received signal 2; terminating.')],
    // The workers, whom the signal is passed on to, say what they make of it. Here it opens a rotated log again.
    [
      'SIGHUP',
      () =>
        void load().then(
          next => (current = next),
          () => {},
        ),
    ],
  ]
  for (const [name, act] of handlers) process.on(name, act)
  try {
    await runWorkers(() => serveInWorker(load), {
      workers,
      forward: ['SIGHUP'],
      onEvent: event => {
        const { text, wrong } = sentenceOf(event)
        current.log[wrong ? 'error' : 'verbose'](text)
      },
      onReady: () => {
        pidFile = writePidFile(current.parsed, current.log)
        listening()
      },
    })
  } finally {
    pidFile?.[Symbol.dispose]()
    for (const [name, act] of handlers) process.removeListener(name, act)
  }
}

/** Serves in a process that `serveWithWorkers` started; never comes back. */
export const serveAsWorker = (load: () => Promise<Generation>): Promise<void> => runWorkers(() => serveInWorker(load))
