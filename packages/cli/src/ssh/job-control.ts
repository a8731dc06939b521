// Owns stopping and going on as a job of a shell. Knows nothing of sessions.
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { TakenTerminal } from '../terminal.ts'

/** Stops this program and those started with it, as ^Z does. Returns when the job goes on. */
export const suspend = (taken: TakenTerminal | undefined): void => {
  const takeAgain = taken?.lend()
  // Our whole process group: a pipeline is one job. Without job control nothing stops.
  process.kill(0, 'SIGTSTP')
  takeAgain?.()
}

/** How long a shell has to see that its job stopped, in seconds. */
const noticeSeconds = 1

/**
 * Gives the terminal back for good and goes on in the background. Node has no fork(2): like ^Z and `bg`, the job stops, the shell
 * sees that, and another process has it go on.
 */
export const continueInBackground = (taken: TakenTerminal | undefined): void => {
  taken?.restore()
  leaveTerminalAlone()
  const script = `sleep ${noticeSeconds}; kill -s CONT -- "-$(ps -o pgid= -p ${process.pid} | tr -d ' ')" 2>/dev/null`
  spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' }).unref()
  process.kill(0, 'SIGTSTP')
}

/**
 * At its end Node gives terminals the modes they had at its start, also those that have long been another program's. It passes over
 * what is closed.
 */
export const leaveTerminalAlone = (): void => {
  process.once('exit', () => {
    for (const descriptor of [0, 1, 2]) if (isatty(descriptor)) closeSync(descriptor)
  })
}

/** While `act` goes on, ^C is its own business. */
export const withoutInterrupts = async <T>(act: () => Promise<T>): Promise<T> => {
  const others = process.listeners('SIGINT')
  const ignore = (): void => {}
  process.on('SIGINT', ignore)
  for (const each of others) process.removeListener('SIGINT', each)
  try {
    return await act()
  } finally {
    for (const each of others) process.on('SIGINT', each)
    process.removeListener('SIGINT', ignore)
  }
}
