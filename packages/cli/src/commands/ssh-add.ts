// Owns `nacre ssh-add`: from a command line to an exit code. Knows the order of things; what each is belongs to `ssh-add/`.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AgentError } from 'nacre'
import type { AgentClient } from 'nacre/agent'
import type { Environment, Run } from '../environment.ts'
import { FatalError, logLine, systemText } from '../fatal.ts'
import { helpText, UsageError, usageText } from '../getopt.ts'
import { list, lockOrUnlock, query, test, updateCard } from '../ssh-add/actions.ts'
import { addFile } from '../ssh-add/add.ts'
import type { Job } from '../ssh-add/job.ts'
import { actionOf, readSshAddLine, sshAddOptions, sshAddSettings } from '../ssh-add/options.ts'
import { removeAll, removeFile } from '../ssh-add/remove.ts'
import { readWays } from '../ssh-add/ways.ts'
import { ownAccount } from '../sshd/account.ts'
import { usualAgent } from '../usual-agent.ts'

const help = {
  program: 'ssh-add',
  usage: [
    '[-CcDdKkLlNQqvXx] [-E hash] [-H file] [-h way] [-S library] [-t time] [file …]',
    '-s pkcs11 [-Cv] [certificate …]',
    '-e pkcs11',
    '-T file …',
  ],
  about: 'Gives private keys to the agent at SSH_AUTH_SOCK, and manages those it has. Without files, the usual ones in ~/.ssh are added.',
  options: sshAddOptions,
  notes: ['Exit codes: 0 when all went well; 1 when something did not; 2 when no agent can be reached.'],
}

const usualFiles = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk', 'id_mldsa44_ed25519']

const noAgent = 2

/** The agent, or the exit code when there is none. */
const openAgent = async (environment: Environment): Promise<AgentClient | number> => {
  try {
    const agent = await usualAgent(environment)
    if (agent !== undefined) return agent
    environment.stderr.write('Could not open a connection to your authentication agent.\n')
    return noAgent
  } catch (error) {
    if (!(error instanceof AgentError)) throw error
    environment.stderr.write(`Error connecting to agent: ${systemText(error.cause ?? error)}\n`)
    return noAgent
  }
}

/** Each file in turn; one that fails does not keep the others from being done. */
const eachFile = async (job: Job, operands: readonly string[], act: (job: Job, file: string) => Promise<boolean>): Promise<boolean> => {
  const usual = usualFiles.map(name => join(ownAccount().home, '.ssh', name)).filter(path => existsSync(path))
  const files = operands.length > 0 ? operands : usual
  let right = files.length > 0
  for (const file of files) if (!(await act(job, file))) right = false
  return right
}

const dispatch = async (line: ReturnType<typeof readSshAddLine>, job: Omit<Job, 'destinations'>): Promise<boolean> => {
  const action = actionOf(line)
  const simple: Job = { ...job, destinations: [] }
  if (action === 'x' || action === 'X') return lockOrUnlock(simple, action)
  if (action === 'l' || action === 'L') return list(simple, action)
  if (action === 'D') return removeAll(simple)
  if (action === 'Q') return query(simple)
  const { ways, knownHosts } = job.settings
  const full: Job = { ...job, destinations: readWays(ways, knownHosts) }
  if (line.count('T') > 0) return test(full, line.operands)
  const library = line.given.findLast(({ letter }) => letter === 's' || letter === 'e')
  const removing = line.count('d') > 0 || line.count('e') > 0
  if (library !== undefined) return updateCard(full, removing ? 'remove' : 'add', library.value, line.operands)
  if (line.count('K') > 0)
    throw new FatalError(
      'Unable to load resident keys: that needs a program that reaches the security key itself. Fetch the keys once with OpenSSH: ssh-keygen -K; then add the files.',
      1,
    )
  return eachFile(full, line.operands, removing ? removeFile : addFile)
}

const start = async (argv: readonly string[], environment: Environment): Promise<number> => {
  const line = readSshAddLine(argv)
  if (line.wants === 'help') {
    environment.stdout.write(helpText(help))
    return 0
  }
  const settings = sshAddSettings(line, environment.variables)
  actionOf(line)
  const agent = await openAgent(environment)
  if (typeof agent === 'number') return agent
  try {
    return (await dispatch(line, { agent, settings, environment, lastPassphrase: undefined })) ? 0 : 1
  } finally {
    agent.close()
  }
}

/** Runs `ssh-add`. */
export const run: Run = async (argv, environment) => {
  try {
    return await start(argv, environment)
  } catch (error) {
    if (error instanceof UsageError) {
      environment.stderr.write(`ssh-add: ${error.message}\n${usageText(help)}`)
      return 1
    }
    if (!(error instanceof FatalError)) throw error
    logLine(environment, error.message)
    return error.exitCode
  }
}
