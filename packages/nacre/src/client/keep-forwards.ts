// Owns forwards that outlive a connection: one connection after another is made for them, with growing pauses, and what listens at
// this end goes on listening meanwhile. Knows nothing of how a connection is made; that is given to it.
import { AuthenticationError, ConfigError, ForwardError, HostKeyError, SshError } from '../errors.ts'
import type { Forward } from '../forward/forward.ts'
import { forwardFromHere } from '../forward/local.ts'
import { readListenPlace, readTargetPlace } from '../forward/places.ts'
import { isUnixPlace, type LocalSockets, type Place } from '../forward/sockets.ts'
import type { ForwardCounts } from '../forward/traffic.ts'
import type { ChannelStream } from '../io/channel-stream.ts'
import { type Clock, systemClock } from '../io/clock.ts'
import type { ClientConnection } from './connection.ts'
import { type ForwardRequest, type SocksRequest, socketsOf } from './forward.ts'
import type { ReverseRequest } from './reverse.ts'

/** What is asked of `forward`, `socks` or `reverse` of each connection. */
export type KeptForward = { readonly forward: ForwardRequest } | { readonly socks: SocksRequest } | { readonly reverse: ReverseRequest }

/** `stopped` is final: closed, given up, or the signal fired. */
export type KeptState = 'connecting' | 'up' | 'waiting' | 'stopped'

export interface KeepForwardsOptions {
  /** Makes a connection; `signal` gives up. */
  readonly connect: (signal: AbortSignal) => Promise<ClientConnection>
  readonly forwards: readonly KeptForward[]
  /** Sockets of this end. Node has its own. */
  readonly sockets?: () => Promise<LocalSockets>
  /** Milliseconds between one attempt and the next: `first`, then twice as much each time up to `most`. Default 1 s and 60 s. */
  readonly backoff?: { readonly first?: number; readonly most?: number }
  /** Milliseconds that who connects here may wait for a connection to be up again; then it is refused. Default 15 s. */
  readonly patience?: number
  /** Whether trying again makes no sense. Default: after a wrong host key, a refused login, a faulty configuration. */
  readonly giveUp?: (error: unknown) => boolean
  readonly onState?: (state: KeptState, error: Error | undefined) => void
  readonly signal?: AbortSignal
  readonly clock?: Clock
  /** From 0 to 1, for pauses that are not the same for all who lost the same server. Default `Math.random`. */
  readonly random?: () => number
}

const defaultBackoff = { first: 1000, most: 60_000 }
const defaultPatience = 15_000

const hopeless = (error: unknown): boolean =>
  error instanceof HostKeyError ||
  error instanceof AuthenticationError ||
  error instanceof ConfigError ||
  (error instanceof SshError && error.code === 'FORWARDING_REFUSED')

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

const noCounts: ForwardCounts = { open: 0, total: 0, refused: 0, bytesToServer: 0, bytesFromServer: 0 }

const sum = (left: ForwardCounts, right: ForwardCounts): ForwardCounts => ({
  open: left.open + right.open,
  total: left.total + right.total,
  refused: left.refused + right.refused,
  bytesToServer: left.bytesToServer + right.bytesToServer,
  bytesFromServer: left.bytesFromServer + right.bytesFromServer,
})

/** The pause before the next attempt: half of `delay` at least, all of it at most. */
const jittered = (delay: number, random: () => number): number => delay / 2 + (random() * delay) / 2

/** Who waits for a connection to be up. */
interface Waiter {
  resolve(connection: ClientConnection): void
  reject(error: Error): void
}

/** Forwards over one connection after another. */
export class KeptForwards implements AsyncDisposable {
  readonly #options: KeepForwardsOptions
  readonly #clock: Clock
  readonly #stop = new AbortController()
  readonly #stopped = Promise.withResolvers<Error | undefined>()
  readonly #waiters = new Set<Waiter>()
  readonly #local: Forward[] = []
  #remote: readonly Forward[] = []
  /** Ports that a server chose: the next connection asks for the same. */
  readonly #ports = new Map<ReverseRequest, number>()
  #past = noCounts
  #connection: ClientConnection | undefined
  #state: KeptState = 'connecting'
  #attempts = 0
  #timesUp = 0
  #lastError: Error | undefined

  constructor(options: KeepForwardsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
  }

  get state(): KeptState {
    return this.#state
  }
  /** Connections that were tried, and that came to be. */
  get attempts(): { readonly tried: number; readonly up: number } {
    return { tried: this.#attempts, up: this.#timesUp }
  }
  /** Why there is no connection, or why the last one ended. */
  get lastError(): Error | undefined {
    return this.#lastError
  }
  /** Those that listen now: at this end always, at the server while a connection is up. */
  get forwards(): readonly Forward[] {
    return [...this.#local, ...this.#remote]
  }
  /** Of all forwards, over all connections so far. */
  get counts(): ForwardCounts {
    return this.forwards.reduce((all, { counts }) => sum(all, counts), this.#past)
  }
  /** Resolves once it has stopped; with the error it gave up on, if it did. Never rejects. */
  get stopped(): Promise<Error | undefined> {
    return this.#stopped.promise
  }

  /** Listens at this end, then goes on by itself. */
  async start(): Promise<void> {
    const { signal } = this.#options
    signal?.throwIfAborted()
    try {
      for (const each of this.#options.forwards) await this.#listenHere(each)
    } catch (error) {
      await this.#closeLocal()
      throw error
    }
    signal?.addEventListener('abort', () => this.#stop.abort(signal.reason), { once: true, signal: this.#stop.signal })
    void this.#run()
  }

  async #listenHere(each: KeptForward): Promise<void> {
    if ('reverse' in each) return
    const request = 'forward' in each ? each.forward : each.socks
    const target = 'forward' in each ? readTargetPlace(each.forward.to) : 'socks'
    const sockets = await socketsOf(this.#options)
    const dial = async (place: Place, options: Parameters<Parameters<typeof forwardFromHere>[1]>[1]): Promise<ChannelStream> =>
      await (
        await this.#up(options.signal)
      ).dial(isUnixPlace(place) ? place : { host: place.host ?? 'localhost', port: place.port }, options)
    this.#local.push(await forwardFromHere(sockets, dial, readListenPlace(request.listen), target, request))
  }

  /** The connection, once it is up; rejects when that takes too long. */
  async #up(signal: AbortSignal): Promise<ClientConnection> {
    if (this.#state === 'up' && this.#connection !== undefined) return this.#connection
    const { patience = defaultPatience } = this.#options
    const { promise, resolve, reject } = Promise.withResolvers<ClientConnection>()
    const waiter: Waiter = { resolve, reject }
    this.#waiters.add(waiter)
    const late = (): void =>
      reject(new ForwardError('FORWARD_LOST', 'There is no connection to the server just now.', { cause: this.#lastError }))
    const cancel = this.#clock.after(patience, late)
    const left = (): void => reject(asError(signal.reason))
    signal.addEventListener('abort', left, { once: true })
    try {
      return await promise
    } finally {
      cancel()
      signal.removeEventListener('abort', left)
      this.#waiters.delete(waiter)
    }
  }

  async #run(): Promise<void> {
    const { first = defaultBackoff.first, most = defaultBackoff.most } = this.#options.backoff ?? {}
    const { giveUp = hopeless, random = Math.random } = this.#options
    let delay = first
    let final: Error | undefined
    while (!this.#stop.signal.aborted) {
      const upSince = await this.#once()
      if (this.#stop.signal.aborted) break
      if (this.#lastError !== undefined && upSince === undefined && giveUp(this.#lastError)) {
        final = this.#lastError
        break
      }
      // One that held was no failure; one that ends at once, again and again, is.
      if (upSince !== undefined && this.#clock.now() - upSince >= delay) delay = first
      this.#set('waiting')
      await this.#pause(jittered(delay, random))
      delay = Math.min(delay * 2, most)
    }
    await this.#finish(final)
  }

  /** One connection, from the first attempt to its end. When it was up, since when. */
  async #once(): Promise<number | undefined> {
    this.#attempts++
    this.#set('connecting')
    const { signal } = this.#stop
    let connection: ClientConnection | undefined
    let upSince: number | undefined
    const abort = (): void => void connection?.close()
    try {
      connection = await this.#options.connect(signal)
      signal.addEventListener('abort', abort, { once: true })
      if (signal.aborted) throw asError(signal.reason)
      this.#connection = connection
      this.#remote = await this.#listenThere(connection)
      upSince = this.#clock.now()
      this.#timesUp++
      this.#set('up')
      for (const waiter of this.#waiters) waiter.resolve(connection)
      this.#lastError = (await connection.closed).error
    } catch (error) {
      this.#lastError = asError(error)
      await connection?.close()
    } finally {
      signal.removeEventListener('abort', abort)
      this.#connection = undefined
      for (const { counts } of this.#remote) this.#past = sum(this.#past, { ...counts, open: 0 })
      this.#remote = []
    }
    return upSince
  }

  async #listenThere(connection: ClientConnection): Promise<readonly Forward[]> {
    const requests = this.#options.forwards.flatMap(each => ('reverse' in each ? [each.reverse] : []))
    return await Promise.all(requests.map(request => this.#reverse(connection, request)))
  }

  async #reverse(connection: ClientConnection, request: ReverseRequest): Promise<Forward> {
    const place = readListenPlace(request.listen)
    if (isUnixPlace(place) || place.port !== 0) return await connection.reverse(request)
    const before = this.#ports.get(request)
    const forward = await this.#samePort(connection, request, place.host, before)
    if (!isUnixPlace(forward.address)) this.#ports.set(request, forward.address.port)
    return forward
  }

  /** The port of before if it is free there; else any. */
  async #samePort(
    connection: ClientConnection,
    request: ReverseRequest,
    host: string | undefined,
    before: number | undefined,
  ): Promise<Forward> {
    if (before === undefined) return await connection.reverse(request)
    try {
      return await connection.reverse({ ...request, listen: { host, port: before } })
    } catch (error) {
      if (!(error instanceof ForwardError)) throw error
      return await connection.reverse(request)
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(milliseconds, resolve)
    const { signal } = this.#stop
    const abort = (): void => resolve()
    signal.addEventListener('abort', abort, { once: true })
    if (!signal.aborted) await promise
    signal.removeEventListener('abort', abort)
    cancel()
  }

  #set(state: KeptState): void {
    this.#state = state
    this.#options.onState?.(state, state === 'connecting' || state === 'up' ? undefined : this.#lastError)
  }

  async #closeLocal(): Promise<void> {
    await Promise.all(this.#local.map(each => each.close()))
  }

  async #finish(error: Error | undefined): Promise<void> {
    await this.#closeLocal()
    this.#set('stopped')
    const reason = error ?? new ForwardError('FORWARD_LOST', 'The forwards were stopped.')
    for (const waiter of this.#waiters) waiter.reject(reason)
    this.#stopped.resolve(error)
  }

  /** Ends the connection and what listens. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort(new ForwardError('FORWARD_LOST', 'The forwards were stopped.'))
    await this.#stopped.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Keeps forwards up: connects, and connects again when the connection is lost, until closed. Resolves once everything at this end
 * listens, whether or not there is a connection yet. Rejects with `ForwardError` when something cannot listen.
 */
export const keepForwards = async (options: KeepForwardsOptions): Promise<KeptForwards> => {
  const kept = new KeptForwards(options)
  await kept.start()
  return kept
}
