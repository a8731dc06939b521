// Owns `nacre ssh-agent`: from a command line to an agent that runs, or one that is ended. Knows the order of things; what each is
// belongs to `ssh-agent/`.
import { SshError } from 'nacre'
import { softwareVersion } from 'nacre/engine'
import type { Environment, Run } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { type CommandLine, helpText, UsageError, usageText } from '../getopt.ts'
import { runCommand } from '../ssh-agent/command.ts'
import { isDetached, report, startDetached } from '../ssh-agent/detach.ts'
import { forCsh, readSshAgentLine, type SshAgentSettings, sshAgentOptions, sshAgentSettings } from '../ssh-agent/options.ts'
import { removeStale } from '../ssh-agent/place.ts'
import { handedSocket, startServing } from '../ssh-agent/serve.ts'
import { endLines, startLines } from '../ssh-agent/shell.ts'

const help = {
  program: 'ssh-agent',
  usage: [
    '[-c | -s] [-DdTU] [-a path] [-E hash] [-O option] [-P patterns] [-t time]',
    '[-TU] [-a path] [-E hash] [-O option] [-P patterns] [-t time] command [argument …]',
    '[-c | -s] -k',
    '-u',
    '-V',
  ],
  about: 'Holds private keys and signs with them for whoever connects to its socket. Keys are given to it by ssh-add.',
  options: sshAgentOptions,
  notes: [
    'Without a command it goes to the background and prints what a shell has to evaluate: eval "$(ssh-agent)". With one, it ends when the command ends, with its exit code.',
    'SIGUSR1 makes it forget all keys; SIGTERM and SIGHUP end it.',
  ],
}

/** What a signal makes of the exit code; systemd ends a service it has started by SIGTERM, which is no failure. */
const exitCode = (signal: NodeJS.Signals, handed: boolean): number => (handed && signal === 'SIGTERM' ? 0 : 2)

const killAgent = (environment: Environment, csh: boolean): number => {
  const { stdout, stderr, variables } = environment
  const text = variables.SSH_AGENT_PID
  if (text === undefined) {
    stderr.write('SSH_AGENT_PID not set, cannot kill agent\n')
    return 1
  }
  const pid = Number(text)
  if (!/^\d+$/.test(text) || pid < 2 || pid > 0x7fffffff) {
    const why = !/^-?\d+$/.test(text) ? 'invalid' : pid < 2 ? 'too small' : 'too large'
    stderr.write(`SSH_AGENT_PID="${text}", which is not a good PID: ${why}\n`)
    return 1
  }
  try {
    process.kill(pid, 'SIGTERM')
  } catch (error) {
    stderr.write(`kill: ${systemText(error)}\n`)
    return 1
  }
  stdout.write(endLines(pid, csh))
  return 0
}

const serveInForeground = async (settings: SshAgentSettings, environment: Environment, csh: boolean): Promise<number> => {
  const descriptor = settings.path === undefined ? handedSocket(environment) : undefined
  const running = await startServing(settings, environment, { pid: process.pid, descriptor, interrupts: true })
  if (running.path === undefined) environment.stdout.write(`echo Agent pid ${process.pid};\n`)
  else environment.stdout.write(startLines(running.path, process.pid, { csh, exportPid: false }))
  return exitCode(await running.ended, descriptor !== undefined)
}

/** In the successor: nobody reads what we say any more once we have said where we are. */
const serveDetached = async (settings: SshAgentSettings, environment: Environment): Promise<number> => {
  try {
    const running = await startServing(settings, environment, { pid: process.ppid, interrupts: false })
    if (running.path !== undefined) await report({ path: running.path, pid: process.pid })
    // Whatever folder we were started in can be unmounted; a socket named from there is where it was.
    if (settings.path === undefined || settings.path.startsWith('/')) process.chdir('/')
    return exitCode(await running.ended, false)
  } catch (error) {
    await report({ failure: error instanceof Error ? error.message : String(error) })
    return 1
  }
}

const serveInBackground = async (environment: Environment, csh: boolean): Promise<number> => {
  const started = await startDetached()
  if ('failure' in started) throw new FatalError(started.failure, 1)
  environment.stdout.write(startLines(started.path, started.pid, { csh, exportPid: true }))
  return 0
}

const serveCommand = async (settings: SshAgentSettings, environment: Environment): Promise<number> => {
  const running = await startServing(settings, environment, { pid: process.pid, interrupts: false })
  const added = { SSH_AUTH_SOCK: running.path ?? '', SSH_AGENT_PID: String(process.pid) }
  const code = await runCommand(settings.command, added, environment)
  await running.close()
  return code
}

const dispatch = async (line: CommandLine<(typeof sshAgentOptions)[number]['letter']>, environment: Environment): Promise<number> => {
  const settings = sshAgentSettings(line)
  const csh = forCsh(line, environment.variables.SHELL)
  if (line.count('k') > 0) return killAgent(environment, csh)
  if (line.count('u') > 0) {
    await removeStale(line.count('u') > 1)
    environment.stdout.write('Deleted stale agent sockets in ~/.ssh/agent\n')
    return 0
  }
  if (settings.command.length > 0) return serveCommand(settings, environment)
  if (settings.foreground) return serveInForeground(settings, environment, csh)
  return isDetached() ? serveDetached(settings, environment) : serveInBackground(environment, csh)
}

/** Runs `ssh-agent`. */
export const run: Run = async (argv, environment) => {
  try {
    const line = readSshAgentLine(argv)
    if (line.wants === 'help') {
      environment.stdout.write(helpText(help))
      return 0
    }
    if (line.wants === 'version' || line.count('V') > 0) {
      environment.stderr.write(`${softwareVersion}, Node ${process.versions.node}, OpenSSL ${process.versions.openssl}\n`)
      return 0
    }
    return await dispatch(line, environment)
  } catch (error) {
    if (error instanceof UsageError) {
      environment.stderr.write(`ssh-agent: ${error.message}\n${usageText(help)}`)
      return 1
    }
    if (!(error instanceof SshError)) throw error
    logLine(environment, error.message)
    return error instanceof FatalError ? error.exitCode : 1
  }
}
