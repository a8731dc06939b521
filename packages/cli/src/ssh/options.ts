// Owns the command line of `ssh`: its letters, and what each says in the words of ssh_config. Knows nothing of what the
// keywords do.
import type { ClientSettings, ConfigSource, ForwardKind } from 'nacre/config'
import { type Destination, optionLine, parseDestination } from 'nacre'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { forwardLine } from './forward-specs.ts'

/** What a letter says as lines of ssh_config; `%s` is its argument. Letters without one mean something to `ssh` itself. */
interface SshOption extends OptionRow {
  readonly means?: string | readonly string[]
  /** Stands among the -o in its order: the first wins, or each adds one. The last of all other letters wins, over every -o. */
  readonly inOrder?: true
  /** The argument is a forwarding of this kind. */
  readonly forward?: ForwardKind
  /** Known to OpenSSH; this version cannot do it. */
  readonly missing?: true
}

export const sshOptions: readonly SshOption[] = [
  { letter: '1', help: 'protocol 1; does not exist any more', missing: true },
  { letter: '2', help: 'protocol 2, the only one' },
  { letter: '4', help: 'use IPv4 only', means: 'AddressFamily inet' },
  { letter: '6', help: 'use IPv6 only', means: 'AddressFamily inet6' },
  { letter: 'A', help: 'forward the agent', means: 'ForwardAgent yes' },
  { letter: 'a', help: 'do not forward the agent', means: 'ForwardAgent no' },
  { letter: 'B', value: 'interface', help: 'bind to the address of an interface', means: 'BindInterface %s' },
  { letter: 'b', value: 'address', help: 'bind to a local address', means: 'BindAddress %s' },
  { letter: 'C', help: 'compress', means: 'Compression yes' },
  { letter: 'c', value: 'ciphers', help: 'ciphers to offer', means: 'Ciphers %s' },
  { letter: 'D', value: 'port', help: 'listen here for SOCKS; the server connects', forward: 'dynamic', inOrder: true },
  { letter: 'E', value: 'file', help: 'write messages to a file instead of standard error' },
  { letter: 'e', value: 'character', help: 'escape character, or none', means: 'EscapeChar %s' },
  { letter: 'F', value: 'file', help: 'read this configuration only; none for no file' },
  { letter: 'f', help: 'go to the background once logged in', means: ['ForkAfterAuthentication yes', 'StdinNull yes'] },
  { letter: 'G', help: 'print the configuration and stop' },
  { letter: 'g', help: 'let others use forwarded ports', means: 'GatewayPorts yes' },
  { letter: 'I', value: 'library', help: 'PKCS#11 library; there is no support for it, which is said' },
  { letter: 'i', value: 'file', help: 'private key to log in with', means: 'IdentityFile %s', inOrder: true },
  { letter: 'J', value: 'hosts', help: 'hosts to go through, with commas between', means: 'ProxyJump %s', inOrder: true },
  { letter: 'K', help: 'GSSAPI with delegation; there is none here', means: 'GSSAPIAuthentication yes' },
  { letter: 'k', help: 'no GSSAPI delegation', means: 'GSSAPIDelegateCredentials no' },
  { letter: 'L', value: 'forward', help: 'listen here; the server connects', forward: 'local', inOrder: true },
  { letter: 'l', value: 'user', help: 'user to log in as', means: 'User %s', inOrder: true },
  { letter: 'M', help: 'share the connection; twice: ask for each use' },
  { letter: 'm', value: 'macs', help: 'MACs to offer', means: 'MACs %s' },
  { letter: 'N', help: 'no remote command', means: 'SessionType none' },
  { letter: 'n', help: 'read nothing from standard input', means: 'StdinNull yes' },
  { letter: 'O', value: 'command', help: 'control a shared connection: check, conninfo, channels, forward, cancel, stop, exit, proxy' },
  { letter: 'o', value: 'Keyword=value', help: 'any keyword of ssh_config' },
  { letter: 'P', value: 'tag', help: 'tag for Match tagged', means: 'Tag %s', inOrder: true },
  { letter: 'p', value: 'port', help: 'port to connect to', means: 'Port %s', inOrder: true },
  {
    letter: 'Q',
    value: 'kind',
    help: 'list algorithms: cipher, cipher-auth, compression, kex, key, key-ca-sign, key-cert, key-plain, key-sig, mac, protocol-version, sig',
  },
  { letter: 'q', help: 'say nothing but fatal errors' },
  { letter: 'R', value: 'forward', help: 'the server listens; we connect', forward: 'remote', inOrder: true },
  { letter: 'S', value: 'socket', help: 'socket of a shared connection, or none', means: 'ControlPath %s' },
  { letter: 's', help: 'the command is the name of a subsystem', means: 'SessionType subsystem' },
  { letter: 'T', help: 'no terminal' },
  { letter: 't', help: 'a terminal; twice: even without a local one' },
  { letter: 'V', help: 'print the version and stop' },
  { letter: 'v', help: 'explain what happens; up to three times' },
  {
    letter: 'W',
    value: 'host:port',
    help: 'join standard input and output to a host and port the server reaches',
    means: 'SessionType none',
  },
  {
    letter: 'w',
    value: 'local[:remote]',
    help: 'join tunnel devices, each a number or any',
    means: ['Tunnel point-to-point', 'TunnelDevice %s'],
    inOrder: true,
  },
  { letter: 'X', help: 'forward X11', means: 'ForwardX11 yes' },
  { letter: 'x', help: 'do not forward X11', means: 'ForwardX11 no' },
  { letter: 'Y', help: 'forward X11, trusted', means: ['ForwardX11 yes', 'ForwardX11Trusted yes'] },
  { letter: 'y', help: 'write messages to the system log' },
]

type Given = CommandLine['given'][number]

export interface SshCommand {
  readonly line: CommandLine
  readonly destination: Destination | undefined
  /** What is to run there; empty for a shell. */
  readonly command: string
}

/** Reads the command line. Throws `UsageError`. */
export const readSshCommand = (argv: readonly string[]): SshCommand => {
  const line = getopt(argv, sshOptions, { operandsBeforeEnd: 1 })
  for (const { letter } of line.given) {
    const row = sshOptions.find(each => each.letter === letter)
    if (row?.missing === true) throw new UsageError(`-${letter} (${row.help}) is not supported by this version`)
  }
  for (const letter of ['J', 'W'])
    if (line.count(letter) > 1) throw new UsageError(`-${letter} may be given once${letter === 'J' ? '; write commas between hosts' : ''}`)
  if (line.count('N') > 0 && line.count('s') > 0)
    throw new UsageError('-N and -s exclude each other: one runs nothing, the other a subsystem')
  if (line.count('y') > 0 && line.count('E') > 0) throw new UsageError('-y and -E exclude each other: messages go to one place')
  const [host, ...command] = line.operands
  // Like OpenSSH: the words are joined by blanks and the remote shell splits them again.
  return { line, destination: host === undefined ? undefined : parseDestination(destinationText(host)), command: command.join(' ') }
}

/** `ssh` takes `host:port` for a host name with a colon; only the ssh:// form has a port. */
const destinationText = (host: string): string =>
  host.startsWith('ssh://') || host.includes('[') || !host.includes(':')
    ? host
    : host.replace(/^(.*@)?(.*)$/, (_, user: string | undefined, name: string) => `${user ?? ''}[${name}]`)

const linesOf = ({ letter, value }: Given): readonly ConfigSource[] => {
  const { means = [], forward } = sshOptions.find(each => each.letter === letter) ?? {}
  if (forward !== undefined) return [{ path: 'command line', text: forwardLine(forward, value), isOption: true }]
  return (typeof means === 'string' ? [means] : means).map(line =>
    optionLine(
      line.replace(/ .*/, ''),
      line.replace(/^\S+ /, '').replace('%s', () => value),
    ),
  )
}

/** What several letters decide together. */
const together = ({ line }: SshCommand): ConfigSource[] => {
  const sources: ConfigSource[] = []
  const asked = line.given.filter(({ letter }) => 'tTNW'.includes(letter)).map(({ letter }) => letter)
  if (asked.length > 0) {
    // -t after -t is stronger; -T, -N and -W want none, whatever came before.
    const since = asked.slice(asked.findLastIndex(letter => letter !== 't') + 1).length
    sources.push(optionLine('RequestTTY', since === 0 ? 'no' : since === 1 ? 'yes' : 'force'))
  }
  const master = line.count('M')
  if (master > 0) sources.push(optionLine('ControlMaster', master > 1 ? 'ask' : 'yes'))
  const talk = line.given.filter(({ letter }) => letter === 'v' || letter === 'q').map(({ letter }) => letter)
  const verbose = line.count('v')
  if (talk.at(-1) === 'q') sources.push(optionLine('LogLevel', 'QUIET'))
  else if (verbose > 0) sources.push(optionLine('LogLevel', `DEBUG${Math.min(verbose, 3)}`))
  return sources
}

/**
 * The command line as lines of configuration, the first value of a keyword winning as it does in files. Like OpenSSH's, a
 * letter replaces what was said before and nothing said later replaces it, but for those that stand in order with -o.
 */
export const optionSources = (command: SshCommand): ConfigSource[] => {
  const { line, destination } = command
  const inOrder = (letter: string): boolean => letter === 'o' || sshOptions.find(each => each.letter === letter)?.inOrder === true
  const sources = together(command)
  for (const given of line.given.toReversed()) if (!inOrder(given.letter)) sources.push(...linesOf(given))
  for (const given of line.given) {
    if (given.letter === 'o') sources.push({ path: 'command line', text: given.value, isOption: true, isUsers: true })
    else if (inOrder(given.letter)) sources.push(...linesOf(given))
  }
  if (destination?.user !== undefined) sources.push(optionLine('User', destination.user))
  if (destination?.port !== undefined) sources.push(optionLine('Port', String(destination.port)))
  return sources
}

/** What the command line and the files come to, as `readSshConfig` gives it. */
export type SshConfig = ClientSettings
