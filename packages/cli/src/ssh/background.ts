// Owns -f: another process of ours, in a session of its own, makes the whole connection, has its questions asked by the one that
// was started, and is left alone once all stands. Node has no fork(2), and a connection cannot change its process. Knows
// nothing of connections.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { leaveTerminalAlone } from './job-control.ts'
import { askElsewhere, askPerson, canAskPerson } from '../terminal.ts'

const marker = 'NACRE_SSH_BACKGROUND'
type Said = { readonly is: 'ready' } | { readonly is: 'question'; readonly id: number; readonly prompt: string; readonly echo: boolean }
interface Answer {
  readonly id: number
  readonly text: string | undefined
}

/** In the process that is to be left alone: what it has to do with the one that was started. */
export interface Starter {
  /** All stands: the other may end. */
  letGo(): void
  /** The other ended before that. */
  readonly signal: AbortSignal
}

/** Undefined in the process that was started. The mark is not passed on to programs of ours. */
export const starter = (): Starter | undefined => {
  const mark = process.env[marker]
  if (mark === undefined || process.send === undefined) return undefined
  delete process.env[marker]
  const gone = new AbortController()
  const waiting = new Map<number, (text: string | undefined) => void>()
  let questions = 0
  const say = (said: Said): void => void process.send?.(said)
  process.on('message', ({ id, text }: Answer) => {
    waiting.get(id)?.(text)
    waiting.delete(id)
  })
  const left = (): void => gone.abort(new Error('the program that was started has ended'))
  process.once('disconnect', left)
  if (mark === 'asks') {
    askElsewhere(
      (prompt, { echo }) =>
        new Promise(resolve => {
          waiting.set(++questions, resolve)
          say({ is: 'question', id: questions, prompt, echo })
        }),
    )
  }
  return {
    signal: gone.signal,
    letGo: () => {
      process.removeListener('disconnect', left)
      leaveTerminalAlone()
      process.send?.({ is: 'ready' } satisfies Said, undefined, undefined, () => process.disconnect?.())
    },
  }
}

/** Starts this program again, to be left alone. The exit code: 0 once it may be, its own when it ends before. */
export const goToBackground = (variables: Readonly<Record<string, string>> = {}): Promise<number> =>
  new Promise(resolve => {
    const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
      detached: true,
      // Who only serves others says nothing on standard output, and must not hold it open.
      stdio: ['ignore', Object.keys(variables).length > 0 ? 'ignore' : 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...variables, [marker]: canAskPerson() ? 'asks' : 'silent' },
    })
    child.on('error', error => {
      process.stderr.write(`ssh: ${error.message}\r\n`)
      resolve(255)
    })
    // A session of its own gets no signals of the terminal; it sees us go and ends.
    child.on('message', (said: Said) => {
      if (said.is === 'ready') {
        child.unref()
        child.channel?.unref()
        resolve(0)
        return
      }
      void askPerson(said.prompt, { echo: said.echo }).then(text => {
        if (child.connected) child.send({ id: said.id, text } satisfies Answer)
      })
    })
    child.on('exit', code => resolve(code ?? 255))
  })

/** Lets go of standard output and error, which whoever started us may wait to see closed. Their numbers go to /dev/null. */
export const standAlone = (): void => {
  for (const descriptor of [1, 2])
    try {
      closeSync(descriptor)
      openSync('/dev/null', 'w')
    } catch {
      // Without it, or where there is no /dev/null, it stays as it is.
    }
}
