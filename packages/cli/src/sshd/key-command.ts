// Owns running the programs that know keys and principals (AuthorizedKeysCommand, AuthorizedPrincipalsCommand): which program and
// as whom, whether it can be trusted, how long and how much it may say. Knows nothing of what the lines mean.
import { expandTokens, splitWords } from 'nacre/config'
import { spawnClean } from '../spawn.ts'
import type { Account } from './account.ts'
import { startAs } from './become.ts'
import { programEnvironment, untrusted } from './trusted-program.ts'

/** A program may take so long, and say so much. */
const patienceMilliseconds = 30_000
const mostBytes = 4 * 1024 * 1024

export interface KeyCommand {
  /** For the log: the keyword. */
  readonly keyword: string
  /** As in the configuration: an absolute path and arguments with tokens. */
  readonly command: string
  /** Whom it runs as: a name, `%u` for the account. */
  readonly user: string
}

export interface KeyCommandCall {
  readonly account: Account
  /** What `%` and a letter stand for, beside `%%`, `%u`, `%h` and `%U`. */
  readonly tokens: Readonly<Record<string, string>>
  /** Looks up accounts. */
  readonly lookUp: (name: string) => Promise<Account | undefined>
  /** Gets sentences for the log. */
  readonly say: (text: string) => void
  /** Ends the program when whoever waited is gone. */
  readonly signal: AbortSignal
}

/** The words to run and the account to run them as; a sentence when they cannot be run. */
const prepare = async (
  { command, user }: KeyCommand,
  { account, tokens, lookUp }: KeyCommandCall,
): Promise<{ readonly words: readonly string[]; readonly as: Account } | string> => {
  const own = { u: account.name, h: account.home, U: String(account.uid) }
  const name = expandTokens(user, { u: account.name })
  const as = name === account.name ? account : await lookUp(name)
  if (as === undefined) return `the user "${name}" it is to run as does not exist`
  const [program, ...args] = splitWords(command)
  if (program === undefined || !program.startsWith('/')) return 'it is not an absolute path'
  // As OpenSSH has it from of old: a bare program is told the name.
  const words = args.length === 0 ? [account.name] : args.map(each => expandTokens(each, { ...own, ...tokens }))
  return untrusted(program, as) ?? { words: [program, ...words], as }
}

/** Runs it; its output, or a sentence about why there is none. */
const run = (words: readonly string[], as: Account, signal: AbortSignal): Promise<{ readonly text: string } | string> =>
  new Promise(resolve => {
    const [file, ...args] = words
    const start = startAs(as, { file, args, env: programEnvironment(as) })
    const child = spawnClean(start.file, start.args, { stdio: ['ignore', 'pipe', 'ignore'], env: start.env, cwd: '/', detached: true })
    const chunks: Buffer[] = []
    let size = 0
    let fault: string | undefined
    const stop = (why: string): void => {
      fault ??= why
      try {
        // The group: what it started goes too.
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It is gone already.
      }
      child.stdout?.destroy()
    }
    const timer = setTimeout(() => stop(`it took more than ${patienceMilliseconds / 1000} seconds`), patienceMilliseconds)
    const gone = (): void => stop('nobody waits for it any more')
    signal.addEventListener('abort', gone, { once: true })
    const done = (outcome: { readonly text: string } | string): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', gone)
      resolve(outcome)
    }
    child.stdout?.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > mostBytes) stop(`it said more than ${mostBytes} bytes`)
      else chunks.push(chunk)
    })
    child.stdout?.on('error', () => {})
    child.once('error', error => done(`it could not be started: ${error.message}`))
    child.once('close', (code, killed) => {
      if (fault !== undefined) done(fault)
      else if (code !== 0) done(killed === null ? `it ended with ${code}` : `it was ended by ${killed}`)
      else done({ text: Buffer.concat(chunks).toString('utf8') })
    })
  })

/** What the program says, or `undefined`: a program that fails in any way lets nobody in. `say` gets a sentence then. */
export const runKeyCommand = async (command: KeyCommand, call: KeyCommandCall): Promise<string | undefined> => {
  let outcome: { readonly text: string } | string
  try {
    const prepared = await prepare(command, call)
    outcome = typeof prepared === 'string' ? prepared : await run(prepared.words, prepared.as, call.signal)
  } catch (error) {
    outcome = error instanceof Error ? error.message : String(error)
  }
  if (typeof outcome !== 'string') return outcome.text
  call.say(`${command.keyword} ${command.command} lets nobody in: ${outcome}`)
  return undefined
}
