// Owns the authenticator that asks: keyboard-interactive (RFC 4256) as an async function with `t.ask`. Knows nothing of
// what is asked. One conversation at a time; a new one ends the one before.
import { SshError } from '../../errors.ts'
import type { Secret } from '../../crypto/secret.ts'
import type { Answer, Applicant, Authenticator } from '../authenticate.ts'
import { type Accepted, answerOf } from './outcome.ts'

export interface Prompt {
  readonly prompt: string
  /** True when what is typed may be seen. Default false. */
  readonly echo?: boolean
}

/** The person at the other end, for the time of one conversation. */
export interface Prompter extends Applicant {
  /** Kinds of prompts the client would like (RFC 4256 §3.1); mostly empty. */
  readonly submethods: readonly string[]
  /** Asks one thing. Rejects when the client goes away or tries something else. */
  ask(prompt: string, options?: { readonly echo?: boolean }): Promise<string>
  /** Asks several things at once; the answers come in the same order. At most 128. */
  askAll(prompts: readonly Prompt[], instruction?: string): Promise<readonly string[]>
  /** Shows a text; resolves once the client has it. */
  tell(text: string): Promise<void>
}

/** Lets in whoever answers rightly: `dialogue` returns the identity, or something falsy to refuse. `name` is a heading. */
export const prompts = <Result>(
  dialogue: (t: Prompter) => Result | Promise<Result>,
  options: { readonly name?: string } = {},
): Authenticator<Accepted<Result>> => ({
  methods: ['keyboard-interactive'],
  begin(applicant) {
    let conversation: Conversation<Accepted<Result>> | undefined
    return {
      remaining: () => ['keyboard-interactive'],
      async attempt(attempt) {
        if (attempt.method === 'keyboard-interactive-response') return conversation?.respond(attempt.responses) ?? { is: 'refuse' }
        conversation?.abandon()
        conversation = undefined
        if (attempt.method !== 'keyboard-interactive') return { is: 'refuse' }
        conversation = new Conversation(applicant, options.name ?? '')
        return conversation.begin(async round => answerOf<Result>(await dialogue(prompter(applicant, attempt.submethods, round))))
      },
    }
  },
})

type Round = (instruction: string, prompts: readonly Prompt[]) => Promise<readonly string[]>

const prompter = (applicant: Applicant, submethods: readonly string[], round: Round): Prompter => ({
  user: applicant.user,
  service: applicant.service,
  remote: applicant.remote,
  signal: applicant.signal,
  now: () => applicant.now(),
  banner: message => applicant.banner(message),
  report: error => applicant.report(error),
  submethods,
  ask: async (prompt, options = {}) => (await round('', [{ prompt, ...options }]))[0] ?? '',
  askAll: (prompts, instruction = '') => round(instruction, prompts),
  async tell(text) {
    await round(text, [])
  },
})

/** Turns an async function that asks into answers that each wait for one response. */
class Conversation<Identity> {
  readonly #applicant: Applicant
  readonly #name: string
  /** What the engine waits for: the next prompts, or the end. */
  #answer: PromiseWithResolvers<Answer<Identity>> | undefined
  /** What the dialogue waits for. */
  #asked: PromiseWithResolvers<readonly string[]> | undefined
  #over = false
  readonly #abandoned = (): void => this.abandon()

  constructor(applicant: Applicant, name: string) {
    this.#applicant = applicant
    this.#name = name
  }

  begin(dialogue: (round: Round) => Promise<Answer<Identity>>): Promise<Answer<Identity>> {
    this.#applicant.signal.addEventListener('abort', this.#abandoned, { once: true })
    this.#answer = Promise.withResolvers()
    const { promise } = this.#answer
    dialogue((instruction, prompts) => this.#ask(instruction, prompts)).then(
      answer => this.#end()?.resolve(answer),
      // After an abandonment nobody waits, and the error is most likely the one `abandon` made.
      error => this.#end()?.reject(error),
    )
    return promise
  }

  respond(responses: readonly Secret<string>[]): Promise<Answer<Identity>> | undefined {
    const asked = this.#asked
    if (asked === undefined) return undefined
    this.#asked = undefined
    this.#answer = Promise.withResolvers()
    const { promise } = this.#answer
    asked.resolve(responses.map(each => each.reveal()))
    return promise
  }

  abandon(): void {
    const asked = this.#asked
    this.#end()
    asked?.reject(this.#gone())
  }

  #gone(): SshError {
    return new SshError('LOGIN_ABANDONED', 'The client went away, or tried something else, before it answered this prompt.')
  }

  #ask(instruction: string, prompts: readonly Prompt[]): Promise<readonly string[]> {
    if (this.#over) return Promise.reject(this.#gone())
    const answer = this.#answer
    if (answer === undefined) return Promise.reject(new TypeError('One prompt at a time: await the first, or ask for several by askAll.'))
    this.#answer = undefined
    this.#asked = Promise.withResolvers()
    answer.resolve({ is: 'prompt', name: this.#name, instruction, prompts: prompts.map(({ prompt, echo = false }) => ({ prompt, echo })) })
    return this.#asked.promise
  }

  /** Ends the conversation; returns what the engine waits for, if it does. */
  #end(): PromiseWithResolvers<Answer<Identity>> | undefined {
    const answer = this.#answer
    this.#over = true
    this.#answer = undefined
    this.#asked = undefined
    this.#applicant.signal.removeEventListener('abort', this.#abandoned)
    return answer
  }
}
