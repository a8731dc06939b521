// Owns `nacre ssh`: from a command line to an exit code. Knows the order of things; what each is belongs to `ssh/`, and what only some
// calls need is loaded by those: a session over a connection that is shared needs the least.
import { type ClientConnection, SshError } from 'nacre'
import { softwareVersion } from 'nacre/engine'
import type { Environment, Run } from '../environment.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import type { Starter } from '../ssh/background.ts'
import { readSshConfig } from '../ssh/config.ts'
import { Log } from '../ssh/log.ts'
import { readSshCommand, type SshCommand, type SshConfig, sshOptions } from '../ssh/options.ts'
import { ownFailure } from '../ssh/relay.ts'
import type { SessionParts } from '../ssh/session-parts.ts'
import { beginSession, interact } from '../ssh/session.ts'
import { readForwardTarget } from '../ssh/forward-specs.ts'
import { forwardStdio } from '../ssh/stdio-forward.ts'

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
    const { listAlgorithms } = await import('../ssh/shown.ts')
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
      const { dumped } = await import('../ssh/shown.ts')
      environment.stdout.write(dumped(settings, command.destination.host))
      return 0
    }
    const system = line.count('y') === 0 ? undefined : (await import('../sshd/log.ts')).syslogSink(config.syslogFacility, 'ssh')
    log = new Log(environment, config.logLevel, { file, system })
    const left = process.connected ? (await import('../ssh/background.ts')).starter() : undefined
    if (config.forkAfterAuthentication && left === undefined) {
      checkBackground(textOf(command, settings), config)
      return await (await import('../ssh/background.ts')).goToBackground()
    }
    return await connectAndServe(command, settings, environment, log, left)
  } catch (error) {
    if (error instanceof UsageError && file === undefined) throw error
    const { loudly } = await import('../ssh/host-keys.ts')
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

/** What a connection of our own takes. */
const own = async () => await import('../ssh/own-connection.ts')

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
  await using connection =
    mux?.is === 'shared' ? mux.connection : await (await own()).connectAnew(command, settings, environment, log, signal)
  // -W alone wants no others, unless something says that it does.
  const forwarding = target === undefined || settings.given.has('clearAllForwardings')
  const forwards = mux?.is === 'shared' ? undefined : await (await own()).beginOwn(connection, settings, log, { forwarding, signal })
  if (mux?.is === 'own' || mux?.is === 'master') await mux.share(connection, forwards)
  if (mux?.is === 'master') {
    left?.letGo()
    ;(await import('../ssh/background.ts')).standAlone()
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
    if (left !== undefined && !config.logLevel.startsWith('DEBUG')) (await import('../ssh/background.ts')).standAlone()
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
