// Owns joining a session to a process that was started for it, by pipes or by a terminal: back-pressure both ways, the half-closed
// input, signals, the hang-up, and the exit after the last byte. Knows nothing of how processes are started.
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import type { Writable } from 'node:stream'
import type { Exit } from 'nacre'
import type { Pty, Session } from 'nacre/server'
import type { Piped, Signalled } from './session-starter.ts'

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

/** Signals of the client reach the process, as long as it runs. */
const passSignals = (session: Session<unknown>, process: Signalled, runs: () => boolean): void =>
  session.onSignal(name => {
    const own = systemSignal(name)
    if (runs() && own !== undefined) process.signal(own)
  })

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

/** Joins them until the process has ended and all of its output has gone. `signals`: those of the client reach it. */
export const joinPipes = async (session: Session<unknown>, process: Piped & Signalled, signals: boolean): Promise<Exit> => {
  const { stdin, stdout, stderr, exited } = process
  let running = true
  const output = Promise.all([relayOutput(session, stdout, 0), relayOutput(session, stderr, 1)])
  relayInput(session, stdin)
  if (signals) passSignals(session, process, () => running)
  const hangUp = (): void => {
    if (running) process.signal('HUP')
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

/** The same by its terminal. */
export const joinTerminal = async (session: Session<unknown>, pty: Pty & Signalled, signals: boolean): Promise<Exit> => {
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
  if (signals) passSignals(session, pty, () => running)
  const hangUp = (): void => pty.close()
  session.signal.addEventListener('abort', hangUp, { once: true })
  if (session.signal.aborted) hangUp()
  const exit = await pty.exited
  running = false
  session.signal.removeEventListener('abort', hangUp)
  return exit
}
