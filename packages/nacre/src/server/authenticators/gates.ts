// Owns what stands in front of an authenticator: a test of one's own, a list of addresses, a limit on attempts. Knows
// nothing of the authenticator behind.
import { addressRanges, sourceOf } from '../../addresses.ts'
import type { ServerAttempt } from '../../auth/questions.ts'
import { type Answer, type Applicant, type Authenticator, type AuthenticatorRun, isQuery } from '../authenticate.ts'

/**
 * Refuses everything while `allow` says no. It is asked once for each user name on a connection. The methods stay listed
 * all the same, so that nobody learns whom the test knows.
 */
export const guard = <Identity>(
  allow: (applicant: Applicant) => boolean | Promise<boolean>,
  inner: Authenticator<Identity>,
): Authenticator<Identity> => ({
  methods: inner.methods,
  begin(applicant) {
    const run = inner.begin(applicant)
    let allowed: Promise<boolean> | undefined
    return {
      remaining: () => run.remaining(),
      async attempt(attempt) {
        allowed ??= (async () => allow(applicant))()
        return (await allowed) ? run.attempt(attempt) : { is: 'refuse' }
      },
    }
  },
})

/**
 * Only for clients from these addresses: `from(['10.0.0.0/8', '::1'], password(…))`. Others are not even offered the
 * methods behind it. A connection without a known address is from none. Throws `TypeError` for what is no range.
 */
export const from = <Identity>(addresses: string | readonly string[], inner: Authenticator<Identity>): Authenticator<Identity> => {
  const among = addressRanges(typeof addresses === 'string' ? [addresses] : addresses)
  return {
    methods: inner.methods,
    begin: applicant => (applicant.remote !== undefined && among(applicant.remote.address) ? inner.begin(applicant) : closed),
  }
}

const closed: AuthenticatorRun<never> = { remaining: () => [], attempt: () => ({ is: 'refuse' }) }

export interface LimitOptions {
  /** Failed attempts one source may make … */
  readonly attempts: number
  /** … in so many seconds. */
  readonly seconds: number
  /** How many sources are remembered; the one heard of longest ago is forgotten first. Default 10000. */
  readonly sources?: number
}

/**
 * At most so many failed attempts from one source, over all its connections: an IPv4 address, an IPv6 /64, or all
 * connections without an address together. An attempt takes its place when it is made, so that many at once do not
 * slip through, and gives it back when it was right. Queries about keys and "none" are free, but are refused too
 * when no place is left. Kept in memory, for as long as the value lives.
 */
export const limit = <Identity>(options: LimitOptions, inner: Authenticator<Identity>): Authenticator<Identity> => {
  const { attempts, seconds, sources = 10_000 } = options
  for (const [name, value] of Object.entries({ attempts, seconds, sources })) {
    if (!(value > 0)) throw new TypeError(`limit: ${name} must be more than 0, not ${value}.`)
  }
  const window = new Window(attempts, seconds * 1000, sources)
  return { methods: inner.methods, begin: applicant => new Limited(applicant, inner.begin(applicant), window) }
}

/** One attempt's place; an object, so that exactly it can be given back. */
interface Place {
  readonly at: number
}

class Window {
  readonly #attempts: number
  readonly #milliseconds: number
  readonly #limit: number
  /** In the order they were last heard of. */
  readonly #places = new Map<string, Place[]>()

  constructor(attempts: number, milliseconds: number, limit: number) {
    this.#attempts = attempts
    this.#milliseconds = milliseconds
    this.#limit = limit
  }

  /** True while the source may make another attempt. */
  open(source: string, now: number): boolean {
    return this.#current(source, now).length < this.#attempts
  }

  take(source: string, now: number): Place {
    const place = { at: now }
    const places = [...this.#current(source, now), place]
    this.#places.delete(source)
    this.#places.set(source, places)
    const [oldest] = this.#places.keys()
    if (this.#places.size > this.#limit && oldest !== undefined) this.#places.delete(oldest)
    return place
  }

  giveBack(source: string, taken: readonly Place[]): void {
    const left = this.#places.get(source)?.filter(each => !taken.includes(each))
    if (left?.length === 0) this.#places.delete(source)
    else if (left) this.#places.set(source, left)
  }

  #current(source: string, now: number): readonly Place[] {
    return this.#places.get(source)?.filter(each => each.at > now - this.#milliseconds) ?? []
  }
}

class Limited<Identity> implements AuthenticatorRun<Identity> {
  readonly #applicant: Applicant
  readonly #inner: AuthenticatorRun<Identity>
  readonly #window: Window
  readonly #source: string
  /** Places of the conversation that is open, and how many responses it had. */
  #taken: Place[] = []
  #responses = 0

  constructor(applicant: Applicant, inner: AuthenticatorRun<Identity>, window: Window) {
    this.#applicant = applicant
    this.#inner = inner
    this.#window = window
    this.#source = sourceOf(applicant.remote?.address)
  }

  remaining(): readonly string[] {
    return this.#inner.remaining()
  }

  async attempt(attempt: ServerAttempt): Promise<Answer<Identity>> {
    const now = this.#applicant.now()
    const response = attempt.method === 'keyboard-interactive-response'
    if (!response) this.#taken = []
    this.#responses = response ? this.#responses + 1 : 0
    // The first response belongs to the attempt that opened the prompts; each further one is another guess.
    const free = attempt.method === 'none' || isQuery(attempt) || this.#responses === 1
    if (this.#responses !== 1 && !this.#window.open(this.#source, now)) return { is: 'refuse' }
    if (!free) this.#taken.push(this.#window.take(this.#source, now))
    const answer = await this.#inner.attempt(attempt)
    if (answer.is !== 'refuse' && answer.is !== 'prompt') this.#window.giveBack(this.#source, this.#taken.splice(0))
    return answer
  }
}
