// Owns a ProxyCommand: a program whose standard streams are the connection. How it is started, passed its last bytes, ended, and
// what its end means, in words. Knows nothing of SSH and of what the program does.
import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { ConfigError, ConnectError, escapeForPeople, SshError } from '../errors.ts'
import type { ByteTransport, TransportSink } from '../io/transport.ts'

/** What the tokens of a ProxyCommand stand for. */
export interface ProxyTarget {
  /** `%h`: what is to be reached, after HostName. */
  readonly host: string
  /** `%p` */
  readonly port: number
  /** `%r` */
  readonly user: string
  /** `%n`: as it was given. Default `host`. */
  readonly typed?: string
  /** `%k`: what the host key is looked up by. Default `typed`. */
  readonly keyAlias?: string
}

/** A shell would take these for something else than part of a name; OpenSSH refuses the same. */
const oddInHost = /^-|['`"$\\;&<>|(){},\s\p{Cc}]/u
const oddInUser = /^-|['`";&<>|(){}\p{Cc}]|\s-|\\$/u

const safe = (value: string, odd: RegExp, what: string): string => {
  if (!odd.test(value)) return value
  throw new ConfigError(
    `The ${what} "${escapeForPeople(value, { limit: 100 })}" is not given to a ProxyCommand: a shell would take part of it for a command or an option.`,
  )
}

/** The command line with its tokens replaced. Throws `ConfigError` for an unknown token, and for a name a shell would misread. */
export const expandProxyCommand = (command: string, { host, port, user, typed = host, keyAlias = typed }: ProxyTarget): string => {
  const tokens: Readonly<Record<string, () => string>> = {
    '%': () => '%',
    h: () => safe(host, oddInHost, 'host name'),
    n: () => safe(typed, oddInHost, 'host name'),
    k: () => safe(keyAlias, oddInHost, 'host key alias'),
    p: () => String(port),
    r: () => safe(user, oddInUser, 'user name'),
  }
  return command.replace(/%(.?)/gs, (whole, letter: string) => {
    if (Object.hasOwn(tokens, letter)) return tokens[letter]()
    throw new ConfigError(`ProxyCommand: "${escapeForPeople(whole)}" stands for nothing; there are %h, %k, %n, %p, %r and %%.`)
  })
}

/** How long the program may take to read what is left, in milliseconds. */
const lingerMilliseconds = 2000

class CommandTransport implements ByteTransport {
  readonly remote = undefined
  readonly #child: ChildProcess
  readonly #input: Writable
  readonly #output: Readable
  readonly #shown: string
  #sink: TransportSink | undefined
  /** What the program's end means; known a moment after its output has ended. */
  readonly #exited: Promise<SshError | undefined>
  #closed = false

  constructor(child: ChildProcess, input: Writable, output: Readable, shown: string) {
    this.#child = child
    this.#input = input
    this.#output = output
    this.#shown = shown
    this.#exited = new Promise(resolve => child.once('exit', (code, signal) => resolve(this.#meaning(code, signal))))
    // Whoever reads is told by the output's end.
    input.on('error', () => {})
    output.on('error', () => {})
  }

  #meaning(code: number | null, signal: string | null): SshError | undefined {
    if (code === 0) return new SshError('PROXY_COMMAND', `The ProxyCommand "${this.#shown}" ended.`)
    const how = signal === null ? `with status ${code}` : `by ${signal}`
    const missing = code === 127 ? ' The shell did not find the program.' : ''
    return new SshError('PROXY_COMMAND', `The ProxyCommand "${this.#shown}" ended ${how}.${missing}`)
  }

  start(sink: TransportSink): void {
    this.#sink = sink
    this.#output.on('data', (bytes: Uint8Array) => this.#sink?.data(bytes))
    const ended = async (): Promise<void> => {
      const to = this.#sink
      if (to === undefined) return
      this.#sink = undefined
      to.end(await this.#soon())
    }
    this.#output.once('end', () => void ended())
    this.#output.once('close', () => void ended())
  }

  /** A program may close its output long before it ends; then there is nothing to say of it. */
  async #soon(): Promise<SshError | undefined> {
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), lingerMilliseconds / 4)
    const meaning = await Promise.race([this.#exited, late.promise])
    clearTimeout(timer)
    return meaning
  }

  write(bytes: Uint8Array, taken: () => void): void {
    if (this.#closed || !this.#input.writable) queueMicrotask(taken)
    else this.#input.write(bytes, () => taken())
  }

  pause(): void {
    this.#output.pause()
  }
  resume(): void {
    this.#output.resume()
  }

  close(deserted = false): void {
    if (this.#closed) return
    this.#closed = true
    const sink = this.#sink
    this.#sink = undefined
    // Nobody reads on, and a program that cannot write would not end.
    this.#output.resume()
    const child = this.#child
    const hangUp = (): void => void child.kill('SIGHUP')
    if (deserted) hangUp()
    else {
      const timer = setTimeout(hangUp, lingerMilliseconds)
      this.#input.end(() => {
        clearTimeout(timer)
        hangUp()
      })
    }
    sink?.end()
  }
}

/**
 * Starts a ProxyCommand, tokens replaced, by the person's shell, which it takes the place of. It has our standard error. Throws
 * `ConfigError` for a command that cannot be read and `ConnectError` when there is no shell to run it.
 */
export const runProxyCommand = async (command: string, target: ProxyTarget): Promise<ByteTransport> => {
  const line = expandProxyCommand(command, target)
  const shell = process.env.SHELL === undefined || process.env.SHELL === '' ? '/bin/sh' : process.env.SHELL
  const child = spawn(shell, ['-c', `exec ${line}`], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  child.once('spawn', resolve)
  child.once('error', cause =>
    reject(
      new ConnectError(
        'CONNECT_FAILED',
        `The ProxyCommand cannot be run: the shell ${shell} (SHELL) could not be started: ${cause.message}`,
        target,
        { cause },
      ),
    ),
  )
  await promise
  const { stdin, stdout } = child
  return new CommandTransport(child, stdin, stdout, escapeForPeople(line, { limit: 200 }))
}
