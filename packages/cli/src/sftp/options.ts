// Owns the command line of `sftp`: its letters, and what they and the operands say together. Knows no commands and no connection.
import { ConfigError, escapeForPeople } from 'nacre'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { portOf, sharedOptions } from '../transfer/connect.ts'
import { parseSftpTarget, type RemoteTarget } from '../transfer/targets.ts'

export const sftpOptions = [
  { letter: '2', help: undefined },
  { letter: 'a', help: 'go on with files that are there in part' },
  { letter: 'B', value: 'bytes', help: 'size of a request' },
  { letter: 'b', value: 'file', help: 'take commands from this file, and stop at the first that fails; - for standard input' },
  { letter: 'D', value: 'server', help: 'use this SFTP server on this machine instead of a connection' },
  { letter: 'f', help: 'write files to the disk before a transfer counts as done' },
  { letter: 'l', value: 'limit', help: 'use at most so many kilobits a second' },
  { letter: 'N', help: 'say what is done, in spite of -b' },
  { letter: 'p', help: 'keep times and modes' },
  { letter: 'R', value: 'number', help: 'requests in flight' },
  { letter: 'r', help: 'copy directories with all that is in them' },
  { letter: 'S', value: 'program', help: 'connect by this program, which takes the arguments of ssh' },
  { letter: 's', value: 'server', help: 'subsystem to start, or with a slash in it the path of a server there' },
  { letter: 'X', value: 'option', help: 'nrequests=number: requests in flight; buffer=bytes: size of each' },
  ...sharedOptions,
] as const satisfies readonly OptionRow[]

export type SftpLetter = (typeof sftpOptions)[number]['letter']

export interface SftpSettings {
  readonly resume: boolean
  readonly sync: boolean
  readonly preserve: boolean
  readonly recursive: boolean
  readonly quiet: boolean
  /** Meters may be shown. */
  readonly progress: boolean
  /** Commands come from this file; `-` is standard input. */
  readonly batch: string | undefined
  /** Bytes a second. */
  readonly limit: number | undefined
  readonly requests: number | undefined
  /** Bytes of one request. */
  readonly requestSize: number | undefined
  /** A server on this machine and its arguments. */
  readonly server: string | undefined
  readonly program: string | undefined
  readonly subsystem: string
}

export interface SftpCall {
  readonly line: CommandLine<SftpLetter>
  readonly settings: SftpSettings
  /** `undefined` with -D. */
  readonly target: RemoteTarget | undefined
  /** Where what the target names is to go. */
  readonly local: string | undefined
}

const positive = (text: string | undefined, complaint: string): number | undefined => {
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw new ConfigError(`${complaint} "${escapeForPeople(text)}"`)
  return Number(text)
}

const mostBuffer = 256 * 1024
const factors: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

const bufferOf = (text: string): number => {
  const found = /^(\d{1,9})([kmg]?)b?$/i.exec(text)
  const value = found === null ? 0 : Number(found[1]) * factors[found[2].toLowerCase()]
  if (value < 1 || value > mostBuffer)
    throw new ConfigError(`Invalid buffer size "${escapeForPeople(text)}": from 1 to ${mostBuffer} bytes`)
  return value
}

const tuning = (line: CommandLine<SftpLetter>): Pick<SftpSettings, 'requests' | 'requestSize'> => {
  let requests: number | undefined
  let requestSize: number | undefined
  for (const { letter, value } of line.given) {
    if (letter === 'B') requestSize = positive(value, 'Invalid buffer size')
    else if (letter === 'R') requests = positive(value, 'Invalid number of requests')
    else if (letter !== 'X') continue
    else if (value.startsWith('buffer=')) requestSize = bufferOf(value.slice('buffer='.length))
    else if (value.startsWith('nrequests=')) requests = positive(value.slice('nrequests='.length), 'Invalid number of requests')
    else throw new ConfigError(`Invalid -X option "${escapeForPeople(value)}": there are nrequests=number and buffer=bytes`)
  }
  return { requests: requests === undefined ? undefined : Math.min(requests, 65_536), requestSize }
}

const mostKilobits = 100 * 1024 * 1024

const limitOf = (line: CommandLine<SftpLetter>): number | undefined => {
  const text = line.last('l')
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > mostKilobits)
    throw new UsageError(`-l ${escapeForPeople(text)}: a limit is a number of kilobits a second`)
  return (Number(text) * 1024) / 8
}

const settingsOf = (line: CommandLine<SftpLetter>): SftpSettings => {
  if (line.count('b') > 1) throw new ConfigError('Batch file already specified.')
  const batch = line.last('b')
  const silent = line.count('q') > 0 || batch !== undefined
  return {
    resume: line.count('a') > 0,
    sync: line.count('f') > 0,
    preserve: line.count('p') > 0,
    recursive: line.count('r') > 0,
    quiet: silent && line.count('N') === 0,
    progress: !silent,
    batch,
    limit: limitOf(line),
    ...tuning(line),
    server: line.last('D'),
    program: line.last('S'),
    subsystem: line.last('s') ?? 'sftp',
  }
}

/** Reads the letters. Throws `UsageError`. */
export const readSftpLine = (argv: readonly string[]): CommandLine<SftpLetter> => getopt(argv, sftpOptions)

/** What to connect to, and how. Throws `UsageError` and `ConfigError`. */
export const readSftpCall = (line: CommandLine<SftpLetter>): SftpCall => {
  const settings = settingsOf(line)
  const port = portOf(line)
  const [destination, local, ...more] = line.operands
  if (settings.server !== undefined) return { line, settings, target: undefined, local: undefined }
  if (destination === undefined) throw new UsageError('sftp needs to be told where to connect to')
  if (more.length > 0) throw new UsageError('sftp takes one destination, and one local path')
  const target = parseSftpTarget(destination)
  const { host } = target
  return { line, settings, local, target: { ...target, host: port === undefined || host.port !== undefined ? host : { ...host, port } } }
}
