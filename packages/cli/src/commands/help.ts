// Owns `nacre help`: the list of commands. What one command takes is that command's own `--help`; the launcher turns
// `nacre help ssh` into `nacre ssh --help`. Knows nothing of options.
import { commands } from '../commands.ts'
import type { Run } from '../environment.ts'

/** The text `nacre help` prints. */
export const helpText = (): string => {
  const width = Math.max(...commands.map(command => command.name.length))
  return [
    'usage: nacre <command> [arguments]',
    '',
    ...commands.map(command => `  ${command.name.padEnd(width)}  ${command.summary}`),
    '',
    '`nacre help <command>` explains one. Called through a link named like a command, nacre is that command.',
    '',
  ].join('\n')
}

/** Prints the list; `argv` holds what was typed instead of a command, if that was the mistake. */
export const run: Run = async (argv, environment) => {
  if (argv.length === 0) {
    environment.stdout.write(helpText())
    return 0
  }
  environment.stderr.write(`nacre: there is no command ${JSON.stringify(argv[0])}\n\n${helpText()}`)
  return 2
}
