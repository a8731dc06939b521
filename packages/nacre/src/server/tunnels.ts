// Owns serving tunnels (OpenSSH's PROTOCOL, 2.3): somebody says who may have one, somebody gives the device, and the two are joined.
// Knows no systems.
import { anyTunnelUnit, highestTunnelUnit, tun } from '../connection/channel-types/tun.ts'
import type { OpenQuestion } from '../connection/events.ts'
import { isOf } from '../connection/row.ts'
import { ConfigError, ForwardError } from '../errors.ts'
import { Tunnel, type TunnelDevice, type TunnelMode, tunnelModeOf } from '../forward/tunnel.ts'
import type { ServerConnection } from './connection.ts'
import type { Verdict } from './direct.ts'

/** What a client asks for. */
export interface TunnelRequest {
  readonly mode: TunnelMode
  /** 3 is `tun3` here; `undefined` leaves the choice to this side. */
  readonly unit: number | undefined
}

/** How a request came out. */
export type TunnelOutcome =
  | { readonly is: 'open'; readonly tunnel: Tunnel }
  | { readonly is: 'denied' | 'failed'; readonly problem: string }

export interface TunnelRules<Identity> {
  /** `true` permits. A text refuses like `false`, and is told to the client. */
  readonly permit: (request: TunnelRequest, connection: ServerConnection<Identity>) => Verdict | Promise<Verdict>
  /** The device at this end: `openTunnelDevice`. Throws or rejects with `ForwardError` when there is none. Closed with the tunnel. */
  readonly open: (request: TunnelRequest, connection: ServerConnection<Identity>) => TunnelDevice | Promise<TunnelDevice>
  /** Tunnels one connection may have at once. Default 16. */
  readonly maximum?: number
  /** Told how each request came out; for logs. */
  readonly onOutcome?: (request: TunnelRequest, outcome: TunnelOutcome, connection: ServerConnection<Identity>) => void
}

const defaultMaximum = 16

const requestOf = ({ details }: OpenQuestion): TunnelRequest | string => {
  if (!isOf(details, tun)) return 'this is for tunnels'
  const { tunnelMode, remoteUnit } = details.value
  const mode = tunnelModeOf(tunnelMode)
  if (mode === undefined) return 'no such kind of tunnel'
  if (remoteUnit > highestTunnelUnit && remoteUnit !== anyTunnelUnit) return 'no such device'
  return { mode, unit: remoteUnit === anyTunnelUnit ? undefined : remoteUnit }
}

class TunnelServer<Identity> {
  readonly #rules: TunnelRules<Identity>
  readonly #maximum: number
  readonly #counts = new WeakMap<ServerConnection<Identity>, number>()

  constructor(rules: TunnelRules<Identity>) {
    this.#rules = rules
    this.#maximum = rules.maximum ?? defaultMaximum
    if (!Number.isInteger(this.#maximum) || this.#maximum < 0)
      throw new ConfigError(`tunnels.maximum must be a whole number from 0 up, not ${this.#maximum}.`)
  }

  requested(question: OpenQuestion, connection: ServerConnection<Identity>): void {
    const request = requestOf(question)
    if (typeof request === 'string') {
      question.refuse('administratively-prohibited', request)
      return
    }
    const { link } = connection
    this.#serve(question, request, connection).catch((error: unknown) => {
      if (connection.signal.aborted) return
      question.refuse('connect-failed', 'internal error')
      link.wake()
      connection.failed(error)
    })
  }

  async #serve(question: OpenQuestion, request: TunnelRequest, connection: ServerConnection<Identity>): Promise<void> {
    const had = await this.#device(request, connection)
    if (!('device' in had)) {
      this.#rules.onOutcome?.(request, had, connection)
      question.refuse(had.is === 'denied' ? 'administratively-prohibited' : 'connect-failed', had.problem)
      connection.link.wake()
      return
    }
    if (connection.signal.aborted) {
      this.#count(connection, -1)
      had.device.close()
      return
    }
    const tunnel = new Tunnel(connection.link.accept(question), had.device, request.mode)
    void tunnel.closed.then(() => this.#count(connection, -1))
    this.#rules.onOutcome?.(request, { is: 'open', tunnel }, connection)
  }

  async #device(
    request: TunnelRequest,
    connection: ServerConnection<Identity>,
  ): Promise<{ readonly device: TunnelDevice } | Exclude<TunnelOutcome, { readonly is: 'open' }>> {
    const verdict = await this.#rules.permit(request, connection)
    if (verdict !== true) return { is: 'denied', problem: typeof verdict === 'string' ? verdict : 'this tunnel is not permitted' }
    if ((this.#counts.get(connection) ?? 0) >= this.#maximum) return { is: 'denied', problem: `at most ${this.#maximum} tunnels at once` }
    // Counted before it is there: others may ask meanwhile.
    this.#count(connection, 1)
    try {
      return { device: await this.#rules.open(request, connection) }
    } catch (error) {
      this.#count(connection, -1)
      if (error instanceof ForwardError) return { is: 'failed', problem: error.message }
      throw error
    }
  }

  #count(connection: ServerConnection<Identity>, by: number): void {
    this.#counts.set(connection, (this.#counts.get(connection) ?? 0) + by)
  }
}

/** The handler for `tun@openssh.com` of a server's `channels`. */
export const serveTunnels = <Identity>(
  rules: TunnelRules<Identity>,
): ((question: OpenQuestion, connection: ServerConnection<Identity>) => void) => {
  const server = new TunnelServer(rules)
  return (question, connection) => server.requested(question, connection)
}
