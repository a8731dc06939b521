// Owns what a process does that shares its connection, whatever the way clients come: it counts them, does what they ask, and knows
// when nobody needs the connection any more. Knows no sockets.
import type { ClientConnection } from '../client/connection.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { ByteTransport } from '../io/transport.ts'
import { TransportLine, type MuxLine } from './line.ts'
import { type MasterHost, MasterDialogue, type Passengers } from './master.ts'
import { type ForwardRules, MasterForwards, type SharedForwards } from './master-forwards.ts'
import { type MuxForward, forwardText } from './places.ts'
import { ProxyClient } from './proxy.ts'

export interface SharingOptions {
  /** Asked before anything is done for a client, except to say that we live (ControlMaster ask). Default: all is permitted. */
  readonly permit?: (what: string) => boolean | Promise<boolean>
  /** Milliseconds without clients, sessions and forwarded connections after which the connection ends. Default: never. */
  readonly idle?: number
  /** Clients at once; more are let in and closed. Default 256. */
  readonly maximumClients?: number
  /** What holds for forwards clients ask for; or all forwards there are, where whoever shares has a list of its own already. */
  readonly forwards?: ForwardRules | SharedForwards
  /** A client asked for the end. Default: the connection is closed. */
  readonly onTerminate?: () => void
  /** What `ssh -O conninfo` shows beside what we know. */
  readonly about?: () => string
  readonly clock?: Clock
}

const usualClients = 256
/** How often it is looked whether anybody is left. */
const lookMilliseconds = 500

export class Sharing implements MasterHost {
  readonly pid: number
  readonly #connection: ClientConnection
  readonly #options: SharingOptions
  readonly #clock: Clock
  readonly #forwards: SharedForwards
  readonly #stopListening: () => void
  readonly #proxies = new Set<ProxyClient>()
  readonly #lines = new Set<MuxLine>()
  #cancelIdle: (() => void) | undefined
  #ended = false

  /** `stopListening` is called when no more clients are to come, once or more often. */
  constructor(connection: ClientConnection, pid: number, options: SharingOptions, stopListening: () => void) {
    this.#connection = connection
    this.pid = pid
    this.#options = options
    this.#clock = options.clock ?? systemClock
    const { forwards = {} } = options
    this.#forwards = 'open' in forwards ? forwards : new MasterForwards(connection, forwards)
    this.#stopListening = stopListening
    void connection.closed.then(() => this.end())
    if (options.idle !== undefined) this.#watchIdle(options.idle)
  }

  get serverVersion(): string {
    return this.#connection.serverVersion
  }
  /** Clients that are there now. */
  get clients(): number {
    return this.#lines.size + this.#proxies.size
  }

  /** Serves a client. Never rejects. */
  async serve(line: MuxLine | ByteTransport, passengers?: Passengers): Promise<void> {
    const own = 'read' in line ? line : new TransportLine(line)
    if (this.#ended || this.clients >= (this.#options.maximumClients ?? usualClients)) {
      own.close()
      return
    }
    this.#lines.add(own)
    try {
      await new MasterDialogue(own, this, passengers).run()
    } finally {
      this.#lines.delete(own)
    }
  }

  // ── what clients ask for ──────────────────────────────────────────────────────────────────────────────────────────

  permit(what: string): boolean | Promise<boolean> {
    return this.#options.permit?.(what) ?? true
  }

  terminate(): void {
    this.#stopListening()
    // The answer leaves before everything ends.
    setTimeout(this.#options.onTerminate ?? (() => void this.#connection.close()), 0)
  }

  stopListening(): void {
    this.#stopListening()
  }

  async openForward(forward: MuxForward): Promise<number | undefined> {
    return await this.#forwards.open(forward)
  }

  async closeForward(forward: MuxForward): Promise<boolean> {
    return await this.#forwards.close(forward)
  }

  info(what: string): string | undefined {
    const { link, algorithms, serverVersion, user } = this.#connection
    if (what === 'connection') {
      const lines = [
        `user ${user}`,
        `server ${serverVersion}`,
        ...(algorithms === undefined ? [] : [`kexalgorithm ${algorithms.kex}`, `hostkeyalgorithm ${algorithms.hostKey}`]),
        `channels ${link.openChannels}`,
        `clients ${this.clients}`,
        ...(this.#options.about === undefined ? [] : [this.#options.about()]),
      ]
      return `${lines.join('\r\n')}\r\n`
    }
    if (what !== 'channels') return undefined
    const forwards = this.#forwards.requests.map(each => `  ${forwardText(each)}\r\n`)
    return `${link.openChannels} channels are open, for ${this.#proxies.size} proxy clients and others.\r\n${forwards.join('')}`
  }

  proxy(transport: ByteTransport, exact: boolean): void {
    const client = new ProxyClient(this.#connection, transport, { exact, clock: this.#clock })
    this.#proxies.add(client)
    void client.closed.then(() => this.#proxies.delete(client))
  }

  // ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Looks now and then whether anybody is left; when not for long enough, the connection ends. */
  #watchIdle(idle: number): void {
    let quietSince = this.#clock.now()
    const look = (): void => {
      const now = this.#clock.now()
      if (this.clients > 0 || this.#connection.link.openChannels > 0) quietSince = now
      if (now - quietSince >= idle) this.terminate()
      else this.#cancelIdle = this.#clock.after(Math.min(idle - (now - quietSince), lookMilliseconds), look)
    }
    this.#cancelIdle = this.#clock.after(Math.min(idle, lookMilliseconds), look)
  }

  /** Cuts everybody off. The connection stays. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#cancelIdle?.()
    this.#stopListening()
    void this.#forwards.end()
    for (const line of this.#lines) line.close()
    for (const client of this.#proxies) client.close()
  }
}
