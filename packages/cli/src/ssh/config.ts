// Owns what `ssh` reads before it does anything: the command line and the files, as one configuration. Knows nothing of what the
// letters mean.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { readOpensshConfig } from 'nacre'
import { optionSources, type SshCommand, type SshConfig } from './options.ts'

/** What the command line and the files say about the host. Rejects with `ConfigError`, with file and line. */
export const readSshConfig = async (command: SshCommand): Promise<SshConfig> => {
  const file = command.line.last('F')
  return await readOpensshConfig(command.destination?.host ?? '', {
    options: optionSources(command),
    command: command.command,
    stdioForward: command.line.count('W') > 0,
    ...(file === undefined ? {} : { file: file.startsWith('~/') ? join(homedir(), file.slice(2)) : file }),
  })
}
