// Owns `nacre why login`: whether somebody may log in to this machine's sshd, and which lines decide that, before anybody
// connects. Knows nothing of how that is decided.
import { readFileSync } from 'node:fs'
import { ConfigError, escapeForPeople, SshError } from 'nacre'
import { parsePublicKeyLine, type PublicKey } from 'nacre/keys'
import type { Environment, Run } from '../environment.ts'
import { getopt, helpText, type OptionRow, UsageError, usageText } from '../getopt.ts'
import { ownAccount } from '../sshd/account.ts'
import { systemDirectory } from '../sshd/eligible.ts'
import { createLog } from '../sshd/log.ts'
import { readSshdCommand, readSshdConfig } from '../sshd/options.ts'
import { placeholderHash } from '../sshd/passwords.ts'
import { accountsBy } from '../sshd/server.ts'
import { shadowAccounts } from '../sshd/shadow-accounts.ts'
import { whyLogin, type WhyAnswer } from '../sshd/why.ts'

const options: readonly OptionRow<'a' | 'f' | 'k' | 'l' | 'p'>[] = [
  { letter: 'a', value: 'address', help: '--from: the address they would come from' },
  { letter: 'f', value: 'file', help: '--config: the configuration; default that of sshd' },
  { letter: 'k', value: 'file', help: '--key: the public key or certificate they would show' },
  { letter: 'l', value: 'address', help: '--to: the address of this machine they would reach' },
  { letter: 'p', value: 'port', help: '--port: the port they would reach' },
]
const long: Readonly<Record<string, string>> = { '--from': '-a', '--config': '-f', '--key': '-k', '--to': '-l', '--port': '-p' }

const help = (environment: Environment) => ({
  program: environment.program,
  usage: ['login [--key file] [--from address] [--to address] [--port port] [--config file] user'],
  about: 'Says whether somebody may log in to this machine by sshd, and which lines decide that, before anybody connects.',
  options,
  notes: [
    'It reads what sshd would read, and asks what sshd would ask. Run it as root: others cannot read what sshd can, and it says what a server would decide that runs as they do.',
    'Exit codes: 0 when they may log in, or may try; 1 when not, or when more is needed; 255 when something is wrong.',
  ],
})

/** Long names as letters: `--key file` and `--key=file`. */
const lettered = (argv: readonly string[]): readonly string[] =>
  argv.flatMap(each => {
    const [name, ...value] = each.split('=')
    if (!Object.hasOwn(long, name)) return [each]
    return value.length === 0 ? [long[name]] : [long[name], value.join('=')]
  })

/** The key in a file: of a private key's the public one beside it. */
const keyIn = (path: string): PublicKey => {
  const text = readFileSync(path, 'utf8')
  if (!text.includes('PRIVATE KEY')) return parsePublicKeyLine(text.trim(), path)
  return parsePublicKeyLine(readFileSync(`${path}.pub`, 'utf8').trim(), `${path}.pub`)
}

const sentence = (who: string, { verdict, methods, command }: WhyAnswer): string => {
  const by = methods.length === 0 ? 'nothing' : methods.join(', ')
  if (verdict === 'in')
    return `${who} may log in.${command === undefined ? '' : ` Whatever they ask for, this runs: ${escapeForPeople(command)}`}`
  if (verdict === 'more') return `${who} has to show more: ${by}.`
  if (verdict === 'may-try') return `${who} may try to log in by ${by}.`
  return `${who} may not log in${methods.length === 0 ? '' : ' so'}.`
}

const answer = async (argv: readonly string[], environment: Environment): Promise<number> => {
  const line = getopt(lettered(argv), options, { operandsBeforeEnd: 3 })
  if (line.wants === 'help') {
    environment.stdout.write(helpText(help(environment)))
    return 0
  }
  const [what, user, ...more] = line.operands
  if (what !== 'login' || user === undefined || more.length > 0) throw new UsageError('say whose login: why login user')
  const config = line.last('f')
  const parsed = readSshdConfig(readSshdCommand(config === undefined ? [] : ['-f', config]))
  const [from, to, port, path] = [line.last('a'), line.last('l'), line.last('p'), line.last('k')]
  if (port !== undefined && !/^\d{1,5}$/.test(port)) throw new ConfigError(`${port} is no port.`)
  const root = process.geteuid?.() === 0
  const found = await whyLogin(
    {
      user,
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(path === undefined ? {} : { key: keyIn(path) }),
    },
    {
      parsed,
      directory: systemDirectory(),
      only: root ? undefined : ownAccount(),
      // No password is tried here; only an empty one needs none. The account phase is a real one.
      accountsFor: accountsBy(
        root
          ? shadowAccounts({
              passwords: { crypt: async () => undefined, placeholder: placeholderHash },
              agesCountForKeys: parsed.config.usePam,
            })
          : undefined,
        systemDirectory(),
      ),
      log: createLog(text => void environment.stdout.write(`${text}\n`), 'VERBOSE'),
    },
  )
  environment.stdout.write(`${sentence(escapeForPeople(user, { limit: 100 }), found)}\n`)
  return found.verdict === 'in' || found.verdict === 'may-try' ? 0 : 1
}

/** Runs `why`. */
export const run: Run = async (argv, environment) => {
  try {
    return await answer(argv, environment)
  } catch (error) {
    if (!(error instanceof SshError) && !(error instanceof Error && 'code' in error)) throw error
    environment.stderr.write(`${environment.program}: ${error.message}\n`)
    if (error instanceof UsageError) environment.stderr.write(usageText(help(environment)))
    return 255
  }
}
