// Owns leaving the terminal: the program starts itself again in a session of its own, and that one tells where it listens. The
// agent begins there and holds no key before, so nothing has to be handed over. Knows nothing of agents.
import { spawn } from 'node:child_process'

const marker = 'NACRE_SSH_AGENT_DETACHED'

/** What the successor says once: where it listens, or why it does not. */
export type Started = { readonly path: string; readonly pid: number } | { readonly failure: string }

/** True in the successor. */
export const isDetached = (): boolean => process.env[marker] !== undefined && process.send !== undefined

/** In the successor: tells who started us, and lets go. */
export const report = (started: Started): Promise<void> => {
  delete process.env[marker]
  return new Promise(resolve => {
    process.send?.(started, undefined, undefined, () => {
      if (process.connected) process.disconnect?.()
      resolve()
    })
  })
}

/** No core is ever written of a process that holds keys. Node cannot say so itself; the shell can, and goes away. */
const withoutCore = ['-c', 'ulimit -c 0; exec "$0" "$@"']

/** Starts this very program again. */
export const startDetached = (): Promise<Started> =>
  new Promise(resolve => {
    const words = [process.execPath, ...process.execArgv, ...process.argv.slice(1)]
    const [program, args] = process.platform === 'win32' ? [words[0], words.slice(1)] : ['/bin/sh', [...withoutCore, ...words]]
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: { ...process.env, [marker]: '1' },
    })
    const done = (started: Started): void => {
      child.unref()
      resolve(started)
    }
    child.on('error', error => done({ failure: error.message }))
    child.on('message', message => done(message as Started))
    child.on('exit', code => done({ failure: `the agent ended at once, with ${code ?? 'a signal'}` }))
  })
