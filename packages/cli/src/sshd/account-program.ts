// Owns one run of AuthenticationCommand: a line of JSON that says what is asked, lines back that ask the person or decide, bounds on
// time and size. Knows nothing of what the phases mean.
import type { ChildProcess } from 'node:child_process'
import { spawnClean } from '../spawn.ts'
import type { Account } from './account.ts'
import type { Conversation, Message } from './accounts.ts'
import { startAs } from './become.ts'
import { programEnvironment } from './trusted-program.ts'

/** A program may think so long between two lines, and say so much. What the person takes to answer does not count. */
const patienceMilliseconds = 30_000
const mostBytes = 256 * 1024
const mostMessages = 128

/** What the program decided. */
export interface ProgramVerdict {
  readonly verdict: string
  /** For the person. */
  readonly text?: string
  /** For the log. */
  readonly log?: string
  readonly environment: Readonly<Record<string, string>>
}

type Line = { readonly ask: readonly Message[] } | ProgramVerdict

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const kinds = ['hidden', 'visible', 'info', 'error'] as const

const readMessage = (value: unknown): Message => {
  if (!isObject(value) || typeof value.text !== 'string') throw new Error('it said something with no text')
  const is = kinds.find(each => each === value.is)
  if (is === undefined) throw new Error(`it said a text that is none of ${kinds.join(', ')}`)
  const { means } = value
  return means === 'current-password' || means === 'new-password' ? { is, text: value.text, means } : { is, text: value.text }
}

const readEnvironment = (value: unknown): Readonly<Record<string, string>> => {
  if (value === undefined) return {}
  if (!isObject(value)) throw new Error('its environment is no object')
  for (const [name, text] of Object.entries(value))
    if (typeof text !== 'string' || text.includes('\0') || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new Error('its environment has what cannot be a variable')
  return value as Readonly<Record<string, string>>
}

/** A line of the program. Throws `Error` with a sentence for the log, in which nothing of the line stands: it may have a secret. */
export const readLine = (line: string): Line => {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new Error('it said a line that is not JSON')
  }
  if (!isObject(value)) throw new Error('it said a line that is no object')
  if (Array.isArray(value.ask)) {
    if (value.ask.length > mostMessages) throw new Error(`it asked more than ${mostMessages} things at once`)
    return { ask: value.ask.map(readMessage) }
  }
  if (typeof value.verdict !== 'string') throw new Error('it said a line with neither "ask" nor "verdict"')
  return {
    verdict: value.verdict,
    environment: readEnvironment(value.environment),
    ...(typeof value.text === 'string' ? { text: value.text } : {}),
    ...(typeof value.log === 'string' ? { log: value.log } : {}),
  }
}

export interface ProgramRun {
  readonly words: readonly string[]
  readonly as: Account
  /** The first line, before its JSON. */
  readonly question: Readonly<Record<string, unknown>>
  /** Asks the person; a program that asks without one fails. */
  readonly talk: Conversation | undefined
  readonly signal: AbortSignal | undefined
}

class Running {
  readonly #run: ProgramRun
  readonly #child: ChildProcess
  readonly #done = Promise.withResolvers<ProgramVerdict>()
  #timer: NodeJS.Timeout | undefined
  #text = ''
  #size = 0
  #verdict: ProgramVerdict | undefined
  #lines: Promise<void> = Promise.resolve()
  readonly #gone = (): void => this.#fail(new Error('nobody waits for it any more'))

  constructor(run: ProgramRun) {
    this.#run = run
    const [file, ...args] = run.words
    const start = startAs(run.as, { file, args, env: programEnvironment(run.as) })
    this.#child = spawnClean(start.file, start.args, { stdio: ['pipe', 'pipe', 'ignore'], env: start.env, cwd: '/', detached: true })
  }

  go(): Promise<ProgramVerdict> {
    const child = this.#child
    this.#run.signal?.addEventListener('abort', this.#gone, { once: true })
    this.#wait()
    child.stdin?.on('error', () => {})
    child.stdout?.on('error', () => {})
    child.stdout?.setEncoding('utf8')
    child.stdout?.on('data', (text: string) => this.#hear(text))
    child.once('error', error => this.#fail(new Error(`it could not be started: ${error.message}`)))
    child.once('close', (code, killed) => void this.#lines.then(() => this.#ended(code, killed)))
    this.#send(this.#run.question)
    return this.#done.promise
  }

  #wait(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#fail(new Error(`it took more than ${patienceMilliseconds / 1000} seconds`)), patienceMilliseconds)
  }

  #send(value: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(value)}\n`)
  }

  #hear(text: string): void {
    this.#size += Buffer.byteLength(text)
    if (this.#size > mostBytes) return this.#fail(new Error(`it said more than ${mostBytes} bytes`))
    const lines = (this.#text + text).split('\n')
    this.#text = lines.pop() ?? ''
    for (const line of lines.filter(each => each.trim() !== ''))
      this.#lines = this.#lines.then(() => this.#take(line)).catch((error: unknown) => this.#fail(error))
  }

  async #take(text: string): Promise<void> {
    if (this.#verdict !== undefined) throw new Error('it went on after its verdict')
    const line = readLine(text)
    if ('verdict' in line) {
      this.#verdict = line
      this.#child.stdin?.end()
      return
    }
    if (this.#run.talk === undefined) throw new Error('it asked where nobody can be asked')
    clearTimeout(this.#timer)
    const answers = await this.#run.talk(line.ask)
    this.#wait()
    this.#send({ answers: answers.map(each => each.reveal()) })
  }

  #ended(code: number | null, killed: NodeJS.Signals | null): void {
    if (this.#verdict === undefined || code !== 0)
      this.#fail(
        new Error(code === 0 ? 'it ended without a verdict' : killed === null ? `it ended with ${code}` : `it was ended by ${killed}`),
      )
    else {
      this.#over()
      this.#done.resolve(this.#verdict)
    }
  }

  #over(): void {
    clearTimeout(this.#timer)
    this.#run.signal?.removeEventListener('abort', this.#gone)
  }

  #fail(error: unknown): void {
    this.#over()
    this.#done.reject(error)
    try {
      // The group: what it started goes too.
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // It is gone already.
    }
    this.#child.stdout?.destroy()
  }
}

/** Runs it to its verdict. Rejects with a sentence for the log, or with what the conversation rejects with. */
export const runAccountProgram = (run: ProgramRun): Promise<ProgramVerdict> => new Running(run).go()
