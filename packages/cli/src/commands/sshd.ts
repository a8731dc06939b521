// Owns `nacre sshd`: from the command line to a server that runs, is checked or is printed. Knows nothing of what a
// session does.
import { once } from 'node:events'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ConfigError, SshError } from 'nacre'
import type { ParsedServerConfig, ServerConfig } from 'nacre/config'
import { isWorker, Startups } from 'nacre/server'
import type { Environment, Run } from '../environment.ts'
import { type CommandLine, helpText, UsageError, usageText } from '../getopt.ts'
import { openPty } from '../pty.ts'
import { Daemon, type Generation } from '../sshd/daemon.ts'
import { connectionFacts, dumpFor, withGroups } from '../sshd/dump.ts'
import { systemDirectory } from '../sshd/eligible.ts'
import { isDetached, reportReady, startDetached } from '../sshd/detach.ts'
import { shareOf } from '../sshd/listeners.ts'
import { createLog, fileSink, levelOf, type Log, type Sink, streamSink, syslogSink } from '../sshd/log.ts'
import { changed, readSshdCommand, readSshdConfig, sshdOptions } from '../sshd/options.ts'
import { buildServer } from '../sshd/server.ts'
import { standardStreams } from '../sshd/standard-streams.ts'
import { ownAccount } from '../sshd/account.ts'
import { serveAsWorker, serveWithWorkers } from '../sshd/workers.ts'

const help = (environment: Environment) => ({
  program: environment.program,
  usage: ['[-46DdeGiJqTt] [-C facts] [-E file] [-f config] [-g time] [-h hostkey] [-o Keyword=value] [-p port]'],
  about: 'Lets people log in to this machine by SSH. As root it serves every account; as anybody else, only the one it runs as.',
  options: sshdOptions,
  notes: [
    'SIGHUP reads the configuration again; sessions go on. SIGTERM ends the server and its connections.',
    '-o Workers=4 serves from four processes, so that more than one core works. The keyword is our own, not OpenSSH’s.',
    'Exit codes: 0 after a signal, or when a check found nothing; 1 when something is wrong.',
  ],
})

const toStandardError = (line: CommandLine): boolean => line.count('d') > 0 || line.count('e') > 0

/** Where messages go. Made anew by a reload, so that a rotated log file is opened again. */
const sinkOf = (line: CommandLine, config: ServerConfig, environment: Environment): Sink => {
  const file = line.last('E')
  const toStream = toStandardError(line)
  // The system log names the process by itself.
  if (!toStream && file === undefined) return syslogSink(config.syslogFacility)
  const sink = toStream || file === undefined ? streamSink(environment.stderr) : fileSink(resolve(file))
  // JSON names the process in a field of its own.
  return isWorker() && config.logFormat === 'text' ? (text, level) => sink(`[${process.pid}] ${text}`, level) : sink
}

const loadGeneration = async (line: CommandLine, environment: Environment, startups: Startups): Promise<Generation> => {
  const read = readSshdConfig(line)
  const { config } = read
  // A worker counts connections for itself.
  const parsed = isWorker() ? changed(read, { maxStartups: shareOf(config.maxStartups, config.workers) }) : read
  const log = createLog(sinkOf(line, config, environment), levelOf(config.logLevel), { format: config.logFormat })
  const { server, warnings } = await buildServer({ parsed, log, openPty, startups })
  // Said once, by the process that was started.
  if (!isWorker()) for (const warning of warnings) log.error(warning)
  return { parsed, log, server }
}

/** What -T and -G print: for everybody, or for the connection -C tells of. */
const print = async (line: CommandLine, parsed: ParsedServerConfig, environment: Environment): Promise<void> => {
  const specs = line.given.filter(({ letter }) => letter === 'C').map(({ value }) => value)
  const facts = await withGroups(connectionFacts(specs), parsed, systemDirectory())
  environment.stdout.write(dumpFor(parsed.forConnection(facts)))
}

/** -t and -T: all is read, and nothing is served. */
const check = async (line: CommandLine, environment: Environment): Promise<number> => {
  const parsed = readSshdConfig(line)
  const log = createLog(streamSink(environment.stderr), 'ERROR')
  const { warnings } = await buildServer({ parsed, log, openPty, startups: new Startups() })
  for (const warning of warnings) environment.stderr.write(`${warning}\n`)
  if (line.count('T') > 0) await print(line, parsed, environment)
  return 0
}

/** Time for the last bytes to leave when a connection of -i has ended. */
const lingerMilliseconds = 2000

const serveStandardStreams = async (line: CommandLine, environment: Environment): Promise<number> => {
  const { server } = await loadGeneration(line, environment, new Startups())
  const streams = standardStreams()
  const gone = once(streams, 'close')
  // Who ends us wants the process gone, and its client told.
  const stop = (): void => void server.close()
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(name, stop)
  const connection = server.accept(streams)
  await connection?.closed
  await Promise.race([gone, delay(lingerMilliseconds)]).catch(() => {})
  return 0
}

const sayWhoMayLogIn = (log: Log): void => {
  if (process.geteuid?.() === 0) return
  const { name, uid } = ownAccount()
  log.info(`This server runs as ${name} (uid ${uid}), not as root: only ${name} can log in.`)
}

const serve = async (line: CommandLine, environment: Environment): Promise<number> => {
  const debug = line.count('d') > 0
  const foreground = debug || line.count('D') > 0
  if (!foreground && !isDetached() && !isWorker()) {
    // What is wrong is told here, where somebody reads it.
    await check(line, environment)
    return startDetached(line.count('e') > 0)
  }
  // Files that sessions and logs make are never writable for all.
  process.umask(process.umask() | 0o022)
  const startups = new Startups()
  const load = (): Promise<Generation> => loadGeneration(line, environment, startups)
  const listening = (): void => {
    if (isDetached()) reportReady()
  }
  if (isWorker()) {
    await serveAsWorker(load)
    return 0
  }
  const first = await load()
  sayWhoMayLogIn(first.log)
  const { workers } = first.parsed.config
  try {
    if (workers > 1 && !debug) await serveWithWorkers({ workers, first, load, listening })
    else await new Daemon(first, { load, once: debug, writePidFile: !debug, listening }).run()
  } catch (error) {
    // Whoever started it reads standard error; a log elsewhere has to know too.
    if (error instanceof ConfigError && !toStandardError(line)) for (const text of error.message.split('\n')) first.log.fatal(text)
    throw error
  }
  return 0
}

const start = async (argv: readonly string[], environment: Environment): Promise<number> => {
  const line = readSshdCommand(argv)
  if (line.wants === 'help') {
    environment.stdout.write(helpText(help(environment)))
    return 0
  }
  if (line.wants === 'version' || line.count('V') > 0) {
    const { run: version } = await import('./version.ts')
    return version([], environment)
  }
  if (line.count('C') > 0 && line.count('T') === 0 && line.count('G') === 0)
    throw new UsageError('-C is for -T and -G: it says for which connection the configuration is printed')
  if (line.count('G') > 0) {
    await print(line, readSshdConfig(line), environment)
    return 0
  }
  if (line.count('t') > 0 || line.count('T') > 0) return check(line, environment)
  return line.count('i') > 0 ? serveStandardStreams(line, environment) : serve(line, environment)
}

/** Runs `sshd`. */
export const run: Run = async (argv, environment) => {
  try {
    return await start(argv, environment)
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    environment.stderr.write(`${environment.program}: ${error.message}\n`)
    if (error instanceof UsageError) environment.stderr.write(usageText(help(environment)))
    return 1
  }
}
