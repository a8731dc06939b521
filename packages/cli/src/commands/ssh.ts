// Owns `nacre ssh`: from a command line to an exit code. Knows the order of things; what each is belongs to `ssh/`.
import { type ClientConnection, connect, escapeForPeople, type Process, type SessionOptions, SshError } from 'nacre'
import { dumpClientConfig } from 'nacre/config'
import { softwareVersion } from 'nacre/engine'
import type { Environment, Run } from '../environment.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import { algorithmLists } from '../ssh/algorithm-lists.ts'
import { escapeFilter } from '../ssh/escapes.ts'
import { planConnection } from '../ssh/hops.ts'
import { runLocalCommand } from '../ssh/local-command.ts'
import { loudly } from '../ssh/host-keys.ts'
import { Log } from '../ssh/log.ts'
import { readSshCommand, readSshConfig, type SshCommand, type SshConfig, sshOptions } from '../ssh/options.ts'
import { listAlgorithms } from '../ssh/query.ts'
import { exitCodeOf, inputOf, ownFailure, relayInput, relayOutput } from '../ssh/relay.ts'
import { sentEnvironment } from '../ssh/send-env.ts'
import { forwardStdio, readForwardTarget } from '../ssh/stdio-forward.ts'
import { LocalTerminal } from '../terminal.ts'

const help = {
  program: 'ssh',
  usage: ['[options] [user@]host [command [argument …]]'],
  about: 'Logs in to another machine, or runs a command there. Reads ssh_config, known_hosts, the agent and key files as OpenSSH does.',
  options: sshOptions.filter(each => each.missing !== true),
  notes: ["The exit code is the remote command's, or 255 for what went wrong here."],
}

/** Runs `ssh`. The remote command's exit status, or 255 for what goes wrong here. */
export const run: Run = async (argv, environment) => {
  try {
    const command = readSshCommand(argv)
    if (command.line.wants === 'help') {
      environment.stdout.write(helpText(help))
      return 0
    }
    return await dispatch(command, environment)
  } catch (error) {
    if (error instanceof UsageError) environment.stderr.write(`ssh: ${error.message}\n${usageText(help)}`)
    else environment.stderr.write(`ssh: ${describe(error)}\r\n`)
    return ownFailure
  }
}

const dispatch = async (command: SshCommand, environment: Environment): Promise<number> => {
  if (command.line.count('V') > 0 || command.line.wants === 'version') {
    environment.stderr.write(`${softwareVersion}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}\n`)
    return 0
  }
  const query = command.line.last('Q')
  if (query !== undefined) {
    environment.stdout.write(listAlgorithms(query))
    return 0
  }
  if (command.destination === undefined) throw new UsageError('no host to connect to')
  const settings = await readSshConfig(command)
  if (command.line.count('G') > 0) {
    environment.stdout.write(dumpClientConfig(settings.config, command.destination.host, algorithmLists(settings)))
    return 0
  }
  const log = new Log(environment, settings.config.logLevel, command.line.last('E'))
  try {
    return await session(command, settings, environment, log)
  } catch (error) {
    if (error instanceof UsageError) throw error
    log.say('FATAL', loudly(error, describe(error)))
    if (error instanceof SshError) log.debug(`the code of this error is ${error.code}`)
    return ownFailure
  }
}

/** The message; with NACRE_DEBUG set, where it came from too. */
const describe = (error: unknown): string =>
  error instanceof Error ? (process.env.NACRE_DEBUG === undefined ? error.message : (error.stack ?? error.message)) : String(error)

const session = async (command: SshCommand, settings: SshConfig, environment: Environment, log: Log): Promise<number> => {
  const { config } = settings
  for (const warning of settings.warnings) log.say('INFO', warning)
  const text = command.command === '' ? (config.remoteCommand ?? '') : command.command
  if (config.sessionType === 'subsystem' && text === '') throw new UsageError('-s needs the name of a subsystem')
  const stop = new AbortController()
  const forward = command.line.last('W')
  const target = forward === undefined ? undefined : readForwardTarget(forward)
  const { destination, options } = await planConnection(command, settings, environment, log, stop.signal)
  const onSignal = (name: NodeJS.Signals) => (): void => stop.abort(new SshError('INTERRUPTED', `Interrupted by ${name}.`))
  const signals = (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map(name => ({ name, handler: onSignal(name) }))
  for (const { name, handler } of signals) process.once(name, handler)
  try {
    await using connection = await connect(destination, options)
    await runLocalCommand(settings)
    if (target !== undefined) return await forwardStdio(connection, target, environment, stop.signal)
    if (config.sessionType === 'none') {
      await idle(connection, stop.signal)
      return 0
    }
    return await interact(connection, text, settings, environment, log, stop.signal)
  } finally {
    for (const { name, handler } of signals) process.removeListener(name, handler)
  }
}

/** -N: nothing to do but to be there. */
const idle = async (connection: ClientConnection, signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  const ended = await Promise.race([connection.closed, promise])
  if (ended !== undefined && ended.by !== 'us') throw ended.error
}

const wantsTerminal = (
  choice: SshConfig['config']['requestTty'],
  command: string,
  subsystem: boolean,
  stdinIsTerminal: boolean,
  log: Log,
): boolean => {
  if (choice === 'no' || subsystem) return false
  if (choice === 'force') return true
  if (choice === 'auto' && command !== '') return false
  if (!stdinIsTerminal && choice === 'yes') log.say('INFO', 'Pseudo-terminal will not be allocated because stdin is not a terminal.')
  return stdinIsTerminal
}

const interact = async (
  connection: ClientConnection,
  command: string,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
): Promise<number> => {
  const { config } = settings
  const subsystem = config.sessionType === 'subsystem'
  const terminal = wantsTerminal(config.requestTty, command, subsystem, environment.stdin.isTTY === true, log)
    ? new LocalTerminal(environment)
    : undefined
  const options: SessionOptions = {
    signal,
    env: sentEnvironment(config, environment),
    ...(terminal === undefined ? {} : { pty: terminal.request() }),
  }
  const remote = subsystem
    ? await connection.subsystem(command, options)
    : command === ''
      ? await connection.shell(options)
      : await connection.exec(command, options)
  relayOutput(remote, environment)
  const restore = terminal?.enter(size => remote.resize(size))
  const filter =
    terminal === undefined || config.escapeChar === 'none'
      ? undefined
      : escapeFilter(config.escapeChar, escapeActions(connection, remote, environment))
  const stopInput = config.stdinNull ? endInput(remote) : relayInput(inputOf(remote), environment, filter)
  try {
    const exit = await remote.exited
    if ('signal' in exit)
      log.say(
        'INFO',
        `The remote command was ended by signal ${escapeForPeople(exit.signal, { limit: 32 })}${exit.message === '' ? '' : `: ${escapeForPeople(exit.message)}`}.`,
      )
    return exitCodeOf(exit)
  } finally {
    stopInput()
    restore?.()
    if (terminal !== undefined) log.say('INFO', `Connection to ${config.hostName} closed.`)
  }
}

const endInput = (remote: Process): (() => void) => {
  void remote.stdin.end()
  return () => {}
}

const escapeActions = (connection: ClientConnection, remote: Process, environment: Environment) => ({
  disconnect: () => remote.close(),
  sendBreak: () => void remote.break().catch(() => {}),
  rekey: () => connection.rekey(),
  show: (text: string) => void environment.stderr.write(text),
})
