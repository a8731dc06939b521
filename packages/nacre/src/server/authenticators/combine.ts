// Owns composing authenticators: one of several, or all of several in order. Knows nothing of what they check.
import type { ServerAttempt } from '../../auth/questions.ts'
import {
  type Answer,
  type Applicant,
  type Authenticator,
  type AuthenticatorRun,
  type IdentityOf,
  isQuery,
  methodOf,
} from '../authenticate.ts'

/** `A & B` for the identities of a list. */
export type AllIdentities<List> = List extends readonly [infer First, ...infer Others] ? IdentityOf<First> & AllIdentities<Others> : unknown

const unique = (names: readonly string[]): readonly string[] => [...new Set(names)]

/**
 * Lets in whoever satisfies one of these. Each is tried in order with whatever the client sends. One that fails by an
 * error is left out for that attempt, and the error is reported.
 */
export const firstOf = <const List extends readonly [Authenticator<unknown>, ...Authenticator<unknown>[]]>(
  ...list: List
): Authenticator<IdentityOf<List[number]>> => ({
  methods: unique(list.flatMap(each => each.methods)),
  begin: applicant => new FirstOf(applicant, list as unknown as readonly Authenticator<IdentityOf<List[number]>>[]),
})

class FirstOf<Identity> implements AuthenticatorRun<Identity> {
  readonly #applicant: Applicant
  readonly #branches: readonly AuthenticatorRun<Identity>[]
  /** The branch whose prompts are open, and the attempt that opened them. */
  #talking: { readonly branch: number; readonly opening: ServerAttempt } | undefined

  constructor(applicant: Applicant, list: readonly Authenticator<Identity>[]) {
    this.#applicant = applicant
    this.#branches = list.map(each => each.begin(applicant))
  }

  remaining(): readonly string[] {
    return unique(this.#branches.flatMap(each => each.remaining()))
  }

  async attempt(attempt: ServerAttempt): Promise<Answer<Identity>> {
    const talking = this.#talking
    this.#talking = undefined
    if (attempt.method !== 'keyboard-interactive-response') return this.#try(0, attempt)
    if (talking === undefined) return { is: 'refuse' }
    const answer = await this.#ask(talking.branch, attempt)
    if (answer.is === 'prompt') this.#talking = talking
    // A wrong answer to one branch leads on to the prompts of the next, which could not be reached otherwise.
    return answer.is === 'refuse' ? this.#try(talking.branch + 1, talking.opening) : answer
  }

  async #try(from: number, attempt: ServerAttempt): Promise<Answer<Identity>> {
    const method = methodOf(attempt)
    let progressed = false
    for (let branch = from; branch < this.#branches.length; branch++) {
      if (!this.#branches[branch].remaining().includes(method)) continue
      const answer = await this.#ask(branch, attempt)
      if (answer.is === 'prompt') this.#talking = { branch, opening: attempt }
      // What passed one chain half way may be a step in another, or all that it needs. Only prompts are not shared.
      if (answer.is === 'partial' && method !== 'keyboard-interactive') progressed = true
      else if (answer.is !== 'refuse') return answer
    }
    return { is: progressed ? 'partial' : 'refuse' }
  }

  async #ask(branch: number, attempt: ServerAttempt): Promise<Answer<Identity>> {
    try {
      return await this.#branches[branch].attempt(attempt)
    } catch (error) {
      this.#applicant.report(error)
      return { is: 'refuse' }
    }
  }
}

/**
 * Lets in whoever satisfies all of these, in this order: the next is offered once the one before is passed. The identity
 * has the fields of all of them, as by `Object.assign`; the same key cannot serve two of them.
 */
export const allOf = <const List extends readonly [Authenticator<object>, ...Authenticator<object>[]]>(
  ...list: List
): Authenticator<AllIdentities<List>> => ({
  methods: list[0].methods,
  begin: applicant => new AllOf<AllIdentities<List>>(list.map(each => each.begin(applicant))),
})

class AllOf<Identity> implements AuthenticatorRun<Identity> {
  readonly #steps: readonly AuthenticatorRun<object>[]
  readonly #identities: object[] = []
  readonly #keys = new Set<string>()

  constructor(steps: readonly AuthenticatorRun<object>[]) {
    this.#steps = steps
  }

  remaining(): readonly string[] {
    return this.#steps[this.#identities.length]?.remaining() ?? []
  }

  async attempt(attempt: ServerAttempt): Promise<Answer<Identity>> {
    const step = this.#steps[this.#identities.length]
    if (step === undefined || (attempt.method === 'publickey' && this.#keys.has(attempt.fingerprint))) return { is: 'refuse' }
    const answer = await step.attempt(attempt)
    if (isQuery(attempt)) return { is: answer.is === 'refuse' ? 'refuse' : 'would-accept' }
    if (attempt.method === 'publickey' && (answer.is === 'accept' || answer.is === 'partial')) this.#keys.add(attempt.fingerprint)
    if (answer.is !== 'accept') return answer
    this.#identities.push(answer.identity)
    return this.#identities.length < this.#steps.length ? { is: 'partial' } : { is: 'accept', identity: this.#merged() }
  }

  #merged(): Identity {
    const [first, ...others] = this.#identities
    return (others.length === 0 ? first : Object.assign({}, first, ...others)) as Identity
  }
}
