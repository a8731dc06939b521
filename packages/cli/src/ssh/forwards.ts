// Owns the forwards of one `ssh`: those of ssh_config and of the letters, and those added and cancelled while it runs. Says what
// came of each as OpenSSH does. Knows nothing of how a forward works.
import {
  type ClientConnection,
  escapeForPeople,
  type Forward,
  type ListenPlace,
  type Place,
  type SocksTarget,
  SshError,
  type TargetPlace,
} from 'nacre'
import { type ConfiguredForward, type ForwardEnd, type ForwardKind, permitsRemoteOpen } from 'nacre/config'
import { readListener, readSpec } from './forward-specs.ts'
import type { Log } from './log.ts'
import type { SshConfig } from './options.ts'
import type { ForwardLetter, TypedForwards } from './typed-command.ts'

/** A forward that listens. */
export interface ListedForward {
  readonly kind: ForwardKind
  readonly spec: ConfiguredForward
  readonly forward: Forward
  /** One line for people: where it listens, where it leads, and what went through it. */
  readonly text: string
}

interface Entry {
  readonly kind: ForwardKind
  readonly spec: ConfiguredForward
  readonly forward: Forward
}

const loopback = 'localhost'

/** At this end: the loopback unless an address, or GatewayPorts, says otherwise; `*` and nothing are all addresses. */
const listenHere = (end: ForwardEnd, gatewayPorts: boolean): ListenPlace => {
  if (end.path !== undefined) return { path: end.path }
  const host = end.host ?? (gatewayPorts ? '' : loopback)
  return { host: host === '*' || host === '' ? undefined : host, port: end.port ?? 0 }
}

/** At the server GatewayPorts is not ours to say. */
const listenThere = (end: ForwardEnd): ListenPlace => listenHere(end, false)

const target = (end: ForwardEnd): TargetPlace =>
  end.path === undefined
    ? { host: end.host === undefined || end.host === '' ? loopback : end.host, port: end.port ?? 0 }
    : { path: end.path }

const shown = (end: ForwardEnd | undefined): string => {
  if (end === undefined) return 'socks:0'
  if (end.path !== undefined) return escapeForPeople(end.path)
  return `${end.host === undefined ? '' : `${escapeForPeople(end.host)}:`}${end.port}`
}

const shownPlace = (place: Place): string => ('path' in place ? escapeForPeople(place.path) : `${place.host ?? '*'}:${place.port}`)

/** No address and the loopback's name are the same, and so are both ways to say all of them. */
const namedHost = (host: string | undefined): string => (host === undefined ? loopback : host === '*' ? '' : host)

const sameEnd = (left: ForwardEnd, right: ForwardEnd): boolean =>
  left.path === right.path && left.port === right.port && namedHost(left.host) === namedHost(right.host)

const sameTarget = (left: ForwardEnd | undefined, right: ForwardEnd | undefined): boolean =>
  left === undefined || right === undefined ? left === right : sameEnd(left, right)

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const kinds: Readonly<Record<ForwardLetter, ForwardKind>> = { L: 'local', R: 'remote', D: 'dynamic' }

export class Forwards implements TypedForwards {
  readonly #connection: ClientConnection
  readonly #settings: SshConfig
  readonly #log: Log
  readonly #entries = new Set<Entry>()

  constructor(connection: ClientConnection, settings: SshConfig, log: Log) {
    this.#connection = connection
    this.#settings = settings
    this.#log = log
  }

  /** Sets one up. Rejects with `SshError`; says nothing itself but the port a server chose. `address` of the result has that port. */
  async add(kind: ForwardKind, spec: ConfiguredForward): Promise<Forward> {
    const forward = kind === 'remote' ? await this.#remote(spec) : await this.#local(kind, spec)
    const entry: Entry = { kind, spec, forward }
    this.#entries.add(entry)
    void forward.closed.then(() => this.#entries.delete(entry))
    return forward
  }

  /** Cancels the one that listens there. False when there is none. Connections that are there go on. */
  async cancel(kind: ForwardKind, listen: ForwardEnd): Promise<boolean> {
    const entry = Array.from(this.#entries).find(each => each.kind === kind && this.#listensAt(each, listen))
    if (entry === undefined) return false
    await this.remove(entry.forward)
    return true
  }

  /** The one that listens there and leads there. */
  find(kind: ForwardKind, { listen, connect }: ConfiguredForward): ListedForward | undefined {
    return this.list().find(each => each.kind === kind && sameTarget(each.spec.connect, connect) && this.#listensAt(each, listen))
  }

  /** Cancels one of the list. Connections that are there go on. */
  async remove(forward: Forward): Promise<void> {
    for (const entry of this.#entries) if (entry.forward === forward) this.#entries.delete(entry)
    await forward.close()
  }

  /** As typed at `~C`. Rejects with what to tell the person. */
  async addForward(letter: ForwardLetter, text: string): Promise<void> {
    const spec = readSpec(kinds[letter], text)
    try {
      await this.add(kinds[letter], spec)
    } catch (error) {
      throw error instanceof SshError ? new SshError(error.code, `Port forwarding failed: ${error.message}`, { cause: error }) : error
    }
  }

  /** As typed at `~C`. False when there is no such forward. */
  async cancelForward(letter: ForwardLetter, text: string): Promise<boolean> {
    return await this.cancel(kinds[letter], readListener(kinds[letter], text))
  }

  describe(): readonly string[] {
    return this.list().map(({ text }) => text)
  }

  stopListening(): void {
    for (const { forward } of this.#entries) void forward.close()
  }

  /** What is there now. */
  list(): readonly ListedForward[] {
    return Array.from(this.#entries, ({ kind, spec, forward }) => {
      const { open, total, refused } = forward.counts
      const text = `${kind} ${shownPlace(forward.address)} -> ${shown(spec.connect)}: ${open} open, ${total} so far${refused === 0 ? '' : `, ${refused} refused`}`
      return { kind, spec, forward, text }
    })
  }

  /** Connections on all of them. */
  get openConnections(): number {
    let open = 0
    for (const { forward } of this.#entries) open += forward.counts.open
    return open
  }

  /** By how it was asked for, or by the port it got. */
  #listensAt({ spec, forward: { address } }: Entry, listen: ForwardEnd): boolean {
    return sameEnd(spec.listen, listen) || (!('path' in address) && sameEnd({ ...spec.listen, port: address.port }, listen))
  }

  async #local(kind: 'local' | 'dynamic', { listen, connect }: ConfiguredForward): Promise<Forward> {
    const { config } = this.#settings
    const options = {
      listen: listenHere(listen, config.gatewayPorts),
      mask: config.streamLocalBindMask,
      unlink: config.streamLocalBindUnlink,
      onRefused: (error: Error) => this.#log.say('INFO', `forward from ${shown(listen)}: ${error.message}`),
    }
    const forward =
      connect === undefined || kind === 'dynamic'
        ? await this.#connection.socks(options)
        : await this.#connection.forward({ ...options, to: target(connect) })
    this.#log.debug(
      `listening on ${shownPlace(forward.address)}, for ${connect === undefined ? 'SOCKS' : `${shown(connect)} at the server`}`,
    )
    return forward
  }

  async #remote({ listen, connect }: ConfiguredForward): Promise<Forward> {
    const forward = await this.#connection.reverse({
      listen: listenThere(listen),
      to: connect === undefined ? 'socks' : target(connect),
      permit: target => this.#permits(target),
      onRefused: error => this.#log.say('ERROR', `remote forward from ${shown(listen)}: ${error.message}`),
    })
    if (listen.port === 0 && !('path' in forward.address))
      this.#log.say('INFO', `Allocated port ${forward.address.port} for remote forward to ${shown(connect)}`)
    this.#log.debug(
      `the server listens on ${shownPlace(forward.address)}, for ${connect === undefined ? 'SOCKS' : `${shown(connect)} here`}`,
    )
    return forward
  }

  #permits({ host, port }: SocksTarget): true | string {
    return (
      permitsRemoteOpen(this.#settings.config.permitRemoteOpen, host, port) ||
      `PermitRemoteOpen does not permit ${escapeForPeople(host)}:${port}.`
    )
  }
}

const failed = (kind: ForwardKind, { listen }: ConfiguredForward, error: unknown, fatal: boolean): string => {
  if (kind !== 'remote') return `${textOf(error)}\nCould not request local forwarding.`
  const where = listen.path === undefined ? `port ${listen.port}` : `path ${escapeForPeople(listen.path)}`
  return `${fatal ? 'Error' : 'Warning'}: remote port forwarding failed for listen ${where}: ${textOf(error)}`
}

/**
 * Starts what ssh_config and the letters ask for, and resolves once this end listens and the server was asked. With
 * ExitOnForwardFailure it resolves once all of it stands, and rejects when something does not; else what fails is only said.
 */
export const startForwards = async (connection: ClientConnection, settings: SshConfig, log: Log): Promise<Forwards> => {
  const { config } = settings
  const forwards = new Forwards(connection, settings, log)
  const must = config.exitOnForwardFailure
  const start = async (kind: ForwardKind, spec: ConfiguredForward): Promise<void> => {
    try {
      await forwards.add(kind, spec)
    } catch (error) {
      if (must) throw new SshError('FORWARDING_FAILED', failed(kind, spec, error, true), { cause: error })
      // What ended the connection is told where that is told.
      if (connection.link.ended === undefined) log.say('ERROR', failed(kind, spec, error, false))
    }
  }
  const local = [...config.localForward.map(spec => start('local', spec)), ...config.dynamicForward.map(spec => start('dynamic', spec))]
  const remote = config.remoteForward.map(spec => start('remote', spec))
  await Promise.all(must ? [...local, ...remote] : local)
  return forwards
}
