// Owns holding the dialogue of SOCKS with whoever connected: bytes in pieces of any size, a deadline, and what is left over for
// the connection that comes of it. Knows nothing of how connecting is done.
import { ChannelOpenError, ConnectError, ForwardError } from '../errors.ts'
import type { Clock } from '../io/clock.ts'
import { socksDialogue, type SocksOutcome, type SocksStep, type SocksTarget } from './socks.ts'

/** Who speaks SOCKS to us. */
export interface SocksPeer {
  /** The next bytes, `undefined` once there will be none. */
  read(): Promise<Uint8Array | undefined>
  write(bytes: Uint8Array): void
  /** Ends it; a `read` that waits is over. */
  discard(): void
}

export interface SocksOptions {
  /** Milliseconds for all a client says until it is clear where to. Default 30 s. */
  readonly socksTimeout?: number
}

const defaultTimeout = 30_000

/** What a client of SOCKS is told. */
const socksOutcomeOf = (error: unknown): SocksOutcome => {
  const cause = error instanceof ConnectError && error.cause instanceof ChannelOpenError ? error.cause : error
  if (cause instanceof ChannelOpenError) {
    if (cause.reason === 'administratively-prohibited') return 'not-allowed'
    return cause.reason === 'connect-failed' ? 'refused' : 'failed'
  }
  if (cause instanceof ForwardError) return 'not-allowed'
  if (cause instanceof ConnectError) return cause.code === 'CONNECT_TIMEOUT' ? 'host-unreachable' : 'refused'
  return 'failed'
}

/** Bytes of a peer, as many as are wanted. */
class Pieces {
  readonly #peer: SocksPeer
  #rest: Uint8Array = new Uint8Array(0)

  constructor(peer: SocksPeer) {
    this.#peer = peer
  }

  async take(count: number): Promise<Uint8Array> {
    while (this.#rest.length < count) {
      const more = await this.#peer.read()
      if (more === undefined) throw new ForwardError('FORWARD_SOCKS', 'The connection ended in the middle of a request of SOCKS.')
      if (this.#rest.length === 0) this.#rest = more
      else {
        const both = new Uint8Array(this.#rest.length + more.length)
        both.set(this.#rest)
        both.set(more, this.#rest.length)
        this.#rest = both
      }
    }
    const taken = this.#rest.slice(0, count)
    this.#rest = this.#rest.subarray(count)
    return taken
  }

  /** What came beyond the request. */
  get rest(): Uint8Array {
    return this.#rest
  }
}

/**
 * Serves one request. `connect` makes the connection; what it rejects with is told in the words of SOCKS, and rejects here.
 * Resolves with what `connect` gave, and with bytes that came early and belong to that connection.
 */
export const serveSocks = async <Connected>(
  peer: SocksPeer,
  connect: (target: SocksTarget) => Promise<Connected>,
  { socksTimeout = defaultTimeout }: SocksOptions,
  clock: Clock,
): Promise<{ readonly connected: Connected; readonly rest: Uint8Array }> => {
  const pieces = new Pieces(peer)
  const dialogue = socksDialogue()
  let late = false
  const cancel = clock.after(socksTimeout, () => {
    late = true
    peer.discard()
  })
  let came: { readonly connected: Connected } | undefined
  let failed: { readonly error: unknown } | undefined
  const answer = async (step: SocksStep): Promise<unknown> => {
    if (step.do === 'take') return await pieces.take(step.bytes)
    if (step.do === 'say') {
      peer.write(step.bytes)
      return undefined
    }
    cancel()
    try {
      came = { connected: await connect(step.target) }
      return 'connected' satisfies SocksOutcome
    } catch (error) {
      failed = { error }
      return socksOutcomeOf(error)
    }
  }
  try {
    let turn = dialogue.next()
    while (turn.done !== true) turn = dialogue.next(await answer(turn.value))
  } catch (error) {
    throw late ? new ForwardError('FORWARD_SOCKS', `No request of SOCKS came within ${socksTimeout / 1000} s.`) : error
  } finally {
    cancel()
  }
  if (failed !== undefined || came === undefined) throw failed?.error ?? new ForwardError('FORWARD_SOCKS', 'SOCKS asked for no connection.')
  return { connected: came.connected, rest: pieces.rest }
}
