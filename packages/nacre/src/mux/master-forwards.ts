// Owns the forwards that clients have asked the master of a shared connection for: each is the master's, whoever asked, until somebody
// cancels it or the connection ends. Knows nothing of how a request came.
import type { ClientConnection } from '../client/connection.ts'
import { ForwardError } from '../errors.ts'
import type { Forward } from '../forward/forward.ts'
import { isUnixPlace, type Place } from '../forward/sockets.ts'
import type { SocksTarget } from '../forward/socks.ts'
import { type MuxPlace, type MuxForward, sameForward } from './places.ts'

/** The forwards of who shares a connection, as clients ask for them. */
export interface SharedForwards {
  /** What there is, for whoever wants to know. */
  readonly requests: readonly MuxForward[]
  /**
   * Resolves with the port the server chose, where it was left to it. One that is there already is as good as a new one. Rejects with what
   * the client is told.
   */
  open(request: MuxForward): Promise<number | undefined>
  /** False when there is no such forward. */
  close(request: MuxForward): Promise<boolean>
  /** The connection is shared no more. */
  end(): Promise<void>
}

/** What holds for all forwards clients ask for, as it does for those `ssh` makes itself. */
export interface ForwardRules {
  /** Local ones listen on all addresses where a client names none (GatewayPorts). Default false. */
  readonly gatewayPorts?: boolean
  /** Where remote SOCKS proxies may lead (PermitRemoteOpen); a text says why not. Default: anywhere. */
  readonly permit?: (target: SocksTarget) => boolean | string
  /** Permission bits that Unix sockets made here do not get (StreamLocalBindMask). Default 0o177. */
  readonly mask?: number
  /** A socket file that is in the way goes (StreamLocalBindUnlink). Default false. */
  readonly unlink?: boolean
}

const mostForwards = 1024

export class MasterForwards implements SharedForwards {
  readonly #connection: ClientConnection
  readonly #rules: ForwardRules
  readonly #made: { readonly request: MuxForward; readonly forward: Forward }[] = []

  constructor(connection: ClientConnection, rules: ForwardRules = {}) {
    this.#connection = connection
    this.#rules = rules
  }

  get requests(): readonly MuxForward[] {
    return this.#made.map(each => each.request)
  }

  async open(request: MuxForward): Promise<number | undefined> {
    const there = this.#made.find(each => sameForward(each.request, request) && each.forward.state === 'listening')
    if (there === undefined && this.#made.length >= mostForwards)
      throw new ForwardError('FORWARD_LISTEN', `This shared connection has ${mostForwards} forwards already.`)
    const forward = there?.forward ?? (await this.#make(request))
    if (there === undefined) this.#made.push({ request, forward })
    const chosen = request.kind === 'remote' && 'port' in request.listen && request.listen.port === 0
    return chosen && !isUnixPlace(forward.address) ? forward.address.port : undefined
  }

  async #make({ kind, listen, connect }: MuxForward): Promise<Forward> {
    const { gatewayPorts = false, permit, mask, unlink } = this.#rules
    if (kind === 'remote') {
      const place = listenPlace(listen, 'localhost')
      return await this.#connection.reverse({ listen: place, to: connect ?? 'socks', ...(permit === undefined ? {} : { permit }) })
    }
    const place = listenPlace(listen, gatewayPorts ? undefined : 'localhost')
    const here = { listen: place, ...(mask === undefined ? {} : { mask }), ...(unlink === undefined ? {} : { unlink }) }
    return connect === undefined ? await this.#connection.socks(here) : await this.#connection.forward({ ...here, to: connect })
  }

  /** One whose port the server chose goes by that, too. */
  async close(request: MuxForward): Promise<boolean> {
    const at = this.#made.findIndex(
      each =>
        sameForward(each.request, request) ||
        (!isUnixPlace(each.forward.address) &&
          'port' in request.listen &&
          sameForward({ ...each.request, listen: { ...listenHost(each.request), port: each.forward.address.port } }, request)),
    )
    if (at < 0) return false
    const [{ forward }] = this.#made.splice(at, 1)
    await forward.close()
    return true
  }

  async end(): Promise<void> {
    await Promise.all(this.#made.splice(0).map(({ forward }) => forward.close()))
  }
}

/** An empty host is the usual one; `*` is all addresses. */
const listenPlace = (place: MuxPlace, usual: string | undefined): Place =>
  'path' in place ? place : { host: place.host === '' ? usual : place.host === '*' ? undefined : place.host, port: place.port }

const listenHost = ({ listen }: MuxForward): { readonly host: string } => ({ host: 'host' in listen ? listen.host : '' })
