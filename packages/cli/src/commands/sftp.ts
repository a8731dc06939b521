// Owns `nacre sftp`: from a command line to an exit code. What the person can say at its prompt belongs to `sftp/`.
import { SshError } from 'nacre'
import type { Run } from '../environment.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import { openBatch, runBatch } from '../sftp/batch.ts'
import { CommandError, isLost } from '../sftp/failures.ts'
import { converse, isTerminal } from '../sftp/interactive.ts'
import { readSftpCall, readSftpLine, type SftpCall, sftpOptions } from '../sftp/options.ts'
import { Session } from '../sftp/session.ts'
import { arrive, reachServer } from '../sftp/start.ts'
import { untilInterrupted } from '../transfer/connect.ts'
import type { Environment } from '../environment.ts'

const help = {
  program: 'sftp',
  usage: ['[options] [user@]host[:path] [local]', '[options] sftp://[user@]host[:port][/path] [local]'],
  about: 'Moves and changes files on another machine, by commands typed or taken from a file. `help` at its prompt lists them.',
  options: sftpOptions,
  notes: [
    'A path that names a directory is where the session begins; another one is fetched, and that is all.',
    'Exit codes: 0, also after errors at the prompt; 1 when a command of -b failed; 255 when there is no connection.',
  ],
}

/** Runs `sftp`. */
export const run: Run = async (argv, environment) => {
  try {
    const line = readSftpLine(argv)
    if (line.wants === 'help') {
      environment.stdout.write(helpText(help))
      return 0
    }
    return await hold(readSftpCall(line), environment)
  } catch (error) {
    if (!(error instanceof SshError) && !(error instanceof CommandError)) throw error
    environment.stderr.write(`sftp: ${error.message}\n`)
    if (error instanceof UsageError) environment.stderr.write(usageText(help))
    const mild = error instanceof UsageError || (error instanceof SshError && error.code === 'INTERRUPTED')
    return mild ? 1 : 255
  }
}

/** One session, from the connection to its end. */
const hold = async (call: SftpCall, environment: Environment): Promise<number> => {
  const { settings } = call
  const batch = settings.batch !== undefined
  const input = batch ? await openBatch(settings.batch, environment) : undefined
  const interrupted = untilInterrupted()
  try {
    await using reached = await reachServer(call, environment, interrupted.signal)
    const session = new Session(reached.sftp, settings, environment, interrupted.signal)
    await session.begin()
    const code = await arrive(session, call)
    if (code !== undefined) return code
    if (input !== undefined) return await runBatch(session, input, true)
    if (!isTerminal(environment)) return await runBatch(session, environment.stdin, false)
    // From here on Ctrl-C is for the command that runs.
    interrupted.stop()
    return await converse(session)
  } catch (error) {
    if (isLost(error)) environment.stderr.write('Connection closed\n')
    throw interrupted.signal.aborted ? interrupted.signal.reason : error
  } finally {
    interrupted.stop()
  }
}
