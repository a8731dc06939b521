// Owns what all commands of one `sftp` share: the session on the server, where we are at both ends, what was asked for on the
// command line, and saying things. Knows no command.
import { resolve } from 'node:path'
import type { Sftp } from 'nacre/sftp'
import type { Environment } from '../environment.ts'
import { Progress, terminalSurface } from '../transfer/progress.ts'
import type { SftpSettings } from './options.ts'
import { attempt } from './failures.ts'
import { absolute } from './near.ts'
import { visible } from './shown.ts'
import { patternOf } from './words.ts'

export class Session {
  readonly sftp: Sftp
  readonly settings: SftpSettings
  readonly environment: Environment
  /** Where commands begin, here and there. */
  here: string
  there = '/'
  start = '/'
  /** Whether meters are shown, where they can be. */
  showsProgress: boolean
  /** Ends the command that runs. */
  signal: AbortSignal
  /** So many entries of a directory are held, to be sorted and put in columns; more are shown as they come. */
  mostSorted = 100_000
  /** An error ends everything (-b), unless the line is forgiven. */
  strict = false
  readonly #shown: Progress
  readonly #hidden = new Progress(undefined)
  #gone = false

  constructor(sftp: Sftp, settings: SftpSettings, environment: Environment, signal: AbortSignal) {
    this.sftp = sftp
    this.settings = settings
    this.environment = environment
    this.signal = signal
    this.here = resolve('.')
    this.showsProgress = settings.progress && environment.stderr.isTTY === true
    this.#shown = new Progress(terminalSurface(environment))
    void sftp.closed.then(() => {
      this.#gone = true
    })
  }

  /** The server is still there. */
  get alive(): boolean {
    return !this.#gone
  }

  /** Finds out where the server puts us. */
  async begin(): Promise<void> {
    this.there = await attempt('realpath .', this.sftp.realPath('.', { signal: this.signal }))
    this.start = this.there
  }

  /** `path` on the server, from where we are. */
  far(path: string): string {
    return absolute(path, this.there)
  }
  /** The same for a pattern. */
  farPattern(pattern: string): string {
    return absolute(pattern, patternOf(this.there))
  }
  /** `path` on this machine. */
  near(path: string): string {
    return absolute(path, this.here)
  }

  /** Makes a folder the one we are in. Throws what the system says. */
  enter(path: string): void {
    process.chdir(this.near(path))
    this.here = process.cwd()
  }

  /** A line on standard output. What is not ours in it has been made visible. */
  say(text: string): void {
    this.environment.stdout.write(`${text}\n`)
  }
  /** The same, unless it is to be quiet. `text` is as it came. */
  tell(text: string): void {
    if (!this.settings.quiet) this.say(visible(text))
  }
  /** A line on standard error. */
  complain(text: string): void {
    this.environment.stderr.write(`${text}\n`)
  }

  get progress(): Progress {
    return this.showsProgress ? this.#shown : this.#hidden
  }

  /** Columns of the screen. */
  get columns(): number {
    const { stdout } = this.environment
    return ('columns' in stdout && typeof stdout.columns === 'number' && stdout.columns) || 80
  }
}
