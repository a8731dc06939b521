// Owns what `ssh` says about itself: to standard error or the file of -E, by level, escaped where it came from a peer. With
// -E nothing of it reaches standard error, which then belongs to the remote side alone.
import { appendFileSync } from 'node:fs'
import { escapeForPeople } from 'nacre'
import { type EngineEvent, type TraceRecord, traceLine } from 'nacre/engine'
import type { Environment } from '../environment.ts'

const levels = ['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG1', 'DEBUG2', 'DEBUG3'] as const
type Level = (typeof levels)[number]

const rankOf = (level: string): number => levels.indexOf((level === 'DEBUG' ? 'DEBUG1' : level) as Level)

export class Log {
  readonly #write: (text: string) => void
  readonly #rank: number

  constructor(environment: Environment, level: string, file: string | undefined) {
    this.#rank = rankOf(level)
    this.#write = file === undefined ? text => void environment.stderr.write(text) : text => appendFileSync(file, text, { mode: 0o600 })
  }

  wants(level: Level): boolean {
    return this.#rank >= rankOf(level)
  }

  /** One or more lines. In raw terminal mode a line needs its carriage return. */
  say(level: Level, text: string): void {
    if (this.wants(level)) this.#write(`${text.replace(/\r?\n/g, '\r\n')}\r\n`)
  }

  debug(text: string): void {
    this.say('DEBUG1', `debug1: ${text}`)
  }
}

/** One line for each step of coming up; with what was chosen and what the peer announced. `prefix` says of which connection. */
export const narrate = (to: Log, event: EngineEvent, prefix = ''): void => {
  const log = { debug: (text: string): void => to.debug(`${prefix}${text}`) }
  switch (event.is) {
    case 'identified':
      for (const line of event.linesBefore) log.debug(`before its identification the server said: ${escapeForPeople(line)}`)
      log.debug(
        `the server is ${escapeForPeople(event.peer.softwareVersion)}${event.peer.comments === '' ? '' : ` (${escapeForPeople(event.peer.comments)})`}; next, both sides offer algorithms`,
      )
      return
    case 'exchanged': {
      const { kex, hostKey, clientToServer, serverToClient } = event.agreed
      const way = (each: typeof clientToServer): string =>
        `${each.cipher}${each.mac === undefined ? '' : ` with ${each.mac}`}${each.compression === 'none' ? '' : `, ${each.compression}`}`
      log.debug(`${event.first ? 'keys agreed' : 'new keys agreed'}: ${kex}, host key ${hostKey}${event.strict ? ', strict' : ''}`)
      log.debug(`to the server ${way(clientToServer)}; from the server ${way(serverToClient)}${event.first ? '; next, logging in' : ''}`)
      return
    }
    case 'authenticated':
      for (const attempt of event.attempts) {
        log.debug(
          `${attempt.method}${attempt.fingerprint === undefined ? '' : ` ${attempt.fingerprint}`}${attempt.source === undefined ? '' : ` from ${attempt.source}`}: ${attempt.outcome}${attempt.note === undefined ? '' : ` (${attempt.note})`}`,
        )
      }
      log.debug(`logged in as ${event.user}`)
      return
    case 'debug':
      log.debug(`the server says: ${escapeForPeople(event.message)}`)
      return
    default:
  }
}

/** Every packet, at -vvv. */
export const traceTo = (log: Log): ((record: TraceRecord) => void) | undefined =>
  log.wants('DEBUG3') ? record => log.say('DEBUG3', `debug3: ${traceLine(record)}`) : undefined
