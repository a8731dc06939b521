// Owns one run of a simulation: two applications, a network between them, steps in an order drawn from the seed, the
// accident of the plan, and what must be true when it is over. Throws `Violation`.
import { nodeCrypto } from '../../src/crypto/node/provider.ts'
import type { CryptoProvider } from '../../src/crypto/provider.ts'
import { safeGroups } from '../../src/algorithms/kex/groups.ts'
import { defaultTables } from '../../src/algorithms/tables.ts'
import { assemble, type RoleOptions } from '../../src/engine/assemble.ts'
import type { EngineConfig } from '../../src/engine/config.ts'
import { AuthenticationError, HostKeyError, ProtocolError, SshError, TimeoutError } from '../../src/errors.ts'
import { insecureTestHostKey } from '../../src/testing/keys.ts'
import { nullCrypto } from '../../src/testing/null-crypto.ts'
import { seededRandom } from '../../src/testing/random.ts'
import { BufferPool } from '../../src/transport/outgoing.ts'
import { Application, type ApplicationContext, orderedGlobal, ours } from './application.ts'
import { ordered } from './channel-end.ts'
import { letsIn, loginMethods, LoginScript, slowSigner } from './login.ts'
import { Network } from './network.ts'
import { PacketObserver } from './packets.ts'
import { type Ending, type Scenario, scenarioOf, type SideName, sideNames } from './scenario.ts'
import { Stage, violated } from './stage.ts'

/** Figures of a run that went well. */
export interface Outcome {
  readonly steps: number
  readonly packets: number
  /** Of both sides. */
  readonly exchanges: number
  readonly channels: number
  readonly bytes: number
  readonly milliseconds: number
  /** Everything planned was done. */
  readonly complete: boolean
}

/** No run takes as many steps. */
const stepLimit = 3_000_000
/** Milliseconds a run may take on its own clock. */
const timeLimit = 24 * 3_600_000

/** Runs the scenario of a seed. `note` is told of everything that happens. */
export const simulate = (seed: number, note?: (line: string) => void): Outcome => new Simulation(scenarioOf(seed), note).run()

class Simulation {
  readonly #scenario: Scenario
  readonly #stage: Stage
  readonly #observer: PacketObserver
  readonly #context: ApplicationContext
  readonly #apps: { readonly [S in SideName]: Application }
  readonly #network: Network
  #steps = 0
  #saidFarewell = false
  /** When the network fell silent; from then on everything must be over in time. */
  #silentSince: number | undefined

  constructor(scenario: Scenario, note: ((line: string) => void) | undefined) {
    this.#scenario = scenario
    note?.(JSON.stringify(scenario))
    const random = seededRandom(scenario.seed ^ 0x5eed)
    this.#stage = new Stage(random, note === undefined ? undefined : line => note(`${this.#stage.clock.now()} ${line}`))
    this.#observer = new PacketObserver(side => this.#apps[side].sealed, this.#stage.note)
    const crypto = scenario.crypto === 'real' ? nodeCrypto() : nullCrypto
    const hostKey = insecureTestHostKey(crypto)
    this.#context = {
      scenario,
      stage: this.#stage,
      observer: this.#observer,
      login: new LoginScript(scenario.login, crypto),
      hostKey,
      ends: { client: new Map(), server: new Map() },
      delivered: side => this.#network.pipes[side === 'client' ? 'server' : 'client'].delivered,
    }
    // One pool for both sides: a buffer that is given back too early shows in the other side's bytes.
    const pool = new BufferPool()
    const { login } = scenario
    this.#apps = {
      client: this.#application({ role: 'client', user: 'ada', preferHostKeys: [] }, crypto, pool),
      server: this.#application(
        {
          role: 'server',
          hostKeys: [login.slowSigner ? slowSigner(hostKey) : hostKey],
          groups: safeGroups,
          maximumAttempts: login.maximumAttempts,
          methods: loginMethods,
          banner: login.banner ? 'Welcome.' : undefined,
        },
        crypto,
        pool,
      ),
    }
    this.#network = new Network(this.#apps.client, this.#apps.server, scenario.network, this.#stage)
  }

  #application(role: RoleOptions, crypto: CryptoProvider, pool: BufferPool): Application {
    const { algorithms, sides } = this.#scenario
    const side = role.role
    const { limits, rekey, keepalive, deadlines, highWater } = sides[side]
    const config: EngineConfig = assemble(
      {
        algorithms,
        limits,
        rekey,
        keepalive,
        deadlines,
        random: this.#stage.random.fork().bytes,
        requestTypes: [ordered],
        globalRequestTypes: [orderedGlobal],
        channelTypes: [ours],
        ...this.#observer.hooks(side),
      },
      role,
      { crypto, tables: defaultTables, pool },
    )
    return new Application(side, { ...config, transport: { ...config.transport, highWater } }, this.#context)
  }

  run(): Outcome {
    const { client, server } = this.#apps
    const stage = this.#stage
    for (const { after, by } of this.#scenario.rekeys) {
      stage.later(after, () => {
        stage.note?.(`new keys, says ${by.join(' and ')}`)
        for (const side of by) this.#apps[side].rekey()
      })
    }
    server.start()
    client.start()
    while (this.#step());
    this.#checkRest()
    return {
      steps: this.#steps,
      packets: this.#observer.count,
      exchanges: this.#observer.exchanges('client') + this.#observer.exchanges('server'),
      channels: this.#context.ends.client.size,
      bytes: this.#network.pipes.client.delivered + this.#network.pipes.server.delivered,
      milliseconds: stage.clock.now(),
      complete: this.#saidFarewell,
    }
  }

  /** One thing happens. False when nothing can any more. */
  #step(): boolean {
    if (++this.#steps > stepLimit) return violated(`no rest after ${stepLimit} steps; waiting: ${this.#stage.waiting.join(', ')}`)
    const { accident } = this.#scenario
    if (accident !== undefined && accident.atStep === this.#steps) this.#bring(accident.ending)
    const ready = this.#stage.random.oneIn(3) ? this.#stage.takeReady() : undefined
    if (ready !== undefined) {
      ready()
      return true
    }
    if (this.#network.step()) return true
    const other = this.#stage.takeReady()
    if (other !== undefined) {
      other()
      return true
    }
    if (this.#idle()) return true
    return this.#letTimePass()
  }

  /** Everything planned has been done: then it is time to go. */
  #idle(): boolean {
    const { client, server } = this.#apps
    if (this.#saidFarewell || !client.authenticated || !server.authenticated || client.ended || server.ended) return false
    if (this.#stage.busy > 0 || this.#silentSince !== undefined) return false
    this.#saidFarewell = true
    this.#bring(this.#scenario.farewell)
    return true
  }

  #bring(ending: Ending): void {
    this.#stage.note?.(`the end comes: ${JSON.stringify(ending)}`)
    switch (ending.is) {
      case 'disconnect':
        for (const side of ending.by) this.#apps[side].disconnect()
        return
      case 'half-close':
        this.#network.halfClose(ending.by)
        return
      case 'reset':
        this.#network.reset()
        return
      case 'silence':
        this.#network.silence()
        this.#silentSince = this.#stage.clock.now()
        // Who has turned keepalives off and waits for nothing with a deadline has to notice in another way.
        for (const side of sideNames) {
          const deadline = !this.#apps[side].authenticated || this.#observer.awaitsKeys(side)
          if (this.#scenario.sides[side].keepalive === false && !deadline) this.#stage.later(600_000, () => this.#apps[side].disconnect())
        }
    }
  }

  #letTimePass(): boolean {
    const { clock } = this.#stage
    const { client, server } = this.#apps
    client.checkIdle()
    server.checkIdle()
    const due = [clock.next(), this.#network.next(), client.engine.deadline(), server.engine.deadline()].filter(each => each !== undefined)
    if (due.length === 0) return false
    const next = Math.max(clock.now(), Math.min(...due))
    if (next > this.#limit()) {
      return violated(`at ${clock.now()} ms nothing will happen until ${next} ms; waiting: ${this.#stage.waiting.join(', ') || 'nobody'}`)
    }
    clock.advanceTo(next)
    client.elapse(next)
    server.elapse(next)
    return true
  }

  #limit(): number {
    if (this.#silentSince === undefined) return timeLimit
    const patience = sideNames.map(side => {
      const { deadlines, keepalive } = this.#scenario.sides[side]
      const silence = keepalive === false ? 600_000 : keepalive.milliseconds * (keepalive.maximumUnanswered + 1)
      return Math.max(deadlines.handshake, deadlines.login, deadlines.rekey) + silence
    })
    return this.#silentSince + Math.max(...patience) + slack
  }

  // ── when it is over ───────────────────────────────────────────────────────────────────────────────────────────────

  #checkRest(): void {
    const { client, server } = this.#apps
    for (const app of [client, server]) {
      app.checkRest()
      const error = app.ending?.error
      if (error !== undefined && !this.#mayEndWith(app.side, error))
        violated(`${app.side} ended with ${error.name}: ${error.message}\n${error.stack ?? ''}`)
    }
    if (this.#stage.waiting.length > 0) violated(`still waiting after the end: ${this.#stage.waiting.join(', ')}`)
    const { accident, hurried } = this.#scenario
    const undisturbed = !hurried && (accident === undefined || accident.atStep > this.#steps)
    if (undisturbed && this.#letsIn() && !this.#saidFarewell) violated('nothing went wrong, and not everything was done')
    if (client.authenticated && !this.#letsIn()) violated('the user was let in against the plan')
  }

  /** Whether the plan lets the user in. */
  #letsIn(): boolean {
    const { attempts, hostKey, maximumAttempts } = this.#scenario.login
    if (hostKey === 'refused') return false
    let failures = 0
    for (const [index, attempt] of attempts.entries()) {
      if (letsIn(attempt)) return true
      // Asking for the methods first is free; who cancels has not failed.
      if (attempt === 'cancelled' || (attempt === 'none' && index === 0)) continue
      if (++failures >= maximumAttempts) return false
    }
    return false
  }

  #mayEndWith(side: SideName, error: Error): boolean {
    const { algorithms, hurried, login } = this.#scenario
    if (error instanceof TimeoutError) return hurried || this.#silentSince !== undefined
    if (error instanceof ProtocolError) {
      if (side === 'client') return false
      // What leaves before SUCCESS is there is read as compressed behind it; that is how delayed compression was made.
      if (error.violation === 'decompression-failed')
        return algorithms.compression === 'zlib@openssh.com' && this.#apps.server.authenticated && !this.#apps.client.authenticated
      return error.violation === 'too-many-auth-attempts' && !this.#letsIn()
    }
    if (error instanceof HostKeyError) return login.hostKey === 'refused' && side === 'client'
    if (error instanceof AuthenticationError) return side === 'client'
    return error instanceof SshError
  }
}

/** Milliseconds beyond the sum of deadlines: answers that are under way. */
const slack = 60_000
