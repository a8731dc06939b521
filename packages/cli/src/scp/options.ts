// Owns the command line of `scp`: its letters, and what they and the operands say together. Knows nothing of how files are
// copied.
import { escapeForPeople } from 'nacre'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { portOf, sharedOptions } from '../transfer/connect.ts'
import { parseTarget, type Target } from '../transfer/targets.ts'

export const scpOptions = [
  { letter: '1', help: undefined },
  { letter: '2', help: undefined },
  { letter: '3', help: 'copy between two other machines through this one (as always without -R)' },
  { letter: 'B', help: 'ask nobody anything' },
  { letter: 'D', value: 'server', help: 'use this SFTP server on this machine instead of a connection' },
  { letter: 'd', help: undefined },
  { letter: 'f', help: undefined },
  { letter: 'l', value: 'limit', help: 'use at most so many kilobits a second' },
  { letter: 'O', help: 'use the scp protocol instead of SFTP' },
  { letter: 'p', help: 'keep times and modes' },
  { letter: 'R', help: 'copy between two other machines by running scp on the first' },
  { letter: 'r', help: 'copy directories with all that is in them' },
  { letter: 'S', value: 'program', help: 'connect by this program, which takes the arguments of ssh' },
  { letter: 's', help: 'use SFTP, as is usual' },
  { letter: 'T', help: 'with -O: take files whose names were not asked for' },
  { letter: 't', help: undefined },
  { letter: 'X', value: 'option', help: 'nrequests=number: requests in flight; buffer=bytes: size of each' },
  ...sharedOptions,
] as const satisfies readonly OptionRow[]

export type ScpLetter = (typeof scpOptions)[number]['letter']

export interface ScpSettings {
  readonly protocol: 'sftp' | 'scp'
  /** Two other machines: through this one, or by an scp that runs on the first. */
  readonly between: 'through' | 'there'
  readonly recursive: boolean
  readonly preserve: boolean
  readonly quiet: boolean
  readonly batch: boolean
  readonly verbose: boolean
  /** Take names nobody asked for. */
  readonly trusting: boolean
  /** Bits a second. */
  readonly limit: number | undefined
  readonly requests: number | undefined
  /** Bytes of one request. */
  readonly requestSize: number | undefined
  /** A server on this machine and its arguments. */
  readonly server: string | undefined
  readonly program: string | undefined
}

export interface ScpCopy {
  readonly line: CommandLine<ScpLetter>
  readonly settings: ScpSettings
  readonly sources: readonly Target[]
  readonly target: Target
}

/** A number with the letters OpenSSH lets stand behind sizes. Throws `UsageError`. */
const sizeOf = (text: string, what: string): number => {
  const found = /^(\d{1,12})([kmg]?)b?$/i.exec(text)
  const factor = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[found?.[2].toLowerCase() ?? ''] ?? 1
  const value = found === null ? 0 : Number(found[1]) * factor
  if (value < 1) throw new UsageError(`${what}: "${escapeForPeople(text)}" is no number above 0`)
  return value
}

const tuning = (line: CommandLine<ScpLetter>): Pick<ScpSettings, 'requests' | 'requestSize'> => {
  let requests: number | undefined
  let requestSize: number | undefined
  for (const text of line.all('X')) {
    const [name, value = ''] = text.split('=', 2)
    if (name === 'nrequests') requests = sizeOf(value, '-X nrequests')
    else if (name === 'buffer') requestSize = sizeOf(value, '-X buffer')
    else throw new UsageError(`-X ${escapeForPeople(text)}: there are nrequests=number and buffer=bytes`)
  }
  return { requests, requestSize }
}

const limitOf = (line: CommandLine<ScpLetter>): number | undefined => {
  const text = line.last('l')
  if (text === undefined) return undefined
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > 100 * 1024 * 1024)
    throw new UsageError(`-l ${escapeForPeople(text)}: a limit is a number of kilobits a second`)
  return Number(text) * 1024
}

const settingsOf = (line: CommandLine<ScpLetter>): ScpSettings => {
  // The last of those that contradict one another holds, as everywhere.
  const last = (letters: string): string | undefined => line.given.findLast(each => letters.includes(each.letter))?.letter
  return {
    protocol: last('Os') === 'O' ? 'scp' : 'sftp',
    between: last('3R') === 'R' ? 'there' : 'through',
    recursive: line.count('r') > 0,
    preserve: line.count('p') > 0,
    quiet: line.count('q') > 0,
    batch: line.count('B') > 0,
    verbose: line.count('v') > 0,
    trusting: line.count('T') > 0,
    limit: limitOf(line),
    ...tuning(line),
    server: line.last('D'),
    program: line.last('S'),
  }
}

const withPort = (target: Target, port: number | undefined): Target =>
  target.is === 'local' || target.host.port !== undefined || port === undefined ? target : { ...target, host: { ...target.host, port } }

/** Reads the letters. Throws `UsageError`. */
export const readScpLine = (argv: readonly string[]): CommandLine<ScpLetter> => getopt(argv, scpOptions)

/** What is to be copied where, and how. Throws `UsageError` and `ConfigError`. */
export const readScpCopy = (line: CommandLine<ScpLetter>): ScpCopy => {
  const settings = settingsOf(line)
  const port = portOf(line)
  if (line.operands.length < 2) throw new UsageError('scp needs at least one source, and a target')
  const places = line.operands.map(text => withPort(parseTarget(text), port))
  return { line, settings, sources: places.slice(0, -1), target: places[places.length - 1] }
}
