// Owns `nacre ssh-copy-id`: from a command line to an exit code. Knows the order of things; what each is belongs to
// `ssh-copy-id/`.
import { SshError } from 'nacre'
import type { Environment, Run } from '../environment.ts'
import { FatalError } from '../fatal.ts'
import { helpText, UsageError } from '../getopt.ts'
import { installBySftp, installByShell } from '../ssh-copy-id/install.ts'
import { keysFor, type KeySource } from '../ssh-copy-id/keys.ts'
import { type CopyIdCall, copyIdOptions, readCopyIdCall } from '../ssh-copy-id/options.ts'
import { isInstalled, reachAnyhow } from '../ssh-copy-id/reach.ts'
import { untilInterrupted } from '../transfer/connect.ts'

const usage =
  'Usage: ssh-copy-id [-h|-?|-f|-n|-s|-x] [-i [identity_file]] [-t target_path] [-F ssh_config] [[-o ssh_option] ...] [-p port] [user@]hostname\n'

const help = {
  program: 'ssh-copy-id',
  usage: ['[options] [user@]host'],
  about: 'Lets you log in to another machine with your keys: adds them to authorized_keys there, those that are missing.',
  options: copyIdOptions,
  notes: [
    "Without -i these are the agent's keys, or, when it has none, the newest public key of ~/.ssh.",
    'Exit codes: 0 when the keys are there, 1 for everything else.',
  ],
}

/** Runs `ssh-copy-id`. */
export const run: Run = async (argv, environment) => {
  const interrupted = untilInterrupted()
  try {
    const call = readCopyIdCall(argv)
    if (call.help !== undefined) {
      if (call.help === 'asked') environment.stdout.write(helpText(help))
      else environment.stderr.write(usage)
      return call.help === 'asked' ? 0 : 1
    }
    return await copy(call, environment, interrupted.signal)
  } catch (error) {
    if (error instanceof UsageError)
      environment.stderr.write(`${error.message === '' ? '' : `\nssh-copy-id: ${error.message}\n\n`}${usage}`)
    else if (error instanceof FatalError) environment.stderr.write(error.message === '' ? '' : `\n${error.message}\n`)
    else if (error instanceof SshError) environment.stderr.write(`ssh-copy-id: ERROR: ${error.message}\n`)
    else throw error
    return 1
  } finally {
    interrupted.stop()
  }
}

const copy = async (call: CopyIdCall, environment: Environment, signal: AbortSignal): Promise<number> => {
  const say = (text: string): void => void environment.stderr.write(`ssh-copy-id: ${text}\n`)
  const source = await keysFor(call, environment)
  say(`INFO: Source of key(s) to be installed: ${source.named}`)
  if (source.keys.length === 0) {
    say('ERROR: No identities found')
    return 1
  }
  const missing = call.force ? source.keys.map(key => key.line) : await missingOf(source, call, environment, signal, say)
  if (missing.length === 0) {
    environment.stderr.write(
      '\nssh-copy-id: WARNING: All keys were skipped because they already exist on the remote system.\n' +
        '\t\t(if you think this is a mistake, you may want to use -f option)\n\n',
    )
    return 0
  }
  if (!call.force) say(`INFO: ${missing.length} key(s) remain to be installed -- if you are prompted now it is to install the new keys`)
  if (call.dryRun) {
    environment.stdout.write(`=-=-=-=-=-=-=-=\nWould have added the following key(s):\n\n${missing.join('\n')}\n=-=-=-=-=-=-=-=\n`)
    return 0
  }
  await install(call, `${missing.join('\n')}\n`, environment, signal)
  environment.stdout.write(
    `\nNumber of key(s) added: ${missing.length}\n\nNow try logging into the machine, with: "${loginCommand(call, source)}"\n` +
      'and check to make sure that only the key(s) you wanted were added.\n\n',
  )
  return 0
}

/** The lines of the keys nobody can log in with yet. */
const missingOf = async (
  source: KeySource,
  call: CopyIdCall,
  environment: Environment,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<readonly string[]> => {
  say('INFO: attempting to log in with the new key(s), to filter out any that are already installed')
  const missing: string[] = []
  for (const key of source.keys) {
    if (!(await isInstalled(key, source.privateFile, call, environment, signal))) missing.push(key.line)
  }
  return missing
}

const install = async (call: CopyIdCall, lines: string, environment: Environment, signal: AbortSignal): Promise<void> => {
  await using connection = await reachAnyhow(call, environment, signal)
  const options = { path: call.targetPath, explain: call.explain, signal }
  if (call.sftp) await installBySftp(connection, lines, options)
  else await installByShell(connection, lines, options, environment)
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** What to type to see whether it worked. */
const loginCommand = (call: CopyIdCall, source: KeySource): string =>
  [
    call.sftp ? 'sftp' : 'ssh',
    ...(call.identity === undefined ? [] : [source.privateFile === undefined ? '-i' : `-i ${source.privateFile}`]),
    ...(call.port === undefined ? [] : [`-${call.sftp ? 'P' : 'p'} ${call.port}`]),
    ...call.sshOptions.map(({ letter, value }) => `-${letter} ${quoted(value)}`),
    quoted(call.host),
  ].join(' ')
