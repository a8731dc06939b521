// Owns what `sshd` says about itself: levels, and where lines go (standard error, a file, the system log). Keeps lines
// lines; text from a peer must come escaped. Knows nothing of events.
import type { ChildProcess } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'
import { ConfigError } from 'nacre'
import { spawnClean } from '../spawn.ts'

export const levels = ['QUIET', 'FATAL', 'ERROR', 'INFO', 'VERBOSE', 'DEBUG1', 'DEBUG2', 'DEBUG3'] as const
export type Level = (typeof levels)[number]

/** syslog(3) priorities of our levels. */
const priorities: Readonly<Record<Level, number>> = { QUIET: 2, FATAL: 2, ERROR: 3, INFO: 6, VERBOSE: 6, DEBUG1: 7, DEBUG2: 7, DEBUG3: 7 }

/** Takes one line, without its end. */
export interface Sink {
  (line: string, level: Level): void
  /** The same for another program and facility, where lines are sorted by them. */
  as?(program: string, facility: string): Sink
}

/** What a line is about, for programs that read logs as JSON; in text lines only the words stand. Never a secret. */
export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>

export interface Log {
  readonly level: Level
  wants(level: Level): boolean
  fatal(text: string, facts?: LogFacts): void
  error(text: string, facts?: LogFacts): void
  info(text: string, facts?: LogFacts): void
  verbose(text: string, facts?: LogFacts): void
  debug(text: string, facts?: LogFacts): void
  /** A log to the same place, by another level; where lines are sorted by program and facility, by those. */
  as(program: string, facility: string, level: Level): Log
  /** A log to the same place whose lines all have these facts. */
  with(facts: LogFacts): Log
}

export interface LogOptions {
  /** `LogFormat`. Default text. */
  readonly format?: 'text' | 'json'
  /** Default sshd. */
  readonly program?: string
  readonly facts?: LogFacts
  readonly now?: () => Date
}

/** `LogLevel` as one of ours; DEBUG is DEBUG1. */
export const levelOf = (name: string): Level => {
  const upper = name.toUpperCase() === 'DEBUG' ? 'DEBUG1' : name.toUpperCase()
  return levels.find(each => each === upper) ?? 'INFO'
}

// Whatever slipped through unescaped must not begin a line of its own or steer a terminal.
const oneLine = (text: string): string =>
  // eslint-disable-next-line no-control-regex
  text.replaceAll(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/g, found => `\\x${found.charCodeAt(0).toString(16).padStart(2, '0')}`)

/** JSON leaves what some readers of lines take for their end, and what steers terminals. */
const asciiControls = (json: string): string =>
  json.replaceAll(/[\x7f-\x9f\u2028\u2029]/g, found => `\\u${found.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** A log to `sink`: of each line its text, or a JSON object with `time`, `level`, `program`, `pid`, `message` and the facts. */
export const createLog = (sink: Sink, level: Level, options: LogOptions = {}): Log => {
  const { format = 'text', program = 'sshd', facts: own, now = () => new Date() } = options
  const rank = levels.indexOf(level)
  const say = (at: Level, text: string, facts?: LogFacts): void => {
    if (levels.indexOf(at) > rank) return
    const message = oneLine(text)
    if (format === 'text') return sink(message, at)
    // What every line has cannot be replaced by a fact.
    const always = { time: now().toISOString(), level: at, program, pid: process.pid, message }
    sink(asciiControls(JSON.stringify({ ...always, ...own, ...facts, ...always })), at)
  }
  return {
    level,
    wants: at => levels.indexOf(at) <= rank,
    fatal: (text, facts) => say('FATAL', text, facts),
    error: (text, facts) => say('ERROR', text, facts),
    info: (text, facts) => say('INFO', text, facts),
    verbose: (text, facts) => say('VERBOSE', text, facts),
    debug: (text, facts) => say('DEBUG1', format === 'json' ? text : `debug1: ${text}`, facts),
    as: (another, facility, other) => createLog(sink.as?.(another, facility) ?? sink, other, { ...options, program: another }),
    with: facts => createLog(sink, level, { ...options, facts: { ...own, ...facts } }),
  }
}

/** Standard error, with the carriage return that a terminal in raw mode needs. */
export const streamSink = (stream: NodeJS.WritableStream): Sink => {
  // Whoever read it may have gone; the server goes on.
  stream.on('error', () => {})
  return line => void stream.write(`${line}\r\n`)
}

/** A file, appended to; made with mode 0600. Throws `ConfigError` when it cannot be opened. */
export const fileSink = (path: string): Sink => {
  let descriptor: number
  try {
    descriptor = openSync(path, 'a', 0o600)
  } catch (error) {
    throw new ConfigError(`The log file ${path} cannot be opened: ${(error as Error).message}`, {}, { cause: error })
  }
  return line => {
    try {
      writeSync(descriptor, `${line}\n`)
    } catch {
      // A full disk must not end sessions.
    }
  }
}

const facilities: Readonly<Record<string, number>> = { USER: 1, DAEMON: 3, AUTH: 4, AUTHPRIV: 10 }
const facilityNumber = (name: string): number => {
  const local = /^LOCAL([0-7])$/.exec(name)
  return local === null ? (facilities[name] ?? facilities.AUTH) : 16 + Number(local[1])
}

/**
 * The system log, through logger(1): Node cannot write to its socket. Where logger is missing, lines are lost. `others` are those for
 * other programs and facilities: each has one logger, however many sessions ask.
 */
export const syslogSink = (facility: string, program = 'sshd', others = new Map<string, Sink>()): Sink => {
  const base = facilityNumber(facility) * 8
  let logger: ChildProcess | undefined
  const start = (): ChildProcess => {
    const child = spawnClean('logger', ['--tag', `${program}[${process.pid}]`, '--prio-prefix'], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    child.on('error', () => {})
    child.on('exit', () => {
      if (logger === child) logger = undefined
    })
    child.stdin?.on('error', () => {})
    child.unref()
    ;(child.stdin as unknown as { unref?: () => void } | null)?.unref?.()
    return child
  }
  const sink: Sink = (line, level) => {
    logger ??= start()
    logger.stdin?.write(`<${base + priorities[level]}>${line}\n`)
  }
  others.set(`${program} ${facility}`, sink)
  sink.as = (another, otherFacility) => others.get(`${another} ${otherFacility}`) ?? syslogSink(otherFacility, another, others)
  return sink
}
