// Owns the command line of `sftp-server`, which is also what stands behind `internal-sftp` in sshd_config. Knows nothing of how
// files are served.
import { ConfigError, escapeForPeople } from 'nacre'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { type Level, levelOf, levels } from '../sshd/log.ts'

export const sftpServerOptions = [
  { letter: 'd', value: 'directory', help: 'start there; %u, %d, %h and %% stand for the user, the home (twice) and a percent sign' },
  { letter: 'e', help: 'write messages to standard error instead of the system log' },
  { letter: 'f', value: 'facility', help: 'of the system log: AUTH (the default), DAEMON, USER, LOCAL0 to LOCAL7' },
  { letter: 'h', help: 'print this text and stop' },
  { letter: 'l', value: 'level', help: 'what to log: QUIET, FATAL, ERROR (the default), INFO, VERBOSE, DEBUG to DEBUG3' },
  { letter: 'P', value: 'requests', help: 'refuse these requests, a list with commas' },
  { letter: 'p', value: 'requests', help: 'refuse all but these requests' },
  { letter: 'Q', value: 'what', help: 'requests: list the names -P and -p know, and stop' },
  { letter: 'R', help: 'refuse all that changes something' },
  { letter: 'u', value: 'umask', help: 'permissions new files do not get, in octal; instead of those of the process' },
] as const satisfies readonly OptionRow[]
type Letter = (typeof sftpServerOptions)[number]['letter']

export interface SftpServerSettings {
  /** With its tokens. */
  readonly directory: string | undefined
  readonly toStandardError: boolean
  readonly facility: string
  readonly level: Level
  readonly deny: readonly string[]
  readonly allow: readonly string[] | undefined
  readonly readOnly: boolean
  readonly umask: number | undefined
}

const facilities = /^(USER|DAEMON|AUTH|AUTHPRIV|LOCAL[0-7])$/

/** Reads the letters. Throws `UsageError`. */
export const readSftpServerLine = (argv: readonly string[]): CommandLine<Letter> => getopt(argv, sftpServerOptions)

const umaskOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  if (!/^[0-7]{1,4}$/.test(text) || Number.parseInt(text, 8) > 0o777) throw new UsageError(`invalid umask "${escapeForPeople(text)}"`)
  return Number.parseInt(text, 8)
}

const namesIn = (lists: readonly string[]): readonly string[] => lists.flatMap(list => list.split(',')).filter(name => name !== '')

/** What the letters say. Throws `UsageError`. */
export const sftpServerSettings = (line: CommandLine<Letter>): SftpServerSettings => {
  const level = line.last('l') ?? 'ERROR'
  const facility = (line.last('f') ?? 'AUTH').toUpperCase()
  if (level.toUpperCase() !== 'DEBUG' && !levels.some(each => each === level.toUpperCase()))
    throw new UsageError(`invalid log level "${escapeForPeople(level)}"`)
  if (!facilities.test(facility)) throw new UsageError(`invalid log facility "${escapeForPeople(facility)}"`)
  if (line.operands.length > 0) throw new UsageError(`there is nothing to do with "${escapeForPeople(line.operands[0])}"`)
  return {
    directory: line.last('d'),
    toStandardError: line.count('e') > 0,
    facility,
    level: levelOf(level),
    deny: namesIn(line.all('P')),
    allow: line.count('p') > 0 ? namesIn(line.all('p')) : undefined,
    readOnly: line.count('R') > 0,
    umask: umaskOf(line.last('u')),
  }
}

/** Whether a command line of sshd_config means the server inside `sshd`, and with which words. */
export const internalSftpWords = (command: string): readonly string[] | undefined => {
  const [name, ...words] = command.split(/[ \t]+/)
  return name === 'internal-sftp' ? words.filter(word => word !== '') : undefined
}

/** The settings behind `internal-sftp`. Throws `ConfigError`, so that a configuration with a mistake is not served. */
export const internalSftpSettings = (words: readonly string[]): SftpServerSettings => {
  try {
    return sftpServerSettings(readSftpServerLine(words))
  } catch (error) {
    if (error instanceof UsageError) throw new ConfigError(`internal-sftp: ${error.message}`, {}, { cause: error })
    throw error
  }
}

/** `%u`, `%d` and `%h` of a start directory. */
export const startDirectory = (text: string, user: { readonly name: string; readonly home: string }): string =>
  text.replaceAll(/%([%udh])/g, (_, letter: string) => (letter === '%' ? '%' : letter === 'u' ? user.name : user.home))
