// Owns running a program that knows hosts (KnownHostsCommand): no shell, an end to its time and its output. Knows nothing of what
// it says, nor of tokens: who calls it has put in what they stand for.
import { spawn } from 'node:child_process'
import { SshError } from '../errors.ts'
import type { KnownHostsQuestion, KnownHostsSource } from './known-hosts-options.ts'

export interface KnownHostsCommandOptions {
  /** Milliseconds it may take. Default 30 s. */
  readonly timeout?: number
  /** Told what it wrote to standard error. */
  readonly onNote?: (note: string) => void
}

const defaultTimeout = 30_000
const mostOutput = 4 * 1024 * 1024
const mostComplaint = 4096

const failed = (program: string, why: string): SshError =>
  new SshError(
    'KNOWN_HOSTS_COMMAND_FAILED',
    `KnownHostsCommand ${program} ${why}. It must print lines of known_hosts and end with status 0.`,
  )

const run = (program: string, words: readonly string[], { timeout = defaultTimeout, onNote }: KnownHostsCommandOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    let length = 0
    let complaint = ''
    const stop = (why: string): void => {
      child.kill('SIGKILL')
      // Whoever it started may hold the pipes open for ever.
      child.stdout.destroy()
      child.stderr.destroy()
      reject(failed(program, why))
    }
    const timer = setTimeout(() => stop(`did not end within ${timeout / 1000} s`), timeout)
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > mostOutput) stop(`wrote more than ${mostOutput} bytes`)
      else output.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = `${complaint}${chunk.toString('utf8')}`.slice(0, mostComplaint)
    })
    child.on('error', error => {
      clearTimeout(timer)
      reject(failed(program, `cannot be started: ${error.message}`))
    })
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (complaint !== '') onNote?.(`KnownHostsCommand ${program} said: ${complaint.trimEnd()}`)
      if (code === 0) resolve(Buffer.concat(output).toString('utf8'))
      else reject(failed(program, signal === null ? `ended with status ${code}` : `was ended by ${signal}`))
    })
  })

/** Known hosts from a program. `argv` makes its words for a question: the program first, by its path. */
export const knownHostsCommand =
  (argv: (question: KnownHostsQuestion) => readonly [string, ...string[]], options: KnownHostsCommandOptions = {}): KnownHostsSource =>
  async question => {
    const [program, ...words] = argv(question)
    return await run(program, words, options)
  }
