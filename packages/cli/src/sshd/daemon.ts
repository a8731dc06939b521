// Owns a running `sshd`: the server that serves new connections, those from before a reload that still have connections,
// the signals. Knows nothing of how a configuration becomes a server.
import type { Socket } from 'node:net'
import type { ParsedConfig, ServerConfig } from 'nacre/config'
import type { NodeServer } from 'nacre/server'
import { connectionFacts } from './connection-log.ts'
import { Listeners, placesOf } from './listeners.ts'
import type { Log } from './log.ts'
import type { Login } from './login.ts'
import { writePidFile } from './pid-file.ts'
import { closePipes } from './pipes.ts'

/** All that a configuration decides. */
export interface Generation {
  readonly parsed: ParsedConfig<ServerConfig>
  readonly log: Log
  readonly server: NodeServer<Login>
}

export interface DaemonOptions {
  /** Reads the configuration and the keys anew. Throws when they are not in order. */
  readonly load: () => Promise<Generation>
  /** -d: serve one connection and stop. */
  readonly once: boolean
  readonly writePidFile: boolean
  /** The signals to act on. Default all three; in a worker the first process sees to the rest. */
  readonly signals?: readonly Signal[]
  /** Called once it listens. */
  readonly listening: () => void
}

type Signal = 'SIGHUP' | 'SIGTERM' | 'SIGINT'

export class Daemon {
  readonly #options: DaemonOptions
  readonly #listeners: Listeners
  readonly #servers = new Set<NodeServer<Login>>()
  #current: Generation
  #stopping = false
  #loading: Promise<void> = Promise.resolve()
  readonly #stopped = Promise.withResolvers<void>()

  constructor(first: Generation, options: DaemonOptions) {
    this.#options = options
    this.#current = first
    this.#servers.add(first.server)
    this.#listeners = new Listeners({
      log: {
        level: 'INFO',
        wants: level => this.#current.log.wants(level),
        fatal: (text, facts) => this.#current.log.fatal(text, facts),
        error: (text, facts) => this.#current.log.error(text, facts),
        info: (text, facts) => this.#current.log.info(text, facts),
        verbose: (text, facts) => this.#current.log.verbose(text, facts),
        debug: (text, facts) => this.#current.log.debug(text, facts),
        as: (program, facility, level) => this.#current.log.as(program, facility, level),
        with: facts => this.#current.log.with(facts),
      },
      rules: () => this.#current.parsed.config,
      accept: socket => this.#accept(socket),
    })
  }

  #accept(socket: Socket): void {
    const words = `Connection from ${socket.remoteAddress} port ${socket.remotePort} on ${socket.localAddress} port ${socket.localPort}`
    const connection = this.#current.server.accept(socket)
    if (connection !== undefined) this.#current.log.verbose(words, connectionFacts(connection.remote))
    if (!this.#options.once || connection === undefined) return
    this.#listeners.close()
    void connection.closed.then(() => this.stop())
  }

  /** Listens until told to stop. Throws `ConfigError` when it cannot listen anywhere. */
  async run(): Promise<void> {
    const acts: Readonly<Record<Signal, () => void>> = {
      SIGHUP: () => this.reload(),
      SIGTERM: () => this.stop('Received signal 15; terminating.'),
      SIGINT: () => this.stop('Received signal 2; terminating.'),
    }
    const signals = (this.#options.signals ?? (Object.keys(acts) as Signal[])).map(name => [name, acts[name]] as const)
    for (const [name, act] of signals) process.on(name, act)
    let pidFile: Disposable | undefined
    try {
      await this.#listeners.at(placesOf(this.#current.parsed.config))
      if (this.#options.writePidFile) pidFile = writePidFile(this.#current.parsed, this.#current.log)
      this.#options.listening()
      await this.#stopped.promise
    } finally {
      this.#listeners.close()
      pidFile?.[Symbol.dispose]()
      closePipes()
      for (const [name, act] of signals) process.removeListener(name, act)
    }
  }

  /** Reads everything anew; what is in order replaces the old for new connections. One reload at a time. */
  reload(): void {
    this.#loading = this.#loading.then(() => this.#reload())
  }

  async #reload(): Promise<void> {
    if (this.#stopping) return
    this.#current.log.info('Received SIGHUP; reading the configuration again.')
    try {
      const next = await this.#options.load()
      await this.#listeners.at(placesOf(next.parsed.config))
      const old = this.#current.server
      this.#current = next
      this.#servers.add(next.server)
      this.#retire(old)
    } catch (error) {
      this.#current.log.error(`The new configuration is not used: ${error instanceof Error ? error.message : String(error)}`)
    }
  }

  /** Keeps a server of before only for the connections it has. */
  #retire(server: NodeServer<Login>): void {
    const all = [...server.connections]
    void Promise.all(all.map(connection => connection.closed)).then(() => this.#servers.delete(server))
  }

  stop(why?: string): void {
    if (this.#stopping) return
    this.#stopping = true
    if (why !== undefined) this.#current.log.info(why)
    this.#listeners.close()
    const ended = [...this.#servers].map(server => server.close())
    void Promise.all(ended).then(() => this.#stopped.resolve())
  }
}
