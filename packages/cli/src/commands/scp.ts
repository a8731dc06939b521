// Owns `nacre scp`: from a command line to an exit code, as the person's copy program and as the other side of one (-t, -f).
// What a copy is belongs to `scp/`.
import { SshError } from 'nacre'
import { parseScpCommand, serveScp } from 'nacre/scp'
import { localFiles } from 'nacre/sftp/server'
import type { Environment, Run } from '../environment.ts'
import { type CommandLine, helpText, UsageError, usageText } from '../getopt.ts'
import { copyAll } from '../scp/copy.ts'
import { Job, UnreachableError } from '../scp/job.ts'
import { readScpCopy, readScpLine, type ScpLetter, scpOptions } from '../scp/options.ts'
import { sshArguments, untilInterrupted } from '../transfer/connect.ts'
import { standardPipe } from '../transfer/standard.ts'

const help = {
  program: 'scp',
  usage: ['[options] source … target'],
  about: 'Copies files between machines, by SFTP. A place is a local path, [user@]host:path, or scp://[user@]host[:port]/path.',
  options: scpOptions,
  notes: ['Exit codes: 0 when all was copied, 1 when something was not, 255 when a machine could not be reached.'],
}

/** Runs `scp`. */
export const run: Run = async (argv, environment) => {
  try {
    const line = readScpLine(argv)
    if (line.wants === 'help') {
      environment.stdout.write(helpText(help))
      return 0
    }
    if (line.count('t') > 0 || line.count('f') > 0) return await serve(line, environment)
    return await copy(line, environment)
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    environment.stderr.write(`scp: ${error.message}\n`)
    if (error instanceof UsageError) environment.stderr.write(usageText(help))
    return error instanceof UnreachableError ? error.exitCode : 1
  }
}

const copy = async (line: CommandLine<ScpLetter>, environment: Environment): Promise<number> => {
  const wanted = readScpCopy(line)
  const { settings } = wanted
  const interrupted = untilInterrupted()
  await using job = new Job(settings, {
    arguments: sshArguments(line, { batch: settings.batch, agent: settings.between === 'there' }),
    ...(settings.program === undefined ? {} : { program: settings.program }),
    environment,
    signal: interrupted.signal,
  })
  try {
    await copyAll(wanted, job)
    return job.exitCode
  } catch (error) {
    throw interrupted.signal.aborted ? interrupted.signal.reason : error
  } finally {
    interrupted.stop()
  }
}

/** The other side of somebody's scp, on standard input and output. A shell has read the words already. */
const serve = async (line: CommandLine<ScpLetter>, environment: Environment): Promise<number> => {
  const flags = line.given.map(each => each.letter).filter(letter => 'tfrpdv'.includes(letter))
  const command = parseScpCommand(`scp ${flags.map(each => `-${each}`).join(' ')} -- x`)
  if (command === undefined || line.operands.length === 0) throw new UsageError('-t takes one target, -f sources; not both')
  const plain = line.operands.map(text => ({ text, pattern: text, isPattern: false, home: undefined }))
  return serveScp(
    standardPipe(),
    localFiles(),
    { ...command, words: plain },
    {
      directory: process.cwd(),
      note: text => void environment.stderr.write(`${text}\n`),
    },
  )
}
