// Owns the command line of `ssh`: its letters, and what each says in the words of ssh_config. Knows nothing of what the
// keywords do.
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ClientConfig, type ConfigSource, parseClientConfig } from 'nacre/config'
import { type Destination, parseDestination } from 'nacre'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { readInclude } from '../include.ts'

/** What a letter says as a line of ssh_config; `%s` is its argument. Letters without one mean something to `ssh` itself. */
interface SshOption extends OptionRow {
  readonly means?: string
  /** Known to OpenSSH; this version cannot do it. */
  readonly missing?: true
}

export const sshOptions: readonly SshOption[] = [
  { letter: '1', help: 'protocol 1; does not exist any more', missing: true },
  { letter: '2', help: 'protocol 2, the only one' },
  { letter: '4', help: 'use IPv4 only', means: 'AddressFamily inet' },
  { letter: '6', help: 'use IPv6 only', means: 'AddressFamily inet6' },
  { letter: 'A', help: 'forward the agent', missing: true },
  { letter: 'a', help: 'do not forward the agent' },
  { letter: 'B', value: 'interface', help: 'bind to an interface', missing: true },
  { letter: 'b', value: 'address', help: 'bind to a local address', means: 'BindAddress %s' },
  { letter: 'C', help: 'compress', means: 'Compression yes' },
  { letter: 'c', value: 'ciphers', help: 'ciphers to offer', means: 'Ciphers %s' },
  { letter: 'D', value: 'port', help: 'dynamic forwarding', missing: true },
  { letter: 'E', value: 'file', help: 'write messages to a file instead of standard error' },
  { letter: 'e', value: 'character', help: 'escape character, or none', means: 'EscapeChar %s' },
  { letter: 'F', value: 'file', help: 'read this configuration only; none for no file' },
  { letter: 'f', help: 'go to the background', missing: true },
  { letter: 'G', help: 'print the configuration and stop' },
  { letter: 'g', help: 'let others use forwarded ports', missing: true },
  { letter: 'I', value: 'library', help: 'PKCS#11 library', missing: true },
  { letter: 'i', value: 'file', help: 'private key to log in with', means: 'IdentityFile %s' },
  { letter: 'J', value: 'hosts', help: 'jump hosts', missing: true },
  { letter: 'K', help: 'GSSAPI with delegation', missing: true },
  { letter: 'k', help: 'no GSSAPI delegation' },
  { letter: 'L', value: 'forward', help: 'local forwarding', missing: true },
  { letter: 'l', value: 'user', help: 'user to log in as', means: 'User %s' },
  { letter: 'M', help: 'share the connection', missing: true },
  { letter: 'm', value: 'macs', help: 'MACs to offer', means: 'MACs %s' },
  { letter: 'N', help: 'no remote command', means: 'SessionType none' },
  { letter: 'n', help: 'read nothing from standard input', means: 'StdinNull yes' },
  { letter: 'O', value: 'command', help: 'control a shared connection', missing: true },
  { letter: 'o', value: 'Keyword=value', help: 'any keyword of ssh_config' },
  { letter: 'P', value: 'tag', help: 'tag for Match', missing: true },
  { letter: 'p', value: 'port', help: 'port to connect to', means: 'Port %s' },
  {
    letter: 'Q',
    value: 'kind',
    help: 'list algorithms: kex, cipher, cipher-auth, mac, key, key-cert, key-plain, key-sig, sig, compression',
  },
  { letter: 'q', help: 'say nothing but fatal errors', means: 'LogLevel QUIET' },
  { letter: 'R', value: 'forward', help: 'remote forwarding', missing: true },
  { letter: 'S', value: 'socket', help: 'socket of a shared connection', missing: true },
  { letter: 's', help: 'the command is the name of a subsystem', means: 'SessionType subsystem' },
  { letter: 'T', help: 'no terminal', means: 'RequestTTY no' },
  { letter: 't', help: 'a terminal; twice: even without a local one' },
  { letter: 'V', help: 'print the version and stop' },
  { letter: 'v', help: 'explain what happens; up to three times' },
  { letter: 'W', value: 'host:port', help: 'join standard input and output to a port', missing: true },
  { letter: 'w', value: 'tunnel', help: 'tunnel device', missing: true },
  { letter: 'X', help: 'forward X11', missing: true },
  { letter: 'x', help: 'do not forward X11' },
  { letter: 'Y', help: 'forward X11, trusted', missing: true },
  { letter: 'y', help: 'write messages to the system log', missing: true },
]

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
  const [host, ...command] = line.operands
  // Like OpenSSH: the words are joined by blanks and the remote shell splits them again.
  return { line, destination: host === undefined ? undefined : parseDestination(destinationText(host)), command: command.join(' ') }
}

/** `ssh` takes `host:port` for a host name with a colon; only the ssh:// form has a port. */
const destinationText = (host: string): string =>
  host.startsWith('ssh://') || host.includes('[') || !host.includes(':')
    ? host
    : host.replace(/^(.*@)?(.*)$/, (_, user: string | undefined, name: string) => `${user ?? ''}[${name}]`)

const expandHome = (path: string): string => (path === '~' ? homedir() : path.startsWith('~/') ? join(homedir(), path.slice(2)) : path)

const readIfThere = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const files = (line: CommandLine): ConfigSource[] => {
  const only = line.last('F')
  if (only === 'none') return []
  if (only !== undefined) return [{ path: only, text: readFileSync(expandHome(only), 'utf8') }]
  return [join(homedir(), '.ssh/config'), '/etc/ssh/ssh_config'].flatMap(path => {
    const text = readIfThere(path)
    return text === undefined ? [] : [{ path, text }]
  })
}

/** The letters as lines of configuration, in the order given: the first value wins, as it does in files. */
const optionSources = ({ line, destination }: SshCommand): ConfigSource[] => {
  const says = (text: string): ConfigSource => ({ path: 'command line', text, isOption: true })
  const sources: ConfigSource[] = []
  for (const { letter, value } of line.given) {
    const row = sshOptions.find(each => each.letter === letter)
    if (letter === 'o') sources.push(says(value))
    else if (row?.means !== undefined) sources.push(says(row.means.replace('%s', () => value)))
  }
  const terminals = line.count('t')
  if (terminals > 0) sources.push(says(`RequestTTY ${terminals > 1 ? 'force' : 'yes'}`))
  const verbose = line.count('v')
  if (verbose > 0) sources.push(says(`LogLevel DEBUG${Math.min(verbose, 3)}`))
  if (destination?.user !== undefined) sources.push(says(`User ${destination.user}`))
  if (destination?.port !== undefined) sources.push(says(`Port ${destination.port}`))
  return sources
}

export interface SshConfig {
  readonly config: ClientConfig
  readonly given: ReadonlySet<keyof ClientConfig>
  readonly warnings: readonly string[]
}

/** What the command line and the files say about the host. Throws `ConfigError` with file and line. */
export const readSshConfig = (command: SshCommand): SshConfig =>
  parseClientConfig([...optionSources(command), ...files(command.line)], { host: command.destination?.host ?? '', include: readInclude })

/** `~`, and the tokens of ssh_config that file names may hold. */
export const expandPath = (path: string, tokens: Readonly<Record<string, string>>): string => expandTokens(expandHome(path), tokens)

/** Replaces `%h`, `%p` and so on; `%%` is a percent sign. Unknown tokens stay as they are. */
export const expandTokens = (text: string, tokens: Readonly<Record<string, string>>): string =>
  text.replace(/%(.)/g, (whole, letter: string) => (letter === '%' ? '%' : Object.hasOwn(tokens, letter) ? tokens[letter] : whole))
