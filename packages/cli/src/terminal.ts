// Owns the person's own terminal: raw mode for a session and back, its size and modes, and questions to the person. Uses
// stty(1), because Node's raw mode keeps turning line feeds into carriage returns and line feeds, which breaks full-screen
// programs on the other side. Knows nothing of SSH.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { isatty, ReadStream, WriteStream } from 'node:tty'
import type { TerminalRequest } from 'nacre'
import type { Environment } from './environment.ts'
import { modesFromStty } from './stty.ts'

export interface Size {
  readonly columns: number
  readonly rows: number
}

const endings = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** What OpenSSH's client sets, and nothing else: input and output pass unchanged. */
const raw = 'ignpar -istrip -inlcr -igncr -icrnl -ixon -ixany -ixoff -isig -icanon -echo -echoe -echok -echonl -iexten -opost min 1 time 0'

/** Runs stty on a terminal; what it printed, or `undefined` when it failed. */
const stty = (terminal: number, words: readonly string[]): string | undefined => {
  const { status, stdout } = spawnSync('stty', [...words], { stdio: [terminal, 'pipe', 'ignore'], encoding: 'utf8', timeout: 5000 })
  return status === 0 ? stdout.trim() : undefined
}

/**
 * Calls `act` once: when the result is called, when the process exits, or when a signal would end it. A signal nobody
 * else listens to takes effect afterwards.
 */
const atTheLatest = (act: () => void): (() => void) => {
  let done = false
  const finish = (): void => {
    if (done) return
    done = true
    process.removeListener('exit', finish)
    for (const [name, handler] of handlers) process.removeListener(name, handler)
    act()
  }
  const handlers = endings.map(name => {
    const handler = (): void => {
      finish()
      if (process.listenerCount(name) === 0) process.kill(process.pid, name)
    }
    return [name, handler] as const
  })
  process.once('exit', finish)
  for (const [name, handler] of handlers) process.on(name, handler)
  return finish
}

/** The terminal that is standard input, for a session. */
export class LocalTerminal {
  readonly #environment: Environment
  readonly #descriptor: number

  constructor(environment: Environment) {
    this.#environment = environment
    const { stdin } = environment
    this.#descriptor = 'fd' in stdin && typeof stdin.fd === 'number' ? stdin.fd : 0
  }

  /** What to ask the server for: size, TERM and modes as they are now. Without a local terminal, 80 by 24 and no modes. */
  request(): TerminalRequest {
    const settings = isatty(this.#descriptor) ? stty(this.#descriptor, ['-a']) : undefined
    const term = this.#environment.variables.TERM
    return {
      ...this.size(),
      ...(term === undefined || term === '' ? {} : { term }),
      ...(settings === undefined ? {} : { modes: modesFromStty(settings) }),
    }
  }

  /** The size in characters now. Our streams know of changes that we were told of by a signal, as a stopped process is not. */
  size(whileStopped = false): Size {
    for (const stream of whileStopped ? [] : [this.#environment.stdout, this.#environment.stderr]) {
      if (!(stream instanceof WriteStream)) continue
      const [columns, rows] = stream.getWindowSize()
      if (columns > 0 && rows > 0) return { columns, rows }
    }
    const [rows, columns] = (stty(this.#descriptor, ['size']) ?? '').split(' ').map(Number)
    return columns > 0 && rows > 0 ? { columns, rows } : { columns: 80, rows: 24 }
  }

  /**
   * Lets every byte through and tells of new sizes, until it is restored. The terminal is as it was afterwards, however the
   * process ends. A process that was stopped and continues takes the terminal again.
   */
  enter(onResize: (size: Size) => void): TakenTerminal {
    if (!isatty(this.#descriptor)) return { restore: () => {}, lend: () => () => {} }
    const saved = stty(this.#descriptor, ['-g'])
    let lent = 0
    let over = false
    const take = (): void => {
      if (lent === 0 && !over) stty(this.#descriptor, raw.split(' '))
    }
    const giveBack = (): void => {
      if (saved !== undefined) stty(this.#descriptor, [saved])
    }
    const resized = (): void => {
      // Node refreshes the size of its streams by the same signal, later than us.
      setImmediate(() => onResize(this.size()))
    }
    const continued = (): void => {
      take()
      onResize(this.size(true))
    }
    take()
    process.on('SIGWINCH', resized)
    process.on('SIGCONT', continued)
    const restore = atTheLatest(() => {
      process.removeListener('SIGWINCH', resized)
      process.removeListener('SIGCONT', continued)
      over = true
      if (lent === 0) giveBack()
    })
    return {
      restore,
      lend: () => {
        if (lent++ === 0 && !over) giveBack()
        return () => {
          lent--
          take()
        }
      },
    }
  }
}

/** A terminal in a session's hands. */
export interface TakenTerminal {
  /** Gives it back for good. Safe to call twice. */
  restore(): void
  /** Gives it back until the result is called. */
  lend(): () => void
}

const openTerminal = (): number | undefined => {
  try {
    return openSync('/dev/tty', 'r+')
  } catch {
    return undefined
  }
}

/** Asks the person for one line; `undefined` when there is none. */
type Question = (prompt: string, options: { readonly echo: boolean }) => Promise<string | undefined>

/** Who asks for a process that left its terminal behind. */
let elsewhere: Question | undefined

/** From now on questions go to `other`, who has a terminal. */
export const askElsewhere = (other: Question): void => {
  elsewhere = other
}

/** True when there is a terminal to ask at, whatever standard input is. */
export const canAskPerson = (): boolean => {
  if (elsewhere !== undefined) return true
  const terminal = openTerminal()
  if (terminal === undefined) return false
  closeSync(terminal)
  return true
}

/** Control characters that survived the caller's escaping do nothing. */
const harmless = (text: string): string => text.replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, '?')

/** One line from a terminal in its usual line mode; `undefined` when it ends instead. `cancel` is given a way to stop. */
const readLine = (terminal: number, cancel: (stop: () => void) => void): Promise<string | undefined> =>
  new Promise(resolve => {
    const stream = new ReadStream(terminal)
    const chunks: Buffer[] = []
    let over = false
    const finish = (line: string | undefined): void => {
      if (over) return
      over = true
      // Its number may be another descriptor's only when it is closed.
      stream.once('close', () => resolve(line))
      stream.destroy()
    }
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const end = chunk.indexOf(0x0a)
      if (end >= 0) finish(Buffer.concat(chunks).toString('utf8').split('\n')[0].replace(/\r$/, ''))
    })
    stream.on('end', () => finish(undefined))
    stream.on('error', () => finish(undefined))
    cancel(() => finish(undefined))
  })

/**
 * Asks at the terminal, not on standard input. Text from a peer in `prompt` must have gone through `escapeForPeople`. Gives
 * the line without its end; `undefined` when there is no terminal, the person ended input, or a signal came.
 */
export const askPerson: Question = async (prompt, options) => {
  if (elsewhere !== undefined) return elsewhere(prompt, options)
  const terminal = openTerminal()
  // The stream that reads makes its descriptor non-blocking; what we show goes by one of its own.
  const shown = terminal === undefined ? undefined : openTerminal()
  if (terminal === undefined) return undefined
  if (shown === undefined) {
    closeSync(terminal)
    return undefined
  }
  const saved = stty(shown, ['-g'])
  let stop = (): void => {}
  const restore = atTheLatest(() => {
    if (saved !== undefined) stty(shown, [saved])
    stop()
  })
  try {
    // Line mode even in the middle of a session; typed signals stay signals.
    const ready = stty(shown, ['icanon', 'isig', 'icrnl', 'opost', 'onlcr', options.echo ? 'echo' : '-echo'])
    if (ready === undefined && !options.echo) {
      // Better no password than one on the screen.
      closeSync(terminal)
      return undefined
    }
    writeSync(shown, harmless(prompt))
    const line = await readLine(terminal, give => {
      stop = give
    })
    if (!options.echo || line === undefined) writeSync(shown, '\n')
    return line
  } finally {
    restore()
    closeSync(shown)
  }
}
