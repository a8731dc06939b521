// Owns leaving the terminal: the program starts itself again without one and ends once its successor listens. Node has no
// fork(2). Knows nothing of what the program does.
import { spawn } from 'node:child_process'
import { isWorker } from 'nacre/server'

const marker = 'NACRE_SSHD_DETACHED'

/** True in the successor, and not in its workers, which have a channel to it and its environment. */
export const isDetached = (): boolean => process.env[marker] !== undefined && process.send !== undefined && !isWorker()

/** In the successor: tells who started us that all is well, and lets go. */
export const reportReady = (): void => {
  delete process.env[marker]
  process.send?.('ready', undefined, undefined, () => process.disconnect?.())
}

/**
 * Starts this very program again, in a session of its own. Gives the exit code: 0 once the successor is ready, its own
 * when it ends before. What it writes to standard error until then is passed on; with `keepErrors` it keeps ours.
 */
export const startDetached = (keepErrors: boolean): Promise<number> =>
  new Promise(resolve => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      detached: true,
      stdio: ['ignore', 'ignore', keepErrors ? 'inherit' : 'pipe', 'ipc'],
      env: { ...process.env, [marker]: '1' },
    })
    child.stderr?.pipe(process.stderr, { end: false })
    child.on('error', error => {
      process.stderr.write(`${error.message}\n`)
      resolve(1)
    })
    child.on('message', message => {
      if (message !== 'ready') return
      child.unref()
      resolve(0)
    })
    child.on('close', (code: number | null) => resolve(code ?? 1))
  })
