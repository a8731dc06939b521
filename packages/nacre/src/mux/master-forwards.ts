// Owns the forwards that clients have asked the master of a shared connection for: each is the master's, whoever asked, until somebody
// cancels it or the connection ends. Knows nothing of how a request came.
import type { ClientConnection } from '../client/connection.ts'
import { ForwardError } from '../errors.ts'
import type { Forward } from '../forward/forward.ts'
import { isUnixPlace, type Place } from '../forward/sockets.ts'
import { type MuxPlace, type MuxForward, sameForward } from './places.ts'

/** An empty host is the usual one, which is this machine alone; `*` is all addresses. */
const listenPlace = (place: MuxPlace): Place =>
  'path' in place ? place : { host: place.host === '' ? 'localhost' : place.host === '*' ? undefined : place.host, port: place.port }

const mostForwards = 1024

export class MasterForwards {
  readonly #connection: ClientConnection
  readonly #made: { readonly request: MuxForward; readonly forward: Forward }[] = []

  constructor(connection: ClientConnection) {
    this.#connection = connection
  }

  /** What there is, for whoever wants to know. */
  get requests(): readonly MuxForward[] {
    return this.#made.map(each => each.request)
  }

  /** Resolves with the port the server chose, where it was left to it. One that is there already is as good as a new one. */
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
    if (kind === 'remote') return await this.#connection.reverse({ listen: listenPlace(listen), to: connect ?? 'socks' })
    if (connect === undefined) return await this.#connection.socks({ listen: listenPlace(listen) })
    return await this.#connection.forward({ listen: listenPlace(listen), to: connect })
  }

  /** False when there is no such forward. One whose port the server chose goes by that, too. */
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

const listenHost = ({ listen }: MuxForward): { readonly host: string } => ({ host: 'host' in listen ? listen.host : '' })
