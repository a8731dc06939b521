// Owns `nacre ssh-keyscan`: from a command line to an exit code. What is asked and shown belongs to `ssh-keyscan/`.
import type { Run } from '../environment.ts'
import { FatalError, logLine } from '../fatal.ts'
import { helpText, UsageError } from '../getopt.ts'
import { keyscanOptions, readKeyscanCall } from '../ssh-keyscan/options.ts'
import { scanAll } from '../ssh-keyscan/scan.ts'

const usage =
  'usage: ssh-keyscan [-46cDHqv] [-f file] [-O option] [-p port] [-T timeout]\n' +
  '                   [-t type] [host | addrlist namelist]\n'

const help = {
  program: 'ssh-keyscan',
  usage: ['[options] host …', '[options] "addresses names" …', '[options] -f file'],
  about: 'Collects the host keys of servers, in the form of known_hosts. It logs in nowhere. A host may be a range such as 10.0.0.0/24.',
  options: keyscanOptions,
  notes: [
    'What comes over a network that others can reach may be theirs: compare fingerprints before you trust what is collected.',
    'Exit codes: 0 when a key was collected, 1 when none was or the command line was wrong, 255 for files that cannot be read.',
  ],
}

/** Runs `ssh-keyscan`. */
export const run: Run = async (argv, environment) => {
  try {
    const call = readKeyscanCall(argv)
    if (call.line.wants === 'help') {
      environment.stdout.write(helpText(help))
      return 0
    }
    return (await scanAll(call, environment)) ? 0 : 1
  } catch (error) {
    if (error instanceof UsageError) {
      environment.stderr.write(`${error.message === '' ? '' : `ssh-keyscan: ${error.message}\n`}${usage}`)
      return 1
    }
    if (!(error instanceof FatalError)) throw error
    logLine(environment, error.message)
    return error.exitCode
  }
}
