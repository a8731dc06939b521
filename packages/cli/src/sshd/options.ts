// Owns the command line of `sshd` and what it and the configuration file say together. Knows nothing of what is done with
// the values.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { ConfigError } from 'nacre'
import { type ConfigSource, type ParsedServerConfig, parseServerConfig, type ServerConfig } from 'nacre/config'
import { type CommandLine, getopt, type OptionRow, UsageError } from '../getopt.ts'
import { readInclude } from '../include.ts'

/** What a letter says as a line of sshd_config; `%s` is its argument. */
interface SshdOption extends OptionRow {
  readonly means?: string
  /** Known to OpenSSH; this version cannot do it. */
  readonly missing?: true
}

export const sshdOptions: readonly SshdOption[] = [
  { letter: '4', help: 'use IPv4 only', means: 'AddressFamily inet' },
  { letter: '6', help: 'use IPv6 only', means: 'AddressFamily inet6' },
  {
    letter: 'C',
    value: 'facts',
    help: 'with -T: for this connection; user=, host=, addr=, laddr=, lport=, rdomain=, invalid-user, with commas between',
  },
  { letter: 'c', value: 'file', help: undefined, missing: true },
  { letter: 'D', help: 'stay in the foreground' },
  { letter: 'd', help: 'debug: serve one connection in the foreground and explain what happens; up to three times' },
  { letter: 'E', value: 'file', help: 'append messages to a file instead of the system log' },
  { letter: 'e', help: 'write messages to standard error instead of the system log' },
  { letter: 'f', value: 'file', help: 'configuration; default /etc/ssh/sshd_config for root, none for others' },
  { letter: 'G', help: 'read the configuration, print what holds, and stop; host keys are not looked at' },
  { letter: 'g', value: 'time', help: 'time in which a client must log in', means: 'LoginGraceTime %s' },
  { letter: 'h', value: 'file', help: 'host key; may be repeated', means: 'HostKey %s' },
  { letter: 'i', help: 'serve one connection on standard input and output' },
  { letter: 'J', help: 'write messages as JSON, an object a line; our own, not OpenSSH’s', means: 'LogFormat json' },
  { letter: 'o', value: 'Keyword=value', help: 'any keyword of sshd_config' },
  { letter: 'p', value: 'port', help: 'port to listen on; may be repeated', means: 'Port %s' },
  { letter: 'q', help: 'say nothing', means: 'LogLevel QUIET' },
  { letter: 'R', help: undefined },
  { letter: 'r', help: undefined },
  { letter: 'T', help: 'check the configuration, print what holds, and stop' },
  { letter: 't', help: 'check the configuration and the host keys, and stop' },
  { letter: 'u', value: 'length', help: undefined },
  { letter: 'V', help: 'print the version and stop' },
]

/** Reads the command line. Throws `UsageError`. */
export const readSshdCommand = (argv: readonly string[]): CommandLine => {
  const line = getopt(argv, sshdOptions)
  for (const { letter } of line.given)
    if (sshdOptions.find(each => each.letter === letter)?.missing === true)
      throw new UsageError(`-${letter} is not supported by this version`)
  if (line.wants === undefined && line.operands.length > 0)
    throw new UsageError(`there is nothing to do with ${JSON.stringify(line.operands[0])}`)
  return line
}

const systemConfig = '/etc/ssh/sshd_config'

/** The configuration file, absolute, or `undefined` for none. */
export const configPath = (line: CommandLine): string | undefined => {
  const named = line.last('f')
  if (named !== undefined) return named === 'none' ? undefined : resolve(named)
  return process.geteuid?.() === 0 ? systemConfig : undefined
}

const fileSource = (path: string): ConfigSource => {
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch (error) {
    throw new ConfigError(`The configuration ${path} cannot be read: ${(error as Error).message}`, { path }, { cause: error })
  }
}

/** What the letters say; the first value wins, as it does in files, and letters come before the file. */
const optionSources = (line: CommandLine): ConfigSource[] => {
  const says = (text: string): ConfigSource => ({ path: 'command line', text, isOption: true })
  const debug = line.count('d')
  return [
    ...(debug > 0 ? [says(`LogLevel DEBUG${Math.min(debug, 3)}`)] : []),
    ...line.given.flatMap(({ letter, value }) => {
      if (letter === 'o') return [says(value)]
      const means = sshdOptions.find(each => each.letter === letter)?.means
      return means === undefined ? [] : [says(means.replace('%s', () => (letter === 'h' ? JSON.stringify(resolve(value)) : value)))]
    }),
  ]
}

/** The same with other values for everybody, and so for every connection. */
export const changed = (parsed: ParsedServerConfig, values: Partial<ServerConfig>): ParsedServerConfig => {
  const holds: ParsedServerConfig = {
    config: { ...parsed.config, ...values },
    given: parsed.given,
    warnings: parsed.warnings,
    criteria: parsed.criteria,
    matched: parsed.matched,
    decidedBy: property => parsed.decidedBy(property),
    forConnection: facts => {
      const own = parsed.forConnection(facts)
      return own === parsed ? holds : changed(own, values)
    },
  }
  return holds
}

/**
 * The configuration that holds. Ports of the command line replace those of the file instead of adding to them; its host
 * keys come first, before the file's. Throws `ConfigError` with file and line.
 */
export const readSshdConfig = (line: CommandLine): ParsedServerConfig => {
  const path = configPath(line)
  const options = optionSources(line)
  const parsed = parseServerConfig([...options, ...(path === undefined ? [] : [fileSource(path)])], { include: readInclude })
  const fromLine = parseServerConfig(options, { include: readInclude })
  return fromLine.given.has('port') ? changed(parsed, { port: fromLine.config.port }) : parsed
}
