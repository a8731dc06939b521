// Owns `nacre ssh`: from a command line to an exit code. Knows the order of things; what each is belongs to `ssh/`.
import { type ClientConnection, connect, SshError } from 'nacre'
import { dumpClientConfig } from 'nacre/config'
import { softwareVersion } from 'nacre/engine'
import type { Environment, Run } from '../environment.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import { algorithmLists } from '../ssh/algorithm-lists.ts'
import { goToBackground, standAlone, type Starter, starter } from '../ssh/background.ts'
import { planConnection } from '../ssh/hops.ts'
import { runLocalCommand } from '../ssh/local-command.ts'
import { loudly } from '../ssh/host-keys.ts'
import { Log } from '../ssh/log.ts'
import { readSshCommand, readSshConfig, type SshCommand, type SshConfig, sshOptions } from '../ssh/options.ts'
import { listAlgorithms } from '../ssh/query.ts'
import { ownFailure } from '../ssh/relay.ts'
import { beginSession, interact, type SessionParts } from '../ssh/session.ts'
import { readForwardTarget } from '../ssh/forward-specs.ts'
import { startForwards } from '../ssh/forwards.ts'
import { startTunnel } from '../ssh/tunnel.ts'
import { forwardStdio } from '../ssh/stdio-forward.ts'
import { syslogSink } from '../sshd/log.ts'

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
  const { line } = command
  if (line.count('V') > 0 || line.wants === 'version') {
    environment.stderr.write(`${softwareVersion}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}\n`)
    return 0
  }
  const query = line.last('Q')
  if (query !== undefined) {
    environment.stdout.write(listAlgorithms(query))
    return 0
  }
  if (command.destination === undefined) throw new UsageError('no host to connect to')
  const file = line.last('E')
  let log = new Log(environment, line.count('q') > 0 ? 'QUIET' : 'INFO', { file })
  try {
    const settings = await readSshConfig(command)
    const { config } = settings
    if (line.count('G') > 0) {
      environment.stdout.write(dumpClientConfig(config, command.destination.host, algorithmLists(settings)))
      return 0
    }
    const system = line.count('y') === 0 ? undefined : syslogSink(config.syslogFacility, 'ssh')
    log = new Log(environment, config.logLevel, { file, system })
    const left = starter()
    if (config.forkAfterAuthentication && left === undefined) {
      checkBackground(textOf(command, settings), config)
      return await goToBackground()
    }
    return await connectAndServe(command, settings, environment, log, left)
  } catch (error) {
    if (error instanceof UsageError && file === undefined) throw error
    log.say('FATAL', loudly(error, describe(error)))
    if (error instanceof SshError) log.debug(`the code of this error is ${error.code}`)
    return ownFailure
  }
}

/** The message; with NACRE_DEBUG set, where it came from too. */
const describe = (error: unknown): string =>
  error instanceof Error ? (process.env.NACRE_DEBUG === undefined ? error.message : (error.stack ?? error.message)) : String(error)

/** What is to run there; empty for a shell. */
const textOf = (command: SshCommand, { config }: SshConfig): string =>
  command.command === '' ? (config.remoteCommand ?? '') : command.command

const connectAnew = async (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  signal: AbortSignal,
): Promise<ClientConnection> => {
  const { destination, options } = await planConnection(command, settings, environment, log, signal)
  return await connect(destination, options)
}

/** True when another process's connection may be used, or ours by others. */
const mayShare = ({ line }: SshCommand, { config: { controlPath } }: SshConfig): boolean =>
  line.count('O') > 0 || (controlPath !== undefined && controlPath.toLowerCase() !== 'none')

const checkBackground = (text: string, config: SshConfig['config']): void => {
  if (text === '' && config.sessionType !== 'none')
    throw new UsageError('-f needs a command, or -N for none: a shell cannot read in the background')
}

const connectAndServe = async (
  command: SshCommand,
  settings: SshConfig,
  environment: Environment,
  log: Log,
  left: Starter | undefined,
): Promise<number> => {
  const { config } = settings
  for (const warning of settings.warnings) log.say('INFO', warning)
  if (command.line.count('I') > 0) log.say('INFO', 'There is no support for PKCS#11; -I has no effect.')
  const text = textOf(command, settings)
  if (config.sessionType === 'subsystem' && text === '') throw new UsageError('-s needs the name of a subsystem')
  const forward = command.line.last('W')
  const target = forward === undefined ? undefined : readForwardTarget(forward)
  using stop = untilStopped(left?.signal)
  const { signal } = stop
  const mux = mayShare(command, settings)
    ? await (await import('../ssh/mux.ts')).planSharing({ command, settings, environment, log })
    : undefined
  if (mux?.is === 'done') return mux.code
  await using connection = mux?.is === 'shared' ? mux.connection : await connectAnew(command, settings, environment, log, signal)
  // -W alone wants no others, unless something says that it does.
  const forwards =
    mux?.is !== 'shared' && (target === undefined || settings.given.has('clearAllForwardings'))
      ? await startForwards(connection, settings, log)
      : undefined
  const tunnel = forwards === undefined ? undefined : await startTunnel(connection, settings, log)
  if (mux?.is !== 'shared') await runLocalCommand(settings, signal, tunnel?.name)
  if (mux?.is === 'own' || mux?.is === 'master') await mux.share(connection, forwards)
  if (mux?.is === 'master') {
    left?.letGo()
    mux.stay()
    await idle(connection, signal)
    return 0
  }
  if (target !== undefined) {
    left?.letGo()
    return await forwardStdio(connection, target, environment, signal)
  }
  if (config.sessionType === 'none') {
    if (config.controlMaster === 'no') connection.noMoreSessions()
    left?.letGo()
    if (left !== undefined && !config.logLevel.startsWith('DEBUG')) standAlone()
    await idle(connection, signal)
    return 0
  }
  const parts: SessionParts = { connection, command: text, settings, environment, log, signal, forwards }
  const session = await beginSession(parts)
  if (config.controlMaster === 'no') connection.noMoreSessions()
  left?.letGo()
  const code = await interact(session, parts)
  // Connections that are forwarded may outlive the session.
  if (!signal.aborted) await connection.quiet()
  if (session.terminal !== undefined)
    log.say('INFO', `${connection.shared ? 'Shared connection' : 'Connection'} to ${config.hostName} closed.`)
  return code
}

/** Fires when a signal, or whoever started us, ends the program. */
const untilStopped = (other: AbortSignal | undefined): Disposable & { readonly signal: AbortSignal } => {
  const stop = new AbortController()
  const handlers = (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const).map(name => ({
    name,
    handler: () => stop.abort(new SshError('INTERRUPTED', `Interrupted by ${name}.`)),
  }))
  for (const { name, handler } of handlers) process.on(name, handler)
  return {
    signal: other === undefined ? stop.signal : AbortSignal.any([stop.signal, other]),
    [Symbol.dispose]: () => {
      for (const { name, handler } of handlers) process.removeListener(name, handler)
    },
  }
}

/** -N: nothing to do but to be there. */
const idle = async (connection: ClientConnection, signal: AbortSignal): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => resolve(), { once: true })
  const ended = await Promise.race([connection.closed, promise])
  if (ended !== undefined && ended.by !== 'us') throw ended.error
}
