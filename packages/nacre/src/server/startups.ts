// Owns who may begin to log in: how many connections at once, how many from one source, and for how long a source is kept
// out that wasted them. Reads no clock and throws no dice: both are arguments. Knows nothing of sockets or of SSH.
import { ConfigError } from '../errors.ts'
import { addressRanges, parseAddress, sourceOf } from '../addresses.ts'

/** From `begin` connections on, `rate` percent of the new are turned away, growing to all of them at `full`. */
export interface EarlyDrop {
  readonly begin: number
  readonly rate: number
  readonly full: number
}

/** Milliseconds for which a source is refused, by what a connection of it came to; they add up. Sources do not pay for logins. */
export interface PenaltyRules {
  /** It tried to log in and could not. Default 5 s. */
  readonly failed?: number
  /** It tried as somebody who does not exist. Default 5 s. */
  readonly invalidUser?: number
  /** The configuration refuses it, whoever it is. Default 10 s. */
  readonly refused?: number
  /** It left without having tried. Default 1 s. */
  readonly noAttempt?: number
  /** It took longer than a login may. Default 10 s. */
  readonly tooLate?: number
  /** Less than this in all is forgiven. Default 15 s. */
  readonly minimum?: number
  /** More than this is never due. Default 10 min. */
  readonly maximum?: number
  /** Sources remembered, of each address family. Default 65536. */
  readonly sources4?: number
  readonly sources6?: number
  /** With more of them: forget the oldest, or refuse everybody of that family until a penalty has passed. Default `permissive`. */
  readonly overflow4?: 'permissive' | 'deny-all'
  readonly overflow6?: 'permissive' | 'deny-all'
  /** Addresses and ranges that never pay, or a test for an address. */
  readonly exempt?: readonly string[] | ((address: string) => boolean)
}

export interface StartupRules {
  /** All connections that have not logged in. Default 100. */
  readonly maximum?: number | EarlyDrop
  /** Those from one source. Default no limit. */
  readonly perSource?: number
  /** The bits of an address that make a source. Default 32 and 64. */
  readonly sourceBits?: { readonly v4: number; readonly v6: number }
  /** Default none. */
  readonly penalties?: PenaltyRules
  /**
   * Milliseconds after which a connection that has not finished its first key exchange makes room for a new one, when there
   * is none left. `Infinity` keeps such connections until their deadline. Default 1000.
   */
  readonly patience?: number
}

/** Why a connection is turned away: too many have not logged in, too many of its source, or it has a penalty. */
export type TurnedAway = 'startups' | 'source' | 'penalty'

/** What became of a connection that had not logged in. */
export type StartupOutcome = 'authenticated' | 'failed' | 'invalid-user' | 'refused' | 'no-attempt' | 'too-late' | 'stopped'

const defaultMaximum = 100
const defaultPatience = 1000
const defaultBits = { v4: 32, v6: 64 } as const
const defaultPenalties = {
  failed: 5000,
  invalidUser: 5000,
  refused: 10_000,
  noAttempt: 1000,
  tooLate: 10_000,
  minimum: 15_000,
  maximum: 600_000,
  sources4: 65_536,
  sources6: 65_536,
  overflow4: 'permissive',
  overflow6: 'permissive',
  exempt: [],
} as const satisfies Required<PenaltyRules>

/** True when a connection is to be turned away: by chance from `begin` on, always from `full` on. `dice` is in [0, 1). */
const isTurnedAway = (count: number, { begin, rate, full }: EarlyDrop, dice: number): boolean => {
  if (count < begin) return false
  if (count >= full || rate === 100) return true
  return dice * 100 < rate + ((100 - rate) * (count - begin)) / (full - begin)
}

/** A connection that has not logged in. */
export class Startup {
  readonly since: number
  readonly source: string | undefined
  readonly #over: (startup: Startup, outcome: StartupOutcome, now: number) => void
  readonly #exchanged: (startup: Startup) => void
  /** Ends the connection, because a new one needs the place. */
  readonly makeRoom: () => void

  constructor(
    facts: { readonly since: number; readonly source: string | undefined; readonly makeRoom: () => void },
    hooks: {
      readonly exchanged: (startup: Startup) => void
      readonly over: (startup: Startup, outcome: StartupOutcome, now: number) => void
    },
  ) {
    this.since = facts.since
    this.source = facts.source
    this.makeRoom = facts.makeRoom
    this.#exchanged = hooks.exchanged
    this.#over = hooks.over
  }

  /** Its first key exchange is done: it will not have to make room. */
  exchanged(): void {
    this.#exchanged(this)
  }
  /** It is logged in, or gone. Counts once. */
  over(outcome: StartupOutcome, now: number): void {
    this.#over(this, outcome, now)
  }
}

const isFamily6 = (source: string): boolean => source.split('.').length > 4

const rangesOf = (exempt: NonNullable<PenaltyRules['exempt']>): ((address: string) => boolean) => {
  if (typeof exempt === 'function') return exempt
  try {
    return addressRanges(exempt)
  } catch (cause) {
    throw new ConfigError(`Nobody can be exempt from penalties so: ${(cause as Error).message}`, {}, { cause })
  }
}

/** Times until which sources are refused. */
class Penalties {
  readonly #rules: Required<PenaltyRules>
  readonly #exempt: (address: string) => boolean
  /** By source, the longest unchanged first. */
  readonly #until = { v4: new Map<string, Due>(), v6: new Map<string, Due>() }

  constructor(rules: PenaltyRules, before: Penalties | undefined) {
    this.#rules = { ...defaultPenalties, ...rules }
    this.#exempt = rangesOf(this.#rules.exempt)
    if (before !== undefined) this.#until = before.#until
  }

  #family(source: string): { readonly map: Map<string, Due>; readonly most: number; readonly denies: boolean } {
    const { sources4, sources6, overflow4, overflow6 } = this.#rules
    return isFamily6(source)
      ? { map: this.#until.v6, most: sources6, denies: overflow6 === 'deny-all' }
      : { map: this.#until.v4, most: sources4, denies: overflow4 === 'deny-all' }
  }

  refuses(address: string, source: string, now: number): boolean {
    if (this.#exempt(address)) return false
    const { map, most, denies } = this.#family(source)
    if (denies && map.size >= most) {
      forgetPassed(map, now)
      if (map.size >= most) return true
    }
    const due = map.get(source)
    return due !== undefined && due.counts && due.until > now
  }

  add(address: string, source: string, outcome: StartupOutcome, now: number): void {
    const { failed, invalidUser, refused, noAttempt, tooLate, minimum, maximum } = this.#rules
    const amounts: Record<StartupOutcome, number> = {
      authenticated: 0,
      stopped: 0,
      failed,
      'invalid-user': invalidUser,
      refused,
      'no-attempt': noAttempt,
      'too-late': tooLate,
    }
    const amount = amounts[outcome]
    if (amount <= 0 || this.#exempt(address)) return
    const { map, most, denies } = this.#family(source)
    const before = map.get(source)
    const running = before !== undefined && before.until > now ? before : { until: now, counts: false }
    const until = Math.min(running.until + amount, now + maximum)
    map.delete(source)
    if (map.size >= most) forgetPassed(map, now)
    if (map.size >= most) {
      // Everybody is refused then; there is nothing to add.
      if (denies) return
      const [oldest] = map.keys()
      map.delete(oldest)
    }
    map.set(source, { until, counts: running.counts || until - now >= minimum })
  }
}

interface Due {
  readonly until: number
  /** The minimum was reached. */
  readonly counts: boolean
}

const forgetPassed = (map: Map<string, Due>, now: number): void => {
  for (const [source, { until }] of map) if (until <= now) map.delete(source)
}

const checkRules = ({ maximum = defaultMaximum, perSource = 1 }: StartupRules): void => {
  const { begin, rate, full } = typeof maximum === 'number' ? { begin: maximum, rate: 100, full: maximum } : maximum
  if (!(begin >= 1 && full >= begin && rate >= 1 && rate <= 100 && perSource >= 1))
    throw new ConfigError(
      'Limits on connections that have not logged in must be 1 or more, with a rate from 1 to 100 and `full` not below `begin`.',
    )
}

/** The connections that have not logged in, of one server or of several that share this. */
export class Startups {
  #rules: StartupRules
  #penalties: Penalties | undefined
  readonly #all = new Set<Startup>()
  /** Those in their first key exchange, the oldest first. */
  readonly #exchanging = new Set<Startup>()
  readonly #bySource = new Map<string, number>()

  /** Throws `ConfigError` for rules that cannot work. */
  constructor(rules: StartupRules = {}) {
    checkRules(rules)
    this.#rules = rules
    this.#penalties = rules.penalties === undefined ? undefined : new Penalties(rules.penalties, undefined)
  }

  /** New rules from now on. Connections and penalties stay. */
  change(rules: StartupRules): void {
    checkRules(rules)
    this.#rules = rules
    this.#penalties = rules.penalties === undefined ? undefined : new Penalties(rules.penalties, this.#penalties)
  }

  /** How many there are. */
  get count(): number {
    return this.#all.size
  }

  /**
   * A place for a connection, or why there is none. An `address` that is none, of a pipe, say, belongs to no source. `now` is
   * in milliseconds on any clock, `dice` from 0 up to 1. `makeRoom` is called when the connection has to go for a newer one.
   */
  admit(
    address: string | undefined,
    { now, dice }: { readonly now: number; readonly dice: number },
    makeRoom: () => void,
  ): Startup | TurnedAway {
    const { perSource = Number.POSITIVE_INFINITY, maximum = defaultMaximum } = this.#rules
    const source = this.#source(address)
    if (source !== undefined && address !== undefined && this.#penalties?.refuses(address, source, now) === true) return 'penalty'
    if (source !== undefined && (this.#bySource.get(source) ?? 0) >= perSource) return 'source'
    const drop = typeof maximum === 'number' ? { begin: maximum, rate: 100, full: maximum } : maximum
    if (isTurnedAway(this.#all.size, drop, dice) && !this.#makeRoom(now)) return 'startups'
    const startup = new Startup(
      { since: now, source, makeRoom },
      { exchanged: each => void this.#exchanging.delete(each), over: (each, outcome, at) => this.#over(each, address, outcome, at) },
    )
    this.#all.add(startup)
    this.#exchanging.add(startup)
    if (source !== undefined) this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1)
    return startup
  }

  #source(address: string | undefined): string | undefined {
    if (address === undefined || parseAddress(address) === undefined) return undefined
    return sourceOf(address, this.#rules.sourceBits ?? defaultBits)
  }

  /** Whoever says hello and nothing more must not keep others from it: the oldest that is at it for long goes. */
  #makeRoom(now: number): boolean {
    const [oldest] = this.#exchanging
    if (oldest === undefined || now - oldest.since < (this.#rules.patience ?? defaultPatience)) return false
    oldest.over('no-attempt', now)
    oldest.makeRoom()
    return true
  }

  #over(startup: Startup, address: string | undefined, outcome: StartupOutcome, now: number): void {
    if (!this.#all.delete(startup)) return
    this.#exchanging.delete(startup)
    const { source } = startup
    if (source === undefined || address === undefined) return
    const left = (this.#bySource.get(source) ?? 1) - 1
    if (left === 0) this.#bySource.delete(source)
    else this.#bySource.set(source, left)
    this.#penalties?.add(address, source, outcome, now)
  }
}
