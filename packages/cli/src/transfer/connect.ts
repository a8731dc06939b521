// Owns how `scp` and `sftp` reach the other machine: the letters they share with `ssh`, a connection of our own in this
// process, the program of -S, or the server of -D on this machine. Knows nothing of files.
import { type ClientConnection, ConfigError, SshError } from 'nacre'
import { shellWords } from 'nacre/scp'
import type { Environment } from '../environment.ts'
import type { OptionRow } from '../getopt.ts'
import { spawnClean } from '../spawn.ts'
import { Log } from '../ssh/log.ts'
import { readSshConfig } from '../ssh/config.ts'
import { readSshCommand, type SshCommand, type SshConfig } from '../ssh/options.ts'
import { pipeOfChild, pipeOfProcess, type ProgramPipe } from './pipes.ts'
import type { RemoteHost } from './targets.ts'

/** Letters that mean to `scp` and `sftp` what they mean to `ssh`. */
export const sharedOptions = [
  { letter: '4', help: 'use IPv4 only' },
  { letter: '6', help: 'use IPv6 only' },
  { letter: 'A', help: 'forward the agent' },
  { letter: 'C', help: 'compress' },
  { letter: 'c', value: 'ciphers', help: 'ciphers to offer' },
  { letter: 'F', value: 'file', help: 'read this configuration only; none for no file' },
  { letter: 'i', value: 'file', help: 'private key to log in with' },
  { letter: 'J', value: 'hosts', help: 'jump hosts' },
  { letter: 'o', value: 'Keyword=value', help: 'any keyword of ssh_config' },
  { letter: 'P', value: 'port', help: 'port to connect to' },
  { letter: 'q', help: 'no progress, and no messages but fatal errors' },
  { letter: 'v', help: 'explain what happens; up to three times' },
] as const satisfies readonly OptionRow[]
type SharedLetter = (typeof sharedOptions)[number]['letter']

/** A command line that has these letters, and maybe others. */
export interface SharedLine {
  readonly given: readonly { readonly letter: string; readonly value: string }[]
  count(letter: SharedLetter): number
  last(letter: SharedLetter): string | undefined
}

/** What OpenSSH's scp and sftp ask of every connection: nothing but the one command. */
const bare = ['-x', '-oPermitLocalCommand=no', '-oClearAllForwardings=yes', '-oRemoteCommand=none', '-oRequestTTY=no']

export interface SshArgumentOptions {
  /** Ask nobody anything (-B of scp, -b of sftp). Default false. */
  readonly batch?: boolean
  /** -A means something: a program that runs there connects further. Default false. */
  readonly agent?: boolean
}

/** The letters as `ssh` takes them, in the order given; without the port, which belongs to one host. */
export const sshArguments = (line: SharedLine, options: SshArgumentOptions = {}): readonly string[] => [
  ...bare,
  ...line.given.flatMap(({ letter, value }) => {
    const row: OptionRow | undefined = sharedOptions.find(each => each.letter === letter)
    if (row === undefined || letter === 'P') return []
    return row.value === undefined ? [`-${letter}`] : [`-${letter}`, value]
  }),
  ...(options.batch === true ? ['-oBatchmode=yes'] : []),
  ...(options.agent === true && line.count('A') > 0 ? [] : ['-oForwardAgent=no']),
]

/** The port of -P. Throws `ConfigError` for what is none. */
export const portOf = (line: SharedLine): number | undefined => {
  const text = line.last('P')
  if (text === undefined) return undefined
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) throw new ConfigError(`"${text}" is not a port; ports go from 1 to 65535.`)
  return port
}

/** How to reach hosts. */
export interface Reach {
  /** As `sshArguments` gives them. */
  readonly arguments: readonly string[]
  /** Runs in place of our own connection (-S). */
  readonly program?: string
  /** The program takes no notice of Ctrl-C, which is for a command of ours. Default false. */
  readonly ignoresInterrupts?: boolean
  readonly environment: Environment
  /** Ends what is under way. */
  readonly signal: AbortSignal
}

/** A host that has been reached. */
export interface Remote extends AsyncDisposable {
  /** Runs a command there, which a shell reads. */
  exec(command: string): Promise<ProgramPipe>
  subsystem(name: string): Promise<ProgramPipe>
  /** The connection, when it is one of ours. */
  readonly connection: ClientConnection | undefined
}

/** Starts `program` with pipes; what it writes to standard error is ours. */
const startProgram = (program: string, words: readonly string[], signal: AbortSignal, deaf = false): ProgramPipe => {
  // What a shell ignores, the program it becomes ignores too.
  const command = deaf ? ['/bin/sh', '-c', `trap '' INT; exec "$0" "$@"`, program, ...words] : [program, ...words]
  const child = spawnClean(command[0], command.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] })
  const pipe = pipeOfChild(child, program)
  signal.addEventListener('abort', () => child.kill(), { once: true })
  return pipe
}

/** `-S`: every command has a process of its own. */
const reachByProgram = (reach: Reach, program: string, { host, user, port }: RemoteHost): Remote => {
  const words = (subsystem: boolean): readonly string[] => [
    ...reach.arguments,
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(subsystem ? ['-s'] : []),
    '--',
    host,
  ]
  return {
    connection: undefined,
    exec: async command => startProgram(program, [...words(false), command], reach.signal, reach.ignoresInterrupts),
    subsystem: async name => startProgram(program, [...words(true), name], reach.signal, reach.ignoresInterrupts),
    async [Symbol.asyncDispose]() {},
  }
}

const connectAnew = async (
  command: SshCommand,
  settings: SshConfig,
  { environment, signal }: Reach,
  log: Log,
): Promise<ClientConnection> => {
  const own = await import('../ssh/own-connection.ts')
  return await own.connectAnew(command, settings, environment, log, signal)
}

/**
 * Connects to a host as `ssh` with these arguments would. Throws what `ssh` throws: `UsageError` and `ConfigError` for what
 * was asked, others for what happened.
 */
export const reachHost = async (reach: Reach, host: RemoteHost): Promise<Remote> => {
  if (reach.program !== undefined) return reachByProgram(reach, reach.program, host)
  // The host is no word of that command line: it may hold colons, and the user name blanks.
  const command = { ...readSshCommand([...reach.arguments]), destination: host }
  const settings = await readSshConfig(command)
  const log = new Log(reach.environment, settings.config.logLevel)
  for (const warning of settings.warnings) log.say('INFO', warning)
  // A connection that is shared is used like OpenSSH's programs do; none is made to be.
  const joined =
    settings.config.controlPath === undefined
      ? undefined
      : await (await import('../ssh/mux.ts')).joinShared({ command, settings, environment: reach.environment, log })
  const connection = joined ?? (await connectAnew(command, settings, reach, log))
  return {
    connection,
    exec: async line => pipeOfProcess(await connection.exec(line, { signal: reach.signal }), reach.environment),
    subsystem: async name => pipeOfProcess(await connection.subsystem(name, { signal: reach.signal }), reach.environment),
    [Symbol.asyncDispose]: () => connection.close(),
  }
}

/** `-D`: an SFTP server on this machine, by its path and arguments. Throws `ConfigError` for a line nobody can split. */
export const localServer = (command: string, signal: AbortSignal, ignoresInterrupts = false): ProgramPipe => {
  const [program, ...words] = shellWords(command) ?? []
  if (program === undefined) throw new ConfigError(`-D ${command}: this is no path of a server and its arguments.`)
  return startProgram(
    program.text,
    words.map(each => each.text),
    signal,
    ignoresInterrupts,
  )
}

/** Aborts when a signal asks us to end; `stop` forgets about it. */
export const untilInterrupted = (): { readonly signal: AbortSignal; stop(): void } => {
  const controller = new AbortController()
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(name => {
    const handler = (): void => controller.abort(new SshError('INTERRUPTED', `Interrupted by ${name}.`))
    process.once(name, handler)
    return { name, handler }
  })
  return {
    signal: controller.signal,
    stop: () => {
      for (const { name, handler } of handlers) process.removeListener(name, handler)
    },
  }
}
