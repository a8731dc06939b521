// Owns the command line of `ssh-agent`. Knows nothing of agents.
import type { FingerprintHash } from 'nacre/keys'
import { FatalError } from '../fatal.ts'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { readHash } from '../ssh-add/options.ts'
import { readTimeSpan } from '../time-span.ts'

export const sshAgentOptions = [
  { letter: 'a', value: 'path', help: 'listen at this socket' },
  { letter: 'c', help: 'print commands for csh; usual when SHELL looks like one' },
  { letter: 'D', help: 'stay in the foreground' },
  { letter: 'd', help: 'stay in the foreground and tell of each request that is refused' },
  { letter: 'E', value: 'hash', help: 'of fingerprints in questions: sha256 (the default), sha384, sha512, sha1, md5' },
  { letter: 'k', help: 'end the agent whose process is in SSH_AGENT_PID' },
  { letter: 'O', value: 'option', help: 'no-restrict-websafe, allow-remote-pkcs11 or websafe-allow=patterns' },
  {
    letter: 'P',
    value: 'patterns',
    help: 'libraries for tokens that may be named when a key is added; /usr/lib*/*,/usr/local/lib*/* unless said',
  },
  { letter: 's', help: 'print commands for sh; usual' },
  { letter: 'T', help: 'make the socket in a new folder in TMPDIR or /tmp instead of ~/.ssh/agent' },
  {
    letter: 't',
    value: 'time',
    help: 'forget keys after so long unless they were added with a time of their own: seconds, or 10m, 2h, 1w',
  },
  { letter: 'U', help: 'leave sockets in ~/.ssh/agent that nobody listens at' },
  { letter: 'u', help: 'only remove such sockets; twice: those of other machines too' },
  { letter: 'V', help: 'print the version' },
] as const satisfies readonly OptionRow[]
type Letter = (typeof sshAgentOptions)[number]['letter']

export interface SshAgentSettings {
  readonly hash: FingerprintHash
  readonly path: string | undefined
  readonly temporary: boolean
  readonly keepStale: boolean
  readonly foreground: boolean
  readonly debug: boolean
  /** Seconds. */
  readonly lifetime: number | undefined
  readonly providers: readonly string[]
  readonly websafe: readonly string[]
  readonly allowRemoteProviders: boolean
  readonly command: readonly string[]
}

const usualProviders = '/usr/lib*/*,/usr/local/lib*/*'
const allowPrefix = 'websafe-allow='

export const readSshAgentLine = (argv: readonly string[]): CommandLine<Letter> => {
  const line = getopt(argv, sshAgentOptions)
  if (line.count('c') > 0 && line.count('s') > 0) throw new UsageError('-c and -s exclude one another')
  if (line.count('d') + line.count('D') > 1) throw new UsageError('-d or -D may be given once')
  const alone = (['c', 'k', 's', 'd', 'D', 'u'] as const).find(letter => line.count(letter) > 0)
  if (line.operands.length > 0 && alone !== undefined) throw new UsageError(`-${alone} takes no command`)
  return line
}

const websafeOf = (options: readonly string[]): readonly string[] => {
  const lists = options.filter(each => each.startsWith(allowPrefix)).map(each => each.slice(allowPrefix.length))
  if (lists.length > 1) throw new FatalError('websafe-allow already set')
  if (options.includes('no-restrict-websafe')) return ['*']
  return (lists[0] ?? 'ssh:*').split(',')
}

/** What the letters say. Throws `UsageError` and `FatalError`. */
export const sshAgentSettings = (line: CommandLine<Letter>): SshAgentSettings => {
  const options = line.all('O')
  if (options.some(each => !['no-restrict-websafe', 'allow-remote-pkcs11'].includes(each) && !each.startsWith(allowPrefix)))
    throw new FatalError('Unknown -O option')
  if (line.count('P') > 1) throw new FatalError('-P option already specified')
  const time = line.last('t')
  const lifetime = time === undefined ? undefined : readTimeSpan(time)
  if (time !== undefined && lifetime === undefined) throw new UsageError('Invalid lifetime')
  return {
    hash: readHash(line.last('E')),
    path: line.last('a'),
    temporary: line.count('T') > 0,
    keepStale: line.count('U') > 0,
    foreground: line.count('d') > 0 || line.count('D') > 0,
    debug: line.count('d') > 0,
    lifetime: lifetime === 0 ? undefined : lifetime,
    providers: (line.last('P') ?? usualProviders).split(','),
    websafe: websafeOf(options),
    allowRemoteProviders: options.includes('allow-remote-pkcs11'),
    command: line.operands,
  }
}

/** Whether commands are printed for csh. */
export const forCsh = (line: CommandLine<Letter>, shell: string | undefined): boolean =>
  line.count('c') > 0 || (line.count('s') === 0 && line.operands.length === 0 && (shell ?? '').length > 2 && (shell ?? '').endsWith('csh'))
