// Owns `nacre sftp-server`: serves files over standard input and output to whoever started it, mostly sshd. What it serves and
// says belongs to `sftp-server/`.
import { SshError } from 'nacre'
import { sftpRequestNames } from 'nacre/sftp/server'
import type { Environment, Run } from '../environment.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import { readSftpServerLine, sftpServerOptions, type SftpServerSettings, sftpServerSettings } from '../sftp-server/options.ts'
import { serveAccount } from '../sftp-server/serve.ts'
import { ownAccount } from '../sshd/account.ts'
import { createLog, type Sink, streamSink, syslogSink } from '../sshd/log.ts'
import { standardPipe } from '../transfer/standard.ts'

const help = {
  program: 'sftp-server',
  usage: ['[-ehR] [-d directory] [-f facility] [-l level] [-P requests] [-p requests] [-u umask]', '-Q requests'],
  about: 'Serves files by SFTP over standard input and output, with the rights of whoever runs it. sshd starts it as a subsystem.',
  options: sftpServerOptions,
}

/** Runs `sftp-server`. */
export const run: Run = async (argv, environment) => {
  try {
    const line = readSftpServerLine(argv)
    if (line.wants === 'help' || line.count('h') > 0) {
      ;(line.wants === 'help' ? environment.stdout : environment.stderr).write(helpText(help))
      return line.wants === 'help' ? 0 : 1
    }
    const query = line.last('Q')
    if (query !== undefined) return list(query, environment)
    return await serve(sftpServerSettings(line), environment)
  } catch (error) {
    if (!(error instanceof SshError)) throw error
    environment.stderr.write(`sftp-server: ${error.message}\n`)
    if (error instanceof UsageError) environment.stderr.write(usageText(help))
    return 1
  }
}

const list = (query: string, environment: Environment): number => {
  if (query !== 'requests') throw new UsageError('Invalid query type')
  for (const name of sftpRequestNames()) environment.stdout.write(`${name}\n`)
  return 0
}

const sinkOf = (settings: SftpServerSettings, environment: Environment): Sink =>
  settings.toStandardError ? streamSink(environment.stderr) : syslogSink(settings.facility, 'sftp-server')

const serve = async (settings: SftpServerSettings, environment: Environment): Promise<number> => {
  const account = ownAccount()
  const log = createLog(sinkOf(settings, environment), settings.level)
  if (settings.umask !== undefined) process.umask(settings.umask)
  const [address = 'UNKNOWN'] = (environment.variables.SSH_CONNECTION ?? '').split(' ').filter(word => word !== '')
  return serveAccount({ pipe: standardPipe(), settings, user: account, address, start: process.cwd(), log })
}
