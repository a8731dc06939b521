// Owns a client's and a server's engine joined in memory on a virtual clock: it carries bytes, answers questions by simple
// policies, and keeps what happened. No event loop takes part unless an algorithm works in a thread.
import { safeGroups } from '../algorithms/kex/groups.ts'
import { defaultTables } from '../algorithms/tables.ts'
import type { AttemptQuestion, Credential, Verdict } from '../auth/questions.ts'
import type { ChannelTypeRow } from '../connection/channel-types/row.ts'
import { nodeCrypto } from '../crypto/node/provider.ts'
import type { CryptoProvider } from '../crypto/provider.ts'
import { Secret } from '../crypto/secret.ts'
import { assemble, type CommonOptions, type RoleOptions } from '../engine/assemble.ts'
import type { EngineQuestion } from '../engine/events.ts'
import type { Signer } from '../keys/signer.ts'
import { BufferPool } from '../transport/outgoing.ts'
import { type VirtualClock, virtualClock } from './clock.ts'
import { insecureTestHostKey } from './keys.ts'
import { type Chunking, Line, type LineOptions } from './line.ts'
import { type PairChannel, PairSide, type SideHooks } from './pair-side.ts'
import { type SeededRandom, seededRandom } from './random.ts'

type Policies = { readonly [A in EngineQuestion['about']]?: SideHooks[A] }

/** One side: the engine's options, and answers that differ from the usual ones. */
export interface PairSideOptions
  extends CommonOptions, Policies, Pick<SideHooks, 'openRequested' | 'channelRequested' | 'globalRequested'> {
  /** Whether data is given back to the window as it comes. Default true. */
  readonly consume?: boolean
}

export interface PairClientOptions extends PairSideOptions {
  readonly user?: string
  /** Tried in order. Default: the password `secret`. */
  readonly credentials?: readonly Credential[]
}

export interface PairServerOptions extends PairSideOptions {
  readonly hostKeys?: readonly Signer[]
  readonly methods?: readonly string[]
  readonly maximumAttempts?: number
  readonly banner?: string
}

export interface PairOptions {
  /** Where chance comes from: keys (ML-KEM of Node's provider apart), padding, and how bytes are cut. Default 1. */
  readonly seed?: number
  readonly client?: PairClientOptions
  readonly server?: PairServerOptions
  readonly chunk?: Chunking
  /** Milliseconds each way. Default 0. */
  readonly latency?: number
  /** Node's by default. */
  readonly crypto?: CryptoProvider
  readonly tap?: LineOptions['tap']
}

export const pairPassword = 'secret'

export const passwordCredential = (password = pairPassword): Credential => ({
  method: 'password',
  password: new Secret(password),
  source: 'test',
})

const judge = ({ attempt, user }: AttemptQuestion): Verdict =>
  attempt.method === 'password' && attempt.password.reveal() === pairPassword
    ? { is: 'accept', identity: user }
    : { is: 'refuse', remaining: ['password', 'publickey', 'keyboard-interactive'] }

const inOrder = (credentials: readonly Credential[]): (() => Credential) => {
  const left = [...credentials]
  return () => left.shift() ?? { method: 'give-up', notes: [] }
}

/** What the sides of a pair share. */
export interface PairContext {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly crypto: CryptoProvider
}

const makeSide = (options: PairSideOptions, role: RoleOptions, usual: SideHooks, { clock, random, crypto }: PairContext): PairSide => {
  const config = assemble({ random: random.fork().bytes, ...options }, role, { crypto, tables: defaultTables, pool: new BufferPool() })
  return new PairSide(config, { ...usual, ...options }, clock, options.consume ?? true)
}

/** A client that takes any host key. Call `start`. */
export const createClientSide = (options: PairClientOptions, context: PairContext): PairSide =>
  makeSide(
    options,
    { role: 'client', user: options.user ?? 'ada', preferHostKeys: [] },
    {
      'host-key': () => true,
      credential: inOrder(options.credentials ?? [passwordCredential()]),
      signature: ask => ask.credential.sign(ask.data, ask.credential.algorithm),
      prompts: () => undefined,
      'new-password': () => undefined,
    },
    context,
  )

/** A server that lets in whoever knows `pairPassword`. Call `start`. */
export const createServerSide = (options: PairServerOptions, context: PairContext): PairSide =>
  makeSide(
    options,
    {
      role: 'server',
      hostKeys: options.hostKeys ?? [insecureTestHostKey(context.crypto)],
      groups: safeGroups,
      maximumAttempts: options.maximumAttempts,
      methods: options.methods ?? ['publickey', 'password', 'keyboard-interactive'],
      banner: options.banner,
    },
    { attempt: judge },
    context,
  )

/** Steps after which a conversation that does not come to rest is taken for a loop. */
const stepLimit = 1_000_000

export class Pair {
  readonly clock: VirtualClock
  readonly random: SeededRandom
  readonly client: PairSide
  readonly server: PairSide
  readonly line: Line

  constructor(options: PairOptions) {
    this.clock = virtualClock(1000)
    this.random = seededRandom(options.seed ?? 1)
    const context = { clock: this.clock, random: this.random, crypto: options.crypto ?? nodeCrypto() }
    this.client = createClientSide(options.client ?? {}, context)
    this.server = createServerSide(options.server ?? {}, context)
    this.line = new Line(this.client, this.server, {
      clock: this.clock,
      random: this.random.fork(),
      chunk: options.chunk ?? 'whole',
      latency: options.latency ?? 0,
      tap: options.tap,
    })
    this.client.start()
    this.server.start()
  }

  /** Carries one chunk one way; false when nothing can move now. */
  step(): boolean {
    return this.line.step()
  }

  /** Goes on until nothing moves, waiting for bytes that are under way. Work in threads is left open: see `settle`. */
  run(): this {
    for (;;) {
      this.#flow()
      const arrival = this.line.nextArrival()
      if (arrival === undefined) return this
      this.#passTo(arrival)
    }
  }

  /** All that moves without time passing. */
  #flow(): void {
    for (let steps = 0; steps < stepLimit; steps++) if (!this.step()) return
    throw new Error(`the pair does not come to rest (seed ${this.random.seed})`)
  }

  /** Like `run`, and waits for answers that are promises. */
  async settle(): Promise<this> {
    for (this.run(); this.client.working || this.server.working; this.run())
      await Promise.race([this.client.worked(), this.server.worked()])
    return this
  }

  /** Lets time pass; deadlines take effect, and what follows from them within that time happens. */
  elapse(milliseconds: number): this {
    const until = this.clock.now() + milliseconds
    this.#flow()
    for (;;) {
      const due = [this.client.engine.deadline(), this.server.engine.deadline(), this.line.nextArrival()].filter(each => each !== undefined)
      const next = Math.min(until, ...due)
      this.#passTo(Math.max(next, this.clock.now()))
      this.#flow()
      if (this.clock.now() >= until) return this
    }
  }

  #passTo(at: number): void {
    this.clock.advanceTo(at)
    this.client.elapse()
    this.server.elapse()
  }

  /** Opens a channel from the client, and gives both its ends once the server has accepted. */
  open<T>(row: ChannelTypeRow<string, T>, details: T): { readonly client: PairChannel; readonly server: PairChannel } {
    const before = this.server.channels.length
    const client = this.client.open(row, details)
    this.run()
    const server = this.server.channels[before]
    if (server === undefined) throw new Error(`the channel was not opened (seed ${this.random.seed})`)
    return { client, server }
  }
}

/** Two engines, joined and started; `run` makes them log in. */
export const createPair = (options: PairOptions = {}): Pair => new Pair(options)
