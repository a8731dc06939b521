// Owns what `ssh` says about itself: to standard error or the file of -E, by level, escaped where it came from a peer. With
// -E nothing of it reaches standard error, which then belongs to the remote side alone.
import { appendFileSync } from 'node:fs'
import { type TraceRecord, traceLine } from 'nacre/engine'
import type { Environment } from '../environment.ts'

const levels = ['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG1', 'DEBUG2', 'DEBUG3'] as const
type Level = (typeof levels)[number]

const rankOf = (level: string): number => levels.indexOf((level === 'DEBUG' ? 'DEBUG1' : level) as Level)

/** Where lines go: a file (-E), the system log (-y), or standard error. */
export interface LogPlace {
  readonly file?: string | undefined
  readonly system?: ((line: string, level: Level) => void) | undefined
}

export class Log {
  readonly #write: (text: string, level: Level) => void
  /** Lines go to standard error, where the person sees them. */
  readonly isShown: boolean
  #rank: number

  constructor(environment: Environment, level: string, place: LogPlace = {}) {
    const { file, system } = place
    this.#rank = rankOf(level)
    this.isShown = file === undefined && system === undefined
    this.#write =
      system !== undefined
        ? (text, at) => text.split('\r\n').forEach(line => line !== '' && system(line, at))
        : file === undefined
          ? text => void environment.stderr.write(text)
          : text => appendFileSync(file, text.replaceAll('\r\n', '\n'), { mode: 0o600 })
  }

  /** Talks one level more or less, and gives the name of that. */
  louder(by: 1 | -1): string {
    this.#rank = Math.max(0, Math.min(levels.length - 1, this.#rank + by))
    return levels[this.#rank]
  }

  wants(level: Level): boolean {
    return this.#rank >= rankOf(level)
  }

  /** One or more lines. In raw terminal mode a line needs its carriage return. */
  say(level: Level, text: string): void {
    if (this.wants(level)) this.#write(`${text.replace(/\r?\n/g, '\r\n')}\r\n`, level)
  }

  debug(text: string): void {
    this.say('DEBUG1', `debug1: ${text}`)
  }
}

/** Every packet, at -vvv. */
export const traceTo = (log: Log): ((record: TraceRecord) => void) | undefined =>
  log.wants('DEBUG3') ? record => log.say('DEBUG3', `debug3: ${traceLine(record)}`) : undefined
