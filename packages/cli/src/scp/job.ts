// Owns what every way of copying needs: the settings, hosts that have been reached, what is said to the person, and the count of
// what went wrong. Knows neither protocol.
import { resolve } from 'node:path'
import { escapeForPeople, SshError } from 'nacre'
import type { Environment } from '../environment.ts'
import { localServer, type Reach, reachHost, type Remote } from '../transfer/connect.ts'
import { limitedPipe, type ProgramPipe } from '../transfer/pipes.ts'
import { type Meter, Progress, terminalSurface } from '../transfer/progress.ts'
import type { LocalTarget, RemoteHost, RemoteTarget } from '../transfer/targets.ts'
import type { ScpSettings } from './options.ts'

/** The ways of one protocol. `many`: the target must be a directory. */
export interface Ways {
  /** Local files to another machine. */
  sendFiles(job: Job, sources: readonly LocalTarget[], target: RemoteTarget, many: boolean): Promise<void>
  /** What one source names on another machine, to a local target. */
  receiveFiles(job: Job, source: RemoteTarget, target: LocalTarget): Promise<void>
  /** From one machine to another, through this one. */
  relayFiles(job: Job, source: RemoteTarget, target: RemoteTarget, many: boolean): Promise<void>
}

/** A host could not be reached: scp ends with this code then. */
export class UnreachableError extends SshError {
  readonly exitCode: number
  constructor(exitCode: number, cause: Error) {
    super('UNREACHABLE', cause.message, { cause })
    this.exitCode = exitCode
  }
}

/** OpenSSH's exit code when a connection failed, by protocol. */
const unreachableCodes = { sftp: 255, scp: 1 } as const

export class Job implements AsyncDisposable {
  readonly settings: ScpSettings
  readonly environment: Environment
  readonly signal: AbortSignal
  readonly #reach: Reach
  readonly #remotes = new Map<string, Promise<Remote>>()
  readonly #progress: Progress
  #errors = 0
  #said: string | undefined

  constructor(settings: ScpSettings, reach: Reach) {
    this.settings = settings
    this.#reach = reach
    this.environment = reach.environment
    this.signal = reach.signal
    this.#progress = new Progress(settings.quiet ? undefined : terminalSurface(reach.environment))
  }

  /** 0, or 1 when something went wrong. */
  get exitCode(): number {
    return this.#errors === 0 ? 0 : 1
  }

  /** Something was not copied; `text` is safe to show. Said once, though two of us may notice. */
  fail(text: string): void {
    this.#errors++
    if (text !== this.#said) this.environment.stderr.write(`${text}\n`)
    this.#said = text
  }

  /** What has been said already. */
  failed(): void {
    this.#errors++
  }

  /** For -v. */
  explain(text: string): void {
    if (this.settings.verbose) this.environment.stderr.write(`${escapeForPeople(text)}\n`)
  }

  meter(name: string, size: number): Meter {
    return this.#progress.begin(name, size)
  }

  /** Whether anybody sees meters. */
  get shows(): boolean {
    return this.#progress.shows
  }

  /** The host, reached once. Throws `UnreachableError`. */
  async reach(host: RemoteHost): Promise<Remote> {
    const key = JSON.stringify([host.user, host.host, host.port])
    let remote = this.#remotes.get(key)
    if (remote === undefined) {
      remote = reachHost(this.#reach, host)
      this.#remotes.set(key, remote)
    }
    try {
      return await remote
    } catch (error) {
      if (error instanceof SshError && !['USAGE', 'CONFIG'].includes(error.code))
        throw new UnreachableError(unreachableCodes[this.settings.protocol], error)
      throw error
    }
  }

  /** A command on a host. */
  async run(host: RemoteHost, command: string): Promise<ProgramPipe> {
    this.explain(`Executing: ${host.user === undefined ? '' : `user ${host.user}, `}host ${host.host}, command ${command}`)
    return this.#limited(await (await this.reach(host)).exec(command))
  }

  /** A conversation with the SFTP server of a host, or with that of -D. */
  async sftp(host: RemoteHost): Promise<ProgramPipe> {
    if (this.settings.server !== undefined) return this.#limited(localServer(this.settings.server, this.signal))
    return this.#limited(await (await this.reach(host)).subsystem('sftp'))
  }

  #limited(pipe: ProgramPipe): ProgramPipe {
    return this.settings.limit === undefined ? pipe : limitedPipe(pipe, this.settings.limit)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#remotes.values()) {
      const remote = await each.catch(() => undefined)
      await remote?.[Symbol.asyncDispose]()
    }
  }
}

/** A local path made absolute; a slash at its end still says that it is a directory. */
export const localPath = (path: string): string => {
  const whole = resolve(path)
  return path.endsWith('/') && whole !== '/' ? `${whole}/` : whole
}
