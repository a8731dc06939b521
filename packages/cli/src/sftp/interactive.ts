// Owns the conversation with a person at a terminal: the prompt, editing, history, completion, and what Ctrl-C means. Knows no
// command.
import { createInterface, type Interface } from 'node:readline/promises'
import { widthOf } from '../transfer/width.ts'
import type { Environment } from '../environment.ts'
import { complete } from './complete.ts'
import type { Session } from './session.ts'
import { inColumns, visible } from './shown.ts'
import { runLine } from './table.ts'

const prompt = 'sftp> '
const historySize = 100

type Terminal = NodeJS.ReadableStream & { setRawMode?(on: boolean): unknown }

/** `SIGINT` ends `controller` while a command runs. */
const interruptible = async <Result>(session: Session, work: () => Promise<Result>): Promise<Result | 'interrupted'> => {
  const controller = new AbortController()
  const interrupted = new Error('Interrupt')
  const onInterrupt = (): void => controller.abort(interrupted)
  const before = session.signal
  process.on('SIGINT', onInterrupt)
  session.signal = controller.signal
  try {
    return await work()
  } catch (error) {
    // What was given up may say so in its own way.
    if (!controller.signal.aborted || !session.alive) throw error
    session.environment.stderr.write('\rInterrupt  \n')
    return 'interrupted'
  } finally {
    session.signal = before
    process.removeListener('SIGINT', onInterrupt)
  }
}

class Conversation {
  readonly #session: Session
  readonly #input: Terminal
  readonly #lines: Interface
  /** Typed ahead. */
  readonly #waiting: string[] = []
  #busy = false
  #ended = false
  readonly #outcome = Promise.withResolvers<number>()

  constructor(session: Session) {
    const { stdin, stdout } = session.environment
    this.#session = session
    this.#input = stdin
    this.#lines = createInterface({
      input: stdin,
      output: stdout,
      terminal: true,
      prompt,
      historySize,
      completer: (line: string) => this.#complete(line),
    })
    this.#lines.on('line', line => {
      this.#waiting.push(line)
      void this.#next()
    })
    this.#lines.on('SIGINT', () => {
      session.environment.stderr.write('\r\nInterrupt\n')
      // Empties the line that was being typed.
      this.#lines.write(null, { ctrl: true, name: 'e' })
      this.#lines.write(null, { ctrl: true, name: 'u' })
      this.#lines.prompt()
    })
    this.#lines.on('close', () => {
      this.#ended = true
      if (!this.#busy) this.#finish(0)
    })
  }

  run(): Promise<number> {
    void this.#session.sftp.closed.then(() => this.#lost())
    this.#lines.prompt()
    return this.#outcome.promise
  }

  #finish(code: number): void {
    this.#outcome.resolve(code)
    this.#lines.close()
  }

  #lost(): void {
    if (this.#busy || this.#ended) return
    this.#ended = true
    this.#session.environment.stderr.write('\r\nConnection closed\n')
    this.#finish(255)
  }

  async #next(): Promise<void> {
    if (this.#busy) return
    this.#busy = true
    // The terminal is as a command of the shell expects it, and Ctrl-C a signal.
    this.#lines.pause()
    this.#input.setRawMode?.(false)
    try {
      for (let line = this.#waiting.shift(); line !== undefined; line = this.#waiting.shift()) {
        const text = line
        const result = await interruptible(this.#session, () => runLine(this.#session, text, { echo: false, strict: false }))
        if (result === 'interrupted') this.#waiting.length = 0
        if (result === 'end') {
          this.#finish(0)
          return
        }
      }
    } catch (error) {
      this.#outcome.reject(error)
      this.#lines.close()
      return
    }
    this.#busy = false
    if (this.#ended) {
      this.#finish(0)
      return
    }
    this.#input.setRawMode?.(true)
    this.#lines.resume()
    this.#lines.prompt()
  }

  /** As Node's readline wants it. What there is to choose from is shown at once. */
  async #complete(line: string): Promise<[string[], string]> {
    const { insert, choices } = await complete(this.#session, line)
    if (choices.length > 1) {
      const texts = choices.map(visible)
      const widest = Math.max(...texts.map(widthOf))
      this.#session.environment.stdout.write(`\r\n${inColumns(texts, widest, this.#session.columns).replaceAll('\n', '\r\n')}`)
      setImmediate(() => this.#lines.prompt(true))
    }
    return insert === '' ? [[], line] : [[line + insert], line]
  }
}

/** Takes commands until the person has had enough. Resolves with the exit code; rejects when the connection is gone. */
export const converse = (session: Session): Promise<number> => new Conversation(session).run()

/** Whether somebody sits there. */
export const isTerminal = ({ stdin }: Environment): boolean => stdin.isTTY === true
