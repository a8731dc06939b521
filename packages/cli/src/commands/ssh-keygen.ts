// Owns `nacre ssh-keygen`: from a command line to an exit code. What it does belongs to the operations in `ssh-keygen/`.
import type { Environment, Run } from '../environment.ts'
import { FatalError, logLine } from '../fatal.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import { type KeygenCall, keygenOptions, readKeygenCall } from '../ssh-keygen/call.ts'
import { operations } from '../ssh-keygen/table.ts'

const help = {
  program: 'ssh-keygen',
  usage: [
    '[-q] [-a rounds] [-b bits] [-C comment] [-f file] [-m format] [-N passphrase] [-t type] [-Z cipher]',
    '-p [-a rounds] [-f file] [-m format] [-N new passphrase] [-P passphrase] [-Z cipher]',
    '-c [-a rounds] [-C comment] [-f file] [-P passphrase]',
    '-y [-f file]',
    '-e|-i [-f file] [-m format]',
    '-l|-B [-v] [-E hash] [-f file]',
    '-F host [-lv] [-f known_hosts]',
    '-H [-f known_hosts]',
    '-R host [-f known_hosts]',
    '-r host [-g] [-f file]',
    '-A [-a rounds] [-f prefix]',
    '-s key -I identity [-hU] [-n names] [-O option] [-V interval] [-z serial] file …',
    '-L [-f file]',
    '-k -f list [-u] [-s key] [-z version] file …',
    '-Q [-l] -f list [file …]',
    '-Y sign -f key -n namespace [-O option] [file …]',
    '-Y verify -f signers -I identity -n namespace -s signature [-r list] [-O option]',
    '-Y check-novalidate -n namespace -s signature',
    '-Y find-principals -f signers -s signature',
    '-Y match-principals -f signers -I identity',
    '-M generate [-O option] file',
    '-M screen [-f file] [-O option] file',
  ],
  about: 'Makes, shows, converts and looks after keys and what is kept about them.',
  options: keygenOptions,
  notes: [
    'Exit codes are those of OpenSSH: 0, 1 for a command line that is wrong or a question that has the answer no, 255 for what failed.',
  ],
}

/** Combinations nobody can mean. Throws `UsageError`. */
const check = (call: KeygenCall): void => {
  if (call.operands.length > 0 && !call.has('k') && !call.has('Q') && !call.has('M') && !call.has('s') && !call.has('Y'))
    throw new UsageError('Too many arguments.')
  if (call.has('p') && call.has('c')) throw new UsageError('Can only have one of -p and -c.')
  if (call.has('l') && (call.has('R') || call.has('H'))) throw new UsageError('Cannot use -l with -H or -R.')
}

const perform = async (argv: readonly string[], environment: Environment): Promise<number> => {
  const call = readKeygenCall(argv)
  if (call.line.wants === 'help') {
    environment.stdout.write(helpText(help))
    return 0
  }
  check(call)
  const operation = operations.find(each => each.wanted(call))
  if (operation === undefined) throw new TypeError('the table of operations has no last row')
  return await operation.run(call, environment)
}

/** Runs `ssh-keygen`. */
export const run: Run = async (argv, environment) => {
  try {
    return await perform(argv, environment)
  } catch (error) {
    if (error instanceof UsageError) {
      logLine(environment, error.message)
      environment.stderr.write(usageText(help))
      return 1
    }
    if (!(error instanceof FatalError)) throw error
    if (error.message !== '') logLine(environment, error.message)
    return error.exitCode
  }
}
